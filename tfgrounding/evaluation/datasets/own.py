"""Anyone's own annotations, in the layout that our results and QVHighlights use too."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from .base import Rows, read_json_lines

SOURCE = (
    "your own file: one JSON object a line with vid, query and relevant_windows [[start, end], ...] in seconds, and if "
    "you like qid, duration, relation and plan"
)
STRIDE_FRAMES, LONGEST_SHARE = None, None


def read(rows: Rows, paths: Sequence[Path]) -> None:
    """Read one JSON object a line: vid, query, relevant_windows; optional: qid, duration, relation, plan.

    Without a qid a row is called "FILE:LINE". A plan is an object like the one that `tfgrounding ground --json`
    prints: {"paraphrases": [...], "sub_events": [[...], ...], "relation": "sequentially"}.
    """
    for path in paths:
        for where, row in read_json_lines(rows, path):
            rows.add(
                where,
                qid=row.get("qid", f"{path.name}:{where.rpartition(':')[2]}"),
                video=row.get("vid"),
                query=row.get("query"),
                truths=row.get("relevant_windows"),
                duration_seconds=row.get("duration"),
                relation=row.get("relation", ""),
                plan=row.get("plan"),
                relevant_clips=row.get("relevant_clip_ids", ()),
                saliency=row.get("saliency_scores", ()),
            )
