"""No marks: times in hundredths of what is shown."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...llm.prompting import prompts
from ..answers import read_intervals
from ..frames import Interval, NumberedFrames, Part
from .base import ReadReply


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
