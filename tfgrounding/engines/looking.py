"""What the engines with a vision LLM share: sample frames and number them, and ask about them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable, Sequence
from dataclasses import replace

import numpy as np

from ..errors import VideoError
from ..llm.prompting import prompts
from ..media.frames import checked_rate_of, iter_frames
from ..media.sampling import capped_rate_hz, evenly
from ..types import Frames, Source
from ..vision.frames import Clip, Jpeg, Part
from ..vision.model import VisionModel
from ..vision.views import NumberedFrames, ReadReply, TimeView, question_and_schema
from .asking import Asking, pictures_in

KEPT_BYTES = 256 << 20  # of pixels, and of encoded pictures


class SampledVideo:
    """A video sampled at a steady rate: the times of all its frames, and the pixels of a part when it is asked for.

    Pixels stay in memory where all of them take at most KEPT_BYTES; else only a part is decoded at a time, and before
    that the end of the video is looked at: where it is not where the video states it, the whole video is read once.

    Args:
        source: the video.
        rate_hz: samples a second.
        side: shorter side of the frames in pixels; pictures are never enlarged.
        most_frames: of the whole video, which is sampled more slowly for that; None is any number.

    Raises:
        VideoError: the video cannot be read.
    """

    def __init__(self, source: Source, *, rate_hz: float, side: int, most_frames: int | None = None) -> None:
        self.source, self.info = source, source.info
        self._wanted_hz, self._most = rate_hz, most_frames
        self._side = min(side, self.info.width, self.info.height)
        short = min(self.info.width, self.info.height)
        self._frame_bytes = max(1, self.info.width * self.info.height * 3 * self._side**2 // short**2)
        self._pixels: np.ndarray | None = None
        self._seconds: np.ndarray = np.empty(0)
        self._fit_rate()
        if not self._ends_as_stated():
            self._read()
            before = self.rate_hz
            self._fit_rate()  # by what was really decoded: half a download states the length of the whole
            if self.rate_hz > before * 1.1:
                self._read()
        edges = edges_between(self._seconds, 0.0, self.info.duration_seconds)
        numbers = np.arange(1, len(self._seconds) + 1)
        self.times = NumberedFrames(np.empty((0, 1, 1, 3), np.uint8), numbers, self._seconds, edges)

    def __len__(self) -> int:
        return len(self._seconds)

    @property
    def most_in_memory(self) -> int:
        """How many frames may be in memory at a time."""
        return max(1, KEPT_BYTES // self._frame_bytes)

    def part(self, first: int, last: int) -> NumberedFrames:
        """The frames at positions [first, last). Raises VideoError: none of them can be decoded."""
        times = self.times.part(first, last)
        if self._pixels is not None:
            return replace(times, pixels=self._pixels[first:last])
        little = 0.25 / self.rate_hz
        start, end = max(0.0, times.sample_seconds[0] - little), times.sample_seconds[-1] + little
        pixels, seconds = sampled(self.source, [(start, end, self.rate_hz)], side=self._side)
        if not len(seconds):
            raise VideoError(f"{self.source.name}: nothing can be decoded from {start:.1f} to {end:.1f} s")
        # What cannot be decoded leaves the picture before it on screen.
        at = np.searchsorted(seconds, times.sample_seconds + little, "right") - 1
        return replace(times, pixels=pixels[np.maximum(at, 0)])

    def _fit_rate(self) -> None:
        self.rate_hz = self._wanted_hz
        if self._most is not None:
            seconds = self.info.duration_seconds
            self.rate_hz = capped_rate_hz(seconds, rate_hz=self._wanted_hz, most_frames=self._most)
        checked_rate_of(self.source, self.rate_hz)

    def _ends_as_stated(self) -> bool:
        """Whether a long video's last sample, and no further one, can be decoded; then it need not be read before."""
        count = int(np.ceil(self.info.duration_seconds * self.rate_hz - 0.5))
        if count <= self.most_in_memory:
            return False
        self._seconds = (np.arange(count) + 0.5) / self.rate_hz
        last = self._seconds[-1] - 0.25 / self.rate_hz
        found = 0
        with iter_frames(
            self.source, rate_hz=self.rate_hz, size=self._side, chunk_frames=1, start_seconds=last
        ) as stream:
            for _ in stream:
                found += 1
                if found > 1:
                    return False
        return found == 1

    def _read(self) -> None:
        """Read the whole video: its samples' times, its true length, and the pixels where they are few."""
        chunks: list[np.ndarray] = []
        seconds: list[np.ndarray] = []
        kept = 0
        with iter_frames(self.source, rate_hz=self.rate_hz, size=self._side, chunk_frames=16) as stream:
            for frames in stream:
                seconds.append(frames.sample_seconds)
                kept += frames.pixels.nbytes
                if kept <= KEPT_BYTES:
                    chunks.append(frames.pixels)
        self.info = stream.info
        every = np.concatenate(seconds)
        # A video that is longer than it states is thinned out evenly, so that the end is never lost.
        chosen = evenly(len(every), len(every) if self._most is None else self._most)
        self._seconds = every[chosen]
        self._pixels = np.concatenate(chunks)[chosen] if kept <= KEPT_BYTES else None


