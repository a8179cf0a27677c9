"""Pictures in place of a video: a folder of them, a list of files, or an array, shown at a steady rate."""

from __future__ import annotations

import hashlib
import math
import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import VideoError
from ..types import Shot, Shots, Turn, VideoInfo
from .container import checked_path, file_stamp
from .decode import FASTEST_RATE_HZ, SLOWEST_RATE_HZ, decode_picture
from .render import UPRIGHT, screen_size
from .sampling import is_sampled

if TYPE_CHECKING:
    import av.video.frame

PICTURE_SUFFIXES = (".bmp", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp")


@dataclass(frozen=True, eq=False)
class Pictures:
    """Pictures that follow each other at a steady rate, as a source: it goes wherever the path of a video goes.

    Args:
        source: a folder (its picture files by name, 2.png before 10.png), a sequence of picture files in their order,
            or a (T, H, W, 3) uint8 RGB array.
        rate_hz: pictures a second, from 1e-6 to 1000. They carry no time of their own, so it has to be said.

    Raises:
        VideoError: a rate or an array that can't be, no such folder or file, or no picture in it.

    >>> ground(Pictures("frames/", rate_hz=25), "she pours the milk")  # doctest: +SKIP
    """

    source: str | os.PathLike[str] | Sequence[str | os.PathLike[str]] | np.ndarray
    rate_hz: float

    def __post_init__(self) -> None:
        if not _is_number(self.rate_hz) or not SLOWEST_RATE_HZ <= self.rate_hz <= FASTEST_RATE_HZ:
            raise VideoError(
                f"the rate of the pictures must be a number from {SLOWEST_RATE_HZ:g} to {FASTEST_RATE_HZ:.0f} "
                f"a second, not {self.rate_hz!r}"
            )
        if isinstance(self.source, np.ndarray):
            shape, kind = self.source.shape, self.source.dtype
            if len(shape) != 4 or shape[-1] != 3 or 0 in shape or kind != np.uint8:
                raise VideoError(f"an array of pictures must be (T, H, W, 3) uint8 RGB, not {shape} {kind}")
        elif not self.files():
            raise VideoError(f"{self.name}: holds no pictures ({', '.join(PICTURE_SUFFIXES)})")

    @property
    def name(self) -> str:
        """What to call them in messages."""
        if isinstance(self.source, np.ndarray):
            return f"array of {len(self.source)} pictures"
        if isinstance(self.source, (str, os.PathLike)):
            return os.fspath(self.source)
        return f"list of {len(self.source)} pictures"

    def files(self) -> list[Path]:
        """The picture files in order. Raises VideoError if the folder or a file is not there."""
        if isinstance(self.source, np.ndarray):
            return []
        if not isinstance(self.source, (str, os.PathLike)):
            return [checked_path(path) for path in self.source]
        folder = Path(self.source)
        if not folder.is_dir():
            raise VideoError(f"{self.source}: is not a folder of pictures")
        found = [p for p in folder.iterdir() if p.suffix.lower() in PICTURE_SUFFIXES and not p.name.startswith(".")]
        return sorted(found, key=_natural)

    @cached_property
    def info(self) -> VideoInfo:
        """Their number over their rate, and the size of the first that can be read. Raises VideoError."""
        if isinstance(self.source, np.ndarray):
            count, height, width = self.source.shape[:3]
        else:
            files = self.files()
            count, (width, height) = len(files), self._first_size(files)
        return VideoInfo(
            path=self.name,
            duration_seconds=count / self.rate_hz,
            width=width,
            height=height,
            frame_rate_hz=float(self.rate_hz),
            codec="array" if isinstance(self.source, np.ndarray) else "pictures",
        )

    @property
    def identity(self) -> tuple[Any, ...]:
        """The stamp of each file and the rate; of an array its digest. Raises VideoError."""
        if isinstance(self.source, np.ndarray):
            return (self.digest(),)
        return (*(file_stamp(path) for path in self.files()), float(self.rate_hz))

    def digest(self) -> str:
        """SHA-256 of the pictures and their rate. Raises VideoError."""
        total = hashlib.sha256(f"{float(self.rate_hz)!r} pictures a second".encode())
        if isinstance(self.source, np.ndarray):
            total.update(str(self.source.shape).encode())
            total.update(np.ascontiguousarray(self.source))
        for path in self.files():
            with path.open("rb") as file:
                total.update(hashlib.file_digest(file, "sha256").digest())
        return total.hexdigest()

    def to_dict(self) -> dict[str, Any]:
        if isinstance(self.source, np.ndarray):
            return {"kind": "array", "name": self.name, "shape": list(self.source.shape), "rate_hz": self.rate_hz}
        if isinstance(self.source, (str, os.PathLike)):
            return {"kind": "pictures", "folder": os.path.abspath(self.source), "rate_hz": self.rate_hz}  # noqa: PTH100
        files = [os.path.abspath(path) for path in self.source]  # noqa: PTH100
        return {"kind": "pictures", "files": files, "rate_hz": self.rate_hz}

    def shots(
        self, *, rate_hz: float | None = None, start_seconds: float = 0.0, end_seconds: float | None = None
    ) -> Shots:
        """See `Source.shots`. A picture that can't be read leaves the one before it on screen."""
        end_seconds = np.inf if end_seconds is None else end_seconds
        return Shots(lambda warnings: self._shots(warnings, rate_hz, start_seconds, end_seconds))

    def _shots(
        self, warnings: list[str], rate_hz: float | None, start_seconds: float, end_seconds: float
    ) -> Iterator[Shot]:
        source, files = self.source, self.files()
        count = len(source) if isinstance(source, np.ndarray) else len(files)
        broken: list[int] = []

        def is_needed(index: int) -> bool:
            starts, ends = index / self.rate_hz, (index + 1) / self.rate_hz
            if ends <= start_seconds or starts >= end_seconds:
                return False
            if rate_hz is None or starts <= start_seconds or index == count - 1:
                return True
            return is_sampled(starts, min(ends, end_seconds), rate_hz=rate_hz)

        shown: Shot | None = None
        tried = -1
        for index in range(max(0, math.floor(start_seconds * self.rate_hz) - 1), count):
            if shown is not None and not is_needed(index):
                continue
            for candidate in range(index, tried, -1):
                try:
                    frame, turn = self._picture(candidate, files)
                except VideoError:
                    broken.append(candidate)
                    warnings[:] = [f"the picture {files[candidate].name} could not be read"]
                    continue
                start = 0.0 if shown is None and len(broken) > candidate else candidate / self.rate_hz
                if shown is not None and start > start_seconds:
                    yield shown._replace(end_seconds=min(start, end_seconds))
                shown = Shot(start, count / self.rate_hz, frame, turn)
                break
            tried = index
        if shown is not None and shown.end_seconds > start_seconds:
            yield shown._replace(end_seconds=min(shown.end_seconds, end_seconds))
        if broken:
            warnings[:] = [
                f"{len(broken)} of {count} pictures ({len(broken) / self.rate_hz:.2f} s) could not be read, "
                f"the first of them {files[min(broken)].name}"
            ]

    def _picture(self, index: int, files: Sequence[Path]) -> tuple[av.video.frame.VideoFrame, Turn]:
        """One of the pictures, and how it has to be turned. Raises VideoError."""
        import av

        if isinstance(self.source, np.ndarray):
            return av.VideoFrame.from_ndarray(np.ascontiguousarray(self.source[index]), format="rgb24"), UPRIGHT
        return decode_picture(files[index])

    def _first_size(self, files: Sequence[Path]) -> tuple[int, int]:
        for path in files:
            try:
                frame, turn = decode_picture(path)
                return screen_size(frame.width, frame.height, None, turn)
            except VideoError:
                continue
        raise VideoError(f"{self.name}: none of its {len(files)} pictures could be read")


def _natural(path: Path) -> list[tuple[int, str]]:
    """Sorts numbers in names by value."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", path.name)]


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float, np.number)) and not isinstance(value, bool)
