"""Both engines: curves propose moments, a vision LLM looks at the best of them and corrects their ends."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from ..answer import Answer
from ..errors import TFGroundingError
from ..media.frames import checked_rate
from ..types import VideoInfo
from ..vision.views import ClipYesNo, TimeView, chosen_view
from ..vision.vlm import VisionModel
from .base import checked_count
from .curves import CurvesEngine
from .estimate import fitting_pictures
from .joined import JoinedEngine
from .looks import LEAST_FRAMES, Looks
from .numpro import named_vlm
from .watched_curves import WatchedCurves

RATE_HZ = 8.0
BUDGET_FRAMES = 256
LEAST_BUDGET = 16
MOST_PROPOSALS = 32


class HybridEngine(JoinedEngine):
    """Lets a vision LLM correct what curves propose, without trusting it further than it agrees with itself.

    The model is asked about a few frames at a time: of the whole video, around a proposal, around what earlier replies
    named, or of several of these side by side; each time about those frames where the reply is least certain. Replies
    and proposals are joined by Bayes' rule (see `Posterior`): a reply that no other confirms weighs little, and "none"
    contradicts only what those frames could show. Where no reply names a part of what was shown, the moments stay as
    the curves gave them.

    Args:
        vlm: the vision LLM, or its name (see `load_vlm`).
        curves: what makes the proposals; a Grounder gives it one with its own encoder, planner and localizer.
        view: a way to show time that asks for intervals, by name or as an object; "auto": the one that the model knows.
        look_rate_hz: the most frames a second that are shown.
        budget_frames: frames shown for one query in all, those shown twice counted twice; at least 16.
        most_proposals: how many of the best proposals, and of the peaks of the query's curve, count.
        max_tokens: longest reply.
        device: where a local vision LLM runs.

    Raises:
        TFGroundingError: no vision LLM, a view that is not known or makes a curve, or a budget too small to look at
            anything.
    """

    name = "hybrid"

    def __init__(
        self,
        vlm: str | VisionModel | None = None,
        *,
        curves: CurvesEngine | None = None,
        view: str | TimeView = "auto",
        look_rate_hz: float = RATE_HZ,
        budget_frames: int = BUDGET_FRAMES,
        most_proposals: int = MOST_PROPOSALS,
        max_tokens: int = 256,
        device: str = "auto",
    ) -> None:
        self.vlm = named_vlm(vlm, engine=self.name, device=device)
        self.view = chosen_view(view, self.vlm)
        if isinstance(self.view, ClipYesNo):
            raise TFGroundingError(
                "clip-yes-no makes a curve of its own; the hybrid engine needs a view with intervals"
            )
        most_proposals = checked_count("most_proposals", most_proposals)
        if checked_count("budget_frames", budget_frames) < LEAST_BUDGET:
            raise TFGroundingError(
                f"the hybrid engine needs a budget_frames of at least {LEAST_BUDGET}, not {budget_frames}"
            )
        self.curves = curves
        self.look_rate_hz = checked_rate(look_rate_hz)
        self.budget_frames = budget_frames
        self.most_proposals = most_proposals
        self.max_tokens = max_tokens

    def provenance(self) -> dict[str, Any]:
        """Of the curves, and the vision LLM with its way to show time."""
        proposing = {} if self.curves is None else self.curves.provenance()
        return {**proposing, "engine": self.name, "vlm": self.vlm.name, "view": self.view.name}

    def asks_at_most(self, info: VideoInfo) -> tuple[int, int]:
        """(requests, pictures) of one query about such a video. Raises ModelError."""
        most = fitting_pictures(self.vlm, self.view, info) * self.view.frames_per_picture
        looks = self.budget_frames // min(LEAST_FRAMES, most)
        return looks, -(-self.budget_frames // self.view.frames_per_picture)

    def look(self, answer: Answer, curves: WatchedCurves) -> Answer:
        return self.corrected(answer)

    def corrected(self, answer: Answer) -> Answer:
        """An answer's best moments after a look at them.

        Returns:
            The answer, corrected; with a warning and its moments unchanged where the model fails or names nothing.

        Raises:
            VideoError: the video cannot be read. RefusedError: the server refuses every request.
        """
        if answer.source is None:
            raise TFGroundingError(f"{answer.video.path}: the answer comes without its video: it cannot be corrected")
        session = Looks(self, answer)
        session.take()
        moments = session.moments(answer.moments)
        warnings = (*answer.warnings, *session.warnings, *session.spacing(moments), *session.asking.warnings)
        return replace(
            answer,
            spans=moments,
            engine=self.name,
            present=session.present(answer.present),
            warnings=tuple(dict.fromkeys(warnings)),
            raw_answer="\n".join(session.replies),
            provenance={
                **answer.provenance,
                "vlm": self.vlm.name,
                "view": self.view.name,
                "frames_shown": session.asking.spent.pictures * self.view.frames_per_picture,
                **session.asking.provenance,
            },
        )
