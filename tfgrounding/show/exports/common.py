"""What several formats share."""

from __future__ import annotations

from collections.abc import Sequence

from ...answer import Answer
from ...types import EventMoment, Moment

Ranked = tuple[Answer, int, Moment]
NumberedEvent = tuple[Answer, int, EventMoment]


def ranked(answers: Sequence[Answer]) -> list[Ranked]:
    """Every moment with its answer and its rank from 1 on, query by query."""
    return [(answer, rank, moment) for answer in answers for rank, moment in enumerate(answer.moments, start=1)]


def numbered_events(answers: Sequence[Answer]) -> list[NumberedEvent]:
    """Every event of queries of several events, with its answer and its number from 1 on."""
    return [(answer, number, event) for answer in answers for number, event in enumerate(answer.events, start=1)]


def event_name(event: NumberedEvent) -> str:
    """The event in one line, with its number."""
    answer, number, found = event
    return f"{one_line(found.text)} (event {number} of {len(answer.events)})"


def one_line(text: str) -> str:
    """One line without control characters: a line break could otherwise begin a cue or an edit of its own."""
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())


def clock(seconds: float, *, separator: str = ".") -> str:
    """HH:MM:SS.mmm"""
    milliseconds = round(seconds * 1000)
    return (
        f"{milliseconds // 3_600_000:02d}:{milliseconds // 60_000 % 60:02d}:"
        f"{milliseconds // 1000 % 60:02d}{separator}{milliseconds % 1000:03d}"
    )


def short_clock(seconds: float, *, short: bool = False) -> str:
    """M:SS.s, or H:MM:SS.s from an hour on; without tenths where `short`."""
    tenths = round(seconds * 10)
    minutes, rest = divmod(tenths, 600)
    tail = f"{rest // 10:02d}" if short else f"{rest / 10:04.1f}"
    return f"{minutes // 60}:{minutes % 60:02d}:{tail}" if minutes >= 60 else f"{minutes}:{tail}"
