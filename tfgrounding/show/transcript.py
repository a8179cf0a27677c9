"""The texts of a video's tracks as lines for reading, subtitles, or JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence

from ..errors import TFGroundingError
from ..tracks.text_track import TextKind, TextTrack, TimedText, texts_to_json
from ..types import VideoInfo
from .exports.common import clock, one_line
from .exports.subtitles import SUBTITLE_MARKUP

Tracks = Sequence[TextTrack]


def transcript(tracks: Tracks, info: VideoInfo, form: str = "text") -> str:
    """All texts of the tracks in order of time.

    Args:
        tracks: of one video.
        info: of that video. Subtitles count from the start of its file, as players do; all others from its first frame.
        form: one of FORMS: "text" (a line a text), "srt", "vtt", "json" (tracks) or "jsonl" (a row a text).

    Raises:
        TFGroundingError: `form` is none of these.
    """
    if form not in FORMS:
        raise TFGroundingError(
            f"there is no format {one_line(form)[:40]!r} of transcripts; there are {', '.join(FORMS)}"
        )
    return FORMS[form](tracks, info)


def _rows(tracks: Tracks) -> list[tuple[TextKind, TimedText]]:
    rows = [(track.kind, text) for track in tracks for text in track.texts]
    return sorted(rows, key=lambda row: (row[1].start_seconds, row[1].end_seconds))


def _text(tracks: Tracks, info: VideoInfo) -> str:
    """From and to on the clock, the kind, how sure the text is where that is known, the text."""
    has_confidence = any(text.confidence is not None for _, text in _rows(tracks))
    width = max((len(track.kind) for track in tracks), default=0)
    lines = []
    for kind, text in _rows(tracks):
        sure = f"  {'' if text.confidence is None else format(text.confidence, '.2f'):4}" if has_confidence else ""
        times = f"{clock(text.start_seconds)} - {clock(text.end_seconds)}"
        lines.append(f"{times}  {kind:{width}}{sure}  {one_line(text.text)}\n")
    return "".join(lines)


def _srt(tracks: Tracks, info: VideoInfo) -> str:
    cues = (
        f"{number}\n{start.replace('.', ',')} --> {end.replace('.', ',')}\n{text.translate(SUBTITLE_MARKUP)}\n"
        for number, (start, end, text) in enumerate(_cues(tracks, info), start=1)
    )
    return "\n".join(cues)


def _vtt(tracks: Tracks, info: VideoInfo) -> str:
    escaped = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;"})
    cues = (f"{start} --> {end}\n{text.translate(escaped)}" for start, end, text in _cues(tracks, info))
    return "\n\n".join(["WEBVTT", *cues]) + "\n"


def _cues(tracks: Tracks, info: VideoInfo) -> Iterator[tuple[str, str, str]]:
    for kind, text in _rows(tracks):
        start, end = (clock(time + info.start_offset_seconds) for time in (text.start_seconds, text.end_seconds))
        label = f"[{kind}] " if len(tracks) > 1 else ""
        yield start, end, label + one_line(text.text)


def _json(tracks: Tracks, info: VideoInfo) -> str:
    about = {"video": info.path, "duration_seconds": info.duration_seconds}
    return json.dumps({**about, "tracks": [track.to_dict() for track in tracks]}, ensure_ascii=False) + "\n"


def _jsonl(tracks: Tracks, info: VideoInfo) -> str:
    rows = ({"video": info.path, "kind": kind, **texts_to_json([text])[0]} for kind, text in _rows(tracks))
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


FORMS: dict[str, Callable[[Tracks, VideoInfo], str]] = {
    "text": _text,
    "srt": _srt,
    "vtt": _vtt,
    "json": _json,
    "jsonl": _jsonl,
}
