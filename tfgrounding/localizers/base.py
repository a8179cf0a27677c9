"""The door every localizer stands behind: curves of one event in, candidate intervals out."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Literal, Protocol

import numpy as np

from ..errors import TFGroundingError
from ..types import Relation


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
