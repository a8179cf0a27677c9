"""One folder of videos and nothing else: which paths a client may name, and which files are safe to open."""

from __future__ import annotations

import difflib
import os
import re
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ..errors import VideoError
from ..media import LARGEST_PICTURE_PIXELS, MAX_PIXELS, VideoFile, is_video_name
from ..media.reasons import ENCRYPTED, why_unreadable

CLIPS_FOLDER = "tfgrounding-clips"
# FFmpeg's names of containers that hold their own data. Others name further files or addresses, which FFmpeg would
# open: playlists (HLS, DASH), concat lists, image sequences, session descriptions.
SAFE_CONTAINERS = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpeg,mpegts,mxf,flv,asf,ogg,gif,webp_pipe"
LONGEST_PATH_CHARACTERS = 4096  # Linux's PATH_MAX
MOST_FILES_SEEN = 100_000  # looked at while searching for videos: a root like / must not keep a server busy for hours
NAMES_SUGGESTED = 5


@dataclass(frozen=True, slots=True)
class SafeVideo:
    """A video that was found safe to open: its real path, its name below the root, the length its container states."""

    path: Path
    name: str
    stated_seconds: float | None

    @property
    def source(self) -> VideoFile:
        """The video, called by its name below the root."""
        return VideoFile(self.path, name=self.name)


class VideoFolder:
    """The videos below one folder.

    Args:
        root: the folder.

    Raises:
        VideoError: there is no such folder, or its name is empty: then a variable was not set, and what would be served
            is the current folder.
    """

    def __init__(self, root: str | Path) -> None:
        if not os.fspath(root).strip():
            raise VideoError("the name of the folder to serve videos from is empty; for the current folder, give .")
        try:
            self.root = Path(root).resolve(strict=True)
        except (OSError, RuntimeError, ValueError) as error:
            raise VideoError(f"{root}: there is no such folder to serve videos from") from error
        if not self.root.is_dir():
            raise VideoError(f"{root}: is not a folder to serve videos from")
        self._found_safe: dict[tuple[Path, int, int, int], SafeVideo] = {}  # by path, size, time and inode

    def relative(self, path: Path) -> str:
        """A path below the root as clients see it."""
        return readable(path.relative_to(self.root).as_posix())

    def video(self, name: str) -> SafeVideo:
        """The video that a client means by `name`, safe to open.

        Args:
            name: path relative to the root, as `relative` gives it.

        Returns:
            A regular file below the root, of a container that refers to no other file, and with pictures small enough
            to decode.

        Raises:
            VideoError: anything else, with a sentence on what is allowed.
        """
        path = self._resolve(name)
        about = path.stat()
        key = (path, about.st_size, about.st_mtime_ns, about.st_ino)
        if key not in self._found_safe:
            shown = self.relative(path)
            self._found_safe[key] = SafeVideo(path, shown, _check_container(path, shown))
        return self._found_safe[key]

    def videos(self) -> list[str]:
        """Every video below the root by its file name's ending, sorted. Raises VideoError where there are too many."""
        return [name for name, reason in self.listed() if reason is None]

    def listed(self) -> list[tuple[str, str | None]]:
        """Everything that is named like a video, with the reason where it cannot be read; see `video_files`."""
        return [(self.relative(path), reason) for path, reason in video_files(self.root)]

    def clips_bytes(self) -> int:
        """How much the clips made so far take on the disk."""
        clips = self.root / CLIPS_FOLDER
        return sum(entry.stat(follow_symlinks=False).st_size for entry in _walk(clips, {})) if clips.is_dir() else 0

    def new_clip(self, video: SafeVideo, name: str) -> Path:
        """An empty new file for a clip of `video`, below the root's clips folder; no file is ever overwritten.

        Raises:
            VideoError: the clips folder leads outside the root or cannot be written.
        """
        folder = self.root / CLIPS_FOLDER / Path(video.name).parent
        try:
            for step in [*reversed(folder.relative_to(self.root).parents), folder.relative_to(self.root)]:
                here = self.root / step
                if here.is_symlink():
                    raise VideoError(f"{step.as_posix()} is a link, so no clips are written there")
                here.mkdir(exist_ok=True)
            stem, suffix = os.path.splitext(name)  # noqa: PTH122
            for attempt in range(1, 1000):
                target = folder / (name if attempt == 1 else f"{stem}_{attempt}{suffix}")
                try:
                    os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644))
                    return target
                except FileExistsError:
                    continue
        except OSError as error:
            raise VideoError(f"no clip can be written to {CLIPS_FOLDER} ({error.strerror})") from error
        raise VideoError(f"there are too many clips named {name} already; use one of them")

    def _resolve(self, name: str) -> Path:
        if len(name) > LONGEST_PATH_CHARACTERS or not name.strip() or "\0" in name:
            raise VideoError(
                "the video's path is empty, too long or holds a zero byte; name a file below the root folder"
            )
        if Path(os.path.normpath(name)).parts[:1] == (os.pardir,):
            raise VideoError(f"{name[:100]!r} leads outside the root folder")
        path = None if Path(name).is_absolute() else self._existing(name)
        if path is None:
            if re.match(r"[A-Za-z][A-Za-z0-9+.-]+:", name):
                raise VideoError(
                    f"{name[:100]!r} is an address, not a file; only files below the root folder can be used"
                )
            if Path(name).is_absolute() or name.startswith("~"):
                raise VideoError(f"{name[:100]!r} is not relative; give the path relative to the root folder")
            raise VideoError(f"there is no video {name[:100]!r} below the root folder{self._suggestion(name)}")
        if not path.is_relative_to(self.root):
            raise VideoError(f"{name[:100]!r} leads outside the root folder")
        kind = path.stat().st_mode
        if stat.S_ISDIR(kind):
            raise VideoError(f"{name[:100]!r} is a folder; name a video file{self._suggestion(name)}")
        if not stat.S_ISREG(kind):
            raise VideoError(f"{name[:100]!r} is not a regular file (a device, pipe or socket), so it is not opened")
        return path

    def _existing(self, name: str) -> Path | None:
        """The real path of what is there by that name, or by the file name of which `readable` made it."""
        for given in (name, _as_stored(name)):
            try:
                return (self.root / given).resolve(strict=True)
            except (OSError, RuntimeError, ValueError):
                continue
        return None

    def _suggestion(self, name: str) -> str:
        """What a model can do about a wrong name: the names most like it."""
        try:
            names = self.videos()
        except VideoError:
            return ""
        if not names:
            return "; there are no videos at all"
        stems = {Path(n).name.lower(): n for n in names}
        close = [stems[s] for s in difflib.get_close_matches(Path(name).name.lower(), stems, NAMES_SUGGESTED, 0.5)]
        shown = close or names[:NAMES_SUGGESTED]
        more = f" and {len(names) - len(shown)} others" if len(names) > len(shown) else ""
        return f"; there are: {', '.join(shown)}{more}"


