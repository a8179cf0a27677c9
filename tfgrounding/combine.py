"""Candidates of every sub-event and their relation -> combined candidates, without walking all k^m picks.

A *pick* takes one candidate of each sub-event. Both rules of `Combination` ask for the first few of all picks that
keep the relation, in a certain order; picks that tie keep the order in which they would be listed, the first
sub-event slowest.

- "sum": a beam over the sub-events. What decides whether a pick can go on is only the latest start so far (in a
  sequence), or only an instant that all share (at the same time), so the best few prefixes for each such state are
  enough, and the answer is exactly that of the full list: m · k states of k ways on.
- "product-vote": every survivor counts in the vote. Up to MOST_STEPS partial picks, cut as soon as the relation
  breaks, all are listed and their votes summed in that order, as the public program does. Beyond, the survivors'
  scores are added up for each hull that they share, by the same kind of beam; the votes are then equal up to the
  rounding of that sum, whose terms come in another order.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .kernels import kernel
from .localizers.base import Candidates, Combination
from .ranking import ranked_by_vote, votes
from .types import Relation

MOST_STEPS = 2_000  # all 3^6 picks of six sub-events and their prefixes fit


def combine(events: Sequence[Candidates], relation: Relation, rule: Combination) -> Candidates:
    """The first `rule.results` combinations of one candidate of each sub-event that keep the relation.

    Args:
        events: each sub-event's candidates, in the order of the plan; the first `rule.picks` of each take part.
        relation: "sequentially" or "simultaneously"; sub-events that stand in no relation are not combined.
        rule: which combinations are kept, their intervals, scores and order.

    Returns:
        Combined candidates, best first; none where no combination keeps the relation.

    Source: TFVTG (Zheng et al., ECCV 2024), section 3.3, and its public program.
    """
    if relation == "single-query" or not events:
        return NOTHING
    together = relation == "simultaneously"
    flat = np.concatenate(
        [part for event in events for part in (event.start_seconds, event.end_seconds, event.score)], dtype=np.float64
    )
    lengths = np.array([len(event) for event in events])
    search = combined_by_sum if rule.rule == "sum" else combined_by_vote
    found = search(flat, lengths, together, rule.picks, rule.results)
    return Candidates(found[0], found[1], found[2])


NOTHING = Candidates(np.empty(0), np.empty(0), np.empty(0))


@kernel
def unpack(flat, lengths, picks):
    """(m, k) starts, ends and scores, and how many of each row count, from the events' arrays one after the other."""
    events = len(lengths)
    starts, ends, scores = np.zeros((events, picks)), np.zeros((events, picks)), np.zeros((events, picks))
    sizes = np.minimum(lengths, picks)
    at = 0
    for e in range(events):
        size, length = sizes[e], lengths[e]
        starts[e, :size] = flat[at : at + size]
        ends[e, :size] = flat[at + length : at + length + size]
        scores[e, :size] = flat[at + 2 * length : at + 2 * length + size]
        at += 3 * length
    return starts, ends, scores, sizes


@kernel
def insert(values, choices, held, state, value, prefix, depth, pick):
    """Put prefix[:depth] + pick into the beam's list of that state, if it is among the best: by value, then by order.

    values (S, R), choices (S, R, m), held (S,): the lists, best first, and how many each holds.
    """
    place = held[state]
    while place > 0:
        other = choices[state, place - 1]
        first = value > values[state, place - 1]
        if value == values[state, place - 1]:
            d = 0
            while d < depth and prefix[d] == other[d]:
                d += 1
            first = prefix[d] < other[d] if d < depth else pick < other[depth]
        if not first:
            break
        place -= 1
    most = values.shape[1]
    if place == most:
        return
    held[state] = min(held[state] + 1, most)
    for p in range(held[state] - 1, place, -1):
        values[state, p] = values[state, p - 1]
        choices[state, p] = choices[state, p - 1]
    values[state, place] = value
    choices[state, place, :depth] = prefix[:depth]
    choices[state, place, depth] = pick


@kernel
def advance(beam, following, state, following_state, depth, pick, gain, factor):
    """Extend every pick of a state by one more; the weights, sums of products, grow by the factor."""
    values, choices, held, weights = beam
    for n in range(held[state]):
        insert(
            following[0],
            following[1],
            following[2],
            following_state,
            values[state, n] + gain,
            choices[state, n],
            depth,
            pick,
        )
    following[3][following_state] += weights[state] * factor


