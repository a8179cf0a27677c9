"""The engine that reads similarity curves: frames and texts -> vectors -> curves -> moments."""

from __future__ import annotations

import os
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from ..encoders import Encoder, load_encoder
from ..encoders.base import (
    encoded_texts,
    stated_floor,
    text_notes,
)
from ..errors import EncoderError, TFGroundingError
from ..localizers import Localizer, get_localizer
from ..localizers.ground_curves import sample_edges
from ..localizers.presence import NULL_TEXTS, Presence, measured_floor
from ..localizers.presence_of_words import PresenceOfWords
from ..media import AnySource, open_source
from ..media.frames import checked_rate
from ..planning.planner import Planner, get_planner
from ..tracks.cache import NOT_KEPT, FeatureCache
from ..tracks.feature_parts import FeatureParts
from ..tracks.similarity import similarity_curves
from ..types import Plan, Progress, Source, VideoFeatures
from .encoding import Encoding, clips_of
from .languages import note_of_unread
from .watched_curves import WatchedCurves

RATE_HZ = 3.0
MOST_OVERLAP = 0.5  # of the moments of an answer, as IoU
KNOWN_TEXTS = 4096  # text vectors kept in memory
BATCH_TEXTS = 512  # texts of a video given to an encoder at once


@dataclass(frozen=True, slots=True)
class Unrelated:
    """(M, T) curves of unrelated texts, what they say about presence, and the floor: stated, or measured on them."""

    curves: np.ndarray
    presence: Presence | PresenceOfWords
    floor: float


