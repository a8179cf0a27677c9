"""All benches, by the groups that can be chosen."""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path

from .bench import Bench
from .captions import captions_bench
from .charades import charades_bench, clip_b32_benches, read_cases
from .filmed import footage_benches

GROUPS = ("L/14", "B/32", "captions", "haystack", "untrimmed")
LOADERS: dict[str, Callable[[Path], list[Bench]]] = {  # by the folder of the data
    "charades": lambda folder: [charades_bench("L/14", "L/14", read_cases(folder))],
    "charades_clip_b32": clip_b32_benches,
    "captions": lambda folder: [captions_bench(folder)],
    "footage": footage_benches,
}
FOLDER_OF = {
    "L/14": "charades",
    "B/32": "charades_clip_b32",
    "captions": "captions",
    "haystack": "footage",
    "untrimmed": "footage",
}


def load_benches(data: Path, groups: Collection[str] = GROUPS) -> list[Bench]:
    """The benches of these groups.

    Args:
        data: the folder that holds the folders of LOADERS.
        groups: some of GROUPS.

    Raises:
        FileNotFoundError: the data of a group are not there.
    """
    found = []
    for name, load in LOADERS.items():
        if any(FOLDER_OF[group] == name for group in groups):
            if not (data / name).is_dir():
                raise FileNotFoundError(f"{data / name} is not there")
            found += [bench for bench in load(data / name) if bench.group in groups]
    return found
