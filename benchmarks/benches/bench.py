"""What a bench is, and how answers to it are scored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from tfgrounding.errors import UndefinedAnswerError
from tfgrounding.evaluation.metrics import best_constant, overlaps, per_query
from tfgrounding.evaluation.official import MOMENT_LENGTHS, WINDOWS, average_precision
from tfgrounding.localizers import Localizer, get_localizer
from tfgrounding.localizers.base import QueryCurves
from tfgrounding.localizers.intervals import temporal_iou

Answers = list[list[list[float]]]  # for each query its intervals [start, end, score], best first

FIRST = ("R@0.3", "R@0.5", "R@0.7", "mIoU")
SHORT_SECONDS = MOMENT_LENGTHS["short"][1]
SHORT = tuple(f"≤ {SHORT_SECONDS} s {name}" for name in ("R@0.5", "mIoU"))
LISTS = ("mAP", "mAP short", "mAP middle", "mAP long")


@dataclass(frozen=True)
class Bench:
    """Queries with their curves and truths.

    Attributes:
        name: what the tables call it.
        group: benches of one group are made from the same pictures.
        queries: what a localizer gets for each of N queries.
        truths: the true moments of each query, [start, end] in seconds.
        durations_seconds: (N,).
        videos: which video each query is about.
        sentences: what each query asks.
        several: whether a query may have several moments, so that the list of answers is scored too.
        others: answers of other programs to the same queries, by name.
    """

    name: str
    group: str
    queries: list[QueryCurves]
    truths: list[list[list[float]]]
    durations_seconds: np.ndarray
    videos: list[str]
    sentences: list[str]
    several: bool = False
    others: dict[str, Answers] = field(default_factory=dict)

    def answers(self, localizer: str | Localizer, *, features: bool = True) -> Answers:
        """What a localizer answers; an empty list where it has no answer."""
        chosen = get_localizer(localizer)
        found = []
        for query in self.queries:
            try:
                given = chosen.locate(query if features else replace(query, features=None))
            except UndefinedAnswerError:
                found.append([])
                continue
            table = np.stack([given.start_seconds, given.end_seconds, given.score], axis=1)
            found.append(table[:WINDOWS].tolist())
        return found

    def whole_videos(self) -> Answers:
        return [[[0.0, float(duration), 1.0]] for duration in self.durations_seconds]

    def best_constant(self) -> Answers:
        """The one share of the video that fits these truths best."""
        start, end = best_constant(self.truths, self.durations_seconds)
        return [[[start * duration, end * duration, 1.0]] for duration in self.durations_seconds.tolist()]

    def oracle(self) -> Answers:
        """For each true moment the best of all windows of whole samples, the best of all first."""
        found = []
        for query, truths in zip(self.queries, self.truths, strict=True):
            a, b = np.triu_indices(len(query.edges_seconds), 1)
            starts, ends = query.edges_seconds[a], query.edges_seconds[b]
            best = []
            for start, end in truths:
                iou = temporal_iou(starts, ends, start, end)
                i = int(iou.argmax())
                best.append([float(starts[i]), float(ends[i]), float(iou[i])])
            found.append(sorted(best, key=lambda interval: -interval[2])[:WINDOWS])
        return found


def scores(bench: Bench, answers: Answers) -> dict[str, np.ndarray]:
    """For each figure (N,) values between 0 and 1 whose mean it is; NaN where a query does not count towards it.

    The figures of short moments compare with the short moments of a query only, as QVHighlights' evaluator does.
    """
    found = _of_first_answer(answers, bench.truths, FIRST)
    short = _of_length(bench.truths, *MOMENT_LENGTHS["short"])
    kept = np.array([bool(truths) for truths in short])
    for name, values in _of_first_answer(answers, short, FIRST).items():
        if f"≤ {SHORT_SECONDS} s {name}" in SHORT:
            found[f"≤ {SHORT_SECONDS} s {name}"] = np.where(kept, values, np.nan)
    if bench.several:
        found["mAP"] = average_precision(answers, bench.truths).mean(axis=1)
        for name, lengths in MOMENT_LENGTHS.items():
            fitting = _of_length(bench.truths, *lengths)
            kept = np.array([bool(truths) for truths in fitting])
            found[f"mAP {name}"] = np.where(kept, average_precision(answers, fitting).mean(axis=1), np.nan)
    return found


def figures(found: dict[str, np.ndarray]) -> dict[str, float]:
    """The figures in per cent; NaN where no query counts."""
    return {
        name: 100 * float(np.nanmean(values)) if counted(values).any() else np.nan for name, values in found.items()
    }


def points(bench: Bench, found: dict[str, float]) -> float:
    """One number for how good the figures are: the mean of those that count most."""
    return float(np.mean([found[name] for name in (("R@0.5", "R@0.7", "mAP") if bench.several else FIRST)]))


def counted(values: np.ndarray) -> np.ndarray:
    """(N,) which queries count towards a figure."""
    return ~np.isnan(values)


def _of_first_answer(answers: Answers, truths: Sequence, names: Sequence[str]) -> dict[str, np.ndarray]:
    values = per_query(overlaps([given[:1] for given in answers], truths))
    return {name: values[name.replace("R@", "R1@")] for name in names}


def _of_length(truths: Sequence, more_than: float, at_most: float) -> list[list[list[float]]]:
    return [[[start, end] for start, end in some if more_than < end - start <= at_most] for some in truths]
