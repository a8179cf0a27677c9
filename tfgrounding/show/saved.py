"""Answers read back from files: what `--save`, `--json` and `export --format json` wrote."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ..answer import Answer
from ..errors import AnswerError

LARGEST_BYTES = 256 * 2**20  # an answer about an hour takes a megabyte for each text of its plan
LONGEST_SECONDS = 366 * 24 * 3600.0  # of a video: what is drawn and exported grows with it
MOST_MOMENTS = 5000  # in one answer
MOST_EVIDENCE = 1000  # for one moment
MOST_TRACKS = 100  # asked for one answer
BYTES_LOOKED_AT = 64


def holds_answers(path: str | os.PathLike[str]) -> bool:
    """Whether a file holds JSON, by its first character; no video begins like that, whatever its name ends with."""
    try:
        with Path(path).open("rb") as file:
            begin = file.read(BYTES_LOOKED_AT).removeprefix(b"\xef\xbb\xbf").lstrip()
    except (OSError, ValueError):
        return False
    return begin.startswith((b"{", b"["))


def read_answers(path: str | os.PathLike[str]) -> list[Answer]:
    """The answers in a file: one or several JSON objects, or lists of them, one after the other.

    Raises:
        AnswerError: the file cannot be read, holds no answer, or something else.
    """
    name = os.fspath(path)
    try:
        with Path(path).open("rb") as file:
            content = file.read(LARGEST_BYTES + 1)
    except (OSError, ValueError) as error:
        raise AnswerError(f"{name}: cannot be read ({getattr(error, 'strerror', None) or error})") from error
    if len(content) > LARGEST_BYTES:
        raise AnswerError(f"{name}: is larger than {LARGEST_BYTES >> 20} MB, the most that is read of saved answers")
    try:
        answers = [Answer.from_dict(value) for value in _values(content.decode("utf-8-sig"))]
    except AnswerError as error:
        raise AnswerError(f"{name}: {error}") from error
    except (ValueError, RecursionError) as error:
        raise AnswerError(f"{name}: not a saved answer, because it is not JSON ({error})") from error
    if not answers:
        raise AnswerError(f"{name}: holds no answer")
    for answer in answers:
        if answer.video.duration_seconds > LONGEST_SECONDS:
            raise AnswerError(f"{name}: the video would be {answer.video.duration_seconds:.3g} s long, over a year")
        if abs(answer.video.start_offset_seconds) > LONGEST_SECONDS:
            raise AnswerError(
                f"{name}: the video would start at {answer.video.start_offset_seconds:.3g} s, over a year"
            )
        if len(answer.spans) > MOST_MOMENTS:
            raise AnswerError(f"{name}: an answer has {len(answer.spans)} moments; at most {MOST_MOMENTS} are read")
        if (most := max((len(span.evidence) for span in answer.spans), default=0)) > MOST_EVIDENCE:
            raise AnswerError(f"{name}: a moment has {most} pieces of evidence; at most {MOST_EVIDENCE} are read")
        if len(answer.tracks) > MOST_TRACKS:
            raise AnswerError(f"{name}: an answer has {len(answer.tracks)} tracks; at most {MOST_TRACKS} are read")
    return answers


def _values(text: str) -> Iterator[Any]:
    """Every object in JSON values that follow each other; a list stands for what it holds."""
    decoder = json.JSONDecoder()
    place = 0
    while place < len(text):
        if text[place].isspace():
            place += 1
            continue
        value, place = decoder.raw_decode(text, place)
        yield from value if isinstance(value, list) else [value]
