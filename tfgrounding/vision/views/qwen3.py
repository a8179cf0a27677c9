"""The time before each frame, or each group of frames, as Qwen3-VL and later models are trained to read it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from ...errors import TFGroundingError
from ...llm.prompting import prompts
from ..answers import answer_schema
from ..frames import NumberedFrames, Part
from .base import ReadReply, read_numbers
from .timestamps import in_seconds, least_gap, written_seconds


@dataclass(frozen=True, slots=True)
class Qwen3Seconds:
    """`<12.5 seconds>` before each group of frames: the mean of the times of its first and its last frame.

    In a video the model sees two frames at a time as one; a picture that comes alone is a group of its own, so that 1
    is right for servers that take pictures.
    """

    frames_per_group: int = 1
    frame_side: int = 336
    name: str = "qwen3-seconds"
    frames_per_picture: int = 1
    schema: ClassVar[dict[str, Any]] = answer_schema("second")

    def __post_init__(self) -> None:
        if self.frames_per_group < 1:
            raise TFGroundingError(f"frames_per_group must be at least 1, not {self.frames_per_group}")

    def parts(self, frames: NumberedFrames) -> list[Part]:
        labels = self._labels(frames)
        parts: list[Part] = []
        for k, picture in enumerate(frames.pixels):
            if k % self.frames_per_group == 0:
                parts.append(f"<{in_seconds(labels[k])} seconds>")
            parts.append(picture)
        return parts

    def question(self, frames: NumberedFrames, query: str) -> str:
        return prompts("numpro.timestamps").fill(
            side="before", written="seconds", form="from x to y seconds", query=query
        )

    def read(self, reply: str, frames: NumberedFrames) -> ReadReply:
        step = frames.step_seconds * (self.frames_per_group + 0.5)
        return read_numbers(reply, frames, "second", self._labels(frames), step=step)

    def _labels(self, frames: NumberedFrames) -> np.ndarray:
        """(T,) the time that stands before each frame's group."""
        first = np.arange(len(frames)) // self.frames_per_group * self.frames_per_group
        last = np.minimum(first + self.frames_per_group, len(frames)) - 1
        middle = (frames.sample_seconds[first] + frames.sample_seconds[last]) / 2
        return written_seconds(middle, least_gap(frames))
