"""Moments as subtitles and chapters. Players count from the start of the file, where its sound may begin first."""

from __future__ import annotations

from collections.abc import Sequence

from ...answer import Answer
from ...types import Moment
from ..evidence import words_of
from .common import clock, event_name, numbered_events, one_line, ranked

SUBTITLE_MARKUP = str.maketrans({"<": "‹", ">": "›", "{": "(", "}": ")"})  # SubRip has tags but no escapes
MOST_WORDS, WORDS_COLUMNS = 2, 80  # lines of words under the query


def srt_text(answers: Sequence[Answer]) -> str:
    """SubRip: one cue a moment and one an event, in order of time; below it the words that speak for it."""
    cues = [
        (answer, rank, moment, f"{one_line(answer.query)} (no. {rank}, score {moment.score:.3f})")
        for answer, rank, moment in ranked(answers)
    ]
    cues += [(row[0], len(row[0].moments) + row[1], row[2].moment, event_name(row)) for row in numbered_events(answers)]
    blocks = []
    in_time = sorted(cues, key=lambda cue: (_player_seconds(cue[0], cue[2])[0], cue[1]))
    for number, (answer, _, moment, name) in enumerate(in_time, start=1):
        start, end = (clock(seconds, separator=",") for seconds in _player_seconds(answer, moment))
        lines = "".join(line.translate(SUBTITLE_MARKUP) + "\n" for line in (name, *_words(moment)))
        blocks.append(f"{number}\n{start} --> {end}\n{lines}")
    return "\n".join(blocks)


def vtt_text(answers: Sequence[Answer]) -> str:
    """WebVTT chapters of moments and events. They may lie inside each other but not overlap half-way: a note says which
    are left out; a query's best moment comes before its events, and these before the other moments."""
    rows = [
        (rank, answer, moment, one_line(answer.query), f"no. {rank} of ") for answer, rank, moment in ranked(answers)
    ]
    rows += [(1, row[0], row[2].moment, event_name(row), "") for row in numbered_events(answers)]
    kept: list[tuple[Answer, Moment, str]] = []
    left_out: list[str] = []
    for _, answer, moment, name, which in sorted(rows, key=lambda row: row[0]):
        if all(_apart_or_nested(moment, other) for _, other, _ in kept):
            kept.append((answer, moment, name))
        else:
            start, end = map(clock, _player_seconds(answer, moment))
            left_out.append(f"{start} to {end}, {which}{_escaped(name)}")
    blocks = ["WEBVTT"]
    if left_out:
        blocks.append("NOTE Left out, because they overlap a better one half-way: " + "; ".join(left_out))
    for answer, moment, name in sorted(kept, key=lambda row: (row[1].start_seconds, -row[1].end_seconds)):
        start, end = map(clock, _player_seconds(answer, moment))
        words = "".join("\n" + _escaped(line) for line in _words(moment))
        blocks.append(f"{start} --> {end}\n{_escaped(name)}{words}")
    return "\n\n".join(blocks) + "\n"


def _words(moment: Moment) -> list[str]:
    return words_of(moment, columns=WORDS_COLUMNS, most=MOST_WORDS)


def _escaped(line: str) -> str:
    return line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _player_seconds(answer: Answer, moment: Moment) -> tuple[float, float]:
    offset = answer.video.start_offset_seconds
    return moment.start_seconds + offset, moment.end_seconds + offset


def _apart_or_nested(a: Moment, b: Moment) -> bool:
    apart = a.end_seconds <= b.start_seconds or b.end_seconds <= a.start_seconds
    a_in_b = b.start_seconds <= a.start_seconds and a.end_seconds <= b.end_seconds
    b_in_a = a.start_seconds <= b.start_seconds and b.end_seconds <= a.end_seconds
    return apart or a_in_b or b_in_a
