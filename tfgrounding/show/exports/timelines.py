"""Moments for editors: CMX 3600 edit lists and OpenTimelineIO, counted in frames of a standard rate.

Both name the frames of the file: they count from its start, and from its start timecode where it states one.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ...answer import Answer
from ...errors import TFGroundingError
from ...types import Evidence, Moment
from ..evidence import shown_evidence, words_of
from .common import event_name, numbered_events, one_line, ranked
from .timecode import EditRate, edit_rate

TIMECODES = ("file", "zero")
EVENT_COLOR = "RED"  # of locators and markers; one that both formats know
MOST_NOTES, TEXT_COLUMNS = 20, 200  # comments or markers on one moment


def edl_text(answers: Sequence[Answer], *, timecode: str = "file") -> str:
    """CMX 3600: the moments one after the other, best first, query by query. In the best one locators name the events.

    Args:
        answers: what was found.
        timecode: "file" counts from the start timecode that a file states, "zero" from 0.
    """
    rate = _checked_rate(answers, timecode)
    lines = ["TITLE: tfgrounding moments", f"FCM: {'' if rate.drop_frame else 'NON-'}DROP FRAME", ""]
    recorded = 0
    for number, (answer, rank, moment) in enumerate(ranked(answers), start=1):
        first, count = frame_span(answer, moment, rate, timecode)
        source = f"{rate.timecode(first)} {rate.timecode(first + count)}"
        record = f"{rate.timecode(recorded)} {rate.timecode(recorded + count)}"
        lines.append(f"{number:03d}  AX       V     C        {source} {record}")
        lines.append(f"* FROM CLIP NAME: {one_line(Path(answer.video.path).name)}")
        lines.append(f"* COMMENT: {one_line(answer.query)} (no. {rank}, score {moment.score:.3f})")
        lines.extend(f"* COMMENT: {words}" for words in words_of(moment, columns=TEXT_COLUMNS, most=MOST_NOTES))
        for name, part in _events_in(answer, rank):
            at, frames = frame_span(answer, part, rate, timecode)
            begins = recorded + min(max(at - first, 0), count - 1)
            lines.append(f"* LOC: {rate.timecode(begins)} {EVENT_COLOR:7} {name}")
            lines.append(f"* COMMENT: {name}: {rate.timecode(at)} to {rate.timecode(at + frames)}")
        recorded += count
    return "\n".join(lines) + "\n"


def otio_text(answers: Sequence[Answer], *, timecode: str = "file") -> str:
    """OpenTimelineIO's JSON: one track, one clip a moment, best first, query by query.

    Markers hold what words say, and in a query's best moment its events.

    Args:
        answers: what was found.
        timecode: "file" counts from the start timecode that a file states, "zero" from 0.
    """
    rate = _checked_rate(answers, timecode)
    media = {id(answer): _media(answer, rate, timecode) for answer in answers if answer.moments}
    clips = []
    for answer, rank, moment in ranked(answers):
        clips.append(
            {
                "OTIO_SCHEMA": "Clip.2",
                "name": one_line(answer.query),
                "source_range": _time_range(*frame_span(answer, moment, rate, timecode), rate),
                "media_references": {"DEFAULT_MEDIA": media[id(answer)]},
                "active_media_reference_key": "DEFAULT_MEDIA",
                "enabled": True,
                "effects": [],
                "markers": [
                    *_event_markers(answer, rank, moment, rate, timecode),
                    *_markers(answer, moment, rate, timecode),
                ],
                "metadata": {
                    "tfgrounding": {
                        "query": answer.query,
                        "rank": rank,
                        "score": moment.score,
                        "start_seconds": moment.start_seconds,
                        "end_seconds": moment.end_seconds,
                        **({"events": answer.to_dict(curves=False)["events"]} if rank == 1 and answer.events else {}),
                        **({"evidence": [asdict(evidence) for evidence in moment.evidence]} if moment.evidence else {}),
                    }
                },
            }
        )
    track = {"OTIO_SCHEMA": "Track.1", "name": "moments", "kind": "Video", "children": clips}
    stack = {"OTIO_SCHEMA": "Stack.1", "name": "tracks", "children": [track]}
    timeline = {"OTIO_SCHEMA": "Timeline.1", "name": "tfgrounding moments", "metadata": {}, "tracks": stack}
    return json.dumps(timeline, indent=1) + "\n"


def checked_timecode(timecode: str) -> str:
    """The choice itself. Raises TFGroundingError where it is not one of TIMECODES."""
    if timecode not in TIMECODES:
        raise TFGroundingError(f"timecode must be {' or '.join(TIMECODES)}, not {timecode!r}")
    return timecode


def _markers(answer: Answer, moment: Moment, rate: EditRate, timecode: str) -> list[dict[str, Any]]:
    """A marker for each piece of evidence with words that overlaps the moment, cut to it."""
    markers: list[dict[str, Any]] = []
    duration = answer.video.duration_seconds
    for evidence in shown_evidence(moment, duration, columns=TEXT_COLUMNS, most=MOST_NOTES)[0]:
        start = max(evidence.start_seconds, moment.start_seconds)
        end = min(evidence.end_seconds, moment.end_seconds)
        if evidence.text and start < end:
            part = frame_span(answer, Evidence(evidence.track, start, end), rate, timecode)
            markers.append(_marker(evidence.track, evidence.text, "GREEN", _time_range(*part, rate)))
    return markers


def _event_markers(answer: Answer, rank: int, moment: Moment, rate: EditRate, timecode: str) -> list[dict[str, Any]]:
    """A marker for each event that overlaps its query's best moment, cut to it."""
    markers = []
    for name, part in _events_in(answer, rank):
        start, end = max(part.start_seconds, moment.start_seconds), min(part.end_seconds, moment.end_seconds)
        if start < end:
            cut = frame_span(answer, Moment(start, end, part.score), rate, timecode)
            times = f"{part.start_seconds:.3f} to {part.end_seconds:.3f} s"
            markers.append(_marker(name, times, EVENT_COLOR, _time_range(*cut, rate)))
    return markers


