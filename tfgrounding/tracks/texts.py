"""Texts with times (captions, subtitles, notes) become stretches of time that follow each other without a gap."""

from __future__ import annotations

import reprlib
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from math import isfinite
from numbers import Real
from typing import Any

import numpy as np

from ..errors import TFGroundingError, one_line

MOST_TEXTS = 200_000  # of one video: one every half second of a whole day
LONGEST_VIDEO_SECONDS = 10_000_000.0  # nearly four months; longer ones are a slip of units
SHORTEST_VIDEO_SECONDS = 1e-6
DECIMALS = 3  # of times: subtitles know thousandths of a second; times closer than that are the same
PAUSE_SECONDS = 2.0  # between two texts: a shorter one belongs half to each


@dataclass(frozen=True, slots=True)
class TimedTexts:
    """The texts of one video, checked and in order of time.

    `texts`: each different text once, sorted. `number`: (N,) which of them the n-th is. `start_seconds`, `end_seconds`:
    (N,), 0 <= start < end <= duration. `warnings`: what was cut or left out.
    """

    texts: tuple[str, ...]
    number: np.ndarray
    start_seconds: np.ndarray
    end_seconds: np.ndarray
    duration_seconds: float
    warnings: tuple[str, ...] = ()

    def __len__(self) -> int:
        return len(self.number)

    def has_text(self, start_seconds: float, end_seconds: float) -> bool:
        """Whether any text overlaps this interval."""
        return bool(((self.start_seconds < end_seconds) & (self.end_seconds > start_seconds)).any())


def timed_texts(texts: Iterable[tuple[float, float, str]], duration_seconds: float) -> TimedTexts:
    """Check texts and sort them by time.

    Args:
        texts: (start_seconds, end_seconds, text) each, in any order; they may overlap or leave gaps.
        duration_seconds: length of the video, > 0. Times outside the video are cut off there, with a warning.

    Raises:
        TFGroundingError: a text without two finite times or that is no text, an end that is not after its start, no
            text at all, or more than MOST_TEXTS.
    """
    duration = _duration(duration_seconds)
    if isinstance(texts, str | bytes | dict):
        raise TFGroundingError(
            f"texts must be a list of (start_seconds, end_seconds, text), not {type(texts).__name__}"
        )
    try:
        given = list(islice(iter(texts), MOST_TEXTS + 1))
    except TypeError as error:
        raise TFGroundingError(f"texts must be a list of (start_seconds, end_seconds, text) ({error})") from error
    if len(given) > MOST_TEXTS:
        raise TFGroundingError(f"there may be at most {MOST_TEXTS:,} texts of one video")
    kept, empty, outside, cut = [], 0, 0, 0
    for n, row in enumerate(given):
        start, end, text = _checked(n, row)
        if not text:
            empty += 1
        elif end <= 0 or start >= duration:
            outside += 1
        else:
            cut += start < -(10.0**-DECIMALS) or end > duration + 10.0**-DECIMALS
            kept.append((*_on_grid(max(start, 0.0), min(end, duration), duration), text))
    if not kept:
        why = f": of {len(given):,} texts {empty:,} are empty and {outside:,} outside the video" if given else ""
        raise TFGroundingError(f"there is no text to search in{why}")
    kept.sort()
    different = sorted({text for _, _, text in kept})
    place = {text: k for k, text in enumerate(different)}
    warnings = {
        "empty texts were left out": empty,
        "texts that lie outside the video were left out": outside,
        "texts that reach outside the video were cut off there": cut,
    }
    return TimedTexts(
        texts=tuple(different),
        number=np.array([place[text] for _, _, text in kept], dtype=np.int64),
        start_seconds=np.array([start for start, _, _ in kept]),
        end_seconds=np.array([end for _, end, _ in kept]),
        duration_seconds=duration,
        warnings=tuple(warning for warning, count in warnings.items() if count),
    )


