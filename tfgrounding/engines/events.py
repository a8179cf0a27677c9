"""Queries of several events: each event is asked alone, and one moment of each is chosen together with the others'."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Protocol

from ..answer import Answer
from ..errors import UndefinedAnswerError
from ..localizers.events import divided, picked_moments, standardized_rows
from ..localizers.presence import PROBABLY_NOT
from ..types import EventMoment, Moment, Plan, SubEvent

MOST_CANDIDATES = 10  # moments of each event


class Asked(Protocol):
    """What one event alone was answered: its moments, best first, and whether it is there at all."""

    @property
    def moments(self) -> Sequence[Moment]: ...

    @property
    def present(self) -> float | None: ...


def several_events(plan: Plan) -> bool:
    """Whether a plan has several events, each with a moment of its own."""
    return plan.relation != "single-query" and len(plan.sub_events) > 1


def plan_of(event: SubEvent) -> Plan:
    """A plan that asks for one event alone."""
    return Plan(
        event.descriptions[0],
        paraphrases=event.descriptions[1:],
        asks=event.asks,
        words=event.words,
        negated=event.negated,
    )


def event_moments(
    plan: Plan, asked: Sequence[Asked], *, whole: Moment | None = None
) -> tuple[tuple[EventMoment, ...], tuple[str, ...]]:
    """When each event of a plan happens, and warnings; no event at all where one of them has no moment.

    Args:
        plan: of several events.
        asked: what each of them was answered, in the order of the plan.
        whole: the best moment of the whole query, where it says something about the events.
    """
    for sub_event, event in zip(plan.sub_events, asked, strict=True):
        if not event.moments:
            return (), (f"when each event happens is not known: nothing was found for {sub_event.descriptions[0]!r}",)
    found, presents = [event.moments for event in asked], [event.present for event in asked]
    chosen = picked_moments(found, plan.relation, presents, whole=whole)
    return tuple(
        EventMoment(
            ("not: " if sub_event.negated else "") + sub_event.descriptions[0], replace(moment, text=""), event.present
        )
        for sub_event, moment, event in zip(plan.sub_events, chosen, asked, strict=True)
    ), ()


def with_events(answer: Answer, ask: Callable[[Plan], Answer], *, may_lead: bool = False) -> Answer:
    """The answer to a query of several events with the moment of each; any other answer as it is.

    Args:
        answer: the answer to the whole query, read from curves.
        ask: answers a plan of one event about the same video.
        may_lead: whether the best moment may become that from the first event to the last, where it has no instant in
            common with the best moment of an event that is probably there.
    """
    if not several_events(answer.plan):
        return answer
    events: tuple[EventMoment, ...]
    warnings: tuple[str, ...]
    try:
        asked = [ask(plan_of(event)) for event in answer.plan.sub_events]
    except UndefinedAnswerError as error:
        events, warnings = (), (f"when each event happens is not known: {error}",)
    else:
        events, warnings = event_moments(answer.plan, asked, whole=next(iter(answer.spans), None))
        if answer.plan.relation == "sequentially":
            events = _divided(events, answer.plan, asked)
            answer = _led_by(events, answer, asked) if may_lead else answer
    return replace(answer, events=events, warnings=(*answer.warnings, *warnings))


def _divided(events: tuple[EventMoment, ...], plan: Plan, asked: Sequence[Answer]) -> tuple[EventMoment, ...]:
    """The events without what neighbours have in common, by their curves."""
    rows = standardized_rows([event.curve for event in asked])
    moments = [event.moment for event in events]
    for n, (one, other) in enumerate(pairwise(plan.sub_events)):
        ordered = len(moments) and moments[n].start_seconds <= moments[n + 1].start_seconds
        if ordered and not (one.negated or other.negated):
            difference = rows[n] - rows[n + 1]
            moments[n : n + 2] = divided(moments[n], moments[n + 1], difference, asked[n].pts_seconds)
    return tuple(replace(event, moment=moment) for event, moment in zip(events, moments, strict=True))


def _led_by(events: Sequence[EventMoment], answer: Answer, asked: Sequence[Answer]) -> Answer:
    """The answer whose best moment leaves out no event that is probably there: from the first of these to the last."""
    there = [n for n, event in enumerate(events) if event.present is None or event.present >= PROBABLY_NOT]
    if not answer.spans or all(_in_touch(asked[n].moments[0], answer.spans[0]) for n in there):
        return answer
    moments = [events[n].moment for n in there]
    start, end = min(m.start_seconds for m in moments), max(m.end_seconds for m in moments)
    spans = [Moment(start, end, answer.spans[0].score), *answer.spans]
    total = max(1.0, sum(span.score for span in spans))
    return replace(answer, spans=tuple(replace(span, score=span.score / total) for span in spans))


def _in_touch(a: Moment, b: Moment) -> bool:
    return a.start_seconds < b.end_seconds and b.start_seconds < a.end_seconds


def without_events(plan: Plan, engine: str) -> tuple[str, ...]:
    """The warning of an engine that does not know when each event of a plan happens."""
    if not several_events(plan):
        return ()
    return (f"the {engine} engine asks for all events of the query at once: when each of them happens is not known",)
