"""The evidence of the default localizer: its kernels against plain twins, noise, cuts and pictures that repeat."""

import numpy as np
import pytest

from tfgrounding.localizers import curve_kernels, feature_kernels
from tfgrounding.localizers.base import QueryCurves
from tfgrounding.localizers.default import Evidence, evidence_curve


def uneven_edges(frames, seed):
    return np.concatenate([[0.0], np.cumsum(np.random.default_rng(seed).uniform(0.1, 0.6, frames))])


def standardized(curve, weight):
    mean = np.average(curve, weights=weight)
    return (curve - mean) / np.sqrt(np.average((curve - mean) ** 2, weights=weight))


def odds(curve, weight, until, slope=1.0):
    z = standardized(curve, weight)
    low, high = np.exp(slope * np.minimum(z, until)), np.exp(slope * until) * (1 + slope * (z - until))
    return standardized(np.where(z < until, low, high), weight)


def evidence(curve, features, null=None, duration=None) -> Evidence:
    edges = np.linspace(0, duration or len(curve) / 3, len(curve) + 1)
    return evidence_curve(QueryCurves(curve[None], edges, null_curves=null, features=features))


def test_odds_grow_slower_with_a_smaller_slope():
    rng, weight = np.random.default_rng(3), np.full(60, 0.5)
    curve = rng.standard_normal(60)
    assert np.allclose(curve_kernels.odds(curve, weight, 1.5, 0.5), odds(curve, weight, 1.5, 0.5))


def test_the_own_curve_is_the_odds_of_the_mean_wording_joined_with_the_sub_events():
    rng = np.random.default_rng(1)
    rows, weight = rng.standard_normal((6, 40)), rng.uniform(0.2, 0.4, 40)
    mean = [np.mean([standardized(row, weight) for row in rows[a:b]], axis=0) for a, b in ((0, 2), (2, 3), (3, 6))]
    ends = np.array([2, 3, 6])
    alone = curve_kernels.own_curve(rows[:2], np.array([2]), False, weight, 3.0, 1.0)
    assert np.allclose(alone, odds(mean[0], weight, 3.0))
    sequence = standardized(np.maximum(odds(mean[1], weight, 3.0), odds(mean[2], weight, 3.0)), weight)
    expected = standardized(alone + sequence, weight)
    assert np.allclose(curve_kernels.own_curve(rows, ends, True, weight, 3.0, 1.0), expected)
    together = odds(mean[1] + mean[2], weight, 3.0)
    expected = standardized(alone + together, weight)
    assert np.allclose(curve_kernels.own_curve(rows, ends, False, weight, 3.0, 1.0), expected)


@pytest.mark.parametrize("noise", [0.0, 0.4])
def test_features_join_as_echo_and_liveliness(noise):
    rng = np.random.default_rng(2)
    features, edges = rng.standard_normal((50, 8)).astype(np.float32), uneven_edges(50, 3)
    weight = np.diff(edges)
    curve = standardized(rng.standard_normal(50), weight)
    cuts = np.array([20])
    found = feature_kernels.with_features(curve, features, edges, cuts, noise, 0.1, 0.35, 4.0, 0.3, 1.0)
    steady = curve_kernels.smoothed(curve, edges, cuts[:0], 4.0 * noise) if noise else curve
    share, taken = np.zeros(50), 0.0
    for t in np.argsort(-steady, kind="stable"):
        if taken >= 0.1 * weight.sum():
            break
        share[t], taken = weight[t], taken + weight[t]
    direction = (share / taken - weight / weight.sum()) @ features
    centres, spread = (edges[1:] + edges[:-1]) / 2, np.zeros(50)
    for shot in (range(20), range(20, 50)):
        for t in shot:
            near = [u for u in shot if abs(centres[u] - centres[t]) <= 1.0]
            middle = np.average(features[near], axis=0, weights=weight[near])
            spread[t] = np.sqrt(np.average(((features[near] - middle) ** 2).sum(axis=1), weights=weight[near]))
        spread[shot] -= np.average(spread[shot], weights=weight[shot])
    echo, life = standardized(features @ direction, weight), standardized(spread, weight)
    mix = 0.35 * (1 + noise)
    assert np.allclose(found, (1 - mix) * curve + mix * echo + (1 - noise) * 0.3 * life, atol=2e-3)


def test_smoothing_is_nearly_gaussian_and_stays_in_a_shot():
    edges = np.linspace(0, 60, 241)
    curve = np.zeros(240)
    curve[120] = 4.0
    found = curve_kernels.smoothed(curve, edges, np.empty(0, np.int64), 3.0)
    middle = (edges[1:] + edges[:-1]) / 2
    gaussian = np.exp(-((middle - middle[120]) ** 2) / 18) / np.sqrt(18 * np.pi)
    assert np.abs(found - gaussian).max() < 0.08 * gaussian.max()
    cut = curve_kernels.smoothed(curve, edges, np.array([121]), 3.0)
    assert (cut[121:] == 0).all() and cut[:121].sum() > 0.6 * curve.sum()


