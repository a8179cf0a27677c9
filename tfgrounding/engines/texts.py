"""Moments from texts with times (captions, subtitles, notes): the same curves, of sentences with sentences."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import replace
from functools import lru_cache
from typing import Any

from ..answer import Grounding
from ..encoders import load_sentences
from ..errors import EncoderError, TFGroundingError
from ..localizers import Localizer
from ..localizers.presence import NULL_TEXTS
from ..tracks.texts import TimedTexts, text_stretches, timed_texts
from ..types import Plan, VideoFeatures, VideoInfo
from .base import TOP_K
from .curves import CurvesEngine
from .grounder import Grounder

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
    kept = isinstance(encoder, Hashable) and isinstance(localizer, Hashable)
    grounder: Grounder = (_shared_grounder if kept else _grounder)(encoder, localizer)  # type: ignore[arg-type]
    timed = timed_texts(texts, duration_seconds)
    answer = grounder.ground(_features(timed, grounder, NAME), query, top_k=top_k)
    supported = tuple(span for span in answer.spans if timed.has_text(span.start_seconds, span.end_seconds))
    return replace(
        answer,
        spans=supported or answer.spans,
        warnings=answer.warnings if supported else (*answer.warnings, "there is no text in any of these moments"),
        provenance={**answer.provenance, "looked_at": "texts"},
    )


def text_features(
    texts: Iterable[tuple[float, float, str]], grounder: Grounder, *, duration_seconds: float, name: str
) -> VideoFeatures:
    """The vectors of a video's texts, which a Grounder takes in place of a video.

    Args:
        texts, duration_seconds: as for `ground_texts`.
        grounder: its encoder is one that `load_sentences` returned.
        name: what the video is called.

    Raises:
        TFGroundingError: as `ground_texts`.
    """
    return _features(timed_texts(texts, duration_seconds), grounder, name)


def _features(timed: TimedTexts, grounder: Grounder, name: str) -> VideoFeatures:
    engine = grounder.curves
    if engine is None:
        raise TFGroundingError(f"the {grounder.engine.name} engine looks at pictures, not at texts")
    vectors, warnings = engine.encode_texts(timed.texts)
    unrelated = engine.text_vectors(NULL_TEXTS)
    if vectors.shape[1] != unrelated.shape[1]:
        raise EncoderError(f"encoder {engine.encoder.name}: encode_texts returned vectors of different lengths")
    edges, stretches = text_stretches(timed, vectors, unrelated.mean(axis=0))
    warnings = (*timed.warnings, *warnings, *_notes(engine, timed.texts))
    return VideoFeatures(
        vectors=stretches[:, None],
        pts_seconds=edges[:-1],
        sample_seconds=(edges[:-1] + edges[1:]) / 2,
        info=VideoInfo(name, timed.duration_seconds, 0, 0, warnings=warnings),
        encoder=engine.encoder.name,
        revision=engine.encoder.revision,
        rate_hz=len(stretches) / timed.duration_seconds,
        edges_seconds=edges,
    )


def _notes(engine: CurvesEngine, texts: tuple[str, ...]) -> tuple[str, ...]:
    """What is said about texts that the encoder does not read to their end."""
    notes = engine.text_notes(texts)
    more = len(notes) - NOTES_SHOWN
    return notes if more <= 0 else (*notes[:NOTES_SHOWN], f"and so it did with {more:,} more texts")


def _grounder(encoder: Any, localizer: Any) -> Grounder:
    return Grounder(encoder=load_sentences(encoder), localizer=localizer)


_shared_grounder = lru_cache(maxsize=2)(_grounder)
