"""In which language a text is, by its letters: of short queries, and of the texts of a track.

Method: naive Bayes over sequences of bytes (Lui and Baldwin 2012, "langid.py"), as the package py3langid has it.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from threading import Lock
from typing import Any

from .asked_for import is_latin
from .languages import language_code

# Words that English has and other languages in Latin letters hardly have. They spare most queries the model.
_ENGLISH = """
    the and with she they from into onto this these those someone something woman women person people when what which
    how while before after without through away behind their opens closes walks takes puts turns looks gets gives says
    holding sitting standing walking running wearing being
"""
ENGLISH = frozenset(_ENGLISH.split())
ENGLISH_SHARE = 0.15  # of a query's words, from which on these make it English
FEWEST_WORDS = 3  # of a query in Latin letters: fewer are often names, or words that English borrowed
MOST_WORDS = 24  # of a query that are looked at
SURE = 5.0  # how much likelier than English another language has to be, as a logarithm, whichever word is left out
MOST_TEXTS, LONGEST_TEXT = 200, 200  # of a track that are looked at, and the characters of each
FEWEST_TRACK_WORDS = 12
FEWEST_OTHER_LETTERS = 12  # of a track in other letters than Latin ones
ENGLISH_SHARE_OF_TRACK = 0.08  # of its words
SURE_OF_TRACK = 20.0  # as SURE, for each half of the words
_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
_QUOTED = re.compile(r"[\"“”„«»「『‘][^\"“”„«»「」『』‘’]{1,200}[\"“”„«»」』’]")
_loading = Lock()


@lru_cache(maxsize=4096)
def other_language(query: str) -> str:
    """The ISO 639-1 code of the language of a query that is surely not in English; "" where it is or may be.

    Words in quotation marks and words with a capital letter do not count, as they may be names, and no word decides
    alone.
    """
    query = query[:2000]
    if not any(letter.isalpha() for letter in query):
        return ""
    if not is_latin((query,)):
        return _likeliest(query)[0]
    words = _WORD.findall(_QUOTED.sub(" ", query))[:MOST_WORDS]
    if all(word.isupper() for word in words):
        words = [word.lower() for word in words]
    small = [word for word in words if not word[0].isupper()]
    if len(words) < FEWEST_WORDS or len(small) < 2:
        return ""
    if sum(word in ENGLISH for word in small) >= ENGLISH_SHARE * len(words):
        return ""
    code, surely = _likeliest(" ".join(words))
    if surely <= SURE:
        return ""
    left_out = (" ".join(small[:place] + small[place + 1 :]) for place in range(len(small)))
    return code if all(_likeliest(text)[1] > SURE for text in left_out) else ""


def language_of(texts: Sequence[str]) -> str:
    """The ISO 639-1 code of the language of many texts; "" where they are too few, or it is not sure.

    Args:
        texts: of one track, in any order. Some from all over the track are looked at.
    """
    some = texts[:: max(1, len(texts) // MOST_TEXTS)]
    words = " ".join(text[:LONGEST_TEXT] for text in some).split()
    if not is_latin(words):
        return _likeliest(" ".join(words))[0] if sum(map(len, words)) >= FEWEST_OTHER_LETTERS else ""
    if len(words) < FEWEST_TRACK_WORDS:
        return ""
    if sum(word.lower() in ENGLISH for word in words) >= ENGLISH_SHARE_OF_TRACK * len(words):
        return "en"
    surely = [_likeliest(" ".join(words[first::2]))[1] for first in (0, 1)]
    if max(surely) < -SURE_OF_TRACK:
        return "en"
    return _likeliest(" ".join(words))[0] if min(surely) > SURE_OF_TRACK else ""


def _likeliest(text: str) -> tuple[str, float]:
    """(the likeliest language but English, how much likelier than English it is, as a logarithm)."""
    ranked = _model().rank(text)
    english = next(score for code, score in ranked if code == "en")
    code, score = next(one for one in ranked if one[0] != "en")
    return language_code(code), float(score - english)


def _model() -> Any:
    with _loading:
        return _loaded()


@lru_cache(maxsize=1)
def _loaded() -> Any:
    """The model, for the languages whose names are known here: a second of work, and 120 MB."""
    from py3langid.langid import MODEL_FILE, LanguageIdentifier

    model = LanguageIdentifier.from_model_file(MODEL_FILE)
    model.set_languages([code for code in model.labels if language_code(code)])
    return model