def test_noise_is_what_neighbours_do_not_share():
    rng = np.random.default_rng(0)
    slow = np.convolve(rng.standard_normal(4000), np.hanning(60), "same")
    slow /= slow.std()
    for share in (0.0, 0.3, 0.7):
        curve = np.sqrt(1 - share) * slow + np.sqrt(share) * rng.standard_normal(4000)
        assert curve_kernels.noise_of_curves(curve[None]) == pytest.approx(share, abs=0.06)
    features = np.stack([slow, slow[::-1]], axis=1) + 0.5 * rng.standard_normal((4000, 2))
    features = features.astype(np.float32)
    spread, noise = feature_kernels.spread_and_noise(features, feature_kernels.steps(features))
    assert spread == pytest.approx(np.sqrt(features.var(axis=0).sum()), rel=1e-3)
    assert noise == pytest.approx(0.25 / 1.25, abs=0.06)


def test_frames_of_a_video_are_not_noisy_and_captions_are():
    rng = np.random.default_rng(1)
    slow = np.cumsum(rng.standard_normal((90, 16)), axis=0).astype(np.float32)
    assert evidence(slow[:, 0].astype(float), slow).noise == 0
    captions = rng.standard_normal((90, 16)).astype(np.float32)
    assert evidence(captions[:, 0].astype(float), captions, duration=180.0).noise == 1
    assert evidence(captions[:, 0].astype(float), captions, duration=18.0).noise == 0  # averages out


def test_cuts_are_long_sudden_and_last():
    rng = np.random.default_rng(5)
    scenes = rng.standard_normal((3, 32))
    features = np.repeat(scenes, 30, axis=0) + 0.1 * rng.standard_normal((90, 32))
    features[75] = 3 * rng.standard_normal(32)  # a flash: it does not last
    assert evidence(features[:, 0], features.astype(np.float32)).cuts.tolist() == [30, 60]
    take = np.cumsum(0.1 * rng.standard_normal((90, 32)), axis=0)
    take[50:] += 0.5  # sudden, but no further than the take moves anyway
    assert evidence(take[:, 0], take.astype(np.float32)).cuts.tolist() == []


@pytest.mark.parametrize("seconds", [2.0, 7.0])
def test_slides_are_cut_at_every_change(seconds):
    slides = np.random.default_rng(6).standard_normal((6, 32)).astype(np.float32)
    features = np.repeat(slides, round(3 * seconds), axis=0)
    found = evidence(features[:, 0].astype(float), features)
    assert found.cuts.tolist() == [1, 2, 3, 4, 5]
    assert np.allclose(found.edges_seconds, seconds * np.arange(7))


def test_a_flash_of_the_same_picture_is_no_new_picture():
    features = np.repeat(np.eye(4, dtype=np.float32), [5, 1, 3, 6], axis=0)
    features[2] *= 1 + 1e-7  # rounding
    found = evidence(features[:, 3].astype(float), features, duration=15)
    assert found.first_frames.tolist() == [0, 5, 6, 9] and found.edges_seconds.tolist() == [0, 5, 6, 9, 15]


def test_without_features_the_evidence_is_the_texts_own():
    curve = np.random.default_rng(7).standard_normal(90)
    found = evidence(curve, None)
    assert np.allclose(found.curve, odds(curve, np.full(90, 1 / 3), 3.0))
    assert len(found.cuts) == 0 and found.noise == 0 and found.first_frames.tolist() == list(range(90))


@pytest.mark.parametrize(
    ("level", "bump", "low", "high"), [(3, 0, 0.6, 1), (0, 0, 0, 0.3), (3, 3, 0, 0.1), (0, 3, 0, 0.1)]
)
def test_an_event_fills_the_video_where_it_fits_well_and_nothing_stands_out(level, bump, low, high):
    rng = np.random.default_rng(8)
    edges = np.linspace(0, 60, 181)
    null = rng.standard_normal((30, 1)) + 0.3 * rng.standard_normal((30, 180))
    own = level + 0.3 * rng.standard_normal(180)
    own[60:90] += bump
    probability = curve_kernels.probability_of_whole(own[None], null, edges)
    assert low <= probability <= high
    scaled = curve_kernels.probability_of_whole(0.01 * own[None] + 0.3, 0.01 * null + 0.3, edges)
    assert scaled == pytest.approx(probability, abs=1e-6)


def test_a_fit_beyond_doubt_is_its_own_stretch():
    rng = np.random.default_rng(9)
    edges = np.linspace(0, 60, 31)
    null = 0.1 * rng.standard_normal((30, 30))
    own = 0.1 * rng.standard_normal(30)
    own[[10, 20]] = 1.0
    found = curve_kernels.beyond_doubt(own[None], null, edges)
    assert found[:2].T.tolist() == [[20, 22], [40, 42]] and found[2].sum() == pytest.approx(1, abs=0.2)
    assert curve_kernels.beyond_doubt(0.3 * own[None], null, edges)[2].sum() < 0.01
    assert curve_kernels.beyond_doubt(np.full((1, 30), 0.4), null * 0, edges).shape == (3, 0)


def test_odds_grow_slower_where_dips_stand_out():
    weight = np.full(60, 1.0)
    high = np.ones(60) + 0.05 * np.random.default_rng(1).standard_normal(60)
    high[:4] = 0.0
    z = curve_kernels.standardized(high, weight)
    found = curve_kernels.odds(high, weight, 3.0, 1.0)
    assert np.corrcoef(found, z)[0, 1] > 0.99
