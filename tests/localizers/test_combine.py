"""The search over picks against all picks written out, for every size and both rules."""

import itertools
import time

import numpy as np
import pytest
import twins
from hypothesis import given, settings
from hypothesis import strategies as st

from tfgrounding.localizers.tfvtg.combine import _table, by_hull_vote, combined_by_sum, combined_by_vote

RELATIONS = ("sequentially", "simultaneously")


def events_of(rng, m, k, *, grid, length):
    """m sub-events of k candidates on a grid of `grid` instants, so that borders meet; scores whose sums are exact."""
    events = []
    for _ in range(m):
        start = rng.integers(0, grid, k)
        score = rng.integers(-8, 33, k) / 32
        events.append(np.stack([start, start + rng.integers(1, length, k), score]))
    return events


def assert_same_by_vote(found, survivors, results):
    """The same interval, score and order as all survivors', save that votes equal to 1e-9 may change places."""
    votes = twins.votes_by_hull(survivors) if len(survivors) else np.empty(0)
    order = np.argsort(-votes, kind="stable")
    assert found.shape[1] == min(results, len(survivors))
    for n, (start, end, score) in enumerate(found.T):
        alike = np.flatnonzero((survivors[:, 0] == start) & (survivors[:, 1] == end))
        assert np.isclose(votes[alike[0]], votes[order[n]], rtol=1e-9)
        assert np.isclose(survivors[alike, 2], score, rtol=1e-12).any()
        if (np.abs(votes - votes[order[n]]) < 1e-9).sum() == len(alike):
            place = list(order[: n + 1]).count(order[n]) and [i for i in order[: n + 1] if i in set(alike)]
            assert np.isclose(survivors[place[-1], 2], score, rtol=1e-12)


@pytest.mark.parametrize("relation", RELATIONS)
@pytest.mark.parametrize(("k", "m"), [*itertools.product(range(1, 7), range(1, 6))])
def test_sum_equals_all_picks_written_out(k, m, relation):
    rng = np.random.default_rng(100 * k + m)
    for grid, length in ((8, 5), (40, 30)):
        events = events_of(rng, m, k, grid=grid, length=length)
        found = combined_by_sum(events, relation, picks=k, results=10)
        np.testing.assert_array_equal(found, twins.combine(events, relation, "sum", k, 10))


@pytest.mark.parametrize("relation", RELATIONS)
@pytest.mark.parametrize(("k", "m"), [*itertools.product(range(1, 7), range(1, 6))])
def test_vote_equals_all_picks_written_out(k, m, relation):
    rng = np.random.default_rng(100 * k + m)
    for grid, length in ((8, 3), (40, 30)):
        events = events_of(rng, m, k, grid=grid, length=length)
        if relation == "sequentially" and length == 3:  # later events later, so that something is left
            events = [event + np.array([[3 * n], [3 * n], [0]]) for n, event in enumerate(events)]
        survivors = twins.survivors(events, relation, "product-vote", k)
        assert_same_by_vote(combined_by_vote(events, relation, picks=k, results=4), survivors, 4)
        by_hull = by_hull_vote(*_table(events, k), relation == "simultaneously", 4)
        assert_same_by_vote(by_hull, survivors, 4)


@given(st.integers(0, 10**6), st.integers(1, 3), st.integers(1, 4), st.sampled_from(RELATIONS))
@settings(max_examples=60, deadline=None)
def test_few_picks_are_voted_on_exactly_as_listed(seed, k, m, relation):
    events = events_of(np.random.default_rng(seed), m, k, grid=30, length=20)
    found = combined_by_vote(events, relation, picks=k, results=2)
    np.testing.assert_array_equal(found, twins.combine(events, relation, "product-vote", k, 2))


def test_undefined_scores_leave_the_picks_in_their_order():
    event = np.array([[0.0, 1.0], [4.0, 5.0], [np.nan, 0.5]])
    for m in (2, 12):
        starts, _, scores = combined_by_vote([event] * m, "simultaneously", picks=2, results=3)
        assert starts.tolist() == [0.0, 0.0, 0.0]
        assert np.isnan(scores).all()


def test_an_event_that_fits_nowhere_leaves_no_combination():
    early, late = np.array([[0.0], [1.0], [1.0]]), np.array([[5.0], [6.0], [1.0]])
    for combine in (combined_by_sum, combined_by_vote):
        assert combine([late, early], "sequentially", picks=3, results=3).shape == (3, 0)
        assert combine([late, early], "simultaneously", picks=3, results=3).shape == (3, 0)
        assert combine([early, late], "sequentially", picks=3, results=3).shape == (3, 1)


@pytest.mark.parametrize("relation", RELATIONS)
@pytest.mark.parametrize(("combine", "results"), [(combined_by_sum, 10), (combined_by_vote, 2)])
@pytest.mark.parametrize("spread", ["anywhere", "in order", "one instant"])
def test_ten_events_of_ten_candidates_take_no_time(relation, combine, results, spread):
    rng = np.random.default_rng(5)
    start = {"anywhere": rng.uniform(0, 80, (10, 10)), "one instant": rng.uniform(0, 50, (10, 10))}.get(
        spread, np.arange(10)[:, None] * 10 + rng.uniform(0, 1, (10, 10))
    )
    end = start + (rng.uniform(50, 60, (10, 10)) if spread == "one instant" else rng.uniform(1, 9, (10, 10)))
    events = [np.stack([s, e, rng.uniform(0, 1, 10)]) for s, e in zip(start, end, strict=True)]
    combine(events, relation, picks=10, results=results)
    times = []
    for _ in range(3):
        began = time.thread_time()
        combine(events, relation, picks=10, results=results)
        times.append(time.thread_time() - began)
    assert min(times) < 0.05
