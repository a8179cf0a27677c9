"""Other evidence curves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
from benches.bench import Bench

from tfgrounding.localizers.base import QueryCurves
from tfgrounding.localizers.curve_kernels import own_curve, standardized
from tfgrounding.localizers.default import CONSTANTS, Constants
from tfgrounding.localizers.feature_kernels import best_frames, with_features
from tfgrounding.localizers.tag import adjusted

from .lever import changed

CLIP_SECONDS, STRIDE_SECONDS = 4.0, 2.0


def two_scales(query: QueryCurves, clips_share: float) -> QueryCurves:
    """The curves of frames and those of clips, each from 0 to 1, and their weighted mean in the frames' range.

    A clip's vector is the unit vector along the mean of its frames'. Frames between two clips' centres get values in
    between: a triangular kernel.
    """
    edges = query.edges_seconds
    weight = np.diff(edges)
    starts = np.arange(0.0, max(edges[-1] - CLIP_SECONDS, 0.0) + 1e-9, STRIDE_SECONDS)
    ends = np.minimum(starts + CLIP_SECONDS, edges[-1])

    def of_clips(rows: np.ndarray) -> np.ndarray:
        """(N, K) means over the clips of (N, T) rows."""
        integral = np.pad(np.cumsum(rows * weight, axis=1), ((0, 0), (1, 0)))
        at_starts, at_ends = (_between(integral, edges, seconds) for seconds in (starts, ends))
        return (at_ends - at_starts) / (ends - starts)

    length = np.linalg.norm(of_clips(query.features.T.astype(np.float64)), axis=0)

    def fused(rows: np.ndarray) -> np.ndarray:
        clips = of_clips(rows) / np.maximum(length, 1e-9)
        centres = (edges[1:] + edges[:-1]) / 2
        spread = np.stack([np.interp(centres, (starts + ends) / 2, clip) for clip in clips])
        low, high = rows.min(axis=1, keepdims=True), rows.max(axis=1, keepdims=True)
        joined = (1 - clips_share) * _from_0_to_1(rows) + clips_share * _from_0_to_1(spread)
        return low + (high - low) * joined  # comparable with unrelated texts

    return replace(query, query=fused(query.query), sub_events=tuple(map(fused, query.sub_events)))


def _between(rows: np.ndarray, edges: np.ndarray, seconds: np.ndarray) -> np.ndarray:
    """(N, K) values of (N, T + 1) rows at times between the edges."""
    frame = np.clip(np.searchsorted(edges, seconds, side="right") - 1, 0, len(edges) - 2)
    share = (seconds - edges[frame]) / (edges[frame + 1] - edges[frame])
    return rows[:, frame] * (1 - share) + rows[:, frame + 1] * share


def _from_0_to_1(rows: np.ndarray) -> np.ndarray:
    low, high = rows.min(axis=1, keepdims=True), rows.max(axis=1, keepdims=True)
    return (rows - low) / np.maximum(high - low, 1e-12)


def less_null_mean(bench: Bench) -> list[QueryCurves] | None:
    """The queries' curves less the mean of the unrelated texts'."""
    if bench.queries[0].null_curves is None:
        return None

    def less(query: QueryCurves) -> QueryCurves:
        mean = query.null_curves.mean(axis=0)
        return replace(query, query=query.query - mean, sub_events=tuple(rows - mean for rows in query.sub_events))

    return list(map(less, bench.queries))


def mean_by_agreement(rows: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """(T,) mean of the standardized rows, each weighted by its correlation with the plain mean."""
    z = np.stack([standardized(row, weight) for row in rows])
    agreement = np.maximum((z * weight) @ z.mean(axis=0), 1e-9)
    return agreement @ z / agreement.sum()


def maximum(rows: np.ndarray, weight: np.ndarray) -> np.ndarray:
    return np.stack([standardized(row, weight) for row in rows]).max(axis=0)


def log_sum_exp(rows: np.ndarray, weight: np.ndarray) -> np.ndarray:
    return np.log(np.exp([standardized(row, weight) for row in rows]).mean(axis=0))


def box_cox(curve: np.ndarray, weight: np.ndarray, until: float, slope: float) -> np.ndarray:
    """(T,) standardized curve after the likeliest Box-Cox transform."""
    return standardized(adjusted(standardized(curve, weight)), weight)


def own(**names: Callable[..., Any]) -> Callable[..., np.ndarray]:
    """The kernel of the texts' curve with other parts."""
    return changed(own_curve, **names)


def echoing(**names: Callable[..., Any]) -> Callable[..., np.ndarray]:
    """The kernel that joins the texts' curve and the features, with other parts."""
    return changed(with_features, **names)


def less_worst(curve: np.ndarray, weight: np.ndarray, share: float, negatives: float) -> np.ndarray:
    """(T,) weights by which the echo's direction leads from the worst frames' mean, or from nearer to that of all."""
    worst = best_frames(-curve, weight, share)
    return best_frames(curve, weight, share) - negatives * (worst - weight / weight.sum())


def less_random(curve: np.ndarray, weight: np.ndarray, share: float) -> np.ndarray:
    """(T,) weights by which the echo's direction is the best frames' mean less that of as many others, drawn."""
    best = best_frames(curve, weight, share)
    drawn = np.where(best > 0, -1.0, np.random.default_rng(0).random(len(curve)))
    return best - best_frames(drawn, weight, share) + weight / weight.sum()


def ridge_echo(features: np.ndarray, chosen: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """(T,) as `echo`, the direction whitened within the video: divided by the frames' covariance, plus 10 times its
    mean eigenvalue."""
    products = _products(features, weight)
    ridge = 10 * np.trace(products) / len(products) * np.eye(len(products))
    return products @ np.linalg.solve(products + ridge, chosen - weight / weight.sum())


def kernel_echo(features: np.ndarray, chosen: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """(T,) log of the mean, over the best frames, of the exponentiated similarity to each."""
    products = _products(features, weight)
    some = np.flatnonzero(chosen)
    return np.log(np.exp(products[:, some] / np.diag(products).mean()) @ chosen[some])


def _products(features: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """(T, T) inner products of the features less their mean."""
    centred = features - (weight / weight.sum()).astype(np.float32) @ features
    return (centred @ centred.T).astype(np.float64)


def second_echo(
    curve: np.ndarray,
    features: np.ndarray,
    edges: np.ndarray,
    cuts: np.ndarray,
    noise: float,
    best_share: float,
    echo_weight: float,
    smoothing_seconds: float,
    life_weight: float,
    life_seconds: float,
) -> np.ndarray:
    """As `with_features`, but the echo takes the best frames of the curve that the first echo has joined."""

    def joined(curve: np.ndarray, echo_weight: float, life_weight: float) -> np.ndarray:
        return with_features(
            curve,
            features,
            edges,
            cuts,
            noise,
            best_share,
            echo_weight,
            smoothing_seconds,
            life_weight,
            life_seconds,
        )

    again = joined(joined(curve, echo_weight, 0.0), 1 / (1 + noise), 0.0)
    life = joined(curve, 0.0, life_weight) - curve
    share = echo_weight * (1 + noise)
    return (1 - share) * curve + share * again + life


def settings_around(factors: tuple[float, float], *names: str) -> list[Constants]:
    """All settings that have each of these constants times one or the other factor."""
    return [
        replace(CONSTANTS, **{name: getattr(CONSTANTS, name) * x for name, x in zip(names, some, strict=True)})
        for some in product(factors, repeat=len(names))
    ]
