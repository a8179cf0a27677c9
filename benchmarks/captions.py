"""What do rephrasings, exact words and passages add, where a vision LLM's captions stand for the video?

    python benchmarks/captions.py [--data ../shared/captions] [--rows taken,mean,joined] [--passages 10,20,30]
                                   [--weights 0.25,0.5,1] [--every 1]

QVHighlights' queries on captions of every two seconds, development half, answered as `tfgrounding eval qvhighlights
--captions` does, with one thing changed in each row. Each row is compared with the published program's predictions from
the same captions, and with our own row as it is: paired by query, 95 % bootstrap interval over videos, p by flipping
the sign of whole videos' differences. HIT@1 and the highlights' mAP are those for "VeryGood". Passages are made by
benches/passages.py. Vectors are kept under .bench/: the first run encodes 54,000 texts,
and for joined passages as many longer ones.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
from benches.captions import rows, sentence_vectors
from benches.passages import Passages, PassagesEngine, joined_text, passages_of

from tfgrounding.encoders.sentences import SentenceEncoder
from tfgrounding.engines.texts import TextsEngine
from tfgrounding.evaluation import worker
from tfgrounding.evaluation.datasets import Dataset, load_dataset
from tfgrounding.evaluation.metrics import paired_difference, qvhighlights
from tfgrounding.evaluation.official import MOMENT_LENGTHS
from tfgrounding.evaluation.recipe import Recipe
from tfgrounding.tracks import text_curves
from tfgrounding.tracks.texts import timed_texts

FIGURES = {
    "R@0.5": "MR-full-R1@0.5",
    "R@0.7": "MR-full-R1@0.7",
    "mAP": "MR-full-mAP",
    "mAP short": "MR-short-mAP",
    "highlights mAP": "HL-min-VeryGood-mAP",
    "HIT@1": "HL-min-VeryGood-Hit1",
}
RESAMPLES = 5000
GROUPS = ("taken", "mean", "joined")
AS_IT_IS, PUBLISHED = "as it is", "published program"


@dataclass(frozen=True)
class Trial:
    """One row: the product, or the product with something changed."""

    name: str
    has_rephrasings: bool = True
    has_exact_words: bool = True
    passages: Passages | None = None


class KeptSentences(SentenceEncoder):
    """The packaged encoder; a text is encoded once for all rows.

    Args:
        known: (384,) vectors of texts.
    """

    def __init__(self, known: dict[str, np.ndarray]) -> None:
        super().__init__()
        self._known = known

    def encode_texts(self, texts: Sequence[str]) -> np.ndarray:
        if new := [text for text in dict.fromkeys(texts) if text not in self._known]:
            self._known.update(zip(new, super().encode_texts(new), strict=True))
        return np.stack([self._known[text] for text in texts])


def trials(lengths: Sequence[float], weights: Sequence[float]) -> dict[str, list[Trial]]:
    """All rows by group: what is taken away, passages by their mean vectors, and by their joined texts."""
    found = {
        "taken": [
            Trial("no rephrasings", has_rephrasings=False),
            Trial("no exact words", has_exact_words=False),
            Trial("neither", has_rephrasings=False, has_exact_words=False),
        ]
    }
    for group, how in (("mean", "mean vectors"), ("joined", "joined texts")):
        every = [Passages(seconds, weight, group == "joined") for seconds in lengths for weight in weights]
        found[group] = [Trial(f"passages of {p.seconds:g} s, {how}, x {p.weight:g}", passages=p) for p in every]
        found[group] += [
            replace(trial, name=f"{trial.name}, no exact words", has_exact_words=False)
            for trial in found[group]
            if trial.passages is not None and trial.passages.weight == weights[len(weights) // 2]
        ]
    return found


def texts_of(captions: Sequence[dict[str, Any]], asked: Sequence[dict[str, Any]], chosen: Sequence[Trial]) -> set[str]:
    """All texts whose vectors the rows need, but for the wordings that the planner makes."""
    found = {text for row in asked for text in (row["query"], *row["rephrased_query"])}
    lengths = {trial.passages.seconds for trial in chosen if trial.passages is not None and trial.passages.is_joined}
    duration = {row["vid"]: row["duration"] for row in asked}
    for row in captions:
        if row["vid"] not in duration:
            continue
        texts = timed_texts(row["texts"], duration[row["vid"]])
        found.update(texts.texts)
        found.update(joined_text(texts, among) for seconds in lengths for among in passages_of(texts, seconds))
    return found


def no_phrases(*_: Any) -> tuple[np.ndarray, float]:
    """In place of the phrases that have a query's words: none."""
    return np.empty((3, 0)), 0.0


def answered(trial: Trial, dataset: Dataset, captions: Path, encoder: SentenceEncoder) -> dict[Any, dict[str, Any]]:
    """The rows of results by qid, as `tfgrounding eval` writes them. Raises RuntimeError for a row that failed."""
    engine = TextsEngine if trial.passages is None else partial(PassagesEngine, passages=trial.passages)
    recipe = Recipe(captions=str(captions), rephrasings=trial.has_rephrasings, encoder=encoder).for_dataset(dataset)
    with ExitStack() as stack:
        stack.enter_context(patch.object(worker, "TextsEngine", partial(engine, cache=False)))
        if not trial.has_exact_words:
            stack.enter_context(patch.object(text_curves, "EXACT_WEIGHT", 0.0))
            stack.enter_context(patch.object(text_curves.TextCurves, "_phrases", no_phrases))
        asking = worker.VideoWorker(recipe, {})
        found = {row["qid"]: row for job in _by_video(dataset) for row in asking.rows(job)}
    if failed := [row for row in found.values() if row["error"]]:
        raise RuntimeError(f"{len(failed)} queries failed, the first {failed[0]['qid']}: {failed[0]['error']}")
    return found


