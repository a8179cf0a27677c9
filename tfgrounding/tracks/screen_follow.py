"""Texts on the screen followed from sample to sample by comparing pictures, which costs far less than reading."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from .screen_readings import is_better, is_part, is_same_text

STRONGEST_EDGE = 80.0  # grey levels; stronger edges count no more: those behind a text are not to outweigh it
SAME = 0.5  # correlation from which a text still stands there
SAME_BEFORE = 0.6  # and from which it stood there already, as the look is compared with ever older pictures
SURE = 0.85  # correlation of its weakest stretch from which a text needs no new reading
SURER = 0.05  # a reading that only repeats the text lowers that, to so much below the correlation it had
TRUSTED, WELL_READ = 0.7, 0.85  # confidence from which a text asks for a reading when it changes; and for no better one
UNSURE = 0.95  # confidence below which a text just read asks for a second reading at once: it may be fading in
MOST_READINGS = 3  # of a text that stays badly readable, before it is left alone
READ_AGAIN_SAMPLES = 30  # after so many samples a text is read again, whatever the comparison says
RESTLESS_SAMPLES, MOST_RESTLESS = 10, 3  # a place whose text lasted no longer, so often in a row, asks for no reading
REACH_ACROSS, REACH_DOWN = 12, 6  # pixels that a text may move between two samples beside its steady motion
MARGIN = 1  # pixels around a box
LEAST_PIXELS = 4  # of a box, each way
MOST_LOST = 1  # samples in a row


@dataclass(slots=True)
class Shown:
    """A line of text on the screen. Places in pixels of the followed pictures; `first` and `last` count samples."""

    text: str
    confidence: float
    bounds: tuple[int, int, int, int]  # left, top, right, bottom
    look: np.ndarray
    first: int
    last: int
    motion: tuple[float, float] = (0.0, 0.0)  # pixels a sample
    weakest: float = 1.0  # correlation of its weakest stretch at the last sample
    doubt: float = SURE  # below which it is read again
    lost: int = 0  # samples since it was seen
    restless: int = 0  # short-lived texts that stood in its place just before: a running clock
    readings: int = 1
    read_at: int = 0  # the sample of the last reading
    changed: int | None = None  # the sample at which its picture changed after that, of a text that asks for no reading


class Follower:
    """The texts on screen now, followed over the samples of one part of a video.

    Args:
        kept_samples: so many past pictures are kept, to find when a text that is read now began.
    """

    def __init__(self, kept_samples: int) -> None:
        self.live: list[Shown] = []
        self.ended: list[Shown] = []
        self._past: deque[np.ndarray] = deque(maxlen=kept_samples)
        self._sample = -1

    def see(self, grey: np.ndarray) -> list[tuple[int, int, int, int]]:
        """Follow all texts into the next sample.

        Args:
            grey: (H, W) uint8.

        Returns:
            The places worth reading, since a text there has gone or changed or was not read surely.
        """
        self._sample += 1
        edges = edges_of(grey)
        self._past.append(edges)
        asked = []
        for shown in self.live:
            may_ask = shown.confidence >= TRUSTED and shown.restless < MOST_RESTLESS
            news = shown.restless < MOST_RESTLESS and self._is_fresh_and_unsure(shown)
            likeness, place, weakest = find(edges, shown.look, shown.bounds, shown.motion)
            if likeness >= SAME:
                news |= may_ask and weakest < shown.doubt <= shown.weakest
                moved = (place[0] - shown.bounds[0], place[1] - shown.bounds[1])
                steps = shown.lost + 1
                shown.motion = (
                    0.5 * shown.motion[0] + 0.5 * moved[0] / steps,
                    0.5 * shown.motion[1] + 0.5 * moved[1] / steps,
                )
                shown.bounds, shown.last, shown.lost, shown.weakest = place, self._sample, 0, weakest
            else:
                news |= may_ask and shown.lost == 0
                shown.lost, shown.weakest = shown.lost + 1, 0.0
            if shown.restless >= MOST_RESTLESS and shown.changed is None and shown.weakest < shown.doubt:
                shown.changed = self._sample
            if news:
                asked.append(shown.bounds)
        self._drop([shown for shown in self.live if shown.lost > MOST_LOST])
        return asked

    def known(self, bounds: tuple[int, int, int, int]) -> Shown | None:
        """The text that is surely still the one in that place, or None."""
        shown = self._at(bounds)
        if shown is None or shown.lost or shown.weakest < shown.doubt:
            return None
        if self._is_fresh_and_unsure(shown):
            return None
        is_fresh = self._sample - shown.read_at < READ_AGAIN_SAMPLES
        return shown if is_fresh and (shown.confidence >= WELL_READ or shown.readings >= MOST_READINGS) else None

    def add(self, text: str, confidence: float, bounds: tuple[int, int, int, int]) -> None:
        """Take a text that was read in the present sample.

        Args:
            text, confidence: the reading.
            bounds: left, top, right, bottom in pixels.
        """
        edges = self._past[-1]
        bounds = _within(bounds, edges.shape)
        look = edges[bounds[1] : bounds[3], bounds[0] : bounds[2]].copy()
        before = self._at(bounds)
        grows = before is not None and not before.lost and is_part(before.text, text)
        if before is not None and (grows or _is_same(before, text, confidence)):
            if is_better(text, confidence, before.text, before.confidence):
                before.text, before.confidence = text, confidence
            before.doubt = min(before.doubt, before.weakest - SURER)
            before.bounds, before.look, before.last, before.lost, before.weakest = bounds, look, self._sample, 0, 1.0
            before.readings, before.read_at, before.changed = before.readings + 1, self._sample, None
            return
        new = Shown(text, confidence, bounds, look, self._sample, self._sample, read_at=self._sample)
        self._find_begin(new, before)
        for piece in self.live:
            if not piece.lost and _covered(piece.bounds, bounds) >= 0.7 and is_part(piece.text, text):
                new.first = min(new.first, piece.first)
        if before is not None:
            before.last = min(before.last, max(before.first, new.first - 1))
            self._drop([before])
            if before.last - before.first < RESTLESS_SAMPLES:
                new.restless = before.restless + 1
        self.live.append(new)

    def end(self) -> list[Shown]:
        """Nothing more comes: all texts that were on screen."""
        self._drop(list(self.live))
        return self.ended

    def _find_begin(self, new: Shown, before: Shown | None) -> None:
        """Go back through the past pictures to the first on which the text stands.

        In a place where texts change all the time and are not always read, all of its letters have to stand there.
        """
        place, motion = new.bounds, (0.0, 0.0)
        is_restless = before is not None and before.restless >= MOST_RESTLESS
        for back in range(1, len(self._past)):
            edges = self._past[-1 - back]
            likeness, found, weakest = find(edges, new.look, place, motion)
            if (
                likeness < SAME_BEFORE
                or (is_restless and weakest < SURE)
                or (before is not None and find(edges, before.look, place, motion)[0] >= likeness)
            ):
                return
            motion = (0.5 * motion[0] + 0.5 * (found[0] - place[0]), 0.5 * motion[1] + 0.5 * (found[1] - place[1]))
            place, new.first = found, self._sample - back

    def _is_fresh_and_unsure(self, shown: Shown) -> bool:
        """Whether a text was read once, in the sample before, and not surely."""
        return shown.readings == 1 and shown.confidence < UNSURE and self._sample - shown.read_at == 1

    def _at(self, bounds: tuple[int, int, int, int]) -> Shown | None:
        """The followed text that covers most of that place, and at least half of either."""
        best = max(self.live, key=lambda shown: _shared(shown.bounds, bounds), default=None)
        return best if best is not None and _shared(best.bounds, bounds) >= 0.5 else None

    def _drop(self, gone: Iterable[Shown]) -> None:
        for shown in gone:
            if shown.changed is not None:
                shown.last = min(shown.last, max(shown.first, shown.changed - 1))
            self.live.remove(shown)
            self.ended.append(shown)


def edges_of(grey: np.ndarray) -> np.ndarray:
    """(H, W) float32: how much a picture changes to the right and down, up to STRONGEST_EDGE."""
    grey = grey.astype(np.float32)
    edges = np.zeros_like(grey)
    edges[:, 1:] += np.abs(np.diff(grey, axis=1))
    edges[1:] += np.abs(np.diff(grey, axis=0))
    return np.minimum(edges, STRONGEST_EDGE)


def find(
    edges: np.ndarray, look: np.ndarray, bounds: tuple[int, int, int, int], motion: tuple[float, float]
) -> tuple[float, tuple[int, int, int, int], float]:
    """Where a text stands now, near where it stood.

    Args:
        edges: (H, W) of the whole picture.
        look: (h, w) of the text.
        bounds: where it stood.
        motion: pixels that it is thought to have moved.

    Returns:
        Correlation of the best place, from -1 to 1; its bounds; and the correlation of its weakest stretch there.
    """
    import cv2

    high, wide = look.shape
    left, top = round(bounds[0] + motion[0]), round(bounds[1] + motion[1])
    x0, y0 = max(0, left - REACH_ACROSS), max(0, top - REACH_DOWN)
    x1, y1 = min(edges.shape[1], left + wide + REACH_ACROSS), min(edges.shape[0], top + high + REACH_DOWN)
    if x1 - x0 < wide or y1 - y0 < high or look.std() < 1e-3:
        return 0.0, bounds, 0.0
    likeness = np.nan_to_num(cv2.matchTemplate(edges[y0:y1, x0:x1], look, cv2.TM_CCOEFF_NORMED), posinf=0.0, neginf=0.0)
    y, x = np.unravel_index(int(likeness.argmax()), likeness.shape)
    left, top = x0 + int(x), y0 + int(y)
    there = edges[top : top + high, left : left + wide]
    return float(likeness[y, x]), (left, top, left + wide, top + high), _weakest(there, look)


def _is_same(before: Shown, text: str, confidence: float) -> bool:
    """Whether a reading is of the text that stood there; where the picture stayed, letters may differ."""
    stayed = not before.lost and before.weakest >= SURE
    return is_same_text(before.text, text, 0.0 if stayed else min(before.confidence, confidence))


def _weakest(there: np.ndarray, look: np.ndarray) -> float:
    """The smallest correlation over stretches about as wide as a letter."""
    high, wide = look.shape
    count = max(1, min(64, 2 * wide // max(12, high)))
    smallest = 1.0
    for n in range(count):
        part = slice(n * wide // count, (n + 1) * wide // count)
        a, b = there[:, part] - there[:, part].mean(), look[:, part] - look[:, part].mean()
        size = float(np.sqrt((a * a).sum() * (b * b).sum()))
        if b.std() > 5.0:  # an empty stretch says nothing
            smallest = min(smallest, float((a * b).sum()) / size if size > 0 else 0.0)
    return smallest


def _within(bounds: tuple[int, int, int, int], shape: tuple[int, ...]) -> tuple[int, int, int, int]:
    """Bounds with a margin, inside the picture, and not too small to be compared."""
    high, wide = shape
    left, right = _stretch(bounds[0] - MARGIN, bounds[2] + MARGIN, wide)
    top, bottom = _stretch(bounds[1] - MARGIN, bounds[3] + MARGIN, high)
    return left, top, right, bottom


def _stretch(first: int, last: int, length: int) -> tuple[int, int]:
    first = min(max(0, first), max(0, length - LEAST_PIXELS))
    return first, min(length, max(last, first + LEAST_PIXELS))


def _covered(a: tuple[int, int, int, int], b: tuple[int, int, int, int]) -> float:
    """Share of the first place that lies in the second."""
    wide, high = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    return max(0, wide) * max(0, high) / max(1, (a[2] - a[0]) * (a[3] - a[1]))


def _shared(a: tuple[int, int, int, int], b: tuple[int, int, int, int]) -> float:
    """Intersection over union of two places."""
    wide, high = min(a[2], b[2]) - max(a[0], b[0]), min(a[3], b[3]) - max(a[1], b[1])
    if wide <= 0 or high <= 0:
        return 0.0
    area = (a[2] - a[0]) * (a[3] - a[1]) + (b[2] - b[0]) * (b[3] - b[1])
    return wide * high / (area - wide * high)
