"""How well answers fit the truth: IoU, recall, mIoU, and the best answer that looks at no video.

Everywhere: intervals are (start, end) in seconds; a query counts whether it was answered or not (unanswered: IoU 0);
"IoU >= m" includes equality; a query with several true moments is compared with the one that fits best.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..localizers.intervals import temporal_iou

RECALL_AT = (1, 5)
IOU_AT = (0.3, 0.5, 0.7)
SHARES = 51  # steps of the grid on which the best constant answer is looked for: 2 % of the video


def overlaps(
    answers: Sequence[Sequence[Sequence[float]]],
    truths: Sequence[Sequence[Sequence[float]]],
    *,
    durations_seconds: np.ndarray | None = None,
) -> np.ndarray:
    """How well every answer to every query fits.

    Args:
        answers: for each of N queries its moments [start, end, ...], best first, possibly none.
        truths: for each query its true moments [start, end].
        durations_seconds: (N,) lengths of the videos; given, the truths are clipped to them.

    Returns:
        (N, K) float64, the IoU of answer k with the truth it fits best; 0 where there is no k-th answer.
    """
    given = interval_table(answers)  # (N, K, 2)
    true = interval_table(truths)  # (N, M, 2)
    if durations_seconds is not None:
        true = np.minimum(true, np.asarray(durations_seconds, dtype=np.float64)[:, None, None])
    best = np.zeros(given.shape[:2])
    for m in range(true.shape[1]):
        np.maximum(best, interval_iou(given, true[:, m : m + 1]), out=best)  # (N, K)
    return np.minimum(best, 1.0)


def recall_and_miou(overlap: np.ndarray) -> dict[str, float]:
    """The field's table row, in percent.

    Args:
        overlap: (N, K) as `overlaps` returns it.

    Returns:
        {"R1@0.3": ..., "R1@0.5": ..., "R1@0.7": ..., "R5@0.3": ..., ..., "mIoU": ...}; all 0 without queries. R5 is
        missing where nothing has more than one answer.
    """
    return {name: float(values.mean()) * 100 if len(values) else 0.0 for name, values in per_query(overlap).items()}


def per_query(overlap: np.ndarray) -> dict[str, np.ndarray]:
    """What `recall_and_miou` averages: {name: (N,) float64 between 0 and 1}."""
    values = {}
    for n in RECALL_AT:
        if n == 1 or overlap.shape[1] > 1:
            reached = overlap[:, :n].max(axis=1, initial=0.0)  # (N,)
            values.update({f"R{n}@{m}": (reached >= m).astype(np.float64) for m in IOU_AT})
    values["mIoU"] = overlap[:, :1].max(axis=1, initial=0.0)
    return values


def best_constant(truths: Sequence[Sequence[Sequence[float]]], durations_seconds: np.ndarray) -> tuple[float, float]:
    """The one answer, as shares of the video, that scores the highest mIoU when it is given to every query.

    It is fitted on the very truths it is then measured on: the most that can be had without looking at a video.

    Args:
        truths: for each of N queries its true moments [start, end] in seconds.
        durations_seconds: (N,).

    Returns:
        (start, end), 0 <= start < end <= 1, on a grid of 2 %.
    """
    shares = np.linspace(0.0, 1.0, SHARES)
    starts, ends = (side.ravel() for side in np.meshgrid(shares, shares, indexing="ij"))
    grid = np.stack([starts, ends], axis=1)[ends > starts]  # (G, 2)
    true = interval_table(truths) / np.asarray(durations_seconds, dtype=np.float64)[:, None, None]  # (N, M, 2)
    total = np.zeros(len(grid))
    for chunk in np.array_split(true, max(1, len(true) // 256)):
        best = np.zeros((len(chunk), len(grid)))
        for m in range(int((~np.isnan(chunk[:, :, 0])).any(axis=0).sum())):
            np.maximum(best, interval_iou(grid, chunk[:, m, None, :]), out=best)  # (n, G)
        total += best.sum(axis=0)
    start, end = grid[int(total.argmax())]
    return float(start), float(end)


def interval_iou(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """(...) IoU of (..., 2) intervals; 0 where one is empty, turned round or not finite."""
    with np.errstate(invalid="ignore"):
        return temporal_iou(first[..., 0], first[..., 1], second[..., 0], second[..., 1])


def interval_table(intervals: Sequence[Sequence[Sequence[float]]]) -> np.ndarray:
    """(N, K, 2) float64; NaN where there is no k-th interval."""
    most = max((len(some) for some in intervals), default=0)
    table = np.full((len(intervals), max(most, 1), 2), np.nan)
    for row, some in zip(table, intervals, strict=True):
        for k, interval in enumerate(some):
            row[k] = interval[:2]
    return table
