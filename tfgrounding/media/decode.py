"""One video file: what its container says, and every picture that can be decoded, with the time it came on screen."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from ..errors import VideoError
from ..types import VideoInfo
from .packets import Sparing
from .timestamps import Clock

if TYPE_CHECKING:
    import av.container
    import av.packet
    import av.video.frame
    import av.video.reformatter
    import av.video.stream

    Thinning = Callable[[Iterator[av.packet.Packet]], Iterator[av.packet.Packet]]

USUAL_RATE_HZ = 25.0  # where a container states no frame rate that could be true
FASTEST_RATE_HZ = 1000.0
LARGEST_PICTURE_PIXELS = 8192 * 4320  # 8K cinema: 50 MB decoded, a dozen at a time; a small file could ask for far more
MAX_PIXELS = {"max_pixels": str(LARGEST_PICTURE_PIXELS)}  # to a decoder: larger pictures are errors
HOLE_SECONDS = 0.5  # in a damaged video; shorter ones are counted as pictures
MOST_HOLES = 5  # that are named one by one
MOST_READ_FAILURES = 16  # in a row, after which the rest of a file is given up


class Shot(NamedTuple):
    """A picture and the stretch of time it was made for, in seconds from the first one."""

    start_seconds: float
    end_seconds: float
    frame: av.video.frame.VideoFrame


class VideoFile:
    """A video file, opened anew by each call; `info` is what its container states.

    Raises:
        VideoError: not a readable, regular file with at least one decodable picture.
    """

    def __init__(self, source: str | os.PathLike[str]) -> None:
        self._path = checked_path(source)
        with _opened(self._path) as container:
            stream = _video_stream(container, self._path)
            first = _first_frame(container, stream, self._path)
            width, height = screen_size(first, stream.sample_aspect_ratio)
            average_hz = float(stream.average_rate or 0)
            self._gap_seconds = 1 / (average_hz if 0 < average_hz < FASTEST_RATE_HZ else USUAL_RATE_HZ)
            self._zero_seconds = _seconds(first.pts, first.time_base) or 0.0
            self._stated = _stated_duration(container, stream, first)
            self._lost: list[str] = []
            self.info = VideoInfo(
                path=str(source),
                duration_seconds=self._stated
                or _counted_duration(self._path, container, stream, first, self._gap_seconds),
                width=width,
                height=height,
                frame_rate_hz=average_hz or None,
                rotation_degrees=orientation(first)[0] * 90,
                codec=stream.codec_context.name,
            )

    def shots(self, *, rate_hz: float | None = None) -> Iterator[Shot]:
        """Every decodable picture in order of time; after the last one, `lost` says what is missing.

        With `rate_hz`, pictures may be left out that are on screen at none of the instants (k + 1/2) / rate_hz.
        """
        clock = Clock(self._gap_seconds, self.info.duration_seconds)
        damage = _Damage()
        with _opened(self._path) as container:
            stream = _video_stream(container, self._path)
            stream.thread_type = "AUTO"
            thin: Thinning = iter
            in_order = container.format.name == "avi"  # it stores no time of showing, only an order of decoding
            spare: Sparing | None = None
            if rate_hz is not None and not in_order:
                spare = Sparing(stream, rate_hz=rate_hz, zero_seconds=self._zero_seconds, sound=damage.none)
                thin = spare.thin
            for frame in _frames(container, stream, whole=self._stated == 0, damage=damage, thin=thin):
                decoded = _seconds(frame.dts, frame.time_base)
                stamp = decoded if in_order else _seconds(frame.pts, frame.time_base)
                start = clock.place(stamp, decoded)
                if start is not None:
                    damage.pictures += bool(getattr(frame, "is_corrupt", False))
                    damage.see_hole(max(clock.end_seconds, spare.resumed_seconds if spare else 0.0), start)
                    yield Shot(start, clock.ends(_seconds(frame.duration, frame.time_base)), frame)
            of_all_streams = (container.duration or 0) / 1e6
        if self._stated:
            promised, read = self._stated, clock.end_seconds
        else:  # then only all streams together can be held to a promise, which some formats count from 0
            promised, read = of_all_streams, damage.newest_seconds - damage.oldest_seconds
        self._lost = [*clock.warnings, *damage.words(self._gap_seconds)]
        if promised - read > max(0.25, 3 * self._gap_seconds):
            self._lost.append(
                f"the file promises {promised:.2f} s but holds {read:.2f} s: the last {promised - read:.2f} s "
                f"({100 * (promised - read) / promised:.0f} %) are lost"
            )

    def lost(self) -> tuple[str, ...]:
        """What could not be decoded, in words; known once `shots` has come to its end."""
        return tuple(self._lost)


class _Damage:
    """Counts what could not be read or decoded."""

    def __init__(self) -> None:
        self.reads = self.packets = self.pictures = 0
        self.holes: list[tuple[float, float]] = []  # (from, to) in seconds
        self.oldest_seconds = self.newest_seconds = 0.0  # over 0 and the packets of every stream

    def none(self) -> bool:
        return not (self.reads or self.packets or self.pictures)

    def see_hole(self, ended_seconds: float, start_seconds: float) -> None:
        """Between two pictures; where nothing is damaged it is one that was made so."""
        if not self.none() and start_seconds - ended_seconds > HOLE_SECONDS:
            self.holes.append((ended_seconds, start_seconds))

    def see(self, packet: av.packet.Packet) -> None:
        if (shown := _seconds(packet.pts, packet.time_base)) is not None:
            self.oldest_seconds = min(self.oldest_seconds, shown)
            lasts = _seconds(packet.duration, packet.time_base) or 0.0
            self.newest_seconds = max(self.newest_seconds, shown + lasts)

    def words(self, gap_seconds: float) -> list[str]:
        words = []
        for count, what in ((self.packets, "could not be decoded"), (self.pictures, "came out damaged")):
            if count:
                pictures = "1 picture" if count == 1 else f"{count} pictures"
                words.append(f"{pictures} (about {count * gap_seconds:.2f} s) {what}")
        words += [f"nothing could be decoded from {start:.1f} to {end:.1f} s" for start, end in self.holes[:MOST_HOLES]]
        if len(self.holes) > MOST_HOLES:
            lost = sum(end - start for start, end in self.holes[MOST_HOLES:])
            words.append(f"{lost:.2f} s more of it are missing in {len(self.holes) - MOST_HOLES} other places")
        if self.reads:
            places = "1 place" if self.reads == 1 else f"{self.reads} places"
            words.append(f"the file could not be read in {places}, which were passed over")
        return words


def checked_path(source: str | os.PathLike[str]) -> Path:
    """The path of a regular, non-empty file. Raises VideoError in one sentence for anything else."""
    if isinstance(source, bytes) or not isinstance(source, (str, os.PathLike)):
        raise VideoError(f"a video is given as a path or as Pictures, not as {type(source).__name__}")
    name = os.fspath(source)
    if not name:
        raise VideoError("the path of the video is empty")
    if isinstance(source, str) and "://" in name:
        raise VideoError(f"{name}: web addresses are not opened; download the video and give its path")
    try:
        path = Path(name)
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            raise VideoError(
                f"{name}: is a folder; say how many pictures a second it is: Pictures(path, rate_hz=...), "
                "or --picture-rate on the command line where a command takes it"
            )
        if not stat.S_ISREG(mode):
            raise VideoError(f"{name}: is a device, pipe or socket; only files are read")
        if path.stat().st_size == 0:
            raise VideoError(f"{name}: the file is empty")
        with path.open("rb"):
            return path
    except FileNotFoundError:
        raise VideoError(f"{name}: there is no such file") from None
    except (OSError, ValueError) as error:  # no permission, a name too long or with a null byte, a dead link
        raise VideoError(f"{name!r}: cannot be opened ({getattr(error, 'strerror', None) or error})") from error


def decode_picture(path: Path) -> av.video.frame.VideoFrame:
    """The one picture in a picture file. Raises VideoError."""
    with _opened(path) as container:
        return _first_frame(container, _video_stream(container, path), path)


def screen_size(frame: av.video.frame.VideoFrame, pixel_aspect: Fraction | None = None) -> tuple[int, int]:
    """(width, height) in square pixels on screen, upright; `pixel_aspect`: width of a stored pixel over its height."""
    width, height = frame.width, frame.height
    if pixel_aspect and 0.1 < pixel_aspect < 10:
        width = max(1, round(width * pixel_aspect))
    return (height, width) if orientation(frame)[0] % 2 else (width, height)


def orientation(frame: av.video.frame.VideoFrame) -> tuple[int, bool]:
    """(quarter turns counter-clockwise, mirrored left to right before that) which put a stored picture upright."""
    side_data: Any = frame.side_data
    matrix = side_data.get("DISPLAYMATRIX")
    if matrix is None:
        return 0, False
    a, b, _, c, d = np.frombuffer(matrix, dtype="=i4")[:5].tolist()  # x' = ax + cy, y' = bx + dy
    mirrored = a * d - b * c < 0
    if abs(a) >= abs(b):
        return (0 if (a > 0) != mirrored else 2), mirrored
    return (1 if (b < 0) != mirrored else 3), mirrored


class Renderer:
    """Turns decoded pictures into upright RGB arrays of one size."""

    def __init__(self, width: int, height: int) -> None:
        from av.video.reformatter import VideoReformatter

        self._width, self._height = width, height
        self._scaler = VideoReformatter()
        self._sizes: set[tuple[int, int]] = set()

    @property
    def sizes(self) -> int:
        """How many different sizes of pictures came."""
        return len(self._sizes)

    def pixels(self, frame: av.video.frame.VideoFrame) -> np.ndarray:
        """(H, W, 3) uint8 RGB."""
        turns, mirrored = orientation(frame)
        self._sizes.add(screen_size(frame))
        width, height = (self._height, self._width) if turns % 2 else (self._width, self._height)
        scaled = self._scaler.reformat(frame, width=width, height=height, format="rgb24", interpolation="BICUBIC")
        picture = scaled.to_ndarray()
        if mirrored:
            picture = picture[:, ::-1]
        return np.ascontiguousarray(np.rot90(picture, turns))


@contextmanager
def _opened(path: Path) -> Iterator[av.container.InputContainer]:
    import av

    try:
        container = av.open("file:" + os.fspath(path))  # a name such as "pipe:0" must stay a name
    except (av.FFmpegError, UnicodeError) as error:
        raise VideoError(f"{path}: not a video that can be read ({getattr(error, 'strerror', error)})") from error
    with container:
        yield container


def _video_stream(container: av.container.InputContainer, path: Path) -> av.video.stream.VideoStream:
    for stream in container.streams.video:
        if not stream.disposition & stream.disposition.attached_pic:
            stream.codec_context.options = MAX_PIXELS
            return stream
    kinds = sorted({stream.type for stream in container.streams})
    raise VideoError(f"{path}: holds no video stream (found: {', '.join(kinds) or 'nothing'})")


def _first_frame(
    container: av.container.InputContainer, stream: av.video.stream.VideoStream, path: Path
) -> av.video.frame.VideoFrame:
    for frame in _frames(container, stream, whole=False, damage=_Damage()):
        return frame
    raise VideoError(f"{path}: no picture of its video stream could be decoded; is the file damaged or cut short?")


def _frames(
    container: av.container.InputContainer,
    stream: av.video.stream.VideoStream,
    *,
    whole: bool,
    damage: _Damage,
    thin: Thinning = iter,
) -> Iterator[av.video.frame.VideoFrame]:
    """Every frame of the stream that can be decoded; with `whole`, the other streams' packets are read along.

    `thin` stands between the stream's packets and its decoder.
    """
    import av

    failures = 0
    while failures < MOST_READ_FAILURES:
        try:
            for packet in container.demux() if whole else thin(container.demux(stream)):
                failures = 0
                if whole:
                    damage.see(packet)
                if packet.stream_index != stream.index:
                    continue
                try:
                    yield from stream.decode(packet)
                except av.FFmpegError:
                    damage.packets += 1
            return
        except av.FFmpegError:
            failures += 1
            damage.reads += failures == 1


def _stated_duration(
    container: av.container.InputContainer, stream: av.video.stream.VideoStream, first: av.video.frame.VideoFrame
) -> float:
    """Seconds from the first decodable frame to the stream's end as the container states it, or 0."""
    duration = _seconds(stream.duration, stream.time_base) or 0.0
    start, shown = _seconds(stream.start_time, stream.time_base), _seconds(first.pts, first.time_base)
    skipped = shown - start if start is not None and shown is not None else 0.0
    return max(0.0, duration - max(0.0, skipped)) if duration > 0 else 0.0


