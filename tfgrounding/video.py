"""Video in: a file becomes a stream of sampled, resized frames whose times are read from its time stamps."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from .errors import VideoError
from .types import Frames, VideoInfo

if TYPE_CHECKING:
    import av.container
    import av.video.frame
    import av.video.stream


def probe(source: str | Path) -> VideoInfo:
    """Read what a container says about its video, without decoding more than one frame.

    Args:
        source: path of a video file.

    Returns:
        Its VideoInfo; the duration is the video stream's own, counted in packets where the header has none.

    Raises:
        VideoError: missing, empty, without a video stream, or undecodable.
    """
    with _open(source) as container:
        stream = _video_stream(container, source)
        first = _first_frame(container, stream, source)
        rotation = _rotation(first)
        width, height = _screen_size(first, rotation)
        return VideoInfo(
            path=str(source),
            duration_seconds=_stream_duration(container, stream, first),
            width=width,
            height=height,
            frame_rate_hz=float(stream.average_rate) if stream.average_rate else None,
            rotation_degrees=rotation,
            codec=stream.codec_context.name,
        )


def iter_frames(
    source: str | Path,
    *,
    rate_hz: float = 3.0,
    size: int | tuple[int, int] | None = None,
    chunk_frames: int = 64,
) -> FrameStream:
    """Look at a video at a steady rate: sample k is the picture on screen at (k + 1/2) / rate_hz.

    Args:
        source: path of a video file.
        rate_hz: samples a second, > 0. A picture that stays on screen is sampled again and again.
        size: None keeps the pictures' own size; a number is the length of the shorter side in pixels, the shape
            is kept; (height, width) squeezes every picture to just that.
        chunk_frames: frames a chunk at most; what is in memory at a time.

    Returns:
        An iterator of Frames, in order. Its `info` says what was found: after the last chunk, with the duration
        that was really decoded and with warnings about what was lost.

    Raises:
        VideoError: missing, empty, without a video stream, or undecodable from its first frame on.
    """
    return FrameStream(source, rate_hz=rate_hz, size=size, chunk_frames=chunk_frames)


class FrameStream:
    """Iterator of Frames over one video file; `info` holds the truth about the file as far as it is known."""

    def __init__(
        self, source: str | Path, *, rate_hz: float, size: int | tuple[int, int] | None, chunk_frames: int
    ) -> None:
        if not (np.isfinite(rate_hz) and rate_hz > 0):
            raise VideoError(f"the sampling rate must be a positive number of frames a second, not {rate_hz}")
        if chunk_frames < 1:
            raise VideoError(f"chunk_frames must be at least 1, not {chunk_frames}")
        self.info = probe(source)
        self._rate_hz = rate_hz
        self._chunks = self._read(source, rate_hz, size, chunk_frames)

    def __iter__(self) -> Iterator[Frames]:
        return self

    def __next__(self) -> Frames:
        return next(self._chunks)

    def _read(
        self, source: str | Path, rate_hz: float, size: int | tuple[int, int] | None, chunk_frames: int
    ) -> Iterator[Frames]:
        chunk = _Chunk()
        taken = 0
        shown: av.video.frame.VideoFrame | None = None  # the picture on screen
        shown_seconds = 0.0
        picture: np.ndarray | None = None  # its pixels, once they were asked for
        ends: float | None = None
        for seconds, end_seconds, frame in self._timed_frames(source):
            while shown is not None and (taken + 0.5) / rate_hz < seconds:
                if picture is None:
                    picture = _pixels(shown, size)
                chunk.add(picture, shown_seconds, (taken + 0.5) / rate_hz)
                taken += 1
                if len(chunk) == chunk_frames:
                    yield chunk.pop()
            shown, shown_seconds, picture, ends = frame, seconds, None, end_seconds
        if shown is None or ends is None:
            raise VideoError(f"{source}: no frame of the video stream could be decoded; is the file damaged?")
        while (taken + 0.5) / rate_hz < ends or taken == 0:
            if picture is None:
                picture = _pixels(shown, size)
            chunk.add(picture, shown_seconds, min((taken + 0.5) / rate_hz, ends / 2 if taken == 0 else np.inf))
            taken += 1
            if len(chunk) == chunk_frames:
                yield chunk.pop()
        self.info = replace(self.info, duration_seconds=ends)
        if len(chunk):
            yield chunk.pop()

    def _timed_frames(self, source: str | Path) -> Iterator[tuple[float, float, av.video.frame.VideoFrame]]:
        """(start, end, frame) of every decodable frame in order of time, in seconds from the first one."""
        import av

        with _open(source) as container:
            stream = _video_stream(container, source)
            stream.thread_type = "AUTO"
            first: float | None = None
            newest = -np.inf
            usual_gap = 1.0 / float(stream.average_rate) if stream.average_rate else 0.04
            try:
                for frame in container.decode(stream):
                    stamp = _seconds(frame.pts, frame.time_base)
                    absolute = stamp if stamp is not None else (0.0 if first is None else newest + usual_gap)
                    if absolute <= newest:
                        continue  # a time stamp that runs backwards would show the past twice
                    first = absolute if first is None else first
                    newest = absolute
                    lasts = _seconds(frame.duration, frame.time_base) or usual_gap
                    yield absolute - first, absolute - first + lasts, frame
            except av.FFmpegError as error:
                if first is None:
                    raise VideoError(f"{source}: the video cannot be decoded ({error.strerror})") from error
                decoded = newest - first
                lost = f"decoding stopped after {decoded:.2f} of {self.info.duration_seconds:.2f} s ({error.strerror})"
                self.info = replace(self.info, warnings=(*self.info.warnings, lost))


class _Chunk:
    """Frames being gathered."""

    def __init__(self) -> None:
        self._pictures: list[np.ndarray] = []
        self._pts: list[float] = []
        self._instants: list[float] = []

    def __len__(self) -> int:
        return len(self._pictures)

    def add(self, picture: np.ndarray, pts_seconds: float, sample_seconds: float) -> None:
        self._pictures.append(picture)
        self._pts.append(pts_seconds)
        self._instants.append(sample_seconds)

    def pop(self) -> Frames:
        frames = Frames(np.stack(self._pictures), np.array(self._pts), np.array(self._instants))
        self.__init__()  # type: ignore[misc]
        return frames


def _open(source: str | Path) -> av.container.InputContainer:
    import av

    path = Path(source)
    if not path.exists():
        raise VideoError(f"{source}: there is no such file")
    if path.is_dir():
        raise VideoError(f"{source}: is a directory, not a video file")
    if path.stat().st_size == 0:
        raise VideoError(f"{source}: the file is empty")
    try:
        return av.open(str(path))
    except av.FFmpegError as error:
        raise VideoError(f"{source}: not a video that can be read ({error.strerror})") from error


def _video_stream(container: av.container.InputContainer, source: str | Path) -> av.video.stream.VideoStream:
    for stream in container.streams.video:
        if not stream.disposition & stream.disposition.attached_pic:
            return stream
    kinds = sorted({stream.type for stream in container.streams})
    raise VideoError(f"{source}: holds no video stream (found: {', '.join(kinds) or 'nothing'})")


def _first_frame(
    container: av.container.InputContainer, stream: av.video.stream.VideoStream, source: str | Path
) -> av.video.frame.VideoFrame:
    import av

    try:
        for frame in container.decode(stream):
            return frame
    except av.FFmpegError as error:
        raise VideoError(f"{source}: the video cannot be decoded ({error.strerror})") from error
    raise VideoError(f"{source}: no frame of the video stream could be decoded; is the file damaged?")


def _stream_duration(
    container: av.container.InputContainer,
    stream: av.video.stream.VideoStream,
    first: av.video.frame.VideoFrame,
) -> float:
    if stated := _seconds(stream.duration, stream.time_base):
        return stated
    usual_gap = 1.0 / float(stream.average_rate) if stream.average_rate else 0.04
    start = _seconds(first.pts, first.time_base) or 0.0
    end = start + usual_gap
    container.seek(0)
    for packet in container.demux(stream):
        shown = _seconds(packet.pts, packet.time_base)
        if shown is not None:
            end = max(end, shown + (_seconds(packet.duration, packet.time_base) or usual_gap))
    return end - start


def _seconds(ticks: int | None, time_base: Fraction | None) -> float | None:
    """Ticks of a time base in seconds; None where either is not known."""
    return None if ticks is None or time_base is None else float(ticks * time_base)


def _rotation(frame: av.video.frame.VideoFrame) -> int:
    """Quarter turns in degrees, counter-clockwise, that put the stored picture upright."""
    return round(frame.rotation / 90) * 90 % 360


def _screen_size(frame: av.video.frame.VideoFrame, rotation_degrees: int) -> tuple[int, int]:
    turned = rotation_degrees in (90, 270)
    return (frame.height, frame.width) if turned else (frame.width, frame.height)


def _pixels(frame: av.video.frame.VideoFrame, size: int | tuple[int, int] | None) -> np.ndarray:
    """(H, W, 3) uint8 RGB, upright, at the wanted size."""
    rotation = _rotation(frame)
    width, height = _screen_size(frame, rotation)
    if isinstance(size, int):
        scale = size / min(width, height)
        width, height = max(1, round(width * scale)), max(1, round(height * scale))
    elif size is not None:
        height, width = size
    stored = (height, width) if rotation in (90, 270) else (width, height)
    picture = frame.reformat(width=stored[0], height=stored[1], format="rgb24", interpolation="BICUBIC").to_ndarray()
    return np.ascontiguousarray(np.rot90(picture, rotation // 90)) if rotation else picture
