"""Annotations as lines `VIDEO start end##query`, as Charades-STA and UCA come."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path

from .samples import Rows, shown
from .text import numbered_lines

LINE = re.compile(r"(?P<video>\S+?)(?:\s+(?P<start>\S+)\s+(?P<end>[^\s#]+))?\s*##(?P<query>.*)", re.DOTALL)


def read_lines(rows: Rows, paths: Sequence[Path], *, time: str, seconds: Callable[[str], float]) -> None:
    """Read the lines of text files; a qid is the video's name and the number of its query in the file.

    A line `VIDEO##query` of a test split has no times: it is answered and not scored.

    Args:
        rows: takes what was read, and what could not be.
        paths: the text files.
        time: how a time is written, for messages.
        seconds: reads one; ValueError where it is written otherwise.
    """
    for path in paths:
        asked: Counter[str] = Counter()
        for where, line in numbered_lines(rows, path):
            parts = LINE.fullmatch(line.strip())
            if parts is None:
                rows.reject(where, f"not a line of the form VIDEO {time} {time}##query")
                continue
            try:
                truths = None if parts["start"] is None else [[seconds(parts["start"]), seconds(parts["end"])]]
            except ValueError:
                written = f"{shown(parts['start'])} and {shown(parts['end'])}"
                rows.reject(where, f"start and end must be {time}, not {written}")
                continue
            video = parts["video"]
            rows.add(where, qid=f"{video}#{asked[video]}", video=video, query=parts["query"], truths=truths)
            asked[video] += 1
