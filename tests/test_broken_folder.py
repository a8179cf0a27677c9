"""A folder some of whose files are broken, each in its own way: search and encode answer for all others and say why."""

from __future__ import annotations

import sys

import pytest
from broken_videos import BROKEN, make_folder

from tfgrounding.cli import app as cli
from tfgrounding.serve.tools import VideoTools


@pytest.fixture(params=[6, pytest.param(180, marks=pytest.mark.slow)])
def folder(request, tmp_path):
    assert len(BROKEN) >= 20
    return make_folder(tmp_path / "videos", good=request.param)


def test_search_answers_for_the_others(folder, colour_grounder):
    found = VideoTools(folder.path, grounder=colour_grounder).search_videos("something blue", top_k=20)
    assert found.videos_searched == len(folder.good)
    assert {match.video for match in found.matches} <= set(folder.good)
    assert all(match.moments[0].start_seconds == pytest.approx(2.0, abs=0.3) for match in found.matches)
    reasons = {skipped.video: skipped.reason for skipped in found.skipped}
    assert set(reasons) == set(folder.broken)
    for name, reason in reasons.items():
        assert not reason.startswith(("AttributeError", "TypeError")), (name, reason)
        assert reason and "\n" not in reason and str(folder.path) not in reason, (name, reason)


def test_encode_answers_for_the_others(folder, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["tfgrounding", "encode", str(folder.path), "--encoder", "conftest:ColourEncoder"])
    with pytest.raises(SystemExit) as left:
        cli.main()
    out, err = capsys.readouterr()
    assert left.value.code == 2
    assert [line.rpartition("/")[2] for line in out.splitlines()] == sorted(folder.good)
    *reasons, last = err.splitlines()
    total = len(folder.good) + len(folder.broken)
    assert last == f"tfgrounding: {len(folder.broken)} of {total} videos could not be encoded and kept"
    assert len(reasons) == len(folder.broken)
    for name in folder.broken:
        assert sum(f"{folder.path / name}: " in line for line in reasons) == 1, (name, reasons)
