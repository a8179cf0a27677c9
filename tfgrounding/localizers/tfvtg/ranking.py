"""Numba kernels that order intervals: TFVTG's vote, and the final list."""

from __future__ import annotations

import numpy as np

from ..kernels import kernel

VOTE_EXPONENT = 0.6


@kernel
def votes(start, end, score):
    """(n,) v_j = sum over i, in order, of IoU(i, j)^0.6 max(score_i, 0); the union of the IoU is the hull."""
    n = len(score)
    group = np.empty(n, np.int64)  # of equal intervals: the powers are taken once for each pair of groups
    first = np.empty(n, np.int64)
    groups = 0
    for j in range(n):
        g = 0
        while g < groups and (start[first[g]] != start[j] or end[first[g]] != end[j]):
            g += 1
        if g == groups:
            first[g] = j
            groups += 1
        group[j] = g
    power = np.empty((groups, groups))
    for g in range(groups):
        a = first[g]
        for h in range(g + 1):
            b = first[h]
            overlap = max(min(end[a], end[b]) - max(start[a], start[b]), 0.0)
            hull = max(end[a], end[b]) - min(start[a], start[b])
            power[g, h] = power[h, g] = 0.0 if overlap == 0 < hull else (overlap / hull) ** VOTE_EXPONENT
    vote = np.zeros(groups)
    for i in range(n):
        weight = 0.0 if score[i] <= 0 else score[i]  # NaN stays
        for g in range(groups):
            vote[g] += power[group[i], g] * weight
    return vote[group]


@kernel
def descending(values):
    """(n,) stable order from the largest to the smallest; NaN last."""
    order = np.arange(len(values))
    for n in range(1, len(values)):
        index, m = order[n], n
        value = values[index]
        while m > 0 and (value > values[order[m - 1]] or (np.isnan(values[order[m - 1]]) and not np.isnan(value))):
            order[m] = order[m - 1]
            m -= 1
        order[m] = index
    return order


@kernel
def ranked_by_vote(start, end, score, most):
    """(3, n) the first `most` in the order of the vote, each with its own score."""
    order = descending(votes(start, end, score))[:most]
    ranked = np.empty((3, len(order)))
    for n in range(len(order)):
        ranked[0, n], ranked[1, n], ranked[2, n] = start[order[n]], end[order[n]], score[order[n]]
    return ranked


@kernel
def defined_ranking(start, end, score, more_start, more_end, more_score, voted, duration_seconds):
    """(3, n) both lists in the order of the vote (or as given), without what is no moment; n = 0 if the first is none.

    Ends, which the public program computes in float32, are cut at the duration.
    """
    all_start = np.concatenate((start, more_start))
    all_end = np.concatenate((end, more_end))
    all_score = np.concatenate((score, more_score))
    n = len(all_score)
    order = descending(votes(all_start, all_end, all_score)) if voted else np.arange(n)
    ranked = np.empty((3, n))
    found = 0
    for place in range(n):
        index = order[place]
        if all_start[index] < all_end[index] and np.isfinite(all_score[index]):
            ranked[0, found], ranked[2, found] = all_start[index], all_score[index]
            ranked[1, found] = min(all_end[index], duration_seconds)
            found += 1
        elif place == 0:
            break
    return ranked[:, :found]


@kernel
def distinct(start, end, score):
    """(3, n) without the intervals that were there before."""
    kept = np.empty((3, len(score)))
    n = 0
    for i in range(len(score)):
        same = 0
        while same < n and (kept[0, same] != start[i] or kept[1, same] != end[i]):
            same += 1
        if same == n:
            kept[0, n], kept[1, n], kept[2, n] = start[i], end[i], score[i]
            n += 1
    return kept[:, :n]
