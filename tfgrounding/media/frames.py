"""Video in: a file, or pictures, become a stream of sampled, resized frames whose times come from their time stamps."""

from __future__ import annotations

import math
import queue
import threading
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from ..errors import VideoError
from ..types import Frames, Shot, Shots, Source, VideoInfo
from .decode import FASTEST_RATE_HZ, SLOWEST_RATE_HZ
from .render import Renderer
from .sources import AnySource, open_source

Size = int | tuple[int, int] | None

QUEUED_CHUNKS = 4  # decoded ahead of whoever reads
CHUNK_BYTES = 256 << 20
LARGEST_SIDE = 16_384
HIGHEST_USUAL_RATE_HZ = 100.0  # samples a second that are taken even where a video has fewer pictures


def probe(source: AnySource) -> VideoInfo:
    """Say what a video is, from its container and one decoded picture.

    Args:
        source: path of a video file, Pictures, or any other Source.

    Returns:
        Its VideoInfo. The duration is what the container states for the video stream, or what its packets say where
        it states none; what can really be decoded is known only after `iter_frames` (its `info`).

    Raises:
        VideoError: missing, empty, not a regular file, without a video stream, or undecodable.
    """
    return open_source(source).info


def iter_frames(
    source: AnySource,
    *,
    rate_hz: float = 3.0,
    size: Size = None,
    chunk_frames: int = 64,
    start_seconds: float = 0.0,
    end_seconds: float | None = None,
) -> FrameStream:
    """Look at a video at a steady rate: sample k is the picture on screen at (k + 1/2) / rate_hz.

    A video too short for that is looked at once, in the middle of its last picture. Decoding and resizing run in a
    thread of their own, a few chunks ahead.

    Args:
        source: path of a video file, Pictures, or any other Source.
        rate_hz: samples a second, above 0. A picture that stays on screen is sampled again and again.
        size: None keeps the pictures' own size on screen; a number is the length of the shorter side in pixels, the
            shape is kept; (height, width) squeezes every picture to just that.
        chunk_frames: frames a chunk at most; fewer where they would take more than 256 MiB.
        start_seconds, end_seconds: only the samples in [start, end), None for the end of the video; they are the same
            as those of the whole video, and their times too count from its first frame. Of MP4 and Matroska files only
            that part is decoded.

    Returns:
        An iterator of Frames, in order, and a context manager that ends decoding when left. Its `info` says what was
        found: after the last chunk, with the duration that was really decoded and with warnings about what was lost.

    Raises:
        VideoError: missing, empty, not a regular file, without a video stream, or undecodable; or a rate, size, chunk
            or part that cannot be.
    """
    if isinstance(chunk_frames, bool) or not isinstance(chunk_frames, (int, np.integer)) or chunk_frames < 1:
        raise VideoError(f"chunk_frames must be a whole number from 1 on, not {chunk_frames!r}")
    if not (0 <= start_seconds < np.inf) or not (end_seconds is None or start_seconds < end_seconds):
        raise VideoError(f"a part starts at 0 s or later and before it ends, not {start_seconds!r} to {end_seconds!r}")
    video = open_source(source)
    rate_hz = checked_rate_of(video, rate_hz)
    return FrameStream(
        video,
        rate_hz=rate_hz,
        size=size,
        chunk_frames=int(chunk_frames),
        start_seconds=float(start_seconds),
        end_seconds=None if end_seconds is None else float(end_seconds),
    )


def checked_rate(rate_hz: float) -> float:
    """A sampling rate that can be. Raises VideoError."""
    if isinstance(rate_hz, (int, float, np.integer, np.floating)) and SLOWEST_RATE_HZ <= rate_hz <= FASTEST_RATE_HZ:
        return float(rate_hz)
    raise VideoError(
        f"the sampling rate must be a number of samples per second from {SLOWEST_RATE_HZ:g} to {FASTEST_RATE_HZ:.0f}, "
        f"not {rate_hz!r}"
    )


def checked_rate_of(video: Source, rate_hz: float) -> float:
    """A sampling rate that makes sense for a video. Raises VideoError."""
    rate_hz, own_hz = checked_rate(rate_hz), video.info.frame_rate_hz
    if own_hz is not None and rate_hz > max(HIGHEST_USUAL_RATE_HZ, 2 * own_hz):
        raise VideoError(
            f"{video.name}: {rate_hz:g} samples a second are far more than its {own_hz:.5g} pictures a second; "
            f"at most {max(HIGHEST_USUAL_RATE_HZ, 2 * own_hz):.5g} are taken"
        )
    return rate_hz


class FrameStream:
    """Iterator of Frames over one video; `info` holds the truth about it as far as it is known."""

    def __init__(
        self,
        source: Source,
        *,
        rate_hz: float,
        size: Size,
        chunk_frames: int,
        start_seconds: float,
        end_seconds: float | None,
    ) -> None:
        self.info = source.info
        self.out_width, self.out_height = target_size(self.info, size)
        chunk_frames = _chunk_frames(self.out_width, self.out_height, chunk_frames)
        self._queue: queue.Queue[_Item] = queue.Queue(QUEUED_CHUNKS)
        self._stop = threading.Event()
        samples = _Samples(
            source, rate_hz, Renderer(self.out_width, self.out_height), chunk_frames, start_seconds, end_seconds
        )
        self._samples = samples
        self._thread = threading.Thread(
            target=_decode_ahead,
            args=(samples, self._queue, self._stop),
            name="tfgrounding-decode",
            daemon=True,
        )
        self._ended = False

    @property
    def is_intact(self) -> bool:
        """Whether nothing was found missing so far and all pictures had one size: then the samples of a part that
        begins later are those that still come."""
        return self._samples.is_intact

    @property
    def notes(self) -> tuple[str, ...]:
        """How the pictures so far were changed, in words; `info` says it too after the last chunk."""
        return self._samples.notes

    def __iter__(self) -> Iterator[Frames]:
        return self

    def __next__(self) -> Frames:
        if self._ended:
            raise StopIteration
        if self._thread.ident is None:
            self._thread.start()
        item = self._queue.get()
        if isinstance(item, Frames):
            return item
        self._ended = True
        if isinstance(item, BaseException):
            raise item
        self.info = item
        raise StopIteration

    def close(self) -> None:
        """Stop decoding; nothing more comes."""
        self._ended = True
        self._stop.set()
        if self._thread.ident is not None:
            self._thread.join()

    def __enter__(self) -> FrameStream:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        if hasattr(self, "_stop"):
            self._stop.set()


