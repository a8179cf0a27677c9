"""Stretches of a video as files of their own, cut at the frame and re-encoded, with their sound."""

from __future__ import annotations

import heapq
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import VideoError
from ..files import draft, shortened
from ..types import Progress, Shot, VideoInfo
from .decode import VideoFile
from .render import UPRIGHT, Renderer, is_hdr
from .sound import has_sound, read_sound
from .sources import AnySource, open_source

if TYPE_CHECKING:
    import av.audio.frame
    import av.container
    import av.video.frame

TICKS = Fraction(1, 90_000)  # fine enough for every common frame rate
SOUND_RATE_HZ = 48_000
LONGEST_NAME_BYTES = 240  # of 255, so that "_2" may be added
QUALITY_CRF = 20  # x264: close to the original to the eye


@dataclass(frozen=True, slots=True)
class Clip:
    """A file that was cut: where it lies, what it shows, and whether it has sound."""

    path: Path
    start_seconds: float
    end_seconds: float
    has_sound: bool


def clip_name(video: str | Path, start_seconds: float, end_seconds: float) -> str:
    """File name of a clip: the video's name, shortened where it is very long, and the stretch in seconds."""
    stretch = f"_{start_seconds:.3f}-{end_seconds:.3f}.mp4"
    return shortened(Path(video).stem, max(1, LONGEST_NAME_BYTES - len(stretch))) + stretch


def cut_clip(
    source: AnySource,
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
        source: path of a video file, Pictures, or any other Source; only files have sound.
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

    video = open_source(source)
    info = video.info
    end_seconds = min(end_seconds, info.duration_seconds)
    if not 0 <= start_seconds < end_seconds:
        raise VideoError(
            f"{video.name}: cannot cut {start_seconds:.3f} to {end_seconds:.3f} s; "
            f"a clip starts before it ends, within the {info.duration_seconds:.3f} s of the video"
        )
    target = Path(target)
    file = video if isinstance(video, VideoFile) and has_sound(video) else None
    sounds = () if file is None else read_sound(file, start_seconds=start_seconds)
    shots = video.shots(start_seconds=start_seconds, end_seconds=end_seconds)
    try:
        with draft(target) as place, av.open(str(place), "w", format="mp4") as output:
            writer = _Writer(output, info, start_seconds, end_seconds, largest_height, crf, file is not None)
            pictures = ((shot.start_seconds, shot) for shot in shots)
            for seconds, piece in heapq.merge(pictures, sounds, key=lambda timed: timed[0]):
                if seconds >= end_seconds:
                    break
                if not isinstance(piece, Shot):
                    writer.hear(seconds, piece)
                    continue
                writer.show(piece)
                if progress is not None:
                    progress(max(0.0, seconds - start_seconds), end_seconds - start_seconds)
            writer.finish()
            if progress is not None:
                progress(end_seconds - start_seconds, end_seconds - start_seconds)
    except (av.FFmpegError, OSError) as error:
        raise VideoError(f"{target}: the clip cannot be written ({error.strerror})") from error
    return Clip(target, start_seconds, end_seconds, writer.was_heard)


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
        self._durations: dict[int, int] = {}  # ticks of each picture sent to the encoder, by its time stamp
        self._pictures = self._samples = 0

    @property
    def was_heard(self) -> bool:
        """Whether there was sound in the stretch."""
        return self._samples > 0

    def show(self, shot: Shot) -> None:
        """A picture, for as long as it is on screen in the stretch."""
        times = (shot.start_seconds, shot.end_seconds)
        first, last = (round((min(max(t, self._start), self._end) - self._start) / TICKS) for t in times)
        if last > first:
            out = self._upright(shot)
            out.pts, out.time_base = first, TICKS
            self._durations[first] = last - first
            self._pictures += 1
            self._mux(self._video, out)

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
        if self._pictures == 0:
            raise VideoError(f"{self._path}: no picture could be decoded from {self._start:.3f} s on")
        self._mux(self._video, None)
        if self._sound is not None:
            self._mux(self._sound, None)

    def _upright(self, shot: Shot) -> av.video.frame.VideoFrame:
        import av

        frame = shot.frame
        if shot.turn != UPRIGHT or is_hdr(frame):
            frame = av.VideoFrame.from_ndarray(self._renderer.pixels(frame, shot.turn), format="rgb24")
        return frame.reformat(width=self._width, height=self._height, format="yuv420p")

    def _mux(self, stream: Any, frame: Any) -> None:
        for packet in stream.encode(frame):
            if stream is self._video and packet.pts in self._durations:
                packet.duration = self._durations.pop(packet.pts)
            self._output.mux(packet)
