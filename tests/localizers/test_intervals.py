"""Overlap, suppression and vote of intervals."""

import numpy as np
import pytest
import twins
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tfgrounding.localizers.intervals import hull, intersection, nms, temporal_iou, vote

SPANS = st.integers(1, 12).flatmap(lambda n: arrays(np.float64, (n, 2), elements=st.floats(0, 100, width=16)))


def test_iou_of_known_intervals():
    start, end = np.array([0.0, 0.0, 5.0, 2.0]), np.array([10.0, 5.0, 10.0, 2.0])
    np.testing.assert_allclose(temporal_iou(start, end, 0.0, 10.0), [1.0, 0.5, 0.5, 0.0])
    np.testing.assert_allclose(temporal_iou(0.0, 4.0, 2.0, 6.0), 1 / 3)
    assert temporal_iou(start[:, None], end[:, None], start, end).shape == (4, 4)


@given(SPANS)
def test_iou_is_symmetric_and_between_none_and_all(spans):
    start, end = spans.min(axis=1), spans.max(axis=1)
    iou = temporal_iou(start[:, None], end[:, None], start, end)
    assert ((iou >= 0) & (iou <= 1)).all()
    np.testing.assert_array_equal(iou, iou.T)
    np.testing.assert_array_equal(np.diag(iou), (end > start).astype(float))


@given(SPANS, st.floats(0, 0.9))
def test_nms_keeps_the_best_and_nothing_alike(spans, iou_above):
    start, end = spans.min(axis=1), spans.max(axis=1)
    score = np.round(spans.sum(axis=1))
    kept = nms(start, end, score, iou_above=iou_above, most=5)
    assert kept[0] == np.argmax(score)
    assert len(kept) <= 5
    assert (np.diff(score[kept]) <= 0).all()
    iou = temporal_iou(start[kept, None], end[kept, None], start[kept], end[kept])
    assert (iou[~np.eye(len(kept), dtype=bool)] <= iou_above).all()


def test_nms_stops_when_it_has_enough():
    start = np.arange(10.0)
    assert nms(start, start + 1, -start, iou_above=0.3, most=3).tolist() == [0, 1, 2]


@given(SPANS)
def test_vote_equals_its_definition(spans):
    start, end = spans.min(axis=1), spans.max(axis=1) + 1.0
    score = spans[:, 0] - 50
    np.testing.assert_allclose(vote(start, end, score), twins.votes(start, end, score), rtol=1e-9)


def test_hull_and_intersection():
    start, end = np.array([1.0, 3.0]), np.array([5.0, 8.0])
    assert hull(start, end) == (1.0, 8.0)
    assert intersection(start, end) == (3.0, 5.0)
    low, high = intersection(np.array([1.0, 6.0]), end)
    assert low > high
    with pytest.raises(ValueError, match="zero-size"):
        hull(np.empty(0), np.empty(0))
