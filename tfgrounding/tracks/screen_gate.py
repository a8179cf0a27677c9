"""Which pictures of a video are worth searching for text: a millisecond a picture instead of a reader's hundreds."""

from __future__ import annotations

import numpy as np

CELL_PIXELS = 8  # the picture is looked at in cells of so many pixels by so many
EDGE = 30  # grey levels between neighbours that make an edge, of 255
LIKE_TEXT_ACROSS, LIKE_TEXT_DOWN = 0.18, 0.1  # share of a cell's pixels that are edges, where strokes stand
RISE = 0.12  # of that share since the last search, in the cell and all around it
CHANGED, STEADY = 12.0, 8.0  # mean grey levels: since the last search at least, since the last sample at most
RUN_CELLS = 3  # cells beside each other: a short word


class TextGate:
    """Says of each sample of a video, in order, whether a text may have come since the last search.

    It has where cells beside each other are full of strokes and were not at the last search, or have changed since and
    stand still now; and after so many seconds all the same. The picture is looked at in two sizes, for small letters
    and for large ones, whose strokes are too far from each other at full size.

    Args:
        every_seconds: the longest time between two searches.
    """

    def __init__(self, every_seconds: float) -> None:
        self._every = every_seconds
        self._searched_seconds = -np.inf
        self._searched: list[_Strokes] = []
        self._before: list[_Strokes] = []

    def is_due(self, grey: np.ndarray, seconds: float) -> bool:
        """Whether to search this sample; the answer "yes" is taken as done.

        Args:
            grey: (H, W) uint8, of the same size each time.
            seconds: when it is on screen.
        """
        sizes = [_Strokes(grey.astype(np.float32)), _Strokes(_halved(grey.astype(np.float32)))]
        due = seconds - self._searched_seconds >= self._every
        due = due or any(map(_has_news, sizes, self._before, self._searched))
        if due:
            self._searched_seconds, self._searched = seconds, sizes
        self._before = sizes
        return due


class _Strokes:
    """A grey picture of one size, and the shares of edges in its cells."""

    def __init__(self, grey: np.ndarray) -> None:
        self.grey = grey
        self.across, self.down = _share_of_edges(grey, axis=1), _share_of_edges(grey, axis=0)


def _has_news(now: _Strokes, before: _Strokes, searched: _Strokes) -> bool:
    like_text = (now.across > LIKE_TEXT_ACROSS) & (now.down > LIKE_TEXT_DOWN)
    if not like_text.any():
        return False
    rose = now.across - _largest_around(searched.across) > RISE
    changed = _cell_means(np.abs(now.grey - searched.grey)) > CHANGED
    steady = _cell_means(np.abs(now.grey - before.grey)) < STEADY
    return _has_run(like_text & rose) or _has_run(like_text & changed & steady)


def _halved(grey: np.ndarray) -> np.ndarray:
    """(H, W) -> half as high and wide; a last odd row or column, and pictures of one pixel, stay as they are."""
    if min(grey.shape) < 2:
        return grey
    high, wide = (length // 2 * 2 for length in grey.shape)
    return grey[:high, :wide].reshape(high // 2, 2, wide // 2, 2).mean(axis=(1, 3))


def _share_of_edges(grey: np.ndarray, axis: int) -> np.ndarray:
    """Share of each cell's pixels that differ much from the one before along an axis."""
    edges = np.zeros(grey.shape, dtype=np.float32)
    ahead = (slice(1, None), slice(None)) if axis == 0 else (slice(None), slice(1, None))
    edges[ahead] = np.abs(np.diff(grey, axis=axis)) > EDGE
    return _cell_means(edges)


def _cell_means(values: np.ndarray) -> np.ndarray:
    """(H, W) -> the mean of each cell; what is left over at the right and below is not looked at."""
    high, wide = (max(1, length // CELL_PIXELS) for length in values.shape)
    cells = values[: high * CELL_PIXELS, : wide * CELL_PIXELS]
    return cells.reshape(high, cells.shape[0] // high, wide, cells.shape[1] // wide).mean(axis=(1, 3))


def _largest_around(cells: np.ndarray) -> np.ndarray:
    """The largest value of each cell and its eight neighbours."""
    padded = np.pad(cells, 1, mode="edge")
    rows = np.maximum(np.maximum(padded[:-2], padded[1:-1]), padded[2:])
    return np.maximum(np.maximum(rows[:, :-2], rows[:, 1:-1]), rows[:, 2:])


def _has_run(cells: np.ndarray) -> bool:
    """Whether RUN_CELLS cells beside each other in a row are all true."""
    width = cells.shape[1] - RUN_CELLS + 1
    return width > 0 and bool(np.logical_and.reduce([cells[:, n : n + width] for n in range(RUN_CELLS)]).any())
