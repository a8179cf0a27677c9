"""Curves choose where to look, a vision LLM answers yes or no about short clips there, and its P(yes) is read."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ..answer import Answer
from ..errors import TFGroundingError
from ..localizers.probabilities import ClipSearch
from ..types import VideoInfo
from ..vision.model import VisionModel
from ..vision.views import ClipYesNo, TimeView, get_view
from .asking import counted
from .base import checked_count
from .clips import CLIP_SECONDS, ClipSession
from .curves import CurvesEngine
from .joined import JoinedEngine
from .numpro import named_vlm
from .watched_curves import WatchedCurves

FRAMES_PER_CLIP = 4
MOST_REQUESTS = 48  # 12 coarse and 36 fine, as in FV-Action (2026)


class CascadeEngine(JoinedEngine):
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

    def provenance(self) -> dict[str, Any]:
        """Of the curves, and the vision LLM with its clips."""
        proposing = {} if self.curves is None else self.curves.provenance()
        clips = {"clip_seconds": self.clip_seconds, "frames_per_clip": self.frames_per_clip}
        return {**proposing, "engine": self.name, "vlm": self.vlm.name, **clips, "most_requests": self.most_requests}

    def asks_at_most(self, info: VideoInfo) -> tuple[int, int]:
        """(requests, pictures) of one query about any video."""
        return self.most_requests, self.most_requests * self.frames_per_clip

    def look(self, answer: Answer, curves: WatchedCurves) -> Answer:
        """The curves' answer after clips were asked about.

        Returns:
            An answer whose first moments were seen, scored by the mean P(yes) of the clips in them; the curves' other
            moments follow with lower scores. `present` is the mean P(yes) of the clips in the best moment.

        Raises:
            VideoError: the video cannot be read. RefusedError: the vision LLM's server refuses every request, such as
                for a wrong key. Any other failure of the model is a warning.
        """
        if answer.source is None:
            raise TFGroundingError(f"{answer.video.path}: the answer comes without its video: no clip can be shown")
        session = ClipSession(
            self.vlm,
            self.view,
            clip_seconds=self.clip_seconds,
            frames_per_clip=self.frames_per_clip,
            most_requests=self.most_requests,
            source=answer.source,
            query=answer.plan.own_words,
            duration_seconds=curves.info.duration_seconds,
        )
        search = ClipSearch.of_curves(curves.windows(answer))
        session.run(search)
        moments, present = session.read(search, answer)
        shown = {"vlm": self.vlm.name, "frames_shown": session.asking.spent.pictures}
        shown |= {"clips_asked": len(search.clips), **session.asking.provenance}
        return replace(
            answer,
            spans=tuple(moments),
            present=present,
            engine=self.name,
            warnings=tuple(dict.fromkeys((*answer.warnings, *counted((*session.warnings, *session.asking.warnings))))),
            raw_answer="\n".join(session.replies),
            provenance={**answer.provenance, **shown},
        )
