"""Short runs of frames with a yes-or-no question each."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ...errors import TFGroundingError
from ...llm.prompting import prompts
from ..frames import NumberedFrames, Part
from .base import ReadReply


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
