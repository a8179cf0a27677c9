"""What benchmarks/presence.py computes itself, and its list of queries asked about other videos."""

import csv
import json
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))
import presence as bench
from presence import Asked, Questions, Shown

LIST = Path(__file__).parents[1] / "benchmarks" / "presence_absent.tsv"
FOOTAGE = Path(__file__).parents[2] / "shared" / "footage"
THERE = np.array([True, True, True, False, False])


def listed():
    with LIST.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t"))


def test_auroc_counts_pairs_in_the_right_order_and_equal_ones_half():
    assert bench.auroc(np.array([0.9, 0.5, 0.1, 0.5, 0.0]), THERE) == pytest.approx((2 + 1.5 + 1) / 6)


def test_the_calibration_error_counts_present_and_absent_alike():
    sure = np.array([1.0, 1.0, 1.0, 0.0, 0.0])
    assert bench.calibration_error(sure, THERE) == 0
    assert bench.calibration_error(1 - sure, THERE) == pytest.approx(1)
    assert bench.calibration_error(np.full(5, 0.5), THERE) == pytest.approx(0)  # three of five, but half by weight
    assert bench.calibration_error(np.full(5, 0.7), THERE) == pytest.approx(0.2)


def test_slope_and_place_of_the_log_odds_are_found():
    rng = np.random.default_rng(0)
    there = np.arange(40_000) % 2 == 0
    depth = rng.standard_normal(40_000) + np.where(there, 2.5, 0.5)  # so the log odds are 2 (depth - 1.5)
    assert bench.fitted(depth, there) == pytest.approx((2.0, 1.5), abs=0.05)


def test_an_interval_lies_around_the_figure_and_videos_stay_whole():
    rng = np.random.default_rng(0)
    videos = [f"v{k // 4}" for k in range(80)]
    asked = [Asked(video, np.zeros((1, 2)), bool(k % 2)) for k, video in enumerate(videos)]
    questions = Questions("made up", {}, asked)
    probability = np.clip(0.5 + 0.2 * questions.there + 0.2 * rng.standard_normal(80), 0, 1)
    low, high = bench.interval(bench.auroc, probability, questions)
    assert low < bench.auroc(probability, questions.there) < high and high - low < 0.4
    same = Questions("one video", {}, [Asked("v", one.curves, one.there) for one in asked])
    assert np.ptp(bench.interval(bench.auroc, probability, same)) == 0


def test_questions_are_judged_by_their_own_video():
    rng = np.random.default_rng(1)
    edges = np.arange(31.0)
    videos = {name: Shown(rng.standard_normal((10, 30)) + shift, edges) for name, shift in (("low", 0), ("high", 9))}
    curve = rng.standard_normal((1, 30)) + 5
    low, high = Questions("made up", videos, [Asked(name, curve, True) for name in videos]).probabilities()
    assert low > 0.9 > 0.1 > high


def test_the_list_names_every_query_once_and_says_what_was_struck():
    rows = listed()
    assert len({row["qid"] for row in rows}) == len(rows) == 120
    assert sum(bool(row["struck"]) for row in rows) == 8


@pytest.mark.skipif(not FOOTAGE.is_dir(), reason="the footage is not here")
def test_no_query_of_the_list_is_about_its_own_video_and_each_video_is_asked_as_often():
    lines = (FOOTAGE / "annotations.jsonl").read_text(encoding="utf-8").splitlines()
    own = {row["qid"]: row["vid"] for row in map(json.loads, lines)}
    other = {row["qid"]: row["video"] for row in listed()}
    assert own.keys() == other.keys() and all(own[qid] != video for qid, video in other.items())
    assert Counter(own.values()) == Counter(other.values())
