"""What of a video could not be read or decoded, counted while it is read, and put into words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .container import in_seconds

if TYPE_CHECKING:
    import av.packet

HOLE_SECONDS = 0.5  # in a damaged video; shorter ones are counted as pictures
MOST_HOLES = 5  # that are named one by one


class Damage:
    """Counts what could not be read or decoded."""

    def __init__(self) -> None:
        self.reads = self.packets = self.pictures = 0
        self.missing_start_seconds = 0.0
        self.holes: list[tuple[float, float]] = []  # (from, to) in seconds
        self.oldest_seconds = self.newest_seconds = 0.0  # over 0 and the packets of every stream

    def is_intact(self) -> bool:
        """Whether nothing was found damaged so far."""
        return not (self.reads or self.packets or self.pictures)

    def see_hole(self, ended_seconds: float, start_seconds: float) -> None:
        """Between two pictures; where nothing is damaged it is one that was made so."""
        if not self.is_intact() and start_seconds - ended_seconds > HOLE_SECONDS:
            self.holes.append((ended_seconds, start_seconds))

    def see_late_start(self, seconds: float, gap_seconds: float) -> None:
        """The first picture comes at that time; it ought to come at 0."""
        if seconds > 1.5 * gap_seconds:
            self.missing_start_seconds = seconds

    def see(self, packet: av.packet.Packet) -> None:
        """A packet of any stream."""
        if (shown := in_seconds(packet.pts, packet.time_base)) is not None:
            self.oldest_seconds = min(self.oldest_seconds, shown)
            lasts = in_seconds(packet.duration, packet.time_base) or 0.0
            self.newest_seconds = max(self.newest_seconds, shown + lasts)

    def words(self, gap_seconds: float) -> list[str]:
        """What was found, given how long a picture usually stays on screen."""
        words = []
        if self.missing_start_seconds:
            words.append(
                f"the first {self.missing_start_seconds:.1f} s could not be decoded; "
                "the first picture after them is shown in their place"
            )
        for count, what in ((self.packets, "could not be decoded"), (self.pictures, "came out damaged")):
            if count:
                pictures = "1 picture" if count == 1 else f"{count} pictures"
                words.append(f"{pictures} (about {count * gap_seconds:.2f} s) {what}")
        words += [f"nothing could be decoded from {start:.1f} to {end:.1f} s" for start, end in self.holes[:MOST_HOLES]]
        if len(self.holes) > MOST_HOLES:
            lost = sum(end - start for start, end in self.holes[MOST_HOLES:])
            words.append(f"{lost:.2f} s more of it are missing in {len(self.holes) - MOST_HOLES} other places")
        if self.reads:
            places = "1 place" if self.reads == 1 else f"{self.reads} places"
            words.append(f"the file could not be read in {places}, which were skipped")
        return words
