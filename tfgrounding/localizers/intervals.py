"""Temporal intervals as arrays: overlap, suppression, vote, hull, intersection. Any unit of time, half-open."""

from __future__ import annotations

import numpy as np


def temporal_iou(start: np.ndarray, end: np.ndarray, other_start: np.ndarray, other_end: np.ndarray) -> np.ndarray:
    """Intersection over union of intervals; the arguments broadcast, so columns against rows give a matrix.

    An interval without length has IoU 0 with everything.
    """
    intersection = np.maximum(np.minimum(end, other_end) - np.maximum(start, other_start), 0.0)
    union = (end - np.asarray(start)) + (other_end - np.asarray(other_start)) - intersection
    return np.divide(intersection, union, out=np.zeros_like(union, dtype=np.float64), where=union > 0)


def nms(start: np.ndarray, end: np.ndarray, score: np.ndarray, *, iou_above: float, most: int) -> np.ndarray:
    """Indices of at most `most` intervals, best score first, none overlapping a better kept one by IoU > `iou_above`.

    start, end, score: (N,). Equal scores keep their order.
    """
    kept: list[int] = []
    left = np.argsort(-np.asarray(score), kind="stable")
    while len(left) and len(kept) < most:
        best, left = left[0], left[1:]
        kept.append(int(best))
        left = left[temporal_iou(start[left], end[left], start[best], end[best]) <= iou_above]
    return np.array(kept, dtype=np.int64)


def vote(start: np.ndarray, end: np.ndarray, score: np.ndarray, *, exponent: float = 0.6) -> np.ndarray:
    """(N,) how much all agree with each: the sum of IoU^exponent times their scores, negative ones as 0.

    Source: TFVTG (Zheng et al., ECCV 2024), public program.
    """
    overlap = temporal_iou(start[:, None], end[:, None], start, end)  # (N, N)
    return (overlap**exponent * np.maximum(score, 0.0)[:, None]).sum(axis=0)


def hull(start: np.ndarray, end: np.ndarray) -> tuple[float, float]:
    """The shortest interval that covers all of (N,) intervals."""
    return float(np.min(start)), float(np.max(end))


def intersection(start: np.ndarray, end: np.ndarray) -> tuple[float, float]:
    """What all of (N,) intervals share; empty if the start does not lie before the end."""
    return float(np.max(start)), float(np.min(end))
