"""Numba kernels of the default localizer's second step: windows, their posterior, and the interval it agrees on.

All are linear in the number of frames or of windows; tests/localizers/test_default.py holds plain versions.
"""

from __future__ import annotations

from math import ceil, log, sqrt

import numpy as np
from scipy.special import log_ndtr

from .curve_kernels import place
from .kernels import kernel

VOTERS, LEADERS = 64, 24  # windows that vote, and among which they choose
REFINEMENTS = 3  # halvings of the step by which the winner's boundaries move
PROBIT_LOW, PROBIT_HIGH, PROBIT_STEP = -40.0, 6.0, 0.05
LOG_PROBIT = log_ndtr(np.arange(PROBIT_LOW, PROBIT_HIGH + 2 * PROBIT_STEP, PROBIT_STEP))  # log of the normal integral
HALF_LOG_TWO_PI = 0.5 * log(2 * np.pi)
NEARLY_ALL = 0.9  # of the curve's variance: one step up, one step down and hardly any noise
MOST_EXPLAINED = 0.999  # of the curve's variance, that a window may count as explaining
DEGREES = 3.0  # of freedom of the length prior: heavy tails, so that a 10-minute moment stays possible


@kernel
def log_probit(x):
    """Log of the normal integral up to x: from a table, and below it from the first term of its expansion."""
    if x < PROBIT_LOW:
        return -0.5 * x * x - log(-x) - HALF_LOG_TWO_PI
    steps_up = (min(x, PROBIT_HIGH) - PROBIT_LOW) / PROBIT_STEP
    below = int(steps_up)
    return LOG_PROBIT[below] + (steps_up - below) * (LOG_PROBIT[below + 1] - LOG_PROBIT[below])


@kernel
def contrast_model(samples, mean, sd):
    """What `log_bayes_factor` needs: true contrast ~ N(mean, sd^2), but positive, seen with variance 1 / samples."""
    root = sqrt(1 / (sd * sd) + samples)
    return mean / (sd * sd) / root, samples / root, -0.5 * mean * mean / (sd * sd) - log(sd * root)


@kernel
def log_bayes_factor(contrast, model):
    """Log of how much likelier a contrast is under the model than if the true one is 0; the true one is integrated out.

    The constant of the cut-off normal is left out: it is the same for every window.
    """
    offset, slope, constant = model
    x = offset + slope * contrast
    return constant + 0.5 * x * x + log_probit(x)


@kernel
def log_length_prior(length, typical_seconds, length_sd):
    """Log of Student's density of the log length, up to a constant: a factor either way is usual, any is possible."""
    deviation = log(length / typical_seconds) / length_sd
    return -(DEGREES + 1) / 2 * log(1 + deviation * deviation / DEGREES)


@kernel
def fit(inside, length, total, variance, duration):
    """(contrast, share of the curve's variance it explains) of a window over which the curve's integral is `inside`."""
    rest = duration - length
    if rest <= 1e-9:
        return inside / length, 0.0
    contrast = inside / length - (total - inside) / rest
    explained = contrast * contrast * length * rest / (duration * duration * variance)
    return contrast, explained if contrast > 0 else 0.0


@kernel
def in_noise(contrast, explained):
    """The contrast in units of the noise, which is what the window leaves unexplained.

    As the best of many windows explains a good part of any curve by chance, the noise only counts as smaller than
    the curve's own variance where almost nothing is left.
    """
    squared = min(explained, MOST_EXPLAINED) ** 2
    return contrast / sqrt(1 - squared * squared)


@kernel
def independent_samples(length, duration, apart_seconds):
    """How many independent samples a window of that length and the rest of the video count as together."""
    return length * max(1 - length / duration, 1e-3) / apart_seconds


