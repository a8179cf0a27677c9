"""What every localizer gets and what it returns."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Protocol

import numpy as np

from ..registry import make
from ..types import Relation


@dataclass(frozen=True, slots=True)
class QueryCurves:
    """The curves of one query and its sub-events over T frames, checked, and what else may help to locate it.

    Attributes:
        query: (N, T) float64 similarity, one row for each wording of the query, the main one first.
        edges_seconds: (T + 1,) float64, frame t covers [edges[t], edges[t + 1]).
        uniform: whether the edges are t / T * duration.
        sub_events: the curves of each sub-event, (n, T) each, in the order of the plan; none for "single-query".
        relation: how the sub-events relate.
        floor: the cosine below which the encoder's similarity means nothing.
        null_curves: (M, T) curves of texts that have nothing to do with the video.
        features: (T, D) vectors of the same frames.
        likely: (3, K) starts, ends and probabilities of intervals that something else than the curves names, as a
            sentence that has all words of the query; together at most 1.
    """

    query: np.ndarray
    edges_seconds: np.ndarray
    uniform: bool = True
    sub_events: tuple[np.ndarray, ...] = ()
    relation: Relation = "single-query"
    floor: float | None = None
    null_curves: np.ndarray | None = None
    features: np.ndarray | None = None
    likely: np.ndarray | None = None


@dataclass(frozen=True, slots=True)
class Candidates:
    """Scored intervals, best first: three (N,) float64 arrays. In seconds, 0 <= start < end <= duration."""

    start_seconds: np.ndarray
    end_seconds: np.ndarray
    score: np.ndarray


class Localizer(Protocol):
    """Finds the intervals in which a query's curves show it; without state, so that threads can share it."""

    name: str

    def locate(self, curves: QueryCurves) -> Candidates:
        """The intervals that answer the query, best first."""
        ...


def get_localizer(localizer: str | Localizer | type[Localizer] = "default") -> Localizer:
    """The localizer of that name.

    Args:
        localizer: "default", "max-sum", "tag", "tfvtg", "tfvtg-reference", the name of a plug-in, "module:Class" of
            your own (see docs/extending.md), or such a localizer itself.

    Raises:
        TFGroundingError: no such localizer.
    """
    return _named(localizer) if isinstance(localizer, str) else _made(localizer)


def _made(localizer: Any) -> Localizer:
    return make("localizers", localizer, needs=("name", "locate"))


_named = lru_cache(maxsize=64)(_made)
