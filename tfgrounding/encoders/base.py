"""What every encoder offers, and what encoders share: devices and batches."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np

from ..errors import EncoderError


class Encoder(Protocol):
    """Puts frames and texts into one space, where a cosine says how well they fit.

    `name` and `revision` say which weights speak, and how: cached features are taken for good as long as both stay, so
    whatever changes the vectors changes `revision`; `frame_size` is the size in pixels at which `iter_frames` should
    deliver frames (as its `size`); `floor` is the cosine at and below which a frame does not show the text; `scale` is
    what cosines were multiplied by in the encoder's training (1 where they were not): differences of cosines times
    `scale` are differences of log-odds.
    """

    name: str
    revision: str
    frame_size: int | tuple[int, int]
    floor: float
    scale: float

    def encode_frames(self, pixels: np.ndarray) -> np.ndarray:
        """(T, H, W, 3) uint8 RGB frames -> (T, Q, D) float32 unit vectors, Q of them for every frame."""
        ...

    def encode_texts(self, texts: Sequence[str]) -> np.ndarray:
        """N texts -> (N, D) float32 unit vectors."""
        ...


def resolve_device(device: str) -> str:
    """The torch device to run on: what was asked for, or for "auto" the best there is.

    Raises:
        EncoderError: the device is not known, or this machine does not have it.
    """
    import torch

    available = ["cpu"]
    if torch.cuda.is_available():
        available[:0] = ["cuda", *(f"cuda:{i}" for i in range(torch.cuda.device_count()))]
    if torch.backends.mps.is_available():
        available.insert(0, "mps")
    if device == "auto":
        return available[0]
    if device not in available:
        raise EncoderError(f"device {device!r} is not available here; choose auto or one of {', '.join(available)}")
    return device


class Batches:
    """Runs a model over any number of items in batches that halve, and stay halved, when memory runs out."""

    def __init__(self, size: int) -> None:
        self.size = size

    def run(self, model: Callable[[np.ndarray], np.ndarray], items: np.ndarray) -> np.ndarray:
        """model(items[a:b]) for every batch, joined.

        Raises:
            EncoderError: not even one item fits.
        """
        results: list[np.ndarray] = []
        done = 0
        while done < len(items) or not results:
            batch = items[done : done + self.size]
            try:
                results.append(model(batch))
            except (MemoryError, RuntimeError) as error:
                if not _ran_out_of_memory(error):
                    raise
                if self.size == 1:
                    raise EncoderError(
                        f"not enough memory for a single frame ({str(error).splitlines()[0]}); "
                        "close other programs, or choose a smaller encoder or another device"
                    ) from error
                self.size = max(1, self.size // 2)
                _give_back_memory()
                continue
            done += len(batch)
        return np.concatenate(results)


def _ran_out_of_memory(error: BaseException) -> bool:
    """CUDA has its own error class; MPS and the CPU's allocator say it in words."""
    words = str(error).lower()
    return isinstance(error, MemoryError) or "out of memory" in words or "not enough memory" in words


def _give_back_memory() -> None:
    import torch

    if torch.cuda.is_available():
        torch.cuda.empty_cache()
