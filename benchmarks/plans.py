"""What do plans bring? The same curves or videos, asked with the plan and without it.

    python benchmarks/plans.py [--shared ../shared] [--only charades|footage|negated] [--localizers tfvtg default]

On the Charades-STA bench: the language model's stored plans against none, and against their paraphrases alone. On the
real footage with the embedded encoder: the rules planner's plans against none. Differences are paired, query by query;
intervals are 95 % bootstrap intervals over videos. The footage is rendered and encoded once, under .bench/.

Negated: each single event of the footage with "no" before it is asked as a negated plan. Right is the longest stretch
in which the event does not happen. Beside it: the same words asked as they are, and the whole video.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from tqdm import tqdm

sys.path.insert(0, str(Path(__file__).parent))
from footage import KEPT, Window, best_iou, render_haystack

from tfgrounding import Grounder
from tfgrounding.encoders.load import load_encoder
from tfgrounding.errors import UndefinedAnswerError
from tfgrounding.evaluation.metrics import bootstrap_interval
from tfgrounding.localizers.ground_curves import ground_curves
from tfgrounding.planning.planner import get_planner
from tfgrounding.types import Moment, Plan, SubEvent

FLOOR = 0.2  # of the curves in charades/, made to look like BLIP-2's

Scored = tuple[str, str, str, dict[str, float]]  # localizer, group of queries, video, {plans: IoU}


def best(moments: list[Moment] | tuple[Moment, ...], truths: list[Window]) -> float:
    return best_iou((moments[0].start_seconds, moments[0].end_seconds), truths) if moments else 0.0


def charades(folder: Path, localizers: list[str]) -> Iterator[Scored]:
    """Every query of the bench with the stored plan, with its paraphrases only, and alone."""
    curves = np.load(folder / "curves.npz")
    values, offsets = curves["values"].astype(np.float64), curves["offsets"]
    features = np.load(folder / "features.npz")
    cases = [json.loads(line) for line in (folder / "cases.jsonl").read_text(encoding="utf-8").splitlines()]
    for case in tqdm(cases, desc="charades", file=sys.stderr, disable=not sys.stderr.isatty()):
        texts = {said["text"]: said["curve"] for group in case["groups"] for said in group}
        texts[case["query"]] = case["query_curve"]
        table = {text: values[offsets[k] : offsets[k + 1]] for text, k in texts.items()}
        paraphrases, *events = [tuple(said["text"] for said in group) for group in case["groups"]] or [()]
        full = Plan(case["query"], paraphrases, tuple(map(SubEvent, events)), case["relationship"])
        plans = {
            "none": Plan(case["query"]),
            "paraphrases": replace(full, sub_events=(), relation="single-query"),
            "plan": full,
        }
        truth = [(case["truth"][0], case["truth"][1])]
        for localizer in localizers:
            scores = {}
            for name, plan in plans.items():
                try:
                    moments = ground_curves(
                        table,
                        plan,
                        duration_seconds=case["duration"],
                        floor=FLOOR,
                        localizer=localizer,
                        features=features[case["video"]].astype(np.float64),
                    )
                except UndefinedAnswerError:
                    moments = []
                scores[name] = best(moments, truth)
            kind = "single" if case["relationship"] == "single-query" else case["relationship"]
            yield localizer, f"charades, {kind}", case["video"], scores


def footage(folder: Path, localizers: list[str], encoder_name: str) -> Iterator[Scored]:
    """Every query of the real footage with the rules' plan, with its paraphrases only, and alone."""
    haystack = render_haystack(folder)
    encoder, planner = load_encoder(encoder_name), get_planner("rules")
    grounders = {name: Grounder(encoder=encoder, localizer=name, top_k=1, cache=KEPT / "cache") for name in localizers}
    samples = [json.loads(line) for line in (folder / "annotations.jsonl").read_text(encoding="utf-8").splitlines()]
    for sample in tqdm(samples, desc="footage", file=sys.stderr, disable=not sys.stderr.isatty()):
        path = (haystack if sample["kind"] == "haystack" else folder / "untrimmed") / sample["vid"]
        truths = [(window[0], window[1]) for window in sample["relevant_windows"]]
        for name, grounder in grounders.items():
            features = grounder.encode_video(path)
            full = planner.plan(sample["query"])
            plans = {
                "none": Plan(sample["query"]),
                "paraphrases": replace(full, sub_events=(), relation="single-query"),
                "plan": full,
            }
            scores = {}
            for kind, plan in plans.items():
                try:
                    scores[kind] = best(grounder.ground(features, plan).moments, truths)
                except UndefinedAnswerError:
                    scores[kind] = 0.0
            relation = "single" if sample["relation"] == "single-query" else sample["relation"]
            yield name, f"{sample['kind']}, {relation}", sample["vid"], scores


def longest_gap(windows: list[Window], duration_seconds: float) -> Window:
    """The longest stretch of a video outside all windows."""
    gaps, until = [], 0.0
    for start, end in [*sorted(windows), (duration_seconds, duration_seconds)]:
        gaps.append((until, max(start, until)))
        until = max(until, end)
    return max(gaps, key=lambda gap: gap[1] - gap[0])


