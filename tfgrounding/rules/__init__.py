"""The rules planner: words (lexicon, tagging), connectives, clauses, and the plan they make."""
