"""How well known lines are recognised: word errors, and how far the times of lines are off."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from tfgrounding.tracks.text_track import TimedText

from .spoken_lines import Spoken

ONES = [
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"),
    *("thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen"),
]
TENS = ["twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]
ORDINALS = {"1st": "first", "2nd": "second", "3rd": "third"}
# Two spellings of one word are no error.
SAME = {"centimetre": "centimeter", "metres": "meters", "favour": "favor", "grey": "gray", "theatre": "theater"}
SAME |= {"tyre": "tire", "tyres": "tires", "apologised": "apologized", "harbour": "harbor", "ok": "okay"}


class Recognised(NamedTuple):
    """Errors and words of one video, and how far the times of its lines are off, in seconds (later is positive)."""

    errors: int
    words: int
    starts_seconds: list[float]
    ends_seconds: list[float]
    lines: int


def compare(texts: Sequence[TimedText], spoken: Sequence[Spoken]) -> Recognised:
    """What was recognised against what was spoken. Lines count for times where their first (last) word was found."""
    found = [(word, timed) for text in texts for timed in text.words for word in plain_words(timed.text)]
    asked = [(word, number) for number, (_, _, text) in enumerate(spoken) for word in plain_words(text)]
    errors, pairs = align([word for word, _ in asked], [word for word, _ in found])
    met = {a: found[b][1] for a, b in pairs if asked[a][0] == found[b][0]}
    starts, ends = [], []
    for number, (start, end, _) in enumerate(spoken):
        places = [i for i, (_, line) in enumerate(asked) if line == number]
        if places[0] in met:
            starts.append(met[places[0]].start_seconds - start)
        if places[-1] in met:
            ends.append(met[places[-1]].end_seconds - end)
    return Recognised(errors, len(asked), starts, ends, len(spoken))


def plain_words(text: str) -> list[str]:
    """The words of a text in lower case, numbers as words, one spelling each."""
    text = text.lower().replace("%", " percent").replace("-", " ")
    words: list[str] = []
    for word in re.findall(r"[a-z0-9']+(?:[.,]\d+)*", text):
        word = ORDINALS.get(word, word)
        words += number_words(word.replace(",", "")) if word[0].isdigit() else [word]
    return [SAME.get(word, word) for word in words]


def number_words(digits: str) -> list[str]:
    """A number as it is spoken; what is none stays as it is."""
    if re.fullmatch(r"\d+\.\d+", digits):
        whole, part = digits.split(".")
        return [*number_words(whole), "point", *(ONES[int(digit)] for digit in part)]
    if not digits.isdigit() or len(digits) > 6:
        return [digits]
    number = int(digits)
    if number < 20:
        return [ONES[number]]
    if number < 100:
        return [TENS[number // 10 - 2], *(number_words(str(number % 10)) if number % 10 else [])]
    size, name = (100, "hundred") if number < 1000 else (1000, "thousand")
    return [*number_words(str(number // size)), name, *(number_words(str(number % size)) if number % size else [])]


def align(asked: Sequence[str], found: Sequence[str]) -> tuple[int, list[tuple[int, int]]]:
    """The least number of words to change, add or leave out, and the pairs of places that then belong together."""
    costs = np.zeros((len(asked) + 1, len(found) + 1), dtype=np.int64)
    costs[:, 0], costs[0] = np.arange(len(asked) + 1), np.arange(len(found) + 1)
    for i, word in enumerate(asked, 1):
        for j, other in enumerate(found, 1):
            costs[i, j] = min(costs[i - 1, j] + 1, costs[i, j - 1] + 1, costs[i - 1, j - 1] + (word != other))
    pairs, i, j = [], len(asked), len(found)
    while i and j:
        if costs[i, j] == costs[i - 1, j - 1] + (asked[i - 1] != found[j - 1]):
            i, j = i - 1, j - 1
            pairs.append((i, j))
        elif costs[i, j] == costs[i - 1, j] + 1:
            i -= 1
        else:
            j -= 1
    return int(costs[-1, -1]), pairs[::-1]
