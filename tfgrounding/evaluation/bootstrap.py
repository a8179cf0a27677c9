"""How sure a mean over queries is, and which of two runs is better: whole videos are drawn, not queries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

RESAMPLES = 2000


def bootstrap_interval(
    values: np.ndarray, videos: Sequence[Any], *, level: float = 0.95, resamples: int = RESAMPLES, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """The interval of a mean over queries, had other videos been drawn (percentile bootstrap).

    Whole videos are drawn with replacement, because queries about one video are right or wrong together.

    Args:
        values: (N,) or (N, M), one number (or M) for each query.
        videos: (N,) which video each query is about.

    Returns:
        (low, high), each of shape () or (M,).
    """
    sums, counts = _by_video(values, videos)  # (V, M), (V,)
    means = _resampled_means(sums, counts, resamples, seed)  # (B, M)
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2], axis=0)
    return (low, high) if np.ndim(values) == 2 else (low[0], high[0])


@dataclass(frozen=True, slots=True)
class Paired:
    """The mean of B − A over the same queries, its interval, and how often chance alone differs as much.

    The interval and p-value come from the differences between videos: with fewer than six they mean nothing.
    """

    difference: float
    low: float
    high: float
    p_value: float
    queries: int
    videos: int


def paired_difference(
    first: np.ndarray,
    second: np.ndarray,
    videos: Sequence[Any],
    *,
    level: float = 0.95,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Paired:
    """Compare two runs on the same queries, video by video.

    The interval is a percentile bootstrap over videos; the p-value comes from turning the sign of whole videos'
    differences at random (paired permutation test, two-sided).

    Args:
        first, second: (N,) one number for each query, in the same order.
        videos: (N,) which video each query is about.
    """
    gain = np.asarray(second, dtype=np.float64) - np.asarray(first, dtype=np.float64)
    if len(gain) == 0:
        return Paired(0.0, 0.0, 0.0, 1.0, 0, 0)
    sums = _by_video(gain, videos)[0]
    low, high = bootstrap_interval(gain, videos, level=level, resamples=resamples, seed=seed)
    signs = np.random.default_rng(seed).integers(0, 2, size=(resamples, len(sums))) * 2 - 1  # (B, V)
    observed = abs(float(sums.sum()))
    as_far = int((np.abs(signs @ sums[:, 0]) >= observed * (1 - 1e-12)).sum())
    return Paired(float(gain.mean()), float(low), float(high), (1 + as_far) / (1 + resamples), len(gain), len(sums))


def _by_video(values: np.ndarray, videos: Sequence[Any]) -> tuple[np.ndarray, np.ndarray]:
    table = np.asarray(values, dtype=np.float64).reshape(len(videos), -1)  # (N, M)
    numbers: dict[Any, int] = {}
    video = np.array([numbers.setdefault(name, len(numbers)) for name in videos], dtype=np.int64)
    sums = np.zeros((len(numbers), table.shape[1]))
    np.add.at(sums, video, table)
    return sums, np.bincount(video, minlength=len(numbers)).astype(np.float64)


def _resampled_means(sums: np.ndarray, counts: np.ndarray, resamples: int, seed: int) -> np.ndarray:
    """(B, M) means over B draws of as many videos as there are."""
    videos = len(counts)
    random = np.random.default_rng(seed)
    means = np.zeros((resamples, sums.shape[1]))
    if videos == 0:
        return means
    for first in range(0, resamples, 256):
        rows = min(256, resamples - first)
        drawn = random.integers(0, videos, size=(rows, videos)) + np.arange(rows)[:, None] * videos
        times = np.bincount(drawn.ravel(), minlength=rows * videos).reshape(rows, videos)  # (rows, V)
        means[first : first + rows] = (times @ sums) / (times @ counts)[:, None]
    return means