class KeptParts:
    """What requests show, encoded once for all queries of one video; the oldest go first where it becomes too much.

    Args:
        vlm: encodes pictures with its optional `prepare`; without it nothing is kept.
    """

    def __init__(self, vlm: VisionModel) -> None:
        self._prepare = getattr(vlm, "prepare", None)
        self._kept: dict[Hashable, list[Part]] = {}
        self._bytes = 0
        self._lock = threading.Lock()

    def get(self, key: Hashable, make: Callable[[], list[Part]]) -> list[Part]:
        """The parts of a key, made where they are not kept."""
        with self._lock:
            if key in self._kept:
                return self._kept[key]
        parts = make()
        if self._prepare is None or any(isinstance(part, Clip) for part in parts):
            return parts
        parts = [self._prepare(part) if isinstance(part, np.ndarray) else part for part in parts]
        with self._lock:
            if key not in self._kept:
                self._kept[key] = parts
                self._bytes += _size(parts)
            while self._bytes > KEPT_BYTES:
                self._bytes -= _size(self._kept.pop(next(iter(self._kept))))
        return parts


def _size(parts: Sequence[Part]) -> int:
    return sum(len(part.data) if isinstance(part, Jpeg) else 100 for part in parts)


def sampled(source: Source, parts: Sequence[tuple[float, float, float]], *, side: int) -> tuple[np.ndarray, np.ndarray]:
    """Sample a few parts of a video; what lies between them is not decoded.

    Args:
        source: the video.
        parts: (start seconds, end seconds, samples a second) each, in order of time.
        side: shorter side of the frames in pixels; pictures are never enlarged.

    Returns:
        (T, H, W, 3) uint8 pixels and (T,) sampling instants in seconds; T = 0 where nothing could be decoded.

    Raises:
        VideoError: the video cannot be read.
    """
    chunks: list[Frames] = []
    side = min(side, source.info.width, source.info.height)
    for start, end, rate_hz in parts:
        with iter_frames(
            source, rate_hz=rate_hz, size=side, chunk_frames=16, start_seconds=start, end_seconds=end
        ) as stream:
            chunks.extend(stream)
    if not chunks:
        return np.empty((0, 1, 1, 3), np.uint8), np.empty(0)
    seconds = np.concatenate([chunk.sample_seconds for chunk in chunks])
    order = np.unique(seconds, return_index=True)[1]  # two parts may share an instant
    return np.concatenate([chunk.pixels for chunk in chunks])[order], seconds[order]


def edges_between(sample_seconds: np.ndarray, start_seconds: float, end_seconds: float) -> np.ndarray:
    """(T + 1,) borders of what each sample stands for: half way between neighbours, the given ones at both ends.

    The instants are times on screen, whatever the frame rate does, so that the borders are right for a variable rate.
    """
    inner = (sample_seconds[1:] + sample_seconds[:-1]) / 2
    return np.concatenate([[start_seconds], inner, [end_seconds]])


def spread_windows(count: int, most: int, overlap: float) -> list[tuple[int, int]]:
    """[first, last) of as few equally long windows of at most `most` as cover `count` things and overlap so much."""
    if count <= most:
        return [(0, count)]
    shared = min(round(most * overlap), most - 1)
    number = -(-(count - shared) // (most - shared))
    return [(int(start), int(start) + most) for start in np.round(np.linspace(0, count - most, number))]


def frames_a_request(asking: Asking, view: TimeView, shown: NumberedFrames) -> int:
    """How many frames like these one request may hold, at least 1. Raises ModelError."""
    return max(1, asking.vlm.capacity(pictures_in(view.parts(shown)))) * view.frames_per_picture


def ask_about(
    asking: Asking,
    view: TimeView,
    shown: NumberedFrames,
    query: str,
    *,
    tries: int = 2,
    parts: Sequence[Part] | None = None,
) -> tuple[str, ReadReply, int]:
    """Ask about these frames, and once more where the reply is of no use.

    Args:
        tries: 1 or 2.
        parts: how they are shown, where that was made before; then `shown` needs no pixels.

    Returns:
        The last reply as it came, what it says (not usable where no reply says anything), and how many frames were
        sent.

    Raises:
        ModelError: the model could not be asked.
    """
    parts = view.parts(shown) if parts is None else parts
    question, schema = question_and_schema(view, shown, query, by_schema=asking.takes_schema())
    reply = asking.text([*parts, question], schema=schema)
    reading = view.read(reply, shown)
    sent = len(shown)
    if reading.usable:
        return reply, reading, sent
    warning = "a reply could not be used"
    if tries > 1:
        reply = asking.text([*parts, f"{question}\n\n{prompts('numpro.again').text}"], schema=schema)
        reading = view.read(reply, shown)
        sent += len(shown)
        warning = "a reply could not be used and was asked for once more"
    if not reading.usable:
        warning = "the replies could not be used; no moment is made up from them"
    return reply, replace(reading, warnings=(warning, *reading.warnings)), sent
