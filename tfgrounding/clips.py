"""Stretches of a video as files of their own, cut at the frame and re-encoded, with their sound."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .errors import VideoError
from .types import Grounding, VideoInfo
from .video import probe

if TYPE_CHECKING:
    import av.audio.stream
    import av.container
    import av.video.frame
    import av.video.stream

Progress = Callable[[float, float], None]  # seconds written, seconds in all

TICKS = Fraction(1, 90_000)  # fine enough for every common frame rate
SEEK_MARGIN_SECONDS = 2.0  # start this much earlier: the first pictures after a jump may lack what they refer to
SOUND_RATE_HZ = 48_000
QUALITY_CRF = 20  # x264: close to the original to the eye


@dataclass(frozen=True, slots=True)
class Clip:
    """A file that was cut: where it lies, what it shows, and whether it has sound."""

    path: Path
    start_seconds: float
    end_seconds: float
    has_sound: bool


def cut_moments(grounding: Grounding, folder: str | Path) -> list[Path]:
    """Cut every moment of an answer to an MP4 file in `folder`, named after video, rank and times.

    Returns:
        The files, best moment first.

    Raises:
        VideoError: the video cannot be read or the folder cannot be written.
    """
    folder = Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise VideoError(f"{folder}: no clips can be written there ({error.strerror})") from error
    paths = []
    for rank, moment in enumerate(grounding.moments, start=1):
        name = clip_name(grounding.video.path, moment.start_seconds, moment.end_seconds)
        clip = cut_clip(
            grounding.video.path,
            folder / f"{rank:02d}_{name}",
            start_seconds=moment.start_seconds,
            end_seconds=moment.end_seconds,
        )
        paths.append(clip.path)
    return paths


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

    info = probe(source)
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
        # Jump near the start; where the file's index does not allow that, read it from the beginning.
        for jump in (True, False):
            with suppress(_SeekError):
                cutter = _Cutter(info, draft, start_seconds, end_seconds, largest_height, crf, progress)
                has_sound = cutter.run(jump=jump and start_seconds > SEEK_MARGIN_SECONDS)
                break
        Path(draft).chmod(0o644)
        Path(draft).replace(target)
    except (av.FFmpegError, OSError) as error:
        raise VideoError(f"{target}: the clip could not be written ({error.strerror})") from error
    finally:
        Path(draft).unlink(missing_ok=True)
    return Clip(target, start_seconds, end_seconds, has_sound)


class _SeekError(Exception):
    """A seek landed after the start of the stretch."""


class _Cutter:
    """One pass over a source that writes one stretch of it."""

    def __init__(
        self,
        info: VideoInfo,
        target: str,
        start_seconds: float,
        end_seconds: float,
        largest_height: int | None,
        crf: int,
        progress: Progress | None,
    ) -> None:
        self._info, self._target = info, target
        self._start, self._end = start_seconds, end_seconds
        self._crf, self._progress = crf, progress
        scale = 1.0 if largest_height is None else min(1.0, largest_height / info.height)
        self._width = max(2, round(info.width * scale / 2) * 2)  # 4:2:0 colour needs even sides
        self._height = max(2, round(info.height * scale / 2) * 2)
        self._shown: tuple[float, av.video.frame.VideoFrame] | None = None  # the picture on screen, and since when
        self._ticks_written = 0
        self._durations: dict[int, int] = {}  # ticks of each picture sent to the encoder, by its time stamp
        self._samples_written = 0

    def run(self, *, jump: bool) -> bool:
        """Write the file; returns whether it has sound."""
        import av

        with av.open(self._info.path) as source, av.open(self._target, "w", format="mp4") as target:
            video = next(s for s in source.streams.video if not s.disposition & s.disposition.attached_pic)
            sound = next(iter(source.streams.audio), None)
            video.thread_type = "AUTO"
            self._zero = _first_time(source, video)
            self._out_video = self._add_video(target)
            self._out_sound: Any = None
            if sound is not None and sound.codec_context is not None:
                layout = "mono" if sound.codec_context.channels == 1 else "stereo"
                self._out_sound = target.add_stream("aac", rate=SOUND_RATE_HZ, layout=layout)
                self._resampler = av.AudioResampler(format="fltp", layout=layout, rate=SOUND_RATE_HZ)
            where = self._zero + self._start - SEEK_MARGIN_SECONDS if jump else self._zero
            if jump:
                source.seek(round(where / float(video.time_base or TICKS)), stream=video, backward=True)
            else:
                source.seek(0)
            self._copy(source, target, video, sound if self._out_sound is not None else None)
            return self._samples_written > 0

    def _copy(
        self,
        source: av.container.InputContainer,
        target: av.container.OutputContainer,
        video: av.video.stream.VideoStream,
        sound: av.audio.stream.AudioStream | None,
    ) -> None:
        open_streams = {video} if sound is None else {video, sound}
        newest = -np.inf
        for packet in source.demux(*open_streams):
            if packet.stream not in open_streams:
                continue
            for seconds, frame in self._decode(packet):
                if packet.stream is video:
                    if seconds <= newest:
                        continue
                    if newest == -np.inf and seconds > self._start and seconds > 0:
                        raise _SeekError
                    newest = seconds
                    self._show(target, seconds, frame)
                else:
                    self._sound(target, seconds, frame)
                if seconds >= self._end:
                    open_streams.discard(packet.stream)
            if not open_streams:
                break
        self._show(target, self._end, None)
        if self._ticks_written == 0:
            raise VideoError(f"{self._info.path}: no picture could be decoded from {self._start:.3f} s on")
        self._mux(target, self._out_video, None)
        if self._out_sound is not None:
            self._mux(target, self._out_sound, None)

    def _decode(self, packet: Any) -> Iterator[tuple[float, Any]]:
        """(seconds from the video's first frame, frame) of a packet's frames; damaged packets are passed over."""
        import av

        with suppress(av.error.InvalidDataError):
            for frame in packet.decode():
                if frame.pts is not None:
                    yield float(frame.pts * frame.time_base) - self._zero, frame

    def _show(self, target: av.container.OutputContainer, seconds: float, frame: Any) -> None:
        """A new picture comes on screen: the one before it has had its time and can be written."""
        if self._shown is not None:
            since, picture = self._shown
            first = round((max(since, self._start) - self._start) / TICKS)
            last = round((min(seconds, self._end) - self._start) / TICKS)
            if last > first:
                out = self._upright(picture)
                out.pts, out.time_base = first, TICKS
                self._durations[first] = last - first
                self._ticks_written = last
                self._mux(target, self._out_video, out)
                if self._progress is not None:
                    self._progress(float(last * TICKS), self._end - self._start)
        self._shown = None if frame is None or seconds >= self._end else (seconds, frame)

    def _sound(self, target: av.container.OutputContainer, seconds: float, frame: Any) -> None:
        for part in self._resampler.resample(frame):
            samples = part.to_ndarray()  # (channels, N)
            position = round((seconds - self._start) * SOUND_RATE_HZ)  # of its first sample in the clip
            last = round((self._end - self._start) * SOUND_RATE_HZ)
            seconds += samples.shape[1] / SOUND_RATE_HZ
            samples = samples[:, max(0, self._samples_written - position) : max(0, last - position)]
            if samples.shape[1] == 0:
                continue
            silence = max(0, position - self._samples_written)  # where the sound starts late or has a gap
            samples = np.ascontiguousarray(np.pad(samples, ((0, 0), (silence, 0))))
            self._write_sound(target, samples, part.layout.name)

    def _write_sound(self, target: av.container.OutputContainer, samples: np.ndarray, layout: str) -> None:
        import av

        out = av.AudioFrame.from_ndarray(samples, format="fltp", layout=layout)
        out.sample_rate, out.time_base, out.pts = SOUND_RATE_HZ, Fraction(1, SOUND_RATE_HZ), self._samples_written
        self._samples_written += samples.shape[1]
        self._mux(target, self._out_sound, out)

    def _mux(self, target: av.container.OutputContainer, stream: Any, frame: Any) -> None:
        for packet in stream.encode(frame):
            if stream is self._out_video and packet.pts in self._durations:
                packet.duration = self._durations.pop(packet.pts)
            target.mux(packet)

    def _add_video(self, target: av.container.OutputContainer) -> Any:
        rate = Fraction(self._info.frame_rate_hz or 25.0).limit_denominator(1001)
        # No B-frames: packets then leave in the order of their times, so that each can carry its own duration.
        options = {"crf": str(self._crf), "preset": "veryfast", "bf": "0"}
        stream = target.add_stream("libx264", rate=rate, options=options)
        stream.width, stream.height, stream.pix_fmt = self._width, self._height, "yuv420p"
        stream.codec_context.time_base = TICKS
        return stream

    def _upright(self, frame: av.video.frame.VideoFrame) -> av.video.frame.VideoFrame:
        import av

        if self._info.rotation_degrees:
            stored = frame.to_ndarray(format="rgb24").astype(np.uint8, copy=False)
            turned = np.rot90(stored, self._info.rotation_degrees // 90)
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(turned), format="rgb24")
        return frame.reformat(width=self._width, height=self._height, format="yuv420p")


def _first_time(container: av.container.InputContainer, stream: av.video.stream.VideoStream) -> float:
    """When the stream's first picture is shown, in the container's own seconds."""
    for frame in container.decode(stream):
        if frame.pts is not None and frame.time_base is not None:
            return float(frame.pts * frame.time_base)
    return 0.0
