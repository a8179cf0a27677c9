"""Files of subtitles as cues: texts with the times at which a player shows them, without tags and styling."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ..errors import TrackError
from .encodings import decoded
from .text_track import Word
from .texts import MOST_TEXTS

LARGEST_FILE_BYTES = 64 << 20  # hundreds of hours of subtitles
LONGEST_TEXT_CHARACTERS = 2000  # of one cue; subtitles have two lines of 40
MOST_LINES = 100  # of one cue
LONGEST_LINE_CHARACTERS = 20_000  # with tags
_LINE = re.compile(r"([^\r\n]*)(?:\r\n|[\r\n]|\Z)")
_CLOCK = r"(-?)(?:([0-9]{1,3}) ?: ?)?([0-9]{1,3}) ?: ?([0-9]{1,2})(?: ?[.,:] ?([0-9]{1,6}))?"
_ARROW = r"(?:-{1,4}|[–—]{1,2})>"  # "-->", and what programs that improve dashes make of it
_TIMES = re.compile(rf"\s*{_CLOCK}\s*{_ARROW}\s*{_CLOCK}(?![0-9:.,])")
_INLINE_TIME = re.compile(r"<((?:[0-9]{1,3}:)?[0-9]{1,3}:[0-9]{1,2}\.[0-9]{1,6})>")
_TAG = re.compile(r"</?[A-Za-z][^<>]*>|<[0-9][0-9:.]*>|\{\\[^{}]*\}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_INVISIBLE = re.compile(r"[\u00ad\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff\ud800-\udfff]+")
_SOUND = re.compile(r"\[[^\[\]]{0,80}\]|^\s*[-–]?\s*\([^()]{0,80}\)\s*$|[♪♫♩♬#]{2,}|[♪♫♩♬]")
_SPEAKER = re.compile(
    r"^\s*(?:>>+\s*)?(?:[A-Z][A-Z0-9 .'’&-]{1,30}|(?:Speaker|SPEAKER) [0-9]{1,2}):(?=\s)\s*|^\s*>>+\s*"
)
_DASH = re.compile(r"^\s*[-–—‐]{1,3}(?:\s+(?=\S)|(?=[^\W\d]))")  # not the sign of "-5"
_OVERRIDE = re.compile(r"\{[^{}]*\}")
_DRAWING_TAG = re.compile(r"\\p([0-9]{1,3})")  # the scale of the drawing that follows; 0 ends it
_DIALOGUE = re.compile(
    r"\s*Dialogue:[^,]*,\s*[0-9]{1,2}:[0-9]{1,2}:[0-9]{1,2}[.,][0-9]{1,3}\s*,\s*[0-9]{1,2}:[0-9]{1,2}:"
)
_KARAOKE_EFFECT = re.compile(r"\s*(karaoke|fx|template|code)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Cue:
    """What is shown at once, in seconds on a player's clock.

    `lines`: as they stand below each other. `words`: the words with their own times, where the file has these.
    `is_new_speaker`: whether the cue is marked as the beginning of another person's words.
    """

    start_seconds: float
    end_seconds: float
    lines: tuple[str, ...]
    words: tuple[Word, ...] = ()
    is_new_speaker: bool = False

    @property
    def text(self) -> str:
        return " ".join(self.lines)


@dataclass(frozen=True, slots=True)
class CueFile:
    """The cues of a file in order of time, and what is to be said of the others."""

    cues: tuple[Cue, ...]
    warnings: tuple[str, ...] = ()


def read_cues(path: Path, language: str = "") -> CueFile:
    """The cues of a .srt, .vtt, .ass or .ssa file.

    Args:
        path: the file.
        language: of its texts, which helps to find an encoding that is not stated; "" where it is not known.

    Raises:
        TrackError: no such file, too large, or no cue can be read.
    """
    text, warnings = decoded(read_bytes(path), language)
    is_ass = path.suffix.lower() in (".ass", ".ssa")
    found, unreadable = ass_cues(text, path.suffix.lower()[1:]) if is_ass else plain_cues(text)
    return checked_cues(found, unreadable, str(path), [f"{path}: {warning}" for warning in warnings])


def checked_cues(found: Iterable[Cue], unreadable: int, name: str, warnings: Iterable[str] = ()) -> CueFile:
    """Cues in order of time, without those that have no length.

    Args:
        found: cues as they were read.
        unreadable: how many could not be read.
        name: of the file or stream, for messages.

    Raises:
        TrackError: not one cue can be read, or there are more than MOST_TEXTS.
    """
    cues: list[Cue] = []
    said, empty = list(warnings), 0
    for cue in found:
        if len(cues) >= MOST_TEXTS:
            raise TrackError(f"{name}: there may be at most {MOST_TEXTS:,} subtitles of one video")
        if cue.end_seconds > cue.start_seconds:
            cues.append(cue)
            empty += not cue.lines
        else:
            unreadable += 1
    if not cues:
        why = f"; {unreadable:,} have no times that can be read" if unreadable else ""
        raise TrackError(f"{name}: holds no subtitle that can be read{why}")
    if unreadable:
        said.append(f"{name}: {unreadable:,} of {unreadable + len(cues):,} subtitles cannot be read and are left out")
    if empty == len(cues):
        said.append(f"{name}: its subtitles hold no words")
    cues.sort(key=lambda cue: (cue.start_seconds, cue.end_seconds))
    return CueFile(tuple(cues), tuple(said))


def read_bytes(path: Path, largest_bytes: int = LARGEST_FILE_BYTES) -> bytes:
    """The content of a regular file. Raises TrackError: it is not there, no file, too large, or cannot be read."""
    try:
        if not path.is_file():
            why = "is no regular file" if path.exists() else "there is no such file"
            raise TrackError(f"{path}: {why}")
        with path.open("rb") as file:
            data = file.read(largest_bytes + 1)
    except (OSError, ValueError) as error:
        raise TrackError(f"{path}: cannot be read ({getattr(error, 'strerror', None) or error})") from error
    if len(data) > largest_bytes:
        raise TrackError(f"{path}: is larger than {largest_bytes >> 20} MB, which no file of subtitles is")
    return data


def plain_cues(text: str) -> tuple[list[Cue], int]:
    """The cues of SubRip or WebVTT, and how many cannot be read.

    A text ends at the next line with times, whether these can be read or not; in WebVTT also at an empty line, as
    notes and names may follow. Words with times of their own (`<00:00:01.200><c> word</c>`) keep these.
    """
    is_vtt = text.lstrip("\ufeff \t\r\n").startswith("WEBVTT")
    cues: list[Cue] = []
    unreadable = 0
    times: tuple[float, float] | None = None
    lines: list[str] = []

    def finish(is_last: bool) -> None:
        if times is not None:
            cues.append(_plain_cue(*times, lines if is_vtt or is_last else _without_number(lines)))

    for line in _lines(text):
        match = _TIMES.match(line[:200]) if ">" in line[:200] else None
        if match is not None or "-->" in line[:200]:
            finish(False)
            unreadable += match is None
            times, lines = (
                (None if match is None else (_time(*match.groups()[:5]), _time(*match.groups()[5:]))),
                [],
            )
        elif times is not None and is_vtt and not line:
            finish(False)
            times = None
        elif times is not None and len(lines) < MOST_LINES:
            lines.append(line[:LONGEST_LINE_CHARACTERS])
    finish(True)
    return cues, unreadable


def ass_cues(text: str, form: str = "ass") -> tuple[list[Cue], int]:
    """The cues of SubStation Alpha, and how many cannot be read. Comments and drawings are left out."""
    import pysubs2

    lines = [line for line in _lines(text) if line.lstrip().startswith("Dialogue:")]
    readable = [line[:LONGEST_LINE_CHARACTERS] for line in lines if _DIALOGUE.match(line[:200])]
    events: list[pysubs2.SSAEvent] = []
    unreadable = len(lines) - len(readable)
    for first in range(0, len(readable), 1000):
        some = readable[first : first + 1000]
        try:
            events += pysubs2.SSAFile.from_string("[Events]\n" + "\n".join(some), format_=form)
        except (ValueError, TypeError):  # of one line: the others are read one by one
            for line in some:
                try:
                    events += pysubs2.SSAFile.from_string("[Events]\n" + line, format_=form)
                except (ValueError, TypeError):
                    unreadable += 1
    cues = (
        ass_cue(event.start / 1000, event.end / 1000, event.text, event.effect)
        for event in events
        if not event.is_comment
    )
    return [cue for cue in cues if cue is not None], unreadable


def ass_cue(start_seconds: float, end_seconds: float, text: str, effect: str = "") -> Cue | None:
    """The cue of an event of SubStation Alpha: its words without tags and drawings.

    None for an event that only draws, and for the pieces of words that programs write for effects.
    """
    if _KARAOKE_EFFECT.match(effect):
        return None
    pieces: list[str] = []
    is_drawing = has_drawing = False
    at = 0
    for tags in _OVERRIDE.finditer(text):
        pieces.append("" if is_drawing else text[at : tags.start()])
        at = tags.end()
        for level in _DRAWING_TAG.findall(tags[0]):
            is_drawing = int(level) > 0
            has_drawing |= is_drawing
    pieces.append("" if is_drawing else text[at:])
    words = "".join(pieces)
    if has_drawing and not words.strip():
        return None
    return _cue(start_seconds, end_seconds, words.replace(r"\h", " ").replace(r"\n", r"\N").split(r"\N"), ())


def _lines(text: str) -> Iterator[str]:
    """The lines of a text one by one: a hostile file may have millions of them."""
    return (match[1] for match in _LINE.finditer(text))


def _without_number(lines: list[str]) -> list[str]:
    """The lines of a SubRip text without the number of the next one."""
    return lines[:-1] if lines and lines[-1].strip().isdecimal() else lines


def _plain_cue(start: float, end: float, lines: list[str]) -> Cue:
    words = tuple(_timed_words(start, end, lines)) if any(_INLINE_TIME.search(line) for line in lines) else ()
    return _cue(start, end, lines, words)


def _cue(start: float, end: float, lines: Iterable[str], words: tuple[Word, ...]) -> Cue:
    kept: list[str] = []
    length, is_new_speaker = 0, False
    for line in lines:
        bare = _without_tags(line)
        text = plain_words(bare)
        if text and length < LONGEST_TEXT_CHARACTERS:
            is_new_speaker |= not kept and bool(_SPEAKER.match(bare) or _DASH.match(bare))
            kept.append(text[: LONGEST_TEXT_CHARACTERS - length])
            length += len(text)
    return Cue(start, end, tuple(kept), words if kept else (), is_new_speaker)


def _without_tags(line: str) -> str:
    return visible(html.unescape(_TAG.sub("", line)))


def visible(text: str) -> str:
    """A text in one line, without control characters and others that show nothing."""
    return " ".join(_INVISIBLE.sub("", _CONTROL.sub(" ", text)).split())


def plain_words(line: str) -> str:
    """A line without sounds ("[music]", "(door closes)" on a line of its own, notes), speaker labels and dashes."""
    text = _SPEAKER.sub("", _DASH.sub("", _SOUND.sub(" ", line)))
    return " ".join(_DASH.sub("", text).split())


def _timed_words(start: float, end: float, lines: list[str]) -> Iterator[Word]:
    """The words of a line that holds times, each from its own time to the next; other lines hold none."""
    for line in lines:
        pieces = _INLINE_TIME.split(line)
        if len(pieces) < 3:
            continue
        stamps = [start, *(_stamp(stamp) for stamp in pieces[1::2]), end]
        for k, piece in enumerate(pieces[::2]):
            text = plain_words(_without_tags(piece))
            if text and start <= stamps[k] < stamps[k + 1] <= end:
                yield Word(stamps[k], stamps[k + 1], text)


def _stamp(text: str) -> float:
    clock, _, fraction = text.partition(".")
    hours, minutes, seconds = [None, *clock.split(":")][-3:]
    return _seconds(hours, minutes or "0", seconds or "0", fraction)


def _time(sign: str, *clock: str) -> float:
    """A time on a player's clock. It is negative where all times of a file were moved too far."""
    return -_seconds(*clock) if sign else _seconds(*clock)


def _seconds(hours: str | None, minutes: str, seconds: str, fraction: str | None) -> float:
    return int(hours or 0) * 3600 + int(minutes) * 60 + int(seconds) + float(f"0.{fraction or 0}")
