"""Moments as subtitles and chapters. Players count from the start of the file, where its sound may begin first."""

from __future__ import annotations

from collections.abc import Sequence

from ...answer import Answer
from ...types import Moment
from ..evidence import words_of
from .common import Ranked, clock, one_line, ranked

SUBTITLE_MARKUP = str.maketrans({"<": "‹", ">": "›", "{": "(", "}": ")"})  # SubRip has tags but no escapes
MOST_WORDS, WORDS_COLUMNS = 2, 80  # lines of words under the query


def srt_text(answers: Sequence[Answer]) -> str:
    """SubRip: one cue a moment, in order of time; under the query the words that speak for the moment."""
    cues = sorted(ranked(answers), key=lambda row: (_player_seconds(row)[0], row[1]))
    blocks = []
    for number, row in enumerate(cues, start=1):
        answer, rank, moment = row
        start, end = (clock(seconds, separator=",") for seconds in _player_seconds(row))
        query = one_line(answer.query).translate(SUBTITLE_MARKUP)
        words = "".join(line.translate(SUBTITLE_MARKUP) + "\n" for line in _words(moment))
        blocks.append(f"{number}\n{start} --> {end}\n{query} (no. {rank}, score {moment.score:.3f})\n{words}")
    return "\n".join(blocks)


def vtt_text(answers: Sequence[Answer]) -> str:
    """WebVTT chapters. They may lie inside each other but not overlap half-way: a note says which are left out."""
    kept: list[Ranked] = []
    left_out: list[str] = []
    for row in sorted(ranked(answers), key=lambda row: row[1]):
        if all(_apart_or_nested(row[2], other[2]) for other in kept):
            kept.append(row)
        else:
            start, end = map(clock, _player_seconds(row))
            left_out.append(f"{start} to {end}, no. {row[1]} of {_escaped(one_line(row[0].query))}")
    blocks = ["WEBVTT"]
    if left_out:
        blocks.append("NOTE Left out, because they overlap a better one half-way: " + "; ".join(left_out))
    for row in sorted(kept, key=lambda row: (row[2].start_seconds, -row[2].end_seconds)):
        start, end = map(clock, _player_seconds(row))
        words = "".join("\n" + _escaped(line) for line in _words(row[2]))
        blocks.append(f"{start} --> {end}\n{_escaped(one_line(row[0].query))}{words}")
    return "\n\n".join(blocks) + "\n"


def _words(moment: Moment) -> list[str]:
    return words_of(moment, columns=WORDS_COLUMNS, most=MOST_WORDS)


def _escaped(line: str) -> str:
    return line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _player_seconds(row: Ranked) -> tuple[float, float]:
    answer, _, moment = row
    offset = answer.video.start_offset_seconds
    return moment.start_seconds + offset, moment.end_seconds + offset


def _apart_or_nested(a: Moment, b: Moment) -> bool:
    apart = a.end_seconds <= b.start_seconds or b.end_seconds <= a.start_seconds
    a_in_b = b.start_seconds <= a.start_seconds and a.end_seconds <= b.end_seconds
    b_in_a = a.start_seconds <= b.start_seconds and b.end_seconds <= a.end_seconds
    return apart or a_in_b or b_in_a
