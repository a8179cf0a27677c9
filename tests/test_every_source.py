"""A file, a folder of pictures, a list of them and an array go through every step and give the same answers."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from videos import BLUE, RED, make_pictures, make_scenes
from watcher import RedWatcher

from tfgrounding import Answer, Grounder, Pictures, ground, probe
from tfgrounding.cli import app as cli
from tfgrounding.show.export import FORMATS, export
from tfgrounding.show.report import write_report

RATE_HZ = 4.0
SCENES = [(2.0, BLUE), (3.0, RED), (2.0, BLUE)]


def pictures() -> np.ndarray:
    """(T, H, W, 3): the scenes at RATE_HZ."""
    colours = [colour for seconds, colour in SCENES for _ in range(round(seconds * RATE_HZ))]
    return np.broadcast_to(np.array(colours, dtype=np.uint8)[:, None, None, :], (len(colours), 48, 64, 3)).copy()


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """The pictures as files."""
    shown = pictures()
    folder = tmp_path_factory.mktemp("pictures") / "street"
    make_pictures(folder, len(shown), picture=lambda index, **_: shown[index])
    return folder


@pytest.fixture(params=["file", "folder", "list", "array"])
def source(request, folder, tmp_path):
    if request.param == "file":
        return make_scenes(tmp_path / "scenes.mp4", SCENES, rate_hz=RATE_HZ)
    if request.param == "folder":
        return Pictures(folder, rate_hz=RATE_HZ)
    if request.param == "list":
        return Pictures(sorted(folder.iterdir(), key=lambda path: int(path.stem)), rate_hz=RATE_HZ)
    return Pictures(pictures(), rate_hz=RATE_HZ)


@pytest.mark.parametrize("engine", ["curves", "numpro", "hybrid", "cascade"])
def test_every_source_through_every_engine_report_export_and_clips(engine, source, colour_encoder, tmp_path):
    vlm = None if engine == "curves" else RedWatcher()
    grounder = Grounder(engine=engine, encoder=colour_encoder, vlm=vlm, cache=tmp_path / "cache")
    answer = grounder.ground(source, "something red")
    best = answer.moments[0]
    assert (best.start_seconds, best.end_seconds) == (pytest.approx(2.0, abs=0.6), pytest.approx(5.0, abs=0.6))
    assert answer.source is not None and answer.source.info.duration_seconds == pytest.approx(7.0, abs=0.01)
    for name in FORMATS:
        assert export([answer], name)
    assert write_report([answer], tmp_path / "page" / "r.html") == []
    assert "<video" in (tmp_path / "page" / "r.html").read_text()
    clips = answer.save_clips(tmp_path / "clips")
    assert probe(clips[0]).duration_seconds == pytest.approx(best.end_seconds - best.start_seconds, abs=0.05)
    again = Answer.from_dict(json.loads(json.dumps(answer.to_dict())))
    for name in FORMATS:
        assert export([again], name) == export([answer], name)
    stored = again.source.to_dict()["kind"] != "array"
    assert (write_report([again], tmp_path / "page" / "r.html") == []) == stored


def test_features_carry_their_source(source, colour_encoder, tmp_path):
    for _ in range(2):  # the second time from the cache
        grounder = Grounder(encoder=colour_encoder, cache=tmp_path / "cache")
        answer = grounder.ground(grounder.encode_video(source), "something red")
        assert len(answer.save_clips(tmp_path / "clips")) == len(answer.moments)


def test_the_one_line_form_takes_every_source(source):
    best = ground(source, "something red", encoder="conftest:ColourEncoder", cache=False).moments[0]
    assert best.start_seconds == pytest.approx(2.0, abs=0.4)


def test_folders_of_pictures_are_evaluated(folder, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    row = {"qid": 1, "vid": folder.name, "query": "something red", "duration": 7.0, "relevant_windows": [[2.0, 5.0]]}
    (tmp_path / "rows.jsonl").write_text(json.dumps(row) + "\n")
    named = ("--videos", str(folder.parent), "--picture-rate", "4", "--encoder", "conftest:ColourEncoder")
    monkeypatch.setattr(sys, "argv", ["tfgrounding", "eval", "rows.jsonl", *named, "--output", "out.jsonl"])
    with pytest.raises(SystemExit) as left:
        cli.main()
    assert not left.value.code, capsys.readouterr().err
    (found,) = (json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines() if "qid" in line)
    assert found["pred_relevant_windows"][0][:2] == [pytest.approx(2.0, abs=0.3), pytest.approx(5.0, abs=0.3)]


def test_a_folder_of_pictures_on_the_command_line(folder, monkeypatch, capsys, tmp_path):
    monkeypatch.chdir(tmp_path)
    named = (str(folder), "--picture-rate", "4", "--encoder", "conftest:ColourEncoder")
    for arguments in (
        ("info", str(folder), "--picture-rate", "4"),
        ("ground", *named, "something red", "--save", "a.json"),
        ("encode", *named),
        ("export", *named, "something red", "--format", "otio", "-o", "a.otio", "--clips", "clips"),
        ("report", *named, "something red", "-o", "r.html"),
        ("report", "a.json", "-o", "again.html"),
        ("overlay", str(folder), "--picture-rate", "4", "-o", "numbered.mp4"),
    ):
        monkeypatch.setattr(sys, "argv", ["tfgrounding", *arguments])
        with pytest.raises(SystemExit) as left:
            cli.main()
        assert not left.value.code, capsys.readouterr().err
    assert "<video" in (tmp_path / "again.html").read_text()
    assert json.loads((tmp_path / "a.otio").read_text())["OTIO_SCHEMA"] == "Timeline.1"
    assert probe(tmp_path / "numbered.mp4").duration_seconds == pytest.approx(7.0, abs=0.1)
    monkeypatch.setattr(sys, "argv", ["tfgrounding", "report", *named, "something red", "--link"])
    with pytest.raises(SystemExit) as left:
        cli.main()
    assert left.value.code == 2 and "a page cannot link to it" in capsys.readouterr().err
