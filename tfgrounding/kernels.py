"""Numba kernels of TFVTG: from one curve to its best windows, and the vote among responses.

Both readings score the same windows [i, j) of j - i = stride, 2 stride, ... frames, and both want only the few best
that non-maximum suppression leaves. So no list of windows is ever made: for each end j its best window is kept (T of
them), and when a newly kept response suppresses it, the next best with that end is looked up again. Memory grows with
T, time with the number of windows.

Plain twins of every kernel stand in tests/twins.py. Kernels release the GIL and are cached on disk; none is parallel:
many queries run side by side in threads or processes instead.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba
import numpy as np

RISE_THRESHOLD = np.float32(5e-4)
VOTE_EXPONENT = 0.6
SUPPRESSED_ABOVE_IOU = np.float32(0.3)
SMOOTHING = np.exp(-0.5 * np.array([0.0, 1.0]) ** 2) / np.sqrt(2 * np.pi)  # a Gaussian with sigma 1: middle, side
MIDDLE, SIDE = np.float32(SMOOTHING[0]), np.float32(SMOOTHING[1])
LARGEST_VALUE = 1e6  # far above any cosine: larger values are scaled down to it, so that sums stay finite


def kernel(function: Callable[..., Any]) -> Any:
    """Compile when first called; keep the result on disk where that can be written, else in memory only."""
    options = {"nogil": True, "error_model": "numpy"}
    try:
        return numba.njit(cache=True, **options)(function)
    except RuntimeError:  # no folder for a cache: neither beside the module, nor NUMBA_CACHE_DIR, nor the user's own
        return numba.njit(**options)(function)


def is_cached() -> bool:
    """Whether the kernels were compiled before on this machine, so that the first answer need not wait for it."""
    folder = getattr(candidates, "stats", None) and candidates.stats.cache_path
    return bool(folder) and any(Path(folder).glob("kernels.candidates-*.nbi"))


@kernel
def all_finite(table):
    for row in table:
        for value in row:
            if not np.isfinite(value):
                return False
    return True


@kernel
def uniform_edges(frames, duration_seconds):
    """(T + 1,) borders t / T * duration."""
    edges = np.empty(frames + 1)
    for t in range(frames + 1):
        edges[t] = t / frames * duration_seconds
    return edges


@kernel
def mean_curve(curves):
    """(1, T) mean of the (N, T) curves."""
    events, frames = curves.shape
    mean = np.zeros((1, frames))
    for row in curves:
        for t in range(frames):
            mean[0, t] += row[t] / events
    return mean


@kernel
def mask_below(curve, floor, paper, masked, above):
    """Write s·m and m (float32). Paper's reading: scaled where absurdly large, unmasked where all lie below."""
    scale, anything = 1.0, False
    largest = LARGEST_VALUE
    for value in curve:
        largest = max(largest, abs(value))
        anything |= np.float32(value) > np.float32(floor)
    if paper:
        scale = LARGEST_VALUE / largest
    for t in range(len(curve)):
        above[t] = np.float32(curve[t]) > np.float32(floor) or (paper and not anything)
        masked[t] = np.float32(curve[t] * scale) * above[t]


@kernel
def smoothed_change(masked, above, stride, change):
    """Write the masked change from frame t to t + 1 of the smoothed curve, 0 at the rims (methods: the rise)."""
    frames = len(masked)
    half = min(stride - 2, 3) // 2 if stride >= 3 else 0
    change[:] = 0
    before = np.float32(0)
    for u in range(frames - 2 * half):
        if half == 1:
            after = masked[u] * SIDE + masked[u + 1] * MIDDLE + masked[u + 2] * SIDE
        elif stride >= 3:
            after = masked[u] * MIDDLE
        else:
            after = masked[u]
        if u > 0:
            change[u - 1 + half] = (after - before) * above[u - 1 + half]
        before = after


@kernel
def rise_starts(change, rise):
    """Write, for each frame, the frame at which the rise that leads to it began (0 before the first one ends)."""
    f1 = f2 = f3 = np.float32(0)
    index = 0
    for t in range(len(change)):
        f1, f2, f3 = change[t], f1, f2
        if not (
            np.float32(3) * f1 > RISE_THRESHOLD
            or np.float32(2) * f1 + f2 > RISE_THRESHOLD
            or f1 + f2 + f3 > RISE_THRESHOLD
        ):
            index = t
        rise[t] = index


@kernel
def rise_reaches(change, gain, reach):
    """Write the sum of all changes before t, and how far on from t every change exceeds the threshold (T + 1 each)."""
    frames = len(change)
    gain[0] = 0.0
    for t in range(frames):
        gain[t + 1] = gain[t] + change[t]
    reach[frames] = frames
    for t in range(frames - 1, -1, -1):
        reach[t] = reach[t + 1] if change[t] > RISE_THRESHOLD else t


@kernel
def static_score(total, count, start, end):
    """Mean inside minus mean outside in float32, from running sums; NaN or infinite where nothing is outside."""
    inside = np.float32(total[end] - total[start])
    outside = np.float32(total[-1]) - inside
    outside_count = np.float32(count[-1] - (count[end] - count[start]))
    return inside / np.float32(end - start) - outside / outside_count


@kernel
def paper_static_score(total, count, start, end):
    """Mean inside minus mean outside in float64; an empty outside has mean 0."""
    inside = total[end] - total[start]
    outside_count = count[-1] - (count[end] - count[start])
    score = inside / (end - start)
    if outside_count > 0:
        score -= (total[-1] - inside) / outside_count
    return score


