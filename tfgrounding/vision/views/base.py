"""What a view offers, and how the numbers in a reply lead back to seconds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from ...registry import make
from ..answers import read_intervals
from ..frames import Interval, NumberedFrames, Part
from ..tokens import Unit


@dataclass(frozen=True, slots=True)
class ReadReply:
    """The content of a reply: half-open (start, end) intervals in seconds, in its order.

    `absent`: the event is in none of the frames. `usable`: the reply could be read; this is true also where all of its
    intervals are outside the frames that were shown, and so are left out.
    """

    intervals_seconds: tuple[Interval, ...] = ()
    absent: bool = False
    usable: bool = False
    warnings: tuple[str, ...] = ()


class TimeView(Protocol):
    """One way to show frames together with their time, to ask about them, and to read the reply.

    `frame_side`: the shorter side of the frames in pixels. `frames_per_picture`: 1, or more for contact sheets. A view
    may have a `schema` too, a JSON schema that its `read` reads replies of, for models that take one.
    """

    @property
    def name(self) -> str: ...
    @property
    def frame_side(self) -> int: ...
    @property
    def frames_per_picture(self) -> int: ...

    def parts(self, frames: NumberedFrames) -> list[Part]:
        """The pictures of a request, with texts between them."""
        ...

    def question(self, frames: NumberedFrames, query: str) -> str:
        """The question about the frames."""
        ...

    def read(self, reply: str, frames: NumberedFrames) -> ReadReply:
        """The reply's intervals in seconds, by the times of `frames`."""
        ...


def get_view(view: str | TimeView | type[TimeView]) -> TimeView:
    """A view by its name, "module:Class" of your own, a class or an object; a class is used with its default settings.

    Raises:
        TFGroundingError: there is no such view, or it lacks a part of `TimeView`.
    """
    needs = ("name", "frame_side", "frames_per_picture", "parts", "question", "read")
    return make("views", view, needs=needs, also=("auto",))


def read_numbers(
    reply: str, frames: NumberedFrames, unit: Unit, labels: np.ndarray, *, step: float, halfway: float = 0.0
) -> ReadReply:
    """The reply's intervals in seconds; what is outside the frames is cut or left out.

    Args:
        labels: (T,) what was shown with each frame, never falling: numbers or seconds.
        step: numbers in a list that are at most this far apart make one interval.
        halfway: a number that is this close to the middle between two labels means both frames.
    """
    low, high = float(labels[0]), float(labels[-1])
    answer = read_intervals(reply, unit=unit, step=step, shown=(low, high))
    slack = 0.0 if unit == "frame" else step  # seconds between two labels still mean a frame
    found: list[Interval] = []
    warnings: list[str] = []
    for first, last in answer.intervals:
        named = " to ".join(f"{value:g}" for value in dict.fromkeys((first, last)) if np.isfinite(value))
        if first > high + slack or last < low - slack:
            warnings.append(f"the reply names {unit} {named}, but only {low:g} to {high:g} were shown: left out")
            continue
        if (np.isfinite(first) and first < low - slack) or (np.isfinite(last) and last > high + slack):
            warnings.append(f"the reply names {unit} {named}, but only {low:g} to {high:g} were shown: cut")
        start, end = _nearest(labels, first, halfway)[0], _nearest(labels, last, halfway)[-1]
        found.append((float(frames.edges_seconds[start]), float(frames.edges_seconds[end + 1])))
    return ReadReply(tuple(dict.fromkeys(found)), answer.absent, answer.usable, tuple(warnings))


def _nearest(labels: np.ndarray, value: float, halfway: float) -> np.ndarray:
    """The positions of the labels nearest to a value: one, or some that are equal or about equally near."""
    distances = np.abs(labels - np.clip(value, labels[0], labels[-1]))
    return np.flatnonzero(distances <= distances.min() + 2 * halfway)
