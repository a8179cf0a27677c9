"""The default localizer: the segment with the largest sum of the mean-centred curve, then the next best ones."""

from __future__ import annotations

import numpy as np

from .base import Candidates, Combination, EventCurves

MOST_CANDIDATES = 5


class DefaultLocalizer:
    """Maximum-sum segments (Kadane) of the mean-centred curve, one after the other, each on what is left."""

    name = "default"
    combination = Combination(rule="sum", picks=MOST_CANDIDATES, results=MOST_CANDIDATES)

    def query_candidates(self, query: EventCurves) -> Candidates:
        curve = np.asarray(query.curves, dtype=np.float64).mean(axis=0)
        contrast = curve - curve.mean()
        scale = float(np.abs(contrast).max())
        if scale > 0:
            contrast = contrast / scale
        starts: list[float] = []
        ends: list[float] = []
        scores: list[float] = []
        left = contrast.copy()
        for _ in range(MOST_CANDIDATES):
            start, end = _largest_segment(left)
            inside = float(contrast[start:end].mean())
            if starts and inside <= 0:
                break
            starts.append(query.edges_seconds[start])
            ends.append(query.edges_seconds[end])
            scores.append(float(contrast[start:end].sum()) / np.sqrt(len(contrast)))
            left[start:end] = -np.inf
            if not np.isfinite(left).any():
                break
        order = np.argsort(-np.asarray(scores), kind="stable")
        return Candidates(np.asarray(starts)[order], np.asarray(ends)[order], np.asarray(scores)[order])

    def event_candidates(self, event: EventCurves) -> Candidates:
        return self.query_candidates(event)

    def rank(self, query: EventCurves, own: Candidates, combined: Candidates) -> Candidates:
        return own


def _largest_segment(values: np.ndarray) -> tuple[int, int]:
    """Half-open [start, end) with the largest sum, never empty; an entry of -inf is never inside beside others."""
    best, best_start, best_end = -np.inf, 0, 1
    running, start = 0.0, 0
    for t, value in enumerate(values):
        if running <= 0 or not np.isfinite(running):
            running, start = 0.0, t
        running += value
        if running > best:
            best, best_start, best_end = running, start, t + 1
    return best_start, best_end
