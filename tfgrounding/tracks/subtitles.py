"""Subtitles of a video as a text track: files beside it, and streams in it."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

from ..errors import TrackError, one_line
from ..media import AnySource, VideoFile, open_source
from ..media.subtitle_streams import SubtitleEvent, SubtitleStream, read_subtitles, subtitle_streams
from ..types import Source
from .agreement import agreed
from .cues import Cue, CueFile, ass_cue, checked_cues, read_cues
from .joining import sentences
from .kept_texts import KeptTexts
from .languages import language_code, language_name
from .side_files import SideFile, side_files, title_is_partial, what_a_name_says
from .text_track import TextKind, TextTrack, Word
from .within import cut_to_video

REVISION = "3"  # raise it when reading the same file gives other texts
USUAL_END_SECONDS = 4.0  # after the start of a text whose end is not stated, unless the next one begins before


@dataclass(frozen=True)
class _Candidate:
    """One file or stream of subtitles that belongs to a video."""

    name: str
    language: str
    is_partial: bool  # forced, signs, songs or a commentary: not all that is said
    is_default: bool
    is_stream: bool
    read: Callable[[], TextTrack]


def subtitle_track(
    source: AnySource, *, language: str = "", kept: KeptTexts | None = None, speech: TextTrack | None = None
) -> TextTrack | None:
    """What is said in a video, by its subtitles: files beside it with its name, and streams in it.

    Files come before streams, and forced subtitles and commentaries last. Of several languages the wanted one is read,
    or else English, or else one that does not say its language; a warning says which one was chosen.

    Args:
        source: the video. One that is no file has no subtitles.
        language: the wanted language, by its ISO 639-1 code; "" for English first.
        kept: where texts of streams are kept, for which the whole file has to be read.
        speech: what was recognised in the video before, to which the subtitles are fitted before they are cut to it.

    Returns:
        The track, with times from the video's first frame; None where there are no subtitles.

    Raises:
        TrackError: there are subtitles, but none of them can be read.
        VideoError: the video cannot be read.
    """
    opened = open_source(source)
    wanted = checked_language(language)
    if not isinstance(opened, VideoFile):
        return None
    streams = subtitle_streams(opened)
    candidates = [*(_side_file(opened, one, wanted) for one in side_files(opened)[0])]
    candidates += (_of_stream(opened, one, kept) for one in streams if one.is_text)
    candidates.sort(key=lambda one: (one.is_partial, _rank(one.language, wanted), one.is_stream, not one.is_default))
    said = _picture_warnings(streams)
    problem: TrackError | None = None
    for one in candidates:
        try:
            track = one.read()
        except TrackError as error:
            problem = problem or error
            said.append(f"subtitles that cannot be read: {error}")
            continue
        if speech is not None:
            track = agreed(track, speech)
        track = cut_to_video(track, opened.info.duration_seconds)
        return replace(track, warnings=(*track.warnings, *_choice_warnings(one, candidates, wanted), *said))
    if problem is not None:
        raise problem
    if said:
        raise TrackError(f"{opened.name}: {said[0]}")
    return None


def subtitle_file(path: str | os.PathLike[str], kind: TextKind, source: Source, *, language: str = "") -> TextTrack:
    """The track of a named file of subtitles, for a video that it belongs to.

    Args:
        path: a .srt, .vtt, .ass or .ssa file, whose times count from the start of the video file, as players do.
        kind: what the texts are.
        source: the video.
        language: of the texts, by its ISO 639-1 code; "" where the file's name may say it.

    Raises:
        TrackError: the file cannot be read.
        VideoError: the video cannot be read.
    """
    return cut_to_video(_file_track(Path(path), kind, source, language), source.info.duration_seconds)


def _file_track(path: Path, kind: TextKind, source: Source, language: str, *, likely: str = "") -> TextTrack:
    """The track of a file, with texts that may lie outside the video. `likely`: its language where none is stated."""
    stated = checked_language(language) or what_a_name_says(".".join(path.name.split(".")[1:-1]))[0]
    found = read_cues(path, stated or likely)
    revision = _content(path) + (f".{stated or likely}" if found.warnings else "")  # decides a guessed encoding
    return _track(kind, found, source, name=path.name, language=stated, revision=revision)


def passed_over(source: Source) -> str:
    """Which files of subtitles have the video's name and are not read, as a sentence; "" for none."""
    names = [path.name for path in side_files(source)[1]] if isinstance(source, VideoFile) else []
    if not names:
        return ""
    return (
        f"passed over, as their names may mean another video: {one_line(', '.join(names), most=200)}; "
        "name one to read it: said:FILE"
    )


