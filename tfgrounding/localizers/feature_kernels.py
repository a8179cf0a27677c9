"""Numba kernels of the default localizer's first step: what the frames' features add to the texts' curve.

All are linear in the number of frames; tests/localizers/test_default.py holds plain versions.
"""

from __future__ import annotations

from math import sqrt

import numpy as np

from .curve_kernels import nugget, smoothed, standardized
from .kernels import kernel, summing_kernel

SAME = 1e-6  # of the features' square: a smaller change is rounding, of the same picture
STILL = 1e-5  # of the features' mean square: less spread than that is rounding
LONG_SECONDS = 1.5  # of one frame: as good as two
CUT_SPREADS = 1.3  # two unrelated pictures are about 1.4 times the spread apart
CUT_LASTS, CUT_SECONDS = 0.8, 1.0  # share of a cut's step that is left between the means so long before and after


@kernel
def first_frames(features):
    """Indices of the frames whose features differ from those of the last such frame by more than rounding."""
    found = np.empty(len(features), np.int64)
    found[0] = 0
    n = 1
    for t in range(1, len(features)):
        last = found[n - 1]
        change = size = np.float32(0)
        for d in range(features.shape[1]):
            step = features[t, d] - features[last, d]
            change += step * step
            size += features[t, d] * features[t, d]
        if not change <= SAME * size:  # also where one is not a number
            found[n] = t
            n += 1
    return found[:n]


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


@summing_kernel
def spread_and_noise(features, step):
    """(root mean square distance from the mean, the share of its square that is noise); `step` as of `steps`."""
    frames, width = features.shape
    mean = np.zeros(width, np.float32)
    square = far = near = 0.0
    for t in range(frames):
        norm = gap = np.float32(0)
        before = max(t - 2, 0)
        for d in range(width):
            mean[d] += features[t, d]
            norm += features[t, d] * features[t, d]
            change = features[t, d] - features[before, d]
            gap += change * change
        square += float(norm)
        far += float(gap) if t >= 2 else 0.0
        near += step[t] * step[t]
    for d in range(width):
        square -= mean[d] * mean[d] / frames
    return sqrt(max(square, 0.0) / frames), nugget(square, near, far, frames)


@kernel
def cut_frames(features, edges, step, spread, ratio, still_seconds):
    """Indices of the frames that begin a new shot.

    There the step from the frame before is sudden, a local peak and `ratio` times the median step or more, or both
    pictures stand still for `still_seconds`; it is as long as between two scenes, CUT_SPREADS times the spread of the
    features over the video; and it lasts: the means over CUT_SECONDS before and after are as far apart.
    """
    frames, width = features.shape
    found = np.empty(frames, np.int64)
    n = 0
    usual = np.median(step[1:]) if frames > 1 else 0.0
    for t in range(1, frames):
        after = step[t + 1] if t + 1 < frames else 0.0
        still = min(edges[t] - edges[t - 1], edges[t + 1] - edges[t]) >= still_seconds
        sudden = step[t] > ratio * usual and step[t] >= step[t - 1] and step[t] >= after
        if (still or sudden) and step[t] > CUT_SPREADS * spread:
            first, last = t - 1, t + 1
            while first > 0 and edges[first] > edges[t] - CUT_SECONDS + 1e-9:
                first -= 1
            while last < frames and edges[last] < edges[t] + CUT_SECONDS - 1e-9:
                last += 1
            square = 0.0
            for d in range(width):
                change = features[t:last, d].sum() / (last - t) - features[first:t, d].sum() / (t - first)
                square += change * change
            if square >= (CUT_LASTS * step[t]) ** 2:
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


@kernel
def best_frames(curve, weight, share):
    """(T,) weights that sum to 1, on the best frames: `share` of the time, two at least, or one that is long."""
    order = np.argsort(-curve, kind="mergesort")
    chosen = np.zeros(len(curve))
    total = share * weight.sum()
    taken = 0.0
    for n in range(len(order)):
        if taken >= total and (n >= 2 or taken >= LONG_SECONDS):
            break
        chosen[order[n]] = weight[order[n]]
        taken += weight[order[n]]
    return chosen / taken


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
def with_features(
    curve, features, edges, cuts, noise, best_share, echo_weight, smoothing_seconds, life_weight, life_seconds
):
    """The evidence curve (T,) from the texts' own: the noisier, the more weight has the echo and the less the life."""
    weight = edges[1:] - edges[:-1]
    life = standardized(liveliness(features, edges, cuts, life_seconds), weight)
    steady = smoothed(curve, edges, cuts[:0], noise * smoothing_seconds) if noise > 0 else curve
    again = standardized(echo(features, best_frames(steady, weight, best_share), weight), weight)
    share = echo_weight * (1 + noise)
    return (1 - share) * curve + share * again + (1 - noise) * life_weight * life
