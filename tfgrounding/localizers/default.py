"""The default localizer: how likely is each interval, and which few answers cover all that is likely?

1. *Evidence curve.* The mean of all wordings' curves, each standardized, exponentiated (similarities are log odds) and
   standardized again. With `features`, two more curves join it: the *echo*, similarity to the mean of the video's own
   best frames, and the *liveliness*, how much the picture changes, since what people describe is what happens.
   Frames in a row that show the same picture count once.
   *Noise* is what neighbouring samples do not share. Where there is much, as in captions of clips, a sample says less:
   the odds grow slower, the echo counts more, and the liveliness, which would be noise itself, less.
2. *Votes.* Windows on a geometric grid of lengths. Evidence: the level inside against the level outside, samples
   counted as independent only every few seconds, the true contrast integrated out (a Bayes factor in closed form).
   Prior: a broad one on length, and mass on moments that the video's start or end cuts off.
   Where one window explains nearly all of the curve, it joins the grid, its boundaries interpolated between frames.
   Beside them *segments*: stretches where the smoothed curve is high, at several scales and levels. And two that
   unrelated texts tell: the whole video, where the query fits it better than they do but no part of it stands out, and
   stretches where it fits as none of them ever does, as where a text is quoted.
3. *Answers.* A greedy cover: first the interval with the largest expected IoU under the votes, then again and again the
   one that adds most IoU to what is not yet covered, other places of the video included. So moments may overlap: later
   ones are other moments, or other readings of one.

Nothing depends on the scale of an encoder's cosines, nor on the sampling rate.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import accumulate
from math import isfinite, sqrt
from typing import NamedTuple

import numpy as np

from ..errors import PlanError
from . import cover_kernels, curve_kernels, feature_kernels, interval_kernels, segment_kernels
from .base import Candidates, QueryCurves


@dataclass(frozen=True, slots=True)
class Constants:
    """All that was chosen, once for every video and encoder, by random search on very different sets of queries.

    The optima are flat: benchmarks/localizers.py halves and doubles each, and measures on every bench what is chosen on
    the others. Limits and resolutions, which are not tuned, are beside the kernels.
    """

    best_share: float = 0.06  # of the time, the frames whose mean is the echo's direction (published: the top 5 %)
    echo_weight: float = 0.3  # of the echo in the mix with the texts' own curve; twice as much in noise
    smoothing_seconds: float = 4.0  # standard deviation, in noise, of the curve whose best frames the echo takes
    life_weight: float = 0.4  # of liveliness, in standard deviations of the texts' curve: a hint; none in noise
    life_seconds: float = 2.5  # half the span over which the picture's change is measured: an action, not a scene
    noise_share: float = 0.2  # of the variance, from which on there is noise; at twice that there is nothing else
    cut_ratio: float = 3.5  # a step this many times the median step starts a new shot; single takes have almost none
    apart_seconds: float = 5.5  # between samples that count as independent (as curves are), less in clips under 30 s
    contrast: float = 1.3  # of a moment's level above the rest, in standard deviations of the curve, give or take half
    typical_seconds: float = 7.0  # median length of a moment in a 30 s video; it grows with the root of the duration
    length_sd: float = 0.6  # of the log length, heavy-tailed (3 degrees of freedom); it grows as the median does
    segment_share: float = 0.4  # of the votes, that segments have; half of the rest too in noise


CONSTANTS = Constants()
FINENESS = 0.2  # of a window's length: the grid's step in starts and lengths. Not tuned: finer costs time
REFERENCE_SECONDS = 30.0
SHORTEST_SECONDS = 1.0
ODDS_UNTIL = 3.0  # standard deviations up to which odds grow exponentially; beyond, one frame would decide
NOISY_SLOPE = 0.5  # of the odds in noise; 1 without
STILL_SECONDS = 1.5  # or samples: pictures that are both shown longer may begin a new shot each
NOISE_SECONDS = 2.0  # between samples; where they are closer, noise averages out
LEAST_NULLS = 8  # unrelated texts, below which nothing is said of the whole video
EDGE_SHARE = 0.5  # of its length: as how many seconds of possible starts a moment at the video's edge counts
_NO_CUTS = np.empty(0, dtype=np.int64)


class DefaultLocalizer:
    """A cover of the likely intervals; see the module's head."""

    name = "default"
    hull_may_lead = True  # of a sequence, where its own best moment leaves out an event; published methods stay as are

    def __init__(self, *, constants: Constants = CONSTANTS, fineness: float = FINENESS) -> None:
        self.constants, self.fineness = constants, fineness

    def locate(self, curves: QueryCurves) -> Candidates:
        evidence = evidence_curve(curves, self.constants)
        edges = evidence.edges_seconds
        typical, length_sd = self._lengths(edges[-1])
        segments = segment_kernels.segments(evidence.curve, edges, evidence.cuts, typical, length_sd)
        share = self.constants.segment_share
        share += (1 - share) * evidence.noise / 2
        windows = self._windows(evidence, curves, length_sd)
        found = cover_kernels.answers(windows, segments, share, _sure_intervals(curves))
        return Candidates(found[0], found[1], found[2])

    def windows(self, curves: QueryCurves) -> np.ndarray:
        """(3, W) starts and ends in seconds of windows of every length and place, and their log posterior.

        The prior of lengths is that of short videos, however long this one is: it decides where to look first.
        """
        return self._windows(evidence_curve(curves, self.constants), curves, self.constants.length_sd)

    def _windows(self, evidence: Evidence, curves: QueryCurves, length_sd: float) -> np.ndarray:
        c, duration = self.constants, evidence.edges_seconds[-1]
        return interval_kernels.windows(
            evidence.curve,
            evidence.edges_seconds,
            evidence.cuts,
            min(duration, max(min(SHORTEST_SECONDS, duration / 8), np.diff(curves.edges_seconds).min())),
            self.fineness,
            self._lengths(duration)[0],
            length_sd,
            EDGE_SHARE,
            c.apart_seconds * min(1.0, sqrt(duration / REFERENCE_SECONDS)),  # things are quicker in short clips
            c.contrast,
            c.contrast / 2,
        )

    def _lengths(self, duration: float) -> tuple[float, float]:
        """(median seconds, deviation of the logarithm) of the prior of lengths."""
        pace = sqrt(duration / REFERENCE_SECONDS)
        return self.constants.typical_seconds * pace, self.constants.length_sd * max(1.0, pace)


