"""Read the intervals in JSON: under names that say so, and only where nothing in it or around it denies them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

from ..errors import ModelError
from .frames import Interval
from .sentences import runs
from .tokens import UNITS, WORDS, Unit, tokens_of

_EDGE = r"(?:ing|s)?(?: |$|frame|time|second|sec|number|index|step)"
_START = re.compile(rf"(?:^| )(?:start|begin|from|first|onset){_EDGE}")
_END = re.compile(rf"(?:^| )(?:end|stop|to|until|last|finish){_EDGE}")
_TIMES = re.compile(  # a name of what holds times: all of its words are of these
    r"(?:(?:interval|moment|range|window|span|segment|time|timestamp|frame|second|sec|clip|index|number|step|percent|image"
    r"|percentage|event|answer|key|result|occurrence|match(?:e)?|prediction|instance|response|output|value|target)s?|list|is"
    r"|id|ind(?:ex|ic)es|relevant|visible|present|seen|shown|final|best|predicted"
    r"|temporal|localization|grounding|of|in|\d| )+"
)
_OTHER = re.compile(r"event|label|text|action|object")  # names of one value that is no time
_LISTS = re.compile(r"(?:frames|numbers|indices|images|seconds|timestamps|times)$")  # of single numbers
_PAIRS = ("interval", "range", "window", "span", "moment", "segment")
_ONE = re.compile(r"(?:frame|number|second|timestamp|time|step|answer)(?: (?:number|id|index))?")
_SEEN = re.compile(
    r"(?:(?:is|event|query|action|was) )*(?:visible|present|found|occur\w*|exist\w*|relevant|match|shown|seen|happen\w*"
    r"|detected|answer|result|status)"
)
_UNSEEN = re.compile(r"(?:(?:is|event) )*(?:absent|missing|not \w+|no \w+|rejected|excluded)")
_DENIES = re.compile(
    rf"\W*(?:no|none|false|never|0|absent|not\b.*|missing|invisible|negative|n/a)\W*|.*(?:{WORDS['reply-absent']})",
    re.DOTALL,
)
_UNCLEAR = re.compile(rf"{WORDS['not']}|\b(?:example|schema|draft|format|guess|template|if)\b|{WORDS['reply-doubt']}")
_DOUBT = re.compile(WORDS["reply-doubt"])
_LIMITED = re.compile(WORDS["reply-limited"])
_FINAL = re.compile(WORDS["reply-final"])
_NOTES = re.compile(r"note|comment|message|remark|warning|info")
_THOUGHTS = re.compile(r"reason|expl|think|thought|quer|analy|descri|caption|label|question|object|text")
_UNITS = {"frame": r"frame|image", "second": r"time|sec", "percent": r"percent|%", "step": r"step"}
_UNIT_NAMES = {
    "frame": r"frames?|images?",
    "second": r"s|secs?|seconds?",
    "percent": r"%|percent\w*",
    "step": r"steps?",
}
_NULLS = (None, -1, "-1", "none", "null", "n/a", "")


def json_values(text: str) -> Iterator[Any]:
    """Every outermost JSON object or array in a text, until too many brackets have turned out not to be JSON."""
    return (value for value, _, _ in _values_at(text))


def _values_at(text: str) -> Iterator[tuple[Any, int, int]]:
    """The same, each with its first and last position."""
    decoder, at, failures = json.JSONDecoder(), 0, 0
    while failures < 50 and (opening := re.compile(r"[\[{]").search(text, at)) is not None:
        try:
            value, at = decoder.raw_decode(text, opening.start())
        except (ValueError, RecursionError):
            at, failures = opening.start() + 1, failures + 1
        else:
            yield value, opening.start(), at


class JsonReply:
    """What the JSON in a reply says.

    `found`: its intervals, each with its confidence. `absent`: it says that there is none. `values`: is there any JSON?

    Args:
        text: the plain reply.
        unit: what was asked for.
        gap: single numbers at most this far apart make one interval.
        read_text: reads a text in a field: its intervals, or none if it says that there are none; raises ModelError.

    Raises:
        ModelError: the JSON was cut off, contradicts itself, is denied around it, or has times that are not possible.
    """

    def __init__(self, text: str, unit: Unit, gap: float, read_text: Callable[[str], list[Interval]]) -> None:
        self.found: dict[Interval, float | None] = {}
        self._unit = unit
        self._gap = gap
        self._read_text = read_text
        self._none = self._hidden = self._noted = False  # "moments": []; "visible": false; "note": "..."
        self._described: set[str] = set()
        outside = _digits_outside(text)
        found = [part for part in _values_at(text) if _is_answer(part[0], text, outside)]
        opened = text.count("{") + text.count("[") - text.count("}") - text.count("]")
        if opened > 0 and (found or re.search(r"[\[{]\s*[\"'{\[]", text)):
            raise ModelError("the reply was cut off")
        self.values = _meant(found, text)
        for value in self.values:
            self._read(value, "")
        if self._hidden and any(pair != (0, 0) for pair in self.found):
            raise ModelError("the reply names an interval and says that there is none")
        if self._noted and not self.found:
            raise ModelError("the reply has no interval, and a note that may say more")
        if len(self.found) > 1 and len(self._described) > 1:
            raise ModelError("the reply describes several intervals, and which of them is meant is not clear")
        self.absent = self._hidden or (self._none and not self.found)
        if all(first == last for first, last in self.found):
            self.found = {pair: self.found.get(pair) for pair in runs([first for first, _ in self.found], gap)}

    def _read(self, value: Any, name: str) -> None:
        if isinstance(value, dict):
            self._read_object({re.sub(r"[\s_-]+", " ", key).strip(): part for key, part in value.items()}, name)
        elif isinstance(value, bool) or not (name == "" or _TIMES.fullmatch(name)):
            return
        elif isinstance(value, list) and any(isinstance(part, dict | list) for part in value):
            for part in value:
                flat = isinstance(part, list) and not any(isinstance(inner, dict | list) for inner in part)
                self._read(part, "interval" if flat else name or "intervals")
        else:
            self._read_times(value, name)

    def _read_times(self, value: Any, name: str) -> None:
        if value is None or value == []:
            self._none = True
        elif self._is_other(name):
            return
        elif isinstance(value, list):
            self._read_list(value, name)
        elif isinstance(value, str):
            if value.strip() and not (
                _SEEN.fullmatch(name) and value in ("true", "yes", "found", "visible", "present")
            ):
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
                self._add(numbers[0], numbers[1], None)
            elif (self._unit == "frame" and name not in _PAIRS) or (
                _LISTS.search(name) and (self._unit != "second" or len(runs(numbers, self._gap)) == 1)
            ):
                self.found.update(dict.fromkeys(runs(numbers, self._gap)))
            else:
                raise ModelError("the reply has a list of numbers that is no start and end")

    def _read_object(self, value: dict[str, Any], name: str) -> None:
        unseen = any(_denies(key, part) for key, part in value.items())
        if unseen and name:
            return  # one of several that is not meant
        self._hidden |= unseen
        self._noted |= any(self._is_note(key, part) for key, part in value.items())
        for key, part in value.items():
            if re.search(r"\bunits?$", key) and not re.fullmatch(_UNIT_NAMES[self._unit], str(part)):
                raise ModelError(f"the reply is in another unit than the {self._unit} that was asked for")
        edges = [key for key, part in value.items() if not isinstance(part, dict | list)]
        starts, ends = ([key for key in edges if pattern.search(key)] for pattern in (_START, _END))
        if len(starts) != len(ends):
            raise ModelError("the reply has a start without an end")
        other = r"\b(?:ms|mins?|hours?|fraction|norm)|milli|minute"
        if any(re.search(other, key) for key in starts + ends):
            raise ModelError("the reply has a start or an end in another unit")
        told = [key for key, part in value.items() if isinstance(part, bool)]
        if starts and not all(_SEEN.fullmatch(key) or _UNSEEN.fullmatch(key) for key in told):
            raise ModelError("the reply says yes or no to something that is not known beside its times")
        if any(re.fullmatch("start|end|begin|from|to|first|last", key) for key in value.keys() - set(edges)):
            raise ModelError("the reply has a start or an end of several parts")
        if not starts:
            names = set[str]()
            for key, part in value.items():
                before = len(self.found)
                if not unseen and (not _OTHER.search(key) or isinstance(part, dict | list)):
                    self._read(part, key)
                names |= {re.sub(r"[ \d]+$", "", key)} if len(self.found) > before else set()
            if len(names) > 1:
                raise ModelError(f"the reply names different intervals: {', '.join(sorted(names))}")
        elif name and not _TIMES.fullmatch(name):
            return
        confidence = next((part for key, part in value.items() if re.search(r"confiden|score|probab", key)), None)
        likely = float(confidence) if isinstance(confidence, int | float) and 0 <= confidence <= 1 else None
        before = len(self.found)
        for start, end in zip(starts, ends, strict=True):
            first, last = value[start], value[end]
            if first in _NULLS and last in _NULLS:
                self._none = True
            elif not self._is_other(f"{name} {start}") and not self._is_other(f"{name} {end}"):
                self._add(self._number(first), self._number(last), likely)
                labels = (part for key, part in value.items() if re.search(r"descri|event|label|action|caption", key))
                self._described |= {part for part in labels if isinstance(part, str)}
        if len(self.found) > before + 1:
            raise ModelError("the reply has two starts and two ends of one moment")

    def _add(self, first: float, last: float, likely: float | None) -> None:
        if first > last:
            raise ModelError(f"the reply has an interval that ends before it starts: {first:g} to {last:g}")
        self.found[(first, last)] = likely

    def _is_note(self, key: str, value: Any) -> bool:
        """May a field say more than that there is no moment?"""
        if isinstance(value, str) and re.search(r"\b(?:fail\w*|errors?|unable|cannot|could not)\b", value):
            return True
        if not value or not (_NOTES.search(key) or "error" in key):
            return False
        denies = isinstance(value, str) and _DENIES.match(value) is not None and not re.search(r"\d", value)
        return "error" in key or not denies

    def _is_other(self, name: str) -> bool:
        """Does a name give another unit than the one that was asked for?"""
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


def _denies(key: str, value: Any) -> bool:
    """Does a field of an object say that its times are not meant?"""
    if _UNSEEN.fullmatch(key):
        return value is True or value == 1 or value in ("true", "yes")
    if isinstance(value, bool | int | float):
        return not value and _SEEN.fullmatch(key) is not None and not (key == "answer" and value is not False)
    if not isinstance(value, str) or _THOUGHTS.search(key) or _NOTES.search(key):
        return False
    if not re.search(r"[a-z]", key):
        return False
    text = value.replace("_", " ")
    return (
        _DENIES.fullmatch(text) is not None
        and not re.search(r"\d{1,9}.*\d|^\d*[1-9]", text)
        and not (_START.search(key) or _END.search(key))
    )


def _meant(found: list[tuple[Any, int, int]], text: str) -> list[Any]:
    """Of several values those after the last mark of a final answer.

    Raises:
        ModelError: the words around them deny or doubt them, or they are several whole answers.
    """
    if not found:
        return []
    final = max((match.end() for match in _FINAL.finditer(text) if match.end() <= found[-1][1]), default=0)
    meant = [part for part in found if part[1] >= final] if any(first < final for _, first, _ in found) else found
    before, after = text[: meant[0][1]], text[meant[-1][2] :]
    sentence = re.split(r"[.!?\n]", before[max(final, len(before) - 200) :].rstrip())[-1]
    behind = re.split(r"[.!?\n]", after[:200].lstrip(), maxsplit=1)[0]
    denied = _UNCLEAR.search(behind) and not _LIMITED.search(behind)
    if _UNCLEAR.search(sentence) or denied or _DOUBT.search(after):
        raise ModelError("the words around the times in the reply deny or doubt them")
    whole = [
        value
        for value, _, _ in meant
        if isinstance(value, dict) and any(isinstance(part, list) for part in value.values())
    ]
    gaps = [text[before[2] : after[1]].strip(" ,;\n-") for before, after in pairwise(meant)]
    if any(value != meant[0][0] for value, _, _ in meant) and (whole or any(gaps)):
        raise ModelError("the reply gives several answers, and which of them is meant is not clear")
    return [value for value, _, _ in meant]


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
