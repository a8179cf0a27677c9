"""The moments of an answer as video files."""

from __future__ import annotations

from pathlib import Path

from ..answer import Answer
from ..errors import VideoError
from ..files import shortened
from ..media import clip_name, cut_clip

__all__ = ["clip_name", "cut_clip", "cut_moments", "moment_file_name"]

LONGEST_PART_BYTES = 100  # of a name; file systems take 255 bytes in all


def cut_moments(answer: Answer, folder: str | Path) -> list[Path]:
    """Cut every moment of an answer to an MP4 file in `folder`, see `moment_file_name`.

    Returns:
        The files, best moment first.

    Raises:
        VideoError: the video cannot be read, or is not at hand; or the folder cannot be written.
    """
    if answer.source is None:
        raise VideoError(f"{answer.video.path}: only the video's features are at hand, so no clips can be cut")
    folder = Path(folder)
    paths = []
    for rank, moment in enumerate(answer.moments, start=1):
        target = folder / moment_file_name(answer, rank)
        cut_clip(answer.source, target, start_seconds=moment.start_seconds, end_seconds=moment.end_seconds)
        paths.append(target)
    return paths


def moment_file_name(answer: Answer, rank: int) -> str:
    """RANK_VIDEO_QUERY_START-END.mp4; the seconds count from the start of the file, as players show them."""
    moment, offset = answer.moments[rank - 1], answer.video.start_offset_seconds
    times = f"{moment.start_seconds + offset:.3f}-{moment.end_seconds + offset:.3f}.mp4"
    words = "".join(c if c.isalnum() else " " for c in answer.query).split()
    video = shortened(Path(answer.video.path).stem, LONGEST_PART_BYTES)
    query = shortened("-".join(words), LONGEST_PART_BYTES)
    return "_".join(part for part in (f"{rank:02d}", video, query, times) if part)
