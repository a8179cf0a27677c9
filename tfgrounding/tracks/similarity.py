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
    import torch

    # In torch: numpy's threads would go on spinning for a while, and the next text would wait for them.
    frames, per_frame, width = vectors.shape
    rows = torch.from_numpy(np.require(vectors, np.float32, ["C", "W"]).reshape(-1, width))  # (T * Q, D)
    columns = torch.from_numpy(np.require(texts, np.float32, ["C", "W"])).T  # (D, N)
    return (rows @ columns).view(frames, per_frame, len(texts)).amax(dim=1).T.contiguous().numpy()
