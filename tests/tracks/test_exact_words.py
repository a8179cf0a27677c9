"""Words and phrases of a query are found in a track, with small errors of hearing and reading, in bounded time."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tfgrounding.tracks.exact_words import ExactWords
from tfgrounding.tracks.text_track import TimedText, Word
from tfgrounding.tracks.word_tokens import Vocabulary, quoted, tokens

LINES = (
    "Okay, let's get started with the milk.",
    "Today we look at compound interest and why it matters.",
    "The sign says WELCOMETOPARIS in large letters.",
    "He asked Kubernetes to scale the pods.",
    "Thank you very much, everyone.",
)


def track(lines=LINES, seconds=4.0):
    return [TimedText(seconds * n, seconds * (n + 0.75), line) for n, line in enumerate(lines)]


@pytest.fixture(scope="module")
def words():
    return ExactWords(track(), "en")


@pytest.mark.parametrize(
    ("query", "line", "least"),
    [
        ("lets get started", 0, 1.0),
        ("let us get started with milk", 0, 0.7),  # a word that is not there, a word left out
        ("compound interests", 1, 0.9),  # another form of the word
        ("look at compund intrest", 1, 0.6),  # letters left out
        ("com pound interest", 1, 1.0),  # split
        ("welcome to paris", 2, 1.0),  # read without spaces
        ("kubernetes", 3, 1.0),
        ("kubernets", 3, 0.6),
        ("thank you very much everyone", 4, 1.0),
    ],
)
def test_words_are_found_in_their_order_in_spite_of_small_errors(words, query, line, least):
    best = words.phrases(query)[0]
    assert (best.first_text, best.last_text) == (line, line)
    assert best.share >= least - 1e-6
    assert 4.0 * line <= best.start_seconds < best.end_seconds <= 4.0 * line + 3.0


def test_other_words_are_not_found(words):
    assert words.phrases("a man dances") == []
    assert not words.shares("a man dances").any()
    assert words.phrases("") == [] and words.phrases("?!") == []
    assert not words.shares("").any()


def test_the_text_with_the_rarer_word_has_the_larger_share():
    found = ExactWords(track(["the bus is late", "the bus is here", "the tram is here"])).shares("is the tram late")
    assert found[2] > found[1] and found[0] > found[1]
    assert ((found >= 0) & (found <= 1)).all()


def test_common_words_alone_weigh_little(words):
    assert words.shares("with the it")[0] < words.shares("milk")[0]
    phrases = words.phrases("the purple elephants and the giraffe")
    assert all(phrase.share < 0.5 for phrase in phrases)


def test_a_phrase_has_the_times_of_its_words_where_they_are_known():
    line = "now we adopt the Lisbon protocol at once"
    spoken = tuple(Word(10 + 2 * n, 11 + 2 * n, word) for n, word in enumerate(line.split()))
    found = ExactWords([TimedText(10, 26, line, words=spoken)]).phrases("Lisbon protocol")[0]
    assert (found.start_seconds, found.end_seconds) == (18.0, 21.0)
    assert found.is_timed and found.covered == pytest.approx(2 / 8)
    guessed = ExactWords([TimedText(10, 26, line)]).phrases("Lisbon protocol")[0]
    assert guessed.start_seconds == pytest.approx(10 + 16 * line.index("Lisbon") / len(line))
    assert not guessed.is_timed


def test_a_phrase_goes_on_in_the_next_text_but_not_after_a_long_pause():
    parts = ("the committee adopted", "the Lisbon protocol")
    query = " ".join(parts)
    near = ExactWords([TimedText(0, 2, parts[0]), TimedText(2.1, 4, parts[1])]).phrases(query)[0]
    assert (near.first_text, near.last_text, near.share) == (0, 1, 1.0)
    far = ExactWords([TimedText(0, 2, parts[0]), TimedText(60, 62, parts[1])]).phrases(query)
    assert all(phrase.end_seconds - phrase.start_seconds <= 2 for phrase in far)


def test_a_missing_word_is_not_looked_for_in_another_text():
    lines = ["we spoke of it at length", "fuel prices rose", "and then it rained"]
    found = ExactWords(track(lines, 2.0)).phrases("about fuel prices falling")[0]
    assert (found.first_text, found.last_text) == (1, 1)
    assert (found.start_seconds, found.end_seconds) == (2.0, 3.5)


def test_words_of_a_long_text_without_times_are_near_each_other():
    found = ExactWords([TimedText(0, 600, "Channel 5 News")]).phrases("channel 5")[0]
    assert found.share == 1.0


def test_every_occurrence_is_found():
    lines = ["open the settings", "choose a colour", "open the settings again", "close it"]
    found = ExactWords(track(lines)).phrases("open the settings")
    assert [phrase.first_text for phrase in found if phrase.share == 1.0] == [0, 2]


@pytest.mark.parametrize(
    ("language", "line", "query"),
    [
        ("de", "Die Häuser am Fluss wurden verkauft", "Haus am Fluss verkaufen"),
        ("fr", "il faut mettre l'eau dans le verre", "eau dans les verres"),
        ("zh", "一只狗在草地上跑", "狗在草地上"),
        ("xx", "saluton al la mondo", "SALUTON al la mondo"),
    ],
)
def test_other_languages(language, line, query):
    found = ExactWords([TimedText(0, 3, "..."), TimedText(4, 8, line)], language).phrases(query)
    assert found and found[0].first_text == 1 and found[0].share > 0.5


def test_a_number_is_not_another_number():
    vocabulary = Vocabulary(["20190", "20191", "interest"])
    assert list(vocabulary.alike("20190")) == [0]
    assert list(vocabulary.alike("intrest")) == [2]
    assert not Vocabulary(["covid19", "12.5", "8th"]).alike("covid18")
    assert [token.word for token in tokens("up 12.5%, by 420,000 at 1:30, item seven")] == [
        "up", "12.5", "by", "420000", "at", "1:30", "item", "7"
    ]  # fmt: skip


def test_tokens_and_quotes():
    assert [token.word for token in tokens("Don't  STOP—café!")] == ["dont", "stop", "cafe"]
    assert quoted('when does she say "good night" twice') == "good night"
    assert quoted("“guten Abend”") == "guten Abend"
    assert quoted("no quotes, it's plain") == ""


TEXT = st.text(alphabet="ab' é\n9狗\u0301\x00", max_size=30)


@settings(max_examples=60, deadline=None)
@given(st.lists(TEXT, max_size=8), TEXT)
def test_whatever_the_texts_shares_and_phrases_stay_within_bounds(lines, query):
    words = ExactWords(track(lines))
    shares = words.shares(query)
    assert shares.shape == (len(lines),) and ((shares >= 0) & (shares <= 1)).all()
    for phrase in words.phrases(query):
        assert 0 <= phrase.first_text <= phrase.last_text < len(lines)
        assert phrase.start_seconds < phrase.end_seconds and 0 < phrase.share <= 1 and 0 < phrase.covered <= 1


def test_many_texts_and_long_queries_take_bounded_time():
    random = np.random.default_rng(0)
    numbers = random.integers(0, 10**6, (20_000, 8))
    lines = [" ".join(["the a", *(f"x{n}" for n in row)]) for row in numbers.tolist()]
    began = time.perf_counter()
    words = ExactWords(track(lines, 0.5))
    words.shares("the a " * 5_000)
    words.phrases("the a " * 5_000)
    assert time.perf_counter() - began < 60
