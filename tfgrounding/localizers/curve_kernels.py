"""Numba kernels of the default localizer's first step: the curve of a query's texts, and how noisy it is.

All are linear in the number of frames; tests/localizers/test_default.py holds plain versions.
"""

from __future__ import annotations

from math import exp, log, sqrt

import numpy as np

from .kernels import kernel

LEFT, LEAST_SLOPE = -1.0, 0.1  # skewness from which on, and least share to which, odds grow slower
PASSES = 3  # of a running mean, which together are nearly a Gaussian
GLIMPSE_SECONDS = 2.0  # over which a curve's highest level is measured
LEVEL, CONTRAST, EVEN, LOWEST = 1.0, 2.0, 3.0, -2.0  # of the log odds that an event fills the video
LEAST_DEVIATION = 0.25  # of unrelated texts' levels, as a share of that of all their values
DOUBTLESS, STEEPNESS = 8.0, 3.0  # deviations above unrelated texts, where a fit is as likely certain as not
NEARLY_HIGHEST = 0.7  # of such a height, above which a stretch fits as well


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
def odds(curve, weight, until, slope):
    """(T,) standardized exp(slope * z) of the standardized curve z, straight on above `until`: no one frame decides.

    The slope is smaller where z is skewed to the left: there dips say when the event is not, and exp would hide them.
    """
    scaled = standardized(curve, weight)
    skewness = (scaled * scaled * scaled * weight).sum() / weight.sum()
    slope *= min(max(1.0 + skewness - LEFT, LEAST_SLOPE), 1.0)
    for t in range(len(scaled)):
        z = scaled[t]
        scaled[t] = exp(slope * z) if z < until else exp(slope * until) * (1.0 + slope * (z - until))
    return standardized(scaled, weight)


@kernel
def wordings_mean(rows, weight):
    """(T,) mean of the standardized rows of (N, T)."""
    mean = np.zeros(rows.shape[1])
    for row in rows:
        mean += standardized(row, weight)
    return mean / len(rows)


@kernel
def own_curve(rows, first_rows, in_sequence, weight, until, slope):
    """(T,) odds of the query: its wordings rows[:first_rows[0]], and at equal weight its sub-events, if it has any.

    rows (N, T): the wordings of the query, then those of each sub-event, which begin at first_rows[0], ..., and end
    at first_rows[-1] = N. In a sequence a frame may show any of the events, at the same time it shows all of them.
    """
    own = odds(wordings_mean(rows[: first_rows[0]], weight), weight, until, slope)
    events = len(first_rows) - 1
    if events == 0:
        return own
    joined = np.full(rows.shape[1], -np.inf) if in_sequence else np.zeros(rows.shape[1])
    for e in range(events):
        mean = wordings_mean(rows[first_rows[e] : first_rows[e + 1]], weight)
        if in_sequence:
            joined = np.maximum(joined, odds(mean, weight, until, slope))
        else:
            joined += mean
    joined = standardized(joined, weight) if in_sequence else odds(joined, weight, until, slope)
    return standardized(own + joined, weight)


@kernel
def place(edges, hint, seconds):
    """The frame t near `hint` with edges[t] <= seconds < edges[t + 1]."""
    frames = len(edges) - 1
    while hint < frames - 1 and edges[hint + 1] <= seconds:
        hint += 1
    while hint > 0 and edges[hint] > seconds:
        hint -= 1
    return hint


@kernel
def smoothed(curve, edges, cuts, sd_seconds):
    """(T,) the curve after `PASSES` running means as wide as makes their variances add up; shorter at the edges."""
    frames = len(curve)
    half = sd_seconds * sqrt(3.0 / PASSES)
    found, integral = curve.copy(), np.zeros(frames + 1)
    for _ in range(PASSES):
        for t in range(frames):
            integral[t + 1] = integral[t] + found[t] * (edges[t + 1] - edges[t])
        left = right = shot = 0
        level = found.copy()
        first, last = 0.0, edges[cuts[0]] if len(cuts) else edges[-1]
        for t in range(frames):
            if shot < len(cuts) and t == cuts[shot]:
                shot += 1
                first, last = last, edges[cuts[shot]] if shot < len(cuts) else edges[-1]
            middle = (edges[t] + edges[t + 1]) / 2
            start, end = max(middle - half, first), min(middle + half, last)
            left, right = place(edges, left, start), place(edges, right, end)
            inside = integral[right] + level[right] * (end - edges[right])
            inside -= integral[left] + level[left] * (start - edges[left])
            found[t] = inside / (end - start)
    return found


@kernel
def noise_of_curves(rows):
    """Mean share of the variance of (N, T) curves that neighbouring frames do not share: see `nugget`."""
    frames = rows.shape[1]
    total = 0.0
    for row in rows:
        mean = row.mean()
        variance = near = far = 0.0
        for t in range(frames):
            variance += (row[t] - mean) ** 2
            if t >= 1:
                near += (row[t] - row[t - 1]) ** 2
            if t >= 2:
                far += (row[t] - row[t - 2]) ** 2
        total += nugget(variance, near, far, frames)
    return total / len(rows)


