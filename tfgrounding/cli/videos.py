"""The videos that a command line names: files, folders of videos, folders of pictures."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from ..errors import TFGroundingError
from ..media import is_video_name


def videos_and_queries(words: Sequence[str]) -> tuple[list[str], list[str]]:
    """Which of the arguments are videos, and which are queries: the videos stand first, and there is at least one.

    A video is what is a file or a folder, ends like a video's name, or begins like a path; or has a path's separator
    and no blank.

    Raises:
        TFGroundingError: the only argument is no video at all.
    """
    count = 1
    while count < len(words) and _is_named(words[count]):
        count += 1
    videos, queries = list(words[:count]), list(words[count:])
    if not queries and not _is_named(videos[0]):
        raise TFGroundingError(
            f"a VIDEO and a QUERY are needed, and {videos[0][:80]!r} is no video: name the video first"
        )
    return videos, queries


def _is_named(word: str) -> bool:
    if not word or word.isspace():
        return False
    separators = tuple(filter(None, (os.sep, os.altsep)))
    if is_video_name(word) or word.startswith((*separators, "~", f".{os.sep}", f"..{os.sep}")):
        return True
    if any(separator in word for separator in separators) and not any(map(str.isspace, word)):
        return True
    return _is_there(word)


def _is_there(word: str) -> bool:
    try:
        return Path(word).exists()
    except (OSError, ValueError):  # too long for a name, or a zero byte
        return False


def each_video(videos: Sequence[str], picture_rate: float | None) -> Iterator[tuple[str, str | None]]:
    """(video, why it cannot be read or None) for what was named and, unless it holds pictures, what is in folders."""
    from ..serve.folder import video_files

    for video in videos:
        if picture_rate is not None or not Path(video).is_dir():
            yield video, None
            continue
        root = Path(video).resolve()
        below = video_files(root)
        if not below:
            yield video, "there is no video in this folder; for a folder of pictures, give --picture-rate"
        for path, unreadable in below:
            yield str(Path(video) / path.relative_to(root)), unreadable
