"""All frames as one video: the model gets their times from its own processor, which is given ours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from ...llm.prompting import prompts
from ..answers import answer_schema
from ..frames import Clip, NumberedFrames, Part
from .base import ReadReply, read_times


@dataclass(frozen=True, slots=True)
class Video:
    """Frames as one video, for models whose processor writes the times itself, such as Qwen3-VL or GLM-4.5V.

    The model must take a `Clip`: one here whose video processor runs, or one on a vLLM server.
    """

    frame_side: int = 336
    name: str = "video"
    frames_per_picture: int = 1
    form: str = "from x to y seconds"
    written: str = "in seconds, with one decimal"
    schema: ClassVar[dict[str, Any] | None] = answer_schema("second")

    def parts(self, frames: NumberedFrames) -> list[Part]:
        return [Clip(frames.pixels, self._seconds(frames))]

    def question(self, frames: NumberedFrames, query: str) -> str:
        return prompts("numpro.video").fill(form=self.form, written=self.written, query=query)

    def read(self, reply: str, frames: NumberedFrames) -> ReadReply:
        return read_times(reply, frames, self._seconds(frames), step=frames.step_seconds * 1.5)

    def _seconds(self, frames: NumberedFrames) -> np.ndarray:
        """(T,) the times of the frames as the model counts them."""
        return frames.sample_seconds


@dataclass(frozen=True, slots=True)
class Qwen25Video(Video):
    """Frames as one video with its frame rate, for Qwen2.5-VL, which counts seconds from the first frame on."""

    name: str = "qwen2.5-video"

    def _seconds(self, frames: NumberedFrames) -> np.ndarray:
        return frames.sample_seconds - frames.sample_seconds[0]


@dataclass(frozen=True, slots=True)
class GeminiVideo(Qwen25Video):
    """Frames as one video with its frame rate, for Gemini by its own interface, which counts minutes and seconds."""

    name: str = "gemini-video"
    form: str = "from x to y"
    written: str = "as minutes:seconds"
    schema: ClassVar[dict[str, Any] | None] = None  # which would ask for seconds
