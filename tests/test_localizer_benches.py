"""What benchmarks/localizers.py computes itself: scores by query, and the choice of constants without a bench."""

import sys
from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
from stored import SHARED

from tfgrounding.evaluation.metrics import qvhighlights
from tfgrounding.localizers.default import CONSTANTS, DefaultLocalizer
from tfgrounding.localizers.ground_curves import query_curves
from tfgrounding.types import Plan

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))
import localizers
from benches import Bench, figures, load_benches, scores
from benches.charades import Case, _at, _held, _once_a_second, _spread
from benches.choice import (
    FACTOR,
    FACTORS,
    choose,
    drawn_settings,
    factors_chosen,
    mean_setting,
    measure,
    numbers,
    varied,
)


def made_up(several=False, count=6, name="made up"):
    """Queries about a bump in noise, the truth where the bump is."""
    rng = np.random.default_rng(0)
    queries, truths = [], []
    for _ in range(count):
        start = int(rng.integers(5, 50))
        curve = 0.05 * rng.standard_normal(90)
        curve[start : start + 24] += 0.2
        features = rng.standard_normal((90, 8)).astype(np.float32)
        queries.append(query_curves({"q": curve}, Plan("q"), duration_seconds=30.0, features=features))
        truths.append([[start / 3, start / 3 + 8]] + ([[0.0, 20.0]] if several else []))
    return Bench(
        name, name, queries, truths, np.full(count, 30.0), [f"v{i}" for i in range(count)], ["q"] * count, several
    )


def test_figures_of_lists_are_those_of_the_official_evaluator():
    bench = made_up(several=True)
    rng = np.random.default_rng(1)
    answers = [
        [[float(a), float(a + rng.uniform(6, 22)), float(rng.random())] for a in rng.uniform(0, 12, size=n)]
        for n in (0, 1, 3, 10, 10, 5)
    ]
    found = figures(scores(bench, answers))
    official = qvhighlights(
        [{"qid": i, "pred_relevant_windows": some} for i, some in enumerate(answers)],
        [{"qid": i, "duration": 30, "relevant_windows": some} for i, some in enumerate(bench.truths)],
    )
    for ours, theirs in (("mAP", "MR-full-mAP"), ("mAP short", "MR-short-mAP"), ("mAP middle", "MR-middle-mAP")):
        assert found[ours] == pytest.approx(official[theirs], abs=0.006) and found[ours] > 0
    assert np.isnan(found["mAP long"])  # no such moment


def test_short_moments_are_scored_apart():
    bench = made_up(count=2)
    truths = [[[0.0, 8.0]], [[0.0, 20.0]]]
    bench = replace(bench, truths=truths)
    found = scores(bench, [[[0.0, 4.0, 1.0]], [[0.0, 20.0, 1.0]]])
    assert figures(found)["mIoU"] == pytest.approx(75)
    assert figures(found)["≤ 10 s mIoU"] == pytest.approx(50)
    assert np.isnan(found["≤ 10 s mIoU"]).tolist() == [False, True]


def test_answers_that_look_at_nothing_and_the_oracle():
    bench = made_up(several=True)
    whole = figures(scores(bench, bench.whole_videos()))
    assert whole["R@0.5"] == 100 and whole["R@0.7"] == 0  # 20 s of 30 s
    assert figures(scores(bench, bench.best_constant()))["mIoU"] >= whole["mIoU"]
    best = figures(scores(bench, bench.oracle()))
    assert best["mIoU"] == pytest.approx(100) and best["mAP"] == pytest.approx(100)


def test_the_left_out_group_has_no_say():
    groups = ["a", "b", "c"]
    gains = np.array([[9.0, 0.0, 0.0], [0.0, 5.0, 5.0], [1.0, 1.0, 1.0]])
    assert choose(gains, groups, {"a"}) == [1]
    for anything in (-100.0, 0.0, 100.0):
        gains[:, 0] = [0.0, anything, 50.0]
        assert choose(gains, groups, {"a"}) == [1]
    assert choose(gains, groups, {"b", "c"}) == [1]  # and it alone decides where the others are left out


def test_groups_count_alike_however_many_benches_and_whatever_unit():
    groups = ["many", "many", "many", "one", "other"]
    gains = np.array([[1.0, 1.0, 1.0, 0.0, 0.0], [0.0, 0.0, 0.0, 1.0, 1.0]])
    assert choose(gains, groups) == [1]
    assert choose(gains * [1000, 1000, 1000, 1, 1] + 7, groups) == [1]


def test_a_bench_on_which_all_settings_are_equal_does_not_matter():
    assert choose(np.array([[5.0, 1.0], [5.0, 2.0]]), ["flat", "b"]) == [1]


def test_a_tenth_of_the_settings_is_chosen_best_first():
    gains = np.arange(30.0)[:, None]
    assert choose(gains, ["a"]) == [29, 28, 27]


def test_drawn_settings_stay_within_the_factor_and_repeat():
    drawn = drawn_settings(20)
    assert drawn == drawn_settings(20) and len(set(drawn)) == 20
    for name, ours in numbers().items():
        ratios = [getattr(setting, name) / ours for setting in drawn]
        assert 1 / FACTOR <= min(ratios) < 1 < max(ratios) <= FACTOR
    others = {field.name for field in fields(CONSTANTS)} - set(numbers())
    assert all(getattr(setting, name) == getattr(CONSTANTS, name) for setting in drawn for name in others)


