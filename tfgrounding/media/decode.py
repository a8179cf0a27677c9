"""One video file: what its container says, and every picture that can be decoded, with the time it came on screen."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from ..errors import VideoError
from ..types import Shot, Shots, Turn, VideoInfo
from .container import (
    MAX_PIXELS,
    checked_path,
    choose_track,
    file_stamp,
    opened,
    packets_of,
    start_timecode,
    unreadable_start,
    unwrapped,
)
from .length import counted_seconds, stated_seconds
from .reading import MOST_READ_FAILURES, WITHOUT_SHOWING_TIMES, Track, read_shots
from .reasons import ENCRYPTED, UNSUPPORTED, why_undecodable
from .render import screen_size, turn_of

if TYPE_CHECKING:
    import av.container
    import av.video.frame

USUAL_RATE_HZ = 25.0  # where a container states no frame rate that could be true
FASTEST_RATE_HZ = 1000.0
SLOWEST_RATE_HZ = 1e-6  # one picture in eleven days
COUNTED_FROM_0 = ("matroska,webm", "flv")  # containers whose times nearly always begin there


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
            lost_share = unreadable_start(container, path)
            chosen, warnings = choose_track(container, path, self._stream)
            index = chosen.index
        with opened(path) as container:
            stream: Any = container.streams[index]
            first = _first_picture(container, stream, path)
            turn = turn_of(first.frame, first.stored)
            width, height = screen_size(first.frame.width, first.frame.height, stream.sample_aspect_ratio, turn)
            average_hz = float(stream.average_rate or stream.guessed_rate or 0)
            gap = 1 / (average_hz if 0 < average_hz < FASTEST_RATE_HZ else USUAL_RATE_HZ)
            if lost_share and container.format.name in COUNTED_FROM_0:
                first = first._replace(starts_ticks=0)
            elif lost_share:
                warnings.append(
                    f"nothing could be read from the first {100 * lost_share:.0f} % of the file; "
                    "times count from the first picture after it"
                )
            starts = float(first.starts_ticks * stream.time_base)
            if container.format.name in WITHOUT_SHOWING_TIMES and starts < 3 * gap:
                starts = 0.0  # the library shows pictures later than they are stored there
            stated = stated_seconds(path, container, stream, starts, gap)
            info = VideoInfo(
                path=self.name,
                duration_seconds=stated or counted_seconds(path, container, stream, starts, gap),
                width=width,
                height=height,
                frame_rate_hz=average_hz or None,
                rotation_degrees=turn.quarters * 90,
                codec=stream.codec_context.name,
                warnings=tuple(warnings),
                start_offset_seconds=max(0.0, starts - (container.start_time or 0) / 1e6),
                start_timecode=start_timecode(container, stream),
            )
            zero = first.starts_ticks + first.delay_ticks
            return Track(index, info, gap, stream.time_base, zero, stated, turn)


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
    starts_ticks: int
    delay_ticks: int  # where only the order of decoding is stored: how much later pictures seem to be shown


def _first_picture(container: av.container.InputContainer, stream: Any, path: Path) -> _FirstPicture:
    """Decode until a picture comes. Raises VideoError: none does."""
    import av

    stream.codec_context.options = MAX_PIXELS
    start = key = None  # in ticks: of the first packet to be shown, and of the latest that decoding can begin with
    failures = 0
    while failures < MOST_READ_FAILURES:
        try:
            for packet in packets_of(container, stream):
                failures = 0
                if packet.has_sidedata("encryption_info"):
                    raise VideoError(f"{path}: {ENCRYPTED}")
                if packet.size and not packet.is_discard:
                    start = packet.pts if start is None else start
                    key = packet.pts if packet.is_keyframe or key is None else key
                try:
                    for frame in stream.decode(packet if packet.size else None):
                        delay = 0
                        if container.format.name in WITHOUT_SHOWING_TIMES:
                            delay = (frame.pts or 0) - (key or 0)
                        elif frame.pts is not None:
                            start = frame.pts if start is None else min(start, frame.pts)
                        return _FirstPicture(frame, bytes(packet), unwrapped(start or 0), max(0, delay))
                except av.error.InvalidDataError:
                    if container.format.name in WITHOUT_SHOWING_TIMES and packet.dts is not None:
                        start = min(start or 0, packet.dts)  # when it would be shown is made up from the next packets
            break
        except (av.error.DecoderNotFoundError, av.error.PatchWelcomeError) as error:
            raise VideoError(f"{path}: {UNSUPPORTED}") from error
        except av.FFmpegError:
            failures += 1
    raise VideoError(f"{path}: {why_undecodable(path)}")
