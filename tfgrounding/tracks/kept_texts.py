"""Text tracks on disk, found again by the content of their video; long work is kept part by part."""

from __future__ import annotations

import hashlib
import json
import os
import zlib
from collections.abc import Hashable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from ..errors import TFGroundingError, VideoError
from ..files import write_atomically
from ..media import AnySource, open_source
from .cache import FeatureCache, identity, is_still
from .text_track import TextKind, TextTrack, TimedText, texts_from_json, texts_to_json

FORMAT = 1  # raise it when the layout changes, or what an entry means
LARGEST_BYTES = 256 << 20  # of one entry: the words of some days of speech
UNREADABLE = (OSError, ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError, TFGroundingError)
FOLDER = "tracks"  # in that of the cache
PARTS = ".parts.jsonl"  # ends the name of work that is not finished


class KeptTexts:
    """Text tracks in the folder of a FeatureCache; safe to share between threads and processes.

    An entry is a JSON file, written aside and renamed, with a checksum: what is damaged or foreign reads as missing.

    Args:
        cache: whose folder and limit are used; None keeps nothing.
    """

    def __init__(self, cache: FeatureCache | None) -> None:
        self._cache = cache
        self._read: dict[str, Hashable] = {}  # by the name of a video, its identity when a track of it was missing

    def find(
        self, source: AnySource, kind: TextKind, made_by: Mapping[str, Any] | None = None, **like: Any
    ) -> TextTrack | None:
        """The track of a video that was kept before.

        Args:
            source: the video.
            kind: the kind of track.
            made_by: what made it; None finds the newest of that kind, whatever made it.
            like: what `made_by` must say where it is not given whole, such as by="speech".

        Returns:
            The track, or None where there is none.

        Raises:
            VideoError: the video cannot be read.
        """
        if self._cache is None:
            return None
        content = self._content(source)
        entries = (
            self._newest_first(content, kind) if made_by is None else [self._place(content, kind, made_by, ".json")]
        )
        for entry in entries:
            with suppress(*UNREADABLE):
                if entry.stat().st_size > LARGEST_BYTES:
                    continue
                data = json.loads(entry.read_text(encoding="utf-8"))
                body = data["body"]
                fits = body["format"] == FORMAT and body["content"] == content and data["crc32"] == _checksum(body)
                same = made_by is None or body["made_by"] == dict(made_by)
                if fits and same and all(body["made_by"].get(name) == value for name, value in like.items()):
                    track = TextTrack.from_dict(body["track"])
                    os.utime(entry)  # used just now
                    return track
        self._read[open_source(source).name] = identity(source)
        return None

    def keep(self, source: AnySource, track: TextTrack, made_by: Mapping[str, Any]) -> str | None:
        """Keep a track; what was kept of its parts goes.

        It is not kept where the video is another one by now than when `find` missed the track.

        Returns:
            None, or why it could not be kept, as a warning.
        """
        if self._cache is None or self._cache.limit_bytes <= 0:
            return None
        try:
            before = self._read.pop(open_source(source).name, None)
            if before is not None and not is_still(source, before):
                raise OSError("the video changed while it was being read")
            content = self._content(source)
            body = {"format": FORMAT, "content": content, "made_by": dict(made_by), "track": track.to_dict()}
            data = json.dumps({"body": body, "crc32": _checksum(body)}).encode()
            if len(data) > min(LARGEST_BYTES, self._cache.limit_bytes):
                raise OSError(f"it takes {len(data) / 1e6:,.1f} MB")
            entry = self._place(content, track.kind, made_by, ".json")
            write_atomically(entry, data)
            self._place(content, track.kind, made_by, PARTS).unlink(missing_ok=True)
            self._cache.evict(keep=entry)
        except (OSError, VideoError) as error:
            why = getattr(error, "strerror", None) or error
            return f"the {track.kind} track is not kept in {self._cache.folder}: {why}"
        return None

    def parts(self, source: AnySource, kind: TextKind, made_by: Mapping[str, Any]) -> Parts:
        """The parts of a track that were finished before, to which others can be added. Raises VideoError."""
        if self._cache is None or self._cache.limit_bytes <= 0:
            return Parts(None)
        return Parts(self._place(self._content(source), kind, made_by, PARTS))

    def _content(self, source: AnySource) -> str:
        assert self._cache is not None
        opened = open_source(source)
        return self._cache.digest(opened, opened.identity)

    def _place(self, content: str, kind: TextKind, made_by: Mapping[str, Any], ending: str) -> Path:
        assert self._cache is not None
        made = hashlib.sha256(json.dumps([FORMAT, dict(made_by)], sort_keys=True).encode()).hexdigest()
        return self._cache.folder / FOLDER / f"{content[:40]}.{kind}.{made[:24]}{ending}"

    def _newest_first(self, content: str, kind: TextKind) -> list[Path]:
        assert self._cache is not None
        found = []
        for entry in (self._cache.folder / FOLDER).glob(f"{content[:40]}.{kind}.*.json"):
            with suppress(OSError):
                found.append((entry.stat().st_mtime_ns, entry))
        return [entry for _, entry in sorted(found, reverse=True)]


class Parts:
    """What is finished of a track, part by part: a killed run loses the part that it was making and no other.

    Args:
        place: the file, one part a line; None keeps nothing.
    """

    def __init__(self, place: Path | None) -> None:
        self._place = place
        self._done = dict(self._read())

    def __len__(self) -> int:
        return len(self._done)

    def get(self, part: int) -> tuple[tuple[TimedText, ...], dict[str, Any]] | None:
        """The texts of a part and the notes that were kept with them; None where it is not finished."""
        return self._done.get(part)

    def add(self, part: int, texts: Sequence[TimedText], notes: Mapping[str, Any] | None = None) -> None:
        """Keep a finished part. Where the folder cannot be written it is kept in memory alone."""
        self._done[part] = (tuple(texts), dict(notes or {}))
        if self._place is None:
            return
        body = {"part": part, "texts": texts_to_json(texts), "notes": dict(notes or {})}
        line = json.dumps({"body": body, "crc32": _checksum(body)}) + "\n"
        with suppress(OSError):
            self._place.parent.mkdir(parents=True, exist_ok=True)
            with self._place.open("a", encoding="utf-8") as file:
                file.write("\n" + line)  # after half a line of a run that was killed
                file.flush()

    def _read(self) -> Iterator[tuple[int, tuple[tuple[TimedText, ...], dict[str, Any]]]]:
        if self._place is None:
            return
        try:
            if self._place.stat().st_size > LARGEST_BYTES:
                return
            lines = self._place.read_bytes().splitlines()
        except OSError:
            return
        for line in lines:
            with suppress(*UNREADABLE):
                data = json.loads(line)
                if data["crc32"] == _checksum(data["body"]):
                    body = data["body"]
                    yield int(body["part"]), (texts_from_json(body["texts"]), dict(body["notes"]))


def _checksum(body: Any) -> int:
    return zlib.crc32(json.dumps(body, sort_keys=True).encode())
