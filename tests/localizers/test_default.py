"""The default localizer: its kernels against plain twins, and what an answer promises."""

from dataclasses import fields

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.special import log_ndtr
from scipy.stats import norm

from tfgrounding import Plan, SubEvent
from tfgrounding.errors import PlanError
from tfgrounding.localizers import interval_kernels
from tfgrounding.localizers.base import QueryCurves
from tfgrounding.localizers.default import Constants, DefaultLocalizer
from tfgrounding.localizers.ground_curves import ground_curves

NO_CUTS = np.empty(0, np.int64)


def noise(frames, seed=0, scale=0.02):
    return 0.3 + scale * np.random.default_rng(seed).standard_normal(frames)


def step_curve(frames, *bumps, seed=0):
    curve = noise(frames, seed)
    for first, last in bumps:
        curve[first:last] += 0.1
    return curve


def ground(curve, duration, **more):
    return ground_curves({"q": curve}, Plan("q"), duration_seconds=duration, **more)


def uneven_edges(frames, seed):
    return np.concatenate([[0.0], np.cumsum(np.random.default_rng(seed).uniform(0.1, 0.6, frames))])


# --- plain twins -----------------------------------------------------------------------------------------------------


def standardized(curve, weight):
    mean = np.average(curve, weights=weight)
    return (curve - mean) / np.sqrt(np.average((curve - mean) ** 2, weights=weight))


def iou(a, b):
    inside = max(0.0, min(a[1], b[1]) - max(a[0], b[0]))
    return inside / ((a[1] - a[0]) + (b[1] - b[0]) - inside)


@pytest.mark.parametrize(("contrast", "samples"), [(2.0, 1.5), (0.3, 4.0), (-1.0, 2.0), (1.0, 30.0), (-3.0, 50.0)])
def test_the_evidence_is_the_integral_over_the_true_contrast(contrast, samples):
    def joint(true):
        return norm.pdf(true, 1.1, 0.6) * np.exp(samples * (contrast * true - true * true / 2))

    expected = np.log(quad(joint, 0, 12, limit=400, points=[0.05, 0.5, 1, 2])[0])
    assert interval_kernels.log_bayes_factor(
        contrast, interval_kernels.contrast_model(samples, 1.1, 0.6)
    ) == pytest.approx(expected, abs=2e-3)


def test_a_window_is_judged_by_evidence_prior_and_room():
    rng = np.random.default_rng(7)
    edges, curve = np.linspace(0, 30, 91), rng.standard_normal(90)
    found = interval_kernels.windows(curve, edges, NO_CUTS, 1.0, 0.2, 6.0, 0.65, 0.5, 3.5, 1.1, 0.6)
    integral = np.concatenate([[0.0], np.cumsum(curve / 3)])
    for n in rng.choice(found.shape[1], 60, replace=False):
        start, end = found[:2, n]
        length = end - start
        if length == 30:
            continue
        inside = np.interp(end, edges, integral) - np.interp(start, edges, integral)
        contrast = inside / length - (integral[-1] - inside) / (30 - length)
        shape = np.clip(np.minimum(edges[1:], end) - np.maximum(edges[:-1], start), 0, 1 / 3) * 3
        if (length * 3) % 1 < 1e-9 and (start * 3) % 1 < 1e-9:
            explained = np.corrcoef(shape, curve)[0, 1] ** 2
        else:
            explained = contrast**2 * (length / 30) * (1 - length / 30) / curve.var()
        noise = np.sqrt(1 - (explained if contrast > 0 else 0.0) ** 4)
        model = interval_kernels.contrast_model(length * (1 - length / 30) / 3.5, 1.1, 0.6)
        evidence = interval_kernels.log_bayes_factor(contrast / noise, model)
        prior = -2 * np.log(1 + (np.log(length / 6) / 0.65) ** 2 / 3)
        steps = np.ceil((30 - length) / (0.2 * length) - 1e-9)
        room = 0.5 * length if start == 0 or end == 30 else (30 - length) / steps
        assert found[2, n] == pytest.approx(evidence + prior + np.log(room), abs=1e-6)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000))
