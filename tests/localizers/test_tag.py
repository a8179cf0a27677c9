"""TAG: coherent clusters, the adjusted curve, and its answers."""

import numpy as np
import pytest
from scipy import stats

from tfgrounding import Plan
from tfgrounding.errors import PlanError
from tfgrounding.localizers.ground_curves import ground_curves
from tfgrounding.localizers.tag import LEAST_RANGE, adjusted, coherent_clusters


def test_the_exponent_is_the_likeliest():
    curve = np.exp(np.random.default_rng(0).normal(-1, 0.4, 300))
    transformed, exponent = stats.boxcox(curve)
    expected = (transformed - transformed.min()) / np.ptp(transformed)
    found = adjusted(curve)
    assert abs(exponent) < 0.4 and np.allclose((found - found.min()) / np.ptp(found), expected, atol=0.02)
    assert np.ptp(found) == pytest.approx(np.ptp(curve))


def test_a_narrow_curve_is_stretched_and_a_flat_one_left():
    assert np.ptp(adjusted(np.linspace(0.2, 0.25, 20))) == pytest.approx(LEAST_RANGE)
    assert np.ptp(adjusted(np.full(5, -0.2))) == 0


def test_clusters_do_not_flicker():
    rng = np.random.default_rng(1)
    vectors = np.repeat([[0.0, 0], [4, 0], [0, 4]], 20, axis=0) + 1.5 * rng.standard_normal((60, 2))
    plain, coherent = coherent_clusters(vectors, 3, 0), coherent_clusters(vectors, 3, 3)
    changes = lambda labels: int((np.diff(labels) != 0).sum())  # noqa: E731
    assert changes(coherent) <= 6 < changes(plain) or changes(coherent) == 2


def test_without_a_window_it_is_k_means():
    vectors = np.random.default_rng(2).standard_normal((50, 3))
    labels = coherent_clusters(vectors, 4, 0)
    centres = np.stack([vectors[labels == k].mean(axis=0) for k in range(4)])
    nearest = np.linalg.norm(vectors[:, None] - centres, axis=2).argmin(axis=1)
    assert (nearest == labels).all()


@pytest.mark.parametrize("with_features", [False, True])
def test_a_clear_scene_is_found(with_features):
    rng = np.random.default_rng(3)
    curve = 0.25 + 0.01 * rng.standard_normal(180)
    curve[60:110] += 0.1
    features = None
    if with_features:
        features = 0.1 * rng.standard_normal((180, 8))
        features[60:110] += 1
    best = ground_curves({"q": curve}, Plan("q"), duration_seconds=60.0, localizer="tag", features=features)[0]
    assert abs(best.start_seconds - 20) < 4 and abs(best.end_seconds - 110 / 3) < 4


@pytest.mark.parametrize("frames", [1, 2, 5])
def test_few_frames(frames):
    moments = ground_curves(
        {"q": np.linspace(0, 1, frames)}, Plan("q"), duration_seconds=2.0, localizer="tag", floor=0.2
    )
    assert moments and all(0 <= m.start_seconds < m.end_seconds <= 2.0 for m in moments)


def test_features_must_fit():
    with pytest.raises(PlanError, match="features"):
        ground_curves({"q": np.zeros(9)}, Plan("q"), duration_seconds=3.0, localizer="tag", features=np.zeros((8, 2)))
