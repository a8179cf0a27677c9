"""`tfvtg-reference`: the public program's answers, and where it has none."""

from itertools import islice

import numpy as np
import pytest
import stored
import twins
from hypothesis import given, settings
from hypothesis import strategies as st

from tfgrounding.errors import UndefinedAnswerError
from tfgrounding.localizers.ground_curves import ground_curves
from tfgrounding.types import Plan, SubEvent


def answer(curves, plan, duration=30.0, **options):
    moments = ground_curves(curves, plan, duration_seconds=duration, localizer="tfvtg-reference", **options)
    return np.array([(m.start_seconds, m.end_seconds, m.score) for m in moments])


def noise(seed, frames=90):
    rng = np.random.default_rng(seed)
    return (0.3 + 0.03 * np.sin(np.arange(frames) / 7 + seed) + rng.normal(0, 0.02, frames)).astype(np.float16)


def plan_of(relation, sub_events=2, paraphrases=2):
    events = [SubEvent([f"event {n}", f"event {n} again"]) for n in range(sub_events)]
    return Plan("query", [f"paraphrase {n}" for n in range(paraphrases)], events, relation)


@given(
    st.integers(0, 10**6),
    st.integers(12, 120),
    st.sampled_from(["single-query", "sequentially", "simultaneously"]),
    st.integers(0, 3),
    st.integers(0, 2),
)
@settings(max_examples=60, deadline=None)
def test_the_whole_way_equals_its_plain_twin(seed, frames, relation, sub_events, paraphrases):
    plan = plan_of(relation, 0 if relation == "single-query" else sub_events, paraphrases)
    curves = {text: noise(seed + n, frames) for n, text in enumerate(plan.texts)}
    np.testing.assert_array_equal(answer(curves, plan), twins.ground(curves, plan, 30.0, "tfvtg-reference"))


def test_the_window_goes_back_to_where_the_rise_began():
    """Flat, then a rise over frames 20-29, then high: the window is the high part, the answer begins with the rise."""
    curve = np.concatenate([np.full(20, 0.25), np.linspace(0.25, 0.45, 11)[:10], np.full(20, 0.45), np.full(30, 0.25)])
    start, end, score = answer({"q": curve}, Plan("q"), duration=80.0)[0]
    assert (score, end) == (1.0, 50.0)
    assert 17 <= start <= 20


def test_without_a_plan_the_first_response_of_the_query_stands_first():
    curves = {"query": noise(3)}
    alone = answer(curves, Plan("query"))
    assert alone[0, 2] == 1.0
    assert (np.diff(alone[:, 2]) <= 0).all()
    np.testing.assert_array_equal(alone, answer(curves, Plan("query", relation="sequentially")))


def test_sub_events_without_a_relation_do_not_count():
    curves = {text: noise(n) for n, text in enumerate(plan_of("sequentially").texts)}
    without = Plan("query", ["paraphrase 0", "paraphrase 1"])
    np.testing.assert_array_equal(answer(curves, plan_of("single-query")), answer(curves, without))


def test_agreement_of_the_wordings_decides():
    """Two paraphrases that agree outvote the query's own curve."""
    early, late = np.full(90, 0.25), np.full(90, 0.25)
    early[10:30], late[60:80] = 0.4, 0.4
    curves = {"query": early, "a": late, "b": late}
    assert answer(curves, Plan("query"))[0, 1] < 15
    assert answer(curves, Plan("query", ["a", "b"]))[0, 0] > 15


@pytest.mark.parametrize("relation", ["sequentially", "simultaneously"])
def test_a_dozen_sub_events_are_answered(relation):
    plan = plan_of(relation, sub_events=12)
    assert len(answer({text: noise(n) for n, text in enumerate(plan.texts)}, plan)) >= 7


def test_uneven_times_move_the_borders_only():
    curve, pts = noise(1), np.cumsum(np.r_[0.1, np.linspace(0.1, 0.5, 89)])
    even, uneven = answer({"q": curve}, Plan("q")), answer({"q": curve}, Plan("q"), pts[-1] + 1, pts_seconds=pts)
    edges = np.concatenate([[0.0], (pts[1:] + pts[:-1]) / 2, [pts[-1] + 1]])
    frames = np.round(even[:, :2] * 90 / 30).astype(int)
    np.testing.assert_allclose(uneven[:, :2], edges[frames])
    np.testing.assert_array_equal(uneven[:, 2], even[:, 2])


@pytest.mark.parametrize(
    "curve",
    [
        np.array([0.3]),  # one frame: a crash
        np.full(50, 0.25),  # constant: 0 / 0
        np.full(50, 0.1),  # all below the floor: [0, 0]
    ],
)
def test_where_the_public_program_has_no_answer(curve):
    with pytest.raises(UndefinedAnswerError, match="public program"):
        answer({"q": curve}, Plan("q"))


def test_an_undefined_wording_is_left_out_further_down():
    curves = {"query": noise(1), "dark": np.full(90, 0.1)}
    found = answer(curves, Plan("query", ["dark"]))
    assert np.isfinite(found).all()
    assert (found[:, 0] < found[:, 1]).all()
    assert len(found) == 3


def test_an_undefined_confidence_leaves_the_list_as_it_stood():
    """A constant curve's NaN makes every vote NaN, and the order stays that of the list."""
    curves = {"query": noise(1), "flat": np.full(90, 0.25)}
    np.testing.assert_array_equal(answer(curves, Plan("query", ["flat"]))[0], answer(curves, Plan("query"))[0])


@pytest.mark.skipif(not stored.SHARED.exists(), reason="the research data is not beside this checkout")
@pytest.mark.parametrize("folder", ["parity", "charades"])
def test_the_stored_answers_of_the_public_program(folder):
    for case in islice(stored.cases(folder), 300):
        for expected, plan in ((case.ranked, case.plan), (case.alone, Plan(case.plan.query))):
            first = answer(case.curves, plan, case.duration_seconds)[0]
            np.testing.assert_allclose(first, expected[0], atol=1e-3)
