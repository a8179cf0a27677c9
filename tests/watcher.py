"""A vision model in this process that finds what is red, so that every engine can answer at once.

from watcher import RedWatcher
Grounder(engine="hybrid", encoder=colour_encoder, vlm=RedWatcher())
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np


class RedWatcher:
    """It is asked with numbers on frames, which it counts instead of reading them."""

    name = "watcher"

    def capacity(self, pictures: Sequence[Any]) -> int:
        return 1000

    def ask(self, parts: Sequence[Any], *, max_tokens: int = 256) -> str:
        words = [part for part in parts if isinstance(part, str)]
        pictures = [part for part in parts if not isinstance(part, str)]
        first = int(re.search(r"run from (\d+) to", words[-1])[1])
        red = [first + i for i, picture in enumerate(pictures) if _is_red(picture)]
        return f"from frame {red[0]} to frame {red[-1]}" if red else "none"

    def yes_probability(self, parts: Sequence[Any]) -> float:
        return float(np.mean([_is_red(part) for part in parts if not isinstance(part, str)]))


def _is_red(picture: np.ndarray) -> bool:
    upper = picture[: len(picture) // 2].astype(float).mean(axis=(0, 1))
    return bool(upper[0] > upper[2])
