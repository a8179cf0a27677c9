"""Curves made up or changed: noise, other rates, several moments, and one moment in three hours."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from tfgrounding.localizers.ground_curves import ground_curves
from tfgrounding.localizers.intervals import temporal_iou
from tfgrounding.localizers.kernels import uniform_edges
from tfgrounding.types import Plan

from .bench import Bench, figures, scores

NAMES = ("default", "max-sum", "tag", "tfvtg-reference")
RATE_HZ = 3.0


def simulations(bench: Bench) -> dict[str, dict[str, float]]:
    """Prints and returns what the localizers make of this bench's changed curves, and of made-up ones."""
    return changes(bench) | several() | one_in_three_hours()


def changes(bench: Bench) -> dict[str, dict[str, float]]:
    rng = np.random.default_rng(0)
    print(f"\nmIoU of every fourth query\n\n| change | {' | '.join(NAMES)} |\n|---|{'---|' * len(NAMES)}")
    results = {}
    some = every_fourth(bench)
    for noise in (0.0, 0.5, 1.0):

        def noisy(rows: np.ndarray, noise: float = noise) -> np.ndarray:
            return rows + noise * rows.std(axis=1, keepdims=True) * rng.standard_normal(rows.shape)

        title = f"white noise of {noise:g} standard deviations"
        results[title] = compared(title, changed(some, noisy))
    for rate in (1, 2, 4, 8):
        results[f"{rate} Hz"] = compared(f"{rate} Hz", resampled(some, rate))
    return results


def compared(title: str, bench: Bench) -> dict[str, float]:
    found = {name: round(figures(scores(bench, bench.answers(name)))["mIoU"], 2) for name in NAMES}
    print(f"| {title} | " + " | ".join(f"{value:.1f}" for value in found.values()) + " |")
    return found


def every_fourth(bench: Bench) -> Bench:
    return replace(
        bench,
        queries=bench.queries[::4],
        truths=bench.truths[::4],
        durations_seconds=bench.durations_seconds[::4],
        videos=bench.videos[::4],
        sentences=bench.sentences[::4],
    )


def changed(bench: Bench, change: Callable[[np.ndarray], np.ndarray]) -> Bench:
    """The same queries with each (N, T) table of curves changed."""
    queries = [
        replace(query, query=change(query.query), sub_events=tuple(change(rows) for rows in query.sub_events))
        for query in bench.queries
    ]
    return replace(bench, queries=queries)


def resampled(bench: Bench, rate_hz: float) -> Bench:
    """The same queries at another rate of samples, by linear interpolation of curves and features."""
    queries = []
    for query, duration in zip(bench.queries, bench.durations_seconds.tolist(), strict=True):
        samples = max(2, round(duration * rate_hz))
        queries.append(
            replace(
                query,
                query=_resampled(query.query, samples),
                edges_seconds=uniform_edges(samples, duration),
                sub_events=tuple(_resampled(rows, samples) for rows in query.sub_events),
                features=_resampled(query.features.T, samples).T,
            )
        )
    return replace(bench, queries=queries)


def _resampled(rows: np.ndarray, samples: int) -> np.ndarray:
    """(N, samples) values at the centres of other, even samples."""
    old = (np.arange(rows.shape[1]) + 0.5) / rows.shape[1]
    new = (np.arange(samples) + 0.5) / samples
    return np.stack([np.interp(new, old, row) for row in rows.astype(np.float64)])


def red_noise(rng: np.random.Generator, samples: int) -> np.ndarray:
    """Noise whose correlation falls to 1/e in a second, with standard deviation 1."""
    keep = np.exp(-1 / RATE_HZ)
    noise = rng.standard_normal(samples) * np.sqrt(1 - keep**2)
    for t in range(1, samples):
        noise[t] += keep * noise[t - 1]
    return noise


def several() -> dict[str, dict[str, float]]:
    """Two and three moments of 4 to 12 s in 120 s, each 2.5 standard deviations high: how many are in the list?"""
    print("\nMoments of 4 to 12 s in 120 s, 2.5 standard deviations high; then one of 10.8 s in 3 h, 4 high.\n")
    rng = np.random.default_rng(0)
    results = {}
    for count in (2, 3):
        found = {name: 0 for name in ("default", "max-sum")}
        for _ in range(200):
            curve, truths = red_noise(rng, 360), []
            for slot in rng.permutation(4)[:count]:
                length = rng.uniform(4, 12)
                start = slot * 30 + rng.uniform(2, 28 - length)
                truths.append((start, start + length))
                curve[int(start * RATE_HZ) : int((start + length) * RATE_HZ)] += 2.5
            for name in found:
                listed = ground_curves({"q": curve}, Plan("q"), duration_seconds=120.0, localizer=name)[:count]
                starts, ends = np.array([[m.start_seconds, m.end_seconds] for m in listed]).T
                found[name] += sum(temporal_iou(starts, ends, a, b).max() >= 0.5 for a, b in truths)
        title = f"{count} moments, % found among the first {count} (IoU ≥ 0.5)"
        results[title] = {name: round(100 * float(hits) / 200 / count, 1) for name, hits in found.items()}
        print_item(title, results[title])
    return results


def one_in_three_hours() -> dict[str, dict[str, float]]:
    """One moment of 0.1 % of three hours, 4 standard deviations high; and what features cost there."""
    results = {}
    for name in ("default", "max-sum", "tfvtg-reference"):
        hits, seconds = 0, []
        for seed in range(10):
            rng = np.random.default_rng(seed)
            curve = 0.2 + 0.02 * red_noise(rng, 32_400)
            start = rng.uniform(0, 10_780)
            curve[int(start * RATE_HZ) : int((start + 10.8) * RATE_HZ)] += 0.08
            began = time.perf_counter()
            first = ground_curves({"q": curve}, Plan("q"), duration_seconds=10_800.0, localizer=name)[0]
            seconds.append(time.perf_counter() - began)
            hits += temporal_iou(first.start_seconds, first.end_seconds, start, start + 10.8) >= 0.5
        results[f"3 h, {name}"] = {"found of 10": int(hits), "seconds": round(float(np.median(seconds)), 3)}
    rng = np.random.default_rng(0)
    curve, features = red_noise(rng, 32_400), rng.standard_normal((32_400, 512)).astype(np.float32)
    seconds = []
    for _ in range(5):
        began = time.perf_counter()
        ground_curves({"q": curve}, Plan("q"), duration_seconds=10_800.0, features=features)
        seconds.append(time.perf_counter() - began)
    results["3 h, default with (32400, 512) features"] = {"seconds": round(float(np.median(seconds)), 3)}
    for title, values in results.items():
        print_item(title, values)
    return results


def print_item(title: str, values: dict[str, float]) -> None:
    print(f"- {title}: {', '.join(f'{name} {value:g}' for name, value in values.items())}")
