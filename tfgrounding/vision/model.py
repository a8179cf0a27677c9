"""What every vision LLM offers, and what can go wrong when it is asked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np

from ..errors import ModelError
from ..llm.replies import Usage
from .frames import Part

NOTHING = Usage()


class TooMuchError(ModelError):
    """The request holds more than the server takes; the model's `capacity` is lower now: ask again with less."""


class UselessReplyError(ModelError):
    """There was a reply, and it is no answer; `usage` is what it took."""

    def __init__(self, message: str, usage: Usage = NOTHING) -> None:
        super().__init__(message)
        self.usage = usage


class CutOffError(UselessReplyError):
    """The reply was cut off at its longest length."""


class NoProbabilityError(UselessReplyError):
    """The model gives no probability of yes and no."""


class VisionModel(Protocol):
    """Answers questions about pictures; safe to share between threads.

    A model may offer more, which is used where it is there: `reply(parts, *, max_tokens=256, schema=None)` is an
    `llm.Reply`, with its tokens and warnings, of which `ask` gives the text, and which follows a JSON schema where
    `takes_schema` says so; `yes_reply(parts)` gives P(yes) with such a reply; `prepare(picture)` encodes a picture
    once, to be sent often, as a `Jpeg`; `concurrency`: how many requests may run at the same time; `takes_clips`:
    whether a `Clip` may be one of the parts; `notes`: a list of warnings for every answer.
    """

    name: str

    def capacity(self, pictures: Sequence[np.ndarray]) -> int:
        """How many pictures like these one request may hold, at least 1; fewer after the server has refused more."""
        ...

    def ask(self, parts: Sequence[Part], *, max_tokens: int = 256) -> str:
        """The reply to a request made of texts and (H, W, 3) uint8 pictures.

        Raises:
            TooMuchError: one request may hold fewer pictures.
            CutOffError: the reply was longer than `max_tokens`.
            RefusedError: no request can succeed, such as with a wrong key.
            ModelError: no usable reply.
        """
        ...

    def yes_probability(self, parts: Sequence[Part]) -> float:
        """P(yes) / (P(yes) + P(no)) of the reply's first word. Raises NoProbabilityError, and as `ask`."""
        ...
