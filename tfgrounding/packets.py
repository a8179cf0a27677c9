"""Which pictures of a video its decoder may leave out, so that sampling it takes less than playing it.

Pictures that no other picture is predicted from are a third to a half of most videos. Where one of them is on screen
at no sample it is left out, and every sample is still the same picture.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections import deque
from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from .sampling import is_sampled

if TYPE_CHECKING:
    import av.packet
    import av.video.stream

CODECS = frozenset({"h264", "hevc"})  # each packet is one picture, says whether others need it, and keeps its time
LOOK_AROUND_PACKETS = 32  # no picture is moved by more than 16 places between decoding and the screen
STEADY_SECONDS = 1.0


def sparing(
    stream: av.video.stream.VideoStream,
    packets: Iterator[av.packet.Packet],
    *,
    rate_hz: float,
    zero_seconds: float,
    sound: Callable[[], bool],
) -> Iterator[av.packet.Packet]:
    """The stream's packets as they come; before each, its decoder is told whether the picture may be left out.

    None is left out any more once time stamps are missing, run backwards or move on by more than a second.

    Args:
        stream: whose decoder is told.
        packets: of this stream, in the order of decoding.
        rate_hz: sample k is the picture on screen at (k + 1/2) / rate_hz.
        zero_seconds: time stamp of the first picture.
        sound: whether the video is undamaged so far; in a damaged one every picture is decoded, for the next best to be
            at hand and the damage to be counted. Damage to a picture that was left out is not noticed.
    """
    import av

    codec, time_base = stream.codec_context, stream.time_base or Fraction(0)
    steady = codec.name in CODECS and time_base > 0
    waiting: deque[av.packet.Packet] = deque()
    passed: deque[float] = deque()
    shown: list[float] = []  # when the pictures waiting and those lately passed come on screen, sorted
    decoded: int | None = None

    def told() -> av.packet.Packet:
        packet = waiting.popleft()
        needed = True
        if steady and packet.pts is not None:
            starts = float(packet.pts * time_base)
            sampled = is_sampled(starts - zero_seconds, _next(shown, starts) - zero_seconds, rate_hz=rate_hz)
            needed = sampled or packet.is_keyframe or not sound()
            passed.append(starts)
            if len(passed) > LOOK_AROUND_PACKETS:
                del shown[bisect_right(shown, passed.popleft()) - 1]
        codec.skip_frame = "DEFAULT" if needed else "NONREF"
        return packet

    failure: av.FFmpegError | None = None
    try:
        for packet in packets:
            waiting.append(packet)
            if steady and packet.size:
                if packet.pts is None or packet.dts is None:
                    steady = False
                else:
                    steady = decoded is None or 0 < (packet.dts - decoded) * time_base <= STEADY_SECONDS
                    decoded = packet.dts
                    insort(shown, float(packet.pts * time_base))
            if len(waiting) > LOOK_AROUND_PACKETS:
                yield told()
    except av.FFmpegError as error:  # what was read before is good
        failure = error
    while waiting:
        yield told()
    if failure is not None:
        raise failure


def _next(shown: list[float], starts: float) -> float:
    """When the next picture comes on screen; infinity if that isn't known."""
    after = bisect_right(shown, starts)
    return shown[after] if after < len(shown) else np.inf
