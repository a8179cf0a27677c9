"""Other votes and answers from the same evidence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import exp
from typing import Any
from unittest.mock import patch

import numpy as np
from benches.bench import Bench
from benches.captions import sentence_vectors
from scipy.ndimage import uniform_filter1d
from scipy.signal import find_peaks

from tfgrounding.encoders.embedded import EmbeddedEncoder
from tfgrounding.localizers import cover_kernels, segment_kernels
from tfgrounding.localizers.base import Candidates, QueryCurves
from tfgrounding.localizers.default import Constants, DefaultLocalizer
from tfgrounding.localizers.interval_kernels import log_length_prior

from .lever import changed

SETTLED_SHARE = 0.01  # of an interval's length: the smallest step by which its boundaries move
PROMINENCE = 0.05
PEAKS_SHARE = 0.25  # of the segments' vote, that the peaks' intervals get
FIRST = 5  # answers that the sub-queries order anew
STATES_WEIGHT = 0.3  # of the sub-queries' levels, in standard deviations, beside the log of an answer's score

answers, cover = cover_kernels.answers, cover_kernels.cover  # as they are, while others stand in their places
segments = segment_kernels.segments


class PooledSettings:
    """The votes of several settings of the default localizer, together."""

    name = "pooled"

    def __init__(self, settings: Sequence[Constants]) -> None:
        self.localizers = [DefaultLocalizer(constants=setting) for setting in settings]

    def locate(self, curves: QueryCurves) -> Candidates:
        of_first, of_all = zip(*(votes(localizer, curves) for localizer in self.localizers), strict=True)
        first = cover(together(of_first), cover_kernels.LEADERS, np.empty((3, 0)), 1)
        found = cover(together(of_all), cover_kernels.LATER_LEADERS, first, cover_kernels.MOST_MOMENTS)
        return Candidates(found[0], found[1], found[2])


def votes(localizer: DefaultLocalizer, curves: QueryCurves) -> list[np.ndarray]:
    """[(3, V), (3, V)] starts, ends and shares that choose the first answer, and those that choose the later ones."""
    found = []

    def keep(voters: np.ndarray, leaders: int, chosen: np.ndarray, most: int) -> np.ndarray:
        found.append(voters)
        return chosen

    with patch.object(cover_kernels, "answers", changed(answers, cover=keep)):
        localizer.locate(curves)
    return found


def together(votes: Sequence[np.ndarray]) -> np.ndarray:
    """(3, V) the votes of all, each interval once."""
    starts, ends, shares = np.concatenate(votes, axis=1)
    intervals, of = np.unique(np.stack([starts, ends]), axis=1, return_inverse=True)
    return np.vstack([intervals, np.bincount(of.ravel(), shares / len(votes))])


def moved_boundaries(voters: np.ndarray, leaders: int, chosen: np.ndarray, most: int) -> np.ndarray:
    """As `cover`, the first interval moved, one boundary at a time, as long as its expected IoU grows."""
    found = cover(voters, leaders, chosen, most)
    if chosen.shape[1]:
        return found
    start, end, best = found[:, 0].tolist()
    nothing = np.zeros(voters.shape[1])
    step = (end - start) / 10
    while step > SETTLED_SHARE * (end - start):
        moves = [(start - step, end), (start + step, end), (start, end - step), (start, end + step)]
        moves = [(max(a, 0.0), min(b, voters[1].max())) for a, b in moves if b - a > step]
        values = [cover_kernels.gain(a, b, *voters, nothing) for a, b in moves]
        if max(values) > best * (1 + 1e-9):
            best = max(values)
            start, end = moves[values.index(best)]
        else:
            step /= 2
    found[:, 0] = start, end, best
    return found


class OnPictures(DefaultLocalizer):
    """Boundaries moved to the nearest change of the picture."""

    def locate(self, curves: QueryCurves) -> Candidates:
        found, edges = super().locate(curves), curves.edges_seconds
        starts, ends = (_nearest(edges, seconds) for seconds in (found.start_seconds, found.end_seconds))
        kept = ends > starts
        return Candidates(
            np.where(kept, starts, found.start_seconds), np.where(kept, ends, found.end_seconds), found.score
        )


def _nearest(edges: np.ndarray, seconds: np.ndarray) -> np.ndarray:
    right = np.clip(np.searchsorted(edges, seconds), 1, len(edges) - 1)
    return np.where(seconds - edges[right - 1] < edges[right] - seconds, edges[right - 1], edges[right])


def with_peaks(curve: np.ndarray, edges: np.ndarray, cuts: np.ndarray, typical: float, length_sd: float) -> np.ndarray:
    """The segments, and the stretches around peaks of the smoothed curve, grown down to a share of each peak."""
    found = segments(curve, edges, cuts, typical, length_sd)
    step = edges[-1] / len(curve)
    smooth = uniform_filter1d(curve, max(round(3.0 / step), 1))
    smooth = (smooth - smooth.min()) / max(np.ptp(smooth), 1e-12)
    share = 0.5 + 0.5 / (1 + exp(-smooth.std()))
    grown: list[list[float]] = []
    for peak in find_peaks(np.pad(smooth, 1), prominence=PROMINENCE)[0] - 1:
        low = np.flatnonzero(smooth < share * smooth[peak])
        first, last = low[low < peak].max(initial=-1) + 1, low[low > peak].min(initial=len(curve))
        length = edges[last] - edges[first]
        prior = exp(log_length_prior(length, typical, length_sd))
        grown.append([edges[first], edges[last], smooth[first:last].mean() * prior])
    if not grown or not found.shape[1]:
        return found
    peaks = np.array(grown).T
    peaks[2] *= PEAKS_SHARE / (1 - PEAKS_SHARE) * found[2].sum() / peaks[2].sum()
    return np.concatenate([found, peaks], axis=1)


class ByStates(DefaultLocalizer):
    """The first answers in a new order: by how well their starts fit "begins" and their ends fit "ends".

    The curves of those two texts are the last two sub-events, as `with_states` puts them.
    """

    def locate(self, curves: QueryCurves) -> Candidates:
        *events, begins, ends = curves.sub_events
        found = super().locate(replace(curves, sub_events=tuple(events)))
        centres = (curves.edges_seconds[1:] + curves.edges_seconds[:-1]) / 2
        value = np.log(found.score[:FIRST])
        for rows, seconds in ((begins, found.start_seconds), (ends, found.end_seconds)):
            z = (rows[0] - rows[0].mean()) / max(rows[0].std(), 1e-12)
            value += STATES_WEIGHT * np.interp(seconds[:FIRST], centres, z)
        order = np.arange(len(found.score))
        order[: len(value)] = np.argsort(-value, kind="stable")
        return Candidates(found.start_seconds[order], found.end_seconds[order], found.score)


def with_states(bench: Bench) -> list[QueryCurves] | None:
    """The queries, the curves of their texts with "begins" and with "ends" as two more sub-events."""
    encode = {"captions": sentence_vectors, "haystack": _embedded, "untrimmed": _embedded}.get(bench.group)
    if encode is None:
        return None
    texts = [[f"{sentence.rstrip('. ')} {state}" for state in ("begins", "ends")] for sentence in bench.sentences]
    vectors = encode([text for pair in texts for text in pair])
    return [
        replace(query, sub_events=(*query.sub_events, *((query.features @ vectors[text])[None] for text in pair)))
        for query, pair in zip(bench.queries, texts, strict=True)
    ]


def _embedded(texts: Sequence[str]) -> dict[str, Any]:
    return dict(zip(texts, EmbeddedEncoder().encode_texts(texts), strict=True))