def test_the_best_fit_is_the_window_closest_to_the_curve(seed):
    rng = np.random.default_rng(seed)
    first, last = sorted(rng.choice(41, 2, replace=False))
    if last - first == 40:
        return
    edges = uneven_edges(40, seed)
    weight = np.diff(edges)
    curve = standardized(((np.arange(40) >= first) & (np.arange(40) < last)) + 0.02 * rng.standard_normal(40), weight)
    integral = np.concatenate([[0.0], np.cumsum(curve * weight)])
    start, end = edges[first] + 0.1 * weight[first], edges[last] + 0.2
    i, j, explained = interval_kernels.best_fit(integral, edges, start, end, 1.0)
    level = np.where((np.arange(40) >= i) & (np.arange(40) < j), 1.0, 0.0)
    left = curve - np.polyval(np.polyfit(level, curve, 1, w=np.sqrt(weight)), level)
    assert (i, j) == (first, last)
    assert explained == pytest.approx(1 - np.average(left**2, weights=weight), abs=1e-9)


@pytest.mark.parametrize("with_features", [False, True])
@pytest.mark.parametrize(("duration", "start", "end"), [(10, 2, 5), (10, 5, 7), (12, 5, 7), (30, 10, 18), (60, 30, 33)])
def test_a_clean_step_is_answered_to_the_frame(duration, start, end, with_features):
    seconds = (np.arange(3 * duration) + 0.5) / 3
    curve = 0.2 + 0.5 * ((seconds > start) & (seconds < end))
    features = np.stack([curve, 1 - curve], axis=1) if with_features else None
    best = ground(curve, float(duration), features=features)[0]
    assert (best.start_seconds, best.end_seconds) == (pytest.approx(start, abs=0.05), pytest.approx(end, abs=0.05))


@given(st.floats(-300, 60))
def test_the_table_of_the_normal_integral(x):
    assert interval_kernels.log_probit(x) == pytest.approx(log_ndtr(x), abs=1e-3)


def test_windows_have_every_scale_and_both_edges():
    edges = np.linspace(0, 30, 91)
    found = interval_kernels.windows(np.zeros(90), edges, NO_CUTS, 1.0, 0.2, 6.0, 0.65, 0.5, 3.5, 1.1, 0.6)
    starts, ends = found[0], found[1]
    assert (starts >= 0).all() and (ends <= 30).all() and (ends > starts).all()
    assert (ends - starts).min() == pytest.approx(1.0, rel=0.2) and (ends - starts).max() == 30
    for length in np.unique(np.round(ends - starts, 6)):
        same = np.isclose(ends - starts, length)
        assert starts[same].min() == 0 and ends[same].max() == 30


def test_boundaries_move_onto_cuts():
    edges = np.linspace(0, 60, 181)
    cuts = np.array([50, 93])
    found = interval_kernels.windows(np.zeros(180), edges, cuts, 1.0, 0.2, 6.0, 0.65, 0.5, 3.5, 1.1, 0.6)
    assert ((found[0] == edges[50]) & (found[1] == edges[93])).any()


def test_the_elected_interval_beats_every_window_in_expected_iou():
    rng = np.random.default_rng(4)
    starts = rng.uniform(0, 20, 40)
    ends = starts + rng.uniform(1, 10, 40)
    posterior = rng.standard_normal(40)
    start, end, value = interval_kernels.elected(starts, ends, posterior, 30.0, 0.2)
    shares = np.exp(posterior)
    every = [
        sum(p * iou((a, b), (s, e)) for s, e, p in zip(starts, ends, shares, strict=True))
        for a, b in zip(starts, ends, strict=True)
    ]
    own = sum(p * iou((start, end), (s, e)) for s, e, p in zip(starts, ends, shares, strict=True))
    leaders = np.argsort(-posterior)[:10]
    assert own == pytest.approx(value) and own >= np.array(every)[leaders].max()


# --- what an answer promises -----------------------------------------------------------------------------------------


def test_no_more_than_a_dozen_constants():
    assert len(fields(Constants)) <= 12


@settings(max_examples=40, deadline=None)
@given(
    frames=st.integers(1, 200),
    duration=st.floats(0.5, 5000),
    seed=st.integers(0, 1000),
    width=st.sampled_from([0, 1, 7]),
)
def test_moments_are_sorted_and_in_the_video(frames, duration, seed, width):
    rng = np.random.default_rng(seed)
    features = rng.standard_normal((frames, width)) if width else None
    moments = ground(rng.standard_normal(frames).cumsum(), duration, features=features)
    scores = [m.score for m in moments]
    assert moments and scores == sorted(scores, reverse=True) and scores[-1] > 0 and sum(scores) <= 1 + 1e-9
    for m in moments:
        assert 0 <= m.start_seconds < m.end_seconds <= duration


