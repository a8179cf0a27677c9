"""Is the event in the video at all? The query's curves against those of texts that have nothing to do with it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.special import ndtr, ndtri, stdtr  # normal, Student's; scipy.stats would cost a second of import

from ..errors import PlanError
from ..types import Plan

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
PROBABLY_NOT = 1 / 3  # of `present`: below it, it is more than twice as probable that an event is not in the video
FLOOR_SHARE = 0.75  # gives 0.17 (0.15-0.20 in 52 real videos) for the embedded encoder, whose stated floor is 0.18
# The constants below were chosen by benchmarks/presence.py, which also chooses them on one bench for the other.
GLIMPSE_SECONDS = 3.0  # the best frames that last so long together: most of what is in a video shows at least so long
LEVEL_WEIGHT = 0.5  # of the level beside the rise, both in deviations of the unrelated texts
LEAST_RISES = 0.1  # deviation of the unrelated texts' logarithms of rises: where nothing moves they differ by rounding
LOWEST = -1.0  # deviations: a lower rise is no stronger evidence of absence, as what is in every frame has none
EVEN = 1.25  # deviations above the unrelated texts at which present and absent are equally probable
SLOPE = 2.0  # log odds for each deviation


def measured_floor(null_curves: np.ndarray) -> float:
    """The cosine at and below which a frame does not show the text, for an encoder that states none.

    Args:
        null_curves: (N, T) similarity of N unrelated texts with the frames of the video.

    Returns:
        The value below which FLOOR_SHARE of these similarities lie.
    """
    return float(np.quantile(null_curves, FLOOR_SHARE))


def presence_texts(plan: Plan) -> tuple[str, ...]:
    """The texts of a plan whose curves say whether its event is there: each description of its sub-events, or the
    query and its paraphrases where it is one event."""
    if plan.relation == "single-query" or not plan.sub_events:
        return (plan.query, *plan.paraphrases)
    return tuple(text for event in plan.sub_events for text in event.descriptions)


def presence_negations(plan: Plan) -> tuple[bool, ...]:
    """Of each text of `presence_texts`, whether it says what is not there."""
    if plan.relation == "single-query" or not plan.sub_events:
        return (plan.negated,) * (1 + len(plan.paraphrases))
    return tuple(event.negated for event in plan.sub_events for _ in event.descriptions)


class Presence:
    """How probable it is that an event is in one video at all, given how well unrelated texts fit that video.

    Two things are measured of a curve, less the mean curve of the unrelated texts: its level, the mean over the video,
    and its rise, how far its best GLIMPSE_SECONDS lie above that level. What is in every frame has a high level and no
    rise, what is there for a moment has a rise and no level. Both are given in deviations of the unrelated texts (of
    the rise the logarithm, which is nearly normal) and added, the level with LEVEL_WEIGHT. So the scale of an encoder,
    and what it gives to all texts alike, do not matter.

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
        self._seconds = np.diff(edges_seconds)  # (T,)
        self._shortest = max(float(self._seconds.min()), 1e-9)
        self._common = null.mean(axis=0)  # (T,)
        self._others = null - self._common  # (N, T)
        self._tiny = 1e-6 * (float(null.std()) + 1e-12)
        # An unrelated text is compared with the others, as the query is with all.
        count = len(null)
        self._rises, self._levels = self._rises_and_levels((null - self._common) * (count / (count - 1)))
        self._fits = _fits_of_others(self._rises, self._levels)

    def probability(self, curves: np.ndarray, *, negated: Sequence[bool] = ()) -> float:
        """Probability that what the query describes is in the video, at even odds before looking.

        Args:
            curves: (T,) similarity of the query with each frame, or (K, T) of K texts that describe it: its wordings,
                or the events that it consists of. The log odds of several are averaged.
            negated: of each of these texts, whether looked for is a stretch where it is not. There is one if it is
                nowhere in the video, or if its curve falls for GLIMPSE_SECONDS as those of unrelated texts do not: what
                is there at times and away at others is present, and so is its negation.

        Returns:
            A probability, comparable between videos, queries and encoders.

        Raises:
            PlanError: the curves are not finite, or have not one value for each frame.
        """
        odds = _log_odds(self._depths(curves))
        if any(negated):
            there = _logistic(odds)
            falls = _logistic(_log_odds(self._dips(curves)))
            away = np.clip(1 - there * (1 - falls), 1e-12, 1 - 1e-12)
            odds = np.where(np.asarray(negated, dtype=bool), np.log(away / (1 - away)), odds)
        return float(_logistic(np.mean(odds)))

    def _dips(self, curves: np.ndarray) -> np.ndarray:
        """(K,) how far each curve falls for GLIMPSE_SECONDS, as `_depths` of the curves upside down."""
        count = len(self._others)
        rises, levels = self._rises_and_levels(self._common - np.atleast_2d(np.asarray(curves, dtype=np.float64)))
        null_rises, null_levels = self._rises_and_levels(-self._others * (count / (count - 1)))
        return _deviations(_joined(rises, null_rises, levels, null_levels), _fits_of_others(null_rises, null_levels))

    def p_value(self, curve: np.ndarray) -> float:
        """How often an unrelated text would fit the video as well as the (T,) curve of the query does."""
        return float(ndtr(-self._depths(curve)[0]))

    def _depths(self, curves: np.ndarray) -> np.ndarray:
        """(K,) how well each curve fits the video, in deviations of the unrelated texts."""
        table = np.atleast_2d(np.asarray(curves, dtype=np.float64))
        if table.ndim != 2 or not len(table) or table.shape[1] != len(self._common) or not np.isfinite(table).all():
            raise PlanError(f"each curve must be {len(self._common)} finite values, one for each frame")
        rises, levels = self._rises_and_levels(table - self._common)
        return _deviations(_joined(rises, self._rises, levels, self._levels), self._fits)

    def _rises_and_levels(self, curves: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """(N,) logarithms of how far the best frames of (N, T) curves lie above the mean, and (N,) means."""
        total = float(self._seconds.sum())
        length = min(GLIMPSE_SECONDS, total)
        enough = int(min(np.ceil(length / self._shortest), curves.shape[1]))  # so many frames last long enough
        order = np.argpartition(curves, -enough, axis=1)[:, -enough:]  # (N, enough), not yet in order
        heights = np.take_along_axis(curves, order, axis=1)
        falling = np.argsort(-heights, axis=1)
        heights = np.take_along_axis(heights, falling, axis=1)
        seconds = self._seconds[np.take_along_axis(order, falling, axis=1)]
        counted = np.clip(length - (np.cumsum(seconds, axis=1) - seconds), 0, seconds)
        best = (heights * counted).sum(axis=1) / length
        levels = curves @ self._seconds / total
        return np.log(np.maximum(best - levels, 0) + self._tiny), levels


def probability_of_presence(p: float) -> float:
    """The probability, at even odds before, that an event is in a video which an unrelated text fits so well so often.

    The p-value is read as deviations of a normal distribution, in which the log odds are linear, as they are where the
    deviations of present and of absent events are normal with the same variance. It falls from 1 to 0 as p grows.
    """
    return float(_logistic(_log_odds(float(-ndtri(np.clip(p, 1e-290, 1 - 1e-16))))))


def _log_odds(deviations: Any) -> Any:
    return SLOPE * (deviations - EVEN)


def _logistic(log_odds: Any) -> Any:
    return 1 / (1 + np.exp(-log_odds))


def _fits_of_others(rises: np.ndarray, levels: np.ndarray) -> np.ndarray:
    """(N,) how well each unrelated text fits a video, compared with the others."""
    rests = ~np.eye(len(rises), dtype=bool)
    return np.array(
        [
            _joined(rise, rises[rest], level, levels[rest])
            for rise, level, rest in zip(rises, levels, rests, strict=True)
        ]
    )


def _joined(rises: np.ndarray, other_rises: np.ndarray, levels: np.ndarray, other_levels: np.ndarray) -> np.ndarray:
    """Rise and level as one number: each in deviations of others' rises and levels, added."""
    raised = np.maximum(_deviations(rises, other_rises, LEAST_RISES), LOWEST)
    return raised + LEVEL_WEIGHT * _deviations(levels, other_levels)


def _deviations(values: np.ndarray, drawn: np.ndarray, least: float = 1e-12) -> np.ndarray:
    """Standard deviations above the mean of a normal distribution of which only the values `drawn` are known.

    The place of a value in Student's distribution for one more draw, as the deviation at the same place of a normal
    distribution: few draws bring it nearer to 0. The deviation of the draws is at least `least`.
    """
    count = len(drawn)
    deviation = max(float(drawn.std(ddof=1)), 1e-9 * float(np.abs(drawn).max()), least)
    ratio = (values - drawn.mean()) / (deviation * np.sqrt(1 + 1 / count))
    return np.sign(ratio) * -ndtri(np.maximum(stdtr(count - 1, -np.abs(ratio)), 1e-290))
