"""A run in one table: what was asked, what was answered, how well, and what no-one had to look at a video for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from .datasets.base import Dataset
from .metrics import best_constant, bootstrap_interval, overlaps, per_query, qvhighlights, recall_and_miou
from .results import Row

LISTED = 20  # bad rows and failures that are spelt out on a terminal; the JSON form has all of them


@dataclass(frozen=True, slots=True)
class Summary:
    """What `summarize` returns; `text()` is for people, `to_dict()` plain JSON.

    `counts`: every row of the annotation file lands in exactly one of answered, nothing_found, failed, not_yet_run,
    not_asked (by --limit and --offset) and bad. `table`, `clipped`: {row: {metric: percent}}, with the truth as
    annotated and clipped to the video. `intervals`: {metric: (low, high)} of our own row, truth as annotated, 95 %
    over videos. `official`: QVHighlights' own figures where the annotations have saliency. `failed`, `bad`:
    (where, why).
    """

    dataset: str
    counts: dict[str, int]
    table: dict[str, dict[str, float]]
    clipped: dict[str, dict[str, float]]
    intervals: dict[str, tuple[float, float]]
    official: dict[str, Any]
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
            "failed": [list(pair) for pair in self.failed],
            "bad": [list(pair) for pair in self.bad],
            "notes": list(self.notes),
        }

    def text(self) -> str:
        """The summary for a terminal."""
        lines = [f"{self.dataset}: " + ", ".join(f"{n:,} {name.replace('_', ' ')}" for name, n in self.counts.items())]
        for title, table in (("truth as annotated", self.table), ("truth clipped to the video", self.clipped)):
            lines += ["", *_table(title, table)]
            if table is self.table:
                spans = (f"{self.intervals[name][0]:.1f}-{self.intervals[name][1]:.1f}" for name in _columns(table))
                lines.append(f"{'95 % of ours, over videos':<34}" + "".join(f"{span:>11}" for span in spans))
        brief = {name: value for name, value in self.official.items() if not isinstance(value, dict)}
        if brief:
            lines += ["", "QVHighlights:", *(f"  {name:<24}{value:>7.2f}" for name, value in brief.items())]
        for title, pairs in (("failed", self.failed), ("bad rows", self.bad)):
            if pairs:
                lines += ["", f"{title}:", *(f"  {where}: {why}" for where, why in pairs[:LISTED])]
                lines += [f"  ... and {len(pairs) - LISTED:,} more"] * (len(pairs) > LISTED)
        lines += ["", *(f"note: {note}" for note in self.notes)] if self.notes else []
        return "\n".join(lines).encode("utf-8", "backslashreplace").decode()


def summarize(asked: Dataset, rows: Mapping[int | str, Row], *, whole: Dataset | None = None) -> Summary:
    """Put a run beside the answers that need no looking.

    Args:
        asked: the samples that were asked.
        rows: result rows by qid; rows of other samples are left out.
        whole: the data set that `asked` is a part of, for the counts; None means that it is all.

    Returns:
        A Summary. "whole video" answers [0, duration]; "best constant" the one share of the video that fits these
        truths best; "oracle" the best of our own moments: what a perfect ranking of them would score.
    """
    whole = whole or asked
    found = [rows.get(sample.qid) for sample in asked.samples]
    answers = [row["pred_relevant_windows"] if row else [] for row in found]
    truths = [sample.truths for sample in asked.samples]
    videos = [sample.video for sample in asked.samples]
    durations = np.array(
        [
            sample.duration_seconds or (row or {}).get("duration") or np.nan
            for sample, row in zip(asked.samples, found, strict=True)
        ]
    )
    low, high = best_constant(truths, durations) if truths else (0.0, 1.0)
    most = max((len(windows) for windows in answers), default=0)
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
    spread = np.stack(list(values.values()), axis=1) * 100 if truths else np.zeros((0, len(values)))
    lows, highs = bootstrap_interval(spread, videos)
    return Summary(
        dataset=asked.name,
        counts=_counts(asked, found, whole),
        table=tables[0],
        clipped=tables[1],
        intervals={name: (float(lows[k]), float(highs[k])) for k, name in enumerate(values)},
        official=_official(asked, rows),
        failed=tuple(
            (f"{sample.where} ({sample.video})", row["error"])
            for sample, row in zip(asked.samples, found, strict=True)
            if row and row["error"]
        ),
        bad=tuple((row.where, row.reason) for row in whole.bad),
        notes=_notes(asked, found, durations),
    )


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


def _official(asked: Dataset, rows: Mapping[int | str, Row]) -> dict[str, Any]:
    if not asked.samples or not all(sample.saliency and sample.duration_seconds for sample in asked.samples):
        return {}
    truths = [
        {
            "qid": sample.qid,
            "duration": sample.duration_seconds,
            "relevant_windows": sample.truths,
            "relevant_clip_ids": list(sample.relevant_clips),
            "saliency_scores": list(sample.saliency),
        }
        for sample in asked.samples
    ]
    return qvhighlights([rows[sample.qid] for sample in asked.samples if sample.qid in rows], truths)


def _notes(asked: Dataset, found: list[Row | None], durations: np.ndarray) -> tuple[str, ...]:
    notes = []
    starts = np.array([min(start for start, _ in sample.truths) for sample in asked.samples])
    ends = np.array([max(end for _, end in sample.truths) for sample in asked.samples])
    with np.errstate(invalid="ignore"):
        for what, count in (
            ("ends after its video", int((ends > durations).sum())),
            ("lies wholly outside its video: nothing can score there", int((starts >= durations).sum())),
        ):
            if count:
                notes.append(f"of {count:,} queries the annotated moment {what}")
    if unknown := int(np.isnan(durations).sum()):
        notes.append(f"of {unknown:,} queries the video's length is not known; whole video and constant score 0 there")
    warned = Counter(warning for row in found if row for warning in row["warnings"])
    notes += [f"{count:,} x {warning}" for warning, count in warned.most_common(LISTED)]
    return tuple(notes)


def _columns(table: dict[str, dict[str, float]]) -> list[str]:
    return list(table["ours"])


def _table(title: str, table: dict[str, dict[str, float]]) -> list[str]:
    columns = _columns(table)
    lines = [f"{title:<34}" + "".join(f"{name:>11}" for name in columns)]
    for name, figures in table.items():
        cells = (f"{figures[c]:>11.2f}" if c in figures else f"{'':>11}" for c in columns)
        lines.append(f"{name:<34}" + "".join(cells))
    return lines
