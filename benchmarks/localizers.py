"""Every localizer on the same curves: Charades-STA on two encoders, captions, footage, and simulations.

    python benchmarks/localizers.py [--data ../shared] [--benches L/14,B/32,captions,haystack,untrimmed]
                                    [--only table,choice,sensitivity,simulations,cost,losses] [--settings 100]

The Charades-STA curves are realistic but not zero-shot (see the data's README): they compare localizers, they are no
result on Charades-STA. Intervals are 95 % bootstrap intervals over videos, p-values flip the sign of whole videos'
differences. The first run encodes texts and videos (some minutes), which are kept under .bench/.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from benches import GROUPS, LISTS, SHORT_SECONDS, Bench, figures, load_benches, scores
from benches.choice import (
    FACTOR,
    all_points,
    chosen_settings,
    drawn_settings,
    factors_chosen,
    folds_of,
    measure,
    numbers,
    varied,
)
from benches.losses import losses
from benches.simulated import simulations

from tfgrounding.evaluation.metrics import bootstrap_interval, paired_difference
from tfgrounding.localizers import get_localizer
from tfgrounding.localizers.default import CONSTANTS, FINENESS, DefaultLocalizer
from tfgrounding.registry import ROWS

AUTHORS_SECONDS = 0.014  # a query of the public program on the L/14 cases
RESAMPLES = 5000
SECTIONS = ("table", "choice", "sensitivity", "simulations", "cost", "losses")
HEAD = ("R@0.3", "R@0.5", "R@0.7", "mIoU")
PAIRED = ("R@0.5", "R@0.7", "mIoU")
ORACLE = "oracle: best windows of whole samples"

Scores = dict[str, np.ndarray]


def table(benches: Sequence[Bench]) -> dict[str, Any]:
    """Each answer on each bench, and by how much `default` is ahead of it."""
    results = {}
    for bench in benches:
        found = {name: scores(bench, answers) for name, answers in all_answers(bench).items()}
        results[bench.name] = {name: rounded(figures(values)) for name, values in found.items()}
        print(f"\n### {bench.name}: {len(bench.queries):,} queries, {len(set(bench.videos))} videos\n")
        print_figures(bench, found)
        results[bench.name]["default less"] = print_differences(bench, found)
    print_summary(benches, results)
    return results


def print_summary(benches: Sequence[Bench], results: dict[str, Any]) -> None:
    """The main figure of every answer on every bench."""
    print("\n### All benches: mIoU (captions: mAP)\n")
    print(f"| answer | {' | '.join(bench.name for bench in benches)} |\n|---|{'---|' * len(benches)}")
    for name in dict.fromkeys(name for of in results.values() for name in of if name != "default less"):
        values = [results[bench.name].get(name, {}).get(main_figure(bench)) for bench in benches]
        print(f"| {name} | {' | '.join('–' if value is None else f'{value:.2f}' for value in values)} |")


def all_answers(bench: Bench) -> dict[str, Any]:
    answers = {"whole video": bench.whole_videos(), "best constant window": bench.best_constant()}
    answers |= {name: bench.answers(name) for name in sorted(ROWS["localizers"])}
    answers["default, no features"] = bench.answers("default", features=False)
    return answers | bench.others | {ORACLE: bench.oracle()}


def print_figures(bench: Bench, found: dict[str, Scores]) -> None:
    short = tuple(name for name in found["default"] if name.startswith("≤"))
    columns = [*HEAD, "95 % of mIoU", *short, *(LISTS if bench.several else ())]
    count = int((~np.isnan(found["default"][short[0]])).sum())
    print(f"≤ {SHORT_SECONDS} s: the {count:,} queries with such a moment, compared with those moments only.\n")
    print(f"| answer | {' | '.join(columns)} |\n|---|{'---|' * len(columns)}")
    for name, values in found.items():
        shown = {column: f"{value:.2f}" for column, value in figures(values).items()}
        low, high = bootstrap_interval(values["mIoU"], bench.videos, resamples=RESAMPLES)
        shown["95 % of mIoU"] = f"{100 * low:.1f} – {100 * high:.1f}"
        print(f"| {name} | {' | '.join(shown[column] for column in columns)} |")


def print_differences(bench: Bench, found: dict[str, Scores]) -> dict[str, Any]:
    """Paired over videos: difference, 95 % interval, p."""
    names = [*PAIRED, *(LISTS[:2] if bench.several else ())]
    results: dict[str, Any] = {}
    print(f"\n| `default` less | {' | '.join(names)} |\n|---|{'---|' * len(names)}")
    for other in [name for name in found if name not in ("default", ORACLE)]:
        cells = []
        for name in names:
            ours, theirs = found["default"][name], found[other][name]
            kept = ~np.isnan(ours)
            videos = [video for video, k in zip(bench.videos, kept, strict=True) if k]
            pair = paired_difference(100 * theirs[kept], 100 * ours[kept], videos, resamples=RESAMPLES)
            cells.append(f"{pair.difference:+.2f} ({pair.low:+.1f} – {pair.high:+.1f}) p {pair.p_value:.4f}")
            results.setdefault(other, {})[name] = [
                round(value, 4) for value in (pair.difference, pair.low, pair.high, pair.p_value)
            ]
        print(f"| {other} | {' | '.join(cells)} |")
    return results


def main_figure(bench: Bench) -> str:
    return "mAP" if bench.several else "mIoU"


def choice(benches: Sequence[Bench], settings: int, jobs: int) -> dict[str, Any]:
    """Constants chosen by the other groups, read off each bench."""
    drawn = drawn_settings(settings)
    chosen = chosen_settings(benches, drawn, measure(benches, drawn, jobs))
    ours, by_all, *rows = measure(benches, [CONSTANTS, *chosen.values()], jobs)
    print(f"\n{settings} settings, each constant within a factor of {FACTOR} of ours; mIoU or mAP, then R@0.7.\n")
    head = ("our constants", "chosen by all", "chosen without", "lost")
    print(f"| bench | without | {' | '.join(head)} |\n|---|---|{'---|' * len(head)}")
    results: dict[str, Any] = {"settings": settings}
    for b, bench in enumerate(benches):
        for fold, row in zip(list(chosen)[1:], rows, strict=True):
            if bench.group in fold:
                name, without = main_figure(bench), " and ".join(sorted(fold))
                pairs = [(of[b][name], of[b]["R@0.7"]) for of in (ours, by_all, row)]
                lost = np.subtract(pairs[1], pairs[2]).tolist()
                shown = [f"{first:.2f} / {second:.2f}" for first, second in pairs]
                print(f"| {bench.name} | {without} | {' | '.join(shown)} | {lost[0]:+.2f} / {lost[1]:+.2f} |")
                results[f"{bench.name} without {without}"] = [
                    rounded({name: pair[0], "R@0.7": pair[1]}) for pair in (*pairs, lost)
                ]
    print("\n| constant | ours | chosen by all | least and most chosen without some |\n|---|---|---|---|")
    for name, value in numbers().items():
        all_, *others = (getattr(setting, name) for setting in chosen.values())
        print(
            f"| {name} | {value:.3g} | {all_:.3g} | {min(others, default=all_):.3g} – {max(others, default=all_):.3g} |"
        )
        results[name] = [value, all_, *others]
    return results


def sensitivity(benches: Sequence[Bench], jobs: int) -> dict[str, Any]:
    """What halving and doubling each constant changes on each bench, and what the other groups would choose for it."""
    trials = varied()
    ours, *rows = measure(benches, [CONSTANTS, *trials.values()], jobs)
    measured = dict(zip(trials, rows, strict=True))
    for factor in (0.5, 2.0):
        localizer = DefaultLocalizer(fineness=FINENESS * factor)
        measured["fineness", factor] = [figures(scores(bench, bench.answers(localizer))) for bench in benches]
    start = main_figures(benches, ours)
    moved = {trial: main_figures(benches, row) - start for trial, row in measured.items()}
    print("\nChange of mIoU (captions: mAP) against our constants.\n")
    print(f"| constant | factor | {' | '.join(bench.name for bench in benches)} |\n|---|---|{'---|' * len(benches)}")
    print(f"| as they are | | {' | '.join(f'{value:.2f}' for value in start)} |")
    for (name, factor), change in moved.items():
        if factor in (0.5, 2.0):
            print(f"| {name} | x {factor:g} | {' | '.join(f'{value:+.2f}' for value in change)} |")
    results: dict[str, Any] = {f"{name} x {x:g}": change.round(2).tolist() for (name, x), change in moved.items()}
    results |= {"as they are": start.round(2).tolist(), "chosen": one_by_one(benches, ours, measured, moved)}
    return results


def one_by_one(benches: Sequence[Bench], ours: Any, measured: dict, moved: dict) -> dict[str, Any]:
    """The factor that the other groups choose for each constant, and what it changes on the benches without a say."""
    names = [trial for trial in measured if trial[0] != "fineness"]
    gains = all_points(benches, [ours, *(measured[trial] for trial in names)])
    groups, folds = [bench.group for bench in benches], folds_of(benches)
    chosen = {fold: factors_chosen(gains, names, groups, fold) for fold in folds}
    heads = [" and ".join(sorted(fold)) for fold in folds]
    print(
        "\nEach constant chosen alone by the other groups: its factor, and the mean change on the benches left out.\n"
    )
    print(f"| constant | {' | '.join(heads)} |\n|---|{'---|' * len(folds)}")
    results: dict[str, Any] = {}
    for name in numbers():
        cells = []
        for fold, head in zip(folds, heads, strict=True):
            row = chosen[fold][name]
            out = [group in fold for group in groups]
            factor, change = (names[row - 1][1], float(moved[names[row - 1]][out].mean())) if row else (1.0, 0.0)
            cells.append(f"x {factor:g}: {change:+.2f}" if row else "as it is")
            results.setdefault(name, {})[head] = [factor, round(change, 2)]
        print(f"| {name} | {' | '.join(cells)} |")
    return results


def main_figures(benches: Sequence[Bench], row: Any) -> np.ndarray:
    return np.array([of[main_figure(bench)] for bench, of in zip(benches, row, strict=True)])


def cost(bench: Bench) -> dict[str, float]:
    """Processor time a query, the best of five rounds over the first 400 queries."""
    results = {}
    queries = bench.queries[:400]
    for name in sorted(ROWS["localizers"]):
        localizer, best = get_localizer(name), np.inf
        for _ in range(2 if name == "tag" else 5):
            began = time.thread_time()
            for query in queries:
                localizer.locate(query)
            best = min(best, (time.thread_time() - began) / len(queries))
        results[name] = round(best * 1e6, 1)
        print(f"- {name}: {best * 1e6:.0f} µs a query, 1/{AUTHORS_SECONDS / best:.0f} of the public program's 14 ms")
    return results


def rounded(values: dict[str, float]) -> dict[str, float]:
    return {name: round(float(value), 2) for name, value in values.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared"), help="the folder of the data's folders")
    parser.add_argument("--benches", default=",".join(GROUPS), help="groups of benches, separated by commas")
    parser.add_argument("--only", default=",".join(SECTIONS), help="sections, separated by commas")
    parser.add_argument("--settings", type=int, default=100, help="drawn for the choice of constants")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes")
    parser.add_argument("--plots", type=Path, default=Path(".bench/losses"), help="where the losing curves are drawn")
    arguments = parser.parse_args()
    sections, groups = arguments.only.split(","), arguments.benches.split(",")
    for given, known in ((sections, SECTIONS), (groups, GROUPS)):
        if unknown := set(given) - set(known):
            parser.error(f"no {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    if arguments.settings < 1 or arguments.jobs < 1:
        parser.error("--settings and --jobs must be at least 1")
    try:
        benches = load_benches(arguments.data, groups)
    except FileNotFoundError as error:
        parser.error(f"{error}; name the folder of the data with --data, or other benches with --benches")
    first = benches[0]
    steps: dict[str, Callable[[], dict[str, Any]]] = {
        "table": lambda: table(benches),
        "choice": lambda: choice(benches, arguments.settings, arguments.jobs),
        "sensitivity": lambda: sensitivity(benches, arguments.jobs),
        "simulations": lambda: simulations(first),
        "cost": lambda: cost(first),
        "losses": lambda: losses(first, first.answers("default"), first.answers("tfvtg-reference"), arguments.plots),
    }
    results = {}
    for section in sections:
        print(f"\n## {section}", flush=True)
        results[section] = steps[section]()
    print(json.dumps(results, ensure_ascii=False))


if __name__ == "__main__":
    main()
