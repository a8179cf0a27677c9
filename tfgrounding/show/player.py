"""The video inside a report: the file itself, a copy that browsers play, or a link; and thumbnails along the chart."""

from __future__ import annotations

import base64
import tempfile
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from ..answer import Answer
from ..errors import TFGroundingError, VideoError
from ..media import VideoFile, cut_clip, iter_frames, to_jpeg
from ..media.container import opened
from ..types import Progress, Source
from .chart import safe

LARGEST_EMBEDDED_BYTES = 32 * 2**20  # a page much larger than this opens slowly and cannot be mailed
PREVIEW_HEIGHT, PREVIEW_CRF = 480, 26  # of the copy of a video that is too large or that browsers do not play
BROWSER_KINDS = {  # container as FFmpeg names it: (codecs that browsers play from it, media type)
    "mov,mp4,m4a,3gp,3g2,mj2": (("h264", "av1", "vp9"), "video/mp4"),
    "matroska,webm": (("vp8", "vp9", "av1"), "video/webm"),
}
BROWSER_SOUND = ("aac", "mp3", "opus", "vorbis")
THUMBNAILS, THUMBNAIL_HEIGHT = 14, 90


@dataclass(frozen=True, slots=True)
class Player:
    """`element`: the <video> element, "" without one; `note`: what it plays; `missing`: why there is none, in words."""

    element: str
    note: str
    thumbnails: tuple[str, ...]
    missing: str = ""


def player(answer: Answer, target: Path, *, link: bool, progress: Progress | None) -> Player:
    """The video of an answer for a page.

    Args:
        answer: the answer.
        target: the page's file; a link is relative to it.
        link: True points to the video where it lies instead of carrying it inside the page.
        progress: called with (seconds, seconds in all) while a copy is made.

    Raises:
        TFGroundingError: a link to what is not a file.
    """
    name, source = answer.video.path, answer.source
    if link and source is not None and not isinstance(source, VideoFile):
        raise TFGroundingError(f"{name}: is no video file, so a page cannot link to it; leave --link out")
    if source is None:
        return _without_video(f"{name}: only its features are given, so the page has no video and no pictures.")
    try:
        element, note = _element(source, target, link, progress)
        thumbnails = _thumbnails(source)
    except VideoError as error:
        return _without_video(f"The page has no video and no pictures: {error}.")
    now, then = source.info, answer.video
    if (now.width, now.height, now.codec) != (then.width, then.height, then.codec):
        note = f"{note} The video is not the one that was searched: its picture size or codec differ.".strip()
    return Player(element, note, tuple(thumbnails))


def _without_video(why: str) -> Player:
    return Player("", "", (), why)


def _element(source: Source, target: Path, link: bool, progress: Progress | None) -> tuple[str, str]:
    """The <video> element, and a sentence on what it plays."""
    info = source.info
    shift = info.start_offset_seconds
    kind = _browser_kind(source) if isinstance(source, VideoFile) else ""
    if link and isinstance(source, VideoFile):
        path = source.path.resolve()
        try:
            address = quote(path.relative_to(target.resolve().parent).as_posix())
        except ValueError:
            address = path.as_uri()
        note = "Plays the video file where it lies." if kind else f"Browsers may not play this file ({info.codec})."
    elif kind and isinstance(source, VideoFile) and source.path.stat().st_size <= LARGEST_EMBEDDED_BYTES:
        address, note = data_url(kind, source.path.read_bytes()), ""
    else:
        with tempfile.TemporaryDirectory() as folder:
            copy = Path(folder) / "preview.mp4"
            cut_clip(
                source,
                copy,
                start_seconds=0.0,
                end_seconds=info.duration_seconds,
                largest_height=PREVIEW_HEIGHT,
                crf=PREVIEW_CRF,
                progress=progress,
            )
            address, shift = data_url("video/mp4", copy.read_bytes()), 0.0
        note = f"A smaller copy, at most {PREVIEW_HEIGHT} pixels high; the answers come from the original."
    size = f"width='{info.width}' height='{info.height}' style='aspect-ratio:{info.width}/{info.height}'"
    element = (
        f"<video controls playsinline preload='auto' {size} data-shift='{shift:.6f}' "
        f"data-duration='{info.duration_seconds:.6f}' src='{safe(address)}'></video>"
    )
    return element, note


def _browser_kind(file: VideoFile) -> str:
    """The media type, or "" where browsers would not play the file, or another track of it."""
    with opened(file.path) as container:
        codecs, kind = BROWSER_KINDS.get(container.format.name, ((), ""))
        tracks = [s for s in container.streams.video if not s.disposition & s.disposition.attached_pic]
        plays = [track.index for track in tracks] == [file.track.index] and all(
            track.codec.canonical_name in codecs and track.pix_fmt in ("yuv420p", "yuvj420p") for track in tracks
        )
        plays = plays and all(sound.codec.canonical_name in BROWSER_SOUND for sound in container.streams.audio)
        return kind if plays else ""


def _thumbnails(source: Source) -> list[str]:
    """JPEG data URLs, one for each of THUMBNAILS equal parts of the video, from its middle."""
    sources: list[str] = []
    with iter_frames(source, rate_hz=THUMBNAILS / source.info.duration_seconds, size=THUMBNAIL_HEIGHT) as stream:
        for frames in stream:
            sources.extend(data_url("image/jpeg", to_jpeg(pixels)) for pixels in frames.pixels)
    return sources[:THUMBNAILS]


def data_url(kind: str, content: bytes) -> str:
    """A file as an address that holds it."""
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"
