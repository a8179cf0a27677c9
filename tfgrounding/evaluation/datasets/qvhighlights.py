"""QVHighlights: moments and, for every two seconds that matter, how much."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from . import own
from .base import Rows

SOURCE = (
    "QVHighlights (Lei et al., NeurIPS 2021) is highlight_val_release.jsonl of github.com/jayleicn/moment_detr, which "
    "tells where its videos are"
)
STRIDE_FRAMES, LONGEST_SHARE = 50, 0.5


def read(rows: Rows, paths: Sequence[Path]) -> None:
    """Read qid, query, duration, vid, relevant_windows, relevant_clip_ids and saliency_scores, one object a line."""
    own.read(rows, paths)
