"""ActivityNet Captions: val_1, val_2, or both as one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from .captions import read_captions
from .load import Reader
from .samples import Rows


class ActivityNet(Reader):
    """{video: {duration, timestamps, sentences}}; val_1 and val_2 are two annotators on the same videos."""

    source = (
        "ActivityNet Captions (Krishna et al., ICCV 2017) is val_1.json and val_2.json of "
        "cs.stanford.edu/people/ranjaykrishna/densevid; the videos are those of activity-net.org"
    )
    stride_frames, longest_share = 40, 1.0

    def read(self, rows: Rows, paths: Sequence[Path]) -> None:
        read_captions(rows, paths)
