"""A source: opened once, described, found again; and what a file says about itself."""

from __future__ import annotations

import gc
import json
import subprocess
import sys

import av
import numpy as np
import pytest
from videos import make_pictures, make_video, numbered, read_number, remux

from tfgrounding import Pictures, iter_frames, probe
from tfgrounding.errors import VideoError
from tfgrounding.media import VIDEO_SUFFIXES, VideoFile, cut_clip, is_video_name, open_source
from tfgrounding.media.container import unwrapped
from tfgrounding.media.hdr import HLG, PQ, to_standard_range


def test_nothing_is_read_before_it_is_asked_for(tmp_path):
    file = open_source(tmp_path / "later.mp4")
    with pytest.raises(VideoError, match="no such file"):
        _ = file.info
    make_video(tmp_path / "later.mp4")
    assert file.info.duration_seconds == 4.0
    (tmp_path / "later.mp4").unlink()
    assert file.info.duration_seconds == 4.0  # remembered


@pytest.mark.parametrize("kind", ["file", "folder", "list", "array"])
def test_every_source_keeps_the_promise(kind, tmp_path):
    paths = make_pictures(tmp_path / "p", 3)
    source = {
        "file": lambda: open_source(make_video(tmp_path / "v.mp4")),
        "folder": lambda: Pictures(tmp_path / "p", 3),
        "list": lambda: Pictures(paths, 3),
        "array": lambda: Pictures(np.stack([numbered(k) for k in range(3)]), 3),
    }[kind]()
    assert open_source(source) is source
    assert source.digest() == source.digest() and len(source.digest()) == 64
    assert source.identity == source.identity and isinstance(hash(source.identity), int)
    shots = source.shots()
    assert [read_number(shot.frame.to_ndarray(format="rgb24")) for shot in shots][:3] == [0, 1, 2]
    assert shots.warnings == () and source.info.path == source.name
    again = open_source(json.loads(json.dumps(source.to_dict())))
    assert again.to_dict() == source.to_dict()
    if kind != "array":
        assert again.digest() == source.digest() and again.info.duration_seconds == source.info.duration_seconds


def test_a_saved_file_is_found_from_another_folder_under_its_name(tmp_path, monkeypatch):
    make_video(tmp_path / "v.mp4")
    monkeypatch.chdir(tmp_path)
    saved = open_source("v.mp4").to_dict()
    monkeypatch.chdir("/")
    again = open_source(saved)
    assert again.name == "v.mp4" and again.info.path == "v.mp4" and again.info.width == 64


def test_the_digest_counts_the_rate_and_the_track(tmp_path):
    array = np.zeros((2, 4, 4, 3), np.uint8)
    assert Pictures(array, 3).digest() != Pictures(array, 6).digest()
    path = make_video(tmp_path / "v.mp4")
    assert VideoFile(path).digest() != VideoFile(path, stream=0).digest()
    assert open_source(path, stream=0).to_dict()["stream"] == 0
    with pytest.raises(VideoError, match="only of a video file"):
        open_source(Pictures(array, 3), stream=0)


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".ts"])
def test_how_much_later_than_the_file_the_pictures_start(suffix, tmp_path):
    late = make_video(tmp_path / f"late{suffix}", start_seconds=3, audio=True, sound_first=True)
    assert probe(late).start_offset_seconds == pytest.approx(3, abs=0.2)
    assert probe(make_video(tmp_path / f"v{suffix}")).start_offset_seconds == pytest.approx(0, abs=0.001)


@pytest.mark.parametrize(("rate", "code"), [(25, "10:00:00:00"), (30000 / 1001, "01:00:00;02")])
def test_the_time_code_of_the_start(rate, code, tmp_path):
    assert probe(make_video(tmp_path / "v.mov", seconds=1, rate_hz=rate)).start_timecode is None
    path = make_video(tmp_path / "t.mov", seconds=1, rate_hz=rate, metadata={"timecode": code})
    assert probe(path).start_timecode == code


def test_every_track_can_be_chosen(tmp_path):
    two = remux([make_video(tmp_path / "a.mp4"), make_video(tmp_path / "b.mp4", seconds=1)], tmp_path / "two.mkv")
    assert [open_source(two, stream=k).info.duration_seconds for k in (0, 1)] == [4.0, 1.0]
    assert "stream 0 is read" in probe(two).warnings[0] and open_source(two, stream=0).info.warnings == ()


