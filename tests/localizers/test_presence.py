"""Presence: honest with few null curves, blind to an encoder's scale, higher where something stands out."""

from itertools import pairwise

import numpy as np
import pytest
from scipy.integrate import quad

from tfgrounding.errors import PlanError
from tfgrounding.localizers.presence import NULL_TEXTS, Presence, measured_floor, probability_of_presence

EDGES = np.linspace(0, 40, 121)


def curves(rng, count):
    smooth = np.exp(-0.5 * (np.arange(-6, 7) / 2) ** 2)
    white = rng.standard_normal((count, 132))
    return np.stack([np.convolve(row, smooth / smooth.sum(), mode="valid") for row in white])


def test_what_stands_out_is_there():
    rng = np.random.default_rng(0)
    null, own = curves(rng, 40), curves(rng, 1)[0]
    there = own.copy()
    there[50:80] += 3
    assert Presence(null, EDGES).probability(there) > 0.95 > 0.75 > Presence(null, EDGES).probability(own)


@pytest.mark.parametrize(("count", "tolerance"), [(3, 0.12), (6, 0.07), (40, 0.07)])
def test_p_values_of_absent_events_are_honest_however_few_the_texts(count, tolerance):
    rng = np.random.default_rng(1)
    p = np.array([Presence((c := curves(rng, count + 1))[1:], EDGES).p_value(c[0]) for _ in range(600)])
    for level in (0.05, 0.2, 0.5, 0.8):
        assert abs((p < level).mean() - level) < tolerance
    assert (p < 0.02).mean() < 0.05


def test_it_depends_neither_on_scale_nor_on_what_all_texts_share():
    rng = np.random.default_rng(2)
    null, own, shared = curves(rng, 20), 2 * curves(rng, 1)[0], curves(rng, 1)[0]
    here = Presence(null, EDGES).probability(own)
    assert Presence(0.01 * null + 0.3, EDGES).probability(0.01 * own + 0.3) == pytest.approx(here, abs=1e-6)
    assert Presence(null + shared, EDGES).probability(own + shared) == pytest.approx(here, abs=1e-6)


@pytest.mark.parametrize("p", [1e-12, 1e-4, 0.01, 0.2, 0.7, 0.9999])
def test_the_probability_is_the_integral_over_the_alternatives(p):
    factor = quad(lambda x: x * p ** (x - 1), 0, 1)[0]
    assert probability_of_presence(p) == pytest.approx(factor / (1 + factor), rel=1e-5)


def test_the_probability_falls_with_p():
    values = [probability_of_presence(p) for p in np.concatenate([[0.0, 1e-300], np.geomspace(1e-200, 1, 400)])]
    assert values[0] <= 1 and values[-1] == pytest.approx(1 / 3) and all(a >= b for a, b in pairwise(values))


def test_flat_curves_say_that_nothing_is_there():
    assert Presence(curves(np.random.default_rng(3), 10), EDGES).probability(np.full(120, 0.2)) < 0.4


@pytest.mark.parametrize("null", [np.zeros((2, 120)), np.zeros((5, 119)), np.zeros(120), np.full((5, 120), np.nan)])
def test_null_curves_must_fit(null):
    with pytest.raises(PlanError, match=r"null.curves"):
        Presence(null, EDGES).probability(np.zeros(120))


def test_the_null_texts_differ():
    assert len(set(NULL_TEXTS)) == len(NULL_TEXTS) >= 30


def test_the_measured_floor_lies_above_most_of_what_unrelated_texts_reach():
    null = 0.1 + 0.02 * curves(np.random.default_rng(4), 40)
    floor = measured_floor(null)
    assert (null < floor).mean() == pytest.approx(0.75, abs=0.001)
    assert measured_floor(2 * null - 0.3) == pytest.approx(2 * floor - 0.3)  # on the encoder's own scale
    null[0] += 1.0  # one of the texts is in the video after all
    assert abs(measured_floor(null) - floor) < 0.005
