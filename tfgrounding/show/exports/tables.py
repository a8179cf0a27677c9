"""Answers as data: JSON, rows of a QVHighlights submission, CSV. Times are seconds from the first frame."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Sequence
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

    Where words speak for a moment, "evidence" holds them, a list for each window.
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
    return row


def csv_text(answers: Sequence[Answer]) -> str:
    """One row a moment, for spreadsheets; with a column for evidence where any moment has some."""
    rows = ranked(answers)
    last = ["evidence"] if any(moment.evidence for _, _, moment in rows) else []
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(["video", "query", "rank", "start_seconds", "end_seconds", "score", *last])
    for answer, rank, moment in rows:
        times = [f"{moment.start_seconds:.3f}", f"{moment.end_seconds:.3f}", f"{moment.score:.6f}"]
        evidence = [harmless(_evidence_cell(moment))] if last else []
        table.writerow([harmless(answer.video.path), harmless(answer.query), rank, *times, *evidence])
    return text.getvalue()


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