@kernel
def empty_beam(states, most, events):
    return (
        np.empty((states, most)),
        np.empty((states, most, events), np.int64),
        np.zeros(states, np.int64),
        np.zeros(states),
    )


@kernel
def root_beam(states, root, most, events):
    """A beam that holds the empty pick, in the state `root`."""
    beam = empty_beam(states, most, events)
    beam[0][root, 0], beam[2][root], beam[3][root] = 0.0, 1, 1.0
    return beam


@kernel
def sharing(starts, ends, scores, sizes, instant, open_end, earliest, latest, wanted, summed, most):
    """Beam of the picks that all contain `instant`, lie in [earliest, latest] and, in the state `wanted`, touch bounds.

    The state is a set of bits: 1 one start is the instant, 2 one start is `earliest`, 4 one end is `latest`.
    `open_end`: ends must lie behind the instant, not at it.
    """
    events = len(sizes)
    beam = root_beam(8, 0, most, events)
    for e in range(events):
        following = empty_beam(8, most, events)
        for state in range(8):
            if beam[2][state] == 0:
                continue
            for p in range(sizes[e]):
                start, end = starts[e, p], ends[e, p]
                if (
                    start < earliest
                    or start > instant
                    or end < instant
                    or end > latest
                    or (open_end and end == instant)
                ):
                    continue
                reached = state | (start == instant) | (start == earliest) << 1 | (end == latest) << 2
                gain = scores[e, p] if summed else 0.0
                advance(beam, following, state, reached & wanted, e, p, gain, clipped(scores[e, p]))
        beam = following
        if beam[2].sum() == 0:
            break
    return beam


@kernel
def clipped(score):
    return 0.0 if score <= 0 else score  # NaN stays


@kernel
def results_of(best, starts, ends, scores, sizes, rule_is_sum, together):
    """(3, n) intervals and scores of the picks in the first list of a beam."""
    values, choices, held, _ = best
    results = np.empty((3, held[0]))
    for n in range(held[0]):
        low, high = np.inf, -np.inf
        if rule_is_sum and together:
            low, high = -np.inf, np.inf
        product = 1.0
        for e in range(len(sizes)):
            p = choices[0, n, e]
            if rule_is_sum and together:
                low, high = max(low, starts[e, p]), min(high, ends[e, p])
            else:
                low, high = min(low, starts[e, p]), max(high, ends[e, p])
            product *= clipped(scores[e, p])
        results[0, n], results[1, n], results[2, n] = low, high, values[0, n] if rule_is_sum else product
    return results


@kernel
def combined_by_sum(flat, lengths, together, picks, most):
    """The `most` picks with the largest sums: an interval common to all, or no start behind a later one's end."""
    starts, ends, scores, sizes = unpack(flat, lengths, picks)
    events = len(sizes)
    best = empty_beam(1, most, events)
    levels = np.unique(starts)
    if together:
        for instant in levels:
            beam = sharing(starts, ends, scores, sizes, instant, True, -np.inf, np.inf, 1, True, most)
            for n in range(beam[2][1]):
                choice = beam[1][1, n]
                insert(best[0], best[1], best[2], 0, beam[0][1, n], choice, events - 1, choice[events - 1])
        return results_of(best, starts, ends, scores, sizes, True, True)
    beam = root_beam(len(levels), 0, most, events)  # the state is the latest start so far, as its place in `levels`
    for e in range(events):
        following = empty_beam(len(levels), most, events)
        for state in range(len(levels)):
            for p in range(sizes[e] if beam[2][state] > 0 else 0):
                if e == 0 or levels[state] <= ends[e, p]:
                    reached = np.searchsorted(levels, starts[e, p])
                    if e > 0:
                        reached = max(state, reached)
                    advance(beam, following, state, reached, e, p, scores[e, p], 0.0)
        beam = following
    for state in range(len(levels)):
        for n in range(beam[2][state]):
            choice = beam[1][state, n]
            insert(best[0], best[1], best[2], 0, beam[0][state, n], choice, events - 1, choice[events - 1])
    return results_of(best, starts, ends, scores, sizes, True, False)


