"""Charades-STA, and the splits Charades-CD and Charades-CG made from it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from .captions import read_captions
from .lines import read_lines
from .load import Reader
from .samples import Rows


class Charades(Reader):
    """The original lines `VIDEO start end##query` (.txt, no durations), or JSON with a key for each video.

    The JSON files differ in their other keys: TFVTG's and Charades-CG's call the length
    "duration", Charades-CD's "video_duration". Both forms of the test split give the same qids.
    """

    source = (
        "Charades-STA's test split (Gao et al., ICCV 2017) is charades_sta_test.txt of github.com/jiyanggao/TALL, or "
        "with durations charades_test.json of github.com/minghangz/TFVTG; Charades-CD's test-ood (Yuan et al., 2021) "
        "is charades_test_ood.json of github.com/yytzsy/grounding_changing_distribution; Charades-CG (Li et al., CVPR "
        "2022) is novel_composition.json and novel_word.json of github.com/YYJMJC/Compositional-Temporal-Grounding; "
        "the videos are Charades_v1_480 of prior.allenai.org/projects/charades"
    )
    stride_frames, longest_share = 20, 0.5

    def read(self, rows: Rows, paths: Sequence[Path]) -> None:
        if any(path.suffix.lower() == ".json" for path in paths):
            read_captions(rows, paths)
        else:
            read_lines(rows, paths, time="seconds", seconds=float)
