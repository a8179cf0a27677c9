"""Videos with sound made at test time: pieces of sound at known times."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

MILLISECOND = Fraction(1, 1000)


def tone(seconds: float, *, rate_hz: int = 16_000, hz: float = 440.0, level: float = 0.5) -> np.ndarray:
    """(N,) float32."""
    return (level * np.sin(2 * np.pi * hz * np.arange(round(seconds * rate_hz)) / rate_hz)).astype(np.float32)


def make_sounding(
    path: Path,
    pieces: Sequence[tuple[float, np.ndarray]],
    *,
    seconds: float,
    rate_hz: int = 16_000,
    codec: str = "pcm_s16le",
    layout: str = "mono",
    pictures_start_seconds: float = 0.0,
) -> Path:
    """A video of grey pictures, two a second, with pieces of sound that start at the given times of the container.

    Args:
        path: where; its suffix chooses the container.
        pieces: (start in seconds, (N,) float32 at `rate_hz`), in order of time.
        seconds: length of the pictures, from `pictures_start_seconds` on.
        codec, layout: of the sound, as FFmpeg names them.
    """
    options = {"fflags": "+bitexact", "avoid_negative_ts": "disabled"}
    with av.open(str(path), "w", options=options) as output:
        video: Any = output.add_stream("mpeg4", rate=2)
        video.width, video.height, video.pix_fmt = 32, 32, "yuv420p"
        video.codec_context.time_base = MILLISECOND
        sound: Any = output.add_stream(codec, rate=rate_hz, layout=layout)
        grey = av.VideoFrame.from_ndarray(np.full((32, 32, 3), 128, dtype=np.uint8), format="rgb24")
        packets = []
        for number in range(round(seconds * 2)):
            frame = grey.reformat(format="yuv420p")
            frame.pts, frame.time_base = round(1000 * (pictures_start_seconds + number / 2)), MILLISECOND
            packets += video.encode(frame)
        packets += video.encode(None)
        channels = 2 if layout == "stereo" else 1
        size = sound.codec_context.frame_size or 1024
        for start, samples in pieces:
            for first in range(0, len(samples), size):
                block = np.repeat(samples[None, first : first + size], channels, axis=0).astype(np.float32)
                frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(block), format="fltp", layout=layout)
                frame.sample_rate, frame.time_base = rate_hz, Fraction(1, rate_hz)
                frame.pts = round(start * rate_hz) + first
                packets += sound.encode(frame)
        packets += sound.encode(None)
        for packet in sorted(packets, key=lambda p: (p.dts or 0) * p.time_base):
            output.mux(packet)
    return path