class CurvesEngine:
    """Compares every sampled frame with the texts of a query's plan, and reads the curves for moments.

    Args:
        encoder: an encoder's name (see `load_encoder`), or an Encoder.
        planner: a planner's name (see `get_planner`), or a Planner.
        localizer: a localizer's name, or a Localizer.
        device: "auto", "cpu", "cuda", "cuda:N" or "mps".
        dtype: the encoder's precision: "auto", "float32", "float16" or "bfloat16"; see `load_encoder`.
        rate_hz: samples a second; None means 3.
        cache: where features are kept for the next time: True for the usual folder (see `FeatureCache`), a folder, or
            False to keep nothing.
        most_overlap: IoU with a better moment, above which a moment is another reading of it and is left out; 1 keeps
            all, as rankings are evaluated.

    Raises:
        TFGroundingError: an encoder, planner, localizer or device that is not known or not available.
    """

    name = "curves"
    watches_features = True

    def __init__(
        self,
        *,
        encoder: str | Encoder = "auto",
        planner: str | Planner = "auto",
        localizer: str | Localizer = "default",
        device: str = "auto",
        dtype: str = "auto",
        rate_hz: float | None = None,
        cache: bool | str | os.PathLike[str] = True,
        most_overlap: float = MOST_OVERLAP,
    ) -> None:
        self.most_overlap = most_overlap
        self.null_texts: tuple[str, ...] = NULL_TEXTS
        self.localizer = get_localizer(localizer)
        self.planner = get_planner(planner)
        self.rate_hz = checked_rate(RATE_HZ if rate_hz is None else rate_hz)
        self.encoder = load_encoder(encoder, device=device, dtype=dtype)
        self._model = threading.Lock()
        self._texts: dict[str, np.ndarray] = {}
        self._nulls: WeakKeyDictionary[VideoFeatures, Unrelated] = WeakKeyDictionary()
        self._cache = FeatureCache(None if cache is True else cache) if cache is not False else None

    def provenance(self) -> dict[str, Any]:
        """The encoder with its revision and its clips, the localizer and the rate."""
        return {
            "engine": self.name,
            "encoder": self.encoder.name,
            "encoder_revision": self.encoder.revision,
            "floor": stated_floor(self.encoder),
            "localizer": self.localizer.name,
            "rate_hz": self.rate_hz,
            **clips_of(self.encoder),
        }

    def watch(self, source: AnySource | VideoFeatures, *, progress: Progress | None = None) -> WatchedCurves:
        """Encode the video, or take features that this engine's encoder made. Raises VideoError."""
        features = source if isinstance(source, VideoFeatures) else self.encode(source, progress=progress)
        if (features.encoder, features.revision) != (self.encoder.name, self.encoder.revision):
            raise TFGroundingError(
                f"the features of {features.info.path} were made by {features.encoder} ({features.revision}), "
                f"but the encoder here is {self.encoder.name} ({self.encoder.revision}); encode the video again"
            )
        return WatchedCurves(self, features)

    def encode(
        self, source: AnySource, *, progress: Progress | None = None, parts: FeatureParts | None = None
    ) -> VideoFeatures:
        """The features of a video: from the cache if the same content was encoded before in the same way, else made.

        What an earlier run made before it was stopped is not made again.

        Args:
            source: the video.
            progress: called with (seconds done, seconds in all); what it raises ends the work.
            parts: what is made already, as `parts` gave it; None looks for it in the cache.

        Raises:
            VideoError: the video cannot be read. EncoderError: the encoder fails.
        """
        opened = open_source(source)
        if self._cache is None:
            features = self.encoding(opened).whole(parts or self.parts(opened), progress)
        else:
            made: list[FeatureParts] = []

            def make() -> VideoFeatures:
                made.append(self.parts(opened) if parts is None else parts)
                return self.encoding(opened).whole(made[0], progress)

            features = self._cache.features(opened, make, **self._made_by())
            if made and not any(warning.startswith(NOT_KEPT) for warning in features.info.warnings):
                made[0].remove()
        if progress is not None:
            progress(features.info.duration_seconds, features.info.duration_seconds)
        return features

    def encoding(self, source: Source) -> Encoding:
        """How a video becomes features here. Raises VideoError."""
        return Encoding(source, self.encoder, self.rate_hz, self._model)

    def kept(self, source: Source) -> VideoFeatures | None:
        """The features of a video that was encoded before, None where that is still to be done. Raises VideoError."""
        return None if self._cache is None else self._cache.find(source, **self._made_by())

    def parts(self, source: Source) -> FeatureParts:
        """What is made of the features of a video so far. Raises VideoError."""
        batch_vectors = self.encoding(source).batch_vectors
        if self._cache is None:
            return FeatureParts(None, {}, batch_vectors)
        return self._cache.parts(source, batch_vectors, **self._made_by())

    def _made_by(self) -> dict[str, Any]:
        """What decides whether features can be used again, beside the video's content."""
        return {
            "encoder": self.encoder.name,
            "revision": self.encoder.revision,
            "rate_hz": self.rate_hz,
            "size": np.ravel(self.encoder.frame_size).tolist(),
            **clips_of(self.encoder),
        }

    def curves(self, features: VideoFeatures, texts: Sequence[str]) -> np.ndarray:
        """(N, T) similarity of each text with each sample."""
        vectors = self.text_vectors(texts)
        of_frames, of_texts = features.vectors.shape[-1], vectors.shape[-1]
        if of_frames != of_texts:
            raise EncoderError(
                f"encoder {self.encoder.name}: the vectors of frames have {of_frames} numbers, those of texts have "
                f"{of_texts}; they must be of one space"
            )
        return similarity_curves(features.vectors, vectors)

    def unrelated(self, features: VideoFeatures) -> Unrelated:
        """The curves of texts that have nothing to do with the video; they are kept for as long as the features are."""
        kept = self._nulls.get(features)
        if kept is None:
            null_curves = self.curves(features, self.null_texts)
            edges = sample_edges(
                len(features), features.info.duration_seconds, features.sample_seconds, features.edges_seconds
            )
            stated = stated_floor(self.encoder)
            floor = measured_floor(null_curves) if stated is None else stated
            kept = self._nulls[features] = Unrelated(null_curves, self.presence(null_curves, edges), floor)
        return kept

    def presence(self, null_curves: np.ndarray, edges_seconds: np.ndarray) -> Presence | PresenceOfWords:
        """What says how probable it is that an event is there at all, given the curves of unrelated texts."""
        return Presence(null_curves, edges_seconds)

    def likely(self, features: VideoFeatures, plan: Plan) -> np.ndarray | None:
        """(3, K) intervals that something else than the curves names, see `ground_curves`; None: there are none."""
        return None

    def text_notes(self, texts: Sequence[str]) -> tuple[str, ...]:
        """A sentence about each text that the encoder does not read to its end."""
        with self._model:
            return text_notes(self.encoder, texts)

    def language_notes(self, features: VideoFeatures, query: str) -> tuple[str, ...]:
        """A sentence about a query in a language that the encoder does not read."""
        note = note_of_unread(self.encoder, query)
        return (note,) if note else ()

    def encode_texts(self, texts: Sequence[str]) -> tuple[np.ndarray, tuple[str, ...]]:
        """(N, D) vectors of many texts of one video, by way of the cache, and a warning where that could not be used.

        Raises EncoderError.
        """

        def make() -> np.ndarray:
            parts = []
            for n in range(0, len(texts), BATCH_TEXTS):
                with self._model:
                    parts.append(encoded_texts(self.encoder, texts[n : n + BATCH_TEXTS]))
                if parts[-1].shape[1] != parts[0].shape[1]:
                    raise EncoderError(
                        f"encoder {self.encoder.name}: encode_texts returned vectors of another length than before"
                    )
            return np.concatenate(parts)

        if self._cache is None:
            return make(), ()
        return self._cache.text_vectors(texts, make, encoder=self.encoder.name, revision=self.encoder.revision)

    def text_vectors(self, texts: Sequence[str]) -> np.ndarray:
        """(N, D) vectors of the texts of queries; those encoded before are remembered. Raises EncoderError."""
        with self._model:
            new = [text for text in dict.fromkeys(texts) if text not in self._texts]
            if new:
                if len(self._texts) + len(new) > KNOWN_TEXTS:
                    self._texts = {text: self._texts[text] for text in texts if text in self._texts}
                encoded = encoded_texts(self.encoder, new, are_queries=True)
                if encoded[0].shape != next(iter(self._texts.values()), encoded[0]).shape:
                    raise EncoderError(
                        f"encoder {self.encoder.name}: encode_texts returned vectors of another length than before"
                    )
                self._texts.update(zip(new, encoded, strict=True))
            return np.stack([self._texts[text] for text in texts])
