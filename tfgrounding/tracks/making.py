"""The text tracks that a choice names: read from files, found in the cache, or made now."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from ..errors import TrackError, VideoError, reason_to_skip
from ..media import AnySource, open_source
from ..types import Progress, Source
from .caption_files import text_file
from .choice import NamedTrack, TrackChoice
from .kept_texts import KeptTexts
from .subtitles import checked_language, passed_over, subtitle_track
from .text_track import TEXT_KINDS, TextKind, TextTrack


@dataclass(frozen=True, slots=True)
class MadeTracks:
    """The text tracks of one video, at most one of a kind, and why others are missing.

    The warnings of a track itself stand in it, not here. `failed`: the kinds that are named and could not be made.
    """

    tracks: tuple[TextTrack, ...] = ()
    warnings: tuple[str, ...] = ()
    failed: tuple[TextKind, ...] = ()


def text_tracks(
    source: AnySource, choice: TrackChoice, *, kept: KeptTexts, language: str = "", progress: Progress | None = None
) -> MadeTracks:
    """Read, find or make the text tracks of a video; tracks that are no texts ("shown", "heard") are passed over.

    With "auto" nothing is made that takes work: there are subtitles, or else speech that was recognised before, and
    other texts that were kept. Where a track is named it is made now, unless it was kept; one that fails does not stop
    the others.

    Args:
        source: the video. One that is no file has no subtitles and no speech.
        choice: what `track_choice` gave.
        kept: where tracks were kept, and are kept when they are made.
        language: the language of the texts that is wanted, as ISO 639-1 says it; "" for any, English first.
        progress: called with (seconds done, seconds in all) while a track is made.

    Raises:
        TrackError: tracks that are named cannot be read or made, and there is no other; or the language is not known.
        VideoError: the video cannot be read while a track is named.
        ImportError: what makes a track that is named is not installed, and there is no other track.
    """
    opened, language = open_source(source), checked_language(language)
    tracks, warnings = [], []
    failed: dict[TextKind, Exception] = {}
    for kind in TEXT_KINDS:
        named = choice.find(kind)
        if named is None and not choice.is_auto:
            continue
        try:
            if named is None:
                found = _found(opened, kind, kept, language)
            else:
                found = _made(opened, kind, named, kept, language, progress)
        except (TrackError, VideoError, ImportError) as error:
            if named is not None:
                failed[kind] = error
            elif isinstance(error, ImportError):
                raise
            warnings.append(reason_to_skip(error))
            continue
        if found is not None:
            tracks.append(found)
        elif named is not None:
            warnings.append(f"the video has no track {str(named)!r}: {_why_none(opened, named)}")
    if failed and not tracks:
        first, *others = failed.values()
        if all(str(other) == str(first) for other in others):
            raise first
        raise TrackError("; ".join(map(reason_to_skip, failed.values())))
    return MadeTracks(tuple(tracks), tuple(dict.fromkeys(warnings)), tuple(failed))


def _found(source: Source, kind: TextKind, kept: KeptTexts, language: str) -> TextTrack | None:
    """The track of a kind as far as it takes no work."""
    return _said(source, kept, language, lambda: None) if kind == "said" else kept.find(source, kind)


def _said(source: Source, kept: KeptTexts, language: str, make: Callable[[], TextTrack | None]) -> TextTrack | None:
    """Subtitles, or else speech: recognised before, or what `make` gives. Subtitles that cannot be read are said.

    Raises:
        TrackError: there are subtitles, none of them can be read, and there is no speech.
    """
    problem = None
    try:
        subtitles = _subtitles(source, kept, language)
        if subtitles is not None:
            return subtitles
    except TrackError as error:
        problem = error
    speech = kept.find(source, "said", by="speech") or make()
    if speech is None:
        if problem is not None:
            raise problem
        return None
    why = passed_over(source) if problem is None else str(problem)
    return replace(speech, warnings=(*speech.warnings, why)) if why else speech


def _subtitles(source: Source, kept: KeptTexts, language: str) -> TextTrack | None:
    """The video's subtitles, fitted to speech where that was recognised before."""
    return subtitle_track(source, language=language, kept=kept, speech=kept.find(source, "said", by="speech"))


def _made(
    source: Source, kind: TextKind, track: NamedTrack, kept: KeptTexts, language: str, progress: Progress | None
) -> TextTrack | None:
    """The track that is named."""
    if track.is_file:
        return text_file(track.origin, kind, source, language=language)
    if track.kind == "described":
        return kept.find(source, "described")
    if track.kind == "written":
        from .screen_text import screen_text_track

        return screen_text_track(source, kept=kept, progress=progress)

    def transcribe() -> TextTrack | None:
        from .speech import speech_track

        model = track.origin if track.origin not in ("", "speech") else "auto"
        return speech_track(source, model=model, kept=kept, language=language, progress=progress)

    if track.origin == "subtitles":
        return _subtitles(source, kept, language)
    return transcribe() if track.origin else _said(source, kept, language, transcribe)


def _why_none(source: Source, track: NamedTrack) -> str:
    """Why a track that is named is not there, and what to do."""
    if track.kind == "described":
        return "no captions were made for it before; name a file (described:FILE), or make them: tfgrounding caption"
    if track.origin == "subtitles":
        why = "there is no file of subtitles beside it and no such stream in it that can be read"
        return "; ".join(filter(None, (why, passed_over(source))))
    if track.kind != "said":
        return "nothing was found"
    return "; ".join(filter(None, ("it has no sound", passed_over(source) if not track.origin else "")))
