"""The moments of an answer as video files."""

from __future__ import annotations

from pathlib import Path

from ..answer import Answer
from ..errors import VideoError
from ..media.cut import clip_name, cut_clip

__all__ = ["clip_name", "cut_clip", "cut_moments"]


def cut_moments(grounding: Answer, folder: str | Path) -> list[Path]:
    """Cut every moment of an answer to an MP4 file in `folder`, named after video, rank and times.

    Returns:
        The files, best moment first.

    Raises:
        VideoError: the video cannot be read or the folder cannot be written.
    """
    folder = Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise VideoError(f"{folder}: no clips can be written there ({error.strerror})") from error
    paths = []
    for rank, moment in enumerate(grounding.moments, start=1):
        name = clip_name(grounding.video.path, moment.start_seconds, moment.end_seconds)
        clip = cut_clip(
            grounding.video.path,
            folder / f"{rank:02d}_{name}",
            start_seconds=moment.start_seconds,
            end_seconds=moment.end_seconds,
        )
        paths.append(clip.path)
    return paths
