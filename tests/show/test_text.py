"""An answer as plain lines: what is said first, moments with their strength, words, events, and how it was found."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from test_export import answer
from worded import milk, worded

from tfgrounding import Moment, SubEvent, TFGroundingError
from tfgrounding.show.text import answer_text, broken, encoder_text, found_text, looked_at_text
from tfgrounding.types import EventMoment, Evidence


def judged(present, *moments, **changed):
    return replace(answer(), present=present, spans=tuple(Moment(*moment) for moment in moments), **changed)


def test_times_on_the_clock_in_seconds_strength_and_score():
    found = judged(0.9, (12.345, 15.0, 0.61), (0.0, 4.019, 0.05))
    assert found_text(found).splitlines() == [
        " 1  0:12.3 - 0:15.0  12.345 -  15.000 s  strong 0.610",
        " 2  0:00.0 - 0:04.0   0.000 -   4.019 s  weak   0.050",
    ]


def test_what_is_probably_not_there_is_said_first_and_its_moments_are_weak():
    lines = found_text(judged(0.08, (1, 2, 0.9), (3, 4, 0.1))).splitlines()
    assert lines[0] == "probably not in this video (present 0.08); the best candidates:"
    assert len(lines) == 3 and all("weak" in line for line in lines[1:])
    assert found_text(judged(0.5, (1, 2, 0.9))).splitlines()[0] == "perhaps in this video (present 0.50)"
    assert found_text(judged(0.5, (1, 2, 0.9)), least_present=0.6).startswith("probably not")


def test_what_a_question_wants_is_said_before_the_moments():
    plan = replace(answer().plan, wants="number")
    lines = found_text(judged(0.9, (1, 2, 0.5), (3, 4, 0.4), plan=plan)).splitlines()
    assert lines[0] == "2 times" and lines[1].startswith(" 1  0:01.0")


def test_words_stand_under_their_moment_and_the_tracks_in_the_last_line():
    found = replace(milk(answer()), present=0.9)
    lines = answer_text(found, columns=None).splitlines()
    assert lines[1:3] == ['      said 0:12.5-0:13.8  "let\'s start with the milk"', "      shown 0:12.5-0:15.0"]
    assert "said: subtitles talk.en.srt, present 0.97; written: screen, says nothing about this" in lines[-1]


def test_events_of_the_first_moment_have_their_own_times():
    plan = replace(answer().plan, sub_events=(SubEvent(("a man dances",)), SubEvent(("a band plays",))))
    events = (
        EventMoment("a man dances", Moment(1, 4, 0.5), 0.91),
        EventMoment("a band plays", Moment(5, 9, 0.5, evidence=(Evidence("said", 5, 6, "la la"),)), 0.1),
    )
    lines = found_text(judged(0.9, (1, 9, 0.5), (12, 13, 0.4), plan=plan, events=events)).splitlines()
    assert lines[1:4] == [
        "      a man dances  0:01.0 - 0:04.0  present 0.91",
        "      a band plays  0:05.0 - 0:09.0  present 0.10, probably not there",
        '        said 0:05.0-0:06.0  "la la"',
    ]
    assert lines[4].startswith(" 2  ")


def test_a_bar_is_as_long_as_the_score():
    lines = found_text(judged(0.9, (1, 2, 0.5), (3, 4, 0.01), (5, 6, -3.0)), bars=True).splitlines()
    assert [line.rpartition("  ")[2] for line in lines] == ["█" * 5, "░", "░"]
    assert all(character < "\x7f" for character in found_text(judged(0.9, (1, 2, 0.5))))


def test_what_was_looked_at():
    found = judged(0.63, (1, 2, 0.5), provenance={"rate_hz": 3.0})
    count = len(found.pts_seconds)
    assert looked_at_text(found) == f"present 0.63; looked at {count} pictures of 21.0 s, 3 a second"
    shown = replace(found, present=None, provenance={"vlm": "m", "frames_shown": 64}, engine="numpro", encoder="none")
    assert looked_at_text(shown) == "present not estimated; the vision LLM was shown 64 pictures of 21.0 s"
    assert encoder_text(shown) == "engine numpro, vision LLM m"
    words = replace(found, provenance={"looked_at": "texts"})
    assert looked_at_text(words) == "present 0.63; looked at the words of 21.0 s"


def test_the_weak_encoder_says_so_and_how_to_get_a_better_one():
    weak = replace(judged(0.9, (1, 2, 0.5)), encoder="embedded")
    assert "hardly any actions" in encoder_text(weak) and "--encoder" in encoder_text(weak)
    told = replace(weak, warnings=("siglip was passed over: its weights are damaged",))
    assert encoder_text(told) == "encoder embedded, which is weak"
    assert encoder_text(replace(weak, encoder="siglip")) == "encoder siglip"


def test_lines_are_broken_for_a_terminal_only():
    text = "word " * 60
    assert max(map(len, broken(text, 80).splitlines())) <= 80 and broken(text, None) == text
    found = replace(judged(0.9, (100.0, 20000.0, 0.5)), encoder="embedded")
    assert all(len(line) <= 80 for line in str(found).splitlines())


def test_no_terminal_obeys_the_words_of_a_video():
    bad = worded(answer(), Evidence("said", 1, 2, "\x1b[2J\r\n\x07 gone \u202e" + "x" * 10_000))
    bad = replace(bad, query="\x1b[2J\n gone", spans=bad.spans[:1])
    for text in (answer_text(bad, columns=None), repr(bad), found_text(replace(bad, spans=()))):
        assert all(line.isprintable() for line in text.splitlines()), text
    assert len(repr(bad)) < 200 and "\n" not in repr(bad)


def test_str_repr_and_best():
    found = judged(0.9, (1, 2, 0.5), (3, 4, 0.4))
    assert str(found) == answer_text(found)
    assert repr(found).startswith("<Answer '") and "2 moments, best 1.000 - 2.000 s, present 0.90>" in repr(found)
    assert found.best == found.moments[0]
    nothing = judged(None)
    assert "nothing found" in repr(nothing) and "nothing found" in str(nothing)
    with pytest.raises(TFGroundingError, match="nothing was found for"):
        _ = nothing.best


def test_a_saved_answer_keeps_its_words():
    again = type(answer()).from_dict(json.loads(json.dumps(milk(answer()).to_dict())))
    assert again.moments == milk(answer()).moments and str(again) == str(milk(answer()))
