"""Where an event is, given P(yes) of short clips: which clips to ask about next, and how to read the answers.

1. *Windows.* Every window of the video has a prior: what the curves say, softened, and a share for what they miss.
2. *Answers.* P(yes) of a clip is taken as normal around `no + step * share`, `share` being that of its frames inside a
   window. So an answer moves a window's score by how far it lies above the middle of the two levels: the best window
   has the maximum sum of centred answers (Kadane, as in REZE, 2026), to which its prior is added. Both levels and the
   deviation are estimated from the answers (expectation-maximisation), so a model that always says yes says nothing.
3. *Next clips.* Those whose answers would say most about the window: the greedy D-optimal design for these normals.
4. *Several moments.* The curve of P(yes), smoothed by a Gaussian of 3 s, is cut at Otsu's threshold (REZE).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter1d

from . import interval_kernels
from .default import FINENESS

CURVE_TRUST = 0.2  # power of the curves' posterior: they are surer than they are right
MISSED_SHARE = 0.1  # of the prior, for windows of every length and place, whatever the curves say
HEIGHT_SHARE = 0.3  # of the prior, for windows where the curve is high, however short: a few seconds of an hour
HEIGHT_ODDS = 2.5  # log odds for each deviation of the curve
ABSENT = 0.25  # prior probability that the event is nowhere, so that no moment is believed unseen
SIGMA_SECONDS = 3.0  # fixed: scaled with the video's length it halves the published result
DRAWS = 512  # windows that stand for all where clips are chosen
LOOKED_AT = 600  # clips of which the gain is computed
LEAST_VARIANCE = 1e-6  # of a clip's share over the drawn windows: below, all of them agree
ROUNDS = 2  # of expectation-maximisation after each batch of answers
SPLIT = 400  # likeliest windows that become four finer ones after each batch
MOST_UNLIKELY = 12.0  # log odds against the likeliest: beyond, a window stays as it is
SPLITS = 3  # times that this is done in a part of the windows
FINEST_SECONDS = 0.2  # between the starts of windows: finer ones are not made


@dataclass(frozen=True, slots=True)
class Levels:
    """P(yes) of a clip: `no` outside the event, `no + step` inside, both with deviation `sd`."""

    no: float = 0.2
    step: float = 0.6
    sd: float = 0.35

    @property
    def middle(self) -> float:
        """The P(yes) between the two levels."""
        return self.no + self.step / 2


EXPECTED = Levels()
EXPECTED_WEIGHT = 3.0  # answers that the expected levels count as
LEAST_STEP, LEAST_SD, LEAST_NOISE = 0.02, 0.03, 0.2  # the last as a share of the step


class ClipSearch:
    """The windows in which an event may be, and what the answers about clips say of each.

    Args:
        windows: (3, W) starts and ends in seconds, and log prior up to a constant.
        levels: what is expected of the answers.
    """

    def __init__(self, windows: np.ndarray, *, levels: Levels = EXPECTED) -> None:
        self.starts, self.ends, self._prior = windows
        self.levels = self._expected = levels
        self.clips: list[np.ndarray] = []
        self.answers: list[float] = []
        self._spacing = FINENESS * (self.ends - self.starts)  # seconds between the starts of such windows
        # Over the clips asked about, for each window: sums of the share inside, of its square, of share * answer.
        self._sums = np.zeros((3, len(self.starts)))
        self._log = self._prior - self._prior.max()

    @classmethod
    def of_curves(cls, windows: np.ndarray) -> ClipSearch:
        """A search whose prior is what curves say.

        Args:
            windows: (4, W) starts and ends in seconds, log posterior, and the curve's height in deviations.
        """
        starts, ends, log, height = windows
        anywhere = ends - starts  # longer windows lie less densely: so every place and every log length counts the same
        trusted = np.exp(CURVE_TRUST * (log - log.max()))
        high = anywhere * np.exp(HEIGHT_ODDS * (height - height.max()))
        prior = MISSED_SHARE * anywhere / anywhere.sum() + HEIGHT_SHARE * high / high.sum()
        prior += (1 - MISSED_SHARE - HEIGHT_SHARE) * trusted / trusted.sum()
        return cls(np.stack([starts, ends, np.log(prior)]))

    def add(self, instants: np.ndarray, answer: float) -> None:
        """P(yes) of a clip with frames at these (n,) increasing seconds; `settle` makes it count."""
        self._sums += _sums(self.starts, self.ends, instants, answer)
        self.clips.append(np.asarray(instants))
        self.answers.append(answer)

    def settle(self) -> None:
        """Estimate the levels and the windows' posterior from all answers so far."""
        # The estimate can stay at a wrong place: it begins at the last levels and at two classes of the answers.
        begun = [self._estimated(levels) for levels in (self.levels, _two_classes(np.array(self.answers)))]
        self.levels = max(begun, key=self._fit)
        self._split()
        self._log = self._scored(self.levels)

    def _estimated(self, levels: Levels) -> Levels:
        p, weight, expected = np.array(self.answers), EXPECTED_WEIGHT, self._expected
        for _ in range(ROUNDS):
            posterior = np.exp(self._scored(levels))
            posterior /= posterior.sum()
            share, square, product = self._sums @ posterior
            # Least squares, together with `weight` answers at the expected levels, half of them inside.
            left = [[len(p) + weight, share + weight / 2], [share + weight / 2, square + weight / 2]]
            right = [p.sum() + weight * expected.middle, product + weight / 2 * (expected.no + expected.step)]
            no, step = map(float, np.linalg.solve(left, right))
            step = max(step, LEAST_STEP)
            squares = float(_squares(p, Levels(no, step), np.array([share, square, product])))
            variance = (max(squares, 0.0) + weight * expected.sd**2) / (len(p) + weight)
            levels = Levels(no, step, max(float(np.sqrt(variance)), LEAST_SD, LEAST_NOISE * step))
        return levels

    def _split(self) -> None:
        """Put four windows, half as far from each other, in the place of each of the likeliest."""
        log = self._scored(self.levels)
        parts = np.argpartition(-log, min(SPLIT, len(log) - 1))[:SPLIT]
        parts = parts[(log[parts] > -MOST_UNLIKELY) & (self._spacing[parts] > FINEST_SECONDS)]
        by, duration = self._spacing[parts] / 4, self.ends.max()
        starts = np.concatenate([self.starts[parts] + by * sign for sign in (-1, -1, 1, 1)]).clip(0.0, None)
        ends = np.concatenate([self.ends[parts] + by * sign for sign in (-1, 1, -1, 1)]).clip(None, duration)
        sums = np.zeros((3, len(starts)))
        for instants, answer in zip(self.clips, self.answers, strict=True):
            sums += _sums(starts, ends, instants, answer)
        self._sums = np.concatenate([np.delete(self._sums, parts, axis=1), sums], axis=1)
        self.starts = np.concatenate([np.delete(self.starts, parts), starts])
        self.ends = np.concatenate([np.delete(self.ends, parts), ends])
        self._prior = np.concatenate([np.delete(self._prior, parts), np.tile(self._prior[parts] - np.log(4), 4)])
        self._spacing = np.concatenate([np.delete(self._spacing, parts), np.tile(self._spacing[parts] / 2, 4)])

    def _scored(self, levels: Levels) -> np.ndarray:
        """(W,) log posterior up to a constant, 0 at most."""
        log = self._prior + self._told(levels)
        return log - log.max()

    def _told(self, levels: Levels) -> np.ndarray:
        """(W,) what the answers add to the log posterior, 0 where no clip was inside."""
        share, square, product = self._sums
        return levels.step / levels.sd**2 * (product - levels.no * share - levels.step / 2 * square)

    def choose(self, clips: np.ndarray, count: int) -> list[int]:
        """Which clips to ask about next; fewer, or none, where the windows agree on all others.

        Args:
            clips: (K, n) increasing seconds of each one's frames.
            count: how many at most.
        """
        total = np.cumsum(np.exp(self._log))
        places = (np.arange(DRAWS) + 0.5) / DRAWS / (1 - self.absent())  # beyond 1: it is nowhere
        drawn = np.searchsorted(total / total[-1], places[places < 1])
        nowhere = np.full(DRAWS - len(drawn), -1.0)
        starts, ends = (np.concatenate([of[drawn], nowhere]) for of in (self.starts, self.ends))
        inside = np.searchsorted(np.sort(starts), clips, "right") - np.searchsorted(np.sort(ends), clips, "right")
        mean = inside.mean(axis=1) / DRAWS
        among = np.argsort(-mean * (1 - mean), kind="stable")[:LOOKED_AT]
        seconds = clips[among]
        share = np.zeros((len(among), DRAWS), dtype=np.float32)
        for frame in seconds.T:
            share += (starts <= frame[:, None]) & (frame[:, None] < ends)
        share = share / seconds.shape[1] - mean[among, None].astype(np.float32)
        variance = (share * share).mean(axis=1)
        noise = (self.levels.sd / self.levels.step) ** 2
        chosen: list[int] = []
        known: list[np.ndarray] = []  # columns of the Cholesky factor of the covariance between clips
        while len(chosen) < min(count, len(among)):
            best = int(np.argmax(variance))
            if variance[best] < LEAST_VARIANCE:
                break
            covariance = share @ share[best] / DRAWS - sum(column * column[best] for column in known)
            known.append(covariance / np.sqrt(variance[best] + noise))
            variance = np.maximum(variance - known[-1] ** 2, 0.0)
            chosen.append(best)
            variance[chosen] = 0.0
        return [int(among[i]) for i in chosen]

    def absent(self) -> float:
        """The probability that the event is in none of the windows."""
        present = _log_sum(self._prior + self._told(self.levels)) - _log_sum(self._prior)
        return float(1 / (1 + (1 - ABSENT) / ABSENT * np.exp(min(present, 700.0))))

    def best(self) -> tuple[float, float, float]:
        """(start, end) in seconds of the interval with the largest expected IoU, and that IoU."""
        posterior = self._log - _log_sum(self._log)
        start, end, expected = interval_kernels.elected(self.starts, self.ends, posterior, self.ends.max(), FINENESS)
        return float(start), float(end), float(expected) * (1 - self.absent())

    def among(self, kept: np.ndarray, dropped: Sequence[int] = ()) -> ClipSearch:
        """The same search, with the same levels, among some windows, (W,) bool; without the answers at these places."""
        windows = np.stack([self.starts[kept], self.ends[kept], self._prior[kept]])
        search = ClipSearch(windows, levels=self.levels)
        search._spacing, search._sums = self._spacing[kept], self._sums[:, kept]
        for place in dropped:
            search._sums -= _sums(search.starts, search.ends, self.clips[place], self.answers[place])
        left = [place for place in range(len(self.clips)) if place not in dropped]
        search.clips, search.answers = [self.clips[i] for i in left], [self.answers[i] for i in left]
        for _ in range(SPLITS):
            search._split()
        search._log = search._scored(search.levels)
        return search

    def without(self, taken: tuple[float, float]) -> ClipSearch | None:
        """The same search in the rest of the video; None where nothing is left."""
        kept = (self.ends <= taken[0]) | (self.starts >= taken[1])
        touching = [i for i, clip in enumerate(self.clips) if ((clip >= taken[0]) & (clip < taken[1])).any()]
        return self.among(kept, touching) if kept.any() else None

    def evidence(self) -> float:
        """Log of how much likelier the answers are with an event somewhere than if they had nothing to do with it."""
        p, weight = np.array(self.answers), EXPECTED_WEIGHT
        squares = float(((p - p.mean()) ** 2).sum())
        variance = max((squares + weight * self._expected.sd**2) / (len(p) + weight), LEAST_SD**2)
        return self._fit(self.levels) + squares / (2 * variance) + len(p) / 2 * float(np.log(variance))

    def _fit(self, levels: Levels) -> float:
        """Log likelihood of the answers with these levels, over all windows."""
        squares = _squares(np.array(self.answers), levels, self._sums)
        likelihood = _log_sum(self._prior - squares / (2 * levels.sd**2)) - _log_sum(self._prior)
        return likelihood - len(self.answers) * float(np.log(levels.sd))

    def mean_answer(self, interval: tuple[float, float]) -> float | None:
        """The mean P(yes) of the clips inside an interval, weighted by their share in it; None where there is none."""
        shares = np.array([np.mean((clip >= interval[0]) & (clip < interval[1])) for clip in self.clips])
        return float(shares @ np.array(self.answers) / shares.sum()) if shares.any() else None


