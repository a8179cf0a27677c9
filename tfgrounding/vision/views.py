"""Views, the ways to show a vision LLM the time: numbers on frames, seconds, percent, sheets, short runs of frames."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

import numpy as np

from ..errors import TFGroundingError
from ..llm.prompting import prompts
from ..registry import make
from .answers import read_intervals
from .overlay import Overlay
from .sentences import Interval, Unit

Part = str | np.ndarray  # of a request: a text, or an (H, W, 3) uint8 picture
PLACES = {
    "bottom-right": "in the lower right corner",
    "bottom-left": "in the lower left corner",
    "top-right": "in the upper right corner",
    "top-left": "in the upper left corner",
    "centre": "in the middle",
}


@dataclass(frozen=True, slots=True)
class NumberedFrames:
    """Frames of one video with their numbers, and the times that the numbers mean.

    `pixels`: (T, H, W, 3) uint8. `numbers`: (T,) consecutive integers. `sample_seconds`: (T,) the times at which the
    video was sampled. `edges_seconds`: (T + 1,), where frame t covers [edges[t], edges[t + 1]).
    """

    pixels: np.ndarray
    numbers: np.ndarray
    sample_seconds: np.ndarray
    edges_seconds: np.ndarray

    def __len__(self) -> int:
        return len(self.numbers)

    def part(self, first: int, last: int) -> NumberedFrames:
        """The frames at positions [first, last) with their numbers and times."""
        return NumberedFrames(
            self.pixels[first:last],
            self.numbers[first:last],
            self.sample_seconds[first:last],
            self.edges_seconds[first : last + 1],
        )

    def seconds_of(self, first: float, last: float) -> Interval:
        """(start, end) seconds of the frames numbered first to last, inclusive; limited to these frames."""
        positions = np.clip(np.floor([first, last]) - self.numbers[0], 0, len(self) - 1).astype(np.int64)
        return float(self.edges_seconds[positions[0]]), float(self.edges_seconds[positions[1] + 1])


@dataclass(frozen=True, slots=True)
class ReadReply:
    """The content of a reply: half-open (start, end) intervals in seconds, in its order.

    `absent`: the event is in none of the frames. `usable`: the reply could be read; this is true also where all of its
    intervals are outside the frames that were shown, and so are left out.
    """

    intervals_seconds: tuple[Interval, ...] = ()
    absent: bool = False
    usable: bool = False
    warnings: tuple[str, ...] = ()


class TimeView(Protocol):
    """One way to show frames together with their time, to ask about them, and to read the reply.

    `frame_side`: the shorter side of the frames in pixels. `frames_per_picture`: 1, or more for contact sheets.
    """

    @property
    def name(self) -> str: ...
    @property
    def frame_side(self) -> int: ...
    @property
    def frames_per_picture(self) -> int: ...

    def parts(self, frames: NumberedFrames) -> list[Part]:
        """The pictures of a request, with texts between them."""
        ...

    def question(self, frames: NumberedFrames, query: str) -> str:
        """The question about the frames."""
        ...

    def read(self, reply: str, frames: NumberedFrames) -> ReadReply:
        """The reply's intervals in seconds, by the times of `frames`."""
        ...


@dataclass(frozen=True, slots=True)
class FrameNumbers:
    """The number of each frame drawn on it (Number it, CVPR 2025)."""

    overlay: Overlay = field(default_factory=Overlay)
    frame_side: int = 336
    name: str = "frame-numbers"
    prompt: str = "numpro.frame-numbers"
    frames_per_picture: int = 1

    def parts(self, frames: NumberedFrames) -> list[Part]:
        return list(self.overlay.draw(frames.pixels, frames.numbers))

    def question(self, frames: NumberedFrames, query: str) -> str:
        return numbered_question(self.prompt, self.overlay, frames, query)

    def read(self, reply: str, frames: NumberedFrames) -> ReadReply:
        return _read_numbers(reply, frames, "frame", frames.numbers, step=1 / self.overlay.share)


