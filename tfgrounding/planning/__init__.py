"""From a query to a plan: by rules, by an LLM, or from stored plans."""

from .llm import LLMPlanner
from .planner import PlanReport, get_planner, plan_many
from .plans import Planner, StoredPlanner, write_plans, write_tfvtg
from .rules import RulesPlanner

__all__ = [
    "LLMPlanner",
    "PlanReport",
    "Planner",
    "RulesPlanner",
    "StoredPlanner",
    "get_planner",
    "plan_many",
    "write_plans",
    "write_tfvtg",
]
