"""The best picks of one candidate from each sub-event, found without listing all k^m picks.

A search goes through the sub-events and keeps, for each state, the best few picks so far (a beam). Whatever decides
whether a pick can go on is in its state, so the best few of each state are all that the answer needs.

A beam is three arrays: values (S, R), choices (S, R, m) and held (S,), how many picks each state holds. Picks are
sorted by value, those of equal value in the order in which they would be listed, the first sub-event slowest.

Candidates come as (m, k) arrays of starts, ends and gains, of which row e holds sizes[e]. "Together" means that all
candidates share an instant, otherwise they follow each other in the order of the sub-events. `strict` is TFVTG's public
program: in order, no candidate starts before the one before it ends; together, they may share a single instant. Without
`strict` it is the paper: in order, no candidate starts after a later one's end; together, they share a stretch of time.
"""

from __future__ import annotations

import numpy as np

from ..kernels import kernel


@kernel
def empty_beam(states, most, events):
    return np.empty((states, most)), np.empty((states, most, events), np.int64), np.zeros(states, np.int64)


@kernel
def insert(beam, state, value, pick, depth, candidate):
    """Put pick[:depth] + candidate into the list of that state, if it is among the best: by value, then by order."""
    values, choices, held = beam
    place = held[state]
    while place > 0:
        other = choices[state, place - 1]
        before = value > values[state, place - 1]
        if value == values[state, place - 1]:
            d = 0
            while d < depth and pick[d] == other[d]:
                d += 1
            before = pick[d] < other[d] if d < depth else candidate < other[depth]
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
        choices[state, place, d] = pick[d]
    choices[state, place, depth] = candidate


@kernel
def extend(beam, state, following, following_state, depth, candidate, gain):
    """Put every pick of a state, with one more candidate, into a state of the following beam."""
    for n in range(beam[2][state]):
        insert(following, following_state, beam[0][state, n] + gain, beam[1][state, n], depth, candidate)


@kernel
def collect(beam, state, best):
    """Put the whole picks of a state into the one list of `best`."""
    last = beam[1].shape[2] - 1
    for n in range(beam[2][state]):
        insert(best, 0, beam[0][state, n], beam[1][state, n], last, beam[1][state, n, last])


@kernel
def add_best(starts, ends, gains, sizes, together, strict, low, high, value, best):
    """Add to `best` the best picks that keep the relation, valued at `value` plus the sum of their gains.

    `low`, `high`: the hull that a pick must have, NaN for any; in order, only where `strict`.
    """
    if together:
        for instant in np.unique(starts):  # each pick is found at the instant of its latest start
            if not (instant < low or instant > high):
                add_best_at(instant, starts, ends, gains, sizes, strict, low, high, value, best)
    else:
        add_best_in_order(starts, ends, gains, sizes, strict, low, high, value, best)


@kernel
def add_best_at(instant, starts, ends, gains, sizes, touching, low, high, value, best):
    """The picks whose candidates all contain `instant`, the start of one of them.

    The state is a set of bits: 1 one start is the instant, 2 one start is `low`, 4 one end is `high`.
    """
    events = len(sizes)
    wanted = 1 | (low == low) << 1 | (high == high) << 2
    beam = empty_beam(8, best[0].shape[1], events)
    beam[0][0, 0], beam[2][0] = value, 1
    for e in range(events):
        following = empty_beam(8, best[0].shape[1], events)
        for p in range(sizes[e]):
            start, end = starts[e, p], ends[e, p]
            if start < low or end > high or start > instant or end < instant or (end == instant and not touching):
                continue
            bits = (start == instant) | (start == low) << 1 | (end == high) << 2
            for state in range(8):
                extend(beam, state, following, state | bits, e, p, gains[e, p])
        beam = following
        if beam[2].sum() == 0:
            return
    collect(beam, wanted, best)


@kernel
def add_best_in_order(starts, ends, gains, sizes, strict, low, high, value, best):
    """The picks in order. The state: the candidate that the next ones must not cross, e * k + p + 1, or 0 for none."""
    events, k = starts.shape
    states = 1 + starts.size
    beam = empty_beam(states, best[0].shape[1], events)
    beam[0][0, 0], beam[2][0] = value, 1
    for e in range(events):
        following = empty_beam(states, best[0].shape[1], events)
        for p in range(sizes[e]):
            start, end = starts[e, p], ends[e, p]
            if (e == 0 and start != low == low) or (e == events - 1 and end != high == high):
                continue
            for state in range(1 + (e - 1) * k if strict and e > 0 else 0, 1 + e * k):
                if beam[2][state] == 0:
                    continue
                limit = -np.inf
                if state > 0:
                    limit = (ends if strict else starts)[(state - 1) // k, (state - 1) % k]
                if limit <= (start if strict else end):
                    reached = e * k + p + 1 if strict or start > limit else state
                    extend(beam, state, following, reached, e, p, gains[e, p])
        beam = following
    for state in range(states):
        collect(beam, state, best)
