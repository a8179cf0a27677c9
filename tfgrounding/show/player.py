"""The video inside a report: the file itself, a copy, its moments, or a link; and thumbnails along the chart."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from urllib.parse import quote

from ..answer import Answer
from ..errors import TFGroundingError, VideoError
from ..media import VideoFile, cut_clip, iter_frames, to_jpeg
from ..media.container import opened
from ..media.excerpts import write_excerpts
from ..media.glances import Glances
from ..types import Progress, Source
from .exports.common import short_clock
from .pages import data_url, safe

LARGEST_EMBEDDED_BYTES = 32 * 2**20  # a page much larger than this opens slowly and cannot be mailed
PREVIEW_HEIGHT, PREVIEW_CRF = 480, 26  # of the copy of a video that is too large or that browsers do not play
BROWSER_KINDS = {  # container as FFmpeg names it: (codecs that browsers play from it, media type)
    "mov,mp4,m4a,3gp,3g2,mj2": (("h264", "av1", "vp9"), "video/mp4"),
    "matroska,webm": (("vp8", "vp9", "av1"), "video/webm"),
}
BROWSER_SOUND = ("aac", "mp3", "opus", "vorbis")
THUMBNAILS, THUMBNAIL_HEIGHT = 14, 90
LONG_SECONDS = 300.0  # a video longer than this is not copied whole
AROUND_SECONDS = 4.0  # shown before and after a moment of a long video
LONGEST_SECONDS = 40.0  # of one stretch; of a longer moment half of it is shown at each end
MOST_SECONDS = 150.0  # of all stretches: they are made anew, which takes time
MOMENTS_BYTES = 13 * 2**20  # a third more in the page, as text


@dataclass(frozen=True, slots=True)
class Player:
    """`element`: the <video> element, "" without one; `note`: what it plays; `missing`: why there is none, in words;
    `caution`: what may keep a browser from playing it."""

    element: str
    note: str
    thumbnails: tuple[str, ...]
    missing: str = ""
    caution: str = ""


def player(answers: Sequence[Answer], target: Path, *, link: bool, progress: Progress | None) -> Player:
    """The video of some answers for a page.

    Args:
        answers: at least one, all of one video; of a long video only their moments are put into the page.
        target: the page's file; a link is relative to it.
        link: True points to the video where it lies instead of carrying it inside the page.
        progress: called with (seconds, seconds in all) while a copy is made.

    Raises:
        TFGroundingError: a link to what is not a file.
    """
    answer = answers[0]
    name, source = answer.video.path, answer.source
    if link and source is not None and not isinstance(source, VideoFile):
        raise TFGroundingError(f"{name}: is no video file, so a page cannot link to it; leave --link out")
    if source is None:
        return _without_video(f"{name}: only its features are given, so the page has no video and no pictures.")
    try:
        element, note = _element(source, target, link, stretches_of(answers), progress)
        thumbnails = _thumbnails(source)
    except VideoError as error:
        return _without_video(f"The page has no video and no pictures: {error}.")
    now, then = source.info, answer.video
    if (now.width, now.height, now.codec) != (then.width, then.height, then.codec):
        note = f"{note} The video is not the one that was searched: its picture size or codec differ.".strip()
    caution = ""
    if link and isinstance(source, VideoFile) and not browser_kind(source):
        caution = f"{unplayable(source)} Without --link the page carries a copy that they play."
    return Player(element, note, tuple(thumbnails), caution=caution)


def _without_video(why: str) -> Player:
    return Player("", "", (), why)


def stretches_of(answers: Sequence[Answer]) -> list[tuple[float, float]]:
    """(start, end) in seconds of what is shown of a long video: its moments and a little around, the best first, and
    after the best moment of a query those of its events.

    Of a long moment both ends are shown. All of it together is limited; none overlaps another.
    """
    wanted = []
    ranked = zip_longest(
        *([*one.moments[:1], *(event.moment for event in one.events), *one.moments[1:]] for one in answers)
    )
    for moment in (moment for rank in ranked for moment in rank if moment is not None):
        start, end = moment.start_seconds - AROUND_SECONDS, moment.end_seconds + AROUND_SECONDS
        if end - start <= LONGEST_SECONDS:
            wanted.append((start, end))
        else:
            wanted += [(start, start + LONGEST_SECONDS / 2), (end - LONGEST_SECONDS / 2, end)]
    duration = answers[0].video.duration_seconds
    chosen: list[tuple[float, float]] = []
    for start, end in wanted:
        piece = (max(0.0, start), min(duration, end))
        overlapping = [other for other in chosen if other[0] <= piece[1] and piece[0] <= other[1]]
        joined = (min(s for s, _ in (piece, *overlapping)), max(e for _, e in (piece, *overlapping)))
        place = min((chosen.index(other) for other in overlapping), default=len(chosen))
        rest = [other for other in chosen if other not in overlapping]
        chosen_now = [*rest[:place], joined, *rest[place:]]
        if sum(e - s for s, e in chosen_now) <= MOST_SECONDS:
            chosen = chosen_now
    return chosen


def _element(
    source: Source, target: Path, link: bool, stretches: list[tuple[float, float]], progress: Progress | None
) -> tuple[str, str]:
    """The <video> element, and a sentence on what it plays."""
    info = source.info
    shift = info.start_offset_seconds
    kind = browser_kind(source) if isinstance(source, VideoFile) else ""
    if link and isinstance(source, VideoFile):
        address = link_address(source.path, target)
        note = "Plays the video file where it lies."
    elif kind and isinstance(source, VideoFile) and source.path.stat().st_size <= LARGEST_EMBEDDED_BYTES:
        address, note = data_url(kind, source.path.read_bytes()), ""
    elif info.duration_seconds > LONG_SECONDS and stretches:
        with tempfile.TemporaryDirectory() as folder:
            copy = Path(folder) / "moments.mp4"
            shown = write_excerpts(
                source,
                copy,
                stretches,
                largest_height=PREVIEW_HEIGHT,
                crf=PREVIEW_CRF,
                most_bytes=MOMENTS_BYTES,
                progress=progress,
            )
            address, shift = data_url("video/mp4", copy.read_bytes()), 0.0
        note = _about_excerpts(shown, stretches, info.duration_seconds)
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


def _about_excerpts(
    shown: Sequence[tuple[float, float]], wanted: Sequence[tuple[float, float]], duration_seconds: float
) -> str:
    """What is in the page of a long video, and what is not."""
    seconds = sum(end - start for start, end in shown)
    parts = ", ".join(f"{short_clock(start)} to {short_clock(end)}" for start, end in shown)
    words = (
        f"Only the moments are in this page, not the whole video of {short_clock(duration_seconds)}: {parts} "
        f"({short_clock(seconds)} in all, at most {PREVIEW_HEIGHT} pixels high). Elsewhere the picture is grey. "
        "A report with --link plays the whole file."
    )
    left_out = len(wanted) - len(shown)
    return words if left_out <= 0 else f"{words} {left_out} more stretches would have made the page too large."


def link_address(path: Path, target: Path) -> str:
    """The address of a file, as seen from a page."""
    path = path.resolve()
    try:
        return quote(path.relative_to(target.resolve().parent).as_posix())
    except ValueError:
        return path.as_uri()


def unplayable(file: VideoFile) -> str:
    """A sentence on a file that browsers may not play."""
    return f"Browsers may not play this file ({file.info.codec} in {file.path.suffix.lower() or 'this form'})."


def browser_kind(file: VideoFile) -> str:
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
    """JPEG data URLs, one for each of THUMBNAILS equal parts of the video, from near its middle."""
    sources: list[str] = []
    apart = source.info.duration_seconds / THUMBNAILS
    if source.info.duration_seconds > LONG_SECONDS:
        with Glances(source, size=THUMBNAIL_HEIGHT) as glances:
            if glances.can_jump:
                middles = [(number + 0.5) * apart for number in range(THUMBNAILS)]
                seen = [glances.at(middle, tolerance_seconds=apart / 8) for middle in middles]
                return [data_url("image/jpeg", to_jpeg(glance.pixels)) for glance in seen]
    with iter_frames(source, rate_hz=THUMBNAILS / source.info.duration_seconds, size=THUMBNAIL_HEIGHT) as stream:
        for frames in stream:
            sources.extend(data_url("image/jpeg", to_jpeg(pixels)) for pixels in frames.pixels)
    return sources[:THUMBNAILS]
