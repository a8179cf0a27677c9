"""Answers as the tools give them to a model: without curves, with few words."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..answer import Answer
from ..show.evidence import quotable
from ..types import Span
from .folder import SafeVideo
from .tool_models import (
    MOST_EVIDENCE,
    MOST_TRACKS,
    FoundEvent,
    FoundEvidence,
    FoundMoment,
    FoundTrack,
    GroundedVideo,
    MatchedVideo,
)

LONGEST_WORDS_COLUMNS = 300  # of one piece of evidence
BEST_SECONDS = 1.0  # found the right video of 67 more often than the mean over the best moment (benchmarks/search.py)


def grounded_video(video: SafeVideo, answer: Answer) -> GroundedVideo:
    """What `ground_video` gives: the answer without its curves."""
    found = answer.to_dict(curves=False)
    found["video"] |= {"path": video.name, "source": {"kind": "file", "path": video.name}}
    for moment, span in zip(found["moments"], answer.moments, strict=True):
        moment |= _evidence(span)
    for event, known in zip(found.get("events", ()), answer.events, strict=True):
        event |= _evidence(known.moment)
    found |= {"tracks": _tracks(answer)}
    return GroundedVideo(**found, similarity=round(best_similarity(answer), 4))


def matched_video(video: SafeVideo, answer: Answer) -> MatchedVideo:
    """What `search_videos` gives of a video; rounded: a model reads some of them at once."""
    return MatchedVideo(
        video=video.name,
        query=answer.query,
        duration_seconds=round(answer.video.duration_seconds, 3),
        moments=[
            FoundMoment(
                start_seconds=round(m.start_seconds, 3),
                end_seconds=round(m.end_seconds, 3),
                score=round(m.score, 4),
                **_evidence(m),
            )
            for m in answer.moments
        ],
        events=[
            FoundEvent(
                text=event.text,
                start_seconds=round(event.moment.start_seconds, 3),
                end_seconds=round(event.moment.end_seconds, 3),
                score=round(event.moment.score, 4),
                present=_rounded(event.present),
                **_evidence(event.moment),
            )
            for event in answer.events
        ],
        present=_rounded(answer.present),
        similarity=round(best_similarity(answer), 4),
        encoder=answer.encoder,
        warnings=list(answer.warnings),
        tracks=[track.model_copy(update={"revision": ""}) for track in _tracks(answer)],
    )


def _rounded(present: float | None) -> float | None:
    return None if present is None else round(present, 3)


def _evidence(span: Span) -> dict[str, Any]:
    """What speaks for a moment, in few words: a model reads them all."""
    return {
        "evidence": [
            FoundEvidence(
                track=evidence.track,
                start_seconds=round(evidence.start_seconds, 3),
                end_seconds=round(evidence.end_seconds, 3),
                text=quotable(evidence.text, columns=LONGEST_WORDS_COLUMNS),
            )
            for evidence in span.evidence[:MOST_EVIDENCE]
        ],
        "evidence_left_out": max(0, len(span.evidence) - MOST_EVIDENCE),
    }


def _tracks(answer: Answer) -> list[FoundTrack]:
    return [
        FoundTrack(
            kind=track.kind,
            source=quotable(track.source, columns=LONGEST_WORDS_COLUMNS),
            revision=quotable(track.revision, columns=LONGEST_WORDS_COLUMNS),
            present=round(track.present, 3),
            voted=track.voted,
        )
        for track in answer.tracks[:MOST_TRACKS]
    ]


def best_similarity(answer: Answer) -> float:
    """Mean similarity of the query over its best second of samples: unlike a moment's score, it compares videos."""
    if len(answer.curve) == 0:
        return 0.0
    spacing = answer.video.duration_seconds / len(answer.curve)
    best = np.sort(answer.curve)[-max(1, round(BEST_SECONDS / spacing)) :]
    return float(best.mean())
