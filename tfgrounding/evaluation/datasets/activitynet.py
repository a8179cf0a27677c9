"""ActivityNet Captions: val_1, val_2, or both as one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from .base import Rows, read_captions

SOURCE = (
    "ActivityNet Captions (Krishna et al., ICCV 2017) is val_1.json and val_2.json of "
    "cs.stanford.edu/people/ranjaykrishna/densevid; the videos are those of activity-net.org"
)
STRIDE_FRAMES, LONGEST_SHARE = 40, 1.0


def read(rows: Rows, paths: Sequence[Path]) -> None:
    """Read {video: {duration, timestamps, sentences}}; val_1 and val_2 are two annotators on the same videos."""
    read_captions(rows, paths)
