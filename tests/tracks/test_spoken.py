"""Words become sentences: cut at their ends and at pauses, never too long, without what nobody said."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tfgrounding.tracks.spoken import LONGEST_SECONDS, PAUSE_SECONDS, SpokenWord, to_texts, without_inventions
from tfgrounding.tracks.text_track import TimedText


def spoken(text, *, start=0.0, each=0.3, gap=0.05, probability=0.9):
    return [
        SpokenWord(start + i * (each + gap), start + i * (each + gap) + each, f" {word}", probability)
        for i, word in enumerate(text.split())
    ]


def said(texts):
    return [text.text for text in texts]


def test_sentences_end_at_full_stops_and_not_after_titles_or_in_numbers():
    words = spoken("Dr. Smith paid 3.50 for J. R. Tea. Why? Nobody knows! It ends")
    assert said(to_texts(words)) == ["Dr. Smith paid 3.50 for J. R. Tea.", "Why?", "Nobody knows!", "It ends"]


def test_a_pause_ends_a_text_and_stays_outside_of_it():
    words = [*spoken("we wait"), *spoken("and go on", start=5.0)]
    first, second = to_texts(words)
    assert (first.end_seconds, second.start_seconds) == (words[1].end_seconds, 5.0)
    assert [word.text for word in second.words] == ["and", "go", "on"]


def test_a_long_sentence_is_cut_at_its_longest_pause():
    words = spoken(" ".join(["word"] * 50), gap=0.1)
    late = [word._replace(start_seconds=word.start_seconds + 0.5, end_seconds=word.end_seconds + 0.5) for word in words]
    texts = to_texts(words[:20] + late[20:])
    assert len(texts) == 2 and len(texts[0].words) == 20


def test_languages_without_spaces_are_joined_without_spaces():
    words = [SpokenWord(i, i + 0.9, character, 0.8) for i, character in enumerate("今天天气很好。")]
    assert said(to_texts(words)) == ["今天天气很好。"]


def test_confidence_is_the_mean_over_the_words():
    words = [SpokenWord(0, 0.5, " yes", 1.0), SpokenWord(0.6, 1, " no.", 0.5)]
    assert to_texts(words)[0].confidence == 0.75


def test_what_nobody_said_is_left_out():
    texts = [
        TimedText(0, 1, "Thank you.", 0.3),
        TimedText(1, 2, "Thank you.", 0.9),
        TimedText(2, 3, "you", 0.4),
        TimedText(3, 4, "Thanks for watching!", 0.4),
        TimedText(4, 5, "The boat turns.", 0.4),
        TimedText(5, 6, "Xq vrr lll.", 0.1),
        *(TimedText(n, n + 1, "Goal!", 0.9) for n in range(6, 12)),
        TimedText(12, 13, "...", 0.9),
    ]
    kept, left_out = without_inventions(texts)
    assert said(kept) == ["Thank you.", "The boat turns.", "Goal!", "Goal!"] and left_out == 9


@given(
    st.lists(
        st.tuples(st.floats(0, 3), st.floats(0.01, 3), st.sampled_from([" a", " b.", ",", " c,", "d"])), max_size=80
    )
)
def test_no_word_is_lost_and_no_text_too_long(steps):
    words, at = [], 0.0
    for pause, length, text in steps:
        words.append(SpokenWord(at + pause, at + pause + length, text, 0.5))
        at += pause + length
    texts = to_texts(words)
    assert [word.text for text in texts for word in text.words] == [word.text.strip() for word in words]
    assert all(len(text.words) == 1 or text.end_seconds - text.start_seconds <= LONGEST_SECONDS for text in texts)
    for text in texts:
        pauses = [b.start_seconds - a.end_seconds for a, b in zip(text.words, text.words[1:], strict=False)]
        assert all(pause <= PAUSE_SECONDS + 1e-9 for pause in pauses)
