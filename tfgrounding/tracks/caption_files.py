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
    """The rows of the video's texts in a file of JSON lines."""
    names = _names(source.name)
    others: dict[str, None] = {}
    unreadable, is_there, places = 0, False, 0
    for line in text.split("\n"):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            video = row.get("vid", row.get("video"))
            if video is not None and not _names(video) & names:
                if len(others) < MOST_NAMES_SHOWN:
                    others[video] = None
                continue
            if row.get("kind", kind) != kind:
                continue
            if "texts" not in row:
                is_there, places = True, places + 1
                yield row
            elif is_there:
                warnings.append(f"{path.name}: the video is there twice; its first row counts")
            else:
                is_there = True
                yield from row["texts"]
        except (*UNREADABLE, RecursionError):
            unreadable += 1
    if unreadable:
        warnings.append(f"{path.name}: {unreadable:,} lines cannot be read and are left out")
    if not is_there and others:
        first = ", ".join(one_line(name, most=40) for name in others)
        raise TrackError(f"{path}: holds no texts of the video {one_line(source.name)!r}; it has those of {first}, ...")


def _names(video: str) -> set[str]:
    """What a video may be called: its path, its file's name, and that without its ending."""
    path = PurePath(video)
    return {video, path.name, path.stem}


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
