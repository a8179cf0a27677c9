"""Times that annotations give in frames, recognised by the rate or the number of frames beside them.

An entry is an object of an annotation file that may have "duration" or "video_duration" in seconds, "fps" and
"num_frames"; a stamp is one [start, end] of it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from .samples import is_number, shown

PAST_THE_END = 1.5  # times the video's length: a moment that ends later is no slip of an annotator
FRAME_KEYS = ("fps", "num_frames", "frame_rate")  # beside them times may be frames


def length_seconds(entry: dict[str, Any]) -> Any:
    """The length as annotated, or from the number of frames where there is a rate."""
    stated = entry.get("duration", entry.get("video_duration"))
    if stated is None and has_rate(entry) and is_number(entry.get("num_frames")):
        return entry["num_frames"] / entry["fps"]
    return stated


def has_rate(entry: Any) -> bool:
    """Whether it says how many frames a second has."""
    return isinstance(entry, dict) and is_number(entry.get("fps")) and entry["fps"] > 0


def share_in_frames(entries: Iterable[Any]) -> float:
    """The share of moments beside "fps" that can only be meant in frames."""
    moments = [
        (entry, stamp)
        for entry in entries
        if has_rate(entry) and isinstance(entry.get("timestamps"), list)
        for stamp in entry["timestamps"]
    ]
    return sum(_must_be_frames(*moment) for moment in moments) / max(1, len(moments))


def _must_be_frames(entry: dict[str, Any], stamp: Any) -> bool:
    length = length_seconds(entry)
    return _is_whole(stamp) and is_number(length) and max(stamp) > PAST_THE_END * length


def _is_whole(stamp: Any) -> bool:
    return isinstance(stamp, list) and len(stamp) == 2 and all(is_number(t) and t == int(t) for t in stamp)


def doubt(entry: dict[str, Any], stamp: Any) -> str:
    """Why it cannot be known whether a time is in frames or in seconds, "" where it can."""
    beside = next((key for key in FRAME_KEYS if key in entry), None)
    if beside is None:
        return ""
    if _must_be_frames(entry, stamp):
        return f"{shown(stamp)} ends long after the video ({length_seconds(entry):g} s): are these frames? Give seconds"
    if _is_whole(stamp) and entry.get("duration", entry.get("video_duration")) is None:
        return f'{shown(stamp)} beside "{beside}" may be frames or seconds: give the duration in seconds too'
    return ""


def divided(stamp: Any, rate_hz: float) -> Any:
    """A stamp in seconds; what is no pair of numbers stays as it is."""
    return [t / rate_hz for t in stamp] if isinstance(stamp, list) and all(map(is_number, stamp)) else stamp
