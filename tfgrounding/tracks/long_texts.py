"""Texts of several sentences become sentences: a query means one of them, and encoders read only so much at once."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise

from .spoken import NO_SENTENCE_END
from .text_track import TextTrack, TimedText, Word
from .texts import MOST_TEXTS

LONGEST_LETTERS = 400  # of a piece, spaces counted: about 100 tokens, which every sentence encoder reads
SHORTEST_LETTERS = 12  # of a sentence; a shorter one ("Yes.") belongs to the next
_SENTENCE_END = re.compile(r"[.?!…]+[\"'”’»)\]]*(?=\s)|[。！？।؟]+[\"'”’」]*")


def in_sentences(track: TextTrack) -> TextTrack:
    """The track with its long texts cut.

    What is said is cut where sentences end, each with the times of its words, or its share of the text's time by
    letters where these are not known. A caption's sentences describe one scene and stay together, as a title's do. All
    texts are cut where they are longer than LONGEST_LETTERS; pieces of what is not said keep the whole text's time.

    Args:
        track: of any kind. Where pieces would be more than MOST_TEXTS it stays as it is.
    """
    is_said = track.kind == "said"
    pieces: list[TimedText] = []
    for text in track.texts:
        ends = _ends(text.text, at_sentences=is_said or len(text.text) > LONGEST_LETTERS)
        if len(ends) < 2:
            pieces.append(text)
        else:
            pieces += _timed(text, ends) if is_said else _of_same_time(text, ends)
        if len(pieces) > MOST_TEXTS:
            return track
    return track if len(pieces) == len(track) else replace(track, texts=tuple(pieces))


def _ends(text: str, *, at_sentences: bool) -> list[int]:
    """The places in a text, after which it is cut; the last one is its end."""
    found, begin = [], 0
    places = [match.end() for match in _SENTENCE_END.finditer(text)] if at_sentences else []
    for end in (*(place for place in places if not _is_abbreviation(text, place)), len(text)):
        while end - begin > LONGEST_LETTERS:
            space = text.rfind(" ", begin + 1, begin + LONGEST_LETTERS)
            begin = space if space > begin else begin + LONGEST_LETTERS
            found.append(begin)
        if end - begin >= SHORTEST_LETTERS:
            found.append(end)
            begin = end
    if not found:
        return [len(text)]
    found[-1] = len(text) if len(text) - found[-1] < SHORTEST_LETTERS else found[-1]
    return found if found[-1] == len(text) else [*found, len(text)]


def _is_abbreviation(text: str, end: int) -> bool:
    word = text[max(0, end - 8) : end].split()[-1:]
    return bool(word and NO_SENTENCE_END.match(word[0]))


def _timed(text: TimedText, ends: list[int]) -> Iterator[TimedText]:
    """The pieces of what is said, each with its own time."""
    words = _words_of_pieces(text, ends)
    length, share = text.end_seconds - text.start_seconds, len(text.text)
    for n, (begin, end) in enumerate(pairwise((0, *ends))):
        start_seconds = text.start_seconds + length * begin / share
        end_seconds = text.start_seconds + length * end / share
        own = words[n] if words else ()
        if own and own[0].start_seconds < own[-1].end_seconds:
            start_seconds, end_seconds = own[0].start_seconds, own[-1].end_seconds
        yield TimedText(start_seconds, end_seconds, text.text[begin:end].strip(), text.confidence, own)


def _words_of_pieces(text: TimedText, ends: list[int]) -> list[tuple[Word, ...]]:
    """The timed words of each piece; empty where the words are not those of the text."""
    letters = [len("".join(word.text.split())) for word in text.words]
    if sum(letters) != len("".join(text.text.split())):
        return []
    last = [len("".join(text.text[:end].split())) for end in ends]  # letters up to the end of each piece
    found: list[list[Word]] = [[] for _ in ends]
    piece = at = 0
    for word, count in zip(text.words, letters, strict=True):
        at += count
        while at > last[piece]:
            piece += 1
        found[piece].append(word)
    return [tuple(words) for words in found]


def _of_same_time(text: TimedText, ends: list[int]) -> Iterator[TimedText]:
    for begin, end in pairwise((0, *ends)):
        yield TimedText(text.start_seconds, text.end_seconds, text.text[begin:end].strip(), text.confidence)
