"""Every kernel against its plain twin, on random and on hostile curves."""

import os
import shutil
import subprocess
import sys
import threading
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import twins
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tfgrounding.localizers import kernels
from tfgrounding.localizers.tfvtg import ranking, windows

fast = partial(settings, deadline=None, suppress_health_check=[HealthCheck.too_slow])
FLOOR = 0.2
COSINES = st.floats(-1, 1, width=16)
FEW = st.sampled_from([0.0, 0.1, 0.25, 0.25048828125, 0.3, 0.5])  # ties, and values on both sides of the floor
WILD = st.floats(-1e6, 1e6, width=32)
ELEMENTS = st.sampled_from([COSINES, FEW, st.just(0.3), st.just(0.1)])


@st.composite
def curves(draw, rows=1, shortest=2, elements=ELEMENTS):
    frames = draw(st.integers(shortest, 70))
    return draw(arrays(np.float64, (rows, frames), elements=draw(elements)))


@st.composite
def grids(draw, frames):
    stride = draw(st.integers(1, max(1, frames // 2)))
    return stride, draw(st.integers(stride, frames))


def prepared(curve, stride, floor=FLOOR):
    n = len(curve)
    signal, above, change = np.empty(n, np.float32), np.empty(n, np.float32), np.empty(n, np.float32)
    total, count = np.empty(n + 1), np.empty(n + 1)
    windows.masked_sums(curve, floor, signal, above, total, count)
    windows.smoothed_change(signal, above, stride, change)
    return signal, above, total, count, change


@given(st.data())
@fast(max_examples=150)
def test_mask_change_and_rise(data):
    curve = data.draw(curves(elements=st.sampled_from([COSINES, FEW, WILD])))[0]
    stride = data.draw(st.integers(1, max(1, len(curve) // 2)))
    signal, above, total, count, change = prepared(curve, stride)
    twin_signal, twin_above = twins.masked(curve, FLOOR)
    np.testing.assert_array_equal(signal, twin_signal)
    np.testing.assert_array_equal(above, twin_above)
    np.testing.assert_array_equal(total, twins.running(twin_signal))
    np.testing.assert_array_equal(count, twins.running(twin_above))
    np.testing.assert_array_equal(change, twins.smoothed_change(twin_signal, twin_above, stride))
    rise = np.empty(len(curve), np.int64)
    windows.rise_starts(change, rise)
    np.testing.assert_array_equal(rise, twins.rise_starts(change))


@given(st.data())
@fast(max_examples=60)
def test_reach_is_how_far_every_change_exceeds_the_threshold(data):
    curve = data.draw(curves())[0]
    change = prepared(curve, 1)[4]
    gain, reach = np.empty(len(curve) + 1), np.empty(len(curve) + 1, np.int64)
    windows.rise_reaches(change, gain, reach)
    for t in range(len(curve) + 1):
        assert reach[t] >= t
        assert (change[t : reach[t]] > twins.DELTA).all()
        assert reach[t] >= len(curve) or not change[reach[t]] > twins.DELTA
    np.testing.assert_array_equal(gain, twins.running(change))


@given(st.data())
@fast(max_examples=150)
def test_static_scores_of_every_window(data):
    curve = data.draw(curves())[0]
    frames = len(curve)
    stride, longest = data.draw(grids(frames))
    signal, above, total, count, _ = prepared(curve, stride)
    spans = twins.windows(frames, stride, longest)
    expected = twins.published_scores(signal, above, spans)
    everything, every_count = np.float32(total[-1]), np.float32(count[-1])
    scores = [windows.published_contrast(total, count, s, e, everything, every_count) for s, e in spans]
    np.testing.assert_array_equal(np.array(scores, np.float32), expected)
    score, width = np.empty(frames + 1), np.empty(frames + 1, np.int64)
    windows.best_published_by_end(total, count, stride, longest, score, width)
    for end in range(frames + 1):
        here = np.flatnonzero((spans[:, 1] == end) & ~np.isnan(expected))
        if len(here) == 0:
            assert width[end] == 0
        else:
            best = here[np.argmax(expected[here])]
            assert (score[end], width[end]) == (expected[best], spans[best, 1] - spans[best, 0])


@given(st.data())
@fast(max_examples=80)
def test_search_over_transitions(data):
    curve = data.draw(curves(elements=st.sampled_from([COSINES, FEW])))[0]
    if data.draw(st.booleans()):
        curve = np.sort(curve)  # one long rise
    frames = len(curve)
    stride, longest = data.draw(grids(frames))
    signal, above, total, count, change = prepared(curve, stride)
    gain, reach = np.empty(frames + 1), np.empty(frames + 1, np.int64)
    windows.rise_reaches(change, gain, reach)
    spans = twins.windows(frames, stride, longest)
    expected = twins.paper_scores(signal, above, change, spans)
    fraction = (np.arange(frames + 1) / np.float32(frames)).astype(np.float32)
    none = np.empty(0, np.int64)
    for end in range(stride, frames + 1):
        here = np.flatnonzero(spans[:, 1] == end)
        best = here[np.argmax(expected[here])]
        found = windows.best_paper_at(end, total, count, gain, reach, stride, longest, fraction, none, none, 0)
        assert found == (expected[best], spans[best, 1] - spans[best, 0])


def test_the_score_is_rise_and_contrast_as_defined():
    rng = np.random.default_rng(0)
    signal = rng.uniform(0.25, 0.5, 40).astype(np.float32)
    change = twins.smoothed_change(signal, np.ones(40, bool), 6)
    spans = twins.windows(40, 6, 20)
    for (start, end), score in zip(spans, twins.paper_scores(signal, np.ones(40, bool), change, spans), strict=True):
        options = []
        for k in range(start, end):
            if (change[start:k] > twins.DELTA).all():
                outside = np.delete(signal, np.arange(k, end))
                options.append(change[start:k].sum(dtype=float) + signal[k:end].mean() - outside.mean())
        np.testing.assert_allclose(score, max(options), atol=1e-6)


@given(st.data())
@fast(max_examples=150)
def test_published_candidates(data):
    table = data.draw(curves(rows=data.draw(st.integers(1, 4))))
    frames = table.shape[1]
    stride, longest = data.draw(grids(frames))
    kept, most, uniform = data.draw(st.integers(1, 10)), data.draw(st.integers(1, 12)), data.draw(st.booleans())
    edges = kernels.uniform_edges(frames, 30.7)
    arguments = (table, edges, uniform, FLOOR, stride, longest, kept, most)
    np.testing.assert_array_equal(windows.published_candidates(*arguments), twins.published_candidates(*arguments))


@given(st.data())
@fast(max_examples=80)
def test_paper_candidates(data):
    table = data.draw(curves(rows=data.draw(st.integers(1, 3)), shortest=1))
    frames = table.shape[1]
    stride, longest = data.draw(grids(frames))
    arguments = (table, kernels.uniform_edges(frames, 30.7), FLOOR, stride, longest, data.draw(st.integers(1, 10)))
    np.testing.assert_array_equal(windows.paper_candidates(*arguments), twins.paper_candidates(*arguments))


@given(st.data())
@fast(max_examples=150)
def test_vote_and_order(data):
    n = data.draw(st.integers(1, 14))
    start = data.draw(arrays(np.float64, n, elements=st.integers(0, 6).map(float)))
    end = start + data.draw(arrays(np.float64, n, elements=st.integers(0, 4).map(float)))
    score = data.draw(arrays(np.float64, n, elements=st.sampled_from([1.0, 0.5, 0.3, 0.0, -1.0, np.nan, -np.inf])))
    expected = twins.votes(start, end, score)
    np.testing.assert_allclose(ranking.votes(start, end, score), expected, rtol=1e-14)
    np.testing.assert_array_equal(ranking.descending(expected), np.argsort(-expected, kind="stable"))
    order = ranking.descending(ranking.votes(start, end, score))
    np.testing.assert_array_equal(
        ranking.ranked_by_vote(start, end, score, 3), np.stack([start, end, score])[:, order[:3]]
    )


def test_final_ranking_leaves_out_what_is_no_moment_and_cuts_at_the_duration():
    start, end = np.array([0.0, 0.0, 2.0, 3.0]), np.array([9.0000005, 0.0, 4.0, 5.0])
    score = np.array([1.0, 1.0, np.nan, 0.5])
    nothing = np.empty(0)
    ranked = ranking.defined_ranking(start, end, score, nothing, nothing, nothing, False, 9.0)
    assert ranked.T.tolist() == [[0.0, 9.0, 1.0], [3.0, 5.0, 0.5]]
    undefined = ranking.defined_ranking(start[1:], end[1:], score[1:], nothing, nothing, nothing, False, 9.0)
    assert undefined.shape == (3, 0)


def test_distinct_keeps_the_first_of_equal_intervals():
    start, end, score = np.array([0.0, 1.0, 0.0]), np.array([2.0, 2.0, 2.0]), np.array([3.0, 2.0, 1.0])
    assert ranking.distinct(start, end, score).T.tolist() == [[0.0, 2.0, 3.0], [1.0, 2.0, 2.0]]


def test_magnitude_and_edges():
    table = np.array([[0.0, 2.0, 1.0], [1.0, -3.0, 1.0]])
    assert kernels.largest_magnitude(table) == 3.0
    for bad in (np.nan, np.inf, -np.inf):
        table[1, 0] = bad
        assert kernels.largest_magnitude(table) == np.inf
    np.testing.assert_array_equal(kernels.uniform_edges(4, 10.0), [0.0, 2.5, 5.0, 7.5, 10.0])


def test_kernels_release_the_interpreter():
    """A long kernel in a thread leaves the main thread free to count on."""
    rng = np.random.default_rng(0)
    table = rng.uniform(0.25, 0.5, (1, 20_000))
    edges = kernels.uniform_edges(20_000, 6_000.0)
    windows.paper_candidates(table[:, :50].copy(), edges[:51], FLOOR, 20, 25, 3)
    worker = threading.Thread(target=windows.paper_candidates, args=(table, edges, FLOOR, 20, 10_000, 10))
    ticks = 0
    worker.start()
    while worker.is_alive():
        ticks += 1
    assert ticks > 100


ANSWER = """
import sys
import numpy as np
from tfgrounding.localizers.ground_curves import ground_curves
from tfgrounding.localizers.kernels import announcing_compilation
from tfgrounding.types import Plan
with announcing_compilation(lambda: print("compiling")):
    curves = {"q": np.linspace(0, 0.5, 50)}
    print(ground_curves(curves, Plan("q"), duration_seconds=9.0, localizer="tfvtg-reference")[0])
"""


def first_answer(root, **environment):
    """What a fresh process prints: "compiling" if it was announced, then the answer."""
    environment = {**os.environ, "PYTHONPATH": str(root), **environment}
    command = [sys.executable, "-c", ANSWER]
    return subprocess.run(
        command, env=environment, capture_output=True, text=True, check=True, cwd=root
    ).stdout.splitlines()


@pytest.mark.slow
def test_compilation_is_announced_when_the_cache_is_empty_and_only_then(tmp_path):
    root = Path(__file__).resolve().parents[2]
    first = first_answer(root, NUMBA_CACHE_DIR=str(tmp_path))
    second = first_answer(root, NUMBA_CACHE_DIR=str(tmp_path))
    assert first[0] == "compiling"
    assert len(second) == 1
    assert first[1:] == second


@pytest.mark.slow
def test_an_install_where_nothing_can_be_cached_answers_all_the_same(tmp_path):
    root = Path(__file__).resolve().parents[2]
    shutil.copytree(root / "tfgrounding", tmp_path / "tfgrounding", ignore=shutil.ignore_patterns("__pycache__"))
    for folder in ("", "localizers", "localizers/tfvtg"):
        (tmp_path / "tfgrounding" / folder / "__pycache__").touch()  # a file where the cache's folder should be
    nowhere = {"HOME": "/dev/null", "XDG_CACHE_HOME": "/dev/null", "NUMBA_CACHE_DIR": ""}
    assert first_answer(tmp_path, **nowhere) == ["compiling", *first_answer(root)[-1:]]
