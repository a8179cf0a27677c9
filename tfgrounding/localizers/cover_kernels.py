"""Numba kernels of the default localizer's last step: a short list of intervals that covers all that may be meant."""

from __future__ import annotations

import numpy as np

from .interval_kernels import likeliest
from .kernels import kernel

VOTERS, LEADERS = 64, 32  # windows, and as many segments, that vote; and among which of both the answers are chosen
MOST_MOMENTS = 10
LEAST_SHARE = 0.01  # of the first one's gain: a moment that adds less is not listed


@kernel
def iou(start, end, other_start, other_end):
    """Intersection over union of two intervals."""
    inside = min(end, other_end) - max(start, other_start)
    return inside / (max(end, other_end) - min(start, other_start)) if inside > 0 else 0.0


@kernel
def voters(windows, segments, segment_share, whole, duration):
    """(3, V) the likeliest windows, the heaviest segments and the whole video, and their shares of the vote.

    windows (3, W): starts, ends, log posterior. segments (3, S): starts, ends, weights; they have `segment_share` of
    what is left by the probability `whole` that the event fills the video of `duration` seconds.
    """
    windows = windows[:, likeliest(windows[2], VOTERS)]
    segments = segments[:, np.argsort(-segments[2], kind="mergesort")[:VOTERS]]
    probability = np.exp(windows[2] - windows[2].max())
    count, last = windows.shape[1], windows.shape[1] + segments.shape[1]
    found = np.empty((3, last + 1))
    found[:2, :count], found[:2, count:last] = windows[:2], segments[:2]
    found[0, last], found[1, last], found[2, last] = 0.0, duration, whole
    share = segment_share if last > count else 0.0
    found[2, :count] = probability / probability.sum() * (1 - share) * (1 - whole)
    found[2, count:last] = segments[2] / segments[2].sum() * share * (1 - whole)
    return found


@kernel
def gain(start, end, voters, covered):
    """What an interval adds: the sum of the voters' shares times by how much their best IoU grows."""
    total = 0.0
    for j in range(voters.shape[1]):
        more = iou(start, end, voters[0, j], voters[1, j]) - covered[j]
        if more > 0:
            total += voters[2, j] * more
    return total


@kernel
def cover(voters):
    """(3, n) intervals that together cover the voters best, and what each adds to those before it.

    Greedy, among the voters with the largest shares. The first is the one with the largest expected IoU. Gains only
    shrink, so that one which is not the largest need not be computed again.

    voters (3, V): starts, ends, shares.
    """
    leaders = np.argsort(-voters[2], kind="mergesort")[:LEADERS]
    covered = np.zeros(voters.shape[1])
    gains = np.empty(len(leaders))
    for k in range(len(leaders)):
        gains[k] = gain(voters[0, leaders[k]], voters[1, leaders[k]], voters, covered)
    known = np.zeros(len(leaders), np.int64)  # how many intervals were chosen when the gain was computed
    chosen = np.empty((3, MOST_MOMENTS))
    for n in range(MOST_MOMENTS):
        best = np.argmax(gains)
        while known[best] < n:
            gains[best] = gain(voters[0, leaders[best]], voters[1, leaders[best]], voters, covered)
            known[best] = n
            best = np.argmax(gains)
        start, end = voters[0, leaders[best]], voters[1, leaders[best]]
        if n > 0 and gains[best] <= LEAST_SHARE * chosen[2, 0]:
            return chosen[:, :n]
        chosen[0, n], chosen[1, n], chosen[2, n] = start, end, gains[best]
        for j in range(voters.shape[1]):
            covered[j] = max(covered[j], iou(start, end, voters[0, j], voters[1, j]))
    return chosen
