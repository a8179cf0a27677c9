"""The chat client that planning and vision LLMs share, and where prompts are found."""
