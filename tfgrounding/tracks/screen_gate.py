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
    stand still now; and after so many seconds all the same.

    Args:
        every_seconds: the longest time between two searches.
    """

    def __init__(self, every_seconds: float) -> None:
        self._every = every_seconds
        self._searched_seconds = -np.inf
        self._searched = self._before = self._strokes_around = np.zeros((0, 0), dtype=np.float32)

    def is_due(self, grey: np.ndarray, seconds: float, *, asked: bool = False) -> bool:
        """Whether to search this sample; the answer "yes" is taken as done.

        Args:
            grey: (H, W) uint8, of the same size each time.
            seconds: when it is on screen.
            asked: whether there is another reason to search it.
        """
        grey = grey.astype(np.float32)
        across = _share_of_edges(grey, axis=1)
        due = asked or seconds - self._searched_seconds >= self._every or self._has_news(grey, across)
        if due:
            self._searched_seconds, self._searched = seconds, grey
            self._strokes_around = _largest_around(across)
        self._before = grey
        return due

    def _has_news(self, grey: np.ndarray, across: np.ndarray) -> bool:
        like_text = (across > LIKE_TEXT_ACROSS) & (_share_of_edges(grey, axis=0) > LIKE_TEXT_DOWN)
        if not like_text.any():
            return False
        rose = across - self._strokes_around > RISE
        changed = _cell_means(np.abs(grey - self._searched)) > CHANGED
        steady = _cell_means(np.abs(grey - self._before)) < STEADY
        return _has_run(like_text & rose) or _has_run(like_text & changed & steady)


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