def _events_in(answer: Answer, rank: int) -> list[tuple[str, Moment]]:
    """The names and moments of a query's events, for its best moment."""
    return [(event_name(row), row[2].moment) for row in numbered_events([answer])] if rank == 1 else []


def _marker(name: str, comment: str, color: str, marked_range: dict[str, Any]) -> dict[str, Any]:
    return {
        "OTIO_SCHEMA": "Marker.2",
        "name": name,
        "comment": comment,
        "color": color,
        "marked_range": marked_range,
        "metadata": {},
    }


def frame_span(answer: Answer, moment: Moment | Evidence, rate: EditRate, timecode: str) -> tuple[int, int]:
    """(first frame as the file counts them, number of frames >= 1) of a moment."""
    offset = answer.video.start_offset_seconds
    first = rate.frame(offset + moment.start_seconds)
    count = max(1, rate.frame(offset + moment.end_seconds) - first)
    return _start_frame(answer, rate, timecode) + first, count


def _start_frame(answer: Answer, rate: EditRate, timecode: str) -> int:
    stated = answer.video.start_timecode
    return rate.frame_named(stated) if stated and timecode == "file" else 0


def _media(answer: Answer, rate: EditRate, timecode: str) -> dict[str, Any]:
    """Where the pictures come from; an array and a list of pictures have no address."""
    path = Path(answer.video.path)
    last = max((frame_span(answer, moment, rate, timecode) for moment in answer.moments), key=sum)
    start = _start_frame(answer, rate, timecode)
    whole = rate.frame(answer.video.start_offset_seconds + answer.video.duration_seconds)
    media: dict[str, Any] = {
        "OTIO_SCHEMA": "MissingReference.1",
        "available_range": _time_range(start, max(whole, sum(last) - start), rate),
        "name": path.name,
        "metadata": {},
    }
    source = {"path": answer.video.path} if answer.source is None else answer.source.to_dict()
    place = source.get("path", source.get("folder"))
    if place is not None:
        media |= {"OTIO_SCHEMA": "ExternalReference.1", "target_url": Path(place).resolve().as_uri()}
    return media


def _time_range(first: int, count: int, rate: EditRate) -> dict[str, Any]:
    def time(value: int) -> dict[str, Any]:
        return {"OTIO_SCHEMA": "RationalTime.1", "rate": float(rate.hz), "value": float(value)}

    return {"OTIO_SCHEMA": "TimeRange.1", "start_time": time(first), "duration": time(count)}


def _checked_rate(answers: Sequence[Answer], timecode: str) -> EditRate:
    checked_timecode(timecode)
    return edit_rate(answer.video for answer in answers)
