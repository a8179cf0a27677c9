"""From ready-made similarity curves to ranked moments."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ..types import Moment, Plan
from .base import EventCurves, check_options, curve_table, get_localizer, sample_edges
from .combine import NOTHING, combine


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
        curves: {text: (T,) float}, one for every text of the plan; cosine similarity of each sample with it. Values
            beyond 1e6, which no cosine has, are scaled down to that, all together.
        plan: what to look for.
        duration_seconds: length of the video, > 0.
        pts_seconds: (T,) increasing times of the samples; None means uniform, sample t at (t + 1/2) / T * duration.
        floor: the cosine below which the encoder's similarity means nothing.
        null_curves: (N, T) curves of texts that have nothing to do with the video.
        localizer: name of the localizer.
        stride_frames, longest_frames: TFVTG's window grid in frames, None for that of Charades-STA: 20 and T // 2.
        features: (T, D) vectors of the same frames.

    Returns:
        Moments, best first.

    Raises:
        PlanError: a text without a curve, curves of unequal length, values that are not finite, or an option that
            does not fit them.
        UndefinedAnswerError: only "tfvtg-reference", where the public program has no answer.
        TFGroundingError: no such localizer.
    """
    chosen = get_localizer(localizer)
    relation = plan.relation if plan.sub_events else "single-query"
    table = curve_table(curves, plan)
    edges = sample_edges(table.shape[1], float(duration_seconds), pts_seconds)
    check_options(table.shape[1], floor, null_curves, features, stride_frames, longest_frames)
    shared = (edges, pts_seconds is None, relation, floor, null_curves, features, stride_frames, longest_frames)
    row = own_rows = 1 + len(plan.paraphrases)
    sub_events = []
    if relation != "single-query":
        for sub_event in plan.sub_events:
            sub_events.append(table[row : row + len(sub_event.descriptions)])
            row += len(sub_event.descriptions)
    query = EventCurves(table[:own_rows], *shared, sub_events=tuple(sub_events))
    own = chosen.query_candidates(query)
    combined = NOTHING
    if sub_events and chosen.combination is not None:
        events = [chosen.event_candidates(EventCurves(curves, *shared)) for curves in sub_events]
        combined = combine(events, relation, chosen.combination)
    ranked = chosen.rank(query, own, combined)
    return list(map(Moment, ranked.start_seconds.tolist(), ranked.end_seconds.tolist(), ranked.score.tolist()))
