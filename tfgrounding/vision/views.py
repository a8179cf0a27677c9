"""Ways to show a vision LLM the time: numbers on frames, seconds before them, percent, contact sheets, short clips."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

import numpy as np

from ..errors import TFGroundingError
from ..llm.prompting import prompts
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
    """Numbered frames of one video, with the table that leads from their numbers back to its seconds.

    `pixels`: (T, H, W, 3) uint8. `numbers`: (T,) consecutive integers. `sample_seconds`: (T,) the instants at which
    the video was looked at. `edges_seconds`: (T + 1,) number t stands for [edges[t], edges[t + 1]).
    """

    pixels: np.ndarray
    numbers: np.ndarray
    sample_seconds: np.ndarray
    edges_seconds: np.ndarray

    def __len__(self) -> int:
        return len(self.numbers)

    def part(self, first: int, last: int) -> NumberedFrames:
        """The frames at positions [first, last), with their numbers and times."""
        return NumberedFrames(
            self.pixels[first:last],
            self.numbers[first:last],
            self.sample_seconds[first:last],
            self.edges_seconds[first : last + 1],
        )

    def seconds_of(self, first: float, last: float) -> Interval:
        """(start, end) seconds of the frames numbered first to last, inclusive; clipped to what is shown."""
        positions = np.clip(np.floor([first, last]) - self.numbers[0], 0, len(self) - 1).astype(np.int64)
        return float(self.edges_seconds[positions[0]]), float(self.edges_seconds[positions[1] + 1])


@dataclass(frozen=True, slots=True)
class ReadReply:
    """What a reply says: half-open (start, end) in seconds, in its order.

    `absent`: it says that there is none. `usable`: it says anything; intervals that were not shown are left out.
    """

    intervals_seconds: tuple[Interval, ...] = ()
    absent: bool = False
    usable: bool = False
    warnings: tuple[str, ...] = ()


class TimeView(Protocol):
    """One way to show frames together with their time, to ask about them, and to read the reply.

    `frame_side`: the shorter side in pixels at which it wants frames. `frames_per_picture`: 1, but for sheets.
    """

    @property
    def name(self) -> str: ...
    @property
    def frame_side(self) -> int: ...
    @property
    def frames_per_picture(self) -> int: ...

    def parts(self, shown: NumberedFrames) -> list[Part]:
        """The pictures of a request, with texts between them."""
        ...

    def question(self, shown: NumberedFrames, query: str) -> str:
        """What to ask about them."""
        ...

    def read(self, reply: str, shown: NumberedFrames) -> ReadReply:
        """The reply's intervals in seconds, through the table of `shown`."""
        ...


@dataclass(frozen=True, slots=True)
class FrameNumbers:
    """The number of each frame drawn on it (Number it, CVPR 2025)."""

    overlay: Overlay = field(default_factory=Overlay)
    frame_side: int = 336
    name: str = "frame-numbers"
    prompt: str = "numpro.frame-numbers"
    frames_per_picture: int = 1

    def parts(self, shown: NumberedFrames) -> list[Part]:
        return list(self.overlay.draw(shown.pixels, shown.numbers))

    def question(self, shown: NumberedFrames, query: str) -> str:
        return numbered_question(self.prompt, self.overlay, shown, query)

    def read(self, reply: str, shown: NumberedFrames) -> ReadReply:
        return _read_numbers(reply, shown, "frame", shown.numbers, step=1 / self.overlay.share)


@dataclass(frozen=True, slots=True)
class TimestampsText:
    """The second of each frame in words before it: TimeMarker's "Second{2.0}" or TimeChat's sentence."""

    style: Literal["timemarker", "timechat"] = "timemarker"
    frame_side: int = 336
    name: str = "timestamps-text"
    frames_per_picture: int = 1

    def parts(self, shown: NumberedFrames) -> list[Part]:
        form = "Second{{{}}}" if self.style == "timemarker" else "This frame is sampled at {} second."
        parts: list[Part] = []
        for seconds, picture in zip(self._labels(shown), shown.pixels, strict=True):
            parts += [form.format(f"{seconds:g}" if seconds % 1 else f"{seconds:.1f}"), picture]
        return parts

    def question(self, shown: NumberedFrames, query: str) -> str:
        return prompts("numpro.timestamps").fill(query=query)

    def read(self, reply: str, shown: NumberedFrames) -> ReadReply:
        return _read_numbers(reply, shown, "second", self._labels(shown), step=float(_step_seconds(shown)) * 1.5)

    @staticmethod
    def _labels(shown: NumberedFrames) -> np.ndarray:
        """(T,) seconds as they are written: one decimal, more where frames lie closer."""
        decimals = max(1, 1 - int(np.floor(np.log10(_step_seconds(shown)))))
        return np.round(shown.sample_seconds, decimals)


@dataclass(frozen=True, slots=True)
class Percent:
    """No mark at all: frames spread over the video, times asked for in hundredths of it (VTimeLLM, CVPR 2024)."""

    steps: int = 100
    frame_side: int = 336
    name: str = "percent"
    frames_per_picture: int = 1

    def parts(self, shown: NumberedFrames) -> list[Part]:
        return list(shown.pixels)

    def question(self, shown: NumberedFrames, query: str) -> str:
        return prompts("numpro.percent").fill(count=str(len(shown)), steps=str(self.steps), query=query)

    def read(self, reply: str, shown: NumberedFrames) -> ReadReply:
        answer = read_intervals(reply, unit="percent")
        found: list[Interval] = []
        warnings: list[str] = []
        for first, last in answer.intervals:
            if first > self.steps and first != np.inf:
                warnings.append(f"the reply names step {first:g}, but there are only {self.steps}: left out")
                continue
            if last > self.steps and last != np.inf:
                warnings.append(f"the reply names step {last:g}, but there are only {self.steps}: cut")
            # A step stands for the hundredth that it begins; the last one ends with the video.
            ends = np.clip([first, last + 1], 0, self.steps) / self.steps * len(shown)
            start, end = np.interp(ends, np.arange(len(shown) + 1), shown.edges_seconds)
            if start < end:
                found.append((float(start), float(end)))
            else:  # "from 100 to 100": the video's last step
                start = np.interp(len(shown) * (1 - 1 / self.steps), np.arange(len(shown) + 1), shown.edges_seconds)
                found.append((float(start), float(end)))
        return ReadReply(tuple(found), answer.absent, answer.usable, tuple(warnings))


