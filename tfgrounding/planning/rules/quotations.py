"""Where a text quotes: quotation marks of any kind, told from apostrophes and inch marks."""

from __future__ import annotations

import re
from typing import NamedTuple

LONGEST = 500  # characters of a quotation; marks further apart are no pair
HIDDEN = "\ue000"  # stands for every character of a quotation in `hidden`

_AFTER_BLANK = r"(?<![^\s(\[{<:,;\-–—/])"
_BEFORE_BLANK = r"(?![^\s)\]}>:,;.!?\-–—/])"
# 'tis, 'em, rock 'n' roll, the '90s: letters are left out.
_LEFT_OUT = r"(?!(?:tis|twas|em|til|cause|cuz|bout|n|round|\d0s)\b)"
_PAIRS = (
    rf"“[^“”]{{1,{LONGEST}}}[”“\"]",
    rf"„[^„“”]{{1,{LONGEST}}}[“”\"]",
    rf"«[^«»]{{1,{LONGEST}}}»|»[^«»]{{1,{LONGEST}}}«",
    rf"[‹][^‹›]{{1,{LONGEST}}}›",
    rf"「[^「」]{{1,{LONGEST}}}」|『[^『』]{{1,{LONGEST}}}』",
    rf"(?<!\d)\"[^\"]{{1,{LONGEST}}}[\"”]",
    rf"``[^`']{{1,{LONGEST}}}''",
    rf"{_AFTER_BLANK}‘{_LEFT_OUT}(?=\S)(?:[^‘’]|’(?=\w)){{1,{LONGEST}}}’{_BEFORE_BLANK}",
    rf"{_AFTER_BLANK}'{_LEFT_OUT}(?=[^\s'])(?:[^']|'(?=\w)){{1,{LONGEST}}}(?<!\s)'{_BEFORE_BLANK}",
    rf"{_AFTER_BLANK}’{_LEFT_OUT}(?=[^\s’])(?:[^’]|’(?=\w)){{1,{LONGEST}}}(?<!\s)’{_BEFORE_BLANK}",
)
_QUOTATION = re.compile("|".join(_PAIRS))
_MARKS = "“”„«»‹›「」『』\"'‘’`"


class Quotation(NamedTuple):
    """Where a quotation stands in a text, its marks included, and what stands between them."""

    start: int
    end: int
    text: str


def quotations(text: str) -> list[Quotation]:
    """The quotations of a text, in order, none inside another."""
    found = []
    for match in _QUOTATION.finditer(text):
        inner = match.group().strip(_MARKS).strip()
        if any(character.isalnum() for character in inner):
            found.append(Quotation(match.start(), match.end(), inner))
    return found


def hidden(text: str, quoted: list[Quotation]) -> str:
    """The text with every character of its quotations replaced by HIDDEN; places stay the same."""
    parts, end = [], 0
    for one in quoted:
        parts += [text[end : one.start].replace(HIDDEN, " "), HIDDEN * (one.end - one.start)]
        end = one.end
    return "".join([*parts, text[end:].replace(HIDDEN, " ")])


def without_marks(text: str) -> str:
    """The text without quotation marks around its quotations."""
    for one in reversed(quotations(text)):
        text = text[: one.start] + one.text + text[one.end :]
    return text
