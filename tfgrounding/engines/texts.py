"""Moments from texts with times (captions, subtitles, notes): the same curves, of sentences with sentences."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from ..answer import Grounding
from ..encoders import load_sentences
from ..encoders.base import only_language
from ..errors import EncoderError, TFGroundingError
from ..localizers import Localizer
from ..localizers.presence import NULL_TEXTS
from ..localizers.presence_of_words import NULL_SENTENCES, PresenceOfWords, presence_by_words
from ..tracks.asked_for import is_latin
from ..tracks.detected_language import language_of
from ..tracks.languages import language_code, language_name
from ..tracks.text_curves import TextCurves
from ..tracks.text_track import TimedText
from ..tracks.texts import TimedTexts, timed_texts
from ..tracks.word_tokens import quoted
from ..types import Plan, VideoFeatures, VideoInfo
from .base import TOP_K, checked_count
from .curves import CurvesEngine
from .languages import seems_to_be, unread_language

NAME = "texts"  # of a video of which only texts are given
NOTES_SHOWN = 3  # about texts that are cut; of more, only the number is said


def ground_texts(
    texts: Iterable[tuple[float, float, str]],
    query: str | Plan,
    *,
    duration_seconds: float,
    encoder: Any = "embedded",
    localizer: str | Localizer = "default",
    top_k: int = TOP_K,
) -> Grounding:
    """When does it happen, by texts that say what is seen or said when? No video is opened.

    Args:
        texts: (start_seconds, end_seconds, text) each, in any order: captions, subtitles, notes. Where texts overlap,
            the mean of theirs counts. A stretch without a text is taken as one whose text has nothing to do with the
            query, and a moment without any text is left out. A pause of at most 2 seconds belongs half to each side.
        query: a sentence, or a ready plan.
        duration_seconds: length of the video, > 0.
        encoder: "embedded": the packaged MiniLM, a sentence encoder; or what `load_sentences` takes: an encoder's name,
            or an object with `name`, `revision` and `encode_texts(texts) -> (N, D)`.
        localizer: a localizer's name, or a Localizer.
        top_k: moments at most.

    Returns:
        A Grounding whose `curve` has a value for each stretch between two times at which a text begins or ends; its
        `video` is called "texts".

    Raises:
        TFGroundingError: texts without finite times or that do not end after they start, no text at all, an empty
            query, an encoder or a localizer that is not known.

    >>> captions = [(0, 4, "a man opens a fridge"), (4, 9, "he pours milk into a glass")]
    >>> ground_texts(captions, "someone pours milk", duration_seconds=12).moments[0]  # doctest: +SKIP
    """
    if not isinstance(query, Plan):
        Plan(query)  # an empty query fails before the texts are encoded
    top_k = checked_count("top_k", top_k)
    kept = isinstance(encoder, Hashable) and isinstance(localizer, Hashable)
    engine: TextsEngine = (_shared_engine if kept else _engine)(encoder, localizer)  # type: ignore[arg-type]
    timed = timed_texts(texts, duration_seconds)
    features = engine.features_of(timed, name=NAME)
    answer = engine.watch(features).ask(query, top_k=top_k)
    if not engine.reads(features, answer.plan.query):
        phrases = engine.text_curves(features).words.phrases(answer.plan.words or answer.plan.query)
        answer = replace(answer, present=presence_by_words(max((phrase.share for phrase in phrases), default=0.0)))
    supported = tuple(span for span in answer.spans if timed.has_text(span.start_seconds, span.end_seconds))
    return replace(
        answer,
        spans=supported or answer.spans,
        warnings=answer.warnings if supported else (*answer.warnings, "there is no text in any of these moments"),
        provenance={**answer.provenance, "looked_at": "texts"},
    )


class TextsEngine(CurvesEngine):
    """The engine of curves for texts: it compares a video's texts with a query by meaning and by exact words.

    Arguments as for `CurvesEngine`; the encoder is one that `load_sentences` returned.
    """

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.null_texts = (*NULL_TEXTS, *NULL_SENTENCES)
        self._of_texts: WeakKeyDictionary[VideoFeatures, TextCurves] = WeakKeyDictionary()

    def features(
        self,
        texts: Iterable[tuple[float, float, str]],
        *,
        duration_seconds: float,
        name: str,
        timed: Sequence[TimedText] = (),
        language: str = "",
    ) -> VideoFeatures:
        """The vectors of a video's texts, which this engine watches in place of a video.

        Args:
            texts, duration_seconds: as for `ground_texts`.
            name: what the video is called.
            timed: the same texts with the times of their words, where these are known.
            language: of the texts, ISO 639-1; "" where it is to be found by the texts, or else English.

        Raises:
            TFGroundingError: as `ground_texts`.
        """
        return self.features_of(timed_texts(texts, duration_seconds), name=name, timed=timed, language=language)

    def features_of(
        self, texts: TimedTexts, *, name: str, timed: Sequence[TimedText] = (), language: str = ""
    ) -> VideoFeatures:
        """As `features`, of texts that are checked."""
        language = language_code(language) or language_of(texts.texts)
        unrelated = self.text_vectors(self.null_texts)
        unread = self._unread(texts.texts, language)
        if unread:
            vectors = np.zeros((len(texts.texts), unrelated.shape[1]), dtype=np.float32)
            warnings: tuple[str, ...] = (unread,)
        else:
            vectors, warnings = self.encode_texts(texts.texts)
        if vectors.shape[1] != unrelated.shape[1]:
            raise EncoderError(f"encoder {self.encoder.name}: encode_texts returned vectors of different lengths")
        made = TextCurves(texts, vectors, unrelated, timed=timed, language=language, has_meaning=not unread)
        edges, notes = made.edges_seconds, () if unread else _notes(self, texts.texts)
        features = VideoFeatures(
            vectors=made.features[:, None],
            pts_seconds=edges[:-1],
            sample_seconds=(edges[:-1] + edges[1:]) / 2,
            info=VideoInfo(
                name,
                texts.duration_seconds,
                0,
                0,
                warnings=(*texts.warnings, *warnings, *made.warnings, *notes),
            ),
            encoder=self.encoder.name,
            revision=self.encoder.revision,
            rate_hz=len(made.features) / texts.duration_seconds,
            edges_seconds=edges,
        )
        self._of_texts[features] = made
        return features

    def _unread(self, texts: Sequence[str], language: str) -> str:
        """A sentence about texts that the encoder does not read; "" where it reads them."""
        reads = only_language(self.encoder)
        if not reads:
            return ""
        if language and language != reads:
            which = f"are in {language_name(language)}"
        elif is_latin(texts):
            return ""
        else:
            which = "are not in Latin letters"
        return (
            f"the texts {which}; the sentence encoder {self.encoder.name!r} reads {language_name(reads)}, "
            "so only exact words are found"
        )

    def reads(self, features: VideoFeatures, query: str) -> bool:
        """Whether the encoder reads both a video's texts and a query, so that their meanings can be compared."""
        return not unread_language(self.encoder, query) and self.text_curves(features).has_meaning

    def language_notes(self, features: VideoFeatures, query: str) -> tuple[str, ...]:
        """A sentence about a query in a language that the encoder does not read, as it does the texts."""
        found = unread_language(self.encoder, query)
        if not found or not self.text_curves(features).has_meaning:
            return ()
        reads = language_name(only_language(self.encoder))
        return (
            f"{seems_to_be(found)}, but the sentence encoder {self.encoder.name} reads {reads} only: only its exact "
            "words are looked for",
        )

    def text_curves(self, features: VideoFeatures) -> TextCurves:
        """What `features` made of a video's texts. Raises TFGroundingError for features that it did not make."""
        made = self._of_texts.get(features)
        if made is None:
            raise TFGroundingError(f"the features of {features.info.path} are not those of texts made here")
        return made

    def curves(self, features: VideoFeatures, texts: Sequence[str]) -> np.ndarray:
        """(N, T) how well each stretch fits each text: cosine, and exact words."""
        return self.text_curves(features).curves(texts, self.text_vectors(texts))

    def presence(self, null_curves: np.ndarray, edges_seconds: np.ndarray) -> PresenceOfWords:
        """What says how probable it is that the texts say it at all."""
        return PresenceOfWords(null_curves)

    def likely(self, features: VideoFeatures, plan: Plan) -> np.ndarray | None:
        """(3, K) texts, runs of texts, and phrases that have the query's words; None for a plan of several events."""
        if plan.relation != "single-query" and plan.sub_events:
            return None
        wordings = (plan.query, *plan.paraphrases)
        words = plan.words.strip() or quoted(plan.query)
        return self.text_curves(features).likely(wordings, self.text_vectors(wordings), words)


def _notes(engine: CurvesEngine, texts: tuple[str, ...]) -> tuple[str, ...]:
    """What is said about texts that the encoder does not read to their end."""
    notes = engine.text_notes(texts)
    more = len(notes) - NOTES_SHOWN
    return notes if more <= 0 else (*notes[:NOTES_SHOWN], f"and so it did with {more:,} more texts")


def _engine(encoder: Any, localizer: Any) -> TextsEngine:
    return TextsEngine(encoder=load_sentences(encoder), localizer=localizer)


_shared_engine = lru_cache(maxsize=2)(_engine)
