"""One folder of videos and nothing else: which paths a stranger may name, and which files are safe to open."""

from __future__ import annotations

import difflib
import os
import re
import stat
from dataclasses import dataclass
from pathlib import Path

from ..errors import VideoError
from ..media import LARGEST_PICTURE_PIXELS, MAX_PIXELS, is_video_name

CLIPS_FOLDER = "tfgrounding-clips"
# FFmpeg's names of containers that hold their own data. Others name further files or addresses, which FFmpeg would
# open: playlists (HLS, DASH), concat lists, image sequences, session descriptions.
SAFE_CONTAINERS = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpeg,mpegts,flv,asf,ogg"
LONGEST_PATH_CHARACTERS = 4096  # Linux's PATH_MAX
MOST_FILES_SEEN = 100_000  # looked at while searching for videos: a root like / must not keep a server busy for hours
NAMES_SUGGESTED = 5


@dataclass(frozen=True, slots=True)
class SafeVideo:
    """A video that was found safe to open: its real path, its name below the root, the length its container states."""

    path: Path
    name: str
    stated_seconds: float | None


class VideoFolder:
    """The videos below one folder.

    Args:
        root: the folder.

    Raises:
        VideoError: there is no such folder.
    """

    def __init__(self, root: str | Path) -> None:
        try:
            self.root = Path(root).resolve(strict=True)
        except (OSError, RuntimeError, ValueError) as error:
            raise VideoError(f"{root}: there is no such folder to serve videos from") from error
        if not self.root.is_dir():
            raise VideoError(f"{root}: is not a folder to serve videos from")
        self._found_safe: dict[tuple[Path, int, int, int], SafeVideo] = {}  # by path, size, time and inode

    def relative(self, path: Path) -> str:
        """A path below the root as it is shown to strangers."""
        return path.relative_to(self.root).as_posix()

    def video(self, name: str) -> SafeVideo:
        """The video that a stranger means by `name`, safe to open.

        Args:
            name: path relative to the root.

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
        """Every video below the root by its file name's ending, sorted; links that leave the root are passed over."""
        found = []
        seen = 0
        for folder, folders, files in os.walk(self.root, followlinks=False):
            folders[:] = sorted(f for f in folders if not f.startswith(".") and f != CLIPS_FOLDER)
            for file in files:
                seen += 1
                path = Path(folder, file)
                if is_video_name(file) and not file.startswith(".") and self._is_inside(path):
                    found.append(self.relative(path))
            if seen > MOST_FILES_SEEN:
                raise VideoError(
                    f"there are more than {MOST_FILES_SEEN} files below the root folder; serve a smaller one"
                )
        return sorted(found)

    def clips_bytes(self) -> int:
        """How much the clips made so far take on the disk."""
        clips = self.root / CLIPS_FOLDER
        return sum(path.lstat().st_size for path in clips.rglob("*.mp4")) if clips.is_dir() else 0

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
        if re.match(r"[A-Za-z][A-Za-z0-9+.-]+:", name):
            raise VideoError(f"{name[:100]!r} is an address, not a file; only files below the root folder can be used")
        if Path(name).is_absolute() or name.startswith("~"):
            raise VideoError(f"{name[:100]!r} is not relative; give the path relative to the root folder")
        if Path(os.path.normpath(name)).parts[:1] == (os.pardir,):
            raise VideoError(f"{name[:100]!r} leads outside the root folder")
        try:
            path = (self.root / name).resolve(strict=True)
        except (OSError, RuntimeError) as error:
            raise VideoError(
                f"there is no video {name[:100]!r} below the root folder{self._suggestion(name)}"
            ) from error
        if not path.is_relative_to(self.root):
            raise VideoError(f"{name[:100]!r} leads outside the root folder")
        kind = path.stat().st_mode
        if stat.S_ISDIR(kind):
            raise VideoError(f"{name[:100]!r} is a folder; name a video file{self._suggestion(name)}")
        if not stat.S_ISREG(kind):
            raise VideoError(f"{name[:100]!r} is not a regular file (a device, pipe or socket), so it is not opened")
        return path

    def _suggestion(self, name: str) -> str:
        """What a model can do about a wrong name: the names most like it."""
        names = self.videos()
        if not names:
            return "; there are no videos at all"
        stems = {Path(n).name.lower(): n for n in names}
        close = [stems[s] for s in difflib.get_close_matches(Path(name).name.lower(), stems, NAMES_SUGGESTED, 0.5)]
        shown = close or names[:NAMES_SUGGESTED]
        more = f" and {len(names) - len(shown)} others" if len(names) > len(shown) else ""
        return f"; there are: {', '.join(shown)}{more}"

    def _is_inside(self, path: Path) -> bool:
        try:
            return path.resolve(strict=True).is_relative_to(self.root) and path.is_file()
        except (OSError, RuntimeError):
            return False


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
        with av.open(f"file:{path}", options=options) as container:
            for stream in container.streams.video:
                width, height = stream.codec_context.width, stream.codec_context.height
                if width * height > LARGEST_PICTURE_PIXELS:
                    raise VideoError(
                        f"{shown}: its pictures are {width} x {height}; at most "
                        f"{LARGEST_PICTURE_PIXELS // 10**6} million pixels are decoded"
                    )
            return None if container.duration is None else container.duration / av.time_base
    except av.FFmpegError as error:
        raise VideoError(f"{shown}: not a video file of a kind that is opened here ({error.strerror})") from error
