"""Picks, one candidate of each sub-event, and beams: for each state the best few prefixes of picks, in order.

A beam is three arrays: values (S, R), choices (S, R, m) and held (S,), how many prefixes each state holds. Prefixes
stand by value, those of equal value in the order in which they would be listed, the first sub-event slowest. Whatever
decides whether a prefix can go on is in its state, so the best few of each state are all that the answer needs.
"""

from __future__ import annotations

import numpy as np

from .kernels import kernel


@kernel
def unpack(flat, lengths, picks):
    """(m, k) starts, ends, scores, and how many of each row count, from the events' arrays one after the other."""
    events = len(lengths)
    starts, ends, scores = np.zeros((events, picks)), np.zeros((events, picks)), np.zeros((events, picks))
    sizes = np.empty(events, np.int64)
    at = 0
    for e in range(events):
        length = lengths[e]
        sizes[e] = min(length, picks)
        for p in range(sizes[e]):
            starts[e, p], ends[e, p], scores[e, p] = flat[at + p], flat[at + length + p], flat[at + 2 * length + p]
        at += 3 * length
    return starts, ends, scores, sizes


@kernel
def clipped(score):
    return 0.0 if score <= 0 else score  # NaN stays


@kernel
def empty_beam(states, most, events):
    return np.empty((states, most)), np.empty((states, most, events), np.int64), np.zeros(states, np.int64)


@kernel
def insert(beam, state, value, prefix, depth, pick):
    """Put prefix[:depth] + pick into the list of that state, if it is among the best: by value, then by order."""
    values, choices, held = beam
    place = held[state]
    while place > 0:
        other = choices[state, place - 1]
        before = value > values[state, place - 1]
        if value == values[state, place - 1]:
            d = 0
            while d < depth and prefix[d] == other[d]:
                d += 1
            before = prefix[d] < other[d] if d < depth else pick < other[depth]
        if not before:
            break
        place -= 1
    if place == values.shape[1]:
        return
    held[state] = min(held[state] + 1, values.shape[1])
    for p in range(held[state] - 1, place, -1):
        values[state, p] = values[state, p - 1]
        for d in range(depth + 1):
            choices[state, p, d] = choices[state, p - 1, d]
    values[state, place] = value
    for d in range(depth):
        choices[state, place, d] = prefix[d]
    choices[state, place, depth] = pick


@kernel
def extend(beam, state, following, following_state, depth, pick, gain):
    """Put every prefix of a state, with one more pick, into a state of the following beam."""
    for n in range(beam[2][state]):
        insert(following, following_state, beam[0][state, n] + gain, beam[1][state, n], depth, pick)


@kernel
def collect(beam, state, best):
    """Put the whole picks of a state into the one list of `best`."""
    depth = beam[1].shape[2] - 1
    for n in range(beam[2][state]):
        insert(best, 0, beam[0][state, n], beam[1][state, n], depth, beam[1][state, n, depth])


@kernel
def sharing(starts, ends, gains, sizes, instant, open_end, earliest, latest, wanted, value, most):
    """Beam of the picks that all contain `instant` and lie in [earliest, latest]; those that count have state `wanted`.

    The state is a set of bits: 1 one start is the instant, 2 one start is `earliest`, 4 one end is `latest`.
    `open_end`: ends must lie behind the instant, not at it. A pick's value is `value` and the sum of its gains.
    """
    events = len(sizes)
    beam = empty_beam(8, most, events)
    beam[0][0, 0], beam[2][0] = value, 1
    for e in range(events):
        following = empty_beam(8, most, events)
        for p in range(sizes[e]):
            start, end = starts[e, p], ends[e, p]
            if earliest <= start <= instant <= end <= latest and not (open_end and end == instant):
                bits = wanted & ((start == instant) | (start == earliest) << 1 | (end == latest) << 2)
                for state in range(8):
                    extend(beam, state, following, state | bits, e, p, gains[e, p])
        beam = following
        if beam[2].sum() == 0:
            break
    return beam


@kernel
def is_first(values, row, column):
    """Whether no entry of the (m, k) table before this one, row by row, has the same value."""
    for r in range(row + 1):
        for c in range(column if r == row else values.shape[1]):
            if values[r, c] == values[row, column]:
                return False
    return True


@kernel
def best_together(starts, ends, gains, sizes, open_end, earliest, latest, wanted, value, best):
    """Collect the best picks that share an instant: each is found at the instant of its latest start."""
    for e in range(len(sizes)):
        for p in range(sizes[e]):
            instant = starts[e, p]
            if earliest <= instant <= latest and is_first(starts, e, p):
                beam = sharing(
                    starts, ends, gains, sizes, instant, open_end, earliest, latest, wanted, value, best[0].shape[1]
                )
                collect(beam, wanted, best)


@kernel
def best_in_order(starts, ends, sizes, first, last, value, best):
    """Collect, with that value, the first picks in sequence from the candidate `first` to `last`; -1 for any."""
    events, picks = starts.shape
    most = best[0].shape[1]
    beam = empty_beam(picks, most, events)  # the state: the latest candidate
    root = empty_beam(1, most, events)
    root[0][0, 0], root[2][0] = value, 1
    for p in range(sizes[0]):
        if first in (-1, p):
            extend(root, 0, beam, p, 0, p, 0.0)
    for e in range(1, events):
        following = empty_beam(picks, most, events)
        for p in range(sizes[e - 1]):
            for q in range(sizes[e]):
                if starts[e, q] >= ends[e - 1, p]:
                    extend(beam, p, following, q, e, q, 0.0)
        beam = following
    for q in range(picks):
        if last in (-1, q):
            collect(beam, q, best)


@kernel
def results_of(best, starts, ends, scores, sizes, shared, product):
    """(3, n) the hull of each pick, or what its candidates share, and the product of its scores, or its value."""
    results = np.empty((3, best[2][0]))
    for n in range(best[2][0]):
        low, high, score = (-np.inf, np.inf, 1.0) if shared else (np.inf, -np.inf, 1.0)
        for e in range(len(sizes)):
            p = best[1][0, n, e]
            low = max(low, starts[e, p]) if shared else min(low, starts[e, p])
            high = min(high, ends[e, p]) if shared else max(high, ends[e, p])
            score *= clipped(scores[e, p])
        results[0, n], results[1, n], results[2, n] = low, high, score if product else best[0][0, n]
    return results
