"""A video's sampled frames, shown to a vision LLM in as many requests as they take, and what the replies come to."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from .. import __version__
from ..answer import Answer
from ..errors import ModelError
from ..llm import RefusedError
from ..llm.prompting import prompts
from ..localizers.ground_curves import ground_curves
from ..media.sampling import evenly
from ..planning.rules import RulesPlanner
from ..types import Moment, Plan, VideoInfo
from ..vision.frames import Part
from ..vision.saliency import read_saliency
from ..vision.views import ClipYesNo, FrameNumbers, NumberedFrames, ReadReply, TimeView, numbered_question
from .asking import Asking, counted
from .base import TOP_K
from .events import without_events
from .looking import KeptParts, SampledVideo, ask_about, edges_between, frames_a_request, spread_windows

if TYPE_CHECKING:
    from .numpro import NumProEngine

HIGHLIGHT_TOKENS_PER_FRAME = 12
PICTURES_MEASURED = 8  # to learn how many like them fit one request
LAST_ROUND, LAST_ROUND_FRAMES = 4, 64  # moments of different windows that are compared, and frames of them in all


@dataclass(frozen=True, slots=True)
class Highlights:
    """How well each sampled frame shows the query: `saliency` (T,) from 1 to 5, 0 where the model rated nothing."""

    saliency: np.ndarray
    sample_seconds: np.ndarray
    info: VideoInfo
    raw_answer: str
    warnings: tuple[str, ...]


class WatchedFrames:
    """A video's sampled frames, and the engine that asks a vision LLM about them."""

    def __init__(self, engine: NumProEngine, video: SampledVideo) -> None:
        self._engine, self._video = engine, video
        self._source, self._frames, self.info = video.source, video.times, video.info
        self._kept = KeptParts(engine.vlm)

    @property
    def samples(self) -> int:
        return len(self._frames)

    def ask(self, query: str | Plan, *, top_k: int = TOP_K) -> Answer:
        """When does it happen?

        Args:
            query: a sentence; of a plan, its query is asked as it is.
            top_k: moments at most.

        Returns:
            An answer without moments where the model says that it does not happen, or never says anything usable. Its
            curve is, for each sampled frame, the share of the requests showing it that named it, or P(yes).

        Raises:
            ModelError: the model could not be asked at all.
        """
        plan = query if isinstance(query, Plan) else Plan(query, wants=RulesPlanner().plan(query).wants)
        if isinstance(self._engine.view, ClipYesNo):
            return self._ask_clips(self._engine.view, plan, top_k)
        return self._ask_windows(plan, top_k)

    def _ask_windows(self, plan: Plan, top_k: int) -> Answer:
        engine, shown = self._engine, self._frames
        asking = Asking(engine.vlm, max_tokens=engine.max_tokens)

        def ask(first: int, last: int) -> tuple[str, ReadReply, int]:
            parts = self._parts(engine.view, first, last)
            return ask_about(
                asking, engine.view, shown.part(first, last), plan.own_words, tries=engine.tries, parts=parts
            )

        asked: list[tuple[int, int]] = []
        replies: list[str] = []
        read: list[ReadReply] = []
        warnings = self._spacing()
        frames_shown = 0
        failure: ModelError | None = None
        windows = asking.windows(self._windows(engine.view), ask, self._smaller)
        for (first, last), result in windows:
            window = shown.part(first, last)
            if isinstance(result, ModelError):
                failure = result
                warnings.append(
                    f"{window.edges_seconds[0]:.1f}-{window.edges_seconds[-1]:.1f} s could not be asked about: {result}"
                )
                continue
            text, reply, sent = result
            asked.append((first, last))
            frame_range = f"[frames {window.numbers[0]}-{window.numbers[-1]}] "
            replies.append(text if len(windows) == 1 else frame_range + text)
            read.append(reply)
            warnings.extend(reply.warnings)
            frames_shown += sent
        if failure is not None and not asked:
            raise failure
        curve = _votes(shown, asked, read)
        if len(windows) == 1:
            moments = [Moment(start, end, 1.0) for start, end in read[0].intervals_seconds]
        else:
            moments = self._last_round(asking, plan, _voted(curve, shown.edges_seconds), replies, warnings)
        return self._answer(plan, moments[:top_k], curve, "\n".join(replies), warnings, frames_shown, asking)

    def _ask_clips(self, view: ClipYesNo, plan: Plan, top_k: int) -> Answer:
        engine, shown = self._engine, self._frames
        asking = Asking(engine.vlm, max_tokens=engine.max_tokens)
        clips = view.clips(len(shown))

        def ask(first: int, last: int) -> float:
            clip = shown.part(first, last)
            return asking.probability([*self._parts(view, first, last), view.question(clip, plan.own_words)])

        total, seen = np.zeros(len(shown)), np.zeros(len(shown))
        replies = []
        for (first, last), probability in asking.windows(clips, ask, self._smaller):
            if isinstance(probability, ModelError):
                raise probability
            clip = shown.part(first, last)
            total[first:last] += probability
            seen[first:last] += 1
            replies.append(f"{clip.edges_seconds[0]:.1f}-{clip.edges_seconds[-1]:.1f} s: P(yes) = {probability:.4f}")
        curve = total / seen
        moments = ground_curves(
            {plan.query: curve},
            Plan(plan.query),
            duration_seconds=self.info.duration_seconds,
            pts_seconds=shown.sample_seconds,
            localizer=engine.localizer,
        )
        frames_shown = sum(last - first for first, last in clips)
        return self._answer(
            plan, moments[:top_k], curve, "\n".join(replies), [], frames_shown, asking, localizer=engine.localizer.name
        )

    def _answer(
        self,
        plan: Plan,
        moments: list[Moment],
        curve: np.ndarray,
        raw_answer: str,
        warnings: list[str],
        frames_shown: int,
        asking: Asking,
        *,
        localizer: str = "none",
    ) -> Answer:
        engine = self._engine
        return Answer(
            spans=tuple(moments),
            query=plan.original or plan.query,
            plan=plan,
            video=self.info,
            engine=engine.name,
            encoder="none",
            localizer=localizer,
            curve=curve,
            pts_seconds=self._frames.sample_seconds,
            warnings=tuple(
                dict.fromkeys(
                    [
                        *self.info.warnings,
                        *plan.warnings,
                        *without_events(plan, engine.name),
                        *counted([*warnings, *asking.warnings]),
                    ]
                )
            ),
            raw_answer=raw_answer,
            provenance={
                "tfgrounding": __version__,
                "vlm": engine.vlm.name,
                "view": engine.view.name,
                "frames_shown": frames_shown,
                **asking.provenance,
            },
            source=self._source,
        )

    def highlights(self, query: str) -> Highlights:
        """How well does each frame show it? Always asked with numbers on the frames.

        Raises:
            ModelError: no part of the video could be asked about.
        """
        engine, shown = self._engine, self._frames
        view = engine.view if isinstance(engine.view, FrameNumbers) else FrameNumbers()
        asking = Asking(engine.vlm, max_tokens=engine.max_tokens)
        warnings: list[str] = []

        def ask(first: int, last: int) -> str:
            window = shown.part(first, last)
            question = numbered_question("numpro.highlights", view.overlay, window, query)
            parts = self._parts(view, first, last)
            tokens = max(engine.max_tokens, HIGHLIGHT_TOKENS_PER_FRAME * len(window))
            reply = asking.text([*parts, question], max_tokens=tokens)
            if not read_saliency(reply):
                warnings.append("a reply could not be used and was asked for once more")
                again = f"{question}\n\n{prompts('numpro.again').text}"
                reply = asking.text([*parts, again], max_tokens=tokens)
            return reply

        total, rated = np.zeros(len(shown)), np.zeros(len(shown))
        replies: list[str] = []
        failure: ModelError | None = None
        for (first, last), reply in asking.windows(self._windows(view), ask, self._smaller):
            if isinstance(reply, ModelError):
                failure = reply
                start, end = shown.edges_seconds[[first, last]]
                warnings.append(f"{start:.1f}-{end:.1f} s could not be asked about: {reply}")
                continue
            replies.append(reply)
            for number, value in read_saliency(reply).items():
                position = number - int(shown.numbers[0])
                if first <= position < last:
                    total[position] += value
                    rated[position] += 1
                else:
                    warnings.append(f"the reply rates frame {number}, which was not shown: left out")
        if failure is not None and not replies:
            raise failure
        if not rated.all():
            warnings.append(f"{int((rated == 0).sum())} of {len(shown)} frames got no saliency")
        warnings = list(dict.fromkeys([*self.info.warnings, *counted([*warnings, *asking.warnings])]))
        saliency = np.divide(total, rated, out=np.zeros(len(shown)), where=rated > 0)
        return Highlights(saliency, shown.sample_seconds, self.info, "\n".join(replies), tuple(warnings))

    def _parts(self, view: TimeView, first: int, last: int) -> list[Part]:
        """How the frames at positions [first, last) are shown."""
        return self._kept.get((view.name, first, last), lambda: view.parts(self._video.part(first, last)))

    def _windows(self, view: TimeView, first: int = 0, last: int | None = None) -> list[tuple[int, int]]:
        """[first, last) positions of equally long windows that fit one request each, overlap, and cover everything."""
        end = len(self._frames) if last is None else last
        looked_at = self._video.part(first, min(end, first + PICTURES_MEASURED))
        most = frames_a_request(Asking(self._engine.vlm), view, looked_at)
        most = min(most, self._video.most_in_memory)
        return [(first + a, first + b) for a, b in spread_windows(end - first, most, self._engine.overlap)]

    def _smaller(self, first: int, last: int) -> list[tuple[int, int]]:
        """A window that was too much, cut by what the model takes now."""
        return self._windows(self._engine.view, first, last)

    def _spacing(self) -> list[str]:
        """A warning where the frames are further apart than was wanted."""
        if self._video.rate_hz > 0.999 * self._engine.rate_hz:
            return []
        step = 1 / self._video.rate_hz
        return [
            f"the frames that are shown are {step:.1f} s apart: an event shorter than that may be missed; "
            "give a rate, or allow more frames"
        ]

    def _last_round(
        self, asking: Asking, plan: Plan, found: list[Moment], replies: list[str], warnings: list[str]
    ) -> list[Moment]:
        """What windows found, put in order by one more request that shows frames of each side by side."""
        if len(found) < 2:
            return found
        engine, times = self._engine, self._frames
        best = sorted(found[:LAST_ROUND], key=lambda moment: moment.start_seconds)
        spans = [np.searchsorted(times.sample_seconds, (m.start_seconds, m.end_seconds)) for m in best]
        most = min(self._windows(engine.view)[0][1], LAST_ROUND_FRAMES) // len(best)
        chosen = [a + evenly(b - a, most) for a, b in spans] if most else []
        positions = np.concatenate(chosen) if chosen else np.empty(0, int)
        if not len(positions):
            return found
        pixels = np.concatenate([self._video.part(at, at + 1).pixels for at in positions])
        seconds = times.sample_seconds[positions]
        edges = edges_between(seconds, times.edges_seconds[positions[0]], times.edges_seconds[positions[-1] + 1])
        shown = NumberedFrames(pixels, np.arange(1, len(positions) + 1), seconds, edges)
        try:
            text, reply, _ = ask_about(asking, engine.view, shown, plan.own_words, tries=1)
        except RefusedError:
            raise
        except ModelError as error:
            warnings.append(f"the moments of several windows could not be compared: {error}")
            return found
        replies.append(f"[of {len(best)} moments] {text}")
        if not reply.intervals_seconds:
            return found
        inside = np.zeros(len(seconds))
        for start, end in reply.intervals_seconds:
            inside[(seconds >= start) & (seconds < end)] = 1
        shares = dict(zip(best, (float(part.mean()) for part in np.split(inside, _borders(chosen))), strict=True))
        rated = [replace(moment, score=(moment.score + shares.get(moment, 0.0)) / 2) for moment in found]
        return sorted(rated, key=lambda moment: -moment.score)


