"""Timed texts and queries become curves, by meaning and by exact words, and likely intervals of whole texts.

A text's value for a query is the cosine of their sentence vectors, and more where it has the query's own words. Curves
of unrelated texts are made in the same way.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from .exact_words import MOST_TOKENS, ExactWords, Phrase
from .text_track import TimedText, Word
from .texts import TimedTexts, text_stretches

EXACT_WEIGHT = 0.5  # of the share of exact words, in deviations of unrelated texts
MOST_TOGETHER, TOGETHER_SECONDS = 6, 30.0  # texts that follow each other and are said to be one moment
STEEPNESS = 3.0  # log odds of an interval for each deviation of unrelated texts
EVERY_TEXT = 4.0  # log odds that each further text costs
PARTLY_MET, MET = 0.6, 0.9  # of a query's words: a phrase with fewer is not meant, one with as many is
ALIKE = 0.05  # of that share: phrases that differ by less are equally meant
MEANT_ALIKE = 0.5  # deviations: at most so much less than the best a phrase is taken to fit that has the same words
IN_COMMON = 0.2  # of the variance of neighbours' vectors, from which on single texts are not what a query asks for
LIKELY_SHARE = 0.8  # of all votes, that intervals of texts have
MOST_LIKELY = 64
WORDS_CUT = f"only the first {MOST_TOKENS:,} words are searched for the query's own words"
# A phrase without word times is its texts, where it is most of them or they are short.
WHOLE_SHARE, SHORT_SECONDS = 0.5, 6.0


class TextCurves:
    """The texts of one video, ready for any number of queries; without state after that.

    Args:
        texts: N texts of which K are different.
        vectors: (K, D) unit vectors of the different ones.
        unrelated: (M, D) those of texts that have nothing to do with the video.
        timed: the texts as they came, with the times of their words; those of `texts` where there are none.
        language: of the texts, ISO 639-1; "" means English.
        has_meaning: False where the vectors say nothing, as those of texts in a language that the encoder does not
            read: only exact words are found then.

    Attributes:
        edges_seconds: (T + 1,) of the stretches between two times at which a text begins or ends.
        features: (T, D) the vectors of these stretches.
        apart: how different neighbouring texts are, from 0 to 1: where they are, a query is likely to mean one text.
        common: (N,) how well each text fits the mean of the unrelated ones.
        warnings: what is not searched.
    """

    def __init__(
        self,
        texts: TimedTexts,
        vectors: np.ndarray,
        unrelated: np.ndarray,
        *,
        timed: Sequence[TimedText] = (),
        language: str = "",
        has_meaning: bool = True,
    ) -> None:
        self.texts = texts
        nothing = unrelated.mean(axis=0)
        if not has_meaning:
            vectors = np.broadcast_to(nothing / max(float(np.linalg.norm(nothing)), 1e-9), vectors.shape)
        self.has_meaning = has_meaning
        self.edges_seconds, self.features = text_stretches(texts, vectors, nothing)
        self._each = replace(texts, number=np.arange(len(texts)))
        self.words = ExactWords(_with_words(texts, timed), language)
        self.warnings = (WORDS_CUT,) if self.words.is_cut else ()
        own = vectors[texts.number]  # (N, D)
        common = own @ nothing
        self._deviation = max(float((own @ unrelated.T - common[:, None]).std()), 1e-9)
        self.common, self._unrelated = common, unrelated
        self._vectors, self._common = own, np.concatenate([[0.0], np.cumsum(common)])
        self._lengths = _lengths_of_sums(own)
        self.apart = _apart(own) if has_meaning else 0.0

    def nearness(self, vectors: np.ndarray) -> float:
        """How far the nearest text is above unrelated ones, for the best of (N, D) vectors of texts, in deviations."""
        to_unrelated = vectors @ self._unrelated.T
        best = (vectors @ self._vectors.T).max(axis=1) - to_unrelated.mean(axis=1)
        return float((best / np.maximum(to_unrelated.std(axis=1), 1e-6)).max())

    def curves(self, texts: Sequence[str], vectors: np.ndarray) -> np.ndarray:
        """(N, T) float32: how well each stretch fits each of N texts with (N, D) vectors."""
        found = vectors @ self.features.T
        if EXACT_WEIGHT:
            shares = np.stack([self.words.shares(text) for text in texts], axis=1)  # (texts of the video, N)
            if shares.any():
                of_stretches = text_stretches(self._each, shares.astype(np.float32), np.zeros(len(texts)))[1]
                found = found + EXACT_WEIGHT * self._deviation * of_stretches.T
        return found.astype(np.float32)

    def likely(self, wordings: Sequence[str], vectors: np.ndarray, words: str = "") -> np.ndarray:
        """(3, K) starts, ends and probabilities of intervals that are texts, runs of texts, or phrases.

        Args:
            wordings: of a query, the main one first.
            vectors: (W, D) of the wordings.
            words: what is asked for word by word; "" where the query says what it means in words of its own, which
                are then looked for only where neighbouring texts differ.
        """
        own = self.fits(wordings, vectors)
        sums = np.concatenate([[0.0], np.cumsum(own.astype(np.float64))])
        starts, ends, odds = [], [], []
        for more, lengths in enumerate(self._lengths):
            count = len(lengths)
            cosine = (sums[more + 1 :] - sums[:count] - self._common[more + 1 :] + self._common[:count]) / lengths
            start = self.texts.start_seconds[:count]
            end = self.texts.end_seconds[more:] if not more else np.maximum(self.texts.end_seconds[more:], start + 1e-3)
            found = STEEPNESS * cosine / self._deviation - EVERY_TEXT * more
            if more:
                found = np.where(end - start <= TOGETHER_SECONDS, found, -np.inf)
            best = np.argsort(-found, kind="stable")[:MOST_LIKELY]
            starts.append(start[best])
            ends.append(end[best])
            odds.append(found[best])
        runs = np.stack([np.concatenate(starts), np.concatenate(ends), np.concatenate(odds)])
        phrases, sure = self._phrases(words or wordings[0], own, 1.0 if words or not self.has_meaning else self.apart)
        found = [_as_probabilities(runs, LIKELY_SHARE * self.apart * (1 - sure)), phrases]
        return np.concatenate(found, axis=1)

    def _phrases(self, query: str, fits: np.ndarray, weight: float) -> tuple[np.ndarray, float]:
        """(3, K) of the phrases that have most of the query's words, and how sure it is that they are meant."""
        if not weight:
            return np.empty((3, 0)), 0.0
        every = self.words.phrases(query)
        share = max((phrase.share for phrase in every), default=0.0)
        sure = weight * float(np.clip((share - PARTLY_MET) / (MET - PARTLY_MET), 0.0, 1.0))
        found = np.empty((3, 0))
        if sure:
            best = [phrase for phrase in every if phrase.share >= share - ALIKE]
            fit = [fits[phrase.first_text : phrase.last_text + 1].max() / self._deviation for phrase in best]
            least = max(fit) - MEANT_ALIKE  # words that are said several times are meant each time
            rows = [(*self.bounds(p), STEEPNESS * max(value, least)) for p, value in zip(best, fit, strict=True)]
            found = _as_probabilities(np.array(rows).T, LIKELY_SHARE * sure)
        return found, sure

    def fits(self, wordings: Sequence[str], vectors: np.ndarray) -> np.ndarray:
        """(N,) how well each text fits a query, the mean over its wordings."""
        own = self._vectors @ vectors.mean(axis=0)
        if EXACT_WEIGHT:
            own = own + EXACT_WEIGHT * self._deviation * np.mean([self.words.shares(w) for w in wordings], axis=0)
        return own

    def bounds(self, phrase: Phrase) -> tuple[float, float]:
        """When a phrase is said or shown: its words' own times, or those of its texts where only these are known."""
        among = slice(phrase.first_text, phrase.last_text + 1)
        start, end = float(self.texts.start_seconds[among].min()), float(self.texts.end_seconds[among].max())
        if phrase.covered >= WHOLE_SHARE or (not phrase.is_timed and end - start <= SHORT_SECONDS):
            return start, end
        return max(phrase.start_seconds, start), min(phrase.end_seconds, end)


