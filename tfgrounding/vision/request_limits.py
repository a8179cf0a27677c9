"""How much one request to a server may hold: learnt from what it refuses, and from what it cuts without a word."""

from __future__ import annotations

import threading
from dataclasses import dataclass

from ..errors import ModelError
from ..llm.connection import NotAcceptedError, RefusedError
from ..llm.known import Known
from ..llm.replies import Reply
from .model import CutOffError, TooMuchError

SMALLEST_SIDE = 112  # pixels, below which pictures are not scaled down
LEAST_BYTES = 1000  # that a number in a refusal may mean as the size of a request
FEWEST_TOKENS = 512  # below which a count of tokens shows nothing
NEARLY_FULL = 0.85  # of a context whose length is known: what may have been cut, by less than a picture too much
MORE_PICTURES = 1.25  # times, that must take more tokens than fewer pictures did
MOST_COUNTS = 1000  # that are remembered
SHARE_OF_ROOM = 0.9  # of what the words of a refusal leave room for
# Counts of tokens at which requests end that were cut: usual lengths, one less, and half of one with two more (Ollama).
CONTEXTS = frozenset(2**power + more for power in range(11, 18) for more in (-1, 0, 2))
CONTEXT_STEP = 256  # tokens: context lengths are multiples of it


@dataclass(frozen=True, slots=True)
class Sent:
    """What a request held: how many pictures, their pixels together, the longest side of one, and its bytes."""

    pictures: int
    pixels: int
    longest_side: int
    size: int


class RequestLimits:
    """The limits of one model on one server; safe to share between threads.

    Args:
        known: what was learnt of the model, shared with other clients of it.
        name: of the model, for messages.
    """

    def __init__(self, known: Known, *, name: str) -> None:
        self.known, self.name = known, name
        self._pictures_of: dict[tuple[int, int], int] = {}  # (pixels of a picture, tokens counted): pictures
        self._lock = threading.Lock()

    def most(self, pixels: int) -> int | None:
        """How many pictures of so many pixels each one request may hold; None where nothing is known."""
        known = self.known
        limits = [] if known.most_pictures is None else [known.most_pictures]
        if known.most_pixels is not None:
            limits.append(known.most_pixels // max(1, pixels))
        return max(1, min(limits)) if limits else None

    def learn(self, refusal: NotAcceptedError, sent: Sent) -> None:
        """Lower the limits by a refusal. Returns where the same pictures, made smaller, may be sent at once.

        Raises:
            TooMuchError: fewer pictures may be sent.
            RefusedError: the refusal is about no limit, or one picture alone, as small as can be, is above it.
        """
        limit = refusal.limit
        if limit is None or limit.kind == "reply" or not sent.pictures:
            raise RefusedError(str(refusal)) from None
        several = sent.pictures > 1
        fewer = sent.pictures // 2
        if limit.kind == "pictures":
            if not several:
                raise RefusedError(str(refusal)) from None
            self.known.lower("most_pictures", limit.below(sent.pictures) or fewer)
        elif limit.kind == "bytes":
            most = limit.below(sent.size) or 0
            self.known.lower("most_bytes", most if most >= LEAST_BYTES else sent.size // 2)
        elif limit.kind == "tokens" and several:
            if limit.share is not None:
                fewer = max(1, min(sent.pictures - 1, int(sent.pictures * limit.share * SHARE_OF_ROOM)))
            self.known.lower("most_pixels", sent.pixels * fewer // sent.pictures)
        if several and limit.kind != "picture":
            raise TooMuchError(str(refusal)) from None
        self._shrink(refusal, sent)

    def check(self, reply: Reply, sent: Sent, *, max_tokens: int) -> None:
        """Notice a request that the server cut, or a reply that ran into the end of its context, by its token counts.

        Ollama cuts a request to its context length and answers as if nothing had happened. Then the count of tokens is
        that length, or a little less where whole pictures were dropped, and the same for more pictures. A length below
        a count that this server has reached is not that of its context.

        Raises:
            TooMuchError: so it was, and fewer pictures may be sent.
            CutOffError: so it was with a single picture.
        """
        prompt, completion = reply.usage.prompt_tokens, reply.usage.completion_tokens
        whole = prompt + completion
        full = reply.finish_reason == "length" and 0 < completion < max_tokens and prompt > 0
        if full and min(whole % CONTEXT_STEP, -whole % CONTEXT_STEP) <= 2:
            problem = f"{self.name} reached the end of its context at {whole} tokens in the middle of a reply"
            if sent.pictures < 2:
                raise CutOffError(f"{problem}: start the server with a longer context")
            self._halve(sent)
            raise TooMuchError(problem)
        if not sent.pictures or prompt < FEWEST_TOKENS:
            return
        is_usual_length = prompt >= self.known.count(prompt) and prompt in CONTEXTS
        nearly = bool(self.known.context_tokens) and prompt >= NEARLY_FULL * (self.known.context_tokens or 0)
        if nearly or is_usual_length or self._is_stuck(prompt, sent):
            self.known.warn(
                f"{self.name} counted {prompt} tokens, which looks like the length of its context: it may cut longer "
                "requests to that without saying so, so it was sent fewer pictures at once; start it with a longer "
                "context (Ollama: OLLAMA_CONTEXT_LENGTH)"
            )
            if sent.pictures > 1:
                self._halve(sent)
                raise TooMuchError(f"{self.name} may have cut a request of {sent.pictures} pictures at {prompt} tokens")

    def _is_stuck(self, prompt: int, sent: Sent) -> bool:
        """Whether clearly more or fewer pictures of this size took exactly as many tokens before."""
        key = (sent.pixels // sent.pictures, prompt)
        with self._lock:
            if len(self._pictures_of) >= MOST_COUNTS:
                self._pictures_of.clear()
            before = self._pictures_of.setdefault(key, sent.pictures)
        return max(before, sent.pictures) >= MORE_PICTURES * min(before, sent.pictures)

    def _halve(self, sent: Sent) -> None:
        self.known.lower("most_pixels", sent.pixels * (sent.pictures // 2) // sent.pictures)

    def _shrink(self, refusal: NotAcceptedError, sent: Sent) -> None:
        """Make pictures smaller from now on."""
        side = sent.longest_side
        if side <= SMALLEST_SIDE:
            raise RefusedError(f"one picture of {side} pixels alone is too much: {refusal}") from None
        named = (
            [] if refusal.limit is None else [number for number in refusal.limit.numbers if side // 4 <= number < side]
        )
        smaller = self.known.lower("longest_side", max(SMALLEST_SIDE, max(named, default=side // 2)))
        if smaller >= side:
            raise RefusedError(str(refusal)) from None
        self.known.warn(f"pictures were sent at {smaller} pixels at most, because {self.name} takes no larger ones")


def too_large(size: int, most: int) -> ModelError:
    return ModelError(
        f"one picture takes {size} bytes, but a request may have {most} only: lower the quality or longest_side, or "
        "raise max_request_bytes"
    )
