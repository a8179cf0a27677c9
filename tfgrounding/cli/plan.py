"""The command that shows a query's plan."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from .terminal import plain

if TYPE_CHECKING:
    from ..types import Plan, SubEvent


def plan_command(
    query: Annotated[str, typer.Argument(help="A sentence that says what happens.")],
    planner: Annotated[
        str, typer.Option(help="auto (the rules), rules, llm or llm:MODEL, the path of a plan file, or module:Class.")
    ] = "auto",
    model: Annotated[str | None, typer.Option(help="For llm: the model's name; default: OPENAI_MODEL.")] = None,
    base_url: Annotated[str | None, typer.Option(help="For llm: the server; default: OPENAI_BASE_URL.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print it as JSON.")] = False,
) -> None:
    """Which simple events is QUERY made of, and in which order?"""
    from ..planning.planner import get_planner
    from ..planning.plans import planned

    options = {name: value for name, value in (("model", model), ("base_url", base_url)) if value is not None}
    plan = planned(get_planner(planner, **options), query)
    for warning in plan.warnings:
        print(f"warning: {warning}", file=sys.stderr)
    if as_json:
        print(json.dumps(plan.to_dict(), ensure_ascii=False))
        return
    print(f"{_stated(plan, plan.query)}  ({plan.relation}; planned by {plan.source or planner})")
    for text in plan.paraphrases:
        print(f"      or: {text}")
    if plan.words:
        print(f"      {_asked(plan)}")
    if plan.wants != "moments":
        print(f"      asks for: {_WANTED[plan.wants]}")
    for number, event in enumerate(plan.sub_events, start=1):
        print(f"  {number}.  {_stated(event, event.descriptions[0])}")
        for text in event.descriptions[1:]:
            print(f"      or: {text}")
        if event.words:
            print(f"      {_asked(event)}")


_WANTED = {
    "number": "the number of the moments",
    "length": "how long they last",
    "time until": "how long it takes until then",
}


def _stated(plan: Plan | SubEvent, text: str) -> str:
    return f"not: {text}" if plan.negated else text


def _asked(plan: Plan | SubEvent) -> str:
    """Which words are looked for, and in which track first."""
    return f"asks for the words {plain(plan.words)!r}, {plan.asks or 'said or written'}"
