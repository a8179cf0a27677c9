"""Stretches of a video as files of their own, cut at the frame and re-encoded, with their sound."""

from __future__ import annotations

import heapq
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import VideoError
from ..types import VideoInfo
from .decode import MAX_PIXELS, Renderer, VideoFile, orientation

if TYPE_CHECKING:
    import av.container
    import av.video.frame

Progress = Callable[[float, float], None]  # seconds written, seconds in all
Timed = Iterator[tuple[float, bool, Any]]  # (seconds from the first picture, is it a picture, frame), in order of time

TICKS = Fraction(1, 90_000)  # fine enough for every common frame rate
SEEK_MARGIN_SECONDS = 2.0  # start this much earlier: the first pictures after a jump may lack what they refer to
INDEXED = ("mov,mp4,m4a,3gp,3g2,mj2", "matroska,webm")  # containers to jump in; others are read from the beginning
SOUND_RATE_HZ = 48_000
QUALITY_CRF = 20  # x264: close to the original to the eye


@dataclass(frozen=True, slots=True)
class Clip:
    """A file that was cut: where it lies, what it shows, and whether it has sound."""

    path: Path
    start_seconds: float
    end_seconds: float
    has_sound: bool


def clip_name(video: str | Path, start_seconds: float, end_seconds: float) -> str:
    """File name of a clip: the video's name and the stretch in seconds."""
    return f"{Path(video).stem}_{start_seconds:.3f}-{end_seconds:.3f}.mp4"


def cut_clip(
    source: str | Path,
    target: str | Path,
    *,
    start_seconds: float,
    end_seconds: float,
    largest_height: int | None = None,
    crf: int = QUALITY_CRF,
    progress: Progress | None = None,
) -> Clip:
    """Write [start, end) of a video as H.264 and AAC in MP4: every picture on screen in it, each for as long as it was.

    Args:
        source: a video file.
        target: the file to write; it appears, or is replaced, only when it is complete.
        start_seconds, end_seconds: the stretch, in seconds from the first frame; an end after the video's is its end.
        largest_height: pictures higher than this many pixels are made smaller; None keeps their size.
        crf: x264's quality, smaller is better.
        progress: called with (seconds written, seconds in all); what it raises stops the cutting.

    Returns:
        What was written.

    Raises:
        VideoError: an empty stretch, or one after the end; an unreadable source or unwritable target.
    """
    import av

    file = VideoFile(source)
    info = file.info
    end_seconds = min(end_seconds, info.duration_seconds)
    if not 0 <= start_seconds < end_seconds:
        raise VideoError(
            f"{source}: cannot cut {start_seconds:.3f} to {end_seconds:.3f} s; "
            f"a clip starts before it ends, within the {info.duration_seconds:.3f} s of the video"
        )
    target = Path(target)
    try:
        handle, draft = tempfile.mkstemp(prefix=".tfgrounding-", suffix=".mp4", dir=target.parent)
        os.close(handle)
    except OSError as error:
        raise VideoError(f"{target}: cannot be written ({error.strerror})") from error
    try:
        try:
            has_sound = _write(
                draft, file, _jumped(file, start_seconds), start_seconds, end_seconds, largest_height, crf, progress
            )
        except _SeekError:
            has_sound = _write(draft, file, _read(file), start_seconds, end_seconds, largest_height, crf, progress)
        Path(draft).chmod(0o644)
        Path(draft).replace(target)
    except (av.FFmpegError, OSError) as error:
        raise VideoError(f"{target}: the clip could not be written ({error.strerror})") from error
    finally:
        Path(draft).unlink(missing_ok=True)
    return Clip(target, start_seconds, end_seconds, has_sound)


class _SeekError(Exception):
    """This container is not one to jump in, or the jump went too far."""


def _read(file: VideoFile) -> Timed:
    """Every picture from the beginning on, on the same time line as when it was encoded."""
    for shot in file.shots():
        yield shot.start_seconds, True, shot.frame


