"""Reading P(yes) of clips: one moment, several, models that say nothing, and which clips are asked about."""

from __future__ import annotations

import numpy as np
import pytest

from tfgrounding.localizers.probabilities import ClipSearch, otsu, several_moments

DURATION = 120.0


def windows(duration: float = DURATION) -> np.ndarray:
    """(4, W): every place and length alike, the curves say nothing."""
    found = []
    length = 1.0
    while length < duration:
        starts = np.arange(0, duration - length, length / 5)
        found.append(np.stack([starts, starts + length]))
        length *= 1.2
    starts, ends = np.concatenate(found, axis=1)
    return np.stack([starts, ends, np.zeros_like(starts), np.zeros_like(starts)])


def clips(duration: float = DURATION, rate_hz: float = 4 / 3) -> np.ndarray:
    count = int(duration * rate_hz)
    return (np.arange(count - 3)[:, None] + np.arange(4) + 0.5) / rate_hz


def share_of(clip: np.ndarray, *truths: tuple[float, float]) -> float:
    return max(float(np.mean((clip >= start) & (clip < end))) for start, end in truths)


@pytest.mark.parametrize(("no", "yes"), [(0.05, 0.95), (0.02, 0.3), (0.7, 0.98)])
def test_the_moment_is_found_whatever_level_means_yes(no: float, yes: float) -> None:
    search = ClipSearch.of_curves(windows())
    for clip in clips()[::4]:
        search.add(clip, no + (yes - no) * share_of(clip, (40.0, 61.0)))
    for _ in range(4):
        search.settle()
    start, end, expected = search.best()
    assert (start, end) == (pytest.approx(40, abs=1.6), pytest.approx(61, abs=1.6)) and expected > 0.2
    assert search.mean_answer((start, end)) == pytest.approx(yes, abs=0.1)
    assert search.evidence() > 0


@pytest.mark.parametrize("level", [0.03, 0.5, 0.97])
def test_the_same_answer_about_every_clip_is_no_evidence(level: float) -> None:
    search = ClipSearch.of_curves(windows())
    for clip in clips()[::4]:
        search.add(clip, level)
    search.settle()
    assert search.evidence() < 0


def test_answers_drawn_at_random_are_hardly_ever_evidence() -> None:
    wrong = 0
    for seed in range(20):
        rng = np.random.default_rng(seed)
        search = ClipSearch.of_curves(windows())
        for clip in clips()[::4]:
            search.add(clip, float(rng.random() < 0.5))
        search.settle()
        wrong += search.evidence() > 0
    assert wrong <= 2


def test_the_curves_choose_the_first_clips_and_the_answers_the_next() -> None:
    given = windows()
    inside = (given[0] > 75) & (given[1] < 90)
    given[2], given[3] = np.where(inside, 20.0, 0.0), np.where(inside, 3.0, 0.0)
    search, offered = ClipSearch.of_curves(given), clips()
    first = offered[search.choose(offered, 6)]
    assert np.mean((first > 72) & (first < 93)) > 0.7
    assert len({tuple(clip) for clip in first}) == 6
    for clip in first:
        search.add(clip, share_of(clip, (80.0, 86.0)))
    search.settle()
    after = offered[search.choose(offered, 6)]
    assert np.mean((after > 72) & (after < 93)) > 0.7
    for clip in after:
        search.add(clip, share_of(clip, (80.0, 86.0)))
    search.settle()
    assert search.best()[:2] == (pytest.approx(80, abs=1.0), pytest.approx(86, abs=1.0))


def test_the_rest_of_a_video_is_searched_without_the_answers_about_the_moment() -> None:
    search = ClipSearch.of_curves(windows())
    truths = ((20.0, 30.0), (80.0, 92.0))
    for clip in clips()[::4]:
        search.add(clip, share_of(clip, *truths))
    search.settle()
    start, end, _ = search.best()
    rest = search.without((start - 3, end + 3))
    assert rest is not None and len(rest.clips) < len(search.clips)
    found = sorted([(start, end), rest.best()[:2]])
    assert np.allclose(found, truths, atol=2.0)
    assert search.without((0.0, DURATION)) is None


def test_several_moments_are_cut_by_gaussian_and_otsu() -> None:
    p = np.full(240, 0.1)
    p[40:60], p[150:190] = 0.9, 0.8
    found = several_moments(p, 0.5)
    assert [(abs(a - c) <= 3, abs(b - d) <= 3) for (a, b), (c, d) in zip(found, [(40, 60), (150, 190)], strict=True)]
    assert several_moments(np.full(50, 0.7), 0.5) == []


def test_otsus_threshold_is_the_best_of_all() -> None:
    values = np.random.default_rng(1).normal(size=200) + np.repeat([0.0, 5.0], 100)
    at = otsu(values)

    def between(threshold: float) -> float:
        low, high = values[values <= threshold], values[values > threshold]
        return len(low) * len(high) * (high.mean() - low.mean()) ** 2 if len(low) and len(high) else 0.0

    assert between(at) == pytest.approx(max(between(value) for value in values[:-1]))
