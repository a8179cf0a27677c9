"""Features on disk, found again by the content they were made from."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import TFGroundingError
from ..files import DRAFT_PREFIX, write_atomically
from ..media import AnySource, FileStamp, open_source
from ..types import Source, VideoFeatures, VideoInfo
from .cache_place import usual_folder, usual_limit_bytes
from .feature_files import UNREADABLE, packed, unpacked
from .feature_parts import FOLDER_ENDING, FeatureParts

FORMAT = 2  # raise it when sampling, decoding or this layout change what an entry means
SETTLED_SECONDS = 2.0  # a file changed more recently may change again without its time stamp showing it
LEFTOVER_SECONDS = 3600.0  # a temporary file this old belongs to a process that was killed
RECENT_BYTES = 512 << 20  # of features kept in memory
ABANDONED_SECONDS = 14 * 24 * 3600.0  # parts of a video this old are not waited for any more
PARTS = f"features/*{FOLDER_ENDING}/[!.]*.safetensors"
ENTRIES = ("features/[!.]*.safetensors", PARTS, "tracks/[!.]*.json*")
NOT_KEPT = "features are not kept in"  # begins the warning of features that could not be stored


class FeatureCache:
    """A folder of encoded videos and texts, safe to share between threads and processes.

    An entry is a safetensors file in half precision, written aside and renamed, with a checksum over everything that
    matters: what is damaged, incomplete or foreign reads as missing and is made again. The least recently used entries
    go when the folder outgrows its limit.

    Args:
        folder: where; None for $TFGROUNDING_CACHE, or else the platform's place for caches.
        limit_bytes: None for $TFGROUNDING_CACHE_GB gigabytes, or else 10; 0 keeps nothing.

    Raises:
        TFGroundingError: $TFGROUNDING_CACHE_GB is not a number.
    """

    def __init__(self, folder: str | os.PathLike[str] | None = None, *, limit_bytes: int | None = None) -> None:
        self.folder = Path(folder) if folder is not None else usual_folder()
        self.limit_bytes = usual_limit_bytes() if limit_bytes is None else limit_bytes
        self._recent, self._recent_lock = Recent(), threading.Lock()

    def features(self, source: AnySource, make: Callable[[], VideoFeatures], **made_by: Any) -> VideoFeatures:
        """The features of a source: from memory, from the folder, or made now and kept in both.

        Args:
            source: a video file, or Pictures.
            make: makes them; what it returns is `rounded`.
            made_by: what decides whether features can be used again, beside the source's content.

        Returns:
            VideoFeatures, with a warning in `info` where they could not be kept.

        Raises:
            VideoError: the source is not there or not readable; and whatever `make` raises.
        """
        source = open_source(source)
        stamp = source.identity
        features = self.find(source, **made_by)
        if features is not None:
            return features
        key = self.key(source, stamp, **made_by)
        features = make()
        try:
            if not is_still(source, stamp):
                raise OSError("the video changed while it was being read")
            if self.limit_bytes > 0:
                self.store(key, features)
        except OSError as error:
            warning = f"{NOT_KEPT} {self.folder}: {error.strerror or error}"
            features = replace(features, info=replace(features.info, warnings=(*features.info.warnings, warning)))
            if not is_still(source, stamp):
                return features
        with self._recent_lock:
            self._recent.put(_in_memory(source, stamp, made_by), features)
        return features

    def find(self, source: Source, **made_by: Any) -> VideoFeatures | None:
        """The features of a source from memory or from the folder, None where they have to be made.

        Args as for `features`. Raises VideoError.
        """
        stamp = source.identity
        recent = _in_memory(source, stamp, made_by)
        with self._recent_lock:
            features = self._recent.get(recent)
        if features is None:
            try:
                features = replace(self.load(self.key(source, stamp, **made_by), source.name), source=source)
            except KeyError:
                return None
            with self._recent_lock:
                self._recent.put(recent, features)
        return features

    def parts(self, source: Source, batch_vectors: int, **made_by: Any) -> FeatureParts:
        """What is made so far of the features of a source, see `FeatureParts`. Raises VideoError."""
        stamp = source.identity
        key = {**self.key(source, stamp, **made_by), "batch_vectors": batch_vectors}
        folder = self._entry(key).with_suffix(FOLDER_ENDING)
        return FeatureParts(
            folder if self.limit_bytes > 0 else None,
            key,
            batch_vectors,
            limit_bytes=self.limit_bytes,
            is_still=lambda: is_still(source, stamp),
            make_place=lambda: self.evict(keep=folder),
        )

    def text_vectors(
        self, texts: Sequence[str], make: Callable[[], np.ndarray], *, encoder: str, revision: str
    ) -> tuple[np.ndarray, tuple[str, ...]]:
        """The vectors of one video's texts: from memory, from the folder, or made now and kept in both.

        Args:
            texts: N texts; other texts, or another order, are another entry.
            make: makes their (N, D) vectors, which are then `rounded`.
            encoder, revision: which model makes them.

        Returns:
            (N, D) float32 unit vectors, and a warning where they could not be kept.
        """
        content = hashlib.sha256(json.dumps(list(texts)).encode()).hexdigest()
        key = {"format": FORMAT, "texts": content, "encoder": encoder, "revision": revision, "rate_hz": 0.0}
        recent = tuple(key.values())
        with self._recent_lock:
            kept = self._recent.get(recent)
        warnings: tuple[str, ...] = ()
        if kept is None:
            try:
                kept = self.load(key, "")
            except KeyError:
                kept = _of_texts(rounded(make()), encoder, revision)
                try:
                    if self.limit_bytes > 0:
                        self.store(key, kept)
                except OSError as error:
                    warnings = (f"{NOT_KEPT} {self.folder}: {error.strerror or error}",)
            with self._recent_lock:
                self._recent.put(recent, kept)
        return kept.vectors[:, 0], warnings

    def check_writable(self) -> None:
        """Raise TFGroundingError unless features can be stored: better known before a long video is encoded."""
        folder = self.folder / "features"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=folder) as file:
                file.write(b"0")
                file.flush()
        except OSError as error:
            raise TFGroundingError(
                f"{self.folder}: features cannot be kept there ({error.strerror or error}); set TFGROUNDING_CACHE to a "
                "folder that can be written"
            ) from error

    def key(self, source: AnySource, identity: tuple[Any, ...], **made_by: Any) -> dict[str, Any]:
        """What decides whether features can be used again: the content, what made them (`made_by`), the format."""
        return {"format": FORMAT, "content": self.digest(source, identity), **made_by}

    def digest(self, source: AnySource, identity: tuple[Any, ...]) -> str:
        """SHA-256 of what the source holds; that of files is remembered for as long as their `identity` stays."""
        identity_text = json.dumps(identity)
        note = self.folder / "digests" / f"{hashlib.sha256(identity_text.encode()).hexdigest()[:32]}.json"
        with suppress(OSError, ValueError, KeyError, TypeError):  # not seen before, or damaged: it is read below
            remembered = json.loads(note.read_text(encoding="utf-8"))
            if remembered["identity"] == identity_text and len(remembered["digest"]) == 64:
                return remembered["digest"]
        digest = open_source(source).digest()
        changed = [part.changed_ns for part in identity if isinstance(part, FileStamp)]
        if changed and time.time() - max(changed) / 1e9 > SETTLED_SECONDS:
            with suppress(OSError):  # then it is read again next time
                write_atomically(note, json.dumps({"identity": identity_text, "digest": digest}).encode())
        return digest

    def load(self, key: dict[str, Any], path: str) -> VideoFeatures:
        """The features stored under that key, `path` as the name of their video. Raises KeyError if there are none."""
        entry = self._entry(key)
        try:
            words, tensors = unpacked(entry.read_bytes())
            if words["key"] != key:
                raise ValueError("another's")
            info = VideoInfo(**{**words["info"], "path": path, "warnings": tuple(words["info"]["warnings"])})
            os.utime(entry)  # used just now
        except UNREADABLE as error:
            raise KeyError(entry.name) from error
        return VideoFeatures(
            vectors=tensors["vectors"].astype(np.float32),
            pts_seconds=tensors["pts_seconds"],
            sample_seconds=tensors["sample_seconds"],
            info=info,
            encoder=key["encoder"],
            revision=key["revision"],
            rate_hz=key["rate_hz"],
        )

    def store(self, key: dict[str, Any], features: VideoFeatures) -> None:
        """Keep features (already `rounded`). Raises OSError if the folder cannot be written or is limited to less."""
        words = {"key": key, "info": asdict(replace(features.info, path=""))}
        data = packed(words, features.vectors, features.pts_seconds, features.sample_seconds)
        if len(data) > self.limit_bytes:
            raise OSError(f"they take {len(data) / 1e6:,.1f} MB, and the limit is {self.limit_bytes / 1e6:,.1f} MB")
        write_atomically(self._entry(key), data)
        self.evict(keep=self._entry(key))

    def entries(self) -> list[Path]:
        """What is stored, the least recently used first: features and text tracks."""
        found = []
        for place in ENTRIES:  # no drafts: another process writes them
            for entry in self.folder.glob(place):
                try:
                    found.append((entry.stat().st_mtime_ns, entry))
                except OSError:
                    continue  # another process was faster
        return [entry for _, entry in sorted(found)]

    def size_bytes(self) -> int:
        """What the stored features and text tracks take."""
        return sum(_size(entry) for entry in self.entries())

    def clear(self) -> int:
        """Remove every entry, note and leftover; other files in the folder stay. Returns how many entries went."""
        entries = self.entries()
        for path in (*entries, *(self.folder / "digests").glob("*.json"), *self._leftovers(0.0)):
            remove_entry(path)
        return len(entries)

    def _entry(self, key: dict[str, Any]) -> Path:
        name = hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()[:40]
        return self.folder / "features" / f"{name}.safetensors"

    def evict(self, keep: Path) -> None:
        """Remove leftovers, then the least recently used entries, until the folder is within its limit.

        Args:
            keep: an entry, or the folder of a video's parts, which stays.
        """
        for leftover in self._leftovers(LEFTOVER_SECONDS):
            remove_entry(leftover)
        entries = self.entries()
        total = sum(map(_size, entries))
        for entry in entries:
            if total <= self.limit_bytes:
                break
            if keep not in (entry, entry.parent):
                total -= _size(entry)
                remove_entry(entry)

    def _leftovers(self, older_than_seconds: float) -> Iterator[Path]:
        limits = {f"*/{DRAFT_PREFIX}*": older_than_seconds, f"features/*/{DRAFT_PREFIX}*": older_than_seconds}
        for place, seconds in {**limits, PARTS: ABANDONED_SECONDS}.items():
            for aside in self.folder.glob(place):
                with suppress(OSError):  # another process was faster
                    if time.time() - aside.stat().st_mtime >= seconds:
                        yield aside


class Recent:
    """The latest features in memory, up to so many bytes; for one owner, who holds a lock around it."""

    def __init__(self, limit_bytes: int = RECENT_BYTES) -> None:
        self._limit_bytes = limit_bytes
        self._features: OrderedDict[Hashable, VideoFeatures] = OrderedDict()

    def get(self, key: Hashable) -> VideoFeatures | None:
        if key in self._features:
            self._features.move_to_end(key)
        return self._features.get(key)

    def put(self, key: Hashable, features: VideoFeatures) -> None:
        self._features[key] = features
        self._features.move_to_end(key)
        while len(self._features) > 1 and sum(f.vectors.nbytes for f in self._features.values()) > self._limit_bytes:
            self._features.popitem(last=False)


def _of_texts(vectors: np.ndarray, encoder: str, revision: str) -> VideoFeatures:
    """(N, D) vectors of texts in the form in which an entry holds those of frames; the times say nothing."""
    places = np.arange(len(vectors), dtype=np.float64)
    return VideoFeatures(vectors[:, None], places, places, VideoInfo("", 1.0, 0, 0), encoder, revision, 0.0)


def identity(source: AnySource) -> tuple[Any, ...]:
    """What stays the same for as long as the source does. Raises VideoError."""
    return open_source(source).identity


def is_still(source: AnySource, before: Hashable) -> bool:
    """Whether the source's identity is what it was before."""
    try:
        return identity(source) == before
    except TFGroundingError:
        return False


def rounded(vectors: np.ndarray) -> np.ndarray:
    """Vectors as they come back from the cache, so that the first answer is the same as every later one."""
    return vectors.astype(np.float16).astype(np.float32)


def _in_memory(source: Source, stamp: Hashable, made_by: Mapping[str, Any]) -> Hashable:
    """Under what name features are kept in memory."""
    return (stamp, source.name, *map(str, made_by.values()))


def remove_entry(path: Path) -> None:
    """Remove a file, and with the last part of a video their folder."""
    path.unlink(missing_ok=True)
    if path.parent.suffix == FOLDER_ENDING:
        with suppress(OSError):  # it is not empty
            path.parent.rmdir()


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
