"""Vision LLMs: how frames and their times are shown, how to ask, how to read the reply."""
