"""The looks that the hybrid engine takes for one query: which frames to show next, and what the replies come to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import gaussian_filter1d

from ..answer import Answer
from ..errors import ModelError
from ..localizers.intervals import temporal_iou
from ..types import Moment
from ..vision.frames import Interval
from ..vision.model import TooMuchError
from ..vision.views import NumberedFrames, ReadReply
from .asking import Asking, counted
from .looking import ask_about, edges_between, frames_a_request, sampled
from .posterior import Posterior, Seen

if TYPE_CHECKING:
    from .hybrid import HybridEngine

LOOKS = 6  # that the budget is for, where none of them would be smaller or larger than these:
LEAST_FRAMES, MOST_FRAMES = 10, 32
CONTEXT = 1.0  # shown on either side of an interval, as a share of its length
LEAST_CONTEXT_SECONDS = 2.0
MOST_PLACES = 8  # that a look may be taken at
SIDE_BY_SIDE = (3, 6)
MOST_MOMENTS = 10
MOST_PEAKS, PEAK_SECONDS = 24, 1.0  # of the query's curve, which is smoothed by so much
LARGEST_PROPOSAL = 0.5  # of the video: a longer one does not tell where to look
LEAST_WEIGHT, PEAK_WEIGHT = 0.02, 0.05  # of a proposal at least and of a peak, where the best proposal has 1
LEAST_MASS = 0.02  # of a moment that only replies named
CERTAIN_OVERLAP = 0.96  # expected of the best moment; then no further look is taken
MOST_ERRORS = 0.55  # of two or more replies; where more seem wrong, the curves' moments stay
MOST_FAILURES = 2
MOST_CUTS = 8
NUMBERS_APART = 100  # the first numbers of two looks, so that a reply with the same numbers every time shows itself
SAME_IOU = 0.3  # a proposal that overlaps a found moment so much is left out


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of a video that is sampled at its own rate."""

    start_seconds: float
    end_seconds: float
    rate_hz: float

    @property
    def instants(self) -> np.ndarray:
        """(T,) seconds at which it is sampled: (k + 1/2) / rate."""
        first, last = (np.ceil(s * self.rate_hz - 0.5) for s in (self.start_seconds, self.end_seconds))
        return (np.arange(max(0, first), last) + 0.5) / self.rate_hz


Look = tuple[Stretch, ...]


