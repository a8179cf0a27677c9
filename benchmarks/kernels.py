"""How long the way from curves to moments takes: each query, long videos, many sub-events, a fresh process.

    python benchmarks/kernels.py [--plot growth.png] [--passes 5]

Times are wall clock in one thread. The last line is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

import twins  # noqa: E402
from stored import SHARED, cases  # noqa: E402

from tfgrounding.localizers.ground_curves import ground_curves  # noqa: E402
from tfgrounding.localizers.tfvtg.combine import combined_by_sum, combined_by_vote  # noqa: E402

PUBLIC_PROGRAM_SECONDS = 14e-3  # its median a query on this work, on two cores, without the text encoder
READINGS = ("tfvtg-reference", "tfvtg")
CHARADES_QUERIES = 3720
LONG_FRAMES = (1_800, 3_600, 7_200, 10_800, 16_200, 21_600, 32_400)  # 10 minutes to 3 hours at 3 Hz


def timed(call):
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def queries(every, passes):
    """Each reading on every stored query: the median of the passes for each, then median and p99 over queries."""
    real = np.array([case.name.startswith("charades") for case in every])
    planned = np.array([bool(case.plan.sub_events) for case in every])
    curves = np.array([len(case.curves) for case in every])
    result = {}
    for reading in READINGS:
        calls = [
            partial(ground_curves, c.curves, c.plan, duration_seconds=c.duration_seconds, localizer=reading)
            for c in every
        ]
        for call in calls[:300]:
            call()
        own = np.median([[timed(call) for call in calls] for _ in range(passes)], axis=0)
        plain = np.array([timed(partial(twins.ground, c.curves, c.plan, c.duration_seconds, reading)) for c in every])
        result[reading] = {
            "median_us": round(1e6 * float(np.median(own)), 1),
            "p99_us": round(1e6 * float(np.percentile(own, 99)), 1),
            "median_single_us": round(1e6 * float(np.median(own[~planned])), 1),
            "median_with_sub_events_us": round(1e6 * float(np.median(own[planned])), 1),
            "public_program_over_this": round(PUBLIC_PROGRAM_SECONDS / float(np.median(own))),
            "twin_median_us": round(1e6 * float(np.median(plain)), 1),
            "twin_over_this": round(float(np.median(plain / own)), 1),
            "charades_3720_seconds": round(float(own[real].mean()) * CHARADES_QUERIES, 3),
            "charades_curves": round(float(curves[real].mean()) * CHARADES_QUERIES),
        }
        print(f"{reading:16s}", result[reading])
    return result


def many_sub_events():
    """The slowest of several layouts of ten sub-events with ten candidates each: 10^10 picks."""
    rng = np.random.default_rng(5)
    spread = rng.uniform(0, 80, (10, 10))
    shared = rng.uniform(0, 50, (10, 10))
    ordered = np.arange(10)[:, None] * 10 + rng.uniform(0, 1, (10, 10))
    layouts = {
        "anywhere": (spread, spread + rng.uniform(1, 9, (10, 10))),
        "sharing an instant": (shared, shared + rng.uniform(50, 60, (10, 10))),
        "one after the other": (ordered, ordered + rng.uniform(1, 9, (10, 10))),
    }
    result = {}
    rules = (("sum", combined_by_sum, 10, 10), ("product-vote", combined_by_vote, 10, 2))
    for rule, combine, picks, results in (*rules, ("product-vote", combined_by_vote, 3, 2)):
        medians = []
        for start, end in layouts.values():
            events = [np.stack([s, e, rng.uniform(0, 1, 10)]) for s, e in zip(start, end, strict=True)]
            for relation in ("sequentially", "simultaneously"):
                call = partial(combine, events, relation, picks=picks, results=results)
                call()
                medians.append(statistics.median(timed(call) for _ in range(9)))
        result[f"{rule}, k = {picks}, m = 10"] = round(1e3 * max(medians), 2)
        print(f"{rule}, {picks} candidates of each of 10 sub-events: {1e3 * max(medians):.2f} ms")
    return result


LONG = """
import json, re, sys, time
import numpy as np
from tfgrounding.localizers.ground_curves import ground_curves
from tfgrounding.types import Plan

def peak_kib():
    return int(re.search(r"VmHWM:\\s+(\\d+)", open("/proc/self/status").read())[1])

