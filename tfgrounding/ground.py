"""The only room that wires the stages: frames -> vectors -> curves -> candidates -> moments."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from .combine import NOTHING, combine
from .errors import PlanError
from .kernels import all_finite, uniform_edges
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
    chosen = get_localizer(localizer)
    relation = plan.relation if plan.sub_events else "single-query"
    table = _table(curves, plan)
    edges = _edges(table.shape[1], float(duration_seconds), pts_seconds)
    _check_grid(stride_frames, longest_frames)
    floor = floor if floor is None else float(floor)
    shared = (edges, pts_seconds is None, relation, floor, null_curves, features, stride_frames, longest_frames)
    row = 1 + len(plan.paraphrases)
    query = EventCurves(table[:row], *shared)
    own = chosen.query_candidates(query)
    combined = NOTHING
    if relation != "single-query":
        events = []
        for sub_event in plan.sub_events:
            rows = len(sub_event.descriptions)
            events.append(chosen.event_candidates(EventCurves(table[row : row + rows], *shared)))
            row += rows
        combined = combine(events, relation, chosen.combination)
    ranked = chosen.rank(query, own, combined)
    return list(map(Moment, ranked.start_seconds.tolist(), ranked.end_seconds.tolist(), ranked.score.tolist()))


def _table(curves: Mapping[str, np.ndarray], plan: Plan) -> np.ndarray:
    """(N, T) float64, checked: the query's curve, its paraphrases', each sub-event's, in the order of the plan."""
    texts = [plan.query, *plan.paraphrases]
    for sub_event in plan.sub_events:
        texts += sub_event.descriptions
    try:
        table = np.array([curves[text] for text in texts], dtype=np.float64)
    except (KeyError, ValueError, TypeError):
        table = np.empty(0)
    if table.ndim != 2 or table.shape[1] == 0 or not all_finite(table):
        raise PlanError(_what_is_wrong(curves, texts))
    return table


def _what_is_wrong(curves: Mapping[str, np.ndarray], texts: list[str]) -> str:
    lengths = {}
    for text in texts:
        if text not in curves:
            return f"there is no curve for the text {text!r} of the plan"
        try:
            curve = np.asarray(curves[text], dtype=np.float64)
        except (ValueError, TypeError):
            return f"the curve of {text!r} must have one number a frame"
        if curve.ndim != 1 or len(curve) == 0:
            return f"the curve of {text!r} must have one value a frame, not shape {curve.shape}"
        if not np.isfinite(curve).all():
            return f"the curve of {text!r} has values that are not finite (NaN or infinite)"
        lengths[len(curve)] = text
    return f"the curves of one video must be equally long, not {sorted(lengths)} frames"


def _check_grid(stride_frames: int | None, longest_frames: int | None) -> None:
    for name, value in (("stride_frames", stride_frames), ("longest_frames", longest_frames)):
        if value is not None and value < 1:
            raise PlanError(f"{name} must be at least 1, not {value}")


def _edges(frames: int, duration_seconds: float, pts_seconds: np.ndarray | None) -> np.ndarray:
    """(T + 1,) borders between the samples: half way between their times, 0 and the duration at the ends."""
    if not 0 < duration_seconds < np.inf:
        raise PlanError(f"duration_seconds must be a positive number, not {duration_seconds}")
    if pts_seconds is None:
        return uniform_edges(frames, duration_seconds)
    pts = np.asarray(pts_seconds, dtype=np.float64)
    if pts.shape != (frames,):
        raise PlanError(f"pts_seconds must have one time for each of the {frames} frames, not shape {pts.shape}")
    if not np.isfinite(pts).all() or (np.diff(pts) <= 0).any() or pts[0] < 0 or pts[-1] >= duration_seconds:
        raise PlanError("pts_seconds must increase from 0 on and stay below the duration")
    return np.concatenate([[0.0], (pts[1:] + pts[:-1]) / 2, [duration_seconds]])