@dataclass(frozen=True, slots=True)
class TimestampsText:
    """The time of each frame as text before it: TimeMarker's "Second{2.0}" or TimeChat's sentence."""

    style: Literal["timemarker", "timechat"] = "timemarker"
    frame_side: int = 336
    name: str = "timestamps-text"
    frames_per_picture: int = 1

    def parts(self, frames: NumberedFrames) -> list[Part]:
        form = "Second{{{}}}" if self.style == "timemarker" else "This frame is sampled at {} second."
        parts: list[Part] = []
        for seconds, picture in zip(self._labels(frames), frames.pixels, strict=True):
            parts += [form.format(f"{seconds:g}" if seconds % 1 else f"{seconds:.1f}"), picture]
        return parts

    def question(self, frames: NumberedFrames, query: str) -> str:
        return prompts("numpro.timestamps").fill(query=query)

    def read(self, reply: str, frames: NumberedFrames) -> ReadReply:
        return _read_numbers(reply, frames, "second", self._labels(frames), step=float(_step_seconds(frames)) * 1.5)

    @staticmethod
    def _labels(frames: NumberedFrames) -> np.ndarray:
        """(T,) seconds as they are written: with one decimal, or more if frames are less than 0.1 s apart."""
        decimals = max(1, 1 - int(np.floor(np.log10(_step_seconds(frames)))))
        return np.round(frames.sample_seconds, decimals)


@dataclass(frozen=True, slots=True)
class Percent:
    """No marks: frames spread over the video, times in hundredths of its length (VTimeLLM, CVPR 2024)."""

    steps: int = 100
    frame_side: int = 336
    name: str = "percent"
    frames_per_picture: int = 1

    def parts(self, frames: NumberedFrames) -> list[Part]:
        return list(frames.pixels)

    def question(self, frames: NumberedFrames, query: str) -> str:
        return prompts("numpro.percent").fill(count=str(len(frames)), steps=str(self.steps), query=query)

    def read(self, reply: str, frames: NumberedFrames) -> ReadReply:
        answer = read_intervals(reply, unit="percent")
        found: list[Interval] = []
        warnings: list[str] = []
        for first, last in answer.intervals:
            if first > self.steps and first != np.inf:
                warnings.append(f"the reply names step {first:g}, but there are only {self.steps}: left out")
                continue
            if last > self.steps and last != np.inf:
                warnings.append(f"the reply names step {last:g}, but there are only {self.steps}: cut")
            # Step k is the hundredth from k/100 to (k+1)/100 of the video.
            ends = np.clip([first, last + 1], 0, self.steps) / self.steps * len(frames)
            start, end = np.interp(ends, np.arange(len(frames) + 1), frames.edges_seconds)
            if start < end:
                found.append((float(start), float(end)))
            else:  # "from 100 to 100": the video's last step
                start = np.interp(len(frames) * (1 - 1 / self.steps), np.arange(len(frames) + 1), frames.edges_seconds)
                found.append((float(start), float(end)))
        return ReadReply(tuple(found), answer.absent, answer.usable, tuple(warnings))


