"""The track of sounds, ready for queries: "a dog barks" is listened for."""

from __future__ import annotations

from dataclasses import replace

from ..encoders.clap import ClapEncoder
from ..types import Evidence, Plan, TrackKind, VideoFeatures
from .base import TOP_K
from .curves import CurvesEngine
from .watched_curves import WatchedCurves
from .word_track import TrackFinding


class SoundTrack:
    """What `sound_features` made of a video, and the encoder that compares it with queries.

    Args:
        features: of the video's sound.
        encoder: which made them.
    """

    kind: TrackKind = "heard"
    source = "sound"

    def __init__(self, features: VideoFeatures, encoder: ClapEncoder) -> None:
        self.features, self.revision = features, encoder.revision
        self.engine = CurvesEngine(encoder=encoder, cache=False)
        self._watched = WatchedCurves(self.engine, features)

    def find(self, plan: Plan, *, top_k: int = TOP_K) -> TrackFinding:
        """When is it heard? At most `top_k` moments."""
        answer = self._watched.ask_whole(plan, top_k=top_k)
        assert answer.present is not None and self.features.edges_seconds is not None
        return TrackFinding(
            kind=self.kind,
            edges_seconds=self.features.edges_seconds,
            curve=answer.curve,
            moments=tuple(
                replace(moment, evidence=(Evidence(self.kind, moment.start_seconds, moment.end_seconds),))
                for moment in answer.spans
            ),
            present=answer.present,
            exact=0.0,
            warnings=answer.warnings,
        )
