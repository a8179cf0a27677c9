"""What a request to a vision LLM is made of: texts, pictures, and frames with the times that they mean."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

Interval = tuple[float, float]
FINE_HZ = 1000  # pictures a second of the video that the times of a clip are counted in


@dataclass(frozen=True, slots=True)
class Jpeg:
    """A picture that was encoded for sending; the model that made it takes it in place of the pixels."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Clip:
    """Frames that a model takes as one video: (T, H, W, 3) uint8 `pixels`, on screen at (T,) `seconds`, increasing."""

    pixels: np.ndarray
    seconds: np.ndarray

    @property
    def rate_hz(self) -> float:
        """Frames a second, on average; 1 for a single frame."""
        return 1.0 if len(self.seconds) < 2 else (len(self.seconds) - 1) / float(self.seconds[-1] - self.seconds[0])

    def metadata(self) -> dict[str, Any]:
        """The times of the frames, as transformers' `VideoMetadata` and vLLM's `media_io_kwargs` count them.

        Returns:
            fps, frames_indices, total_num_frames and duration of a video with `fps` pictures a second from which the
            frames would be these: frames_indices / fps are `seconds`, to half of 1 / fps. The video is as long as the
            frames last, or, for frames from its middle, ends with them.
        """
        fps = FINE_HZ * max(1, math.ceil(self.rate_hz / 100))
        indices = np.round(self.seconds * fps).astype(np.int64)
        lasting = round(len(self.seconds) / self.rate_hz * fps)
        total = max(lasting, int(indices[-1]) + 1)
        return {
            "fps": float(fps),
            "frames_indices": indices.tolist(),
            "total_num_frames": total,
            "duration": total / fps,
        }


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
