"""From ready-made similarity curves to ranked moments."""

from __future__ import annotations

from collections.abc import Mapping
from math import isfinite

import numpy as np

from ..errors import PlanError, TFGroundingError
from ..registry import named_failures
from ..types import Moment, Plan
from .absence import absent_stretches
from .base import Candidates, Localizer, QueryCurves, get_localizer
from .kernels import largest_magnitude, uniform_edges
from .tfvtg.grid import with_grid

SHORTEST_SECONDS = 1e-6  # of a video: shorter ones are a slip
LARGEST_VALUE = 1e6  # of a curve: no sum or square of such values overflows in any localizer


def ground_curves(
    curves: Mapping[str, np.ndarray],
    plan: Plan,
    *,
    duration_seconds: float,
    pts_seconds: np.ndarray | None = None,
    floor: float | None = None,
    null_curves: np.ndarray | None = None,
    localizer: str | Localizer | type[Localizer] = "default",
    stride_frames: int | None = None,
    longest_frames: int | None = None,
    features: np.ndarray | None = None,
    edges_seconds: np.ndarray | None = None,
    likely: np.ndarray | None = None,
) -> list[Moment]:
    """Rank the moments of a video from ready-made similarity curves.

    Args:
        curves: {text: (T,) float}, one for every text of the plan; cosine similarity of each sample with it. Values
            beyond 1e6, which no cosine has, are scaled down to that, all together.
        plan: what to look for. A negated one is read by `absent_stretches`, whatever the localizer; for a localizer
            the curves of negated events are turned over (see `turned_over`).
        duration_seconds: length of the video, > 0.
        pts_seconds: (T,) increasing times of the samples; None means uniform, sample t at (t + 1/2) / T * duration.
        floor: the cosine below which the encoder's similarity means nothing.
        null_curves: (N, T) curves of texts that have nothing to do with the video.
        localizer: a localizer, as `get_localizer` takes it.
        stride_frames, longest_frames: TFVTG's window grid in frames, None for that of Charades-STA: 20 and T // 2.
            Other localizers ignore it.
        features: (T, D) vectors of the same frames.
        edges_seconds: (T + 1,) increasing from 0 to the duration: sample t is of the time from edges[t] to
            edges[t + 1]. None means half way between the samples' times; else `pts_seconds` is not needed.
        likely: (3, K) starts, ends and probabilities, together at most 1, of intervals that something else than the
            curves names; only "default" uses them.

    Returns:
        Moments, best first (with "tfvtg-reference" in the order of its vote, in which scores may rise again).

    Raises:
        PlanError: a text without a curve, curves of unequal length, values that are not finite, or an option that
            does not fit them.
        UndefinedAnswerError: only "tfvtg-reference", where the public program has no answer.
        TFGroundingError: no such localizer, or one of your own that returns something else than intervals.
    """
    chosen = get_localizer(localizer)
    if stride_frames is not None or longest_frames is not None:
        chosen = with_grid(chosen, stride_frames, longest_frames)
    given = query_curves(
        curves,
        plan,
        duration_seconds=duration_seconds,
        pts_seconds=pts_seconds,
        floor=floor,
        null_curves=null_curves,
        features=features,
        edges_seconds=edges_seconds,
        likely=likely,
    )
    if plan.negated:
        flags = [event.negated for event in plan.sub_events] if given.sub_events else [True]
        return _moments(absent_stretches(given, flags), float(given.edges_seconds[-1]), "of what is not there")
    with named_failures(chosen, f"localizer {chosen.name}: locate failed"):
        found = chosen.locate(given)
    return _moments(found, float(given.edges_seconds[-1]), chosen.name)


def query_curves(
    curves: Mapping[str, np.ndarray],
    plan: Plan,
    *,
    duration_seconds: float,
    pts_seconds: np.ndarray | None = None,
    floor: float | None = None,
    null_curves: np.ndarray | None = None,
    features: np.ndarray | None = None,
    edges_seconds: np.ndarray | None = None,
    likely: np.ndarray | None = None,
) -> QueryCurves:
    """What a localizer gets. Arguments and PlanError as for `ground_curves`."""
    table = curve_table(curves, plan)
    edges = sample_edges(table.shape[1], float(duration_seconds), pts_seconds, edges_seconds)
    check_options(table.shape[1], floor, null_curves, features)
    row = own_rows = 1 + len(plan.paraphrases)
    own = table[:own_rows]
    if plan.negated:
        own, likely = turned_over(own, null_curves), None
    sub_events = []
    if plan.relation != "single-query":
        for sub_event in plan.sub_events:
            rows = table[row : row + len(sub_event.descriptions)]
            if sub_event.negated:
                middle = _middle(rows, null_curves)
                # So that one floor is right for all events: what was below it lies above it now.
                rows = turned_over(rows, null_curves) + (0.0 if floor is None else 2 * (floor - middle))
            sub_events.append(rows)
            row += len(sub_event.descriptions)
    return QueryCurves(
        own,
        edges,
        pts_seconds is None and edges_seconds is None,
        tuple(sub_events),
        plan.relation if sub_events else "single-query",
        floor,
        null_curves,
        features,
        None if likely is None else _checked_likely(likely, float(edges[-1])),
    )


