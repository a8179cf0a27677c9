"""A curve in QVHighlights' form: how salient every two seconds of a video are."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from ..types import Span

CLIP_SECONDS = 2.0  # Lei et al., "QVHighlights", NeurIPS 2021: raters judge clips of two seconds
SMOOTHING_CLIPS = 1.5  # standard deviation; 3 s, as REZE (2026) smooths, whatever the length of the video


def clip_count(duration_seconds: float) -> int:
    """How many clips a video has: every two seconds that begin before its end, at least one.

    The official evaluator counts int(duration / 2). For an odd duration this is one more, the half clip at the end; the
    evaluator cuts a prediction to its own length, so the last value does no harm.
    """
    return max(1, math.ceil(duration_seconds / CLIP_SECONDS - 1e-9))


def clip_saliency(curve: np.ndarray, pts_seconds: np.ndarray, duration_seconds: float) -> list[float]:
    """The mean of a curve over every clip; a clip without a sample takes what lies between its neighbours.

    Args:
        curve: (T,) similarity of a query with each sample.
        pts_seconds: (T,) the samples' times; those after the end are left out.
        duration_seconds: the video's length, or the length that annotations give it.

    Returns:
        `clip_count(duration_seconds)` numbers, QVHighlights' pred_saliency_scores; all 0 without a sample.
    """
    clips = clip_count(duration_seconds)
    clip = (np.asarray(pts_seconds) / CLIP_SECONDS).astype(np.int64)  # (T,)
    inside = clip < clips
    counts = np.bincount(clip[inside], minlength=clips)
    sums = np.bincount(clip[inside], weights=np.asarray(curve, dtype=np.float64)[inside], minlength=clips)
    seen = np.flatnonzero(counts)
    if len(seen) == 0:
        return [0.0] * clips
    return [float(v) for v in np.interp(np.arange(clips), seen, sums[seen] / counts[seen])]


def highlight_scores(
    curve: np.ndarray, edges_seconds: np.ndarray, moments: Sequence[Span], duration_seconds: float
) -> list[float]:
    """How salient each clip is: a smoothed curve and, at equal weight, the scores of the moments that cover the clip.

    Args:
        curve: (T,) how much each stretch of the video supports the query.
        edges_seconds: (T + 1,) stretch t is from edges[t] to edges[t + 1].
        moments: of the answer to the same query.
        duration_seconds: the video's length, or the length that annotations give it.

    Returns:
        `clip_count(duration_seconds)` numbers; clips after the last stretch take the value of the last one before.
    """
    clips = clip_count(duration_seconds)
    borders = np.minimum(np.arange(clips + 1) * CLIP_SECONDS, edges_seconds[-1])
    length = np.diff(borders)
    integral = np.concatenate([[0.0], np.cumsum(np.asarray(curve, dtype=np.float64) * np.diff(edges_seconds))])
    means = np.diff(np.interp(borders, edges_seconds, integral)) / np.maximum(length, 1e-9)
    covered = np.zeros(clips)
    for moment in moments:
        inside = np.minimum(borders[1:], moment.end_seconds) - np.maximum(borders[:-1], moment.start_seconds)
        covered += moment.score * np.maximum(inside, 0.0) / np.maximum(length, 1e-9)
    scores = _standardized(_smoothed(means)) + _standardized(covered)
    seen = np.flatnonzero(length > 0)
    return [float(score) for score in scores[np.minimum(np.arange(clips), seen[-1])]]


def _smoothed(values: np.ndarray) -> np.ndarray:
    """Weighted by a Gaussian, which at the ends is cut off there."""
    reach = math.ceil(4 * SMOOTHING_CLIPS)
    weights = np.exp(-0.5 * (np.arange(-reach, reach + 1) / SMOOTHING_CLIPS) ** 2)
    inside = slice(reach, reach + len(values))
    return np.convolve(values, weights)[inside] / np.convolve(np.ones(len(values)), weights)[inside]


def _standardized(values: np.ndarray) -> np.ndarray:
    centred = values - values.mean()
    spread = centred.std()
    return centred / spread if spread > 1e-9 * max(1.0, np.abs(values).max()) else np.zeros(len(values))
