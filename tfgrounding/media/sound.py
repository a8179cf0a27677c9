"""The sound of a video file, on the time line of its pictures."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .container import in_seconds, opened
from .decode import VideoFile
from .reading import INDEXED
from .timestamps import Clock

if TYPE_CHECKING:
    import av.audio.frame
    import av.container

EARLY_SECONDS = 2.0  # begin this much before the wanted time: decoders of sound need a few packets to settle
USUAL_FRAME_SECONDS = 0.02


@dataclass(slots=True)
class SoundDamage:
    """What of a sound track could not be decoded: so many packets, and whether reading ended before the file did."""

    packets: int = 0
    ended_early: bool = False


def has_sound(file: VideoFile) -> bool:
    """Whether the file has a sound track that can be decoded. Raises VideoError."""
    with opened(file.path) as container:
        return _track(container) is not None


def read_sound(
    file: VideoFile, *, start_seconds: float = 0.0, damage: SoundDamage | None = None
) -> Iterator[tuple[float, av.audio.frame.AudioFrame]]:
    """The frames of the sound track from a little before the start on, and when they are heard.

    Args:
        file: a file that has sound.
        start_seconds: as all times here it counts from the first picture; sound before that has times below 0.
        damage: counts what could not be decoded.

    Raises:
        VideoError: the file cannot be read.
    """
    import av

    damage = damage or SoundDamage()
    zero = file.track.zero_seconds
    with opened(file.path) as container:
        stream = _track(container)
        if stream is None:
            return
        if container.format.name in INDEXED and (early := zero + start_seconds - EARLY_SECONDS) > 0:
            container.seek(round(early / float(stream.time_base)), stream=stream)
        clock = Clock(USUAL_FRAME_SECONDS, file.info.duration_seconds)
        for packet in _packets(container, stream, damage):
            try:
                for frame in packet.decode():
                    times = (in_seconds(ticks, frame.time_base) for ticks in (frame.pts, frame.dts))
                    stamp, decoded = (None if time is None else time - zero for time in times)
                    if (seconds := clock.place(stamp, decoded)) is not None:
                        yield seconds, frame
            except av.FFmpegError:
                damage.packets += 1


def _packets(container: av.container.InputContainer, stream: Any, damage: SoundDamage) -> Iterator[Any]:
    """The packets of the stream; where the file cannot be read any further they end."""
    import av

    try:
        yield from container.demux(stream)
    except av.FFmpegError:
        damage.ended_early = True


def _track(container: av.container.InputContainer) -> Any:
    """The sound track that players take; None where there is none that can be decoded."""
    stream: Any = container.streams.best("audio")
    return None if stream is None or stream.codec_context is None else stream
