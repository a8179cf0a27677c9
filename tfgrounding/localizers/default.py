"""The default localizer: how likely is each interval, and which answer agrees best with all of them?

1. *Evidence curve.* The mean of all wordings' curves, each standardized, exponentiated (similarities are log odds) and
   standardized again. With `features`, two more curves join it: the *echo*, similarity to the mean of the video's own
   best frames, and the *liveliness*, how much the picture changes, since what people describe is what happens.
2. *Posterior.* Windows on a geometric grid of lengths. Evidence: the level inside against the level outside, samples
   counted as independent only every few seconds, the true contrast integrated out (a Bayes factor in closed form).
   Prior: a broad one on length, and mass on moments that the video's start or end cuts off.
   Where one window explains nearly all of the curve, it joins the grid, its boundaries interpolated between frames.
3. *Answer.* Not the likeliest window but the interval with the largest expected IoU under the posterior, its
   boundaries moved off the grid as long as that grows. Then the same again on what is left.

Nothing depends on the scale of an encoder's cosines, nor on the sampling rate.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import accumulate
from math import isfinite, sqrt

import numpy as np

from ..errors import PlanError
from . import curve_kernels, interval_kernels
from .base import Candidates, QueryCurves


@dataclass(frozen=True, slots=True)
class Constants:
    """All that was chosen, once for every video and encoder, by random search on two very different sets of queries.

    The optima are flat: benchmarks/localizers.py halves and doubles each, and measures on one half of the videos what
    was chosen on the other. Limits and resolutions, which are not tuned, are beside the kernels.
    """

    odds_until: float = 3.0  # standard deviations up to which odds grow exponentially; beyond, one frame would decide
    best_share: float = 0.06  # of the time, the frames whose mean is the echo's direction (published: the top 5 %)
    echo_weight: float = 0.35  # of the echo in the mix with the texts' own curve
    life_weight: float = 0.3  # of liveliness, in standard deviations of the texts' curve: a hint
    life_seconds: float = 2.5  # half the span over which the picture's change is measured: an action, not a scene
    cut_ratio: float = 3.5  # a step this many times the median step starts a new shot; single takes have almost none
    apart_seconds: float = 4.0  # between samples that count as independent (as curves are), less in clips under 30 s
    contrast_mean: float = 1.1  # of a moment's level above the rest, in standard deviations of the curve
    contrast_sd: float = 0.6  # how uncertain that is; the posterior is sharper where the curve is clear
    typical_seconds: float = 6.0  # median length of a moment in a 30 s video; it grows with the root of the duration
    length_sd: float = 0.65  # of the log length, heavy-tailed (3 degrees of freedom): a factor 2 either way is usual
    edge_share: float = 0.5  # of its length: as how many seconds of possible starts a moment at the video's edge counts


CONSTANTS = Constants()
FINENESS = 0.2  # of a window's length: the grid's step in starts and lengths. Not tuned: finer costs time
REFERENCE_SECONDS = 30.0


class DefaultLocalizer:
    """Expected-IoU answers under a posterior over intervals; see the module's head."""

    name = "default"

    def __init__(self, *, constants: Constants = CONSTANTS, fineness: float = FINENESS) -> None:
        self.constants, self.fineness = constants, fineness

    def locate(self, curves: QueryCurves) -> Candidates:
        curve, edges, cuts, constants = self._given(curves)
        found = interval_kernels.answers(curve, edges, cuts, *constants)
        return Candidates(found[0], found[1], found[2])

    def windows(self, curves: QueryCurves) -> np.ndarray:
        """(3, W) starts and ends in seconds of windows of every length and place, and their log posterior."""
        curve, edges, cuts, constants = self._given(curves)
        return interval_kernels.windows(curve, edges, cuts, *constants)

    def _given(self, curves: QueryCurves) -> tuple[np.ndarray, np.ndarray, np.ndarray, tuple[float, ...]]:
        """The evidence curve, its edges, the shots' first frames, and the constants of the windows."""
        c = self.constants
        edges = curves.edges_seconds
        curve, cuts = evidence_curve(curves, c)
        pace = sqrt(edges[-1] / REFERENCE_SECONDS)  # moments are longer in longer videos, and quicker in short clips
        constants = (
            self.fineness,
            c.typical_seconds * pace,
            c.length_sd,
            c.edge_share,
            c.apart_seconds * min(1.0, pace),
            c.contrast_mean,
            c.contrast_sd,
        )
        return curve, edges, cuts, constants


def evidence_curve(curves: QueryCurves, constants: Constants) -> tuple[np.ndarray, np.ndarray]:
    """(T,) how strongly each frame supports the query, in standard deviations, and the frames that begin a shot.

    Raises PlanError if the features have values that are not finite.
    """
    edges = curves.edges_seconds
    weight = edges[1:] - edges[:-1]
    rows, first_rows = _rows(curves)
    curve = curve_kernels.own_curve(rows, first_rows, curves.relation == "sequentially", weight, constants.odds_until)
    if curves.features is None or not curve.any():
        return curve, _NO_CUTS
    features = np.ascontiguousarray(curves.features, dtype=np.float32)
    c = constants
    curve, cuts = curve_kernels.with_features(
        curve, features, edges, c.best_share, c.echo_weight, c.life_weight, c.life_seconds, c.cut_ratio
    )
    if not isfinite(curve[0]):
        raise PlanError("the features have values that are not finite (NaN or infinite)")
    return curve, cuts


_NO_CUTS = np.empty(0, dtype=np.int64)


def _rows(curves: QueryCurves) -> tuple[np.ndarray, np.ndarray]:
    """(N, T) wordings of the query, then of each sub-event, and where each sub-event's begin, with N at the end."""
    parts = [curves.query, *curves.sub_events]
    ends = np.array(list(accumulate(map(len, parts))))
    return np.ascontiguousarray(np.concatenate(parts) if len(parts) > 1 else parts[0], dtype=np.float64), ends
