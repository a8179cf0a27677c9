"""One writer a file: a lock that the system takes back when its process ends, however that happens."""

from __future__ import annotations

import os
from importlib import import_module
from typing import Any

fcntl: Any
msvcrt: Any
try:
    fcntl, msvcrt = import_module("fcntl"), None
except ModuleNotFoundError:  # Windows
    fcntl, msvcrt = None, import_module("msvcrt")

FAR_BYTE = 1 << 40  # Windows lets nobody else read a byte that is locked, so one after the end is taken
OPEN_FILES_CAN_BE_REPLACED = fcntl is not None


def lock(file: int) -> None:
    """Lock an open file until it is closed. Raises BlockingIOError where another process, or we, hold it already."""
    if fcntl is not None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return
    place = os.lseek(file, 0, os.SEEK_CUR)
    try:
        os.lseek(file, FAR_BYTE, os.SEEK_SET)
        msvcrt.locking(file, msvcrt.LK_NBLCK, 1)
    except OSError as error:
        raise BlockingIOError(error.errno, "the file is locked") from error
    finally:
        os.lseek(file, place, os.SEEK_SET)
