"""Segments, and the cover that chooses among them and the windows: kernels against plain twins."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tfgrounding.localizers import cover_kernels, segment_kernels
from tfgrounding.localizers.curve_kernels import smoothed

NO_CUTS = np.empty(0, np.int64)


def iou(a, b):
    inside = max(0.0, min(a[1], b[1]) - max(a[0], b[0]))
    return inside / ((a[1] - a[0]) + (b[1] - b[0]) - inside)


def plain_segments(curve, edges):
    """{(start, end): sum of mean heights}: without the prior of lengths."""
    found = {}
    weight = np.diff(edges)
    for scale in segment_kernels.SCALES_SECONDS:
        level = smoothed(curve, edges, NO_CUTS, scale * min(1, edges[-1] / segment_kernels.SHORT_SECONDS))
        mean = np.average(level, weights=weight)
        level = (level - mean) / np.sqrt(np.average((level - mean) ** 2, weights=weight))
        threshold = segment_kernels.otsu(level, weight)
        for above in segment_kernels.LEVELS:
            high = np.concatenate([[False], level > threshold + above, [False]]).astype(int)
            for a, b in zip(np.flatnonzero(np.diff(high) == 1), np.flatnonzero(np.diff(high) == -1), strict=True):
                height = np.average(level[a:b], weights=weight[a:b])
                if height > 0:
                    found[edges[a], edges[b]] = found.get((edges[a], edges[b]), 0.0) + height
    return found


@pytest.mark.parametrize(("seed", "frames"), [(0, 30), (1, 60), (2, 150), (3, 12)])
def test_segments_are_the_stretches_above_each_level(seed, frames):
    rng = np.random.default_rng(seed)
    edges = np.concatenate([[0.0], np.cumsum(rng.uniform(0.2, 2.0, frames))])
    curve = rng.standard_normal(frames).cumsum()
    found = segment_kernels.segments(curve, edges, NO_CUTS, 7.0, 1e9)  # a flat prior
    expected = plain_segments(curve, edges)
    assert {(a, b) for a, b in found[:2].T} == set(expected)
    assert np.allclose([expected[a, b] for a, b in found[:2].T], found[2])


def test_the_prior_of_lengths_weighs_segments():
    edges = np.linspace(0, 120, 361)
    curve = np.zeros(360)
    curve[60:78] = curve[200:320] = 1.0
    short, long = (segment_kernels.segments(curve, edges, NO_CUTS, typical, 0.5) for typical in (6.0, 40.0))
    best = [tuple(f[:2, f[2].argmax()]) for f in (short, long)]
    assert iou(best[0], (20, 26)) > 0.6 and iou(best[1], (66.7, 106.7)) > 0.6


def test_otsu_splits_two_levels():
    rng = np.random.default_rng(1)
    curve = np.concatenate([rng.normal(0, 0.2, 300), rng.normal(3, 0.2, 60)])
    assert 0.6 < segment_kernels.otsu(curve, np.ones(360)) < 2.4


def test_a_flat_curve_has_no_segments():
    assert segment_kernels.segments(np.zeros(50), np.linspace(0, 20, 51), NO_CUTS, 7.0, 0.6).shape == (3, 0)


NOTHING = np.empty((3, 0))


def plain_cover(voters, leaders, chosen, most):
    """The greedy cover by definition."""
    leading = np.argsort(-voters[2], kind="stable")[:leaders]
    overlap = np.array([[iou(voters[:2, i], voters[:2, j]) for j in range(voters.shape[1])] for i in leading])
    found = [tuple(moment) for moment in chosen.T]
    before = [[iou(moment, voters[:2, j]) for j in range(voters.shape[1])] for moment in found]
    covered = np.max([np.zeros(voters.shape[1]), *before], axis=0)
    while len(found) < most:
        gains = np.maximum(overlap - covered, 0) @ voters[2]
        best = int(gains.argmax())
        if found and gains[best] <= cover_kernels.LEAST_SHARE * found[0][2]:
            break
        score = min(gains[best], found[-1][2]) if found else gains[best]
        found.append((*voters[:2, leading[best]], score))
        covered = np.maximum(covered, overlap[best])
    return np.array(found).T


def intervals(rng, count):
    start = rng.uniform(0, 80, count)
    return np.stack([start, start + rng.uniform(1, 40, count), rng.exponential(size=count)])


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 120), st.booleans())
def test_the_cover_is_greedy_in_the_share_that_is_not_yet_covered(seed, count, begun):
    rng = np.random.default_rng(seed)
    voters = intervals(rng, count)
    chosen = np.array([[5.0], [15.0], [voters[2].sum()]]) if begun else NOTHING
    found = cover_kernels.cover(voters, 40, chosen, 10)
    assert np.allclose(found, plain_cover(voters, 40, chosen, 10))
    assert (np.diff(found[2]) <= 1e-9).all()


def test_votes_are_shared_between_windows_segments_and_what_is_sure():
    rng = np.random.default_rng(3)
    windows, segments = intervals(rng, 60), intervals(rng, 40)
    sure = np.array([[0.0], [120.0], [0.1]])
    found = cover_kernels.voters(windows[:2], windows[2], segments, 0.4, sure)
    assert found[2].sum() == pytest.approx(1) and found[:, -1].tolist() == [0, 120, 0.1]
    assert found[2, 60:-1].sum() == pytest.approx(0.9 * 0.4)
    alone = cover_kernels.voters(windows[:2], windows[2], NOTHING, 0.4, NOTHING)
    assert alone[2].sum() == pytest.approx(1)


def test_windows_of_other_places_have_a_say():
    # The posterior is about one moment: what lies elsewhere is a thousand times less likely.
    start = np.arange(0.0, 90.0, 0.5)
    windows = np.stack([start, start + 10, np.maximum(-((start - 20) ** 2), -7 - (start - 60) ** 2)])
    chosen, shares, count = cover_kernels.places(windows)
    far = np.abs(windows[0, chosen] - 60) < 10
    assert shares[:count].sum() == pytest.approx(1)
    assert shares[:count][far[:count]].sum() < 0.002 < 0.02 < shares[count:][far[count:]].sum() < 0.2


def test_two_moments_come_before_two_readings_of_one():
    voters = np.array([[10.0, 11.0, 60.0], [20.0, 21.0, 70.0], [0.4, 0.35, 0.25]])
    assert cover_kernels.cover(voters, 3, NOTHING, 10)[0, :2].tolist() == [10, 60]
