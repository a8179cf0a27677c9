"""Is the event in the video at all? The query's curve against curves of texts that have nothing to do with it."""

from __future__ import annotations

import numpy as np
from scipy.special import stdtr  # Student's distribution; scipy.stats would cost a second of import

from ..errors import PlanError

NULL_TEXTS = (  # everyday events of many kinds; one that happens to be in the video only makes the answer more cautious
    "a dog catches a ball",
    "a man cooks rice in a pan",
    "a plane takes off",
    "children play in the snow",
    "a woman paints a wall",
    "a car drives through a tunnel",
    "someone reads a newspaper",
    "a cat sleeps on a sofa",
    "people dance at a wedding",
    "a boat crosses a lake",
    "a horse jumps over a fence",
    "a boy plays the piano",
    "fire burns in a fireplace",
    "a train arrives at the station",
    "someone cuts bread",
    "a bird builds a nest",
    "a crowd cheers in a stadium",
    "rain falls on the street",
    "a man shaves his beard",
    "a girl ties her shoes",
    "a robot walks up stairs",
    "a chef decorates a cake",
    "workers repair a roof",
    "a soldier salutes",
    "a baby crawls on the floor",
    "a fish swims in a tank",
    "a doctor examines a patient",
    "someone types on a keyboard",
    "a plant grows in a pot",
    "a clown juggles",
    "a goat eats grass",
    "a man throws darts",
    "an elephant drinks water",
    "a woman waters flowers",
    "a cyclist rides down a hill",
    "the moon rises over the sea",
    "a teacher writes on a board",
    "someone folds laundry",
    "a skier falls down",
    "a waiter pours wine",
)
FLOOR_SHARE = 0.75  # gives 0.17 (0.15-0.20 in 52 real videos) for the embedded encoder, whose stated floor is 0.18
GLIMPSE_SECONDS = 2.0  # the best stretch of this length counts: what is in the video shows at least so long


def measured_floor(null_curves: np.ndarray) -> float:
    """The cosine at and below which a frame does not show the text, for an encoder that states none.

    Args:
        null_curves: (N, T) similarity of N unrelated texts with the frames of the video.

    Returns:
        The value below which FLOOR_SHARE of these similarities lie.
    """
    return float(np.quantile(null_curves, FLOOR_SHARE))


class Presence:
    """How probable it is that an event is in one video at all, given how far unrelated texts rise there.

    Args:
        null_curves: (N, T) similarity of N >= 3 unrelated texts with the frames of the video.
        edges_seconds: (T + 1,) frame t covers [edges[t], edges[t + 1]).

    Raises:
        PlanError: fewer than three null curves, shapes that do not fit, or values that are not finite.
    """

    def __init__(self, null_curves: np.ndarray, edges_seconds: np.ndarray) -> None:
        null = np.asarray(null_curves, dtype=np.float64)
        if null.ndim != 2 or len(null) < 3 or len(edges_seconds) != null.shape[1] + 1:
            raise PlanError(
                f"null_curves must be at least three of {len(edges_seconds) - 1} frames, not shape {null.shape}"
            )
        if not np.isfinite(null).all():
            raise PlanError("the null curves have values that are not finite (NaN or infinite)")
        self._edges_seconds, self._count = edges_seconds, len(null)
        self._common = null.mean(axis=0)  # (T,)
        self._tiny = 1e-6 * (float(null.std()) + 1e-12)
        # An unrelated text is compared with the mean of the others, as the query is with the mean of all.
        others = (null - self._common) * (self._count / (self._count - 1))
        rises = np.log(_rise(others, edges_seconds) + self._tiny)
        self._usual, self._deviation = float(rises.mean()), max(float(rises.std(ddof=1)), 1e-6)

    def probability(self, curve: np.ndarray) -> float:
        """Probability that what the query describes is in the video, at even odds before looking.

        How far the query's best GLIMPSE_SECONDS rise above its own mean, all curves less the mean of the unrelated
        texts, is compared with how far those of the unrelated texts do: the p-value is that of one more draw from a
        log-normal of which only those few draws are given, so that few null curves give cautious answers. The p-value
        becomes a probability at even prior odds against the alternative that p ~ Beta(x, 1) with x uniform in (0, 1);
        it falls as the p-value grows, from 1 to 1/3 (Sellke, Bayarri and Berger 2001 bound it from the same family).

        Args:
            curve: (T,) similarity of the query with each frame; the mean over its wordings is a good choice.

        Returns:
            A probability, comparable between videos and queries.

        Raises:
            PlanError: the curve is not one finite value a frame.
        """
        return probability_of_presence(self.p_value(curve))

    def p_value(self, curve: np.ndarray) -> float:
        """How often an unrelated text would rise as far as the query does."""
        curve = np.asarray(curve, dtype=np.float64)
        if curve.shape != self._common.shape or not np.isfinite(curve).all():
            raise PlanError(f"the curve must be {len(self._common)} finite values, one for each frame")
        own = float(np.log(_rise((curve - self._common)[None], self._edges_seconds)[0] + self._tiny))
        depth = (own - self._usual) / (self._deviation * np.sqrt(1 + 1 / self._count))
        return float(stdtr(self._count - 1, -depth))


def probability_of_presence(p: float) -> float:
    """Posterior at even odds: the integral of x p^(x - 1) over x in (0, 1) against 1."""
    depth = -np.log(max(p, 1e-290))
    factor = (np.expm1(depth) - depth) / depth**2 if depth > 1e-3 else 0.5 + depth / 6
    return float(factor / (1 + factor))


def _rise(curves: np.ndarray, edges_seconds: np.ndarray) -> np.ndarray:
    """(N,) the largest mean over GLIMPSE_SECONDS less the mean of all, of (N, T) curves; never negative."""
    weight = np.diff(edges_seconds)
    integral = np.concatenate([np.zeros((len(curves), 1)), np.cumsum(curves * weight, axis=1)], axis=1)
    duration = float(edges_seconds[-1])
    length = min(GLIMPSE_SECONDS, duration)
    start = np.clip(np.concatenate([edges_seconds[:-1], edges_seconds[1:] - length]), 0, duration - length)
    inside = np.stack(
        [np.interp(start + length, edges_seconds, row) - np.interp(start, edges_seconds, row) for row in integral]
    )
    return np.maximum((inside / length).max(axis=1) - integral[:, -1] / duration, 0.0)
