"""Does a track of texts say what a query asks for at all? Its best text against the best texts of unrelated queries."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..errors import PlanError

NULL_SENTENCES = (  # what people say, and ask about, of many kinds; beside `presence.NULL_TEXTS`, which are to be seen
    "the meeting was moved to Thursday afternoon",
    "why the old lighthouse was torn down",
    "she forgot her keys at the office again",
    "how many people voted in the last election",
    "turn left after the second traffic light",
    "my brother studies law in another city",
    "the recipe needs two cups of flour",
    "prices went up by four per cent this year",
    "what the doctor said about the medicine",
    "he apologises for being late",
    "the train to the airport leaves at nine",
    "how to install the update on your phone",
    "we lost the match in the last minute",
    "thank you all for coming tonight",
    "the author talks about her first novel",
    "who will pay for the damage",
    "the password has to be longer than eight letters",
    "a storm is expected at the weekend",
    "the company hired a new director",
    "when the museum opens its new wing",
    "I have never been to Japan",
    "press the green button to start the machine",
    "the difference between a virus and a bacterium",
    "how the Romans built their roads",
    "the children were afraid of the dark",
    "a discount for students and pensioners",
    "the police are looking for a witness",
    "why leaves change colour in autumn",
    "our flight was cancelled without a reason",
    "the speaker introduces the next guest",
    "it takes about forty minutes to get there",
    "the king died without an heir",
    "mix the paint with a little water",
    "she sings in a choir on Sundays",
    "nobody wanted to sign the contract",
    "the second chapter is about trust",
    "how light travels through glass",
    "the server was down for three hours",
    "he quit smoking ten years ago",
    "the score after the first half",
)
# Chosen on the first half of the lines of benchmarks/spoken_finding.py; the second half is reported there.
EVEN = 1.0  # deviations above the unrelated texts at which said and not said are equally probable
SLOPE = 3.0  # log odds for each deviation
EXACT_SLOPE, EXACT_EVEN = 24.0, 0.8  # log odds for the share of the asked words that stands in a moment
NEAR_EVEN = 2.5  # deviations of what unrelated texts have for the same query, which the best text has at even odds
BY_MEANING = 0.9  # present at most where words are asked for and only their meaning is near, as that of one subject is
WEAK, PARTLY = 0.25, 0.25  # present at most where words are asked for and not met, and more for the share that is met


def presence_by_words(exact: float) -> float:
    """Probability that words are there, by the share of them that was found in their order."""
    return float(1 / (1 + np.exp(-EXACT_SLOPE * (exact - EXACT_EVEN))))


def presence_by_nearness(deviations: float) -> float:
    """Probability by how far a query's best text is above unrelated texts: short words are a little near to any."""
    return float(1 / (1 + np.exp(-SLOPE * (deviations - NEAR_EVEN))))


def weak_presence(exact: float) -> float:
    """The highest probability that meaning alone can give to words that were found in part: below 0.5."""
    return WEAK + PARTLY * min(exact, 0.99)


def presence_in_words(
    by_curve: float,
    nearness: float | None,
    exact: float,
    *,
    asks_for_words: bool,
    is_literal: bool,
    has_another_number: bool,
    has_content: bool,
) -> float:
    """Probability that a track of words has what a query asks for, by all that is known.

    Args:
        by_curve: the probability by the query's curve, see `PresenceOfWords`.
        nearness: deviations by which the nearest text is above unrelated ones; None where the encoder does not read
            the query or the texts, so that only exact words count.
        exact: the share of the asked words that the best moment has, in their order.
        asks_for_words: the query asks for words; those that stand there are present, however common they are.
        is_literal: no other words are meant than the asked ones: they are quoted, or have a name that is nowhere.
        has_another_number: the asked words have a number that the best moment does not have.
        has_content: the query has a word that can be looked for.
    """
    if not has_content:
        return 0.0
    by_words = presence_by_words(exact)
    if nearness is None:
        present = by_words
    else:
        most = BY_MEANING if asks_for_words else 1.0  # else tracks compete with the pictures, which have no such limit
        present = min(by_curve, max(min(presence_by_nearness(nearness), most), by_words))
    if not asks_for_words:
        return present
    if is_literal:
        present = min(present, weak_presence(exact))
    present = max(present, by_words)
    return min(present, weak_presence(0.0)) if has_another_number else present


class PresenceOfWords:
    """How probable it is that a track of texts says what a query asks for, given how well unrelated texts fit it.

    Measured is the best stretch of a curve, less the mean curve of the unrelated texts: one sentence is enough, however
    long the track is. It is compared with the best stretches of the unrelated texts, each of which had the same choice.

    Args:
        null_curves: (N, T) how well N >= 3 unrelated texts fit each stretch.

    Raises:
        PlanError: fewer than three null curves, or values that are not finite.
    """

    def __init__(self, null_curves: np.ndarray) -> None:
        null = np.asarray(null_curves, dtype=np.float64)
        if null.ndim != 2 or len(null) < 3 or not np.isfinite(null).all():
            raise PlanError(f"null_curves must be at least three curves of finite numbers, not shape {null.shape}")
        self._common = null.mean(axis=0)
        self._others = null - self._common
        # An unrelated text is compared with the others, as the query is with all.
        best = ((null - self._common) * (len(null) / (len(null) - 1))).max(axis=1)
        self._mean = float(best.mean())
        self._deviation = max(float(best.std(ddof=1)), 1e-9 * float(np.abs(null).max()), 1e-12)

    def probability(self, curves: np.ndarray, *, negated: Sequence[bool] = ()) -> float:
        """Probability that the track says it, at even odds before looking.

        Args:
            curves: (T,) how well the query fits each stretch, or (K, T) of K texts that describe it: its wordings, or
                the events that it consists of. Their mean counts.
            negated: of each of these texts, whether looked for is a stretch that does not say it: the least of all is
                enough. Where only some are negated, the others decide.
        """
        if len(negated) and all(negated):
            above = np.atleast_2d(np.asarray(curves, dtype=np.float64)).mean(axis=0) - self._common
            worst = int(above.argmin())
            depth = (above[worst] - self._others[:, worst].mean()) / max(float(self._others[:, worst].std()), 1e-12)
            return float(1 / (1 + np.exp(SLOPE * (depth - EVEN))))
        if len(negated) and any(negated):
            curves = np.atleast_2d(curves)[~np.array(negated)]
        return float(1 / (1 + np.exp(-SLOPE * (self.depth(curves) - EVEN))))

    def depth(self, curves: np.ndarray) -> float:
        """How far the query's best stretch is above those of unrelated texts, in deviations of these."""
        table = np.atleast_2d(np.asarray(curves, dtype=np.float64))
        if table.ndim != 2 or not len(table) or table.shape[1] != len(self._common) or not np.isfinite(table).all():
            raise PlanError(f"each curve must be {len(self._common)} finite values, one for each stretch")
        best = float((table.mean(axis=0) - self._common).max())
        return (best - self._mean) / self._deviation
