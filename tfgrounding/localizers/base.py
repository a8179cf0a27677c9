"""The door every localizer stands behind: curves that were checked in, candidate intervals out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Literal, Protocol

import numpy as np

from ..errors import PlanError, TFGroundingError
from ..types import Plan, Relation
from .kernels import largest_magnitude, uniform_edges

LARGEST_VALUE = 1e6  # of a curve: no sum or square of such values overflows in any localizer


@dataclass(frozen=True, slots=True)
class EventCurves:
    """What a localizer sees of one event: the whole query or one of its sub-events.

    `curves`: (N, T) float64, one row for each way of saying it, the main one first. `edges_seconds`: (T + 1,) float64,
    frame t stands for [edges[t], edges[t + 1]). `uniform`: the edges are t / T * duration. `relation`: how the plan's
    sub-events relate, "single-query" where it has none. `floor`: the cosine below which the encoder's similarity
    means nothing. `null_curves`: (M, T) curves of texts that have nothing to do with the video. `features`: (T, D)
    vectors of the same frames. `stride_frames`, `longest_frames`: TFVTG's window grid. `sub_events`: of the whole
    query, the curves of each sub-event in the order of the plan, (n, T) each.
    """

    curves: np.ndarray
    edges_seconds: np.ndarray
    uniform: bool = True
    relation: Relation = "single-query"
    floor: float | None = None
    null_curves: np.ndarray | None = None
    features: np.ndarray | None = None
    stride_frames: int | None = None
    longest_frames: int | None = None
    sub_events: tuple[np.ndarray, ...] = ()

    @property
    def duration_seconds(self) -> float:
        return float(self.edges_seconds[-1])


@dataclass(frozen=True, slots=True)
class Candidates:
    """Scored intervals, best first: three (N,) float64 arrays in seconds."""

    start_seconds: np.ndarray
    end_seconds: np.ndarray
    score: np.ndarray

    def __len__(self) -> int:
        return len(self.score)


@dataclass(frozen=True, slots=True)
class Combination:
    """How `combine` joins one candidate of each sub-event, in every possible way, into one.

    `rule` is one of TFVTG's two readings:
    - "product-vote" (the public program): in a sequence, each pick starts no sooner than the one before it ends; at
      the same time, all picks touch a common instant. Result: their hull, scored by the product of the scores (a
      negative one counts 0), ordered by the vote of all results.
    - "sum" (the paper): in a sequence, no pick starts after a later sub-event's pick ends, result their hull; at the
      same time, the picks' intersection, unless empty. Scored and ordered by the sum of the scores.

    `picks`: how many candidates of each sub-event take part, best first. `results`: how many results are handed on.
    """

    rule: Literal["product-vote", "sum"]
    picks: int
    results: int


class Localizer(Protocol):
    """Turns curves into intervals; stateless, so one instance serves every thread.

    `combination`: None where it looks at the sub-events' curves itself and wants no candidates combined.
    """

    name: str
    combination: Combination | None

    def query_candidates(self, query: EventCurves) -> Candidates:
        """Candidates from the whole query's own curve (row 0) and its paraphrases' (rows 1 ...)."""
        ...

    def event_candidates(self, event: EventCurves) -> Candidates:
        """Candidates of one sub-event, to be combined with those of the others; at least one."""
        ...

    def rank(self, query: EventCurves, own: Candidates, combined: Candidates) -> Candidates:
        """The final list, best first, from the query's own candidates and the combined ones (maybe none)."""
        ...


LOCALIZERS: dict[str, tuple[str, str]] = {  # name: (module, class), imported when first asked for
    "default": ("default", "DefaultLocalizer"),
    "max-sum": ("maxsum", "MaxSumLocalizer"),
    "tag": ("tag", "TAGLocalizer"),
    "tfvtg": ("tfvtg", "TFVTGLocalizer"),
    "tfvtg-reference": ("reference", "ReferenceLocalizer"),
}


@cache
def get_localizer(name: str) -> Localizer:
    """The localizer of that name. Raises TFGroundingError, naming the known ones, if there is none."""
    if name not in LOCALIZERS:
        raise TFGroundingError(f"localizer {name!r} is not known; choose one of {', '.join(sorted(LOCALIZERS))}")
    module, class_name = LOCALIZERS[name]
    return getattr(import_module(f".{module}", __package__), class_name)()


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


def check_options(
    frames: int,
    floor: float | None,
    null_curves: np.ndarray | None,
    features: np.ndarray | None,
    stride_frames: int | None,
    longest_frames: int | None,
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
    for name, value in (("stride_frames", stride_frames), ("longest_frames", longest_frames)):
        if value is not None and value < 1:
            raise PlanError(f"{name} must be at least 1, not {value}")


def sample_edges(frames: int, duration_seconds: float, pts_seconds: np.ndarray | None) -> np.ndarray:
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
