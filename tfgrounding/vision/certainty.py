"""How sure a vision LLM is that something can be seen: P(yes) of its first word, else its own words on five steps."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Protocol

from ..llm.prompting import prompts
from ..llm.replies import without_thoughts
from .frames import Part
from .model import NoProbabilityError, UselessReplyError

STEPS = {"certainly not": 0.05, "probably not": 0.25, "perhaps": 0.5, "probably": 0.75, "certainly": 0.95}
BARE = {"yes": 0.75, "no": 0.25}  # an answer that leaves the degree out
# One of the five answers by itself, with words around it that change nothing.
_STEP = re.compile(
    r"(?:answer:? )?(?:it is )?(?:(certainly|probably)(?: (not|no)| yes)?|(perhaps))(?: (?:seen|visible|shown|there))?"
)


class Asks(Protocol):
    """What asks a vision LLM and counts it."""

    def probability(self, parts: Sequence[Part]) -> float: ...
    def text(self, parts: Sequence[Part]) -> str: ...


class Certainty:
    """Asks about clips; from the first time that the model gives no probability, in words.

    `in_words`: whether that happened.
    """

    def __init__(self, asks: Asks) -> None:
        self._asks = asks
        self.in_words = False

    def of(self, pictures: Sequence[Part], question: str, query: str) -> float:
        """How probably the query can be seen in the pictures.

        Args:
            pictures: parts of a request.
            question: asks for yes or no.
            query: what is asked again, in words, where no probability comes.

        Raises:
            ModelError: the model could not be asked, or its words are none of the five.
        """
        if not self.in_words:
            try:
                return self._asks.probability([*pictures, question])
            except NoProbabilityError:
                self.in_words = True
        return read_certainty(self._asks.text([*pictures, prompts("cascade.certainty").fill(query=query)]))


def read_certainty(reply: str) -> float:
    """The probability that a reply in words means: .95, .75, .5, .25 or .05.

    Raises:
        UselessReplyError: it is not one of the five steps by itself.
    """
    words = " ".join(re.sub('[*_`"]', "", without_thoughts(reply).lower()).split()).strip(".!,' ")
    if words in BARE:
        return BARE[words]
    match = _STEP.fullmatch(words)
    if match is None:
        raise UselessReplyError(f"the reply is none of {', '.join(STEPS)}: {words[:80]!r}")
    return STEPS[match[3] or match[1] + (" not" if match[2] else "")]
