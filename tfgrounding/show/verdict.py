"""What an answer says, in words: whether it happens at all, how strong each moment is, and what a question wants.

The words follow from `present`, the probability that what was asked for is in the video at all. The limits are those of
a probability and the same everywhere: below one third it is more than twice as probable that it is absent.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from ..answer import Answer
from ..localizers.presence import PROBABLY_NOT
from ..types import Moment
from .exports.common import short_clock

Strength = Literal["strong", "fair", "weak"]

PROBABLY = 2 / 3  # from it on the event is probably there, and nothing has to be said
STRONG_SHARE = 1 / 2  # of the best score: from it on another moment is as strong as the best
FAIR_SHARE = 1 / 5


def is_probably_absent(answer: Answer, *, least_present: float = PROBABLY_NOT) -> bool:
    """Whether what was asked for is probably not in the video.

    Args:
        answer: the answer; where its `present` is None nothing is known, and the result is False.
        least_present: the probability below which it counts as absent, from 0 to 1.
    """
    return answer.present is not None and answer.present < least_present


def verdict(answer: Answer, *, least_present: float = PROBABLY_NOT) -> str:
    """One line on whether it happens at all; "" where it probably does, or where nothing is known about it.

    Args:
        answer: the answer.
        least_present: the probability below which the line says "probably not", from 0 to 1.
    """
    if answer.present is None:
        return ""
    number = f"(present {answer.present:.2f})"
    if is_probably_absent(answer, least_present=least_present):
        return f"probably not in this video {number}"
    return f"perhaps in this video {number}" if answer.present < PROBABLY else ""


def strength(moment: Moment, answer: Answer, *, least_present: float = PROBABLY_NOT) -> Strength:
    """How strong a moment is: by its score among the moments of its answer, and never more than `present` allows.

    Args:
        moment: one of the answer's moments.
        answer: the answer. Probably absent: all its moments are weak. Perhaps there, or not known: none is strong.
        least_present: the probability below which the event counts as absent, from 0 to 1.
    """
    if is_probably_absent(answer, least_present=least_present):
        return "weak"
    best = max((other.score for other in answer.spans), default=moment.score)
    share = moment.score / best if best > 0 else float(moment.score >= best)
    if share < FAIR_SHARE:
        return "weak"
    is_probable = answer.present is not None and answer.present >= PROBABLY
    return "strong" if is_probable and share >= STRONG_SHARE else "fair"


def said_first(answer: Answer, *, least_present: float = PROBABLY_NOT) -> str:
    """What a question wants before the moments: how many there are, how long they last, or when it begins.

    Weak moments do not count: an answer holds them as candidates.

    Args:
        answer: the answer; which of these is wanted is what `plan.wants` says.
        least_present: the probability below which the event counts as absent, from 0 to 1.

    Returns:
        Words such as "3 times", "12.5 s in all" or "0:41.2 from the start"; "" where the moments are what is wanted,
        and where no moment counts.
    """
    wants = answer.plan.wants
    counted = [span for span in answer.spans if strength(span, answer, least_present=least_present) != "weak"]
    if wants == "moments" or not counted:
        return ""
    if wants == "number":
        return "1 time" if len(counted) == 1 else f"{len(counted)} times"
    if wants == "length":
        return f"{_covered_seconds(counted):.1f} s in all"
    return f"{short_clock(counted[0].start_seconds)} from the start"


def _covered_seconds(moments: Sequence[Moment]) -> float:
    """How long the moments last together; what several of them cover counts once."""
    total, reached = 0.0, 0.0
    for start, end in sorted((moment.start_seconds, moment.end_seconds) for moment in moments):
        total += max(0.0, end - max(start, reached))
        reached = max(reached, end)
    return total
