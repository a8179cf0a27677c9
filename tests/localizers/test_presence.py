"""Presence: honest with few null curves, blind to an encoder's scale, higher where something stands out or stays."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tfgrounding.errors import PlanError
from tfgrounding.localizers.presence import (
    NULL_TEXTS,
    Presence,
    measured_floor,
    presence_texts,
    probability_of_presence,
)
from tfgrounding.types import Plan, SubEvent

EDGES = np.linspace(0, 40, 121)
SEEDS = st.integers(0, 2**32 - 1)


def curves(rng, count):
    smooth = np.exp(-0.5 * (np.arange(-6, 7) / 2) ** 2)
    white = rng.standard_normal((count, 132))
    return np.stack([np.convolve(row, smooth / smooth.sum(), mode="valid") for row in white])


def with_levels(rng, count):
    """Curves of texts that fit the whole video more or less, as they do with every encoder."""
    return curves(rng, count) + rng.standard_normal((count, 1))


def chance(p):
    return np.log(p / (1 - p))


def test_what_stands_out_for_three_seconds_is_there():
    rng = np.random.default_rng(0)
    null, own = with_levels(rng, 40), curves(rng, 1)[0]
    there = own.copy()
    there[50:59] += 4
    presence = Presence(null, EDGES)
    assert presence.probability(there) > 0.95 > 0.3 > presence.probability(own)


def test_what_is_in_every_frame_is_there():
    rng = np.random.default_rng(1)
    null, own = with_levels(rng, 40), curves(rng, 1)[0]
    presence = Presence(null, EDGES)
    assert presence.probability(own + 7) > 0.9 > 0.3 > presence.probability(own)
    assert presence.probability(own - 3) < 0.05  # the numbers go down to 0


@pytest.mark.parametrize("frames", [1, 30])
def test_a_still_picture_is_judged_by_its_level(frames):
    null = np.random.default_rng(2).standard_normal((40, 1)).repeat(frames, axis=1)
    presence = Presence(null, np.linspace(0, 10, frames + 1))
    values = [presence.probability(np.full(frames, level)) for level in (-3, 0, 3)]
    assert values[0] < 0.02 < values[1] < 0.2 < 0.85 < values[2]


@pytest.mark.parametrize(("count", "tolerance"), [(3, 0.12), (6, 0.1), (40, 0.07)])
def test_p_values_of_absent_events_are_honest_however_few_the_texts(count, tolerance):
    rng = np.random.default_rng(1)
    p = np.array([Presence((c := with_levels(rng, count + 1))[1:], EDGES).p_value(c[0]) for _ in range(400)])
    for level in (0.05, 0.2, 0.5, 0.8):
        assert abs((p < level).mean() - level) < tolerance
    assert (p < 0.02).mean() < 0.05


def test_few_null_curves_are_cautious():
    rng = np.random.default_rng(3)
    null, own = with_levels(rng, 40), curves(rng, 1)[0]
    there = own.copy()
    there[50:80] += 5
    few, many = ([Presence(n, EDGES).probability(c) for c in (there, own - 5)] for n in (null[:3], null))
    assert many[1] < few[1] < few[0] < many[0] - 0.3


@settings(max_examples=20, deadline=None)
@given(seed=SEEDS, scale=st.floats(1e-3, 1e3), shift=st.floats(-10, 10))
def test_it_depends_neither_on_scale_nor_on_what_all_texts_share(seed, scale, shift):
    rng = np.random.default_rng(seed)
    null, own, shared = with_levels(rng, 12), 2 * curves(rng, 1)[0], curves(rng, 1)[0]
    here = Presence(null, EDGES).probability(own)
    assert Presence(scale * null + shift, EDGES).probability(scale * own + shift) == pytest.approx(here, abs=1e-5)
    assert Presence(null + shared, EDGES).probability(own + shared) == pytest.approx(here, abs=1e-5)


@settings(max_examples=20, deadline=None)
@given(seed=SEEDS)
def test_neither_the_order_of_time_nor_of_the_texts_counts(seed):
    rng = np.random.default_rng(seed)
    null, own = with_levels(rng, 8), with_levels(rng, 3)
    seconds = rng.uniform(0.1, 1.0, 120)
    edges = np.concatenate([[0.0], np.cumsum(seconds)])
    here = Presence(null, edges).probability(own)
    later = rng.permutation(120)
    moved = np.concatenate([[0.0], np.cumsum(seconds[later])])
    assert Presence(null[:, later], moved).probability(own[:, later]) == pytest.approx(here, abs=1e-9)
    assert Presence(null[rng.permutation(8)], edges).probability(own[rng.permutation(3)]) == pytest.approx(here)


@settings(max_examples=30, deadline=None)
@given(
    seed=SEEDS, size=st.sampled_from([0.0, 1e-12, 1e-3, 1.0, 1e6]), count=st.integers(3, 6), frames=st.integers(1, 9)
)
def test_it_is_always_a_probability(seed, size, count, frames):
    rng = np.random.default_rng(seed)
    null = size * np.round(rng.standard_normal((count, frames)), 1)
    for own in (np.zeros(frames), np.ones(frames), null[0], 1e6 * rng.standard_normal(frames)):
        assert 0 <= Presence(null, np.arange(frames + 1.0)).probability(own) <= 1


def test_the_log_odds_of_several_texts_are_averaged():
    rng = np.random.default_rng(4)
    own = with_levels(rng, 2)
    presence = Presence(with_levels(rng, 20), EDGES)
    one, two = (presence.probability(curve) for curve in own)
    assert chance(presence.probability(own)) == pytest.approx((chance(one) + chance(two)) / 2)
    assert presence.probability(own[:1]) == one == pytest.approx(probability_of_presence(presence.p_value(own[0])))


def test_the_probability_falls_with_p():
    values = [probability_of_presence(p) for p in np.concatenate([[0.0, 1e-300], np.geomspace(1e-200, 1, 400)])]
    assert values[0] == pytest.approx(1) and values[-1] == pytest.approx(0, abs=1e-6)
    assert all(a >= b for a, b in pairwise(values)) and probability_of_presence(0.1056) == pytest.approx(0.5, abs=0.001)


def test_flat_curves_say_that_nothing_is_there():
    assert Presence(with_levels(np.random.default_rng(5), 10), EDGES).probability(np.full(120, 0.2)) < 0.1


@pytest.mark.parametrize("null", [np.zeros((2, 120)), np.zeros((5, 119)), np.zeros(120), np.full((5, 120), np.nan)])
def test_null_curves_must_fit(null):
    with pytest.raises(PlanError, match=r"null.curves"):
        Presence(null, EDGES).probability(np.zeros(120))


@pytest.mark.parametrize("own", [np.zeros(119), np.zeros((0, 120)), np.zeros((1, 2, 120)), np.full(120, np.inf)])
def test_the_curves_of_the_query_must_fit(own):
    with pytest.raises(PlanError, match="120 finite values"):
        Presence(curves(np.random.default_rng(6), 5), EDGES).probability(own)


def test_an_event_of_parts_is_judged_by_its_parts_and_one_event_by_its_wordings():
    parts = (SubEvent(("a dog barks", "dog barking")), SubEvent(("a cat hides",)))
    plan = Plan("a dog barks and a cat hides", ("other words",), parts, "sequentially")
    assert presence_texts(plan) == ("a dog barks", "dog barking", "a cat hides")
    assert presence_texts(Plan("a dog barks", ("dog barking",), parts)) == ("a dog barks", "dog barking")


def test_the_null_texts_differ():
    assert len(set(NULL_TEXTS)) == len(NULL_TEXTS) >= 30


def test_the_measured_floor_lies_above_most_of_what_unrelated_texts_reach():
    null = 0.1 + 0.02 * curves(np.random.default_rng(4), 40)
    floor = measured_floor(null)
    assert (null < floor).mean() == pytest.approx(0.75, abs=0.001)
    assert measured_floor(2 * null - 0.3) == pytest.approx(2 * floor - 0.3)  # on the encoder's own scale
    null[0] += 1.0  # one of the texts is in the video after all
    assert abs(measured_floor(null) - floor) < 0.005