def _jumped(file: VideoFile, start_seconds: float) -> Timed:
    """The pictures from a little before the start on. Raises _SeekError."""
    with _opened(file.info) as source:
        if source.format.name not in INDEXED or start_seconds <= SEEK_MARGIN_SECONDS:
            raise _SeekError
        video = _picture_stream(source)
        zero = _first_time(source, video)
        source.seek(round((zero + start_seconds - SEEK_MARGIN_SECONDS) / float(video.time_base)), stream=video)
        newest = -np.inf
        for seconds, frame in _decoded(source, video, zero):
            if newest == -np.inf and seconds > start_seconds:
                raise _SeekError
            if seconds > newest:
                newest = seconds
                yield seconds, True, frame


def _sounds(info: VideoInfo, start_seconds: float) -> Timed:
    """The frames of the first sound track from a little before the start on."""
    with _opened(info) as source:
        zero = _first_time(source, _picture_stream(source))
        sound = source.streams.audio[0]
        where = max(0.0, zero + start_seconds - SEEK_MARGIN_SECONDS) if source.format.name in INDEXED else 0.0
        source.seek(round(where / float(sound.time_base or TICKS)), stream=sound)
        for seconds, frame in _decoded(source, sound, zero):
            yield seconds, False, frame


def _decoded(source: av.container.InputContainer, stream: Any, zero: float) -> Iterator[tuple[float, Any]]:
    """(seconds, frame) of a stream's frames; damaged packets are passed over."""
    import av

    for packet in source.demux(stream):
        with suppress(av.error.InvalidDataError):
            for frame in packet.decode():
                if frame.pts is not None:
                    yield float(frame.pts * frame.time_base) - zero, frame


def _opened(info: VideoInfo) -> av.container.InputContainer:
    import av

    return av.open(f"file:{info.path}")


def _picture_stream(source: av.container.InputContainer) -> Any:
    stream = next(s for s in source.streams.video if not s.disposition & s.disposition.attached_pic)
    stream.thread_type = "AUTO"
    stream.codec_context.options = MAX_PIXELS
    return stream


def _first_time(source: av.container.InputContainer, stream: Any) -> float:
    """When the stream's first picture is shown, in the container's own seconds."""
    for frame in source.decode(stream):
        if frame.pts is not None:
            return float(frame.pts * frame.time_base)
    return 0.0


def _write(
    target: str,
    file: VideoFile,
    pictures: Timed,
    start_seconds: float,
    end_seconds: float,
    largest_height: int | None,
    crf: int,
    progress: Progress | None,
) -> bool:
    """Encode what is shown and heard in [start, end) into `target`; returns whether anything is heard."""
    import av

    with _opened(file.info) as source:
        has_track = any(sound.codec_context is not None for sound in source.streams.audio[:1])
    with av.open(target, "w", format="mp4") as output:
        writer = _Writer(output, file.info, start_seconds, end_seconds, largest_height, crf, has_track)
        sounds = _sounds(file.info, start_seconds) if has_track else iter(())
        seconds = -np.inf
        for seconds, is_picture, frame in heapq.merge(pictures, sounds, key=lambda timed: timed[0]):
            if seconds >= end_seconds:
                break
            if is_picture:
                writer.show(seconds, frame)
                if progress is not None:
                    progress(max(0.0, seconds - start_seconds), end_seconds - start_seconds)
            else:
                writer.hear(seconds, frame)
        writer.finish()
        if progress is not None:
            progress(end_seconds - start_seconds, end_seconds - start_seconds)
        return writer.heard


