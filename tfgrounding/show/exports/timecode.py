"""Frame rates that editors use, and timecodes, which name frames as HH:MM:SS:FF (SMPTE ST 12-1)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

from ...errors import TFGroundingError
from ...types import VideoInfo

WHOLE_RATES = (24, 25, 30, 50, 60)
RATES_HZ = tuple(sorted([*map(Fraction, WHOLE_RATES), *(Fraction(n * 1000, 1001) for n in (24, 30, 60))]))
USUAL_RATE_HZ = Fraction(25)  # where a video's own rate is unknown
FACTORS = (1, 2, Fraction(1, 2), 3, 4, Fraction(1, 4), 5, 6)  # 15 pictures a second are edited as 30, 120 as 60
NEAR = 0.005  # relative difference: the average rate of a recording is rarely exact
RATE_LIMITS_HZ = (1.0, 250.0)  # an average outside of them is that of a slide show, or a mistake


@dataclass(frozen=True, slots=True)
class EditRate:
    """A rate to count frames in. `drop_frame`: some names are left out, so that timecodes keep up with the clock."""

    hz: Fraction
    drop_frame: bool

    @property
    def nominal_hz(self) -> int:
        """Names of frames in a second of timecode."""
        return round(self.hz)

    def frame(self, seconds: float) -> int:
        """The frame that begins nearest to a time."""
        return round(seconds * float(self.hz))

    def timecode(self, frame: int) -> str:
        """A frame's name; counting begins again after 24 hours."""
        dropped, minute, ten_minutes = self._minutes()
        tens, rest = divmod(frame, ten_minutes)
        named = frame + 9 * dropped * tens + dropped * max(0, (rest - dropped) // minute)
        seconds, frames = divmod(named, self.nominal_hz)
        separator = ";" if self.drop_frame else ":"
        return f"{seconds // 3600 % 24:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}{separator}{frames:02d}"

    def frame_named(self, timecode: str) -> int:
        """The frame of a timecode, which may have been written at another rate.

        Raises:
            TFGroundingError: it is not HH:MM:SS:FF.
        """
        match = re.fullmatch(r"(\d\d):([0-5]\d):([0-5]\d)[:;.,](\d{2,3})", timecode)
        if match is None:
            raise TFGroundingError(f'the start timecode {timecode!r} is not HH:MM:SS:FF; choose timecode "zero"')
        hours, minutes, seconds, frames = map(int, match.groups())
        minutes += 60 * hours
        named = (60 * minutes + seconds) * self.nominal_hz + min(frames, self.nominal_hz - 1)
        return named - self._minutes()[0] * (minutes - minutes // 10)

    def _minutes(self) -> tuple[int, int, int]:
        """Names left out each minute but every tenth, frames in such a minute, frames in ten minutes."""
        dropped = self.nominal_hz // 15 if self.drop_frame else 0
        minute = 60 * self.nominal_hz - dropped
        return dropped, minute, 10 * minute + dropped


def edit_rate(videos: Iterable[VideoInfo]) -> EditRate:
    """The rate to count in for moments of these videos: the standard one next to their own, of several the highest.

    29.97 and 59.94 Hz are counted with dropped frame names, unless a video's own timecode is written without.
    """
    videos = list(videos)
    hz = max((standard_rate(video.frame_rate_hz) for video in videos), default=USUAL_RATE_HZ)
    own = [video.start_timecode for video in videos if video.start_timecode]
    drop_frame = hz in (Fraction(30_000, 1001), Fraction(60_000, 1001)) and all(t[8:9] != ":" for t in own)
    return EditRate(hz, drop_frame)


def standard_rate(rate_hz: float | None) -> Fraction:
    """The rate an editor uses for a stream of this average rate.

    It is the nearest of RATES_HZ if one is near; else one that is near a multiple or a part of the stream's; else, for
    a variable rate, the next whole one that loses no picture.
    """
    if rate_hz is None or not RATE_LIMITS_HZ[0] <= rate_hz <= RATE_LIMITS_HZ[1]:
        return USUAL_RATE_HZ
    for factor in FACTORS:
        wanted = rate_hz * float(factor)
        nearest = min(RATES_HZ, key=lambda hz: abs(float(hz) - wanted))
        if abs(float(nearest) / wanted - 1) < NEAR:
            return nearest
    return Fraction(next((hz for hz in WHOLE_RATES if hz >= rate_hz), WHOLE_RATES[-1]))
