"""Texts become curves by meaning and by exact words, and intervals that are texts become likely."""

from __future__ import annotations

import numpy as np
import pytest
from words_encoder import WordsEncoder

from tfgrounding.tracks.text_curves import TextCurves
from tfgrounding.tracks.text_track import TimedText
from tfgrounding.tracks.texts import timed_texts

ROWS = [(1, 4, "the bridge is closed"), (5, 8, "water the tomatoes"), (9, 12, "before noon"), (20, 24, "good night")]
UNRELATED = ["red cars", "a plane lands", "snow falls slowly", "he paints"]
ENCODER = WordsEncoder()


def vectors(texts):
    found = ENCODER.encode_texts(texts)
    return (found / np.linalg.norm(found, axis=1, keepdims=True)).astype(np.float32)


def made(rows=ROWS, timed=()):
    texts = timed_texts(rows, 30.0)
    return TextCurves(texts, vectors(texts.texts), vectors(UNRELATED), timed=timed, language="en")


def test_the_stretch_with_the_words_is_highest_and_a_query_without_them_has_its_cosines_alone():
    curves = made()
    other, tomatoes = curves.curves(["nothing", "tomatoes"], vectors(["nothing", "tomatoes"]))
    best = int(np.argmax(tomatoes))
    assert curves.edges_seconds[best] <= 6.0 < curves.edges_seconds[best + 1]
    np.testing.assert_allclose(other, (vectors(["nothing"]) @ curves.features.T)[0], atol=1e-6)
    assert tomatoes[best] > (vectors(["tomatoes"]) @ curves.features.T)[0][best]


@pytest.mark.parametrize(
    ("query", "bounds"),
    [
        ("water the tomatoes", (5.0, 8.0)),
        ("the bridge is closed", (1.0, 4.0)),
        ("water the tomatoes before noon", (5.0, 12.0)),  # two texts that follow each other
    ],
)
def test_the_likeliest_interval_is_the_texts_that_say_it(query, bounds):
    likely = made().likely([query], vectors([query]))
    best = likely[:, np.argmax(likely[2])]
    assert tuple(best[:2]) == pytest.approx(bounds)
    assert 0 < likely[2].sum() <= 1 and (likely[0] < likely[1]).all()


def test_words_of_a_text_that_was_cut_at_the_video_s_end_keep_within_it():
    likely = made([(28, 40, "the last words")]).likely(["last words"], vectors(["last words"]))
    assert likely[1].max() <= 30.0


def test_bounds_are_those_of_a_short_text_and_of_words_in_a_long_one():
    long = "first we talk of many other things and then of compound interest and then of many more things again"
    curves = made([(0, 3, "compound interest again"), (5, 29, long)])
    first, second = sorted(map(curves.bounds, curves.words.phrases("compound interest")))
    assert first == (0.0, 3.0)
    assert 5 < second[0] < second[1] < 29 and second[1] - second[0] < 6


def test_texts_at_the_same_time_are_both_found():
    rows = [(0, 10, "a red sign"), (0, 10, "a blue door"), (2, 6, "open house")]
    curves = made(rows, timed=[TimedText(0, 10, "a red sign")])
    for query in ("a red sign", "a blue door", "open house"):
        likely = curves.likely([query], vectors([query]))
        start, end, _ = likely[:, np.argmax(likely[2])]
        assert (start, end) == next(row[:2] for row in rows if row[2] == query)
