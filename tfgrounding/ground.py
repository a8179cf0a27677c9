"""The only room that wires the stages: frames -> vectors -> curves -> candidates -> moments."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from .errors import PlanError
from .localizers.base import EventCurves, get_localizer
from .types import Moment, Plan


def ground_curves(
    curves: Mapping[str, np.ndarray],
    plan: Plan,
    *,
    duration_seconds: float,
    pts_seconds: np.ndarray | None = None,
    floor: float | None = None,
    null_curves: np.ndarray | None = None,
    localizer: str = "default",
    stride_frames: int | None = None,
    longest_frames: int | None = None,
    features: np.ndarray | None = None,
) -> list[Moment]:
    """Rank the moments of a video from ready-made similarity curves.

    Args:
        curves: {text: (T,) float}, one for every text of the plan; cosine similarity of each sample with it.
        plan: what to look for.
        duration_seconds: length of the video, > 0.
        pts_seconds: (T,) increasing times of the samples; None means uniform, sample t at (t + 1/2) / T * duration.
        floor: the cosine below which the encoder's similarity means nothing.
        null_curves: (N, T) curves of texts that have nothing to do with the video.
        localizer: name of the localizer.
        stride_frames, longest_frames: TFVTG's window grid in frames, None for its own default.
        features: (T, D) vectors of the same frames.

    Returns:
        Moments, best first.

    Raises:
        PlanError: a text without a curve, curves of unequal length, or values that are not finite.
        TFGroundingError: no such localizer.
    """
    frames = _check_curves(curves, plan)
    edges = _edges(frames, duration_seconds, pts_seconds)

    def event(texts: tuple[str, ...]) -> EventCurves:
        return EventCurves(
            curves=np.stack([np.asarray(curves[text]) for text in texts]),
            edges_seconds=edges,
            uniform=pts_seconds is None,
            floor=floor,
            null_curves=null_curves,
            features=features,
            stride_frames=stride_frames,
            longest_frames=longest_frames,
        )

    chosen = get_localizer(localizer)
    own = chosen.query_candidates(event((plan.query, *plan.paraphrases)))
    return [
        Moment(float(start), float(end), float(score))
        for start, end, score in zip(own.start_seconds, own.end_seconds, own.score, strict=True)
    ]


def _check_curves(curves: Mapping[str, np.ndarray], plan: Plan) -> int:
    lengths = {}
    for text in plan.texts:
        if text not in curves:
            raise PlanError(f"there is no curve for the text {text!r} of the plan")
        curve = np.asarray(curves[text])
        if curve.ndim != 1 or len(curve) == 0:
            raise PlanError(f"the curve of {text!r} must have one value a frame, not shape {curve.shape}")
        if not np.isfinite(curve).all():
            raise PlanError(f"the curve of {text!r} has values that are not finite (NaN or infinite)")
        lengths[text] = len(curve)
    if len(set(lengths.values())) != 1:
        raise PlanError(f"the curves of one video must be equally long, not {sorted(set(lengths.values()))} frames")
    return lengths[plan.query]


def _edges(frames: int, duration_seconds: float, pts_seconds: np.ndarray | None) -> np.ndarray:
    """(T + 1,) borders between the samples: half way between their times, 0 and the duration at the ends."""
    if not np.isfinite(duration_seconds) or duration_seconds <= 0:
        raise PlanError(f"duration_seconds must be a positive number, not {duration_seconds}")
    if pts_seconds is None:
        return np.arange(frames + 1) / frames * duration_seconds
    pts = np.asarray(pts_seconds, dtype=np.float64)
    if pts.shape != (frames,):
        raise PlanError(f"pts_seconds must have one time for each of the {frames} frames, not shape {pts.shape}")
    if not np.isfinite(pts).all() or (np.diff(pts) <= 0).any() or pts[0] < 0 or pts[-1] >= duration_seconds:
        raise PlanError("pts_seconds must increase from 0 on and stay below the duration")
    return np.concatenate([[0.0], (pts[1:] + pts[:-1]) / 2, [duration_seconds]])
