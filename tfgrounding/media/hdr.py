"""Pictures of high dynamic range become what an ordinary screen shows: without that they look grey and pale.

Sources: ITU-R BT.2100 (PQ, HLG), BT.2408 (white of ordinary pictures at 203 cd/m²), BT.2087 (BT.2020 to BT.709).
"""

from __future__ import annotations

from functools import cache

import numpy as np

PQ, HLG = 16, 18  # transfer characteristics as ITU-T H.273 numbers them
NAMES = {PQ: "PQ", HLG: "HLG"}
WHITE_NITS = 203.0
HLG_PEAK_NITS = 1000.0
LUMINANCE_2020 = np.array([0.2627, 0.6780, 0.0593], np.float32)
TO_709 = np.array([[1.6605, -0.5876, -0.0728], [-0.1246, 1.1329, -0.0083], [-0.0182, -0.1006, 1.1187]], np.float32)
KNEE = 0.75  # of the white of ordinary pictures: what is brighter is compressed below white
SCREEN_GAMMA, SCREEN_STEPS = 2.4, 1 << 16


def to_standard_range(pixels: np.ndarray, transfer: int) -> np.ndarray:
    """Pictures in BT.2020 colours with PQ or HLG as pictures in BT.709.

    Args:
        pixels: (H, W, 3) uint8 RGB, as stored.
        transfer: PQ or HLG.

    Returns:
        (H, W, 3) uint8 RGB.
    """
    light = _light(transfer)[np.ascontiguousarray(pixels.reshape(-1, 3).T)]  # (3, H * W), 1 is white
    if transfer == HLG:
        light *= np.power(LUMINANCE_2020 @ light, 0.2) * np.float32(HLG_PEAK_NITS / WHITE_NITS)
    light = np.maximum(TO_709 @ light, 0.0)
    brightest = np.maximum(np.maximum(light[0], light[1]), light[2])
    dark = np.minimum(brightest, KNEE)
    light *= (dark - (1 - KNEE) * np.expm1((dark - brightest) / (1 - KNEE))) / np.maximum(brightest, 1e-6)
    shown = _screen()[(light * (SCREEN_STEPS - 1)).astype(np.uint16)]
    return np.ascontiguousarray(shown.T).reshape(pixels.shape)


@cache
def _light(transfer: int) -> np.ndarray:
    """(256,) float32: what each stored value means; of PQ light over white, of HLG light before the camera over 1."""
    stored = np.arange(256) / 255
    if transfer == PQ:
        root = stored ** (1 / 78.84375)
        nits = 10_000 * (np.maximum(root - 0.8359375, 0) / (18.8515625 - 18.6875 * root)) ** (1 / 0.1593017578125)
        return (nits / WHITE_NITS).astype(np.float32)
    a, b, c = 0.17883277, 0.28466892, 0.55991073
    return np.where(stored <= 0.5, stored**2 / 3, (np.exp((stored - c) / a) + b) / 12).astype(np.float32)


@cache
def _screen() -> np.ndarray:
    """(SCREEN_STEPS,) uint8: what an ordinary screen is sent for light from 0 to 1."""
    return (255 * np.linspace(0, 1, SCREEN_STEPS) ** (1 / SCREEN_GAMMA) + 0.5).astype(np.uint8)