def test_joined_recordings_have_one_length(tmp_path):
    part = make_video(tmp_path / "part.ts", seconds=3, rate_hz=24, audio=True, sound_first=True).read_bytes()
    (tmp_path / "v.ts").write_bytes(part * 3)
    stated = probe(tmp_path / "v.ts").duration_seconds
    with iter_frames(tmp_path / "v.ts") as stream:
        seen = [read_number(picture) for frames in stream for picture in frames.pixels]
    assert stated == pytest.approx(9, abs=0.05) and stream.info.duration_seconds == pytest.approx(stated, abs=0.05)
    clip = cut_clip(tmp_path / "v.ts", tmp_path / "c.mp4", start_seconds=7, end_seconds=stated)
    assert probe(clip.path).duration_seconds == pytest.approx(2, abs=0.05) and clip.has_sound
    with iter_frames(clip.path, rate_hz=3) as stream:
        cut = [read_number(picture) for frames in stream for picture in frames.pixels]
    assert np.abs(np.subtract(cut, seen[21:])).max() <= 1  # where an instant is just that of a picture


def test_files_once_read_leave_nothing_in_memory(tmp_path):
    """A picture of these files takes 12 MB; without a search for cycles of references nothing may stay."""
    path = make_video(tmp_path / "v.mp4", seconds=0.3, width=3840, height=2160, rotation_degrees=90)
    script = (  # in a process of its own: the memory of this one also changes by what other tests left running
        "import gc, os, sys\n"
        "from tfgrounding import iter_frames\n"
        "def resident_bytes():\n"
        "    with open('/proc/self/statm') as file:\n"
        "        return int(file.read().split()[1]) * os.sysconf('SC_PAGE_SIZE')\n"
        "def read():\n"
        "    with iter_frames(sys.argv[1], rate_hz=10, size=8) as stream:\n"
        "        list(stream)\n"
        "read()\n"
        "gc.collect()\n"
        "gc.disable()\n"
        "before = resident_bytes()\n"
        "for _ in range(12):\n"
        "    read()\n"
        "print(resident_bytes() - before)\n"
    )
    done = subprocess.run([sys.executable, "-c", script, path], capture_output=True, text=True, check=True)
    assert int(done.stdout) < 60 << 20


@pytest.mark.parametrize(("transfer", "stored"), [(PQ, 148), (HLG, 191)])
def test_the_white_of_ordinary_pictures_is_nearly_white_again(transfer, stored):
    """203 cd/m2 are 58 % of PQ and 75 % of HLG (ITU-R BT.2408)."""
    shown = to_standard_range(np.array([[[stored] * 3, [0] * 3, [255] * 3]], np.uint8), transfer)
    assert shown[0, 0].min() >= 235 and shown[0, 0].max() <= 250
    assert shown[0, 1].max() == 0 and shown[0, 2].min() >= 250
    grey = to_standard_range(np.repeat(np.arange(256, dtype=np.uint8)[None, :, None], 3, axis=2), transfer)
    assert (np.diff(grey[0, :, 0].astype(int)) >= 0).all()


def test_hdr_pictures_keep_their_colours(tmp_path):
    """Codes of PQ for BT.709's (200, 30, 30) and (30, 180, 30) at a white of 203 cd/m2."""
    codes = np.array([[[121, 74, 55], [100, 124, 74]]], np.uint8)
    assert np.abs(to_standard_range(codes, PQ).astype(int) - [[[200, 30, 30], [30, 180, 30]]]).max() <= 6


def test_names_of_videos():
    assert all(is_video_name(f"a{suffix}") and is_video_name(f"A{suffix.upper()}") for suffix in VIDEO_SUFFIXES)
    for suffix in [
        ".mts",
        ".m2ts",
        ".mxf",
        ".ts",
        ".wmv",
        ".flv",
        ".3gp",
        ".ogv",
        ".gif",
        ".webp",
        ".mp4",
        ".mov",
        ".mkv",
        ".webm",
        ".avi",
        ".mpg",
    ]:
        assert suffix in VIDEO_SUFFIXES
    assert not is_video_name("a.txt") and not is_video_name("mp4")


def test_a_picture_turned_by_exif_leaves_no_frame_behind(tmp_path):
    from PIL import Image

    for index in range(3):
        image = Image.fromarray(numbered(index))
        exif = image.getexif()
        exif[0x0112] = 3
        image.save(tmp_path / f"{index}.jpg", exif=exif)
    gc.collect()
    gc.disable()
    try:
        with iter_frames(Pictures(tmp_path, 3)) as stream:
            list(stream)
        assert not [thing for thing in gc.get_objects() if isinstance(thing, av.VideoFrame) and thing.width > 2]
    finally:
        gc.enable()


@pytest.mark.parametrize("ticks", [-11, -1, 0, 1, 90_000 * 3600 * 26])
def test_times_below_0_stored_without_their_sign_are_below_0(ticks):
    """FFmpeg writes them so into Ogg files that it cuts: 58 bits and no sign."""
    assert unwrapped(ticks % (1 << 58)) == ticks
