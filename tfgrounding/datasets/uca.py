"""UCA, the UCF-Crime surveillance videos with sentences."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from .base import Rows, read_captions, read_text

SOURCE = (
    "UCA's test split (Yuan et al., CVPR 2024) is UCFCrime_Test.json or .txt, linked from "
    "xuange923.github.io/Surveillance-Video-Understanding; the videos are UCF-Crime's (crcv.ucf.edu)"
)
STRIDE_FRAMES, LONGEST_SHARE = None, None
CLOCK = r"(?:\d+:)?\d+:\d+(?:\.\d+)?"
LINE = re.compile(rf"(?P<video>\S+)\s+(?P<start>{CLOCK})\s+(?P<end>{CLOCK})\s*##(?P<query>.*)", re.DOTALL)


def read(rows: Rows, paths: Sequence[Path]) -> None:
    """Read UCA's JSON, or its lines `VIDEO [hh:]mm:ss.s [hh:]mm:ss.s ##text`, which have no durations."""
    if any(path.suffix == ".json" for path in paths):
        read_captions(rows, paths)
        return
    for path in paths:
        asked: Counter[str] = Counter()
        for number, line in enumerate(read_text(path).split("\n"), start=1):
            if not line.strip():
                continue
            where = f"{path}:{number}"
            parts = LINE.fullmatch(line.strip())
            if parts is None:
                rows.reject(where, "not a line of the form VIDEO mm:ss.s mm:ss.s ##text")
                continue
            truth = [_seconds(parts["start"]), _seconds(parts["end"])]
            video = parts["video"]
            rows.add(where, qid=f"{video}#{asked[video]}", video=video, query=parts["query"], truths=[truth])
            asked[video] += 1


def _seconds(clock: str) -> float:
    *larger, seconds = clock.split(":")
    minutes = 0
    for part in larger:
        minutes = minutes * 60 + int(part)
    return round(minutes * 60 + float(seconds), 3)
