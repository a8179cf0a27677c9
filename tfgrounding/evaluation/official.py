"""QVHighlights' figures, as its official evaluator computes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..errors import DatasetError
from ..tracks.saliency import CLIP_SECONDS, clip_count
from .overlap import interval_iou, interval_table, overlaps

MOMENT_LENGTHS = {"short": (0, 10), "middle": (10, 30), "long": (30, 150)}  # seconds, (more than, at most)
THRESHOLDS = tuple(round(0.5 + 0.05 * k, 2) for k in range(10))
WINDOWS = 10  # predictions that count towards AP
RATINGS = {"Fair": 2, "Good": 3, "VeryGood": 4}  # a clip is a highlight for a rater who gave at least this


def qvhighlights(
    predictions: Sequence[Mapping[str, Any]], truths: Sequence[Mapping[str, Any]]
) -> dict[str, float | dict[str, Any]]:
    """QVHighlights' figures as its official evaluator prints them, in percent, rounded to two digits.

    Args:
        predictions: rows with qid, pred_relevant_windows [[start, end, score], ...] and, for highlights,
            pred_saliency_scores, one for every two seconds. A query without a row counts as unanswered.
        truths: rows of the annotation file: qid, duration, relevant_windows and, for highlights, relevant_clip_ids
            and saliency_scores (for each clip the ratings 0-4 of three raters, or as many as there were).

    Returns:
        The evaluator's brief figures by name ("MR-full-R1@0.5", "MR-full-mAP", ..., "HL-min-VeryGood-Hit1"), and its
        long ones: "full", "short", "middle" and "long" with {"MR-mAP": {"0.5": ..., "average": ...}, "MR-R1": {...}},
        and "HL-min-Fair", "HL-min-Good", "HL-min-VeryGood" with {"HL-mAP": ..., "HL-Hit1": ...}. Highlight figures are
        there when both sides have saliency scores.

    Raises:
        DatasetError: clip ids that the video does not have, or saliency scores that do not belong to them.

    Source: Lei et al., "QVHighlights", NeurIPS 2021, section 5.1, and the values published with its evaluator.
    """
    answers = {row["qid"]: row for row in predictions}
    windows = [list(answers.get(row["qid"], {}).get("pred_relevant_windows") or ()) for row in truths]
    moments = {"full": _moment_retrieval(windows, [row["relevant_windows"] for row in truths])}
    for name, (above, at_most) in MOMENT_LENGTHS.items():
        fitting = [[w for w in row["relevant_windows"] if above < w[1] - w[0] <= at_most] for row in truths]
        kept = [i for i, some in enumerate(fitting) if some]
        moments[name] = _moment_retrieval([windows[i] for i in kept], [fitting[i] for i in kept])
    full = moments["full"]
    brief = {
        "MR-full-R1@0.5": full["MR-R1"]["0.5"],
        "MR-full-R1@0.7": full["MR-R1"]["0.7"],
        "MR-full-mAP": full["MR-mAP"]["average"],
        "MR-full-mAP@0.5": full["MR-mAP"]["0.5"],
        "MR-full-mAP@0.75": full["MR-mAP"]["0.75"],
        **{f"MR-{name}-mAP": moments[name]["MR-mAP"]["average"] for name in ("long", "middle", "short")},
    }
    highlights: dict[str, dict[str, float]] = {}
    if any(row.get("pred_saliency_scores") for row in predictions) and all("saliency_scores" in row for row in truths):
        highlights = _highlights(answers, truths)
        for name, figures in highlights.items():
            brief[f"{name}-mAP"], brief[f"{name}-Hit1"] = figures["HL-mAP"], figures["HL-Hit1"]
    return {**brief, **highlights, **moments}


def _moment_retrieval(
    answers: Sequence[Sequence[Sequence[float]]], truths: Sequence[Sequence[Sequence[float]]]
) -> dict[str, dict[str, float]]:
    top = overlaps([windows[:1] for windows in answers], truths)[:, 0]  # (N,)
    recall = {str(m): _percent((top >= m).mean() if len(top) else 0.0) for m in THRESHOLDS}
    precision = average_precision(answers, truths)  # (N, 10)
    over_thresholds = precision.mean(axis=0) if len(precision) else np.zeros(len(THRESHOLDS))
    mean_ap = {str(m): _percent(value) for m, value in zip(THRESHOLDS, over_thresholds, strict=True)}
    return {"MR-mAP": {**mean_ap, "average": _percent(over_thresholds.mean())}, "MR-R1": recall}


def average_precision(
    answers: Sequence[Sequence[Sequence[float]]], truths: Sequence[Sequence[Sequence[float]]]
) -> np.ndarray:
    """(N, 10) interpolated average precision of each query at each IoU threshold.

    The first ten predictions, highest score first, each take the free truth that they overlap most.
    """
    ranked = [sorted(windows[:WINDOWS], key=_score, reverse=True) for windows in answers]
    given, true = interval_table(ranked), interval_table(truths)  # (N, P, 2), (N, G, 2)
    iou = interval_iou(given[:, :, None], true[:, None])  # (N, P, G)
    limits = np.array(THRESHOLDS)[None, :, None]  # (1, 10, 1)
    free = np.broadcast_to(~np.isnan(true[:, None, :, 0]), (len(true), len(THRESHOLDS), true.shape[1])).copy()
    hits = np.zeros((given.shape[1], len(true), len(THRESHOLDS)), dtype=bool)  # (P, N, 10)
    for p in range(given.shape[1]):
        fits = np.where(free & (iou[:, p, None, :] >= limits), iou[:, p, None, :], -1.0)  # (N, 10, G)
        best = fits.shape[2] - 1 - fits[:, :, ::-1].argmax(axis=2)  # the last of equals  (N, 10)
        hits[p] = np.take_along_axis(fits, best[:, :, None], axis=2)[:, :, 0] > 0
        taken = np.take_along_axis(free, best[:, :, None], axis=2)[:, :, 0] & ~hits[p]
        np.put_along_axis(free, best[:, :, None], taken[:, :, None], axis=2)
    counted = (~np.isnan(given[:, :, 0])).T.cumsum(axis=0)  # (P, N) predictions so far
    precision = hits.cumsum(axis=0) / np.maximum(counted, 1)[:, :, None]  # (P, N, 10)
    best_from_here = np.maximum.accumulate(precision[::-1], axis=0)[::-1]
    positives = (~np.isnan(true[:, :, 0])).sum(axis=1)  # (N,)
    return (best_from_here * hits).sum(axis=0) / np.maximum(positives, 1)[:, None]


def _highlights(
    answers: Mapping[Any, Mapping[str, Any]], truths: Sequence[Mapping[str, Any]]
) -> dict[str, dict[str, float]]:
    """Highlight HIT@1 (for any rater) and mAP (mean over raters) at the three ratings."""
    levels = np.array(list(RATINGS.values()))
    hit = np.zeros((len(truths), len(levels)))
    precision = np.zeros((len(truths), len(levels)))
    for i, row in enumerate(truths):
        scores = answers.get(row["qid"], {}).get("pred_saliency_scores")
        if not scores:
            continue
        rated = _ratings(row)  # (clips, raters)
        clips, raters = rated.shape
        liked = rated[:, :, None] >= levels  # (clips, raters, 3 levels)
        best = int(np.argmax(scores))
        if best < clips:
            hit[i] = liked[best].any(axis=0)
        fitted = np.zeros(clips)
        fitted[: len(scores)] = scores[:clips]
        precision[i] = _clip_precision(fitted, liked.reshape(clips, -1)).reshape(raters, -1).mean(axis=0)
    return {
        f"HL-min-{name}": {"HL-mAP": _percent(precision[:, k].mean()), "HL-Hit1": _percent(hit[:, k].mean())}
        for k, name in enumerate(RATINGS)
    }


def _ratings(row: Mapping[str, Any]) -> np.ndarray:
    """(clips, raters) of a truth; 0 for the clips that are not relevant.

    The official evaluator counts int(duration / 2) clips; the half clip at an odd end counts where it was rated.
    """
    ids, scores = list(row["relevant_clip_ids"]), row["saliency_scores"]
    possible = clip_count(row["duration"])
    raters = {len(ratings) if isinstance(ratings, list | tuple) else 0 for ratings in scores} or {1}
    if len(ids) != len(scores) or len(raters) > 1 or 0 in raters or not all(0 <= clip < possible for clip in ids):
        raise DatasetError(
            f"qid {row['qid']!r}: needs saliency_scores for each of its relevant_clip_ids, as many ratings for each, "
            f"and ids from 0 to {possible - 1}"
        )
    clips = max([int(row["duration"] / CLIP_SECONDS), 1, *(clip + 1 for clip in ids)])
    rated = np.zeros((clips, raters.pop()))
    if ids:
        rated[ids] = scores
    return rated


def _score(window: Sequence[float]) -> float:
    return window[2] if len(window) > 2 else 0.0


def _clip_precision(scores: np.ndarray, liked: np.ndarray) -> np.ndarray:
    """(L,) mean, over the recall levels that are reached, of the best precision at that recall or more.

    `scores`: (C,) for each clip; `liked`: (C, L) for each clip and each of L ways to see it. Clips of equal score
    come together.
    """
    order = np.argsort(-scores, kind="stable")
    last_of_equals = np.append(np.diff(scores[order]) != 0, True)
    found = liked[order].cumsum(axis=0)[last_of_equals]  # (C', L)
    seen = (np.flatnonzero(last_of_equals) + 1)[:, None]
    best_from_here = np.maximum.accumulate((found / seen)[::-1], axis=0)[::-1]
    steps = np.diff(found, axis=0, prepend=0) > 0
    return (best_from_here * steps).sum(axis=0) / np.maximum(steps.sum(axis=0), 1)


def _percent(share: float) -> float:
    return float(f"{share * 100:.2f}")
