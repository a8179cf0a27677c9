"""Progress on a terminal, in plain units: how much of the video is done, how fast, and how long it still takes."""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ..show.evidence import quotable
from ..show.exports.common import short_clock

if TYPE_CHECKING:
    from ..types import Progress

NAME_COLUMNS = 30  # of the video
SECONDS_BETWEEN = 0.1  # two lines
LEAST_SECONDS = 1.0  # of work before its speed says anything


@contextmanager
def video_progress(label: str) -> Iterator[Progress]:
    """A line on stderr that is renewed while a video is read; nothing where stderr is no terminal.

    Args:
        label: the video, or what is done to it.
    """
    if not sys.stderr.isatty():
        yield lambda done_seconds, all_seconds: None
        return
    name = quotable(os.path.basename(label) or label, columns=NAME_COLUMNS)  # noqa: PTH119
    first: tuple[float, float] | None = None  # when the first part was done, and how much that was
    shown = 0.0

    def progress(done_seconds: float, all_seconds: float) -> None:
        nonlocal first, shown
        now = time.monotonic()
        first = first or (now, done_seconds)
        if now - shown < SECONDS_BETWEEN:
            return
        shown = now
        line = f"{name}  {progress_in_words(done_seconds, all_seconds, done_seconds - first[1], now - first[0])}"
        sys.stderr.write("\r" + line[: shutil.get_terminal_size().columns - 1] + "\x1b[K")
        sys.stderr.flush()

    try:
        yield progress
    finally:
        if shown:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()


def progress_in_words(done_seconds: float, all_seconds: float, lately_seconds: float, took_seconds: float) -> str:
    """Such as "12.3 of 70.3 s, 1.5 x real time, 0:38 left".

    Args:
        done_seconds, all_seconds: of the video.
        lately_seconds: of the video that were done in the last `took_seconds`, by which the speed is known; what came
            from an earlier run does not count.
        took_seconds: of work.
    """
    done = f"{min(done_seconds, all_seconds):.1f} of {all_seconds:.1f} s"
    if took_seconds < LEAST_SECONDS or lately_seconds <= 0:
        return done
    speed = lately_seconds / took_seconds
    left = max(0.0, all_seconds - done_seconds) / speed
    return f"{done}, {speed:.2g} x real time, {short_clock(left, short=True)} left"
