"""The pictures of one track of a video file: from packets to decoded frames, each with the time it is on screen."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from heapq import heappop, heappush
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..types import Shot, Turn, VideoInfo
from .container import MAX_PIXELS, opened, packets_of, unwrapped
from .damage import Damage
from .length import STATED_FOR_ALL
from .packets import PacketFilter, can_begin_with
from .timestamps import Clock

if TYPE_CHECKING:
    import av.container
    import av.packet
    import av.video.frame
    import av.video.stream

DECODER_THREADS = 0  # as many as the machine has cores
MOST_READ_FAILURES = 16  # in a row, after which the rest of a file is given up
WITHOUT_SHOWING_TIMES = ("avi", "asf")  # containers that store only the order of decoding
MOST_REORDERED = 16  # pictures that are decoded between two that are shown one after the other
INDEXED = ("mov,mp4,m4a,3gp,3g2,mj2", "matroska,webm")  # containers to jump in; others are read from the beginning
LEADS_SECONDS = (0.0, 5.0, 30.0)  # how much before the wanted time to jump, one after the other until it is enough
DAMAGED = "a part of the video could not be read"  # until it is known how much
PACKETS_PAST_END = 8  # of what is wanted, after which reading ends: a single time stamp may be damaged


@dataclass(frozen=True, slots=True)
class Track:
    """What was learnt from the container and from the first decoded picture of the track that is read."""

    index: int
    info: VideoInfo
    gap_seconds: float  # from one picture to the next, usually
    time_base: Fraction
    zero_ticks: int  # the container's time of the track's first picture
    stated_seconds: float  # length of the track as the container states it, or 0
    turn: Turn

    @property
    def zero_seconds(self) -> float:
        """The container's time of the track's first picture."""
        return float(self.zero_ticks * self.time_base)

    def seconds(self, ticks: int) -> float:
        """The container's time as seconds from the track's first picture."""
        return float((unwrapped(ticks) - self.zero_ticks) * self.time_base)


def read_shots(
    path: Path,
    track: Track,
    warnings: list[str],
    *,
    rate_hz: float | None,
    start_seconds: float,
    end_seconds: float | None,
) -> Iterator[Shot]:
    """The pictures on screen in [start, end), each until the next one comes; see `Source.shots`.

    The first picture that can be decoded takes the place of those before it. As soon as something is found damaged
    `warnings` says so; at the end it says what.
    """
    end_seconds = np.inf if end_seconds is None else end_seconds
    leads = LEADS_SECONDS if start_seconds > 0 else ()
    for jump_to_seconds in (*(start_seconds - lead for lead in leads), 0.0):
        with opened(path) as container:
            reading = _Reading(container, track, rate_hz, start_seconds, end_seconds)
            try:
                if jump_to_seconds > 0:
                    reading.jump_to(jump_to_seconds)
                for shot in reading.shots():
                    if not warnings and not reading.is_intact():
                        warnings.append(DAMAGED)
                    yield shot
            except _JumpError:
                continue
            warnings[:] = reading.warnings()
            return


class _JumpError(Exception):
    """A place in a file where decoding cannot begin, or not early enough."""


class _Reading:
    """One look at a part of a track, from the beginning of the file or from where it jumped to."""

    def __init__(
        self,
        container: av.container.InputContainer,
        track: Track,
        rate_hz: float | None,
        start_seconds: float,
        end_seconds: float,
    ) -> None:
        self._container, self._track = container, track
        self._rate_hz, self._start, self._end = rate_hz, start_seconds, end_seconds
        stream: Any = container.streams[track.index]
        self._stream = stream
        self._stream.codec_context.options = MAX_PIXELS
        self._stream.thread_type = "AUTO"
        self._stream.codec_context.thread_count = DECODER_THREADS
        self._clock = Clock(track.gap_seconds, track.info.duration_seconds)
        self._damage = Damage()
        self._filter: PacketFilter | None = None
        if rate_hz is not None and container.format.name not in WITHOUT_SHOWING_TIMES:
            self._filter = PacketFilter(
                self._stream,
                rate_hz=rate_hz,
                seconds=track.seconds,
                start_seconds=start_seconds,
                end_seconds=end_seconds,
                is_intact=self._damage.is_intact,
            )
        self._entry: av.packet.Packet | None = None  # after a jump: the packet that reading begins with
        self._entry_seconds = -np.inf  # when its picture comes on screen; those before it may lack what they refer to
        self._newest_packet_seconds = -np.inf

    def jump_to(self, seconds: float) -> None:
        """Move to where decoding has to begin for the picture on screen at that time. Raises _JumpError."""
        import av

        if self._container.format.name not in INDEXED:
            raise _JumpError
        ticks = self._track.zero_ticks + round(seconds / float(self._track.time_base))
        try:
            self._container.seek(ticks, stream=self._stream)
            self._entry = next(self._container.demux(self._stream))
        except (av.FFmpegError, StopIteration) as error:
            raise _JumpError from error
        if self._entry.pts is None or not can_begin_with(self._entry, self._stream.codec_context):
            raise _JumpError
        self._entry_seconds = self._track.seconds(self._entry.pts)

    def shots(self) -> Iterator[Shot]:
        """The pictures on screen in [start, end). Raises _JumpError before the first."""
        shown: Shot | None = None
        for start, ends, frame in self._placed():
            if shown is not None:
                resumed = self._filter.resumed_seconds if self._filter else 0.0
                self._damage.see_hole(max(shown.end_seconds, resumed), start)
                if start > self._start:
                    yield shown._replace(end_seconds=min(start, self._end))
            elif start > self._start:
                if self._entry is not None:
                    raise _JumpError
                self._damage.see_late_start(start, self._track.gap_seconds)
                start = 0.0
            if start >= self._end:
                return
            shown = Shot(start, ends, frame, self._track.turn)
        if shown is None and self._entry is not None:
            raise _JumpError
        if shown is not None:
            ended = self._newest_packet_seconds >= self._end  # reading, not the video
            shown = shown._replace(end_seconds=self._end if ended else min(shown.end_seconds, self._end))
            if shown.end_seconds > self._start:
                yield shown

    def is_intact(self) -> bool:
        """Whether nothing was missing and no time stamp odd so far."""
        damage = self._damage
        return damage.is_intact() and not (damage.missing_start_seconds or self._clock.warnings)

    def warnings(self) -> list[str]:
        """What was missing, in words, after the last picture."""
        words = [*self._clock.warnings, *self._damage.words(self._track.gap_seconds)]
        if self._end < np.inf:
            return words
        if self._track.stated_seconds:
            promised, read = self._track.stated_seconds, self._clock.end_seconds
        else:  # then only all streams together can be held to a promise, which some formats count from 0
            promised = (self._container.duration or 0) / 1e6
            if self._container.format.name in STATED_FOR_ALL:
                promised -= max(0.0, self._track.zero_seconds)  # some programs count a late start twice
            read = self._damage.newest_seconds - self._damage.oldest_seconds
        if promised - read > max(0.25, 3 * self._track.gap_seconds):
            words.append(
                f"the file states {promised:.2f} s but has {read:.2f} s: the last {promised - read:.2f} s "
                f"({100 * (promised - read) / promised:.0f} %) are lost"
            )
        return words

    def _placed(self) -> Iterator[tuple[float, float, av.video.frame.VideoFrame]]:
        """(start, end, frame) of every picture that is shown, the end as the container says it."""
        seconds = self._track.seconds
        for ticks, frame in self._with_times():
            decoded = None if frame.dts is None else seconds(frame.dts)
            start = self._clock.place(None if ticks is None else seconds(ticks), decoded)
            if start is not None and start >= self._entry_seconds:
                self._damage.pictures += bool(getattr(frame, "is_corrupt", False))
                lasts = float((frame.duration or 0) * self._track.time_base)
                yield max(0.0, start), self._clock.ends(lasts), frame

    def _with_times(self) -> Iterator[tuple[int | None, av.video.frame.VideoFrame]]:
        """Every frame that can be decoded, in order of showing, and when it is shown, in ticks."""
        if self._container.format.name not in WITHOUT_SHOWING_TIMES:
            yield from ((frame.pts, frame) for frame in self._frames())
            return
        waiting: deque[av.video.frame.VideoFrame] = deque()
        times: list[int] = []  # at which they are decoded: the earliest goes to the first one that is shown
        for frame in self._frames():
            waiting.append(frame)
            heappush(times, frame.pts or 0)
            if len(waiting) > MOST_REORDERED:
                yield heappop(times), waiting.popleft()
        while waiting:
            yield heappop(times), waiting.popleft()

    def _frames(self) -> Iterator[av.video.frame.VideoFrame]:
        """Every frame that can be decoded, in order of showing."""
        import av

        packets = self._packets()
        needed = packets if self._filter is None else self._filter.needed(packets)
        for packet in needed:
            try:
                yield from self._stream.decode(packet)
            except av.FFmpegError:
                is_wanted = packet.pts is None or self._track.seconds(packet.pts) >= self._entry_seconds
                self._damage.packets += is_wanted
        for _ in range(MOST_READ_FAILURES):
            try:
                yield from self._stream.decode(None)  # what the decoder holds back
                return
            except av.error.EOFError:
                return
            except av.FFmpegError:
                self._damage.packets += 1

    def _packets(self) -> Iterator[av.packet.Packet]:
        """The track's packets; where the file cannot be read, it is read on behind that place."""
        import av

        if self._entry is not None:
            yield self._entry
        # Where the length of the track is not stated, the packets of every track say what is missing at the end.
        tracks = (self._stream,) if self._track.stated_seconds or self._end < np.inf else ()
        failures = past_end = 0
        while failures < MOST_READ_FAILURES:
            try:
                for packet in packets_of(self._container, *tracks):
                    failures = 0
                    self._damage.see(packet)
                    if packet.stream.index != self._track.index or packet.size == 0:
                        continue
                    past_end = past_end + 1 if self._is_past_end(packet) else 0
                    if past_end == PACKETS_PAST_END:
                        return
                    yield packet
                return
            except av.FFmpegError:
                failures += 1
                self._damage.reads += failures == 1

    def _is_past_end(self, packet: av.packet.Packet) -> bool:
        """Whether its picture, and all that are decoded after it, come after what is wanted."""
        if packet.pts is None or packet.dts is None or self._clock.warnings:
            return False
        self._newest_packet_seconds = max(self._newest_packet_seconds, self._track.seconds(packet.pts))
        return self._track.seconds(packet.dts) >= self._end