@dataclass(frozen=True, slots=True)
class Grid:
    """Contact sheets: rows x columns of small numbered frames in one picture."""

    rows: int = 3
    columns: int = 4
    overlay: Overlay = field(default_factory=Overlay)
    frame_side: int = 168
    name: str = "grid"

    def __post_init__(self) -> None:
        if self.rows < 1 or self.columns < 1:
            raise TFGroundingError(f"a sheet has at least one row and one column, not {self.rows} x {self.columns}")

    @property
    def frames_per_picture(self) -> int:
        return self.rows * self.columns

    def parts(self, shown: NumberedFrames) -> list[Part]:
        tiles = self.overlay.draw(shown.pixels, shown.numbers)  # (T, H, W, 3)
        count, height, width, _ = tiles.shape
        each = self.frames_per_picture
        sheets = -(-count // each)
        blank = np.zeros((sheets * each - count, height, width, 3), dtype=np.uint8)
        cells = np.concatenate([tiles, blank]).reshape(sheets, self.rows, self.columns, height, width, 3)
        return list(cells.transpose(0, 1, 3, 2, 4, 5).reshape(sheets, self.rows * height, self.columns * width, 3))

    def question(self, shown: NumberedFrames, query: str) -> str:
        return numbered_question("numpro.grid", self.overlay, shown, query)

    def read(self, reply: str, shown: NumberedFrames) -> ReadReply:
        return _read_numbers(reply, shown, "frame", shown.numbers, step=1 / self.overlay.share)


@dataclass(frozen=True, slots=True)
class ClipYesNo:
    """Short clips, each asked about on its own: P(yes) makes a curve that any localizer can read."""

    frames_per_clip: int = 4
    frame_side: int = 336
    name: str = "clip-yes-no"
    frames_per_picture: int = 1

    def __post_init__(self) -> None:
        if self.frames_per_clip < 1:
            raise TFGroundingError(f"a clip has at least one frame, not {self.frames_per_clip}")

    def clips(self, count: int) -> list[tuple[int, int]]:
        """[first, last) positions of clips that overlap by half and cover all `count` frames."""
        length = min(self.frames_per_clip, count)
        stride = max(1, length // 2)
        starts = [*range(0, count - length, stride), count - length]
        return [(start, start + length) for start in starts]

    def parts(self, shown: NumberedFrames) -> list[Part]:
        return list(shown.pixels)

    def question(self, shown: NumberedFrames, query: str) -> str:
        return prompts("numpro.yes-no").fill(query=query)

    def read(self, reply: str, shown: NumberedFrames) -> ReadReply:
        """A plain yes means the whole clip; the engine prefers the probability of a yes."""
        word = re.match(r"\W*(yes|no)\b", reply, re.IGNORECASE)
        if word is None:
            return ReadReply()
        whole = (float(shown.edges_seconds[0]), float(shown.edges_seconds[-1]))
        yes = word[1].lower() == "yes"
        return ReadReply((whole,) if yes else (), absent=not yes, usable=True)


VIEWS: dict[str, Callable[[], TimeView]] = {
    "frame-numbers": FrameNumbers,
    "timestamps-text": TimestampsText,
    "percent": Percent,
    "grid": Grid,
    "clip-yes-no": ClipYesNo,
}


def get_view(name: str) -> TimeView:
    """The way to show time of that name, as it is by default. Raises TFGroundingError, naming the known ones."""
    if name not in VIEWS:
        raise TFGroundingError(f"way to show time {name!r} is not known; choose one of {', '.join(VIEWS)}")
    return VIEWS[name]()


def numbered_question(prompt: str, overlay: Overlay, shown: NumberedFrames, query: str) -> str:
    """A prompt about frames with numbers on them."""
    gaps = (
        "" if overlay.share == 1 else f", but only {int(overlay.is_numbered(shown.numbers).sum())} frames bear theirs"
    )
    fields = {"color": overlay.spoken_color, "place": PLACES[overlay.corner], "gaps": gaps, "query": query}
    return prompts(prompt).fill(first=str(shown.numbers[0]), last=str(shown.numbers[-1]), **fields)


def _read_numbers(reply: str, shown: NumberedFrames, unit: Unit, labels: np.ndarray, *, step: float) -> ReadReply:
    """Intervals of labels, one (T,) increasing label a frame, to seconds; what lies beyond is cut or left out."""
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
        found.append(shown.seconds_of(shown.numbers[positions[0]], shown.numbers[positions[1]]))
    return ReadReply(tuple(dict.fromkeys(found)), answer.absent, answer.usable, tuple(warnings))


def _nearest(labels: Sequence[float] | np.ndarray, value: float) -> int:
    return int(np.abs(np.asarray(labels) - np.clip(value, labels[0], labels[-1])).argmin())


def _step_seconds(shown: NumberedFrames) -> float:
    return float(np.diff(shown.edges_seconds).mean())
