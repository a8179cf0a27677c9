"""What vision models and views of others return, checked where it comes in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..errors import ModelError, TFGroundingError
from ..registry import is_own, with_named_failures
from .frames import Clip, Jpeg, NumberedFrames, Part
from .model import VisionModel

LITTLE_SECONDS = 1e-3  # that an interval may be outside the frames by


def checked_model(vlm: Any) -> VisionModel:
    """A vision model of anybody's, whose methods fail in one sentence. Raises ModelError: it is none."""
    name = getattr(vlm, "name", None)
    if not isinstance(name, str):
        raise ModelError(
            f"vlm must be the name of a vision model, or an object with name, capacity, ask and yes_probability, not "
            f"{type(vlm).__name__}" + ("" if name is None else f" with the name {name!r:.40}")
        )
    checks = {"capacity": _checked_capacity, "ask": _as_it_is, "yes_probability": _as_it_is}
    model: VisionModel = with_named_failures(vlm, f"vision model {name}", ModelError, checks)
    return model


def checked_view(view: Any) -> Any:
    """A view of anybody's, whose methods fail in one sentence. Raises TFGroundingError: it is none."""
    for name in ("frame_side", "frames_per_picture"):
        value = getattr(view, name)
        if not is_own(view) and not _is_count(value):
            raise TFGroundingError(f"view {view.name}: {name} must be a whole number from 1 on, not {value!r:.40}")
    checks = {"parts": _checked_parts, "question": _checked_text, "read": _checked_reading}
    return with_named_failures(view, f"view {view.name}", checks=checks)


def _checked_capacity(capacity: Any, *_: Any) -> int:
    if not _is_count(capacity):
        raise ValueError(f"a whole number from 1 on, not {capacity!r:.40}")
    return int(capacity)


def _checked_parts(parts: Any, *_: Any) -> list[Part]:
    if not isinstance(parts, Sequence) or isinstance(parts, str):
        raise ValueError(f"a list of texts and pictures, not {type(parts).__name__}")
    for part in parts:
        if isinstance(part, np.ndarray):
            if part.dtype != np.uint8 or part.ndim != 3 or part.shape[2] != 3 or 0 in part.shape:
                raise ValueError(f"pictures as (H, W, 3) uint8, not {part.shape} {part.dtype}")
        elif not isinstance(part, str | Jpeg | Clip):
            raise ValueError(f"texts and pictures, not {type(part).__name__}")
    return list(parts)


def _checked_text(text: Any, *_: Any) -> str:
    if not isinstance(text, str):
        raise ValueError(f"a text, not {type(text).__name__}")
    return text


def _checked_reading(reading: Any, reply: str, frames: NumberedFrames) -> Any:
    intervals = getattr(reading, "intervals_seconds", None)
    if not isinstance(intervals, tuple) or not all(
        isinstance(getattr(reading, name, None), kind)
        for name, kind in (("absent", bool), ("usable", bool), ("warnings", tuple))
    ):
        raise ValueError(f"a ReadReply, not {reading!r:.60}")
    low, high = float(frames.edges_seconds[0]) - LITTLE_SECONDS, float(frames.edges_seconds[-1]) + LITTLE_SECONDS
    for interval in intervals:
        if not _is_pair(interval) or not low <= interval[0] <= interval[1] <= high:  # nor NaN
            raise ValueError(
                f"intervals (start, end) within the frames, from {low:.2f} to {high:.2f} s, not {interval!r:.60}"
            )
    return reading


def _as_it_is(result: Any, *_: Any) -> Any:
    return result  # checked where it is used


def _is_pair(interval: Any) -> bool:
    is_sequence = isinstance(interval, tuple | list) and len(interval) == 2
    return is_sequence and all(isinstance(value, int | float | np.floating | np.integer) for value in interval)


def _is_count(value: Any) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool) and bool(value >= 1)
