"""Plain twins of the kernels: TFVTG word for word, every window and every pick written out, nothing clever."""

from itertools import product

import numpy as np

F32 = np.float32
DELTA = F32(5e-4)


def masked(curve, floor):
    above = curve.astype(F32) > F32(floor)
    return np.where(above, curve, 0).astype(F32), above


def smoothed_change(signal, above, stride):
    if stride >= 3:
        x = np.arange(-(min(stride - 2, 3) // 2), min(stride - 2, 3) // 2 + 1)
        kernel = (np.exp(-(x**2) / 2) / np.sqrt(2 * np.pi)).astype(F32)
        n = len(signal) - len(kernel) + 1
        smooth = np.zeros(n, F32)
        for tap, weight in enumerate(kernel):
            smooth = smooth + signal[tap : tap + n] * weight
    else:
        smooth = signal
    change = np.diff(smooth)
    missing = len(signal) - len(change)
    return (np.pad(change, (missing // 2, missing - missing // 2)) * above).astype(F32)


def rise_starts(change):
    f1 = f2 = f3 = F32(0)
    index, rise = 0, []
    for t, newest in enumerate(change):
        f1, f2, f3 = newest, f1, f2
        if not (F32(3) * f1 > DELTA or F32(2) * f1 + f2 > DELTA or f1 + f2 + f3 > DELTA):
            index = t
        rise.append(index)
    return np.array(rise)


def windows(frames, stride, longest):
    """(n, 2) every window in order: by width, then by start."""
    found = [
        np.stack([np.arange(frames - w + 1), np.arange(w, frames + 1)], axis=1)
        for w in range(stride, min(frames, longest) + 1, stride)
    ]
    return np.concatenate(found) if found else np.empty((0, 2), int)


def running(values):
    return np.concatenate([[0.0], np.cumsum(values, dtype=np.float64)])


def published_scores(signal, above, spans):
    total, count = running(signal), running(above)
    inside = (total[spans[:, 1]] - total[spans[:, 0]]).astype(F32)
    inside_count = (count[spans[:, 1]] - count[spans[:, 0]]).astype(F32)
    outside_count = F32(above.sum()) - inside_count
    with np.errstate(all="ignore"):
        outside = (F32(total[-1]) - inside) / outside_count
    width = (spans[:, 1] - spans[:, 0]).astype(F32)
    return np.where(outside_count > 0, inside / width - outside, F32(np.nan))


def paper_scores(signal, above, change, spans):
    """The best over every transition k: the changes' sum from the start to k, and the contrast of [k, end)."""
    total, count, gain = running(signal), running(above), running(change)
    scores = []
    for start, end in spans:
        best, rest = -np.inf, -np.inf
        for k in range(start, end):
            if k > start and not change[k - 1] > DELTA:
                break
            inside, outside_count = total[end] - total[k], count[-1] - (count[end] - count[k])
            contrast = inside / (end - k)
            if outside_count > 0:
                contrast -= (total[-1] - inside) / outside_count
            if k == start:
                best = contrast
            else:
                rest = max(rest, gain[k] + contrast)
        scores.append(max(best, rest - gain[start]))
    return np.array(scores)


def nms(spans, scores, frames, most):
    """Indices of the kept windows; NaN is dropped, ties keep their place."""
    left = [i for i in np.argsort(-scores, kind="stable") if not np.isnan(scores[i])]
    left = np.array(left, int)
    fraction = spans.astype(F32) / F32(frames)
    kept = []
    while len(left) and len(kept) < most:
        best, left = left[0], left[1:]
        kept.append(best)
        overlap = np.minimum(fraction[left, 1], fraction[best, 1]) - np.maximum(fraction[left, 0], fraction[best, 0])
        hull = np.maximum(fraction[left, 1], fraction[best, 1]) - np.minimum(fraction[left, 0], fraction[best, 0])
        left = left[np.maximum(overlap, F32(0)) / hull <= F32(0.3)]
    return kept


def published_candidates(curves, edges, uniform, floor, stride, longest, kept, most):
    frames = curves.shape[1]
    lists = []
    for curve in curves:
        signal, above = masked(curve, floor)
        rise = rise_starts(smoothed_change(signal, above, stride))
        spans = windows(frames, stride, longest)
        scores = published_scores(signal, above, spans)
        best = nms(spans, scores, frames, kept)
        responses = []
        for i in best:
            start, end = spans[i]
            stop = F32(end) / F32(frames) * F32(edges[-1]) if uniform else edges[end]
            with np.errstate(all="ignore"):
                responses.append((edges[rise[start]], stop, scores[i] / scores[best[0]]))
        lists.append(responses or [(0.0, 0.0, 1.0)] * min(3, kept))
    listed = [responses[n] for n in range(kept) for responses in lists if n < len(responses)]
    return np.array(listed[:most], dtype=np.float64).reshape(-1, 3).T


def paper_candidates(curves, edges, floor, stride, longest, most):
    mean = np.zeros(curves.shape[1])
    for curve in curves:
        mean = mean + curve / len(curves)
    if not (mean.astype(F32) > F32(floor)).any():
        floor = -np.inf
    signal, above = masked(mean, floor)
    spans = windows(len(mean), stride, longest)
    scores = paper_scores(signal, above, smoothed_change(signal, above, stride), spans)
    best = nms(spans, scores, len(mean), most)
    return np.array([(edges[spans[i][0]], edges[spans[i][1]], scores[i]) for i in best]).T


def votes(start, end, score):
    vote = []
    for j in range(len(score)):
        v = 0.0
        for i in range(len(score)):
            overlap = max(min(end[i], end[j]) - max(start[i], start[j]), 0.0)
            hull = max(end[i], end[j]) - min(start[i], start[j])
            v += (overlap / hull if hull > 0 else np.nan) ** 0.6 * max(score[i], 0)
        vote.append(v)
    return np.array(vote)


def ranked_by_vote(start, end, score, most):
    order = np.argsort(-votes(start, end, score), kind="stable")[:most]
    return np.stack([start[order], end[order], score[order]])


def survivors(events, relation, rule, picks):
    """(n, 3) interval and score of every pick that keeps the relation, the first sub-event slowest."""
    found = []
    rows = [list(zip(*(part[:picks].tolist() for part in event), strict=True)) for event in events]
    for pick in product(*rows):
        starts, ends, scores = zip(*pick, strict=True)
        low, high = min(starts), max(ends)
        if rule == "product-vote":
            if relation == "sequentially" and any(starts[a + 1] < ends[a] for a in range(len(pick) - 1)):
                continue
            if relation == "simultaneously" and max(starts) > min(ends):
                continue
            score = 1.0
            for value in scores:
                score *= max(value, 0)
        else:
            if relation == "sequentially":
                if any(starts[a] > ends[b] for b in range(len(pick)) for a in range(b)):
                    continue
            else:
                low, high = max(starts), min(ends)
                if not low < high:
                    continue
            score = 0.0
            for value in scores:
                score += value
        found.append((low, high, score))
    return np.array(found).reshape(-1, 3)


def votes_by_hull(found):
    """(n,) the votes of many survivors, counted once for each different hull."""
    hulls, which = np.unique(found[:, :2], axis=0, return_inverse=True)
    weight = np.bincount(which.ravel(), weights=np.maximum(found[:, 2], 0))
    overlap = np.minimum(hulls[:, None, 1], hulls[:, 1]) - np.maximum(hulls[:, None, 0], hulls[:, 0])
    hull = np.maximum(hulls[:, None, 1], hulls[:, 1]) - np.minimum(hulls[:, None, 0], hulls[:, 0])
    return ((np.maximum(overlap, 0) / hull) ** 0.6 * weight).sum(axis=1)[which.ravel()]


def combine(events, relation, rule, picks, results):
    """(3, n) the first few of all survivors, in the order of the vote or of the sum."""
    found = survivors(events, relation, rule, picks)
    if rule == "product-vote":
        return ranked_by_vote(*found.T, results)
    return found[np.argsort(-found[:, 2], kind="stable")[:results]].T


def ground(curves, plan, duration, reading, stride=20):
    """(n, 3) the whole way from curves to the ranked list, for a plan with curves above the floor somewhere."""
    frames = len(curves[plan.query])
    edges = np.arange(frames + 1) / frames * duration
    stride, longest = min(stride, frames // 2), frames // 2
    own_texts = [plan.query, *plan.paraphrases]
    sub_events = [e.descriptions for e in plan.sub_events] if plan.relation != "single-query" else []

    def table(texts):
        return np.stack([curves[t] for t in texts]).astype(np.float64)

    if reading == "tfvtg":
        own = paper_candidates(table(own_texts), edges, 0.2, stride, longest, 10)
        if sub_events:
            events = [paper_candidates(table(t), edges, 0.2, stride, longest, 5) for t in sub_events]
            combined = combine(events, plan.relation, "sum", 5, 10)
            if combined.size:
                _, first = np.unique(combined[:2], axis=1, return_index=True)
                return combined[:, np.sort(first)].T
        return own.T
    if len(own_texts) == 1 and not sub_events:
        listed = published_candidates(table(own_texts), edges, True, 0.2, stride, longest, 10, 10)
        return np.minimum(listed.T, [np.inf, duration, np.inf])
    listed = published_candidates(table(own_texts), edges, True, 0.2, stride, longest, 3, 7)
    if sub_events:
        events = []
        for texts in sub_events:
            found = published_candidates(table(texts), edges, True, 0.2, stride, longest, 3, 3 * len(texts))
            events.append(ranked_by_vote(*found, 3))
        listed = np.concatenate([listed, combine(events, plan.relation, "product-vote", 3, 2)], axis=1)
    return np.minimum(ranked_by_vote(*listed, listed.shape[1]).T, [np.inf, duration, np.inf])
