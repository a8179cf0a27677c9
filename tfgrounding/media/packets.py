"""What of a video its decoder may leave out, so that sampling it takes less than playing it.

A picture that no other is predicted from is left out where it is on screen at no sample. And where the last sample of
a group of pictures is behind us, everything up to the next group is: each begins with a picture that nothing after it
looks back beyond. Every sample is still the same picture.
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
    import av.video.codeccontext
    import av.video.stream

# NAL units of an IDR picture, which nothing after it looks back beyond; each packet of these codecs is one picture
GROUP_STARTS = {"h264": {5}, "hevc": {19, 20}}
PICTURES = {"h264": range(1, 6), "hevc": range(32)}  # NAL units with a picture in them
HEVC_ENTRIES = range(16, 24)  # pictures that decoding can begin with; those shown before them are left out
H264_INTRA_SLICES = (2, 7)
UNIT_BYTES = 16  # of a NAL unit that are looked at
LOOK_AROUND_PACKETS = 32  # no picture is moved by more than 16 places between decoding and the screen
STEADY_SECONDS = 1.0  # between one packet's time of decoding and the next one's
MOST_HELD_BYTES = 64 << 20  # of packets that may turn out not to be needed


class PacketFilter:
    """Passes a stream's packets on to its decoder, less those that samples at (k + 1/2) / rate_hz do not need.

    Nothing is left out any more once time stamps are missing, run backwards or move on by more than a second.

    Args:
        stream: whose packets come, and whose decoder is told before each whether the picture may be left out.
        rate_hz: samples a second.
        seconds: ticks of the stream as seconds from the video's first picture.
        start_seconds, end_seconds: only samples in [start, end) count, and the picture on screen at the start.
        is_intact: whether the video is undamaged so far; in a damaged one every picture is decoded, so that the
            next best is there and the damage is counted. Damage to a picture that was left out is not noticed.
    """

    def __init__(
        self,
        stream: av.video.stream.VideoStream,
        *,
        rate_hz: float,
        seconds: Callable[[int], float],
        start_seconds: float,
        end_seconds: float,
        is_intact: Callable[[], bool],
    ) -> None:
        self._codec = stream.codec_context
        self._time_base = stream.time_base or Fraction(0)
        self._rate_hz, self._seconds, self._is_intact = rate_hz, seconds, is_intact
        self._start, self._end = start_seconds, end_seconds
        self._steady = self._codec.name in GROUP_STARTS and self._time_base > 0
        self.resumed_seconds = 0.0  # on screen: up to here a stretch was left out on purpose

    def needed(self, packets: Iterator[av.packet.Packet]) -> Iterator[av.packet.Packet]:
        """The packets of the stream in the order of decoding, as they come, less those that are not needed."""
        held: list[av.packet.Packet] = []
        held_bytes = 0
        for packet, is_needed in self._judged(packets):
            if held and self._steady and self._begins_group(packet):
                held, held_bytes = [], 0
                self.resumed_seconds = self._seconds(packet.pts or 0)
            held.append(packet)
            held_bytes += packet.size
            if is_needed or held_bytes > MOST_HELD_BYTES:
                for earlier in held:
                    wanted = earlier.is_keyframe or (earlier is packet and is_needed)
                    self._codec.skip_frame = "DEFAULT" if wanted else "NONREF"
                    yield earlier
                held, held_bytes = [], 0

    def _judged(self, packets: Iterator[av.packet.Packet]) -> Iterator[tuple[av.packet.Packet, bool]]:
        """(packet, whether its picture must be decoded for its own sake)."""
        waiting: deque[av.packet.Packet] = deque()
        shown: list[float] = []  # when the pictures waiting and those lately passed come on screen, sorted
        passed: deque[float] = deque()
        decoded: int | None = None

        def judged() -> tuple[av.packet.Packet, bool]:
            packet = waiting.popleft()
            is_needed = not self._steady or not packet.size or not self._is_intact()
            if self._steady and packet.pts is not None:
                starts = self._seconds(packet.pts)
                after = bisect_right(shown, starts)
                ends = shown[after] if after < len(shown) else np.inf
                is_needed = is_needed or self._is_looked_at(starts, ends)
                passed.append(starts)
                if len(passed) > LOOK_AROUND_PACKETS:
                    del shown[bisect_right(shown, passed.popleft()) - 1]
            return packet, is_needed

        for packet in packets:
            waiting.append(packet)
            if self._steady and packet.size:
                if packet.pts is None or packet.dts is None:
                    self._steady = False
                else:
                    moved = 0 if decoded is None else (packet.dts - decoded) * self._time_base
                    self._steady = decoded is None or 0 < moved <= STEADY_SECONDS
                    decoded = packet.dts
                    insort(shown, self._seconds(packet.pts))
            if len(waiting) > LOOK_AROUND_PACKETS:
                yield judged()
        while waiting:
            yield judged()

    def _is_looked_at(self, starts: float, ends: float) -> bool:
        """Whether a picture is on screen at the start of what is wanted, at a sample, or at the end of the video."""
        if starts <= self._start < ends or (ends == np.inf and starts < self._end):
            return True
        return is_sampled(max(starts, self._start), min(ends, self._end), rate_hz=self._rate_hz)

    def _begins_group(self, packet: av.packet.Packet) -> bool:
        """Whether nothing from this packet on looks back beyond it: its picture is an IDR picture."""
        name = self._codec.name
        return packet.is_keyframe and _kind(_first_picture(packet, self._codec), name) in GROUP_STARTS[name]


def can_begin_with(packet: av.packet.Packet, codec: av.video.codeccontext.VideoCodecContext) -> bool:
    """Whether decoding can begin with a packet: all pictures shown after its own then come out as in the whole video.

    Containers also mark packets from which on a picture is completed bit by bit (intra refresh); these are not meant.
    """
    if not packet.is_keyframe or codec.name not in PICTURES:
        return packet.is_keyframe
    unit = _first_picture(packet, codec)
    if codec.name == "hevc":
        return _kind(unit, "hevc") in HEVC_ENTRIES
    return _kind(unit, "h264") in GROUP_STARTS["h264"] or _h264_slice_type(unit) in H264_INTRA_SLICES


def _first_picture(packet: av.packet.Packet, codec: av.video.codeccontext.VideoCodecContext) -> bytes:
    """The beginning of the first NAL unit of a packet that holds a picture; empty where there is none."""
    for unit in _nal_units(bytes(packet), codec.extradata or b"", codec.name):
        if _kind(unit, codec.name) in PICTURES[codec.name]:
            return unit
    return b""


def _kind(unit: bytes, codec: str) -> int:
    """The type of a NAL unit, -1 of an empty one."""
    return -1 if not unit else unit[0] & 31 if codec == "h264" else unit[0] >> 1 & 63


def _h264_slice_type(unit: bytes) -> int:
    """The second number in a slice's header, -1 where it cannot be read; both are written as Exp-Golomb codes."""
    bits = "".join(f"{byte:08b}" for byte in unit[1:])
    at = value = 0
    for _ in range(2):
        zeros = bits.find("1", at) - at
        if zeros < 0 or at + 2 * zeros + 1 > len(bits):
            return -1
        value = int(bits[at + zeros : at + 2 * zeros + 1], 2) - 1
        at += 2 * zeros + 1
    return value


def _nal_units(data: bytes, extradata: bytes, codec: str) -> Iterator[bytes]:
    """The first bytes of each NAL unit of a packet, whether they follow start codes or their lengths."""
    place = 21 if codec == "hevc" else 4  # of the byte that says how long the lengths are
    if len(extradata) > place and not extradata.startswith((b"\0\0\1", b"\0\0\0\1")):
        size = (extradata[place] & 3) + 1
        at = 0
        while at + size < len(data):
            yield data[at + size : at + size + UNIT_BYTES]
            at += size + int.from_bytes(data[at : at + size], "big")
        return
    at = data.find(b"\0\0\1")
    while 0 <= at < len(data) - 3:
        yield data[at + 3 : at + 3 + UNIT_BYTES]
        at = data.find(b"\0\0\1", at + 3)