class Looks:
    """The looks of one query, within the engine's budget.

    Args:
        engine: the engine whose model is asked.
        answer: of the curves, with its source.
    """

    def __init__(self, engine: HybridEngine, answer: Answer) -> None:
        assert answer.source is not None
        self.engine = engine
        self.source = answer.source
        self.query = answer.plan.own_words
        self.duration = answer.video.duration_seconds
        self.asking = Asking(engine.vlm, max_tokens=engine.max_tokens)
        short = [m for m in answer.moments if m.end_seconds - m.start_seconds <= LARGEST_PROPOSAL * self.duration]
        moments = short[: engine.most_proposals]
        proposals = [(moment.start_seconds, moment.end_seconds) for moment in moments]
        tops = peaks(answer.curve, answer.pts_seconds, self.duration)[: engine.most_proposals - len(moments)]
        weights = [*weights_of([moment.score for moment in moments]), *PEAK_WEIGHT * np.ones(len(tops))]
        self.posterior = Posterior(self.duration, [*proposals, *tops], weights)
        self.replies: list[str] = []
        self.warnings: list[str] = []
        self.shown: list[NumberedFrames] = []
        self._is_read = False  # whether any reply could be used
        self._shown_frames = self._failures = self._cuts = 0
        self._each = min(max(engine.budget_frames // LOOKS, LEAST_FRAMES), MOST_FRAMES)

    def take(self) -> None:
        """Look until the budget is spent, the answer is certain, or the model fails."""
        at_once = min(2, max(1, int(getattr(self.engine.vlm, "concurrency", 1))))
        while self._failures < MOST_FAILURES and self._cuts <= MOST_CUTS:
            left = self.engine.budget_frames - self._shown_frames
            if left < min(self._each, LEAST_FRAMES):
                break
            each = min(self._each, left // at_once)
            looks = self._next(at_once, each)
            if not looks:
                break
            shown = [frames for look in looks if (frames := self._frames(look)) is not None]
            if not shown:
                break
            fitting = frames_a_request(self.asking, self.engine.view, shown[0])
            if fitting < max(map(len, shown)):
                self._each = fitting
                self._cuts += 1
                continue
            self._ask(shown)
        self._warn()

    def _next(self, count: int, each: int) -> list[Look]:
        """The looks whose replies are least certain, of about so many frames each; none where the answer is certain."""
        likely = self.posterior.likely(MOST_PLACES)
        if likely and self.posterior.expected_overlap(likely[0][0]) > CERTAIN_OVERLAP:
            return []
        places = [interval for interval, _ in likely]
        whole = each - len(self.shown) % 3  # another number of frames shows other instants
        looks: list[Look] = [(self._stretch(0.0, self.duration, whole),)]
        looks += [(self._around(place, CONTEXT, each),) for place in places]
        apart = [place for i, place in enumerate(places) if all(_apart(place, other) for other in places[:i])]
        for number in SIDE_BY_SIDE:
            if 1 < number <= len(apart):
                beside = sorted(apart[:number])
                looks.append(tuple(self._around(place, CONTEXT / 2, each // number) for place in beside))
        bits = self.posterior.uncertainty([np.concatenate([part.instants for part in look]) for look in looks])
        best = np.argsort(-bits, kind="stable")[:count]
        return [looks[i] for i in best if bits[i] > 0]

    def _stretch(self, start: float, end: float, count: int) -> Stretch:
        return Stretch(start, end, min(max(1, count) / (end - start), self.engine.look_rate_hz))

    def _around(self, interval: Interval, context: float, count: int) -> Stretch:
        more = max(LEAST_CONTEXT_SECONDS, context * (interval[1] - interval[0]))
        return self._stretch(max(0.0, interval[0] - more), min(self.duration, interval[1] + more), count)

    def _frames(self, look: Look) -> NumberedFrames | None:
        """The frames of a look with numbers of their own; None where nothing could be decoded."""
        parts = [(part.start_seconds, part.end_seconds, part.rate_hz) for part in look]
        pixels, seconds = sampled(self.source, parts, side=self.engine.view.frame_side)
        if not len(seconds):
            return None
        half = 0.5 / look[0].rate_hz
        start, end = max(0.0, float(seconds[0]) - half), min(self.duration, float(seconds[-1]) + half)
        return NumberedFrames(pixels, np.arange(len(seconds)), seconds, edges_between(seconds, start, end))

    def _ask(self, looks: Sequence[NumberedFrames]) -> None:
        numbered = []
        for i, shown in enumerate(looks, start=len(self.shown)):
            numbers = np.arange(len(shown)) + 1 + NUMBERS_APART * i
            numbered.append(NumberedFrames(shown.pixels, numbers, shown.sample_seconds, shown.edges_seconds))
        engine = self.engine
        jobs = [partial(ask_about, self.asking, engine.view, shown, self.query, tries=1) for shown in numbered]
        for shown, result in zip(numbered, self.asking.each(jobs), strict=True):
            self._shown_frames += len(shown)
            if isinstance(result, TooMuchError):
                most = frames_a_request(self.asking, engine.view, shown)
                self._each = max(1, min(most, len(shown) // 2))
                self._cuts += 1
            elif isinstance(result, ModelError):
                self._failures += 1
                self.warnings.append(f"a look failed: {result}")
            else:
                text, reply, _ = result
                self.shown.append(shown)
                self.posterior.add(_seen(shown, reply))
                self.replies.append(f"[{shown.edges_seconds[0]:.1f}-{shown.edges_seconds[-1]:.1f} s] {text}")
                self.warnings.extend(reply.warnings)
                self._is_read |= reply.usable

    def _warn(self) -> None:
        self.warnings = counted(self.warnings)
        if not self._is_read:
            if self.warnings:
                self.warnings.append("no look succeeded: the moments are those of the curves alone")
            return
        if self._is_found and self._errs:
            self.warnings.append(
                "the vision model's replies contradict each other: the moments are those of the curves"
            )
        if all(seen.absent for seen in self.posterior.seen):
            self.warnings.append("the vision model saw the event in none of its looks: `present` is lower for that")

    @property
    def _is_found(self) -> bool:
        return any(seen.is_range for seen in self.posterior.seen)

    @property
    def _errs(self) -> bool:
        return len(self.posterior.seen) > 1 and self.posterior.error_rate > MOST_ERRORS

    def moments(self, proposals: Sequence[Moment]) -> tuple[Moment, ...]:
        """The proposals as the replies leave them, best first; a score is the probability that it is the moment."""
        if not self._is_found or self._errs:
            return tuple(proposals)
        likely = [Moment(*interval, mass) for interval, mass in self.posterior.likely(MOST_MOMENTS, least=LEAST_MASS)]
        best = self.posterior.best()
        found = [Moment(*best, max([self.posterior.mass_of(best), *(moment.score for moment in likely)]))]
        found += [moment for moment in likely if temporal_iou(moment.start_seconds, moment.end_seconds, *best) <= 0.5]
        named = [(moment.start_seconds, moment.end_seconds) for moment in found]
        for proposal in proposals:
            interval = (proposal.start_seconds, proposal.end_seconds)
            if all(temporal_iou(*interval, *other) <= SAME_IOU for other in named):
                found.append(Moment(*interval, min(self.posterior.mass_of(interval), LEAST_MASS)))
        return tuple(sorted(found, key=lambda moment: -moment.score))

    def spacing(self, moments: Sequence[Moment]) -> list[str]:
        """A warning where the frames of every look at the first moment are further apart than it is long."""
        if not moments or not self.shown:
            return []
        start, end = moments[0].start_seconds, moments[0].end_seconds
        gaps = []
        for shown in self.shown:
            seconds = np.concatenate([[0.0], shown.sample_seconds, [self.duration]])
            at = int(np.clip(np.searchsorted(seconds, (start + end) / 2), 1, len(seconds) - 1))
            gaps.append(float(seconds[at] - seconds[at - 1]))
        if min(gaps) <= end - start:
            return []
        return [
            f"the frames shown around the first moment, {start:.1f}-{end:.1f} s, are {min(gaps):.1f} s apart, more "
            "than it is long: its times are uncertain; allow more frames"
        ]

    def present(self, before: float | None) -> float | None:
        """The probability that the event is there, after the looks."""
        if not self.shown:
            return before
        even = 0.5 if before is None else min(max(before, 0.01), 0.99)
        odds = even / (1 - even) * self.posterior.present
        return odds / (1 + odds)


def _seen(shown: NumberedFrames, reply: ReadReply) -> Seen:
    """What a reply says of the frames that were shown, by their positions."""
    edges, little = shown.edges_seconds, 1e-6
    named = []
    for start, end in reply.intervals_seconds:
        first = int(np.clip(np.searchsorted(edges, start + little, "right") - 1, 0, len(shown) - 1))
        last = int(np.clip(np.searchsorted(edges, end - little, "left") - 1, first, len(shown) - 1))
        named.append((first, last))
    return Seen(shown.sample_seconds, tuple(dict.fromkeys(named)), reply.absent and not named)


def weights_of(scores: Sequence[float]) -> np.ndarray:
    """(N,) how much each proposal counts: its score as a share of the highest, on whatever scale the scores are."""
    known = np.nan_to_num(np.array(scores, dtype=float), nan=0.0, posinf=0.0, neginf=0.0) / 2
    above = known - min(0.0, known.min(initial=0.0))
    most = above.max(initial=0.0)
    return np.maximum(above / most, LEAST_WEIGHT) if most > 0 else np.ones(len(known))


def peaks(curve: np.ndarray, pts_seconds: np.ndarray, duration_seconds: float) -> list[Interval]:
    """Where a curve is highest: around each peak, all that is above the middle between it and the curve's median.

    Args:
        curve: (T,) similarity of the query with each sample.
        pts_seconds: (T,) times of the samples.
    """
    if len(curve) < 3:
        return []
    edges = edges_between(pts_seconds, 0.0, duration_seconds)
    smooth = gaussian_filter1d(curve.astype(np.float64), PEAK_SECONDS * len(curve) / duration_seconds)
    base, left = float(np.median(smooth)), smooth.copy()
    found: list[Interval] = []
    while len(found) < MOST_PEAKS and left.max() > base:
        top = int(left.argmax())
        below = np.flatnonzero(smooth < (smooth[top] + base) / 2)
        first, last = int(below[below < top].max(initial=-1)) + 1, int(below[below > top].min(initial=len(curve)))
        found.append((float(edges[first]), float(edges[last])))
        left[first:last] = -np.inf
    return found


def _apart(a: Interval, b: Interval) -> bool:
    margin = LEAST_CONTEXT_SECONDS
    return a[1] + margin < b[0] - margin or b[1] + margin < a[0] - margin
