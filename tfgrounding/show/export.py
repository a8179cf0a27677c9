"""Answers in other programs' words: JSON, JSON lines, CSV, subtitles, chapters, edit lists, timelines."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..answer import Answer
from ..errors import TFGroundingError
from ..types import Moment

SALIENCY_CLIP_SECONDS = 2.0  # QVHighlights rates clips of this length (Lei et al. 2021)
EDIT_RATE_HZ = 25.0  # for edit lists of a video whose own rate is unknown or cannot be written in a timecode
HIGHEST_EDIT_RATE_HZ = 60.0  # a CMX 3600 timecode has two digits for the frame
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")  # a spreadsheet runs such a cell; a quote in front makes it text
SUBTITLE_MARKUP = str.maketrans({"<": "‹", ">": "›", "{": "(", "}": ")"})  # SubRip has tags but no escapes


def export(groundings: Sequence[Answer], name: str) -> str:
    """Write answers in another format.

    Args:
        groundings: one answer a query; all of one video, or of several.
        name: one of FORMATS.

    Returns:
        The file's text.

    Raises:
        TFGroundingError: no such format.
    """
    if name not in FORMATS:
        raise TFGroundingError(f"format {name!r} is not known; choose one of {', '.join(FORMATS)}")
    return FORMATS[name](groundings)


def clock(seconds: float, *, separator: str = ".") -> str:
    """HH:MM:SS.mmm"""
    milliseconds = round(seconds * 1000)
    return (
        f"{milliseconds // 3_600_000:02d}:{milliseconds // 60_000 % 60:02d}:"
        f"{milliseconds // 1000 % 60:02d}{separator}{milliseconds % 1000:03d}"
    )


def qvhighlights_row(grounding: Answer, *, qid: int | str) -> dict[str, Any]:
    """One answer with the keys of a QVHighlights submission: windows as [start, end, score], saliency every 2 s."""
    count = max(1, math.ceil(grounding.video.duration_seconds / SALIENCY_CLIP_SECONDS - 1e-9))
    clip = np.minimum((grounding.pts_seconds / SALIENCY_CLIP_SECONDS).astype(int), count - 1)  # (T,)
    sums = np.bincount(clip, weights=grounding.curve, minlength=count)
    samples = np.bincount(clip, minlength=count)
    saliency = np.where(samples > 0, sums / np.maximum(samples, 1), float(np.mean(grounding.curve)))
    return {
        "qid": qid,
        "query": grounding.query,
        "vid": Path(grounding.video.path).stem,
        "pred_relevant_windows": [
            [round(m.start_seconds, 4), round(m.end_seconds, 4), round(m.score, 6)] for m in grounding.moments
        ],
        "pred_saliency_scores": [round(float(v), 6) for v in saliency],
    }


def _json(groundings: Sequence[Answer]) -> str:
    return json.dumps([g.to_dict() for g in groundings], indent=1) + "\n"


def _jsonl(groundings: Sequence[Answer]) -> str:
    return "".join(json.dumps(qvhighlights_row(g, qid=i)) + "\n" for i, g in enumerate(groundings))


def _csv(groundings: Sequence[Answer]) -> str:
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(["video", "query", "rank", "start_seconds", "end_seconds", "score"])
    for grounding, rank, moment in _ranked(groundings):
        times = [f"{moment.start_seconds:.3f}", f"{moment.end_seconds:.3f}", f"{moment.score:.6f}"]
        table.writerow([_cell(grounding.video.path), _cell(grounding.query), rank, *times])
    return text.getvalue()


def _srt(groundings: Sequence[Answer]) -> str:
    cues = sorted(_ranked(groundings), key=lambda row: (row[2].start_seconds, row[1]))
    return "\n".join(
        f"{number}\n{clock(moment.start_seconds, separator=',')} --> {clock(moment.end_seconds, separator=',')}\n"
        f"{_line(grounding.query).translate(SUBTITLE_MARKUP)} (no. {rank}, score {moment.score:.3f})\n"
        for number, (grounding, rank, moment) in enumerate(cues, start=1)
    )


def _vtt(groundings: Sequence[Answer]) -> str:
    """Chapters may lie inside each other but not overlap half-way: a moment that would is left to a note."""
    kept: list[tuple[Answer, int, Moment]] = []
    left_out: list[str] = []
    for row in sorted(_ranked(groundings), key=lambda row: row[1]):
        if all(_apart_or_nested(row[2], other[2]) for other in kept):
            kept.append(row)
        else:
            left_out.append(f"{clock(row[2].start_seconds)} to {clock(row[2].end_seconds)}, no. {row[1]}")
    blocks = ["WEBVTT"]
    if left_out:
        blocks.append("NOTE Left out, because they cut across a better one: " + "; ".join(left_out))
    for grounding, _, moment in sorted(kept, key=lambda row: (row[2].start_seconds, -row[2].end_seconds)):
        title = _line(grounding.query).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
        blocks.append(f"{clock(moment.start_seconds)} --> {clock(moment.end_seconds)}\n{title}")
    return "\n\n".join(blocks) + "\n"


def _edl(groundings: Sequence[Answer]) -> str:
    """CMX 3600: the moments one after the other, best first, query by query."""
    rate_hz, nominal = edit_rate(groundings)
    lines = ["TITLE: tfgrounding moments", "FCM: NON-DROP FRAME", ""]
    recorded = 0
    for number, (grounding, rank, moment) in enumerate(_ranked(groundings), start=1):
        first, count = frame_span(moment, rate_hz)
        source = f"{_timecode(first, nominal)} {_timecode(first + count, nominal)}"
        record = f"{_timecode(recorded, nominal)} {_timecode(recorded + count, nominal)}"
        lines.append(f"{number:03d}  AX       V     C        {source} {record}")
        lines.append(f"* FROM CLIP NAME: {_line(Path(grounding.video.path).name)}")
        lines.append(f"* COMMENT: {_line(grounding.query)} (no. {rank}, score {moment.score:.3f})")
        recorded += count
    return "\n".join(lines) + "\n"


def _otio(groundings: Sequence[Answer]) -> str:
    """OpenTimelineIO's JSON: one track, one clip a moment, best first, query by query."""
    rate_hz, _ = edit_rate(groundings)

    def time_range(first: int, count: int) -> dict[str, Any]:
        def time(value: int) -> dict[str, Any]:
            return {"OTIO_SCHEMA": "RationalTime.1", "rate": rate_hz, "value": float(value)}

        return {"OTIO_SCHEMA": "TimeRange.1", "start_time": time(first), "duration": time(count)}

    clips = []
    for grounding, rank, moment in _ranked(groundings):
        path = Path(grounding.video.path)
        whole = max(1, round(grounding.video.duration_seconds * rate_hz))
        first, count = frame_span(moment, rate_hz)
        media = {
            "OTIO_SCHEMA": "ExternalReference.1",
            "target_url": path.resolve().as_uri(),
            "available_range": time_range(0, max(whole, first + count)),
            "name": path.name,
            "metadata": {},
        }
        clips.append(
            {
                "OTIO_SCHEMA": "Clip.2",
                "name": _line(grounding.query),
                "source_range": time_range(first, count),
                "media_references": {"DEFAULT_MEDIA": media},
                "active_media_reference_key": "DEFAULT_MEDIA",
                "enabled": True,
                "effects": [],
                "markers": [],
                "metadata": {
                    "tfgrounding": {
                        "query": grounding.query,
                        "rank": rank,
                        "score": moment.score,
                        "start_seconds": moment.start_seconds,
                        "end_seconds": moment.end_seconds,
                    }
                },
            }
        )
    track = {"OTIO_SCHEMA": "Track.1", "name": "moments", "kind": "Video", "children": clips}
    stack = {"OTIO_SCHEMA": "Stack.1", "name": "tracks", "children": [track]}
    timeline = {"OTIO_SCHEMA": "Timeline.1", "name": "tfgrounding moments", "metadata": {}, "tracks": stack}
    return json.dumps(timeline, indent=1) + "\n"


