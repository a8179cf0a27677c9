"""From the name of a data set, or the path of an annotation file, to its samples."""

from __future__ import annotations

import os
import re
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ...errors import DatasetError, in_one_line
from ...registry import make, names
from .samples import Dataset, Rows
from .text import parse_json, read_text

ENDINGS = (".json", ".jsonl", ".txt", ".jsonl.gz")


class Reader(ABC):
    """Reads the annotation files of one data set; a class of your own needs only the same names.

    `source` says where the files come from. `stride_frames`, `longest_share`: TFVTG's window grid for this data set,
    None for the localizer's own.
    """

    source: str = "its annotation files"
    stride_frames: int | None = None
    longest_share: float | None = None

    @abstractmethod
    def read(self, rows: Rows, paths: Sequence[Path]) -> None:
        """Read the files: `rows.add` for each row, `rows.reject` for what cannot be read."""


def load_dataset(dataset: str | os.PathLike[str] | Reader, *files: str | os.PathLike[str]) -> Dataset:
    """Read the annotations of a data set; nothing is downloaded.

    Args:
        dataset: the name of a data set, "module:Class" or an object with a `read` like Reader's, or the path of an
            annotation file whose layout its content shows.
        files: the annotation files of a data set that is not given as a path.

    Returns:
        A Dataset whose samples are in the order of the files.

    Raises:
        DatasetError: no such data set, a missing file, or one that is not laid out like this.
    """
    name, reader, paths = _resolve(dataset, files)
    if not paths:
        source = getattr(reader, "source", Reader.source)
        raise DatasetError(
            f"{name} needs its annotation file, and nothing is downloaded (--annotations FILE): {source}"
        )
    rows = Rows()
    try:
        reader.read(rows, paths)
    except DatasetError:
        raise
    except Exception as error:  # a reader may be anybody's
        raise DatasetError(f"{name}: the annotations cannot be read ({in_one_line(error)})") from error
    return Dataset(
        name,
        tuple(str(path) for path in paths),
        tuple(rows.samples),
        tuple(rows.bad),
        getattr(reader, "stride_frames", None),
        getattr(reader, "longest_share", None),
        tuple(rows.notes),
    )


def _resolve(dataset: Any, files: Sequence[str | os.PathLike[str]]) -> tuple[str, Any, list[Path]]:
    """(name, reader, annotation files)"""
    paths = [Path(file) for file in files]
    if not isinstance(dataset, str | os.PathLike):
        reader = make("datasets", dataset, needs=("read",), error=DatasetError)
        return str(getattr(reader, "name", type(reader).__name__)), reader, paths
    name = os.fspath(dataset)
    if name not in names("datasets"):
        if not files and Path(name).exists():
            paths = [Path(name)]
            name = _layout_of(paths[0])
        elif ":" not in name or isinstance(dataset, os.PathLike):
            if not files and name.lower().endswith(ENDINGS):
                raise DatasetError(f"{name}: there is no such annotation file")
            raise DatasetError(
                f"{name!r} is neither a data set nor an annotation file; choose "
                f"{', '.join(sorted(names('datasets')))}, "
                f"module:Class, or the path of a {', '.join(ENDINGS)} file"
            )
    return name, make("datasets", name, needs=("read",), error=DatasetError), paths


def _layout_of(path: Path) -> str:
    """The name of the data set that is laid out like a file."""
    text = read_text(path)
    first = next((line for line in text.split("\n") if line.strip()), "")
    ending = Path(path.name.lower().removesuffix(".gz")).suffix
    if ending == ".jsonl" or (ending == ".json" and _has_rows(first)):
        return "qvhighlights" if '"saliency_scores"' in first else "jsonl"
    if ending == ".json":
        video = (re.search(r'"([^"]+)"', text) or [""] * 2)[1]
        return "activitynet" if video.startswith("v_") else "uca" if video.endswith("_x264") else "charades-sta"
    if "##" in first:
        return "uca" if ":" in first.split("##")[0] else "charades-sta"
    raise DatasetError(
        f"{path}: its layout is not known; say which data set it is: {', '.join(sorted(names('datasets')))} with "
        "--annotations"
    )


def _has_rows(first_line: str) -> bool:
    """Whether a JSON file begins with a list, or with an object that is one row."""
    if first_line.lstrip().startswith("["):
        return True
    try:
        row = parse_json(first_line)
    except ValueError:
        return False
    return isinstance(row, dict) and ("query" in row or "vid" in row)
