"""Curves choose where to look, a vision LLM answers yes or no about short clips there, and its P(yes) is read."""

from __future__ import annotations

from copy import copy
from dataclasses import replace
from typing import Any

from ..answer import Answer
from ..errors import TFGroundingError
from ..localizers.probabilities import ClipSearch
from ..media import AnySource
from ..types import Plan, Progress, Source, VideoFeatures, VideoInfo
from ..vision.model import VisionModel
from ..vision.views import ClipYesNo, TimeView, get_view
from .asking import counted
from .base import TOP_K, checked_count
from .clips import CLIP_SECONDS, ClipSession
from .curves import CurvesEngine, WatchedCurves
from .numpro import named_vlm

FRAMES_PER_CLIP = 4
MOST_REQUESTS = 48  # 12 coarse and 36 fine, as in FV-Action (2026)
EVERY = 1_000_000  # moments: the answer is cut at the end, when their order is known


class CascadeEngine:
    """Asks a vision LLM "is it seen in this clip?" about a few clips, first where the curves point.

    Clips of 3 s with a few frames each, as REZE (2026) asks them; coarse ones first, then fine ones, as in FV-Action
    (2026). Each answer changes how likely every window of the video is, and the next clips are those that decide most
    between the windows (see `localizers.probabilities`). When one moment is certain, the rest of the video is looked
    at too. Where the answers say nothing, or none comes, the moments of the curves stand, with a warning.

    Args:
        vlm: the vision LLM, or its name (see `load_vlm`).
        curves: what says where to look; a Grounder gives it one with its own encoder, planner and localizer.
        clip_seconds: length of a clip; None means 3, and less, down to 1.5, in videos shorter than 72 s.
        frames_per_clip: frames of a clip; fewer where the model takes fewer pictures.
        most_requests: clips asked about for one query at most.
        budget_frames: frames shown for one query at most; None means no limit but that of the requests.
        clip_view: how the frames of a clip are shown and asked about; it has `parts`, `question` and `frame_side`.
        device: where a local vision LLM runs.

    Raises:
        TFGroundingError: no vision LLM, or a setting out of range.
    """

    name = "cascade"
    watches_features = True

    def __init__(
        self,
        vlm: str | VisionModel | None = None,
        *,
        curves: CurvesEngine | None = None,
        clip_seconds: float | None = None,
        frames_per_clip: int = FRAMES_PER_CLIP,
        most_requests: int = MOST_REQUESTS,
        budget_frames: int | None = None,
        clip_view: TimeView | None = None,
        device: str = "auto",
    ) -> None:
        if not 0.1 <= (CLIP_SECONDS if clip_seconds is None else clip_seconds) <= 60 or not 1 <= frames_per_clip <= 64:
            raise TFGroundingError(
                f"a clip must have 0.1 to 60 seconds and 1 to 64 frames, not {clip_seconds} and {frames_per_clip}"
            )
        if budget_frames is not None:
            most_requests = min(most_requests, checked_count("budget_frames", budget_frames) // frames_per_clip)
        if most_requests < 2:
            least = 2 * frames_per_clip
            raise TFGroundingError(
                f"the cascade engine asks about at least 2 clips of {frames_per_clip} frames: give it a budget of "
                f"2 requests and {least} frames or more"
            )
        self.curves = curves
        self.clip_seconds = clip_seconds
        self.frames_per_clip = frames_per_clip
        self.most_requests = most_requests
        self.view = ClipYesNo(frames_per_clip) if clip_view is None else get_view(clip_view)
        self.vlm = named_vlm(vlm, engine=self.name, device=device)

    def with_curves(self, curves: CurvesEngine) -> CascadeEngine:
        """The same engine with this maker of curves."""
        engine = copy(self)
        engine.curves = curves
        return engine

    def provenance(self) -> dict[str, Any]:
        """Of the curves, and the vision LLM with its clips."""
        proposing = {} if self.curves is None else self.curves.provenance()
        clips = {"clip_seconds": self.clip_seconds, "frames_per_clip": self.frames_per_clip}
        return {**proposing, "engine": self.name, "vlm": self.vlm.name, **clips, "most_requests": self.most_requests}

    def asks_at_most(self, info: VideoInfo) -> tuple[int, int]:
        """(requests, pictures) of one query about any video."""
        return self.most_requests, self.most_requests * self.frames_per_clip

    def watch(self, source: AnySource | VideoFeatures, *, progress: Progress | None = None) -> WatchedClips:
        """Encode the video, or take its features; each query looks at clips of it. Raises VideoError."""
        if self.curves is None:
            raise TFGroundingError("this CascadeEngine has no curves: give it curves=CurvesEngine(...)")
        watched = self.curves.watch(source, progress=progress)
        if watched.features.source is None:
            raise TFGroundingError(
                f"{watched.info.path}: the cascade engine looks at pictures, and these features come without their "
                "video: give it the video"
            )
        return WatchedClips(self, watched, watched.features.source)


class WatchedClips:
    """A video's curves, and the engine that asks about clips of it."""

    def __init__(self, engine: CascadeEngine, curves: WatchedCurves, source: Source) -> None:
        self._engine, self._curves, self._source = engine, curves, source

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
        """When does it happen?

        Args:
            query: a sentence, or a ready plan.
            top_k: moments at most.
            stride_frames, longest_frames: of the curves, whose moments follow those that the vision LLM saw.

        Returns:
            An answer whose first moments were seen, scored by the mean P(yes) of the clips in them; the curves' other
            moments follow with lower scores. `present` is the mean P(yes) of the clips in the best moment.

        Raises:
            PlanError: the query is empty. VideoError: the video cannot be read. RefusedError: the vision LLM's server
                refuses every request, such as for a wrong key. Any other failure of the model is a warning.
        """
        answer = self._curves.ask(query, top_k=EVERY, stride_frames=stride_frames, longest_frames=longest_frames)
        engine = self._engine
        session = ClipSession(
            engine.vlm,
            engine.view,
            clip_seconds=engine.clip_seconds,
            frames_per_clip=engine.frames_per_clip,
            most_requests=engine.most_requests,
            source=self._source,
            query=answer.plan.query,
            duration_seconds=self.info.duration_seconds,
        )
        search = ClipSearch.of_curves(self._curves.windows(answer))
        session.run(search)
        moments, present = session.read(search, answer)
        shown = {"vlm": engine.vlm.name, "frames_shown": session.asking.spent.pictures}
        shown |= {"clips_asked": len(search.clips), **session.asking.provenance}
        return replace(
            answer,
            spans=tuple(moments[:top_k]),
            present=present,
            engine=engine.name,
            warnings=tuple(dict.fromkeys((*answer.warnings, *counted((*session.warnings, *session.asking.warnings))))),
            raw_answer="\n".join(session.replies),
            provenance={**answer.provenance, **shown},
        )
