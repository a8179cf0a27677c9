import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tfgrounding.evaluation.datasets import load_dataset
from tfgrounding.evaluation.metrics import (
    best_constant,
    bootstrap_interval,
    overlaps,
    paired_difference,
    per_query,
    qvhighlights,
    recall_and_miou,
)

ANNOTATIONS = Path(__file__).parents[3] / "shared" / "annotations"
needs_annotations = pytest.mark.skipif(not ANNOTATIONS.exists(), reason="the data sets' own files are not here")

intervals = st.tuples(st.floats(0, 100), st.floats(0.01, 50)).map(lambda pair: [pair[0], pair[0] + pair[1]])
many = st.lists(st.lists(intervals, max_size=4), min_size=1, max_size=6)


def naive_iou(a, b):
    inside = max(0.0, min(a[1], b[1]) - max(a[0], b[0]))
    return inside / ((a[1] - a[0]) + (b[1] - b[0]) - inside)


@given(many, st.data())
@settings(max_examples=50, deadline=None)
def test_overlaps_are_the_best_fit_with_any_truth(answers, data):
    truths = data.draw(
        st.lists(st.lists(intervals, min_size=1, max_size=3), min_size=len(answers), max_size=len(answers))
    )
    found = overlaps(answers, truths)
    assert ((found >= 0) & (found <= 1)).all()
    for row, moments, true in zip(found, answers, truths, strict=True):
        for k, moment in enumerate(moments):
            assert row[k] == pytest.approx(max(naive_iou(moment, truth) for truth in true), abs=1e-9)
        assert (row[len(moments) :] == 0).all()


def test_unusable_answers_count_zero():
    answers = [[], [[5, 5]], [[7, 3]], [[float("nan"), 3]], [[0, float("inf")]], [[0, 10, 0.9]]]
    found = overlaps(answers, [[[0, 10]]] * 6)
    assert found[:, 0].tolist() == [0, 0, 0, 0, 0, 1]
    assert recall_and_miou(found)["mIoU"] == pytest.approx(100 / 6)


def test_recall_includes_equality_and_looks_at_the_first_n():
    found = overlaps([[[0, 5], [0, 10]], [[0, 10]]], [[[0, 10]], [[0, 3]]])
    table = recall_and_miou(found)
    assert table["R1@0.5"] == 50 and table["R5@0.7"] == 50 and table["R1@0.3"] == 100 and table["R1@0.7"] == 0
    assert table["mIoU"] == pytest.approx((0.5 + 0.3) / 2 * 100)
    assert "R5@0.5" not in recall_and_miou(overlaps([[[0, 1]]], [[[0, 1]]]))


def test_a_clipped_truth_ends_with_its_video():
    assert overlaps([[[0, 9]]], [[[0, 10]]])[0, 0] == pytest.approx(0.9)
    assert overlaps([[[0, 9]]], [[[0, 10]]], durations_seconds=np.array([9.0]))[0, 0] == 1
    assert overlaps([[[0, 9]]], [[[9.5, 10]]], durations_seconds=np.array([9.0]))[0, 0] == 0


def test_the_best_constant_is_found_and_beats_the_whole_video():
    rng = np.random.default_rng(0)
    durations = rng.uniform(10, 60, 200)
    truths = [[[0.2 * d + rng.normal(0, 0.1), 0.6 * d + rng.normal(0, 0.1)]] for d in durations]
    low, high = best_constant(truths, durations)
    assert (low, high) == (pytest.approx(0.2), pytest.approx(0.6))


def test_no_queries_are_no_crash():
    assert recall_and_miou(overlaps([], []))["mIoU"] == 0
    assert paired_difference(np.zeros(0), np.zeros(0), []).p_value == 1


def test_the_bootstrap_draws_videos_not_queries():
    rng = np.random.default_rng(1)
    per_video = rng.normal(size=60)
    values, videos = np.repeat(per_video, 50), np.repeat(np.arange(60), 50)
    low, high = bootstrap_interval(values, videos)
    spread = per_video.std(ddof=1) / np.sqrt(60) * 2 * 1.96
    assert high - low == pytest.approx(spread, rel=0.2) and low < per_video.mean() < high
    alone_low, alone_high = bootstrap_interval(values, np.arange(len(values)))
    assert alone_high - alone_low < (high - low) / 4
    lows, highs = bootstrap_interval(np.stack([values, values + 1], axis=1), videos)
    assert lows[0] == pytest.approx(low) and highs[1] == pytest.approx(high + 1)


def test_the_interval_covers_as_often_as_it_says():
    rng = np.random.default_rng(2)
    covered = 0
    for trial in range(200):
        values = rng.normal(size=80)
        low, high = bootstrap_interval(values, np.arange(80), resamples=400, seed=trial)
        covered += low <= 0 <= high
    assert 0.89 <= covered / 200 <= 0.99


