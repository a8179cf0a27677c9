"""Videos with subtitle streams, made at test time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from av.subtitles.subtitle import SubtitleSet

HEADER = (
    b"[Script Info]\r\nScriptType: v4.00+\r\n\r\n[V4+ Styles]\r\nFormat: Name\r\n\r\n[Events]\r\n"
    b"Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text\r\n"
)


@dataclass
class Stream:
    """A stream of subtitles to write: its texts are (start_seconds, end_seconds, text in SubStation Alpha)."""

    texts: Sequence[tuple[float, float, str]]
    codec: str = "srt"
    language: str = ""
    title: str = ""
    flags: str = ""
    metadata: dict[str, str] = field(default_factory=dict)


def make_subtitled(path: Path, streams: Sequence[Stream], *, seconds: float = 10.0, first_picture: float = 0.0) -> Path:
    """A small grey video with these streams; all times count from the file's start."""
    ticks = 1000 if path.suffix == ".mkv" else 1_000_000
    with av.open(str(path), "w") as file:
        video = file.add_stream("mpeg4", rate=5)
        video.width, video.height = 64, 48
        written = []
        for stream in streams:
            out = file.add_stream(stream.codec)
            if stream.language:
                out.metadata["language"] = stream.language
            if stream.title:
                out.metadata["title"] = stream.title
            if stream.flags:
                out.disposition = getattr(type(out.disposition), stream.flags)
            out.codec_context.subtitle_header = HEADER
            out.time_base = out.codec_context.time_base = Fraction(1, ticks)
            written.append(out)
        packets = []
        for k in range(round(5 * (seconds - first_picture))):
            frame = av.VideoFrame.from_ndarray(np.full((48, 64, 3), 3 * k % 250, np.uint8))
            frame.pts, frame.time_base = k + round(5 * first_picture), Fraction(1, 5)
            packets += video.encode(frame)
        packets += video.encode(None)
        for stream, out in zip(streams, written, strict=True):
            for start, end, text in stream.texts:
                length = round((end - start) * ticks)
                event = SubtitleSet.create(f"0,0,Default,,0,0,0,,{text}".encode(), 0, length)
                packet = out.codec_context.encode_subtitle(event)
                packet.stream, packet.time_base = out, Fraction(1, ticks)
                packet.pts = packet.dts = round(start * ticks)
                packet.duration = length
                packets.append(packet)
        for packet in sorted(packets, key=lambda packet: (packet.dts or 0) * packet.time_base):
            file.mux(packet)
    return path
