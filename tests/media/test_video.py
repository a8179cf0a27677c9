"""Every video: what is read from sound ones, what is saved from broken ones, and what is said of the others."""

from __future__ import annotations

import gc
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from videos import BLUE, GREEN, RED, WHITE, make_pictures, make_video, numbered, quadrants, read_number

from tfgrounding import Pictures, iter_frames, probe
from tfgrounding.errors import VideoError
from tfgrounding.media import pictures as pictures_module
from tfgrounding.media.frames import QUEUED_CHUNKS

EVERY_THIRD = [1, 5, 8, 11, 15, 18, 21, 25, 28, 31, 35, 38]  # of 40 frames at 10 Hz, seen at 1/6 s, 1/2 s ...


@dataclass
class Seen:
    numbers: list[int]
    pts: np.ndarray
    instants: np.ndarray
    pixels: np.ndarray
    info: Any


@pytest.fixture(scope="module")
def twelve_pictures(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    paths = make_pictures(tmp_path_factory.mktemp("p") / "p", 12)
    paths[0].with_name("broken.png").write_bytes(b"\x89PNG\r\n\x1a\nrest is missing")
    return paths


def look(source: Any, **arguments: Any) -> Seen:
    with iter_frames(source, **arguments) as stream:
        chunks = list(stream)
    pixels = np.concatenate([chunk.pixels for chunk in chunks])
    return Seen(
        numbers=[read_number(picture) for picture in pixels],
        pts=np.concatenate([chunk.pts_seconds for chunk in chunks]),
        instants=np.concatenate([chunk.sample_seconds for chunk in chunks]),
        pixels=pixels,
        info=stream.info,
    )


def cut(path: Path, share: float) -> Path:
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    return path


def spoil(path: Path, first: float, last: float, every: int) -> Path:
    data = bytearray(path.read_bytes())
    for k in range(int(len(data) * first), int(len(data) * last), every):
        data[k] ^= 0xFF
    path.write_bytes(bytes(data))
    return path


def joined(folder: Path) -> Path:
    part = make_video(folder / "part.ts", seconds=2).read_bytes()
    (folder / "joined.ts").write_bytes(part + part)
    return folder / "joined.ts"


def two_sizes(folder: Path) -> list[Path]:
    return make_pictures(folder / "a", 2) + make_pictures(folder / "b", 2, width=96, height=48)


def one_broken_picture(folder: Path, which: int = 1) -> Path:
    make_pictures(folder / "p", 4)[which].write_bytes(b"\x89PNG\r\n\x1a\nrest is missing")
    return folder / "p"


def long_gap(folder: Path) -> Path:
    return make_video(folder / "v.mkv", times_seconds=[0.0, 0.1, 0.2, 6.0, 6.3])


def with_cover(folder: Path) -> Path:
    """A sound file whose only picture is its cover."""
    path = folder / "song.m4a"
    sound = make_video(folder / "sound.m4a", audio=True, pictures=False)
    with av.open(str(path), "w", format="mp4") as output, av.open(str(sound)) as source:
        voice = output.add_stream_from_template(source.streams.audio[0])
        cover = output.add_stream("mjpeg", width=64, height=48, pix_fmt="yuvj420p")
        cover.disposition = av.stream.Disposition.attached_pic
        for packet in source.demux():
            if packet.dts is not None:
                packet.stream = voice
                output.mux(packet)
        output.mux(cover.encode(av.VideoFrame.from_ndarray(numbered(1), format="rgb24").reformat(format="yuvj420p")))
        output.mux(cover.encode(None))
    return path


SOUND: dict[str, tuple[Callable[[Path], Any], list[int], float]] = {  # name: (source, numbers seen at 3 Hz, seconds)
    "mp4": (lambda d: make_video(d / "v.mp4"), EVERY_THIRD, 4.0),
    "mp4 with sound": (lambda d: make_video(d / "v.mp4", audio=True), EVERY_THIRD, 4.0),
    "mkv": (lambda d: make_video(d / "v.mkv"), EVERY_THIRD, 4.0),
    "mkv without duration": (lambda d: make_video(d / "v.mkv", seekable=False), EVERY_THIRD, 4.0),
    "webm, VP9": (lambda d: make_video(d / "v.webm", codec="libvpx-vp9"), EVERY_THIRD, 4.0),
    "mpeg-ts": (lambda d: make_video(d / "v.ts"), EVERY_THIRD, 4.0),
    "avi, MPEG-4": (lambda d: make_video(d / "v.avi", codec="mpeg4"), EVERY_THIRD, 4.0),
    "avi, H.264 with pictures out of order": (
        lambda d: make_video(d / "v.avi", options={"preset": "medium", "bf": "3"}),
        EVERY_THIRD,
        4.0,
    ),
    "flv without duration": (lambda d: make_video(d / "v.flv", codec="flv1", seekable=False), EVERY_THIRD, 4.0),
    "gif": (lambda d: make_video(d / "v.gif", codec="gif", pixel_format="rgb8"), EVERY_THIRD, 4.0),
    "10 bit": (lambda d: make_video(d / "v.mp4", pixel_format="yuv420p10le"), EVERY_THIRD, 4.0),
    "4:4:4, odd size": (
        lambda d: make_video(d / "v.mp4", width=63, height=47, pixel_format="yuv444p"),
        EVERY_THIRD,
        4.0,
    ),
    "fragmented mp4": (
        lambda d: make_video(d / "v.mp4", container="ismv"),
        EVERY_THIRD,
        4.0,
    ),
    "no time stamps at all": (lambda d: make_video(d / "v.h264"), [4, 12, 20, 29, 37], 1.6),  # read at 25 Hz
    "delayed start": (lambda d: make_video(d / "v.mkv", start_seconds=5.0), EVERY_THIRD, 4.0),
    "delayed start, mpeg-ts": (lambda d: make_video(d / "v.ts", start_seconds=500.0), EVERY_THIRD, 4.0),
    "one frame": (lambda d: make_video(d / "v.mp4", seconds=0.1), [0], 0.1),
    "one frame, no duration": (lambda d: make_video(d / "v.mkv", seconds=0.1, seekable=False), [0], 0.1),
    "not ASCII": (lambda d: make_video(d / "Straße – 映画 🎬.mp4"), EVERY_THIRD, 4.0),
    "a name like a protocol": (lambda d: make_video(d / "pipe:0.mp4"), EVERY_THIRD, 4.0),
    "no suffix": (lambda d: make_video(d / "video", container="mp4"), EVERY_THIRD, 4.0),
    "the wrong suffix": (lambda d: make_video(d / "v.txt", container="matroska"), EVERY_THIRD, 4.0),
    "a path as text": (lambda d: str(make_video(d / "v.mp4")), EVERY_THIRD, 4.0),
    "through a link": (lambda d: link(make_video(d / "v.mp4")), EVERY_THIRD, 4.0),
    "variable rate": (long_gap, [1] + [2] * 17 + [3], 6.4),
    "60 Hz": (lambda d: make_video(d / "v.mp4", seconds=2, rate_hz=60), [10, 30, 50, 70, 90, 110], 2.0),
    "1 Hz": (lambda d: make_video(d / "v.mp4", seconds=3, rate_hz=1), [0, 0, 0, 1, 1, 1, 2, 2, 2], 3.0),
    "a folder": (lambda d: Pictures(make_pictures(d / "p", 12)[0].parent, rate_hz=6), [1, 3, 5, 7, 9, 11], 2.0),
    "a folder of JPEG": (
        lambda d: Pictures(make_pictures(d / "p", 4, suffix=".jpg")[0].parent, 3),
        [0, 1, 2, 3],
        4 / 3,
    ),
    "a list": (lambda d: Pictures(make_pictures(d / "p", 4)[::-1], rate_hz=3), [3, 2, 1, 0], 4 / 3),
    "an array": (lambda d: Pictures(np.stack([numbered(k) for k in range(6)]), rate_hz=3.0), [0, 1, 2, 3, 4, 5], 2.0),
    "every other of an array": (lambda d: Pictures(np.stack([numbered(k) for k in range(6)])[::2], 3), [0, 2, 4], 1.0),
    "a picture as a video": (lambda d: make_pictures(d / "p", 1)[0], [0], 0.04),
}


def link(path: Path) -> Path:
    other = path.with_name("link.mp4")
    other.symlink_to(path)
    return other


@pytest.mark.parametrize("name", SOUND)
def test_sound_sources(name, tmp_path):
    make, numbers, seconds = SOUND[name]
    source = make(tmp_path)
    stated, seen = probe(source), look(source)
    assert seen.numbers == numbers
    assert seen.info.duration_seconds == pytest.approx(seconds, abs=0.011)
    assert stated.duration_seconds == pytest.approx(seconds, abs=0.11)
    assert seen.info.warnings == ()
    assert (seen.instants < seen.info.duration_seconds).all() and (np.diff(seen.instants) > 0).all()
    assert (seen.pts <= seen.instants + 1e-6).all() and seen.pts[0] >= 0


BROKEN: dict[str, tuple[Callable[[Path], Any], dict[str, Any], str]] = {  # name: (source, arguments, what is said)
    "missing": (lambda d: d / "none.mp4", {}, "there is no such file"),
    "a dead link": (lambda d: dead_link(d), {}, "there is no such file"),
    "empty": (lambda d: write(d / "v.mp4", b""), {}, "the file is empty"),
    "no path": (lambda d: "", {}, "the path of the video is empty"),
    "a folder without a rate": (lambda d: make_pictures(d / "p", 2)[0].parent, {}, "Pictures(path, rate_hz=...)"),
    "a list without a rate": (lambda d: make_pictures(d / "p", 2), {}, "Pictures(pictures, rate_hz=...)"),
    "an array without a rate": (lambda d: np.zeros((2, 4, 4, 3), np.uint8), {}, "Pictures(pictures, rate_hz=...)"),
    "a number": (lambda d: 7, {}, "not as int"),
    "nothing": (lambda d: None, {}, "not as NoneType"),
    "bytes": (lambda d: b"v.mp4", {}, "not as bytes"),
    "an address": (lambda d: "https://example.org/v.mp4", {}, "download the video"),
    "a device": (lambda d: "/dev/null", {}, "is a device, pipe or socket"),
    "a pipe": (lambda d: fifo(d), {}, "is a device, pipe or socket"),
    "a null byte": (lambda d: "v\0.mp4", {}, "cannot be opened"),
    "a name too long": (lambda d: "v" * 5000, {}, "cannot be opened"),
    "text": (lambda d: write(d / "v.mp4", b"this is no video\n" * 50), {}, "not a video that can be read"),
    "noise": (lambda d: write(d / "v.mkv", np.random.default_rng(0).bytes(5000)), {}, "not a video that can be read"),
    "sound only": (lambda d: make_video(d / "v.m4a", audio=True, pictures=False), {}, "no video stream (found: audio)"),
    "sound with a cover": (with_cover, {}, "holds no video stream"),
    "mp4 cut before its index": (lambda d: cut(make_video(d / "v.mp4"), 0.5), {}, "not a video that can be read"),
    "mkv cut in its header": (lambda d: cut(make_video(d / "v.mkv"), 0.02), {}, "v.mkv"),
    "header without pictures": (
        lambda d: write(d / "cut.avi", make_video(d / "v.avi", codec="mpeg4").read_bytes()[:5700]),
        {},
        "no picture of its video stream could be decoded",
    ),
    "an empty folder": (lambda d: folder(d), {}, "holds no pictures"),
    "a folder that is not there": (lambda d: lambda: Pictures(d / "none", 3), {}, "is not a folder of pictures"),
    "an empty list": (lambda d: lambda: Pictures([], 3), {}, "holds no pictures"),
    "a list with a missing file": (lambda d: lambda: Pictures([d / "x.png"], 3), {}, "there is no such file"),
    "only broken pictures": (lambda d: lambda: broken_folder(d), {}, "none of its 2 pictures could be read"),
    "grey pictures": (lambda d: lambda: Pictures(np.zeros((2, 4, 4), np.uint8), 3), {}, "must be (T, H, W, 3) uint8"),
    "pictures as floats": (lambda d: lambda: Pictures(np.zeros((2, 4, 4, 3)), 3), {}, "uint8 RGB, not"),
    "channels first": (lambda d: lambda: Pictures(np.zeros((2, 3, 4, 4), np.uint8), 3), {}, "not (2, 3, 4, 4)"),
    "no pictures in the array": (
        lambda d: lambda: Pictures(np.zeros((0, 4, 4, 3), np.uint8), 3),
        {},
        "not (0, 4, 4, 3)",
    ),
    "pictures at rate 0": (lambda d: lambda: Pictures(np.zeros((1, 4, 4, 3), np.uint8), 0), {}, "rate of the pictures"),
    "pictures at rate nan": (
        lambda d: lambda: Pictures(np.zeros((1, 4, 4, 3), np.uint8), float("nan")),
        {},
        "rate of the pictures",
    ),
    "rate 0": (lambda d: make_video(d / "v.mp4"), {"rate_hz": 0}, "sampling rate must be a positive"),
    "rate -1": (lambda d: make_video(d / "v.mp4"), {"rate_hz": -1.0}, "sampling rate must be a positive"),
    "rate nan": (lambda d: make_video(d / "v.mp4"), {"rate_hz": float("nan")}, "sampling rate must be a positive"),
    "rate infinite": (lambda d: make_video(d / "v.mp4"), {"rate_hz": float("inf")}, "sampling rate must be a positive"),
    "rate as text": (lambda d: make_video(d / "v.mp4"), {"rate_hz": "3"}, "sampling rate must be a positive"),
    "size 0": (lambda d: make_video(d / "v.mp4"), {"size": 0}, "size must be None"),
    "size (8, 0)": (lambda d: make_video(d / "v.mp4"), {"size": (8, 0)}, "size must be None"),
    "size (8, 8, 8)": (lambda d: make_video(d / "v.mp4"), {"size": (8, 8, 8)}, "size must be None"),
    "size 8.5": (lambda d: make_video(d / "v.mp4"), {"size": 8.5}, "size must be None"),
    "size 10 million": (lambda d: make_video(d / "v.mp4"), {"size": 10_000_000}, "size must be None"),
    "chunks of 0": (lambda d: make_video(d / "v.mp4"), {"chunk_frames": 0}, "chunk_frames must be a whole number"),
    "chunks of 1.5": (lambda d: make_video(d / "v.mp4"), {"chunk_frames": 1.5}, "chunk_frames must be a whole number"),
}


def write(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def dead_link(folder: Path) -> Path:
    (folder / "v.mp4").symlink_to(folder / "gone.mp4")
    return folder / "v.mp4"


def fifo(folder: Path) -> Path:
    os.mkfifo(folder / "v.mp4")
    return folder / "v.mp4"


def folder(parent: Path) -> Callable[[], Pictures]:
    write(parent / "notes.txt", b"no picture")
    return lambda: Pictures(parent, 3)


def broken_folder(parent: Path) -> Pictures:
    for path in make_pictures(parent / "p", 2):
        path.write_bytes(b"not a picture")
    return Pictures(parent / "p", 3)


@pytest.mark.parametrize("name", BROKEN)
def test_broken_sources_and_arguments_are_one_clear_sentence(name, tmp_path):
    make, arguments, says = BROKEN[name]
    source = make(tmp_path)
    with pytest.raises(VideoError) as error:
        look(source() if callable(source) else source, **arguments)
    assert says in str(error.value) and "\n" not in str(error.value)


DAMAGED: dict[str, tuple[Callable[[Path], Any], float, str]] = {  # name: (source, seconds that are left, warning)
    "mkv cut short": (
        lambda d: cut(make_video(d / "v.mkv", seconds=8), 0.6),
        2.6,
        "the file promises 8.00 s but holds",
    ),
    "mkv with sound cut short": (
        lambda d: cut(make_video(d / "v.mkv", seconds=8, audio=True), 0.6),
        3.0,
        "the file promises 8.19 s but holds",
    ),
    "mp4 cut short": (lambda d: cut(early_index(d), 0.6), 1.5, "the file promises 8.00 s but holds"),
    "webm cut short": (
        lambda d: cut(make_video(d / "v.webm", seconds=8, codec="libvpx-vp9"), 0.6),
        4.6,
        "% ) are lost".replace(" )", ")"),
    ),
    "mp4 damaged": (lambda d: spoil(early_index(d), 0.5, 0.7, 97), 8.0, "could not be decoded"),
    "mkv damaged": (
        lambda d: spoil(make_video(d / "v.mkv", seconds=8, options={"g": "10"}), 0.4, 0.6, 40),
        8.0,
        "picture",
    ),
    "joined recordings": (joined, 4.0, "the time stamps jump by -1.90 s at 2.00 s"),
    "a picture missing from a folder": (
        lambda d: Pictures(one_broken_picture(d), 3),
        4 / 3,
        "1 of 4 pictures (0.33 s)",
    ),
    "the first picture broken": (lambda d: Pictures(one_broken_picture(d, 0), 3), 4 / 3, "the first of them 0.png"),
    "pictures of two sizes": (lambda d: Pictures(two_sizes(d), 3), 4 / 3, "the pictures come in 2 sizes"),
}


def early_index(folder: Path) -> Path:
    """An mp4 whose index stands before its pictures, so that a cut file can still be read."""
    later = make_video(folder / "later.mp4", seconds=8, options={"g": "10"})
    path = folder / "v.mp4"
    with av.open(str(later)) as source, av.open(str(path), "w", options={"movflags": "faststart"}) as output:
        stream = output.add_stream_from_template(source.streams.video[0])
        for packet in source.demux():
            if packet.dts is not None:
                packet.stream = stream
                output.mux(packet)
    return path


@pytest.mark.parametrize("name", DAMAGED)
def test_what_can_be_decoded_is_decoded_and_the_loss_is_said(name, tmp_path):
    make, seconds, warning = DAMAGED[name]
    seen = look(make(tmp_path))
    assert seen.info.duration_seconds == pytest.approx(seconds, abs=1.0)
    assert any(warning in words for words in seen.info.warnings), seen.info.warnings
    assert len(seen.numbers) == len(seen.instants) >= 1


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
