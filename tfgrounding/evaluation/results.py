"""The result file of a run: one JSON object a line, appended row by row, whole again after any interruption."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from ..errors import DatasetError

Row = dict[str, Any]


class Results:
    """A result file that is being written; use it in a `with` block, which keeps other runs out of the file.

    Opening it keeps every complete row of an earlier run and cuts off a last line that was being written when that
    run was killed. `rows` holds what the file holds, by qid.

    Args:
        path: the file; it and its folder are made when they are missing.

    Raises:
        DatasetError: another run is writing it, or it is not a result file.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.rows: dict[int | str, Row] = {}
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o666)
        except OSError as error:
            raise DatasetError(f"{path}: cannot be written ({error.strerror})") from error
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            content = self.path.read_bytes()
            whole = content.rfind(b"\n") + 1
            self.rows = _by_qid(self.path, content[:whole])
            if whole < len(content):
                os.ftruncate(self._file, whole)
        except BlockingIOError as error:
            os.close(self._file)
            raise DatasetError(f"{path}: another run is writing this file; choose another --output") from error
        except DatasetError:
            os.close(self._file)
            raise

    def __enter__(self) -> Results:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self._file)

    def append(self, rows: Sequence[Row]) -> None:
        """Write rows that are not there yet. Raises DatasetError if they come from other settings than the file's."""
        new = [row for row in rows if row["qid"] not in self.rows]
        if new:
            self.check(new[0]["provenance"])
            text = "".join(json.dumps(row) + "\n" for row in new).encode("ascii")
            while text:
                text = text[os.write(self._file, text) :]
            self.rows.update((row["qid"], row) for row in new)

    def check(self, provenance: Mapping[str, Any]) -> None:
        """Raise DatasetError, naming what differs, unless the file's rows were made with these settings too."""
        made_with = next((row.get("provenance", {}) for row in self.rows.values()), provenance)
        differing = sorted(
            f"{name} {made_with[name]!r}, now {provenance[name]!r}"
            for name in provenance.keys() & made_with.keys()
            if provenance[name] != made_with[name]
        )
        if differing:
            raise DatasetError(
                f"{self.path} was made with {'; '.join(differing)}: choose another --output, or remove the file"
            )

    def forget(self, qids: Iterable[int | str]) -> None:
        """Take rows out, so that their queries are asked again; the file is replaced in one step."""
        for qid in qids:
            self.rows.pop(qid, None)
        beside = self.path.with_name(self.path.name + ".part")
        beside.write_text("".join(json.dumps(row) + "\n" for row in self.rows.values()), encoding="ascii")
        replacement = os.open(beside, os.O_RDWR | os.O_APPEND)
        fcntl.flock(replacement, fcntl.LOCK_EX)
        beside.replace(self.path)
        os.close(self._file)
        self._file = replacement


def read_results(path: str | Path) -> dict[int | str, Row]:
    """The rows of a result file by qid; a last line that is not complete yet is left out.

    Raises:
        DatasetError: there is no such file, or it is not a result file.
    """
    try:
        content = Path(path).read_bytes()
    except OSError as error:
        raise DatasetError(f"{path}: the results cannot be read ({error.strerror})") from error
    return _by_qid(Path(path), content[: content.rfind(b"\n") + 1])


def to_parquet(path: str | Path, rows: Iterable[Row]) -> None:
    """Write result rows as a Parquet table beside the JSONL; nested values keep their structure, provenance is JSON.

    Raises:
        DatasetError: pyarrow is not installed.
    """
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError as error:
        raise DatasetError("writing Parquet needs pyarrow: pip install 'tfgrounding[ray]'") from error
    table = [{**row, "qid": str(row["qid"]), "provenance": json.dumps(row["provenance"])} for row in rows]
    columns = dict.fromkeys(name for row in table for name in row)
    table = [{name: row.get(name) for name in columns} for row in table]
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(table), str(path))


def _by_qid(path: Path, lines: bytes) -> dict[int | str, Row]:
    rows: dict[int | str, Row] = {}
    for number, line in enumerate(lines.split(b"\n"), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            qid = row["qid"]
            row["pred_relevant_windows"]
        except (ValueError, KeyError, TypeError) as error:
            raise DatasetError(f"{path}:{number}: not a row of results (qid, pred_relevant_windows, ...)") from error
        if qid in rows:
            raise DatasetError(f"{path}:{number}: qid {qid!r} stands in this file twice")
        rows[qid] = row
    return rows
