"""The rules planner: lexicon, phrases, tagging, connectives, verb_phrases, clauses, plan, in the order of reading."""