def _sums(starts: np.ndarray, ends: np.ndarray, instants: np.ndarray, answer: float) -> np.ndarray:
    """(3, W): the share of the instants inside each window, its square, and its product with the answer."""
    share = (np.searchsorted(instants, ends) - np.searchsorted(instants, starts)) / len(instants)
    return np.stack([share, share * share, share * answer])


def _squares(p: np.ndarray, levels: Levels, sums: np.ndarray) -> np.ndarray:
    """Sum of the squared differences between answers and levels; `sums`: (3, ...) as of `_sums`, over all answers."""
    share, square, product = sums
    no, step = levels.no, levels.step
    return ((p - no) ** 2).sum() - 2 * step * (product - no * share) + step * step * square


def _two_classes(p: np.ndarray) -> Levels:
    """The levels of the answers below and above Otsu's threshold."""
    if np.ptp(p) < LEAST_STEP:
        return EXPECTED
    high = p > otsu(p)
    no, yes = float(p[~high].mean()), float(p[high].mean())
    within = float(np.sqrt(np.mean((p - np.where(high, yes, no)) ** 2)))
    return Levels(no, yes - no, max(within, LEAST_SD, LEAST_NOISE * (yes - no)))


def _log_sum(values: np.ndarray) -> float:
    return float(values.max() + np.log(np.exp(values - values.max()).sum()))


