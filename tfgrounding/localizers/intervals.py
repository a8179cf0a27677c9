"""Overlap of temporal intervals, half-open, in any unit of time."""

from __future__ import annotations

import numpy as np


def temporal_iou(
    start: np.ndarray | float, end: np.ndarray | float, other_start: np.ndarray | float, other_end: np.ndarray | float
) -> np.ndarray:
    """Intersection over union of intervals; the arguments broadcast, so columns against rows give a matrix.

    An interval without length has IoU 0 with everything.
    """
    intersection = np.maximum(np.minimum(end, other_end) - np.maximum(start, other_start), 0.0)
    union = (end - np.asarray(start)) + (other_end - np.asarray(other_start)) - intersection
    return np.divide(intersection, union, out=np.zeros_like(union, dtype=np.float64), where=union > 0)