@kernel
def listed_survivors(starts, ends, scores, sizes, together, most_steps):
    """(n, 3) hull and product of every pick that keeps the relation, in order; one row of NaN past `most_steps`."""
    events = len(sizes)
    survivors = np.empty((most_steps, 3))
    pick = np.full(events, -1)
    state = np.empty((events + 1, 5))  # for each depth: hull start and end, latest start, earliest end, product
    state[0] = np.array([np.inf, -np.inf, -np.inf, np.inf, 1.0])
    found, depth = 0, 0
    for _ in range(most_steps):
        pick[depth] += 1
        while depth >= 0 and pick[depth] == sizes[depth]:
            pick[depth] = -1
            depth -= 1
            if depth >= 0:
                pick[depth] += 1
        if depth < 0:
            return survivors[:found]
        start, end = starts[depth, pick[depth]], ends[depth, pick[depth]]
        if together and max(state[depth, 2], start) > min(state[depth, 3], end):
            continue
        if not together and depth > 0 and start < ends[depth - 1, pick[depth - 1]]:
            continue
        state[depth + 1, 0], state[depth + 1, 1] = min(state[depth, 0], start), max(state[depth, 1], end)
        state[depth + 1, 2], state[depth + 1, 3] = max(state[depth, 2], start), min(state[depth, 3], end)
        state[depth + 1, 4] = state[depth, 4] * clipped(scores[depth, pick[depth]])
        if depth == events - 1:
            survivors[found] = state[events, 0], state[events, 1], state[events, 4]
            found += 1
        else:
            depth += 1
    return np.full((1, 3), np.nan)


@kernel
def hull_groups(starts, ends, scores, sizes, together, most):
    """Beam of all picks that keep the relation, by hull: the sum of their scores and the first few of them.

    Returns (beam, lows, highs): the state a * len(highs) + b stands for the hull [lows[a], highs[b]).
    """
    events, picks = starts.shape
    if not together:  # in a sequence the hull runs from the first pick's start to the last one's end
        beam = empty_beam(picks * picks, most, events)
        empty = np.empty(0, np.int64)
        for p in range(sizes[0]):
            insert(beam[0], beam[1], beam[2], p * picks + p, 0.0, empty, 0, p)
            beam[3][p * picks + p] = clipped(scores[0, p])
        for e in range(1, events):
            following = empty_beam(picks * picks, most, events)
            for state in range(picks * picks):
                for p in range(sizes[e] if beam[2][state] > 0 else 0):
                    if starts[e, p] >= ends[e - 1, state % picks]:
                        reached = state // picks * picks + p
                        advance(beam, following, state, reached, e, p, 0.0, clipped(scores[e, p]))
            beam = following
        return beam, starts[0].copy(), ends[-1].copy()
    lows, highs = np.unique(starts), np.unique(ends)
    beam = empty_beam(len(lows) * len(highs), most, events)
    for s in range(len(lows)):
        for h in range(len(highs)):
            for instant in lows[s:]:
                if instant > highs[h]:
                    break
                part = sharing(starts, ends, scores, sizes, instant, False, lows[s], highs[h], 7, False, most)
                state = s * len(highs) + h
                beam[3][state] += part[3][7]
                for n in range(part[2][7]):
                    choice = part[1][7, n]
                    insert(beam[0], beam[1], beam[2], state, 0.0, choice, events - 1, choice[events - 1])
    return beam, lows, highs


@kernel
def voted_groups(starts, ends, scores, sizes, together, most):
    """(3, n) the first `most` picks in the order of the vote, which is counted by hulls."""
    beam, lows, highs = hull_groups(starts, ends, scores, sizes, together, most)
    events = len(sizes)
    best = empty_beam(1, most, events)
    filled = np.flatnonzero(beam[2])
    vote = votes(lows[filled // len(highs)], highs[filled % len(highs)], beam[3][filled])
    for g in range(len(filled)):
        value = -np.inf if np.isnan(vote[g]) else vote[g]
        for n in range(beam[2][filled[g]]):
            choice = beam[1][filled[g], n]
            insert(best[0], best[1], best[2], 0, value, choice, events - 1, choice[events - 1])
    return results_of(best, starts, ends, scores, sizes, False, together)


@kernel
def combined_by_vote(flat, lengths, together, picks, most):
    """The first `most` picks in the order of the vote of all that keep the relation."""
    starts, ends, scores, sizes = unpack(flat, lengths, picks)
    listed = listed_survivors(starts, ends, scores, sizes, together, MOST_STEPS)
    if len(listed) == 1 and np.isnan(listed[0, 0]):
        return voted_groups(starts, ends, scores, sizes, together, most)
    return ranked_by_vote(listed[:, 0].copy(), listed[:, 1].copy(), listed[:, 2].copy(), most)
