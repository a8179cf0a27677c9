"""Which frames to look at: how many a second, and which of too many."""

from __future__ import annotations

import math

import numpy as np

from ..errors import TFGroundingError


def capped_rate_hz(duration_seconds: float, *, rate_hz: float = 1.0, most_frames: int) -> float:
    """The wanted sampling rate, lowered where it would give more than `most_frames`: the whole video is always seen.

    Args:
        duration_seconds: length of the video, > 0.
        rate_hz: samples a second that are wanted.
        most_frames: the frame budget, at least 1.

    Raises:
        TFGroundingError: a rate or a budget that is not positive.
    """
    if not (np.isfinite(rate_hz) and rate_hz > 0):
        raise TFGroundingError(f"the sampling rate must be a positive number of frames per second, not {rate_hz}")
    if most_frames < 1:
        raise TFGroundingError(f"a frame budget must be at least 1, not {most_frames}")
    return min(rate_hz, most_frames / duration_seconds)


def evenly(count: int, most: int) -> np.ndarray:
    """Indices (<= most,) that pick at most `most` of `count` things, evenly and including the first and the last."""
    if count <= most:
        return np.arange(count)
    return np.round(np.linspace(0, count - 1, most)).astype(np.int64)


def is_sampled(start_seconds: float, end_seconds: float, *, rate_hz: float) -> bool:
    """Whether one of the instants (k + 1/2) / rate_hz falls into [start, end)."""
    first = max(0, math.floor(start_seconds * rate_hz - 0.5))  # rounding may put it one too early
    return any(start_seconds <= (k + 0.5) / rate_hz < end_seconds for k in range(first, first + 3))
