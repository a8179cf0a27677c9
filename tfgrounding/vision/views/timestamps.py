"""The time of each frame as text beside it, in the words of different models."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...errors import TFGroundingError
from ...llm.prompting import prompts
from ..answers import answer_schema
from ..frames import NumberedFrames, Part
from .base import ReadReply, read_numbers

STYLES = {  # what stands before a frame
    "timemarker": "Second{{{seconds}}}",
    "timechat": "This frame is sampled at {seconds} second.",
    "seed": "[{seconds} second]",  # Seed1.5-VL
    "videollama3": "Time {seconds}s:",
    "molmo": "{seconds}",  # Molmo 2
    "glm": "{seconds} seconds",  # GLM-4.5V and 4.6V write it behind the frame
    "clock": "{clock}",  # Gemini and Gemma, which count a video in minutes and seconds
    "smolvlm": "Frame from {clock}:",
}
BEHIND = ("glm",)  # styles whose text stands behind the frame


@dataclass(frozen=True, slots=True)
class TimestampsText:
    """The time of each frame as text beside it, in one of the STYLES."""

    style: str = "timemarker"
    frame_side: int = 336
    frames_per_picture: int = 1

    def __post_init__(self) -> None:
        if self.style not in STYLES:
            raise TFGroundingError(f"style {self.style!r} is not known; choose one of {', '.join(STYLES)}")

    @property
    def name(self) -> str:
        return "timestamps-text" if self.style == "timemarker" else f"timestamps-text:{self.style}"

    @property
    def is_clock(self) -> bool:
        """Whether times are written as minutes and seconds."""
        return "{clock}" in STYLES[self.style]

    @property
    def schema(self) -> dict[str, Any] | None:
        """None for a clock: the schema asks for seconds."""
        return None if self.is_clock else answer_schema("second")

    def parts(self, frames: NumberedFrames) -> list[Part]:
        parts: list[Part] = []
        for seconds, picture in zip(self._labels(frames), frames.pixels, strict=True):
            text = STYLES[self.style].format(seconds=in_seconds(seconds), clock=on_clock(seconds))
            parts += [picture, text] if self.style in BEHIND else [text, picture]
        return parts

    def question(self, frames: NumberedFrames, query: str) -> str:
        form = "from x to y" if self.is_clock else "from x to y seconds"
        side = "behind" if self.style in BEHIND else "before"
        written = "minutes:seconds" if self.is_clock else "seconds"
        return prompts("numpro.timestamps").fill(side=side, written=written, form=form, query=query)

    def read(self, reply: str, frames: NumberedFrames) -> ReadReply:
        return read_numbers(reply, frames, "second", self._labels(frames), step=frames.step_seconds * 1.5)

    def _labels(self, frames: NumberedFrames) -> np.ndarray:
        """(T,) seconds as they are written; a clock shows whole seconds where frames are that far apart."""
        if self.is_clock and least_gap(frames) > 0.999:
            return np.floor(frames.sample_seconds)
        return written_seconds(frames.sample_seconds, least_gap(frames))


def least_gap(frames: NumberedFrames) -> float:
    """The shortest time between two frames, in seconds."""
    return float(np.diff(frames.sample_seconds).min()) if len(frames) > 1 else frames.step_seconds


def written_seconds(seconds: np.ndarray, gap: float) -> np.ndarray:
    """(T,) the seconds rounded to one decimal, or to more where two frames would look the same."""
    return np.round(seconds, max(1, math.ceil(-math.log10(max(gap, 1e-6) / 2))))


def in_seconds(seconds: float) -> str:
    """ "2.0", "12.5", "0.04"."""
    return f"{seconds:.1f}" if seconds == round(seconds, 1) else f"{seconds:g}"


def on_clock(seconds: float) -> str:
    """ "00:02", "01:12.5", from one hour on "1:00:02"."""
    minutes, rest = divmod(seconds, 60)
    whole, _, decimals = f"{rest:g}".partition(".")
    hours, minutes = divmod(int(minutes), 60)
    return f"{hours}:" * bool(hours) + f"{minutes:02d}:{int(whole):02d}" + f".{decimals}" * bool(decimals)