def answer(frames):
    t = np.arange(frames)
    curve = 0.3 + 0.05 * np.sin(t / 300) + np.random.default_rng(0).normal(0, 0.01, frames)
    began = time.perf_counter()
    ground_curves({"q": curve}, Plan("q"), duration_seconds=frames / 3, localizer=sys.argv[1])
    return time.perf_counter() - began

answer(300)
before = peak_kib()
seconds = min(answer(int(sys.argv[2])) for _ in range(3))
print(json.dumps([seconds, (peak_kib() - before) / 1024]))
"""


def long_videos():
    """One curve of a long video: seconds, and how much the process's peak memory grows."""
    result = {}
    for reading in READINGS:
        rows = []
        for frames in LONG_FRAMES:
            command = [sys.executable, "-c", LONG, reading, str(frames)]
            output = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True).stdout
            seconds, mib = json.loads(output)
            stride, longest = 20, frames // 2
            windows = sum(frames - width + 1 for width in range(stride, longest + 1, stride))
            rows.append(
                {"frames": frames, "windows": windows, "ms": round(1e3 * seconds, 2), "peak_mib": round(mib, 1)}
            )
            print(f"{reading:16s} {rows[-1]}")
        result[reading] = rows
    return result


FIRST = """
import sys, time
began = time.perf_counter()
import numpy as np
from tfgrounding.localizers.ground_curves import ground_curves
from tfgrounding.types import Plan, SubEvent
imported = time.perf_counter()
curves = {text: np.linspace(0.2, 0.2 + n / 10, 90) for n, text in enumerate("qpab", 1)}
plan = Plan("q", ["p"], [SubEvent(["a"]), SubEvent(["b"])], "sequentially")
ground_curves(curves, plan, duration_seconds=30.0, localizer=sys.argv[1])
print(imported - began, time.perf_counter() - imported, time.process_time())
"""


def fresh_processes():
    """Import and first answer (a plan with two sub-events) in a fresh process, with a warm kernel cache and without."""

    def first(reading, **extra):
        environment = {**os.environ, **extra}
        began = time.perf_counter()
        command = [sys.executable, "-c", FIRST, reading]
        run = subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True, text=True)
        return [*map(float, run.stdout.split()), time.perf_counter() - began]

    result = {}
    for reading in READINGS:
        first(reading)
        warm = np.median([first(reading) for _ in range(5)], axis=0)
        with tempfile.TemporaryDirectory() as folder:
            empty = first(reading, NUMBA_CACHE_DIR=folder)
        names = ("import_s", "first_answer_s", "cpu_s", "process_s")
        result[reading] = {
            "warm": dict(zip(names, np.round(warm, 2).tolist(), strict=True)),
            "empty": dict(zip(names, np.round(empty, 2).tolist(), strict=True)),
        }
        print(f"{reading:16s}", result[reading])
    numba = subprocess.run(
        [sys.executable, "-c", "import time; t = time.perf_counter(); import numba; print(time.perf_counter() - t)"],
        check=True,
        capture_output=True,
        text=True,
    )
    result["import_numba_s"] = round(float(numba.stdout), 2)
    print("import numba alone", result["import_numba_s"])
    return result


def plot(growth, path):
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, (left, right) = pyplot.subplots(1, 2, figsize=(9, 3.5))
    for reading, rows in growth.items():
        hours = [row["frames"] / 10_800 for row in rows]
        left.plot([row["windows"] / 1e6 for row in rows], [row["ms"] for row in rows], "o-", label=reading)
        right.plot(hours, [row["peak_mib"] for row in rows], "o-", label=reading)
    left.set(xlabel="windows (millions)", ylabel="time for one curve (ms)")
    right.set(xlabel="video (hours at 3 Hz)", ylabel="growth of peak memory (MiB)", ylim=(0, None))
    left.legend()
    figure.tight_layout()
    figure.savefig(path, dpi=120)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--plot", type=Path, help="write a picture of the growth with the length of the video here")
    parser.add_argument("--passes", type=int, default=5, help="passes over the stored queries")
    arguments = parser.parse_args()
    result = {}
    if SHARED.exists():
        result["queries"] = queries(
            [case for folder in ("parity", "charades") for case in cases(folder)], arguments.passes
        )
    else:
        print("the research data is not beside this checkout: no times a query", file=sys.stderr)
    result["sub_events_ms"] = many_sub_events()
    result["long"] = long_videos()
    result["fresh"] = fresh_processes()
    if arguments.plot:
        plot(result["long"], arguments.plot)
    print(json.dumps(result))


if __name__ == "__main__":
    main()
