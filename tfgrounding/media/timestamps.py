"""A video's own time: time stamps, however odd, become seconds that run forwards from 0."""

from __future__ import annotations

import math

JUMP_BACK_SECONDS = 1.0  # time stamps that fall back further start a new count (joined recordings); less is jitter
JUMP_AHEAD_SECONDS = 60.0  # one that leaps further than this, and past the stated end, is damaged
MOST_LATE_FRAMES = 16  # in a row, as many as a decoder can have mixed up; more of them start a new count


class Clock:
    """Places frames on a time line that starts at 0 and never runs backwards.

    Args:
        gap_seconds: from one frame to the next, usually.
        stated_seconds: length of the video as its container states it.
    """

    def __init__(self, gap_seconds: float, stated_seconds: float) -> None:
        self._gap = gap_seconds
        self._limit = stated_seconds * 1.05 + JUMP_AHEAD_SECONDS  # no believable time stamp lies further
        self._zero = 0.0  # the time stamp that counts as 0
        self._newest = self._newest_decoded = -math.inf
        self._late_frames = 0
        self.end_seconds = 0.0
        self.warnings: list[str] = []

    def place(self, stamp: float | None, decoded: float | None = None) -> float | None:
        """Seconds at which a frame starts; None for one that came too late to be shown.

        Args:
            stamp: its time stamp in seconds; None counts on by the usual gap.
            decoded: the time stamp of its decoding, if known. It jumps as well where one recording ends and another
                begins; where it goes on, `stamp` is damaged, or the decoder mixed up the order after damage.
        """
        moved = math.nan if decoded is None else decoded - self._newest_decoded
        self._newest_decoded = max(self._newest_decoded, -math.inf if decoded is None else decoded)
        follows = 0.0 if self._newest == -math.inf else self._newest + self._gap
        if stamp is None:
            seconds = follows
        elif self._newest == -math.inf:
            if stamp - self._zero > self._limit:
                self._zero = stamp
            seconds = stamp - self._zero
        else:
            seconds = stamp - self._zero
            if seconds < self._newest - JUMP_BACK_SECONDS:
                if not moved >= -JUMP_BACK_SECONDS / 2 or self._late_frames == MOST_LATE_FRAMES:
                    seconds = self._count_anew(seconds, follows, decoded)
            elif seconds > self._newest + JUMP_AHEAD_SECONDS and seconds > self._limit:
                seconds = follows if moved <= JUMP_AHEAD_SECONDS / 2 else self._count_anew(seconds, follows, decoded)
            if seconds <= self._newest:
                self._late_frames += 1
                return None
        self._late_frames = 0
        self._newest = seconds
        return seconds

    def _count_anew(self, seconds: float, follows: float, decoded: float | None) -> float:
        """Where a frame stands whose time stamp jumped to `seconds`: as the next one."""
        self.warnings.append(
            f"the time stamps jump by {seconds - self._newest:+.2f} s at {follows:.2f} s; counted on from there"
        )
        self._zero += seconds - follows
        self._limit += self._limit if seconds < follows else self._gap
        self._newest_decoded = -math.inf if decoded is None else decoded
        return follows

    def ends(self, lasts: float | None) -> float:
        """Seconds at which the newest frame ends, given how long the container says it lasts."""
        lasts = lasts or self._gap
        if lasts > JUMP_AHEAD_SECONDS and self._newest + lasts > self._limit:
            lasts = self._gap
        self.end_seconds = self._newest + lasts
        return self.end_seconds
