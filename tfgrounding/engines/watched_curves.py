"""What is asked of an encoded video: its curves for a query's texts, the moments in them, each event's own moment."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from .. import __version__
from ..answer import Answer
from ..encoders.base import encoder_warnings
from ..localizers.base import QueryCurves
from ..localizers.curve_kernels import standardized
from ..localizers.default import DefaultLocalizer, evidence_curve
from ..localizers.ground_curves import ground_curves, query_curves
from ..localizers.intervals import distinct
from ..localizers.presence import presence_negations, presence_texts
from ..planning.plans import planned
from ..tracks.saliency import highlight_scores
from ..types import Plan, VideoFeatures, VideoInfo
from .base import TOP_K
from .events import MOST_CANDIDATES, with_events

if TYPE_CHECKING:
    from .curves import CurvesEngine

UNRELATED_WEIGHT = 0.15  # in highlights, of what fits a frame whatever the query is; the query's evidence has 1


class WatchedCurves:
    """A video's features, and the engine that reads curves from them.

    `rough_seconds`: for how long the video was not looked at, at most, where the features are not those of the whole.
    """

    def __init__(self, engine: CurvesEngine, features: VideoFeatures, *, rough_seconds: float | None = None) -> None:
        self._engine, self.features, self.rough_seconds = engine, features, rough_seconds

    @property
    def info(self) -> VideoInfo:
        return self.features.info

    @property
    def samples(self) -> int:
        return len(self.features)

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
            stride_frames, longest_frames: TFVTG's window grid in frames, None for the localizer's own.

        Returns:
            An Answer, with the moment of each event where the query has several.

        Raises:
            PlanError: the query is empty.
        """
        grid = {"stride_frames": stride_frames, "longest_frames": longest_frames}
        answer = with_events(
            self.ask_whole(query, top_k=top_k, **grid),
            lambda event: self.ask_whole(event, top_k=MOST_CANDIDATES, **grid),
            may_lead=getattr(self._engine.localizer, "hull_may_lead", False),
        )
        return replace(answer, spans=tuple(distinct(answer.spans, self._engine.most_overlap)[:top_k]))

    def ask_whole(self, query: str | Plan, *, top_k: int = TOP_K, **grid: int | None) -> Answer:
        """As `ask`, without a moment for each event."""
        engine, features = self._engine, self.features
        plan = query if isinstance(query, Plan) else planned(engine.planner, query)
        curves = dict(zip(plan.texts, engine.curves(features, plan.texts), strict=True))
        unrelated = engine.unrelated(features)
        moments = ground_curves(
            curves,
            plan,
            duration_seconds=features.info.duration_seconds,
            pts_seconds=features.sample_seconds,
            floor=unrelated.floor,
            null_curves=unrelated.curves,
            localizer=engine.localizer,
            features=features.frame_vectors,
            edges_seconds=features.edges_seconds,
            likely=engine.likely(features, plan),
            **grid,
        )
        judged = np.stack([curves[text] for text in presence_texts(plan)])
        return Answer(
            spans=tuple(distinct(moments, engine.most_overlap)[:top_k]),
            query=plan.original or plan.query,
            plan=plan,
            video=features.info,
            engine=engine.name,
            encoder=engine.encoder.name,
            localizer=engine.localizer.name,
            curve=curves[plan.query],
            curves=curves,
            pts_seconds=features.sample_seconds,
            present=unrelated.presence.probability(judged, negated=presence_negations(plan)),
            warnings=(
                *features.info.warnings,
                *encoder_warnings(engine.encoder),
                *plan.warnings,
                *engine.text_notes(plan.texts),
                *engine.language_notes(features, plan.query),
            ),
            provenance={
                "tfgrounding": __version__,
                "encoder_revision": engine.encoder.revision,
                "floor": unrelated.floor,
                "rate_hz": features.rate_hz,
                **({} if self.rough_seconds is None else {"rough": self.rough_seconds}),
            },
            source=features.source,
        )

    def saliency(self, answer: Answer, duration_seconds: float) -> list[float]:
        """How salient every two seconds are for the query of an answer of this video: see `highlight_scores`."""
        curve, edges, *_, first_frames = evidence_curve(self._given(answer))
        common = self._engine.unrelated(self.features).curves.mean(axis=0, dtype=np.float64)[first_frames]
        curve = curve - UNRELATED_WEIGHT * standardized(common, np.diff(edges))
        return highlight_scores(curve, edges, answer.moments, duration_seconds)

    def windows(self, answer: Answer) -> np.ndarray:
        """Where the event of an answer of this video may be, by its curves.

        Returns:
            (4, W) float64: starts and ends in seconds of windows of every length and place, their log posterior up to
            a constant as the default localizer reads the curves, and the height of the query's mean curve in them, in
            standard deviations above its mean.
        """
        given = self._given(answer)
        starts, ends, log = DefaultLocalizer().windows(given)
        curve, edges = given.query.mean(axis=0), given.edges_seconds
        height = (curve - curve.mean()) / (curve.std() or 1.0)
        integral = np.concatenate([[0.0], np.cumsum(height * np.diff(edges))])
        inside = np.interp(ends, edges, integral) - np.interp(starts, edges, integral)
        return np.stack([starts, ends, log, inside / (ends - starts)])

    def _given(self, answer: Answer) -> QueryCurves:
        """What the localizer was given for an answer of this video."""
        unrelated = self._engine.unrelated(self.features)
        return query_curves(
            answer.curves,
            answer.plan,
            duration_seconds=self.info.duration_seconds,
            pts_seconds=answer.pts_seconds,
            floor=unrelated.floor,
            null_curves=unrelated.curves,
            features=self.features.frame_vectors,
            edges_seconds=self.features.edges_seconds,
        )
