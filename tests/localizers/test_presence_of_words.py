"""One sentence is enough to say that a track has what was asked, and unrelated sentences are not."""

from __future__ import annotations

import numpy as np
import pytest

from tfgrounding.errors import PlanError
from tfgrounding.localizers.presence_of_words import PresenceOfWords


def nulls(texts=60, stretches=50):
    return np.random.default_rng(0).normal(0.1, 0.05, (texts, stretches))


def test_one_high_stretch_is_enough_and_none_is_absent():
    presence, curve = PresenceOfWords(nulls()), np.full(50, 0.1)
    assert presence.probability(curve) < 0.1
    curve[7] = 0.6
    assert presence.probability(curve) > 0.95


def test_unrelated_texts_are_hardly_ever_claimed():
    presence = PresenceOfWords(nulls())
    others = np.random.default_rng(1).normal(0.1, 0.05, (200, 50))
    assert np.mean([presence.probability(curve) >= 0.9 for curve in others]) < 0.2


@pytest.mark.parametrize("stretches", [1, 3])
def test_a_short_track_is_neither_sure_nor_blind(stretches):
    presence = PresenceOfWords(nulls(stretches=stretches))
    assert presence.probability(np.full(stretches, 0.12)) < 0.7
    assert presence.probability(np.full(stretches, 0.5)) > 0.9


def test_scale_and_offset_do_not_matter():
    curve = np.random.default_rng(2).normal(0.15, 0.05, 50)
    there = PresenceOfWords(nulls()).probability(curve)
    assert PresenceOfWords(3 * nulls() + 1).probability(3 * curve + 1) == pytest.approx(there)


def test_curves_that_do_not_fit_are_refused():
    with pytest.raises(PlanError, match="three"):
        PresenceOfWords(nulls(texts=2))
    with pytest.raises(PlanError, match="50 finite"):
        PresenceOfWords(nulls()).probability(np.full(49, 0.1))
    with pytest.raises(PlanError, match="50 finite"):
        PresenceOfWords(nulls()).probability(np.full(50, np.nan))
