"""What is said, written, described and heard in a video, ready to be asked; an engine too, which sees no picture."""

from __future__ import annotations

import os
import threading
from functools import lru_cache
from typing import Any
from weakref import WeakKeyDictionary

from ..encoders import Encoder, load_sentences
from ..encoders.clap import ClapEncoder, named_sounds
from ..errors import TFGroundingError
from ..localizers import Localizer, get_localizer
from ..media import AnySource, open_source
from ..planning.planner import Planner, get_planner
from ..tracks.cache import FeatureCache
from ..tracks.choice import TrackChoice
from ..tracks.kept_texts import KeptTexts
from ..tracks.making import text_tracks
from ..tracks.sounds import sound_features
from ..tracks.subtitles import checked_language
from ..tracks.text_track import TextTrack
from ..types import Progress, Source, VideoFeatures
from .base import Watched
from .sound_track import SoundTrack
from .texts import TextsEngine
from .tracks import NAME, WatchedTracks
from .word_track import WordTrack

READY_TRACKS = 16  # kept ready to be asked: those of the videos that are asked again and again


class WordsEngine:
    """Answers queries about videos by their text tracks.

    Args:
        choice: which tracks.
        sentences: the encoder that compares the query with texts: a name or an object as `load_sentences` takes it. It
            is loaded when the first track with texts is there.
        language: the wanted language of the words, as ISO 639-1 says it; "" for any, English first.
        planner, localizer, device, cache, most_overlap: as for `Grounder`.

    Raises:
        TFGroundingError: a planner, localizer or language that is not known.
    """

    name = NAME
    watches_features = True

    def __init__(
        self,
        choice: TrackChoice,
        *,
        sentences: str | Encoder = "embedded",
        planner: str | Planner = "auto",
        localizer: str | Localizer = "default",
        device: str = "auto",
        cache: bool | str | os.PathLike[str] = True,
        most_overlap: float = 1.0,
        language: str = "",
    ) -> None:
        self.choice = choice
        self.language = checked_language(language)
        self.planner = get_planner(planner)
        self.localizer = get_localizer(localizer)
        self.most_overlap = most_overlap
        self._features = FeatureCache(None if cache is True else cache) if cache is not False else None
        self._kept = KeptTexts(self._features)
        self._sounds: ClapEncoder | None = None
        self._sentences, self._device, self._cache = sentences, device, cache
        self._engine: TextsEngine | None = None
        self._loading = threading.Lock()
        self._ready = lru_cache(maxsize=READY_TRACKS)(self._made_ready)
        self._read: WeakKeyDictionary[VideoFeatures, tuple[list[WordTrack | SoundTrack], list[str]]] = (
            WeakKeyDictionary()
        )  # of features that are asked again and again: their tracks are read once

    def provenance(self) -> dict[str, Any]:
        """The tracks and the encoder of sentences."""
        encoder = self._sentences if isinstance(self._sentences, str) else self._sentences.name
        language = {"language": self.language} if self.language else {}
        return {"engine": self.name, "tracks": str(self.choice), "sentences": encoder, **language}

    def watch(self, source: AnySource | VideoFeatures, *, progress: Progress | None = None) -> Watched:
        """Read or make the video's text tracks.

        Raises:
            VideoError: the video cannot be read. TrackError: a track that was named cannot be made.
        """
        return self.joined(source, None, progress=progress)

    def joined(
        self, source: AnySource | VideoFeatures, shown: Watched | None, *, progress: Progress | None = None
    ) -> Watched:
        """What an engine watched, together with the video's other tracks.

        Raises:
            As `watch`.
        """
        video = source.source if isinstance(source, VideoFeatures) else open_source(source)
        if video is None:  # features alone have no words
            if shown is None:
                raise TFGroundingError("words are found in a video, and these features come without theirs: give it")
            return shown
        kept = self._read.get(source) if isinstance(source, VideoFeatures) else None
        words, warnings = kept or self._tracks(video, progress)
        if isinstance(source, VideoFeatures):
            self._read[source] = (words, warnings)
        if not words and shown is None:
            warnings = [*warnings, f"nothing found: there is no text in the tracks {self.choice}"]
        return WatchedTracks(
            shown,
            words,
            planner=self.planner,
            source=video,
            warnings=warnings,
            most_overlap=self.most_overlap,
        )

    def _tracks(self, video: Source, progress: Progress | None) -> tuple[list[WordTrack | SoundTrack], list[str]]:
        """The tracks of a video, ready to be asked, and what is to be said of them."""
        made = text_tracks(video, self.choice, kept=self._kept, language=self.language, progress=progress)
        words: list[WordTrack | SoundTrack] = []
        warnings = list(made.warnings)
        for track in made.tracks:
            warnings += track.warnings
            if not len(track):
                continue
            try:
                words.append(self._ready(track, video.info.duration_seconds))
            except TFGroundingError as error:
                if not self.choice.is_auto:
                    raise
                warnings.append(f"{track.source}: not used: {error}")
        if (encoder := self._listener()) is not None:
            sounds = sound_features(video, encoder, cache=self._features, progress=progress)
            if sounds is None:
                warnings.append("the video has no sound")
            else:
                warnings += sounds.info.warnings
                words.append(SoundTrack(sounds, encoder))
        return words, warnings

    def _made_ready(self, track: TextTrack, duration_seconds: float) -> WordTrack:
        return WordTrack(track, duration_seconds, self._loaded())

    def _loaded(self) -> TextsEngine:
        with self._loading:
            if self._engine is None:
                self._engine = TextsEngine(
                    encoder=load_sentences(self._sentences, device=self._device),
                    localizer=self.localizer,
                    device=self._device,
                    cache=self._cache,
                )
            return self._engine

    def _listener(self) -> ClapEncoder | None:
        """The encoder for sound, where the track of sounds is named. Raises TrackError where there is none."""
        named = self.choice.find("heard")
        if named is None:
            return None
        with self._loading:
            if self._sounds is None:
                self._sounds = named_sounds(named.origin, device=self._device)
            return self._sounds
