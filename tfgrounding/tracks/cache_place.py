"""Where features are kept, and how much of them: as the environment says, or as usual."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from ..errors import TFGroundingError

USUAL_LIMIT_GB = 10.0


def usual_folder() -> Path:
    """$TFGROUNDING_CACHE, or where the platform keeps caches."""
    if chosen := os.environ.get("TFGROUNDING_CACHE"):
        return Path(chosen).expanduser()
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "tfgrounding"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "tfgrounding" / "Cache"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tfgrounding"


def usual_limit_bytes() -> int:
    """$TFGROUNDING_CACHE_GB gigabytes, or 10."""
    stated = os.environ.get("TFGROUNDING_CACHE_GB") or USUAL_LIMIT_GB
    try:
        limit = int(float(stated) * 1e9)
    except (ValueError, OverflowError):
        limit = -1
    if limit < 0:
        raise TFGroundingError(f"TFGROUNDING_CACHE_GB must be a number of gigabytes from 0 on, not {stated!r}")
    return limit
