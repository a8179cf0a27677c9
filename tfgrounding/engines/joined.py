"""What the engines share that let a vision LLM look at what curves propose."""

from __future__ import annotations

from abc import ABC, abstractmethod
from copy import copy
from dataclasses import replace
from typing import Self

from ..answer import Answer
from ..errors import TFGroundingError
from ..media import AnySource
from ..types import Plan, Progress, VideoFeatures, VideoInfo
from .base import TOP_K
from .curves import CurvesEngine
from .watched_curves import WatchedCurves

OF_CURVES = "the vision model looked for the query as a whole; when each of its events happens is what the curves say"
EVERY = 1_000_000  # moments: the answer is cut after the looks, which change their order


class JoinedEngine(ABC):
    """Curves answer first, then a vision LLM looks. `curves`: what makes them; a Grounder gives it one."""

    name: str
    watches_features = True
    curves: CurvesEngine | None

    def with_curves(self, curves: CurvesEngine) -> Self:
        """The same engine with this maker of curves."""
        engine = copy(self)
        engine.curves = curves
        return engine

    def watch(self, source: AnySource | VideoFeatures, *, progress: Progress | None = None) -> WatchedJoined:
        """Encode the video, or take its features; each query looks at pictures again. Raises VideoError."""
        if self.curves is None:
            raise TFGroundingError(
                f"this {type(self).__name__} cannot propose moments: it has no curves; give it curves=CurvesEngine(...)"
            )
        watched = self.curves.watch(source, progress=progress)
        if watched.features.source is None:
            raise TFGroundingError(
                f"{watched.info.path}: the {self.name} engine looks at pictures, and these features come without their "
                "video: give it the video"
            )
        return WatchedJoined(self, watched)

    @abstractmethod
    def look(self, answer: Answer, curves: WatchedCurves) -> Answer:
        """The curves' answer after the vision LLM has looked; all its moments, best first.

        Raises:
            VideoError: the video cannot be read. RefusedError: the server refuses every request. Any other failure of
                the model is a warning.
        """


class WatchedJoined:
    """A video's curves, and the engine that looks at what they propose."""

    def __init__(self, engine: JoinedEngine, curves: WatchedCurves) -> None:
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
        """When does it happen? Arguments as for curves; returns and raises what `JoinedEngine.look` does."""
        answer = self._curves.ask(query, top_k=EVERY, stride_frames=stride_frames, longest_frames=longest_frames)
        answer = self._engine.look(answer, self._curves)
        notes = (OF_CURVES,) if answer.events else ()
        return replace(answer, spans=answer.spans[:top_k], warnings=(*answer.warnings, *notes))
