"""A folder of videos some of which are broken, each in its own way, made at test time.

from broken_videos import make_folder

folder = make_folder(tmp_path, good=180)      # 180 that can be read and one for each entry of BROKEN
folder.good, folder.broken                    # names of their files
"""

from __future__ import annotations

import gzip
import os
import struct
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from videos import BLUE, RED, make_scenes, make_video

Break = Callable[[Path, bytes], None]  # writes a broken file; the bytes are those of a good MP4 of the same length


@dataclass(frozen=True)
class Folder:
    path: Path
    good: tuple[str, ...]
    broken: tuple[str, ...]


def make_folder(path: Path, *, good: int, broken: int | None = None) -> Folder:
    """Good videos are red, then blue, and differ in their bytes; of the broken ones the first `broken`, None: all."""
    path.mkdir(parents=True, exist_ok=True)
    made = make_scenes(path / "made.mp4", [(2.0, RED), (2.0, BLUE)])
    content = made.read_bytes()
    made.unlink()
    good_names, broken_names = [], []
    for number in range(good):
        good_names.append(f"good{number:03d}.mp4")
        note = struct.pack(">I4sI", 12, b"free", number)  # a box that players skip
        (path / good_names[-1]).write_bytes(content + note)
    for name, write in list(BROKEN.items())[:broken]:
        broken_names.append(name)
        write(path / name, content)
    return Folder(path, tuple(good_names), tuple(broken_names))


def _write(content: bytes) -> Break:
    return lambda path, _: path.write_bytes(content) and None


def _changed(change: Callable[[bytes], bytes]) -> Break:
    return lambda path, good: path.write_bytes(change(good)) and None


def _pictures_zeroed(good: bytes) -> bytes:
    """The index is there and every picture it points to is zeros."""
    start = good.index(b"mdat") + 4
    size = int.from_bytes(good[start - 8 : start - 4], "big") - 8
    return good[:start] + bytes(size) + good[start + size :]


def _archive(path: Path, good: bytes) -> None:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("video.mp4", good)


def _sound_only(path: Path, _: bytes) -> None:
    make_video(path, seconds=2.0, audio=True, pictures=False)


def _matroska_zeroed(path: Path, _: bytes) -> None:
    content = make_scenes(path, [(2.0, RED)]).read_bytes()
    cluster = content.index(b"\x1f\x43\xb6\x75")
    path.write_bytes(content[:cluster] + bytes(len(content) - cluster))


def _avi_header(path: Path, _: bytes) -> None:
    content = make_scenes(path, [(2.0, RED)], codec="mpeg4").read_bytes()
    path.write_bytes(content[: content.index(b"movi") + 4])


def _giant(good: bytes) -> bytes:
    """A picture size of 65,535 x 65,535 wherever the index says one."""
    size, giant = struct.pack(">HH", 64, 48), struct.pack(">HH", 65535, 65535)
    return _pictures_zeroed(good.replace(size, giant))


BROKEN: dict[str, Break] = {
    "empty.mp4": _write(b""),
    "text.mp4": _write(b"this is no video\n" * 50),
    "cut.mp4": _changed(lambda good: good[: len(good) // 3]),
    "folder.mp4": lambda path, _: path.mkdir(),
    "sound_only.mp4": _sound_only,
    "pictures_zeroed.mp4": _changed(_pictures_zeroed),
    "page.mp4": _write(b"<!doctype html><html><title>404</title><body>Not found</body></html>"),
    "pointer.mp4": _write(b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"0" * 64 + b"\nsize 12345\n"),
    "random.mp4": _write(np.random.default_rng(0).bytes(20_000)),
    "zeros.mkv": _write(bytes(20_000)),
    "archive.mp4": _archive,
    "compressed.mp4": _changed(gzip.compress),
    "zeroed.mkv": _matroska_zeroed,
    "header.avi": _avi_header,
    "pipe.mp4": lambda path, _: os.mkfifo(path),
    "dead_link.mp4": lambda path, _: path.symlink_to("nowhere.mp4"),
    "link_to_itself.mp4": lambda path, _: path.symlink_to(path.name),
    "link_to_device.mp4": lambda path, _: path.symlink_to("/dev/zero"),
    "unknown_codec.mp4": _changed(lambda good: good.replace(b"avc1", b"zzz1").replace(b"avcC", b"zzzC")),
    "giant.mp4": _changed(_giant),
}
