"""When each event of a query of several events happens: one moment of each, chosen together.

Each event has candidates of its own, as if it were asked alone, and what these share with the best moment of the whole
query. In a sequence the best pick is the one with the largest product of scores whose events begin and end in the order
of the query; pauses between neighbours and what they share of their time cost, and so does a hull of the pick that is
not the best moment of the whole query. At the same time, all overlap one that leads, and what they share counts.

An event that is probably not in the video moves no other: it is picked after those that are there.

Where neighbours in a sequence overlap, the border between them is put where the curves change from one to the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np

from ..types import Moment, Relation
from .fusion import CLOSE_SECONDS
from .intervals import temporal_iou
from .presence import PROBABLY_NOT

LEAST_SCORE = 1e-6  # scores of some localizers may be 0 or less


def picked_moments(
    events: Sequence[Sequence[Moment]],
    relation: Relation,
    presents: Sequence[float | None],
    *,
    whole: Moment | None = None,
) -> list[Moment]:
    """One moment of each event, the best that fit together.

    Args:
        events: the moments of each event in the order of the query, best first; none may be empty.
        relation: how the events relate.
        presents: the probability that each event is in the video at all; None where it is not known.
        whole: the best moment of the whole query, None where it says nothing about the events.

    Returns:
        A moment of each event. Where no pick keeps the relation, each event's best.
    """
    together = relation == "simultaneously"
    candidates = [[*event, *([] if whole is None or together else _parts(event, whole))] for event in events]
    there = [n for n, present in enumerate(presents) if present is None or present >= PROBABLY_NOT]
    pick = _together if together else _in_order
    first = pick([candidates[n] for n in there], whole) or [events[n][0] for n in there]
    for n, moment in zip(there, first, strict=True):
        candidates[n] = [moment]
    return pick(candidates, whole) or [event[0] for event in candidates]


def divided(first: Moment, second: Moment, difference: np.ndarray, times_seconds: np.ndarray) -> tuple[Moment, Moment]:
    """Two moments that follow each other, without what they have in common: each keeps its side of the best border.

    Args:
        first, second: moments that overlap; `second` starts and ends no earlier.
        difference: (T,) how much better each sample fits the first event than the second.
        times_seconds: (T,) increasing times of the samples.
    """
    inside = np.flatnonzero((times_seconds >= first.start_seconds) & (times_seconds < second.end_seconds))
    if len(inside) < 2 or first.end_seconds <= second.start_seconds:
        return first, second
    last = int(np.cumsum(difference[inside])[:-1].argmax())  # of the first event
    border = float(times_seconds[inside[last : last + 2]].mean())
    return replace(first, end_seconds=border), replace(second, start_seconds=border)


def standardized_rows(curves: Sequence[np.ndarray]) -> np.ndarray:
    """(N, T) curves with mean 0 and deviation 1; all 0 where a curve is flat."""
    rows = np.asarray(curves, dtype=np.float64)
    spread = rows.std(axis=1, keepdims=True)
    return np.divide(rows - rows.mean(axis=1, keepdims=True), spread, out=np.zeros_like(rows), where=spread > 1e-12)


def _parts(event: Sequence[Moment], whole: Moment) -> list[Moment]:
    """What an event's moments share with the whole query's, where they reach over it; the score is shared as well."""
    found = []
    for moment in event:
        start, end = max(moment.start_seconds, whole.start_seconds), min(moment.end_seconds, whole.end_seconds)
        share = (end - start) / (moment.end_seconds - moment.start_seconds)
        if 0 < share < 1:
            found.append(replace(moment, start_seconds=start, end_seconds=end, score=moment.score * share))
    return found


def _in_order(events: Sequence[Sequence[Moment]], whole: Moment | None) -> list[Moment]:
    """The best pick in a sequence: for each first moment, event by event (Viterbi). Empty where there is none."""
    if not events:
        return []
    best, found = -np.inf, []
    steps = [_steps(event, following) for event, following in pairwise(events)]
    for first, moment in enumerate(events[0]):
        total = np.full(len(events[0]), -np.inf)
        total[first] = _log_scores(events[0])[first]
        came_from = []
        for step, following in zip(steps, events[1:], strict=True):
            value = total + step
            came_from.append(value.argmax(axis=1))
            total = value.max(axis=1) + _log_scores(following)
        if whole is not None:
            _, ends = _times(events[-1])
            total = total + _log(temporal_iou(moment.start_seconds, ends, whole.start_seconds, whole.end_seconds))
        if total.max() > best:
            best, places = total.max(), [int(total.argmax())]
            for back in reversed(came_from):
                places.append(int(back[places[-1]]))
            found = [event[place] for event, place in zip(events, reversed(places), strict=True)]
    return found


def _steps(event: Sequence[Moment], following: Sequence[Moment]) -> np.ndarray:
    """(N, M) logarithms of how well each of N moments follows each of M; -inf where it does not."""
    starts, ends = _times(event)
    next_starts, next_ends = (times[:, None] for times in _times(following))
    pause = np.maximum(next_starts - ends, 0.0)
    shared = temporal_iou(starts, ends, next_starts, next_ends)
    value = _log(CLOSE_SECONDS / (CLOSE_SECONDS + pause)) + _log(1 - shared)
    return np.where((next_starts >= starts) & (next_ends >= ends) & (shared < 1), value, -np.inf)


def _together(events: Sequence[Sequence[Moment]], whole: Moment | None) -> list[Moment]:
    """The best pick of which all moments overlap one that leads: scores times overlaps. Empty where there is none."""
    best, found = -np.inf, []
    tables = [(event, *_times(event), _log_scores(event)) for event in events]
    for leading in (moment for event in events for moment in event):
        total, pick = 0.0, []
        for event, starts, ends, scores in tables:
            shared = temporal_iou(leading.start_seconds, leading.end_seconds, starts, ends)
            value = np.where(shared > 0, scores + _log(shared), -np.inf)
            pick.append(event[int(value.argmax())])
            total += float(value.max())
        if total > best:
            best, found = total, pick
    return found


def _times(moments: Sequence[Moment]) -> tuple[np.ndarray, np.ndarray]:
    return np.array([m.start_seconds for m in moments]), np.array([m.end_seconds for m in moments])


def _log_scores(moments: Sequence[Moment]) -> np.ndarray:
    return np.log(np.maximum([m.score for m in moments], LEAST_SCORE))


def _log(shares: np.ndarray) -> np.ndarray:
    """Logarithms of shares, which may be 0: such a pick is the last choice, but a choice."""
    return np.log(np.maximum(shares, LEAST_SCORE))
