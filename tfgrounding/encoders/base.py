"""The door every encoder stands behind, and the list of those that can be asked for by name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np

from ..errors import EncoderError


class Encoder(Protocol):
    """Puts frames and texts into one space, where a cosine says how well they fit.

    `name` and `revision` say which weights speak; `frame_size` is the size in pixels at which `iter_frames` should
    deliver frames (as its `size`); `floor` is the cosine at and below which a frame does not show the text.
    """

    name: str
    revision: str
    frame_size: int | tuple[int, int]
    floor: float

    def encode_frames(self, pixels: np.ndarray) -> np.ndarray:
        """(T, H, W, 3) uint8 RGB frames -> (T, Q, D) float32 unit vectors, Q of them for every frame."""
        ...

    def encode_texts(self, texts: Sequence[str]) -> np.ndarray:
        """N texts -> (N, D) float32 unit vectors."""
        ...


def _embedded(device: str) -> Encoder:
    from .embedded import EmbeddedEncoder

    return EmbeddedEncoder(device=device)


ENCODERS: dict[str, Callable[[str], Encoder]] = {
    "embedded": _embedded,
}


def load_encoder(name: str = "auto", *, device: str = "auto") -> Encoder:
    """Load the encoder of that name.

    Args:
        name: one of ENCODERS, or "auto": the best whose weights are on this machine; "auto" never downloads.
        device: "auto", "cpu", "cuda", "cuda:N" or "mps".

    Returns:
        An Encoder, ready.

    Raises:
        EncoderError: no such encoder, missing weights, or a device that this machine does not have.
    """
    if name == "auto":
        name = "embedded"
    if name not in ENCODERS:
        raise EncoderError(f"encoder {name!r} is not known; choose auto or one of {', '.join(sorted(ENCODERS))}")
    return ENCODERS[name](device)


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