def several_moments(p: np.ndarray, step_seconds: float) -> list[tuple[int, int]]:
    """The stretches of a curve of P(yes) that show the event: a Gaussian of 3 s, then Otsu's threshold (REZE, 2026).

    Args:
        p: (T,) P(yes) of each sample.
        step_seconds: the time between two samples.

    Returns:
        [first, last) samples of each stretch, in order of time; none where the curve is flat.
    """
    smooth = gaussian_filter1d(np.asarray(p, dtype=np.float64), SIGMA_SECONDS / step_seconds, mode="nearest")
    if np.ptp(smooth) < 1e-9:
        return []
    inside = np.concatenate([[0], (smooth > otsu(smooth)).astype(np.int8), [0]])
    changes = np.diff(inside)
    return list(zip(np.flatnonzero(changes == 1).tolist(), np.flatnonzero(changes == -1).tolist(), strict=True))


def otsu(values: np.ndarray) -> float:
    """The threshold between two classes with the largest variance between them (Otsu, 1979): exact, without bins."""
    ordered = np.sort(values)
    below = np.arange(1, len(ordered))
    sums = np.cumsum(ordered)
    low, high = sums[:-1] / below, (sums[-1] - sums[:-1]) / (len(ordered) - below)
    best = int(np.argmax(below * (len(ordered) - below) * (high - low) ** 2))
    return float((ordered[best] + ordered[best + 1]) / 2)
