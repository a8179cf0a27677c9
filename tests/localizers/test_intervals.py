"""Overlap of intervals."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tfgrounding import Moment
from tfgrounding.localizers.intervals import distinct, temporal_iou

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


def test_another_reading_of_a_moment_is_left_out():
    moments = [Moment(10, 20, 0.9), Moment(11, 21, 0.5), Moment(10, 30, 0.4), Moment(60, 70, 0.3)]
    assert distinct(moments, 0.6) == [moments[0], moments[2], moments[3]]
    assert distinct(moments, 1.0) == moments and distinct([], 0.5) == []
