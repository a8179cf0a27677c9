"""A video of which several tracks can be asked: what is shown by any engine, what is said and written as words."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import Any

import numpy as np

from .. import __version__
from ..answer import Answer
from ..localizers.fusion import Reading, fused, in_order, presence_of_all, voting
from ..localizers.intervals import distinct
from ..planning.planner import Planner
from ..planning.plans import planned
from ..tracks.text_curves import MET
from ..types import Moment, Plan, Source, SubEvent, TrackCurve, TrackKind, VideoInfo
from .base import TOP_K, Watched
from .events import event_moments, plan_of, several_events
from .sound_track import SoundTrack
from .word_track import TrackFinding, WordTrack

NAME = "words"  # of the engine of answers for which no picture was looked at
LEAST_MOMENTS = 20  # asked of the pictures, whatever number is wanted: other tracks change their order
LEAST_SHARE = 0.5  # of the events' scores that is kept by a pick in order; below that a warning is given
ONLY_SHOWN = "what is not there is looked for in the pictures only, not in words or sounds"
LINE_WORDS = 4  # of a negated query, from which on it may be a line of a track
UNKNOWN = 0.5  # `present` of an engine that does not say
OF_WORDS: tuple[TrackKind, ...] = ("said", "written")


@dataclass(frozen=True, slots=True)
class _Read:
    """What all tracks answer to one event.

    `led`: the moments of the tracks that were asked first, where these have an answer, else all moments.
    """

    moments: list[Moment]
    led: list[Moment]
    present: float | None
    shown: Answer | None
    findings: tuple[TrackFinding, ...]
    voted: frozenset[TrackKind]
    warnings: tuple[str, ...]


class WatchedTracks:
    """The tracks of one video.

    Args:
        shown: what an engine watched; None where only words are asked.
        words: the tracks of words and sounds, ready to be asked; at least one where `shown` is None. Without any, only
            queries that ask for words are answered otherwise than by `shown`: with a warning.
        planner: makes the plan of a query once for all tracks.
        source: the video.
        warnings: about the tracks, for each answer.
        most_overlap: see `Grounder`.
    """

    def __init__(
        self,
        shown: Watched | None,
        words: Sequence[WordTrack | SoundTrack],
        *,
        planner: Planner,
        source: Source,
        warnings: Sequence[str] = (),
        most_overlap: float = 1.0,
    ) -> None:
        self._shown, self._words, self._planner = shown, tuple(words), planner
        self._source, self._warnings, self._most_overlap = source, tuple(warnings), most_overlap

    def __getattr__(self, name: str) -> Any:
        return getattr(self._shown, name)

    @property
    def info(self) -> VideoInfo:
        return self._source.info if self._shown is None else self._shown.info

    @property
    def samples(self) -> int:
        return 0 if self._shown is None else self._shown.samples

    def ask(self, query: str | Plan, *, top_k: int = TOP_K, **grid: Any) -> Answer:
        """When does it happen, by all tracks?

        Args:
            query: a sentence, or a ready plan.
            top_k: moments at most.
            grid: what the engine of the pictures takes beside these.

        Raises:
            What the engine of the pictures raises. PlanError: the query is empty.
        """
        plan = query if isinstance(query, Plan) else planned(self._planner, query)
        if self._shown is None and not self._words:
            return self._of_words(plan, (), 0.0, self._warnings, ())
        most = max(top_k, LEAST_MOMENTS) if self._words else top_k
        whole = self._read(plan, most, grid)
        moments, present, warnings, parts = whole.moments, whole.present, whole.warnings, [whole]
        events = () if whole.shown is None else whole.shown.events
        asks_words = plan.relation != "single-query" and any(map(_asked, plan.sub_events))
        if self._words and (asks_words or (self._shown is None and several_events(plan))):
            of_events = [self._read(plan_of(event), most, grid, is_event=True) for event in plan.sub_events]
            if asks_words:
                parts = of_events
                moments, present, warnings = self._ordered(parts, plan, whole)
            events, notes = event_moments(plan, [replace(part, moments=part.led) for part in of_events])
            warnings = (*warnings, *notes)
        elif asks_words:
            missing = [self._notes((), frozenset(), _asked(event)) for event in plan.sub_events]
            warnings = tuple(dict.fromkeys(note for some in missing for note in some))
        spans = tuple(distinct(moments, self._most_overlap)[:top_k])
        tracks = tuple(self._curve(finding, parts) for finding in whole.findings)
        of_tracks = (note for finding in whole.findings for note in finding.warnings)
        warnings = tuple(dict.fromkeys((*self._warnings, *warnings, *of_tracks)))
        if whole.shown is not None:
            warnings = tuple(dict.fromkeys((*whole.shown.warnings, *warnings)))
            return replace(whole.shown, spans=spans, present=present, warnings=warnings, tracks=tracks, events=events)
        return replace(self._of_words(plan, spans, present, warnings, tracks), events=events)

    def _of_words(
        self,
        plan: Plan,
        spans: tuple[Moment, ...],
        present: float | None,
        warnings: tuple[str, ...],
        tracks: tuple[TrackCurve, ...],
    ) -> Answer:
        """An answer for which no picture was looked at; its curve is that of the track that fits best."""
        curve, edges, engine = np.empty(0), np.zeros(1), None
        if tracks:
            best = max(tracks, key=lambda track: track.present)
            curve, edges = best.curve, best.edges_seconds
            engine = next(word.engine for word in self._words if word.kind == best.kind)
        revision = {} if engine is None else {"encoder_revision": engine.encoder.revision}
        return Answer(
            spans=spans,
            query=plan.original or plan.query,
            plan=plan,
            video=self.info,
            engine=NAME,
            encoder="none" if engine is None else engine.encoder.name,
            localizer="none" if engine is None else engine.localizer.name,
            curve=curve,
            pts_seconds=(edges[:-1] + edges[1:]) / 2,
            present=present,
            warnings=tuple(dict.fromkeys((*self.info.warnings, *plan.warnings, *warnings))),
            provenance={"tfgrounding": __version__, **revision, "looked_at": "texts"},
            source=self._source,
            tracks=tracks,
        )

    def _read(self, plan: Plan, most: int, grid: dict[str, Any], *, is_event: bool = False) -> _Read:
        """What all tracks answer; the pictures are not asked for one event of a query whose words were found."""
        asked = _asked(plan)
        findings = self._findings(plan, most)
        readings = [Reading(found.kind, tuple(found.moments), found.present) for found in findings]
        shown = None
        are_found = is_event and any(reading.kind in asked for reading in voting(readings, asked))
        if are_found:
            readings = [reading for reading in readings if reading.kind in asked]
        elif self._shown is not None:
            shown = self._shown.ask(plan, top_k=most, **grid)
            readings.insert(0, Reading("shown", shown.moments, UNKNOWN if shown.present is None else shown.present))
        voted = frozenset(reading.kind for reading in voting(readings, asked))
        moments = fused(readings, asked)
        if not moments and readings and shown is None:  # the best of what there is, with its low `present`
            moments = list(max(readings, key=lambda reading: reading.present).moments)
        led = fused([reading for reading in readings if reading.kind in asked], asked) or moments
        present, notes = _present(readings, shown, asked, voted), self._notes(readings, voted, asked)
        if plan.denies and self._words and not findings:
            notes = (ONLY_SHOWN,)
        return _Read(moments, led, present, shown, findings, voted, notes)

    def _findings(self, plan: Plan, most: int) -> tuple[TrackFinding, ...]:
        """What the tracks of words and sounds answer to a query.

        What is not said is no moment. But a line may have a "not" in it: where it stands in a track word for word, it
        is what the query means.
        """
        if not plan.denies:
            return tuple(track.find(plan, top_k=most) for track in self._words)
        if len(plan.original.split()) < LINE_WORDS:
            return ()
        found = [track.find(Plan(plan.original), top_k=most) for track in self._words]
        return tuple(finding for finding in found if finding.exact >= MET)

    def _ordered(
        self, parts: Sequence[_Read], plan: Plan, whole: _Read
    ) -> tuple[list[Moment], float | None, tuple[str, ...]]:
        """Moments, presence and warnings of a query of several events, of which some ask for words."""
        moments, share = in_order([part.led for part in parts], plan.relation)
        warnings = dict.fromkeys(note for part in parts for note in part.warnings)
        known = [part.present for part in parts if part.present is not None]
        if share < LEAST_SHARE:
            how = "at the same time" if plan.relation == "simultaneously" else "in this order"
            warnings[f"the best moments of the events do not follow each other {how}"] = None
        return moments or whole.moments, prod(known) * share if known else whole.present, tuple(warnings)

    def _notes(
        self, readings: Sequence[Reading], voted: Collection[TrackKind], asked: Sequence[TrackKind]
    ) -> tuple[str, ...]:
        """What is to be said where the query asks for words that are not found."""
        if not asked or any(kind in voted for kind in asked):
            return ()
        wanted = " or ".join(asked)
        if not any(reading.kind in asked for reading in readings):
            names = ",".join(asked)
            return (
                f"the query asks for what is {wanted}, but no such track of this video was read; "
                f"`tfgrounding encode --tracks {names} VIDEO` makes it",
            )
        rest = "; the moments are those of what is shown" if self._shown is not None else ""
        return (f"nothing that is {wanted} in this video fits the query{rest}",)

    def _curve(self, finding: TrackFinding, parts: Sequence[_Read]) -> TrackCurve:
        """How a track fits the whole query; whether it has one of the events that the query consists of."""
        track = next(word for word in self._words if word.kind == finding.kind)
        found = [one for part in parts for one in part.findings if one.kind == finding.kind] or [finding]
        return TrackCurve(
            kind=finding.kind,
            source=track.source,
            revision=track.revision,
            present=max(one.present for one in found),
            voted=any(finding.kind in part.voted for part in parts),
            edges_seconds=finding.edges_seconds,
            curve=finding.curve,
        )


def _asked(plan: Plan | SubEvent) -> tuple[TrackKind, ...]:
    """The kinds of tracks that are asked first; words without a kind may be said or written."""
    if plan.asks:
        return (plan.asks,)
    return OF_WORDS if plan.words else ()


def _present(
    readings: Sequence[Reading], shown: Answer | None, asked: Sequence[TrackKind], voted: Collection[TrackKind]
) -> float | None:
    """The probability that the event is in the video: by the tracks that were asked first where there are any."""
    of_asked = [reading.present for reading in readings if reading.kind in asked]
    if of_asked:
        return presence_of_all(of_asked)
    words = [reading for reading in readings if reading.kind != "shown"]
    heard = [reading.present for reading in words if reading.kind in voted]
    if shown is None:
        return presence_of_all(heard) if heard else max((reading.present for reading in words), default=None)
    if shown.present is None:
        return presence_of_all(heard) if heard else None
    return presence_of_all([shown.present, *heard]) if heard else shown.present
