"""Which of the intervals in a reply's sentences are meant."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import NoReturn

from ..errors import ModelError
from .chains import INF, Chain, Chains, runs
from .frames import Interval
from .tokens import WORDS, Unit, tokens_of

_MOST_CHAINS = 100
_FEW = 2  # words that may stand between a "not" and what it denies
_LIMITED = re.compile(WORDS["reply-limited"])


def intervals_in_words(text: str, unit: Unit, *, gap: float, shown: Interval | None) -> list[Interval] | None:
    """The intervals in a plain text; none where it has none, None where it says of those it has that they are not it.

    Raises:
        ModelError: it has some, but which of them are meant is not clear.
    """
    return _Reader(text, unit, gap, shown).read()


class _Reader:
    def __init__(self, text: str, unit: Unit, gap: float, shown: Interval | None) -> None:
        self._tokens = tokens_of(text, unit)
        self._chains = Chains(self._tokens, unit)
        self._unit = unit
        self._gap = gap
        self._shown = shown

    def read(self) -> list[Interval] | None:
        chains: list[Chain] = []
        denied: list[Chain] = []
        other = False  # something is said in another unit
        doubtful = False  # an interval is asked, supposed, or in a long sentence with a "not"; something else is denied
        for first, last in self._clauses():
            kinds = [token.kind for token in self._tokens[first:last]]
            edges = (self._chains.starts, self._chains.ends)
            found = self._chains.read(first, last)
            if "not" in kinds:
                doubtful |= "number" not in kinds and not self._is_limited(first, last)
                doubtful |= edges != (self._chains.starts, self._chains.ends)
            if "except" in kinds:
                found = self._all_but(found)
            elif "if" in kinds or "outside" in kinds or (last < len(self._tokens) and self._tokens[last].text == "?"):
                doubtful |= any(chain.own and not chain.single for chain in found)
                found = []
            elif "not" in kinds:
                refused = [chain for chain in found if self._is_denied(chain)] or found
                denied += [chain for chain in refused if chain.own]
                doubtful |= any(not self._is_near(chain, "not") for chain in refused if chain.own)
                found = [chain for chain in found if chain not in refused]
            elif "context" in kinds:
                found = [chain for chain in found if not self._is_restated(chain)]
            chains += found
            other |= any(chain.other for chain in found)
        chains = self._meant(chains)
        if chains and doubtful:
            self._unclear("names an interval, and denies, asks or supposes something beside it")
        if not chains and other:
            self._unclear("names no interval in the unit that was asked for")
        if not chains and denied:
            if len(denied) == 1 and self._covers_all(denied[0]):
                return None
            self._unclear("says only where it is not")
        if any(chain.bad for chain in chains) or (not chains and (self._chains.starts or self._chains.ends)):
            self._unclear("has an interval that is not complete or not possible")
        return [interval for chain in chains for interval in chain.intervals]

    @staticmethod
    def _unclear(why: str) -> NoReturn:
        raise ModelError(f"the reply {why}")

    # Which chains are meant

    def _meant(self, chains: list[Chain]) -> list[Chain]:
        beside = [c for c in chains if c.single and c.intervals and c.at and self._tokens[c.at - 1].text == "at"]
        chains = [chain for chain in chains if chain.own or chain.bad]
        if len(chains) > _MOST_CHAINS:
            self._unclear("names too many intervals")
        strong = [chain for chain in chains if not chain.single and not chain.whole]
        if strong and self._shown is not None:
            for chain in strong:  # "out of frames 1-64, 3-9"
                chain.intervals = [pair for pair in chain.intervals if pair != self._shown] or chain.intervals
            strong = [chain for chain in strong if chain.intervals != [self._shown]] or strong
        if any(chain.bad for chain in strong):
            self._unclear("has an interval that is not complete or not possible")
        if not strong:
            whole = [chain for chain in chains if chain.whole]
            strong = whole[:1]
            if whole and not self._is_plain(whole[0]):
                self._unclear("says of all of the video more than that the event is in it")
            if whole and any(chain.single and not self._is_plain(chain) for chain in chains):
                self._unclear("names all of the video and single times of it")
        # A single number counts beside a range if nothing else is said of it.
        meant = [c for c in chains if c in strong or (c.single and (self._is_plain(c) or not strong))]
        if strong and (beside or not all(map(self._is_plain, strong))):
            low, high = strong[0].intervals[0][0], strong[-1].intervals[-1][1]
            after = [c.intervals[0][0] for c in chains + beside if c.single and c.intervals and c.at > strong[-1].at]
            if any(not low <= number <= high for number in after):
                self._unclear("names an interval and other numbers, and which are meant is not clear")
        if meant and not strong and (self._chains.starts or self._chains.ends or any(map(self._is_edge, meant))):
            self._unclear("names single numbers that are a start or an end")
        if meant and not strong and self._unit == "second":
            numbers = [(at, token.unit) for at, token in enumerate(self._tokens) if token.kind == "number"]
            apart = any(unit == "second" and not any(c.at <= at < c.end for c in meant) for at, unit in numbers)
            if apart or meant[0].intervals == [(0, 0)] or any(unit == "rated" for _, unit in numbers):
                self._unclear("names a time without an end")
        if len({tuple(chain.intervals) for chain in meant}) < 2:
            meant = meant[:1]
        elif not self._all_meant(meant):
            self._unclear("names several intervals, and which of them is meant is not clear")
        if meant and all(chain.single for chain in meant):
            return [self._together(meant)]
        for chain in meant:
            chain.intervals = self._merged(chain.intervals)
        return meant

    def _all_meant(self, chains: list[Chain]) -> bool:
        """Is nothing new said after the first of several chains?"""
        joined = self._is_joined(chains[0].at, chains[-1].end, self._clause(chains[-1])[1])
        for before, after in pairwise(chains):
            joined &= self._is_joined(chains[0].at, before.end, after.at)
            loose = self._chains.bare or (before.single and after.single)
            joined &= not loose or any(t.kind in ("stop", "and", "again") for t in self._tokens[before.end : after.at])
        return joined

    def _merged(self, intervals: list[Interval]) -> list[Interval]:
        """Intervals in order; a single number joins what it follows or is followed by."""
        merged: list[Interval] = []
        single = False  # the interval before is made of single numbers
        for first, last in intervals:
            if merged and 0 <= first - merged[-1][1] <= self._gap and (single or first == last):
                merged[-1] = (merged[-1][0], last)
            else:
                merged.append((first, last))
                single = True
            single &= first == last
        return merged

    def _together(self, chains: list[Chain]) -> Chain:
        """Single numbers as intervals."""
        numbers = [first for chain in chains for first, _ in chain.intervals]
        bad = any(chain.bad for chain in chains)
        listed = any(token.text in ("and", "&", "+") for token in self._tokens)
        if self._chains.bare and len(numbers) == 2 and not chains[0].named and len(chains) == 1:
            bad |= listed and self._unit == "second"
        if (
            self._chains.bare and len(numbers) == 2 and not chains[0].named and len(chains) == 1 and not listed
        ):  # "3, 9"
            return Chain(chains[0].at, chains[-1].end, [(numbers[0], numbers[1])], bad=bad or numbers[0] > numbers[1])
        return Chain(chains[0].at, chains[-1].end, runs(numbers, self._gap), bad=bad)

    def _is_joined(self, first: int, end: int, at: int) -> bool:
        """Is nothing new said between two chains, or "again"?"""
        known = {token.text for token in self._tokens[:first]}
        between = self._tokens[end:at]
        new = sum(token.kind == "word" and token.text not in known for token in between)
        return new <= (_FEW if any(token.kind == "again" for token in between) else 0)

    def _is_near(self, chain: Chain, kind: str, most: int = _FEW) -> bool:
        """Is a word of that kind in the chain's clause, with few others between them?"""
        first, last = self._clause(chain)
        for tokens in (self._tokens[first : chain.at][::-1], self._tokens[chain.end : last]):
            words = 0
            for token in tokens:
                words += token.kind == "word"
                if token.kind == kind and words <= most:
                    return True
        return False

    def _clause(self, chain: Chain) -> tuple[int, int]:
        first = last = chain.at
        while first > 0 and self._tokens[first - 1].kind not in ("stop", "contrast"):
            first -= 1
        while last < len(self._tokens) and self._tokens[last].kind not in ("stop", "contrast"):
            last += 1
        return first, last

    def _is_plain(self, chain: Chain) -> bool:
        first, last = self._clause(chain)
        return all(token.kind != "word" for token in self._tokens[first:last])

    def _is_edge(self, chain: Chain) -> bool:
        """Is a single number the start or the end of something?"""
        first, last = self._clause(chain)
        tokens = self._tokens[first:last]
        return any(
            t.kind in ("begin", "finish", "first", "last") or t.text in ("first", "last", "final", *"<>≥≤+/")
            for t in tokens
        )

    def _is_limited(self, first: int, last: int) -> bool:
        """Is a "not" said of other times only?"""
        tokens = self._tokens[first:last]
        few = sum(token.kind == "word" for token in tokens) <= _FEW
        return few and _LIMITED.search(" ".join(token.text for token in tokens)) is not None

    def _is_denied(self, chain: Chain) -> bool:
        """Does a "not" stand directly before the chain?"""
        at = chain.at - 1
        while at >= 0 and self._tokens[at].kind in ("lead", "from", "filler", "unit", "neutral", "label"):
            at -= 1
        return at >= 0 and self._tokens[at].kind == "not"

    def _is_restated(self, chain: Chain) -> bool:
        if not self._is_near(chain, "context", 0):
            return False
        if self._shown is not None:
            return chain.intervals == [self._shown] or chain.single
        context = " ".join(token.text for token in self._tokens if token.kind == "context")
        if re.search(r"run|range|numbered|consist|compris", context):
            return True
        return chain.single or chain.whole or not chain.intervals or chain.intervals[0][0] <= 1

    def _covers_all(self, chain: Chain) -> bool:
        low, high = self._shown or (1.0, -INF)
        return any(first <= low and last >= high for first, last in chain.intervals) and not chain.single

    def _all_but(self, chains: list[Chain]) -> list[Chain]:
        """ "All frames except 4-6" as the intervals between."""
        whole = [chain for chain in chains if chain.whole]
        left_out = [chain for chain in chains if not chain.whole and chain.own and not chain.bad]
        if len(whole) != 1 or len(left_out) != 1 or len(chains) != 2 or self._unit == "percent":
            return [Chain(chain.at, chain.end, bad=True) for chain in chains[:1]]
        step = 0.0 if self._unit == "second" else 1.0
        low, high = self._shown or (step, INF)
        edges = sorted(left_out[0].intervals)
        starts = [-INF, *(last + step for _, last in edges)]
        ends = [*(first - step for first, _ in edges), INF]
        pairs = zip(starts, ends, strict=True)
        kept = [(start, end) for start, end in pairs if end >= low and start <= high and start < end + step]
        return [Chain(whole[0].at, left_out[0].end, kept)]

    # Clauses

    def _clauses(self) -> list[tuple[int, int]]:
        """[first, last) of what a "not" is said of: sentences and their parts, and where numbers are on both sides of a
        comma, each side.
        """
        clauses, first = list[tuple[int, int]](), 0
        stops = [at for at, token in enumerate(self._tokens) if token.kind in ("stop", "contrast")]
        for at in [*stops, len(self._tokens)]:
            clauses += self._at_commas(first, at)
            first = at + 1
        return clauses

    def _at_commas(self, first: int, last: int) -> list[tuple[int, int]]:
        parts, begin, numbers = list[tuple[int, int]](), first, False
        if not any(token.kind == "not" for token in self._tokens[first:last]):
            return [(first, last)]
        last_number = max((at for at in range(first, last) if self._tokens[at].kind == "number"), default=first)
        for at in range(first, last_number):
            token = self._tokens[at]
            numbers = numbers or token.kind == "number"
            if token.text == "," and numbers and self._goes_on(at, last):
                parts.append((begin, at))
                begin, numbers = at + 1, False
        return [*parts, (begin, last)]

    def _goes_on(self, comma: int, last: int) -> bool:
        """Is a comma in no list?"""
        before = comma - 1
        while before > 0 and self._tokens[before].kind in ("filler", "unit"):
            before -= 1
        listed = self._tokens[before].kind == "number" and self._chains.joined(comma, last) is not None
        return not listed
