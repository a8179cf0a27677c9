"""What is written on the screen, and when: titles, scores, signs, slides."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from ..media import AnySource, probe
from .kept_texts import KeptTexts
from .screen_lines import join_over_time
from .screen_parts import EVERY_SECONDS, PART_SECONDS, RATE_HZ, ScreenParts
from .screen_reader import reader_revision
from .text_track import TextTrack, TimedText

FORMAT = 3  # raise it when the way of reading changes what is found
Progress = Callable[[float, float], None]


def screen_text_track(source: AnySource, *, kept: KeptTexts, progress: Progress | None = None) -> TextTrack:
    """Read what is written on the screen.

    The picture is sampled RATE_HZ times a second, searched for text where `TextGate` says so, and read only where a
    text is new; when a text begins and ends is found by comparing pictures.

    Args:
        source: path of a video file, Pictures, or any other Source.
        kept: where the finished track, and finished parts of it, are kept.
        progress: called with (seconds done, seconds in all); what it raises ends the work.

    Returns:
        A track of the kind "written". Its warnings say what was lost in decoding.

    Raises:
        VideoError: the video is missing or cannot be decoded.
        ModuleNotFoundError: rapidocr_onnxruntime, of the extra `text`, is not installed.
    """
    made_by = screen_made_by()
    track = kept.find(source, "written", made_by)
    if track is not None:
        return track
    parts = kept.parts(source, "written", made_by)
    texts: list[TimedText] = []
    done, known, left_out = 0, parts.get(0), 0
    while known is not None:
        texts += known[0]
        left_out += int(known[1].get("left_out", 0))
        done, known = done + 1, parts.get(done + 1)
    seconds = probe(source).duration_seconds
    reading = ScreenParts(source, first=done)
    for number, part in enumerate(reading, done):
        texts += part.texts
        left_out += part.left_out
        parts.add(number, part.texts, {"left_out": part.left_out})
        if progress is not None:
            progress(min((number + 1) * PART_SECONDS, seconds), seconds)
    warnings = reading.info.warnings
    if left_out:
        warnings += (f"there is too much text on the screen: {left_out:,} lines shown only shortly were left out",)
    track = TextTrack("written", tuple(join_over_time(texts)), "screen", made_by["reader"], warnings=warnings)
    warning = kept.keep(source, track, made_by)
    return track if warning is None else replace(track, warnings=(*track.warnings, warning))


def screen_made_by() -> dict[str, Any]:
    """What decides what is read on the screen beside the video, for the cache."""
    return {
        "by": "screen",
        "format": FORMAT,
        "reader": reader_revision(),
        "rate_hz": RATE_HZ,
        "every_seconds": EVERY_SECONDS,
        "part_seconds": PART_SECONDS,
    }
