"""A caption of one scene by a vision LLM: how it is asked for, and what is kept of the reply."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..errors import ModelError
from ..llm.prompting import Prompt, prompts
from ..llm.replies import without_thoughts
from .frames import Part

LONGEST_CHARACTERS = 400  # of a caption
LONGEST_REPLY = 20_000  # characters that are read
MOST_SENTENCES = 2
_QUOTES = "\"'“”‘’ "
MOST_REPEATS = 3  # of the same few words in a row; then the model has lost its way

_SUBJECT = (
    r"(?:(?:the|this|these|those|that|each)\s+)?(?:\w+\s+)?"
    r"(?:images?|pictures?|photos?|photographs?|videos?|clips?|scenes?|frames?|sequence|footage|screenshots?)(?:\s+\d+)?"
)
_INTRODUCTION = re.compile(
    r"(?:(?:sure|certainly|of course|okay|ok|here(?:'s| is| are))\b[^.:!\n]{0,80}[.:!]\s*"
    r"|(?:caption|description|answer|summary|scene)\s*\d*\s*:\s*"
    rf"|(?:in\s+{_SUBJECT}\s*,?\s*(?:we\s+(?:can\s+)?see\s+)?(?:that\s+)?)"
    rf"|{_SUBJECT}\s+(?:of\s+the\s+video\s+)?(?:clearly\s+)?(?:shows?|depicts?|displays?|features?|captures?|illustrates?|portrays?|contains?|presents?)"
    r"(?:\s+(?:us\s+)?(?:that\s+)?|$)"
    r"|(?:we|you|i)\s+(?:can\s+)?see\s+(?:that\s+)?)",
    re.IGNORECASE,
)
_REFUSAL = re.compile(
    r"(?:i'?m|i am)\s+(?:sorry|unable|not able|afraid)\b|(?:i|we)\s+(?:cannot|can'?t|am unable|do not|don'?t)\s+"
    r"(?:see|view|help|assist|describe|process|identify|provide)\b|as an ai\b|sorry, (?:but )?i\b"
    r"|no (?:images?|pictures?) (?:was|were) provided",
    re.IGNORECASE,
)
_SENTENCE = re.compile(r"(?<=[.!?])[\"'”’)]?\s+(?=[\"'“‘(]?[A-Z\d])")
_REPEATED = re.compile(r"\b(.{2,80}?)(?:[\s,.;]+\1){" + str(MOST_REPEATS) + r",}", re.IGNORECASE)


class NoCaptionError(ModelError):
    """There was a reply, and no sentence in it describes the scene."""


def caption_prompt() -> Prompt:
    """The prompt; its digest is part of what decides a caption."""
    return prompts("caption.en")


def caption_request(pictures: Sequence[Any], seconds: float) -> list[Part]:
    """What is sent for one scene: its pictures in order of time, then the question.

    Args:
        pictures: (H, W, 3) uint8 arrays, or what the model has made of them.
        seconds: how long the scene lasts.
    """
    many = "one picture" if len(pictures) == 1 else f"{len(pictures)} pictures"
    return [*pictures, caption_prompt().fill(pictures=many, seconds=f"{np.ceil(10 * seconds) / 10:g}")]


def read_caption(reply: str) -> str:
    """The caption in a reply: one or two sentences, without thoughts, mark-up, introductions and repetitions.

    Raises:
        NoCaptionError: there is none, or the model refuses.
    """
    text = without_thoughts(reply[:LONGEST_REPLY]).strip()
    text = re.sub(r"\x1b\[[\d;]{0,20}[A-Za-z]", "", _from_json(text))  # colours of a terminal
    text = "".join(" " if unicodedata.category(character)[0] == "C" else character for character in text)
    text = re.sub(r"^\s*(?:[-*•>#]+|\d{1,2}[.)])\s+", "", text)
    text = " ".join(re.sub(r"[*_`#|]{1,3}|<\|?/?[\w|]{1,40}\|?>", " ", text).split()).strip(_QUOTES)
    if _REFUSAL.search(text[:200]):
        raise NoCaptionError("the model refuses to describe the scene")
    for _ in range(3):
        if found := _INTRODUCTION.match(text):
            text = text[found.end() :].strip(_QUOTES)
    sentences: dict[str, str] = {}
    for sentence in _SENTENCE.split(_REPEATED.sub(r"\1", text)):
        sentences.setdefault(sentence.casefold().strip(" .!?"), sentence.strip())
    text = " ".join(list(sentences.values())[:MOST_SENTENCES])
    if len(text) > LONGEST_CHARACTERS:
        text = text[:LONGEST_CHARACTERS].rsplit(" ", 1)[0].rstrip(" ,;") + " ..."
    if sum(character.isalpha() for character in text) < 3:
        raise NoCaptionError("the reply holds no sentence")
    return text[0].upper() + text[1:]


def _from_json(text: str) -> str:
    """The text in a reply that is JSON or a code block; else the reply."""
    inner = re.sub(r"^```\w*\s*|\s*```$", "", text)
    try:
        value = json.loads(inner)
    except (ValueError, RecursionError):
        return inner
    if isinstance(value, dict):
        value = next((one for one in value.values() if isinstance(one, str)), "")
    if isinstance(value, list):
        value = " ".join(one for one in value if isinstance(one, str))
    return value if isinstance(value, str) else ""
