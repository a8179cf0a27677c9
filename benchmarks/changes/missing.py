"""What the localizer has, taken away."""

from __future__ import annotations

import numpy as np

from tfgrounding.localizers import cover_kernels, default, feature_kernels, interval_kernels, segment_kernels
from tfgrounding.localizers.cover_kernels import gain
from tfgrounding.localizers.intervals import temporal_iou

from .lever import Lever, changed, compiled, with_constants

MOST_OVERLAP = 0.5


def no_segments(*_: object) -> np.ndarray:
    return np.empty((3, 0))


def disjoint(voters: np.ndarray, leaders: int, chosen: np.ndarray, most: int) -> np.ndarray:
    """(3, n) as `cover`, but by expected IoU, without those that overlap a better one by half."""
    leading = voters[:, np.argsort(-voters[2], kind="stable")[:leaders]]
    nothing = np.zeros(voters.shape[1])
    value = np.array([gain(start, end, *voters, nothing) for start, end, _ in leading.T])
    for k in np.argsort(-value, kind="stable").tolist():
        start, end, _ = leading[:, k]
        if chosen.shape[1] < most and not (temporal_iou(chosen[0], chosen[1], start, end) > MOST_OVERLAP).any():
            chosen = np.column_stack([chosen, (start, end, value[k])])
    return chosen


TAKEN_AWAY = [
    Lever("segments", "only windows vote", ((segment_kernels, "segments", no_segments),)),
    Lever(
        "cover",
        f"answers by expected IoU, none that overlaps a better one by more than {MOST_OVERLAP}",
        ((cover_kernels, "answers", changed(cover_kernels.answers, cover=disjoint)),),
    ),
    Lever(
        "other places",
        "the later answers' windows are the first one's: of the largest posterior",
        (
            (
                cover_kernels,
                "answers",
                changed(cover_kernels.answers, places=compiled(cover_kernels.places, PLACES=1)),
            ),
        ),
    ),
    Lever("noise measured", "every video counts as without noise", localizer=with_constants(noise_share=np.inf)),
    Lever("echo", "no similarity to the video's own best frames", localizer=with_constants(echo_weight=0.0)),
    Lever("liveliness", "no hint from how much the picture changes", localizer=with_constants(life_weight=0.0)),
    Lever(
        "cuts",
        "no shot begins anywhere",
        ((feature_kernels, "cut_frames", lambda *_: np.empty(0, dtype=np.int64)),),
    ),
    Lever(
        "pictures once",
        "each frame counts, also where the picture is the one before",
        ((feature_kernels, "first_frames", lambda features: np.arange(len(features))),),
    ),
    Lever(
        "whole video",
        "no vote for the whole video",
        ((default, "_sure_intervals", lambda curves, found=default._sure_intervals: found(curves)[:, 1:]),),
    ),
    Lever(
        "beyond doubt",
        "no vote for stretches where the query fits as no unrelated text does",
        ((default, "_sure_intervals", lambda curves, found=default._sure_intervals: found(curves)[:, :1]),),
    ),
    Lever(
        "edge mass",
        "a moment that the video's start or end cuts off counts as any other window",
        ((default, "EDGE_SHARE", default.FINENESS),),
    ),
    Lever(
        "nearly-all window",
        "no window off the grid",
        ((interval_kernels, "windows", compiled(interval_kernels.windows, NEARLY_ALL=2.0)),),
    ),
    Lever(
        "odds",
        "the curve as it is, not exponentiated",
        (
            (
                default.curve_kernels,
                "own_curve",
                changed(
                    default.curve_kernels.own_curve,
                    odds=lambda curve, weight, until, slope: default.curve_kernels.standardized(curve, weight),
                ),
            ),
        ),
    ),
]
