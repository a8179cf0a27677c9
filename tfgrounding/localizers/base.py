"""The door every localizer stands behind: curves of one event in, candidate intervals out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from ..errors import TFGroundingError


@dataclass(frozen=True, slots=True)
class EventCurves:
    """What a localizer sees of one event.

    `curves`: (N, T) float, one row for each way of saying it, the main one first. `edges_seconds`: (T + 1,) float64,
    frame t stands for [edges[t], edges[t + 1]). `uniform`: the edges are t / T * duration. `floor`: the cosine below
    which the encoder's similarity means nothing. `null_curves`: (M, T) curves of texts that have nothing to do with
    the video. `features`: (T, D) vectors of the same frames. `stride_frames`, `longest_frames`: TFVTG's window grid.
    """

    curves: np.ndarray
    edges_seconds: np.ndarray
    uniform: bool = True
    floor: float | None = None
    null_curves: np.ndarray | None = None
    features: np.ndarray | None = None
    stride_frames: int | None = None
    longest_frames: int | None = None

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


class Localizer(Protocol):
    """Turns curves into intervals; stateless, so one instance serves every thread."""

    name: str

    def query_candidates(self, query: EventCurves) -> Candidates:
        """Candidates from the whole query's own curve (row 0) and its paraphrases' (rows 1 ...)."""
        ...

    def event_candidates(self, event: EventCurves) -> Candidates:
        """Candidates of one sub-event, to be combined with those of the others."""
        ...

    def rank(self, own: Candidates, combined: Candidates) -> Candidates:
        """The final list, best first, from the query's own candidates and the combined ones (maybe empty)."""
        ...


def _default() -> Localizer:
    from .default import DefaultLocalizer

    return DefaultLocalizer()


LOCALIZERS: dict[str, Callable[[], Localizer]] = {
    "default": _default,
}


def get_localizer(name: str) -> Localizer:
    """The localizer of that name. Raises TFGroundingError, naming the known ones, if there is none."""
    if name not in LOCALIZERS:
        raise TFGroundingError(f"localizer {name!r} is not known; choose one of {', '.join(sorted(LOCALIZERS))}")
    return LOCALIZERS[name]()
