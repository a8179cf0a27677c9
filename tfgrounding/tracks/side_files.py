"""Files of subtitles beside a video, found by their names, and what names and titles say about subtitles."""

from __future__ import annotations

import os
import re
import unicodedata
from dataclasses import dataclass, field
from pathlib import Path

from ..media import VIDEO_SUFFIXES, VideoFile
from .choice import SUBTITLE_SUFFIXES
from .languages import language_code

PARTIAL = {"forced", "foreign", "sign", "signs", "song", "songs", "karaoke", "lyrics", "commentary", "comments"}
WHOLE = {"full", "complete", "dialog", "dialogue", "dialogues"}  # with these, signs and songs are there as well
OTHER_WORDS = {"sdh", "cc", "hi", "auto", "default", "subs", "sub", "subtitle", "subtitles", "und", "and", *WHOLE}
FOLDERS = {"subs", "sub", "subtitles", "subtitle"}  # beside a video
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

    A file whose name begins with that of another video there belongs to the one with the longest such name. Behind
    them come those in a folder "Subs" there: files with the video's name, those in a folder with its name, and, where
    it is the only video, those that are called by their language alone ("2_English.srt").

    A link counts where it leads to the folder that it is in, or to the one that holds the video itself: a folder of
    others must not make files readable that lie elsewhere. Folders that are links are not read.

    Returns:
        (the files; files with the video's name that are passed over, as other words stand in their names).
    """
    folder = file.path.parent
    listed = _listed(folder)
    own = _names(file.path.name)
    allowed = {os.path.realpath(folder), str(Path(os.path.realpath(file.path)).parent)}
    found, passed_over = _named(folder, listed.subtitles, own, listed.videos, allowed)
    for name in sorted(name for name in listed.folders if name.lower() in FOLDERS):
        inside = _listed(folder / name)
        within = {*allowed, os.path.realpath(folder / name)}
        more, others = _named(folder / name, inside.subtitles, own, listed.videos, within)
        if listed.video_count == 1 and not inside.videos:
            more += _by_language(folder / name, inside.subtitles, {one.path for one in more} | {*others}, within)
        for deeper in sorted(one for one in inside.folders if _plain(one) in own):
            path = folder / name / deeper
            more += _by_language(path, _listed(path).subtitles, set(), {*within, os.path.realpath(path)})
        found += more
        passed_over += others
    return found, passed_over


def _named(
    folder: Path, names: list[str], own: set[str], videos: set[str], allowed: set[str]
) -> tuple[list[SideFile], list[Path]]:
    """(files whose names begin with one of the video's own, those of them in whose names other words stand)."""
    found, passed_over = [], []
    for name in sorted(names):
        path, plain = folder / name, _plain(name)
        beginning = max((one for one in own if _begins(plain, one)), key=len, default="")
        if not beginning or not _lies_in(path, allowed):
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


def _by_language(folder: Path, names: list[str], known: set[Path], allowed: set[str]) -> list[SideFile]:
    """The other files of a folder of one video, whose names say languages and flags and nothing else."""
    found = []
    for path in (folder / name for name in sorted(names)):
        language, is_partial, unknown = what_a_name_says(_plain(path.stem))
        if path not in known and not unknown and _lies_in(path, allowed):
            found.append(SideFile(path, language, is_partial))
    return found


def _lies_in(path: Path, folders: set[str]) -> bool:
    """Whether a file, with all links followed, lies in one of these folders."""
    return str(Path(os.path.realpath(path)).parent) in folders


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


@dataclass(slots=True)
class _Listed:
    """What a folder holds: names of files of subtitles and of folders, and what its videos may be called by."""

    subtitles: list[str] = field(default_factory=list)
    folders: list[str] = field(default_factory=list)
    videos: set[str] = field(default_factory=set)
    video_count: int = 0


def _listed(folder: Path) -> _Listed:
    """What a folder holds; nothing where it cannot be listed. Folders that are links do not count."""
    found = _Listed()
    try:
        with os.scandir(folder) as entries:
            for count, entry in enumerate(entries):
                if count >= MOST_FILES_LISTED:
                    break
                name = entry.name.lower()
                if entry.is_dir(follow_symlinks=False):
                    found.folders.append(entry.name)
                elif name.endswith(VIDEO_SUFFIXES):
                    found.videos |= _names(entry.name)
                    found.video_count += 1
                elif name.endswith(SUBTITLE_SUFFIXES) and entry.is_file():
                    found.subtitles.append(entry.name)
    except OSError:
        pass  # what could be listed counts
    return found


def _names(video: str) -> set[str]:
    """What the names of a video's subtitles may begin with."""
    return {_plain(video), _plain(Path(video).stem)}


def _plain(name: str) -> str:
    """A name as it is compared: accents are stored in two ways, and the case does not matter."""
    return unicodedata.normalize("NFC", name).lower()


def _begins(name: str, beginning: str) -> bool:
    return name.startswith(beginning) and not name[len(beginning) : len(beginning) + 1].isalnum()
