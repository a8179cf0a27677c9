"""TAG: pool features over time, cluster them coherently, and score every union of neighbouring clusters.

Source: Lee et al., "TAG: A Simple Yet Effective Temporal-Aware Approach for Zero-Shot Video Temporal Grounding"
(BMVC 2025), section 3, and the constants of its public configuration for Charades-STA.

What is ours: clusters begin with equal stretches of the video where the published program draws them at random, so that
the answer is always the same; without features the curve itself is clustered; and the cut-off on low similarity is
only made where the encoder's own floor is given, since the published 0.2 is BLIP-2's.
"""

from __future__ import annotations

import numpy as np

from .base import Candidates, QueryCurves
from .intervals import temporal_iou
from .kernels import kernel

POOL_FRAMES = 21
CLUSTERS = 9
COHERENCE_FRAMES = 7  # the window over which the distance to a cluster is averaged
LONGEST_SHARE = 0.5  # of the video
LEAST_RANGE = 0.2  # to which a narrower curve is stretched
LAMBDAS = np.linspace(-2, 2, 81)  # Box-Cox exponents that are tried
ROUNDS = 100
MOST_VOTERS = 12  # proposals that vote
OVERLAP_EXPONENT = 0.6


class TAGLocalizer:
    """Temporal pooling, temporal coherence clustering and similarity adjustment; sub-events are not used."""

    name = "tag"

    def locate(self, curves: QueryCurves) -> Candidates:
        curve = curves.query.mean(axis=0)
        frames = len(curve)
        kept = np.arange(frames) if curves.floor is None else np.flatnonzero(_without_loners(curve > curves.floor))
        if len(kept) == 0:
            kept = np.arange(frames)
        features = curve[:, None] if curves.features is None else np.asarray(curves.features)
        timed = np.concatenate([features, np.arange(frames)[:, None] / frames], axis=1).astype(np.float64)
        labels = coherent_clusters(_pooled(timed[kept], POOL_FRAMES), min(CLUSTERS, len(kept)), COHERENCE_FRAMES // 2)
        borders = np.concatenate([[0], np.flatnonzero(np.diff(labels)) + 1, [len(kept)]])
        first, last = _unions(borders, LONGEST_SHARE * frames)
        score = _contrast(adjusted(curve[kept]), first, last)
        order = np.argsort(-score, kind="stable")[:MOST_VOTERS]
        edges = curves.edges_seconds
        start, end = edges[kept[first[order]]], edges[kept[last[order] - 1] + 1]
        vote = (temporal_iou(start[:, None], end[:, None], start, end) ** OVERLAP_EXPONENT).T @ np.maximum(
            score[order], 0
        )
        ranked = np.argsort(-vote, kind="stable")
        return Candidates(start[ranked], end[ranked], vote[ranked] / len(ranked))


def adjusted(curve: np.ndarray) -> np.ndarray:
    """(T,) Box-Cox transform with the likeliest exponent, back on the curve's own range (LEAST_RANGE at least)."""
    low, high = curve.min(), curve.max()
    if high <= low:
        return np.full(len(curve), low)
    positive = curve + (abs(low) + 1e-6 if low <= 0 else 0.0)
    logs = np.log(positive)
    best, transformed = -np.inf, positive
    for exponent in LAMBDAS:
        with np.errstate(over="ignore", invalid="ignore"):  # where a power overflows, it is not the likeliest
            candidate = logs if abs(exponent) < 1e-9 else (positive**exponent - 1) / exponent
            likelihood = (exponent - 1) * logs.sum() - len(curve) / 2 * np.log(max(candidate.var(), 1e-300))
        if likelihood > best:
            best, transformed = likelihood, candidate
    span = transformed.max() - transformed.min()
    if span == 0:  # differences too small to outlive the transform
        return np.full(len(curve), low)
    return low + (transformed - transformed.min()) / span * max(high - low, LEAST_RANGE)


def _without_loners(above: np.ndarray) -> np.ndarray:
    """A frame counts only if it or one neighbour more lies above: two of the three frames around it."""
    padded = np.pad(above.astype(int), 1)
    return above & (padded[:-2] + padded[1:-1] + padded[2:] >= 2)


def _pooled(vectors: np.ndarray, frames: int) -> np.ndarray:
    """(T, D) means over `frames` frames, the first and last repeated beyond the ends."""
    half = frames // 2
    padded = np.concatenate([np.repeat(vectors[:1], half, axis=0), vectors, np.repeat(vectors[-1:], half, axis=0)])
    sums = np.cumsum(np.concatenate([np.zeros((1, vectors.shape[1])), padded]), axis=0)
    return (sums[2 * half + 1 :] - sums[: -2 * half - 1]) / (2 * half + 1)


@kernel
def coherent_clusters(vectors, clusters, half_window):
    """(T,) labels by k-means in which a frame's distance to a centre is the mean over its neighbours in time."""
    frames, width = vectors.shape
    labels = np.empty(frames, np.int64)
    for t in range(frames):
        labels[t] = t * clusters // frames
    centres = np.zeros((clusters, width))
    distance = np.empty((frames, clusters))
    for _ in range(ROUNDS):
        for k in range(clusters):
            total, count = np.zeros(width), 0
            for t in range(frames):
                if labels[t] == k:
                    total += vectors[t]
                    count += 1
            if count > 0:
                centres[k] = total / count
        for t in range(frames):
            for k in range(clusters):
                squares = 0.0
                for d in range(width):
                    difference = vectors[t, d] - centres[k, d]
                    squares += difference * difference
                distance[t, k] = np.sqrt(squares)
        changed = False
        for t in range(frames):
            low, high = max(0, t - half_window), min(frames, t + half_window + 1)
            best, chosen = np.inf, 0
            for k in range(clusters):
                mean = distance[low:high, k].sum() / (high - low)
                if mean < best:
                    best, chosen = mean, k
            if chosen != labels[t]:
                labels[t] = chosen
                changed = True
        if not changed:
            break
    return labels


def _unions(borders: np.ndarray, longest_frames: float) -> tuple[np.ndarray, np.ndarray]:
    """First and last (exclusive) frames of all runs of neighbouring segments that are not too long."""
    i, j = np.triu_indices(len(borders), 1)
    fits = borders[j] - borders[i] <= longest_frames
    if not fits.any():  # every segment is too long: the segments themselves
        fits = j == i + 1
    return borders[i[fits]], borders[j[fits]]


def _contrast(curve: np.ndarray, first: np.ndarray, last: np.ndarray) -> np.ndarray:
    sums = np.concatenate([[0.0], np.cumsum(curve)])
    inside = sums[last] - sums[first]
    rest = len(curve) - (last - first)
    outside = np.divide(sums[-1] - inside, rest, out=np.zeros(len(first)), where=rest > 0)
    return inside / (last - first) - outside