@dataclass(frozen=True, slots=True)
class Grid:
    """Contact sheets: rows x columns of small numbered frames in each picture."""

    rows: int = 3
    columns: int = 4
    overlay: Overlay = field(default_factory=Overlay)
    frame_side: int = 168
    name: str = "grid"

    def __post_init__(self) -> None:
        if self.rows < 1 or self.columns < 1:
            raise TFGroundingError(f"rows and columns must be at least 1, not {self.rows} x {self.columns}")

    @property
    def frames_per_picture(self) -> int:
        return self.rows * self.columns

    def parts(self, frames: NumberedFrames) -> list[Part]:
        tiles = self.overlay.draw(frames.pixels, frames.numbers)  # (T, H, W, 3)
        count, height, width, _ = tiles.shape
        each = self.frames_per_picture
        sheets = -(-count // each)
        blank = np.zeros((sheets * each - count, height, width, 3), dtype=np.uint8)
        cells = np.concatenate([tiles, blank]).reshape(sheets, self.rows, self.columns, height, width, 3)
        return list(cells.transpose(0, 1, 3, 2, 4, 5).reshape(sheets, self.rows * height, self.columns * width, 3))

    def question(self, frames: NumberedFrames, query: str) -> str:
        return numbered_question("numpro.grid", self.overlay, frames, query)

    def read(self, reply: str, frames: NumberedFrames) -> ReadReply:
        return _read_numbers(reply, frames, "frame", frames.numbers, step=1 / self.overlay.share)


@dataclass(frozen=True, slots=True)
class ClipYesNo:
    """Short runs of frames with one question each: their P(yes) make a curve, which a localizer reads."""

    frames_per_clip: int = 4
    frame_side: int = 336
    name: str = "clip-yes-no"
    frames_per_picture: int = 1

    def __post_init__(self) -> None:
        if self.frames_per_clip < 1:
            raise TFGroundingError(f"frames_per_clip must be at least 1, not {self.frames_per_clip}")

    def clips(self, count: int) -> list[tuple[int, int]]:
        """[first, last) positions of runs that overlap by half and cover all `count` frames."""
        length = min(self.frames_per_clip, count)
        stride = max(1, length // 2)
        starts = [*range(0, count - length, stride), count - length]
        return [(start, start + length) for start in starts]

    def parts(self, frames: NumberedFrames) -> list[Part]:
        return list(frames.pixels)

    def question(self, frames: NumberedFrames, query: str) -> str:
        return prompts("numpro.yes-no").fill(query=query)

    def read(self, reply: str, frames: NumberedFrames) -> ReadReply:
        """A yes means the whole run; the engine uses the probability of a yes instead."""
        word = re.match(r"\W*(yes|no)\b", reply, re.IGNORECASE)
        if word is None:
            return ReadReply()
        whole = (float(frames.edges_seconds[0]), float(frames.edges_seconds[-1]))
        yes = word[1].lower() == "yes"
        return ReadReply((whole,) if yes else (), absent=not yes, usable=True)


def get_view(view: str | TimeView | type[TimeView]) -> TimeView:
    """A view by its name, "module:Class" of your own, a class or an object; a class is used with its default settings.

    Raises:
        TFGroundingError: there is no such view, or it lacks a part of `TimeView`.
    """
    return make("views", view, needs=("name", "frame_side", "frames_per_picture", "parts", "question", "read"))


def numbered_question(prompt: str, overlay: Overlay, frames: NumberedFrames, query: str) -> str:
    """The prompt of that name, filled in for frames with numbers on them."""
    gaps = "" if overlay.share == 1 else f", but only {int(overlay.is_numbered(frames.numbers).sum())} frames have one"
    fields = {"color": overlay.color_word, "place": PLACES[overlay.corner], "gaps": gaps, "query": query}
    return prompts(prompt).fill(first=str(frames.numbers[0]), last=str(frames.numbers[-1]), **fields)


def _read_numbers(reply: str, frames: NumberedFrames, unit: Unit, labels: np.ndarray, *, step: float) -> ReadReply:
    """The reply's intervals in seconds; what is outside the frames is cut or left out.

    `labels`: (T,) what was shown with each frame, increasing: numbers or seconds.
    """
    answer = read_intervals(reply, unit=unit, step=step)
    low, high = float(labels[0]), float(labels[-1])
    slack = 0.0 if unit == "frame" else step  # seconds between two labels still mean a frame
    found: list[Interval] = []
    warnings: list[str] = []
    for first, last in answer.intervals:
        named = " to ".join(f"{value:g}" for value in dict.fromkeys((first, last)) if np.isfinite(value))
        if first > high + slack or last < low - slack:
            warnings.append(f"the reply names {unit} {named}, but only {low:g} to {high:g} were shown: left out")
            continue
        if (np.isfinite(first) and first < low - slack) or (np.isfinite(last) and last > high + slack):
            warnings.append(f"the reply names {unit} {named}, but only {low:g} to {high:g} were shown: cut")
        positions = [_nearest(labels, value) for value in (first, last)]
        found.append(frames.seconds_of(frames.numbers[positions[0]], frames.numbers[positions[1]]))
    return ReadReply(tuple(dict.fromkeys(found)), answer.absent, answer.usable, tuple(warnings))


def _nearest(labels: Sequence[float] | np.ndarray, value: float) -> int:
    return int(np.abs(np.asarray(labels) - np.clip(value, labels[0], labels[-1])).argmin())


def _step_seconds(frames: NumberedFrames) -> float:
    return float(np.diff(frames.edges_seconds).mean())
