"""Answers in which tracks of words have a part, built by hand."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np

from tfgrounding import Answer, Moment
from tfgrounding.types import Evidence, TrackCurve


def track(
    kind="said", source="subtitles talk.en.srt", *, present=0.97, voted=True, curve=(0.1, 0.9, 0.2, 0.1), end=4.0
):
    values = np.asarray(curve, dtype=np.float32)
    edges = np.linspace(0.0, end, len(values) + 1) if len(values) else np.zeros(0)
    return TrackCurve(kind, source, "revision 1", present, voted, edges, values)


def worded(answer: Answer, *evidence: Evidence, tracks=None) -> Answer:
    """The answer with evidence for its best moment, and the tracks that were asked."""
    best, *others = answer.moments
    end = answer.video.duration_seconds
    if tracks is None:
        tracks = (track(end=end), track("written", "screen", present=0.3, voted=False, end=end))
    return replace(answer, spans=(replace(best, evidence=evidence), *others), tracks=tuple(tracks))


def milk(answer: Answer) -> Answer:
    """The best moment is said and shown."""
    best: Moment = answer.moments[0]
    middle = (best.start_seconds + best.end_seconds) / 2
    return worded(
        answer,
        Evidence("said", best.start_seconds, middle, "let's start with the milk"),
        Evidence("shown", best.start_seconds, best.end_seconds),
    )


class Worded:
    """A grounder in whose answers tracks of words have a part."""

    def __init__(self, grounder, change=milk):
        self.grounder, self.change = grounder, change

    def watch(self, source, progress=None):
        watched = self.grounder.watch(source, progress=progress)
        return SimpleNamespace(ask=lambda query, **options: self.change(watched.ask(query, **options)))