def test_the_mean_of_a_setting_halved_and_doubled_is_ours():
    trials = varied()
    assert len(trials) == len(numbers()) * len(FACTORS)
    for name, ours in numbers().items():
        assert getattr(trials[name, 2.0], name) == pytest.approx(2 * ours)
        mean = mean_setting([trials[name, 0.5], trials[name, 2.0]])
        assert getattr(mean, name) == pytest.approx(ours)


def test_each_constant_gets_the_factor_that_the_others_choose():
    names = [("first", 0.5), ("first", 2.0), ("second", 0.5), ("second", 2.0)]
    gains = np.array([[5.0, 5.0], [9.0, 4.0], [1.0, 8.0], [4.0, 9.0], [4.0, 4.0]])  # ours, then each of `names`
    assert factors_chosen(gains, names, ["a", "b"], {"a"}) == {"first": 2, "second": 3}
    assert factors_chosen(gains, names, ["a", "b"], {"b"}) == {"first": 1, "second": 0}


def test_measured_by_two_processes_as_by_one():
    benches = [made_up(name="a"), made_up(several=True, name="b")]
    settings = [CONSTANTS, *drawn_settings(3)]
    one = measure(benches, settings)
    two = measure(benches, settings, jobs=2)
    for first, second in zip(one, two, strict=True):
        assert [of == pytest.approx(other, nan_ok=True) for of, other in zip(first, second, strict=True)] == [
            True,
            True,
        ]
    assert len({of[0]["mIoU"] for of in one}) > 1  # the settings do matter here
    assert one[0][0] == figures(scores(benches[0], benches[0].answers(DefaultLocalizer())))


def tables(printed):
    """The Markdown tables of a text, each a list of rows of cells."""
    found, lines = [], [line.split("|")[1:-1] if line.startswith("|") else None for line in printed.splitlines()]
    for before, cells in zip([None, *lines], lines, strict=False):
        if cells is not None:
            found += [[]] if before is None else []
            found[-1].append([cell.strip() for cell in cells])
    return found


def test_every_section_prints_whole_tables(capsys):
    benches = [made_up(name="L/14"), made_up(several=True, name="captions")]
    found = localizers.table(benches)
    found |= localizers.choice(benches, settings=3, jobs=1)
    found |= localizers.sensitivity(benches, jobs=1)
    printed = tables(capsys.readouterr().out)
    assert len(printed) == 2 * 2 + 1 + 2 + 2
    assert all(len(row) == len(rows[0]) for rows in printed for row in rows)
    assert [row[0] for row in printed[0][2:]][2:7] == ["default", "max-sum", "tag", "tfvtg", "tfvtg-reference"]
    assert found["captions"]["default less"]["tag"].keys() == {"R@0.5", "R@0.7", "mIoU", "mAP", "mAP short"}
    difference = found["L/14"]["default"]["mIoU"] - found["L/14"]["tag"]["mIoU"]
    assert found["L/14"]["default less"]["tag"]["mIoU"][0] == pytest.approx(difference, abs=0.02)
    ours, by_all, without, lost = found["captions without captions"]
    assert ours["mAP"] == found["captions"]["default"]["mAP"]
    assert lost["mAP"] == pytest.approx(by_all["mAP"] - without["mAP"], abs=0.02)


def slow_case(samples=91, duration=30.4):
    """Curves interpolated to 3 Hz from one value a second, as the stored ones are."""
    rng = np.random.default_rng(0)
    values, features = rng.standard_normal(31), rng.standard_normal((31, 4)).astype(np.float32)
    seconds = (np.arange(samples) + 0.5) / samples * duration
    curve = np.interp(seconds, np.arange(31), values)
    return values, Case("v", "q", duration, [1.0, 4.0], Plan("query"), {"query": curve}, features)


def test_once_a_second_has_one_sample_for_each_vector():
    values, case = slow_case()
    slow = _once_a_second(case)
    assert slow.pts_seconds.tolist() == list(range(31)) and slow.samples == len(slow.features) == 31
    assert np.abs(slow.curves["query"] - values).mean() < 0.4 * values.std()  # corners are cut by interpolation


def test_held_pictures_change_once_a_second():
    _, case = slow_case()
    held = _held(case)
    same = (np.diff(held.features, axis=0) == 0).all(axis=1)
    assert held.samples == len(held.features) == 91 and same.sum() == 60
    assert (np.diff(held.curves["query"])[same] == 0).all()


def test_features_are_spread_over_all_samples():
    _, case = slow_case()
    spread = _at(case.features, _spread(case))
    assert spread.shape == (91, 4) and spread.dtype == np.float32
    assert np.array_equal(spread[[0, -1]], case.features[[0, -1]])


@pytest.mark.slow
@pytest.mark.skipif(not (SHARED / "charades_clip_b32").exists(), reason="the research data are not there")
def test_the_reference_scores_what_is_published_with_the_data():
    first, second, *variants = load_benches(SHARED, ["L/14", "B/32"])
    for bench, published in ((first, (42.26, 22.88)), (second, (36.82, 17.5))):
        found = figures(scores(bench, bench.answers("tfvtg-reference")))
        assert (found["mIoU"], found["R@0.7"]) == pytest.approx(published, abs=0.04)
    assert [len(bench.queries) for bench in (first, second, *variants)] == [1945] * 5
    assert all(bench.truths == first.truths for bench in (second, *variants))
