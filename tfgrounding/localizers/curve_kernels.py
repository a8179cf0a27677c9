"""Numba kernels of the default localizer's first step: curves and features become one evidence curve.

All are linear in the number of frames; tests/localizers/test_default.py holds plain versions.
"""

from __future__ import annotations

from functools import partial
from math import exp, sqrt

import numpy as np

from .kernels import kernel

STILL = 1e-5  # of the features' mean square: less spread than that is rounding

summing_kernel = partial(kernel, fastmath={"reassoc", "contract"})  # sums in any order: many lanes at once


@kernel
def standardized(curve, weight):
    """(T,) with weighted mean 0 and variance 1; all 0 where the curve is flat to rounding."""
    total = weight.sum()
    mean = (curve * weight).sum() / total
    centred = curve - mean
    spread = sqrt((centred * centred * weight).sum() / total)
    if spread <= 1e-12 * np.abs(curve).max():
        return np.zeros(len(curve))
    return centred / spread


@kernel
def odds(curve, weight, until):
    """(T,) standardized exp of the standardized curve, straight on above `until`, so that no single frame decides."""
    scaled = standardized(curve, weight)
    for t in range(len(scaled)):
        z = scaled[t]
        scaled[t] = exp(z) if z < until else exp(until) * (1.0 + z - until)
    return standardized(scaled, weight)


@kernel
def wordings_mean(rows, weight):
    """(T,) mean of the standardized rows of (N, T)."""
    mean = np.zeros(rows.shape[1])
    for row in rows:
        mean += standardized(row, weight)
    return mean / len(rows)


@kernel
def own_curve(rows, first_rows, in_sequence, weight, until):
    """(T,) odds of the query: its wordings rows[:first_rows[0]], and at equal weight its sub-events, if it has any.

    rows (N, T): the wordings of the query, then those of each sub-event, which begin at first_rows[0], ..., and end
    at first_rows[-1] = N. In a sequence a frame may show any of the events, at the same time it shows all of them.
    """
    own = odds(wordings_mean(rows[: first_rows[0]], weight), weight, until)
    events = len(first_rows) - 1
    if events == 0:
        return own
    joined = np.full(rows.shape[1], -np.inf) if in_sequence else np.zeros(rows.shape[1])
    for e in range(events):
        mean = wordings_mean(rows[first_rows[e] : first_rows[e + 1]], weight)
        if in_sequence:
            joined = np.maximum(joined, odds(mean, weight, until))
        else:
            joined += mean
    joined = standardized(joined, weight) if in_sequence else odds(joined, weight, until)
    return standardized(own + joined, weight)


@kernel
def best_frames(curve, weight, share):
    """(T,) weights that sum to 1, on the best frames: `share` of the time, two at least."""
    order = np.argsort(-curve, kind="mergesort")
    chosen = np.zeros(len(curve))
    total = share * weight.sum()
    taken = 0.0
    for n in range(len(order)):
        if n >= 2 and taken >= total:
            break
        chosen[order[n]] = weight[order[n]]
        taken += weight[order[n]]
    return chosen / taken


@summing_kernel
def steps(features):
    """(T,) distance of each frame's features from those of the frame before; 0 for the first."""
    found = np.zeros(len(features))
    for t in range(1, len(features)):
        total = np.float32(0)
        for d in range(features.shape[1]):
            change = features[t, d] - features[t - 1, d]
            total += change * change
        found[t] = sqrt(total)
    return found


@kernel
def cut_frames(step, ratio):
    """Indices of the frames that begin a new shot: the step is a local peak, `ratio` times the median step or more."""
    found = np.empty(len(step), np.int64)
    n = 0
    if len(step) > 3:
        threshold = ratio * np.median(step[1:])
        for t in range(1, len(step)):
            after = step[t + 1] if t + 1 < len(step) else 0.0
            if step[t] > threshold and step[t] >= step[t - 1] and step[t] >= after:
                found[n] = t
                n += 1
    return found[:n]


@summing_kernel
def liveliness(features, edges, cuts, half_seconds):
    """(T,) spread of the features within +- half_seconds and the same shot, relative to the shot's mean."""
    frames, width = features.shape
    squares = np.empty(frames, np.float32)
    for t in range(frames):
        norm = np.float32(0)
        for d in range(width):
            norm += features[t, d] * features[t, d]
        squares[t] = norm
    spread = np.zeros(frames)
    total = np.zeros(width, np.float32)
    first = 0
    for c in range(len(cuts) + 1):
        last = cuts[c] if c < len(cuts) else frames
        total[:] = 0
        mass = square = shot = 0.0
        left = right = first
        for t in range(first, last):
            centre = (edges[t] + edges[t + 1]) / 2
            while right < last and (edges[right] + edges[right + 1]) / 2 <= centre + half_seconds + 1e-9:
                weight = edges[right + 1] - edges[right]
                share = np.float32(weight)
                for d in range(width):
                    total[d] += share * features[right, d]
                mass += weight
                square += weight * squares[right]
                right += 1
            while (edges[left] + edges[left + 1]) / 2 < centre - half_seconds - 1e-9:
                weight = edges[left + 1] - edges[left]
                share = np.float32(weight)
                for d in range(width):
                    total[d] -= share * features[left, d]
                mass -= weight
                square -= weight * squares[left]
                left += 1
            norm = np.float32(0)
            for d in range(width):
                norm += total[d] * total[d]
            spread[t] = sqrt(max((1 - STILL) * square / mass - float(norm) / (mass * mass), 0.0))
            shot += spread[t] * (edges[t + 1] - edges[t])
        shot /= edges[last] - edges[first]
        for t in range(first, last):
            spread[t] -= shot
        first = last
    return spread


@summing_kernel
def echo(features, chosen, weight):
    """(T,) similarity of each frame with the difference between the mean of the chosen frames and that of all.

    features (T, D) float32; chosen (T,) weights that sum to 1. NaN or infinite in a feature spoils all of it.
    """
    frames, width = features.shape
    share = (chosen - weight / weight.sum()).astype(np.float32)
    direction = np.zeros(width, np.float32)
    for t in range(frames):
        for d in range(width):
            direction[d] += share[t] * features[t, d]
    found = np.empty(frames)
    for t in range(frames):
        total = np.float32(0)
        for d in range(width):
            total += features[t, d] * direction[d]
        found[t] = total
    return found


@kernel
def with_features(curve, features, edges, best_share, echo_weight, life_weight, life_seconds, cut_ratio):
    """The evidence curve (T,) from the texts' own, and the frames that begin a shot."""
    weight = edges[1:] - edges[:-1]
    cuts = cut_frames(steps(features), cut_ratio)
    life = standardized(liveliness(features, edges, cuts, life_seconds), weight)
    again = standardized(echo(features, best_frames(curve, weight, best_share), weight), weight)
    return (1 - echo_weight) * curve + echo_weight * again + life_weight * life, cuts
