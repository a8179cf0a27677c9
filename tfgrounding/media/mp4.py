"""Frames as an MP4 file."""

from __future__ import annotations

import io
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

import numpy as np

TICKS_HZ = 90_000
CRF = "20"  # x264: close to the original to the eye


def to_mp4(pixels: np.ndarray, edges_seconds: Sequence[float] | np.ndarray) -> bytes:
    """The bytes of an MP4 file without sound.

    Args:
        pixels: (T, H, W, 3) uint8 RGB frames of at least 2 x 2 pixels; an odd row or column at the end is left out.
        edges_seconds: (T + 1,), where frame t is on screen from edges[t] to edges[t + 1]; the file begins at edges[0].
    """
    import av

    height, width = (side // 2 * 2 for side in pixels.shape[1:3])  # H.264 needs even sides
    ticks = np.round((np.asarray(edges_seconds) - edges_seconds[0]) * TICKS_HZ).astype(np.int64).tolist()
    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as container:
        track: Any = container.add_stream("libx264", rate=TICKS_HZ, options={"crf": CRF, "preset": "veryfast"})
        track.width, track.height, track.pix_fmt = width, height, "yuv420p"
        track.codec_context.time_base = Fraction(1, TICKS_HZ)
        for picture, start in zip([*pixels, pixels[-1]], ticks, strict=True):  # the last edge needs a picture too
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture[:height, :width]), format="rgb24")
            frame.pts, frame.time_base = start, Fraction(1, TICKS_HZ)
            container.mux(track.encode(frame))
        container.mux(track.encode(None))
    return file.getvalue()
