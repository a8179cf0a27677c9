"""No marks: times in hundredths of what is shown."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...errors import TFGroundingError
from ...llm.prompting import prompts
from ..answers import read_intervals
from ..frames import Interval, NumberedFrames, Part
from .base import ReadReply


@dataclass(frozen=True, slots=True)
class Percent:
    """No marks: frames spread over the video, times in hundredths of its length (VTimeLLM, CVPR 2024).

    A number is a point in time, 0 the beginning and `steps` the end of what is shown, in the question as in the
    reading: what is read for the points nearest to a start and an end is off by half a step at most.
    """

    steps: int = 100
    frame_side: int = 336
    name: str = "percent"
    frames_per_picture: int = 1

    def __post_init__(self) -> None:
        if self.steps < 1:
            raise TFGroundingError(f"steps must be at least 1, not {self.steps}")

    def parts(self, frames: NumberedFrames) -> list[Part]:
        return list(frames.pixels)

    def question(self, frames: NumberedFrames, query: str) -> str:
        return prompts("numpro.percent").fill(count=str(len(frames)), steps=str(self.steps), query=query)

    def read(self, reply: str, frames: NumberedFrames) -> ReadReply:
        answer = read_intervals(reply, unit="percent", shown=(0, self.steps))
        found: list[Interval] = []
        warnings: list[str] = []
        for first, last in answer.intervals:
            if self.steps < first < np.inf:
                warnings.append(f"the reply names step {first:g}, but there are only {self.steps}: left out")
                continue
            if self.steps < last < np.inf:
                warnings.append(f"the reply names step {last:g}, but there are only {self.steps}: cut")
            points = np.clip([first, last], 0, self.steps)
            if points[0] == points[1]:  # shorter than a step: all that is nearest to this point
                points = np.clip(points + np.array([-0.5, 0.5]), 0, self.steps)
            start, end = np.interp(
                points / self.steps * len(frames), np.arange(len(frames) + 1), frames.edges_seconds
            ).tolist()
            found.append((start, end))
        return ReadReply(tuple(dict.fromkeys(found)), answer.absent, answer.usable, tuple(warnings))
