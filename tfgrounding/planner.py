"""From a query to a plan: an LLM, the rules, or plans made before."""

from __future__ import annotations

from typing import Protocol

from .errors import PlanError
from .rules.plan import RulesPlanner
from .types import Plan


class Planner(Protocol):
    """What turns a query into a plan."""

    @property
    def name(self) -> str: ...

    def plan(self, query: str) -> Plan: ...


def get_planner(planner: str | Planner = "auto") -> Planner:
    """The planner of a name: "auto" and "rules" plan by rule."""
    if not isinstance(planner, str):
        return planner
    if planner in ("auto", "rules"):
        return RulesPlanner()
    raise PlanError(f"there is no planner {planner!r}; allowed are auto, rules, llm, or the path of a plan file")
