"""Every video: what is read of intact ones, what is saved of broken ones, and what is said of the others."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from PIL import Image
from videos import look, make_pictures, make_video, numbered, read_number, remux

from tfgrounding import Pictures, probe
from tfgrounding.errors import VideoError
from tfgrounding.media import VideoFile, open_source

EVERY_THIRD = [1, 5, 8, 11, 15, 18, 21, 25, 28, 31, 35, 38]  # of 40 frames at 10 Hz, seen at 1/6 s, 1/2 s ...
AT_25_HZ = [int((k + 0.5) / 3 * 25) for k in range(12)]
REORDERED = {"preset": "medium", "bf": "3", "b_strategy": "0"}
QUIET = {"preset": "ultrafast", "x265-params": "log-level=none"}


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


def joined(folder: Path, **arguments: Any) -> Path:
    part = make_video(folder / "part.ts", seconds=2, **arguments).read_bytes()
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


INTACT: dict[str, tuple[Callable[[Path], Any], list[int], float]] = {  # name: (source, numbers seen at 3 Hz, seconds)
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
    "sound first": (lambda d: make_video(d / "v.mp4", audio=True, sound_first=True), EVERY_THIRD, 4.0),
    "sound first, mkv": (lambda d: make_video(d / "v.mkv", audio=True, sound_first=True), EVERY_THIRD, 4.0),
    "sound first, mpeg-ts": (lambda d: make_video(d / "v.ts", audio=True, sound_first=True), EVERY_THIRD, 4.0),
    "sound first, slow and out of order": (
        lambda d: make_video(d / "v.mp4", seconds=6, rate_hz=1, audio=True, sound_first=True, options=REORDERED),
        [0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3, 3, 4, 4, 4, 5, 5, 5],
        6.0,
    ),
    "sound first, one picture": (
        lambda d: make_video(d / "v.mp4", seconds=1, rate_hz=1, audio=True, sound_first=True),
        [0, 0, 0],
        1.0,
    ),
    "pictures later than sound": (lambda d: make_video(d / "v.mp4", start_seconds=3, audio=True), EVERY_THIRD, 4.0),
    "pictures later than sound, mkv": (
        lambda d: make_video(d / "v.mkv", start_seconds=3, audio=True, sound_first=True),
        EVERY_THIRD,
        4.0,
    ),
    "cut with an edit list": (
        lambda d: remux(
            make_video(d / "v.mp4", seconds=6, options={**REORDERED, "g": "20"}),
            d / "cut.mp4",
            from_seconds=1.9,
            shown_from_seconds=2.5,
        ),
        [26, 30, 33, 36, 40, 43, 46, 50, 53, 56],
        3.5,
    ),
    "cut with an edit list, sampled seldom": (
        lambda d: remux(
            make_video(d / "v.mov", seconds=60, rate_hz=2, options={**REORDERED, "g": "20"}),
            d / "cut.mov",
            from_seconds=9,
            shown_from_seconds=17,
        ),
        [34 + int((k + 0.5) / 3 * 2) for k in range(129)],
        43.0,
    ),
    "hevc": (lambda d: make_video(d / "v.mp4", codec="libx265", options=QUIET), EVERY_THIRD, 4.0),
    "hevc, mpeg-ts": (lambda d: make_video(d / "v.ts", codec="libx265", options=QUIET), EVERY_THIRD, 4.0),
    "webm, VP8": (lambda d: make_video(d / "v.webm", codec="libvpx"), EVERY_THIRD, 4.0),
    "AV1": (lambda d: make_video(d / "v.mp4", codec="libsvtav1", options={"preset": "12"}), EVERY_THIRD, 4.0),
    "ProRes": (
        lambda d: make_video(d / "v.mov", codec="prores_ks", pixel_format="yuv422p10le"),
        EVERY_THIRD,
        4.0,
    ),
    "motion JPEG": (lambda d: make_video(d / "v.mov", codec="mjpeg", pixel_format="yuvj420p"), EVERY_THIRD, 4.0),
    "lossless, FFV1": (lambda d: make_video(d / "v.mkv", codec="ffv1"), EVERY_THIRD, 4.0),
    "MPEG-2": (lambda d: make_video(d / "v.mpg", codec="mpeg2video", rate_hz=25, container="mpeg"), AT_25_HZ, 4.0),
    "MPEG-2, mxf": (lambda d: make_video(d / "v.mxf", codec="mpeg2video", rate_hz=25), AT_25_HZ, 4.0),
    "a camera's .MTS": (lambda d: make_video(d / "00001.MTS", container="mpegts"), EVERY_THIRD, 4.0),
    ".m2ts": (
        lambda d: make_video(d / "v.m2ts", container="mpegts", audio=True, sound_first=True),
        EVERY_THIRD,
        4.0,
    ),
    ".3gp": (lambda d: make_video(d / "v.3gp", codec="mpeg4"), EVERY_THIRD, 4.0),
    ".wmv": (lambda d: make_video(d / "v.wmv", codec="wmv2", rate_hz=25, container="asf"), AT_25_HZ, 4.0),
    "asf, pictures out of order, sound longer": (
        lambda d: make_video(
            d / "v.asf", seconds=6, times_seconds=np.arange(40) / 10, audio=True, sound_first=True, options=REORDERED
        ),
        EVERY_THIRD,
        3.9,  # the format does not say how long the last picture stays
    ),
    "flv, H.264": (lambda d: make_video(d / "v.flv"), EVERY_THIRD, 4.0),
    "a time code": (
        lambda d: make_video(d / "v.mov", rate_hz=25, metadata={"timecode": "10:00:00:00"}),
        AT_25_HZ,
        4.0,
    ),
    "not UTF-8": (lambda d: make_video(d / os.fsdecode(b"caf\xe9\xff.mp4"), container="mp4"), EVERY_THIRD, 4.0),
    "a colon": (lambda d: make_video(d / "2024-01-01T12:30.mp4"), EVERY_THIRD, 4.0),
    "a tilde": (lambda d: make_video(d / "~v.mp4"), EVERY_THIRD, 4.0),
    "percent signs and brackets": (lambda d: make_video(d / "%03d [v]*?.mp4"), EVERY_THIRD, 4.0),
    "cover beside the film": (
        lambda d: remux([make_video(d / "v.mp4"), a_picture(d)], d / "c.mp4", dispositions=["default", "attached_pic"]),
        EVERY_THIRD,
        4.0,
    ),
    "cover before the film": (
        lambda d: remux([a_picture(d), make_video(d / "v.mp4")], d / "c.mp4", dispositions=["attached_pic", "default"]),
        EVERY_THIRD,
        4.0,
    ),
    "JPEG with EXIF": (lambda d: Pictures(with_exif(d, "jpg"), 3), [0, 1, 2, 3], 4 / 3),
    "PNG with EXIF": (lambda d: Pictures(with_exif(d, "png"), 3), [0, 1, 2, 3], 4 / 3),
    "WebP with EXIF": (lambda d: Pictures(with_exif(d, "webp"), 3), [0, 1, 2, 3], 4 / 3),
    "TIFF with EXIF": (lambda d: Pictures(with_exif(d, "tiff"), 3), [0, 1, 2, 3], 4 / 3),
    "JPEG turned by EXIF": (lambda d: Pictures(with_exif(d, "jpg", orientation=6), 3), [0, 1, 2, 3], 4 / 3),
    "JPEG mirrored by EXIF": (lambda d: Pictures(with_exif(d, "jpg", orientation=2), 3), [0, 1, 2, 3], 4 / 3),
    "PNG turned by EXIF": (lambda d: Pictures(with_exif(d, "png", orientation=8), 3), [0, 1, 2, 3], 4 / 3),
    "WebP transposed by EXIF": (lambda d: Pictures(with_exif(d, "webp", orientation=5), 3), [0, 1, 2, 3], 4 / 3),
    "TIFF on its head by EXIF": (lambda d: Pictures(with_exif(d, "tiff", orientation=3), 3), [0, 1, 2, 3], 4 / 3),
    "a time lapse of JPEG with EXIF": (lambda d: time_lapse(d, "mov"), [0, 1, 2, 3], 4 / 3),
    "a time lapse of JPEG with EXIF, avi": (lambda d: time_lapse(d, "avi"), [0, 1, 2, 3], 4 / 3),
    "a title in Latin-1": (lambda d: titled(d / "v.mp4", "mp4"), EVERY_THIRD, 4.0),
    "a title in Latin-1, mkv": (lambda d: titled(d / "v.mkv", "matroska"), EVERY_THIRD, 4.0),
    "one WebP picture": (lambda d: with_exif(d, "webp") / "2.webp", [2], 0.04),
    "a saved file": (lambda d: open_source(make_video(d / "v.mp4")).to_dict(), EVERY_THIRD, 4.0),
    "a saved folder": (lambda d: Pictures(make_pictures(d / "p", 4)[0].parent, 3).to_dict(), [0, 1, 2, 3], 4 / 3),
    "a saved list": (lambda d: Pictures(make_pictures(d / "p", 4)[::-1], 3).to_dict(), [3, 2, 1, 0], 4 / 3),
    "an opened file": (lambda d: open_source(make_video(d / "v.mp4")), EVERY_THIRD, 4.0),
    "a chosen track": (
        lambda d: VideoFile(
            remux([make_video(d / "a.mp4"), make_video(d / "b.mp4", seconds=1)], d / "c.mp4"), stream=1
        ),
        [1, 5, 8],
        1.0,
    ),
}


def titled(path: Path, container: str) -> Path:
    """A video whose title is not UTF-8."""
    make_video(path, container=container, metadata={"title": "QUITE A TITLE", "handler_name": "QUITE A TITLE"})
    assert b"QUITE A TITLE" in path.read_bytes()
    return replaced(path, b"QUITE A TITLE", "Caf\xe9 M\xfcll\xe4r \xff".encode("latin-1"))


def two_tracks(folder: Path) -> Path:
    """Four seconds and one second."""
    return remux([make_video(folder / "a.mp4"), make_video(folder / "b.mp4", seconds=1)], folder / "two.mp4")


def a_picture(folder: Path) -> Path:
    """A video of one JPEG, numbered 100."""
    return make_video(
        folder / "picture.mp4",
        seconds=0.1,
        codec="mjpeg",
        pixel_format="yuvj420p",
        picture=lambda index, **size: numbered(index + 100, **size),
    )


def with_exif(folder: Path, ending: str, *, orientation: int = 1) -> Path:
    """A folder of four numbered pictures that a camera stored turned, as its EXIF data says."""
    undo = {
        1: lambda picture: picture,
        2: lambda picture: picture[:, ::-1],
        3: lambda picture: picture[::-1, ::-1],
        5: lambda picture: picture.transpose(1, 0, 2),
        6: lambda picture: np.rot90(picture, 1),
        8: lambda picture: np.rot90(picture, -1),
    }[orientation]
    pictures = folder / "exif"
    pictures.mkdir()
    for index in range(4):
        image = Image.fromarray(np.ascontiguousarray(undo(numbered(index))))
        exif = image.getexif()
        exif[0x010F], exif[0x0112] = "Maker", orientation
        image.save(pictures / f"{index}.{ending}", exif=exif, **({"lossless": True} if ending == "webp" else {}))
    return pictures


def time_lapse(folder: Path, ending: str) -> Path:
    """Turned JPEG files as the pictures of a video, as they are."""
    target = folder / f"lapse.{ending}"
    with av.open(str(target), "w") as output:
        stream = output.add_stream("mjpeg", rate=3, width=48, height=64, pix_fmt="yuvj420p")
        stream.codec_context.open()
        for index, path in enumerate(sorted(with_exif(folder, "jpg", orientation=6).iterdir())):
            packet = av.Packet(path.read_bytes())
            packet.stream, packet.pts, packet.dts, packet.is_keyframe = stream, index, index, True
            packet.time_base, packet.duration = Fraction(1, 3), 1
            output.mux(packet)
    return target


def link(path: Path) -> Path:
    other = path.with_name("link.mp4")
    other.symlink_to(path)
    return other


@pytest.mark.parametrize("name", INTACT)
def test_intact_sources(name, tmp_path):
    make, numbers, seconds = INTACT[name]
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
    "rate 0": (lambda d: make_video(d / "v.mp4"), {"rate_hz": 0}, "sampling rate must be a number of"),
    "rate -1": (lambda d: make_video(d / "v.mp4"), {"rate_hz": -1.0}, "sampling rate must be a number of"),
    "rate nan": (lambda d: make_video(d / "v.mp4"), {"rate_hz": float("nan")}, "sampling rate must be a number of"),
    "rate infinite": (
        lambda d: make_video(d / "v.mp4"),
        {"rate_hz": float("inf")},
        "sampling rate must be a number of",
    ),
    "rate 1e-300": (lambda d: make_video(d / "v.mp4"), {"rate_hz": 1e-300}, "sampling rate must be a number of"),
    "rate as text": (lambda d: make_video(d / "v.mp4"), {"rate_hz": "3"}, "sampling rate must be a number of"),
    "size 0": (lambda d: make_video(d / "v.mp4"), {"size": 0}, "size must be None"),
    "size (8, 0)": (lambda d: make_video(d / "v.mp4"), {"size": (8, 0)}, "size must be None"),
    "size (8, 8, 8)": (lambda d: make_video(d / "v.mp4"), {"size": (8, 8, 8)}, "size must be None"),
    "size 8.5": (lambda d: make_video(d / "v.mp4"), {"size": 8.5}, "size must be None"),
    "size 10 million": (lambda d: make_video(d / "v.mp4"), {"size": 10_000_000}, "size must be None"),
    "chunks of 0": (lambda d: make_video(d / "v.mp4"), {"chunk_frames": 0}, "chunk_frames must be a whole number"),
    "chunks of 1.5": (lambda d: make_video(d / "v.mp4"), {"chunk_frames": 1.5}, "chunk_frames must be a whole number"),
    "rate 300 of a video of 10": (lambda d: make_video(d / "v.mp4"), {"rate_hz": 300}, "far more than its 10 pictures"),
    "rate 300 of pictures of 3": (
        lambda d: Pictures(np.zeros((2, 4, 4, 3), np.uint8), 3),
        {"rate_hz": 300},
        "far more than its 3 pictures",
    ),
    "a part from -1 s": (lambda d: make_video(d / "v.mp4"), {"start_seconds": -1}, "a part starts at 0 s or later"),
    "a part from nan": (
        lambda d: make_video(d / "v.mp4"),
        {"start_seconds": float("nan")},
        "a part starts at 0 s or later",
    ),
    "a part that ends first": (
        lambda d: make_video(d / "v.mp4"),
        {"start_seconds": 2, "end_seconds": 1},
        "before it ends",
    ),
    "a part to nan": (lambda d: make_video(d / "v.mp4"), {"end_seconds": float("nan")}, "before it ends"),
    "encrypted": (
        lambda d: remux(
            make_video(d / "v.mp4"),
            d / "e.mp4",
            options={"encryption_scheme": "cenc-aes-ctr", "encryption_key": "0" * 31 + "1", "encryption_kid": "a" * 32},
        ),
        {},
        "its pictures are encrypted",
    ),
    "encrypted, in fragments": (
        lambda d: remux(
            make_video(d / "v.mp4"),
            d / "e.mp4",
            options={
                "movflags": "frag_keyframe+empty_moov",
                "encryption_scheme": "cenc-aes-ctr",
                "encryption_key": "0" * 31 + "1",
                "encryption_kid": "a" * 32,
            },
        ),
        {},
        "its pictures are encrypted",
    ),
    "encrypted, mpeg-ts": (lambda d: scrambled(make_video(d / "v.ts")), {}, "its pictures are encrypted"),
    "a codec of the future": (lambda d: replaced(make_video(d / "v.mp4"), b"avc1", b"zzz1"), {}, "there is no decoder"),
    "a codec of the future, mkv": (
        lambda d: replaced(make_video(d / "v.mkv"), b"V_MPEG4/ISO/AVC", b"V_MPEG9/ISO/AVC"),
        {},
        "there is no decoder",
    ),
    "animated WebP": (lambda d: animated_webp(d), {}, "it is an animated WebP picture"),
    "a recording that was never finished": (
        lambda d: cut(make_video(d / "v.mov"), 0.5),
        {},
        "its index is missing",
    ),
    "a page saved as a video": (
        lambda d: write(d / "v.mp4", b"<!doctype html><title>404</title>" * 9),
        {},
        "not a video that can be read",
    ),
    "a track that is not there": (
        lambda d: VideoFile(make_video(d / "v.mp4", audio=True, sound_first=True), stream=7),
        {},
        "stream 7 is no video track; its video tracks are: 1",
    ),
    "a sound track": (
        lambda d: VideoFile(make_video(d / "v.mp4", audio=True, sound_first=True), stream=0),
        {},
        "stream 0 is no video track",
    ),
    "a saved array": (
        lambda d: Pictures(np.zeros((2, 4, 4, 3), np.uint8), 3).to_dict(),
        {},
        "the pictures of this array are not stored",
    ),
    "saved features": (lambda d: {"kind": "features", "name": "v.npy"}, {}, "only its features are given"),
    "a saved thing of another kind": (lambda d: {"kind": "hologram"}, {}, "of kind 'hologram' is not known"),
    "no saved thing": (lambda d: {"path": "v.mp4"}, {}, "no description of a video source"),
    "a saved path that is none": (lambda d: {"kind": "file", "path": 7}, {}, "no description of a video source"),
    "a saved folder without a rate": (
        lambda d: {"kind": "pictures", "folder": str(d)},
        {},
        "no description of a video source",
    ),
    "a file in a home folder that is not there": (lambda d: "~/none.mp4", {}, "there is no such file"),
}


def replaced(path: Path, old: bytes, new: bytes) -> Path:
    return write(path, path.read_bytes().replace(old, new))


def scrambled(path: Path) -> Path:
    """A transport stream whose packets of pictures are scrambled and say so."""
    data = bytearray(path.read_bytes())
    for at in range(0, len(data), 188):
        if int.from_bytes(data[at + 1 : at + 3], "big") & 0x1FFF == 0x100:
            data[at + 3] |= 0x80
            data[at + 4 : at + 188] = bytes(byte ^ 0x5A for byte in data[at + 4 : at + 188])
    return write(path, bytes(data))


def animated_webp(folder: Path) -> Path:
    images = [Image.fromarray(numbered(k)) for k in range(3)]
    buffer = io.BytesIO()
    images[0].save(buffer, "webp", save_all=True, append_images=images[1:], duration=100)
    return write(folder / "v.webp", buffer.getvalue())


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
        "the file states 8.00 s but has",
    ),
    "mkv with sound cut short": (
        lambda d: cut(make_video(d / "v.mkv", seconds=8, audio=True), 0.6),
        3.0,
        "the file states 8.19 s but has",
    ),
    "mp4 cut short": (lambda d: cut(early_index(d), 0.6), 1.5, "the file states 8.00 s but has"),
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
    "a damaged beginning": (
        lambda d: without_start(make_video(d / "v.mp4", seconds=8, options={"g": "20"})),
        8.0,
        "the first 4.0 s could not be decoded",
    ),
    "a damaged beginning, mkv": (
        lambda d: without_start(make_noise(d / "v.mkv")),
        8.0,
        "the first 4.0 s could not be decoded",
    ),
    "a damaged beginning, mpg": (
        lambda d: without_start(make_noise(d / "v.mpg", codec="mpeg2video", rate_hz=25, container="mpeg")),
        4.0,
        "nothing could be read from the first",
    ),
    "a damaged beginning, avi": (
        lambda d: without_start(make_noise(d / "v.avi", codec="mpeg4")),
        8.0,
        "the first 4.0 s could not be decoded",
    ),
    "a thumbnail before the film": (
        lambda d: remux([a_picture(d), make_video(d / "v.mp4")], d / "t.mp4"),
        4.0,
        "stream 1 is read (the others hold single pictures)",
    ),
    "a thumbnail before the film, mkv": (
        lambda d: remux([a_picture(d), make_video(d / "v.mp4")], d / "t.mkv"),
        4.0,
        "stream 1 is read (the others hold single pictures)",
    ),
    "two tracks, the second one default": (
        lambda d: remux(
            [make_video(d / "a.mp4", seconds=8), make_video(d / "b.mp4")], d / "t.mkv", dispositions=["", "default"]
        ),
        4.0,
        "stream 1 is read (the default one)",
    ),
    "two tracks in a transport stream": (
        lambda d: remux([make_video(d / "a.mp4", seconds=2), make_video(d / "b.mp4")], d / "t.ts"),
        4.0,
        "stream 1 is read (the one with most pictures)",
    ),
    "HDR, PQ": (lambda d: hdr_video(d / "v.mp4", "smpte2084"), 1.0, "its pictures are HDR (PQ)"),
    "HDR, HLG": (lambda d: hdr_video(d / "v.mkv", "arib-std-b67"), 1.0, "its pictures are HDR (HLG)"),
    "joined recordings with sound": (
        lambda d: joined(d, audio=True, sound_first=True),
        4.0,
        "the time stamps jump by",
    ),
}


def test_times_in_an_avi_file_stay_right_behind_what_is_lost(tmp_path):
    path = make_video(tmp_path / "v.avi", seconds=8, codec="mpeg4", options={"g": "10"})
    with av.open(str(path)) as container:
        places = [packet.pos for packet in container.demux(video=0) if packet.size]
    data = bytearray(path.read_bytes())
    data[places[20] : places[50]] = bytes(places[50] - places[20])
    shots = [
        (shot.start_seconds, int(read_number(shot.frame.to_ndarray(format="rgb24"))))
        for shot in VideoFile(write(path, bytes(data))).shots()
    ]
    assert [number for _, number in shots if number >= 60] == list(range(60, 80))
    assert all(seconds == pytest.approx(number / 10) for seconds, number in shots if number < 19 or number >= 60)


def without_start(path: Path) -> Path:
    """The file with zeros in place of the first half of its pictures."""
    with av.open(str(path)) as container:
        places = [packet.pos for packet in container.demux(video=0) if packet.size]
    data = bytearray(path.read_bytes())
    start, end = places[0], places[len(places) // 2] - 60
    if path.suffix == ".mp4":
        end += 60
    return write(path, bytes(data[:start]) + bytes(end - start) + bytes(data[end:]))


def make_noise(path: Path, **arguments: Any) -> Path:
    """A file much larger than its headers."""
    random = np.random.default_rng(0)

    def noise(index: int, *, width: int, height: int) -> np.ndarray:
        return random.integers(0, 128, (height, width, 3)).astype(np.uint8) + numbered(index % 2) // 2

    return make_video(path, seconds=8, picture=noise, options={"g": "20", "b": "4000000"}, **arguments)


def hdr_video(path: Path, transfer: str) -> Path:
    colours = f"colorprim=bt2020:transfer={transfer}:colormatrix=bt2020nc:log-level=none"
    return make_video(
        path, seconds=1, codec="libx265", pixel_format="yuv420p10le", options={**QUIET, "x265-params": colours}
    )


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
