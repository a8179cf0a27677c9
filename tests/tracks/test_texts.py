"""Texts with times become stretches of a video: what is covered by which text, gaps, overlaps, hostile input."""

import math
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tfgrounding.errors import TFGroundingError
from tfgrounding.tracks.texts import MOST_TEXTS, PAUSE_SECONDS, text_stretches, timed_texts

NOTHING = np.full(3, -1.0, np.float32)


def stretches(texts, duration):
    """Edges and vectors, where the k-th different text, in the order of the alphabet, is the k-th unit vector."""
    timed = timed_texts(texts, duration)
    assert len(timed.texts) <= 3
    return text_stretches(timed, np.eye(3, dtype=np.float32)[: len(timed.texts)], NOTHING)


def test_texts_that_follow_each_other_are_the_stretches():
    edges, vectors = stretches([(4, 10, "b"), (0, 4, "a")], 10)
    assert edges.tolist() == [0, 4, 10]
    assert vectors.tolist() == [[1, 0, 0], [0, 1, 0]]


def test_a_long_gap_is_nothing_and_a_short_pause_belongs_half_to_each():
    edges, vectors = stretches([(2, 4, "a"), (4 + PAUSE_SECONDS, 8, "b"), (20, 30, "c")], 30)
    assert edges.tolist() == [0, 2, 4 + PAUSE_SECONDS / 2, 8, 20, 30]  # the time before the first text is no pause
    assert vectors.tolist() == [[-1] * 3, [1, 0, 0], [0, 1, 0], [-1] * 3, [0, 0, 1]]


def test_where_texts_overlap_their_mean_counts():
    edges, vectors = stretches([(0, 6, "a"), (4, 10, "b"), (5, 10, "c"), (5, 10, "c")], 10)
    assert edges.tolist() == [0, 4, 5, 6, 10]
    np.testing.assert_allclose(
        vectors, [[1, 0, 0], [1 / 2, 1 / 2, 0], [1 / 4, 1 / 4, 1 / 2], [0, 1 / 3, 2 / 3]], atol=1e-7
    )


def test_what_lies_outside_the_video_is_cut_and_said():
    timed = timed_texts([(-2, 3, "a"), (8, 12, "b"), (15, 16, "c"), (-3, -1, "c"), (3, 4, "  ")], 10)
    assert (
        timed.texts == ("a", "b") and timed.start_seconds.tolist() == [0, 8] and timed.end_seconds.tolist() == [3, 10]
    )
    assert timed.warnings == (
        "empty texts were left out",
        "texts that lie outside the video were left out",
        "texts that reach outside the video were cut off there",
    )
    assert timed_texts([(0, 10, "a")], 10).warnings == ()


@pytest.mark.parametrize(
    ("texts", "says"),
    [
        ([], "there is no text to search in$"),
        ([(0, 1, " "), (20, 30, "a")], "of 2 texts 1 are empty and 1 outside the video"),
        ([(0, 1, "a"), (math.nan, 1, "a")], r"texts\[1\] must begin with two finite numbers"),
        ([(0, math.inf, "a")], r"texts\[0\] must begin with two finite numbers"),
        ([(0, 10**400, "a")], r"texts\[0\] must begin with two finite numbers"),
        ([(True, 2, "a")], "two finite numbers"),
        ([("0", "1", "a")], "two finite numbers"),
        ([(2, 2, "a")], r"texts\[0\] must end after it starts, not at 2 s after 2 s"),
        ([(3, 2, "a")], "must end after it starts"),
        ([(0, 1, None)], r"texts\[0\] must hold a text, not NoneType"),
        ([(0, 1, b"a")], "must hold a text, not bytes"),
        ([(0, 1)], r"texts\[0\] must be \(start_seconds, end_seconds, text\), not \(0, 1\)"),
        (["a dog"], r"texts\[0\] must be .* not 'a dog'"),
        ("a dog", "texts must be a list of .* not str"),
        ({"a": 1}, "texts must be a list of .* not dict"),
        (None, "texts must be a list of"),
        ([(0, 1, "a")] * (MOST_TEXTS + 1), "at most 200,000 texts"),
    ],
)
def test_what_cannot_be_is_one_sentence(texts, says):
    with pytest.raises(TFGroundingError, match=says) as caught:
        timed_texts(texts, 10)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 200


@pytest.mark.parametrize("duration", [0, -1, math.nan, math.inf, 1e8, "10", None, True])
def test_the_duration_must_be_seconds(duration):
    with pytest.raises(TFGroundingError, match="duration_seconds must be above 0"):
        timed_texts([(0, 1, "a")], duration)


def test_numbers_of_numpy_and_iterators_are_taken():
    rows = np.array([[0, 2], [2, 4]], dtype=np.float32)
    timed = timed_texts(((start, end, "a") for start, end in rows), np.float64(4))
    assert len(timed) == 2 and timed.texts == ("a",)


seconds = st.floats(-5, 130, allow_nan=False)
rows = st.tuples(seconds, st.floats(1e-6, 60), st.sampled_from("abc")).map(lambda r: (r[0], r[0] + r[1], r[2]))


@settings(max_examples=200, deadline=None)
@given(texts=st.lists(rows, min_size=1, max_size=12), duration=st.floats(1e-4, 120), seed=st.integers(0, 9))
def test_stretches_fill_the_video_whatever_the_texts_and_their_order(texts, duration, seed):
    try:
        edges, vectors = stretches(texts, duration)
    except TFGroundingError as error:
        assert "outside" in str(error)
        return
    assert edges[0] == 0 and edges[-1] == duration and (np.diff(edges) > 0).all()
    assert len(vectors) == len(edges) - 1 <= 2 * len(texts) + 1 and np.isfinite(vectors).all()
    has_text = (vectors >= 0).all(axis=1)
    np.testing.assert_allclose(vectors[has_text].sum(axis=1), 1, atol=1e-5)
    permuted = [texts[k] for k in np.random.default_rng(seed).permutation(len(texts))]
    again = stretches(permuted, duration)
    assert np.array_equal(again[0], edges) and np.array_equal(again[1], vectors)


def test_a_hundred_thousand_texts_that_all_overlap_take_seconds():
    random = np.random.default_rng(0)
    times = np.sort(random.uniform(0, 86_400, (100_000, 2)), axis=1)
    texts = [(start, end + 0.01, "abc"[n % 3]) for n, (start, end) in enumerate(times)]
    begin = time.perf_counter()
    edges, vectors = stretches(texts, 86_400)
    assert time.perf_counter() - begin < 20
    assert len(edges) > 190_000
    middle = len(vectors) // 2
    np.testing.assert_allclose(vectors[middle], 1 / 3, atol=0.02)
    np.testing.assert_allclose(vectors.sum(axis=1)[(vectors >= 0).all(axis=1)], 1, atol=1e-5)
