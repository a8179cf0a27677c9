import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tfgrounding.tracks.saliency import clip_count, clip_saliency


def test_a_clip_has_the_mean_of_its_samples_and_gaps_are_bridged():
    scores = clip_saliency(np.array([1.0, 3.0, 5.0, 9.0]), np.array([0.5, 1.5, 2.5, 7.0]), 10.0)
    assert scores == [2.0, 5.0, 7.0, 9.0, 9.0]
    assert clip_saliency(np.zeros(0), np.zeros(0), 4.0) == [0.0, 0.0]


def test_the_half_clip_at_an_odd_end_counts():
    assert [clip_count(seconds) for seconds in (0.3, 2, 2.1, 14, 15, 150, 150.0000000001)] == [1, 1, 2, 7, 8, 75, 75]
    pts = np.arange(15) + 0.5
    assert clip_saliency((pts > 14).astype(float), pts, 15.0) == [0.0] * 7 + [1.0]


def test_samples_after_the_annotated_end_do_not_count():
    assert clip_saliency(np.array([0.0, 9.0]), np.array([1.0, 8.0]), 2.0) == [0.0]


@given(st.floats(0.1, 500), st.integers(0, 50))
def test_there_is_one_number_for_every_two_seconds(duration, samples):
    pts = np.linspace(0, duration, samples, endpoint=False)
    scores = clip_saliency(np.ones(samples), pts, duration)
    assert len(scores) == clip_count(duration) and set(scores) <= {0.0, 1.0}
