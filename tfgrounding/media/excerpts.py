"""Some stretches of a long video in one file whose clock is the video's own; between them a plain picture stays."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import VideoError
from ..files import draft
from ..types import Progress
from .cut import SOUND_RATE_HZ, Clip, cut_clip
from .pictures import Pictures
from .sources import AnySource, open_source

if TYPE_CHECKING:
    import av.packet

TICKS = Fraction(1, 90_000)
SAMPLES_A_PACKET = 1024  # of AAC
GREY = 60  # brightness of the picture between stretches


def write_excerpts(
    source: AnySource,
    target: str | Path,
    stretches: Sequence[tuple[float, float]],
    *,
    largest_height: int | None = None,
    crf: int,
    most_bytes: int,
    progress: Progress | None = None,
) -> list[tuple[float, float]]:
    """Write stretches of a video as one MP4, in which each has its time in the video; nothing else is in it.

    Args:
        source: the video.
        target: the file to write; it appears only when it is complete.
        stretches: (start, end) in seconds, the most important first; none may overlap another.
        largest_height, crf: as for `cut_clip`.
        most_bytes: about what the file may take; stretches that come too late for that are left out.
        progress: called with (seconds done, seconds in all).

    Returns:
        The stretches that were written, in order of time; at least one.

    Raises:
        VideoError: the source cannot be read, or the target not written.
    """
    import av

    video = open_source(source)
    whole = sum(end - start for start, end in stretches)
    clips: list[Clip] = []
    done = 0.0

    def report(seconds: float, _: float) -> None:
        if progress is not None:
            progress(min(whole, done + seconds), whole)

    with tempfile.TemporaryDirectory() as folder:
        for number, (start, end) in enumerate(stretches):
            if clips and sum(clip.path.stat().st_size for clip in clips) >= most_bytes:
                break
            place = Path(folder) / f"{number}.mp4"
            clips.append(
                cut_clip(
                    video,
                    place,
                    start_seconds=start,
                    end_seconds=end,
                    largest_height=largest_height,
                    crf=crf,
                    progress=report,
                )
            )
            done += end - start
        if sum(clip.path.stat().st_size for clip in clips) > most_bytes and len(clips) > 1:
            clips.pop()
        clips.sort(key=lambda clip: clip.start_seconds)
        try:
            grey = _grey(clips[0].path, Path(folder) / "grey.mp4", rate_hz=video.info.frame_rate_hz or 25.0, crf=crf)
            with draft(target) as place:
                _join(clips, grey, place, video.info.duration_seconds)
        except (av.FFmpegError, OSError) as error:
            raise VideoError(f"{target}: the excerpts cannot be written ({error.strerror})") from error
    if progress is not None:
        progress(whole, whole)
    return [(clip.start_seconds, clip.end_seconds) for clip in clips]


def _join(clips: Sequence[Clip], grey: bytes, place: Path, duration_seconds: float) -> None:
    """One file of clips, each at its time; `grey` is the picture between them."""
    import av

    with ExitStack() as stack:
        opened = [stack.enter_context(av.open(str(clip.path))) for clip in clips]
        output = stack.enter_context(av.open(str(place), "w", format="mp4", options={"movflags": "faststart"}))
        first: Any = opened[0].streams.video[0]
        pictures: Any = output.add_stream_from_template(first)
        pictures.time_base = TICKS
        heard = next((one for one, clip in zip(opened, clips, strict=True) if clip.has_sound), None)
        sound: Any = None if heard is None else output.add_stream_from_template(heard.streams.audio[0])
        silence = _silence_packet() if sound is not None else b""
        ended = 0  # ticks up to which there are pictures
        sounded = 0  # samples up to which there is sound
        for container, clip in zip(opened, clips, strict=True):
            starts = round(clip.start_seconds / TICKS)
            if starts > ended:
                output.mux(_packet(grey, pictures, ended, starts - ended, TICKS, is_key=True))
            for packet in container.demux(*container.streams.video, *container.streams.audio):
                if packet.pts is None or packet.size == 0:
                    continue
                of_video = packet.stream.type == "video"
                unit = TICKS if of_video else Fraction(1, SOUND_RATE_HZ)
                at = round((packet.pts * packet.time_base + starts * TICKS) / unit)
                lasts = max(1, round((packet.duration or 0) * packet.time_base / unit))
                if of_video:
                    ended = at + lasts
                    output.mux(_packet(bytes(packet), pictures, at, lasts, unit, is_key=packet.is_keyframe))
                elif sound is not None and packet.pts >= 0:
                    for filler in _silent(sounded, at, silence, sound):
                        output.mux(filler)
                    sounded = at + lasts
                    output.mux(_packet(bytes(packet), sound, at, lasts, unit, is_key=True))
        ends = round(duration_seconds / TICKS)
        if ends > ended:
            output.mux(_packet(grey, pictures, ended, ends - ended, TICKS, is_key=True))
        if sound is not None:
            for filler in _silent(sounded, round(duration_seconds * SOUND_RATE_HZ), silence, sound):
                output.mux(filler)


def _packet(data: bytes, stream: Any, at: int, lasts: int, time_base: Fraction, *, is_key: bool) -> av.packet.Packet:
    import av

    packet = av.Packet(data)
    packet.stream, packet.time_base = stream, time_base
    packet.pts = packet.dts = at
    packet.duration, packet.is_keyframe = lasts, is_key
    return packet


def _silent(begins: int, ends: int, silence: bytes, stream: Any) -> Iterator[av.packet.Packet]:
    """Silence between two places, counted in samples: players lose the time where a track of sound has gaps."""
    for at in range(begins, ends - SAMPLES_A_PACKET + 1, SAMPLES_A_PACKET):
        yield _packet(silence, stream, at, SAMPLES_A_PACKET, Fraction(1, SOUND_RATE_HZ), is_key=True)


def _grey(like: Path, place: Path, *, rate_hz: float, crf: int) -> bytes:
    """A picture in one colour, encoded as those of a clip are, so that one decoder reads both."""
    import av

    with av.open(str(like)) as clip:
        stream: Any = clip.streams.video[0]
        width, height, settings = stream.width, stream.height, bytes(stream.codec_context.extradata or b"")
    pictures = Pictures(np.full((1, height, width, 3), GREY, dtype=np.uint8), rate_hz)
    cut_clip(pictures, place, start_seconds=0.0, end_seconds=1 / rate_hz, crf=crf)
    with av.open(str(place)) as made:
        stream = made.streams.video[0]
        if bytes(stream.codec_context.extradata or b"") != settings:
            raise VideoError(f"{like}: pictures between the stretches cannot be encoded like those in them")
        return next(bytes(packet) for packet in made.demux(stream) if packet.size)


def _silence_packet() -> bytes:
    """One packet of AAC without sound."""
    import av

    encoder: Any = av.CodecContext.create("aac", "w")
    encoder.sample_rate, encoder.format, encoder.layout = SOUND_RATE_HZ, "fltp", "stereo"
    packets = []
    for number in range(6):
        frame = av.AudioFrame.from_ndarray(np.zeros((2, SAMPLES_A_PACKET), np.float32), format="fltp", layout="stereo")
        frame.sample_rate, frame.pts = SOUND_RATE_HZ, number * SAMPLES_A_PACKET
        packets += encoder.encode(frame)
    return bytes(packets[-1])
