"""The probability of a yes, from the log-probabilities of a reply's first word."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from ..llm.replies import Token
from .model import NoProbabilityError

LEAST_MASS = 0.01  # of the probability, that yes and no have to share
# What may stand before the first word: blanks, marks, a closed thought, tags.
_BEFORE = re.compile(r"(?:[\s*_#\"'`:.\-]|<think>[^<]*</think>|</?[a-z_|]{1,20}>)*", re.IGNORECASE)
_MARKS = " \t\r\n\"'`*_#.,:;!▁ĠĊ"  # around a word in a token, the last three as tokenizers write blanks


def yes_share(tokens: Sequence[Token], name: str) -> float:
    """P(yes) / (P(yes) + P(no)) of the first word of a reply.

    Args:
        tokens: the reply's first tokens.
        name: of the model, for messages.

    Raises:
        NoProbabilityError: there are no log-probabilities, or the reply does not begin with yes or no.
    """
    if not any(token.top for token in tokens):
        raise NoProbabilityError(f"{name} gives no log-probabilities")
    texts = [token.text for token in tokens]
    start = _BEFORE.match("".join(texts)).end()  # type: ignore[union-attr]
    for token in tokens:
        if len(token.text) <= start:
            start -= len(token.text)
            continue
        mass = {"yes": 0.0, "no": 0.0}
        for text, logprob in ({token.text: token.logprob} | dict(token.top)).items():
            word = text.strip(_MARKS).lower()
            if word in mass and not math.isnan(logprob):
                mass[word] += math.exp(logprob)
        if sum(mass.values()) >= LEAST_MASS:
            return mass["yes"] / sum(mass.values())
        break
    raise NoProbabilityError(f"{name} answered neither yes nor no: {''.join(texts)[:60]!r}")
