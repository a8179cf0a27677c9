"""How well needles were found, by the length of the video and the depth of the needle."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import DatasetError, TFGroundingError
from ..datasets import load_dataset
from ..overlap import overlaps
from ..results import Row


@dataclass(frozen=True, slots=True)
class HeatMap:
    """Mean IoU of the top answers: `iou` (depths, lengths), mean over needles; NaN where nothing was asked."""

    lengths_seconds: tuple[float, ...]
    depths: tuple[float, ...]
    iou: np.ndarray
    recall: np.ndarray
    needles: int

    def text(self) -> str:
        """The map for a terminal."""
        lines = [f"mean IoU of the top answer, {self.needles} needles"]
        lines.append(f"{'depth':>7}" + "".join(f"{f'{length:g} s':>9}" for length in self.lengths_seconds))
        for depth, line in zip(self.depths, self.iou, strict=True):
            lines.append(f"{depth:>7.0%}" + "".join(f"{value:>9.2f}" for value in line))
        lines.append(f"{'mean':>7}" + "".join(f"{value:>9.2f}" for value in np.nanmean(self.iou, axis=0)))
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """The map as plain JSON types; recall is R@1, IoU >= 0.5, both between 0 and 1."""
        return {
            "lengths_seconds": list(self.lengths_seconds),
            "depths": list(self.depths),
            "iou": [[None if np.isnan(v) else round(float(v), 4) for v in line] for line in self.iou],
            "recall_at_0.5": [[None if np.isnan(v) else round(float(v), 4) for v in line] for line in self.recall],
            "needles": self.needles,
        }


def heat_map(annotations: str | Path, rows: dict[int | str, Row]) -> HeatMap:
    """Gather results by length and depth.

    Args:
        annotations: what `build` wrote.
        rows: the results, as `read_results` returns them; a needle without a row scores 0.
    """
    asked = {row["qid"]: row for row in map(json.loads, Path(annotations).read_text(encoding="utf-8").splitlines())}
    samples = load_dataset("jsonl", annotations).samples
    answers = [rows.get(sample.qid, {}).get("pred_relevant_windows", []) for sample in samples]
    iou = overlaps(answers, [sample.truths for sample in samples])[:, 0]
    lengths = sorted({row["length_seconds"] for row in asked.values()})
    depths = sorted({row["depth"] for row in asked.values()})
    total, count, hits = (np.zeros((len(depths), len(lengths))) for _ in range(3))
    for sample, value in zip(samples, iou, strict=True):
        cell = depths.index(asked[sample.qid]["depth"]), lengths.index(asked[sample.qid]["length_seconds"])
        total[cell] += value
        hits[cell] += value >= 0.5
        count[cell] += 1
    with np.errstate(invalid="ignore"):
        mean, recall = total / count, hits / count
    return HeatMap(tuple(lengths), tuple(depths), mean, recall, len({row["needle"] for row in asked.values()}))


def draw(path: str | Path, found: HeatMap, *, title: str) -> None:
    """Draw a heat map, lengths to the right, depths downwards, as PNG, SVG or PDF by the path's ending.

    Raises:
        TFGroundingError: matplotlib is not installed. DatasetError: the file cannot be written.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise TFGroundingError("drawing needs matplotlib: pip install 'tfgrounding[plot]'") from error
    rows, columns = found.iou.shape
    figure = Figure(figsize=(2.2 + 0.85 * columns, 1.6 + 0.36 * rows), layout="constrained")
    axes = figure.subplots()
    image = axes.imshow(found.iou, cmap="viridis", vmin=0, vmax=1, aspect="auto")
    for (row, column), value in np.ndenumerate(found.iou):
        if not np.isnan(value):
            shade = "white" if value < 0.6 else "black"
            axes.text(column, row, f"{value:.2f}", ha="center", va="center", color=shade, fontsize=8)
    axes.set_xticks(range(columns), [f"{length:g}" for length in found.lengths_seconds])
    axes.set_yticks(range(rows), [f"{depth:.0%}" for depth in found.depths])
    axes.set_xticks(np.arange(columns + 1) - 0.5, minor=True)
    axes.set_yticks(np.arange(rows + 1) - 0.5, minor=True)
    axes.grid(which="minor", color="white", linewidth=1.5)
    axes.tick_params(which="both", length=0)
    axes.spines[:].set_visible(False)
    axes.set_xlabel("length of the video (s)")
    axes.set_ylabel("depth of the needle")
    axes.set_title(title, fontsize=10, loc="left")
    bar = figure.colorbar(image, ax=axes, label="mean IoU of the top answer")
    bar.outline.set_visible(False)
    try:
        figure.savefig(str(path), dpi=160)
    except (OSError, ValueError) as error:
        raise DatasetError(f"{path}: the heat map cannot be written ({error})") from error