@kernel
def windows(curve, edges, cuts, shortest, fineness, typical_seconds, length_sd, edge_share, apart_seconds, mean, sd):
    """(3, W) starts, ends and log posterior (up to a constant) of windows of every length from `shortest` and place.

    Lengths grow, and starts move, by `fineness` of the length; a boundary within a step of a cut moves onto it. If
    some window of whole frames explains nearly all of the curve, it is added, though it is not on the grid.
    """
    frames, duration = len(curve), edges[-1]
    weight = edges[1:] - edges[:-1]
    integral = np.zeros(frames + 1)
    for t in range(frames):
        integral[t + 1] = integral[t] + curve[t] * weight[t]
    total = integral[frames]
    variance = max((curve * curve * weight).sum() / duration - (total / duration) ** 2, 1e-12)
    lengths = ceil(log(duration / shortest) / log(1 + fineness) - 1e-9) + 1
    count = 1
    for k in range(lengths):
        length = duration / (1 + fineness) ** k
        count += ceil((duration - length) / (length * fineness)) + 1
    found = np.empty((3, count))
    n = best = 0
    most_explained = 0.0
    for k in range(lengths):
        length = duration / (1 + fineness) ** k
        places = ceil((duration - length) / (length * fineness)) + 1
        step = (duration - length) / (places - 1) if places > 1 else 0.0
        # Starts are uniform, but a moment that the video's edge cuts off counts as more of them.
        prior = log_length_prior(length, typical_seconds, length_sd)
        inside_prior = prior + log(max(step, 1e-12))
        edge_prior = prior + log(edge_share * length)
        model = contrast_model(independent_samples(length, duration, apart_seconds), mean, sd)
        at_start = at_end = near_start = near_end = 0
        for p in range(places):
            start = p * step
            end = duration if p == places - 1 else start + length
            if len(cuts) > 0:
                near_start, snapped_start = snapped(start, edges, cuts, near_start, fineness * length, p > 0)
                near_end, snapped_end = snapped(end, edges, cuts, near_end, fineness * length, p < places - 1)
                if snapped_end - snapped_start > length / 2:
                    start, end = snapped_start, snapped_end
            at_start, at_end = place(edges, at_start, start), place(edges, at_end, end)
            inside = integral[at_end] + curve[at_end] * (end - edges[at_end])
            inside -= integral[at_start] + curve[at_start] * (start - edges[at_start])
            contrast, explained = fit(inside, end - start, total, variance, duration)
            if explained > most_explained:
                most_explained, best = explained, n
            evidence = log_bayes_factor(in_noise(contrast, explained), model)
            found[0, n], found[1, n] = start, end
            found[2, n] = evidence + (edge_prior if p == 0 or p == places - 1 else inside_prior)
            n += 1
    if most_explained < NEARLY_ALL / 2:
        return found[:, :n]
    i, j, most_explained = best_fit(integral, edges, found[0, best], found[1, best], variance)
    if most_explained < NEARLY_ALL:
        return found[:, :n]
    length = edges[j] - edges[i]
    contrast, explained = fit(integral[j] - integral[i], length, total, variance, duration)
    found[0, n], found[1, n] = between_frames(curve, edges, i, j)
    model = contrast_model(independent_samples(length, duration, apart_seconds), mean, sd)
    found[2, n] = log_bayes_factor(in_noise(contrast, explained), model)
    found[2, n] += log_length_prior(length, typical_seconds, length_sd)
    found[2, n] += log(length * (edge_share if i == 0 or j == frames else fineness))
    return found


@kernel
def between_frames(curve, edges, i, j):
    """(start, end) of the window of frames i ... j - 1, each boundary's two frames covered as far as they are high."""
    around = 2  # frames beside the boundary that give the level outside
    middle = curve[i + 1 : j - 1] if j - i > 2 else curve[i:j]
    high = np.median(middle)
    left, right = curve[max(i - 1 - around, 0) : max(i - 1, 0)], curve[j + 1 : j + 1 + around]
    bounds = np.array([edges[i], edges[j]])
    for side in range(2):
        beside = left if side == 0 else right
        outer, inner = (i - 1, i) if side == 0 else (j, j - 1)
        if len(beside) == 0 or j - i < 3:
            continue
        low = beside.mean()
        if high <= low:
            continue
        out = min(max((curve[outer] - low) / (high - low), 0.0), 1.0) * (edges[outer + 1] - edges[outer])
        into = min(max((high - curve[inner]) / (high - low), 0.0), 1.0) * (edges[inner + 1] - edges[inner])
        bounds[side] += into - out if side == 0 else out - into
    return bounds[0], bounds[1]


