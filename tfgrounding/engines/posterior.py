"""Where an event probably is, given what curves propose and what a model that sometimes errs said about some frames.

Bayes' rule over cells of (start, length). Before any reply, a part of the mass is spread evenly over starts and over
the logarithm of lengths, the rest lies around the proposals. A reply is right with probability 1 - e; a wrong one says
anything. A right reply of an exact model names the event's frames but for one or two; one of a rough model names frames
that overlap with them, more overlap being more probable. The rate e of errors, and whether the model is rough, are not
known: they are estimated along with the event, from how well the replies agree.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from ..localizers.intervals import temporal_iou
from ..vision.frames import Interval

RATES = np.array([0.05, 0.15, 0.3, 0.5, 0.7, 0.9])  # of errors
ROUGH = 0.9  # how probable it is, before the first reply, that a model's right replies are only roughly right
ERROR_RATES, IS_ROUGH = np.tile(RATES, 2), np.repeat([0.0, 1.0], len(RATES))  # (E,) kinds of models
BEFORE = np.where(IS_ROUGH, ROUGH, 1 - ROUGH) * ERROR_RATES / RATES.sum()  # (E,) how probable each kind is at first
SHARE_OF_PROPOSALS = 0.8
SHORTEST_SECONDS = 0.5
RATIO = 1.5  # between the lengths of neighbouring cells, before they are split
ONE_FRAME_OFF = 0.15  # a right reply's end is that much less probable for each frame that it is off
MISSED = 0.3  # a right reply misses an event that is seen on one frame; on two, MISSED squared
WRONG_NONE, WRONG_ALL, WRONG_RANGE = 0.15, 0.15, 0.7  # what a wrong reply says
OF_NO_USE = 0.02  # a right reply that names nothing that was shown
ABSENT = 0.1
MOST_SPLITS = 14
MOST_CELLS = 80_000  # beyond those of the first grid
HEAVY = 1 / 300  # of the mass: a cell that is split
SMALLEST_SECONDS = 0.1
SAME_IOU = 0.5  # intervals that overlap so much are nearly the same


@dataclass(frozen=True, slots=True)
class Seen:
    """What a model said about frames: `seconds` (T,) of the frames, and `named` of them, (first, last) positions each.

    `absent`: the event is on none of the frames. Neither: a reply of no use.
    """

    seconds: np.ndarray
    named: tuple[tuple[int, int], ...] = ()
    absent: bool = False

    @property
    def is_range(self) -> bool:
        """Whether it names a part of what was shown, not all of it."""
        return any((first, last) != (0, len(self.seconds) - 1) for first, last in self.named)


class Posterior:
    """The probability of each interval of a video, given what was seen so far.

    Args:
        duration_seconds: of the video.
        proposals: (start, end) seconds.
        weights: of the proposals, not negative; None: 1, 1/2, 1/3 and so on.
    """

    def __init__(
        self, duration_seconds: float, proposals: Sequence[Interval] = (), weights: Sequence[float] | None = None
    ) -> None:
        self.duration = duration_seconds
        self.seen: list[Seen] = []
        self._proposed = np.array(proposals, dtype=float).reshape(-1, 2)
        self._weights = 1 / np.arange(1.0, len(proposals) + 1) if weights is None else np.array(weights, dtype=float)
        shortest = min(SHORTEST_SECONDS, duration_seconds / 4)
        levels = max(1, int(np.ceil(np.log(duration_seconds / shortest) / np.log(RATIO))))
        ratio = (duration_seconds / shortest) ** (1 / levels)
        cells = []
        for length in shortest * ratio ** (np.arange(levels) + 0.5):
            count = max(1, int(np.ceil(2 * (duration_seconds - length) / length)))
            step = (duration_seconds - length) / count
            starts = (np.arange(count) + 0.5) * step
            cells.append(np.stack([starts, *(np.full(count, x) for x in (length, step, ratio, 1 / (levels * count)))]))
        whole = np.concatenate(cells, axis=1)
        near = float((self._near(whole) * whole[4]).sum())
        self._share, self._nearness = (SHARE_OF_PROPOSALS, near) if near > 0 else (0.0, 1.0)
        self._state = self._new(whole)
        self._most_cells = whole.shape[1] + MOST_CELLS
        self._if_absent = np.log(BEFORE)
        for start, end in self._proposed:
            self._split_within((start, start), (end, end), max(0.25, (end - start) / 8))

    @property
    def _cells(self) -> np.ndarray:
        return self._state[0]

    @property
    def starts(self) -> np.ndarray:
        """(N,) seconds at which the cells' intervals start."""
        return self._state[1]

    @property
    def ends(self) -> np.ndarray:
        """(N,) seconds at which they end."""
        return self._state[2]

    def add(self, seen: Seen) -> None:
        """Take in what was said about some frames."""
        self.seen.append(seen)
        *others, likelihood = self._state
        self._state = (*others, likelihood + _log_likelihood(seen, self.starts, self.ends))
        self._if_absent = self._if_absent + _log_likelihood(seen, np.array([-2.0]), np.array([-1.0]))[:, 0]
        seconds = np.concatenate([[0.0], seen.seconds, [self.duration]])
        step = float(np.median(np.diff(seen.seconds))) if len(seen.seconds) > 1 else self.duration
        for first, last in seen.named:
            start, end = seconds[first : first + 2], seconds[last + 1 : last + 3]
            widest = max(start[1] - start[0], end[1] - end[0])  # wide where a look has several parts
            self._split_within(start.tolist(), end.tolist(), max(step / 2, widest / 8))
        for _ in range(3):
            heavy = (self.mass > HEAVY) & (np.minimum(self._cells[2], self._cells[1] * 0.2) > SMALLEST_SECONDS)
            if not heavy.any():
                break
            self._split(heavy)

    @property
    def present(self) -> float:
        """How much more probable the replies are if the event is in the video than if it is not: a Bayes factor."""
        weight = np.log(self._state[3] / self._state[3].sum())[None] + self._state[4]
        return float(np.exp(np.clip(_log_sum(weight) - _log_sum(self._if_absent), -50, 50)))

    @property
    def error_rate(self) -> float:
        """How often the replies are wrong, in the mean."""
        weight = np.log(self._state[3] * (1 - ABSENT))[None] + self._state[4]
        absent = np.log(ABSENT) + self._if_absent
        top = max(weight.max(), absent.max())
        rates = np.exp(weight - top).sum(axis=1) + np.exp(absent - top)
        return float(rates @ ERROR_RATES / rates.sum())

    @property
    def mass(self) -> np.ndarray:
        """(N,) of each cell; their sum and that of "it is not in the video" are 1."""
        weight = np.log(self._state[3] * (1 - ABSENT))[None] + self._state[4]
        absent = np.log(ABSENT) + self._if_absent
        top = max(weight.max(), absent.max())
        mass = np.exp(weight - top).sum(axis=0)
        return mass / (mass.sum() + np.exp(absent - top).sum())

    def likely(self, most: int, *, least: float = 0.0) -> list[tuple[Interval, float]]:
        """Intervals that differ, and the mass of what is nearly the same as each; the most probable first."""
        mass = self.mass
        top = np.argsort(-mass)[:400]
        starts, ends, left = self.starts[top], self.ends[top], mass[top].copy()
        same = temporal_iou(starts[:, None], ends[:, None], starts, ends)
        found: list[tuple[Interval, float]] = []
        while len(found) < most:
            votes = np.where(same > SAME_IOU, same, 0) @ left
            best = int(votes.argmax())
            near = (same[best] > SAME_IOU) & (left > 0)
            held = float(left[near].sum())
            if held <= least:
                break
            expected = same[:, near] @ left[near]  # of the mode only: its best interval in the mean
            centre = int(np.where(near, expected, -1).argmax())
            found.append(((float(starts[centre]), float(ends[centre])), held))
            left[near] = 0
        return found

    def best(self) -> Interval:
        """The interval with the largest overlap with the event in the mean."""
        mass = self.mass
        top = np.argsort(-mass)[:800]
        starts, ends = self.starts[top], self.ends[top]
        best = int((temporal_iou(starts[:, None], ends[:, None], starts, ends) @ mass[top]).argmax())
        return float(starts[best]), float(ends[best])

    def expected_overlap(self, interval: Interval) -> float:
        """The IoU with the event that an interval has in the mean."""
        return float(temporal_iou(*interval, self.starts, self.ends) @ self.mass)

    def mass_of(self, interval: Interval) -> float:
        """The mass of what is nearly the same as an interval."""
        return float(self.mass[temporal_iou(*interval, self.starts, self.ends) > SAME_IOU].sum())

    def uncertainty(self, looks: Sequence[np.ndarray], draws: int = 1500) -> np.ndarray:
        """How uncertain a right reply about each look is, in bits: the look with most adds most (Lindley 1956).

        Args:
            looks: the (T,) seconds of the frames that each would show.
        """
        mass = self.mass
        total = np.cumsum(np.append(mass, max(0.0, 1 - mass.sum())))
        drawn = np.searchsorted(total, (np.arange(draws) + 0.5) / draws * total[-1])
        there = drawn[drawn < len(mass)]
        starts, ends = self.starts[there], self.ends[there]
        bits = []
        for seconds in looks:
            first, after = np.searchsorted(seconds, starts), np.searchsorted(seconds, ends)
            code = np.where(after > first, first * (len(seconds) + 1) + after, -1)
            count = np.unique(code, return_counts=True)[1] / max(1, len(there))
            bits.append(float(-(count * np.log2(count)).sum()))
        return np.array(bits)

    def _near(self, cells: np.ndarray) -> np.ndarray:
        """(N,) how near the proposals each cell is, by their weights."""
        near = np.zeros(cells.shape[1])
        for start, end, weight in zip(*self._proposed.T, self._weights, strict=True):
            near += weight * temporal_iou(start, end, cells[0], cells[0] + cells[1]) ** 3
        return near

    def _new(self, cells: np.ndarray) -> tuple[np.ndarray, ...]:
        """Of (5, N) cells (middle of the starts, of the lengths, size in start, ratio of lengths, share of the volume):
        themselves, their starts, ends and mass before any reply, and the likelihood of all that was seen."""
        starts, ends = cells[0], np.minimum(cells[0] + cells[1], self.duration)
        prior = cells[4] * (1 - self._share + self._share * self._near(cells) / self._nearness)
        likelihood = np.repeat(np.log(BEFORE)[:, None], cells.shape[1], axis=1)
        for seen in self.seen:
            likelihood += _log_likelihood(seen, starts, ends)
        return cells, starts, ends, prior, likelihood

    def _split(self, which: np.ndarray) -> None:
        start, length, step, ratio, volume = self._cells[:, which]
        children = [
            np.stack([start + sign * step / 4, length * ratio ** (turn / 4), step / 2, np.sqrt(ratio), volume / 4])
            for sign in (-1, 1)
            for turn in (-1, 1)
        ]
        kept = [values[..., ~which] for values in self._state]
        new = self._new(np.concatenate(children, axis=1))
        self._state = tuple(np.concatenate(both, axis=-1) for both in zip(kept, new, strict=True))

    def _split_within(self, start: Sequence[float], end: Sequence[float], size: float) -> None:
        """Split the cells with a start and an end in these stretches until they are as small as that."""
        size = max(size, SMALLEST_SECONDS)
        for _ in range(MOST_SPLITS):
            middle, length, step, ratio, _ = self._cells
            low, high = length / np.sqrt(ratio), length * np.sqrt(ratio)
            there = (middle - step / 2 <= start[1]) & (middle + step / 2 >= start[0])
            there &= (middle - step / 2 + low <= end[1]) & (middle + step / 2 + high >= end[0])
            there &= np.maximum(step, high - low) > size
            if not there.any() or len(self.starts) + 3 * there.sum() > self._most_cells:
                break
            self._split(there)


