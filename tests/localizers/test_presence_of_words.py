"""One sentence is enough to say that a track has what was asked, and unrelated sentences are not."""

from __future__ import annotations

import numpy as np
import pytest

from tfgrounding.errors import PlanError
from tfgrounding.localizers.presence_of_words import BY_MEANING, PresenceOfWords, presence_in_words


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


def in_words(by_curve=0.99, nearness=6.0, exact=0.0, **known) -> float:
    said = {"asks_for_words": True, "is_literal": False, "has_another_number": False, "has_content": True}
    return presence_in_words(by_curve, nearness, exact, **{**said, **known})


def test_of_words_that_are_asked_for_meaning_alone_is_never_sure_and_the_words_themselves_are():
    assert in_words() == BY_MEANING < in_words(exact=1.0)
    assert in_words(asks_for_words=False) > BY_MEANING
    assert in_words(exact=1.0, asks_for_words=False) == 0.99  # a query of its own words is about them


def test_a_text_that_is_not_near_or_a_curve_that_does_not_stand_out_is_not_present():
    assert in_words(nearness=1.0) < 0.1
    assert in_words(by_curve=0.05) == 0.05


def test_words_that_stand_there_are_present_only_where_they_are_asked():
    assert in_words(by_curve=0.05, nearness=1.0, exact=1.0) > 0.9
    assert in_words(by_curve=0.05, nearness=1.0, exact=1.0, asks_for_words=False) == 0.05


def test_of_what_the_encoder_does_not_read_only_exact_words_count():
    assert in_words(by_curve=0.99, nearness=None) < 0.01
    assert in_words(by_curve=0.01, nearness=None, exact=1.0) > 0.9


def test_a_quotation_met_in_part_another_number_and_a_query_without_content_are_not_present():
    assert in_words(is_literal=True, exact=0.5) < 0.5
    assert in_words(is_literal=True, exact=1.0) > 0.9
    assert in_words(has_another_number=True, exact=1.0) < 0.5
    assert in_words(has_another_number=True, asks_for_words=False) == in_words(asks_for_words=False)
    assert in_words(has_content=False, exact=1.0) == 0.0