@given(factor=st.floats(0.001, 100), shift=st.floats(-10, 10))
@settings(max_examples=20, deadline=None)
def test_the_scale_of_an_encoder_does_not_matter(factor, shift):
    curve = step_curve(90, (30, 50))
    here, there = ground(curve, 30.0)[0], ground(curve * factor + shift, 30.0)[0]
    assert there.start_seconds == pytest.approx(here.start_seconds, abs=1e-3)
    assert there.end_seconds == pytest.approx(here.end_seconds, abs=1e-3)


def test_it_is_deterministic_and_leaves_its_input_alone():
    curve, features = step_curve(90, (30, 50)), np.random.default_rng(0).standard_normal((90, 16))
    kept = curve.copy(), features.copy()
    assert ground(curve, 30.0, features=features) == ground(curve, 30.0, features=features)
    assert (curve == kept[0]).all() and (features == kept[1]).all()


@pytest.mark.parametrize(("rate", "duration"), [(1, 60), (3, 60), (8, 60), (3, 12), (25, 60)])
def test_a_clear_moment_is_found_at_any_rate(rate, duration):
    start, end = 0.3 * duration, 0.3 * duration + 6
    seconds = (np.arange(rate * duration) + 0.5) / rate
    curve = noise(len(seconds)) + 0.3 * ((seconds >= start) & (seconds < end))
    best = ground(curve, float(duration))[0]
    assert iou((best.start_seconds, best.end_seconds), (start, end)) > 0.75


def test_boundaries_lie_between_the_frames():
    # At 1 Hz the frame that the moment covers by half has half the height.
    fractions = []
    for offset in (0.0, 0.25, 0.5, 0.75):
        seconds = np.arange(40.0)
        curve = np.clip(np.minimum(seconds + 1, 22 + offset) - np.maximum(seconds, 12 + offset), 0, 1) + 0.01 * noise(
            40
        )
        best = ground(curve, 40.0)[0]
        fractions.append(best.start_seconds)
        assert iou((best.start_seconds, best.end_seconds), (12 + offset, 22 + offset)) > 0.8
    assert fractions == sorted(fractions) and any(abs(f - round(f)) > 0.05 for f in fractions)


def test_two_equal_moments_are_both_listed():
    curve = step_curve(360, (60, 84), (240, 264))
    first, second = ground(curve, 120.0)[:2]
    found = sorted([(first.start_seconds, first.end_seconds), (second.start_seconds, second.end_seconds)])
    assert iou(found[0], (20, 28)) > 0.6 and iou(found[1], (80, 88)) > 0.6
    assert second.score > first.score / 3


@settings(max_examples=15, deadline=None)
@given(repeats=st.integers(2, 6), seed=st.integers(0, 1000))
def test_a_picture_shown_by_several_samples_counts_once(repeats, seed):
    rng = np.random.default_rng(seed)
    features = rng.standard_normal((40, 16)).cumsum(axis=0).astype(np.float32)
    curve = step_curve(40, (15, 24), seed=seed)
    once = ground(curve, 40.0, features=features)[0]
    repeated = ground(np.repeat(curve, repeats), 40.0, features=np.repeat(features, repeats, axis=0))[0]
    assert iou((once.start_seconds, once.end_seconds), (repeated.start_seconds, repeated.end_seconds)) > 0.9


def null_curves(frames, count=30):
    rng = np.random.default_rng(11)
    return 0.3 + 0.02 * rng.standard_normal((count, 1)) + 0.01 * rng.standard_normal((count, frames))


@pytest.mark.parametrize("duration", [30, 150, 900])
def test_what_is_there_all_the_time_is_not_cut_into_pieces(duration):
    null = null_curves(3 * duration)
    always = null[0] + 0.15
    best = ground(always, float(duration), null_curves=null)[0]
    assert (best.start_seconds, best.end_seconds) == (0.0, duration)