def _log_likelihood(seen: Seen, starts: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """(E, N) log-probability of a reply for each rate of errors and each interval."""
    count = len(seen.seconds)
    first, after = np.searchsorted(seen.seconds, starts), np.searchsorted(seen.seconds, ends)
    shown = np.maximum(after - first, 0)  # (N,) frames on which the event is
    missed = np.where(shown > 0, MISSED ** np.maximum(shown, 1), 1.0)
    if seen.absent:
        right, wrong = missed, WRONG_NONE
    elif seen.named:
        right, wrong = np.zeros((2, len(starts))), 0.0  # exactly and roughly right
        usual = ((1 - ONE_FRAME_OFF) / (1 + ONE_FRAME_OFF)) ** 2
        for start, last in seen.named:
            off = np.abs(first - start) + np.abs(after - 1 - last)
            both = np.maximum(np.minimum(after - 1, last) - np.maximum(first, start) + 1, 0)
            either = np.maximum(after - 1, last) - np.minimum(first, start) + 1
            total = _overlaps(count)[np.minimum(first, count - 1), np.clip(after - 1, 0, count - 1)]
            said = np.stack([usual * ONE_FRAME_OFF**off, both / either / total])
            right += np.where(shown > 0, (1 - missed) * said, 0.0) / len(seen.named)
            wrong += (WRONG_RANGE / (count * (count + 1) / 2)) / len(seen.named)
            wrong += WRONG_ALL / len(seen.named) * ((start, last) == (0, count - 1))
    else:
        right, wrong = np.full(len(starts), OF_NO_USE), 0.5
    right = np.broadcast_to(right, (2, len(starts)))[IS_ROUGH.astype(int)]
    return np.log((1 - ERROR_RATES)[:, None] * right + (ERROR_RATES * wrong)[:, None])


@lru_cache(maxsize=32)
def _overlaps(count: int) -> np.ndarray:
    """(T, T) of each range of T frames, by its first and its last: the sum of its overlaps with all ranges."""
    first, last = np.triu_indices(count)
    sums = np.ones((count, count))
    for start in range(count):
        end = np.arange(start, count)
        both = np.minimum(last[:, None], end) - np.maximum(first, start)[:, None] + 1
        either = np.maximum(last[:, None], end) - np.minimum(first, start)[:, None] + 1
        sums[start, start:] = (np.maximum(both, 0) / either).sum(axis=0)
    return sums


def _log_sum(values: np.ndarray) -> float:
    top = values.max()
    return float(top + np.log(np.exp(values - top).sum()))