def video_files(root: Path) -> list[tuple[Path, str | None]]:
    """Everything below a folder that is named like a video, and folders that cannot be read; sorted.

    A link to a video below the root that is found by its own name is left out; links to folders are not followed. What
    is hidden and what is in a folder for clips does not count.

    Args:
        root: a real path.

    Returns:
        (path, None), or (path, why it is no video that can be read).

    Raises:
        VideoError: there are more files than are looked at.
    """
    unreadable: dict[Path, str] = {}
    links: dict[Path, Path] = {}
    real: set[Path] = set()
    for seen, entry in enumerate(_walk(root, unreadable)):
        if seen > MOST_FILES_SEEN:
            raise VideoError(f"there are more than {MOST_FILES_SEEN} files below the root folder; choose a smaller one")
        path = Path(entry.path)
        if not is_video_name(entry.name):
            continue
        if entry.is_symlink():
            try:
                links.setdefault(_target(path, root), path)
            except VideoError as error:
                unreadable[path] = str(error)
        elif entry.is_dir(follow_symlinks=False):
            unreadable[path] = "it is a folder, not a video file"
        elif entry.is_file(follow_symlinks=False):
            real.add(path)
        else:
            unreadable[path] = "it is a device, pipe or socket, not a video file"
    found = [*real, *(path for target, path in links.items() if target not in real)]
    return sorted([*((path, None) for path in found), *unreadable.items()])


def _target(link: Path, root: Path) -> Path:
    """The file below the root that a link leads to. Raises VideoError where it leads elsewhere."""
    try:
        target = link.resolve(strict=True)
    except (OSError, RuntimeError) as error:
        raise VideoError("the link leads to no file") from error
    if not target.is_relative_to(root):
        raise VideoError("the link leads outside the root folder")
    if not target.is_file():
        raise VideoError("the link leads to something that is no regular file")
    return target


def readable(text: str) -> str:
    """Text that can be written as UTF-8: bytes of file names that are not become \\xNN, as in Python's own strings."""
    return re.sub("[\ud800-\udfff]", lambda c: ascii(c[0])[1:-1].replace("\\udc", "\\x"), text)


def _as_stored(name: str) -> str:
    """The file name of which `readable` made this one."""
    return re.sub(r"\\x([89a-f][0-9a-f])", lambda c: chr(0xDC00 + int(c[1], 16)), name)


def _walk(folder: Path, unreadable: dict[Path, str]) -> Iterator[os.DirEntry[str]]:
    """Everything below a folder but what is hidden or in a folder for clips; why a folder cannot be read is noted."""
    folders = [folder]
    while folders:
        here = folders.pop()
        try:
            with os.scandir(here) as entries:
                for entry in entries:
                    if entry.name.startswith("."):
                        continue
                    if entry.is_dir(follow_symlinks=False):
                        if entry.name == CLIPS_FOLDER:
                            continue
                        folders.append(Path(entry.path))
                    yield entry
        except OSError as error:
            unreadable[here] = f"the folder cannot be read ({error.strerror})"


def _check_container(path: Path, shown: str) -> float | None:
    """Open a file as a container that refers to nothing else and look at the size of its pictures; decode nothing.

    Returns the length in seconds that the container states, None where it states none.
    """
    import av

    options = {
        "format_whitelist": SAFE_CONTAINERS,
        "protocol_whitelist": "file",
        **MAX_PIXELS,
    }
    try:
        with av.open(f"file:{path}", options=options, metadata_errors="replace") as container:
            for stream in container.streams.video:
                if stream.codec_context is None:
                    continue  # there is no decoder for it
                width, height = stream.codec_context.width, stream.codec_context.height
                if width * height > LARGEST_PICTURE_PIXELS:
                    raise VideoError(
                        f"{shown}: its pictures are {width} x {height}; at most "
                        f"{LARGEST_PICTURE_PIXELS // 10**6} million pixels are decoded"
                    )
            return None if container.duration is None else container.duration / av.time_base
    except av.FFmpegError as error:
        why = why_unreadable(path, str(error.strerror))
        other = "" if why == ENCRYPTED else ", or not of a kind that is opened here"
        raise VideoError(f"{shown}: {why}{other}") from error