@pytest.mark.parametrize("height", [0.0, 0.15])
def test_what_is_there_for_a_moment_is_not_the_whole_video(height):
    null = null_curves(360)
    curve = null[0] + height
    curve[150:180] += 0.1
    best = ground(curve, 120.0, null_curves=null)[0]
    assert iou((best.start_seconds, best.end_seconds), (50, 60)) > 0.7


def test_shifting_a_video_shifts_its_moment():
    curve = step_curve(300, (90, 120))
    here = ground(curve, 100.0)[0]
    there = ground(np.concatenate([noise(60, 5), curve]), 120.0)[0]
    assert there.start_seconds == pytest.approx(here.start_seconds + 20, abs=0.7)
    assert there.end_seconds == pytest.approx(here.end_seconds + 20, abs=0.7)


def test_a_needle_in_three_hours():
    curve = noise(32_400)
    curve[20_000:20_030] += 0.1
    best = ground(curve, 10_800.0)[0]
    assert iou((best.start_seconds, best.end_seconds), (20_000 / 3, 20_030 / 3)) > 0.7


def test_a_flat_curve_says_nothing_but_does_not_fail():
    features = np.random.default_rng(0).standard_normal((90, 4))
    assert ground(np.full(90, 0.3), 30.0, features=features) == ground(np.full(90, 0.7), 30.0)
    whole = ground(np.array([0.3]), 2.0)[0]
    assert (whole.start_seconds, whole.end_seconds) == (0.0, 2.0)


def test_samples_at_uneven_times():
    rng = np.random.default_rng(5)
    pts = np.sort(rng.uniform(0, 40, 300))
    curve = noise(300) + 0.2 * ((pts > 18) & (pts < 26))
    best = ground(curve, 40.0, pts_seconds=pts)[0]
    assert iou((best.start_seconds, best.end_seconds), (18, 26)) > 0.8


def test_the_echo_helps_where_the_text_is_noisy():
    rng = np.random.default_rng(6)
    better = 0
    for _ in range(20):
        start = int(rng.integers(10, 60))
        features = rng.standard_normal((90, 32)).astype(np.float32) + 2 * rng.standard_normal(32)
        features[start : start + 24] += 1.5 * rng.standard_normal(32)
        curve = 0.8 * rng.standard_normal(90)
        curve[start : start + 24] += 0.6
        truth = (2 * start, 2 * start + 48)
        with_it, without = ground(curve, 180.0, features=features)[0], ground(curve, 180.0)[0]
        better += iou((with_it.start_seconds, with_it.end_seconds), truth)
        better -= iou((without.start_seconds, without.end_seconds), truth)
    assert better > 0.5


def test_a_sequence_covers_what_its_events_cover():
    curves = {"q": noise(90), "a": step_curve(90, (30, 42), seed=1), "b": step_curve(90, (42, 54), seed=2)}
    plan = Plan("q", (), (SubEvent(("a",)), SubEvent(("b",))), "sequentially")
    best = ground_curves(curves, plan, duration_seconds=30.0)[0]
    assert iou((best.start_seconds, best.end_seconds), (10, 18)) > 0.75


def test_events_at_the_same_time_share_their_moment():
    curves = {"q": noise(90), "a": step_curve(90, (15, 50), seed=1), "b": step_curve(90, (35, 75), seed=2)}
    plan = Plan("q", (), (SubEvent(("a",)), SubEvent(("b",))), "simultaneously")
    best = ground_curves(curves, plan, duration_seconds=30.0)[0]
    assert iou((best.start_seconds, best.end_seconds), (35 / 3, 50 / 3)) > 0.5


@pytest.mark.parametrize("features", [np.zeros((89, 4)), np.zeros(90), np.full((90, 4), np.nan)])
def test_features_that_do_not_fit_are_refused(features):
    with pytest.raises(PlanError, match="features"):
        ground(step_curve(90, (30, 50)), 30.0, features=features)


def test_other_constants_can_be_tried():
    curves = QueryCurves(step_curve(90, (30, 50))[None], np.linspace(0, 30, 91))
    longer = DefaultLocalizer(constants=Constants(typical_seconds=20.0, length_sd=0.1)).locate(curves)
    usual = DefaultLocalizer().locate(curves)
    assert longer.end_seconds[0] - longer.start_seconds[0] > usual.end_seconds[0] - usual.start_seconds[0]
