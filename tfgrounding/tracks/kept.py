"""What the cache keeps, by video: entries are found by a digest of content, people name files."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import TFGroundingError
from ..types import Source
from .cache import FeatureCache, remove_entry
from .feature_parts import FOLDER_ENDING
from .kept_texts import FOLDER, PARTS

LARGEST_HEAD_BYTES = 1 << 20  # of an entry's own description
LARGEST_NOTE_BYTES = 1 << 20
CONTENT_LETTERS = 40  # of a digest, in the name of a track


@dataclass(frozen=True, slots=True)
class KeptEntry:
    """What the cache keeps under one name: a file, or the parts of a video that is not encoded to its end.

    `video`: the path that its content had when it was last seen, "" where none is known. `what`: in words. `content`:
    the beginning of the digest of its video, "" of vectors of texts. `used_seconds`: when it was last used, since 1970.
    """

    paths: tuple[Path, ...]
    video: str
    what: str
    content: str
    size_bytes: int
    used_seconds: float


def kept_entries(cache: FeatureCache) -> list[KeptEntry]:
    """Everything that is kept, the least recently used first."""
    videos = _videos_by_content(cache)
    files: dict[Path, list[Path]] = {}  # by the folder of parts, or the file itself
    for path in cache.entries():
        files.setdefault(path.parent if path.parent.suffix == FOLDER_ENDING else path, []).append(path)
    found = []
    for paths in files.values():
        with suppress(OSError):
            states = [path.stat() for path in paths]
            content, what = _described(paths[0])
            size, used = sum(state.st_size for state in states), max(state.st_mtime for state in states)
            found.append(KeptEntry(tuple(paths), videos.get(content, ""), what, content, size, used))
    return found


def remove(cache: FeatureCache, video: str, source: Source | None) -> int:
    """Remove everything that is kept of one video.

    Args:
        cache: the cache.
        video: the video's path.
        source: the video itself; None where there is no such file any more, so that only its path can say what it was.

    Returns:
        How many entries are gone.

    Raises:
        TFGroundingError: the video is not there, and nothing is known of that path.
    """
    if source is not None:
        contents = {cache.digest(source, source.identity)[:CONTENT_LETTERS]}
    else:
        place = os.path.realpath(video)
        contents = {content for content, known in _videos_by_content(cache).items() if known == place}
        if not contents:
            raise TFGroundingError(f"{video}: there is no such video, and nothing is kept of that name")
    gone = [entry for entry in kept_entries(cache) if entry.content in contents]
    for entry in gone:
        for path in entry.paths:
            remove_entry(path)
    return len(gone)


def _videos_by_content(cache: FeatureCache) -> dict[str, str]:
    """The path of each content whose digest is remembered: of a folder of pictures, that folder."""
    found: dict[str, str] = {}
    for note in (cache.folder / "digests").glob("*.json"):
        with suppress(OSError, ValueError, KeyError, TypeError, IndexError):
            if note.stat().st_size > LARGEST_NOTE_BYTES:
                continue
            remembered = json.loads(note.read_text(encoding="utf-8"))
            stamps = [part for part in json.loads(remembered["identity"]) if isinstance(part, list)]
            path = str(stamps[0][0])
            found[remembered["digest"][:CONTENT_LETTERS]] = os.path.dirname(path) if len(stamps) > 1 else path  # noqa: PTH120
    return found


def _described(path: Path) -> tuple[str, str]:
    """The beginning of the content's digest, and what an entry is in words."""
    if path.parent.name == FOLDER:
        content, _, rest = path.name.partition(".")
        return content, f"{rest.partition('.')[0]}{', unfinished' if path.name.endswith(PARTS) else ''}"
    try:
        words = _head(path)
        key, encoder = words["key"], str(words["key"]["encoder"])
        if "content" not in key:
            return "", f"vectors of texts, {encoder}"
        length = "unfinished" if "info" not in words else f"{float(words['info']['duration_seconds']):.1f} s"
        return str(key["content"])[:CONTENT_LETTERS], f"{length}, {encoder}"
    except (OSError, ValueError, KeyError, TypeError):
        return "", "damaged"


def _head(path: Path) -> dict[str, Any]:
    """What an entry says about itself, from the head of its file."""
    with path.open("rb") as file:
        size = int.from_bytes(file.read(8), "little")
        if size > LARGEST_HEAD_BYTES:
            raise ValueError("too long")
        return json.loads(json.loads(file.read(size))["__metadata__"]["words"])
