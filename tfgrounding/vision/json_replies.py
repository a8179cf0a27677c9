"""Read the intervals in JSON, whatever its names are."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import Any

from ..errors import ModelError
from .frames import Interval
from .sentences import runs
from .tokens import UNITS, Unit, tokens_of

_EDGE = r"(?:ing|s)?(?: |$|frame|time|second|sec|number|index|step)"
_START = re.compile(rf"(?:^| )(?:start|begin|from|first|onset){_EDGE}")
_END = re.compile(rf"(?:^| )(?:end|stop|to|until|last|finish){_EDGE}")
_TIMES = re.compile(  # names of what may hold times
    r"interval|moment|range|window|span|segment|time|frame|second|answer|result|relevant|event|clip|ind(?:ex|ices)|number|"
    r"step|percent|visible|occurrence|match|prediction|image|response"
)
_OTHER = re.compile(
    r"quer|descri|reason|expl|think|thought|label|caption|total|num |fps|duration|length|box|confiden|score|count|"
    r"event$|object|text|action|note"
)
_LISTS = re.compile(r"(?:frames|numbers|indices|images|seconds|timestamps|times)$")  # of single numbers
_PAIRS = ("interval", "range", "window", "span", "moment", "segment")
_ONE = re.compile(r"(?:frame|number|second|timestamp|time|step|answer)(?: (?:number|id|index))?")
_SEEN = re.compile(r"(?:is |event )?(?:visible|present|found|occurs|exists|relevant|match|shown|answer)")
_UNITS = {"frame": r"frame|image", "second": r"time|sec", "percent": r"percent|%", "step": r"step"}
_NULLS = (None, -1, "-1", "none", "null", "n/a", "")


def json_values(text: str) -> Iterator[Any]:
    """Every outermost JSON object or array in a text, until too many brackets have turned out not to be JSON."""
    decoder, at, failures = json.JSONDecoder(), 0, 0
    while failures < 50 and (opening := re.compile(r"[\[{]").search(text, at)) is not None:
        try:
            value, at = decoder.raw_decode(text, opening.start())
        except (ValueError, RecursionError):
            at, failures = opening.start() + 1, failures + 1
        else:
            yield value


class JsonReply:
    """What the JSON in a reply says.

    `found`: its intervals, each with its confidence. `absent`: it says that there is none. `values`: is there any JSON?

    Args:
        text: the plain reply.
        unit: what was asked for.
        gap: single numbers at most this far apart make one interval.
        read_text: reads a text in a field: its intervals, or none if it says that there are none; raises ModelError.

    Raises:
        ModelError: the JSON was cut off, contradicts itself, or has times that are not possible.
    """

    def __init__(self, text: str, unit: Unit, gap: float, read_text: Callable[[str], list[Interval]]) -> None:
        self.found: dict[Interval, float | None] = {}
        self._unit = unit
        self._gap = gap
        self._read_text = read_text
        self._none = self._hidden = False  # "moments": []; "visible": false
        self._described: set[str] = set()
        outside = _digits_outside(text)
        self.values = [value for value in json_values(text) if _is_answer(value, text, outside)]
        opened = text.count("{") + text.count("[") - text.count("}") - text.count("]")
        if opened > 0 and (self.values or re.search(r"[\[{]\s*[\"'{\[]", text)):
            raise ModelError("the reply was cut off")
        for value in self.values:
            self._read(value, "")
        if self._hidden and any(pair != (0, 0) for pair in self.found):
            raise ModelError("the reply names an interval and says that there is none")
        if len(self.found) > 1 and len(self._described) > 1:
            raise ModelError("the reply describes several intervals, and which of them is meant is not clear")
        self.absent = self._hidden or (self._none and not self.found)

    def _read(self, value: Any, name: str) -> None:
        if isinstance(value, dict):
            self._read_object({re.sub(r"[\s-]+", " ", key).strip(): part for key, part in value.items()}, name)
        elif isinstance(value, bool):
            self._hidden |= not value and _SEEN.fullmatch(name) is not None
        elif isinstance(value, list) and any(isinstance(part, dict | list) for part in value):
            for part in value:
                flat = isinstance(part, list) and not any(isinstance(inner, dict | list) for inner in part)
                self._read(part, "interval" if flat else name or "intervals")
        elif not name or _TIMES.search(name):
            self._read_times(value, name)

    def _read_times(self, value: Any, name: str) -> None:
        if value is None or value == []:
            self._none = True
        elif self._is_other(name):
            return
        elif isinstance(value, list):
            self._read_list(value, name)
        elif isinstance(value, str):
            if value.strip() and not (_SEEN.fullmatch(name) and value in ("true", "yes")):
                intervals = self._read_text(value)
                self._none |= not intervals
                self.found.update(dict.fromkeys(intervals))
        elif _ONE.fullmatch(name):
            number = self._number(value)
            self.found[(number, number)] = None

    def _read_list(self, value: list[Any], name: str) -> None:
        if all(part in (-1, "-1") for part in value):
            self._none = True
        elif any(isinstance(part, str) and not _is_one_number(part) for part in value):
            for part in value:
                self._read(part, name or "interval")
        else:
            numbers = [self._number(part) for part in value]
            if len(numbers) == 2 and not _LISTS.search(name):
                self.found[(min(numbers), max(numbers))] = None
            elif _LISTS.search(name) or (self._unit == "frame" and name not in _PAIRS):
                self.found.update(dict.fromkeys(runs(numbers, self._gap)))
            else:
                raise ModelError("the reply has a list of numbers that is no start and end")

    def _read_object(self, value: dict[str, Any], name: str) -> None:
        unseen = any(part is False and _SEEN.fullmatch(key) for key, part in value.items())
        if unseen and name:
            return  # one of several that is not meant
        self._hidden |= unseen
        edges = [key for key, part in value.items() if not isinstance(part, dict | list)]
        starts, ends = ([key for key in edges if pattern.search(key)] for pattern in (_START, _END))
        if len(starts) != len(ends):
            raise ModelError("the reply has a start without an end")
        if any(re.fullmatch("start|end|begin|from|to|first|last", key) for key in value.keys() - set(edges)):
            raise ModelError("the reply has a start or an end of several parts")
        if not starts:
            for key, part in value.items():
                if not _OTHER.search(key) or isinstance(part, dict | list):
                    self._read(part, key)
        confidence = next((part for key, part in value.items() if re.search(r"confiden|score|probab", key)), None)
        likely = float(confidence) if isinstance(confidence, int | float) and 0 <= confidence <= 1 else None
        for start, end in zip(starts, ends, strict=True):
            first, last = value[start], value[end]
            if first in _NULLS and last in _NULLS:
                self._none = True
            elif not self._is_other(f"{name} {start}") and not self._is_other(f"{name} {end}"):
                pair = (self._number(first), self._number(last))
                self.found[(min(pair), max(pair))] = likely
                told = (part for key, part in value.items() if re.search(r"descri|event|label|action|caption", key))
                self._described |= {part for part in told if isinstance(part, str)}

    def _is_other(self, name: str) -> bool:
        """Does a name give another unit than the one that was asked for?"""
        if re.search(r"\bms\b|milli|minute|hour", name):
            return True
        return not re.search(_UNITS[self._unit], name) and any(re.search(_UNITS[unit], name) for unit in UNITS)

    def _number(self, value: Any) -> float:
        """A number, or a text with one in it, in the unit that was asked for."""
        if isinstance(value, str) or (isinstance(value, int | float) and not isinstance(value, bool)):
            tokens = [token for token in tokens_of(str(value)[:60], self._unit) if token.kind not in ("filler", "unit")]
            if len(tokens) == 1 and tokens[0].is_own(self._unit):
                return tokens[0].value
        raise ModelError(
            "the reply has a start, an end or a number that is not possible in the unit that was asked for"
        )


def _is_answer(value: Any, text: str, outside: bool) -> bool:
    """An object, a list of objects, or the only numbers of the reply; "frames [3] to [9]" has no list."""
    if isinstance(value, dict) or any(isinstance(part, dict) for part in value):
        return True
    return not outside and (len(value) != 1 or isinstance(value[0], list) or text[:1] == "[")


def _digits_outside(text: str) -> bool:
    """Are there numbers outside all brackets?"""
    depth = 0
    for character in text:
        depth = max(0, depth + (character == "[") - (character == "]"))
        if depth == 0 and character.isdigit():
            return True
    return False


def _is_one_number(text: str) -> bool:
    return re.search(r"\d", text) is not None and not re.search(r"\d ?(?:-|to|~) ?\d", text[:60])
