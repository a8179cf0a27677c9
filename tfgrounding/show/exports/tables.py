"""Answers as data: JSON, rows of a QVHighlights submission, CSV. Times are seconds from the first frame."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ...answer import Answer
from ...tracks.saliency import clip_saliency
from ...types import Moment
from ..evidence import quotable
from .common import ranked

# A spreadsheet runs a cell that begins like this; a quote in front makes it text. Programs that separate cells by
# semicolons or tabs see cells begin also in the middle of ours.
MOST_IN_A_CELL, CELL_TEXT_COLUMNS = 20, 500  # a cell of Excel takes 32,767 characters
FORMULA = re.compile(r"^(?=[\t\r])|(?:^|(?<=[;\t\r\n]))(?=[\s\"]*[=+\-@＝＋－＠])")


def json_text(answers: Sequence[Answer]) -> str:
    """The whole answers, one a line, as a JSON list."""
    return "[" + ",\n ".join(json.dumps(answer.to_dict()) for answer in answers) + "]\n"


def jsonl_text(answers: Sequence[Answer]) -> str:
    """Rows of a QVHighlights submission, one a line."""
    return "".join(json.dumps(qvhighlights_row(answer, qid=i)) + "\n" for i, answer in enumerate(answers))


def qvhighlights_row(answer: Answer, *, qid: int | str) -> dict[str, Any]:
    """One answer with the keys of a QVHighlights submission: windows as [start, end, score], saliency every 2 s.

    Where words speak for a moment, "evidence" holds them, a list for each window. Of a query of several events,
    "events" holds the moment of each.
    """
    saliency = clip_saliency(answer.curve, answer.pts_seconds, answer.video.duration_seconds)
    row: dict[str, Any] = {
        "qid": qid,
        "query": answer.query,
        "vid": Path(answer.video.path).stem,
        "pred_relevant_windows": [
            [round(m.start_seconds, 4), round(m.end_seconds, 4), round(m.score, 6)] for m in answer.moments
        ],
        "pred_saliency_scores": [round(value, 6) for value in saliency],
    }
    if any(m.evidence for m in answer.moments):
        row["evidence"] = [[asdict(evidence) for evidence in m.evidence] for m in answer.moments]
    if answer.events:
        row["events"] = answer.to_dict(curves=False)["events"]
    return row


def csv_text(answers: Sequence[Answer]) -> str:
    """One row a moment, for spreadsheets; with a column for evidence where any moment has some.

    `present` is that of the query. Where a query has several events, a column "event" is added: a row for each of them
    follows the query's moments, with the event, no rank, and its own `present`.
    """
    with_evidence = any(moment.evidence for moment in _every_moment(answers))
    with_events = any(answer.events for answer in answers)
    last = [*(["event"] if with_events else []), *(["evidence"] if with_evidence else [])]
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(["video", "query", "rank", "start_seconds", "end_seconds", "score", "present", *last])

    def write(answer: Answer, rank: int | str, moment: Moment, present: float | None, event: str) -> None:
        times = [f"{moment.start_seconds:.3f}", f"{moment.end_seconds:.3f}", f"{moment.score:.6f}"]
        cells = [*times, "" if present is None else f"{present:.6f}"]
        cells += [harmless(event)] if with_events else []
        cells += [harmless(_evidence_cell(moment))] if with_evidence else []
        table.writerow([harmless(answer.video.path), harmless(answer.query), rank, *cells])

    for answer in answers:
        for _, rank, moment in ranked([answer]):
            write(answer, rank, moment, answer.present, "")
        for event in answer.events:
            write(answer, "", event.moment, event.present, event.text)
    return text.getvalue()


def _every_moment(answers: Sequence[Answer]) -> Iterator[Moment]:
    for answer in answers:
        yield from answer.moments
        yield from (event.moment for event in answer.events)


def _evidence_cell(moment: Moment) -> str:
    """Each track with its times and words, separated by semicolons."""
    pieces = []
    for evidence in moment.evidence[:MOST_IN_A_CELL]:
        text = quotable(evidence.text, columns=CELL_TEXT_COLUMNS)
        times = f"{evidence.start_seconds:.3f}-{evidence.end_seconds:.3f} s"
        pieces.append(f"{evidence.track} {times}" + (f' "{text}"' if text else ""))
    more = len(moment.evidence) - MOST_IN_A_CELL
    return "; ".join([*pieces, *([f"and {more} more"] if more > 0 else [])])


def harmless(text: str) -> str:
    """Text that no spreadsheet takes for a formula, whatever it separates cells by."""
    return FORMULA.sub("'", text)
