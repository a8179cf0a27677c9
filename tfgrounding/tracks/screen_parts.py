"""A video is read for text part by part: sampled, searched where a text may be new, read where it is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from ..media import AnySource, iter_frames, open_source
from ..types import VideoInfo
from .screen_follow import Follower
from .screen_gate import TextGate
from .screen_lines import MOST_LINES, timed_lines
from .screen_reader import ScreenReader
from .text_track import TimedText

RATE_HZ = 5.0  # samples a second: times are good to half a sample
EVERY_SECONDS = 2.0  # a picture is searched after this time whatever the gate says
PART_SECONDS = 60.0
PAST_SECONDS = 4.0  # how far back the begin of a text is looked for
LARGEST_SIDES_PIXELS = 720, 1280  # shorter and longer, of the pictures that are read
LARGEST_SEARCHED_PIXELS = 544, 1280  # of those in which text is searched
LEAST_SEARCHED_PIXELS = 384  # their shorter side: smaller pictures are enlarged
SMALL_PART, PART_ENLARGED = 0.3, 1.5  # a part of a picture, up to that share of it, is searched so much larger
LARGEST_COMPARED_PIXELS = 240, 640  # of those that are compared
MOST_ASKED = 3  # texts that ask for a search at once; if more do, the picture has changed, and the gate decides
CHUNK_FRAMES = 8
MOST_FOLLOWED = 400  # texts at once


@dataclass(frozen=True, slots=True)
class ScreenPart:
    """What was read in one part of a video, and the work: samples seen and searched, samples and boxes read.

    `area`: what was searched, in whole pictures, as a sample may be searched in part.
    `left_out`: lines beyond MOST_LINES.
    """

    texts: tuple[TimedText, ...]
    sampled: int
    searched: int
    area: float
    read: int
    boxes: int
    left_out: int = 0


class ScreenParts:
    """Iterator over the parts of a video, of PART_SECONDS each; `info` is complete after the last one.

    Args:
        source: path of a video file, Pictures, or any other Source.
        first: the first part to read.

    Raises:
        VideoError: the video is missing or cannot be decoded.
        ModuleNotFoundError: rapidocr_onnxruntime, of the extra `text`, is not installed.
    """

    def __init__(self, source: AnySource, *, first: int = 0) -> None:
        self._source, self._first = open_source(source), first
        self.info: VideoInfo = self._source.info

    def __iter__(self) -> Iterator[ScreenPart]:
        number, part = self._first, None
        start = number * PART_SECONDS
        if number and start >= self.info.duration_seconds:
            return
        height, width = _fitting((self.info.height, self.info.width), LARGEST_SIDES_PIXELS)
        reader = ScreenReader()
        with iter_frames(
            self._source, rate_hz=RATE_HZ, size=(height, width), chunk_frames=CHUNK_FRAMES, start_seconds=start
        ) as stream:
            for frames in stream:
                for picture, seconds in zip(frames.pixels, frames.sample_seconds, strict=True):
                    if part is not None and seconds >= (number + 1) * PART_SECONDS:
                        yield part.ended((number + 1) * PART_SECONDS)
                        number, part = number + 1, None
                    part = part or _Part(reader, number * PART_SECONDS)
                    part.see(picture, float(seconds))
        self.info = stream.info
        if part is not None:
            yield part.ended(self.info.duration_seconds)


class _Part:
    """One part while it is read."""

    def __init__(self, reader: ScreenReader, start_seconds: float) -> None:
        self._reader, self._start = reader, start_seconds
        self._gate = TextGate(EVERY_SECONDS)
        self._follower = Follower(kept_samples=round(PAST_SECONDS * RATE_HZ))
        self._sampled = self._searched = self._read = self._boxes = 0
        self._area = 0.0

    def see(self, picture: np.ndarray, seconds: float) -> None:
        import cv2

        sides = _fitting(picture.shape[:2], LARGEST_COMPARED_PIXELS)
        grey = cv2.cvtColor(cv2.resize(picture, sides[::-1], interpolation=cv2.INTER_AREA), cv2.COLOR_RGB2GRAY)
        asked = self._follower.see(grey)
        self._sampled += 1
        if self._gate.is_due(grey, seconds):
            self._search(picture, sides, (0, 0, sides[1], sides[0]))
        elif 0 < len(asked) <= MOST_ASKED:
            self._search(picture, sides, _around(asked, sides))

    def _search(self, picture: np.ndarray, compared: tuple[int, int], where: tuple[int, int, int, int]) -> None:
        """Search a part of the picture, given in pixels of the compared one, and read what is new there."""
        import cv2

        self._searched += 1
        sides = _fitting(picture.shape[:2], LARGEST_SEARCHED_PIXELS, LEAST_SEARCHED_PIXELS)
        scale = np.array(picture.shape[1::-1]) / np.array(compared[::-1])
        left, top, right, bottom = np.rint(np.array(where) * np.tile(scale, 2)).astype(int).tolist()
        part = picture[top:bottom, left:right]
        share = part.shape[0] * part.shape[1] / (picture.shape[0] * picture.shape[1])
        larger = sides[0] / picture.shape[0] * (PART_ENLARGED if share < SMALL_PART else 1.0)
        size = max(1, round(part.shape[1] * larger)), max(1, round(part.shape[0] * larger))
        self._area += size[0] * size[1] / (sides[0] * sides[1])
        boxes = self._reader.boxes(cv2.resize(part, size, interpolation=cv2.INTER_LINEAR))
        boxes = boxes * (np.array(part.shape[1::-1]) / np.array(size)) + np.array([left, top])
        boxes = (boxes / np.array(picture.shape[1::-1])).astype(np.float32)  # from 0 to 1
        around = np.concatenate([boxes.min(axis=1), boxes.max(axis=1)], axis=1) * np.tile(compared[::-1], 2)
        bounds = [tuple(map(round, row)) for row in around.tolist()]
        new = [n for n, place in enumerate(bounds) if self._follower.known(place) is None]
        if not new:
            return
        corners = (boxes[new] * np.array(picture.shape[1::-1])).astype(np.float32)
        self._read, self._boxes = self._read + 1, self._boxes + len(new)
        for n, (text, confidence) in zip(new, self._reader.read(picture, corners), strict=True):
            if text and len(self._follower.live) < MOST_FOLLOWED:
                self._follower.add(text, confidence, bounds[n])

    def ended(self, end_seconds: float) -> ScreenPart:
        lines = self._follower.end()
        texts = timed_lines(lines, start_seconds=self._start, rate_hz=RATE_HZ, end_seconds=end_seconds)
        left_out = max(0, len(lines) - MOST_LINES)
        return ScreenPart(tuple(texts), self._sampled, self._searched, self._area, self._read, self._boxes, left_out)


def _around(places: Sequence[tuple[int, int, int, int]], sides: tuple[int, int]) -> tuple[int, int, int, int]:
    """The part of a picture of that (height, width) with all places, and what may belong to their texts."""
    grown = []
    for left, top, right, bottom in places:
        high = bottom - top
        wide = max(4 * high, right - left)
        grown.append((left - wide, top - high, right + wide, bottom + high))
    lefts, tops, rights, bottoms = zip(*grown, strict=True)
    return max(0, min(lefts)), max(0, min(tops)), min(sides[1], max(rights)), min(sides[0], max(bottoms))


def _fitting(sides: tuple[int, ...], largest: tuple[int, int], least: int = 1) -> tuple[int, int]:
    """(height, width) of a picture made smaller, or its shorter side enlarged to `least`, within the largest sides."""
    shorter, longer = sorted(sides[:2])
    scale = min(largest[0] / shorter, largest[1] / longer, max(1.0, least / shorter))
    return max(1, round(sides[0] * scale)), max(1, round(sides[1] * scale))