@kernel
def nugget(variance, near, far, frames):
    """Share of a variance that frames no time apart would not have in common, were there any.

    Half the squared differences over one and over two frames, extrapolated to none: the nugget of geostatistics.
    All three are sums over the frames.
    """
    if variance <= 0 or frames < 4:
        return 0.0
    extrapolated = 2 * near / (frames - 1) - far / (frames - 2)
    return min(max(extrapolated / (2 * variance / frames), 0.0), 1.0)


@kernel
def level_and_contrast(curve, edges):
    """(mean, log of how far a curve rises above it: its best GLIMPSE_SECONDS and its deviation over time)."""
    frames, duration = len(curve), edges[-1]
    mean = square = 0.0
    for t in range(frames):
        mean += curve[t] * (edges[t + 1] - edges[t])
    mean /= duration
    for t in range(frames):
        square += (curve[t] - mean) ** 2 * (edges[t + 1] - edges[t])
    highest = inside = length = 0.0
    first = 0
    for t in range(frames):
        inside += curve[t] * (edges[t + 1] - edges[t])
        length += edges[t + 1] - edges[t]
        while first < t and length - (edges[first + 1] - edges[first]) >= GLIMPSE_SECONDS - 1e-9:
            inside -= curve[first] * (edges[first + 1] - edges[first])
            length -= edges[first + 1] - edges[first]
            first += 1
        if length >= min(GLIMPSE_SECONDS, duration) - 1e-9:
            highest = max(highest, inside / length - mean)
    return mean, 0.5 * (log(highest + 1e-12) + log(sqrt(square / duration) + 1e-12))


@kernel
def above_unrelated(rows, null_curves):
    """(T,) the mean of the query's wordings (N, T), and (M, T) unrelated texts, all less the mean of the latter."""
    common = np.zeros(rows.shape[1])
    for null in null_curves:
        common += null / len(null_curves)
    own = np.zeros(rows.shape[1])
    for row in rows:
        own += row / len(rows)
    return own - common, null_curves - common


@kernel
def probability_of_whole(rows, null_curves, edges):
    """Probability that the event fills the video: its level lies high above unrelated texts', and rises no further.

    Both are counted in deviations of the unrelated texts' own. A thing that comes and goes stands out at some time.

    rows (N, T), null_curves (M >= 3, T): similarity of the query's wordings, and of unrelated texts.
    """
    own, others = above_unrelated(rows, null_curves)
    count = len(others)
    level, contrast = level_and_contrast(own, edges)
    levels, contrasts = np.empty(count), np.empty(count)
    for m in range(count):
        levels[m], contrasts[m] = level_and_contrast(others[m] * (count / (count - 1)), edges)
    level = (level - levels.mean()) / max(levels.std(), LEAST_DEVIATION * others.std(), 1e-12)
    contrast = max((contrast - contrasts.mean()) / max(contrasts.std(), 1e-12), LOWEST)
    return 1 / (1 + exp(EVEN + CONTRAST * contrast - LEVEL * level))


@kernel
def beyond_doubt(rows, null_curves, edges):
    """(3, K) starts, ends and probabilities of the stretches where the query fits as no unrelated text ever does.

    As where a text is quoted. The highest must lie DOUBTLESS deviations of the unrelated texts above the lower part.
    Arguments as for `probability_of_whole`.
    """
    own, others = above_unrelated(rows, null_curves)
    middle = (own.max() + own.min()) / 2
    below = length = 0.0
    for t in range(len(own)):
        if own[t] <= middle:
            below += own[t] * (edges[t + 1] - edges[t])
            length += edges[t + 1] - edges[t]
    if length == 0:
        return np.empty((3, 0))
    below /= length
    height = (own.max() - below) / max(others.std(), 1e-12)
    level = below + NEARLY_HIGHEST * (own.max() - below)
    found = np.empty((3, len(own) // 2 + 1))
    n, start = 0, -1
    for t in range(len(own) + 1):
        if t < len(own) and own[t] > level:
            start = t if start < 0 else start
        elif start >= 0:
            found[0, n], found[1, n] = edges[start], edges[t]
            n, start = n + 1, -1
    found[2, :n] = 1 / (1 + exp(STEEPNESS * (DOUBTLESS - height))) / n
    return found[:, :n]


@kernel
def sure_intervals(rows, null_curves, edges):
    """(3, K) the whole video and the stretches beyond doubt: starts, ends and probabilities."""
    whole = probability_of_whole(rows, null_curves, edges)
    stretches = beyond_doubt(rows, null_curves, edges)
    found = np.empty((3, 1 + stretches.shape[1]))
    found[0, 0], found[1, 0], found[2, 0] = 0.0, edges[-1], whole
    found[:2, 1:] = stretches[:2]
    found[2, 1:] = stretches[2] * (1 - whole)
    return found
