"""Finds the file of a video by the name that annotations call it."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from ..errors import DatasetError, VideoError

VIDEO_ENDINGS = (
    ".mp4",
    ".mkv",
    ".webm",
    ".avi",
    ".mov",
    ".m4v",
    ".mpg",
    ".mpeg",
    ".ts",
    ".flv",
    ".wmv",
    ".3gp",
    ".ogv",
)
FEATURE_ENDINGS = (".npy",)


class VideoFiles:
    """A folder's files, found by a video's name with or without the ending, in sub-folders too.

    Raises:
        DatasetError: there is no such folder.
    """

    def __init__(self, folder: str | Path, endings: Sequence[str]) -> None:
        self._folder, self._endings = str(folder), endings
        if not Path(folder).is_dir():
            raise DatasetError(f"{folder}: there is no such folder")
        self._paths: dict[str, str] = {}
        for path in sorted(_files_under(self._folder), key=lambda path: (path.count(os.sep), path)):
            stem, ending = os.path.splitext(path)  # noqa: PTH122
            if ending.lower() in endings:
                inside = os.path.relpath(path, self._folder)
                for name in (Path(path).name, Path(stem).name, inside, os.path.splitext(inside)[0]):  # noqa: PTH122
                    self._paths.setdefault(name, path)

    def find(self, video: str) -> str:
        """The path of a video's file. Raises VideoError if there is none."""
        stem, ending = os.path.splitext(video)  # noqa: PTH122
        for name in (video, stem if ending.lower() in VIDEO_ENDINGS else video):
            if name in self._paths:
                return self._paths[name]
        raise VideoError(f"{video}: no file of that name ({', '.join(self._endings)}) in {self._folder}")


def _files_under(folder: str) -> Iterator[str]:
    for where, _, names in os.walk(folder):
        for name in names:
            yield os.path.join(where, name)  # noqa: PTH118
