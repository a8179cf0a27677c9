"""Texts as words: how they are cut, which words of a track a word of a query stands for, and how common it is."""

from __future__ import annotations

import re
import threading
import unicodedata
from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

LONGEST_TEXT = 10_000  # characters of one text that are read
LONGEST_WORD = 40  # letters; longer ones are compared as they are
MOST_COMPARED = 5_000  # words of the track that one word of a query is compared with
SAME_STEM, ONE_LETTER_OFF = 0.9, 0.7  # how much such a word counts; the word itself counts 1
LEAST_LETTERS = 5  # of a word that may have one letter wrong: shorter ones become other words
USUAL_LANGUAGE = "en"  # where a track does not say its language
SPLIT_AT_APOSTROPHE = ("fr", "it", "ca")  # languages that write two words so: "l'eau"
STEMMED = {  # ISO 639-1 -> Snowball's name
    "ar": "arabic",
    "ca": "catalan",
    "da": "danish",
    "de": "german",
    "el": "greek",
    "en": "english",
    "es": "spanish",
    "eu": "basque",
    "fi": "finnish",
    "fr": "french",
    "ga": "irish",
    "hi": "hindi",
    "hu": "hungarian",
    "hy": "armenian",
    "id": "indonesian",
    "it": "italian",
    "lt": "lithuanian",
    "ne": "nepali",
    "nl": "dutch",
    "no": "norwegian",
    "pt": "portuguese",
    "ro": "romanian",
    "ru": "russian",
    "sr": "serbian",
    "sv": "swedish",
    "ta": "tamil",
    "tr": "turkish",
    "yi": "yiddish",
}
_COMMON = """
    a about above after again all also always am an and another any anybody anyone anything are around as at away
    back be because been before being both but by came can cant come comes could couldnt did didnt do does doesnt doing
    done dont down each either else even ever every everyone everything few for from get gets getting go goes going
    gonna got had has hasnt have havent having he her here hers herself hes him himself his how i id if ill im in into
    is isnt it its itself ive just know last least let lets like little made make makes many may me might more most much
    must my myself never new next no none nor not nothing now of off on once one only onto or other others our ours out
    over own part put quite rather really right said same say saying says see seem seems shall she shes should shouldnt
    since so some somebody someone something still such take takes than that thats the their theirs them themselves then
    there theres these they theyre thing things think this those though through to too two under until up upon us use
    used very want wants was wasnt way we well went were weve what whatever when where which while who whom whose why
    will with within without wont would wouldnt yes yet you your youre yours yourself
"""
COMMON = frozenset(_COMMON.split())  # English words that say little, as they are normalised here
_NUMBERS = """
    three 3 four 4 five 5 six 6 seven 7 eight 8 nine 9 ten 10 eleven 11 twelve 12 third 3rd fourth 4th fifth 5th
    sixth 6th seventh 7th eighth 8th ninth 9th tenth 10th eleventh 11th twelfth 12th
"""
NUMBERS = dict(zip(_NUMBERS.split()[::2], _NUMBERS.split()[1::2], strict=True))  # English number words as figures
_ALONE = "\u0e00-\u0eff\u1780-\u17ff\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff"  # written without spaces
_LETTERS = rf"(?:(?![{_ALONE}])[^\W_])+"
_FIGURES = re.compile(r"\d+(?:[.,:]\d+)+")
_THOUSANDS = re.compile(r"\d{1,3}(?:,\d{3})+")
_WORD = re.compile(rf"{_FIGURES.pattern}|[{_ALONE}]|{_LETTERS}(?:['’ʼ`]{_LETTERS})*")
_QUOTED = re.compile(r"\"([^\"]{2,})\"|“([^”]{2,})”|«([^»]{2,})»|„([^“”]{2,})[“”]|「([^」]{2,})」")


class Token(NamedTuple):
    """A word as it is compared, and the place of its letters in the text, as shares of the text's length."""

    word: str
    start_share: float
    end_share: float


