"""Read the intervals and single numbers in sentences."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from functools import cache
from typing import Literal

from .frames import Interval

Unit = Literal["frame", "second", "percent"]

NUMBER = r"\d+(?:\.\d+)?"
FRAME_WORDS = (
    r"frames?|(?:l')?images?|pictures?|imgs?|photos?|numbers?|f(?=\s?\d)|fotogramas?|cuadros?|quadros?|bild(?:ern?|er)?|"
    r"einzelbild|кадр\w*|إطار|الإطار|फ्रेम|フレーム|프레임|帧|张|fotogrammi|fotogramma"
)
_SECOND_WORDS = r"seconds?|secs?|s|sekunden?|segundos?|secondes?|секунд\w*|秒"
_PREFIX = {  # words before a number that give its unit
    "frame": FRAME_WORDS,
    "second": r"seconds?|timestamps?|times?|t\s*=",
    "percent": r"percent(?:age)?|steps?|frames?",
}
_SUFFIX = {"frame": r"(?!)", "second": rf"(?:{_SECOND_WORDS})(?![a-z])", "percent": r"%|percent\b|per cent\b"}
_TO = (
    r"-|(?:all\s+the\s+way\s+)?to|through|thru|until|till|til|up\s+to|bis|hasta|hacia|al|a|à|au|jusqu'(?:à|au)|até|до|по|إلى|से|到|至|から|부터|"
    r"에서|and\s+(?:continu\w+|last\w*|end\w*|stop\w*|finish\w*)\s+(?:on\s+)?(?:until|till|to|through|at|by|in|with)"
)
_AND = r"and|or|&|y|und|et|и|和|、|,|;|/|\+"
_FILLERS = (
    r"about|around|approximately|approx\.?|roughly|circa|all\s+the\s+way|right|the|el|la|le|der|dem|von|zu|labell?ed|"
    r"marked|numbered|with|red|bild|including|index|id|=|:"
)
_LAST = r"(?:the\s+)?(?:very\s+)?(?:end(?:\s+of\s+(?:the\s+)?(?:video|clip|sequence))?|last\s+frame|final\s+frame)\b"
_FIRST = (
    r"(?:the\s+)?(?:very\s+)?(?:start|beginning|first\s+frame)(?:\s+of\s+(?:the\s+)?(?:video|clip|sequence))?"
    rf"(?=\s*(?:{_TO})\s)"
)
_STARTS = r"(?:starts?|started|starting|begins?|began|beginning|onset|commences?|first\s+(?:seen|visible|appears?))\b"
_ENDS = r"(?:ends?|ended|ending|finish(?:es|ed)?|stops?|stopped|conclud(?:es|ed)|last\s+(?:seen|visible)|finishing)\b"
_ONWARD = r"on(?:wards?)?\b(?!\s+(?:the|a|his|her|its)\b)|and\s+(?:on|after|beyond|later)\b|forward\b"

_LEADS = r"(?:\b(?:from|during|between|starting|frames?|is|at|in)|^|[:(\[])\s*$"  # before an unnamed range
_MAY_FOLLOW = ("inclusive", "and", "or", "in", "of", "when", "where", "while", "as")  # after an unnamed range

NOT = r"\b(?:not|never|no\s+longer|without|neither|nor|nowhere|unable|cannot|no)\b|n't\b"
_CONTRAST = r"\b(?:but|however|although|though|whereas|instead|yet)\b"
_NOT_UNTIL = (
    r"\b(?:(?:does|do|did|is|are|was|were|has|have)\s*(?:not|n't)|isn't|doesn't|didn't|not)\b[^.;\n]{0,40}?\buntil\b"
)
_ASIDE = {  # numbers of another kind, by the unit that was asked for
    "frame": rf"{NUMBER}\s*(?:%|percent\b|(?:{_SECOND_WORDS}|m?s|min(?:utes?)?|hours?|fps|hz|px)(?![a-z]))|"
    r"\b\d+:\d\d(?::\d\d)?(?:\.\d+)?\b|\b(?:second|timestamp|time)s?\s*[:=]?\s*" + NUMBER + r"\b",
    "second": rf"\b(?:frames?|images?)\s*{NUMBER}|{NUMBER}\s*(?:%|percent\b|fps|hz|frames?\b)",
    "percent": rf"{NUMBER}\s*(?:{_SECOND_WORDS})(?![a-z])|\b\d+:\d\d(?::\d\d)?\b",
}
_RATED = rf"\b(?:confidence|probability|certainty|score|saliency|iou)\b[^\d\n.]{{0,15}}{NUMBER}\s*%?"
_IN_ALL = rf"(?<=\d)\s*(?:out\s+of|of|/)\s*(?:the\s+)?(?:total\s+)?{NUMBER}(?:\s+frames?)?"
_COUNT = (
    r"(?<![\d.])(?:(?<!to )(?<!- )(?<!-)(?<!through )(?<!until )(?<!and ))\d+\s+(?:\w+\s+)?(?:frames|images|pictures)\b"
)


def intervals_in_words(text: str, unit: Unit, step: float) -> list[Interval]:
    text = _tidy(text, unit)
    ranges: list[Interval] = []
    singles: list[float] = []
    sparse = not re.search(r"[^\W\d]{2,}", re.sub(rf"\b(?:{_TO}|{_AND})\b", "", text))  # nothing but numbers
    opened: float | None = None  # a start whose end is still to come
    for clause in re.split(rf"[.;\n!?](?!\d)|{_CONTRAST}", text):
        if re.search(NOT, clause):
            continue
        found = _Clause(clause, unit, sparse, opened)
        ranges.extend(found.ranges)
        singles.extend(found.singles)
        opened = found.opened
    if not ranges and opened is not None:
        singles.append(opened)
    if sparse and not ranges and len(singles) == 2:
        return [(singles[0], singles[1])]
    return ranges or runs(singles, step)


def _tidy(text: str, unit: Unit) -> str:
    """The reply without everything whose numbers mean something else."""
    text = re.sub(_NOT_UNTIL, " starts at ", text)
    word = rf"\b(?:{_PREFIX[unit]})\s*\W?\s*\d"
    unquoted = re.sub(r"\"[^\"]*\"|(?<!\w)'[^']*'(?!\w)", " ", text)
    if re.search(word, unquoted):
        text = unquoted
    text = re.sub(r"(\d+)\s*(?:번|番目の)?\s*(帧|フレーム|프레임)", r"\2 \1 ", text).replace("第", " ")
    text = re.sub(r"(?<=\d)\s*(?:から|부터|에서)\s*", " to ", text)
    text = re.sub(r"(?<=\d)\s*(?:まで|까지|तक)", " ", text)
    text = re.sub(r"(?<=[帧张])\s*(?=[到至])|(?<=[到至])", " ", text)
    text = re.sub(r"\([^()\d]*\)", " ", text)
    if unit == "second":
        text = re.sub(r"second\s*\{\s*(" + NUMBER + r")\s*\}", r"second \1", text)
        text = re.sub(r"\b(\d+),(\d{1,2})(?=\s*(?:s|sec|sek)\w*\b)", r"\1.\2", text)
        text = re.sub(r"\b(?:(\d+):)?(\d{1,2}):(\d{2}(?:\.\d+)?)\b", _clock_seconds, text)
    else:
        text = re.sub(r"\b(\d{1,3}),(0\d\d)\b", r"\1\2", text)
        text = re.sub(r"\(([^()]*)\)", lambda m: " " if re.search(_ASIDE[unit], m[1]) else m[0], text)
    text = re.sub(_IN_ALL, " ", text)
    for pattern in (_RATED, _ASIDE[unit]):
        text = re.sub(pattern, " § ", text)
    if unit == "frame":
        text = re.sub(_COUNT, " § ", text)
    return re.sub(r"[^\S\n]+", " ", text)  # runs of blanks would make the patterns slow


def _clock_seconds(match: re.Match[str]) -> str:
    return f"{int(match[1] or 0) * 3600 + int(match[2]) * 60 + float(match[3]):g} s"


class _Clause:
    """One clause of a reply, read from left to right: its ranges, its single numbers, and a start without an end."""

    def __init__(self, clause: str, unit: Unit, sparse: bool, opened: float | None) -> None:
        self.ranges: list[Interval] = []
        self.singles: list[float] = []
        self.opened = opened
        self._clause = clause
        self._forms = _forms(unit)
        self._one = 1 if unit == "frame" else 0  # "after frame 3" begins one later
        self._sparse = sparse
        self._chained = False  # the number before, joined by a comma or "and", was in the unit
        at = 0
        while at < len(clause):
            at = max(at + 1, self._read(at))

    def _read(self, at: int) -> int:
        """Read what begins at `at`; returns where it ends."""
        forms, clause = self._forms, self._clause
        if match := forms.whole.match(clause, at):
            self.ranges.append((-math.inf, math.inf))
        elif match := forms.between.match(clause, at):
            self.ranges.append((float(match["first"]), float(match["last"])))
        elif match := forms.from_beginning.match(clause, at):
            self.ranges.append((-math.inf, float(match["last"])))
        elif self.opened is not None and (match := forms.stops.match(clause, at)):
            self.ranges.append((self.opened, float(match["last"]) - (self._one if match["before"] else 0)))
            self.opened = None
        elif (match := forms.to_end.match(clause, at)) and (self._is_named(match, "first") or self._led(at)):
            self.ranges.append((float(match["first"]), math.inf))
        elif (match := forms.pair.match(clause, at)) and self._is_range(match, at):
            self.ranges.append((float(match["first"]), float(match["last"])))
            self.opened, self._chained = None, True
        elif self.opened is None and (match := forms.starts.match(clause, at)):
            number = match.start("named_first") if match["named_first"] else match.start("first")
            if forms.pair.match(clause, number) or forms.to_end.match(clause, number):
                return number
            self.opened = float(match["first"]) + (self._one if match["after"] else 0)
        elif match := forms.one.match(clause, at):
            self._take_single(match)
        elif match := forms.joint.match(clause, at):
            pass
        else:
            match = forms.anything.match(clause, at)
            self._chained = False
        return match.end() if match else len(clause)

    def _take_single(self, match: re.Match[str]) -> None:
        """A single number, unless it is the label of a description ("frame 3: a man sits")."""
        label = re.compile(r"\s*(?::|-)\s*(?P<what>[^\W\d]+)").match(self._clause, match.end())
        described = label is not None and label["what"] not in ("yes", "true", "visible", "present")
        self._chained = self._is_named(match, "first") and not described
        before = self._clause[max(0, match.start() - 20) : match.start()]
        if self._chained and re.search(r"\b(?:from|since)\s*$", before):
            self.opened = float(match["first"])
        elif self._chained:
            self.singles.append(float(match["first"]))

    def _is_named(self, match: re.Match[str], *ends: str) -> bool:
        """Whether these numbers are in the unit: the reply says so, or they can be nothing else."""
        return self._sparse or self._chained or any(match[f"named_{end}"] or match[f"unit_{end}"] for end in ends)

    def _is_range(self, match: re.Match[str], at: int) -> bool:
        """Whether "3 to 9" is an interval: named, or introduced as one and not counting anything ("3 to 9 people")."""
        if self._is_named(match, "first", "last"):
            return True
        follows = re.compile(r"\s*(?P<word>[^\W\d]+)").match(self._clause, match.end())
        counts = follows is not None and follows["word"] not in _MAY_FOLLOW
        return not counts and (bool(match["lead"]) or self._led(at))

    def _led(self, at: int) -> bool:
        return bool(re.search(_LEADS, self._clause[max(0, at - 20) : at]))


@dataclass(frozen=True, slots=True)
class _Forms:
    """The patterns of one unit; groups `first`, `last`: numbers; `named_*`, `unit_*`: words for the unit."""

    whole: re.Pattern[str]
    between: re.Pattern[str]
    from_beginning: re.Pattern[str]
    to_end: re.Pattern[str]
    pair: re.Pattern[str]
    starts: re.Pattern[str]
    stops: re.Pattern[str]
    one: re.Pattern[str]
    joint: re.Pattern[str]
    anything: re.Pattern[str]


@cache
def _forms(unit: Unit) -> _Forms:
    edge = r"(?![^\W\d])"
    filler = rf"(?:(?:{_FILLERS}){edge}\s*){{0,6}}"
    prefix = rf"\b(?:{_PREFIX[unit]})[\s.:#(\[]*"

    def number(group: str) -> str:
        return (
            rf"{filler}(?P<named_{group}>{prefix})?{filler}(?P<{group}>{NUMBER})\s*(?P<unit_{group}>{_SUFFIX[unit]})?"
        )

    first, last = number("first"), number("last")
    to = rf"[\])]?\s*(?:{_TO}){edge}\s*"
    until = r"\b(?:until|till|through)\b"
    patterns = (
        rf"\b(?:throughout|(?:the\s+)?(?:entire|whole)\s+(?:video|clip|duration|sequence)|"
        rf"(?:in\s+)?all\s+(?:of\s+)?(?:the\s+)?frames|every\s+(?:single\s+)?frame|(?:from\s+)?{_FIRST}\s*{to}{_LAST})",
        rf"\b(?:between|entre|zwischen)\s+{first}\s*(?:{_TO}|{_AND}){edge}\s*{last}",
        rf"(?:from\s+)?{_FIRST}\s*{to}{last}",
        rf"{first}\s*(?:{to}{_LAST}|{_ONWARD})",
        rf"(?P<lead>\bfrom\s+|\bduring\s+|\bin\s+|\bis\s+)?{first}\s*{to}{last}",
        rf"\b{_STARTS}\D{{0,40}}?(?P<after>\bafter\s+)?{first}",
        rf"(?:\b{_ENDS}|{until})\D{{0,40}}?(?P<before>\bbefore\s+)?{last}",
        first,
        rf"\s*(?:(?:{_AND}){edge}|[\[\]()\s])+",
        r"\s*(?:[^\W\d]+(?:'[^\W\d]+)?|\d+|\S)\s*",
    )
    return _Forms(*map(re.compile, patterns))


def runs(numbers: list[float], step: float) -> list[Interval]:
    """Numbers in a list as intervals: neighbours at most `step` apart make one."""
    runs: list[Interval] = []
    for number in sorted(set(numbers)):
        if runs and number - runs[-1][1] <= step:
            runs[-1] = (runs[-1][0], number)
        else:
            runs.append((number, number))
    return runs
