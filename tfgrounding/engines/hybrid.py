"""Both engines: curves propose moments, a vision LLM looks at the best of them and corrects their ends."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from dataclasses import replace
from typing import Any

import numpy as np

from ..answer import Answer
from ..errors import ModelError, TFGroundingError
from ..llm import RefusedError
from ..media import AnySource
from ..types import Moment, Plan, Progress, Source, VideoFeatures, VideoInfo
from ..vision.frames import Interval
from ..vision.views import ClipYesNo, NumberedFrames, ReadReply, TimeView, get_view
from ..vision.vlm import VisionModel
from .asking import Asking
from .base import TOP_K
from .curves import CurvesEngine, WatchedCurves
from .looking import ask_about, edges_between, frames_a_request, look_at, sample_number
from .numpro import MOST_FRAMES, NumProEngine, named_vlm
from .verdicts import Verdict, agreed, distinct, in_order, iou, overlap

RATE_HZ = 2.0
BUDGET_FRAMES = 256
MOST_PROPOSALS = 3
MOST_FRAMES_PER_LOOK = 32
LEAST_CONTEXT_SECONDS = 4.0
LITTLE, MUCH = 0.5, 1.5  # context on one side of a proposal, as a share of its length
EVERY = 1_000_000  # moments: the answer is cut after the correction, which changes their order
FIRST_NUMBERS = (1, 101, 201)  # of the looks, so that a reply with the same numbers every time gives itself away
MOST_MORE_LOOKS = 3  # at a moment that reaches the edge of what was shown, or was shown too coarsely


class HybridEngine:
    """Lets a vision LLM correct what curves propose, without trusting it further than it agrees with itself.

    Each of the best proposals is shown twice: with more of what comes before, then with more of what comes after, and
    under different numbers. Only where both replies name nearly the same seconds is a proposal corrected; where both
    say that the event is not there, it moves behind those that were seen. Where all are rejected the proposals were
    wrong, and the rest of the budget, at least half, is spent on the whole video. Any other reply, and any failure of
    the model, leaves the proposals as they are.

    Args:
        vlm: the vision LLM, or its name (see `load_vlm`).
        curves: what makes the proposals; a Grounder gives it one with its own encoder, planner and localizer.
        view: a way to show time that asks for intervals, by name or as an object.
        look_rate_hz: frames a second around a proposal; fewer where the budget is small.
        budget_frames: frames shown for one query in all, those shown twice counted twice.
        most_proposals: how many of the best proposals are looked at.
        max_tokens: longest reply.
        device: where a local vision LLM runs.

    Raises:
        TFGroundingError: no vision LLM, a view that is not known or makes a curve, or a budget too small to look at
            anything.
    """

    name = "hybrid"
    watches_features = True

    def __init__(
        self,
        vlm: str | VisionModel | None = None,
        *,
        curves: CurvesEngine | None = None,
        view: str | TimeView = "frame-numbers",
        look_rate_hz: float = RATE_HZ,
        budget_frames: int = BUDGET_FRAMES,
        most_proposals: int = MOST_PROPOSALS,
        max_tokens: int = 256,
        device: str = "auto",
    ) -> None:
        self.view = get_view(view) if isinstance(view, str) else view
        if isinstance(self.view, ClipYesNo):
            raise TFGroundingError(
                "clip-yes-no makes a curve of its own; the hybrid engine needs a view with intervals"
            )
        if most_proposals < 1 or budget_frames < 16 * most_proposals:
            raise TFGroundingError(
                f"a budget of {budget_frames} frames is too small for {most_proposals} proposals: each needs 16"
            )
        self.curves = curves
        self.look_rate_hz = look_rate_hz
        self.budget_frames = budget_frames
        self.most_proposals = most_proposals
        self.max_tokens = max_tokens
        self.vlm = named_vlm(vlm, engine=self.name, device=device)

    def with_curves(self, curves: CurvesEngine) -> HybridEngine:
        """The same engine with this maker of proposals."""
        engine = copy(self)
        engine.curves = curves
        return engine

    def provenance(self) -> dict[str, Any]:
        """Of the curves, and the vision LLM with its way to show time."""
        proposing = {} if self.curves is None else self.curves.provenance()
        return {**proposing, "engine": self.name, "vlm": self.vlm.name, "view": self.view.name}

    def watch(self, source: AnySource | VideoFeatures, *, progress: Progress | None = None) -> WatchedProposals:
        """Encode the video, or take its features; each query looks at pictures again. Raises VideoError."""
        if self.curves is None:
            raise TFGroundingError("this HybridEngine cannot propose moments: give it curves=CurvesEngine(...)")
        watched = self.curves.watch(source, progress=progress)
        if watched.features.source is None:
            raise TFGroundingError(
                f"{watched.info.path}: the hybrid engine looks at pictures, and these features come without their "
                "video: give it the video"
            )
        return WatchedProposals(self, watched)

    def corrected(self, answer: Answer) -> Answer:
        """An answer's best moments after a look at them.

        Returns:
            The answer, corrected; with a warning and its moments unchanged where the model fails.

        Raises:
            VideoError: the video cannot be read.
        """
        if answer.source is None:
            raise TFGroundingError(f"{answer.video.path}: the answer comes without its video: it cannot be corrected")
        session = _Session(self, answer.source, answer.plan.query, answer.video.duration_seconds)
        proposals = answer.moments
        verdicts: list[Verdict] = []
        whole: list[Interval] = []
        try:
            verdicts = session.judge(proposals[: self.most_proposals])
            if all(verdict.rejected for verdict in verdicts):
                whole = session.look_at_everything()
        except RefusedError:
            raise
        except ModelError as error:
            session.warnings.append(f"the vision model failed, the moments are those of the curves: {error}")
        verdicts += [Verdict(moment) for moment in proposals[len(verdicts) :]]
        found = [Moment(start, end, 0.0) for start, end in whole] + distinct(in_order(verdicts))
        scores = sorted((moment.score for moment in proposals), reverse=True)
        scores = [scores[0] if scores else 1.0] * len(whole) + scores
        shown = {"vlm": self.vlm.name, "view": self.view.name, "frames_shown": session.frames_shown}
        shown |= session.asking.provenance
        return replace(
            answer,
            spans=tuple(replace(moment, score=score) for moment, score in zip(found, scores, strict=False)),
            engine=self.name,
            warnings=tuple(dict.fromkeys((*answer.warnings, *session.warnings, *session.asking.warnings))),
            raw_answer="\n".join(session.replies),
            provenance={**answer.provenance, **shown},
        )


class WatchedProposals:
    """A video's curves, and the engine that corrects what they propose."""

    def __init__(self, engine: HybridEngine, curves: WatchedCurves) -> None:
        self._engine, self._curves = engine, curves

    @property
    def info(self) -> VideoInfo:
        return self._curves.info

    @property
    def features(self) -> VideoFeatures:
        return self._curves.features

    @property
    def samples(self) -> int:
        return self._curves.samples

    def ask(
        self,
        query: str | Plan,
        *,
        top_k: int = TOP_K,
        stride_frames: int | None = None,
        longest_frames: int | None = None,
    ) -> Answer:
        """When does it happen? Arguments and errors as for curves; a vision LLM that fails is a warning."""
        answer = self._curves.ask(query, top_k=EVERY, stride_frames=stride_frames, longest_frames=longest_frames)
        answer = self._engine.corrected(answer)
        return replace(answer, spans=answer.spans[:top_k])


