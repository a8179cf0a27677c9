"""UCA, the UCF-Crime surveillance videos with sentences."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from .base import Rows, read_captions
from .lines import read_lines

SOURCE = (
    "UCA's test split (Yuan et al., CVPR 2024) is UCFCrime_Test.json or .txt, linked from "
    "xuange923.github.io/Surveillance-Video-Understanding; the videos are UCF-Crime's (crcv.ucf.edu)"
)
STRIDE_FRAMES, LONGEST_SHARE = None, None
CLOCK = re.compile(r"(?:\d+:)?\d+:\d+(?:\.\d+)?")


def read(rows: Rows, paths: Sequence[Path]) -> None:
    """Read UCA's JSON, or its lines `VIDEO [hh:]mm:ss.s [hh:]mm:ss.s ##text`, which have no durations."""
    if any(path.suffix == ".json" for path in paths):
        read_captions(rows, paths)
        return
    read_lines(rows, paths, time="[hh:]mm:ss.s", seconds=_seconds)


def _seconds(clock: str) -> float:
    if CLOCK.fullmatch(clock) is None:
        raise ValueError(clock)
    *larger, seconds = clock.split(":")
    minutes = 0
    for part in larger:
        minutes = minutes * 60 + int(part)
    return round(minutes * 60 + float(seconds), 3)
