"""Numba kernels of the default localizer's last step: a short list of intervals that covers all that may be meant."""

from __future__ import annotations

from math import sqrt

import numpy as np

from .interval_kernels import likeliest
from .kernels import kernel, summing_kernel

VOTERS, LEADERS = 64, 32  # windows, and as many segments, that vote; among which of both the first answer is chosen
PLACES, LATER_VOTERS, LATER_LEADERS = 3, 32, 96  # for the later answers: see `places`
MOST_MOMENTS = 10
LEAST_SHARE = 0.01  # of the first one's gain: a moment that adds less is not listed


@kernel
def iou(start, end, other_start, other_end):
    """Intersection over union of two intervals."""
    inside = min(end, other_end) - max(start, other_start)
    return inside / (max(end, other_end) - min(start, other_start)) if inside > 0 else 0.0


@kernel
def places(windows):
    """((W,) indices, (W,) shares, how many belong to the first) of the likeliest windows at PLACES of the video.

    After the first place, the windows that do not touch its likeliest moment have another, and so on. In the posterior
    the others have next to nothing, as it is about one moment; the root of their mass lets all of them have a say.
    """
    chosen = likeliest(windows[2], VOTERS)
    count = len(chosen)
    highest = windows[2][chosen].max()
    share = np.exp(windows[2][chosen] - highest)
    first = mass = share.sum()
    share /= mass
    found, posterior = chosen, windows[2].copy()
    for _ in range(1, PLACES):
        best = found[most_agreed(windows[:, found], share[len(chosen) - len(found) :])]
        start, end = windows[0, best] + 1e-9, windows[1, best] - 1e-9
        left = -np.inf
        for w in range(len(posterior)):
            if windows[1, w] > start and windows[0, w] < end:
                posterior[w] = -np.inf
            left = max(left, posterior[w])
        if left == -np.inf:
            break
        found = likeliest(posterior, LATER_VOTERS)
        probability = np.exp(posterior[found] - highest)
        mass = probability.sum()
        if mass <= 0:
            break
        chosen = np.concatenate((chosen, found))
        share = np.concatenate((share, probability / sqrt(mass * first)))
    return chosen, share, count


@kernel
def most_agreed(intervals, shares):
    """The index of the interval with the largest expected IoU, among the LATER_VOTERS with the largest shares."""
    nothing = np.zeros(len(shares))
    starts, ends = intervals[0].copy(), intervals[1].copy()
    most, best = -1.0, 0
    for k in np.argsort(-shares, kind="mergesort")[:LATER_VOTERS]:
        expected = gain(starts[k], ends[k], starts, ends, shares, nothing)
        if expected > most:
            most, best = expected, k
    return best


@kernel
def voters(windows, window_shares, segments, segment_share, sure):
    """(3, V) windows, segments and sure intervals, with their shares of the vote.

    windows (2, W): starts, ends. segments (3, S): starts, ends, weights; they have `segment_share` of what the sure
    intervals leave. sure (3, K): starts, ends, probabilities.
    """
    middle, last = windows.shape[1], windows.shape[1] + segments.shape[1]
    found = np.empty((3, last + sure.shape[1]))
    found[:2, :middle], found[:2, middle:last], found[:, last:] = windows, segments[:2], sure
    left = 1 - sure[2].sum()
    part = segment_share if last > middle else 0.0
    found[2, :middle] = window_shares / window_shares.sum() * (1 - part) * left
    found[2, middle:last] = segments[2] / segments[2].sum() * part * left
    return found


@summing_kernel
def gain(start, end, starts, ends, shares, covered):
    """What an interval adds: the sum of the voters' shares times by how much their best IoU grows."""
    total = 0.0
    for j in range(len(starts)):
        inside = max(min(end, ends[j]) - max(start, starts[j]), 0.0)
        overlap = inside / ((end - start) + (ends[j] - starts[j]) - inside)
        total += shares[j] * max(overlap - covered[j], 0.0)
    return total


@kernel
def cover(voters, leaders, chosen, most):
    """(3, n) up to `most` intervals that together cover the voters best, and what each adds to those before it.

    Greedy, among as many `leaders` with the largest shares. Gains only shrink, so that one which is not the largest
    need not be computed again.

    voters (3, V): starts, ends, shares. chosen (3, k): what is chosen already.
    """
    starts, ends, shares = voters[0].copy(), voters[1].copy(), voters[2].copy()
    leading = np.argsort(-shares, kind="mergesort")[:leaders]
    covered = np.zeros(voters.shape[1])
    found = np.empty((3, most))
    begun = chosen.shape[1]
    for n in range(begun):
        found[:, n] = chosen[:, n]
        for j in range(voters.shape[1]):
            covered[j] = max(covered[j], iou(found[0, n], found[1, n], starts[j], ends[j]))
    gains = np.empty(len(leading))
    for k in range(len(leading)):
        gains[k] = gain(starts[leading[k]], ends[leading[k]], starts, ends, shares, covered)
    known = np.full(len(leading), begun)  # how many intervals were chosen when the gain was computed
    for n in range(begun, most):
        best = np.argmax(gains)
        while known[best] < n:
            gains[best] = gain(starts[leading[best]], ends[leading[best]], starts, ends, shares, covered)
            known[best] = n
            best = np.argmax(gains)
        if n > 0 and gains[best] <= LEAST_SHARE * found[2, 0]:
            return found[:, :n]
        found[0, n], found[1, n] = starts[leading[best]], ends[leading[best]]
        found[2, n] = gains[best] if n == 0 else min(gains[best], found[2, n - 1])
        for j in range(voters.shape[1]):
            covered[j] = max(covered[j], iou(found[0, n], found[1, n], starts[j], ends[j]))
    return found


@kernel
def answers(windows, segments, segment_share, sure):
    """(3, n) moments and scores, best first: the interval with the largest expected IoU, then what else may be meant.

    windows (3, W): starts, ends, log posterior; the rest as for `voters`.
    """
    chosen, share, count = places(windows)
    segments = segments[:, np.argsort(-segments[2], kind="mergesort")[:VOTERS]]
    likely = windows[:2, chosen]
    votes = voters(likely[:, :count], share[:count], segments, segment_share, sure)
    first = cover(votes, LEADERS, np.empty((3, 0)), 1)
    votes = voters(likely, share, segments, segment_share, sure)
    found = cover(votes, LATER_LEADERS, first, MOST_MOMENTS)
    if found.shape[1] > 1:  # as the votes are others, all scores together might be more than 1
        left = max(1 - found[2, 0], 1e-12)
        found[2, 1:] *= min(1.0, left / found[2, 1:].sum())
    return found
