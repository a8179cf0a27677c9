"""QVHighlights' queries on captions that a vision LLM wrote every two seconds: sentence vectors are the features."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tfgrounding.encoders.sentences import SentenceEncoder
from tfgrounding.localizers.ground_curves import query_curves
from tfgrounding.localizers.presence import NULL_TEXTS
from tfgrounding.types import Plan

from .bench import Bench

KEPT = Path(".bench/captions")
KEPT_TEXTS = 4096  # encoded before they are written


def rows(path: Path) -> list[dict[str, Any]]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def captions_bench(folder: Path) -> Bench:
    """Each query with its rephrasings as paraphrases; the published program's answers are `others["published"]`."""
    asked = rows(folder / "queries.jsonl.gz")
    captions = {row["vid"]: row["texts"] for row in rows(folder / "captions.jsonl.gz")}
    published = {row["qid"]: row for row in rows(folder / "published_predictions.jsonl.gz")}
    wordings = [[row["query"], *row["rephrased_query"]] for row in asked]
    texts = {text for video in captions.values() for _, _, text in video}
    vectors = sentence_vectors([*texts, *(text for some in wordings for text in some), *NULL_TEXTS])
    null = np.stack([vectors[text] for text in NULL_TEXTS])
    queries = []
    for row, some in zip(asked, wordings, strict=True):
        features = np.stack([vectors[text] for _, _, text in captions[row["vid"]]])
        queries.append(
            query_curves(
                {text: features @ vectors[text] for text in some},
                Plan(some[0], tuple(some[1:])),
                duration_seconds=row["duration"],
                pts_seconds=_centres(captions[row["vid"]], row["duration"]),
                null_curves=null @ features.T,
                features=features,
            )
        )
    return Bench(
        name="captions",
        group="captions",
        queries=queries,
        truths=[row["relevant_windows"] for row in asked],
        durations_seconds=np.array([row["duration"] for row in asked], dtype=np.float64),
        videos=[row["vid"] for row in asked],
        sentences=[row["query"] for row in asked],
        several=True,
        others={"published program, same captions": [published[row["qid"]]["pred_relevant_windows"] for row in asked]},
    )


def _centres(captions: Sequence[Sequence[Any]], duration_seconds: float) -> np.ndarray | None:
    """(T,) the centres of the captions; None where they are what even samples of the video would be."""
    start, end = (np.array([caption[k] for caption in captions], dtype=np.float64) for k in (0, 1))
    even = np.linspace(0.0, duration_seconds, len(captions) + 1)
    return None if np.array_equal(start, even[:-1]) and np.array_equal(end, even[1:]) else (start + end) / 2


def sentence_vectors(texts: Iterable[str]) -> dict[str, np.ndarray]:
    """The packaged sentence encoder's (384,) float32 unit vector of each text; kept under .bench/, also if stopped."""
    path = KEPT / f"{SentenceEncoder.revision}.npz"
    known: dict[str, np.ndarray] = {}
    if path.exists():
        stored = np.load(path)
        known = dict(zip(json.loads(stored["texts"].tobytes()), stored["vectors"], strict=True))
    new = sorted({text for text in texts if text not in known}, key=lambda text: (len(text), text))
    for begin in range(0, len(new), KEPT_TEXTS):
        some = new[begin : begin + KEPT_TEXTS]
        known |= zip(some, SentenceEncoder().encode_texts(some), strict=True)
        KEPT.mkdir(parents=True, exist_ok=True)
        names = np.frombuffer(json.dumps(list(known)).encode(), dtype=np.uint8)
        unfinished = path.with_suffix(".part.npz")
        np.savez(unfinished, texts=names, vectors=np.stack(list(known.values())))
        unfinished.replace(path)
    return known