def _as_probabilities(intervals: np.ndarray, total: float) -> np.ndarray:
    """(3, K) starts, ends and log odds -> the best MOST_LIKELY with probabilities that add up to `total`."""
    best = intervals[:, np.argsort(-intervals[2], kind="stable")[:MOST_LIKELY]]
    odds = np.exp(best[2] - best[2].max())
    best[2] = odds * (total / odds.sum())
    return best


def _apart(vectors: np.ndarray) -> float:
    """From 1, where neighbouring texts differ as any do, to 0, where they say much the same, as captions of a scene."""
    if len(vectors) < 3:
        return 1.0
    centred = vectors - vectors.mean(axis=0)
    variance = float((centred * centred).sum(axis=1).mean())
    if variance <= 1e-9:
        return 0.0
    common = float((centred[1:] * centred[:-1]).sum(axis=1).mean()) / variance
    return float(np.clip(1 - common / IN_COMMON, 0.0, 1.0))


def _lengths_of_sums(vectors: np.ndarray) -> list[np.ndarray]:
    """For 1, 2, ... MOST_TOGETHER neighbours: the lengths of the sums of their vectors, (N,), (N - 1,), ..."""
    sums, found = vectors.copy(), []
    for more in range(min(MOST_TOGETHER, len(vectors))):
        if more:
            sums = sums[:-1] + vectors[more:]
        found.append(np.maximum(np.linalg.norm(sums, axis=1).astype(np.float64), 1e-6))
    return found


def _with_words(texts: TimedTexts, timed: Sequence[TimedText]) -> list[TimedText]:
    """The texts as they were checked, with the times of their words where they are known."""
    known: dict[tuple[float, str], tuple[Word, ...]] = {
        (round(max(text.start_seconds, 0.0), 2), text.text.strip()): text.words for text in timed if text.words
    }
    rows = zip(texts.start_seconds.tolist(), texts.end_seconds.tolist(), texts.number.tolist(), strict=True)
    return [
        TimedText(start, end, texts.texts[k], words=known.get((round(start, 2), texts.texts[k]), ()))
        for start, end, k in rows
    ]
