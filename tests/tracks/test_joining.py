"""Cues become sentences, and lines that are repeated are taken once."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from tfgrounding.tracks.cues import Cue, plain_cues
from tfgrounding.tracks.joining import LONGEST_SECONDS, sentences


def cue(start, end, text, **more):
    return Cue(start, end, tuple(text.split("|")), **more)


def said(*cues):
    return [(text.start_seconds, text.end_seconds, text.text) for text in sentences(cues)]


def test_a_sentence_over_several_cues_is_one_text_with_a_piece_a_cue():
    (first, second) = sentences([cue(1, 2, "Put the milk"), cue(2.1, 3, "into the bowl."), cue(3.1, 4, "Now stir.")])
    assert (first.start_seconds, first.end_seconds, first.text) == (1, 3, "Put the milk into the bowl.")
    assert [(word.start_seconds, word.text) for word in first.words] == [(1, "Put the milk"), (2.1, "into the bowl.")]
    assert second.text == "Now stir." and second.words == ()


def test_pauses_and_other_speakers_end_a_text():
    assert len(said(cue(1, 2, "Put the milk"), cue(2.5, 3, "into the bowl."))) == 2
    assert len(said(cue(1, 2, "Put the"), cue(2, 3, "No!", is_new_speaker=True))) == 2


def test_sentence_ends_in_other_scripts_and_behind_quotation_marks():
    for end in ("one”", "one.»", "一。", "क।"):
        assert len(said(cue(1, 2, end), cue(2, 3, "two."))) == (1 if end == "one”" else 2)


def test_texts_do_not_grow_without_end():
    cues = [cue(k, k + 1, f"word {k}") for k in range(100)]
    for some in (cues, [*cues, *(cue(200 + 5 * k, 201 + 5 * k, "End.") for k in range(50))]):
        texts = sentences(some)
        assert len(texts) > 5 and all(t.end_seconds - t.start_seconds <= LONGEST_SECONDS for t in texts)
        assert " ".join(text.text for text in texts) == " ".join(one.text for one in some)


def test_lines_that_move_up_are_taken_once():
    rows = ["so today we", "are going to", "bake some bread", "with my mother"]
    cues = [cue(0, 2, rows[0])]
    for k in range(1, len(rows)):
        cues += [cue(2 * k, 2 * k + 0.01, rows[k - 1]), cue(2 * k + 0.01, 2 * k + 2, f"{rows[k - 1]}|{rows[k]}")]
    assert " ".join(text for _, _, text in said(*cues)) == " ".join(rows)
    three_lines = [cue(k, k + 1, "|".join(rows[max(0, k - 2) : k + 1])) for k in range(4)]
    assert " ".join(text for _, _, text in said(*three_lines)) == " ".join(rows)


def test_lines_that_stay_while_the_next_one_is_shown_end_where_it_begins():
    rows = ["so today we are", "going to build a", "small wooden table", "and paint it", "in blue"]
    texts = sentences([cue(2.4 * k, 2.4 * k + 4.6, row) for k, row in enumerate(rows)])
    assert " ".join(text.text for text in texts) == " ".join(rows)
    words = [word for text in texts for word in text.words or (text,)]
    starts = [2.4 * k for k in range(len(rows))]
    assert [(word.start_seconds, word.end_seconds) for word in words] == [
        *pairwise(starts),
        (starts[-1], starts[-1] + 4.6),
    ]


def test_a_sign_that_stays_while_others_speak_keeps_its_time():
    spoken = [cue(2 * k + 1, 2 * k + 2, f"Line {k}.") for k in range(5)]
    assert said(cue(0, 12, "HOTEL."), *spoken)[0] == (0, 12, "HOTEL.")


def test_captions_of_a_video_site_give_each_word_once_with_its_time():
    text = "WEBVTT\n\n" + "\n\n".join(
        [
            "00:00:00.000 --> 00:00:02.500 align:start\n \nso<00:00:00.480><c> today</c>",
            "00:00:02.500 --> 00:00:02.510 align:start\nso today\n ",
            "00:00:02.510 --> 00:00:05.000 align:start\nso today\nwe<00:00:03.000><c> bake</c>",
            "00:00:05.000 --> 00:00:05.010 align:start\nwe bake\n ",
        ]
    )
    (one,) = sentences(plain_cues(text)[0])
    assert one.text == "so today we bake" and one.end_seconds == 5.0
    assert [(word.start_seconds, word.text) for word in one.words] == [
        (0.0, "so"),
        (0.48, "today"),
        (2.51, "we"),
        (3.0, "bake"),
    ]


def test_words_that_are_said_twice_stay():
    assert [row[2] for row in said(cue(1, 2, "No."), cue(3, 4, "No."), cue(4.5, 5, "No."))] == ["No."] * 3
    assert said(cue(1, 2, "A sign."), cue(2, 2.04, "A sign."), cue(2.04, 3, "A sign.")) == [(1, 3, "A sign.")]


cues = st.lists(
    st.builds(
        lambda start, length, lines: Cue(start, start + length, tuple(lines)),
        st.floats(0, 50).map(lambda x: round(x, 1)),
        st.floats(0.1, 5).map(lambda x: round(x, 1)),
        st.lists(st.sampled_from(["a", "b.", "c d", "e!"]), max_size=3),
    ),
    max_size=30,
).map(lambda some: sorted(some, key=lambda one: (one.start_seconds, one.end_seconds)))


@given(cues)
def test_no_word_is_lost_and_times_stay_within_the_cues(some):
    texts = sentences(some)
    assert {word for text in texts for word in text.text.split()} == {word for one in some for word in one.text.split()}
    for text in texts:
        assert any(one.start_seconds == text.start_seconds for one in some)
        assert text.end_seconds <= max(one.end_seconds for one in some)
        assert all(word.start_seconds < word.end_seconds for word in text.words)