def _by_video(dataset: Dataset) -> Iterator[list[Any]]:
    videos: dict[str, list[Any]] = {}
    for sample in dataset.samples:
        videos.setdefault(sample.video, []).append(sample)
    yield from videos.values()


def by_query(predictions: dict[Any, dict[str, Any]], truths: Sequence[dict[str, Any]]) -> dict[str, np.ndarray]:
    """(N,) of each figure for each query, in per cent; NaN where a query does not count towards it."""
    above, at_most = MOMENT_LENGTHS["short"]
    table = []
    for truth in truths:
        figures = qvhighlights([predictions[truth["qid"]]], [truth])
        if not any(above < end - start <= at_most for start, end in truth["relevant_windows"]):
            figures[FIGURES["mAP short"]] = np.nan
        table.append([figures[name] for name in FIGURES.values()])
    return dict(zip(FIGURES, np.array(table, dtype=np.float64).T, strict=True))


def differences(
    first: dict[str, np.ndarray], second: dict[str, np.ndarray], videos: Sequence[str]
) -> dict[str, list[float]]:
    """The second less the first: mean, ends of its interval, p."""
    found = {}
    for name in FIGURES:
        kept = ~np.isnan(first[name])
        of_videos = [video for video, is_kept in zip(videos, kept, strict=True) if is_kept]
        pair = paired_difference(first[name][kept], second[name][kept], of_videos, resamples=RESAMPLES)
        found[name] = [round(value, 4) for value in (pair.difference, pair.low, pair.high, pair.p_value)]
    return found


def row_of(name: str, cells: Sequence[str]) -> str:
    return f"| {name} | {' | '.join(cells)} |"


def table(found: dict[str, dict[str, np.ndarray]], videos: Sequence[str]) -> dict[str, Any]:
    """Print the figures of each row and its differences; the same as plain numbers."""
    head = row_of("", list(FIGURES)) + "\n|---" + "|---" * len(FIGURES) + "|"
    print(f"\n{head}")
    results: dict[str, Any] = {}
    for name, values in found.items():
        results[name] = {figure: round(float(np.nanmean(values[figure])), 2) for figure in FIGURES}
        print(row_of(name, [f"{value:.2f}" for value in results[name].values()]))
    for other in (PUBLISHED, AS_IT_IS):
        print(f"\nLess *{other}*:\n\n{head}")
        for name, values in found.items():
            if name in (PUBLISHED, other):
                continue
            pairs = differences(found[other], values, videos)
            results[name][f"less {other}"] = pairs
            print(
                row_of(name, [f"{d:+.2f} ({low:+.1f} – {high:+.1f}) p {p:.3f}" for d, low, high, p in pairs.values()])
            )
    return results


def numbers(text: str) -> list[float]:
    return [float(part) for part in text.split(",")]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("../shared/captions"), help="the folder of the captions")
    parser.add_argument("--rows", default=",".join(GROUPS), help="groups of rows, separated by commas")
    parser.add_argument("--passages", type=numbers, default=[10.0, 20.0, 30.0], help="lengths in seconds")
    parser.add_argument("--weights", type=numbers, default=[0.25, 0.5, 1.0], help="of passages")
    parser.add_argument("--every", type=int, default=1, help="only every so many-th query, for a quick look")
    options = parser.parse_args()
    annotations, captions = options.data / "queries.jsonl.gz", options.data / "captions.jsonl.gz"
    if not (annotations.exists() and captions.exists()):
        parser.error(f"{options.data} has no queries.jsonl.gz and captions.jsonl.gz; name the folder with --data")
    groups = options.rows.split(",") if options.rows else []
    if unknown := set(groups) - set(GROUPS):
        parser.error(f"no rows {', '.join(unknown)}; there are {', '.join(GROUPS)}")
    truths = rows(annotations)[:: options.every]
    by_group = trials(options.passages, options.weights)
    chosen = [Trial(AS_IT_IS), *(trial for group in groups for trial in by_group[group])]
    dataset = load_dataset("qvhighlights", annotations)
    dataset = replace(dataset, samples=dataset.samples[:: options.every])
    encoder = KeptSentences(sentence_vectors(texts_of(rows(captions), truths, chosen)))
    published = {row["qid"]: row for row in rows(options.data / "published_predictions.jsonl.gz")}
    found = {PUBLISHED: by_query(published, truths)}
    for trial in chosen:
        began = time.perf_counter()
        found[trial.name] = by_query(answered(trial, dataset, captions, encoder), truths)
        print(f"{trial.name}: {time.perf_counter() - began:.0f} s", file=sys.stderr, flush=True)
    print(json.dumps(table(found, [row["vid"] for row in truths]), ensure_ascii=False))


if __name__ == "__main__":
    main()
