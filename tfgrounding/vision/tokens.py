"""The words and numbers of a reply, each with what it means for the times in it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib.resources import files
from typing import Literal

Unit = Literal["frame", "second", "percent", "step"]
UNITS: tuple[Unit, ...] = ("frame", "second", "percent", "step")

_NO_BLANKS = "\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af"  # scripts without blanks between words
_LETTER = rf"(?:(?![{_NO_BLANKS}])[^\W\d_])"


def _read_words() -> dict[str, str]:
    """For each kind of word in words.txt, one regular expression."""
    found: dict[str, list[str]] = {}
    kind = ""
    for line in files(__package__).joinpath("words.txt").read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            kind = line.strip("[]")
        elif line and not line.startswith("#"):
            whole = kind.startswith("reply-") or re.match(f"[{_NO_BLANKS}]", line)
            found.setdefault(kind, []).append(line if whole else rf"(?<!{_LETTER})(?:{line})(?!{_LETTER})")
    return {kind: "|".join(lines) for kind, lines in found.items()}


WORDS = _read_words()
_TOKEN = re.compile(
    "|".join(f"(?P<{kind}>{words})" for kind, words in WORDS.items() if "-" not in kind)
    + r"|(?P<clock>(?<![\d:.])(?P<hours>\d{1,3}:)?(?P<minutes>\d{1,3}):"
    r"(?P<seconds>\d\d(?:\.\d{1,6}|,\d{1,3}(?![\d:]))?)(?!:?\d))"
    r"|(?P<number>(?P<sign>(?<![\w)\]>%-])-(?=\.?\d))?(?P<spelled>\^)?"
    r"(?P<digits>(?:\d+(?:[.,:']\d+)*|\.\d+)(?:e[+-]?\d+)?)(?P<ordinal>(?:st|nd|rd|th)\b)?)"
    rf"|(?P<dots>\.\.+)|(?P<stop>[.;!?\n])|(?P<comma>[,、&+])|(?P<dash>[-~]+)"
    rf"|(?P<word>{_LETTER}+(?:'{_LETTER}+)?|[^\W\d_])|(?P<mark>\S)|\s"
)
_PREFIXES = (*UNITS, "rated", "label", "thing")  # words before a number that say what it counts
_TIMES = (  # what follows a number of seconds, and how many it is
    (3600.0, r"hours?|hrs?|h(?= ?\d)|heures?|stunden?|horas?|小时|小時|時間|시간"),
    (60.0, r"minutes?|mins?|m(?= ?\d+(?:\.\d+)? ?s)|minuten|minutos?|минут\w*|分钟|分鐘|分|분"),
    (1.0, r"seconds?|secs?|s|sekund\w*|sek|segundos?|secondes?|second[oi]|seconden|секунд\w*|detik|giây|秒钟|秒|초"),
    (0.001, "milliseconds?|ms"),
)
_AFTER = re.compile(
    f"[ -]?(?:{'|'.join(f'({words})' for _, words in _TIMES)})(?!{_LETTER})|(?P<percent> ?(?:%|percent\\b|per cent\\b))"
)
_AFTER_CLOCK = re.compile(r" ?(?:seconds|s|h|min)(?![a-z])")
_TIME_OF_DAY = re.compile(r" ?(?:[ap]\.?m\b|o'clock|uhr\b)")
_OTHER_THING = re.compile(
    r" ?(?:fps|hz|°|[$€£¥]|(?:degrees?|dollars?|euros?|cents?|kg|km|meters?|metres?|people|years?|days?)\b)"
)
_LENGTH = re.compile(r"[ -]?(?:(?:long|total|duration|apart|later|earlier|ago)\b|in (?:total|length|duration)\b)")
_AFTER_ORDINAL = re.compile(r" ?(?:$|[-,.;\n]|(?:frames?|images?|to|through|until|and|or)\b)")
_AFTER_SPELLED = re.compile(r" ?(?:$|[^ a-z]|(?:to|through|until|till|and|or|onwards?)\b)")
_ASCII_LETTER = re.compile(r"[a-z]")
_TO = re.compile(r" ?(?:-|to\b|bis\b|à|a\b|до\b|hasta\b)")
_LONGEST = 9  # digits of a number; longer ones are no frame, second or percentage


@dataclass(slots=True)
class Token:
    """A word, a sign or a number of a reply; `kind` says what it is for (words.txt, "number", "stop", ...).

    Of a number: `value` in its `unit`: one of `UNITS`, None if it has none, "label" or "rated" for numbers of other
    things, "count" for "9 frames", "bad" for what is no possible number. `scale`: what `value` was multiplied by.
    `joined`: it is made of several, such as minutes and seconds. `plural`: the word before it was "frames".
    """

    kind: str
    text: str
    value: float = 0.0
    unit: str | None = None
    scale: float = 1.0
    joined: bool = False
    plural: bool = False

    def is_own(self, unit: Unit) -> bool:
        return self.kind == "number" and (self.unit in (None, unit) or (unit == "percent" and self.unit == "step"))


def tokens_of(text: str, unit: Unit) -> list[Token]:
    """The tokens of a plain text, where `unit` was asked for; each number knows its unit."""
    return _Tokens(text, unit).tokens


class _Tokens:
    def __init__(self, text: str, unit: Unit) -> None:
        self.tokens: list[Token] = []
        self._text = text
        self._unit = unit
        self._prefix: str | None = None  # what the word before says that a number counts
        self._plural = self._counts = False
        at = 0
        while (match := _TOKEN.match(text, at)) is not None:
            at = match.end()
            if match.lastgroup == "clock":
                at = self._add_clock(match)
            elif match.lastgroup == "number":
                at = self._add_number(match)
            elif match.lastgroup is not None:
                self._add_word(match.lastgroup, match[0])

    def _add_word(self, kind: str, text: str) -> None:
        before = self._number_before() if kind in ("frame", "dash") else None
        if kind in _PREFIXES:
            if kind == "frame" and before and before.unit is None and (self.tokens[-1] is before or not text.isascii()):
                before.unit = "count" if text.isascii() else "frame"
            else:
                self._set_prefix(kind, text)
            kind = {"rated": "neutral", "label": "label", "thing": "word"}.get(kind, "unit")
        elif kind == "dash":
            kind = "to" if before else "filler"
        else:
            keeps = ("filler", "mark", "lead") if self._prefix == "rated" and not self._counts else ("filler", "mark")
            if kind not in keeps or (self._prefix in ("label", "thing") and text != "#"):
                self._prefix = None
            kind = {"comma": "and", "mark": "filler"}.get(kind, kind)
        self.tokens.append(Token(kind, text))

    def _set_prefix(self, kind: str, text: str) -> None:
        self._plural = text.endswith("s")
        self._counts = text in ("first", "last", "initial", "final", "next", "for", "within")  # "first at 3 s"
        of_a_thing = text.startswith("number") and self.tokens and self.tokens[-1].kind == "word"  # "door number 2"
        other = kind == "thing" or of_a_thing or (kind == "step" and self._unit in ("frame", "second"))
        self._prefix = "thing" if other else kind

    def _number_before(self, skipped: int = 0) -> Token | None:
        """The number that only a few small words and its unit part from the end, without the last `skipped` tokens."""
        for token in self.tokens[-1 - skipped : -9 : -1]:
            if token.kind == "number":
                return token
            if token.kind not in ("filler", "unit"):
                break
        return None

    def _add_clock(self, match: re.Match[str]) -> int:
        hours, minutes = (float((match[name] or "0").strip(":")) for name in ("hours", "minutes"))
        seconds = float(match["seconds"].replace(",", "."))
        possible = seconds < 60 and (minutes < 60 or not match["hours"])
        value = hours * 3600 + minutes * 60 + seconds
        of_day = _TIME_OF_DAY.match(self._text, match.end()) is not None
        unit = "label" if of_day else "second" if possible else "bad"
        self.tokens.append(Token("number", match[0], value, unit))
        self._prefix = None
        after = _AFTER_CLOCK.match(self._text, match.end())
        return after.end() if after else match.end()

    def _add_number(self, match: re.Match[str]) -> int:
        """Append a number, or a list such as "3,5,7", with its unit; returns where it ends."""
        unit, scale, at = self._unit_of(match)
        self._prefix = None
        last = self.tokens[-1] if self.tokens else Token("stop", "")
        if match["sign"]:
            if self._number_before() is None:
                self.tokens.append(Token("number", match[0], unit="bad"))
                return at
            self.tokens.append(Token("to", "-"))
        elif (
            match["spelled"]
            and unit is None
            and (last.kind not in ("to", "and", "from", "stop") or not _AFTER_SPELLED.match(self._text, at))
        ):
            self.tokens.append(Token("neutral", match[0]))  # "two men"
            return at
        *listed, digits = self._numbers(match["digits"], unit, at)
        for part in listed:
            self.tokens += [self._number(part, unit, 1.0), Token("and", ",")]
        if unit is None and self.tokens and self.tokens[-1].kind == "to":
            first = self._number_before(1)
            if first is not None and first.unit in UNITS:  # "frame 3 to 9"
                unit = first.unit if first.scale == 1 else "bad"
        number = self._number(digits, unit, scale)
        if not self._joins_time(number) and not self._is_total(number, at):
            self.tokens.append(number)
        return at

    def _unit_of(self, match: re.Match[str]) -> tuple[str | None, float, int]:
        """The unit of the number at `match`, its scale, and where the unit ends."""
        text, at, unit, scale = self._text, match.end(), self._prefix, 1.0
        if after := _AFTER.match(text, at):
            at = after.end()
            unit, scale = ("percent", 1.0) if after["percent"] else ("second", _TIMES[(after.lastindex or 1) - 1][0])
        elif _OTHER_THING.match(text, at) or text[max(0, match.start() - 1) : match.start()] in tuple("$€£¥"):
            unit = "label"
        elif match["ordinal"]:
            unit = "frame" if _AFTER_ORDINAL.match(text, at) else "label"
        elif _ASCII_LETTER.match(text, at) or (
            unit != "frame" and _ASCII_LETTER.match(text, max(0, match.start() - 1))
        ):
            unit = "label"  # "1080p", "mp4"
        if unit == "label" and self._prefix == "label" and _TO.match(text, at):
            unit = None  # "range 3-9"
        unit = "label" if unit == "thing" else unit
        return ("rated" if self._prefix == "rated" or _LENGTH.match(text, at) else unit), scale, at

    def _numbers(self, digits: str, unit: str | None, at: int) -> list[str]:
        """The numbers of "3,5,7"; one where a comma stands for a point or parts thousands."""
        parts = digits.split(",")
        decimal = self._unit in ("second", "percent")
        if len(parts) == 2 and len(parts[1]) == 3 and parts[0] != "0" and decimal:
            return [digits]  # "1,500" may be 1.5 or 1500
        if len(parts) == 2 and (unit in ("second", "percent") or (decimal and self._is_in_range(len(self.tokens), at))):
            return [".".join(parts)]
        if len(parts) == 2 and len(parts[1]) == 3:
            return ["".join(parts) if parts[1][0] == "0" else digits]  # "1,024"; "1,500" may be two numbers
        return parts if len(parts) > 2 or not decimal else [digits]

    def _is_in_range(self, count: int, at: int) -> bool:
        """Does a "to" stand before or after the number that ends at `at`, behind `count` tokens?"""
        return (count > 0 and self.tokens[count - 1].kind == "to") or _TO.match(self._text, at) is not None

    def _number(self, digits: str, unit: str | None, scale: float) -> Token:
        possible = re.fullmatch(r"\d*(?:\.\d+)?", digits) is not None and len(digits) <= _LONGEST
        value = float(digits) if possible else 0.0
        if self._unit in ("frame", "step") and unit in (None, self._unit) and value % 1:
            possible = False
        if not possible and unit not in ("rated", "label"):
            unit = "bad"
        return Token("number", digits, value * scale, unit, scale, plural=self._plural)

    def _joins_time(self, number: Token) -> bool:
        """Add seconds to the minutes before them."""
        at = len(self.tokens) - (2 if self.tokens and self.tokens[-1].text in ("and", ",") else 1)
        before = self.tokens[at] if at >= 0 else number
        if not (before.unit == number.unit == "second" and before.scale >= 60 and before.scale > number.scale):
            return False
        del self.tokens[at + 1 :]
        before.value, before.scale, before.joined = before.value + number.value, number.scale, True
        return True

    def _is_total(self, number: Token, at: int) -> bool:
        """Leave out the 30 of "frame 3 of 30", "3/30 to 9/30"."""
        if len(self.tokens) < 2 or self.tokens[-2].kind != "number" or number.unit == "second":
            return False
        sign = self.tokens[-1].text
        slash = sign == "/" and self.tokens[-2].unit is not None and self._is_in_range(len(self.tokens) - 2, at)
        if sign in ("of", "out of", "of the") or slash:
            self.tokens.pop()
            return True
        return False
