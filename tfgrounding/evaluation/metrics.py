"""How good the answers are: recall and IoU, QVHighlights' figures, how sure we can be, and which of two runs is better.

Everywhere: intervals are (start, end) in seconds; a query counts whether it was answered or not (unanswered: IoU 0);
"IoU >= m" includes equality; a query with several true moments is compared with the one that fits best.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..localizers.intervals import temporal_iou

RECALL_AT = (1, 5)
IOU_AT = (0.3, 0.5, 0.7)
SHARES = 51  # steps of the grid on which the best constant answer is looked for: 2 % of the video
RESAMPLES = 2000


def overlaps(
    answers: Sequence[Sequence[Sequence[float]]],
    truths: Sequence[Sequence[Sequence[float]]],
    *,
    durations_seconds: np.ndarray | None = None,
) -> np.ndarray:
    """How well every answer to every query fits.

    Args:
        answers: for each of N queries its moments [start, end, ...], best first, possibly none.
        truths: for each query its true moments [start, end].
        durations_seconds: (N,) lengths of the videos; given, the truths are clipped to them.

    Returns:
        (N, K) float64, the IoU of answer k with the truth it fits best; 0 where there is no k-th answer.
    """
    given = _padded(answers)  # (N, K, 2)
    true = _padded(truths)  # (N, M, 2)
    if durations_seconds is not None:
        true = np.minimum(true, np.asarray(durations_seconds, dtype=np.float64)[:, None, None])
    best = np.zeros(given.shape[:2])
    for m in range(true.shape[1]):
        np.maximum(best, _iou(given, true[:, m : m + 1]), out=best)  # (N, K)
    return np.minimum(best, 1.0)


def recall_and_miou(overlap: np.ndarray) -> dict[str, float]:
    """The field's table row, in percent.

    Args:
        overlap: (N, K) as `overlaps` returns it.

    Returns:
        {"R1@0.3": ..., "R1@0.5": ..., "R1@0.7": ..., "R5@0.3": ..., ..., "mIoU": ...}; all 0 without queries. R5 is
        missing where nothing has more than one answer.
    """
    return {name: float(values.mean()) * 100 if len(values) else 0.0 for name, values in per_query(overlap).items()}


def per_query(overlap: np.ndarray) -> dict[str, np.ndarray]:
    """What `recall_and_miou` averages: {name: (N,) float64 between 0 and 1}."""
    values = {}
    for n in RECALL_AT:
        if n == 1 or overlap.shape[1] > 1:
            reached = overlap[:, :n].max(axis=1, initial=0.0)  # (N,)
            values.update({f"R{n}@{m}": (reached >= m).astype(np.float64) for m in IOU_AT})
    values["mIoU"] = overlap[:, :1].max(axis=1, initial=0.0)
    return values


def best_constant(truths: Sequence[Sequence[Sequence[float]]], durations_seconds: np.ndarray) -> tuple[float, float]:
    """The one answer, as shares of the video, that scores the highest mIoU when it is given to every query.

    It is fitted on the very truths it is then measured on: the most that can be had without looking at a video.

    Args:
        truths: for each of N queries its true moments [start, end] in seconds.
        durations_seconds: (N,).

    Returns:
        (start, end), 0 <= start < end <= 1, on a grid of 2 %.
    """
    shares = np.linspace(0.0, 1.0, SHARES)
    starts, ends = (side.ravel() for side in np.meshgrid(shares, shares, indexing="ij"))
    grid = np.stack([starts, ends], axis=1)[ends > starts]  # (G, 2)
    true = _padded(truths) / np.asarray(durations_seconds, dtype=np.float64)[:, None, None]  # (N, M, 2)
    total = np.zeros(len(grid))
    for chunk in np.array_split(true, max(1, len(true) // 256)):
        best = np.zeros((len(chunk), len(grid)))
        for m in range(chunk.shape[1]):
            np.maximum(best, _iou(grid, chunk[:, m, None, :]), out=best)  # (n, G)
        total += best.sum(axis=0)
    start, end = grid[int(total.argmax())]
    return float(start), float(end)


def bootstrap_interval(
    values: np.ndarray, videos: Sequence[Any], *, level: float = 0.95, resamples: int = RESAMPLES, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """How far a mean over queries might lie elsewhere had other videos been drawn (percentile bootstrap).

    Whole videos are drawn with replacement, because queries about one video are right or wrong together.

    Args:
        values: (N,) or (N, M), one number (or M) for each query.
        videos: (N,) which video each query is about.

    Returns:
        (low, high), each of shape () or (M,).
    """
    sums, counts = _by_video(values, videos)  # (V, M), (V,)
    means = _resampled_means(sums, counts, resamples, seed)  # (B, M)
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2], axis=0)
    return (low, high) if np.ndim(values) == 2 else (low[0], high[0])


@dataclass(frozen=True, slots=True)
class Paired:
    """The mean of B − A over the same queries, its interval, and how often chance alone would differ as much.

    The interval and p-value come from the differences between videos: with fewer than a handful they mean nothing.
    """

    difference: float
    low: float
    high: float
    p_value: float
    queries: int
    videos: int


def paired_difference(
    first: np.ndarray,
    second: np.ndarray,
    videos: Sequence[Any],
    *,
    level: float = 0.95,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Paired:
    """Compare two runs on the same queries, video by video.

    The interval is a percentile bootstrap over videos; the p-value comes from turning the sign of whole videos'
    differences at random (paired permutation test, two-sided).

    Args:
        first, second: (N,) one number for each query, in the same order.
        videos: (N,) which video each query is about.
    """
    gain = np.asarray(second, dtype=np.float64) - np.asarray(first, dtype=np.float64)
    if len(gain) == 0:
        return Paired(0.0, 0.0, 0.0, 1.0, 0, 0)
    sums = _by_video(gain, videos)[0]
    low, high = bootstrap_interval(gain, videos, level=level, resamples=resamples, seed=seed)
    signs = np.random.default_rng(seed).integers(0, 2, size=(resamples, len(sums))) * 2 - 1  # (B, V)
    observed = abs(float(sums.sum()))
    as_far = int((np.abs(signs @ sums[:, 0]) >= observed * (1 - 1e-12)).sum())
    return Paired(float(gain.mean()), float(low), float(high), (1 + as_far) / (1 + resamples), len(gain), len(sums))


def _iou(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """(...) IoU of (..., 2) intervals; 0 where one is empty, turned round or not finite."""
    with np.errstate(invalid="ignore"):
        return temporal_iou(first[..., 0], first[..., 1], second[..., 0], second[..., 1])


def _padded(intervals: Sequence[Sequence[Sequence[float]]]) -> np.ndarray:
    """(N, K, 2) float64; NaN where there is no k-th interval."""
    most = max((len(some) for some in intervals), default=0)
    table = np.full((len(intervals), max(most, 1), 2), np.nan)
    for row, some in zip(table, intervals, strict=True):
        for k, interval in enumerate(some):
            row[k] = interval[:2]
    return table


def _by_video(values: np.ndarray, videos: Sequence[Any]) -> tuple[np.ndarray, np.ndarray]:
    table = np.asarray(values, dtype=np.float64).reshape(len(videos), -1)  # (N, M)
    numbers: dict[Any, int] = {}
    video = np.array([numbers.setdefault(name, len(numbers)) for name in videos], dtype=np.int64)
    sums = np.zeros((len(numbers), table.shape[1]))
    np.add.at(sums, video, table)
    return sums, np.bincount(video, minlength=len(numbers)).astype(np.float64)


def _resampled_means(sums: np.ndarray, counts: np.ndarray, resamples: int, seed: int) -> np.ndarray:
    """(B, M) means over B draws of as many videos as there are."""
    videos = len(counts)
    random = np.random.default_rng(seed)
    means = np.zeros((resamples, sums.shape[1]))
    if videos == 0:
        return means
    for first in range(0, resamples, 256):
        rows = min(256, resamples - first)
        drawn = random.integers(0, videos, size=(rows, videos)) + np.arange(rows)[:, None] * videos
        times = np.bincount(drawn.ravel(), minlength=rows * videos).reshape(rows, videos)  # (rows, V)
        means[first : first + rows] = (times @ sums) / (times @ counts)[:, None]
    return means


# --- QVHighlights -------------------------------------------------------------------------------------------------

MOMENT_LENGTHS = {"short": (0, 10), "middle": (10, 30), "long": (30, 150)}  # seconds, (more than, at most)
THRESHOLDS = tuple(round(0.5 + 0.05 * k, 2) for k in range(10))
WINDOWS = 10  # predictions that count towards AP
CLIP_SECONDS = 2
RATINGS = {"Fair": 2, "Good": 3, "VeryGood": 4}  # a clip is a highlight for a rater who gave at least this


def qvhighlights(
    predictions: Sequence[Mapping[str, Any]], truths: Sequence[Mapping[str, Any]]
) -> dict[str, float | dict[str, Any]]:
    """QVHighlights' figures as its official evaluator prints them, in percent, rounded to two digits.

    Args:
        predictions: rows with qid, pred_relevant_windows [[start, end, score], ...] and, for highlights,
            pred_saliency_scores, one for every two seconds. A query without a row counts as unanswered.
        truths: rows of the annotation file: qid, duration, relevant_windows and, for highlights, relevant_clip_ids
            and saliency_scores (three raters' 0-4).

    Returns:
        The evaluator's brief figures by name ("MR-full-R1@0.5", "MR-full-mAP", ..., "HL-min-VeryGood-Hit1"), and its
        long ones: "full", "short", "middle" and "long" with {"MR-mAP": {"0.5": ..., "average": ...}, "MR-R1": {...}},
        and "HL-min-Fair", "HL-min-Good", "HL-min-VeryGood" with {"HL-mAP": ..., "HL-Hit1": ...}. Highlight figures are
        there when both sides have saliency scores.

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
    precision = _average_precision(answers, truths)  # (N, 10)
    over_thresholds = precision.mean(axis=0) if len(precision) else np.zeros(len(THRESHOLDS))
    mean_ap = {str(m): _percent(value) for m, value in zip(THRESHOLDS, over_thresholds, strict=True)}
    return {"MR-mAP": {**mean_ap, "average": _percent(over_thresholds.mean())}, "MR-R1": recall}


def _average_precision(
    answers: Sequence[Sequence[Sequence[float]]], truths: Sequence[Sequence[Sequence[float]]]
) -> np.ndarray:
    """(N, 10) interpolated average precision of each query at each IoU threshold.

    The first ten predictions, highest score first, each take the free truth that they overlap most.
    """
    ranked = [sorted(windows[:WINDOWS], key=lambda w: -w[2]) for windows in answers]
    given, true = _padded(ranked), _padded(truths)  # (N, P, 2), (N, G, 2)
    iou = _iou(given[:, :, None], true[:, None])  # (N, P, G)
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
        clips = int(row["duration"] / CLIP_SECONDS)
        rated = np.zeros((clips, 3))
        rated[row["relevant_clip_ids"]] = row["saliency_scores"]
        liked = rated[:, :, None] >= levels  # (clips, 3 raters, 3 levels)
        best = int(np.argmax(scores))
        if best < clips:
            hit[i] = liked[best].any(axis=0)
        padded = np.zeros(clips)
        padded[: len(scores)] = scores[:clips]
        precision[i] = _clip_precision(padded, liked.reshape(clips, -1)).reshape(3, -1).mean(axis=0)
    return {
        f"HL-min-{name}": {"HL-mAP": _percent(precision[:, k].mean()), "HL-Hit1": _percent(hit[:, k].mean())}
        for k, name in enumerate(RATINGS)
    }


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
