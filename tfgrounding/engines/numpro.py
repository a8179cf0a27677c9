"""The engine that asks a vision LLM: show frames with their times, ask, and map the reply's numbers back to seconds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from .. import __version__
from ..answer import Answer
from ..errors import ModelError, TFGroundingError
from ..llm.prompting import prompts
from ..localizers import Localizer, get_localizer
from ..localizers.ground_curves import ground_curves
from ..media import AnySource, open_source
from ..media.sampling import capped_rate_hz
from ..types import Moment, Plan, Progress, Source, VideoFeatures, VideoInfo
from ..vision.saliency import read_saliency
from ..vision.views import ClipYesNo, FrameNumbers, NumberedFrames, ReadReply, TimeView, chosen_view, numbered_question
from ..vision.vlm import HOW_TO_NAME_ONE, VisionModel, load_vlm
from .asking import Asking
from .base import TOP_K
from .estimate import fitting_pictures
from .looking import ask_about, frames_a_request, look, spread_windows

RATE_HZ = 1.0
MOST_FRAMES = 128
OVERLAP = 0.25  # of a window, shared with the next one
HIGHLIGHT_TOKENS_PER_FRAME = 12


@dataclass(frozen=True, slots=True)
class Highlights:
    """How well each sampled frame shows the query: `saliency` (T,) from 1 to 5, 0 where the model rated nothing."""

    saliency: np.ndarray
    sample_seconds: np.ndarray
    info: VideoInfo
    raw_answer: str
    warnings: tuple[str, ...]


class NumProEngine:
    """Asks a vision LLM when something happens (Number it, CVPR 2025; training-free form).

    Args:
        vlm: the vision LLM, or its name (see `load_vlm`). There is no default: frames leave this machine only where a
            server is named.
        view: a way to show time, by name or as an object; "auto": the one that the model knows (see `view_for`).
        rate_hz: frames a second that are shown; None means 1.
        most_frames: frames of a video that are shown at most; a longer video is sampled more slowly.
        overlap: share of a window that the next one shows again, where a video takes several requests.
        max_tokens: longest reply.
        tries: how often the same frames are shown while no reply can be used, 1 or 2.
        localizer: turns the curve of "clip-yes-no" into moments; a name or a Localizer.
        device: where a local vision LLM runs.
        budget_frames: instead of most_frames, by the name that every engine with a vision LLM takes.

    Raises:
        TFGroundingError: no vision LLM, a view that is not known, or a setting that is out of range.
    """

    name = "numpro"
    watches_features = False

    def __init__(
        self,
        vlm: str | VisionModel | None = None,
        *,
        view: str | TimeView = "auto",
        rate_hz: float | None = None,
        most_frames: int = MOST_FRAMES,
        overlap: float = OVERLAP,
        max_tokens: int = 256,
        tries: int = 2,
        localizer: str | Localizer = "default",
        device: str = "auto",
        budget_frames: int | None = None,
    ) -> None:
        most_frames = most_frames if budget_frames is None else budget_frames
        self.rate_hz = RATE_HZ if rate_hz is None else rate_hz
        capped_rate_hz(1.0, rate_hz=self.rate_hz, most_frames=most_frames)
        if not 0 <= overlap < 1:
            raise TFGroundingError(f"overlap must be at least 0 and below 1, not {overlap}")
        self.localizer = get_localizer(localizer)
        self.most_frames = most_frames
        self.overlap = overlap
        self.max_tokens = max_tokens
        self.tries = tries
        self.vlm = named_vlm(vlm, engine=self.name, device=device)
        self.view = chosen_view(view, self.vlm)

    def provenance(self) -> dict[str, Any]:
        """The vision LLM, the way to show time, and the rate."""
        return {"engine": self.name, "vlm": self.vlm.name, "view": self.view.name, "rate_hz": self.rate_hz}

    def asks_at_most(self, info: VideoInfo) -> tuple[int, int]:
        """(requests, pictures) of one query about such a video, where each reply can be used. Raises ModelError."""
        rate_hz = capped_rate_hz(info.duration_seconds, rate_hz=self.rate_hz, most_frames=self.most_frames)
        frames = max(1, min(self.most_frames, round(info.duration_seconds * rate_hz)))
        if isinstance(self.view, ClipYesNo):
            windows = self.view.clips(frames)
        else:
            most = fitting_pictures(self.vlm, self.view, info) * self.view.frames_per_picture
            windows = spread_windows(frames, most, self.overlap)
        return len(windows), sum(-(-(last - first) // self.view.frames_per_picture) for first, last in windows)

    def watch(self, source: AnySource | VideoFeatures, *, progress: Progress | None = None) -> WatchedFrames:
        """Sample the video's frames once, for any number of queries. Raises VideoError."""
        if isinstance(source, VideoFeatures):
            if source.source is None:
                raise TFGroundingError(f"the {self.name} engine looks at pictures: give it the video, not its features")
            source = source.source
        opened = open_source(source)
        stated = opened.info.duration_seconds
        rate_hz = capped_rate_hz(stated, rate_hz=self.rate_hz, most_frames=self.most_frames)
        frames, info = look(opened, rate_hz=rate_hz, side=self.view.frame_side, most_frames=self.most_frames)
        if progress is not None:
            progress(info.duration_seconds, info.duration_seconds)
        return WatchedFrames(self, opened, frames, info)


