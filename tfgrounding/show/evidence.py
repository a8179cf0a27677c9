"""What tracks of words say, for people: the words behind a moment, and which tracks were asked.

The words come from the video or from files beside it, so anybody may have written them: they are shown as a quotation,
in one line, shortened, and without characters that change how the text around them is shown.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from dataclasses import replace
from itertools import islice

from ..answer import Answer
from ..types import Evidence, Span, TrackCurve
from .exports.common import short_clock

TEXT_COLUMNS = 100  # of the words of one piece of evidence; a letter of Chinese takes two
SOURCE_COLUMNS = 60
MOST_EVIDENCE = 6  # shown of one moment
MOST_TRACKS = 12  # shown of one answer
ZERO_WIDTH_JOINER = "\u200d"
KEPT_INVISIBLE = (ZERO_WIDTH_JOINER, "\u200c", "\u200e", "\u200f")  # Persian, Indic scripts and emoji need them
SKIN_TONES = range(0x1F3FB, 0x1F400)


def shown_evidence(
    span: Span, duration_seconds: float, *, columns: int = TEXT_COLUMNS, most: int = MOST_EVIDENCE
) -> tuple[list[Evidence], int]:
    """What speaks for a span, ready to be shown: each once, its times within the video, its words by `quotable`.

    Evidence without words says only which track fits. Where it is the pictures alone, that is nothing new, and the list
    is empty.

    Returns:
        The first `most` pieces, and how many more there are.
    """
    if all(evidence.track == "shown" and not evidence.text for evidence in span.evidence):
        return [], 0
    every = list(dict.fromkeys(span.evidence))
    found = [
        replace(within(evidence, duration_seconds), text=quotable(evidence.text, columns=columns))
        for evidence in every[:most]
    ]
    return found, max(0, len(every) - most)


def within(evidence: Evidence, duration_seconds: float) -> Evidence:
    """The part of it that lies in the video: subtitles may go on after its end."""
    start, end = (min(max(t, 0.0), duration_seconds) for t in (evidence.start_seconds, evidence.end_seconds))
    return replace(evidence, start_seconds=start, end_seconds=end)


def evidence_in_words(span: Span, duration_seconds: float) -> list[str]:
    """One line for each piece of evidence: the track, from and to on the clock, the words in quotation marks."""
    found, left_out = shown_evidence(span, duration_seconds)
    lines = []
    for evidence in found:
        words = f'  "{_isolated(evidence.text)}"' if evidence.text else ""
        stretch = f"{short_clock(evidence.start_seconds)}-{short_clock(evidence.end_seconds)}"
        lines.append(f"{evidence.track} {stretch}{words}")
    return [*lines, *([f"and {left_out} more"] if left_out else [])]


def words_of(span: Span, *, columns: int, most: int) -> list[str]:
    """Only the words behind a span and the track of each, a line for each, for formats that show little text."""
    every = dict.fromkeys((evidence.track, evidence.text) for evidence in span.evidence)
    shown = ((track, quotable(text, columns=columns)) for track, text in every)
    return list(islice((f'{track} "{text}"' for track, text in shown if text), most))


def track_name(track: TrackCurve) -> str:
    """The kind of a track and where it comes from."""
    source = quotable(track.source, columns=SOURCE_COLUMNS)
    return f"{track.kind}: {source}" if source else track.kind


def track_verdict(track: TrackCurve) -> str:
    """Whether a track has what was asked for."""
    return f"present {min(max(track.present, 0.0), 1.0):.2f}" if track.voted else "says nothing about this"


def tracks_in_words(tracks: Sequence[TrackCurve]) -> str:
    """Which tracks of words were asked, and which of them say nothing about the query; "" where none was asked."""
    named = [f"{_isolated(track_name(track))}, {track_verdict(track)}" for track in tracks[:MOST_TRACKS]]
    return "; ".join([*named, *([f"and {len(tracks) - MOST_TRACKS} more"] if len(tracks) > MOST_TRACKS else [])])


def has_words(answers: Sequence[Answer]) -> bool:
    """Whether tracks of words have a part in any of the answers."""
    return any(
        answer.tracks or any(part.evidence for part in (*answer.spans, *(event.moment for event in answer.events)))
        for answer in answers
    )


def only_words(answer: Answer) -> bool:
    """Whether tracks of words were asked, and no pictures were looked at."""
    return bool(answer.tracks) and answer.provenance.get("looked_at") == "texts"


def quotable(text: str, *, columns: int) -> str:
    """A text in one line of at most so many columns, without control characters and changes of writing direction."""
    begin = text[: 8 * columns]  # a letter may have many accents
    clean = " ".join("".join(map(_visible, begin)).split())
    return _shortened(clean, columns, more=len(text) > len(begin))


def _isolated(text: str) -> str:
    """Text within a line, which stays in order around it where the text is written from right to left (UAX 9)."""
    if any(unicodedata.bidirectional(character) in ("R", "AL", "AN") for character in text):
        return f"\u2068{text}\u2069"
    return text


def _visible(character: str) -> str:
    category = unicodedata.category(character)
    if category == "Cf":  # writing direction, invisible letters
        return character if character in KEPT_INVISIBLE else ""
    return " " if category in ("Cc", "Cs", "Co", "Cn", "Zl", "Zp") else character


def _shortened(text: str, columns: int, *, more: bool) -> str:
    """The beginning that fits, best up to a blank, never between a letter and its accents; a mark shows a cut."""
    width, room = 0, 0  # room: how many characters leave a column for the mark
    for place, character in enumerate(text):
        width += _width(character)
        if width <= columns - 1:
            room = place + 1
        if width > columns:
            more = True
            break
    else:
        room = room if more else len(text)
    if not more:
        return text
    while 0 < room < len(text) and _belongs_to_the_one_before(text, room):
        room -= 1
    blank = text.rfind(" ", 0, room + 1)
    return text[: blank if blank > room * 0.8 else room].rstrip(" .,:;") + "…"


def _width(character: str) -> int:
    if unicodedata.category(character) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def _belongs_to_the_one_before(text: str, place: int) -> bool:
    here = text[place]
    joined = here == ZERO_WIDTH_JOINER or text[place - 1] == ZERO_WIDTH_JOINER or ord(here) in SKIN_TONES
    return joined or unicodedata.category(here) in ("Mn", "Me", "Mc")
