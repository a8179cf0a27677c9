"""A video's container: the file is checked and opened, its track of pictures is chosen, and why it can't be is said."""

from __future__ import annotations

import math
import os
import stat
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from ..errors import VideoError
from .reasons import ENCRYPTED, UNSUPPORTED, why_unreadable

if TYPE_CHECKING:
    import av.container
    import av.packet
    import av.video.stream

# Endings of the names of video files, in lower case, for looking through folders; a file named otherwise is read too.
VIDEO_SUFFIXES = (
    *(".mp4", ".m4v", ".mov", ".3gp", ".3g2", ".mkv", ".webm", ".avi", ".divx", ".mpg", ".mpeg", ".vob"),
    *(".ts", ".m2ts", ".mts", ".mxf", ".flv", ".f4v", ".wmv", ".asf", ".ogv", ".gif", ".webp"),
)
LARGEST_PICTURE_PIXELS = 8192 * 4320  # 8K cinema: 50 MB decoded, a dozen at a time; a small file could ask for far more
MAX_PIXELS = {"max_pixels": str(LARGEST_PICTURE_PIXELS)}  # to a decoder: larger pictures are errors
STILL_CODECS = ("mjpeg", "png", "bmp", "gif", "webp", "tiff")  # of thumbnails
PACKET_BY_PACKET = ("mpegts", "mpeg", "matroska,webm", "flv", "avi")
USUAL_HEADER_BYTES, USUAL_HEADER_SHARE = 16_384, 0.05  # before the first packet at most; covers are larger in few files
AVI_CHUNK_HEADER_BYTES = 8  # the index gives the place of the header, a packet that of its content
WRAPPED_TICKS = 1 << 50  # no clock of a video comes this far: millions of years of frames
PACKETS_COUNTED = 2000  # to find the track with most pictures where the container does not say


def is_video_name(name: str | os.PathLike[str]) -> bool:
    """Whether a file's name ends like a video's."""
    return os.fspath(name).lower().endswith(VIDEO_SUFFIXES)


def checked_path(path: str | os.PathLike[str]) -> Path:
    """The path of a regular, non-empty file. Raises VideoError in one sentence for anything else."""
    name = os.fspath(path)
    if not name:
        raise VideoError("the path of the video is empty")
    try:
        found = Path(name)
        state = found.stat()
        if stat.S_ISDIR(state.st_mode):
            raise VideoError(
                f"{name}: is a folder; say how many pictures a second it is: Pictures(path, rate_hz=...), "
                "or --picture-rate on the command line where a command takes it"
            )
        if not stat.S_ISREG(state.st_mode):
            raise VideoError(f"{name}: is a device, pipe or socket; only files are read")
        if state.st_size == 0:
            raise VideoError(f"{name}: the file is empty")
        with found.open("rb"):
            return found
    except FileNotFoundError:
        if "://" in name:
            raise VideoError(f"{name}: web addresses are not opened; download the video and give its path") from None
        raise VideoError(f"{name}: there is no such file") from None
    except (OSError, ValueError) as error:  # no permission, a name too long or with a null byte, a dead link
        raise VideoError(f"{name!r}: cannot be opened ({getattr(error, 'strerror', None) or error})") from error


class FileStamp(NamedTuple):
    """What stays the same for as long as a file does: its real path, size, time of change and inode."""

    path: str
    size_bytes: int
    changed_ns: int
    inode: int


def file_stamp(path: str | os.PathLike[str]) -> FileStamp:
    """The stamp of a regular file. Raises VideoError."""
    state = checked_path(path).stat()
    return FileStamp(os.path.realpath(path), state.st_size, state.st_mtime_ns, state.st_ino)


@contextmanager
def opened(path: Path) -> Iterator[av.container.InputContainer]:
    """The file's container. Raises VideoError."""
    import av

    try:
        # A name such as "pipe:0" must stay a name; titles are in any encoding.
        container = av.open("file:" + os.fspath(path), metadata_errors="replace")
    except (av.FFmpegError, UnicodeError) as error:
        raise VideoError(f"{path}: {why_unreadable(path, getattr(error, 'strerror', str(error)))}") from error
    with container:
        yield container


