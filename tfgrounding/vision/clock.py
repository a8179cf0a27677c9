"""A video made on the spot whose contents are known at every second: for finding out what a vision LLM sees."""

from __future__ import annotations

import numpy as np

from .frames import Interval, NumberedFrames
from .overlay import Overlay

STEP_SECONDS = 2.0  # between two frames: not 1, so that a model that counts frames is found out
COLOURS = {
    "grey": (128, 128, 128),
    "yellow": (250, 220, 20),
    "white": (245, 245, 245),
    "green": (20, 150, 40),
    "black": (10, 10, 10),
    "blue": (30, 60, 220),
}
ORDER = ((2, "grey"), (5, "yellow"), (7, "white"), (12, "green"), (15, "black"), (19, "blue"), (20, "grey"))
PARTS = ORDER[-1][0]
ASKED = ("yellow", "green", "blue")  # no red: numbers are drawn in it
ABSENT = "pink"
NUMBERS = (27, 61, 84)  # of the pictures with digits


def clock_video(frames: int, side: int) -> NumberedFrames:
    """Frames of one colour each, `STEP_SECONDS` apart; digits would give the time away to a model that reads them.

    Args:
        frames: how many, at least 4.
        side: shorter side of the pictures in pixels.
    """
    seconds = (np.arange(frames) + 0.5) * STEP_SECONDS
    pixels = np.empty((frames, side, side * 4 // 3, 3), dtype=np.uint8)
    start = 0
    for part, colour in ORDER:
        end = _frame_at(part, frames)
        pixels[start:end] = COLOURS[colour]
        start = end
    return NumberedFrames(pixels, np.arange(1, frames + 1), seconds, np.arange(frames + 1) * STEP_SECONDS)


def truth_of(colour: str, frames: int) -> Interval:
    """(start, end) seconds in which a clock video of so many frames shows a colour of `ASKED`."""
    parts = [0, *(part for part, _ in ORDER)]
    place = [name for _, name in ORDER].index(colour)
    return _frame_at(parts[place], frames) * STEP_SECONDS, _frame_at(parts[place + 1], frames) * STEP_SECONDS


def number_pictures(side: int) -> list[np.ndarray]:
    """Pictures with one large number of `NUMBERS` on each: (H, W, 3) uint8. Raises TFGroundingError without Pillow."""
    blank = np.full((len(NUMBERS), side, side * 4 // 3, 3), COLOURS["black"], dtype=np.uint8)
    drawn = Overlay(size=160, color="white", corner="centre").draw(blank, np.array(NUMBERS))
    return list(drawn)


def _frame_at(part: int, frames: int) -> int:
    return round(part * frames / PARTS)
