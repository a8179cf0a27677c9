"""Pictures as JPEG files."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np


def to_jpeg(pixels: np.ndarray, *, quality: int = 75, longest_side: int | None = None) -> bytes:
    """The bytes of a JPEG file, its colours at full resolution.

    Args:
        pixels: (H, W, 3) uint8 RGB.
        quality: from 1 to 100 (best), about as other programs count it.
        longest_side: larger pictures are made smaller to this many pixels; None keeps their size.
    """
    import av

    height, width = pixels.shape[:2]
    scale = 1.0 if longest_side is None else min(1.0, longest_side / max(height, width))
    encoder: Any = av.CodecContext.create("mjpeg", "w")
    encoder.width, encoder.height = (max(1, round(side * scale)) for side in (width, height))
    encoder.pix_fmt, encoder.time_base = "yuvj444p", Fraction(1)
    quantiser = str(min(31, max(1, round(_table_percent(quality) / 12.5))))  # FFmpeg's 1 is 1/8 of the usual table
    encoder.options = {"qmin": quantiser, "qmax": quantiser}
    frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(pixels), format="rgb24")
    frame = frame.reformat(width=encoder.width, height=encoder.height, format="yuvj444p", interpolation="AREA")
    frame.pts = 0
    return b"".join(bytes(packet) for packet in [*encoder.encode(frame), *encoder.encode(None)])


def from_jpeg(data: bytes) -> np.ndarray:
    """(H, W, 3) uint8 RGB pixels of a JPEG file. Raises ValueError where it is none."""
    import av

    try:
        decoder: Any = av.CodecContext.create("mjpeg", "r")
        frames = [*decoder.decode(av.Packet(data)), *decoder.decode(None)]
    except av.FFmpegError as error:
        raise ValueError(f"not a JPEG file: {error}") from None
    if not frames:
        raise ValueError("not a JPEG file")
    pixels: np.ndarray = frames[0].to_ndarray(format="rgb24")
    return pixels


def jpeg_size(data: bytes) -> tuple[int, int]:
    """(width, height) of a JPEG file, from its header. Raises ValueError where it has none."""
    at = 2
    while at + 9 <= len(data) and data[at] == 0xFF:
        marker, length = data[at + 1], int.from_bytes(data[at + 2 : at + 4], "big")
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):  # the start of a frame
            return int.from_bytes(data[at + 7 : at + 9], "big"), int.from_bytes(data[at + 5 : at + 7], "big")
        at += 2 + length
    raise ValueError("not a JPEG file")


def _table_percent(quality: int) -> float:
    """How coarse the quantisation is, in percent of the usual table, as the Independent JPEG Group counts it."""
    return 5000 / quality if quality < 50 else 200 - 2 * quality
