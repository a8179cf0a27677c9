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

from .kernels import kernel
from .localizers.base import Candidates, Combination
from .ranking import VOTE_EXPONENT, ranked_by_vote
from .types import Relation

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
    search = combined_by_sum if rule.rule == "sum" else combined_by_vote
    found = search(flat, lengths, relation == "simultaneously", rule.picks, rule.results)
    return Candidates(found[0], found[1], found[2])


@kernel
def unpack(flat, lengths, picks):
    """(m, k) starts, ends, scores, and how many of each row count, from the events' arrays one after the other."""
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
def clipped(score):
    return 0.0 if score <= 0 else score  # NaN stays


# Beams: for each state the best few prefixes, in order. values (S, R), choices (S, R, m), held (S,): how many.


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
        choices[state, p] = choices[state, p - 1]
    values[state, place] = value
    choices[state, place, :depth] = prefix[:depth]
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
def best_together(starts, ends, gains, sizes, open_end, earliest, latest, wanted, value, best):
    """Collect the best picks that share an instant: each is found at the instant of its latest start."""
    for instant in np.unique(starts):
        if earliest <= instant <= latest:
            beam = sharing(
                starts, ends, gains, sizes, instant, open_end, earliest, latest, wanted, value, best[0].shape[1]
            )
            collect(beam, wanted, best)


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


@kernel
def combined_by_sum(flat, lengths, together, picks, most):
    """The `most` picks with the largest sums: an interval common to all, or no start behind a later one's end."""
    starts, ends, scores, sizes = unpack(flat, lengths, picks)
    events = len(sizes)
    best = empty_beam(1, most, events)
    if together:
        best_together(starts, ends, scores, sizes, True, -np.inf, np.inf, 1, 0.0, best)
        return results_of(best, starts, ends, scores, sizes, True, False)
    levels = np.concatenate(
        (np.array([-np.inf]), np.unique(starts))
    )  # the state: the latest start so far, none at first
    beam = empty_beam(len(levels), most, events)
    beam[0][0, 0], beam[2][0] = 0.0, 1
    for e in range(events):
        following = empty_beam(len(levels), most, events)
        for p in range(sizes[e]):
            own = np.searchsorted(levels, starts[e, p])
            for state in range(len(levels)):
                if levels[state] <= ends[e, p]:
                    extend(beam, state, following, max(state, own), e, p, scores[e, p])
        beam = following
    for state in range(len(levels)):
        collect(beam, state, best)
    return results_of(best, starts, ends, scores, sizes, False, False)


@kernel
def combined_by_vote(flat, lengths, together, picks, most):
    """The first `most` picks in the order of the vote of all that keep the relation."""
    starts, ends, scores, sizes = unpack(flat, lengths, picks)
    whole, survivors = listed_survivors(starts, ends, scores, sizes, together)
    if whole:
        return ranked_by_vote(survivors[0].copy(), survivors[1].copy(), survivors[2].copy(), most)
    return voted_by_hull(starts, ends, scores, sizes, together, most)


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
                    following[:, q] += sums[:, p] * weights[e, q]
        sums = following
    return sums


@kernel
def sums_together(starts, ends, weights, sizes, lows, highs):
    """(lows, highs) sum of the products of all picks that share an instant, by their hull.

    Each such pick is met once, at the instant of its latest start: the picks of candidates that contain the instant,
    less those of candidates that begin before it. This counts the picks within each hull; differences of these sums
    over neighbouring hulls are the picks that fill it.
    """
    events = len(sizes)
    within = np.zeros((len(lows) + 1, len(highs) + 1))  # within[a, b + 1]: in [lows[a], highs[b]]
    for i in range(len(lows)):
        first = np.searchsorted(highs, lows[i])
        upto, before = np.ones((i + 1, len(highs) - first)), np.ones((i, len(highs) - first))
        for e in range(events):
            held = np.zeros((i + 1, len(highs) - first))
            for p in range(sizes[e]):
                if starts[e, p] <= lows[i] <= ends[e, p]:
                    end = np.searchsorted(highs, ends[e, p])
                    held[np.searchsorted(lows, starts[e, p]), end - first :] += weights[e, p]
            for a in range(i - 2, -1, -1):
                held[a] += held[a + 1]
            before *= held[:i]
            if i > 0:
                held[:i] += held[i]
            upto *= held
        within[: i + 1, first + 1 :] += upto
        within[:i, first + 1 :] -= before
    return within[:-1, 1:] - within[1:, 1:] - within[:-1, :-1] + within[1:, :-1]


@kernel
def elected(low, high, weight, most):
    """Indices and votes of the hulls whose vote is not below the `most`-th largest.

    Hulls vote in descending order of weight; whoever cannot win any more, even if all weight left agreed with it, is
    dropped on the way.
    """
    voters = np.argsort(-weight)
    alive = np.arange(len(weight))
    vote = np.zeros(len(weight))
    left = weight.sum()
    slack = 1e-9 * left
    done, block = 0, 16
    while done < len(voters):
        for i in voters[done : done + block]:
            left -= weight[i]
            for j in alive:
                overlap = min(high[i], high[j]) - max(low[i], low[j])
                if overlap > 0:
                    hull = max(high[i], high[j]) - min(low[i], low[j])
                    vote[j] += (overlap / hull) ** VOTE_EXPONENT * weight[i]
        done += block
        block *= 2
        needed = np.sort(vote[alive])[max(len(alive) - most, 0)]
        alive = alive[vote[alive] + max(left, 0.0) + slack >= needed]
    needed = np.sort(vote[alive])[max(len(alive) - most, 0)]
    alive = alive[vote[alive] >= needed]
    return alive, vote[alive]


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
def voted_by_hull(starts, ends, scores, sizes, together, most):
    """(3, n) the first `most` picks in the order of the vote, counted by hulls (exact up to 10^15 picks)."""
    events, picks = starts.shape
    one, defined, weights = np.zeros((events, picks)), np.zeros((events, picks)), np.zeros((events, picks))
    for e in range(events):
        for p in range(sizes[e]):
            one[e, p] = 1.0
            if not np.isnan(scores[e, p]):
                defined[e, p], weights[e, p] = 1.0, clipped(scores[e, p])
    if together:
        lows, highs = np.unique(starts), np.unique(ends)
        count = sums_together(starts, ends, one, sizes, lows, highs)
        count_defined = sums_together(starts, ends, defined, sizes, lows, highs)
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