class _Session:
    """The looks that one query takes, within its budget."""

    def __init__(self, engine: HybridEngine, source: Source, query: str, duration_seconds: float) -> None:
        self.engine = engine
        self.source = source
        self.query = query
        self.duration_seconds = duration_seconds
        self.replies: list[str] = []
        self.warnings: list[str] = []
        self.frames_shown = 0
        self.asking = Asking(engine.vlm, max_tokens=engine.max_tokens)

    def judge(self, proposals: Sequence[Moment]) -> list[Verdict]:
        if not proposals:
            return []
        spans = [self._around(moment, *context) for moment in proposals for context in ((MUCH, LITTLE), (LITTLE, MUCH))]
        each = min(MOST_FRAMES_PER_LOOK, self.engine.budget_frames // 2 // len(spans))
        shown = self._frames(spans, each)
        fitting = min(self._frames_a_request(look) for look in shown)
        if fitting < max(map(len, shown)):
            each = fitting
            shown = self._frames(spans, each)
        verdicts = []
        for i, moment in enumerate(proposals):
            before, after = shown[2 * i : 2 * i + 2]
            first, second = self._ask(before, FIRST_NUMBERS[0]), self._ask(after, FIRST_NUMBERS[1])
            if first.absent and second.absent:
                verdicts.append(Verdict(moment, rejected=True))
                continue
            both = agreed(first.intervals_seconds, second.intervals_seconds, _span(before), _span(after))
            verdicts.append(self._verdict(moment, both, before, after, each) if both else Verdict(moment))
        return verdicts

    def _frames_a_request(self, shown: NumberedFrames) -> int:
        """How many such frames fit one request."""
        return frames_a_request(self.asking, self.engine.view, shown)

    def look_at_everything(self) -> list[Interval]:
        """The second engine's own answer, from what is left of the budget."""
        engine, left = self.engine, self.engine.budget_frames - self.frames_shown
        alone = NumProEngine(
            engine.vlm,
            view=engine.view,
            most_frames=min(MOST_FRAMES, left),
            overlap=0,
            max_tokens=engine.max_tokens,
            tries=1,
        )
        found = alone.watch(self.source).ask(self.query, top_k=engine.most_proposals)
        self.frames_shown += found.provenance["frames_shown"]
        self.replies.append(f"[whole video] {found.raw_answer}")
        self.warnings.extend(found.warnings)
        if found.moments:
            self.warnings.append(
                "the vision model saw none of the curves' best moments; it found others in the whole video"
            )
        return [(moment.start_seconds, moment.end_seconds) for moment in found.moments]

    def _verdict(
        self, moment: Moment, both: Sequence[Interval], before: NumberedFrames, after: NumberedFrames, each: int
    ) -> Verdict:
        """What two looks agree on, looked at again where it is cut off or was seen too coarsely."""
        found, span = both[0], (_span(before)[0], _span(after)[1])
        step = max(before.step_seconds, after.step_seconds)
        for _ in range(MOST_MORE_LOOKS):
            cut = (found[0] <= span[0] and span[0] > 0) or (found[1] >= span[1] and span[1] < self.duration_seconds)
            context = (MUCH, MUCH) if cut else (LITTLE, LITTLE)
            around = self._around(Moment(*found, 0.0), *context)
            finer = max(1 / self.engine.look_rate_hz, (around[1] - around[0]) / each)
            if (not cut and step < 1.5 * finer) or self.frames_shown + each > self.engine.budget_frames // 2:
                break
            (shown,) = self._frames([around], each)
            again = self._ask(shown, FIRST_NUMBERS[2]).intervals_seconds
            better = max(again, key=lambda interval: overlap(interval, found), default=found)
            if overlap(better, found) <= 0 or (not cut and iou(better, found) < 0.5):
                break
            found, span, step = better, _span(shown), shown.step_seconds
        if found == span:
            return Verdict(moment)  # it is all that was shown: no edge of it was seen
        # An end that differs by less than the time between two frames stays as the curves gave it.
        start = moment.start_seconds if abs(found[0] - moment.start_seconds) <= step else found[0]
        end = moment.end_seconds if abs(found[1] - moment.end_seconds) <= step else found[1]
        return Verdict(Moment(start, end, moment.score) if start < end else moment, seen=True)

    def _around(self, moment: Moment, before: float, after: float) -> Interval:
        length = moment.end_seconds - moment.start_seconds
        start = moment.start_seconds - max(LEAST_CONTEXT_SECONDS * before, before * length)
        end = moment.end_seconds + max(LEAST_CONTEXT_SECONDS * after, after * length)
        return max(0.0, start), min(self.duration_seconds, end)

    def _frames(self, spans: Sequence[Interval], each: int) -> list[NumberedFrames]:
        """At most `each` frames of every span, evenly spread; only the spans are decoded."""
        rate_hz = self.engine.look_rate_hz
        samples = []  # sample k is the picture at (k + 1/2) / rate
        for start, end in spans:
            first, last = int(np.ceil(start * rate_hz - 0.5)), int(np.ceil(end * rate_hz - 0.5))
            inside = np.arange(max(0, first), max(first + 1, last))
            samples.append(inside[:: -(-len(inside) // each)])
        union = np.unique(np.concatenate(samples))
        pixels, seconds = look_at(
            self.source,
            [(chosen[0] / rate_hz, (chosen[-1] + 1) / rate_hz) for chosen in samples],
            rate_hz=rate_hz,
            side=self.engine.view.frame_side,
            wanted=union,
        )
        there = sample_number(seconds, rate_hz)
        return [self._cut(pixels, seconds, np.isin(there, chosen)) for chosen in samples]

    def _cut(self, pixels: np.ndarray, seconds: np.ndarray, kept: np.ndarray) -> NumberedFrames:
        """The frames to keep, (T,) bool; each stands for the time half way to its neighbours."""
        if not kept.any():
            raise TFGroundingError(f"{self.source.name}: nothing could be decoded around one of the moments")
        pixels, seconds = pixels[kept], seconds[kept]
        half = float(np.diff(seconds).mean()) / 2 if len(seconds) > 1 else 0.5 / self.engine.look_rate_hz
        start, end = max(0.0, float(seconds[0]) - half), min(self.duration_seconds, float(seconds[-1]) + half)
        return NumberedFrames(pixels, np.arange(len(seconds)), seconds, edges_between(seconds, start, end))

    def _ask(self, shown: NumberedFrames, first_number: int) -> ReadReply:
        """What the model sees on these frames, numbered from there on."""
        shown = replace(shown, numbers=np.arange(first_number, first_number + len(shown)))
        engine = self.engine
        tries = 2 if self.frames_shown + 2 * len(shown) <= engine.budget_frames // 2 else 1
        try:
            text, reply, sent = ask_about(self.asking, engine.view, shown, self.query, tries=tries)
        except ModelError:
            self.frames_shown += len(shown)
            raise
        self.frames_shown += sent
        self.replies.append(f"[{shown.edges_seconds[0]:.1f}-{shown.edges_seconds[-1]:.1f} s] {text}")
        self.warnings.extend(reply.warnings)
        return reply


def _span(shown: NumberedFrames) -> Interval:
    return float(shown.edges_seconds[0]), float(shown.edges_seconds[-1])
