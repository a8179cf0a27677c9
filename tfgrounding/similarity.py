"""Features and texts become curves."""

from __future__ import annotations

import numpy as np


def similarity_curves(vectors: np.ndarray, texts: np.ndarray) -> np.ndarray:
    """How well every frame fits every text.

    Args:
        vectors: (T, Q, D) unit vectors, Q per frame.
        texts: (N, D) unit vectors.

    Returns:
        (N, T) float32: for each text and frame the largest cosine over the frame's Q vectors (BLIP-2's
        image-text contrast; with Q = 1 the plain cosine).
    """
    frames, per_frame, width = vectors.shape
    cosines = texts @ vectors.reshape(frames * per_frame, width).T  # (N, T * Q)
    return cosines.reshape(len(texts), frames, per_frame).max(axis=2).astype(np.float32, copy=False)
