"""A run in one table: what was asked, what was answered, how well, compared with answers that look at no video."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from .datasets import Dataset, Sample
from .metrics import best_constant, bootstrap_interval, overlaps, per_query, qvhighlights, recall_and_miou
from .results import Row
from .worker import ANOTHER_CUT, lengths_differ

COLUMN = 13  # characters of a column of figures; "100.0-100.0" has 11
COSTS = ("requests", "pictures", "prompt_tokens", "completion_tokens")  # of a vision LLM; in rows as "vlm_requests"...
LISTED = 20  # bad rows and failures that are spelt out on a terminal; the JSON form has all of them


@dataclass(frozen=True, slots=True)
class Summary:
    """What `summarize` returns; `text()` is for people, `to_dict()` plain JSON.

    `counts`: every row of the annotation file lands in exactly one of answered, nothing_found, failed, not_yet_run,
    not_asked (by --limit and --offset) and bad. `table`, `clipped`: {row: {metric: percent}}, with the truth as
    annotated and clipped to the video. `intervals`: {metric: (low, high)} of our own row, truth as annotated, 95 %
    over videos; all three are empty where no query has an annotated moment. `official`: QVHighlights' own figures
    where the annotations have saliency. `costs`: what the vision LLM was asked for the `queries` that it answered: sums
    of requests, pictures, prompt_tokens and completion_tokens; empty where no row states any. `failed`, `bad`: (where,
    why).
    """

    dataset: str
    counts: dict[str, int]
    table: dict[str, dict[str, float]]
    clipped: dict[str, dict[str, float]]
    intervals: dict[str, tuple[float, float]]
    official: dict[str, Any]
    costs: dict[str, int]
    failed: tuple[tuple[str, str], ...]
    bad: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """The whole summary as plain JSON types."""
        return {
            "dataset": self.dataset,
            "counts": self.counts,
            "table": self.table,
            "table_truth_clipped_to_the_video": self.clipped,
            "interval_95_over_videos": {name: list(pair) for name, pair in self.intervals.items()},
            "qvhighlights": self.official,
            "vision_llm": self.costs,
            "vision_llm_per_query": {name: round(self.costs[name] / self.costs["queries"], 2) for name in COSTS}
            if self.costs
            else {},
            "failed": [list(pair) for pair in self.failed],
            "bad": [list(pair) for pair in self.bad],
            "notes": list(self.notes),
        }

    def text(self) -> str:
        """The summary for a terminal."""
        lines = [f"{self.dataset}: " + ", ".join(f"{n:,} {name.replace('_', ' ')}" for name, n in self.counts.items())]
        for title, table in (("truth as annotated", self.table), ("truth clipped to the video", self.clipped)):
            if not table:
                continue
            lines += ["", *_table(title, table)]
            if table is self.table:
                spans = (f"{self.intervals[name][0]:.1f}-{self.intervals[name][1]:.1f}" for name in _columns(table))
                lines.append(f"{'95 % of ours, over videos':<34}" + "".join(f"{span:>{COLUMN}}" for span in spans))
        brief = {name: value for name, value in self.official.items() if not isinstance(value, dict)}
        if brief:
            lines += ["", "QVHighlights:", *(f"  {name:<24}{value:>7.2f}" for name, value in brief.items())]
        lines += ["", *_cost_lines(self.costs)] if self.costs else []
        for title, pairs in (("failed", self.failed), ("bad rows", self.bad)):
            if pairs:
                lines += ["", f"{title}:", *(f"  {where}: {why}" for where, why in pairs[:LISTED])]
                lines += [f"  ... and {len(pairs) - LISTED:,} more"] * (len(pairs) > LISTED)
        lines += ["", *(f"note: {note}" for note in self.notes)] if self.notes else []
        return "\n".join(lines).encode("utf-8", "backslashreplace").decode()


def summarize(
    asked: Dataset, rows: Mapping[int | str, Row], *, whole: Dataset | None = None, notes: Sequence[str] = ()
) -> Summary:
    """Compare a run with answers that look at no video.

    Args:
        asked: the samples that were asked.
        rows: result rows by qid; rows of other samples are left out.
        whole: the data set that `asked` is a part of, for the counts; None means that it is all.
        notes: what else is to be said of the run.

    Returns:
        A Summary. "whole video" answers [0, duration]; "best constant" the one share of the video that fits these
        truths best; "oracle" the best of our own moments: what a perfect ranking of them would score.
    """
    whole = whole or asked
    found = [rows.get(sample.qid) for sample in asked.samples]
    scored = [(sample, row) for sample, row in zip(asked.samples, found, strict=True) if sample.truths]
    tables, intervals = _scores(scored) if scored else (({}, {}), {})
    return Summary(
        dataset=asked.name,
        counts=_counts(asked, found, whole),
        table=tables[0],
        clipped=tables[1],
        intervals=intervals,
        official=_official([sample for sample, _ in scored], rows),
        costs=_costs(found),
        failed=tuple(
            (f"{sample.where} ({sample.video})", row["error"])
            for sample, row in zip(asked.samples, found, strict=True)
            if row and row["error"]
        ),
        bad=tuple((row.where, row.reason) for row in whole.bad),
        notes=(*whole.notes, *notes, *_notes(asked, found)),
    )


def _scores(
    scored: Sequence[tuple[Sample, Row | None]],
) -> tuple[tuple[dict[str, dict[str, float]], dict[str, dict[str, float]]], dict[str, tuple[float, float]]]:
    """The tables with the truth as annotated and clipped to the video, and the intervals of our own row."""
    answers = [row["pred_relevant_windows"] if row else [] for _, row in scored]
    truths = [sample.truths for sample, _ in scored]
    durations = np.array([_duration(sample, row) for sample, row in scored])
    low, high = best_constant(truths, durations)
    most = max(len(windows) for windows in answers)
    rivals = {
        "ours": answers,
        "whole video": [[(0.0, duration)] for duration in durations],
        f"best constant ({low:.0%}-{high:.0%})": [[(low * d, high * d)] for d in durations],
    }
    tables = []
    for limit in (None, durations):
        fits = {name: overlaps(moments, truths, durations_seconds=limit) for name, moments in rivals.items()}
        fits[f"oracle (best of our {most})"] = fits["ours"].max(axis=1, initial=0.0, keepdims=True)
        tables.append({name: recall_and_miou(overlap) for name, overlap in fits.items()})
    values = per_query(overlaps(answers, truths))
    spread = np.stack(list(values.values()), axis=1) * 100
    lows, highs = bootstrap_interval(spread, [sample.video for sample, _ in scored])
    return (tables[0], tables[1]), {name: (float(lows[k]), float(highs[k])) for k, name in enumerate(values)}


def _duration(sample: Sample, row: Row | None) -> float:
    """The video's length as annotated, else as found; NaN where neither is known."""
    return sample.duration_seconds or (row or {}).get("duration") or np.nan


