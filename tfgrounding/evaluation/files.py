"""Finds the file of a video, or its folder of pictures, by the name that annotations call it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

from ..errors import DatasetError, VideoError
from ..media import PICTURE_SUFFIXES, VIDEO_SUFFIXES, Pictures, is_video_name

FEATURE_SUFFIXES = (".npy",)


class VideoFiles:
    """A folder's videos, found by name with or without the ending, in sub-folders too; links are not followed.

    Args:
        folder: holds the videos.
        suffixes: endings of the names of their files, in lower case.
        picture_rate_hz: given, folders of pictures in it are videos too, of so many pictures a second.

    Raises:
        DatasetError: there is no such folder.
    """

    def __init__(
        self, folder: str | Path, suffixes: Sequence[str] = VIDEO_SUFFIXES, *, picture_rate_hz: float | None = None
    ) -> None:
        self._folder, self._suffixes, self._rate_hz = str(folder), tuple(suffixes), picture_rate_hz
        if not Path(folder).is_dir():
            raise DatasetError(f"{folder}: there is no such folder")
        self._files: dict[str, list[str]] = {}
        self._picture_folders: dict[str, str] = {}
        for where, names in _folders_under(self._folder):
            inside = os.path.relpath(where, self._folder)
            for name in sorted(name for name in names if name.lower().endswith(self._suffixes)):
                path = os.path.join(where, name)  # noqa: PTH118
                within = os.path.normpath(os.path.join(inside, name))  # noqa: PTH118
                stems = (os.path.splitext(name)[0], os.path.splitext(within)[0])  # noqa: PTH122
                for known_as in dict.fromkeys((name, within, *stems)):
                    self._files.setdefault(known_as, []).append(path)
            if any(name.lower().endswith(PICTURE_SUFFIXES) for name in names):
                for known_as in (os.path.basename(where), inside):  # noqa: PTH119
                    self._picture_folders.setdefault(known_as, where)

    def find(self, video: str) -> str | Pictures:
        """The path of a video's file, or its folder of pictures. Raises VideoError if there is neither."""
        known_as = self._known_as(video)
        if known_as is not None:
            return self._files[known_as][0]
        folder = self._picture_folders.get(video)
        if folder is not None and self._rate_hz is not None:
            return Pictures(folder, self._rate_hz)
        if folder is not None:
            raise VideoError(f"{video}: is a folder of pictures; say how many are a second (--picture-rate)")
        what = "video" if self._suffixes == VIDEO_SUFFIXES else f"{' or '.join(self._suffixes)} file"
        raise VideoError(f"{video}: there is no {what} of that name in {self._folder}")

    def doubts(self, video: str) -> tuple[str, ...]:
        """A warning where several files of one folder have that name, so that one had to be taken."""
        known_as = self._known_as(video)
        first, *others = self._files[known_as] if known_as is not None else [""]
        beside = [Path(path).name for path in others if Path(path).parent == Path(first).parent]
        if not beside:
            return ()
        return (f"several files are called {video}: {Path(first).name} was taken, not {', '.join(beside)}",)

    def _known_as(self, video: str) -> str | None:
        stem, suffix = os.path.splitext(video)  # noqa: PTH122
        names = (video, stem if suffix.lower() in VIDEO_SUFFIXES else video)
        return next((name for name in names if name in self._files), None)


def videos_in(folder: Path, *, picture_rate_hz: float | None = None) -> Iterator[tuple[Path, str | Pictures]]:
    """(path, what to open it from) of each video that lies directly in a folder, by name.

    With a rate, folders of pictures in it are videos too.
    """
    for path in sorted(folder.iterdir()):
        if path.is_dir() and picture_rate_hz is not None:
            with suppress(VideoError):
                yield path, Pictures(path, picture_rate_hz)
        elif is_video_name(path):
            yield path, str(path)


def _folders_under(folder: str) -> Iterator[tuple[str, list[str]]]:
    """(folder, names of its files), those that lie deeper later; what cannot be read is left out."""
    level = [folder]
    while level:
        deeper = []
        for where in level:
            names = []
            try:
                with os.scandir(where) as entries:
                    for entry in entries:
                        if entry.is_dir(follow_symlinks=False):
                            deeper.append(entry.path)
                        else:
                            names.append(entry.name)
            except OSError:
                continue
            yield where, names
        level = sorted(deeper)
