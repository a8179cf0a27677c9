"""Optical character recognition of one picture: where text stands, and what it says."""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Sequence
from functools import lru_cache
from importlib.metadata import version
from typing import Any

import numpy as np

PACKAGE = "rapidocr-onnxruntime"
MOST_BOXES = 200  # of one picture: a full page of text
LONGEST_CHARACTERS = 300  # of one line
LEAST_PIXELS = 32  # to which the detector enlarges a shorter side; beyond it, who calls decides the size
SHORTEST_SIDE_PIXELS = 3  # of a box
WIDENED = 0.3  # of a box's height: so much more is read at both ends, as the detector cuts off outer letters
WIDEST_RATIO = 40.0  # width to height of a box
SPACE_PROBABILITY = 0.02  # from which a gap between two letters is a space: the model says so too seldom
MOST_THREADS = 4


class ScreenReader:
    """PaddleOCR's detector and recogniser (PP-OCRv4) as `rapidocr-onnxruntime` runs them, with its spaces mended.

    Raises:
        ModuleNotFoundError: rapidocr_onnxruntime is not installed.
    """

    def __init__(self) -> None:
        from rapidocr_onnxruntime import RapidOCR

        threads = min(MOST_THREADS, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 2)
        self._ocr: Any = RapidOCR(
            intra_op_num_threads=threads, use_cls=False, det_limit_side_len=LEAST_PIXELS, det_limit_type="min"
        )
        characters = self._ocr.text_rec.postprocess_op.character
        self._characters: Sequence[str] = characters
        self._space = len(characters) - 1

    def boxes(self, picture: np.ndarray) -> np.ndarray:
        """Where text stands in a picture.

        Args:
            picture: (H, W, 3) uint8 RGB.

        Returns:
            (N, 4, 2) float32 corners (x, y) in pixels, clockwise from the upper left, N <= MOST_BOXES, the largest
            first where there are more.
        """
        high, wide = picture.shape[:2]
        pad = [
            (0, max(0, max(LEAST_PIXELS, wide // 40) - high)),
            (0, max(0, max(LEAST_PIXELS, high // 40) - wide)),
            (0, 0),
        ]
        found, _ = self._ocr.text_det(np.pad(picture[:, :, ::-1], pad))
        if found is None or len(found) == 0:
            return np.zeros((0, 4, 2), dtype=np.float32)
        found = np.asarray(found, dtype=np.float32)
        wide, high = _sides(found)
        found = found[np.minimum(wide, high) >= SHORTEST_SIDE_PIXELS]
        if len(found) > MOST_BOXES:
            wide, high = _sides(found)
            found = found[np.argsort(-wide * high, kind="stable")[:MOST_BOXES]]
        return found

    def read(self, picture: np.ndarray, boxes: np.ndarray) -> list[tuple[str, float]]:
        """What stands in the boxes of a picture.

        Args:
            picture: (H, W, 3) uint8 RGB.
            boxes: (N, 4, 2) as `boxes` returns them.

        Returns:
            (text, confidence from 0 to 1) of each box; the text is one line without control characters.
        """
        if len(boxes) == 0:
            return []
        recogniser = self._ocr.text_rec
        crops = self._ocr.get_crop_img_list(np.ascontiguousarray(picture[:, :, ::-1]), list(_widened(boxes)))
        ratios = np.array([min(crop.shape[1] / max(1, crop.shape[0]), WIDEST_RATIO) for crop in crops])
        order = np.argsort(ratios, kind="stable")
        found: list[tuple[str, float]] = [("", 0.0)] * len(crops)
        for first in range(0, len(order), recogniser.rec_batch_num):
            batch = order[first : first + recogniser.rec_batch_num]
            widest = max(float(ratios[batch].max()), 4.0)
            pictures = np.stack([recogniser.resize_norm_img(crops[n], widest) for n in batch]).astype(np.float32)
            for n, probabilities in zip(batch, recogniser.session(pictures)[0], strict=True):
                found[n] = self._line(probabilities)
        return found

    def _line(self, probabilities: np.ndarray) -> tuple[str, float]:
        """The text of (T, V) probabilities by connectionist temporal classification, V = 0 the blank, and how sure."""
        best = probabilities.argmax(axis=1)
        kept = (best != 0) & np.r_[True, best[1:] != best[:-1]]
        places = np.flatnonzero(kept)[:LONGEST_CHARACTERS]
        if len(places) == 0:
            return "", 0.0
        text, last = "", -1
        for place in places:
            character = self._characters[best[place]]
            if text and last >= 0 and place - last > 1 and _parts_words(text[-1], character):
                gap = probabilities[last + 1 : place, self._space].max()
                text += " " if gap > SPACE_PROBABILITY else ""
            text, last = text + character, int(place)
        sure = float(probabilities[places, best[places]].mean())
        return " ".join(printable(text).split()), sure


@lru_cache(maxsize=1)
def reader_revision() -> str:
    """What decides how pictures are read, for the cache."""
    return f"{PACKAGE} {version(PACKAGE)}"


def printable(text: str) -> str:
    """A text without control characters and marks of direction."""
    return "".join(" " if unicodedata.category(c)[0] in "CZ" else c for c in text)


def _parts_words(before: str, after: str) -> bool:
    """Whether a space may be missing between two characters: both of a script that parts words by spaces."""
    return all(c.isalnum() and ord(c) < 0x2E80 for c in (before, after)) or (
        before in ",.:;!?)%" and after.isalnum() and ord(after) < 0x2E80
    )


def _sides(boxes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return np.linalg.norm(boxes[:, 1] - boxes[:, 0], axis=1), np.linalg.norm(boxes[:, 3] - boxes[:, 0], axis=1)


def _widened(boxes: np.ndarray) -> np.ndarray:
    """Boxes with WIDENED of their height more at the left and right, along their lines."""
    wide, high = _sides(boxes)
    along = (boxes[:, 1] - boxes[:, 0]) / np.maximum(wide, 1.0)[:, None] * (WIDENED * np.minimum(high, wide))[:, None]
    return (boxes + np.stack([-along, along, along, -along], axis=1)).astype(np.float32)
