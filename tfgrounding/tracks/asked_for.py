"""What a query that asks for words cannot do without: something to look for, its names, its numbers."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence

from .word_tokens import COMMON, LONGEST_WORD, has_figure, tokens

OTHER_LETTERS = 0.5  # of a text's letters that are not Latin, from which on it is none of English
LETTERS_READ = 200_000  # of a track
_SPELLED = """
    thirteen fourteen fifteen sixteen seventeen eighteen nineteen twenty thirty forty fifty sixty seventy eighty ninety
    hundred thousand million billion point
"""
SPELLED = frozenset(_SPELLED.split())  # words that may be a part of a number that is written in letters


def has_content(query: str, language: str = "") -> bool:
    """Whether a query has a word that can be looked for: none of the most common ones, and no endless one."""
    return any(token.word not in COMMON and len(token.word) <= LONGEST_WORD for token in tokens(query, language))


def is_latin(texts: Sequence[str]) -> bool:
    """Whether most letters of these texts are Latin; False where there are no letters at all."""
    latin = other = 0
    for text in texts:
        for letter in text[:LETTERS_READ]:
            if letter.isalpha():
                if letter.isascii() or unicodedata.name(letter, "").startswith("LATIN"):
                    latin += 1
                else:
                    other += 1
        if latin + other >= LETTERS_READ:
            break
    return latin > 0 and other < OTHER_LETTERS * (latin + other)


def names(query: str, words: str) -> tuple[str, ...]:
    """The words with a capital letter, where the query does not write all words so, nor begins with them.

    Args:
        query: as it was asked.
        words: of it, those that are asked for.
    """
    written = query.split()
    if sum(word[:1].isupper() for word in written) > len(written) / 2 > 1:
        return ()
    begins = query.lstrip().startswith(words)
    found = [word for word in words.split()[begins:] if word[:1].isupper()]
    return tuple(token.word for word in found for token in tokens(word) if token.word not in COMMON)


def another_number(words: str, texts: Sequence[str], language: str = "") -> bool:
    """Whether words have a number that these texts do not have, in figures or as words.

    Args:
        words: that are asked for.
        texts: that are thought to have them.
        language: of the texts, ISO 639-1; "" means English.
    """
    asked = {token.word for token in tokens(words, language)}
    there = {token.word for text in texts for token in tokens(text, language)}
    return any(has_figure(word) for word in asked - there) and not (asked | there) & SPELLED
