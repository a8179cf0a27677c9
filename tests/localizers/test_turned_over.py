"""What is not there: negated plans and events, by every localizer, and how probable such a stretch is."""

import numpy as np
import pytest

from tfgrounding.localizers.ground_curves import ground_curves, turned_over
from tfgrounding.localizers.presence import Presence, presence_negations, presence_texts
from tfgrounding.localizers.presence_of_words import PresenceOfWords
from tfgrounding.types import Plan, SubEvent

FRAMES, SECONDS = 180, 60.0
TIMES = (np.arange(FRAMES) + 0.5) * SECONDS / FRAMES
EDGES = np.linspace(0, SECONDS, FRAMES + 1)
RNG = np.random.default_rng(7)
NULLS = 0.15 + 0.01 * RNG.standard_normal((40, FRAMES)) + 0.01 * RNG.standard_normal((40, 1))


def shown(*spans, height=0.12):
    """A curve that is high in these spans and elsewhere as those of unrelated texts."""
    inside = np.zeros(FRAMES, dtype=bool)
    for start, end in spans:
        inside |= (start <= TIMES) & (end > TIMES)
    return 0.15 + height * inside + 0.01 * RNG.standard_normal(FRAMES)


def share_inside(moment, start, end):
    inside = min(moment.end_seconds, end) - max(moment.start_seconds, start)
    return max(inside, 0) / (moment.end_seconds - moment.start_seconds)


def overlap(moment, start, end):
    inside = min(moment.end_seconds, end) - max(moment.start_seconds, start)
    return max(inside, 0) / (max(moment.end_seconds, end) - min(moment.start_seconds, start))


def grounded(curves, plan, localizer, **more):
    return ground_curves(
        curves, plan, duration_seconds=SECONDS, localizer=localizer, null_curves=NULLS, floor=0.18, **more
    )


def test_a_negated_query_is_found_where_it_is_not():
    curves = {"people": shown((0, 22), (40, 60))}
    assert overlap(grounded(curves, Plan("people", negated=True), "default")[0], 22, 40) > 0.8
    assert overlap(grounded(curves, Plan("people"), "max-sum")[0], 22, 40) < 0.3


def test_all_but_a_moment_is_one_long_stretch():
    curves = {"a dog": shown((44, 50))}
    first, second = grounded(curves, Plan("a dog", negated=True), "default")[:2]
    assert overlap(first, 0, 44) > 0.8 and overlap(second, 50, 60) > 0.6 and first.score > second.score


def test_what_is_nowhere_is_away_all_the_time():
    curves = {"a dog": shown(height=0.0) - 0.01}
    best = grounded(curves, Plan("a dog", negated=True), "default")[0]
    assert (best.start_seconds, best.end_seconds) == (0, SECONDS)


def test_things_that_are_away_together():
    curves = {"cars and dogs": shown(), "cars": shown((0, 30)), "dogs": shown((45, 60))}
    events = (SubEvent(("cars",), negated=True), SubEvent(("dogs",), negated=True))
    plan = Plan("cars and dogs", sub_events=events, relation="simultaneously", negated=True)
    assert overlap(grounded(curves, plan, "default")[0], 30, 45) > 0.7


def test_a_flat_curve_has_an_answer():
    curves = {"people": np.full(FRAMES, 0.2)}
    assert ground_curves(curves, Plan("people", negated=True), duration_seconds=SECONDS)


@pytest.mark.parametrize("localizer", ["default", "tfvtg"])
def test_a_negated_detail(localizer):
    curves = {"a man": shown((10, 50)), "a hat": shown((0, 32))}
    plan = Plan(
        "a man", sub_events=(SubEvent(("a man",)), SubEvent(("a hat",), negated=True)), relation="simultaneously"
    )
    assert share_inside(grounded(curves, plan, localizer)[0], 32, 50) > 0.9


def test_turning_over_twice_is_nothing_and_needs_no_unrelated_texts():
    rows = np.stack([shown((0, 20)), shown((5, 9))])
    for nulls in (NULLS, None):
        turned = turned_over(rows, nulls)
        assert np.allclose(turned_over(turned, nulls), rows)
        assert turned[0, TIMES < 20].mean() < turned[0, TIMES > 20].mean()


def test_intervals_that_are_likely_for_the_positive_are_not_used():
    likely = np.array([[0.0], [5.0], [0.9]])
    curves = {"people": shown((0, 30))}
    with_it = grounded(curves, Plan("people", negated=True), "default", likely=likely)
    assert with_it == grounded(curves, Plan("people", negated=True), "default")


def test_what_comes_and_goes_is_present_and_so_is_its_absence():
    presence = Presence(NULLS, EDGES)
    away, always, comes = shown(), shown((0, 60)), shown((0, 30))
    assert presence.probability(comes) > 0.8 < presence.probability(comes, negated=[True])
    assert presence.probability(always, negated=[True]) < 0.2
    assert presence.probability(away, negated=[True]) > 0.8


def test_presence_of_a_missing_detail_needs_both():
    presence = Presence(NULLS, EDGES)
    man, away, always = shown((10, 50)), shown(), shown((0, 60))
    both = presence.probability(np.stack([man, away]), negated=[False, True])
    with_hat = presence.probability(np.stack([man, always]), negated=[False, True])
    assert with_hat < both and np.log(both / (1 - both)) - np.log(with_hat / (1 - with_hat)) > 1


def test_words_that_are_not_said():
    presence = PresenceOfWords(NULLS)
    assert presence.probability(shown((0, 30)), negated=[True]) > 0.5
    assert presence.probability(shown((0, 60), height=0.3), negated=[True]) < 0.1


def test_every_text_of_presence_says_whether_it_is_negated():
    plan = Plan("a man", ("man",), (SubEvent(("a man",)), SubEvent(("a hat", "hat"), negated=True)), "simultaneously")
    assert list(zip(presence_texts(plan), presence_negations(plan), strict=True)) == [
        ("a man", False),
        ("a hat", True),
        ("hat", True),
    ]
    assert presence_negations(Plan("people", ("persons",), negated=True)) == (True, True)
