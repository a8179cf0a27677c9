"""The rules planner. In the order of reading: lexicon, quotations, asked_patterns, asked_words, questions,
request_patterns, requests, phrases, tagging, connectives, verb_phrases, clauses, negation, wordings, plan."""

from .plan import RulesPlanner

__all__ = ["RulesPlanner"]
