"""Videos made at test time: every picture carries its number, so that a test can tell which frame it was shown.

from videos import make_video

path = make_video(tmp_path / "a.mp4", seconds=4, rate_hz=10)            # numbered pictures, H.264
path = make_video(tmp_path / "b.mkv", times_seconds=[0, 0.1, 5.0])      # variable frame rate
path = make_scenes(tmp_path / "c.mp4", [(2.0, RED), (3.0, BLUE)])       # plain colours, one after the other
read_number(frames.pixels[k])                                          # which frame is this?
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

from tfgrounding import VideoInfo, iter_frames

BITS_WIDE, BITS_HIGH = 4, 3  # a number is 12 black or white blocks, the lowest bit top left
TIME_BASE = Fraction(1, 90_000)
RED, GREEN, BLUE, WHITE, BLACK = (200, 30, 30), (30, 180, 30), (30, 30, 200), (235, 235, 235), (16, 16, 16)


def numbered(index: int, *, width: int = 64, height: int = 48) -> np.ndarray:
    """(H, W, 3) uint8 picture that says `index` (below 4096) in coarse blocks, which survive compression."""
    bits = (index >> np.arange(BITS_WIDE * BITS_HIGH)) & 1
    blocks = np.where(bits, 235, 20).astype(np.uint8).reshape(BITS_HIGH, BITS_WIDE)
    rows = np.arange(height) * BITS_HIGH // height
    columns = np.arange(width) * BITS_WIDE // width
    return np.repeat(blocks[rows][:, columns, None], 3, axis=2)


def read_number(picture: np.ndarray) -> int:
    """The number that `numbered` wrote into an (H, W, 3) picture, at whatever size."""
    height, width = picture.shape[:2]
    rows = (np.arange(BITS_HIGH) + 0.5) * height / BITS_HIGH
    columns = (np.arange(BITS_WIDE) + 0.5) * width / BITS_WIDE
    centres = picture[rows.astype(int)][:, columns.astype(int)].mean(axis=2) > 127
    return int((centres.reshape(-1) << np.arange(BITS_WIDE * BITS_HIGH)).sum())


@dataclass
class Seen:
    """The samples of a video: the number in each picture, when it came on screen, when it was looked at."""

    numbers: list[int]
    pts: np.ndarray
    instants: np.ndarray
    pixels: np.ndarray
    info: VideoInfo


def look(source: Any, **arguments: Any) -> Seen:
    """All samples of a video; arguments as for `iter_frames`."""
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


def quadrants(index: int = 0, *, width: int = 64, height: int = 48) -> np.ndarray:
    """Red, green / blue, white: a picture that tells how it was turned or flipped."""
    picture = np.empty((height, width, 3), dtype=np.uint8)
    picture[: height // 2, : width // 2] = RED
    picture[: height // 2, width // 2 :] = GREEN
    picture[height // 2 :, : width // 2] = BLUE
    picture[height // 2 :, width // 2 :] = WHITE
    return picture


def make_video(
    path: Path,
    *,
    seconds: float = 4.0,
    rate_hz: float = 10.0,
    times_seconds: Sequence[float] | None = None,
    width: int = 64,
    height: int = 48,
    picture: Callable[..., np.ndarray] = numbered,
    codec: str = "libx264",
    pixel_format: str = "yuv420p",
    options: dict[str, str] | None = None,
    rotation_degrees: int = 0,
    hflip: bool = False,
    start_seconds: float = 0.0,
    aspect: Fraction | None = None,
    audio: bool = False,
    sound_first: bool = False,
    pictures: bool = True,
    container: str | None = None,
    metadata: dict[str, str] | None = None,
    seekable: bool = True,
) -> Path:
    """Encode a small video file and return its path.

    Args:
        path: where; its suffix chooses the container unless `container` names one.
        seconds, rate_hz: length and steady frame rate; or `times_seconds`: when each frame comes on screen.
        picture: picture(index, width=, height=) -> (height, width, 3) uint8.
        codec, pixel_format, options: as FFmpeg names them.
        rotation_degrees, hflip: display matrix of the stream. aspect: width of a pixel over its height.
        start_seconds: time stamp of the first frame.
        audio: add a silent sound track from 0 s on, as the first stream with `sound_first`.
        pictures: False leaves the video stream out.
        metadata: of the video stream.
        seekable: False writes as into a pipe, so that the container can't hold a duration or an index.
    """
    if times_seconds is None:
        times_seconds = np.arange(round(seconds * rate_hz)) / rate_hz
    time_base = _time_base(codec, path, rate_hz)
    ticks = [round((start_seconds + t) / time_base) for t in times_seconds]
    with path.open("wb") as file:
        target: Any = file if seekable else _Pipe(file)
        with av.open(target, "w", format=container or _container(path)) as output:
            video = sound = None
            if sound_first:
                sound = output.add_stream("aac", rate=8000, layout="mono")
            if pictures:
                video = output.add_stream(codec, rate=Fraction(rate_hz).limit_denominator(1001))
                video.width, video.height, video.pix_fmt = width, height, pixel_format
                video.codec_context.time_base = video.time_base = time_base
                video.options = {"preset": "ultrafast", **(options or {})} if codec == "libx264" else (options or {})
                video.metadata.update(metadata or {})
                if aspect:
                    video.codec_context.sample_aspect_ratio = aspect
                if rotation_degrees or hflip:
                    video.set_display_rotation(rotation_degrees, hflip=hflip)
            if audio and sound is None:
                sound = output.add_stream("aac", rate=8000, layout="mono")
            if video is not None:
                for index, tick in enumerate(ticks):
                    frame = av.VideoFrame.from_ndarray(picture(index, width=width, height=height), format="rgb24")
                    frame.pts, frame.time_base = tick, time_base
                    output.mux(video.encode(frame))
                output.mux(video.encode(None))
            if sound is not None:
                for first in range(0, round((start_seconds + seconds) * 8000), 1024):
                    quiet = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
                    quiet.sample_rate, quiet.pts, quiet.time_base = 8000, first, Fraction(1, 8000)
                    output.mux(sound.encode(quiet))
                output.mux(sound.encode(None))
    return path


def make_scenes(path: Path, scenes: Sequence[tuple[float, tuple[int, int, int]]], **settings: Any) -> Path:
    """A video of plain colours, given as (seconds, (red, green, blue)), one after the other; settings as make_video."""
    rate_hz = settings.setdefault("rate_hz", 10.0)
    colours = [colour for seconds, colour in scenes for _ in range(round(seconds * rate_hz))]

    def plain(index: int, *, width: int, height: int) -> np.ndarray:
        return np.full((height, width, 3), colours[index], dtype=np.uint8)

    return make_video(path, seconds=len(colours) / rate_hz, picture=plain, **settings)


def remux(
    sources: Path | Sequence[Path],
    target: Path,
    *,
    from_seconds: float = 0.0,
    shown_from_seconds: float | None = None,
    dispositions: Sequence[str] = (),
    options: dict[str, str] | None = None,
) -> Path:
    """Copy the video streams of files into one file without encoding again.

    Args:
        sources: one file or several; each gives a stream.
        from_seconds: begin with the first key picture from there on.
        shown_from_seconds: what comes before is kept and hidden, in MP4 by an edit list; None shows everything.
        dispositions: of each stream, as FFmpeg names them. options: of the container.
    """
    zero = from_seconds if shown_from_seconds is None else shown_from_seconds
    options = {"avoid_negative_ts": "disabled", **(options or {})}
    with av.open(str(target), "w", options=options) as output:
        inputs = [av.open(str(path)) for path in ([sources] if isinstance(sources, Path) else sources)]
        streams = [output.add_stream_from_template(source.streams.video[0]) for source in inputs]
        for stream, disposition in zip(streams, dispositions, strict=False):
            stream.disposition = av.stream.Disposition[disposition] if disposition else av.stream.Disposition(0)
        for source, stream in zip(inputs, streams, strict=True):
            has_begun = False
            for packet in source.demux(video=0):
                has_begun = has_begun or (packet.is_keyframe and packet.pts * packet.time_base >= from_seconds)
                if packet.dts is not None and has_begun:
                    shift = round(zero / packet.time_base)
                    packet.pts, packet.dts, packet.stream = packet.pts - shift, packet.dts - shift, stream
                    output.mux(packet)
            source.close()
    return target


def make_pictures(
    folder: Path,
    count: int,
    *,
    suffix: str = ".png",
    width: int = 64,
    height: int = 48,
    picture: Callable[..., np.ndarray] = numbered,
) -> list[Path]:
    """Picture files 0.png, 1.png ... 10.png in a new folder, in order; `picture` as for make_video."""
    folder.mkdir(parents=True)
    codec, pixel_format = {".png": ("png", "rgb24"), ".jpg": ("mjpeg", "yuvj444p"), ".bmp": ("bmp", "bgr24")}[suffix]
    paths = []
    for index in range(count):
        path = folder / f"{index}{suffix}"
        frame = av.VideoFrame.from_ndarray(picture(index, width=width, height=height), format="rgb24")
        encoder = av.CodecContext.create(codec, "w")
        encoder.width, encoder.height, encoder.pix_fmt, encoder.time_base = width, height, pixel_format, Fraction(1)
        packets = [*encoder.encode(frame.reformat(format=pixel_format)), *encoder.encode(None)]
        path.write_bytes(b"".join(bytes(packet) for packet in packets))
        paths.append(path)
    return paths


def _time_base(codec: str, path: Path, rate_hz: float) -> Fraction:
    """MPEG-4 part 2 knows no finer ticks than 1/65535, AVI and MPEG-2 none but their frames."""
    if path.suffix == ".avi" or codec == "mpeg2video":
        return 1 / Fraction(rate_hz).limit_denominator(1001)
    return Fraction(1, 60_000) if codec == "mpeg4" else TIME_BASE


def _container(path: Path) -> str:
    return {".mkv": "matroska", ".ts": "mpegts", ".m4a": "ipod"}.get(path.suffix, path.suffix[1:])


class _Pipe(io.RawIOBase):
    """A file that can be written but not sought."""

    def __init__(self, file: Any) -> None:
        self._file = file

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        return self._file.write(data)
