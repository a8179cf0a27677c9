"""An answer in plain lines: whether it happens at all, what a question wants, the moments, and what was looked at."""

from __future__ import annotations

import textwrap

from ..answer import Answer
from ..encoders.known import better_than_embedded
from ..errors import one_line
from ..types import EventMoment, Moment
from .evidence import evidence_in_words, quotable, tracks_in_words
from .exports.common import short_clock
from .verdict import PROBABLY_NOT, is_probably_absent, said_first, strength, verdict

BAR_CELLS = 10
SHADES = {"strong": "█", "fair": "▓", "weak": "░"}
EVENT_COLUMNS = 34  # of an event's words
LINE_COLUMNS = 80  # where nobody says how wide a line may be


def answer_text(
    answer: Answer, *, least_present: float = PROBABLY_NOT, bars: bool = False, columns: int | None = LINE_COLUMNS
) -> str:
    """The whole answer as text, without a line break at its end.

    Args:
        answer: the answer.
        least_present: the probability below which it is said first that it probably is not in the video.
        bars: whether a bar beside each moment shows its score; for a terminal.
        columns: how long the last line may be before it is broken; None never breaks it.
    """
    found = found_text(answer, least_present=least_present, bars=bars)
    last = "; ".join(part for part in (encoder_text(answer), looked_at_text(answer)) if part)
    return f"{found}\n{broken(last, columns)}"


def found_text(answer: Answer, *, least_present: float = PROBABLY_NOT, bars: bool = False) -> str:
    """What was found: the verdict, what a question wants, and each moment with what speaks for it.

    One line a moment, best first: from and to on the clock, the same in seconds, its strength and score. Under the
    first stand the events that the query consists of, each with its own time; under each the words that speak for it.
    """
    first = verdict(answer, least_present=least_present)
    if not answer.moments:
        return first or f"nothing found: no moment stands out for {one_line(answer.query)!r}"
    lines = []
    if first:
        lines.append(
            f"{first}; the best candidates:" if is_probably_absent(answer, least_present=least_present) else first
        )
    if wanted := said_first(answer, least_present=least_present):
        lines.append(wanted)
    duration = answer.video.duration_seconds
    clocks = [_clocks(moment) for moment in answer.moments]
    seconds = [_seconds(moment) for moment in answer.moments]
    clock_columns, second_columns = (max(map(len, texts)) for texts in (clocks, seconds))
    for rank, moment in enumerate(answer.moments, start=1):
        word = strength(moment, answer, least_present=least_present)
        lines.append(
            f"{rank:>2}  {clocks[rank - 1]:>{clock_columns}}  {seconds[rank - 1]:>{second_columns}} s"
            f"  {word:<6} {moment.score:.3f}{f'  {_bar(moment.score, word)}' if bars else ''}".rstrip()
        )
        if rank == 1:
            lines.extend(f"      {line}" for line in _event_lines(answer.events, duration, least_present))
        lines.extend(f"      {line}" for line in evidence_in_words(moment, duration))
    return "\n".join(lines)


def encoder_text(answer: Answer) -> str:
    """What answered: the encoder, or the vision LLM and its engine; of the embedded encoder that it is weak."""
    if answer.provenance.get("vlm"):
        encoder = "" if answer.encoder == "none" else f", encoder {answer.encoder}"
        return f"engine {answer.engine}, vision LLM {answer.provenance['vlm']}{encoder}"
    if answer.encoder == "none":
        return ""
    if answer.encoder != "embedded" or _only_words(answer):
        return f"encoder {one_line(answer.encoder)}"
    if any("passed over" in warning for warning in answer.warnings):  # this says how to get a better one
        return "encoder embedded, which is weak"
    return better_than_embedded()


def looked_at_text(answer: Answer) -> str:
    """How probable it is that the event is there at all, and what was looked at: pictures and tracks of words."""
    parts = ["present not estimated" if answer.present is None else f"present {answer.present:.2f}"]
    length = f"{answer.video.duration_seconds:.1f} s"
    shown = answer.provenance.get("frames_shown")
    if _only_words(answer):
        parts.append(f"looked at the words of {length}")
    elif isinstance(shown, int):
        parts.append(f"the vision LLM was shown {_counted(shown)} of {length}")
    elif len(answer.pts_seconds):
        rate = answer.provenance.get("rate_hz")
        every = f", {rate:g} a second" if isinstance(rate, (int, float)) else ""
        parts.append(f"looked at {_counted(len(answer.pts_seconds))} of {length}{every}")
    if answer.tracks:
        parts.append(tracks_in_words(answer.tracks))
    return "; ".join(parts)


def broken(text: str, columns: int | None) -> str:
    """A long line as several of at most so many columns; None leaves it whole."""
    if columns is None:
        return text
    return textwrap.fill(text, max(columns, 20), subsequent_indent="  ", break_long_words=False, break_on_hyphens=False)


def short_text(answer: Answer) -> str:
    """An answer in one short line, as Python shows it."""
    name = quotable(answer.video.path.replace("\\", "/").rpartition("/")[2], columns=EVENT_COLUMNS)
    query = quotable(answer.query, columns=EVENT_COLUMNS)
    found = "nothing found"
    if answer.spans:
        count = len(answer.spans)
        found = f"{count} {'span' if answer.task != 'moments' else 'moment'}{'' if count == 1 else 's'}"
        if answer.task == "moments":
            best = answer.spans[0]
            found += f", best {best.start_seconds:.3f} - {best.end_seconds:.3f} s"
    present = "" if answer.present is None else f", present {answer.present:.2f}"
    return f"<Answer {query!r} in {name!r}: {found}{present}>"


def _only_words(answer: Answer) -> bool:
    return answer.provenance.get("looked_at") == "texts"


def _counted(pictures: int) -> str:
    return f"{pictures:,} picture{'' if pictures == 1 else 's'}"


def _clocks(moment: Moment) -> str:
    return f"{short_clock(moment.start_seconds)} - {short_clock(moment.end_seconds)}"


def _seconds(moment: Moment) -> str:
    return f"{moment.start_seconds:.3f} - {moment.end_seconds:7.3f}"


def _bar(score: float, word: str) -> str:
    return SHADES[word] * max(1, round(BAR_CELLS * min(max(score, 0.0), 1.0)))


def _event_lines(events: tuple[EventMoment, ...], duration_seconds: float, least_present: float) -> list[str]:
    """A line for each event of a query of several, in their order; under it the words that speak for it."""
    texts = [quotable(event.text, columns=EVENT_COLUMNS) for event in events]
    width = max(map(len, texts), default=0)
    lines = []
    for text, event in zip(texts, events, strict=True):
        there = "" if event.present is None else f"  present {event.present:.2f}"
        if event.present is not None and event.present < least_present:
            there += ", probably not there"
        lines.append(f"{text:<{width}}  {_clocks(event.moment)}{there}")
        lines.extend(f"  {line}" for line in evidence_in_words(event.moment, duration_seconds))
    return lines
