"""A small data set made at test time: random features for its videos, and vectors for its texts.

from batch import make_run
run = make_run(tmp_path, videos=12, queries=3)
evaluate(run.dataset, run.recipe, tmp_path / "results.jsonl")
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tfgrounding.evaluation.datasets import Dataset, load_dataset
from tfgrounding.evaluation.recipe import Recipe
from tfgrounding.localizers.presence import NULL_TEXTS
from tfgrounding.tracks.stored import save_text_vectors

WIDTH = 16


@dataclass(frozen=True)
class Run:
    dataset: Dataset
    recipe: Recipe
    annotations: Path
    arguments: list[str]  # of the command line, after `tfgrounding`


def make_run(folder: Path, *, videos: int = 6, queries: int = 3, frames: int = 60) -> Run:
    """Queries with a plan of their own, so that every text that is looked up stands in the file of text vectors."""
    random = np.random.default_rng(7)
    features = folder / "features"
    features.mkdir(parents=True)
    common = random.normal(size=WIDTH)
    texts = {text: common + random.normal(size=WIDTH) for text in NULL_TEXTS}
    rows = []
    for v in range(videos):
        duration = frames / 3
        vectors = common + random.normal(size=(frames, WIDTH))
        for q in range(queries):
            start = int(random.integers(0, frames - 12))
            text = f"event {q} of video {v}"
            texts[text] = random.normal(size=WIDTH) + common
            vectors[start : start + 12] += texts[text]
            rows.append(
                {
                    "qid": f"v{v}q{q}",
                    "vid": f"video {v}",
                    "query": text,
                    "duration": duration,
                    "relevant_windows": [[start / 3, (start + 12) / 3]],
                    "relation": "single-query" if q else "sequentially",
                    "plan": {"relation": "single-query"},
                }
            )
        np.save(features / f"video {v}.npy", vectors.astype(np.float16))
    annotations = folder / "annotations.jsonl"
    annotations.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    vectors_file = folder / "texts.safetensors"
    save_text_vectors(vectors_file, texts, encoder="made-up", revision="1", floor=0.0)
    recipe = Recipe(features=str(features), text_features=str(vectors_file))
    arguments = ["eval", str(annotations), "--features", str(features), "--text-features", str(vectors_file)]
    return Run(load_dataset(str(annotations)), recipe, annotations, arguments)


def without_times(rows: dict) -> dict:
    """Result rows in the order of their qids, without what differs from run to run."""
    return {
        qid: {key: value for key, value in row.items() if key != "timing"}
        for qid, row in sorted(rows.items(), key=lambda item: str(item[0]))
    }
