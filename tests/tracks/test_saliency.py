import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tfgrounding.tracks.saliency import clip_count, clip_saliency, highlight_scores
from tfgrounding.types import Span


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


EDGES = np.arange(31) * 2.0


def test_highlights_follow_the_curve_and_the_moments():
    curve = np.exp(-0.5 * ((np.arange(30) - 10) / 2.0) ** 2)
    alone = highlight_scores(curve, EDGES, [], 60.0)
    assert len(alone) == 30 and int(np.argmax(alone)) == 10
    covered = highlight_scores(curve, EDGES, [Span(40.0, 50.0, 0.9)], 60.0)
    assert min(np.subtract(covered, alone)[20:25]) > 0 > max(np.subtract(covered, alone)[:20])


def test_highlights_do_not_depend_on_how_time_is_cut():
    fine = np.repeat(np.sin(np.arange(30)), 4)
    moments = [Span(5.0, 13.0, 0.5)]
    whole = highlight_scores(np.sin(np.arange(30)), EDGES, moments, 60.0)
    np.testing.assert_allclose(highlight_scores(fine, np.arange(121) * 0.5, moments, 60.0), whole, atol=1e-9)
    one = highlight_scores(np.array([1.0, 2.0]), np.array([0.0, 30.0, 60.0]), [], 60.0)
    assert sorted(one) == one and len(one) == 30


def test_highlights_of_a_flat_curve_and_a_longer_annotation():
    assert highlight_scores(np.ones(30), EDGES, [], 60.0) == [0.0] * 30
    longer = highlight_scores(np.arange(30.0), EDGES, [], 70.0)
    assert len(longer) == 35 and set(longer[30:]) == {longer[29]} and np.isfinite(longer).all()
    assert len(highlight_scores(np.arange(30.0), EDGES, [], 15.0)) == 8


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=20), st.floats(0.01, 200))
def test_highlights_are_finite(values, duration):
    edges = np.linspace(0, duration, len(values) + 1)
    scores = highlight_scores(np.array(values), edges, [Span(0.0, duration / 2, 1.0)], duration)
    assert len(scores) == clip_count(duration) and np.isfinite(scores).all()
