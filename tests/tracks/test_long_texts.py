"""A query means a sentence, so long texts are cut into sentences that have times."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfgrounding.tracks.long_texts import LONGEST_LETTERS, in_sentences
from tfgrounding.tracks.text_track import TextTrack, TimedText, Word

THREE = "The council closed the bridge. Dr. Berg writes novels! Do you water the tomatoes?"


def track(*texts: TimedText, kind="said") -> TextTrack:
    return TextTrack(kind, texts, "made up", "1", "en")


def test_what_is_said_is_cut_at_sentences_with_times_by_letters():
    cut = in_sentences(track(TimedText(10.0, 10.0 + len(THREE) / 10, THREE, 0.9)))
    assert [text.text for text in cut.texts] == [
        "The council closed the bridge.",
        "Dr. Berg writes novels!",
        "Do you water the tomatoes?",
    ]
    assert [text.start_seconds for text in cut.texts] == pytest.approx([10.0, 13.0, 15.4])
    assert cut.texts[-1].end_seconds == pytest.approx(10.0 + len(THREE) / 10)
    assert {text.confidence for text in cut.texts} == {0.9}


def test_words_with_times_give_the_sentences_theirs():
    words = tuple(Word(2.0 * n, 2.0 * n + 1, word) for n, word in enumerate(THREE.split()))
    cut = in_sentences(track(TimedText(0.0, 60.0, THREE, words=words)))
    assert [(text.start_seconds, text.end_seconds) for text in cut.texts] == [(0, 9), (10, 17), (18, 27)]
    assert [len(text.words) for text in cut.texts] == [5, 4, 5]


def test_captions_and_titles_of_usual_length_stay_whole():
    for kind in ("described", "written"):
        whole = track(TimedText(0, 5, THREE), kind=kind)
        assert in_sentences(whole) is whole


def test_a_caption_longer_than_encoders_read_is_cut_and_keeps_its_time():
    cut = in_sentences(track(TimedText(2, 9, " ".join([THREE] * 9)), kind="described"))
    assert len(cut) == 27
    assert {(text.start_seconds, text.end_seconds) for text in cut.texts} == {(2, 9)}


@pytest.mark.parametrize(
    "text", ["大家好欢迎来到我们的节目。今天我们讨论通货膨胀的问题。", "नमस्ते दोस्तों आप कैसे हैं। आज हम खाना बनाएंगे।"]
)
def test_sentences_end_in_other_scripts_too(text):
    assert len(in_sentences(track(TimedText(0, 5, text)))) == 2


@pytest.mark.parametrize("text", ["Yes. No. Yes, the man at the back.", "Up 12.5% from 3.1 in the U.S. economy", "..."])
def test_short_sentences_and_points_inside_words_do_not_cut(text):
    whole = track(TimedText(0, 5, text))
    assert in_sentences(whole) is whole


@given(st.text(alphabet="ab .!?。\u0e01\n", max_size=3 * LONGEST_LETTERS), st.sampled_from(["said", "described"]))
def test_no_letter_is_lost_and_no_piece_is_too_long(text, kind):
    cut = in_sentences(track(TimedText(1.0, 2.0, text), kind=kind))
    assert "".join("".join(piece.text for piece in cut.texts).split()) == "".join(text.split())
    assert all(len(piece.text) <= LONGEST_LETTERS + 12 for piece in cut.texts)
    assert all(1.0 <= piece.start_seconds < piece.end_seconds <= 2.0 + 1e-9 for piece in cut.texts)
