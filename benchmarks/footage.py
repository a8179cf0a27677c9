"""Real footage, raw videos to moments, with the embedded encoder: every localizer, and answers that look at nothing.

    python benchmarks/footage.py [--footage ../shared/footage] [--encoder embedded] [--plans rules|none]

The needle-in-a-haystack videos are rendered and all features are kept under .bench/, so that only the first run is
slow (about 12,000 frames). Intervals are 95 % bootstrap intervals over videos; "best constant" is the one share of the
video, and ± 2, 4 and 8 s around the best frame are given all three, so that each baseline is shown at its best.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
from tqdm import tqdm

from tfgrounding.encoders.load import load_encoder
from tfgrounding.engines.grounder import Grounder
from tfgrounding.errors import UndefinedAnswerError
from tfgrounding.evaluation.metrics import best_constant, bootstrap_interval, overlaps, paired_difference
from tfgrounding.registry import ROWS
from tfgrounding.types import Plan

KEPT = Path(".bench/footage")
ARGMAX_HALF_SECONDS = (2.0, 4.0, 8.0)
RANDOM_WINDOWS = 1000
RESAMPLES = 10_000

Window = tuple[float, float]


def render_haystack(footage: Path) -> Path:
    """The folder of the rendered needle-in-a-haystack videos; renders those that are missing."""
    folder = KEPT / "haystack"
    recipes = [json.loads(line) for line in (footage / "haystack_recipes.jsonl").read_text().splitlines()]
    missing = [recipe["qid"] for recipe in recipes if not (folder / recipe["vid"]).exists()]
    if missing:
        subprocess.run(
            [sys.executable, footage / "render_haystack.py", footage, folder, *missing], check=True, stdout=sys.stderr
        )
    return folder


def best_iou(answer: Window, truths: list[Window]) -> float:
    return float(overlaps([[answer]], [truths])[0, 0])


def random_ious(duration: float, truths: list[Window], rng: np.random.Generator) -> float:
    """The mean IoU of windows whose two ends are drawn uniformly."""
    ends = np.sort(rng.uniform(0, duration, size=(RANDOM_WINDOWS, 2)), axis=1)
    return float(overlaps([ends.tolist()], [truths]).mean())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--footage", type=Path, default=Path("../shared/footage"))
    parser.add_argument("--encoder", default="embedded")
    parser.add_argument("--plans", choices=["rules", "none"], default="rules")
    options = parser.parse_args()
    if not (options.footage / "annotations.jsonl").exists():
        sys.exit(f"{options.footage} holds no footage; name its folder with --footage")

    haystack = render_haystack(options.footage)
    samples = [json.loads(line) for line in (options.footage / "annotations.jsonl").read_text().splitlines()]
    encoder = load_encoder(options.encoder)
    grounders = {name: Grounder(encoder=encoder, localizer=name, cache=KEPT / "cache") for name in ROWS["localizers"]}
    first = grounders["default"]
    undefined: dict[tuple[str, str], int] = {}

    rows: dict[str, dict[str, list[float]]] = {}
    videos: dict[str, list[str]] = {}
    lengths: dict[str, list[float]] = {}
    asked: dict[str, list[list[Window]]] = {}
    rng = np.random.default_rng(0)
    for sample in tqdm(samples, file=sys.stderr, disable=not sys.stderr.isatty()):
        kind = sample["kind"]
        folder = haystack if kind == "haystack" else options.footage / "untrimmed"
        features = first.encode_video(folder / sample["vid"])
        duration = features.info.duration_seconds
        truths = [tuple(window) for window in sample["relevant_windows"]]
        videos.setdefault(kind, []).append(sample["vid"])
        lengths.setdefault(kind, []).append(duration)
        asked.setdefault(kind, []).append(truths)
        ious = {
            "whole video": best_iou((0.0, duration), truths),
            "random window": random_ious(duration, truths, rng),
        }
        query = sample["query"] if options.plans == "rules" else Plan(sample["query"])
        for name, grounder in grounders.items():
            try:
                answer = grounder.ground(features, query, top_k=1)
            except UndefinedAnswerError:
                ious[name] = 0.0
                undefined[kind, name] = undefined.get((kind, name), 0) + 1
                continue
            best = answer.moments[0]
            ious[name] = best_iou((best.start_seconds, best.end_seconds), truths)
            peak = float(answer.pts_seconds[answer.curve.argmax()])
        for half in ARGMAX_HALF_SECONDS:
            ious[f"best frame ± {half:g} s"] = best_iou((max(0.0, peak - half), min(duration, peak + half)), truths)
        for name, value in ious.items():
            rows.setdefault(kind, {}).setdefault(name, []).append(value)

    result: dict[str, dict[str, dict[str, float | list[float]]]] = {}
    for kind, by_name in rows.items():
        of = videos[kind]
        start, end = best_constant(asked[kind], np.array(lengths[kind]))
        constant = [[(start * length, end * length)] for length in lengths[kind]]
        by_name[f"best constant ({start:.0%} – {end:.0%})"] = overlaps(constant, asked[kind])[:, 0].tolist()
        print(
            f"\n{kind}: {len(of)} queries, {len(set(of))} videos, plans: {options.plans}, encoder {options.encoder}\n"
        )
        print("| answer | R@1, IoU ≥ 0.3 | ≥ 0.5 | ≥ 0.7 | mIoU | 95 % of mIoU |")
        print("|---|---|---|---|---|---|")
        for name, values in by_name.items():
            got = np.array(values)
            low, high = map(float, bootstrap_interval(got, of, resamples=RESAMPLES))
            recalls = [100 * float((got >= at).mean()) for at in (0.3, 0.5, 0.7)]
            shown = [f"{recall:.1f}" for recall in recalls] if name != "random window" else ["–"] * 3
            missing = f" ({undefined[kind, name]} undefined)" if (kind, name) in undefined else ""
            spread = f"{100 * low:.1f} – {100 * high:.1f}"
            print(f"| {name}{missing} | {' | '.join(shown)} | {100 * got.mean():.1f} | {spread} |")
            result.setdefault(kind, {})[name] = {
                "R1": recalls,
                "mIoU": 100 * float(got.mean()),
                "mIoU_95": [100 * low, 100 * high],
            }
        default = np.array(by_name["default"])
        print("\n| mIoU of default less that of | difference | 95 % | p |\n|---|---|---|---|")
        for name in [name for name in by_name if name not in ("default", "random window")]:
            gain = paired_difference(np.array(by_name[name]), default, of, resamples=RESAMPLES)
            spread = f"{100 * gain.low:+.1f} – {100 * gain.high:+.1f}"
            print(f"| {name} | {100 * gain.difference:+.1f} | {spread} | {gain.p_value:.4f} |")
            result[kind][name]["default_less_this_p"] = gain.p_value
    print(json.dumps(result))


if __name__ == "__main__":
    main()