def checked_language(language: str) -> str:
    """The ISO 639-1 code of a language, "" for none. Raises TrackError: it is not known."""
    code = language_code(language)
    if language.strip() and not code:
        raise TrackError(f"the language {one_line(language, most=40)!r} is not known: give a code such as en, de or es")
    return code


def _rank(language: str, wanted: str) -> int:
    """How early subtitles of a language are chosen."""
    order = [wanted, "", "en"] if wanted else ["en", ""]
    return order.index(language) if language in order else len(order)


def _side_file(file: VideoFile, one: SideFile, wanted: str) -> _Candidate:
    def read() -> TextTrack:
        return _file_track(one.path, "said", file, one.language, likely=wanted)

    return _Candidate(one_line(one.path.name), one.language, one.is_partial, False, False, read)


def _of_stream(file: VideoFile, stream: SubtitleStream, kept: KeptTexts | None) -> _Candidate:
    title = f" {one_line(stream.title, most=40)!r}" if stream.title else ""
    name = f"stream {stream.index} ({stream.codec}){title}"
    language = language_code(stream.language)
    is_partial = stream.is_forced or stream.is_commentary or title_is_partial(stream.title)

    def read() -> TextTrack:
        made_by = {"by": "subtitles", "stream": stream.index, "revision": REVISION}
        if kept is not None and (found := kept.find(file, "said", made_by)) is not None:
            return found
        cues, unreadable = _stream_cues(file, stream.index)
        checked = checked_cues(cues, unreadable, f"{file.name}: {name}")
        track = _track("said", checked, file, name=name, language=language, revision=REVISION, is_from_first_frame=True)
        if kept is not None and (warning := kept.keep(file, track, made_by)):
            track = replace(track, warnings=(*track.warnings, warning))
        return track

    return _Candidate(name, language, is_partial, stream.is_default, True, read)


def _stream_cues(file: VideoFile, index: int) -> tuple[list[Cue], int]:
    """The cues of a stream, and how many cannot be read. Texts without a stated end last until the next one."""
    found = list(read_subtitles(file, index))
    events = [event for event in found if event is not None]
    starts = sorted({event.start_seconds for event in events})
    following = dict(pairwise(starts))
    cues = [
        ass_cue(event.start_seconds, _end(event, following.get(event.start_seconds)), event.text, event.effect)
        for event in events
    ]
    return [cue for cue in cues if cue is not None], len(found) - len(events)


def _end(event: SubtitleEvent, following: float | None) -> float:
    if event.end_seconds is not None:
        return event.end_seconds
    end = event.start_seconds + USUAL_END_SECONDS
    return end if following is None else min(end, following)


def _track(
    kind: TextKind,
    found: CueFile,
    source: Source,
    *,
    name: str,
    language: str,
    revision: str,
    is_from_first_frame: bool = False,
) -> TextTrack:
    """Cues as texts whose times count from the video's first frame; some may lie outside the video."""
    offset = 0.0 if is_from_first_frame else source.info.start_offset_seconds
    cues = [_earlier(cue, offset) for cue in found.cues] if offset else found.cues
    return TextTrack(kind, sentences(cues), f"subtitles {one_line(name)}", revision, language, found.warnings)


def _earlier(cue: Cue, seconds: float) -> Cue:
    words = tuple(Word(word.start_seconds - seconds, word.end_seconds - seconds, word.text) for word in cue.words)
    return replace(cue, start_seconds=cue.start_seconds - seconds, end_seconds=cue.end_seconds - seconds, words=words)


def _choice_warnings(chosen: _Candidate, candidates: Sequence[_Candidate], wanted: str) -> list[str]:
    said = []
    if len(candidates) > 1:
        others = ", ".join(one.name for one in candidates if one is not chosen)
        said.append(f"of {len(candidates)} subtitles {chosen.name} is read, and not {one_line(others, most=200)}")
    if chosen.is_partial:
        said.append(
            f"the subtitles {chosen.name} are forced ones, signs, songs or a commentary: "
            "they may leave out most of what is said"
        )
    if wanted and chosen.language and chosen.language != wanted:
        said.append(
            f"there are no subtitles in {language_name(wanted)}; those read are in {language_name(chosen.language)}"
        )
    return said


def _picture_warnings(streams: Sequence[SubtitleStream]) -> list[str]:
    return [
        f"the subtitles of stream {one.index} are pictures of texts ({one.codec}), which are not read"
        for one in streams
        if not one.is_text
    ]


def _content(path: Path) -> str:
    """What decides the texts of a file: its content and how it is read."""
    try:
        with path.open("rb") as file:
            return f"{hashlib.file_digest(file, 'sha256').hexdigest()[:16]}.{REVISION}"
    except OSError as error:
        raise TrackError(f"{path}: cannot be read ({error.strerror})") from error
