"""Whatever the decoder may leave out, every sample is the picture that it was."""

from __future__ import annotations

import re
import shutil
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from videos import make_video, read_number

from tfgrounding import iter_frames
from tfgrounding.media import packets
from tfgrounding.media.decode import VideoFile

REORDERED = {"preset": "medium", "bf": "3", "b_strategy": "0", "g": "48", "sc_threshold": "0"}


@pytest.fixture(scope="module")
def reordered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Ten seconds at 24 Hz, three of four pictures between the others that they are predicted from."""
    return make_video(tmp_path_factory.mktemp("v") / "v.mp4", seconds=10, rate_hz=24, options=REORDERED)


def pictures(path: Path, rate_hz: float | None) -> list[int]:
    """The numbers of the pictures that are decoded."""
    return [read_number(shot.frame.to_ndarray(format="rgb24")) for shot in VideoFile(path).shots(rate_hz=rate_hz)]


def expected(times: np.ndarray, rate_hz: float, duration: float) -> list[int]:
    """Which pictures samples at (k + 1/2) / rate_hz show."""
    instants = (np.arange(int(duration * rate_hz + 2)) + 0.5) / rate_hz
    return [int(np.searchsorted(times, t, side="right")) - 1 for t in instants if t < duration]


def sampled(path: Path, rate_hz: float) -> tuple[list[int], Any]:
    with iter_frames(path, rate_hz=rate_hz) as stream:
        return [read_number(picture) for frames in stream for picture in frames.pixels], stream.info


@settings(max_examples=20, deadline=None)
@given(rate_hz=st.floats(0.2, 60))
def test_every_sample_is_the_picture_on_screen(reordered: Path, rate_hz: float) -> None:
    numbers, info = sampled(reordered, rate_hz)
    times = np.array([round(k / 24 * 90_000) / 90_000 for k in range(240)])
    truth = expected(times, rate_hz, 10.0)
    assert len(numbers) == len(truth) and info.warnings == () and info.duration_seconds == pytest.approx(10.0, abs=1e-3)
    differs = [(a, b) for a, b in zip(numbers, truth, strict=True) if a != b]
    assert all(abs(a - b) == 1 for a, b in differs) and len(differs) <= 1  # where an instant meets a time stamp


@pytest.mark.parametrize("codec", ["libx264", "libx265"])
def test_what_no_sample_and_no_other_picture_needs_is_left_out(codec: str, tmp_path: Path) -> None:
    options = REORDERED if codec == "libx264" else {"preset": "ultrafast", "x265-params": "bframes=3:log-level=none"}
    path = make_video(tmp_path / "v.mp4", seconds=5, rate_hz=24, codec=codec, options=options)
    whole, spared = pictures(path, None), pictures(path, 2.0)
    assert whole == list(range(120))
    assert set(spared) <= set(whole) and len(spared) < 0.75 * len(whole) and spared[-1] == whole[-1]
    assert set(expected(np.arange(120) / 24, 2.0, 5.0)) <= set(spared)


@pytest.mark.parametrize("codec", ["libx264", "libx265"])
@pytest.mark.parametrize("suffix", [".mp4", ".ts"])  # lengths before the units of a packet, or start codes
def test_groups_of_pictures_without_a_sample_are_left_out(codec: str, suffix: str, tmp_path: Path) -> None:
    hevc = {"preset": "ultrafast", "x265-params": "bframes=3:keyint=48:open-gop=0:log-level=none"}
    options = REORDERED if codec == "libx264" else hevc
    path = make_video(tmp_path / f"v{suffix}", seconds=60, rate_hz=24, codec=codec, options=options)
    decoded = pictures(path, 0.05)
    assert set(expected(np.arange(1440) / 24, 0.05, 60.0)) <= set(decoded) and decoded[-1] == 1439
    assert len(decoded) < 250  # a group of 48 for each of three samples, and the last
    numbers, info = sampled(path, 0.05)
    assert numbers == [240, 720, 1200] and info.warnings == ()
    assert info.duration_seconds == pytest.approx(60.0, abs=0.05)


def test_what_is_held_back_is_bounded(reordered: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usual = pictures(reordered, 0.2)
    monkeypatch.setattr(packets, "MOST_HELD_BYTES", 300)
    assert len(pictures(reordered, 0.2)) > len(usual)
    assert sampled(reordered, 0.2)[0] == [60, 180]


def test_what_was_left_out_is_not_called_lost(tmp_path: Path) -> None:
    path = make_video(tmp_path / "v.mp4", seconds=60, rate_hz=24, options=REORDERED)
    with av.open(str(path)) as container:
        hit = [p for p in container.demux(video=0) if p.pts is not None and 49.5 <= p.pts * p.time_base < 50.1]
        places = [(p.pos, p.size) for p in hit]
    data = bytearray(path.read_bytes())
    for place, size in places:
        data[place + 5 : place + size] = bytes(size - 5)
    path.write_bytes(bytes(data))
    warnings = sampled(path, 0.05)[1].warnings
    assert "could not be decoded" in warnings[0] or "damaged" in warnings[0]
    assert not any(re.match(r"nothing could be decoded from [0-3]?\d\.", warning) for warning in warnings)


def test_uneven_time_stamps_keep_their_pictures(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    times = np.cumsum(random.choice([1 / 30, 1 / 10, 0.4], size=120)).round(3)
    times -= times[0]
    path = make_video(tmp_path / "v.mkv", times_seconds=times.tolist(), options=REORDERED)
    numbers, info = sampled(path, 3.0)
    assert numbers == expected(times, 3.0, info.duration_seconds)


def test_in_a_damaged_video_every_picture_is_decoded_from_the_damage_on(reordered: Path, tmp_path: Path) -> None:
    path = Path(shutil.copy(reordered, tmp_path / "v.mp4"))
    with av.open(str(path)) as container:  # the first picture that many others need
        packet = next(p for p in container.demux(video=0) if p.is_keyframe and p.pts * p.time_base > 1.0)
        place, size = packet.pos, packet.size
    data = bytearray(path.read_bytes())
    data[place + 5 : place + size] = bytes(size - 5)
    path.write_bytes(bytes(data))
    sparing, whole = ([shot.start_seconds for shot in VideoFile(path).shots(rate_hz=rate)] for rate in (2.0, None))
    assert len([t for t in sparing if t < 1.5]) < len([t for t in whole if t < 1.5])
    assert [t for t in sparing if t > 4] == [t for t in whole if t > 4]
    numbers, info = sampled(path, 2.0)
    assert info.duration_seconds == pytest.approx(10.0, abs=1e-3) and numbers[9:] == list(range(114, 240, 12))
    assert "could not be decoded" in info.warnings[0]
    assert re.match(r"nothing could be decoded from (1\.9|2\.0) to 3\.[789] s", info.warnings[1])


def test_joined_recordings_keep_every_sample(tmp_path: Path) -> None:
    part = make_video(tmp_path / "part.ts", seconds=4, rate_hz=24, options=REORDERED).read_bytes()
    (tmp_path / "v.ts").write_bytes(part + part)
    numbers, info = sampled(tmp_path / "v.ts", 2.9)
    assert "jump" in " ".join(info.warnings)
    assert numbers == [k % 96 for k in expected(np.arange(192) / 24, 2.9, info.duration_seconds)]
