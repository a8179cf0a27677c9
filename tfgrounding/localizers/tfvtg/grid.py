"""TFVTG's grid of windows and its floor, which both readings share."""

from __future__ import annotations

from dataclasses import dataclass, replace
from numbers import Integral
from typing import TypeVar

from ...errors import PlanError

FLOOR = 0.2  # the public program's own, made for BLIP-2's cosines
STRIDE_FRAMES = 20  # Charades-STA's; 40 with longest T for ActivityNet, 50 with T / 2 for QVHighlights

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class WindowGrid:
    """Windows of `stride_frames`, 2 `stride_frames`, ... up to `longest_frames`.

    None means the grid of Charades-STA: 20 and half of the frames.

    Raises PlanError if a number is below 1 or not whole.
    """

    stride_frames: int | None = None
    longest_frames: int | None = None

    def __post_init__(self) -> None:
        for name, value in (("stride_frames", self.stride_frames), ("longest_frames", self.longest_frames)):
            if value is not None and not isinstance(value, Integral):
                raise PlanError(f"{name} must be a whole number, not {value!r}")
            if value is not None and value < 1:
                raise PlanError(f"{name} must be at least 1, not {value}")


def with_grid(localizer: T, stride_frames: int | None, longest_frames: int | None) -> T:
    """The localizer with what is given of another grid, if it has one. Raises PlanError as WindowGrid."""
    grid = WindowGrid(stride_frames=stride_frames, longest_frames=longest_frames)
    if not isinstance(localizer, WindowGrid):
        return localizer
    return replace(
        localizer,
        stride_frames=grid.stride_frames or localizer.stride_frames,
        longest_frames=grid.longest_frames or localizer.longest_frames,
    )
