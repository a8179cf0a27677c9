"""How kernels are compiled, and the two that every localizer needs.

Kernels release the GIL and are cached on disk; none is parallel: many queries run side by side in threads or processes
instead.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import numba
import numpy as np
from numba.core import event as numba_event


def kernel(function: Callable[..., Any], *, fastmath: bool | set[str] = False) -> Any:
    """Compile when first called; keep the result on disk where that can be written, else in memory only.

    `fastmath`: as in numba.njit, which rules of floating point numbers LLVM may break.
    """
    options: dict[str, Any] = {"nogil": True, "error_model": "numpy", "fastmath": fastmath}
    try:
        return numba.njit(cache=True, **options)(function)
    except RuntimeError:  # no folder for a cache: neither beside the module, nor NUMBA_CACHE_DIR, nor the user's own
        return numba.njit(**options)(function)


summing_kernel = partial(kernel, fastmath={"reassoc", "contract"})  # sums in any order: many lanes at once


class _Announcer(numba_event.Listener):
    def __init__(self, announce: Callable[[], None]) -> None:
        self.announce, self.announced = announce, False

    def on_start(self, _: numba_event.Event) -> None:
        if not self.announced:
            self.announced = True
            self.announce()

    def on_end(self, _: numba_event.Event) -> None:
        pass


@contextmanager
def announcing_compilation(announce: Callable[[], None]) -> Iterator[None]:
    """Within the block, call `announce` once if a kernel has to be compiled (not where it is read from the cache)."""
    with numba_event.install_listener("numba:compile", _Announcer(announce)):
        yield


@kernel
def largest_magnitude(table):
    """The largest absolute value of the (N, T) table; infinite if any value is not finite."""
    largest = 0.0
    for row in table:
        for value in row:
            if not np.isfinite(value):
                return np.inf
            largest = max(largest, abs(value))
    return largest


@kernel
def uniform_edges(frames, duration_seconds):
    """(T + 1,) borders t / T * duration."""
    edges = np.empty(frames + 1)
    for t in range(frames + 1):
        edges[t] = t / frames * duration_seconds
    return edges