@kernel
def suppressed(fraction, start, end, kept_start, kept_end, kept):
    """Whether [start, end) overlaps one of the first `kept` windows by more than the NMS threshold."""
    for k in range(kept):
        low, high = max(start, kept_start[k]), min(end, kept_end[k])
        if low < high:
            union = fraction[max(end, kept_end[k])] - fraction[min(start, kept_start[k])]
            if (fraction[high] - fraction[low]) / union > SUPPRESSED_ABOVE_IOU:
                return True
    return False


@kernel
def best_ending_at(end, paper, total, count, gain, reach, stride, longest, fraction, kept_start, kept_end, kept):
    """(score, start) of the best window with that end which no kept one suppresses; start -1 if there is none.

    Paper's reading: the best k in [start, end) of gain(start, k) + static(k, end). Windows that begin in one rise share
    its end, so the search over k goes on where that for the next shorter window stopped.
    """
    best_score, best_start = 0.0, -1
    shared_reach, best_rest, searched_from = -1, 0.0, 0
    for width in range(stride, min(end, longest) + 1, stride):
        start = end - width
        if paper:
            if reach[start] != shared_reach:
                shared_reach, best_rest = reach[start], -np.inf
                searched_from = min(shared_reach, end - 1) + 1
            while searched_from > start:
                searched_from -= 1
                rest = gain[searched_from] + paper_static_score(total, count, searched_from, end)
                best_rest = max(best_rest, rest)
            score = best_rest - gain[start]
        else:
            score = np.float64(static_score(total, count, start, end))
            if np.isnan(score):
                continue
        if (best_start < 0 or score > best_score) and not suppressed(
            fraction, start, end, kept_start, kept_end, kept
        ):
            best_score, best_start = score, start
    return best_score, best_start


@kernel
def best_windows(paper, total, count, gain, reach, stride, longest, fraction, starts, ends, scores):
    """Write the best windows after NMS, best first, ties in the order of width then start; returns how many."""
    frames = len(total) - 1
    champion = np.full(frames + 1, -1)
    champion_score = np.empty(frames + 1)
    for kept in range(len(starts)):
        best = -1
        for end in range(stride, frames + 1):
            if kept == 0 or (
                champion[end] >= 0
                and suppressed(fraction, champion[end], end, starts[kept - 1 : kept], ends[kept - 1 : kept], 1)
            ):
                champion_score[end], champion[end] = best_ending_at(
                    end, paper, total, count, gain, reach, stride, longest, fraction, starts, ends, kept
                )
            if champion[end] >= 0 and (
                best < 0
                or champion_score[end] > champion_score[best]
                or (champion_score[end] == champion_score[best] and end - champion[end] < best - champion[best])
            ):
                best = end
        if best < 0:
            return kept
        starts[kept], ends[kept], scores[kept] = champion[best], best, champion_score[best]
    return len(starts)


@kernel
def candidates(curves, edges_seconds, uniform, floor, stride, longest, paper, kept, most):
    """(3, n) starts, ends, scores: the first window of each curve, then the second of each, ..., `most` in all.

    Up to `kept` windows of each of the (N, T) curves. The public program's reading moves each start back to where the
    rise began, computes ends in float32, divides scores by the curve's best, and has three times [0, 0] with score 1
    where it drops every window (methods 1a, steps 1-4). The paper's keeps windows and scores as they are.
    """
    events, frames = curves.shape
    masked, above, change = (
        np.empty(frames, np.float32),
        np.empty(frames, np.float32),
        np.empty(frames, np.float32),
    )
    total, count, gain = np.zeros(frames + 1), np.zeros(frames + 1), np.empty(frames + 1)
    rise = np.empty(frames + 1, np.int64)  # where the rise began; in the paper's reading how far it reaches
    fraction = np.arange(frames + 1).astype(np.float32) / np.float32(frames)
    starts, ends, scores = np.empty(kept, np.int64), np.empty(kept, np.int64), np.empty(kept)
    found = np.empty(events, np.int64)
    every = np.empty((3, kept, events))
    duration = np.float32(edges_seconds[-1])
    for event in range(events):
        mask_below(curves[event], floor, paper, masked, above)
        for t in range(frames):
            total[t + 1] = total[t] + masked[t]
            count[t + 1] = count[t] + above[t]
        smoothed_change(masked, above, stride, change)
        if paper:
            rise_reaches(change, gain, rise)
        else:
            rise_starts(change, rise)
        found[event] = best_windows(paper, total, count, gain, rise, stride, longest, fraction, starts, ends, scores)
        for n in range(found[event]):
            start, end = starts[n], ends[n]
            if paper:
                every[0, n, event], every[1, n, event] = edges_seconds[start], edges_seconds[end]
                every[2, n, event] = scores[n]
            else:
                every[0, n, event] = edges_seconds[rise[start]]
                every[1, n, event] = fraction[end] * duration if uniform else edges_seconds[end]
                every[2, n, event] = np.float32(scores[n]) / np.float32(scores[0])
        if found[event] == 0:
            found[event] = min(3, kept)
            every[:2, :3, event] = 0.0
            every[2, :3, event] = 1.0
    listed = np.empty((3, min(most, found.sum())))
    n = 0
    for place in range(kept):
        for event in range(events):
            if place < found[event] and n < most:
                listed[:, n] = every[:, place, event]
                n += 1
    return listed


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
    """(3, n) both lists in the order of the vote (or as they stand), less what is no moment; n = 0 if the first is not.

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
        if not ((kept[0, :n] == start[i]) & (kept[1, :n] == end[i])).any():
            kept[0, n], kept[1, n], kept[2, n] = start[i], end[i], score[i]
            n += 1
    return kept[:, :n]
