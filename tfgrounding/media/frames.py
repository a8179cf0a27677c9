"""Video in: a file, or pictures, become a stream of sampled, resized frames whose times come from their time stamps."""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from ..errors import VideoError
from ..types import Frames, VideoInfo
from .decode import FASTEST_RATE_HZ, Renderer, Shot, VideoFile
from .pictures import PictureReel, Pictures

Source = str | os.PathLike[str] | Pictures
Size = int | tuple[int, int] | None

QUEUED_CHUNKS = 4  # decoded ahead of whoever reads
CHUNK_BYTES = 256 << 20
LARGEST_SIDE = 16_384


def probe(source: Source) -> VideoInfo:
    """Say what a video is, from its container and one decoded picture.

    Args:
        source: path of a video file, or Pictures.

    Returns:
        Its VideoInfo. The duration is what the container states for the video stream, or what its packets say where
        it states none; what can really be decoded is known only after `iter_frames` (its `info`).

    Raises:
        VideoError: missing, empty, not a regular file, without a video stream, or undecodable.
    """
    return _open(source).info


def iter_frames(source: Source, *, rate_hz: float = 3.0, size: Size = None, chunk_frames: int = 64) -> FrameStream:
    """Look at a video at a steady rate: sample k is the picture on screen at (k + 1/2) / rate_hz.

    A video too short for that is looked at once, in the middle of its last picture. Decoding and resizing run in a
    thread of their own, a few chunks ahead.

    Args:
        source: path of a video file, or Pictures.
        rate_hz: samples a second, above 0. A picture that stays on screen is sampled again and again.
        size: None keeps the pictures' own size on screen; a number is the length of the shorter side in pixels, the
            shape is kept; (height, width) squeezes every picture to just that.
        chunk_frames: frames a chunk at most; fewer where they would take more than 256 MiB.

    Returns:
        An iterator of Frames, in order, and a context manager that ends decoding when left. Its `info` says what was
        found: after the last chunk, with the duration that was really decoded and with warnings about what was lost.

    Raises:
        VideoError: missing, empty, not a regular file, without a video stream, or undecodable from its first frame on;
            or a rate, size or chunk that cannot be.
    """
    if isinstance(chunk_frames, bool) or not isinstance(chunk_frames, (int, np.integer)) or chunk_frames < 1:
        raise VideoError(f"chunk_frames must be a whole number from 1 on, not {chunk_frames!r}")
    return FrameStream(source, rate_hz=checked_rate(rate_hz), size=size, chunk_frames=int(chunk_frames))


def checked_rate(rate_hz: float) -> float:
    """A sampling rate that can be. Raises VideoError."""
    if isinstance(rate_hz, (int, float, np.integer, np.floating)) and 0 < rate_hz <= FASTEST_RATE_HZ:
        return float(rate_hz)
    raise VideoError(
        f"sampling rate must be a positive number of samples a second (up to {FASTEST_RATE_HZ:.0f}), not {rate_hz!r}"
    )


def source_name(source: Source) -> str:
    """What to call a source in messages and results."""
    return source.name if isinstance(source, Pictures) else str(source)


class FrameStream:
    """Iterator of Frames over one video; `info` holds the truth about it as far as it is known."""

    def __init__(self, source: Source, *, rate_hz: float, size: Size, chunk_frames: int) -> None:
        self._reel = _open(source)
        self.info = self._reel.info
        self.out_width, self.out_height = _target(self.info, size)
        chunk_frames = max(1, min(chunk_frames, CHUNK_BYTES // (self.out_width * self.out_height * 3)))
        self._queue: queue.Queue[_Item] = queue.Queue(QUEUED_CHUNKS)
        self._stop = threading.Event()
        self._thread = threading.Thread(
            target=_decode_ahead,
            args=(self._reel, rate_hz, (self.out_width, self.out_height), chunk_frames, self._queue, self._stop),
            name="tfgrounding-decode",
            daemon=True,
        )
        self._ended = False

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


_Reel = VideoFile | PictureReel
_Item = Frames | VideoInfo | BaseException  # chunks, and at the end what was learnt or what went wrong


def _open(source: Source) -> _Reel:
    if isinstance(source, Pictures):
        return PictureReel(source)
    if isinstance(source, (np.ndarray, list, tuple)):
        raise VideoError("pictures carry no time: say how many a second they are with Pictures(pictures, rate_hz=...)")
    return VideoFile(source)


def _target(info: VideoInfo, size: Size) -> tuple[int, int]:
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


def _decode_ahead(
    reel: _Reel,
    rate_hz: float,
    width_height: tuple[int, int],
    chunk_frames: int,
    chunks: queue.Queue[_Item],
    stop: threading.Event,
) -> None:
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
        samples = _Samples(reel, rate_hz, width_height, chunk_frames)
        for frames in samples:
            if not hand_over(frames):
                return
        hand_over(samples.info)
    except BaseException as error:  # belongs to the reader, in the reader's thread
        hand_over(error)


class _Samples:
    """The samples of one video, in chunks; `info` is complete after the last one."""

    def __init__(self, reel: _Reel, rate_hz: float, width_height: tuple[int, int], chunk_frames: int) -> None:
        self._reel, self._rate_hz, self._chunk_frames = reel, rate_hz, chunk_frames
        self._renderer = Renderer(*width_height)
        self.info = reel.info

    def __iter__(self) -> Iterator[Frames]:
        pictures: list[np.ndarray] = []
        pts: list[float] = []
        instants: list[float] = []
        count = 0
        for shot, until, last in _on_screen(self._reel.shots(rate_hz=self._rate_hz), self.info.path):
            picture: np.ndarray | None = None  # rendered once it is asked for
            while (instant := (count + 0.5) / self._rate_hz) < until or (last and count == 0):
                if picture is None:
                    picture = self._renderer.pixels(shot.frame)
                pictures.append(picture)
                pts.append(shot.start_seconds)
                instants.append(instant if instant < until else (shot.start_seconds + until) / 2)
                count += 1
                if len(pictures) == self._chunk_frames:
                    yield Frames(np.stack(pictures), np.array(pts), np.array(instants))
                    pictures, pts, instants = [], [], []
        if pictures:
            yield Frames(np.stack(pictures), np.array(pts), np.array(instants))
        warnings = [*self.info.warnings, *self._reel.lost()]
        if self._renderer.sizes > 1:
            warnings.append(
                f"the pictures come in {self._renderer.sizes} sizes; all were brought to the shape of the first"
            )
        self.info = replace(self.info, duration_seconds=until, warnings=tuple(warnings))


def _on_screen(shots: Iterator[Shot], name: str) -> Iterator[tuple[Shot, float, bool]]:
    """(shot, seconds until which it is on screen, whether it is the last): until the next one comes."""
    shown: Shot | None = None
    for shot in shots:
        if shown is not None:
            yield shown, shot.start_seconds, False
        # a first picture that could not be read leaves its place to the first that could
        shown = shot if shown is not None else shot._replace(start_seconds=0.0)
    if shown is None:
        raise VideoError(f"{name}: no picture could be decoded; is the file damaged or cut short?")
    yield shown, shown.end_seconds, True
