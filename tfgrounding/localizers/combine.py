"""Candidates of every sub-event and their relation -> combined candidates, without walking all k^m picks.

A *pick* takes one candidate of each sub-event. Both rules of `Combination` ask for the first few of all picks that
keep the relation; picks that tie stay in the order in which they would be listed, the first sub-event slowest.

- "sum": a beam over the sub-events. Whether a prefix can go on depends only on its latest start (in a sequence), or on
  an instant that all share (at the same time); so the best few prefixes for each of these states are enough, and the
  answer is exactly that of the full list.
- "product-vote": every survivor counts in the vote. Up to MOST_STEPS prefixes, cut as soon as the relation breaks, all
  are listed and their votes summed in that order, as the public program does. Beyond, survivors are counted by the
  hull that they share: the same votes up to the rounding of sums whose terms come in another order.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..types import Relation
from .base import Candidates, Combination
from .kernels import kernel
from .picks import best_in_order, best_together, clipped, collect, empty_beam, extend, results_of, unpack
from .ranking import VOTE_EXPONENT, ranked_by_vote

MOST_STEPS = 2_000  # all 3^6 picks of six sub-events, and their prefixes, fit
NOTHING = Candidates(np.empty(0), np.empty(0), np.empty(0))


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
    flat = np.concatenate(
        [part for event in events for part in (event.start_seconds, event.end_seconds, event.score)], dtype=np.float64
    )
    lengths = np.array([len(event) for event in events])
    arguments = (flat, lengths, relation == "simultaneously", rule.picks, rule.results)
    if rule.rule == "sum":
        found = combined_by_sum(*arguments)
    else:
        whole, found = combined_by_listed_vote(*arguments)
        if not whole:
            found = combined_by_hull_vote(*arguments)
    return Candidates(found[0], found[1], found[2])


@kernel
def combined_by_sum(flat, lengths, together, picks, most):
    """The `most` picks with the largest sums: an interval common to all, or no start behind a later one's end."""
    starts, ends, scores, sizes = unpack(flat, lengths, picks)
    events, picks = starts.shape
    best = empty_beam(1, most, events)
    if together:
        best_together(starts, ends, scores, sizes, True, -np.inf, np.inf, 1, 0.0, best)
        return results_of(best, starts, ends, scores, sizes, True, False)
    states = 1 + starts.size  # the candidate that starts latest so far, e * picks + p + 1, or none yet
    beam = empty_beam(states, most, events)
    beam[0][0, 0], beam[2][0] = 0.0, 1
    for e in range(events):
        following = empty_beam(states, most, events)
        for p in range(sizes[e]):
            for state in range(1 + e * picks):
                latest = starts[(state - 1) // picks, (state - 1) % picks] if state > 0 else -np.inf
                if latest <= ends[e, p]:
                    reached = e * picks + p + 1 if starts[e, p] > latest else state
                    extend(beam, state, following, reached, e, p, scores[e, p])
        beam = following
    for state in range(states):
        collect(beam, state, best)
    return results_of(best, starts, ends, scores, sizes, False, False)


@kernel
def combined_by_listed_vote(flat, lengths, together, picks, most):
    """Whether MOST_STEPS sufficed, and the first `most` picks in the order of the vote of all survivors."""
    starts, ends, scores, sizes = unpack(flat, lengths, picks)
    whole, survivors = listed_survivors(starts, ends, scores, sizes, together)
    return whole, ranked_by_vote(survivors[0].copy(), survivors[1].copy(), survivors[2].copy(), most)


@kernel
def listed_survivors(starts, ends, scores, sizes, together):
    """Whether MOST_STEPS sufficed, and the (3, n) hulls and products of the picks that keep the relation, in order."""
    events = len(sizes)
    survivors = np.empty((3, MOST_STEPS))
    pick = np.full(events, -1)
    low, high = np.full(events + 1, np.inf), np.full(events + 1, -np.inf)  # of each prefix: its hull,
    latest_start, earliest_end = high.copy(), low.copy()  # what it shares,
    score = np.ones(events + 1)  # and its product
    found = depth = 0
    for _ in range(MOST_STEPS):
        pick[depth] += 1
        while pick[depth] == sizes[depth]:
            if depth == 0:
                return True, survivors[:, :found]
            pick[depth] = -1
            depth -= 1
            pick[depth] += 1
        start, end = starts[depth, pick[depth]], ends[depth, pick[depth]]
        latest_start[depth + 1] = max(latest_start[depth], start)
        earliest_end[depth + 1] = min(earliest_end[depth], end)
        if together:
            if latest_start[depth + 1] > earliest_end[depth + 1]:
                continue
        elif depth > 0 and start < ends[depth - 1, pick[depth - 1]]:
            continue
        low[depth + 1], high[depth + 1] = min(low[depth], start), max(high[depth], end)
        score[depth + 1] = score[depth] * clipped(scores[depth, pick[depth]])
        if depth < events - 1:
            depth += 1
        else:
            survivors[0, found], survivors[1, found], survivors[2, found] = low[-1], high[-1], score[-1]
            found += 1
    return False, survivors[:, :0]


@kernel
def sums_in_order(starts, ends, weights, sizes):
    """(k, k) sum of the products of all picks in sequence, by the first sub-event's candidate and the last one's."""
    picks = starts.shape[1]
    sums = np.zeros((picks, picks))
    for p in range(sizes[0]):
        sums[p, p] = weights[0, p]
    for e in range(1, len(sizes)):
        following = np.zeros((picks, picks))
        for p in range(sizes[e - 1]):
            for q in range(sizes[e]):
                if starts[e, q] >= ends[e - 1, p]:
                    for first in range(sizes[0]):
                        following[first, q] += sums[first, p] * weights[e, q]
        sums = following
    return sums


@kernel
def sums_together(starts, ends, weights, sizes, lows, highs):
    """(lows, highs) sum of the products of all picks that share an instant, by their hull.

    Each such pick is met once, at the instant of its latest start: the picks of candidates that contain the instant,
    less those of candidates that begin before it. This counts the picks within each hull; differences of these sums
    over neighbouring hulls are the picks that fill it.
    """
    within = np.zeros((len(lows) + 1, len(highs) + 1))  # within[a, b + 1]: in [lows[a], highs[b]]
    upto, before = np.empty((len(lows), len(highs))), np.empty((len(lows), len(highs)))
    for i in range(len(lows)):
        upto[:], before[:] = 1.0, 1.0
        for e in range(len(sizes)):
            held = np.zeros((len(lows), len(highs)))  # what e has in [lows[a], highs[b]] that contains the instant
            for p in range(sizes[e]):
                if starts[e, p] <= lows[i] <= ends[e, p]:
                    a = np.searchsorted(lows, starts[e, p])
                    for b in range(np.searchsorted(highs, ends[e, p]), len(highs)):
                        held[a, b] += weights[e, p]
            for a in range(i - 2, -1, -1):
                for b in range(len(highs)):
                    held[a, b] += held[a + 1, b]
            for a in range(i + 1):
                for b in range(len(highs)):
                    before[a, b] *= held[a, b] if a < i else 0.0
                    upto[a, b] *= held[a, b] + held[i, b] if a < i else held[a, b]
        for a in range(i + 1):
            for b in range(len(highs)):
                within[a, b + 1] += upto[a, b] - before[a, b]
    return within[:-1, 1:] - within[1:, 1:] - within[:-1, :-1] + within[1:, :-1]


@kernel
def vote_for(j, low, high, weight, voters):
    """What these voters give to hull j: the sum of IoU^0.6 times their weight."""
    vote = 0.0
    for i in voters:
        overlap = min(high[i], high[j]) - max(low[i], low[j])
        if overlap > 0:
            vote += (overlap / (max(high[i], high[j]) - min(low[i], low[j]))) ** VOTE_EXPONENT * weight[i]
    return vote


@kernel
def elected(low, high, weight, most):
    """Indices and votes of the hulls whose vote is not below the `most`-th largest.

    Hulls vote in descending order of weight. The leaders after the first of them are counted to the end; whoever
    cannot reach that, even if all the weight left agreed with it, is dropped on the way.
    """
    voters = np.argsort(-weight)
    alive = np.arange(len(weight))
    vote = np.zeros(len(weight))
    slack = 1e-9 * weight.sum()
    needed = 0.0
    done, block = 0, 32
    while done < len(voters):
        part, rest = voters[done : done + block], voters[done + block :]
        for j in alive:
            vote[j] += vote_for(j, low, high, weight, part)
        if done == 0 and len(vote) >= most:
            needed = np.inf
            for j in np.argsort(-vote)[:most]:
                needed = min(needed, vote[j] + vote_for(j, low, high, weight, rest))
        left = weight[rest].sum()
        alive = alive[vote[alive] + left + slack >= needed]
        done += block
        block *= 2
    needed = np.sort(vote[alive])[max(len(alive) - most, 0)]
    alive = alive[vote[alive] >= needed]
    return alive, vote[alive]


@kernel
def combined_by_hull_vote(flat, lengths, together, picks, most):
    """(3, n) the first `most` picks in the order of the vote, counted by hulls (exact up to 10^15 picks)."""
    starts, ends, scores, sizes = unpack(flat, lengths, picks)
    events, picks = starts.shape
    one, defined, weights = np.zeros((events, picks)), np.zeros((events, picks)), np.zeros((events, picks))
    for e in range(events):
        for p in range(sizes[e]):
            one[e, p] = 1.0
            if not np.isnan(scores[e, p]):
                defined[e, p], weights[e, p] = 1.0, clipped(scores[e, p])
    all_defined = defined.sum() == one.sum()
    if together:
        lows, highs = np.unique(starts), np.unique(ends)
        count = sums_together(starts, ends, one, sizes, lows, highs)
        count_defined = count if all_defined else sums_together(starts, ends, defined, sizes, lows, highs)
        weight = sums_together(starts, ends, weights, sizes, lows, highs)
    else:
        lows, highs = starts[0].copy(), ends[-1].copy()
        count = sums_in_order(starts, ends, one, sizes)
        count_defined = sums_in_order(starts, ends, defined, sizes)
        weight = sums_in_order(starts, ends, weights, sizes)
    filled = np.flatnonzero(count.ravel() > 0.5)
    best = empty_beam(1, most, events)
    gains = np.zeros((events, picks))
    weight = np.maximum(weight.ravel()[filled], 0.0)
    if count.sum() > count_defined.sum() + 0.5 or weight.sum() == 0:  # every vote is NaN, or every one is 0
        if together:
            best_together(starts, ends, gains, sizes, False, -np.inf, np.inf, 1, 0.0, best)
        else:
            best_in_order(starts, ends, sizes, -1, -1, 0.0, best)
        return results_of(best, starts, ends, scores, sizes, False, True)
    low, high = filled // len(highs), filled % len(highs)
    leaders, vote = elected(lows[low], highs[high], weight, most)
    for n in range(len(leaders)):
        a, b = low[leaders[n]], high[leaders[n]]
        if together:
            best_together(starts, ends, gains, sizes, False, lows[a], highs[b], 7, vote[n], best)
        else:
            best_in_order(starts, ends, sizes, a, b, vote[n], best)
    return results_of(best, starts, ends, scores, sizes, False, True)
