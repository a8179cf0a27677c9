"""The levers' benchmark: each changes the step that it says, and only while it runs."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))
from benches import Bench
from changes import TAKEN_AWAY, TRIED, Lever, changed
from changes.answers import PooledSettings, moved_boundaries, with_peaks
from changes.curves import less_worst, ridge_echo, two_scales
from changes.missing import MOST_OVERLAP, disjoint

from tfgrounding.localizers import cover_kernels, segment_kernels
from tfgrounding.localizers.curve_kernels import own_curve
from tfgrounding.localizers.default import CONSTANTS, DefaultLocalizer
from tfgrounding.localizers.ground_curves import query_curves
from tfgrounding.localizers.intervals import temporal_iou
from tfgrounding.types import Plan

LEVERS = {lever.name: lever for lever in (*TAKEN_AWAY, *TRIED)}
UNCHANGED = Lever("as it is", "")


def made_up(group="L/14", *, seed=0, frames=60) -> Bench:
    """Four queries about one moment each, with two wordings, features and unrelated texts."""
    rng = np.random.default_rng(seed)
    queries, truths = [], []
    for _ in range(4):
        start = rng.integers(5, frames - 20)
        curve = rng.standard_normal((2, frames)) * 0.3
        curve[:, start : start + 12] += 1
        features = rng.standard_normal((frames, 8)).astype(np.float32) * 0.3
        features[start : start + 12, 0] += 1
        queries.append(
            query_curves(
                {"a": curve[0], "b": curve[1]},
                Plan("a", ("b",)),
                duration_seconds=frames / 2,
                null_curves=rng.standard_normal((9, frames)),
                features=features,
            )
        )
        truths.append([[start / 2, start / 2 + 6]])
    names = [f"v{k}" for k in range(4)]
    return Bench("made up", group, queries, truths, np.full(4, frames / 2), names, names)


QUICK = ("echo", "liveliness", "pictures once", "whole video", "beyond doubt", "Box-Cox")  # the rest compiles kernels


@pytest.mark.parametrize("name", [n if n in QUICK else pytest.param(n, marks=pytest.mark.slow) for n in LEVERS])
def test_a_lever_answers_and_leaves_no_trace(name):
    bench = made_up()
    before = UNCHANGED.answers(bench)
    queries = LEVERS[name].queries(bench)
    if queries is None:
        assert name == "onset and ending"  # made-up vectors have no texts
        return
    answers = LEVERS[name].answers(bench)
    for given in answers:
        assert given
        for start, end, _ in given:
            assert 0 <= start < end <= 30
    assert UNCHANGED.answers(bench) == before


@pytest.mark.parametrize("name", ["segments", "echo", "liveliness", "Box-Cox", "ridge echo"])
def test_a_lever_changes_the_answers(name):
    bench = made_up()
    assert LEVERS[name].answers(bench) != UNCHANGED.answers(bench)


def test_a_kernel_with_the_same_parts_computes_the_same():
    rows, weight = np.random.default_rng(0).standard_normal((3, 40)), np.ones(40)
    arguments = (rows, np.array([1, 3]), True, weight, 3.0, 1.0)
    assert np.allclose(changed(own_curve)(*arguments), own_curve(*arguments))
    flat = changed(own_curve, odds=lambda curve, *_: 0 * curve)(*arguments)
    assert not flat.any()


def votes() -> np.ndarray:
    rng = np.random.default_rng(1)
    starts = rng.uniform(0, 20, 40)
    shares = rng.random(40)
    return np.stack([starts, starts + rng.uniform(1, 10, 40), shares / shares.sum()])


NOTHING = np.empty((3, 0))


def test_disjoint_answers_begin_as_the_cover_does_and_overlap_little():
    found = disjoint(votes(), 32, NOTHING, 10)
    assert found.shape[1] > 1
    assert np.allclose(found[:, 0], cover_kernels.cover(votes(), 32, NOTHING, 10)[:, 0])
    assert (np.diff(found[2]) <= 0).all()
    overlap = temporal_iou(found[0][:, None], found[1][:, None], found[0], found[1])
    assert (overlap[~np.eye(len(overlap), dtype=bool)] <= MOST_OVERLAP).all()


def test_moved_boundaries_have_a_larger_expected_iou():
    voters = votes()
    first, moved = cover_kernels.cover(voters, 32, NOTHING, 1), moved_boundaries(voters, 32, NOTHING, 1)
    start, end, value = moved[:, 0]
    assert value >= first[2, 0]
    assert value == pytest.approx(cover_kernels.gain(start, end, *voters, np.zeros(voters.shape[1])))
    later = cover_kernels.cover(voters, 32, first, 10)
    assert np.array_equal(moved_boundaries(voters, 32, first, 10), later)


def test_one_setting_twice_votes_as_once():
    query = made_up().queries[0]
    ours, twice = DefaultLocalizer().locate(query), PooledSettings([CONSTANTS, CONSTANTS]).locate(query)
    assert twice.start_seconds[0] == ours.start_seconds[0]
    assert twice.end_seconds[0] == ours.end_seconds[0]
    assert twice.score[0] == pytest.approx(ours.score[0])


def test_clips_are_the_mean_of_their_frames():
    """One bright frame in 30 s: its clips have a quarter of it, all others none."""
    curve = np.zeros(30)
    curve[11] = 1.0
    features = np.ones((30, 2), np.float32) / np.sqrt(2, dtype=np.float32)
    query = query_curves({"a": curve}, Plan("a"), duration_seconds=30.0, features=features)
    found = two_scales(query, 1.0).query[0]
    # Clips begin at 0, 2, ... s; those from 8 and 10 s, with centres at 10 and 12 s, hold second 11.
    assert found.max() == pytest.approx(1.0)
    assert np.flatnonzero(found > 1e-9).tolist() == [8, 9, 10, 11, 12, 13]
    assert np.allclose(two_scales(query, 0.0).query[0], curve)


def test_negatives_are_the_worst_frames():
    curve, weight = np.arange(20.0), np.ones(20)
    direction = less_worst(curve, weight, 0.1, 1.0) - weight / weight.sum()
    assert direction.tolist() == [-0.5, -0.5, *[0.0] * 16, 0.5, 0.5]


def test_a_ridge_echo_is_the_regression_of_the_chosen_frames_on_the_features():
    rng = np.random.default_rng(0)
    features, chosen = rng.standard_normal((12, 5)).astype(np.float32), np.zeros(12)
    chosen[3:5] = 0.5
    centred = features.astype(np.float64) - features.astype(np.float64).mean(axis=0)
    ridge = 10 * (centred**2).sum() / 12
    target = chosen - 1 / 12
    expected = centred @ np.linalg.solve(centred.T @ centred + ridge * np.eye(5), centred.T @ target)
    assert np.allclose(ridge_echo(features, chosen, np.ones(12)), expected, atol=1e-5)


def test_a_peak_grows_to_the_frames_that_are_nearly_as_high():
    curve = np.zeros(60)
    curve[20:35] = 1.0
    edges = np.arange(61.0)
    own = segment_kernels.segments(curve, edges, np.empty(0, dtype=np.int64), 7.0, 0.6)
    found = with_peaks(curve, edges, np.empty(0, dtype=np.int64), 7.0, 0.6)
    assert np.array_equal(found[:, : own.shape[1]], own)
    assert found[:2, -1].tolist() == [21.0, 34.0]  # the running mean of 3 s is lower at the edges