def test_paired_difference_sees_what_is_there_and_not_what_is_not():
    rng = np.random.default_rng(3)
    videos = np.repeat(np.arange(100), 3)
    a = rng.uniform(size=300)
    better = paired_difference(a, a + 0.05 + rng.normal(0, 0.1, 300), videos)
    assert better.p_value < 0.01 and better.low > 0 and better.queries == 300
    false_alarms = sum(
        paired_difference(a, a + rng.normal(0, 0.1, 300), videos, resamples=200, seed=k).p_value < 0.05
        for k in range(100)
    )
    assert false_alarms <= 12
    same = paired_difference(a, a, videos)
    assert (same.difference, same.low, same.high, same.p_value) == (0, 0, 0, 1)


def naive_average_precision(windows, truths, threshold):
    """The protocol word by word: greedy matching by score, interpolated precision summed over recall."""
    free, hits = list(range(len(truths))), []
    for window in sorted(windows[:10], key=lambda w: -w[2]):
        fits = [(naive_iou(window, truths[g]), g) for g in free]
        best = max(fits, default=(0, None))
        hits.append(best[0] >= threshold)
        if hits[-1]:
            free.remove(best[1])
    precisions = np.cumsum(hits) / np.arange(1, len(hits) + 1)
    return sum(precisions[k:].max() for k in range(len(hits)) if hits[k]) / len(truths)


scored = st.lists(st.tuples(intervals, st.floats(0, 1)).map(lambda pair: [*pair[0], pair[1]]), max_size=12)


@given(st.lists(st.tuples(scored, st.lists(intervals, min_size=1, max_size=4)), min_size=1, max_size=5))
@settings(max_examples=50, deadline=None)
def test_average_precision_follows_the_protocol(cases):
    predictions = [{"qid": k, "pred_relevant_windows": windows} for k, (windows, _) in enumerate(cases)]
    truths = [{"qid": k, "relevant_windows": true} for k, (_, true) in enumerate(cases)]
    found = qvhighlights(predictions, truths)["full"]["MR-mAP"]
    for threshold in (0.5, 0.75):
        wanted = np.mean([naive_average_precision(windows, true, threshold) for windows, true in cases]) * 100
        assert found[str(threshold)] == pytest.approx(wanted, abs=0.0051)


def test_unanswered_queries_stay_in_the_official_figures():
    truth = {
        "duration": 10,
        "relevant_windows": [[0, 6]],
        "relevant_clip_ids": [0, 1],
        "saliency_scores": [[4, 4, 4]] * 2,
    }
    truths = [{**truth, "qid": 1}, {**truth, "qid": 2}]
    answer = {"qid": 1, "pred_relevant_windows": [[0, 6, 1.0]], "pred_saliency_scores": [1.0, 0.9, 0.1, 0.1, 0.1]}
    found = qvhighlights([answer], truths)
    assert found["MR-full-R1@0.5"] == found["MR-full-mAP"] == found["MR-short-mAP"] == 50
    assert found["HL-min-VeryGood-Hit1"] == found["HL-min-VeryGood-mAP"] == 50
    assert found["MR-long-mAP"] == 0 and "HL-min-Fair" not in qvhighlights(
        [{**answer, "pred_saliency_scores": []}], truths
    )


@needs_annotations
def test_every_official_figure_is_reproduced():
    folder = ANNOTATIONS / "qvhighlights"
    predictions, truths = (
        [json.loads(line) for line in (folder / name).read_text().splitlines()]
        for name in ("sample_val_preds.jsonl", "highlight_val_release.jsonl")
    )
    official = json.loads((folder / "sample_val_preds_metrics_raw.json").read_text())
    brief = official.pop("brief")
    assert qvhighlights(predictions, truths) == {**brief, **official}


@needs_annotations
@pytest.mark.parametrize(
    "name, file, expected",
    [
        ("charades-sta", "charades_test.json", {"R1@0.3": 34.30, "R1@0.5": 0.43, "R1@0.7": 0.0, "mIoU": 26.99}),
        ("activitynet", "activitynet_val2.json", {"R1@0.3": 48.02, "R1@0.5": 21.18, "R1@0.7": 12.41, "mIoU": 34.57}),
        ("uca", "uca/UCFCrime_Test.json", {"mIoU": 6.1}),
    ],
)
def test_the_whole_video_scores_what_is_published(name, file, expected):
    samples = load_dataset(name, ANNOTATIONS / file).samples
    found = overlaps([[[0.0, s.duration_seconds]] for s in samples], [s.truths for s in samples])
    digits = 1 if name == "uca" else 2
    assert {key: round(recall_and_miou(found)[key], digits) for key in expected} == expected
    assert per_query(found)["mIoU"].shape == (len(samples),)
