"""All requests that one query makes to a vision LLM: asked side by side, counted, stopped where none can succeed."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

import numpy as np

from ..errors import ModelError
from ..llm.connection import RefusedError
from ..llm.replies import Usage
from ..vision.frames import Clip, Jpeg, Part
from ..vision.model import TooMuchError, UselessReplyError, VisionModel

Result = TypeVar("Result")

MOST_CUTS = 8  # of one window into smaller ones: 2 ** 8 frames become one


@dataclass(frozen=True, slots=True)
class Spent:
    """What a query has cost: requests, pictures in them, and the tokens that the server counted, 0 where it did not."""

    requests: int = 0
    pictures: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0

    def __add__(self, other: Spent) -> Spent:
        return Spent(
            self.requests + other.requests,
            self.pictures + other.pictures,
            self.prompt_tokens + other.prompt_tokens,
            self.completion_tokens + other.completion_tokens,
        )


class Asking:
    """The requests of one query to a vision LLM; safe to share between threads.

    `spent`: what they have cost so far, those that failed included. `warnings`: what the model said about its replies.

    Args:
        vlm: the vision LLM. Its optional `concurrency` says how many requests may run at the same time, 1 where it
            says nothing; its optional `reply` gives token counts.
        max_tokens: longest reply.
    """

    def __init__(self, vlm: VisionModel, *, max_tokens: int = 256) -> None:
        self.vlm = vlm
        self.max_tokens = max_tokens
        self.spent = Spent()
        self.warnings: list[str] = list(getattr(vlm, "notes", ()))
        self._counting = threading.Lock()

    def text(
        self, parts: Sequence[Part], *, max_tokens: int | None = None, schema: Mapping[str, Any] | None = None
    ) -> str:
        """The reply to a request, by a JSON schema where the model takes one.

        Raises:
            ModelError: which ones, see `VisionModel`.
        """
        self._count(Spent(1, count_pictures(parts)))
        longest = self.max_tokens if max_tokens is None else max_tokens
        reply: Any = getattr(self.vlm, "reply", None)
        if reply is None:
            text = self.vlm.ask(parts, max_tokens=longest)
            if not isinstance(text, str):
                raise ModelError(f"vision model {self.vlm.name}: ask must return a text, not {type(text).__name__}")
            return text
        try:
            answered = reply(parts, max_tokens=longest, **({} if schema is None else {"schema": schema}))
        except UselessReplyError as error:
            self._count_usage(error.usage)
            raise
        self._count_reply(answered)
        return str(answered.text)

    def takes_schema(self) -> bool:
        """Whether replies may be asked for by a JSON schema."""
        return bool(getattr(self.vlm, "takes_schema", False)) and hasattr(self.vlm, "reply")

    def probability(self, parts: Sequence[Part]) -> float:
        """P(yes) of a request. Raises ModelError: NoProbabilityError where the model gives none."""
        self._count(Spent(1, count_pictures(parts)))
        yes_reply: Any = getattr(self.vlm, "yes_reply", None)
        if yes_reply is None:
            p = self.vlm.yes_probability(parts)
            if isinstance(p, bool) or not isinstance(p, float | int | np.floating) or not 0 <= p <= 1:
                raise ModelError(
                    f"vision model {self.vlm.name}: yes_probability must return a number from 0 to 1, not {p!r:.40}"
                )
            return float(p)
        try:
            probability, answered = yes_reply(parts)
        except UselessReplyError as error:
            self._count_usage(error.usage)
            raise
        self._count_reply(answered)
        return float(probability)

    def each(self, jobs: Sequence[Callable[[], Result]]) -> list[Result | ModelError]:
        """The results of jobs in their order, as many at the same time as the model allows.

        A job that fails leaves its ModelError as its result. No further job begins after an error that all
        of them would have: a request that the server refuses for good, or a fault.

        Raises:
            RefusedError: the key, the address or the model is wrong.
        """
        threads = min(len(jobs), max(1, int(getattr(self.vlm, "concurrency", 1))))
        if threads <= 1:
            return [_result(job) for job in jobs]
        pool = ThreadPoolExecutor(threads, thread_name_prefix="tfgrounding-ask")
        try:
            running = [pool.submit(_result, job) for job in jobs]
            wait(running, return_when=FIRST_EXCEPTION)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)  # requests under way are not waited for
        done = [one for one in running if one.done() and not one.cancelled()]
        if stopped := next(filter(None, (one.exception() for one in done)), None):
            raise stopped
        return [one.result() for one in done]

    def windows(
        self,
        windows: Sequence[tuple[int, int]],
        ask: Callable[[int, int], Result],
        smaller: Callable[[int, int], Sequence[tuple[int, int]]],
    ) -> list[tuple[tuple[int, int], Result | ModelError]]:
        """Ask about stretches of frames; what is too much for one request is asked about in smaller ones.

        Args:
            windows: [first, last) positions of frames.
            ask: asks about one window; raises TooMuchError where the server takes fewer frames.
            smaller: cuts a window by what the model takes now; the window itself where it cannot be cut.

        Returns:
            The windows that were asked about in the end, in order of their frames, each with its result.

        Raises:
            RefusedError: as `each`.
        """
        finished: list[tuple[tuple[int, int], Result | ModelError]] = []
        left = list(windows)
        for _ in range(MOST_CUTS + 1):
            again: list[tuple[int, int]] = []
            for window, result in zip(left, self.each([partial(ask, *window) for window in left]), strict=True):
                parts = list(smaller(*window)) if isinstance(result, TooMuchError) else [window]
                if len(parts) > 1:
                    again.extend(parts)
                else:
                    finished.append((window, result))
            left = again
            if not left:
                break
        finished.extend((window, TooMuchError("the server still refuses the request as too large")) for window in left)
        return sorted(finished, key=lambda one: one[0])

    @property
    def provenance(self) -> dict[str, Any]:
        """What was spent, as an answer's provenance names it, and the day of the profile that was used, if any."""
        profile = getattr(self.vlm, "profile", None)
        return {
            "vlm_requests": self.spent.requests,
            "vlm_pictures": self.spent.pictures,
            "vlm_prompt_tokens": self.spent.prompt_tokens,
            "vlm_completion_tokens": self.spent.completion_tokens,
            **({} if profile is None else {"vlm_profile": profile.measured}),
        }

    def _count_reply(self, reply: Any) -> None:
        self._count_usage(reply.usage)
        with self._counting:
            self.warnings.extend(getattr(reply, "warnings", ()))

    def _count_usage(self, used: Usage) -> None:
        """Of a request that was counted when it was sent."""
        self._count(Spent(max(0, used.requests - 1), 0, used.prompt_tokens, used.completion_tokens))

    def _count(self, spent: Spent) -> None:
        with self._counting:
            self.spent += spent


def _result(job: Callable[[], Result]) -> Result | ModelError:
    try:
        return job()
    except RefusedError:
        raise
    except ModelError as error:
        return error


def count_pictures(parts: Sequence[Part]) -> int:
    """How many pictures a request holds; each frame of a video counts."""
    return sum(len(part.seconds) if isinstance(part, Clip) else isinstance(part, np.ndarray | Jpeg) for part in parts)


def pictures_in(parts: Sequence[Part]) -> list[np.ndarray]:
    """The pictures of a request, (H, W, 3) each, those of a video one by one."""
    found: list[np.ndarray] = []
    for part in parts:
        if isinstance(part, Clip):
            found.extend(part.pixels)
        elif isinstance(part, np.ndarray):
            found.append(part)
    return found


def counted(warnings: Iterable[str]) -> list[str]:
    """Warnings, each kind once: of those that differ in their numbers only, the first, with how many more there are."""
    kinds: dict[str, list[str]] = {}
    for warning in dict.fromkeys(warnings):
        kinds.setdefault(re.sub(r"\d+(?:\.\d+)?", "0", warning), []).append(warning)
    return [first + (f" (and {len(more)} more like this)" if more else "") for first, *more in kinds.values()]