def tokens(text: str, language: str = "") -> list[Token]:
    """The words of a text: small letters, without accents and apostrophes; Chinese and the like letter by letter.

    A number with its decimals, as 12.5, is one word; English number words are figures.
    """
    plain = _plain(text[:LONGEST_TEXT])
    if language in SPLIT_AT_APOSTROPHE:
        plain = re.sub("['’ʼ`]", " ", plain)
    length = max(len(plain), 1)
    figures = NUMBERS if _main_language(language) == USUAL_LANGUAGE else {}
    return [
        Token(_as_compared(found[0], figures), found.start() / length, found.end() / length)
        for found in _WORD.finditer(plain)
    ]


def _as_compared(word: str, figures: Mapping[str, str]) -> str:
    if _FIGURES.fullmatch(word):
        return word.replace(",", "" if _THOUSANDS.fullmatch(word) else ".")
    word = re.sub("['’ʼ`]", "", word)
    return figures.get(word, word)


def has_figure(word: str) -> bool:
    """Whether a word has a digit: another digit makes it another word."""
    return any(letter.isdigit() for letter in word)


def quoted(query: str) -> str:
    """The part of a query between quotation marks, the longest if there are several; "" if there is none."""
    return max(("".join(found.groups("")) for found in _QUOTED.finditer(query)), key=len, default="").strip()


class Vocabulary:
    """The different words of a track, and which of them a word of a query stands for.

    Args:
        words: each once; the n-th has the number n.
        language: ISO 639-1; "" means English, and a language without a stemmer has no stems.
    """

    def __init__(self, words: Sequence[str], language: str = "") -> None:
        self._number = {word: n for n, word in enumerate(words)}
        self._forward = sorted(self._number)
        self._backward = sorted(word[::-1] for word in self._number)
        self._stem = _stemmer(_main_language(language))

    def alike(self, word: str) -> dict[int, float]:
        """The numbers of the words that a word stands for, and how much each counts: itself, its stem, a slip."""
        found: dict[int, float] = {}
        if len(word) <= LONGEST_WORD:
            begin, slips = max(2, min(3, len(word) - 1)), len(word) >= LEAST_LETTERS and not has_figure(word)
            same_head = _with_head(self._forward, word[:begin])
            stem = self._stem(word)
            for other in same_head:
                if len(other) <= LONGEST_WORD and self._stem(other) == stem:
                    found[self._number[other]] = SAME_STEM
            if slips:
                half = len(word) // 2
                heads = _with_head(self._forward, word[:half])
                tails = (other[::-1] for other in _with_head(self._backward, word[half + 1 :][::-1]))
                for other in (*heads, *tails):
                    if not has_figure(other) and _one_letter_off(word, other):
                        found.setdefault(self._number[other], ONE_LETTER_OFF)
        if word in self._number:
            found[self._number[word]] = 1.0
        return found


def _main_language(language: str) -> str:
    return language.split("-")[0].lower() or USUAL_LANGUAGE


def _with_head(ordered: Sequence[str], head: str) -> Sequence[str]:
    """The words that begin so, MOST_COMPARED at most."""
    first = bisect_left(ordered, head)
    after = bisect_left(ordered, head + "\U0010ffff", lo=first)
    return ordered[first : min(after, first + MOST_COMPARED)]


def _one_letter_off(one: str, other: str) -> bool:
    """Whether one letter changed, left out or added makes one word the other."""
    if one == other or abs(len(one) - len(other)) > 1:
        return False
    same = 0
    while same < min(len(one), len(other)) and one[same] == other[same]:
        same += 1
    return one[same + (len(one) >= len(other)) :] == other[same + (len(other) >= len(one)) :]


def _plain(text: str) -> str:
    if text.isascii():
        return text.lower()
    split = unicodedata.normalize("NFKD", text.casefold())
    return unicodedata.normalize("NFC", "".join(c for c in split if unicodedata.category(c) != "Mn"))


@lru_cache(maxsize=8)
def _stemmer(language: str) -> Callable[[str], str]:
    """What finds the stem of a word (Snowball); a stemmer has a state, so one thread uses it at a time."""
    if language not in STEMMED:
        return str
    import snowballstemmer

    stemmer, lock = snowballstemmer.stemmer(STEMMED[language]), threading.Lock()

    def stem(word: str) -> str:
        with lock:
            return stemmer.stemWord(word)

    return lru_cache(maxsize=65_536)(stem)
