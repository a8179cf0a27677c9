"""Maximum-sum segments against every segment, tried one by one."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tfgrounding import Plan
from tfgrounding.localizers.ground_curves import ground_curves
from tfgrounding.localizers.maxsum import largest_segments


def largest(values, low, high):
    return max(values[i:j].sum() for i in range(low, high) for j in range(i + 1, high + 1))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(-5, 5), min_size=1, max_size=30))
def test_every_segment_is_the_largest_of_what_is_left(values):
    values = np.array(values, dtype=np.float64)
    first, last, score = largest_segments(values, 4)
    free = [(0, len(values))]
    for a, b, s in zip(first, last, score, strict=True):
        assert s == values[a:b].sum() == max(largest(values, low, high) for low, high in free if high > low)
        i = next(n for n, (low, high) in enumerate(free) if low <= a and b <= high)
        free[i : i + 1] = [(free[i][0], a), (b, free[i][1])]
    assert (score[1:] > 0).all()


def test_two_steps_are_two_moments():
    curve = np.zeros(90)
    curve[10:20], curve[60:80] = 1.0, 1.0
    moments = ground_curves({"q": curve}, Plan("q"), duration_seconds=30.0, localizer="max-sum")
    assert [(round(m.start_seconds, 2), round(m.end_seconds, 2)) for m in moments] == [(20.0, 26.67), (3.33, 6.67)]
    assert moments[0].score > moments[1].score and sum(m.score for m in moments) <= 1 + 1e-9


def test_a_flat_curve_is_one_moment():
    moments = ground_curves({"q": np.full(7, 0.1)}, Plan("q"), duration_seconds=3.0, localizer="max-sum")
    assert [(m.start_seconds, m.end_seconds) for m in moments] == [(0.0, 3.0)]