class WatchedFrames:
    """A video's sampled frames, and the engine that asks a vision LLM about them."""

    def __init__(self, engine: NumProEngine, source: Source, frames: NumberedFrames, info: VideoInfo) -> None:
        self._engine, self._source, self._frames, self.info = engine, source, frames, info

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
        plan = query if isinstance(query, Plan) else Plan(query)
        if isinstance(self._engine.view, ClipYesNo):
            return self._ask_clips(self._engine.view, plan, top_k)
        return self._ask_windows(plan, top_k)

    def _ask_windows(self, plan: Plan, top_k: int) -> Answer:
        engine, shown = self._engine, self._frames
        asking = Asking(engine.vlm, max_tokens=engine.max_tokens)

        def ask(first: int, last: int) -> tuple[str, ReadReply, int]:
            return ask_about(asking, engine.view, shown.part(first, last), plan.query, tries=engine.tries)

        asked: list[tuple[int, int]] = []
        replies: list[str] = []
        read: list[ReadReply] = []
        warnings: list[str] = []
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
            moments = _voted(curve, shown.edges_seconds)
        return self._answer(plan, moments[:top_k], curve, "\n".join(replies), warnings, frames_shown, asking)

    def _ask_clips(self, view: ClipYesNo, plan: Plan, top_k: int) -> Answer:
        engine, shown = self._engine, self._frames
        asking = Asking(engine.vlm, max_tokens=engine.max_tokens)
        clips = view.clips(len(shown))

        def ask(first: int, last: int) -> float:
            clip = shown.part(first, last)
            return asking.probability([*view.parts(clip), view.question(clip, plan.query)])

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
            warnings=tuple(dict.fromkeys([*self.info.warnings, *plan.warnings, *warnings, *asking.warnings])),
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
        warnings = list(self.info.warnings)

        def ask(first: int, last: int) -> str:
            window = shown.part(first, last)
            question = numbered_question("numpro.highlights", view.overlay, window, query)
            parts = view.parts(window)
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
        warnings.extend(asking.warnings)
        saliency = np.divide(total, rated, out=np.zeros(len(shown)), where=rated > 0)
        return Highlights(saliency, shown.sample_seconds, self.info, "\n".join(replies), tuple(dict.fromkeys(warnings)))

    def _windows(self, view: TimeView) -> list[tuple[int, int]]:
        """[first, last) positions of equally long windows that fit one request each, overlap, and cover everything."""
        asking = Asking(self._engine.vlm)
        return spread_windows(len(self._frames), frames_a_request(asking, view, self._frames), self._engine.overlap)

    def _smaller(self, first: int, last: int) -> list[tuple[int, int]]:
        """A window that was too much, cut by what the model takes now."""
        view = self._engine.view
        most = frames_a_request(Asking(self._engine.vlm), view, self._frames.part(first, last))
        parts = spread_windows(last - first, min(most, last - first), self._engine.overlap)
        return [(first + start, first + end) for start, end in parts]


def named_vlm(vlm: str | VisionModel | None, *, engine: str, device: str) -> VisionModel:
    """The vision LLM that was named. Raises TFGroundingError where none was."""
    if vlm is None:
        raise TFGroundingError(f"engine {engine!r} needs a vision model and none is named: use {HOW_TO_NAME_ONE}")
    return load_vlm(vlm, device=device) if isinstance(vlm, str) else vlm


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
