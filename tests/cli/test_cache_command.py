"""What is kept, of which videos, and how it goes."""

from __future__ import annotations

import io
import os
import shutil
import sys

import numpy as np
import pytest
from videos import BLUE, RED, make_scenes

from tfgrounding.media import open_source
from tfgrounding.registry import ROWS
from tfgrounding.tracks.cache import FeatureCache
from tfgrounding.tracks.feature_parts import Batch


@pytest.fixture
def kept(run, tmp_path, monkeypatch):
    """A cache of its own that holds one video, which is old enough for its digest to be remembered."""
    monkeypatch.setitem(ROWS["encoders"], "colours", "conftest:ColourEncoder")
    monkeypatch.setenv("TFGROUNDING_CACHE", str(tmp_path / "cache"))
    video = make_scenes(tmp_path / "v.mp4", [(1.0, RED), (1.0, BLUE)])
    os.utime(video, (1e9, 1e9))
    assert run("encode", video, "--encoder", "colours")[0] == 0
    return video


def test_list_says_which_video_is_kept(run, kept):
    code, out, err = run("cache", "list")
    assert (code, err) == (0, "") and out.count("\n") == 1
    assert "2.0 s, colours" in out and str(kept) in out and " MB  20" in out


def test_a_video_is_removed_by_its_content_and_stays_where_it_is(run, kept, tmp_path):
    other = shutil.copy(kept, tmp_path / "copy.mp4")
    code, out, _ = run("cache", "remove", other)
    assert code == 0 and out.startswith("1 entry removed") and kept.exists()
    assert run("cache", "list")[1] == ""
    assert run("cache", "remove", other)[:2] == (0, f"0 entries removed  {other}\n")


def test_what_is_kept_of_a_video_that_is_gone_is_removed_by_its_path(run, kept):
    kept.unlink()
    code, out, _ = run("cache", "remove", kept)
    assert code == 0 and out.startswith("1 entry removed")


def test_an_unknown_video_is_an_error(run, kept, tmp_path):
    code, out, err = run("cache", "remove", tmp_path / "none.mp4")
    assert code == 2 and out == "" and "nothing is kept of that name" in err


def test_clear_never_asks_in_a_pipe_and_does_what_is_agreed(run, kept):
    code, out, err = run("cache", "--clear")
    assert code == 2 and out == "" and "add --yes" in err and run("cache", "list")[1]
    code, out, _ = run("cache", "--clear", "--yes")
    assert code == 0 and "1 encoded videos" in out and run("cache", "list")[1] == ""


@pytest.mark.parametrize(("answer", "left"), [("y\n", 0), ("n\n", 1), ("", 1)])
def test_a_person_is_asked(run, kept, monkeypatch, answer, left):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    monkeypatch.setattr(sys, "stdin", Terminal(answer))
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    code, _, err = run("cache", "--clear")
    assert code == 0 and "[y/N]" in err
    assert run("cache", "list")[1].count("\n") == left


def test_damaged_entries_and_notes_are_listed_not_feared(run, kept, tmp_path):
    for file in (tmp_path / "cache").rglob("*"):
        if file.is_file():
            file.write_bytes(b"\xff\xff\xff\xff\xff\xff\xff\xff{")
    code, out, _ = run("cache", "list")
    assert code == 0 and "damaged" in out


def test_an_unfinished_encoding_is_one_entry_and_goes_with_its_video(run, kept, tmp_path):
    parts = FeatureCache().parts(open_source(str(kept)), 2, encoder="colours", revision="9", rate_hz=3.0)
    for number in (0, 2):  # two files
        parts.add(number, Batch(np.ones((2, 1, 3), np.float16), np.arange(2.0), np.arange(2.0)))
    parts.keep()
    out = run("cache", "list")[1]
    assert out.count("\n") == 2 and out.count(str(kept)) == 2 and "unfinished, colours" in out
    assert run("cache", "remove", kept)[1].startswith("2 entries removed") and run("cache", "list")[1] == ""
    assert not [place for place in (tmp_path / "cache" / "features").iterdir()]
