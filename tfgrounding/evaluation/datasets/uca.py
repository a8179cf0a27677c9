"""UCA, the UCF-Crime surveillance videos with sentences."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from .captions import read_captions
from .lines import read_lines
from .load import Reader
from .samples import Rows

CLOCK = re.compile(r"(?:\d{1,6}:)?\d{1,6}:\d{1,6}(?:\.\d{1,9})?", re.ASCII)


class UCA(Reader):
    """UCA's JSON, or its lines `VIDEO [hh:]mm:ss.s [hh:]mm:ss.s ##text`, which have no durations."""

    source = (
        "UCA's test split (Yuan et al., CVPR 2024) is UCFCrime_Test.json or .txt, linked from "
        "xuange923.github.io/Surveillance-Video-Understanding; the videos are UCF-Crime's (crcv.ucf.edu)"
    )

    def read(self, rows: Rows, paths: Sequence[Path]) -> None:
        if any(path.suffix.lower() == ".json" for path in paths):
            read_captions(rows, paths)
        else:
            read_lines(rows, paths, time="[hh:]mm:ss.s", seconds=_seconds)


def _seconds(clock: str) -> float:
    if CLOCK.fullmatch(clock) is None:
        raise ValueError(clock)
    *larger, seconds = clock.split(":")
    minutes = 0
    for part in larger:
        minutes = minutes * 60 + int(part)
    return round(minutes * 60 + float(seconds), 3)