def _counted_duration(
    path: Path,
    container: av.container.InputContainer,
    stream: av.video.stream.VideoStream,
    first: av.video.frame.VideoFrame,
    gap_seconds: float,
) -> float:
    """Seconds from the first frame to the end of the last packet: read from near the end, or else all of them."""
    import av

    start = _seconds(first.pts, first.time_base) or 0.0
    if container.duration:
        with suppress(av.FFmpegError):
            container.seek(container.duration + (container.start_time or 0))
            end, _ = _last_packet(container, stream, gap_seconds)
            if end > start:
                return end - start
    with _opened(path) as again:
        end, count = _last_packet(again, _video_stream(again, path), gap_seconds)
    return end - start if end > start else max(1, count) * gap_seconds


def _last_packet(
    container: av.container.InputContainer, stream: av.video.stream.VideoStream, gap_seconds: float
) -> tuple[float, int]:
    """(time stamp in seconds at which the last packet to come ends, -inf without any; how many packets come)."""
    import av

    end, count = -np.inf, 0
    with suppress(av.FFmpegError):
        for packet in container.demux(stream):
            count += packet.size > 0
            if (shown := _seconds(packet.pts, packet.time_base)) is not None:
                end = max(end, shown + (_seconds(packet.duration, packet.time_base) or gap_seconds))
    return end, count


def _seconds(ticks: int | None, time_base: Fraction | None) -> float | None:
    """Ticks of a time base in seconds; None where either is not known."""
    return None if ticks is None or time_base is None else float(ticks * time_base)
