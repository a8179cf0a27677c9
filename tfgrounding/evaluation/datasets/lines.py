"""Annotations as lines `VIDEO start end##query`, as Charades-STA and UCA come."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from .base import Rows, read_text

LINE = re.compile(r"(?P<video>\S+)\s+(?P<start>\S+)\s+(?P<end>\S+?)\s*##(?P<query>.*)", re.DOTALL)


def read_lines(rows: Rows, paths: Sequence[Path], *, time: str, seconds: Callable[[str], float]) -> None:
    """Read the lines of text files; a qid is the video's name and the number of its query in the file.

    Args:
        rows: takes what was read, and what could not be.
        paths: UTF-8 text files.
        time: how a time is written, for messages.
        seconds: reads one; ValueError where it is written otherwise.
    """
    for path in paths:
        asked: Counter[str] = Counter()
        for number, line in enumerate(read_text(path).split("\n"), start=1):
            if not line.strip():
                continue
            where = f"{path}:{number}"
            parts = LINE.fullmatch(line.strip())
            if parts is None:
                rows.reject(where, f"not a line of the form VIDEO {time} {time}##query")
                continue
            try:
                truth = [seconds(parts["start"]), seconds(parts["end"])]
            except ValueError:
                rows.reject(where, f"start and end must be {time}, not {parts['start']!r} and {parts['end']!r}")
                continue
            video = parts["video"]
            rows.add(where, qid=f"{video}#{asked[video]}", video=video, query=parts["query"], truths=[truth])
            asked[video] += 1
