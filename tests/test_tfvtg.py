"""`tfvtg`: the paper's reading of scores and combinations."""

import numpy as np
import pytest
import twins
from hypothesis import given, settings
from hypothesis import strategies as st
from test_reference import noise, plan_of

from tfgrounding.ground import ground_curves
from tfgrounding.types import Plan, SubEvent


def answer(curves, plan, duration=30.0, **options):
    moments = ground_curves(curves, plan, duration_seconds=duration, localizer="tfvtg", **options)
    return np.array([(m.start_seconds, m.end_seconds, m.score) for m in moments])


def step(first, last, frames=90, low=0.25, high=0.4):
    curve = np.full(frames, low)
    curve[first:last] = high
    return curve


@given(
    st.integers(0, 10**6),
    st.integers(12, 120),
    st.sampled_from(["single-query", "sequentially", "simultaneously"]),
    st.integers(0, 3),
    st.integers(0, 2),
)
@settings(max_examples=40, deadline=None)
def test_the_whole_way_equals_its_plain_twin(seed, frames, relation, sub_events, paraphrases):
    plan = plan_of(relation, 0 if relation == "single-query" else sub_events, paraphrases)
    curves = {text: noise(seed + n, frames) for n, text in enumerate(plan.texts)}
    np.testing.assert_allclose(answer(curves, plan), twins.ground(curves, plan, 30.0, "tfvtg"), rtol=1e-12)


def test_moments_are_sorted_and_distinct():
    plan = plan_of("sequentially", sub_events=3)
    found = answer({text: noise(n) for n, text in enumerate(plan.texts)}, plan)
    assert (np.diff(found[:, 2]) <= 0).all()
    assert len(np.unique(found[:, :2], axis=0)) == len(found)


def test_a_rise_into_the_event_counts():
    """Two equal plateaus, one reached by a rise of which the window holds a part: that one wins."""
    sudden, risen = step(60, 80), step(20, 40)
    risen[10:20] = np.linspace(0.25, 0.4, 12)[1:-1]
    first = answer({"q": np.maximum(sudden, risen)}, Plan("q"), duration=90.0)[0]
    assert first[1] <= 45


def test_simultaneous_events_are_intersected_and_sequential_ones_united():
    curves = {"q": noise(0), "a": step(20, 60), "b": step(40, 80)}
    events = [SubEvent(["a"]), SubEvent(["b"])]
    start, end, _ = answer(curves, Plan("q", (), events, "simultaneously"), duration=90.0)[0]
    assert (start, end) == (40.0, 60.0)
    start, end, score = answer(curves, Plan("q", (), events, "sequentially"), duration=90.0)[0]
    assert (start, end) == (20.0, 80.0)
    alone = [answer({"q": curves[text]}, Plan("q"), duration=90.0)[0, 2] for text in "ab"]
    assert score == pytest.approx(sum(alone))


def test_without_a_combination_the_query_answers():
    """Two events that share no instant in any of their few proposals."""
    curves = {"q": noise(0, 8), "a": step(0, 2, 8), "b": step(6, 8, 8)}
    events = [SubEvent(["a"]), SubEvent(["b"])]
    both = answer(curves, Plan("q", (), events, "simultaneously"), stride_frames=8, longest_frames=1)
    assert len(both)
    single = answer(curves, Plan("q"), stride_frames=8, longest_frames=1)
    assert both.shape != () and single.shape != ()


def test_no_frame_above_the_floor_means_no_floor():
    """The contrast decides where the floor would leave nothing."""
    start, end, score = answer({"q": step(30, 50, low=0.05, high=0.1)}, Plan("q"), duration=90.0)[0]
    assert (start, end) == (30.0, 50.0)
    assert score > 0


def test_the_floor_hides_what_lies_below():
    curve = step(10, 30, low=0.05, high=0.15) + step(60, 80, low=0.0, high=0.2)
    assert answer({"q": curve}, Plan("q"), duration=90.0)[0, 0] >= 50


def test_three_hours_take_little_time_and_memory():
    import tracemalloc

    curve = noise(2, 32_400).astype(float)
    answer({"q": curve[:100]}, Plan("q"))
    tracemalloc.start()
    found = answer({"q": curve}, Plan("q"), duration=10_800.0)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert len(found) > 1
    assert peak < 100 * 32_400 * 8  # all scores at once would be 810 x 24,300 numbers