def chunk_frames_of(info: VideoInfo, size: Size, chunk_frames: int) -> int:
    """How many frames a chunk of `iter_frames` has, all but the last: `chunk_frames`, or fewer to save memory."""
    return _chunk_frames(*target_size(info, size), chunk_frames)


def _chunk_frames(width: int, height: int, chunk_frames: int) -> int:
    return max(1, min(chunk_frames, CHUNK_BYTES // (width * height * 3)))


_Item = Frames | VideoInfo | BaseException  # chunks, and at the end what was learnt or what went wrong


def target_size(info: VideoInfo, size: Size) -> tuple[int, int]:
    """(width, height) of the frames to deliver."""
    if size is None:
        return info.width, info.height
    sides = size if isinstance(size, tuple) else (size,)
    whole = all(isinstance(side, (int, np.integer)) and not isinstance(side, bool) for side in sides)
    if not whole or len(sides) not in (1, 2) or not all(1 <= side <= LARGEST_SIDE for side in sides):
        raise VideoError(
            f"size must be None, the shorter side, or (height, width), whole pixels up to {LARGEST_SIDE}, not {size!r}"
        )
    if len(sides) == 2:
        return int(sides[1]), int(sides[0])
    scale = sides[0] / min(info.width, info.height)
    return max(1, round(info.width * scale)), max(1, round(info.height * scale))


def _decode_ahead(samples: _Samples, chunks: queue.Queue[_Item], stop: threading.Event) -> None:
    """Run in the decoding thread: fill the queue, wait while it is full, leave as soon as `stop` is set."""

    def hand_over(item: _Item) -> bool:
        while not stop.is_set():
            try:
                chunks.put(item, timeout=0.05)
                return True
            except queue.Full:
                continue
        return False

    try:
        for frames in samples:
            if not hand_over(frames):
                return
        hand_over(samples.info)
    except BaseException as error:  # belongs to the reader, in the reader's thread
        hand_over(error)


class _Samples:
    """The samples of a part of one video, in chunks; `info` is complete after the last one."""

    def __init__(
        self,
        source: Source,
        rate_hz: float,
        renderer: Renderer,
        chunk_frames: int,
        start_seconds: float,
        end_seconds: float | None,
    ) -> None:
        self._source, self._rate_hz, self._chunk_frames = source, rate_hz, chunk_frames
        self._renderer = renderer
        self._start, self._end = start_seconds, end_seconds
        self._shots: Shots | None = None
        self.info = source.info

    @property
    def is_intact(self) -> bool:
        return not (self._shots is not None and self._shots.warnings) and not self._renderer.has_several_sizes

    @property
    def notes(self) -> tuple[str, ...]:
        return self._renderer.warnings

    def __iter__(self) -> Iterator[Frames]:
        pictures: list[np.ndarray] = []
        pts: list[float] = []
        instants: list[float] = []
        shots = self._source.shots(rate_hz=self._rate_hz, start_seconds=self._start, end_seconds=self._end)
        self._shots = shots
        count = max(0, math.floor(self._start * self._rate_hz - 0.5))
        while (count + 0.5) / self._rate_hz < self._start:
            count += 1
        is_whole = self._start == 0 and self._end is None
        until = -1.0
        for shot, is_last in _with_last(shots):
            until = shot.end_seconds
            picture: np.ndarray | None = None  # rendered once it is asked for
            while (instant := (count + 0.5) / self._rate_hz) < until or (is_last and is_whole and count == 0):
                if picture is None:
                    picture = self._renderer.pixels(shot.frame, shot.turn)
                pictures.append(picture)
                pts.append(shot.start_seconds)
                instants.append(instant if instant < until else (shot.start_seconds + until) / 2)
                count += 1
                if len(pictures) == self._chunk_frames:
                    yield Frames(np.stack(pictures), np.array(pts), np.array(instants))
                    pictures, pts, instants = [], [], []
        if pictures:
            yield Frames(np.stack(pictures), np.array(pts), np.array(instants))
        if until < 0 and is_whole:
            raise VideoError(f"{self._source.name}: no picture could be decoded; is the file damaged or cut short?")
        warnings = (*self.info.warnings, *shots.warnings, *self._renderer.warnings)
        has_ended = until > 0 and (self._end is None or until < self._end)
        self.info = replace(
            self.info,
            duration_seconds=until if has_ended else self.info.duration_seconds,
            warnings=tuple(dict.fromkeys(warnings)),
        )


def _with_last(shots: Iterator[Shot]) -> Iterator[tuple[Shot, bool]]:
    """Each shot, and whether it is the last one."""
    held: Shot | None = None
    for shot in shots:
        if held is not None:
            yield held, False
        held = shot
    if held is not None:
        yield held, True
