"""The Grounder: one engine with its models, for as many videos and queries as come."""

from __future__ import annotations

import os
from collections.abc import Hashable, Iterable, Iterator, Sequence
from functools import lru_cache, partial
from numbers import Integral
from typing import Any, overload

from ..answer import Answer
from ..encoders.base import Encoder
from ..errors import TFGroundingError
from ..localizers import Localizer
from ..media import AnySource, open_source
from ..planning.planner import Planner
from ..registry import is_own
from ..tracks.choice import track_choice
from ..tracks.text_track import TEXT_KINDS
from ..types import Plan, Progress, VideoFeatures
from ..vision.views import TimeView
from ..vision.vlm import VisionModel
from .base import TOP_K, Engine, Watched
from .curves import MOST_OVERLAP, CurvesEngine
from .load import load_engine
from .others import watch_with
from .steps import first_steps
from .words import WordsEngine

OF_A_QUERY = ("top_k", "stride_frames", "longest_frames")  # settings that need no models to be loaded again

Queries = list[str] | list[Plan] | tuple[str | Plan, ...]  # about one video


class Grounder:
    """Loads its models once and grounds as many queries as it is asked; safe to share between threads.

    Args:
        engine: "curves"; "numpro", where a vision LLM reads numbers drawn on the frames; "hybrid", where it corrects
            the best moments that the curves propose; "cascade", where it says yes or no about short clips that the
            curves choose; another registered name, "module:Class", or an Engine.
        encoder: name of an encoder (see `load_encoder`), "auto": the best whose weights are on this machine, or an
            Encoder of your own.
        planner: "auto" (the rules), "rules", the path of a plan file, or a Planner of your own. An LLM plans only
            when it is named.
        localizer: name of a localizer, or a Localizer of your own.
        vlm: the vision LLM of "numpro", "hybrid" and "cascade", as `load_vlm` reads it, or a VisionModel. It has no
            default: frames leave this machine only where a server is named.
        top_k: moments an answer holds at most.
        device: "auto", "cpu", "cuda", "cuda:N" or "mps".
        dtype: the encoder's precision: "float32", "float16", "bfloat16", or "auto": float32 on a CPU, half elsewhere.
        rate_hz: samples a second; None means 3 for curves and 1 for "numpro".
        cache: where features are kept for the next time: True for the usual folder (see `FeatureCache`), a folder, or
            False to keep nothing.
        view: how the vision LLM is shown the time: a name (see docs/vision.md) or a TimeView; None means the engine's
            own choice.
        budget_frames: pictures shown to the vision LLM for one query; None means the engine's own number.
        most_overlap: IoU with a better moment, above which a moment is another reading of it and is left out; 1 keeps
            all, as rankings are evaluated.
        tracks: what is asked, as a text "shown,said" or a list: "shown", what the engine sees; "said" (subtitles,
            else speech), "written" on the screen, "described" in captions, "heard"; see docs/words.md. "auto": shown,
            and of the others what is there without work. Without "shown" no picture is looked at and no engine loaded.
        sentences: the encoder that compares queries with texts: "embedded", or what `load_sentences` takes.
        language: the wanted language of the words, such as "de"; "" for any, English first.

    Raises:
        TFGroundingError: an engine, encoder, planner, localizer, device, track or language that is not known or not
            available.
    """

    def __init__(
        self,
        *,
        engine: str | Engine = "curves",
        encoder: str | Encoder = "auto",
        planner: str | Planner = "auto",
        localizer: str | Localizer = "default",
        vlm: str | VisionModel | None = None,
        top_k: int = TOP_K,
        device: str = "auto",
        dtype: str = "auto",
        rate_hz: float | None = None,
        cache: bool | str | os.PathLike[str] = True,
        view: str | TimeView | None = None,
        budget_frames: int | None = None,
        most_overlap: float = MOST_OVERLAP,
        tracks: str | Sequence[str] = "auto",
        sentences: str | Encoder = "embedded",
        language: str = "",
    ) -> None:
        self.top_k = _checked_top_k(top_k)
        choice = track_choice(tracks)
        words = WordsEngine(
            choice,
            sentences=sentences,
            language=language,
            planner=planner,
            localizer=localizer,
            device=device,
            cache=cache,
            most_overlap=most_overlap,
        )
        beside = any(map(choice.asks, TEXT_KINDS)) or choice.find("heard") is not None
        self._words = words if beside else None
        if not choice.asks("shown"):
            self.engine: Engine = words
            return
        self.engine = load_engine(
            engine,
            encoder=encoder,
            planner=planner,
            localizer=localizer,
            vlm=vlm,
            device=device,
            dtype=dtype,
            rate_hz=rate_hz,
            cache=cache,
            view=view,
            budget_frames=budget_frames,
            most_overlap=most_overlap,
        )

    @property
    def curves(self) -> CurvesEngine | None:
        """The engine that encodes videos: this one, or the one that makes its proposals; None where there is none."""
        found = getattr(self.engine, "curves", None) if not isinstance(self.engine, CurvesEngine) else self.engine
        return found if isinstance(found, CurvesEngine) else None

    @property
    def encoder(self) -> Encoder:
        """The encoder of the curves. Raises TFGroundingError where the engine has none."""
        return self._curves("it has no encoder").encoder

    def _curves(self, why: str) -> CurvesEngine:
        if self.curves is None:
            looks = "no pictures" if self.engine is self._words else "the pictures themselves"
            raise TFGroundingError(f"the {self.engine.name} engine looks at {looks}: {why}")
        return self.curves

    def encode_video(self, source: AnySource, *, progress: Progress | None = None) -> VideoFeatures:
        """Decode and encode a video once, so that any number of queries can be asked of it.

        A video whose content was encoded before, by the same encoder at the same rate, comes from the cache.

        Args:
            source: a video file, Pictures, or a Source.
            progress: called with (seconds done, seconds in all) after each chunk of frames.

        Returns:
            VideoFeatures, to be passed to `ground`.

        Raises:
            VideoError: the video is missing, empty, without pictures or undecodable.
        """
        return self._curves("give `ground` the video's path").encode(source, progress=progress)

    def watch(self, source: AnySource | VideoFeatures, *, progress: Progress | None = None) -> Watched:
        """Look at a video once; `ask` of what is returned answers queries. Raises VideoError."""
        if self.engine is self._words:
            return self.engine.watch(source, progress=progress)
        watch = self.engine.watch if is_own(self.engine) else partial(watch_with, self.engine)
        shown = watch(source, progress=progress)
        if self._words is None:
            return shown
        return self._words.joined(source, shown, progress=progress)

    @overload
    def ground(
        self,
        video: AnySource | VideoFeatures,
        query: str | Plan,
        *,
        top_k: int | None = None,
        stride_frames: int | None = None,
        longest_frames: int | None = None,
    ) -> Answer: ...

    @overload
    def ground(
        self,
        video: AnySource | VideoFeatures,
        query: Queries,
        *,
        top_k: int | None = None,
        stride_frames: int | None = None,
        longest_frames: int | None = None,
    ) -> list[Answer]: ...

    def ground(
        self,
        video: AnySource | VideoFeatures,
        query: str | Plan | Queries,
        *,
        top_k: int | None = None,
        stride_frames: int | None = None,
        longest_frames: int | None = None,
    ) -> Answer | list[Answer]:
        """When does it happen?

        Args:
            video: a path, Pictures, a Source, or what `encode_video` returned.
            query: a sentence, or a ready plan; or a list of them, about one video that is watched once.
            top_k: moments at most; None means the Grounder's own.
            stride_frames, longest_frames: TFVTG's window grid in frames, None for the localizer's own default; only
                engines that read curves take them.

        Returns:
            An Answer whose moments are sorted best first ("tfvtg-reference": in the order of its vote); for a list of
            queries a list of Answers.

        Raises:
            VideoError: the video cannot be read. PlanError: the query is empty. ModelError: the vision LLM of "numpro"
                could not be asked.
        """
        most = self.top_k if top_k is None else _checked_top_k(top_k)
        queries: list[str | Plan] = list(query) if isinstance(query, (list, tuple)) else [query]
        for one in queries:
            if not isinstance(one, Plan):
                Plan(one)  # an empty query fails before the video is read
        grid = {"stride_frames": stride_frames, "longest_frames": longest_frames}
        chosen = {name: value for name, value in grid.items() if value is not None}
        if chosen and self.curves is None:
            raise TFGroundingError(f"{' and '.join(chosen)}: the {self.engine.name} engine has no window grid")
        watched: Any = self.watch(video)
        answers = [watched.ask(one, top_k=most, **chosen) for one in queries]
        return answers if isinstance(query, (list, tuple)) else answers[0]

    def watch_in_steps(
        self, video: AnySource, queries: Sequence[str | Plan], *, progress: Progress | None = None
    ) -> Iterator[Watched]:
        """Look at a long video roughly, then better, then as a whole; each of what comes can be asked.

        The first comes within a minute, and once more after its best places were looked at closely: of them only what
        is shown is asked, and answers have `provenance["rough"]`, the longest time in seconds in which the video was
        not looked at. The last one is what `watch` returns; it is the only one for short videos, for videos that are
        encoded already and for engines that ask a vision LLM.

        Args:
            video: a path, Pictures, or a Source.
            queries: what will be asked, so that their best places are looked at first.
            progress: called with (seconds done, seconds in all) while the whole is encoded.

        Raises:
            VideoError: the video cannot be read. PlanError: a query is empty.
        """
        if not isinstance(self.engine, CurvesEngine):
            yield self.watch(video, progress=progress)
            return
        source, engine = open_source(video), self.engine
        parts = engine.parts(source)
        yield from first_steps(engine, source, parts, queries)
        shown = engine.watch(engine.encode(source, progress=progress, parts=parts))
        yield shown if self._words is None else self._words.joined(source, shown, progress=progress)

    def ground_in_steps(
        self, video: AnySource, query: str | Plan, *, top_k: int | None = None, progress: Progress | None = None
    ) -> Iterator[Answer]:
        """When does it happen? Rough answers first, see `watch_in_steps`; the last one is what `ground` gives.

        Args:
            video: a path, Pictures, or a Source.
            query: a sentence, or a ready plan.
            top_k: moments at most; None means the Grounder's own.
            progress: called with (seconds done, seconds in all) while the whole is encoded.

        Raises:
            As `ground`.
        """
        most = self.top_k if top_k is None else _checked_top_k(top_k)
        if not isinstance(query, Plan):
            Plan(query)  # an empty query fails before the video is read
        for watched in self.watch_in_steps(video, [query], progress=progress):
            yield watched.ask(query, top_k=most)

    def ground_many(self, samples: Iterable[tuple[AnySource | VideoFeatures, str | Plan]]) -> Iterator[Answer]:
        """Ground many (video, query) pairs, watching a video once while pairs of it follow each other."""
        latest: AnySource | VideoFeatures | None = None
        watched: Watched | None = None
        for video, query in samples:
            if watched is None or (video is not latest and not _same_path(video, latest)):
                latest, watched = video, self.watch(video)
            yield watched.ask(query, top_k=self.top_k)


