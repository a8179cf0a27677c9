"""Files of subtitles beside a video, found by their names, and what names and titles say about subtitles."""

from __future__ import annotations

import os
import re
import unicodedata
from dataclasses import dataclass
from pathlib import Path

from ..media import VIDEO_SUFFIXES, VideoFile
from .choice import SUBTITLE_SUFFIXES
from .languages import language_code

PARTIAL = {"forced", "foreign", "sign", "signs", "song", "songs", "karaoke", "lyrics", "commentary", "comments"}
WHOLE = {"full", "complete", "dialog", "dialogue", "dialogues"}  # with these, signs and songs are there as well
OTHER_WORDS = {"sdh", "cc", "hi", "auto", "default", "subs", "sub", "subtitle", "subtitles", "und", "and", *WHOLE}
MOST_FILES_LISTED = 100_000  # in the folder of a video
_WORD = re.compile(r"[^\W\d_]+")
_NUMBER = re.compile(r"[0-9]{1,3}[ _-]+")  # of a stream that was written to a file: "2_English"


@dataclass(frozen=True, slots=True)
class SideFile:
    """A file of subtitles beside a video. `is_partial`: not all that is said, but signs, songs or a commentary."""

    path: Path
    language: str
    is_partial: bool


def side_files(file: VideoFile) -> tuple[list[SideFile], list[Path]]:
    """The files of subtitles in the video's folder whose names are the video's, with languages and flags behind.

    A file whose name begins with that of another video there belongs to the one with the longest such name. A link
    counts where it leads to that folder, or to the one that holds the video itself: a folder of others must not make
    files readable that lie elsewhere.

    Returns:
        (the files; files with the video's name that are passed over, as other words stand in their names).
    """
    subtitles, videos = _listed(file.path.parent)
    own = _names(file.path.name)
    allowed = {os.path.realpath(file.path.parent), str(Path(os.path.realpath(file.path)).parent)}
    found, passed_over = [], []
    for name in sorted(subtitles):
        path, plain = file.path.parent / name, _plain(name)
        beginning = max((one for one in own if _begins(plain, one)), key=len, default="")
        if not beginning or str(Path(os.path.realpath(path)).parent) not in allowed:
            continue
        ends = [place for place in range(len(beginning) + 1, len(plain)) if not plain[place].isalnum()]
        if any(plain[:end] in videos for end in ends):
            continue
        behind = plain[len(beginning) :].rpartition(".")[0]
        language, is_partial, unknown = what_a_name_says(behind)
        if unknown or behind[:1] not in ("", "."):
            passed_over.append(path)
        else:
            found.append(SideFile(path, language, is_partial))
    return found, passed_over


def what_a_name_says(behind: str) -> tuple[str, bool, list[str]]:
    """(language, whether it is not all that is said, words that say neither) of the middle of a file's name."""
    language, words, unknown = "", set[str](), []
    for part in filter(None, behind.lower().split(".")):
        if not language and (code := language_code(part)) and part not in OTHER_WORDS - {"hi"}:
            language = code
            continue
        for word in re.split(r"[\s_&+()\[\]-]+", _NUMBER.sub("", part, count=1)):
            if word in PARTIAL or word in OTHER_WORDS:
                words.add(word)
            elif not language and (code := language_code(word)):
                language = code
            elif word:
                unknown.append(word)
    return language, bool(words & PARTIAL) and not words & WHOLE, unknown


def title_is_partial(title: str) -> bool:
    """Whether the title of a stream says that it holds signs, songs or a commentary alone."""
    words = set(_WORD.findall(title.lower()))
    return bool(words & PARTIAL) and not words & WHOLE


def _listed(folder: Path) -> tuple[list[str], set[str]]:
    """(names of files of subtitles, names that videos may be called by) in a folder; none where it cannot be listed."""
    subtitles: list[str] = []
    videos: set[str] = set()
    try:
        with os.scandir(folder) as entries:
            for count, entry in enumerate(entries):
                if count >= MOST_FILES_LISTED:
                    break
                name = entry.name.lower()
                if name.endswith(VIDEO_SUFFIXES):
                    videos |= _names(entry.name)
                elif name.endswith(SUBTITLE_SUFFIXES) and entry.is_file():
                    subtitles.append(entry.name)
    except OSError:
        pass  # what could be listed counts
    return subtitles, videos


def _names(video: str) -> set[str]:
    """What the names of a video's subtitles may begin with."""
    return {_plain(video), _plain(Path(video).stem)}


def _plain(name: str) -> str:
    """A name as it is compared: accents are stored in two ways, and the case does not matter."""
    return unicodedata.normalize("NFC", name).lower()


def _begins(name: str, beginning: str) -> bool:
    return name.startswith(beginning) and not name[len(beginning) : len(beginning) + 1].isalnum()