FORMATS: dict[str, Callable[[Sequence[Answer]], str]] = {
    "json": _json,
    "jsonl": _jsonl,
    "csv": _csv,
    "srt": _srt,
    "vtt": _vtt,
    "edl": _edl,
    "otio": _otio,
}


def edit_rate(groundings: Sequence[Answer]) -> tuple[float, int]:
    """The frame rate that an edit list counts in, and the whole number its timecode is written with."""
    rates = {g.video.frame_rate_hz for g in groundings}
    rate = rates.pop() if len(rates) == 1 else None
    if rate is None or not 1.0 <= rate <= HIGHEST_EDIT_RATE_HZ + 0.5:
        rate = EDIT_RATE_HZ
    return rate, round(rate)


def frame_span(moment: Moment, rate_hz: float) -> tuple[int, int]:
    """(first frame, number of frames >= 1) of a moment at a constant rate."""
    first = round(moment.start_seconds * rate_hz)
    return first, max(1, round(moment.end_seconds * rate_hz) - first)


def _ranked(groundings: Sequence[Answer]) -> list[tuple[Answer, int, Moment]]:
    return [(g, rank, moment) for g in groundings for rank, moment in enumerate(g.moments, start=1)]


def _timecode(frame: int, nominal_hz: int) -> str:
    seconds, frames = divmod(frame, nominal_hz)
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}:{frames:02d}"


def _line(text: str) -> str:
    """One line without control characters: a line break could otherwise write a cue or an edit of its own."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def _cell(text: str) -> str:
    return "'" + text if text.startswith(FORMULA_STARTS) else text


def _apart_or_nested(a: Moment, b: Moment) -> bool:
    apart = a.end_seconds <= b.start_seconds or b.end_seconds <= a.start_seconds
    a_in_b = b.start_seconds <= a.start_seconds and a.end_seconds <= b.end_seconds
    b_in_a = a.start_seconds <= b.start_seconds and b.end_seconds <= a.end_seconds
    return apart or a_in_b or b_in_a
