"""A curve in QVHighlights' form: how salient every two seconds of a video are."""

from __future__ import annotations

import math

import numpy as np

CLIP_SECONDS = 2.0  # Lei et al., "QVHighlights", NeurIPS 2021: raters judge clips of two seconds


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
