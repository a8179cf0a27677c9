"""Moments of several tracks become one list: agreement raises, and a track without an answer has no vote."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise, product
from math import prod

import numpy as np

from ..types import Evidence, Moment, Relation, TrackKind
from .intervals import temporal_iou

LEAST_PRESENT = 0.8  # of a track of words: below that its curve is within what unrelated texts reach, and it is silent
LEAST_RATIO = (
    3.0  # of its odds to those of the pictures: a query that asks for no words is about what is shown, if it is
)
LEAST_ASKED = 0.5  # the same for a track that the query asks first
OTHERS_SHARE = 0.1  # weight of the other tracks where one that is asked first has an answer
SAME_MOMENT = 0.5  # IoU from which two tracks name the same moment
MOST_MOMENTS = 100  # of a track
EVERY_EVENT = 5  # best moments of each event of a query, from which one each is picked
CLOSE_SECONDS = 60.0  # between two events that follow each other: so long a pause halves their score


@dataclass(frozen=True, slots=True)
class Reading:
    """What one track answers to a query.

    `moments`: best first; their scores are probabilities whose sum is at most 1. `present`: the probability that the
    track shows or says what the query describes at all.
    """

    kind: TrackKind
    moments: tuple[Moment, ...]
    present: float


def voting(readings: Sequence[Reading], asked: Collection[TrackKind] = ()) -> list[Reading]:
    """The tracks that have an answer: pictures always have, others where they fit as unrelated texts hardly ever do.

    Args:
        readings: of each track.
        asked: the kinds that the query asks first; the others must fit better than the pictures do as well.
    """
    shown = max((reading.present for reading in readings if reading.kind == "shown"), default=0.0)
    return [reading for reading in readings if reading.moments and _votes(reading, asked, shown)]


def _votes(reading: Reading, asked: Collection[TrackKind], shown: float) -> bool:
    if reading.kind == "shown":
        return True
    if reading.kind in asked:
        return reading.present >= LEAST_ASKED
    return reading.present >= LEAST_PRESENT and _odds(reading.present) >= LEAST_RATIO * _odds(shown)


def _odds(probability: float) -> float:
    return probability / max(1.0 - probability, 1e-9)


def fused(readings: Sequence[Reading], asked: Collection[TrackKind] = ()) -> list[Moment]:
    """The moments of all tracks that have an answer, merged on time.

    Each track has a weight, its `present`; where one that is asked first has an answer, the others keep OTHERS_SHARE
    of theirs. A moment scores its own track's weight times its score, and what the other tracks give to the moment
    that overlaps it most, times that overlap. Of moments that several tracks name the best stays, with the evidence of
    all. A single track's moments stay as they are.

    Args:
        readings: of each track; those without a vote (see `voting`) are left out.
        asked: the kinds that the query asks first.

    Returns:
        Moments, best first, whose scores together are at most 1.
    """
    heard = voting(readings, asked)
    if len(heard) < 2:
        return list(heard[0].moments) if heard else []
    share = OTHERS_SHARE if any(reading.kind in asked for reading in heard) else 1.0
    weights = [reading.present * (1.0 if reading.kind in asked else share) + 1e-9 for reading in heard]
    heights = [weight / sum(weights) for weight in weights]
    tables = [_table(reading.moments[:MOST_MOMENTS]) for reading in heard]
    found = []
    for number, reading in enumerate(heard):
        scores = heights[number] * tables[number][2]
        for other, (starts, ends, given) in enumerate(tables):
            if other != number:
                overlap = temporal_iou(tables[number][0][:, None], tables[number][1][:, None], starts, ends)  # (N, M)
                scores = scores + heights[other] * (overlap * given).max(axis=1)
        found += [
            replace(moment, score=float(score), evidence=_evidence(reading.kind, moment))
            for moment, score in zip(reading.moments, scores, strict=False)
        ]
    found.sort(key=lambda moment: (-moment.score, moment.start_seconds, moment.end_seconds))
    merged = _merged(found)
    total = sum(moment.score for moment in merged)
    return [replace(moment, score=moment.score / total) for moment in merged] if total > 1 else merged


def in_order(events: Sequence[Sequence[Moment]], relation: Relation) -> tuple[list[Moment], float]:
    """Moments of a query from those of its events, which may come from different tracks (TFVTG's combination).

    One moment of each event is picked in all ways. "sequentially": a pick in which an event begins before the one
    before it is dropped, and long pauses cost; the moment is from the first start to the last end. "simultaneously": it
    is what all share, and a pick that shares nothing is dropped.

    Args:
        events: the moments of each event in the order of the query, best first.
        relation: how the events relate.

    Returns:
        Moments, best first; a score is the geometric mean of its events' scores. Empty where no pick is left. And how
        much of the score of the events' best moments the best pick keeps, from 0 to 1: little where the events are
        there, but not in this order.
    """
    found: dict[tuple[float, float], Moment] = {}
    kept = 0.0
    for pick in product(*(event[:EVERY_EVENT] for event in events)):
        starts, ends = [m.start_seconds for m in pick], [m.end_seconds for m in pick]
        score = _mean_score(pick)
        if relation == "simultaneously":
            close, start, end = 1.0, max(starts), min(ends)
        else:
            if any(later < earlier for earlier, later in pairwise(starts)):
                continue
            pauses = (max(0.0, later - end) for end, later in zip(ends, starts[1:], strict=False))
            close, start, end = (
                prod(CLOSE_SECONDS / (CLOSE_SECONDS + pause) for pause in pauses),
                min(starts),
                max(ends),
            )
        if start >= end:
            continue
        kept = max(kept, score)
        before = found.get((start, end))
        if before is None or before.score < score * close:
            evidence = tuple(dict.fromkeys(e for moment in pick for e in moment.evidence))
            found[start, end] = Moment(start, end, score * close, evidence=evidence)
    best = _mean_score([event[0] for event in events if event])
    moments = sorted(found.values(), key=lambda moment: (-moment.score, moment.start_seconds, moment.end_seconds))
    return moments, min(1.0, kept / best) if best > 0 else 0.0


def _mean_score(moments: Sequence[Moment]) -> float:
    return prod(max(moment.score, 0.0) for moment in moments) ** (1 / max(1, len(moments)))


def presence_of_all(probabilities: Iterable[float]) -> float:
    """The probability that at least one track has what was asked, where each may have it alone."""
    return 1.0 - prod(1.0 - probability for probability in probabilities)


def _table(moments: Sequence[Moment]) -> np.ndarray:
    """(3, N) starts, ends and scores."""
    return np.array([(m.start_seconds, m.end_seconds, m.score) for m in moments]).T


def _evidence(kind: TrackKind, moment: Moment) -> tuple[Evidence, ...]:
    return moment.evidence or (Evidence(kind, moment.start_seconds, moment.end_seconds),)


def _merged(moments: Sequence[Moment]) -> list[Moment]:
    """Best first; a moment that another track named better gives its evidence to that one and is left out."""
    kept: list[Moment] = []
    for moment in moments:
        tracks = {evidence.track for evidence in moment.evidence}
        for place, better in enumerate(kept):
            of_others = {evidence.track for evidence in better.evidence}.isdisjoint(tracks)
            overlap = temporal_iou(moment.start_seconds, moment.end_seconds, better.start_seconds, better.end_seconds)
            if of_others and overlap >= SAME_MOMENT:
                kept[place] = replace(better, evidence=(*better.evidence, *moment.evidence))
                break
        else:
            kept.append(moment)
    return kept
