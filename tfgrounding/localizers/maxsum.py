"""Maximum-sum segments: the simplest published localizer that needs neither windows nor thresholds."""

from __future__ import annotations

import numpy as np

from .base import Candidates, QueryCurves
from .kernels import kernel

MOST_MOMENTS = 10


class MaxSumLocalizer:
    """The segment with the largest sum of the mean-centred curve (Kadane), then the largest on either side of it.

    The curve is the mean of all wordings', weighted by the frames' durations. Sub-events and features are not used.
    """

    name = "max-sum"

    def locate(self, curves: QueryCurves) -> Candidates:
        edges = curves.edges_seconds
        weight = np.diff(edges)
        curve = curves.query.mean(axis=0)
        centred = (curve - curve @ weight / edges[-1]) * weight
        if np.abs(centred).max() <= 1e-12 * np.abs(curve).max() * weight.max():
            centred = np.zeros(len(curve))  # flat: all of it
        first, last, score = largest_segments(centred, MOST_MOMENTS)
        scale = np.abs(centred).sum() / 2  # what lies above the mean, so that the best segment scores at most 1
        return Candidates(edges[first], edges[last], score / (scale if scale > 0 else 1.0))


@kernel
def largest_segment(values, low, high):
    """(first, last, sum) of the half-open segment within [low, high) with the largest sum, the longest of equals."""
    best, best_first, best_last = -np.inf, low, high
    running, first = 0.0, low
    for t in range(low, high):
        if running < 0:
            running, first = 0.0, t
        running += values[t]
        if running > best or (running == best and t + 1 - first > best_last - best_first):
            best, best_first, best_last = running, first, t + 1
    return best_first, best_last, best


@kernel
def largest_segments(values, most):
    """Disjoint segments with positive sums, largest first; the first one always."""
    first, last = np.empty(most, np.int64), np.empty(most, np.int64)
    score = np.empty(most)
    low, high = np.zeros(2 * most + 1, np.int64), np.zeros(2 * most + 1, np.int64)  # the stretches still free
    high[0] = len(values)
    free, n = 1, 0
    while n < most:
        chosen, best, a, b = -1, -np.inf, 0, 0
        for g in range(free):
            if high[g] > low[g]:
                i, j, value = largest_segment(values, low[g], high[g])
                if value > best:
                    chosen, best, a, b = g, value, i, j
        if chosen < 0 or (n > 0 and best <= 0):
            break
        first[n], last[n], score[n] = a, b, best
        n += 1
        low[free], high[free] = b, high[chosen]
        high[chosen] = a
        free += 1
    return first[:n], last[:n], score[:n]
