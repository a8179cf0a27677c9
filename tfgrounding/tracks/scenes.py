"""Where a video's scenes begin: sudden changes of small pictures; long scenes are divided, short ones joined."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from ..media import AnySource, iter_frames, open_source
from ..types import Progress

REVISION = "1"  # raise it when the same video gets other scenes
RATE_HZ = 4.0
SIZE = (24, 40)  # height and width that every picture is squeezed to
LEAST_STEP = 14.0  # of 255, mean over the pixels: a smaller change is no cut
TIMES_USUAL = 3.0  # the median step of the seconds around it
AROUND_SECONDS = 4.0
LONGEST_SECONDS, SHORTEST_SECONDS = 10.0, 1.0

Interval = tuple[float, float]


def find_scenes(
    source: AnySource,
    *,
    longest_seconds: float = LONGEST_SECONDS,
    shortest_seconds: float = SHORTEST_SECONDS,
    progress: Progress | None = None,
) -> list[Interval]:
    """The scenes of a video.

    A cut is a change from one small picture to the next that is large, the largest around it, and several times the
    usual change there.

    Args:
        source: the video.
        longest_seconds: longer scenes are divided into equal parts.
        shortest_seconds: shorter scenes are joined with the scene before them.
        progress: called with (seconds looked at, seconds in all).

    Returns:
        (start, end) seconds of each, without gaps, from 0 to the end of the video.

    Raises:
        VideoError: the video cannot be read.
    """
    opened = open_source(source)
    rate_hz = min(RATE_HZ, opened.info.frame_rate_hz or RATE_HZ)
    steps: list[float] = []
    seconds: list[float] = []
    last: np.ndarray | None = None
    with iter_frames(opened, rate_hz=rate_hz, size=SIZE) as stream:
        for frames in stream:
            pixels = frames.pixels.astype(np.float32)  # (T, H, W, 3)
            before = np.concatenate([pixels[:1] if last is None else last, pixels[:-1]])
            steps.extend(np.abs(pixels - before).mean(axis=(1, 2, 3)).tolist())
            seconds.extend(frames.sample_seconds.tolist())
            last = pixels[-1:]
            if progress is not None:
                progress(seconds[-1], stream.info.duration_seconds)
    duration = stream.info.duration_seconds
    borders = [(seconds[at - 1] + seconds[at]) / 2 for at in cuts(np.array(steps), rate_hz)]
    return divided(borders, duration, longest_seconds=longest_seconds, shortest_seconds=shortest_seconds)


def cuts(steps: np.ndarray, rate_hz: float) -> list[int]:
    """The pictures that begin a scene.

    Args:
        steps: (T,) how far each picture is from the one before.
        rate_hz: pictures a second.
    """
    reach = max(2, round(AROUND_SECONDS * rate_hz / 2))
    found = []
    for at in np.flatnonzero(steps >= LEAST_STEP):
        near = steps[max(1, at - reach) : at + reach + 1]
        neighbours = steps[max(1, at - 1) : at + 2]
        if at > 0 and steps[at] >= neighbours.max() and steps[at] >= TIMES_USUAL * np.median(near):
            found.append(int(at))
    return found


def divided(
    borders: Sequence[float], duration_seconds: float, *, longest_seconds: float, shortest_seconds: float
) -> list[Interval]:
    """The scenes between borders (in seconds, increasing), none much shorter or longer than that."""
    kept = [0.0]
    for border in borders:
        if border - kept[-1] >= shortest_seconds and duration_seconds - border >= shortest_seconds:
            kept.append(border)
    scenes = []
    for start, end in zip(kept, [*kept[1:], duration_seconds], strict=True):
        edges = np.linspace(start, end, math.ceil((end - start) / longest_seconds) + 1).tolist()
        scenes += list(pairwise(edges))
    return scenes
