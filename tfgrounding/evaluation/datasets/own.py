"""Anyone's own annotations, in the layout that our results and QVHighlights use too."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .frames import doubt
from .load import Reader
from .samples import Rows, shown
from .text import read_json_rows

LAYOUT = (
    "vid, query and relevant_windows [[start, end], ...] in seconds, and if you like qid, duration, relation, plan, "
    "rephrased_query"
)


class Own(Reader):
    """One JSON object a line: vid, query, relevant_windows; optional: qid, duration, relation, plan, rephrased_query.

    Without a qid a row is called "FILE:LINE". A plan is an object like the one that `tfgrounding ground --json`
    prints: {"paraphrases": [...], "sub_events": [[...], ...], "relation": "sequentially"}. `rephrased_query` is a list
    of other wordings of the query. A row without relevant_windows is answered and not scored.
    """

    source = f"your own file: one JSON object a line with {LAYOUT}"

    def read(self, rows: Rows, paths: Sequence[Path]) -> None:
        for path in paths:
            for where, number, row in read_json_rows(rows, path):
                if problem := _problem(row):
                    rows.reject(where, problem)
                    continue
                rows.add(
                    where,
                    qid=row.get("qid", f"{path.name}:{number}"),
                    video=row["vid"],
                    query=row["query"],
                    truths=row.get("relevant_windows"),
                    duration_seconds=row.get("duration"),
                    relation=row.get("relation", ""),
                    plan=row.get("plan"),
                    rephrasings=row.get("rephrased_query"),
                    relevant_clips=row.get("relevant_clip_ids"),
                    saliency=row.get("saliency_scores"),
                )


def _problem(row: dict[str, Any]) -> str:
    """Why an object is no row of this layout; "" where it is one."""
    missing = [key for key in ("vid", "query") if key not in row]
    if missing:
        return f"has no {' and no '.join(missing)}, but {shown(list(row))}; the keys are {LAYOUT}"
    windows = row.get("relevant_windows")
    return next(filter(None, (doubt(row, window) for window in windows)), "") if isinstance(windows, list) else ""
