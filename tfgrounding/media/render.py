"""Decoded pictures become upright RGB arrays of one size."""

from __future__ import annotations

import re
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from ..types import Turn
from . import hdr

if TYPE_CHECKING:
    import av.video.frame


UPRIGHT = Turn()
EXIF_TURNS = (UPRIGHT, UPRIGHT, Turn(0, True), Turn(2), Turn(2, True), Turn(1, True), Turn(3), Turn(3, True), Turn(1))
EXIF_START = re.compile(rb"(?:Exif\0\0|eXIf|EXIF.{4}|\A)(?=II\*\0|MM\0\*)", re.DOTALL)
EXIF_ORIENTATION = 0x0112


def turn_of(frame: av.video.frame.VideoFrame, stored: bytes = b"") -> Turn:
    """How a picture has to be turned, as its container or its EXIF data says.

    Args:
        frame: the decoded picture.
        stored: its bytes in the file. The library (PyAV 18) lists no side data at all where EXIF is among it.
    """
    # Side data once looked at refers back to its frame, and both stay in memory for long: look at those of a copy.
    copy = frame.reformat(width=2, height=2, format="gray")
    try:
        side_data: Any = copy.side_data
    except ValueError:
        return EXIF_TURNS[_exif_orientation(stored)]
    matrix = side_data.get("DISPLAYMATRIX")
    if matrix is None:
        return UPRIGHT
    a, b, _, c, d = np.frombuffer(matrix, dtype="=i4")[:5].tolist()  # x' = ax + cy, y' = bx + dy
    is_mirrored = a * d - b * c < 0
    if abs(a) >= abs(b):
        return Turn(0 if (a > 0) != is_mirrored else 2, is_mirrored)
    return Turn(1 if (b < 0) != is_mirrored else 3, is_mirrored)


def _exif_orientation(stored: bytes) -> int:
    """The tag Orientation, from 1 to 8, of a picture file; 0 where there is none."""
    start = EXIF_START.search(stored)
    if start is None:
        return 0
    tiff = stored[start.end() : start.end() + (1 << 16)]
    order = "little" if tiff.startswith(b"II") else "big"

    def number(at: int, size: int) -> int:
        return int.from_bytes(tiff[at : at + size], order)  # type: ignore[arg-type]

    directory = number(4, 4)
    for entry in range(directory + 2, directory + 2 + 12 * number(directory, 2), 12):
        if number(entry, 2) == EXIF_ORIENTATION:
            value = number(entry + 8, 2)
            return value if value < len(EXIF_TURNS) else 0
    return 0


def screen_size(width: int, height: int, pixel_aspect: Fraction | None, turn: Turn) -> tuple[int, int]:
    """(width, height) in square pixels on screen, upright; `pixel_aspect`: width of a stored pixel over its height."""
    if pixel_aspect and 0.1 < pixel_aspect < 10:
        width = max(1, round(width * pixel_aspect))
    return (height, width) if turn.quarters % 2 else (width, height)


def is_hdr(frame: av.video.frame.VideoFrame) -> bool:
    """Whether an ordinary screen would show the picture pale."""
    return frame.color_trc in hdr.NAMES


class Renderer:
    """Turns decoded pictures into upright RGB arrays of one size."""

    def __init__(self, width: int, height: int) -> None:
        from av.video.reformatter import VideoReformatter

        self._width, self._height = width, height
        self._scaler = VideoReformatter()
        self._sizes: set[tuple[int, int]] = set()
        self._transfers: set[int] = set()  # of pictures of high dynamic range

    @property
    def has_several_sizes(self) -> bool:
        return len(self._sizes) > 1

    @property
    def warnings(self) -> tuple[str, ...]:
        """What was changed, in words."""
        words = []
        if self.has_several_sizes:
            words.append(f"the pictures come in {len(self._sizes)} sizes; all were brought to the shape of the first")
        if self._transfers:
            names = " and ".join(hdr.NAMES[transfer] for transfer in sorted(self._transfers))
            words.append(f"its pictures are HDR ({names}); they were converted to what an ordinary screen shows")
        return tuple(words)

    def pixels(self, frame: av.video.frame.VideoFrame, turn: Turn) -> np.ndarray:
        """(H, W, 3) uint8 RGB."""
        self._sizes.add(screen_size(frame.width, frame.height, None, turn))
        width, height = (self._height, self._width) if turn.quarters % 2 else (self._width, self._height)
        scaled = self._scaler.reformat(frame, width=width, height=height, format="rgb24", interpolation="BICUBIC")
        picture = scaled.to_ndarray()
        if is_hdr(frame):
            self._transfers.add(frame.color_trc)
            picture = hdr.to_standard_range(picture, frame.color_trc)
        if turn.is_mirrored:
            picture = picture[:, ::-1]
        return np.ascontiguousarray(np.rot90(picture, turn.quarters))
