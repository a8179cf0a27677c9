"""The number of each frame in words before it and drawn on it, as InternVL is trained to read it."""

from __future__ import annotations

from dataclasses import dataclass

from ..frames import NumberedFrames, Part
from .frame_numbers import FrameNumbers


@dataclass(frozen=True, slots=True)
class FrameLabels(FrameNumbers):
    """ "Frame12: " before each frame, and the number drawn on it too."""

    name: str = "frame-labels"

    def parts(self, frames: NumberedFrames) -> list[Part]:
        pictures = self.overlay.draw(frames.pixels, frames.numbers)
        return [
            part
            for number, picture in zip(frames.numbers, pictures, strict=True)
            for part in (f"Frame{number}: ", picture)
        ]
