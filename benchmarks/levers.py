"""The default localizer with one thing changed at a time, on all benches.

    python benchmarks/levers.py [--data ../shared] [--benches L/14,B/32,captions,haystack,untrimmed] [--levers NAME ...]

First what the localizer has, taken away; then what was tried and is not in it. Differences are changed less unchanged,
of mIoU in points, on captions of R@0.7 and mAP, with 95 % bootstrap intervals over videos. The Charades-STA curves are
realistic but not zero-shot (see the data's README). Texts and videos are encoded once and kept under .bench/.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from benches import GROUPS, Bench, load_benches, scores
from changes import TAKEN_AWAY, TRIED, Lever

from tfgrounding.evaluation.metrics import bootstrap_interval

RESAMPLES = 5000

Scores = dict[str, np.ndarray]


def names_of(bench: Bench) -> tuple[str, ...]:
    """The figures that are shown."""
    return ("R@0.7", "mAP") if bench.several else ("mIoU",)


def measured(benches: Sequence[Bench], levers: Sequence[Lever], jobs: int) -> list[list[Scores | None]]:
    """For each lever the scores of each query on each bench; None where it cannot be tried."""
    global _TASKS
    tasks = [(lever, bench, lever.queries(bench)) for lever in levers for bench in benches]  # here: they encode texts
    _TASKS = [(lever, replace(bench, queries=some)) for lever, bench, some in tasks if some is not None]
    with ProcessPoolExecutor(jobs, mp_context=get_context("fork")) as pool:  # forks share the curves' memory
        found = pool.map(_scores, range(len(_TASKS)))
        scored = [None if some is None else next(found) for _, _, some in tasks]
    return [scored[k : k + len(benches)] for k in range(0, len(scored), len(benches))]


_TASKS: list[tuple[Lever, Bench]]


def _scores(task: int) -> Scores:
    lever, bench = _TASKS[task]
    return scores(bench, lever.answers(bench))


def difference(bench: Bench, before: np.ndarray, after: np.ndarray) -> str:
    """In points, with its interval; in bold where that excludes 0."""
    change = 100 * (after - before)
    low, high = bootstrap_interval(change, bench.videos, resamples=RESAMPLES)
    mark = "**" if low > 0 or high < 0 else ""
    return f"{mark}{change.mean():+.2f}{mark} [{low:+.1f}, {high:+.1f}]"


def print_table(
    benches: Sequence[Bench],
    levers: Sequence[Lever],
    before: Sequence[Scores],
    after: Sequence[Sequence[Scores | None]],
) -> None:
    heads = [f"{bench.name}: {name}" for bench in benches for name in names_of(bench)]
    print(f"| lever | what is changed | {' | '.join(heads)} |\n|---|---|{'---|' * len(heads)}")
    start = [
        f"{100 * of[name].mean():.2f}" for bench, of in zip(benches, before, strict=True) for name in names_of(bench)
    ]
    print(f"| as it is | | {' | '.join(start)} |")
    for lever, row in zip(levers, after, strict=True):
        cells = [
            "–" if new is None else difference(bench, old[name], new[name])
            for bench, old, new in zip(benches, before, row, strict=True)
            for name in names_of(bench)
        ]
        print(f"| {lever.name} | {lever.change} | {' | '.join(cells)} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared"), help="the folder of the data's folders")
    parser.add_argument("--benches", default=",".join(GROUPS), help="groups of benches, separated by commas")
    parser.add_argument("--levers", nargs="*", default=[], help="only these, by the table's names")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes")
    arguments = parser.parse_args()
    groups, known = arguments.benches.split(","), [lever.name for lever in (*TAKEN_AWAY, *TRIED)]
    for given, there in ((groups, GROUPS), (arguments.levers, known)):
        if unknown := set(given) - set(there):
            parser.error(f"no {', '.join(sorted(unknown))}; there are {', '.join(there)}")
    if arguments.jobs < 1:
        parser.error("--jobs must be at least 1")
    try:
        benches = load_benches(arguments.data, groups)
    except FileNotFoundError as error:
        parser.error(f"{error}; name the folder of the data with --data, or other benches with --benches")
    unchanged = Lever("as it is", "")
    parts = {"Taken away": TAKEN_AWAY, "Tried and not in it": TRIED}
    chosen = {
        title: [lever for lever in levers if not arguments.levers or lever.name in arguments.levers]
        for title, levers in parts.items()
    }
    before, *after = measured(
        benches, [unchanged, *(lever for some in chosen.values() for lever in some)], arguments.jobs
    )
    for title, levers in chosen.items():
        print(f"\n### {title}\n")
        print_table(benches, levers, before, after[: len(levers)])
        after = after[len(levers) :]


if __name__ == "__main__":
    main()
