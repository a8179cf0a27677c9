"""What the engines with a vision LLM share: sample frames and number them, and ask about them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ..llm.prompting import prompts
from ..media.frames import iter_frames
from ..media.sampling import evenly
from ..types import Frames, Source, VideoInfo
from ..vision.views import NumberedFrames, ReadReply, TimeView
from .asking import Asking, pictures_in


def look(source: Source, *, rate_hz: float, side: int, most_frames: int) -> tuple[NumberedFrames, VideoInfo]:
    """Sample a whole video and number its frames from 1 on.

    Args:
        source: the video.
        rate_hz: samples a second.
        side: shorter side of the frames in pixels.
        most_frames: frames to keep at most; if the video is longer than stated, they are thinned
            out evenly, so that the end is never lost.

    Returns:
        The frames with their table, and what was learnt about the video.

    Raises:
        VideoError: the video cannot be read.
    """
    with iter_frames(source, rate_hz=rate_hz, size=side, chunk_frames=16) as stream:
        chunks = list(stream)
    seconds = np.concatenate([frames.sample_seconds for frames in chunks])
    chosen = evenly(len(seconds), most_frames)
    seconds = seconds[chosen]
    shown = NumberedFrames(
        pixels=np.concatenate([frames.pixels for frames in chunks])[chosen],
        numbers=np.arange(1, len(seconds) + 1),
        sample_seconds=seconds,
        edges_seconds=edges_between(seconds, 0.0, stream.info.duration_seconds),
    )
    return shown, stream.info


def sampled(source: Source, parts: Sequence[tuple[float, float, float]], *, side: int) -> tuple[np.ndarray, np.ndarray]:
    """Sample a few parts of a video; what lies between them is not decoded.

    Args:
        source: the video.
        parts: (start seconds, end seconds, samples a second) each, in order of time.
        side: shorter side of the frames in pixels.

    Returns:
        (T, H, W, 3) uint8 pixels and (T,) sampling instants in seconds; T = 0 where nothing could be decoded.

    Raises:
        VideoError: the video cannot be read.
    """
    chunks: list[Frames] = []
    for start, end, rate_hz in parts:
        with iter_frames(
            source, rate_hz=rate_hz, size=side, chunk_frames=16, start_seconds=start, end_seconds=end
        ) as stream:
            chunks.extend(stream)
    if not chunks:
        return np.empty((0, 1, 1, 3), np.uint8), np.empty(0)
    seconds = np.concatenate([chunk.sample_seconds for chunk in chunks])
    order = np.unique(seconds, return_index=True)[1]  # two parts may share an instant
    return np.concatenate([chunk.pixels for chunk in chunks])[order], seconds[order]


def edges_between(sample_seconds: np.ndarray, start_seconds: float, end_seconds: float) -> np.ndarray:
    """(T + 1,) borders of what each sample stands for: half way between neighbours, the given ones at both ends.

    The instants are times on screen, whatever the frame rate does, so that the borders are right for a variable rate.
    """
    inner = (sample_seconds[1:] + sample_seconds[:-1]) / 2
    return np.concatenate([[start_seconds], inner, [end_seconds]])


def spread_windows(count: int, most: int, overlap: float) -> list[tuple[int, int]]:
    """[first, last) of as few equally long windows of at most `most` as cover `count` things and overlap so much."""
    if count <= most:
        return [(0, count)]
    shared = min(round(most * overlap), most - 1)
    number = -(-(count - shared) // (most - shared))
    return [(int(start), int(start) + most) for start in np.round(np.linspace(0, count - most, number))]


def frames_a_request(asking: Asking, view: TimeView, shown: NumberedFrames) -> int:
    """How many frames like these one request may hold, at least 1. Raises ModelError."""
    return max(1, asking.vlm.capacity(pictures_in(view.parts(shown)))) * view.frames_per_picture


def ask_about(
    asking: Asking, view: TimeView, shown: NumberedFrames, query: str, *, tries: int = 2
) -> tuple[str, ReadReply, int]:
    """Ask about these frames, and once more where the reply is of no use.

    Returns:
        The last reply as it came, what it says (not usable where no reply says anything), and how many frames were
        sent.

    Raises:
        ModelError: the model could not be asked.
    """
    parts, question = view.parts(shown), view.question(shown, query)
    schema = getattr(view, "schema", None) if asking.takes_schema() else None
    if schema is not None:
        question += "\n\n" + prompts("numpro.json").fill(schema=json.dumps(schema))
    reply = asking.text([*parts, question], schema=schema)
    reading = view.read(reply, shown)
    sent = len(shown)
    if reading.usable:
        return reply, reading, sent
    warning = "a reply could not be used"
    if tries > 1:
        reply = asking.text([*parts, f"{question}\n\n{prompts('numpro.again').text}"], schema=schema)
        reading = view.read(reply, shown)
        sent += len(shown)
        warning = "a reply could not be used and was asked for once more"
    if not reading.usable:
        warning = "the replies could not be used; no moment is made up from them"
    return reply, replace(reading, warnings=(warning, *reading.warnings)), sent