def _same_path(video: Any, other: Any) -> bool:
    return isinstance(video, (str, os.PathLike)) and isinstance(other, (str, os.PathLike)) and video == other


def _checked_top_k(top_k: int) -> int:
    if isinstance(top_k, bool) or not isinstance(top_k, Integral) or top_k < 1:
        raise TFGroundingError(f"top_k must be a whole number from 1 on, not {top_k!r}")
    return int(top_k)


@lru_cache(maxsize=2)
def _shared_grounder(**settings: Any) -> Grounder:
    return Grounder(**settings)


@overload
def ground(video: AnySource | VideoFeatures, query: str | Plan, **settings: Any) -> Answer: ...


@overload
def ground(video: AnySource | VideoFeatures, query: Queries, **settings: Any) -> list[Answer]: ...


def ground(video: AnySource | VideoFeatures, query: str | Plan | Queries, **settings: Any) -> Answer | list[Answer]:
    """When does it happen? The one-line form of `Grounder(**settings).ground(video, query)`.

    The models of the last two settings stay loaded, whatever `top_k`, `stride_frames` and `longest_frames` are.
    Arguments, result and errors are those of Grounder and of Grounder.ground: a list of queries gives a list of them.

    >>> ground("kitchen.mp4", "she pours the milk").moments[0]  # doctest: +SKIP
    """
    of_query = {name: settings.pop(name) for name in OF_A_QUERY if name in settings}
    kept = all(isinstance(value, Hashable) for value in settings.values())
    grounder = _shared_grounder(**settings) if kept else Grounder(**settings)
    return grounder.ground(video, query, **of_query)