def _counts(asked: Dataset, found: list[Row | None], whole: Dataset) -> dict[str, int]:
    states = Counter(
        "not_yet_run"
        if row is None
        else "failed"
        if row["error"]
        else "answered"
        if row["pred_relevant_windows"]
        else "nothing_found"
        for row in found
    )
    return {
        "rows": len(whole.samples) + len(whole.bad),
        **{state: states[state] for state in ("answered", "nothing_found", "failed", "not_yet_run")},
        "not_asked": len(whole.samples) - len(asked.samples),
        "bad": len(whole.bad),
    }


def _costs(found: Sequence[Row | None]) -> dict[str, int]:
    stated = [_stated_costs(row) for row in found if row]
    asked = [costs for costs in stated if costs["requests"]]
    return {"queries": len(asked), **{name: sum(costs[name] for costs in asked) for name in COSTS}} if asked else {}


def _stated_costs(row: Row) -> dict[str, int]:
    """What a row says of its requests, 0 where it says nothing that is a number."""
    values = {name: (row.get("answer_provenance") or {}).get(f"vlm_{name}") for name in COSTS}
    return {name: value if isinstance(value, int) else 0 for name, value in values.items()}


def _cost_lines(costs: dict[str, int]) -> list[str]:
    """What the vision LLM was asked: in all, and for a query."""
    lines = [f"{'vision LLM':<34}" + "".join(f"{name.replace('_', ' '):>{COLUMN + 5}}" for name in COSTS)]
    lines.append(f"{'in all':<34}" + "".join(f"{costs[name]:>{COLUMN + 5},}" for name in COSTS))
    each = "".join(f"{costs[name] / costs['queries']:>{COLUMN + 5},.1f}" for name in COSTS)
    lines.append(f"{'a query, over ' + format(costs['queries'], ','):<34}{each}")
    return [*lines, "tokens are those that the server counted"] if costs["prompt_tokens"] else lines


