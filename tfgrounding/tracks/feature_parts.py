"""Features of a video while they are made: finished batches are kept, so that a run that ends early loses little."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from ..files import write_atomically
from .feature_files import UNREADABLE, packed, unpacked

FOLDER_ENDING = ".parts"
LOOKS_FILE = "looks.safetensors"
SECONDS_BETWEEN = 2.0  # of work that is lost at most, where a batch takes less
MOST_SHARE = 0.05  # of the time that is spent on keeping what is made
LARGEST_FILE_BYTES = 256 << 20


@dataclass(frozen=True, slots=True)
class Batch:
    """(V, Q, D) float16 vectors with their (V,) times, and what was done to the pictures, in words."""

    vectors: np.ndarray
    pts_seconds: np.ndarray
    sample_seconds: np.ndarray
    notes: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.vectors)


@dataclass(eq=False)
class FeatureParts:
    """The batches of one video that are made so far, in memory and in a folder; for one thread.

    Several processes may make the same batches at once: each file is written whole or not at all, batches have the same
    content whoever makes them, and what is damaged, foreign or gone reads as missing.

    Args:
        folder: None keeps batches in memory alone.
        key: what decides whether they can be used again.
        batch_vectors: vectors in a batch; batch b begins with vector b * batch_vectors.
        limit_bytes: of the folder.
        is_still: whether the video is what it was when the key was made.
        make_place: makes room in the cache that the folder belongs to.
    """

    folder: Path | None
    key: dict[str, Any]
    batch_vectors: int
    limit_bytes: int = 0
    is_still: Callable[[], bool] = lambda: True
    make_place: Callable[[], None] = lambda: None
    _done: dict[int, Batch] = field(default_factory=dict)
    _waiting: dict[int, Batch] = field(default_factory=dict)  # not in the folder yet
    _looks: Batch | None = None
    _kept_bytes: int = 0

    def __post_init__(self) -> None:
        self._pause = SECONDS_BETWEEN
        self._kept_at = time.monotonic()
        if self.folder is not None:
            self._read(self.folder)

    def __len__(self) -> int:
        return len(self._done)

    def __contains__(self, number: int) -> bool:
        return number in self._done

    def __iter__(self) -> Iterator[int]:
        """The numbers of the batches that are made, rising."""
        return iter(sorted(self._done))

    def __getitem__(self, number: int) -> Batch:
        return self._done[number]

    def add(self, number: int, batch: Batch, *, is_lasting: bool = True) -> None:
        """Take a full batch, and keep it on disk when it is time to.

        Args:
            number: of the batch.
            batch: what it holds.
            is_lasting: False keeps it in memory alone: of a damaged video, where what follows depends on what was read
                before.
        """
        self._done[number] = batch
        if is_lasting:
            self._waiting[number] = batch
            if time.monotonic() - self._kept_at >= self._pause:
                self.keep()

    def forget_from(self, first: int) -> None:
        """Forget the batches from that number on, but for what is on disk."""
        for number in [number for number in self._done if number >= first]:
            del self._done[number]
            self._waiting.pop(number, None)

    def keep(self) -> None:
        """Write what waits. Where that is not possible it stays in memory; the whole that is stored later says why."""
        began = time.monotonic()
        if self.folder is not None and self._waiting and self.is_still():
            for numbers in runs(sorted(self._waiting)):
                batches = [self._waiting[number] for number in numbers]
                notes = tuple(dict.fromkeys(note for batch in batches for note in batch.notes))
                words = {"key": self.key, "first": numbers[0], "notes": notes}
                if self._write(f"{numbers[0]:08d}-{len(numbers)}.safetensors", words, _joined(batches)):
                    for number in numbers:
                        del self._waiting[number]
        self._kept_at = time.monotonic()
        self._pause = max(SECONDS_BETWEEN, (self._kept_at - began) / MOST_SHARE)

    @property
    def looks(self) -> Batch | None:
        """Vectors of single looks at the video, at times of their own; None where there are none."""
        return self._looks

    def keep_looks(self, looks: Batch) -> None:
        """Keep them in place of those that were kept before."""
        self._looks = looks
        if self.folder is not None and self.is_still():
            self._write(LOOKS_FILE, {"key": self.key, "looks": len(looks)}, looks)

    def remove(self) -> None:
        """The whole is kept elsewhere: nothing of this is needed any more."""
        self._done, self._waiting, self._looks = {}, {}, None
        if self.folder is None:
            return
        with suppress(OSError):
            for path in self.folder.glob("[!.]*.safetensors"):
                path.unlink(missing_ok=True)
            self.folder.rmdir()

    def _write(self, name: str, words: dict[str, Any], batch: Batch) -> bool:
        assert self.folder is not None
        data = packed(words, batch.vectors, batch.pts_seconds, batch.sample_seconds)
        if self._kept_bytes + len(data) > self.limit_bytes:
            return False
        try:
            write_atomically(self.folder / name, data)
            self.make_place()
        except OSError:
            return False
        self._kept_bytes += len(data)
        return True

    def _read(self, folder: Path) -> None:
        for path in sorted(folder.glob("[!.]*.safetensors")):
            with suppress(*UNREADABLE):
                if path.stat().st_size > LARGEST_FILE_BYTES:
                    continue
                data = path.read_bytes()
                words, arrays = unpacked(data)
                if words["key"] != self.key:
                    continue
                self._kept_bytes += len(data)
                times = arrays["pts_seconds"], arrays["sample_seconds"]
                if "looks" in words:
                    self._looks = Batch(arrays["vectors"], *times)
                    continue
                first, size, notes = int(words["first"]), self.batch_vectors, tuple(map(str, words["notes"]))
                for at in range(0, len(arrays["vectors"]) - size + 1, size):
                    part = slice(at, at + size)
                    self._done[first + at // size] = Batch(
                        arrays["vectors"][part], times[0][part], times[1][part], notes
                    )


def runs(numbers: list[int]) -> list[list[int]]:
    """Rising numbers, cut where one is left out."""
    found: list[list[int]] = []
    for number in numbers:
        if found and found[-1][-1] + 1 == number:
            found[-1].append(number)
        else:
            found.append([number])
    return found


def _joined(batches: list[Batch]) -> Batch:
    return Batch(
        np.concatenate([batch.vectors for batch in batches]),
        np.concatenate([batch.pts_seconds for batch in batches]),
        np.concatenate([batch.sample_seconds for batch in batches]),
    )
