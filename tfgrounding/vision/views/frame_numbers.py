"""Numbers drawn on the frames (Number it, CVPR 2025)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

from ...llm.prompting import prompts
from ..answers import answer_schema
from ..frames import NumberedFrames, Part
from ..overlay import Overlay
from .base import ReadReply, read_numbers

PLACES = {
    "bottom-right": "in the lower right corner",
    "bottom-left": "in the lower left corner",
    "top-right": "in the upper right corner",
    "top-left": "in the upper left corner",
    "centre": "in the middle",
}


@dataclass(frozen=True, slots=True)
class FrameNumbers:
    """The number of each frame drawn on it (Number it, CVPR 2025)."""

    overlay: Overlay = field(default_factory=Overlay)
    frame_side: int = 336
    name: str = "frame-numbers"
    prompt: str = "numpro.frame-numbers"
    frames_per_picture: int = 1
    schema: ClassVar[dict[str, Any]] = answer_schema("frame")

    def parts(self, frames: NumberedFrames) -> list[Part]:
        return list(self.overlay.draw(frames.pixels, frames.numbers))

    def question(self, frames: NumberedFrames, query: str) -> str:
        return numbered_question(self.prompt, self.overlay, frames, query)

    def read(self, reply: str, frames: NumberedFrames) -> ReadReply:
        return read_numbers(reply, frames, "frame", frames.numbers, step=1 / self.overlay.share)


def numbered_question(prompt: str, overlay: Overlay, frames: NumberedFrames, query: str) -> str:
    """The prompt of that name, filled in for frames with numbers on them."""
    gaps = "" if overlay.share == 1 else f", but only {int(overlay.is_numbered(frames.numbers).sum())} frames have one"
    fields = {"color": overlay.color_word, "place": PLACES[overlay.corner], "gaps": gaps, "query": query}
    return prompts(prompt).fill(first=str(frames.numbers[0]), last=str(frames.numbers[-1]), **fields)
