"""Read the intervals in a vision LLM's reply: first by the exact form, then by many others, never by guessing."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from .frames import Interval
from .sentences import FRAME_WORDS, NOT, NUMBER, Unit, intervals_in_words, runs
from .wording import plain

MOST_JSON_FAILURES = 200

_STRICT = {
    "frame": rf"from frame ({NUMBER}) to frame ({NUMBER})",
    "second": rf"from ({NUMBER})(?: seconds?)? to ({NUMBER}) seconds?",
    "percent": rf"from ({NUMBER})%? to ({NUMBER})%?",
}
_ABSENT = (
    r"^[^\w\n]{0,20}(?:none|no|never|nowhere|n\s*/?\s*a|null|nil|-1|absent|"
    r"not\s+(?:visible|present|found|applicable|shown))[^\w\n]{0,20}$|"
    r"(?:\bnot\b|n't\b|\bnever\b|\bcannot\s+be\b|\bcould\s+not\s+be\b).{0,60}?\b(?:visible|present|occur\w*|happen\w*|"
    r"show\w*|appear\w*|seen|found|depict\w*|take\s+place|exist\w*|contain\w*|match\w*|in\s+(?:the|this|these|any))\b|"
    r"\b(?:no|none\s+of\s+the|in\s+no)\s+(?:such\s+|relevant\s+|matching\s+|visible\s+|clear\s+)*(?:frames?|events?|"
    r"moments?|intervals?|match\w*|occurrences?|evidence|instances?|scenes?|segments?)\b|"
    r"\babsent\b|:\s*no[^\w\n]{0,20}$|没有|未出现|不存在|不可见|нет\b|nicht\s+(?:zu\s+sehen|sichtbar)|no\s+(?:aparece|es\s+visible)|"
    r"n'appara[iî]t\s+pas"
)
_REFUSAL = (
    r"\b(?:sorry|apologi[sz]e|unable\s+to|i\s+(?:cannot|can't|can\s+not)|as\s+an\s+ai|(?:cannot|can't|could\s+not|"
    r"couldn't)\s+(?:be\s+)?(?:determin|identif|access|view|watch|process|analy|assist|help|answer|load)\w*)"
)


@dataclass(frozen=True, slots=True)
class ReplyIntervals:
    """The intervals in a reply, in its order.

    `intervals`: closed (first, last), first <= last, in the unit that was asked for; -inf and inf mean the beginning
    and the end, where the reply names these in words. `absent`: the event is not there. `strict`: the reply has the
    form that was asked for. With neither intervals nor `absent`, the reply could not be read.
    """

    intervals: tuple[Interval, ...] = ()
    absent: bool = False
    strict: bool = False

    @property
    def usable(self) -> bool:
        return bool(self.intervals) or self.absent


def read_intervals(text: str, *, unit: Unit = "frame", step: float = 1) -> ReplyIntervals:
    """Read the intervals in a reply.

    Args:
        text: the reply.
        unit: the unit that the question asked for; numbers in other units are not used.
        step: numbers in a list that are at most this far apart make one interval.

    Returns:
        ReplyIntervals, not `usable` where the reply has no interval and does not say that there is none.
    """
    exact = re.fullmatch(rf"\s*{_STRICT[unit]}(?:(?:,|;| and|\n|\s)+{_STRICT[unit]})*\.?\s*", text, re.IGNORECASE)
    if exact:
        pairs = re.findall(_STRICT[unit], text, re.IGNORECASE)
        return ReplyIntervals(_ordered([(float(first), float(last)) for first, last in pairs]), strict=True)
    whole = plain(text)
    answer = _read(final_part(whole), unit, step)
    return answer if answer.usable else _read(whole, unit, step)


def _read(text: str, unit: Unit, step: float) -> ReplyIntervals:
    parts = [part for value in json_values(text) for part in _json_intervals(value, unit, step)]
    intervals = [interval for part in parts for interval in part]
    if not parts:
        intervals = intervals_in_words(text, unit, step)
    if intervals:
        return ReplyIntervals(_ordered(intervals))
    return ReplyIntervals(absent=bool(parts) or _says_absent(text))


def _says_absent(text: str) -> bool:
    return not re.search(_REFUSAL, text) and re.search(_ABSENT, text, re.MULTILINE) is not None


def final_part(text: str) -> str:
    """What follows the last "answer:", if it has a number or a negation."""
    parts = re.split(r"\b(?:final\s+)?(?:answer|conclusion|result)\b\s*(?:is\b\s*)?[:=]?\s*", text)
    return parts[-1] if len(parts) > 1 and re.search(rf"\d|{NOT}|none|all", parts[-1]) else text


def _ordered(intervals: list[Interval]) -> tuple[Interval, ...]:
    """Each interval once, its ends in order."""
    return tuple(dict.fromkeys((min(pair), max(pair)) for pair in intervals))


def json_values(text: str) -> Iterator[Any]:
    """Every outermost JSON object or array in a text, until too many brackets have turned out not to be JSON."""
    decoder, at, failures = json.JSONDecoder(), 0, 0
    while failures < MOST_JSON_FAILURES and (opening := re.compile(r"[\[{]").search(text, at)) is not None:
        try:
            value, at = decoder.raw_decode(text, opening.start())
        except (ValueError, RecursionError):
            at, failures = opening.start() + 1, failures + 1
        else:
            yield value


def _json_intervals(value: Any, unit: Unit, step: float, key: str = "") -> Iterator[list[Interval]]:
    """The intervals of each part of a JSON reply; an empty list where a part says that there are none."""
    if isinstance(value, dict):
        first, last = _named(value, r"start|begin|from|first"), _named(value, r"end|stop|to|until|last|finish")
        if first is not None and last is not None:
            yield [(first, last)]
            return
        for name, part in value.items():
            yield from _json_intervals(part, unit, step, name)
    elif isinstance(value, list):
        numbers = [number for number in map(as_number, value) if number is not None]
        if len(numbers) < len(value):
            for part in value:
                yield from _json_intervals(part, unit, step, key)
        elif len(numbers) == 2 and not re.search(r"(?:frames|numbers|indices|images)$", key):
            yield [(numbers[0], numbers[1])]
        else:
            yield runs(numbers, step)
    elif isinstance(value, str) and not re.search(r"quer|event|descri|reason|expl|think|thought", key):
        if intervals := intervals_in_words(value, unit, step):
            yield intervals
        elif _says_absent(value):
            yield []
    elif value is False or (value is None and key):
        yield []
    elif (number := as_number(value)) is not None and re.fullmatch(
        r"(?:frame|number|second)(?:\s?(?:number|id))?", key
    ):
        yield [(number, number)]


def _named(value: dict[str, Any], pattern: str) -> float | None:
    for name, part in value.items():
        if re.search(rf"(?:^|[\s-])(?:{pattern})(?![a-z])|^(?:{pattern})(?:frame|time|second|number)", name):
            return as_number(part)
    return None


def as_number(value: Any) -> float | None:
    if isinstance(value, str):
        match = re.fullmatch(rf"\s*(?:(?:{FRAME_WORDS}|seconds?)\s*)?({NUMBER})\s*(?:s|seconds?|%)?\s*", value)
        return float(match[1]) if match else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if math.isfinite(value) and value >= 0 else None
