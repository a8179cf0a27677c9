"""Readings of texts on the screen compared: the same text, a part of one, or the better reading of two."""

from __future__ import annotations

import re
import unicodedata
from difflib import SequenceMatcher

ALIKE = 0.8  # share of equal characters below which two readings are never of the same text
SURE = 0.9  # confidence of both from which a letter that is not easily misread makes another text
RATHER_SURE = 0.8  # and from which a word does, if most of it differs
MOST_OF_WORD = 0.5
CUT_OFF_LETTERS = 3  # so many may be missing at either end of a reading
LONGER_LETTERS, LONGER_COSTS = 2, 0.1  # a reading longer by so many letters may be less sure by that, and is kept
SHORTEST_WORD = 3  # letters; of shorter ones a single misread letter is half
_FOLDED = str.maketrans("oils", "0115")  # letters that look like each other, and like digits


def is_same_text(a: str, b: str, sure: float = 0.0) -> bool:
    """Whether two readings are of one text: equal but for what may be misread, and with equal numbers.

    Case, spaces, punctuation, accents and letters that look alike (O and 0; l, I and 1; S and 5; rn and m) never count.

    Args:
        a, b: the readings.
        sure: the lower of their confidences, from 0 to 1. The surer they are, the fewer other letters may differ.
    """
    letters, others = _folded(a), _folded(b)
    if letters == others:
        numbers = [re.findall(r"\d+", text) for text in (a, b)]
        return len(numbers[0]) != len(numbers[1]) or list(map(len, numbers[0])) == list(map(len, numbers[1]))
    matcher = SequenceMatcher(None, letters, others, autojunk=False)
    if matcher.real_quick_ratio() < ALIKE or matcher.quick_ratio() < ALIKE or matcher.ratio() < ALIKE:
        return False
    digits = _is_digit(a), _is_digit(b)
    changes = [change[1:] for change in matcher.get_opcodes() if change[0] != "equal"]
    if any(any(digits[0][a0:a1]) or any(digits[1][b0:b1]) for a0, a1, b0, b1 in changes):
        return False
    if sure >= SURE:
        return all(_may_be_misread(letters, others, change) for change in changes)
    return sure < RATHER_SURE or not (_has_other_word(a, b) or _has_other_word(b, a))


def is_part(part: str, whole: str) -> bool:
    """Whether a text is a part of a longer one, which adds letters and no digit; case and spaces do not count."""
    part, whole = ("".join(text.split()).casefold() for text in (part, whole))
    if not part or part not in whole:
        return False
    more = whole.replace(part, "", 1)
    return any(c.isalpha() for c in more) and not any(c.isdigit() for c in more)


def is_better(text: str, confidence: float, before: str, confidence_before: float) -> bool:
    """Whether a reading of a text is to be preferred to an earlier one: surer, or longer and about as sure."""
    more = sum(c.isalnum() for c in text) - sum(c.isalnum() for c in before)
    if more >= LONGER_LETTERS:
        return confidence >= confidence_before - LONGER_COSTS
    return confidence > confidence_before + (LONGER_COSTS if more <= -LONGER_LETTERS else 0.0)


def _plain(text: str) -> str:
    """Letters and digits alone, without case and accents; rn as m, which looks the same."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    return "".join(c for c in plain if c.isalnum()).replace("rn", "m")


def _folded(text: str) -> str:
    """As `_plain`, and letters that look alike are equal. All signs are kept of a text without letters."""
    return _plain(text).translate(_FOLDED) or text


def _is_digit(text: str) -> list[bool]:
    """Of each character of `_folded`, whether it was read as a digit."""
    return [c.isdigit() for c in _plain(text) or text]


def _may_be_misread(a: str, b: str, change: tuple[int, int, int, int]) -> bool:
    """Whether a difference of two sure readings is one of reading: outer letters cut off, or a letter seen twice.

    Strokes alone are never cut off: they may be Roman numbers.
    """
    a0, a1, b0, b1 = change
    if a0 < a1 and b0 < b1:
        return False
    whole, first, last = (a, a0, a1) if a0 < a1 else (b, b0, b1)
    more = whole[first:last]
    if set(more) == {"1"}:
        return False
    is_doubled = len(more) == 1 and more in (whole[first - 1 : first], whole[last : last + 1])
    return is_doubled or (len(more) <= CUT_OFF_LETTERS and (first == 0 or last == len(whole)))


def _has_other_word(text: str, other: str) -> bool:
    """Whether a word of a text is in the other neither as it is nor with most of its letters."""
    there, words = _folded(other), [_folded(word) for word in other.split()]
    return any(
        len(word) >= SHORTEST_WORD
        and word not in there
        and all(SequenceMatcher(None, word, one, autojunk=False).ratio() < MOST_OF_WORD for one in words)
        for word in map(_folded, text.split())
    )
