"""One video file: what its container says, and every picture that can be decoded, with the time it came on screen."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ..errors import VideoError
from ..types import Shot, Shots, Turn, VideoInfo
from .container import MAX_PIXELS, checked_path, choose_track, file_stamp, in_seconds, opened, start_timecode
from .reading import MOST_READ_FAILURES, Track, read_shots
from .render import screen_size, turn_of

if TYPE_CHECKING:
    import av.container
    import av.video.frame

USUAL_RATE_HZ = 25.0  # where a container states no frame rate that could be true
FASTEST_RATE_HZ = 1000.0


class VideoFile:
    """A video file as a source of pictures. Nothing is read before it is asked for.

    Args:
        path: the file.
        stream: the number of the video track in the file, from 0, sound tracks counted; None takes the one that the
            file marks as default, or else the one with most pictures.
        name: what to call it in results and messages, None for its path as it is given.
    """

    def __init__(self, path: str | os.PathLike[str], *, stream: int | None = None, name: str | None = None) -> None:
        self.path = Path(path)
        self.name = os.fspath(path) if name is None else name
        self._given = os.fspath(path)
        self._stream = stream

    def __repr__(self) -> str:
        return f"VideoFile({self.name!r})"

    @property
    def info(self) -> VideoInfo:
        """What the container states. Raises VideoError: no readable file with at least one decodable picture."""
        return self.track.info

    @property
    def identity(self) -> tuple[Any, ...]:
        """The stamp of the file, and the number of the track where one was chosen. Raises VideoError."""
        return file_stamp(self._given), self._stream

    def digest(self) -> str:
        """SHA-256 of the file's content, and of the number of the track where one was chosen. Raises VideoError."""
        with checked_path(self._given).open("rb") as file:
            digest = hashlib.file_digest(file, "sha256")
        if self._stream is not None:
            digest.update(f"stream {self._stream}".encode())
        return digest.hexdigest()

    def to_dict(self) -> dict[str, Any]:
        chosen = {} if self._stream is None else {"stream": self._stream}
        return {"kind": "file", "path": os.path.abspath(self._given), "name": self.name, **chosen}  # noqa: PTH100

    def shots(
        self, *, rate_hz: float | None = None, start_seconds: float = 0.0, end_seconds: float | None = None
    ) -> Shots:
        """See `Source.shots`. MP4 and Matroska files are not read from the beginning where `start_seconds` is later."""

        def read(warnings: list[str]) -> Iterator[Shot]:
            return read_shots(
                self.path,
                self.track,
                warnings,
                rate_hz=rate_hz,
                start_seconds=start_seconds,
                end_seconds=end_seconds,
            )

        return Shots(read)

    @cached_property
    def track(self) -> Track:
        """The track that is read, and what is known of it. Raises VideoError."""
        path = checked_path(self._given)
        with opened(path) as container:
            chosen, warnings = choose_track(container, path, self._stream)
            index = chosen.index
        with opened(path) as container:
            stream: Any = container.streams[index]
            first = _first_picture(container, stream, path)
            turn = turn_of(first.frame, first.stored)
            width, height = screen_size(first.frame.width, first.frame.height, stream.sample_aspect_ratio, turn)
            average_hz = float(stream.average_rate or 0)
            gap = 1 / (average_hz if 0 < average_hz < FASTEST_RATE_HZ else USUAL_RATE_HZ)
            stated = _stated_seconds(stream, first.starts_seconds)
            info = VideoInfo(
                path=self.name,
                duration_seconds=stated or _counted_seconds(path, container, stream, first.starts_seconds, gap),
                width=width,
                height=height,
                frame_rate_hz=average_hz or None,
                rotation_degrees=turn.quarters * 90,
                codec=stream.codec_context.name,
                warnings=tuple(warnings),
                start_offset_seconds=max(0.0, first.starts_seconds - (container.start_time or 0) / 1e6),
                start_timecode=start_timecode(container, stream),
            )
        return Track(index, info, gap, first.starts_seconds + first.delay_seconds, stated, turn)


def decode_picture(path: Path) -> tuple[av.video.frame.VideoFrame, Turn]:
    """The one picture in a picture file, and how it has to be turned. Raises VideoError."""
    with opened(path) as container:
        stream, _ = choose_track(container, path, None)
        first = _first_picture(container, stream, path)
        return first.frame, turn_of(first.frame, first.stored)


class _FirstPicture(NamedTuple):
    """The first picture of a track that can be decoded, and when the track starts, be its first picture damaged."""

    frame: av.video.frame.VideoFrame
    stored: bytes
    starts_seconds: float
    delay_seconds: float  # where only the order of decoding is stored: how much later pictures seem to be shown


def _first_picture(container: av.container.InputContainer, stream: Any, path: Path) -> _FirstPicture:
    """Decode until a picture comes. Raises VideoError: none does."""
    import av

    stream.codec_context.options = MAX_PIXELS
    is_in_order = container.format.name == "avi"
    start = key = None  # in ticks: of the first packet to be shown, and of the latest that decoding can begin with
    failures = 0
    while failures < MOST_READ_FAILURES:
        try:
            for packet in container.demux(stream):
                failures = 0
                ticks = packet.dts if is_in_order else packet.pts
                if packet.size and not packet.is_discard:
                    start = ticks if start is None else start
                    key = ticks if packet.is_keyframe or key is None else key
                with suppress(av.error.InvalidDataError):
                    for frame in stream.decode(packet if packet.size else None):
                        delay = 0
                        if is_in_order:
                            delay = (frame.dts or 0) - (key or 0)
                        elif frame.pts is not None:
                            start = frame.pts if start is None else min(start, frame.pts)
                        starts, delays = (in_seconds(t, stream.time_base) or 0.0 for t in (start, delay))
                        return _FirstPicture(frame, bytes(packet), starts, max(0.0, delays))
            break
        except av.FFmpegError:
            failures += 1
    raise VideoError(f"{path}: no picture of its video stream could be decoded; is the file damaged or cut short?")


def _stated_seconds(stream: Any, zero_seconds: float) -> float:
    """Seconds from the track's first picture to its end as the container states it, or 0."""
    duration = in_seconds(stream.duration, stream.time_base) or 0.0
    start = in_seconds(stream.start_time, stream.time_base)
    skipped = 0.0 if start is None else max(0.0, zero_seconds - start)
    return max(0.0, duration - skipped) if duration > 0 else 0.0


def _counted_seconds(
    path: Path, container: av.container.InputContainer, stream: Any, zero_seconds: float, gap_seconds: float
) -> float:
    """Seconds from the first picture to the end of the last packet: read from near the end, or else all of them."""
    import av

    if container.duration:
        with suppress(av.FFmpegError):
            container.seek(container.duration + (container.start_time or 0))
            end, _ = _last_packet(container, stream, gap_seconds)
            if end > zero_seconds:
                return end - zero_seconds
    with opened(path) as again:
        end, count = _last_packet(again, again.streams[stream.index], gap_seconds)
    return end - zero_seconds if end > zero_seconds else max(1, count) * gap_seconds


def _last_packet(container: av.container.InputContainer, stream: Any, gap_seconds: float) -> tuple[float, int]:
    """(time stamp in seconds at which the last packet to come ends, -inf without any; how many packets come)."""
    import av

    end, count = -np.inf, 0
    with suppress(av.FFmpegError):
        for packet in container.demux(stream):
            count += packet.size > 0
            if (shown := in_seconds(packet.pts, packet.time_base)) is not None:
                end = max(end, shown + (in_seconds(packet.duration, packet.time_base) or gap_seconds))
    return end, count