def _official(samples: Sequence[Sample], rows: Mapping[int | str, Row]) -> dict[str, Any]:
    if not samples or not all(sample.saliency and sample.duration_seconds for sample in samples):
        return {}
    truths = [
        {
            "qid": sample.qid,
            "duration": sample.duration_seconds,
            "relevant_windows": sample.truths,
            "relevant_clip_ids": list(sample.relevant_clips),
            "saliency_scores": list(sample.saliency),
        }
        for sample in samples
    ]
    return qvhighlights([rows[sample.qid] for sample in samples if sample.qid in rows], truths)


def _notes(asked: Dataset, found: list[Row | None]) -> list[str]:
    notes = []
    pairs = list(zip(asked.samples, found, strict=True))
    scored = [(sample, _duration(sample, row)) for sample, row in pairs if sample.truths]
    unscored = len(pairs) - len(scored)
    with_saliency = sum(bool(sample.saliency and sample.duration_seconds) for sample, _ in scored)
    late = sum(max(end for _, end in sample.truths) > duration for sample, duration in scored)
    outside = sum(min(start for start, _ in sample.truths) >= duration for sample, duration in scored)
    unknown = sum(bool(np.isnan(duration)) for _, duration in scored)
    other_length = [
        (sample.video, row["video_duration"], sample.duration_seconds)
        for sample, row in pairs
        if row and row.get("video_duration") and sample.duration_seconds
        if lengths_differ(sample.duration_seconds, row["video_duration"])
    ]
    if scored and unscored:
        notes.append(f"{unscored:,} queries have no annotated moment: they are answered and not scored")
    if late:
        notes.append(f"of {late:,} queries the annotated moment ends after its video")
    if outside:
        notes.append(f"of {outside:,} queries the annotated moment lies wholly outside its video: none can score there")
    if unknown:
        notes.append(f"of {unknown:,} queries the video's length is not known; whole video and constant score 0 there")
    if other_length:
        video, found_seconds, annotated_seconds = other_length[0]
        notes.append(
            f"of {len(other_length):,} queries the video is much longer or shorter than its annotation says ({video}: "
            f"{found_seconds:.1f} s, annotated {annotated_seconds:.1f} s): {ANOTHER_CUT}"
        )
    if 0 < with_saliency < len(scored):
        notes.append(
            f"only {with_saliency:,} of {len(scored):,} queries have saliency scores and a duration: QVHighlights' own "
            "figures are left out"
        )
    warned = Counter(warning for row in found if row for warning in row["warnings"] if ANOTHER_CUT not in warning)
    notes += [f"{count:,} x {warning}" for warning, count in warned.most_common(LISTED)]
    return notes


def _columns(table: dict[str, dict[str, float]]) -> list[str]:
    return list(table["ours"])


def _table(title: str, table: dict[str, dict[str, float]]) -> list[str]:
    columns = _columns(table)
    lines = [f"{title:<34}" + "".join(f"{name:>{COLUMN}}" for name in columns)]
    for name, figures in table.items():
        cells = (f"{figures[c]:>{COLUMN}.2f}" if c in figures else " " * COLUMN for c in columns)
        lines.append(f"{name:<34}" + "".join(cells))
    return lines