def _borders(parts: list[np.ndarray]) -> np.ndarray:
    """Where one part ends and the next begins, once they are joined."""
    return np.cumsum([len(part) for part in parts])[:-1]


def _votes(shown: NumberedFrames, asked: list[tuple[int, int]], readings: list[ReadReply]) -> np.ndarray:
    """(T,) share of the usable replies about a frame that name it; 0 where there is none."""
    named, looks = np.zeros(len(shown)), np.zeros(len(shown))
    for (first, last), reading in zip(asked, readings, strict=True):
        looks[first:last] += reading.usable
        instants = shown.sample_seconds[first:last]
        inside = np.zeros(last - first, dtype=bool)
        for start, end in reading.intervals_seconds:
            inside |= (instants >= start) & (instants < end)
        named[first:last] += inside
    return np.divide(named, looks, out=np.zeros(len(shown)), where=looks > 0)


def _voted(curve: np.ndarray, edges_seconds: np.ndarray) -> list[Moment]:
    """Stretches of frames that at least half of the windows showing them name; scored by their mean share."""
    inside = np.concatenate([[0], (curve >= 0.5).astype(np.int8), [0]])
    starts, ends = np.flatnonzero(np.diff(inside) == 1), np.flatnonzero(np.diff(inside) == -1)
    found = [
        Moment(float(edges_seconds[start]), float(edges_seconds[end]), float(curve[start:end].mean()))
        for start, end in zip(starts, ends, strict=True)
    ]
    return sorted(found, key=lambda moment: -moment.score)
