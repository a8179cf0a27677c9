"""Read the saliency of each frame in a vision LLM's reply."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from .answers import FRAME_WORDS, NUMBER, as_number, final_part, json_values
from .wording import plain


def read_saliency(text: str, *, lowest: float = 1, highest: float = 5) -> dict[int, float]:
    """Read a saliency for each frame: "frame 3: 4", "frames 3-5: 2", "3, 4, 5 ... saliency scores 4, 2, 1", JSON.

    Args:
        text: the reply.
        lowest, highest: the scale that was asked for; values outside it are not used.

    Returns:
        {frame number: saliency}, empty where the reply has none.
    """
    text = final_part(plain(text))
    found: dict[int, float] = {}
    for number, value in [*_json_scores(text), *_written_scores(text)]:
        if lowest <= value <= highest:
            found.setdefault(number, value)
    return found


def _json_scores(text: str) -> Iterator[tuple[int, float]]:
    for value in json_values(text):
        yield from _scores_of(value)


def _scores_of(value: Any) -> Iterator[tuple[int, float]]:
    if isinstance(value, dict):
        frame = next((as_number(v) for k, v in value.items() if re.search(r"frame|number|image", k)), None)
        score = next((as_number(v) for k, v in value.items() if re.search(r"scor|salien|rating|value", k)), None)
        if frame is not None and score is not None:
            yield int(frame), score
            return
        numbers = next((v for k, v in value.items() if re.search(r"frames|numbers", k) and isinstance(v, list)), None)
        scores = next(
            (v for k, v in value.items() if re.search(r"scor|salien|rating", k) and isinstance(v, list)), None
        )
        if numbers is not None and scores is not None:
            yield from _paired(numbers, scores)
            return
        for key, part in value.items():
            number, score = as_number(key), as_number(part)
            if number is not None and score is not None:
                yield int(number), score
            else:
                yield from _scores_of(part)
    elif isinstance(value, list):
        for part in value:
            yield from _scores_of(part)


def _paired(numbers: list[Any], scores: list[Any]) -> Iterator[tuple[int, float]]:
    if len(numbers) == len(scores):
        for number, score in zip(map(as_number, numbers), map(as_number, scores), strict=True):
            if number is not None and score is not None:
                yield int(number), score


def _written_scores(text: str) -> Iterator[tuple[int, float]]:
    comma = r"\s*(?:,\s*and\b|,|\band\b)\s*"
    lists = list(re.finditer(rf"{NUMBER}(?:{comma}{NUMBER})+", text))
    for numbers, scores in pairwise(lists):
        between = text[numbers.end() : scores.start()]
        if re.search(r"\b(?:scores?|saliency|ratings?)\b", between) and not re.search(r"[\d\n]", between):
            yield from _paired(re.findall(NUMBER, numbers[0]), re.findall(NUMBER, scores[0]))
            return
    line = re.compile(
        rf"(?:\b(?:{FRAME_WORDS})\s*|^[\s|(\[-]*|[,;|]\s*)(?P<first>\d+)(?:\s*(?:-|to)\s*(?:frames?\s*)?(?P<last>\d+))?\s*"
        rf"(?:[:=|(]|-(?=\s)|\bhas\b|\bgets\b|\bscores?\b|\bis\b|,?\s*\bsaliency\b)[^\d\n,;|]*(?P<score>{NUMBER})(?!\d)(?:\s*/\s*\d+)?",
        re.MULTILINE,
    )
    for match in line.finditer(text):
        first = int(match["first"])
        last = int(match["last"] or first)
        if 0 <= last - first < 10_000:
            for number in range(first, last + 1):
                yield number, float(match["score"])
