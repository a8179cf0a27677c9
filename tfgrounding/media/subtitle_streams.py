"""The subtitle streams of a video file, on the time line of its pictures."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from .container import in_seconds, opened
from .decode import VideoFile

MOST_READ_FAILURES = 1000  # packets that cannot be decoded, before the rest is given up


@dataclass(frozen=True, slots=True)
class SubtitleStream:
    """What a container says about one of its subtitle streams.

    `language` and `title` are as they are stored, "" where they are not. `is_text`: whether it holds texts; else it
    holds pictures of texts, or there is no decoder for it.
    """

    index: int
    codec: str
    language: str
    title: str
    is_text: bool
    is_default: bool
    is_forced: bool
    is_commentary: bool


@dataclass(frozen=True, slots=True)
class SubtitleEvent:
    """One event of SubStation Alpha, to which all kinds of streams are converted; `end_seconds` may not be known."""

    start_seconds: float
    end_seconds: float | None
    text: str
    effect: str = ""


def subtitle_streams(file: VideoFile) -> list[SubtitleStream]:
    """The subtitle streams of a file. Raises VideoError: the file cannot be read."""
    with opened(file.path) as container:
        return [_described(stream) for stream in container.streams.subtitles]


def read_subtitles(file: VideoFile, index: int) -> Iterator[SubtitleEvent | None]:
    """The events of a stream of texts; None for each that cannot be decoded.

    Args:
        file: the video file.
        index: the number of the stream in the file.

    Raises:
        VideoError: the file cannot be read.
    """
    import av

    zero, failures = file.track.zero_seconds, 0
    with opened(file.path) as container:
        stream: Any = container.streams[index]
        try:
            for packet in container.demux(stream):
                start = in_seconds(packet.pts, packet.time_base)
                if not packet.size or start is None:
                    continue
                try:
                    rectangles = packet.decode()
                except av.FFmpegError:
                    yield None
                    failures += 1
                    if failures >= MOST_READ_FAILURES:
                        return
                    continue
                length = in_seconds(packet.duration, packet.time_base)
                for rectangle in rectangles:
                    if fields := _fields(rectangle):
                        end = start + length - zero if length else None
                        yield SubtitleEvent(start - zero, end, text=fields[8], effect=fields[7])
        except av.FFmpegError:  # the file ends early: what was read counts
            yield None


def _fields(rectangle: Any) -> list[str]:
    """The nine fields of an event, of which the eighth is the effect and the last the text; none of a picture."""
    line = getattr(rectangle, "ass", b"")
    fields = line.decode("utf-8", "replace").split(",", 8)
    return fields if len(fields) == 9 else []


def _described(stream: Any) -> SubtitleStream:
    codec = stream.codec_context
    flags = stream.disposition
    title = str(stream.metadata.get("title", ""))
    words = title.lower()
    return SubtitleStream(
        index=stream.index,
        codec=codec.name if codec is not None else "unknown",
        language=str(stream.metadata.get("language", "")),
        title=title,
        is_text=codec is not None and bool(codec.codec.text_sub),
        is_default=bool(flags & flags.default),
        is_forced=bool(flags & flags.forced) or "forced" in words,
        is_commentary=bool(flags & flags.comment) or "comment" in words,
    )
