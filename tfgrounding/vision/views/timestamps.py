"""The time of each frame as text before it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from ...llm.prompting import prompts
from ..frames import NumberedFrames, Part
from .base import ReadReply, read_numbers


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
        return read_numbers(reply, frames, "second", self._labels(frames), step=frames.step_seconds * 1.5)

    @staticmethod
    def _labels(frames: NumberedFrames) -> np.ndarray:
        """(T,) seconds as they are written: with one decimal, or more if frames are less than 0.1 s apart."""
        decimals = max(1, 1 - int(np.floor(np.log10(frames.step_seconds))))
        return np.round(frames.sample_seconds, decimals)
