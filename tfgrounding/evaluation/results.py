"""The result file of a run: one JSON object a line, appended row by row, whole again after any interruption."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from ..errors import DatasetError
from ..files import draft, write_atomically
from .locks import OPEN_FILES_CAN_BE_REPLACED, lock

Row = dict[str, Any]

SUBMITTED = ("qid", "query", "vid", "pred_relevant_windows", "pred_saliency_scores")  # QVHighlights' submission
APPENDING = os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0)


class Results:
    """A result file that is being written; use it in a `with` block, which keeps other runs out of the file.

    Opening it keeps every complete row of an earlier run and cuts off a last line that was being written when that
    run was killed. `rows` holds what the file holds, by qid.

    Args:
        path: the file; it and its folder are made when they are missing.

    Raises:
        DatasetError: it cannot be written, another run is writing it, or it is not a result file.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.rows: dict[int | str, Row] = {}
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            if self.path.exists() and not stat.S_ISREG(self.path.stat().st_mode):
                raise DatasetError(f"{path}: results need a file, and this is something else; choose another --output")
            self._file = os.open(self.path, APPENDING, 0o666)
        except OSError as error:
            raise DatasetError(f"{path}: cannot be written ({error.strerror})") from error
        try:
            self._lock(self._file)
            content = self.path.read_bytes()
            whole = content.rfind(b"\n") + 1
            self.rows = _by_qid(self.path, content[:whole])
            if whole < len(content):
                _check_torn(self.path, content[whole:])
                os.ftruncate(self._file, whole)
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
        """Write rows that are not there yet.

        Raises:
            DatasetError: they were made with other settings than the file's, or the disk is full.
        """
        new = [row for row in rows if row["qid"] not in self.rows]
        if new:
            self.check(new[0]["provenance"])
            text = "".join(json.dumps(row) + "\n" for row in new).encode("ascii")
            try:
                while text:
                    text = text[os.write(self._file, text) :]
            except OSError as error:
                raise DatasetError(f"{self.path}: cannot be written any further ({error.strerror})") from error
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
        """Take rows out, so that their queries are asked again; the file is replaced in one step.

        Raises:
            DatasetError: the disk is full; the file then stays as it was.
        """
        place = self.path.with_name(self.path.name + ".part")
        left_out = set(qids)
        rows = {qid: row for qid, row in self.rows.items() if qid not in left_out}
        try:
            place.write_bytes("".join(json.dumps(row) + "\n" for row in rows.values()).encode("ascii"))
        except OSError as error:
            place.unlink(missing_ok=True)
            raise DatasetError(f"{self.path}: cannot be written again ({error.strerror})") from error
        self.rows = rows
        if OPEN_FILES_CAN_BE_REPLACED:
            replacement = os.open(place, APPENDING)
            self._lock(replacement)
            place.replace(self.path)
            os.close(self._file)
            self._file = replacement
        else:
            os.close(self._file)
            place.replace(self.path)
            self._file = os.open(self.path, APPENDING)
            self._lock(self._file)

    def _lock(self, file: int) -> None:
        try:
            lock(file)
        except BlockingIOError as error:
            raise DatasetError(f"{self.path}: another run is writing this file; choose another --output") from error
        except OSError as error:
            raise DatasetError(f"{self.path}: cannot be locked ({error.strerror}); choose another --output") from error


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


def write_submission(path: str | Path, rows: Iterable[Row]) -> None:
    """Write answers as QVHighlights' evaluation server takes them; unanswered queries have empty lists.

    Raises:
        DatasetError: the file cannot be written.
    """
    lines = [json.dumps({name: row.get(name, []) for name in SUBMITTED}) + "\n" for row in rows]
    try:
        write_atomically(path, "".join(lines))
    except OSError as error:
        raise DatasetError(f"{path}: the submission cannot be written ({error.strerror})") from error


def check_parquet(path: Path) -> None:
    """Raise DatasetError unless a Parquet file can be written there: best known before the first query is asked."""
    try:
        import pyarrow.parquet  # noqa: F401
    except ImportError as error:
        raise DatasetError("writing Parquet needs pyarrow: pip install 'tfgrounding[ray]'") from error
    if path.is_dir():
        raise DatasetError(f"{path}: cannot be written (it is a folder)")


def to_parquet(path: str | Path, rows: Iterable[Row]) -> None:
    """Write result rows as a Parquet table; nested values keep their structure, plan and provenance are JSON.

    Raises:
        DatasetError: pyarrow is not installed, or the file cannot be written.
    """
    path = Path(path)
    check_parquet(path)
    import pyarrow
    import pyarrow.parquet

    table = [
        {**row, "qid": str(row["qid"]), **{name: json.dumps(row.get(name)) for name in ("plan", "provenance")}}
        for row in rows
    ]
    columns = dict.fromkeys(name for row in table for name in row)
    table = [{name: row.get(name) for name in columns} for row in table]
    try:
        with draft(path) as place:
            pyarrow.parquet.write_table(pyarrow.Table.from_pylist(table), str(place))
    except (OSError, pyarrow.ArrowException) as error:
        raise DatasetError(f"{path}: the table cannot be written ({error})") from error


def _by_qid(path: Path, lines: bytes) -> dict[int | str, Row]:
    rows: dict[int | str, Row] = {}
    for number, line in enumerate(lines.split(b"\n"), start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise DatasetError(
                f"{path}:{number}: not a row of results, but no JSON ({type(error).__name__})"
            ) from error
        if not _is_row(row):
            raise DatasetError(
                f"{path}:{number}: not a row of results (qid, vid, query, pred_relevant_windows [[start, end, score]])"
            )
        qid = row["qid"]
        if qid in rows:
            raise DatasetError(f"{path}:{number}: qid {qid!r} is duplicated")
        rows[qid] = row
    return rows


def _check_torn(path: Path, tail: bytes) -> None:
    """Raise DatasetError unless this may be the beginning of a row: other people's files are not cut."""
    start = b'{"qid": '
    try:
        ours = _is_row(json.loads(tail))
    except (ValueError, RecursionError):
        ours = tail.startswith(start) or start.startswith(tail)
    if not ours:
        raise DatasetError(f"{path}: holds something else than results; choose another --output")


def _is_row(row: Any) -> bool:
    return (
        isinstance(row, dict)
        and isinstance(row.get("qid"), int | str)
        and isinstance(row.get("vid"), str)
        and isinstance(row.get("query"), str)
        and _are_windows(row.get("pred_relevant_windows"))
        and _are_windows(row.get("relevant_windows") or [])
        and isinstance(row.get("provenance", {}), dict)
    )


def _are_windows(value: Any) -> bool:
    return isinstance(value, list) and all(
        isinstance(window, list) and len(window) >= 2 and all(isinstance(second, int | float) for second in window)
        for window in value
    )
