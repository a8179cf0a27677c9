"""What looks at a proposal say about it, and how proposals are ordered and joined by that."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ..types import Moment
from ..vision.frames import Interval

AGREEMENT_IOU = 0.6  # of two looks at the same proposal; random replies rarely reach it
SAME_IOU = 0.8  # two corrected moments that overlap so much are one


@dataclass(frozen=True, slots=True)
class Verdict:
    """A proposal, maybe corrected; `seen`: both looks found it, `rejected`: both found nothing."""

    moment: Moment
    seen: bool = False
    rejected: bool = False


def agreed(first: Sequence[Interval], second: Sequence[Interval], before: Interval, after: Interval) -> list[Interval]:
    """The interval that two looks agree on, or none.

    They are compared on what both could see. The start is that of the look which saw more of what came before, the
    end that of the other one.
    """
    both = (max(before[0], after[0]), min(before[1], after[1]))
    pairs = [(iou(_clip(a, both), _clip(b, both)), (a[0], b[1])) for a in first for b in second]
    pairs = [pair for pair in pairs if pair[1][0] < pair[1][1]]
    agreement, found = max(pairs, default=(0.0, (0.0, 0.0)))
    return [found] if agreement >= AGREEMENT_IOU else []


def in_order(verdicts: Sequence[Verdict]) -> list[Verdict]:
    """What was seen goes before what was rejected; everything else keeps its place."""
    if not any(verdict.seen for verdict in verdicts):
        return list(verdicts)
    return [v for v in verdicts if not v.rejected] + [v for v in verdicts if v.rejected]


def distinct(verdicts: Sequence[Verdict]) -> list[Moment]:
    """Their moments; of those that were corrected to nearly the same one, only the first."""
    kept: list[Verdict] = []
    for verdict in verdicts:
        if not (verdict.seen and any(v.seen and iou(_ends(v), _ends(verdict)) > SAME_IOU for v in kept)):
            kept.append(verdict)
    return [verdict.moment for verdict in kept]


def _ends(verdict: Verdict) -> Interval:
    return verdict.moment.start_seconds, verdict.moment.end_seconds


def _clip(interval: Interval, to: Interval) -> Interval:
    return max(interval[0], to[0]), min(interval[1], to[1])


def overlap(a: Interval, b: Interval) -> float:
    return min(a[1], b[1]) - max(a[0], b[0])


def iou(a: Interval, b: Interval) -> float:
    if a[0] >= a[1] or b[0] >= b[1]:
        return 0.0
    shared = max(0.0, overlap(a, b))
    return shared / (a[1] - a[0] + b[1] - b[0] - shared)
