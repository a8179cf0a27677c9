"""Files of texts with times, in place of videos: one {"vid", "texts": [[start, end, text], ...]} a line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..errors import DatasetError
from .datasets import Rows
from .datasets.samples import BadRow, shown
from .datasets.text import read_json_rows

LAYOUT = "vid and texts [[start_seconds, end_seconds, text], ...]"


class Captions:
    """The texts of many videos.

    Args:
        path: a .jsonl file, or one compressed as .jsonl.gz, of rows with LAYOUT. What else a row holds is not read.

    Attributes:
        bad: rows that hold no texts of a video, with the reason.

    Raises:
        DatasetError: there is no such file, it cannot be read, or no row of it can be used.
    """

    def __init__(self, path: str | Path) -> None:
        self._path = Path(path)
        self._texts: dict[str, list[Any]] = {}
        rows = Rows()
        for where, _, row in read_json_rows(rows, self._path):
            if problem := self._problem(row):
                rows.reject(where, problem)
            else:
                self._texts[row["vid"]] = row["texts"]
        self.bad: tuple[BadRow, ...] = tuple(rows.bad)
        if not self._texts:
            why = f"the first is {self.bad[0].where}: {self.bad[0].reason}" if self.bad else "it is empty"
            raise DatasetError(f"{path}: no row has {LAYOUT}; {why}")

    def __len__(self) -> int:
        return len(self._texts)

    def find(self, video: str) -> list[Any]:
        """The texts of a video as the file has them, not checked yet. Raises DatasetError where it has none."""
        if video not in self._texts:
            raise DatasetError(f"{self._path} has no texts of the video {shown(video)}")
        return self._texts[video]

    def notes(self) -> list[str]:
        """What is to be said of rows that cannot be used, in one sentence."""
        if not self.bad:
            return []
        return [
            f"{len(self.bad):,} rows of captions cannot be used, the first {self.bad[0].where}: {self.bad[0].reason}"
        ]

    def _problem(self, row: dict[str, Any]) -> str:
        """Why a row cannot be used; "" where it can."""
        video, texts = row.get("vid"), row.get("texts")
        if not isinstance(video, str) or not video or not isinstance(texts, list):
            return f"has not {LAYOUT}, but {shown(list(row))}"
        return f"the video {shown(video)} is there twice; its first row counts" if video in self._texts else ""
