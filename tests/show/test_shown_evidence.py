"""The words behind a moment in plain lines: short, harmless to a terminal, in any script."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_export import answer
from worded import milk, track, worded

from tfgrounding import Moment
from tfgrounding.show.evidence import (
    MOST_EVIDENCE,
    MOST_TRACKS,
    evidence_in_words,
    has_words,
    quotable,
    tracks_in_words,
    words_of,
)
from tfgrounding.types import Evidence


def lines(*evidence, duration_seconds=21.0):
    return evidence_in_words(Moment(1.0, 2.0, 0.5, evidence=evidence), duration_seconds)


def test_a_line_for_each_track_that_fits():
    found = milk(answer())
    assert evidence_in_words(found.moments[0], 21.0) == [
        'said 0:12.5-0:13.8  "let\'s start with the milk"',
        "shown 0:12.5-0:15.0",
    ]
    assert evidence_in_words(found.moments[1], 21.0) == []


def test_pictures_alone_are_nothing_new_but_a_sound_is():
    assert lines(Evidence("shown", 1, 2)) == []
    assert lines(Evidence("heard", 1, 2)) == ["heard 0:01.0-0:02.0"]


def test_the_same_words_stand_once_and_times_lie_in_the_video():
    twice = Evidence("said", -3.0, 99.0, "hello\nthere")
    assert lines(twice, twice) == ['said 0:00.0-0:21.0  "hello there"']


def test_many_pieces_are_counted():
    many = [Evidence("written", i / 10, i / 10 + 0.1, f"sign {i}") for i in range(MOST_EVIDENCE + 30)]
    assert len(lines(*many)) == MOST_EVIDENCE + 1 and lines(*many)[-1] == "and 30 more"


def test_which_tracks_were_asked():
    tracks = [track(), track("written", "screen", voted=False), track("heard", "")]
    assert tracks_in_words(tracks) == (
        "said: subtitles talk.en.srt, present 0.97; written: screen, says nothing about this; heard, present 0.97"
    )
    assert tracks_in_words([]) == ""
    assert tracks_in_words([track()] * (MOST_TRACKS + 5)).endswith("; and 5 more")
    assert tracks_in_words([track(source="a\x1b[31m\nb\u202ec")]).startswith("said: a [31m bc, ")


def test_words_without_their_times():
    pieces = (Evidence("said", 0, 1, "yes"), Evidence("shown", 0, 1), Evidence("said", 3, 4, "yes"))
    other = Evidence("written", 0, 1, "EXIT")
    assert words_of(Moment(0, 5, 1, evidence=(*pieces, other)), columns=80, most=9) == ['said "yes"', 'written "EXIT"']
    assert words_of(Moment(0, 5, 1, evidence=(*pieces, other)), columns=80, most=1) == ['said "yes"']


def test_what_has_words():
    assert not has_words([answer()])
    assert has_words([answer(), worded(answer())]) and has_words([worded(answer(), Evidence("said", 0, 1), tracks=())])


def width(text):
    """Columns of a terminal, by the Unicode character database."""
    return sum(
        0 if unicodedata.category(c) in ("Mn", "Me", "Cf") else 1 + (unicodedata.east_asian_width(c) in "WF")
        for c in text
    )


@given(st.text(max_size=400), st.integers(5, 120))
def test_any_text_is_one_short_line_that_no_terminal_obeys(text, columns):
    shown = quotable(text, columns=columns)
    assert width(shown) <= columns
    assert not any(unicodedata.category(c) in ("Cc", "Cs", "Zl", "Zp") for c in shown)
    assert not set(shown) & set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
    assert quotable(shown, columns=columns) == shown


@given(st.text(st.characters(categories=("L", "Nd")), max_size=40))
def test_a_text_that_fits_stays_whole(text):
    assert quotable(text, columns=80) == text


@pytest.mark.parametrize(
    ("text", "columns", "shown"),
    [
        ("pour the milk into the bowl", 20, "pour the milk into…"),
        ("supercalifragilistic", 10, "supercali…"),
        ("まず牛乳から始めましょう", 9, "まず牛乳…"),
        ("e\u0301" * 12, 5, "e\u0301" * 4 + "…"),
        ("می\u200cخواهم", 40, "می\u200cخواهم"),
        ("👩\u200d🍳👩\u200d🍳", 6, "👩\u200d🍳…"),
        ("first part. Second part", 13, "first part…"),
    ],
)
def test_texts_are_cut_where_a_reader_would(text, columns, shown):
    assert quotable(text, columns=columns) == shown


def test_a_text_of_megabytes_is_not_read_to_its_end():
    assert quotable("\u0301" * 10**7 + "a", columns=10) == quotable("\u0301" * 80 + "a" * 80, columns=10)


def test_text_from_right_to_left_leaves_the_line_in_order():
    (line,) = lines(Evidence("said", 1, 2, "دعونا نبدأ 12"))
    assert line == 'said 0:01.0-0:02.0  "\u2068دعونا نبدأ 12\u2069"'
    (line,) = lines(Evidence("said", 1, 2, "שלום" * 100))
    assert line.count("\u2068") == line.count("\u2069") == 1 and line.endswith('\u2069"')
