"""Passages of a track of texts, as one more thing that a query is compared with: a trial that is not in the product.

A passage is what the texts of 10 to 30 seconds say together. One begins every half of its length, so that two cover
each time; the mean of their vectors counts. A passage's vector is that of its texts joined, or the mean of its texts'.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tfgrounding.engines.texts import TextsEngine
from tfgrounding.tracks.text_curves import TextCurves
from tfgrounding.tracks.text_track import TimedText
from tfgrounding.tracks.texts import TimedTexts, text_stretches, timed_texts
from tfgrounding.types import VideoFeatures


@dataclass(frozen=True)
class Passages:
    """How passages are made and how much they count.

    Attributes:
        seconds: their length.
        weight: of a passage's cosine with a query; the cosine of a text has 1.
        is_joined: whether the joined texts are encoded, else the mean of the texts' vectors is taken.
    """

    seconds: float
    weight: float
    is_joined: bool


def passages_of(texts: TimedTexts, seconds: float) -> list[np.ndarray]:
    """The numbers of the texts of each passage, in order of time: those whose centres lie in it."""
    centres = (texts.start_seconds + texts.end_seconds) / 2
    found: list[np.ndarray] = []
    for begin in np.arange(-seconds / 2, texts.duration_seconds, seconds / 2):
        among = np.flatnonzero((centres >= begin) & (centres < begin + seconds))
        if len(among) and not (found and np.array_equal(found[-1], among)):
            found.append(among)
    return found


def joined_text(texts: TimedTexts, among: np.ndarray) -> str:
    """The texts of a passage one after the other, each different one once."""
    return ". ".join(dict.fromkeys(texts.texts[texts.number[n]].rstrip(". ") for n in among)) + "."


class WithPassages(TextCurves):
    """The curves of a video's texts, and of its passages.

    Args:
        made: of the texts alone.
        vectors: (P, D) of the passages.
        passages: their texts, as `passages_of` says.
        unrelated: (M, D) of texts that have nothing to do with the video.
        weight: of a passage.
    """

    def __init__(
        self,
        made: TextCurves,
        vectors: np.ndarray,
        passages: Sequence[np.ndarray],
        unrelated: np.ndarray,
        weight: float,
    ) -> None:
        self.__dict__.update(vars(made))
        nothing = unrelated.mean(axis=0)
        starts = [float(made.texts.start_seconds[among].min()) for among in passages]
        ends = [float(made.texts.end_seconds[among].max()) for among in passages]
        names = [(start, end, f"{n:06}") for n, (start, end) in enumerate(zip(starts, ends, strict=True))]
        edges, features = text_stretches(timed_texts(names, made.texts.duration_seconds), vectors, nothing)
        self._of_passages = weight * features[_at(edges, (made.edges_seconds[1:] + made.edges_seconds[:-1]) / 2)]
        texts = features[_at(edges, (made.texts.start_seconds + made.texts.end_seconds) / 2)]  # (N, D)
        self._of_texts, self._unrelated_passages = weight * texts, weight * (texts @ nothing)

    def curves(self, texts: Sequence[str], vectors: np.ndarray) -> np.ndarray:
        return super().curves(texts, vectors) + vectors @ self._of_passages.T

    def fits(self, wordings: Sequence[str], vectors: np.ndarray) -> np.ndarray:
        return super().fits(wordings, vectors) + self._of_texts @ vectors.mean(axis=0) - self._unrelated_passages


class PassagesEngine(TextsEngine):
    """The engine of texts, with passages."""

    def __init__(self, *, passages: Passages, **settings: Any) -> None:
        super().__init__(**settings)
        self._passages = passages

    def features_of(
        self, texts: TimedTexts, *, name: str, timed: Sequence[TimedText] = (), language: str = ""
    ) -> VideoFeatures:
        features = super().features_of(texts, name=name, timed=timed, language=language)
        made = self.text_curves(features)
        found = passages_of(texts, self._passages.seconds)
        if self._passages.is_joined:
            vectors = self.encode_texts([joined_text(texts, among) for among in found])[0]
        else:
            of_texts = self.encode_texts(texts.texts)[0][texts.number]
            vectors = np.stack([of_texts[among].mean(axis=0) for among in found])
            vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
        unrelated = self.text_vectors(self.null_texts)
        self._of_texts[features] = WithPassages(made, vectors, found, unrelated, self._passages.weight)
        return features


def _at(edges: np.ndarray, seconds: np.ndarray) -> np.ndarray:
    """Which stretch each time lies in."""
    return np.clip(np.searchsorted(edges, seconds, side="right") - 1, 0, len(edges) - 2)
