"""Writing files so that a crash or a full disk keeps what was there before."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

DRAFT_PREFIX = ".tfgrounding-"  # of files that are being written


def write_atomically(path: str | os.PathLike[str], content: bytes | str) -> None:
    """Write a file whole or not at all; its folder is made where it is missing.

    Args:
        path: the file; one that is there is replaced.
        content: bytes, or text, which is written as UTF-8.

    Raises:
        OSError: the folder or the file cannot be written; an earlier file is unchanged.
    """
    with draft(path) as place:
        place.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8", "backslashreplace"))


@contextmanager
def draft(path: str | os.PathLike[str]) -> Iterator[Path]:
    """A new file beside `path`, with its ending, which takes its place if the block ends without an error.

    Raises:
        OSError: the folder or the file cannot be written.
    """
    target = Path(path)
    if target.exists() and not target.is_file():  # /dev/stdout, /dev/null: nothing can be beside them
        yield target
        return
    target = Path(os.path.realpath(target))  # a link stays a link
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=DRAFT_PREFIX, suffix=target.suffix, dir=target.parent)
    os.close(handle)
    place = Path(name)
    try:
        yield place
        place.chmod(target.stat().st_mode & 0o777 if target.exists() else _usual_mode())
        place.replace(target)
    except BaseException:
        place.unlink(missing_ok=True)
        raise


def shortened(name: str, most_bytes: int) -> str:
    """The beginning of a file's name that takes so many bytes at most, without what is no text.

    File systems take 255 bytes for a whole name.
    """
    return name.encode("utf-8", "ignore")[:most_bytes].decode("utf-8", "ignore")


def _usual_mode() -> int:
    """What a file made with `open` may be used for."""
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask
