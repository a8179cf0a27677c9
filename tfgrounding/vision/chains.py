"""Chains of numbers in a reply, such as "3, 5-7 and 9", "from 3 to the end", or a start and an end said apart."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from .frames import Interval
from .tokens import UNITS, Token, Unit

INF = math.inf
_LEADS = (
    "stop",
    "contrast",
    "except",
    "lead",
    "label",
    "from",
    "again",
    "finish",
    "begin",
)  # before numbers without a unit


@dataclass(slots=True)
class Chain:
    """Intervals that belong together, and the positions [at, end) of their tokens.

    `own`: they are in the unit that was asked for. `bad`: they cannot be what was meant. `single`: no range is in it.
    `whole`: all of the video is meant. `named`: the unit stands there. `other`: it is another one than asked for.
    """

    at: int
    end: int
    intervals: list[Interval] = field(default_factory=list)
    own: bool = True
    bad: bool = False
    single: bool = False
    whole: bool = False
    named: bool = False
    other: bool = False


class Chains:
    """Reads the chains in tokens.

    `starts`, `ends`: a start whose end is still to come, and an end without a start.
    `bare`: there is nothing but numbers and units.
    """

    def __init__(self, tokens: list[Token], unit: Unit) -> None:
        self._tokens = tokens
        self._unit = unit
        self.starts: Token | None = None
        self.ends: Token | None = None
        self.bare = all(token.kind not in ("word", "neutral", "label", "lead", "from", "not") for token in tokens)

    def read(self, at: int, last: int) -> list[Chain]:
        """The chains in [at, last)."""
        found: list[Chain] = []
        while at < last:
            kind = self._tokens[at].kind
            chain = None
            if kind in ("begin", "finish") or (kind == "to" and self.starts is not None):
                at, chain = self._edge(at, last)
            elif (
                kind == "from"
                and (number := self._value(at + 1, last))
                and self._tokens[number].unit
                and self._is_alone(number, last)
            ):
                self.starts, at = self._tokens[number], number + 1
            else:
                chain = self._chain(at, last)
                at = chain.end if chain else at + 1
            if chain is not None:
                found.append(chain)
        return found

    def _is_alone(self, number: int, last: int) -> bool:
        """A number without an end, such as "from frame 3, she ..."."""
        return self._item(number, last)[0].single and self.joined(number + 1, last) is None

    def _edge(self, at: int, last: int) -> tuple[int, Chain | None]:
        """A start or an end said apart: "it starts at frame 3"."""
        kind, moved = self._tokens[at].kind, 0
        for number in range(at + 1, last):
            token = self._tokens[number]
            if token.kind in ("begin", "finish", "not", "last", "first", "whole") or (
                kind == "to" and token.kind in ("word", "to")
            ):
                break
            if token.text in ("after", "before"):
                moved = 1 if token.text == "after" else -1
            if token.kind == "number":
                if not token.is_own(self._unit):
                    continue
                if not self._item(number, last)[0].single:
                    return number, None
                token.value += moved * (self._unit == "frame")
                if kind == "begin":
                    self.starts = token
                else:
                    self.ends = token
                if self.starts is None or self.ends is None:
                    return number + 1, None
                chain = self._range(self.starts, self.ends, at, number + 1)
                self.starts = self.ends = None
                return number + 1, chain
        return at + 1, None

    def _chain(self, at: int, last: int) -> Chain | None:
        """What begins at `at`: items joined by commas and "and"."""
        between = self._tokens[at].text in ("between", "entre", "zwischen", "tra", "fra", "tussen")
        start = self._skip(at + 1, last) if between else at
        if start >= last or self._tokens[start].kind not in ("number", "first", "whole"):
            return None
        first = self._value(start, last)
        if between and first is not None and (join := self.joined(first + 1, last)) is not None:
            second = self._value(join, last)
            if second is not None:
                return self._range(self._tokens[first], self._tokens[second], at, second + 1)
        chain, end = self._item(start, last)
        if chain.single and self._tokens[start].unit in ("count", "rated"):
            return None
        chain.at = at
        while (join := self.joined(end, last)) is not None:
            item, item_end = self._item(join, last)
            if item.named and item.own != chain.own:
                if not chain.named:
                    chain.own, chain.other = False, item.other or chain.own  # "3, 4 and 5 seconds"
                break
            if item.single and not item.named and item_end < last and self._tokens[item_end].kind == "word":
                chain.bad |= len(chain.intervals) > 1 or self._tokens[start].plural  # "frames 3, 4 and 5 men"
                break
            if chain.whole:  # "all frames, from 3 to 9"
                chain.intervals, chain.whole = [], item.whole
            chain.bad |= item.bad
            chain.single &= item.single
            chain.named |= item.named
            chain.intervals += item.intervals if chain.own else []
            end = item_end
        chain.end = end
        if chain.intervals and any(token.kind == "dots" for token in self._tokens[at:end]):  # "3, 4, ..., 9"
            chain.intervals = [(min(first for first, _ in chain.intervals), max(last for _, last in chain.intervals))]
        if not chain.own and not chain.bad:
            return chain
        small = {token.text for token in self._tokens[end : self._skip(end, last)]}
        if small & {"之间", "之間"} and len(chain.intervals) == 2 and chain.single:
            chain.intervals, chain.single = [(chain.intervals[0][0], chain.intervals[1][1])], False
        chain.own &= self._is_led(chain, start, last)
        return chain

    def _is_led(self, chain: Chain, start: int, last: int) -> bool:
        """Do the words around numbers without a unit, and around a single one, make them an answer?"""
        before = start - 1
        while before >= 0 and self._tokens[before].kind in ("filler", "unit"):
            before -= 1
        lead = self._tokens[before] if before >= 0 else None
        if before + 1 < start and any(token.text == ":" for token in self._tokens[before + 1 : start]):
            lead = None
        free = lead is None or lead.kind in _LEADS
        if lead and (lead.kind == "to" or lead.text in ("after", "before", "by", "beyond", "since", "past")):
            chain.bad = True
            return True
        if chain.whole:
            return True
        ended = chain.end >= len(self._tokens) or chain.end >= last or self._tokens[chain.end].kind != "word"
        if chain.single:
            if self._unit == "frame" and chain.named:
                return True
            return self.bare or (chain.named and free and (lead is None or lead.text != "in"))
        led = chain.named or ((free or (lead is not None and lead.kind in ("and", "dots"))) and ended)
        chain.bad |= not led and ended
        return led

    def _item(self, at: int, last: int) -> tuple[Chain, int]:
        """One value or range, at a position where one begins."""
        at = self._skip(at, last)
        token = self._tokens[at]
        if token.kind == "whole":
            return Chain(at, at + 1, [(-INF, INF)], whole=True), at + 1
        to = self._to(at + 1, last)
        if token.kind == "first":
            end = self._skip(to, last) if to is not None else last
            if end < last and self._tokens[end].kind == "last":
                return Chain(at, end + 1, [(-INF, INF)], whole=True), end + 1
            if end < last and self._tokens[end].kind == "number":
                right = self._tokens[end]
                own = right.is_own(self._unit)
                return Chain(at, end + 1, [(-INF, right.value)], own=own, bad=right.unit == "bad", named=True), end + 1
            return Chain(at, at + 1, bad=True, single=True), at + 1
        if to is not None:
            end = self._skip(to, last)
            if end < last and self._tokens[end].kind == "number":
                chain = self._range(token, self._tokens[end], at, end + 1)
                if self._to(end + 1, last) is not None and self._value(self._to(end + 1, last) or 0, last) is not None:
                    chain.bad = True  # "3-5-7"
                return chain, end + 1
            if end < last and self._tokens[end].kind == "last":
                return self._open(token, at, end + 1), end + 1
            if end >= len(self._tokens) and self._tokens[to - 1].kind == "to":
                return Chain(at, end, own=token.is_own(self._unit), bad=True, named=True), end  # cut off
        after = self._skip(at + 1, last)
        if after < last and self._tokens[after].kind == "onward":
            return self._open(token, at, after + 1), after + 1
        own = token.is_own(self._unit)
        chain = Chain(at, at + 1, [(token.value, token.value)] if own else [], own, token.unit == "bad", single=True)
        chain.named, chain.other = token.unit is not None, token.unit in UNITS and not own
        return chain, at + 1

    def _open(self, token: Token, at: int, end: int) -> Chain:
        own = token.is_own(self._unit)
        return Chain(
            at, end, [(token.value, INF)] if own else [], own, token.unit == "bad", named=token.unit is not None
        )

    def _range(self, first: Token, last: Token, at: int, end: int) -> Chain:
        units = {first.unit, last.unit} - {None}
        if first.unit == "rated" or (first.unit is None and last.unit == "label"):
            return Chain(at, end, own=False)
        if last.unit == "count" and first.unit in (None, "frame"):
            units = {"frame"}
        own = [unit == self._unit or (self._unit == "percent" and unit == "step") for unit in units]
        if not all(own):
            return Chain(at, end, own=False, bad=any(own) or "bad" in units, named=True, other=bool(units & {*UNITS}))
        low = first.value * (last.scale if first.unit is None else 1)
        pair = (low, last.value)
        if low > last.value and self._tokens[end - 2].text == "frame":  # "from frame 9 to frame 3" is clear enough
            pair = (last.value, low)
        joined = first.unit is None and last.joined  # "5 to 11 minutes and 3 seconds"
        fraction = self._unit == "percent" and not units and pair[1] <= 1 < pair[1] + 1 and pair[1] % 1 != 0
        clock = (
            last.scale == 60 and re.search(r"\.\d\d$", f"{first.text}\n{last.text}", re.M) is not None
        )  # "1.05 minutes"
        return Chain(at, end, [pair], bad=fraction or joined or clock or pair[0] > pair[1], named=bool(units))

    def _skip(self, at: int, last: int) -> int:
        while at < last and self._tokens[at].kind in ("filler", "unit"):
            at += 1
        return at

    def _value(self, at: int, last: int) -> int | None:
        at = self._skip(at, last)
        return at if at < last and self._tokens[at].kind == "number" else None

    def _to(self, at: int, last: int) -> int | None:
        """The position after a "to" at `at`."""
        at = self._skip(at, last)
        if at + 1 < last and self._tokens[at].text == "," and self._tokens[at + 1].kind == "dots":
            at += 1
        if at >= last or self._tokens[at].kind not in ("to", "dots"):
            return None
        return (
            at + 2 if at + 1 < last and self._tokens[at + 1].text == "," and self._tokens[at].kind == "dots" else at + 1
        )

    def joined(self, at: int, last: int) -> int | None:
        """The position of the next item after a comma or "and" at `at`."""
        at = self._skip(at, last)
        if at >= last or self._tokens[at].kind not in ("and", "again"):
            return None
        while at < last and self._tokens[at].kind in ("and", "lead", "from", "filler", "unit", "again"):
            at += 1
        return at if at < last and self._tokens[at].kind == "number" else None


def runs(numbers: Sequence[float], gap: float) -> list[Interval]:
    """Numbers in a list as intervals: neighbours at most `gap` apart make one."""
    found: list[Interval] = []
    for number in sorted(set(numbers)):
        if found and number - found[-1][1] <= gap:
            found[-1] = (found[-1][0], number)
        else:
            found.append((number, number))
    return found
