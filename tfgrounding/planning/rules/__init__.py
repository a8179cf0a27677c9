"""The rules planner. In the order of reading: lexicon, quotations, asked_patterns, asked_words,
phrases, tagging, connectives, verb_phrases, clauses, plan."""

from .plan import RulesPlanner

__all__ = ["RulesPlanner"]
