"""Words that a query and the texts of a track share: how much of the query each text has, and where it stands in order.

Two measures, both weighted by how rare a word is:
- BM25 (Robertson and Zaragoza, 2009) of each text, as a share of what a text with all of the words would have.
- *Phrases*: stretches of the track that have the query's words in their order, by local alignment (Smith and Waterman,
  1981). A word may have one letter wrong, be missing, or stand between others; words may be joined or split.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from .text_track import TimedText, Word
from .word_tokens import COMMON, Token, Vocabulary, tokens

MOST_TOKENS = 2_000_000  # of a track; what follows is found by its meaning alone
MOST_WORDS = 32  # of a query, the rarest
SATURATION, LENGTH_SHARE = 1.2, 0.75  # BM25's k1 and b
BACKGROUND_TEXTS = 50.0  # with which a track's own counts are smoothed, so that three texts know rare from common
COMMON_SHARE, RARE_SHARE = 0.5, 0.01  # of the background's texts that hold a common word, and any other
MISSING, BETWEEN = 0.3, 0.1  # what a missing word and each word between cost: shares of its and of the mean weight
PAUSE_SECONDS, WORDS_A_SECOND = 3.0, 5.0  # a longer pause counts as the words that would fill it
MOST_BETWEEN = 30.0  # such words within a phrase that is found by its letters
LEAST_SHARE = 0.3  # of the query's weight, that a phrase has
LEAST_LETTERS, WITHOUT_SPACES = 6, 10  # of a query found as letters: at a word's start or end, and anywhere
MOST_PHRASES, MOST_CANDIDATES = 20, 500
MOST_LETTERS_FOUND = 200


@dataclass(frozen=True, slots=True)
class Phrase:
    """A stretch of the track with words of a query in their order.

    `share`: of the weight of the query's words, those that stand there. `first_text`, `last_text`: the texts it is in.
    `weight`: of all the query's words, the logarithm of how rarely they stand together. `covered`: the share of those
    texts' words that are in it. `is_timed`: whether its words have times of their own.
    """

    start_seconds: float
    end_seconds: float
    share: float
    weight: float
    first_text: int
    last_text: int
    covered: float
    is_timed: bool


class ExactWords:
    """The words of a track, ready to be searched; without state after that, so that threads can share it.

    Args:
        texts: N texts in order of time.
        language: of the texts, ISO 639-1; "" means English.
    """

    def __init__(self, texts: Sequence[TimedText], language: str = "") -> None:
        self._language, self._count = language, len(texts)
        self._timed = [bool(text.words) for text in texts]
        number: dict[str, int] = {}
        ids, of_text, starts, ends = [], [], [], []
        self.is_cut = False  # whether there are more words than are searched
        for n, text in enumerate(texts):
            for word, start, end in _timed_tokens(text, language):
                ids.append(number.setdefault(word, len(number)))
                of_text.append(n)
                starts.append(start)
                ends.append(end)
            if len(ids) >= MOST_TOKENS:
                self.is_cut = n + 1 < len(texts)
                break
        self._ids, self._of_text = np.array(ids, dtype=np.int32), np.array(of_text, dtype=np.int32)
        self._starts, self._ends = np.array(starts), np.array(ends)
        self._vocabulary, self._common = Vocabulary(list(number), language), {number[w] for w in COMMON & number.keys()}
        self._order = np.argsort(self._ids, kind="stable")  # tokens by word
        self._first = np.searchsorted(self._ids[self._order], np.arange(len(number) + 1))
        self._lengths = np.bincount(self._of_text, minlength=self._count)
        words = list(number)
        letters = np.array([len(words[i]) for i in ids], dtype=np.int64)
        self._letters = "".join(words[i] for i in ids)
        self._letter_ends = np.cumsum(letters)
        pauses = np.zeros(len(ids))  # before each token
        if len(ids) > 1:
            pauses[1:] = self._starts[1:] - np.maximum.accumulate(self._ends)[:-1]
            guessed = ~np.array(self._timed, dtype=bool)[self._of_text[1:]]  # times within a text say nothing then
            pauses[1:][guessed & (self._of_text[1:] == self._of_text[:-1])] = 0.0
        words_between = np.where(pauses > PAUSE_SECONDS, WORDS_A_SECOND * pauses, 0.0)
        self._places = np.arange(len(ids)) + np.cumsum(words_between)

    def has(self, word: str) -> bool:
        """Whether a word, another form of it, or one with a letter wrong stands in the texts."""
        return bool(self._vocabulary.alike(word))

    def shares(self, query: str) -> np.ndarray:
        """(N,) how much of the query's words each text has, from 0 to 1: BM25 by what it would be at most."""
        found, most = np.zeros(self._count), 0.0
        mean = max(float(self._lengths.mean()), 1.0) if self._count else 1.0
        norm = SATURATION * (1 - LENGTH_SHARE + LENGTH_SHARE * self._lengths / mean)
        for wanted in self._wanted(query, once=True):
            most += wanted.weight * (SATURATION + 1)
            if len(wanted.places):
                count = np.bincount(self._of_text[wanted.places], wanted.quality, minlength=self._count)
                found += wanted.weight * count * (SATURATION + 1) / (count + norm)
        return np.minimum(found / most, 1.0) if most else found

    def phrases(self, query: str) -> list[Phrase]:
        """Where the query's words stand in their order: the largest share first, MOST_PHRASES at most."""
        wanted = self._wanted(query, once=False)
        total = sum(word.weight for word in wanted)
        if not total or not len(self._ids):
            return []
        candidates = [*self._spelled(query), *self._aligned(wanted, total)]
        candidates.sort(key=lambda c: (-round(c[2], 6), c[1] - c[0], c[0]))
        kept: list[tuple[int, int, float]] = []
        for first, last, share in candidates:
            if share < LEAST_SHARE or len(kept) == MOST_PHRASES:
                break
            if all(last < other or first > another for other, another, _ in kept):
                kept.append((first, last, share))
        return [self._phrase(*found, total) for found in kept]

    def _wanted(self, query: str, *, once: bool) -> list[_Wanted]:
        """The query's words in order, the MOST_WORDS rarest, with the places in the track of words like them."""
        words = [token.word for token in tokens(query, self._language)]
        words = list(dict.fromkeys(words)) if once else words[: 8 * MOST_WORDS]
        known: dict[str, _Wanted] = {}
        for word in dict.fromkeys(words[: 8 * MOST_WORDS]):
            alike = self._vocabulary.alike(word)
            parts = [self._order[self._first[n] : self._first[n + 1]] for n in alike]
            places = np.concatenate(parts) if parts else np.empty(0, dtype=np.int64)
            quality = np.repeat(list(alike.values()), [len(part) for part in parts]) if parts else np.empty(0)
            texts = len(np.unique(self._of_text[places])) if len(places) else 0
            share = COMMON_SHARE if word in COMMON else RARE_SHARE
            count, of = texts + BACKGROUND_TEXTS * share, self._count + BACKGROUND_TEXTS
            known[word] = _Wanted(float(np.log(1 + (of - count + 0.5) / (count + 0.5))), places, quality)
        every = [known[word] for word in words]
        if len(every) > MOST_WORDS:
            rarest = sorted(sorted(range(len(every)), key=lambda n: -every[n].weight)[:MOST_WORDS])
            every = [every[n] for n in rarest]
        return every

    def _spelled(self, query: str) -> Iterator[tuple[int, int, float]]:
        """(first, last, share) tokens that have all letters of the query in order, wherever the spaces are."""
        letters = "".join(token.word for token in tokens(query, self._language))
        place = self._letters.find(letters) if len(letters) >= LEAST_LETTERS else -1
        for _ in range(MOST_LETTERS_FOUND):
            if place < 0:
                return
            after = place + len(letters)
            first = int(np.searchsorted(self._letter_ends, place, side="right"))
            last = int(np.searchsorted(self._letter_ends, after, side="left"))
            begins = place == (self._letter_ends[first - 1] if first else 0)
            ends = after == self._letter_ends[last]
            near = self._places[last] - self._places[first] <= last - first + MOST_BETWEEN
            if near and ((begins and ends) or ((begins or ends) and len(letters) >= WITHOUT_SPACES)):
                yield first, last, 1.0
            elif near and len(letters) >= WITHOUT_SPACES:
                yield first, last, 0.95
            place = self._letters.find(letters, place + 1)

    def _aligned(self, wanted: Sequence[_Wanted], total: float) -> Iterator[tuple[int, int, float]]:
        """(first, last, share) tokens of the best local alignments, the ends reaching over words that were not met."""
        count = len(self._ids)
        between = BETWEEN * total / len(wanted)
        slope = between * self._places
        step = np.diff(slope, prepend=slope[:1])  # what the way from the token before costs
        score, met = np.zeros(count), np.zeros(count)
        begun = np.zeros((2, count), dtype=np.int64)  # the first token that was met, and for which word of the query
        indices = np.arange(count)
        for row, word in enumerate(wanted):
            before = np.concatenate([[0.0], score[:-1]]) - np.maximum(step - between, 0)
            met_before = np.concatenate([[0.0], met[:-1]])
            begun_before = np.concatenate([np.zeros((2, 1), dtype=np.int64), begun[:, :-1]], axis=1)
            score = score - MISSING * word.weight
            places = word.places
            if len(places):
                value = word.weight * word.quality
                goes_on = before[places] > 0
                reached = np.where(goes_on, before[places], 0.0) + value
                value = np.where(goes_on, met_before[places], 0.0) + value
                here = np.stack([places, np.full(len(places), row)])
                start = np.where(goes_on, begun_before[:, places], here)
                better = reached > score[places]
                score[places[better]], met[places[better]] = reached[better], value[better]
                begun[:, places[better]] = start[:, better]
                best = np.argsort(-value, kind="stable")[:MOST_CANDIDATES]
                for k in best:
                    first, missed = start[:, k].tolist()
                    yield (*self._within(first, int(places[k]), missed, len(wanted) - 1 - row), value[k] / total)
            # Words between: each place may also be reached from any before it, at a cost.
            ahead = score + slope
            highest = np.maximum.accumulate(ahead)
            source = np.maximum.accumulate(np.where(ahead >= highest, indices, 0))
            score, met, begun = highest - slope, met[source], begun[:, source]
            lost = score <= 0
            score[lost], met[lost] = 0.0, 0.0

    def _within(self, first: int, last: int, before: int, after: int) -> tuple[int, int]:
        """An alignment's tokens, with as many more at both ends as words were missing there, of the same text."""
        begin, end = max(first - before, 0), min(last + after, len(self._ids) - 1)
        while self._of_text[begin] != self._of_text[first]:
            begin += 1
        while self._of_text[end] != self._of_text[last]:
            end -= 1
        return begin, end

    def _phrase(self, first: int, last: int, share: float, weight: float) -> Phrase:
        texts = int(self._of_text[first]), int(self._of_text[last])
        length = max(int(self._lengths[texts[0] : texts[1] + 1].sum()), 1)
        start = float(self._starts[first : last + 1].min())
        end = float(self._ends[first : last + 1].max())
        is_timed = bool(self._timed[texts[0]] and self._timed[texts[1]])
        covered = (last - first + 1) / length
        return Phrase(start, max(end, start + 1e-3), float(min(share, 1.0)), weight, *texts, covered, is_timed)


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A word of a query: how much it weighs, the tokens like it, and how much each of them counts."""

    weight: float
    places: np.ndarray
    quality: np.ndarray


def _timed_tokens(text: TimedText, language: str) -> Iterator[tuple[str, float, float]]:
    """(word, start, end) in seconds: of words that have times their own, else their share of the text's time."""
    found = tokens(text.text, language)
    if text.words:
        spoken = [(token, word) for word in text.words for token in tokens(word.text, language)]
        if "".join(token.word for token, _ in spoken) == "".join(token.word for token in found):
            for token, word in spoken:
                yield _placed(token, word)
            return
    for token in found:
        yield _placed(token, text)


def _placed(token: Token, within: TimedText | Word) -> tuple[str, float, float]:
    length = within.end_seconds - within.start_seconds
    start, end = (within.start_seconds + share * length for share in (token.start_share, token.end_share))
    return token.word, start, end
