"""From recognised words to texts: sentences, cut at their ends and at pauses, less what nobody said."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from .text_track import TimedText, Word

PAUSE_SECONDS = 0.7  # two words that lie further apart belong to two texts
LONGEST_SECONDS = 12.0  # of one text; longer ones are cut at their longest pause, a comma counting as COMMA_SECONDS
COMMA_SECONDS = 0.3
SENTENCE_END = re.compile(r"[.?!…。？！।؟]['\"»”’)\]]*$")
NO_SENTENCE_END = re.compile(r"^\W*(?:[A-Z]|mr|mrs|ms|dr|prof|st|vs|e\.g|i\.e|no|nr)\.$", re.IGNORECASE)
COMMA = re.compile(r"[,;:，、；：]['\"»”’)]*$")
SHORTEST_SECONDS = 0.02

# What Whisper writes where nobody speaks: it was trained on the subtitles of videos.
INVENTED = re.compile(
    r"(?:you|bye(?: bye)?|thank you(?: very much| so much)?|thanks(?: for watching)?|thank you for watching|"
    r"please subscribe.*|(?:please )?(?:like and )?subscribe.*|subtitles by .*|.*amara org.*|"
    r"see you (?:in the )?next (?:time|video)|i ll see you next time)"
)
DOUBTED = 0.5  # texts that could be invented need words that are surer than this
UNSURE = 0.25  # texts whose words are less sure than this are not kept
MOST_REPEATS = 2  # of one text in a row; more are a loop of the model


class SpokenWord(NamedTuple):
    """A word as it was recognised, with the space before it where its language has one."""

    start_seconds: float
    end_seconds: float
    text: str
    probability: float


def to_texts(words: Sequence[SpokenWord]) -> list[TimedText]:
    """The sentences that words make, in order of time.

    Args:
        words: in order of time.

    Returns:
        Texts with their words; the confidence of a text is the mean probability of its words.
    """
    texts: list[TimedText] = []
    sentence: list[SpokenWord] = []
    for word in words:
        if sentence and word.start_seconds - sentence[-1].end_seconds > PAUSE_SECONDS:
            texts += _cut(sentence)
            sentence = []
        sentence.append(word)
        if SENTENCE_END.search(word.text) and not NO_SENTENCE_END.match(word.text.strip()):
            texts += _cut(sentence)
            sentence = []
    return texts + _cut(sentence)


def without_inventions(texts: Sequence[TimedText]) -> tuple[list[TimedText], int]:
    """The texts that somebody is likely to have said, and how many were left out."""
    kept: list[TimedText] = []
    repeats, before = 0, ""
    for text in texts:
        said = " ".join(re.findall(r"\w+", text.text.lower()))
        repeats = repeats + 1 if said == before else 1
        before = said
        sure = 1.0 if text.confidence is None else text.confidence
        invented = sure < DOUBTED and INVENTED.fullmatch(said) is not None
        if said and sure >= UNSURE and not invented and repeats <= MOST_REPEATS:
            kept.append(text)
    return kept, len(texts) - len(kept)


def _cut(words: list[SpokenWord]) -> list[TimedText]:
    """One text, or several where it would be too long."""
    if not words:
        return []
    begins, ends = words[0].start_seconds, words[-1].end_seconds
    length = ends - begins
    if length > LONGEST_SECONDS and len(words) > 1:
        inner = [i for i in range(1, len(words)) if begins + length / 4 <= words[i].start_seconds <= ends - length / 4]
        at = max(inner or [len(words) // 2], key=lambda i: _pause(words[i - 1], words[i]))
        return _cut(words[:at]) + _cut(words[at:])
    text = "".join(word.text for word in words).strip()
    sure = sum(word.probability for word in words) / len(words)
    timed = tuple(Word(word.start_seconds, word.end_seconds, word.text.strip()) for word in words)
    return [TimedText(begins, max(ends, begins + SHORTEST_SECONDS), text, round(sure, 3), timed)]


def _pause(before: SpokenWord, after: SpokenWord) -> float:
    return after.start_seconds - before.end_seconds + COMMA_SECONDS * bool(COMMA.search(before.text))
