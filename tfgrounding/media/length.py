"""How long a track is before it is decoded: as its container states it, or else as its packets say."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .container import in_seconds, opened
from .timestamps import JUMP_AHEAD_SECONDS, JUMP_BACK_SECONDS

if TYPE_CHECKING:
    import av.container

JOINABLE = ("mpegts", "mpeg")  # containers whose files can be put one behind the other, each with times of its own
STATED_FOR_ALL = ("asf",)  # containers that state one length, that of the longest track, for each of them
PLACES = 48  # of such a file that are looked at for times that run back
LAST_BYTES = 4 << 20  # that are read for the end of the last picture


def stated_seconds(
    path: Path, container: av.container.InputContainer, stream: Any, start_seconds: float, gap_seconds: float
) -> float:
    """Seconds from the track's first picture to its end as the container states it, or 0.

    Where several recordings were joined, all of them are counted.

    Args:
        path, container, stream: the file, its container, which is moved about in, and the track.
        start_seconds: the container's time of the first picture.
        gap_seconds: from one picture to the next.
    """
    if container.format.name in JOINABLE:
        end = _end_seconds(container, stream, path.stat().st_size, gap_seconds)
        if end > start_seconds:
            return end - start_seconds
        with opened(path) as again:
            return _joined_seconds(again, again.streams[stream.index], gap_seconds)
    if container.format.name in STATED_FOR_ALL:
        return 0.0
    duration = in_seconds(stream.duration, stream.time_base) or 0.0
    start = in_seconds(stream.start_time, stream.time_base)
    skipped = 0.0 if start is None else max(0.0, start_seconds - start)
    return max(0.0, duration - skipped) if duration > 0 else 0.0


def counted_seconds(
    path: Path, container: av.container.InputContainer, stream: Any, start_seconds: float, gap_seconds: float
) -> float:
    """Seconds from the first picture to the end of the last packet: read from near the end, or else all of them."""
    import av

    if container.duration:
        with suppress(av.FFmpegError):
            container.seek(container.duration + (container.start_time or 0))
            end, _ = _last_packet(container, stream, gap_seconds)
            if end > start_seconds:
                return end - start_seconds
    with opened(path) as again:
        end, count = _last_packet(again, again.streams[stream.index], gap_seconds)
    return end - start_seconds if end > start_seconds else max(1, count) * gap_seconds


def _last_packet(container: av.container.InputContainer, stream: Any, gap_seconds: float) -> tuple[float, int]:
    """(time stamp in seconds at which the last packet to come ends, -inf without any; how many packets come)."""
    import av

    end, count = -np.inf, 0
    with suppress(av.FFmpegError):
        for packet in container.demux(stream):
            count += packet.size > 0
            if (shown := in_seconds(packet.pts, packet.time_base)) is not None:
                end = max(end, shown + (in_seconds(packet.duration, packet.time_base) or gap_seconds))
    return end, count


def _end_seconds(container: av.container.InputContainer, stream: Any, size_bytes: int, gap_seconds: float) -> float:
    """Time stamp at which the last packet ends; -inf where the times of some places of the file do not follow."""
    import av

    newest = -np.inf
    for place in range(PLACES):
        with suppress(av.FFmpegError, StopIteration):
            container.seek(size_bytes * place // PLACES, unsupported_byte_offset=True)
            packet = next(packet for packet in container.demux(stream) if packet.pts is not None)
            shown = in_seconds(packet.pts, packet.time_base) or 0.0
            if shown < newest - JUMP_BACK_SECONDS:
                return -np.inf
            newest = max(newest, shown)
    with suppress(av.FFmpegError):
        container.seek(max(0, size_bytes - LAST_BYTES), unsupported_byte_offset=True)
    end, _ = _last_packet(container, stream, gap_seconds)
    return end if end > newest - JUMP_BACK_SECONDS else -np.inf


def _joined_seconds(container: av.container.InputContainer, stream: Any, gap_seconds: float) -> float:
    """The lengths of all recordings of a file, one after the other."""
    import av

    total, first, last, decoded = 0.0, np.inf, -np.inf, -np.inf
    with suppress(av.FFmpegError):
        for packet in container.demux(stream):
            shown, now = in_seconds(packet.pts, packet.time_base), in_seconds(packet.dts, packet.time_base)
            if shown is None or now is None:
                continue
            if not -JUMP_BACK_SECONDS <= now - decoded <= JUMP_AHEAD_SECONDS and last > first:
                total += last - first + gap_seconds
                first, last = np.inf, -np.inf
            first, last, decoded = min(first, shown), max(last, shown), now
    return total + last - first + gap_seconds if last >= first else total