@kernel
def best_fit(integral, edges, start, end, variance):
    """(i, j, share explained): the window [edges[i], edges[j]) uphill of [start, end), one boundary at a time."""
    frames, duration, total = len(edges) - 1, edges[-1], integral[-1]
    i = min(np.searchsorted(edges, start), frames - 1)
    j = max(np.searchsorted(edges, end), i + 1)
    most, reach = -1.0, max((j - i) // 2, 1)
    while True:
        new_i, new_j = i, j
        for move in range(-reach, reach + 1):
            for side in range(2):
                a, b = (i + move, j) if side == 0 else (i, j + move)
                if 0 <= a < b <= frames:
                    _, explained = fit(integral[b] - integral[a], edges[b] - edges[a], total, variance, duration)
                    if explained > most:
                        most, new_i, new_j = explained, a, b
        if new_i == i and new_j == j:
            return i, j, most
        i, j = new_i, new_j


@kernel
def snapped(seconds, edges, cuts, near, reach, may_move):
    """(index of the cut nearest to `seconds`, that cut's time if it lies within reach, else `seconds`)."""
    while near < len(cuts) - 1 and abs(edges[cuts[near + 1]] - seconds) <= abs(edges[cuts[near]] - seconds):
        near += 1
    moved_to = edges[cuts[near]]
    return near, moved_to if may_move and abs(moved_to - seconds) <= reach else seconds


@kernel
def likeliest(posterior, most):
    """Indices, in order, of about the `most` highest values: cut at one of 64 levels below the highest."""
    highest, levels, depth = posterior.max(), 64, 16.0
    held = np.zeros(levels + 1, np.int64)
    for value in posterior:
        below = highest - value
        if below < depth:
            held[int(below / depth * levels)] += 1
    level, total = 0, held[0]
    while level + 1 < levels and total + held[level + 1] <= most:
        level += 1
        total += held[level]
    chosen = np.empty(min(max(most, total), len(posterior)), np.int64)
    n = 0
    for w in range(len(posterior)):
        below = highest - posterior[w]
        if below < depth and int(below / depth * levels) <= level and n < len(chosen):
            chosen[n] = w
            n += 1
    return chosen[:n]


@kernel
def expected_iou(start, end, starts, ends, shares):
    """Sum of the shares of all windows times their IoU with [start, end)."""
    total = 0.0
    for j in range(len(starts)):
        inside = min(end, ends[j]) - max(start, starts[j])
        if inside > 0:
            total += shares[j] * inside / ((end - start) + (ends[j] - starts[j]) - inside)
    return total


@kernel
def elected(starts, ends, posterior, high, fineness):
    """(start, end, expected IoU) of the interval in [0, high] that the likeliest windows agree on most."""
    voters = likeliest(posterior, VOTERS)
    s, e, p = starts[voters], ends[voters], np.exp(posterior[voters])
    best, start, end = -1.0, 0.0, high
    for i in likeliest(posterior[voters], LEADERS):
        value = expected_iou(s[i], e[i], s, e, p)
        if value > best:
            best, start, end = value, s[i], e[i]
    step = (end - start) * fineness / 2
    for _ in range(REFINEMENTS):
        for side in range(4):
            while True:
                by = step if side % 2 else -step
                new_start = min(max(start + by, 0.0), high) if side < 2 else start
                new_end = min(max(end + by, 0.0), high) if side >= 2 else end
                if new_end - new_start < step or (new_start == start and new_end == end):
                    break
                value = expected_iou(new_start, new_end, s, e, p)
                if value <= best * (1 + 1e-12):
                    break
                best, start, end = value, new_start, new_end
        step /= 2
    return start, end, best
