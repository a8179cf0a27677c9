"""Contact sheets of numbered frames."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from ...errors import TFGroundingError
from ..answers import answer_schema
from ..frames import NumberedFrames, Part
from ..overlay import Overlay
from .base import ReadReply, read_numbers
from .frame_numbers import numbered_question


@dataclass(frozen=True, slots=True)
class Grid:
    """Contact sheets: rows x columns of small numbered frames in each picture."""

    rows: int = 3
    columns: int = 4
    overlay: Overlay = field(default_factory=Overlay)
    frame_side: int = 168
    name: str = "grid"
    schema: ClassVar[dict[str, Any]] = answer_schema("frame")

    def __post_init__(self) -> None:
        if self.rows < 1 or self.columns < 1:
            raise TFGroundingError(f"rows and columns must be at least 1, not {self.rows} x {self.columns}")

    @property
    def frames_per_picture(self) -> int:
        return self.rows * self.columns

    def parts(self, frames: NumberedFrames) -> list[Part]:
        tiles = self.overlay.draw(frames.pixels, frames.numbers)  # (T, H, W, 3)
        count, height, width, _ = tiles.shape
        each = self.frames_per_picture
        sheets = -(-count // each)
        blank = np.zeros((sheets * each - count, height, width, 3), dtype=np.uint8)
        cells = np.concatenate([tiles, blank]).reshape(sheets, self.rows, self.columns, height, width, 3)
        return list(cells.transpose(0, 1, 3, 2, 4, 5).reshape(sheets, self.rows * height, self.columns * width, 3))

    def question(self, frames: NumberedFrames, query: str) -> str:
        return numbered_question("numpro.grid", self.overlay, frames, query)

    def read(self, reply: str, frames: NumberedFrames) -> ReadReply:
        return read_numbers(reply, frames, "frame", frames.numbers, step=1 / self.overlay.share)
