"""Annotation files as text and JSON, read with care: their encodings, line ends and sizes are anybody's."""

from __future__ import annotations

import codecs
import gzip
import json
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ...errors import DatasetError
from .samples import Rows

LARGEST_FILE_BYTES = 256 << 20
LONGEST_LINE = 4 << 20  # characters
MARKS = (  # the longest first: UTF-16's is the beginning of UTF-32's
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def read_text(path: Path) -> str:
    r"""A file's text with \n as line end; UTF-8, or UTF-16 and UTF-32 where the file begins with their mark.

    A file whose name ends in .gz is decompressed. Bytes that are not UTF-8 stay in the text as lone surrogates: they
    may name files, but are no query.

    Raises:
        DatasetError: there is no such file, it is too large, or it is no text.
    """
    try:
        if not path.is_file():
            path.stat()
            raise DatasetError(f"{path}: the annotations must be a file")
        size = path.stat().st_size
        if size > LARGEST_FILE_BYTES:
            raise DatasetError(
                f"{path}: has {size >> 20:,} MB; annotations of more than {LARGEST_FILE_BYTES >> 20} MB must be split"
            )
        content = _decompressed(path) if path.suffix.lower() == ".gz" else path.read_bytes()
    except OSError as error:
        raise DatasetError(f"{path}: the annotations cannot be read ({error.strerror})") from error
    except ValueError as error:
        raise DatasetError(f"{str(path)!r}: is no name of a file ({error})") from error
    encoding = next((name for mark, name in MARKS if content.startswith(mark)), "utf-8")
    if encoding == "utf-8" and b"\0" in content[:4096]:
        raise DatasetError(f"{path}: is no text, or UTF-16 without a byte order mark; save it as UTF-8")
    try:
        text = content.decode(encoding, errors="surrogateescape" if encoding.startswith("utf-8") else "strict")
    except UnicodeDecodeError as error:
        raise DatasetError(
            f"{path}: is not {encoding.upper()}, though its first bytes say so ({error.reason})"
        ) from error
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _decompressed(path: Path) -> bytes:
    try:
        with gzip.open(path) as file:
            content = file.read(LARGEST_FILE_BYTES + 1)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise DatasetError(f"{path}: is not a whole gzip file ({error})") from error
    if len(content) > LARGEST_FILE_BYTES:
        raise DatasetError(f"{path}: holds more than {LARGEST_FILE_BYTES >> 20} MB; split it into several files")
    return content


def parse_json(text: str) -> Any:
    """What a JSON text holds. Raises ValueError, also where it is nested too deep."""
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError("nested too deep") from None


def numbered_lines(rows: Rows, path: Path) -> Iterator[tuple[str, str]]:
    """(file:line, line) of every line that is not empty; those that are too long go to `rows` as bad."""
    return _lines(rows, path, read_text(path))


def read_json_rows(rows: Rows, path: Path) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """(where, number, object) of every row that holds one, of JSON lines or of one JSON list; others go to `rows`."""
    for where, number, row in _json_values(rows, path):
        if isinstance(row, dict):
            yield where, number, row
        else:
            rows.reject(where, f"not a JSON object but {type(row).__name__}")


def _json_values(rows: Rows, path: Path) -> Iterator[tuple[str, str, Any]]:
    text = read_text(path)
    if text.lstrip().startswith("["):
        try:
            whole = parse_json(text)
        except ValueError:
            whole = None  # lines, then, or a damaged list: the lines will show
        if isinstance(whole, list):
            yield from ((f"{path}[{k}]", str(k), row) for k, row in enumerate(whole))
            return
    for where, line in _lines(rows, path, text):
        try:
            row = parse_json(line)
        except ValueError as error:
            rows.reject(where, f"not JSON ({error})")
            continue
        yield where, where.rpartition(":")[2], row


def _lines(rows: Rows, path: Path, text: str) -> Iterator[tuple[str, str]]:
    for number, line in enumerate(text.split("\n"), start=1):
        where = f"{path}:{number}"
        if len(line) > LONGEST_LINE:
            rows.reject(where, f"has {len(line):,} characters; a row may have at most {LONGEST_LINE:,}")
        elif line.strip():
            yield where, line