class Evidence(NamedTuple):
    """How strongly each picture supports a query; frames in a row that show the same picture are one.

    Attributes:
        curve: (P,) in standard deviations.
        edges_seconds: (P + 1,) picture p is shown from edges[p] to edges[p + 1].
        cuts: the pictures that begin a shot.
        noise: how far neighbouring frames disagree, from 0 (as frames of a video do) to 1 (as captions do).
        first_frames: (P,) the frame that begins each picture.
    """

    curve: np.ndarray
    edges_seconds: np.ndarray
    cuts: np.ndarray
    noise: float
    first_frames: np.ndarray


def evidence_curve(curves: QueryCurves, constants: Constants = CONSTANTS) -> Evidence:
    """The evidence of the texts' curves and, where there are any, of the frames' features.

    Raises PlanError if the features have values that are not finite.
    """
    c, edges = constants, curves.edges_seconds
    sequential = curves.relation == "sequentially"
    if curves.features is None:
        curve = curve_kernels.own_curve(*_rows(curves), sequential, np.diff(edges), ODDS_UNTIL, 1.0)
        return Evidence(curve, edges, _NO_CUTS, 0.0, np.arange(len(curve)))
    features = np.ascontiguousarray(curves.features, dtype=np.float32)
    steps = feature_kernels.steps(features)
    spread, noise = feature_kernels.spread_and_noise(features, steps)
    noise = sqrt(noise * _noise_of_curves(curves)) * min(1.0, edges[-1] / len(features) / NOISE_SECONDS)
    noise = min(max(noise / c.noise_share - 1, 0.0), 1.0)
    first_frames = feature_kernels.first_frames(features)
    seen = curves
    if len(first_frames) < len(features):
        seen = _once(curves, first_frames)
        edges, features, steps = seen.edges_seconds, features[first_frames], steps[first_frames]
    slope = 1 - noise * (1 - NOISY_SLOPE)
    curve = curve_kernels.own_curve(*_rows(seen), sequential, np.diff(edges), ODDS_UNTIL, slope)
    if not curve.any():
        return Evidence(curve, edges, _NO_CUTS, noise, first_frames)
    still_seconds = STILL_SECONDS * max(1.0, edges[-1] / len(curves.features))
    cuts = feature_kernels.cut_frames(features, edges, steps, spread, c.cut_ratio, still_seconds)
    curve = feature_kernels.with_features(
        curve,
        features,
        edges,
        cuts,
        noise,
        c.best_share,
        c.echo_weight,
        c.smoothing_seconds,
        c.life_weight,
        c.life_seconds,
    )
    if not isfinite(curve[0]):
        raise PlanError("the features have values that are not finite (NaN or infinite)")
    return Evidence(curve, edges, cuts, noise, first_frames)


def _once(curves: QueryCurves, first_frames: np.ndarray) -> QueryCurves:
    """The mean curves of each picture, of the frames from its first one to the next picture's."""
    edges = curves.edges_seconds
    weight = np.diff(edges)
    seconds = np.add.reduceat(weight, first_frames)

    def means(rows: np.ndarray) -> np.ndarray:
        return np.add.reduceat(rows * weight, first_frames, axis=1) / seconds

    sub_events = tuple(means(rows) for rows in curves.sub_events)
    edges = np.append(edges[first_frames], edges[-1])
    return replace(curves, query=means(curves.query), sub_events=sub_events, edges_seconds=edges, uniform=False)


def _noise_of_curves(curves: QueryCurves) -> float:
    """The share of noise in the query's curves and in those of unrelated texts, where there are any."""
    own = curve_kernels.noise_of_curves(curves.query)
    if curves.null_curves is None or not len(curves.null_curves):
        return own
    return (own + curve_kernels.noise_of_curves(np.asarray(curves.null_curves, dtype=np.float64))) / 2


def _sure_intervals(curves: QueryCurves) -> np.ndarray:
    """(3, K) intervals that have a probability of their own: those that unrelated texts tell, and those given."""
    sure = np.empty((3, 0))
    if curves.null_curves is not None and len(curves.null_curves) >= LEAST_NULLS:
        null = np.asarray(curves.null_curves, dtype=np.float64)
        sure = curve_kernels.sure_intervals(curves.query, null, curves.edges_seconds)
    if curves.likely is None:
        return sure
    whole = sure[:, :1]  # what is given takes the place of stretches where the query fits as no unrelated text does
    likely = curves.likely.copy()
    likely[2] *= 1 - whole[2].sum()
    return np.concatenate([whole, likely], axis=1)


def _rows(curves: QueryCurves) -> tuple[np.ndarray, np.ndarray]:
    """(N, T) wordings of the query, then of each sub-event, and where each sub-event's begin, with N at the end."""
    parts = [curves.query, *curves.sub_events]
    ends = np.array(list(accumulate(map(len, parts))))
    return np.ascontiguousarray(np.concatenate(parts) if len(parts) > 1 else parts[0], dtype=np.float64), ends
