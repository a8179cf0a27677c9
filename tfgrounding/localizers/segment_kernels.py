"""Numba kernels of the default localizer: stretches where the smoothed curve is high, at several scales and levels.

All are linear in the number of frames; tests/localizers/test_default.py holds plain versions.
"""

from __future__ import annotations

from math import exp, sqrt

import numpy as np

from .curve_kernels import smoothed
from .interval_kernels import log_length_prior
from .kernels import kernel

SCALES_SECONDS = (1.1, 1.9, 3.1, 5.5)  # standard deviations of the smoothing; in seconds, as what happens is
SHORT_SECONDS = 18.0  # a video shorter than that is smoothed less
LEVELS = (-0.8, -0.4, 0.0, 0.4, 0.8)  # above Otsu's threshold, in standard deviations of the smoothed curve
BINS = 64  # of the histogram in which Otsu's threshold is searched


@kernel
def otsu(curve, weight):
    """The level that splits the frames into two groups of the least variance (Otsu 1979), from a histogram."""
    low, high = curve.min(), curve.max()
    held = np.zeros(BINS)
    for t in range(len(curve)):
        held[min(int((curve[t] - low) / (high - low) * BINS), BINS - 1)] += weight[t]
    held /= held.sum()
    whole = 0.0
    for k in range(BINS):
        whole += held[k] * k
    below = moment = 0.0
    most, best = -1.0, 0
    for k in range(BINS - 1):
        below += held[k]
        moment += held[k] * k
        if below > 0 and below < 1:
            between = (whole * below - moment) ** 2 / (below * (1 - below))
            if between > most:
                most, best = between, k
    return low + (high - low) * (best + 1) / BINS


@kernel
def segments(curve, edges, cuts, typical_seconds, length_sd):
    """(3, S) starts, ends and weights of the stretches above some level at some scale.

    A stretch weighs as much as its mean height, each time it is found, times the prior of its length.
    """
    frames, duration = len(curve), edges[-1]
    weight = edges[1:] - edges[:-1]
    most = len(SCALES_SECONDS) * len(LEVELS) * (frames // 2 + 1)
    key, height = np.empty(most, np.int64), np.empty(most)
    n = 0
    for scale in SCALES_SECONDS:
        level_curve = smoothed(curve, edges, cuts, scale * min(1.0, duration / SHORT_SECONDS))
        mean = (level_curve * weight).sum() / duration
        spread = sqrt(max((level_curve * level_curve * weight).sum() / duration - mean * mean, 0.0))
        if spread <= 1e-9:
            continue
        level_curve = (level_curve - mean) / spread
        threshold = otsu(level_curve, weight)
        for level in LEVELS:
            start, total, length = -1, 0.0, 0.0
            for t in range(frames + 1):
                if t < frames and level_curve[t] > threshold + level:
                    if start < 0:
                        start, total, length = t, 0.0, 0.0
                    total += level_curve[t] * weight[t]
                    length += weight[t]
                elif start >= 0:
                    if total > 0:
                        prior = exp(log_length_prior(length, typical_seconds, length_sd))
                        key[n], height[n] = start * (frames + 1) + t, total / length * prior
                        n += 1
                    start = -1
    found = np.empty((3, n))
    count, last = 0, -1
    for i in np.argsort(key[:n], kind="mergesort"):
        if key[i] == last:
            found[2, count - 1] += height[i]
        else:
            last = key[i]
            found[0, count], found[1, count] = edges[last // (frames + 1)], edges[last % (frames + 1)]
            found[2, count] = height[i]
            count += 1
    return found[:, :count]
