"""From a query to a plan: by rules, by an LLM, from a file."""