def turned_over(rows: np.ndarray, null_curves: np.ndarray | None) -> np.ndarray:
    """(N, T) curves that are high where these are low: what a text says is not there where it fits least.

    The values are reflected about the mean of the unrelated texts' curves, else each row about its own mean.
    """
    return 2 * _middle(rows, null_curves) - rows


def _middle(rows: np.ndarray, null_curves: np.ndarray | None) -> np.ndarray:
    if null_curves is None or not len(null_curves):
        return rows.mean(axis=1, keepdims=True)
    return np.full((1, 1), np.mean(null_curves, dtype=np.float64))


def _checked_likely(likely: np.ndarray, duration_seconds: float) -> np.ndarray:
    table = np.asarray(likely, dtype=np.float64)
    if (
        table.ndim != 2
        or len(table) != 3
        or not ((table[0] >= 0) & (table[0] < table[1]) & (table[1] <= duration_seconds) & (table[2] >= 0)).all()
        or table[2].sum() > 1 + 1e-9
    ):
        raise PlanError(
            "likely must be (3, K): starts and ends of intervals within the video, and probabilities that add up to 1 "
            "at most"
        )
    return table


def curve_table(curves: Mapping[str, np.ndarray], plan: Plan) -> np.ndarray:
    """(N, T) float64, checked: the query's curve, its paraphrases', each sub-event's, in the order of the plan."""
    texts = [plan.query, *plan.paraphrases]
    for sub_event in plan.sub_events:
        texts += sub_event.descriptions
    try:
        table = np.array([curves[text] for text in texts], dtype=np.float64)
    except (KeyError, ValueError, TypeError):
        table = np.empty(0)
    if table.ndim != 2 or table.shape[1] == 0 or (magnitude := largest_magnitude(table)) == np.inf:
        raise PlanError(_what_is_wrong(curves, texts))
    return table if magnitude <= LARGEST_VALUE else table * (LARGEST_VALUE / magnitude)


def sample_edges(
    frames: int,
    duration_seconds: float,
    pts_seconds: np.ndarray | None = None,
    edges_seconds: np.ndarray | None = None,
) -> np.ndarray:
    """(T + 1,) borders of the samples: as given, else half way between their times, 0 and the duration at the ends."""
    if not SHORTEST_SECONDS <= duration_seconds < np.inf:
        raise PlanError(f"duration_seconds must be a positive number of seconds, not {duration_seconds}")
    if edges_seconds is not None:
        edges = np.asarray(edges_seconds, dtype=np.float64)
        if (
            edges.shape != (frames + 1,)
            or not (np.diff(edges) > 0).all()
            or tuple(edges[[0, -1]])
            != (
                0.0,
                duration_seconds,
            )
        ):
            raise PlanError(
                f"edges_seconds must be {frames + 1} times that increase from 0 to the duration, {duration_seconds:g}"
            )
        return edges
    if pts_seconds is None:
        return uniform_edges(frames, duration_seconds)
    pts = np.asarray(pts_seconds, dtype=np.float64)
    if pts.shape != (frames,):
        raise PlanError(f"pts_seconds must have one time for each of the {frames} frames, not shape {pts.shape}")
    if not np.isfinite(pts).all() or (np.diff(pts) <= 0).any() or pts[0] < 0 or pts[-1] >= duration_seconds:
        raise PlanError("pts_seconds must increase from 0 on and stay below the duration")
    return np.concatenate([[0.0], (pts[1:] + pts[:-1]) / 2, [duration_seconds]])


def check_options(
    frames: int, floor: float | None, null_curves: np.ndarray | None, features: np.ndarray | None
) -> None:
    """Raises PlanError where an option does not fit curves of so many frames."""
    if floor is not None and floor != floor:
        raise PlanError("the floor must be a number, not NaN")
    if null_curves is not None and (
        np.ndim(null_curves) != 2 or np.shape(null_curves)[1] != frames or not np.isfinite(null_curves).all()
    ):
        raise PlanError(f"null_curves must be (N, {frames}) finite numbers, one row for each unrelated text")
    if features is not None and (np.ndim(features) != 2 or len(features) != frames):
        raise PlanError(f"features must be ({frames}, D), one row for each frame, not shape {np.shape(features)}")
    if features is not None and np.asarray(features).dtype.kind not in "fiu":
        raise PlanError(f"features must be numbers, not {np.asarray(features).dtype}")


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


def _moments(found: Candidates, duration_seconds: float, name: str) -> list[Moment]:
    """The candidates as moments, checked: a localizer may be anyone's."""
    moments = []
    try:
        starts, ends, scores = (
            np.asarray(part, dtype=np.float64).tolist()
            for part in (found.start_seconds, found.end_seconds, found.score)
        )
        for start, end, score in zip(starts, ends, scores, strict=True):
            if not (0 <= start < end <= duration_seconds and isfinite(score)):
                raise TFGroundingError(
                    f"localizer {name} returned the interval {start} to {end} s with score {score}, but needed are "
                    f"0 <= start < end <= {duration_seconds} s and a finite score"
                )
            moments.append(Moment(start, end, score))
    except (AttributeError, TypeError, ValueError) as error:
        raise TFGroundingError(
            f"localizer {name}: locate must return Candidates of three arrays of one length ({error})"
        ) from error
    return moments
