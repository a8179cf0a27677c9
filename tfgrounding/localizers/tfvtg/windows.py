"""Numba kernels of TFVTG: from curves to their best windows.

Both readings score the same windows [i, j) of j - i = stride, 2 stride, ... frames, and both need only the few best
that are left after non-maximum suppression. So no list of windows is ever made: for each end j its best window is kept
(T of them), and when a newly kept response suppresses it, the next best with that end is looked up again. Memory grows
with T, time with the number of windows. tests/twins.py holds a plain version of every kernel.
"""

from __future__ import annotations

import numpy as np

from ..kernels import kernel

RISE_THRESHOLD = np.float32(5e-4)
SUPPRESSED_ABOVE_IOU = np.float32(0.3)
SMOOTHING = np.exp(-0.5 * np.array([0.0, 1.0]) ** 2) / np.sqrt(2 * np.pi)  # a Gaussian with sigma 1: middle, side
MIDDLE, SIDE = np.float32(SMOOTHING[0]), np.float32(SMOOTHING[1])


@kernel
def masked_sums(curve, floor, masked, above, total, count):
    """Write s·m and m (T float32), m = 1 where s is above the floor, and their running sums (T + 1)."""
    total[0] = count[0] = 0.0
    for t in range(len(curve)):
        above[t] = np.float32(curve[t]) > np.float32(floor)
        masked[t] = np.float32(curve[t]) * above[t]
        total[t + 1] = total[t] + masked[t]
        count[t + 1] = count[t] + above[t]


@kernel
def smoothed_change(masked, above, stride, change):
    """Write the masked change from frame t to t + 1 of the smoothed curve, 0 at the rims."""
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
def published_contrast(total, count, start, end, everything, every_count):
    """Mean inside minus mean outside in float32, from running sums; NaN where nothing is outside."""
    inside = np.float32(total[end] - total[start])
    outside_count = every_count - np.float32(count[end] - count[start])
    value = inside / np.float32(end - start) - (everything - inside) / outside_count
    return value if outside_count > 0 else np.float32(np.nan)


@kernel
def contrast(total, count, start, end, everything, every_count):
    """Mean inside minus mean outside in float64, from running sums; an empty outside has mean 0."""
    inside = total[end] - total[start]
    outside_count = every_count - (count[end] - count[start])
    value = inside / (end - start)
    return value - (everything - inside) / outside_count if outside_count > 0 else value


@kernel
def overlaps(fraction, start, end, other_start, other_end):
    """Whether two windows are too much alike to be both kept: IoU, on float32 fractions of the video, above 0.3."""
    low, high = max(start, other_start), min(end, other_end)
    if low >= high:
        return False
    hull = fraction[max(end, other_end)] - fraction[min(start, other_start)]
    return (fraction[high] - fraction[low]) / hull > SUPPRESSED_ABOVE_IOU


@kernel
def overlaps_any(fraction, start, end, starts, ends, kept):
    for k in range(kept):  # noqa: SIM110 - numba compiles no any()
        if overlaps(fraction, start, end, starts[k], ends[k]):
            return True
    return False


@kernel
def best_published_by_end(total, count, stride, longest, score, width):
    """Write each end's best static score over all widths, and that width, the narrower first; width 0 for none."""
    frames = len(total) - 1
    everything, every_count = np.float32(total[-1]), np.float32(count[-1])
    score[:] = -np.inf
    width[:] = 0
    for w in range(stride, min(frames, longest) + 1, stride):
        for end in range(w, frames + 1):  # branch-free, so that it becomes vector code
            value = published_contrast(total, count, end - w, end, everything, every_count)
            better = value > score[end]
            score[end] = value if better else score[end]
            width[end] = w if better else width[end]


@kernel
def best_published_at(end, total, count, stride, longest, fraction, starts, ends, kept):
    """(score, width) of the best window with that end that overlaps none of the first `kept`; width 0 for none."""
    everything, every_count = np.float32(total[-1]), np.float32(count[-1])
    best_score, best_width = -np.inf, 0
    for w in range(stride, min(end, longest) + 1, stride):
        value = np.float64(published_contrast(total, count, end - w, end, everything, every_count))
        if value > best_score and not overlaps_any(fraction, end - w, end, starts, ends, kept):
            best_score, best_width = value, w
    return best_score, best_width


@kernel
def best_paper_at(end, total, count, gain, reach, stride, longest, fraction, starts, ends, kept):
    """As `best_published_at`, scored by the best k in [start, end): gain from start to k + contrast of [k, end).

    Windows that start in the same rise search up to its same end: the search for a wider one goes on where that for
    the narrower one stopped, so each frame before an end is visited at most once.
    """
    everything, every_count = total[-1], count[-1]
    best_score, best_width = -np.inf, 0
    shared_reach, best_rest, searched_from = -1, -np.inf, 0
    for w in range(stride, min(end, longest) + 1, stride):
        start = end - w
        value = contrast(total, count, start, end, everything, every_count)
        if reach[start] > start:
            if reach[start] != shared_reach:
                shared_reach, best_rest = reach[start], -np.inf
                searched_from = min(shared_reach, end - 1) + 1
            while searched_from > start + 1:
                searched_from -= 1
                rest = gain[searched_from] + contrast(total, count, searched_from, end, everything, every_count)
                best_rest = max(best_rest, rest)
            value = max(value, best_rest - gain[start])
        if value > best_score and not overlaps_any(fraction, start, end, starts, ends, kept):
            best_score, best_width = value, w
    return best_score, best_width