def negated(folder: Path, localizers: list[str], encoder_name: str) -> Iterator[tuple[str, str, dict[str, float]]]:
    """(localizer, kind of footage, {what was asked: IoU with the longest stretch without the event})."""
    haystack = render_haystack(folder)
    encoder, planner = load_encoder(encoder_name), get_planner("rules")
    grounders = {name: Grounder(encoder=encoder, localizer=name, top_k=1, cache=KEPT / "cache") for name in localizers}
    samples = [json.loads(line) for line in (folder / "annotations.jsonl").read_text(encoding="utf-8").splitlines()]
    single = [sample for sample in samples if sample["relation"] == "single-query"]
    for sample in tqdm(single, desc="negated", file=sys.stderr, disable=not sys.stderr.isatty()):
        path = (haystack if sample["kind"] == "haystack" else folder / "untrimmed") / sample["vid"]
        for name, grounder in grounders.items():
            features = grounder.encode_video(path)
            duration = features.info.duration_seconds
            truth = [longest_gap([(start, end) for start, end in sample["relevant_windows"]], duration)]
            positive = replace(planner.plan(sample["query"]), sub_events=(), relation="single-query")
            plans = {
                "negated": replace(positive, negated=True),
                "as it is": Plan(f"no {sample['query']}"),
            }
            answers = {kind: grounder.ground(features, plan) for kind, plan in plans.items()}
            scores = {kind: best(answer.moments, truth) for kind, answer in answers.items()}
            yield (
                name,
                sample["kind"],
                {
                    **scores,
                    "whole video": best_iou((0.0, duration), truth),
                    "present": answers["negated"].present or 0.0,
                },
            )


def negated_table(scored: list[tuple[str, str, dict[str, float]]]) -> dict[str, dict[str, float]]:
    """Print the table of the negated queries; returns its numbers."""
    rows: dict[tuple[str, str], list[dict[str, float]]] = defaultdict(list)
    for localizer, kind, scores in scored:
        rows[localizer, kind].append(scores)
    result = {}
    print(
        "| localizer | footage | n | mIoU negated | as it is | whole video | R@0.5 negated | as it is | mean present |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    for (localizer, kind), found in sorted(rows.items()):
        mean = {name: 100 * float(np.mean([scores[name] for scores in found])) for name in found[0]}
        half = {
            name: 100 * float(np.mean([scores[name] >= 0.5 for scores in found])) for name in ("negated", "as it is")
        }
        print(
            f"| {localizer} | {kind} | {len(found)} | {mean['negated']:.1f} | {mean['as it is']:.1f} | "
            f"{mean['whole video']:.1f} | {half['negated']:.1f} | {half['as it is']:.1f} | "
            f"{mean['present'] / 100:.2f} |"
        )
        result[f"{localizer}, {kind}"] = mean
    return result


def table(scored: list[Scored]) -> dict[str, dict[str, dict[str, object]]]:
    """Print the table; returns its numbers."""
    rows: dict[tuple[str, str], list[tuple[str, dict[str, float]]]] = defaultdict(list)
    for localizer, group, video, scores in scored:
        where, relation = group.split(", ")
        bench = "charades" if where == "charades" else "footage"
        for name in dict.fromkeys((group, f"{bench}, {relation}", f"{bench}, all")):
            rows[localizer, name].append((video, scores))
    result: dict[str, dict[str, dict[str, object]]] = {}
    print(
        "| localizer | queries | | mIoU without | paraphrases | plan | plan − without | 95 % | R@0.5 without | plan |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|")
    for (localizer, group), pairs in sorted(rows.items()):
        videos = np.array([video for video, _ in pairs])
        iou = {name: 100 * np.array([scores[name] for _, scores in pairs]) for name in ("none", "paraphrases", "plan")}
        gain = iou["plan"] - iou["none"]
        low, high = map(float, bootstrap_interval(gain, videos))
        at_half = {name: 100 * float((values >= 50).mean()) for name, values in iou.items()}
        means = {name: float(values.mean()) for name, values in iou.items()}
        print(
            f"| {localizer} | {group} | {len(pairs)} | {means['none']:.1f} | {means['paraphrases']:.1f} | "
            f"{means['plan']:.1f} | {gain.mean():+.1f} | {low:+.1f} – {high:+.1f} | "
            f"{at_half['none']:.1f} | {at_half['plan']:.1f} |"
        )
        result.setdefault(localizer, {})[group] = {
            "queries": len(pairs),
            "mIoU": means,
            "gain": float(gain.mean()),
            "gain_95": [low, high],
            "R1@0.5": at_half,
        }
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shared", type=Path, default=Path("../shared"))
    parser.add_argument("--only", choices=["charades", "footage", "negated"])
    parser.add_argument("--localizers", nargs="+", default=["tfvtg", "default"])
    parser.add_argument("--encoder", default="embedded")
    options = parser.parse_args()
    if options.only == "negated":
        print(json.dumps(negated_table(list(negated(options.shared / "footage", options.localizers, options.encoder)))))
        return
    scored: list[Scored] = []
    if options.only != "footage":
        if not (options.shared / "charades" / "cases.jsonl").exists():
            sys.exit(f"{options.shared} holds no charades/; name its folder with --shared")
        scored += charades(options.shared / "charades", options.localizers)
    if options.only != "charades":
        if not (options.shared / "footage" / "annotations.jsonl").exists():
            sys.exit(f"{options.shared} holds no footage/; name its folder with --shared")
        scored += footage(options.shared / "footage", options.localizers, options.encoder)
    print(json.dumps(table(scored)))


if __name__ == "__main__":
    main()
