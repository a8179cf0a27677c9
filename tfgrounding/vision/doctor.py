"""Find out what a vision LLM sees and what its server takes, with pictures whose contents are known."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import numpy as np

from ..errors import ModelError, TFGroundingError
from ..llm.chat import ChatClient
from ..llm.prompting import prompts
from ..llm.replies import Usage
from ..registry import ROWS
from . import clock
from .findings import Findings, ViewResult, view_result
from .frames import Clip, Interval, Part
from .model import TooMuchError, UselessReplyError, VisionModel
from .views import ClipYesNo, TimeView, get_view, question_and_schema, view_for

MOST_REQUESTS = 40
MOST_SECONDS = 300.0
MOST_PICTURES = 64
FIRST_PICTURES = 8
CLOCK_FRAMES = 20
LEAST_CLOCK_FRAMES = 8
SIDE = 336
TRIES = 2  # of a view, after which it is left where no reply could be used
GOOD_IOU = 0.5  # on average; the whole video as every answer reaches 0.2
CONTEXT_NAMES = ("max_model_len", "context_length", "max_context_length", "context_window")  # in lists of models
LARGEST_CONTEXT = 10**9
GREETING = {
    "type": "object",
    "properties": {"colour": {"enum": ["amber", "violet"]}},
    "required": ["colour"],
    "additionalProperties": False,
}

NO_TIMES = "clip-yes-no"  # the registered view that asks for none
Report = Callable[[str], None]


class _SpentError(Exception):
    """The requests or seconds of an examination are used up; the text says which."""


def examine(
    vlm: VisionModel,
    *,
    views: Sequence[str] = (),
    most_requests: int = MOST_REQUESTS,
    most_seconds: float = MOST_SECONDS,
    most_pictures: int = MOST_PICTURES,
    report: Report = lambda sentence: None,
) -> Findings:
    """Ask a vision LLM about pictures whose contents are known.

    Args:
        vlm: the model.
        views: ways to show time to try, by name; none means the one for this model first, then every other that
            asks for times.
        most_requests, most_seconds: no request is begun after these.
        most_pictures: of one request that is tried; it is doubled from 8 on until the server refuses or this is
            reached.
        report: called with what is done next.

    Returns:
        What was found out. A view is recommended only where the moments that were read overlap the true ones by half
        or more.

    Raises:
        RefusedError: the first request is refused: a wrong key, address or model, or one that takes no pictures.
        ModelError: the model does not answer at all.
        TFGroundingError: a view that is not known or asks for no times, or Pillow is missing.
    """
    usual = (view_for(vlm), *(get_view(name) for name in ROWS["views"] if name != NO_TIMES))
    chosen = {view.name: view for view in (map(_timed_view, views) if views else usual)}
    return _Examination(vlm, most_requests, most_seconds, report).run(list(chosen.values()), most_pictures)


class _Examination:
    def __init__(self, vlm: VisionModel, most_requests: int, most_seconds: float, report: Report) -> None:
        self.vlm, self.most_requests, self.most_seconds, self.report = vlm, most_requests, most_seconds, report
        self.found = Findings(vlm.name)
        self.took: list[tuple[int, float]] = []  # pictures and seconds of requests with the same question
        self.last_seconds = 0.0
        self.tokens = 0.0  # of the last request
        self.has_answered, self.instead = False, ""  # of an answer
        self.was_sent = True  # the last request; False where it was above a limit of this program
        self.began = time.monotonic()

    def run(self, views: Sequence[TimeView], most_pictures: int) -> Findings:
        steps: list[Callable[[], None]] = [
            self._sight,
            lambda: self._picture_limit(most_pictures),
            self._schema,
            self._probability,
            *(partial(self._view, view) for view in views),
        ]
        try:
            for step in steps:
                step()
        except _SpentError as spent:
            untried = ", ".join(view.name for view in views[len(self.found.views) :])
            self.found.stopped = f"{spent}" + (f"; not tried: {untried}" if untried else "")
        self._conclude(views)
        return self.found

    def ask(self, parts: Sequence[Part], *, max_tokens: int, schema: Any = None) -> tuple[str, float]:
        """(reply, tokens of the request as the server counts them, 0 where it does not)."""
        with_schema = {} if schema is None else {"schema": schema}
        reply: Any = getattr(self.vlm, "reply", None)
        try:
            answered = self._timed(parts, partial(reply or self.vlm.ask, parts, max_tokens=max_tokens, **with_schema))
        except UselessReplyError as error:  # the request was accepted
            self.instead = str(error)
            return "", self.tokens
        self.has_answered = True
        if reply is None:
            return answered, 0
        if self._spent() is None:
            self._count(answered.usage)
        return answered.text, self.tokens

    def _timed(self, parts: Sequence[Part], send: Callable[[], Any]) -> Any:
        seconds = time.monotonic() - self.began
        if self.found.requests >= self.most_requests:
            several = self.most_requests > 1
            raise _SpentError(
                f"the {self.most_requests} requests are used up" if several else "the one request is used up"
            )
        if seconds >= self.most_seconds:
            raise _SpentError(f"{self.most_seconds:.0f} seconds are over")
        pictures = sum(len(part.seconds) if isinstance(part, Clip) else not isinstance(part, str) for part in parts)
        self.found.requests += 1
        self.found.pictures += pictures
        self.tokens = 0.0
        before, began = self._spent(), time.monotonic()
        try:
            return send()
        finally:
            self.last_seconds = time.monotonic() - began
            self.found.seconds = time.monotonic() - self.began
            after = self._spent()
            self.was_sent = before is None or after is None or after.requests > before.requests
            if not self.was_sent:
                self.found.requests -= 1
                self.found.pictures -= pictures
            elif before is not None and after is not None:
                self.found.requests += max(0, after.requests - before.requests - 1)  # sent again
                new_tokens = (
                    after.prompt_tokens - before.prompt_tokens,
                    after.completion_tokens - before.completion_tokens,
                )
                self._count(Usage(after.requests - before.requests, *new_tokens))

    def _spent(self) -> Usage | None:
        """What the model's client has counted so far, None where it has none."""
        usage = getattr(getattr(self.vlm, "client", None), "usage", None)
        return usage if isinstance(usage, Usage) else None

    def _count(self, used: Usage) -> None:
        self.found.prompt_tokens += used.prompt_tokens
        self.found.completion_tokens += used.completion_tokens
        self.tokens = used.prompt_tokens / max(1, used.requests)

    def _sight(self) -> None:
        self.report("reading numbers on pictures")
        pictures = clock.number_pictures(SIDE)
        question = prompts("doctor.numbers").text
        with suppress(TooMuchError):
            text, _ = self.ask([*pictures, question], max_tokens=64)
            return self._read_numbers(text, len(pictures))
        text, _ = self.ask([pictures[0], question], max_tokens=64)
        self._read_numbers(text, 1)

    def _read_numbers(self, text: str, shown: int) -> None:
        self.found.numbers_read = (text.strip() or self.instead)[:200]
        numbers = [int(number) for number in re.findall(r"\d{1,6}", text[-2000:])]
        self.found.sees = numbers == list(clock.NUMBERS[:shown])

    def _picture_limit(self, most: int) -> None:
        counted: list[tuple[int, float]] = []
        accepted, refused = 0, most + 1
        count = min(FIRST_PICTURES, most)
        while count:
            self.report(f"sending {count} pictures at once")
            # Another first picture each time: servers keep what they computed for the beginning of a request.
            picture = np.full((SIDE, SIDE * 4 // 3, 3), count % 256, dtype=np.uint8)
            prepare: Any = getattr(self.vlm, "prepare", None)
            shown: Part = picture if prepare is None else prepare(picture)
            try:
                _, tokens = self.ask([shown] * count + [prompts("doctor.limit").text], max_tokens=8)
                accepted = self.found.most_pictures = count
                counted.append((count, tokens))
                self.took.append((count, self.last_seconds))
            except ModelError as error:
                if not self.was_sent:
                    self.found.own_limit = str(error)
                    break
                self.found.refusal, refused = str(error), count
            count = self._next_count(picture, accepted, refused, most)
        if len(counted) > 1 and all(tokens for _, tokens in counted):
            (few, least), *_, (many, largest) = counted
            self.found.picture_tokens = max(0.0, (largest - least) / (many - few))

    def _next_count(self, picture: np.ndarray, accepted: int, refused: int, most: int) -> int:
        """How many pictures to try next; 0 where the limit is known well enough."""
        if refused > most:
            return min(2 * accepted, most) if accepted < most else 0
        if refused - accepted <= max(1, accepted // 4):
            return 0
        learnt = self.vlm.capacity([picture])
        return learnt if accepted < learnt < refused else (accepted + refused) // 2

    def _schema(self) -> None:
        self.report("asking with a JSON schema")
        try:
            text, _ = self.ask([prompts("doctor.greeting").text], max_tokens=64, schema=GREETING)
            self.found.takes_schema = json.loads(text).get("colour") in ("amber", "violet")
        except (ModelError, ValueError, AttributeError, RecursionError):
            self.found.takes_schema = False
        except TypeError:  # a model of one's own, whose `reply` or `ask` takes no schema
            self.found.takes_schema = None

    def _probability(self) -> None:
        self.report("asking for log-probabilities")
        question = prompts("doctor.colour").fill(colour="yellow")
        for answer, colour in (("yes", "yellow"), ("no", "blue")):
            picture = np.full((SIDE, SIDE * 4 // 3, 3), clock.COLOURS[colour], dtype=np.uint8)
            parts: list[Part] = [picture, question]
            try:
                value = self._timed(parts, partial(self.vlm.yes_probability, parts))
            except ModelError:
                self.found.gives_probability = False
                return
            setattr(self.found, answer, round(value, 4))
        self.found.gives_probability = self.has_answered = True

    def _view(self, view: TimeView) -> None:
        self.report(f"asking about times, shown as {view.name}")
        limit = self.found.most_pictures or 1
        frames = min(CLOCK_FRAMES, limit * view.frames_per_picture)
        problem = f"a request holds only {limit} picture{'s' if limit > 1 else ''}"
        while frames >= LEAST_CLOCK_FRAMES:
            try:
                self.found.views.append(self._result(view, frames))
                return
            except TooMuchError as error:  # such as a request that may have been cut
                frames, problem = frames // 2, str(error)
        self.found.views.append(ViewResult(view.name, problem=problem))

    def _result(self, view: TimeView, frames: int) -> ViewResult:
        """What the model reads of a clock video in a view. Raises TooMuchError: fewer frames may be shown."""
        video = clock.clock_video(frames, view.frame_side)
        parts = view.parts(video)
        if any(isinstance(part, Clip) for part in parts) and not getattr(self.vlm, "takes_clips", False):
            return ViewResult(view.name, problem="the model takes no frames as one video")
        read: dict[str, tuple[Interval, ...]] = {}
        asked, says_none, problem = 0, None, ""
        try:
            for colour in (*clock.ASKED, clock.ABSENT):
                asked += 1
                question, schema = question_and_schema(
                    view, video, f"the picture is {colour}", by_schema=bool(self.found.takes_schema)
                )
                text, _ = self.ask([*parts, question], max_tokens=128, schema=schema)
                reading = view.read(text, video)
                if colour == clock.ABSENT:
                    says_none = reading.absent and not reading.intervals_seconds
                if reading.usable:
                    read[colour] = reading.intervals_seconds
                elif asked == TRIES and not read:
                    break
        except TooMuchError:
            raise
        except ModelError as error:
            problem = str(error)
        return view_result(view.name, frames, read, asked, says_none, problem)

    def _conclude(self, views: Sequence[TimeView]) -> None:
        self.found.instead = "" if self.has_answered else self.instead
        if len(self.took) > 1:
            pictures, seconds = np.array(self.took, dtype=float).T
            slope, start = np.polyfit(pictures, seconds, 1)
            self.found.picture_seconds = max(0.0, float(slope))
            self.found.request_seconds = max(0.0, float(start))
        good = [one for one in self.found.views if one.iou >= GOOD_IOU and not one.problem]
        if good:  # of equals the first, in the order of the register
            self.found.recommended = max(good, key=lambda one: (round(one.iou, 2), bool(one.says_none))).view
        client = getattr(self.vlm, "client", None)
        self.found.context_tokens = _context_tokens(client)
        if isinstance(client, ChatClient):
            self.found.streams = client.streamed


def _timed_view(name: str) -> TimeView:
    view = get_view(name)
    if isinstance(view, ClipYesNo):
        raise TFGroundingError(f"the view {name} asks for no times, so it cannot be examined")
    return view


def _context_tokens(client: Any) -> int | None:
    """The context length in a server's list of models, else the one that was learnt from its refusals."""
    if not isinstance(client, ChatClient):
        return None
    try:
        listed = json.loads(client.look(f"{urlsplit(client.base_url).path.rstrip('/')}/models"))["data"]
        found = next(model for model in listed if model["id"] == client.model or len(listed) == 1)
        stated = [found.get(name) for name in CONTEXT_NAMES] + [(found.get("meta") or {}).get("n_ctx")]
        return next(value for value in stated if isinstance(value, int) and 0 < value < LARGEST_CONTEXT)
    except (ValueError, LookupError, TypeError, AttributeError, StopIteration, RecursionError):
        return client.known.context_tokens
