"""Rough answers on a terminal, and `--rough`."""

from __future__ import annotations

import sys

import pytest
from conftest import ColourEncoder
from videos import BLUE, RED, make_scenes

from tfgrounding import Grounder
from tfgrounding.cli.steps import watched_in_steps
from tfgrounding.engines import steps
from tfgrounding.media import open_source


@pytest.fixture
def source(tmp_path, monkeypatch):
    monkeypatch.setattr(steps, "LEAST_SAMPLES", 100)
    monkeypatch.setattr(steps, "FIRST_LOOKS", 16)
    return open_source(make_scenes(tmp_path / "a.mp4", [(20.0, RED), (20.0, BLUE), (20.0, RED)], rate_hz=4))


def watched(source, monkeypatch, *, terminal: bool, rough: bool = False):
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal, raising=False)
    grounder = Grounder(encoder=ColourEncoder(), cache=False)
    return watched_in_steps(grounder, source, ["blue", "a red one"], rough=rough, progress=None)


def test_a_terminal_shows_rough_answers_before_the_whole_is_there(source, monkeypatch, capsys):
    found = watched(source, monkeypatch, terminal=True)
    out, err = capsys.readouterr()
    assert out == "" and found.samples == 180
    first, *_ = err.split("a rough answer to 'a red one'")
    assert first.startswith("a rough answer to 'blue', times may be wrong by ") and "the whole is being read" in first
    assert "  about 0:" in first and ", score " in first


def test_a_pipe_is_not_told(source, monkeypatch, capsys):
    assert watched(source, monkeypatch, terminal=False).samples == 180
    assert capsys.readouterr().err == ""


def test_the_first_look_alone(source, monkeypatch, capsys):
    found = watched(source, monkeypatch, terminal=False, rough=True)
    assert found.samples < 100 and capsys.readouterr().err == ""
    answer = found.ask("blue")
    assert answer.provenance["rough"] > 0 and "a rough answer" in answer.warnings[-1]
    assert answer.moments[0].start_seconds == pytest.approx(20, abs=answer.provenance["rough"])
