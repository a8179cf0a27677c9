"""The clips that a vision LLM is asked about: which ones next, their frames, and what the answers say of a video."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np

from ..answer import Answer
from ..errors import ModelError
from ..localizers.probabilities import ClipSearch, several_moments
from ..types import Moment, Source
from ..vision.certainty import Certainty
from ..vision.frames import Interval, NumberedFrames
from ..vision.model import TooMuchError, UselessReplyError, VisionModel
from ..vision.views import TimeView
from .asking import Asking, pictures_in
from .looking import edges_between, sampled

CLIP_SECONDS = 3.0  # as in REZE (2026), which shows 6 frames of them
SHORTEST_CLIP_SECONDS = 1.5
CLIPS_OF_A_VIDEO = 24  # clips are shorter in a video that has not so many of them
COARSE, FINE = 12, 6  # clips that are asked about side by side, first and later
WIDE = 3  # clips of so many times the length, with as many frames, are asked about too
LEAST_EVIDENCE = 0.0  # log odds that the answers have to do with an event; below, the curves' answer stands
DECIDED = 0.9  # expected IoU of the best interval, above which no more clips are asked about it
MOST_MOMENTS = 10
LEAST_ROW = 3  # clips that say no, one after another, and part two moments
WIDE_SHARE = 0.2  # of a moment, that such a row, or a part in which nothing was asked, must have
SURE = 0.5  # P(yes) that a clip must have, for the event to count as seen at all
EVERYWHERE = 0.75  # mean P(yes) of clips that all say yes, from which on the event fills what was asked about
MOST_TOKENS = 64  # of a reply in words


class ClipSession:
    """The clips that one query asks about, within its budget.

    Args:
        vlm, view, frames_per_clip, most_requests: of the engine.
        clip_seconds: None means 3, and less in short videos.
        source: the video.
        query: what is asked.
        duration_seconds: of the video.
    """

    def __init__(
        self,
        vlm: VisionModel,
        view: TimeView,
        *,
        clip_seconds: float | None,
        frames_per_clip: int,
        most_requests: int,
        source: Source,
        query: str,
        duration_seconds: float,
    ) -> None:
        self.vlm = vlm
        self.view = view
        self.most_requests = most_requests
        self.source = source
        self.query = query
        self.duration_seconds = duration_seconds
        self.asking = Asking(vlm, max_tokens=MOST_TOKENS)
        self.certainty = Certainty(self.asking)
        self.replies: list[str] = []
        self.warnings: list[str] = []
        self.failures: list[ModelError] = []
        shorter = max(SHORTEST_CLIP_SECONDS, duration_seconds / CLIPS_OF_A_VIDEO)
        self.clip_seconds = min(clip_seconds or min(CLIP_SECONDS, shorter), duration_seconds)
        # Clips are runs of the samples k at (k + 1/2) / rate, so that neighbouring clips share frames.
        self.rate_hz = frames_per_clip / self.clip_seconds
        count = self.count = max(1, int(duration_seconds * self.rate_hz + 1e-6))
        length = min(frames_per_clip, count)
        apart = [every for every in (1, WIDE) if (length - 1) * every < count]
        self.free = np.concatenate(  # (K, n) samples of each clip that was not asked about
            [np.arange(count - (length - 1) * every)[:, None] + np.arange(length) * every for every in apart]
        )

    def run(self, search: ClipSearch) -> None:
        """Ask about clips until every moment is decided or the budget is spent."""
        left, count, decided, quiet = self.most_requests, COARSE, 0, False
        while left > 0 and len(self.free):
            before, (aim, decided, gaps) = decided, self._undecided(search)
            if aim is None:
                break
            if decided and quiet:
                break  # nothing else was seen in the rest of the video
            most = min(left, COARSE if decided > before else count)
            chosen = gaps[:most] or aim.choose(self._seconds(self.free), most)
            if not chosen:
                break
            clips = self.free[chosen]
            self.free = np.delete(self.free, chosen, axis=0)
            answers = self._ask(clips, search)
            left -= len(clips)
            if not answers:
                break  # none of a whole batch: the next ones would fail too
            search.settle()
            quiet = max(answers) <= search.levels.middle
            count = FINE

    def _undecided(self, search: ClipSearch) -> tuple[ClipSearch | None, int, list[int]]:
        """The search without the moments that are decided, how many those are, and clips that would confirm the next.

        The search is None where nothing is left.
        """
        aim, decided = search, 0
        while aim.clips:
            start, end, expected = self._best(aim)
            if expected >= DECIDED and (gaps := self._gaps(aim, (start, end))):
                return aim, decided, gaps
            if expected < DECIDED or decided == MOST_MOMENTS:
                break
            rest = aim.without(self._around((start, end)))
            decided += 1
            if rest is None:
                return None, decided, []
            aim = rest
        return aim, decided, []

    def _best(self, search: ClipSearch) -> tuple[float, float, float]:
        """The best interval and its expected IoU; it never reaches over a long row of clips that all say no."""
        start, end, expected = search.best()
        rows: list[list[int]] = [[]]
        for i in np.argsort([clip[0] for clip in search.clips], kind="stable"):
            if search.answers[i] < search.levels.middle:
                rows[-1].append(int(i))
            elif rows[-1]:
                rows.append([])
        kept = np.ones(len(search.starts), dtype=bool)
        for row in rows:
            if len(row) >= LEAST_ROW:
                first, last = search.clips[row[0]][0], max(search.clips[i][-1] for i in row)
                if start < first and last < end and last - first >= self._wide((start, end)):
                    kept &= (search.starts >= first) | (search.ends <= last)
        return (start, end, expected) if kept.all() or not kept.any() else search.among(kept).best()

    def _gaps(self, search: ClipSearch, interval: Interval) -> list[int]:
        """Places in `free` of clips in the middle of wide parts of an interval in which nothing was asked."""
        asked = np.concatenate(search.clips)
        seen = np.unique([*interval, *asked[(asked > interval[0]) & (asked < interval[1])]])
        wide = np.flatnonzero(np.diff(seen) > self._wide(interval))
        middles = self._seconds(self.free).mean(axis=1)
        spans = self.free[:, -1] - self.free[:, 0]
        cost = np.abs(middles - (seen[wide] + seen[wide + 1])[:, None] / 2) + spans  # wide clips last
        return list(dict.fromkeys(cost.argmin(axis=1).tolist()))

    def _wide(self, interval: Interval) -> float:
        """Seconds of an interval from which on a part of it counts."""
        return max(2 * self.clip_seconds, WIDE_SHARE * (interval[1] - interval[0]))

    def _seconds(self, samples: np.ndarray) -> np.ndarray:
        return (samples + 0.5) / self.rate_hz

    def _samples(self, seconds: np.ndarray) -> np.ndarray:
        return np.round(seconds * self.rate_hz - 0.5).astype(np.int64)

    def _ask(self, clips: np.ndarray, search: ClipSearch) -> list[float]:
        """P(yes) of (N, n) clips, given to the search; those that fail are left out."""
        shown = [frames for frames in self._frames(clips) if len(frames)]
        jobs: list[Callable[[], tuple[NumberedFrames, float]]] = [partial(self._certainty, frames) for frames in shown]
        answers = []
        for result in self.asking.each(jobs):
            if isinstance(result, ModelError):
                self.failures.append(result)
                continue
            frames, p = result
            search.add(frames.sample_seconds, p)
            answers.append(p)
            self.replies.append(f"{frames.edges_seconds[0]:.1f}-{frames.edges_seconds[-1]:.1f} s: P(yes) = {p:.4f}")
        return answers

    def _certainty(self, frames: NumberedFrames) -> tuple[NumberedFrames, float]:
        """P(yes) of a clip, of fewer frames where the model takes no more."""
        view, vlm = self.view, self.vlm
        while True:
            parts = view.parts(frames)
            most = vlm.capacity(pictures_in(parts)) * view.frames_per_picture
            if most < len(frames):
                frames = _thinned(frames, most)
                continue
            try:
                return frames, self.certainty.of(parts, view.question(frames, self.query), self.query)
            except TooMuchError:
                if len(frames) == 1:
                    raise
                frames = _thinned(frames, min(len(frames) // 2, max(1, vlm.capacity(pictures_in(parts)))))

    def _frames(self, clips: np.ndarray) -> list[NumberedFrames]:
        """The frames of (N, n) clips that can be decoded; only the clips are."""
        parts: list[tuple[float, float, float]] = []
        for clip in clips[np.argsort(clips[:, 0], kind="stable")]:
            start, end = clip[0] / self.rate_hz, (clip[-1] + 1) / self.rate_hz
            if parts and start <= parts[-1][1]:
                start, end = parts[-1][0], max(end, parts.pop()[1])
            parts.append((start, end, self.rate_hz))
        pixels, seconds = sampled(self.source, parts, side=self.view.frame_side)
        there = self._samples(seconds)
        return [self._numbered(pixels, seconds, np.isin(there, clip)) for clip in clips]

    def _numbered(self, pixels: np.ndarray, seconds: np.ndarray, kept: np.ndarray) -> NumberedFrames:
        pixels, seconds = pixels[kept], seconds[kept]
        half = 0.5 / self.rate_hz
        ends = (max(0.0, seconds[0] - half), min(self.duration_seconds, seconds[-1] + half)) if len(seconds) else (0, 0)
        return NumberedFrames(pixels, np.arange(1, len(seconds) + 1), seconds, edges_between(seconds, *ends))

    def read(self, search: ClipSearch, answer: Answer) -> tuple[list[Moment], float | None]:
        """The moments, best first, and how probable it is that the event is there at all."""
        self._say_what_failed(len(search.clips))
        if not search.clips:
            return list(answer.moments), answer.present
        best_p = max(search.answers)
        if search.evidence() < LEAST_EVIDENCE:
            mean = float(np.mean(search.answers))
            if min(search.answers) > SURE and mean >= EVERYWHERE:
                self.warnings.append("the vision model saw it in every clip that it was asked about")
                return [Moment(*self._reach(search), mean)], mean
            said = "saw it in none of the clips" if best_p < SURE else "gave answers that point to no moment"
            self.warnings.append(f"the vision model {said}: the moments are those of the curves")
            return list(answer.moments), min(0.5, mean)
        first = self._best(search)[:2]
        present = search.mean_answer(first)
        present = best_p if present is None else present
        if best_p < SURE:
            self.warnings.append("the vision model saw it in none of the clips; the moments are only the likeliest")
        seen = [first, *self._further(search, first)]
        scored = [(interval, search.mean_answer(interval) or 0.0) for interval in seen]
        scored = scored[:1] + sorted(((i, min(p, scored[0][1])) for i, p in scored[1:]), key=lambda one: -one[1])
        lowest = scored[-1][1]
        others = [
            moment
            for moment in answer.moments
            if all(_overlap((moment.start_seconds, moment.end_seconds), interval) <= 0 for interval in seen)
        ]
        return [
            *(Moment(*interval, p) for interval, p in scored),
            *(replace(moment, score=lowest / (place + 2)) for place, moment in enumerate(others)),
        ], present

    def _further(self, search: ClipSearch, first: Interval) -> list[Interval]:
        """Moments besides the first: one for each other stretch that the curve of P(yes) shows."""
        rest = search.without(self._around(first))
        if rest is None or not rest.clips:
            return []
        total, asked = np.zeros(self.count), np.zeros(self.count)
        for seconds, p in zip(search.clips, search.answers, strict=True):
            at = self._samples(seconds)
            total[at] += p
            asked[at] += 1
        lowest = min(search.levels.no, min(search.answers))
        p = np.divide(total, asked, out=np.full(self.count, lowest), where=asked > 0)
        found: list[Interval] = []
        for start, end in several_moments(p, 1 / self.rate_hz):
            stretch = (start / self.rate_hz, end / self.rate_hz)
            middle = (rest.starts + rest.ends) / 2
            inside = (middle >= stretch[0]) & (middle < stretch[1])
            if inside.any():
                interval = rest.among(inside).best()[:2]
                seen = (search.mean_answer(interval) or 0.0) > search.levels.middle
                if seen and all(_overlap(interval, other) <= 0 for other in found):
                    found.append(interval)
        return found

    def _reach(self, search: ClipSearch) -> Interval:
        """From the first clip to the last; the ends of the video too, where they are no further off than clips are."""
        instants = np.unique(np.concatenate(search.clips))
        apart = max(float(np.diff(instants).max(initial=0.0)), 2 * self.clip_seconds)
        first, last, half = float(instants[0]), float(instants[-1]), 0.5 / self.rate_hz
        end = self.duration_seconds
        return 0.0 if first <= apart else first - half, end if end - last <= apart else min(end, last + half)

    def _around(self, interval: Interval) -> Interval:
        return interval[0] - self.clip_seconds, interval[1] + self.clip_seconds

    def _say_what_failed(self, answered: int) -> None:
        useless = [error for error in self.failures if isinstance(error, UselessReplyError)]
        others = [error for error in self.failures if not isinstance(error, UselessReplyError)]
        every = len(self.failures) + answered
        said = [
            f"{len(errors)} of {every} clips {what}: {errors[0]}"
            for errors, what in ((others, "could not be asked about"), (useless, "got a reply of no use"))
            if errors
        ]
        if said and not answered:
            said[-1] += "; the moments are those of the curves"
        self.warnings.extend(said)
        if self.certainty.in_words:
            self.warnings.append(
                "the vision model gives no probabilities: it was asked for one of five words of certainty instead"
            )


def _overlap(a: Interval, b: Interval) -> float:
    return min(a[1], b[1]) - max(a[0], b[0])


def _thinned(frames: NumberedFrames, most: int) -> NumberedFrames:
    """At most so many of the frames, evenly spread."""
    kept = np.unique(((np.arange(most) + 0.5) / most * len(frames)).astype(np.int64))
    first, last = frames.edges_seconds[0], frames.edges_seconds[-1]
    seconds = frames.sample_seconds[kept]
    return NumberedFrames(
        frames.pixels[kept], np.arange(1, len(kept) + 1), seconds, edges_between(seconds, first, last)
    )