def choose_track(
    container: av.container.InputContainer, path: Path, wanted: int | None
) -> tuple[av.video.stream.VideoStream, list[str]]:
    """The track of pictures to read, and what to say about the choice.

    Args:
        container: just opened; it has to be opened again to be read from its beginning.
        path: for messages.
        wanted: the number of a stream; None takes the one that the file marks as default, or else the one with most
            pictures. Covers and thumbnails are taken only where they are named.

    Raises:
        VideoError: no such stream, nothing but sound and covers, or nothing that there is a decoder for.
    """
    tracks = list(container.streams.video)
    if wanted is not None:
        for stream in tracks:
            if stream.index == wanted:
                return _decodable([stream], path)[0], []
        numbers = ", ".join(str(stream.index) for stream in tracks) or "none"
        raise VideoError(f"{path}: stream {wanted} is no video track; its video tracks are: {numbers}")
    tracks = [s for s in tracks if not s.disposition & (s.disposition.attached_pic | s.disposition.timed_thumbnails)]
    if not tracks:
        kinds = sorted({stream.type for stream in container.streams})
        raise VideoError(f"{path}: holds no video stream (found: {', '.join(kinds) or 'nothing'})")
    tracks = _decodable(tracks, path)
    if len(tracks) == 1:
        return tracks[0], []
    counts = _picture_counts(container, tracks)
    most = max(counts.values())
    films = [s for s in tracks if not _is_thumbnail(s, counts[s.index], most)]
    default = [s for s in films if s.disposition & s.disposition.default]
    chosen = max(default or films, key=lambda stream: counts[stream.index])
    why = "the default one" if len(default) == 1 else "the one with most pictures"
    if len(films) == 1:
        why = "the others hold single pictures"
    numbers = ", ".join(str(stream.index) for stream in tracks)
    return chosen, [
        f"the file holds {len(tracks)} video tracks (streams {numbers}); stream {chosen.index} is read ({why})"
    ]


def _decodable(tracks: Sequence[av.video.stream.VideoStream], path: Path) -> list[av.video.stream.VideoStream]:
    """The tracks that there is a decoder for. Raises VideoError: none."""
    if any("enc_key_id" in stream.metadata for stream in tracks):  # of Matroska
        raise VideoError(f"{path}: {ENCRYPTED}")
    found = [stream for stream in tracks if stream.codec_context is not None]
    if not found:
        raise VideoError(f"{path}: {UNSUPPORTED}")
    return found


def _is_thumbnail(stream: av.video.stream.VideoStream, pictures: int, most: int) -> bool:
    return most > 1 and (pictures <= 1 or (stream.codec_context.name in STILL_CODECS and pictures * 100 < most))


def _picture_counts(
    container: av.container.InputContainer, tracks: Sequence[av.video.stream.VideoStream]
) -> dict[int, int]:
    """How many pictures each track has, as stated, or else as far as the file is looked at."""
    import av

    if all(stream.frames for stream in tracks):
        return {stream.index: stream.frames for stream in tracks}
    counted: Counter[int] = Counter({stream.index: 0 for stream in tracks})
    with suppress(av.FFmpegError):
        for count, packet in enumerate(container.demux(tracks)):
            counted[packet.stream.index] += packet.size > 0
            if count == PACKETS_COUNTED:
                break
    return dict(counted)


def unreadable_start(container: av.container.InputContainer, path: Path) -> float:
    """Which share of a file lies before the first packet that can be read, 0 where that is nothing to wonder about.

    Containers that are read packet by packet are looked at, not those with an index of all packets.
    """
    import av

    if container.format.name not in PACKET_BY_PACKET or len(container.streams.attachments):
        return 0.0
    with suppress(av.FFmpegError, StopIteration):
        packet = next(packet for packet in container.demux() if packet.size)
        share = (packet.pos or 0) / path.stat().st_size
        return share if share > USUAL_HEADER_SHARE and (packet.pos or 0) > USUAL_HEADER_BYTES else 0.0
    return 0.0


def packets_of(container: av.container.InputContainer, *tracks: Any) -> Iterator[av.packet.Packet]:
    """The packets of some tracks, or of all. An AVI file counts them as they come; where some are lost, its index is
    asked which the next ones are."""
    places: dict[int, dict[int, int]] = {}
    if container.format.name == "avi":
        places = {s.index: {entry.pos: entry.timestamp for entry in s.index_entries} for s in container.streams.video}
    for packet in container.demux(*tracks):
        stamp = places.get(packet.stream.index, {}).get((packet.pos or 0) - AVI_CHUNK_HEADER_BYTES)
        if stamp is not None and packet.dts is not None and stamp != packet.dts:
            if packet.pts is not None:
                packet.pts += stamp - packet.dts
            packet.dts = stamp
        yield packet


def in_seconds(ticks: int | None, time_base: Fraction | None) -> float | None:
    """Ticks of a time base in seconds; None where either is not known."""
    return None if ticks is None or time_base is None else float(unwrapped(ticks) * time_base)


def unwrapped(ticks: int) -> int:
    """A time stamp below 0 that was stored without its sign, as in Ogg files cut without encoding; others stay."""
    return ticks if ticks < WRAPPED_TICKS else ticks - (1 << round(math.log2(ticks)))


def start_timecode(container: av.container.InputContainer, stream: Any) -> str | None:
    """The time code of the file's start: of the track, of the file, or of a track of time codes."""
    for metadata in (stream.metadata, container.metadata, *(other.metadata for other in container.streams)):
        for name, value in metadata.items():
            if name.lower() == "timecode":
                return str(value)
    return None
