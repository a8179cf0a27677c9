"""Video as frames: what is read of ordinary sources, and at which times."""

from __future__ import annotations

import gc
import threading
import time
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from videos import BLUE, GREEN, RED, WHITE, look, make_pictures, make_video, numbered, quadrants, read_number

from tfgrounding import Pictures, iter_frames, probe
from tfgrounding.media import pictures as pictures_module
from tfgrounding.media.frames import QUEUED_CHUNKS

EVERY_THIRD = [1, 5, 8, 11, 15, 18, 21, 25, 28, 31, 35, 38]  # of 40 frames at 10 Hz, seen at 1/6 s, 1/2 s ...


@pytest.fixture(scope="module")
def twelve_pictures(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    paths = make_pictures(tmp_path_factory.mktemp("p") / "p", 12)
    paths[0].with_name("broken.png").write_bytes(b"\x89PNG\r\n\x1a\nrest is missing")
    return paths


def one_broken_picture(folder: Path, which: int = 1) -> Path:
    make_pictures(folder / "p", 4)[which].write_bytes(b"\x89PNG\r\n\x1a\nrest is missing")
    return folder / "p"


def long_gap(folder: Path) -> Path:
    return make_video(folder / "v.mkv", times_seconds=[0.0, 0.1, 0.2, 6.0, 6.3])


def test_a_gap_shows_the_picture_before_it(tmp_path):
    assert look(Pictures(one_broken_picture(tmp_path), 3)).numbers == [0, 0, 2, 3]
    assert look(Pictures(one_broken_picture(tmp_path / "again", 0), 3)).numbers == [1, 1, 2, 3]


def test_times_come_from_time_stamps_not_from_counting(tmp_path):
    """Frame 3 of 5 comes on screen at 6 s; at index / rate it would have been 0.3 s."""
    seen = look(long_gap(tmp_path))
    assert seen.pts[seen.numbers.index(3)] == pytest.approx(6.0, abs=0.002)
    assert seen.pts[seen.numbers.index(2)] == pytest.approx(0.2, abs=0.002)


TURNS = {  # (rotation, mirrored): the quadrants clockwise from top left
    (0, False): (RED, GREEN, WHITE, BLUE),
    (90, False): (GREEN, WHITE, BLUE, RED),
    (180, False): (WHITE, BLUE, RED, GREEN),
    (270, False): (BLUE, RED, GREEN, WHITE),
    (0, True): (GREEN, RED, BLUE, WHITE),
    (180, True): (BLUE, WHITE, GREEN, RED),
}


@pytest.mark.parametrize(("rotation", "mirrored"), TURNS)
def test_pictures_stand_upright(rotation, mirrored, tmp_path):
    path = make_video(tmp_path / "v.mp4", seconds=0.4, picture=quadrants, rotation_degrees=rotation, hflip=mirrored)
    info, picture = probe(path), look(path).pixels[0]
    upright = (info.height, info.width)
    assert upright == picture.shape[:2] == ((64, 48) if rotation in (90, 270) else (48, 64))
    assert info.rotation_degrees == rotation
    height, width = picture.shape[0] // 4, picture.shape[1] // 4
    corners = [picture[y, x] for y, x in ((height, width), (height, -width), (-height, -width), (-height, width))]
    np.testing.assert_allclose(corners, TURNS[rotation, mirrored], atol=12)


@pytest.mark.parametrize("rotation", [90, 270])
def test_mirrored_and_turned(rotation, tmp_path):
    """The two diagonal reflections: each leaves the quadrants on one diagonal where they are."""
    path = make_video(tmp_path / "v.mp4", seconds=0.4, picture=quadrants, rotation_degrees=rotation, hflip=True)
    picture = look(path).pixels[0]
    corners = [tuple(int(round(float(v), -1)) for v in picture[y, x]) for y, x in ((8, 8), (8, -8), (-8, -8), (-8, 8))]
    stay = {corner for corner, colour in zip(corners, (RED, GREEN, WHITE, BLUE), strict=True) if near(corner, colour)}
    assert len(stay) == 2 and picture.shape == (64, 48, 3)


def near(one: tuple[int, ...], other: tuple[int, ...]) -> bool:
    return max(abs(a - b) for a, b in zip(one, other, strict=True)) <= 15


def test_sizes(tmp_path):
    path = make_video(tmp_path / "v.mp4", width=80, height=48, rotation_degrees=90)
    assert look(path).pixels.shape[1:] == (80, 48, 3)
    assert look(path, size=24).pixels.shape[1:] == (40, 24, 3)
    assert look(path, size=(30, 50)).pixels.shape[1:] == (30, 50, 3)
    assert look(path, size=500).pixels.shape[1:] == (833, 500, 3)


def test_pixels_that_are_not_square(tmp_path):
    path = make_video(tmp_path / "v.mp4", aspect=Fraction(2, 1))
    assert (probe(path).width, probe(path).height) == (128, 48)
    seen = look(path)
    assert seen.pixels.shape[1:] == (48, 128, 3) and seen.numbers == EVERY_THIRD


def test_very_high_resolution_comes_in_smaller_chunks(tmp_path):
    path = make_video(tmp_path / "v.mp4", seconds=1, rate_hz=2, width=7680, height=4320)
    with iter_frames(path, rate_hz=4) as stream:
        chunks = [(len(chunk), read_number(chunk.pixels[0])) for chunk in stream]
    assert chunks == [(2, 0), (2, 1)]  # 99.5 MB a frame


def test_chunks_are_as_long_as_asked_and_no_longer(tmp_path):
    path = make_video(tmp_path / "v.mp4")
    with iter_frames(path, chunk_frames=5) as stream:
        assert [len(chunk) for chunk in stream] == [5, 5, 2]
        assert list(stream) == []


@settings(max_examples=25, deadline=None)
@given(count=st.integers(1, 30), rate=st.floats(0.5, 40), sampling=st.floats(0.3, 40))
def test_every_sample_is_the_picture_on_screen(count, rate, sampling):
    pictures = Pictures(np.stack([numbered(k, width=8, height=6) for k in range(count)]), rate)
    seen = look(pictures, rate_hz=sampling)
    duration = count / rate
    assert len(seen.numbers) == max(1, int(np.ceil(duration * sampling - 0.5 - 1e-9)))
    for number, pts, instant in zip(seen.numbers, seen.pts, seen.instants, strict=True):
        assert number in (int(instant * rate - 1e-9), int(instant * rate + 1e-9)) and number < count
        assert pts == pytest.approx(number / rate)
        assert 0 <= instant < duration


def test_a_folder_is_read_in_the_order_of_its_numbers(tmp_path):
    paths = make_pictures(tmp_path / "p", 12)
    (tmp_path / "p" / ".hidden.png").write_bytes(paths[0].read_bytes())
    assert [path.name for path in Pictures(tmp_path / "p", 3).files()] == [f"{k}.png" for k in range(12)]


@settings(max_examples=25, deadline=None)
@given(broken=st.sets(st.integers(0, 10)), sampling=st.floats(0.3, 30))
def test_a_picture_that_cannot_be_read_leaves_the_one_before_it_on_screen(broken, sampling, twelve_pictures):
    paths = [path.with_name("broken.png") if k in broken else path for k, path in enumerate(twelve_pictures)]
    seen = look(Pictures(paths, 10.0), rate_hz=sampling)
    readable = [k for k in range(12) if k not in broken]
    for number, instant in zip(seen.numbers, seen.instants, strict=True):
        on_screen = {int(instant * 10 - 1e-9), int(instant * 10 + 1e-9)}
        assert number in {max([k for k in readable if k <= at], default=readable[0]) for at in on_screen}
    assert seen.info.duration_seconds == pytest.approx(1.2)


def test_only_the_pictures_that_are_sampled_are_read(twelve_pictures, monkeypatch):
    read = []
    decode = pictures_module.decode_picture
    monkeypatch.setattr(pictures_module, "decode_picture", lambda path: [read.append(path.name), decode(path)][1])
    assert look(Pictures(twelve_pictures, 12.0), rate_hz=3.0).numbers == [2, 6, 10]
    assert read == ["0.png", "0.png", "2.png", "6.png", "10.png", "11.png"]  # the first says the size, the last the end


def threads() -> list[threading.Thread]:
    return [t for t in threading.enumerate() if t.name == "tfgrounding-decode"]


def gone(within_seconds: float = 5.0) -> bool:
    begin = time.perf_counter()
    while threads() and time.perf_counter() - begin < within_seconds:
        time.sleep(0.01)
    return not threads()


def test_decoding_runs_ahead_only_so_far_and_ends_with_its_reader(tmp_path):
    pictures = Pictures(np.zeros((500, 4, 4, 3), np.uint8), 3)
    with iter_frames(pictures, chunk_frames=1) as stream:
        next(stream)
        time.sleep(0.2)
        assert stream._queue.qsize() == QUEUED_CHUNKS and len(threads()) == 1
    assert gone()
    stream = iter_frames(pictures, chunk_frames=1)
    next(stream)
    del stream  # forgotten, not closed
    gc.collect()
    assert gone()


def test_the_chapters_of_a_slide_show_keep_their_length(tmp_path):
    """A frame that stays for minutes is no damage."""
    path = make_video(tmp_path / "v.mp4", times_seconds=[0, 100, 300])
    seen = look(path, rate_hz=0.1)
    assert seen.info.warnings == () and seen.numbers[:10] == [0] * 10 and seen.numbers[10:30] == [1] * 20
