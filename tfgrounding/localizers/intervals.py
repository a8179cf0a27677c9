"""Overlap of temporal intervals, half-open, in any unit of time."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..types import Moment


def temporal_iou(
    start: np.ndarray | float, end: np.ndarray | float, other_start: np.ndarray | float, other_end: np.ndarray | float
) -> np.ndarray:
    """Intersection over union of intervals; the arguments broadcast, so columns against rows give a matrix.

    An interval without length has IoU 0 with everything.
    """
    intersection = np.maximum(np.minimum(end, other_end) - np.maximum(start, other_start), 0.0)
    union = (end - np.asarray(start)) + (other_end - np.asarray(other_start)) - intersection
    return np.divide(intersection, union, out=np.zeros_like(union, dtype=np.float64), where=union > 0)


def distinct(moments: Sequence[Moment], most_overlap: float) -> list[Moment]:
    """The moments in their order, without those that overlap an earlier one with a larger IoU than `most_overlap`."""
    kept: list[Moment] = []
    for moment in moments:
        starts, ends = np.array([(k.start_seconds, k.end_seconds) for k in kept]).reshape(-1, 2).T
        if not (temporal_iou(moment.start_seconds, moment.end_seconds, starts, ends) > most_overlap).any():
            kept.append(moment)
    return kept
