"""Texts of a video from a file: captions as JSON lines, a text track as JSON, subtitles."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePath
from typing import Any

from ..errors import TrackError, one_line
from ..media import VideoFile
from ..types import Source
from .choice import SUBTITLE_SUFFIXES
from .cues import read_bytes, visible
from .subtitles import checked_language, subtitle_file
from .text_track import TextKind, TextTrack, TimedText, texts_from_json
from .texts import MOST_TEXTS
from .within import within

REVISION = "1"  # raise it when reading the same file gives other texts
LARGEST_FILE_BYTES = 256 << 20
LONGEST_TEXT_CHARACTERS = 10_000
MOST_NAMES_SHOWN = 3
LAYOUTS = (
    '{"vid": VIDEO, "texts": [[start_seconds, end_seconds, text], ...]} for each video, or '
    '{"start_seconds", "end_seconds", "text"} for each text of one video'
)
UNREADABLE = (KeyError, TypeError, ValueError, IndexError, AttributeError, OverflowError, TrackError)


def text_file(path: str | os.PathLike[str], kind: TextKind, source: Source, *, language: str = "") -> TextTrack:
    """The texts of a video in a file.

    Args:
        path: .jsonl or .jsonl.gz, with rows of one of the LAYOUTS; .json, with what `TextTrack.to_dict` or
            `tfgrounding transcript --format json` wrote, or a list of such rows; or subtitles. The times of JSON count
            from the video's first frame, those of subtitles from the start of its file.
        kind: what the texts are. Of a file with tracks or rows of several kinds, those of this kind are taken.
        source: the video. In a file of many videos it is found by its name, with or without folder and ending.
        language: of the texts, by its ISO 639-1 code; "" where the file may say it.

    Raises:
        TrackError: the file cannot be read, or holds no texts of this kind of this video.
        VideoError: the video cannot be read.
    """
    place = Path(path)
    if place.name.lower().endswith(SUBTITLE_SUFFIXES):
        return subtitle_file(place, kind, source, language=language)
    stated = checked_language(language)
    data = _content(place)
    text = data.decode("utf-8-sig", "replace")
    warnings: list[str] = []
    if place.suffix.lower() == ".json":
        rows, found = _of_json(place, text, kind)
        stated = stated or found
    else:
        rows = list(_of_lines(place, text, source, kind, warnings))
    texts = list(_texts(place, rows, warnings))
    if not texts:
        raise TrackError(f"{place}: holds no text that is {kind}; a row is to be {LAYOUTS}")
    inside, outside = within(texts, source.info.duration_seconds)
    if outside:
        warnings.append(f"{place.name}: {outside:,} of {len(texts):,} texts lie outside the video and are left out")
    revision = f"{hashlib.sha256(data).hexdigest()[:16]}.{REVISION}"
    return TextTrack(kind, inside, f"file {one_line(place.name)}", revision, stated, tuple(warnings))


def _content(path: Path) -> bytes:
    """What is in the file, decompressed."""
    data = read_bytes(path, LARGEST_FILE_BYTES)
    if path.suffix.lower() != ".gz":
        return data
    try:
        with gzip.open(path) as file:
            data = file.read(LARGEST_FILE_BYTES + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise TrackError(f"{path}: cannot be decompressed ({one_line(str(error))})") from error
    if len(data) > LARGEST_FILE_BYTES:
        raise TrackError(f"{path}: is larger than {LARGEST_FILE_BYTES >> 20} MB when it is decompressed")
    return data


def _of_json(path: Path, text: str, kind: TextKind) -> tuple[list[Any], str]:
    """(rows, language) of a track, of several, or of a list of rows."""
    try:
        data = json.loads(text)
        if isinstance(data, Mapping) and "tracks" in data:
            kinds = [track["kind"] for track in data["tracks"]]
            if kind not in kinds:
                there = ", ".join(one_line(str(one), most=20) for one in kinds[:MOST_NAMES_SHOWN]) or "none"
                raise TrackError(f"{path}: holds no track of the kind {kind}; its tracks: {there}")
            data = data["tracks"][kinds.index(kind)]
        if isinstance(data, Mapping):
            language = data.get("language", "")
            return list(data["texts"]), checked_language(language) if isinstance(language, str) else ""
        return list(data), ""
    except RecursionError as error:
        raise TrackError(f"{path}: is nested too deep") from error
    except (KeyError, TypeError, ValueError) as error:
        raise TrackError(f"{path}: is no text track as JSON ({one_line(str(error), most=80)})") from error


def _of_lines(path: Path, text: str, source: Source, kind: TextKind, warnings: list[str]) -> Iterator[Any]:
    """The rows of the video's texts in a file of JSON lines: those whose video's path is most like its own."""
    place = Path(source.path).absolute() if isinstance(source, VideoFile) else PurePath(source.name)
    rows: list[tuple[tuple[int, bool, bool] | None, Any]] = []
    named: dict[str, None] = {}
    others: dict[str, None] = {}
    best, unreadable = (0, False, False), 0
    for line in text.split("\n"):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            video = row.get("vid", row.get("video"))
            likeness = None if video is None else _likeness(video, place)
            if likeness is not None and not likeness[0]:
                if len(others) < MOST_NAMES_SHOWN:
                    others[video] = None
                continue
            if likeness is not None and likeness >= best:
                named = {**(named if likeness == best else {}), video: None}
                best = likeness
            rows.append((likeness, row))
        except (*UNREADABLE, RecursionError):
            unreadable += 1
    if unreadable:
        warnings.append(f"{path.name}: {unreadable:,} lines cannot be read and are left out")
    if len(named) > 1:
        first = " and ".join(repr(one_line(name, most=80)) for name in list(named)[:2])
        raise TrackError(
            f"{path}: it is not clear which video is {one_line(source.name)!r}: {first} may be; give more of its path"
        )
    if not rows and others:
        first = ", ".join(one_line(name, most=40) for name in others)
        raise TrackError(f"{path}: holds no texts of the video {one_line(source.name)!r}; it has those of {first}, ...")
    is_there = False
    for likeness, row in rows:
        if likeness not in (None, best) or row.get("kind", kind) != kind:
            continue
        if "texts" not in row:
            is_there = True
            yield row
        elif is_there:
            warnings.append(f"{path.name}: the video is there twice; its first row counts")
        else:
            is_there = True
            if not isinstance(row["texts"], list):
                raise TrackError(
                    f"{path}: the texts of {one_line(source.name)!r} are no list; a row is to be {LAYOUTS}"
                )
            yield from row["texts"]


def _likeness(video: str, place: PurePath) -> tuple[int, bool, bool]:
    """How much of a video's path a name gives: (parts from its end, whether these are all, whether with the ending)."""
    name = PurePath(video)
    if name.name not in (place.name, place.stem) and name.stem != place.stem:
        return 0, False, False
    parts = 1
    for ours, other in zip(place.parent.parts[::-1], name.parent.parts[::-1], strict=False):
        if ours != other:
            break
        parts += 1
    return parts, parts == len(name.parts), name.name == place.name


def _texts(path: Path, rows: list[Any], warnings: list[str]) -> Iterator[TimedText]:
    """Rows as texts; those that are none are counted."""
    if len(rows) > MOST_TEXTS:
        raise TrackError(f"{path}: there may be at most {MOST_TEXTS:,} texts of one video, not {len(rows):,}")
    unreadable = 0
    for row in rows:
        try:
            if isinstance(row, list):
                start, end, text = row
                row = {"start_seconds": start, "end_seconds": end, "text": text}
            row = {**row, "text": visible(row["text"][:LONGEST_TEXT_CHARACTERS])}
            if row["text"]:
                yield texts_from_json([row])[0]
        except UNREADABLE:
            unreadable += 1
    if unreadable:
        warnings.append(f"{path.name}: {unreadable:,} of {len(rows):,} texts cannot be read and are left out")
