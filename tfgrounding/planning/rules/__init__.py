"""The rules planner. In the order of reading: lexicon, phrases, tagging, connectives, verb_phrases, clauses, plan."""

from .plan import RulesPlanner

__all__ = ["RulesPlanner"]
