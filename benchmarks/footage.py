"""Real footage, raw videos to moments, with the embedded encoder: every localizer, and answers that look at nothing.

    python benchmarks/footage.py [--footage ../shared/footage] [--encoder embedded] [--plans rules|none] [--only events]

The needle-in-a-haystack videos are rendered and all features are kept under .bench/, so that only the first run is
slow (about 12,000 frames). Intervals are 95 % bootstrap intervals over videos; "best constant" is the one share of the
video, and ± 2, 4 and 8 s around the best frame are given all three, so that each baseline is shown at its best.

Events: of the sequential queries, the moment of each event. In the needle-in-a-haystack videos the truth of an event is
the clip that shows it, as the recipe says; of the other videos only the hull of the events is known, so that their
times are printed to be looked at (--only events prints them and leaves the rest out).
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
from tfgrounding.engines.events import plan_of
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


def event_truths(recipe: dict, plan: Plan) -> list[Window]:
    """The clips of a sequential query's events, in order: those that its truth consists of."""
    start, end = recipe["relevant_windows"][0]
    clips = [(clip["start"], clip["end"]) for clip in recipe["clips"] if start <= clip["start"] and clip["end"] <= end]
    return clips if len(clips) == len(plan.sub_events) else []


def measure_events(footage: Path, haystack: Path, grounders: dict[str, Grounder]) -> dict[str, dict[str, float]]:
    """Print how well each event's own moment is found, beside the event asked alone, and the hull of the events."""
    lines = (footage / "haystack_recipes.jsonl").read_text().splitlines()
    recipes = {recipe["qid"]: recipe for recipe in map(json.loads, lines)}
    samples = [json.loads(line) for line in (footage / "annotations.jsonl").read_text().splitlines()]
    found: dict[str, list[list[float]]] = {name: [] for name in grounders}
    times: list[str] = []
    left_out: set[str] = set()
    for sample in samples:
        if sample["relation"] != "sequentially":
            continue
        is_haystack = sample["kind"] == "haystack"
        path = (haystack if is_haystack else footage / "untrimmed") / sample["vid"]
        for name, grounder in grounders.items():
            answer = grounder.ground(grounder.encode_video(path), sample["query"], top_k=1)
            moments = [(event.moment.start_seconds, event.moment.end_seconds) for event in answer.events]
            hull = (min(start for start, _ in moments), max(end for _, end in moments)) if moments else (0.0, 0.0)
            best = answer.moments[0]
            whole = [tuple(window) for window in sample["relevant_windows"]]
            if name == "default":
                shown = "; ".join(
                    f"{event.text}: {start:.1f}-{end:.1f} s (present {event.present:.2f})"
                    for event, (start, end) in zip(answer.events, moments, strict=True)
                )
                led = f"{best.start_seconds:.1f}-{best.end_seconds:.1f}"
                times.append(f"| {sample['qid']} | {shown or 'none'} | {led} | {whole} |")
            if not is_haystack:
                continue
            truths = event_truths(recipes[sample["qid"]], answer.plan)
            if not truths or not moments:
                left_out.add(sample["qid"])
                continue
            alone = [grounder.ground(grounder.encode_video(path), plan_of(e), top_k=1) for e in answer.plan.sub_events]
            of_alone = [(a.moments[0].start_seconds, a.moments[0].end_seconds) for a in alone]
            found[name].append(
                [
                    float(np.mean([best_iou(own, [truth]) for own, truth in zip(moments, truths, strict=True)])),
                    float(np.mean([best_iou(one, [truth]) for one, truth in zip(of_alone, truths, strict=True)])),
                    best_iou(hull, whole),
                    best_iou((best.start_seconds, best.end_seconds), whole),
                ]
            )
    columns = ("own moment", "asked alone", "hull of the events", "best moment")
    print(
        f"\nevents of {len(found['default'])} sequential queries of the haystack, mIoU; left out: {sorted(left_out)}\n"
    )
    print(f"| localizer | {' | '.join(columns)} | own − alone, 95 % |\n|---|---|---|---|---|---|")
    result: dict[str, dict[str, float]] = {}
    for name, rows in found.items():
        table = 100 * np.array(rows)
        numbers = [str(n) for n in range(len(table))]
        gain = paired_difference(table[:, 1] / 100, table[:, 0] / 100, numbers, resamples=RESAMPLES)
        means = [f"{mean:.1f}" for mean in table.mean(axis=0)]
        spread = f"{100 * gain.difference:+.1f} ({100 * gain.low:+.1f} – {100 * gain.high:+.1f})"
        print(f"| {name} | {' | '.join(means)} | {spread} |")
        result[name] = dict(zip(columns, table.mean(axis=0).tolist(), strict=True))
    print("\n| query | events (default) | best moment | truth of the whole |\n|---|---|---|---|")
    print("\n".join(times))
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--footage", type=Path, default=Path("../shared/footage"))
    parser.add_argument("--encoder", default="embedded")
    parser.add_argument("--plans", choices=["rules", "none"], default="rules")
    parser.add_argument("--only", choices=["events"])
    options = parser.parse_args()
    if not (options.footage / "annotations.jsonl").exists():
        sys.exit(f"{options.footage} holds no footage; name its folder with --footage")

    haystack = render_haystack(options.footage)
    samples = [json.loads(line) for line in (options.footage / "annotations.jsonl").read_text().splitlines()]
    encoder = load_encoder(options.encoder)
    grounders = {name: Grounder(encoder=encoder, localizer=name, cache=KEPT / "cache") for name in ROWS["localizers"]}
    if options.only == "events":
        print(json.dumps(measure_events(options.footage, haystack, grounders)))
        return
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
    if options.plans == "rules":
        print(json.dumps({"events": measure_events(options.footage, haystack, grounders)}))
    print(json.dumps(result))


if __name__ == "__main__":
    main()
