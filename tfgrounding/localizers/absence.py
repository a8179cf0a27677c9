"""Where is something not? The stretches in which the curve of what a negated query denies is low.

What is there has a moment's length; what is not there is all the rest, often most of the video. So a localizer of
moments is the wrong reader: its prior of lengths cuts the rest into pieces. Measured by `benchmarks/plans.py`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .base import Candidates, QueryCurves
from .curve_kernels import smoothed, standardized
from .presence import Presence
from .segment_kernels import otsu

SMOOTHING_SECONDS = 2.0  # standard deviation
LEVEL = 0.6  # of the way from where it is away to where it is there: up to here it counts as away
# Both were chosen on half of the untrimmed footage; 1 to 3 s and 0.5 to 0.7 differ by at most 5 points of mIoU there.
LEAST_NULLS = 3  # unrelated texts, below which nothing is said of the whole video
AWAY = 1 / 3  # presence of what is denied, below which the whole video comes first


def absent_stretches(curves: QueryCurves, negated: Sequence[bool] = ()) -> Candidates:
    """The stretches without what a negated query denies, best first; their scores together are at most 1.

    The smoothed curve is cut between the two levels that Otsu's threshold parts; the best stretch is the one with the
    largest area. Of several events ("no cars", "on the road") the curves are added, each standardized. Where what is
    denied seems to be nowhere in the video, the whole video comes first.

    Args:
        curves: those of what is denied turned over, high where the texts do not fit; see `ground_curves.turned_over`.
        negated: of each of its sub-events, whether it is what is denied.
    """
    edges = curves.edges_seconds
    weight = np.diff(edges)
    groups = curves.sub_events or (curves.query,)
    curve = groups[0].mean(axis=0)
    if len(groups) > 1:
        curve = np.mean([standardized(rows.mean(axis=0), weight) for rows in groups], axis=0)
    smooth = smoothed(curve, edges, np.empty(0, dtype=np.int64), SMOOTHING_SECONDS)
    first, last, area = _above(smooth, _threshold(smooth, weight), weight)
    order = np.argsort(-area, kind="stable")
    start, end, score = edges[first[order]], edges[last[order]], area[order] / area.sum()
    share = _share_of_whole(curves, groups) if all(negated) else 0.0
    if share > 0:
        start, end = np.append(0.0, start), np.append(edges[-1], end)
        score = np.append(share, score * (1 - share))
    return Candidates(start, end, score)


def _threshold(curve: np.ndarray, weight: np.ndarray) -> float:
    """The level above which what is denied counts as away; below the whole curve where it is flat."""
    parted = curve > otsu(curve, weight)
    if parted.all() or not parted.any() or np.ptp(curve) <= 1e-12 * np.abs(curve).max():
        return float(curve.min()) - 1.0
    away, there = (float(np.average(curve[part], weights=weight[part])) for part in (parted, ~parted))
    return away - LEVEL * (away - there)


def _above(curve: np.ndarray, level: float, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The half-open runs of frames above a level, and the area of each."""
    steps = np.diff(np.concatenate([[0], (curve > level).astype(np.int8), [0]]))
    first, last = np.flatnonzero(steps == 1), np.flatnonzero(steps == -1)
    sums = np.concatenate([[0.0], np.cumsum((curve - level) * weight)])
    return first, last, sums[last] - sums[first]


def _share_of_whole(curves: QueryCurves, groups: tuple[np.ndarray, ...]) -> float:
    """How probable it is that what is denied is nowhere in the video; 0 where that is improbable or not known."""
    null = curves.null_curves
    if null is None or len(null) < LEAST_NULLS:
        return 0.0
    middle = 2 * float(np.mean(null))
    presence = Presence(np.asarray(null), curves.edges_seconds)
    present = max(presence.probability(middle - rows) for rows in groups)
    return 1 - present if present < AWAY else 0.0
