"""Every figure that is published with the annotation files, computed by our loaders and metrics.

    python benchmarks/annotations.py [--annotations ../shared/annotations]

Whole-video answers of Charades-STA, its splits, ActivityNet Captions and UCA, and all figures that QVHighlights'
official evaluator prints for the predictions published with it. Leaves with 1 if one of them is not reproduced.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

from tfgrounding.evaluation.datasets import load_dataset
from tfgrounding.evaluation.metrics import best_constant, overlaps, qvhighlights, recall_and_miou

FILES = [  # data set, file, queries, published whole-video figures
    ("charades-sta", "charades_sta_test.txt", 3720, {}),
    ("charades-sta", "charades_test.json", 3720, {"R1@0.3": 34.3, "R1@0.5": 0.43, "R1@0.7": 0.0, "mIoU": 26.99}),
    ("charades-cd", "charades_test_ood.json", 3375, {}),
    ("charades-cg", "novel_composition.json", 3442, {}),
    ("charades-cg", "novel_word.json", 695, {}),
    ("activitynet", "activitynet_val2.json", 17031, {"R1@0.3": 48.02, "R1@0.5": 21.18, "R1@0.7": 12.41, "mIoU": 34.57}),
    ("uca", "uca/UCFCrime_Test.json", 4331, {"mIoU": 6.1}),
    ("uca", "uca/UCFCrime_Test.txt", 4331, {}),
    ("qvhighlights", "qvhighlights/highlight_val_release.jsonl", 1550, {}),
]
CHARADES_TRUTHS_AFTER_THE_END = 561  # published; counted by more than 10 ms, the precision of the durations


def same(found: float, published: float) -> bool:
    """Equal to the digits that are published."""
    digits = len(repr(published).partition(".")[2])
    return round(found, digits) == published


def whole_video(name: str, path: Path) -> dict[str, Any]:
    """What the answer [0, duration] scores, and how the file was read."""
    data = load_dataset(name, path)
    found: dict[str, Any] = {
        "queries": len(data),
        "videos": len({sample.video for sample in data.samples}),
        "bad": len(data.bad),
    }
    if any(sample.duration_seconds is None for sample in data.samples):
        return found
    durations = np.array([sample.duration_seconds for sample in data.samples])
    truths = [sample.truths for sample in data.samples]
    answers = [[(0.0, duration)] for duration in durations]
    low, high = best_constant(truths, durations)
    constant = overlaps([[(low * d, high * d)] for d in durations], truths)
    found["whole video"] = recall_and_miou(overlaps(answers, truths))
    found["whole video, truth clipped"] = recall_and_miou(overlaps(answers, truths, durations_seconds=durations))
    found[f"best constant {low:.0%}-{high:.0%}"] = recall_and_miou(constant)
    after = np.array([max(end for _, end in moments) for moments in truths]) - durations
    found["truths after the end"] = int((after > 0).sum())
    found["by more than 10 ms"] = int((after > 0.01).sum())
    return found


def official(folder: Path) -> list[tuple[str, float, float]]:
    """(figure, ours, published) of everything that QVHighlights' evaluator prints."""
    predictions, truths = (
        [json.loads(line) for line in (folder / name).read_text(encoding="utf-8").splitlines()]
        for name in ("sample_val_preds.jsonl", "highlight_val_release.jsonl")
    )
    published = json.loads((folder / "sample_val_preds_metrics_raw.json").read_text(encoding="utf-8"))
    ours = qvhighlights(predictions, truths)
    return list(_leaves("", {**published.pop("brief"), **published}, ours))


def _leaves(name: str, published: Any, ours: Any) -> Any:
    if isinstance(published, dict):
        for key, value in published.items():
            yield from _leaves(f"{name}/{key}".lstrip("/"), value, ours[key])
    else:
        yield name, ours, published


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--annotations", type=Path, default=Path("../shared/annotations"))
    folder = parser.parse_args().annotations
    if not folder.is_dir():
        sys.exit(f"{folder} is not there; name the folder of the annotation files with --annotations")
    result: dict[str, Any] = {}
    missed: list[str] = []
    print("| file | queries | answer | R@1, IoU ≥ 0.3 | ≥ 0.5 | ≥ 0.7 | mIoU |\n|---|---|---|---|---|---|---|")
    for name, file, queries, published in FILES:
        found = result[file] = whole_video(name, folder / file)
        if found["queries"] != queries or found["bad"]:
            missed.append(f"{file}: {found['queries']} queries and {found['bad']} bad rows, not {queries} and 0")
        for metric, value in published.items():
            if not same(found["whole video"][metric], value):
                missed.append(f"{file}: {metric} {found['whole video'][metric]:.2f}, published {value}")
        rows = [answer for answer in found if isinstance(found[answer], dict)]
        for answer in rows:
            figures = " | ".join(f"{found[answer][column]:.2f}" for column in ("R1@0.3", "R1@0.5", "R1@0.7", "mIoU"))
            print(f"| {file} | {queries:,} | {answer} | {figures} |")
        if not rows:
            print(f"| {file} | {queries:,} | no durations in this file | | | | |")
    if result["charades_test.json"]["by more than 10 ms"] != CHARADES_TRUTHS_AFTER_THE_END:
        missed.append(f"charades_test.json: {result['charades_test.json']['by more than 10 ms']} truths after the end")
    figures = official(folder / "qvhighlights")
    missed += [f"QVHighlights {name}: {ours}, published {value}" for name, ours, value in figures if ours != value]
    result["qvhighlights figures reproduced"] = sum(ours == value for _, ours, value in figures)
    result["qvhighlights figures"], result["missed"] = len(figures), missed
    print(f"\nQVHighlights: {result['qvhighlights figures reproduced']} of {len(figures)} official figures reproduced")
    for line in missed:
        print(f"NOT REPRODUCED  {line}")
    print(json.dumps(result))
    sys.exit(1 if missed else 0)


if __name__ == "__main__":
    main()
