"""`tfvtg`: the paper's reading of scores and combinations."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import twins
from hypothesis import given, settings
from hypothesis import strategies as st
from test_reference import noise, plan_of

from tfgrounding.localizers.ground_curves import ground_curves
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
    """Two plateaus, one of them there from the start, the other reached by a rise: that one wins."""
    start, _, score = answer({"q": np.maximum(step(0, 20), step(50, 70))}, Plan("q"), duration=90.0)[0]
    assert 45 <= start <= 50
    assert score > 0.15  # more than the contrast alone


def test_simultaneous_events_are_intersected_and_sequential_ones_united():
    curves = {"q": noise(0), "a": step(20, 60), "b": step(40, 80)}
    events = [SubEvent(["a"]), SubEvent(["b"])]
    start, end, _ = answer(curves, Plan("q", (), events, "simultaneously"), duration=90.0)[0]
    assert start == pytest.approx(40, abs=3) and end == pytest.approx(60, abs=3)
    start, end, score = answer(curves, Plan("q", (), events, "sequentially"), duration=90.0)[0]
    assert start == pytest.approx(20, abs=3) and end == pytest.approx(80, abs=3)
    alone = [answer({"q": curves[text]}, Plan("q"), duration=90.0)[0, 2] for text in "ab"]
    assert score == pytest.approx(sum(alone))


def test_without_a_combination_the_query_answers():
    """The first event has its five best proposals in the second half, the second event in the first half."""
    early = np.maximum.reduce([step(at, at + 20, 700) for at in range(20, 300, 60)])
    curves = {"q": noise(0, 700), "a": early[::-1], "b": early}
    grid = {"stride_frames": 20, "longest_frames": 20}
    alone = answer(curves, Plan("q"), **grid)
    for relation in ("sequentially", "simultaneously"):
        apart = Plan("q", (), [SubEvent(["a"]), SubEvent(["b"])], relation)
        np.testing.assert_array_equal(answer(curves, apart, **grid), alone)
    in_order = Plan("q", (), [SubEvent(["b"]), SubEvent(["a"])], "sequentially")
    assert not np.array_equal(answer(curves, in_order, **grid), alone)


def test_no_frame_above_the_floor_means_no_floor():
    """The contrast decides where the floor would leave nothing."""
    start, end, score = answer({"q": step(30, 50, low=0.05, high=0.1)}, Plan("q"), duration=90.0)[0]
    assert start == pytest.approx(30, abs=3) and end == pytest.approx(50, abs=3)
    assert score > 0


def test_the_floor_hides_what_lies_below():
    curve = step(10, 30, low=0.05, high=0.15) + step(60, 80, low=0.0, high=0.2)
    assert answer({"q": curve}, Plan("q"), duration=90.0)[0, 0] >= 50


THREE_HOURS = """
import re
import sys
import numpy as np
from tfgrounding.localizers.ground_curves import ground_curves
from tfgrounding.types import Plan

def peak_kib():
    return int(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1])

def answer(frames):
    curve = 0.3 + 0.05 * np.sin(np.arange(frames) / 300) + np.random.default_rng(0).normal(0, 0.01, frames)
    return ground_curves({"q": curve}, Plan("q"), duration_seconds=frames / 3, localizer=sys.argv[1])

answer(300)
before = peak_kib()
assert len(answer(32_400)) > 1
print((peak_kib() - before) / 1024)
"""


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="peak memory is read from Linux's /proc")
@pytest.mark.parametrize("localizer", ["tfvtg", "tfvtg-reference"])
def test_three_hours_fit_into_a_few_megabytes(localizer):
    """All scores at once would be 20 million numbers, 80 MB and more."""
    root = Path(__file__).resolve().parents[2]
    run = [sys.executable, "-c", THREE_HOURS, localizer]
    output = subprocess.run(run, cwd=root, capture_output=True, text=True, check=True).stdout
    assert float(output) < 20