class _Writer:
    """An MP4 file being written, in which 0 is the start of the stretch."""

    def __init__(
        self,
        output: av.container.OutputContainer,
        info: VideoInfo,
        start_seconds: float,
        end_seconds: float,
        largest_height: int | None,
        crf: int,
        has_track: bool,
    ) -> None:
        import av

        self._output, self._path = output, info.path
        self._start, self._end = start_seconds, end_seconds
        scale = 1.0 if largest_height is None else min(1.0, largest_height / info.height)
        self._width = max(2, round(info.width * scale / 2) * 2)  # 4:2:0 colour needs even sides
        self._height = max(2, round(info.height * scale / 2) * 2)
        self._renderer = Renderer(self._width, self._height)
        rate = Fraction(info.frame_rate_hz or 25.0).limit_denominator(1001)
        # No B-frames: packets then leave in the order of their times, so that each can carry its own duration.
        options = {"crf": str(crf), "preset": "veryfast", "bf": "0"}
        self._video: Any = output.add_stream("libx264", rate=rate, options=options)
        self._video.width, self._video.height, self._video.pix_fmt = self._width, self._height, "yuv420p"
        self._video.codec_context.time_base = TICKS
        self._sound: Any = output.add_stream("aac", rate=SOUND_RATE_HZ, layout="stereo") if has_track else None
        self._resampler = av.AudioResampler(format="fltp", layout="stereo", rate=SOUND_RATE_HZ)
        self._shown: tuple[float, av.video.frame.VideoFrame] | None = None  # the picture on screen, and since when
        self._durations: dict[int, int] = {}  # ticks of each picture sent to the encoder, by its time stamp
        self._pictures = self._samples = 0

    @property
    def heard(self) -> bool:
        return self._samples > 0

    def show(self, seconds: float, frame: av.video.frame.VideoFrame) -> None:
        """A new picture comes on screen: the one before it has had its time and is written."""
        self._put(until=seconds)
        self._shown = (seconds, frame)

    def hear(self, seconds: float, frame: Any) -> None:
        """A piece of sound; what lies outside the stretch is cut off at the sample, gaps become silence."""
        import av

        last = round((self._end - self._start) * SOUND_RATE_HZ)
        for part in self._resampler.resample(frame):
            samples: np.ndarray = part.to_ndarray()  # (2, N)
            position = round((seconds - self._start) * SOUND_RATE_HZ)  # of its first sample in the clip
            seconds += samples.shape[1] / SOUND_RATE_HZ
            samples = samples[:, max(0, self._samples - position) : max(0, last - position)]
            if samples.shape[1] == 0:
                continue
            samples = np.pad(samples, ((0, 0), (max(0, position - self._samples), 0)))
            out = av.AudioFrame.from_ndarray(
                np.ascontiguousarray(samples, dtype=np.float32), format="fltp", layout="stereo"
            )
            out.sample_rate, out.time_base, out.pts = SOUND_RATE_HZ, Fraction(1, SOUND_RATE_HZ), self._samples
            self._samples += samples.shape[1]
            self._mux(self._sound, out)

    def finish(self) -> None:
        """Write what is still held back. Raises VideoError: nothing was shown."""
        self._put(until=self._end)
        if self._pictures == 0:
            raise VideoError(f"{self._path}: no picture could be decoded from {self._start:.3f} s on")
        self._mux(self._video, None)
        if self._sound is not None:
            self._mux(self._sound, None)

    def _put(self, *, until: float) -> None:
        if self._shown is None:
            return
        since, picture = self._shown
        first, last = (round((max(t, self._start) - self._start) / TICKS) for t in (since, min(until, self._end)))
        if last > first:
            out = self._upright(picture)
            out.pts, out.time_base = first, TICKS
            self._durations[first] = last - first
            self._pictures += 1
            self._mux(self._video, out)

    def _upright(self, frame: av.video.frame.VideoFrame) -> av.video.frame.VideoFrame:
        import av

        if orientation(frame) != (0, False):
            frame = av.VideoFrame.from_ndarray(self._renderer.pixels(frame).astype(np.uint8), format="rgb24")
        return frame.reformat(width=self._width, height=self._height, format="yuv420p")

    def _mux(self, stream: Any, frame: Any) -> None:
        for packet in stream.encode(frame):
            if stream is self._video and packet.pts in self._durations:
                packet.duration = self._durations.pop(packet.pts)
            self._output.mux(packet)
