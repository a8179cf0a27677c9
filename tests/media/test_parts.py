"""A part of a video holds the same samples as the whole, and only that part is decoded."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from videos import make_pictures, make_video, numbered, read_number

from tfgrounding import Pictures, iter_frames
from tfgrounding.media import VideoFile, reading
from tfgrounding.types import Shot

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
    for rate_hz in (0.7, 3.0):
        whole = samples(video, rate_hz=rate_hz)
        for start in (0.0, 0.5 / rate_hz, *random.uniform(0, 9.9, 3)):
            for end in (None, start + 0.01, start + 1.3):
                part = samples(video, rate_hz=rate_hz, start_seconds=start, end_seconds=end)
                wanted = [s for s in whole if start <= s[2] < (np.inf if end is None else end)]
                assert part == wanted, (rate_hz, start, end)


@pytest.mark.parametrize("name", ["open.mp4", "hevc.mkv", "vp9.webm", "uneven.mkv"])
@settings(max_examples=10, deadline=None)
@given(start=st.floats(0, 9.9), length=st.floats(0.001, 3))
@example(start=6.96875, length=3.0)  # ends within the last picture
def test_the_pictures_of_a_part_are_those_of_the_whole(name: str, start: float, length: float, folder: Path) -> None:
    file = VideoFile(source(folder, name))
    whole = [(shot.start_seconds, shot.end_seconds, content(shot)) for shot in file.shots()]
    part = file.shots(start_seconds=start, end_seconds=start + length)
    wanted = [(a, min(b, start + length), c) for a, b, c in whole if a < start + length and b > start]
    assert [(shot.start_seconds, shot.end_seconds, content(shot)) for shot in part] == wanted
    assert part.warnings == ()


def content(shot: Shot) -> bytes:
    return sha256(shot.frame.to_ndarray()).digest()


@pytest.mark.parametrize("name", ["closed.mp4", "open.mkv", "hevc.mp4", "vp9.webm", "mpeg4.mp4"])
def test_only_the_part_is_decoded(name: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    decoded = [0]
    frames = reading._Reading._frames

    def counted(self: Any) -> Iterator[Any]:
        for frame in frames(self):
            decoded[0] += 1
            yield frame

    monkeypatch.setattr(reading._Reading, "_frames", counted)
    file = VideoFile(source(folder, name))
    assert len(list(file.shots(start_seconds=7.1, end_seconds=7.6))) in (12, 13)
    assert decoded[0] < 80  # of 240: from the picture that decoding can begin with, and a few behind the end


def test_two_threads_read_one_source(folder: Path) -> None:
    file = VideoFile(source(folder, "closed.mp4"))
    with ThreadPoolExecutor(4) as pool:
        looks = [pool.submit(samples, file, start_seconds=k % 3, end_seconds=k % 3 + 4) for k in range(8)]
    assert [look.result() for look in looks] == [
        samples(file, start_seconds=k % 3, end_seconds=k % 3 + 4) for k in range(8)
    ]


def test_a_part_behind_the_end_is_empty(folder: Path) -> None:
    for name in ("closed.mp4", "transport.ts", "array", "folder"):
        assert samples(source(folder, name), start_seconds=50, end_seconds=60) == []


def test_the_length_is_known_from_a_part_that_reaches_the_end(folder: Path) -> None:
    with iter_frames(source(folder, "closed.mp4"), start_seconds=8) as stream:
        assert list(stream) and stream.info.duration_seconds == pytest.approx(10.0, abs=0.001)
    with iter_frames(source(folder, "closed.mp4"), start_seconds=2, end_seconds=3) as stream:
        assert list(stream) and stream.info.duration_seconds == pytest.approx(10.0, abs=0.001)


def test_a_damaged_part_shows_what_was_before(tmp_path: Path) -> None:
    path = make_video(tmp_path / "v.mp4", seconds=20, options={"g": "20"})
    with av.open(str(path)) as container:
        hit = [(p.pos, p.size) for p in container.demux(video=0) if p.pts is not None and 8 <= p.pts * p.time_base < 14]
    data = bytearray(path.read_bytes())
    for place, size in hit:
        data[place : place + size] = bytes(size)
    path.write_bytes(bytes(data))
    whole = samples(path)
    part = samples(path, start_seconds=10.1, end_seconds=15)
    assert part == [s for s in whole if 10.1 <= s[2] < 15] and part[0][0] == 79