@kernel
def best_windows(paper, total, count, gain, reach, stride, longest, fraction, score, width, starts, ends, scores):
    """Write the windows that NMS keeps, best first, ties in the order of width, then start; returns how many.

    As many as fit into `starts`. score, width (T + 1,): each end's best window left, computed here.
    """
    frames = len(total) - 1
    if not paper:
        best_published_by_end(total, count, stride, longest, score, width)
    for kept in range(len(starts)):
        best = 0
        for end in range(stride, frames + 1):
            if paper and kept == 0:
                score[end], width[end] = best_paper_at(
                    end, total, count, gain, reach, stride, longest, fraction, starts, ends, 0
                )
            elif (
                kept > 0
                and width[end] > 0
                and overlaps(fraction, end - width[end], end, starts[kept - 1], ends[kept - 1])
            ):
                if paper:
                    score[end], width[end] = best_paper_at(
                        end, total, count, gain, reach, stride, longest, fraction, starts, ends, kept
                    )
                else:
                    score[end], width[end] = best_published_at(
                        end, total, count, stride, longest, fraction, starts, ends, kept
                    )
            if width[end] > 0 and (
                best == 0 or score[end] > score[best] or (score[end] == score[best] and width[end] < width[best])
            ):
                best = end
        if best == 0:
            return kept
        starts[kept], ends[kept], scores[kept] = best - width[best], best, score[best]
    return len(starts)


@kernel
def published_candidates(curves, edges_seconds, uniform, floor, stride, longest, kept, most):
    """(3, n) starts, ends, scores: the first response of each (N, T) curve, then the second of each, ...

    Up to `kept` of each curve and `most` in all. Starts go back to where the rise began; ends are computed in float32;
    scores are divided by the curve's best. A curve that has no window with a score has three responses [0, 0] with
    score 1.
    """
    events, frames = curves.shape
    masked, above = np.empty(frames, np.float32), np.empty(frames, np.float32)
    change, rise = np.empty(frames, np.float32), np.empty(frames, np.int64)
    total, count = np.empty(frames + 1), np.empty(frames + 1)
    score, width = np.empty(frames + 1), np.empty(frames + 1, np.int64)
    fraction = np.arange(frames + 1).astype(np.float32) / np.float32(frames)
    duration = np.float32(edges_seconds[-1])
    found = np.empty(events, np.int64)
    every = np.empty((3, kept, events))
    capacity = min(kept, (most - 1) // events + 1)  # suffices unless a curve has fewer
    while True:
        starts, ends, scores = np.empty(capacity, np.int64), np.empty(capacity, np.int64), np.empty(capacity)
        for event in range(events):
            masked_sums(curves[event], floor, masked, above, total, count)
            smoothed_change(masked, above, stride, change)
            rise_starts(change, rise)
            found[event] = best_windows(
                False, total, count, total, width, stride, longest, fraction, score, width, starts, ends, scores
            )
            for n in range(found[event]):
                every[0, n, event] = edges_seconds[rise[starts[n]]]
                every[1, n, event] = fraction[ends[n]] * duration if uniform else edges_seconds[ends[n]]
                every[2, n, event] = np.float32(scores[n]) / np.float32(scores[0])
            if found[event] == 0:
                found[event] = min(3, capacity)
                every[:2, :3, event] = 0.0
                every[2, :3, event] = 1.0
        if capacity == kept or found.sum() >= most:
            break
        capacity = kept
    listed = np.empty((3, min(most, found.sum())))
    n = 0
    for place in range(capacity):
        for event in range(events):
            if place < found[event] and n < most:
                for part in range(3):
                    listed[part, n] = every[part, place, event]
                n += 1
    return listed


@kernel
def paper_candidates(curves, edges_seconds, floor, stride, longest, most):
    """(3, n) starts, ends, scores of the best windows on the mean of the (N, T) curves.

    A mean that lies below the floor altogether is not masked.
    """
    events, frames = curves.shape
    mean = np.zeros(frames)
    for event in range(events):
        for t in range(frames):
            mean[t] += curves[event, t] / events
    if np.float32(mean.max()) <= np.float32(floor):
        floor = -np.inf
    masked, above, change = np.empty(frames, np.float32), np.empty(frames, np.float32), np.empty(frames, np.float32)
    total, count = np.empty(frames + 1), np.empty(frames + 1)
    gain, reach = np.empty(frames + 1), np.empty(frames + 1, np.int64)
    score, width = np.empty(frames + 1), np.empty(frames + 1, np.int64)
    fraction = np.arange(frames + 1).astype(np.float32) / np.float32(frames)
    starts, ends, scores = np.empty(most, np.int64), np.empty(most, np.int64), np.empty(most)
    masked_sums(mean, floor, masked, above, total, count)
    smoothed_change(masked, above, stride, change)
    rise_reaches(change, gain, reach)
    found = best_windows(True, total, count, gain, reach, stride, longest, fraction, score, width, starts, ends, scores)
    listed = np.empty((3, found))
    for n in range(found):
        listed[0, n], listed[1, n], listed[2, n] = edges_seconds[starts[n]], edges_seconds[ends[n]], scores[n]
    return listed
