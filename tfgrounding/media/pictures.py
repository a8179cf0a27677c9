"""Pictures in place of a video: a folder of them, a list of files, or an array, shown at a steady rate."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from ..errors import VideoError
from ..types import VideoInfo
from .decode import FASTEST_RATE_HZ, Shot, checked_path, decode_picture, screen_size
from .sampling import is_sampled

if TYPE_CHECKING:
    import av.video.frame

SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".bmp", ".webp", ".tif", ".tiff", ".ppm", ".pgm"})


@dataclass(frozen=True, eq=False, slots=True)
class Pictures:
    """Pictures that follow each other at a steady rate; goes wherever the path of a video goes.

    Args:
        source: a folder (its picture files by name, 2.png before 10.png), a sequence of picture files in their order,
            or a (T, H, W, 3) uint8 RGB array.
        rate_hz: pictures a second, > 0. They carry no time of their own, so it has to be said.

    Raises:
        VideoError: a rate or an array that can't be, no such folder or file, or no picture in it.

    >>> ground(Pictures("frames/", rate_hz=25), "she pours the milk")  # doctest: +SKIP
    """

    source: str | os.PathLike[str] | Sequence[str | os.PathLike[str]] | np.ndarray
    rate_hz: float

    def __post_init__(self) -> None:
        if not _is_number(self.rate_hz) or not 0 < self.rate_hz <= FASTEST_RATE_HZ:
            raise VideoError(
                f"the rate of the pictures must be a number from above 0 to {FASTEST_RATE_HZ:.0f} a second, "
                f"not {self.rate_hz!r}"
            )
        if isinstance(self.source, np.ndarray):
            shape, kind = self.source.shape, self.source.dtype
            if len(shape) != 4 or shape[-1] != 3 or 0 in shape or kind != np.uint8:
                raise VideoError(f"an array of pictures must be (T, H, W, 3) uint8 RGB, not {shape} {kind}")
        elif not self.files():
            raise VideoError(f"{self.name}: holds no pictures ({', '.join(sorted(SUFFIXES))})")

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
        if isinstance(self.source, (str, os.PathLike)):
            folder = Path(self.source)
            if not folder.is_dir():
                raise VideoError(f"{self.source}: is not a folder of pictures")
            found = [p for p in folder.iterdir() if p.suffix.lower() in SUFFIXES and not p.name.startswith(".")]
            return sorted(found, key=_natural)
        return [checked_path(path) for path in self.source]


class PictureReel:
    """The pictures as a video: the counterpart of `VideoFile`."""

    def __init__(self, pictures: Pictures) -> None:
        self._pictures = pictures
        self._lost: list[str] = []
        if isinstance(pictures.source, np.ndarray):
            self._files: list[Path] = []
            self._count, height, width = pictures.source.shape[:3]
            codec = "array"
        else:
            self._files = pictures.files()
            self._count = len(self._files)
            width, height = self._first_size()
            codec = "pictures"
        self.info = VideoInfo(
            path=pictures.name,
            duration_seconds=self._count / pictures.rate_hz,
            width=width,
            height=height,
            frame_rate_hz=float(pictures.rate_hz),
            codec=codec,
        )

    def shots(self, *, rate_hz: float | None = None) -> Iterator[Shot]:
        """Every picture that can be read; one that can't leaves the one before it on screen.

        With `rate_hz`, only the first, the last and those on screen at one of the instants (k + 1/2) / rate_hz.
        """
        rate, last = self._pictures.rate_hz, self._count - 1
        broken: list[int] = []
        tried, begun = -1, False
        for index in range(self._count):
            spare = begun and index < last
            if rate_hz is not None and spare and not is_sampled(index / rate, (index + 1) / rate, rate_hz=rate_hz):
                continue
            for shown in range(index, tried, -1):
                try:
                    frame = self._picture(shown)
                except VideoError:
                    broken.append(shown)
                    continue
                begun = True
                yield Shot(shown / rate, (shown + 1) / rate, frame)
                break
            tried = index
        if broken:
            self._lost = [
                f"{len(broken)} of {len(self._files)} pictures ({len(broken) / rate:.2f} s) could not be read, "
                f"the first of them {self._files[min(broken)].name}"
            ]

    def lost(self) -> tuple[str, ...]:
        """What could not be read, in words; known once `shots` has come to its end."""
        return tuple(self._lost)

    def _picture(self, index: int) -> av.video.frame.VideoFrame:
        """One of the pictures. Raises VideoError."""
        import av

        if isinstance(self._pictures.source, np.ndarray):
            return av.VideoFrame.from_ndarray(np.ascontiguousarray(self._pictures.source[index]), format="rgb24")
        return decode_picture(self._files[index])

    def _first_size(self) -> tuple[int, int]:
        for path in self._files:
            try:
                return screen_size(decode_picture(path))
            except VideoError:
                continue
        raise VideoError(f"{self._pictures.name}: none of its {len(self._files)} pictures could be read")


def _natural(path: Path) -> list[tuple[int, str]]:
    """Sorts numbers in names by value."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", path.name)]


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float, np.number)) and not isinstance(value, bool)
