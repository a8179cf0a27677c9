"""Read the saliency of each frame in a vision LLM's reply."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from ..errors import ModelError
from .json_replies import json_values
from .wording import plain

_FRAMES = r"\d{1,9}(?:(?: ?, ?(?:and )?| and | ?- ?| to )(?:frame )?\d{1,9}){0,199}"
_WORD = r"(?:saliency|score|rating|relevance|highlight)s?\b"
_SCORE = r"\d(?:\.\d{1,3})?"
_ENTRY = re.compile(  # "frames 3-5 (0:03): saliency 4/5"
    r"(?:\b(?:frames?|images?|numbers?|帧|フレーム|프레임)[ :#]{0,3}|^\W{0,4}|[,;|] ?|第)"
    rf"(?=(?P<frames>{_FRAMES}))(?P=frames)帧?(?: ?\([^()\n]{{0,40}}\))?"
    rf" ?(?:[:=|(]|-(?= )|\b(?:has|have|gets?|is|are|scores?)\b|,(?= {_WORD})|[:-][^\d\n]{{1,80}}\b(?={_WORD}))"
    rf"(?:[ :=|]|{_WORD}|\b(?:an?|of|is|the|has|have|each)\b){{0,12}}"
    rf"(?P<score>{_SCORE})(?![\d:.]*\d)(?! (?!out of|points?\b)[a-z])",
    re.MULTILINE,
)
_LISTS = re.compile(  # "frames 3, 4, 5 ... scores 4, 2, 1"
    rf"(?=(?P<frames>{_FRAMES}))(?P=frames)[^\d\n]{{1,80}}{_WORD}[^\d\n]{{0,40}}"
    rf"(?P<scores>{_SCORE}(?:(?: ?, ?(?:and )?| and ){_SCORE}){{1,199}})"
)


def read_saliency(text: str, *, lowest: float = 1, highest: float = 5) -> dict[int, float]:
    """Read a saliency for each frame: "frame 3 (0:03): 4", "frames 3, 4, 5: 2", lists of frames and of scores, JSON.

    Args:
        text: the reply.
        lowest, highest: the scale that was asked for; values outside it are not used.

    Returns:
        {frame number: saliency}, without frames of which the reply says two different things.
    """
    try:
        text = plain(text).replace("^", "")
    except ModelError:
        return {}
    found: dict[int, set[float]] = {}
    scores = [score for value in json_values(text) for score in _json_scores(value)] or list(_written_scores(text))
    for number, score in scores:
        if lowest <= score <= highest:
            found.setdefault(number, set()).add(score)
    return {number: min(scores) for number, scores in found.items() if len(scores) == 1}


def _json_scores(value: Any) -> Iterator[tuple[int, float]]:
    if isinstance(value, list):
        for part in value:
            yield from _json_scores(part)
    elif isinstance(value, dict):
        frames = next((part for name, part in value.items() if re.search(r"frame|number|image", name)), None)
        scores = next((part for name, part in value.items() if re.search(r"scor|salien|rating|value", name)), None)
        if isinstance(frames, list) and isinstance(scores, list):
            yield from _paired(frames, scores)
        elif frames is not None and isinstance(scores, int | float | str):
            yield from _paired(frames if isinstance(frames, list) else [frames], [scores])
        else:
            for name, part in value.items():
                if isinstance(part, dict | list):
                    yield from _json_scores(part)
                else:
                    yield from _paired([name], [part])


def _paired(frames: list[Any], scores: list[Any]) -> Iterator[tuple[int, float]]:
    """(frame, score) of lists of equal length; one score counts for all frames."""
    scores = scores * len(frames) if len(scores) == 1 else scores
    for frame, score in zip(frames, scores, strict=False) if len(frames) == len(scores) else ():
        number = re.fullmatch(r"(?:frame )?(\d{1,9})", str(frame).strip())
        value = re.fullmatch(r"(\d{1,4}(?:\.\d{1,9})?)(?: ?/ ?\d+)?", str(score).strip())
        if number and value and not isinstance(score, bool):
            yield int(number[1]), float(value[1])


def _written_scores(text: str) -> Iterator[tuple[int, float]]:
    for match in _LISTS.finditer(text):
        yield from _paired(_frames(match["frames"]), re.findall(r"[\d.]+", match["scores"]))
        return
    for match in _ENTRY.finditer(text):
        yield from _paired(_frames(match["frames"]), [match["score"]])


def _frames(text: str) -> list[Any]:
    """The numbers of a list with ranges, such as "3, 5-7 and 9"."""
    found: list[Any] = []
    for first, last in re.findall(r"(\d+)(?: ?(?:-|to) ?(?:frame )?(\d+))?", text):
        if 0 <= int(last or first) - int(first) < 10_000:
            found += range(int(first), int(last or first) + 1)
    return found
