"""Candidates of every sub-event and their relation -> combined candidates, without walking all k^m picks.

A *pick* takes one candidate of each sub-event. Both readings ask for the first few of all picks that keep the relation;
picks that tie stay in the order in which they would be listed, the first sub-event slowest.

- By sum (the paper): in a sequence, no candidate starts after a later sub-event's ends, result their hull; at the same
  time, their intersection, unless empty. Scored and ordered by the sum of the scores. A search finds exactly the best.
- By vote (the public program): in a sequence, each candidate starts no sooner than the one before it ends; at the same
  time, all touch a common instant. Result: their hull, scored by the product of the scores (a negative one counts 0),
  ordered by the vote of all picks. Up to MOST_STEPS partial picks, cut as soon as the relation breaks, all are listed
  and their votes summed in that order, as the public program does. Beyond, picks are counted by the hull that they
  share: the same votes up to the rounding of sums whose terms come in another order.

Source: TFVTG (Zheng et al., ECCV 2024), section 3.3, and its public program.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ...types import Relation
from ..kernels import kernel
from .picks import add_best, empty_beam
from .ranking import VOTE_EXPONENT, ranked_by_vote

MOST_STEPS = 2_000  # all 3^6 picks of six sub-events, and their prefixes, fit
NOTHING = np.empty((3, 0))


def combined_by_sum(events: Sequence[np.ndarray], relation: Relation, *, picks: int, results: int) -> np.ndarray:
    """The combinations of one candidate of each sub-event with the largest sums.

    Args:
        events: each sub-event's candidates, in the order of the plan: (3, n) starts, ends, scores, best first. At
            least one sub-event.
        relation: "sequentially" or "simultaneously".
        picks: how many candidates of each sub-event take part.
        results: how many combinations to return.

    Returns:
        (3, N) starts, ends, scores, best first; N = 0 where no combination keeps the relation.
    """
    return _by_sum(*_table(events, picks), relation == "simultaneously", results)


def combined_by_vote(events: Sequence[np.ndarray], relation: Relation, *, picks: int, results: int) -> np.ndarray:
    """The first combinations in the order of the vote; arguments and result as for `combined_by_sum`."""
    table, sizes = _table(events, picks)
    complete, found = _by_listed_vote(table, sizes, relation == "simultaneously", results)
    return found if complete else by_hull_vote(table, sizes, relation == "simultaneously", results)


def _table(events: Sequence[np.ndarray], picks: int) -> tuple[np.ndarray, np.ndarray]:
    """(3, m, k) starts, ends, scores, and how many of each row count."""
    table = np.zeros((3, len(events), picks))
    sizes = np.empty(len(events), dtype=np.int64)
    for e, event in enumerate(events):
        sizes[e] = min(event.shape[1], picks)
        table[:, e, : sizes[e]] = event[:, :picks]
    return table, sizes


@kernel
def _by_sum(table, sizes, together, most):
    starts, ends, scores = table[0], table[1], table[2]
    best = empty_beam(1, most, len(sizes))
    add_best(starts, ends, scores, sizes, together, False, np.nan, np.nan, 0.0, best)
    results = np.empty((3, best[2][0]))
    for n in range(best[2][0]):
        low, high = (-np.inf, np.inf) if together else (np.inf, -np.inf)
        for e in range(len(sizes)):
            start, end = starts[e, best[1][0, n, e]], ends[e, best[1][0, n, e]]
            low = max(low, start) if together else min(low, start)
            high = min(high, end) if together else max(high, end)
        results[0, n], results[1, n], results[2, n] = low, high, best[0][0, n]
    return results


@kernel
def _clipped(score):
    return 0.0 if score <= 0 else score  # NaN stays


@kernel
def _by_listed_vote(table, sizes, together, most):
    """Whether MOST_STEPS sufficed, and the first `most` picks in the order of the vote of all."""
    starts, ends, scores = table[0], table[1], table[2]
    events = len(sizes)
    kept = np.empty((3, MOST_STEPS))
    pick = np.full(events, -1)
    low, high = np.full(events + 1, np.inf), np.full(events + 1, -np.inf)  # of each partial pick: its hull,
    latest_start, earliest_end = high.copy(), low.copy()  # what it shares,
    score = np.ones(events + 1)  # and its product
    found = depth = 0
    for _ in range(MOST_STEPS):
        pick[depth] += 1
        while pick[depth] == sizes[depth]:
            if depth == 0:
                return True, ranked_by_vote(
                    kept[0, :found].copy(), kept[1, :found].copy(), kept[2, :found].copy(), most
                )
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
        score[depth + 1] = score[depth] * _clipped(scores[depth, pick[depth]])
        if depth < events - 1:
            depth += 1
        else:
            kept[0, found], kept[1, found], kept[2, found] = low[-1], high[-1], score[-1]
            found += 1
    return False, np.empty((3, 0))


@kernel
def by_hull_vote(table, sizes, together, most):
    """(3, n) the first `most` picks in the order of the vote, counted by hulls (exact up to 10^15 picks)."""
    starts, ends, scores = table[0], table[1], table[2]
    events, k = starts.shape
    one, weights = np.zeros((events, k)), np.zeros((events, k))
    undefined, gains = np.zeros((events, k)), np.zeros((events, k))
    for e in range(events):
        for p in range(sizes[e]):
            one[e, p] = 1.0
            undefined[e, p] = np.isnan(scores[e, p])
            weights[e, p] = 0.0 if undefined[e, p] else _clipped(scores[e, p])
    best = empty_beam(1, most, events)
    if undefined.any():
        add_best(starts, ends, undefined, sizes, together, True, np.nan, np.nan, 0.0, best)
    every_vote_is_nan = best[2][0] > 0 and best[0][0, 0] > 0
    best[2][0] = 0
    if together:
        lows, highs = np.unique(starts), np.unique(ends)
        count = _sums_together(starts, ends, one, sizes, lows, highs)
        weight = _sums_together(starts, ends, weights, sizes, lows, highs)
    else:
        lows, highs = np.unique(starts[0]), np.unique(ends[-1])
        count = _sums_in_order(starts, ends, one, sizes, lows, highs)
        weight = _sums_in_order(starts, ends, weights, sizes, lows, highs)
    filled = np.flatnonzero(count.ravel() > 0.5)
    weight = np.maximum(weight.ravel()[filled], 0.0)
    if every_vote_is_nan or weight.sum() == 0:
        add_best(starts, ends, gains, sizes, together, True, np.nan, np.nan, 0.0, best)
    else:
        low, high = lows[filled // len(highs)], highs[filled % len(highs)]
        leaders, votes = _elected(low, high, weight, most)
        for n in range(len(leaders)):
            a, b = low[leaders[n]], high[leaders[n]]
            add_best(starts, ends, gains, sizes, together, True, a, b, votes[n], best)
    results = np.empty((3, best[2][0]))
    for n in range(best[2][0]):
        results[0, n], results[1, n], results[2, n] = np.inf, -np.inf, 1.0
        for e in range(events):
            p = best[1][0, n, e]
            results[0, n], results[1, n] = min(results[0, n], starts[e, p]), max(results[1, n], ends[e, p])
            results[2, n] *= _clipped(scores[e, p])
    return results


@kernel
def _sums_in_order(starts, ends, weights, sizes, lows, highs):
    """(lows, highs) sum of the products of all picks in sequence, by their hull."""
    k = starts.shape[1]
    sums = np.zeros((len(lows), k))  # by the first candidate's start and the last candidate
    for p in range(sizes[0]):
        sums[np.searchsorted(lows, starts[0, p]), p] = weights[0, p]
    for e in range(1, len(sizes)):
        following = np.zeros((len(lows), k))
        for p in range(sizes[e - 1]):
            for q in range(sizes[e]):
                if starts[e, q] >= ends[e - 1, p]:
                    for a in range(len(lows)):
                        following[a, q] += sums[a, p] * weights[e, q]
        sums = following
    by_hull = np.zeros((len(lows), len(highs)))
    for p in range(sizes[-1]):
        by_hull[:, np.searchsorted(highs, ends[-1, p])] += sums[:, p]
    return by_hull


@kernel
def _sums_together(starts, ends, weights, sizes, lows, highs):
    """(lows, highs) sum of the products of all picks that share an instant, by their hull.

    Each such pick is counted once, at the instant of its latest start: the picks of candidates that contain the
    instant, less those of candidates that begin before it. This counts the picks within each hull; differences of these
    sums over neighbouring hulls are the picks that fill it.
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
def _vote_for(j, low, high, weight, voters):
    """What these voters give to hull j: the sum of IoU^0.6 times their weight."""
    vote = 0.0
    for i in voters:
        overlap = min(high[i], high[j]) - max(low[i], low[j])
        if overlap > 0:
            vote += (overlap / (max(high[i], high[j]) - min(low[i], low[j]))) ** VOTE_EXPONENT * weight[i]
    return vote


@kernel
def _elected(low, high, weight, most):
    """Indices and votes of the hulls whose vote is not below the `most`-th largest.

    Hulls vote in descending order of weight. The leaders after the first block are counted to the end; a hull that
    cannot reach their votes, even if all the weight left overlapped it fully, is dropped on the way.
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
            vote[j] += _vote_for(j, low, high, weight, part)
        if done == 0 and len(vote) >= most:
            needed = np.inf
            for j in np.argsort(-vote)[:most]:
                needed = min(needed, vote[j] + _vote_for(j, low, high, weight, rest))
        left = weight[rest].sum()
        alive = alive[vote[alive] + left + slack >= needed]
        done += block
        block *= 2
    needed = np.sort(vote[alive])[max(len(alive) - most, 0)]
    alive = alive[vote[alive] >= needed]
    return alive, vote[alive]
