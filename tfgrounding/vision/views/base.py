"""What a view offers, and how the numbers in a reply lead back to seconds."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from ...llm.prompting import prompts
from ...registry import make
from ..answers import ReplyIntervals, read_intervals
from ..frames import Interval, NumberedFrames, Part
from ..own import checked_view
from ..tokens import Unit

NEARLY = 0.1  # of the gap between two labels, by which seconds may differ from a label and mean it


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


def question_and_schema(
    view: TimeView, frames: NumberedFrames, query: str, *, by_schema: bool
) -> tuple[str, dict[str, Any] | None]:
    """The question about frames, with the JSON schema of the reply where the view has one and the model takes it."""
    question, schema = view.question(frames, query), getattr(view, "schema", None) if by_schema else None
    if schema is not None:
        question += "\n\n" + prompts("numpro.json").fill(schema=json.dumps(schema))
    return question, schema


def get_view(view: str | TimeView | type[TimeView]) -> TimeView:
    """A view by its name, "module:Class" of your own, a class or an object; a class is used with its default settings.

    Raises:
        TFGroundingError: there is no such view, or it lacks a part of `TimeView`.
    """
    needs = ("name", "frame_side", "frames_per_picture", "parts", "question", "read")
    made = make("views", view, needs=needs, also=("auto",))
    checked: TimeView = checked_view(made)
    return checked


def read_numbers(reply: str, frames: NumberedFrames, unit: Unit, labels: np.ndarray, *, step: float) -> ReadReply:
    """The intervals in seconds of a reply that names the first and the last frame by what was shown with them.

    Args:
        labels: (T,) what was shown with each frame, never falling: numbers or seconds.
        step: numbers in a list that are at most this far apart make one interval.

    Returns:
        From the beginning of the first frame to the end of the last; seconds between two labels are points in time.
        What is outside the frames is cut or left out.
    """
    answer, named, warnings = _shown(reply, unit, labels, step)
    edges = frames.edges_seconds
    found: list[Interval] = []
    for first, last in named:
        begin, finish = _nearest(labels, first)[0], _nearest(labels, last)[-1]
        start, end = float(edges[begin]), float(edges[finish + 1])
        if unit == "second":
            points, are_labels = _points(np.array([first, last]), labels, frames)
            start_point = start if are_labels[0] else float(points[0])
            end_point = end if are_labels[1] else float(points[1])
            if start_point < end_point:  # else one instant: the frame that shows it
                start, end = start_point, end_point
        found.append((start, end))
    return ReadReply(tuple(dict.fromkeys(found)), answer.absent, answer.usable, warnings)


def read_times(reply: str, frames: NumberedFrames, labels: np.ndarray, *, step: float) -> ReadReply:
    """The intervals in seconds of a reply that names a start and an end on the clock that the model was shown.

    Args:
        labels: (T,) the time of each frame on that clock, in seconds, rising.
        step: as of `read_numbers`.

    Returns:
        The times as they are named; those about at the first and the last frame mean the beginning and the end of all
        frames. What is outside is cut or left out.
    """
    answer, named, warnings = _shown(reply, "second", labels, step)
    near = frames.step_seconds / 4
    found: list[Interval] = []
    for first, last in named:
        start, end = np.interp([first, last], labels, frames.sample_seconds).tolist()
        start = float(frames.edges_seconds[0]) if first <= labels[0] + near else start
        end = float(frames.edges_seconds[-1]) if last >= labels[-1] - near else end
        if start >= end:  # one instant: the frame that shows it
            at = int(_nearest(labels, first)[0])
            start, end = frames.edges_seconds[at : at + 2].tolist()
        found.append((start, end))
    return ReadReply(tuple(dict.fromkeys(found)), answer.absent, answer.usable, warnings)


def _shown(
    reply: str, unit: Unit, labels: np.ndarray, step: float
) -> tuple[ReplyIntervals, list[Interval], tuple[str, ...]]:
    """What a reply says, its intervals that touch what was shown, and warnings about what does not."""
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
        found.append((first, last))
    return answer, found, tuple(warnings)


def _points(values: np.ndarray, labels: np.ndarray, frames: NumberedFrames) -> tuple[np.ndarray, np.ndarray]:
    """The points in time that seconds on the labels' clock stand for, and which of them are labels, or nearly so."""
    clock, place = np.unique(labels, return_inverse=True)
    seconds = np.bincount(place, frames.sample_seconds) / np.bincount(place)  # frames may share a label
    edges = frames.edges_seconds
    before, after = seconds[0] - edges[0], edges[-1] - seconds[-1]
    points = np.interp(
        values, [clock[0] - before, *clock, clock[-1] + after], np.concatenate([edges[:1], seconds, edges[-1:]])
    )
    gap = np.diff(clock).min() if len(clock) > 1 else frames.step_seconds
    return points, np.abs(labels[:, None] - values).min(axis=0) <= gap * NEARLY


def _nearest(labels: np.ndarray, value: float) -> np.ndarray:
    """The positions of the labels nearest to a value: one, or all that are equal."""
    distances = np.abs(labels - np.clip(value, labels[0], labels[-1]))
    return np.flatnonzero(distances == distances.min())