def text_stretches(texts: TimedTexts, vectors: np.ndarray, nothing: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A vector for every stretch of the video between two times at which a text begins or ends.

    Where several texts overlap it is the mean of theirs. Where there is none it is `nothing`, but a pause between two
    texts of at most PAUSE_SECONDS belongs half to the one before and half to the one after.

    Args:
        texts: N texts of one video, of which K are different.
        vectors: (K, D) float32 of the different ones.
        nothing: (D,) for stretches without a text.

    Returns:
        (T + 1,) float64 edges from 0 to the duration, T <= 2 N + 1, and (T, D) float32.
    """
    edges = np.unique(np.concatenate([[0.0, texts.duration_seconds], texts.start_seconds, texts.end_seconds]))
    stretches = len(edges) - 1
    first, after = np.searchsorted(edges, texts.start_seconds), np.searchsorted(edges, texts.end_seconds)
    count = _running(first, after, np.ones(len(texts), dtype=np.int64), stretches)
    found = np.empty((stretches, vectors.shape[1]), dtype=np.float32)
    found[count == 0] = nothing
    found[count == 1] = vectors[_running(first, after, texts.number, stretches)[count == 1]]
    if (count > 1).any():
        _add_means(found, vectors, texts.number, first, after, count)
    length = np.diff(edges)
    pause = (count == 0) & (length <= PAUSE_SECONDS)
    pause[[0, -1]] = False
    starts = edges[:-1].copy()
    starts[1:][pause[:-1]] = (edges[:-1] + length / 2)[pause]
    kept = ~pause
    return np.append(starts[kept], texts.duration_seconds), found[kept]


def _running(first: np.ndarray, after: np.ndarray, values: np.ndarray, stretches: int) -> np.ndarray:
    """(T,) sum of the values of all texts that cover each stretch."""
    changes = np.zeros(stretches + 1, dtype=np.int64)
    np.add.at(changes, first, values)
    np.subtract.at(changes, after, values)
    return np.cumsum(changes)[:stretches]


def _add_means(
    found: np.ndarray, vectors: np.ndarray, number: np.ndarray, first: np.ndarray, after: np.ndarray, count: np.ndarray
) -> None:
    """Write the mean of the texts' vectors into each of the `found` stretches that several texts cover."""
    begins, ends = np.argsort(first, kind="stable"), np.argsort(after, kind="stable")
    total = np.zeros(vectors.shape[1])
    b = e = 0
    for t in range(len(found)):
        while b < len(begins) and first[begins[b]] == t:
            total += vectors[number[begins[b]]]
            b += 1
        while e < len(ends) and after[ends[e]] == t:
            total -= vectors[number[ends[e]]]
            e += 1
        if count[t] == 0:
            total[:] = 0  # rounding does not add up over a long video
        elif count[t] > 1:
            found[t] = total / count[t]


def _duration(value: Any) -> float:
    if not _is_number(value) or not SHORTEST_VIDEO_SECONDS <= value <= LONGEST_VIDEO_SECONDS:
        raise TFGroundingError(
            f"duration_seconds must be above 0 and at most {LONGEST_VIDEO_SECONDS:,.0f} seconds, not {_shown(value)}"
        )
    return float(value)


def _checked(n: int, row: Any) -> tuple[float, float, str]:
    if not isinstance(row, list | tuple) or len(row) != 3:
        raise TFGroundingError(f"texts[{n}] must be (start_seconds, end_seconds, text), not {_shown(row)}")
    start, end, text = row
    if not (_is_number(start) and _is_number(end)):
        raise TFGroundingError(f"texts[{n}] must begin with two finite numbers of seconds, not {_shown(row)}")
    if end <= start:
        raise TFGroundingError(f"texts[{n}] must end after it starts, not at {end:g} s after {start:g} s")
    if not isinstance(text, str):
        raise TFGroundingError(f"texts[{n}] must hold a text, not {type(text).__name__}")
    return float(start), float(end), text.strip()


def _is_number(value: Any) -> bool:
    try:
        return isinstance(value, Real) and not isinstance(value, bool | np.bool_) and isfinite(value)
    except OverflowError:
        return False


def _on_grid(start: float, end: float, duration: float) -> tuple[float, float]:
    """Both times rounded to DECIMALS, but for the video's end; still start < end."""
    start, end = min(round(start, DECIMALS), duration), min(round(end, DECIMALS), duration)
    if start < end:
        return start, end
    shortest = 10.0**-DECIMALS
    start = max(0.0, start - shortest) if end + shortest > duration else start
    return start, min(duration, start + shortest)


def _shown(value: Any) -> str:
    return one_line(reprlib.repr(value), most=80)
