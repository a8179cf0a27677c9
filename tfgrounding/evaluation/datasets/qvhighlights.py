"""QVHighlights: moments and, for every two seconds that matter, how much."""

from __future__ import annotations

from .own import Own


class QVHighlights(Own):
    """qid, query, duration, vid, relevant_windows, relevant_clip_ids and saliency_scores, one object a line."""

    source = (
        "QVHighlights (Lei et al., NeurIPS 2021) is highlight_val_release.jsonl of github.com/jayleicn/moment_detr, "
        "which says where its videos are"
    )
    stride_frames, longest_share = 50, 0.5
