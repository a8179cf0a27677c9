"""Curves, a real model's replies, and both joined by the hybrid engine's rule, on the same Charades-STA queries.

    python benchmarks/real_replies.py [--answers ../shared/answers] [--charades ../shared/charades]

The replies are Grounded-VideoLLM's, one for each query, in 300ths of the video (96 frames were shown). The curves are
those of the localizer bench: realistic, but no zero-shot result. Joined are the queries that are in both, by video and
sentence. The hybrid engine's rule gets the reply as its only look, at those 96 frames. The rule was made with this data
at hand. Intervals are 95 % bootstrap intervals over videos. The cases are read as in benchmarks/localizers.py.
"""

from __future__ import annotations

import argparse
import gzip
import json
import re
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parent))
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from benches.charades import read_cases

from tfgrounding.engines.hybrid import MOST_PROPOSALS
from tfgrounding.engines.looks import Looks, _seen
from tfgrounding.errors import ModelError
from tfgrounding.evaluation.bootstrap import bootstrap_interval, paired_difference
from tfgrounding.localizers.ground_curves import ground_curves
from tfgrounding.localizers.intervals import temporal_iou
from tfgrounding.types import Moment
from tfgrounding.vision import NumberedFrames, ReadReply, read_reply

STEPS, FRAMES = 300, 96
PROMPT = re.compile(r"At which time interval in the video can we see (.*)\?", re.IGNORECASE)
THRESHOLDS = (0.3, 0.5, 0.7)


def sentence(text: str) -> str:
    return text.strip().rstrip(".").lower()


def replies(path: Path) -> dict[tuple[str, str], str]:
    """The reply to each (video, sentence)."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    asked = ((row, PROMPT.fullmatch(row["prompt"].strip())) for row in rows)
    return {(row["vid"], sentence(match[1])): row["reply"] for row, match in asked if match}


def seconds(reply: str, duration: float) -> tuple[float, float] | None:
    try:
        times = read_reply(reply, unit="step", steps=STEPS)
    except ModelError:
        return None
    start, end = np.clip(times.intervals[0], 0, STEPS) / STEPS * duration if times.intervals else (0.0, 0.0)
    return (float(start), float(end)) if start < end else None


def joined(
    found: tuple[float, float] | None, moments: tuple[Moment, ...], curve: np.ndarray, duration: float
) -> tuple[float, float]:
    """The hybrid engine's first moment after one look at the whole video."""
    engine = SimpleNamespace(vlm=None, max_tokens=0, most_proposals=MOST_PROPOSALS, budget_frames=FRAMES)
    query = SimpleNamespace(query="")
    curves = SimpleNamespace(
        source=Path(),
        plan=query,
        video=SimpleNamespace(duration_seconds=duration),
        moments=moments,
        curve=curve,
        pts_seconds=(np.arange(len(curve)) + 0.5) * duration / len(curve),
    )
    looks: Any = Looks(engine, curves)
    edges = np.linspace(0, duration, FRAMES + 1)
    shown = NumberedFrames(
        np.zeros((FRAMES, 1, 1, 3), np.uint8), np.arange(FRAMES), (edges[1:] + edges[:-1]) / 2, edges
    )
    reply = ReadReply((found,), usable=True) if found else ReadReply()
    looks.posterior.add(_seen(shown, reply))
    best = looks.moments(moments)[0]
    return best.start_seconds, best.end_seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--answers", type=Path, default=Path("../shared/answers"))
    parser.add_argument("--charades", type=Path, default=Path("../shared/charades"))
    arguments = parser.parse_args()
    said = replies(arguments.answers / "three_hundredths.jsonl.gz")
    answers: dict[str, list[tuple[float, float]]] = {"curves alone": [], "model alone": [], "joined": []}
    truths, videos, unread = [], [], 0
    for case in read_cases(arguments.charades):
        reply = said.get((case.video, sentence(case.sentence)))
        if reply is None:
            continue
        duration = case.duration_seconds
        moments = tuple(
            ground_curves(
                case.curves, case.plan, duration_seconds=duration, localizer="default", features=case.features
            )
        )
        found = seconds(reply, duration)
        unread += found is None
        answers["curves alone"].append((moments[0].start_seconds, moments[0].end_seconds))
        answers["model alone"].append(found or (0.0, 0.0))
        answers["joined"].append(joined(found, moments, case.curves[case.plan.query], duration))
        truths.append(case.truth)
        videos.append(case.video)
    truth = np.array(truths)
    print(f"{len(truth)} queries of {len(set(videos))} videos; {unread} replies without an interval")
    overlaps = {}
    for name, pairs in answers.items():
        first = np.array(pairs)
        overlap = np.nan_to_num(temporal_iou(first[:, 0], first[:, 1], truth[:, 0], truth[:, 1]))
        values = 100 * np.stack([*(overlap >= threshold for threshold in THRESHOLDS), overlap], axis=1)
        low, high = bootstrap_interval(values, videos)
        overlaps[name] = values[:, 3]
        figures = "  ".join(f"{m:5.1f} [{a:.1f}, {b:.1f}]" for m, a, b in zip(values.mean(0), low, high, strict=True))
        print(f"{name:12s}  R@0.3, R@0.5, R@0.7, mIoU: {figures}")
    for name in ("curves alone", "model alone"):
        paired = paired_difference(overlaps[name], overlaps["joined"], videos)
        print(
            f"joined − {name}: mIoU {paired.difference:+.1f} [{paired.low:+.1f}, {paired.high:+.1f}], "
            f"p = {paired.p_value:.4f}"
        )


if __name__ == "__main__":
    main()
