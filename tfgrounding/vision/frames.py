"""What a request to a vision LLM is made of: texts, pictures, and frames with the times that they mean."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

Interval = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Jpeg:
    """A picture that was encoded for sending; the model that made it takes it in place of the pixels."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Clip:
    """Frames that a model takes as one video: (T, H, W, 3) uint8 `pixels`, on screen at (T,) `seconds`."""

    pixels: np.ndarray
    seconds: np.ndarray


Part = str | np.ndarray | Jpeg | Clip  # of a request: a text, an (H, W, 3) uint8 picture, or frames as a video


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

    @property
    def step_seconds(self) -> float:
        """The mean time between two frames."""
        return float(np.diff(self.edges_seconds).mean())
