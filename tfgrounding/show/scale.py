"""The scale of curves that are drawn beside each other, so that a low curve looks low."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from ..answer import Answer
from .evidence import only_words


class Scale(NamedTuple):
    """The lowest and the highest similarity on the drawing, and how far texts reach that have nothing to do with the
    video; None where the encoder's floor is not known."""

    low: float
    high: float
    unrelated: float | None

    def share(self, values: np.ndarray) -> np.ndarray:
        """Similarities as shares of the drawing's height, 0 to 1."""
        spread = self.high - self.low
        return (np.asarray(values, dtype=np.float64) - self.low) / spread if spread > 0 else np.full(len(values), 0.5)


def scale_of(answers: Sequence[Answer], answer: Answer) -> Scale:
    """One scale for all curves of one encoder, over all the answers that are shown together."""
    together = [other for other in answers if (other.engine, other.encoder) == (answer.engine, answer.encoder)]
    values = [
        curve for other in together for text in main_texts(other) if len(curve := other.curves.get(text, other.curve))
    ]
    unrelated = answer.provenance.get("floor")
    if isinstance(unrelated, bool) or not isinstance(unrelated, (int, float)) or not np.isfinite(unrelated):
        unrelated = None
    if not values:
        return Scale(0.0, 0.0, unrelated)
    low, high = min(float(curve.min()) for curve in values), max(float(curve.max()) for curve in values)
    if unrelated is not None:
        low, high = min(low, unrelated), max(high, unrelated)
    return Scale(low, high, unrelated)


def main_texts(answer: Answer) -> list[str]:
    """The texts that a chart shows: the query, then the main description of each sub-event.

    None where only words were looked at: their tracks have rows of their own.
    """
    if only_words(answer) and any(len(track.curve) for track in answer.tracks):
        return []
    events = [event.descriptions[0] for event in answer.plan.sub_events]
    return list(dict.fromkeys([answer.query, *(text for text in events if text in answer.curves)]))
