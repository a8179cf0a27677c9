"""Events are picked together: in their order, near each other, and without one that is not there."""

from itertools import pairwise, product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tfgrounding.localizers.events import divided, picked_moments
from tfgrounding.localizers.fusion import CLOSE_SECONDS
from tfgrounding.localizers.intervals import temporal_iou
from tfgrounding.localizers.presence import PROBABLY_NOT
from tfgrounding.types import Moment

LENGTH = 100.0


def times(moments):
    return [(moment.start_seconds, moment.end_seconds) for moment in moments]


@st.composite
def candidates(draw):
    starts = draw(st.lists(st.floats(0, LENGTH - 1), min_size=1, max_size=5))
    found = [Moment(start, min(LENGTH, start + draw(st.floats(0.5, 40))), draw(st.floats(0.01, 1))) for start in starts]
    return sorted(found, key=lambda moment: -moment.score)


def keeps_order(pick):
    return all(a.start_seconds <= b.start_seconds and a.end_seconds <= b.end_seconds for a, b in pairwise(pick))


def value(pick):
    """The product that a pick in order has the largest of: written as the module's head says it."""
    found = 1.0
    for moment in pick:
        found *= moment.score
    for a, b in pairwise(pick):
        pause = max(0.0, b.start_seconds - a.end_seconds)
        if temporal_iou(*times([a])[0], *times([b])[0]) == 1:
            return 0.0
        found *= CLOSE_SECONDS / (CLOSE_SECONDS + pause) * (1 - temporal_iou(*times([a])[0], *times([b])[0]))
    return found


@settings(deadline=None)
@given(st.lists(candidates(), min_size=1, max_size=4))
def test_the_pick_in_order_is_the_best_of_all(events):
    picks = [pick for pick in product(*events) if keeps_order(pick) and value(pick) > 0]
    found = picked_moments(events, "sequentially", [None] * len(events))
    if picks:
        assert keeps_order(found) and value(found) == pytest.approx(max(map(value, picks)))
    else:
        assert found == [event[0] for event in events]


@settings(deadline=None)
@given(st.lists(candidates(), min_size=2, max_size=3), st.data())
def test_an_event_that_is_not_there_moves_no_other(events, data):
    absent = data.draw(st.integers(0, len(events) - 1))
    presents = [PROBABLY_NOT - 0.01 if n == absent else 0.9 for n in range(len(events))]
    found = picked_moments(events, "sequentially", presents)
    others = [event for n, event in enumerate(events) if n != absent]
    alone = picked_moments(others, "sequentially", [0.9] * len(others))
    assert [moment for n, moment in enumerate(found) if n != absent] == alone
    assert found[absent] in events[absent]


def test_the_second_event_is_looked_for_after_the_first():
    dance = [Moment(40, 50, 0.6), Moment(10, 20, 0.1)]
    band = [Moment(5, 15, 0.5), Moment(52, 60, 0.3)]
    assert times(picked_moments([dance, band], "sequentially", [0.9, 0.9])) == [(40, 50), (52, 60)]
    assert times(picked_moments([dance, band], "sequentially", [0.1, 0.9])) == [(40, 50), (5, 15)]


def test_an_absent_event_keeps_the_order_where_it_can():
    dance = [Moment(40, 50, 0.6)]
    nothing = [Moment(5, 15, 0.5), Moment(52, 60, 0.1)]
    assert times(picked_moments([dance, nothing], "sequentially", [0.9, 0.1])) == [(40, 50), (52, 60)]


def test_the_best_moment_of_the_whole_query_decides_between_equals():
    dance = [Moment(10, 20, 0.4), Moment(60, 70, 0.4)]
    band = [Moment(20, 30, 0.4), Moment(70, 80, 0.4)]
    whole = Moment(61, 79, 0.5)
    assert times(picked_moments([dance, band], "sequentially", [0.9, 0.9], whole=whole)) == [(60, 70), (70, 80)]
    assert times(picked_moments([dance, band], "sequentially", [0.9, 0.9], whole=Moment(9, 31, 0.5))) == [
        (10, 20),
        (20, 30),
    ]


def test_neighbours_that_overlap_are_divided_where_the_curves_change():
    seconds = np.arange(40) + 0.5
    difference = np.where(seconds < 17, 1.0, -1.0)
    first, second = divided(Moment(10, 20, 0.5), Moment(12, 30, 0.4), difference, seconds)
    assert times([first, second]) == [(10, 17), (17, 30)] and (first.score, second.score) == (0.5, 0.4)
    apart = Moment(10, 12, 0.5), Moment(13, 30, 0.4)
    assert divided(*apart, difference, seconds) == apart


def test_events_at_the_same_time_share_it():
    sings = [Moment(40, 50, 0.5), Moment(10, 20, 0.4)]
    dances = [Moment(11, 21, 0.5), Moment(70, 80, 0.5)]
    assert times(picked_moments([sings, dances], "simultaneously", [0.9, 0.9])) == [(10, 20), (11, 21)]
    apart = [Moment(90, 95, 0.5)]
    assert times(picked_moments([sings, apart], "simultaneously", [0.9, 0.9])) == [(40, 50), (90, 95)]
