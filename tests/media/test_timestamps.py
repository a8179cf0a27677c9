from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfgrounding.media.timestamps import Clock


def test_time_stamps_never_run_backwards_nor_leap_out_of_the_video():
    clock = Clock(0.1, 10.0)
    assert clock.place(0.0) == 0 and clock.place(0.1) == pytest.approx(0.1)
    assert clock.place(0.05) is None  # jitter
    assert clock.place(None) == pytest.approx(0.2)
    assert clock.place(1e9) == pytest.approx(0.3) and clock.place(1e9 + 0.1) == pytest.approx(0.4)
    assert clock.place(0.0) == pytest.approx(0.5) and clock.place(0.1) == pytest.approx(0.6)
    assert len(clock.warnings) == 2 and clock.ends(1e9) == pytest.approx(0.7)


def test_a_time_stamp_is_not_believed_where_decoding_goes_on():
    clock = Clock(0.1, 10.0)
    placed = [clock.place(stamp, decoded) for stamp, decoded in [(0.0, 0.0), (3.0, 0.1), (0.1, 0.2), (0.2, 0.3)]]
    assert placed == [0, 3.0, None, None] and clock.warnings == []  # the order was mixed up
    assert clock.place(1e9, 3.1) == pytest.approx(3.1) and clock.place(3.2, 3.2) == pytest.approx(3.2)
    assert clock.warnings == []  # one was damaged
    assert clock.place(0.0, 0.0) == pytest.approx(3.3) and clock.place(0.1, 0.1) == pytest.approx(3.4)
    assert len(clock.warnings) == 1  # another recording


def test_pictures_that_go_on_to_come_late_start_a_new_count():
    clock = Clock(0.1, 10.0)
    placed = [clock.place(stamp, 0.1 * k) for k, stamp in enumerate([0.0, 5.0, *(0.1 * k for k in range(1, 31))])]
    assert placed[2:18] == [None] * 16 and placed[18] == pytest.approx(5.1) and placed[-1] == pytest.approx(6.4)


@given(st.lists(st.tuples(st.none() | st.floats(-1e6, 1e6), st.none() | st.floats(-1e6, 1e6)), min_size=1))
def test_whatever_comes_time_runs_forwards(stamps):
    clock = Clock(0.1, 10.0)
    placed = [clock.place(*both) for both in stamps]
    shown = [seconds for seconds in placed if seconds is not None]
    first = stamps[0][0] or 0.0
    assert placed[0] == (first if first <= 70.5 else 0) and all(a < b for a, b in pairwise(shown))
