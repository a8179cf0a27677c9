"""A part of a video holds the same samples as the whole, and only that part is decoded."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from videos import make_pictures, make_video, numbered, read_number

from tfgrounding import Pictures, iter_frames

HEVC = {"preset": "ultrafast", "x265-params": "keyint=24:bframes=3:log-level=none"}
FILES: dict[str, dict[str, Any]] = {
    "closed.mp4": {"options": {"preset": "medium", "bf": "3", "g": "24"}},
    "open.mp4": {"options": {"preset": "medium", "bf": "3", "g": "24", "x264-params": "open-gop=1:b-pyramid=strict"}},
    "open.mkv": {"options": {"preset": "medium", "bf": "3", "g": "24", "x264-params": "open-gop=1"}},
    "refresh.mp4": {"options": {"preset": "medium", "g": "24", "x264-params": "intra-refresh=1"}},
    "hevc.mp4": {"codec": "libx265", "options": HEVC},
    "hevc.mkv": {"codec": "libx265", "options": HEVC},
    "vp8.webm": {"codec": "libvpx", "options": {"g": "24", "auto-alt-ref": "1", "lag-in-frames": "16"}},
    "vp9.webm": {"codec": "libvpx-vp9", "options": {"g": "24", "lag-in-frames": "16", "deadline": "realtime"}},
    "av1.mp4": {"codec": "libsvtav1", "options": {"g": "24", "preset": "12"}},
    "mpeg4.mp4": {"codec": "mpeg4", "options": {"bf": "2", "g": "24"}},
    "mpeg2.mkv": {"codec": "mpeg2video", "options": {"bf": "2", "g": "24"}, "rate_hz": 25},
    "mjpeg.mov": {"codec": "mjpeg", "pixel_format": "yuvj420p"},
    "ffv1.mkv": {"codec": "ffv1", "options": {"g": "24"}},
    "late.mkv": {"start_seconds": 5.0, "options": {"g": "24"}},
    "transport.ts": {"options": {"preset": "medium", "bf": "3", "g": "24"}},
    "order.avi": {"options": {"preset": "medium", "bf": "3", "g": "24"}},
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("parts")


@cache
def source(folder: Path, name: str) -> Any:
    if name == "array":
        return Pictures(np.stack([numbered(k, width=8, height=6) for k in range(240)]), 24.0)
    if name == "folder":
        return Pictures(make_pictures(folder / "p", 60)[0].parent, 6.0)
    if name == "uneven.mkv":
        uneven = np.cumsum(np.random.default_rng(0).choice([1 / 30, 1 / 10, 0.4], size=120)).round(3)
        return make_video(folder / name, times_seconds=(uneven - uneven[0]).tolist(), options={"g": "24"})
    return make_video(folder / name, **{"seconds": 10, "rate_hz": 24, **FILES[name]})


def samples(source: Any, **part: Any) -> list[tuple[int, float, float]]:
    """(number, time on screen, instant) of each sample."""
    with iter_frames(source, **part) as stream:
        return [
            (read_number(pixels), pts, instant)
            for frames in stream
            for pixels, pts, instant in zip(frames.pixels, frames.pts_seconds, frames.sample_seconds, strict=True)
        ]


@pytest.mark.parametrize("name", [*FILES, "uneven.mkv", "array", "folder"])
def test_the_samples_of_a_part_are_those_of_the_whole(name: str, folder: Path) -> None:
    random, video = np.random.default_rng(0), source(folder, name)
    for rate_hz in (0.7, 3.0, 24.0):
        whole = samples(video, rate_hz=rate_hz)
        for start in (0.0, 0.5 / rate_hz, *random.uniform(0, 9.9, 6)):
            for end in (None, start + 0.01, start + 1.3, start + 5):
                part = samples(video, rate_hz=rate_hz, start_seconds=start, end_seconds=end)
                wanted = [s for s in whole if start <= s[2] < (np.inf if end is None else end)]
                assert part == wanted, (rate_hz, start, end)
