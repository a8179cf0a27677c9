"""Where `default` loses against `tfvtg-reference`: pictures of the worst queries, and what they have in common."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from .bench import Answers, Bench, scores

WORST = 10
COLOURS = ("tab:blue", "tab:red")


def losses(bench: Bench, ours: Answers, theirs: Answers, folder: Path) -> dict[str, Any]:
    """Prints and returns what separates the queries that are missed from those that are found; draws the worst."""
    own, other = (scores(bench, answers)["mIoU"] for answers in (ours, theirs))
    folder.mkdir(parents=True, exist_ok=True)
    for rank, i in enumerate(np.argsort(own - other, kind="stable")[:WORST]):
        draw(bench, int(i), {"default": ours[i], "tfvtg-reference": theirs[i]}, folder / f"loss_{rank}.png")
    missed = own < 0.3
    length = np.array([truths[0][1] - truths[0][0] for truths in bench.truths])
    areas = np.array([area_under_curve(bench, i) for i in range(len(bench.queries))])
    results: dict[str, Any] = {"plots": str(folder), "missed (IoU < 0.3), %": round(100 * float(missed.mean()), 1)}
    for name, group in (("missed", missed), ("found", ~missed)):
        results[f"{name}: median frame AUC of the query's curve"] = round(float(np.nanmedian(areas[group])), 3)
        results[f"{name}: median truth, seconds"] = round(float(np.median(length[group])), 2)
    for name, value in results.items():
        print(f"- {name}: {value}")
    print("\n| AUC of the query's curve | queries | mIoU default | tfvtg-reference |\n|---|---|---|---|")
    for low, high in ((0, 0.5), (0.5, 0.7), (0.7, 0.85), (0.85, 1.01)):
        group = (areas >= low) & (areas < high)
        row = [int(group.sum()), *(round(100 * float(values[group].mean()), 1) for values in (own, other))]
        results[f"AUC from {low} to below {high}"] = row
        print(f"| {low} to {min(high, 1)} | {' | '.join(map(str, row))} |")
    return results


def draw(bench: Bench, i: int, answers: dict[str, list[list[float]]], path: Path) -> None:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    edges = bench.queries[i].edges_seconds
    figure, axes = plt.subplots(figsize=(7, 2.4))
    axes.plot((edges[1:] + edges[:-1]) / 2, bench.queries[i].query[0], color="black", linewidth=1)
    shown = [("truth", bench.truths[i], "tab:green")]
    shown += [(name, given[:1], colour) for (name, given), colour in zip(answers.items(), COLOURS, strict=True)]
    for k, (label, intervals, colour) in enumerate(shown):
        for start, end, *_ in intervals:
            axes.axvspan(start, end, ymin=0.04 * k, ymax=0.04 * k + 0.035, color=colour, label=label)
    axes.set_title(bench.sentences[i], fontsize=8)
    axes.legend(fontsize=6)
    figure.savefig(path, dpi=100, bbox_inches="tight")
    plt.close(figure)


def area_under_curve(bench: Bench, i: int) -> float:
    """How well the query's curve alone separates the samples of the first true moment from the rest."""
    edges, curve = bench.queries[i].edges_seconds, bench.queries[i].query[0]
    seconds = (edges[1:] + edges[:-1]) / 2
    start, end = bench.truths[i][0]
    inside = (seconds >= start) & (seconds < end)
    if inside.all() or not inside.any():
        return float("nan")
    ordered = np.sort(curve[~inside])
    below = np.searchsorted(ordered, curve[inside], "left") + np.searchsorted(ordered, curve[inside], "right")
    return float(below.mean() / 2 / len(ordered))
