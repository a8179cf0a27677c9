"""Where a command writes is checked before anything is computed; what is written appears whole; failures are told."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from videos import BLUE, RED, make_scenes

from tfgrounding import Grounder
from tfgrounding.show import report

COLOURS = ("--encoder", "conftest:ColourEncoder")
TESTS = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def video(tmp_path_factory):
    return str(make_scenes(tmp_path_factory.mktemp("writing") / "scenes.mp4", [(2.0, RED), (2.0, BLUE)]))


@pytest.fixture(autouse=True)
def empty_folder(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def nothing_computed(monkeypatch):
    """Fails the test if a video is watched."""
    monkeypatch.setattr(Grounder, "watch", lambda *_, **__: pytest.fail("the video was watched"))


@pytest.mark.parametrize(
    "arguments",
    [
        ("report", "VIDEO", "blue", "-o", "file/r.html"),
        ("report", "VIDEO", "blue", "-o", "folder"),
        ("report", "VIDEO", "blue", "--png", "file/f.png"),
        ("report", "VIDEO", "blue", "--svg", "/proc/f.svg"),
        ("export", "VIDEO", "blue", "-o", "file/m.srt"),
        ("export", "VIDEO", "blue", "--clips", "file"),
        ("export", "VIDEO", "blue", "--clips", "/proc/clips"),
        ("ground", "VIDEO", "blue", "--save", "folder"),
    ],
)
def test_a_place_that_cannot_be_written_is_told_first(run, video, nothing_computed, tmp_path, arguments):
    (tmp_path / "file").write_text("kept")
    (tmp_path / "folder").mkdir()
    code, out, err = run(*(video if argument == "VIDEO" else argument for argument in arguments), *COLOURS)
    assert code == 2 and out == "" and "cannot be written (" in err and err.count("\n") == 1
    assert (tmp_path / "file").read_text() == "kept"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--format", "xml"), "export 'xml' is not known"),
        (("--format", "srt", "--timecode", "zero"), "format 'srt' has no option 'timecode'"),
        (("--format", "edl", "--timecode", "noon"), "timecode must be file or zero"),
        (("--stream", "1", "--picture-rate", "2"), "a folder of pictures has no tracks"),
        (("--stream", "7"), "stream 7 is no video track"),
    ],
)
def test_wrong_options_are_told_first(run, video, nothing_computed, arguments, says):
    code, out, err = run("export", video, "blue", *COLOURS, *arguments)
    assert code == 2 and out == "" and says in err and err.count("\n") == 1


def test_a_query_that_is_no_text_is_told_first(run, video, nothing_computed):
    code, out, err = run("ground", video, "caf\udce9", *COLOURS)
    assert code == 2 and out == "" and "holds bytes that are no text" in err and err.count("\n") == 1


def test_folders_are_made_and_old_files_replaced(run, video, tmp_path):
    (tmp_path / "r.html").write_text("old")
    code, _, err = run("report", video, "blue", *COLOURS, "-o", "r.html", "--png", "a/b/f.png", "--svg", "a/c/f.svg")
    assert code == 0, err
    assert (tmp_path / "r.html").read_text().startswith("<!doctype html>")
    assert (tmp_path / "a/b/f.png").read_bytes().startswith(b"\x89PNG") and "<svg" in (
        tmp_path / "a/c/f.svg"
    ).read_text()
    assert sorted(path.name for path in tmp_path.rglob(".*")) == []


def test_a_full_disk_keeps_the_old_report(run, video, tmp_path, monkeypatch):
    (tmp_path / "r.html").write_text("old")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(report, "write_atomically", full)
    code, _, err = run("report", video, "blue", *COLOURS, "-o", "r.html")
    assert code == 2 and "No space left on device" in err and err.count("\n") == 1
    assert (tmp_path / "r.html").read_text() == "old"


def test_devices_are_written_to(run, video):
    assert run("export", video, "blue", *COLOURS, "--format", "csv", "-o", "/dev/null")[0] == 0


@pytest.mark.parametrize(
    ("package", "extra", "arguments"),
    [
        ("matplotlib", "plot", ("report", "VIDEO", "blue", "--png", "f.png")),
        ("mcp", "mcp", ("mcp", "--root", ".")),
        ("PIL", "numpro", ("overlay", "VIDEO", "-o", "n.mp4")),
    ],
)
def test_a_missing_extra_is_told(run, video, nothing_computed, monkeypatch, package, extra, arguments):
    for name in {package, "matplotlib.figure", *sys.modules}:
        if name.partition(".")[0] == package:
            monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.delitem(sys.modules, "tfgrounding.serve.mcp_server", raising=False)
    code, out, err = run(*(video if argument == "VIDEO" else argument for argument in arguments))
    assert code == 2 and out == "" and f"pip install 'tfgrounding[{extra}]'" in err and err.count("\n") == 1


def test_encode_fails_where_nothing_can_be_kept_and_ground_warns(run, video, tmp_path, monkeypatch):
    (tmp_path / "file").write_text("no folder")
    monkeypatch.setenv("TFGROUNDING_CACHE", str(tmp_path / "file" / "cache"))
    code, out, err = run("encode", video, *COLOURS)
    assert code == 2 and out == "" and "cannot be written" in err and err.count("\n") == 1
    code, out, err = run("ground", video, "blue", *COLOURS)
    assert code == 0 and out and "warning: features are not kept in" in err


def test_encode_fails_where_a_full_disk_keeps_nothing(run, video, tmp_path, monkeypatch):
    from tfgrounding.tracks.cache import FeatureCache

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setenv("TFGROUNDING_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(FeatureCache, "store", full)
    code, out, err = run("encode", video, *COLOURS)
    assert code == 2 and out and "No space left on device" in err
    assert err.splitlines()[-1] == "tfgrounding: 1 of 1 videos could not be encoded and kept"


def test_a_threshold_keeps_those_above_it_in_their_order(run, video, tmp_path, monkeypatch):
    asked = ("ground", video, "blue", *COLOURS, "--localizer", "tfvtg-reference", "--json")
    every = json.loads(run(*asked)[1])["moments"]
    scores = [moment["score"] for moment in every]
    assert scores != sorted(scores, reverse=True)  # its order is that of a vote
    for threshold in sorted(scores):
        kept = [moment for moment in every if moment["score"] >= threshold]
        assert json.loads(run(*asked, "--threshold", threshold, "--save", "a.json")[1])["moments"] == kept
        assert json.loads((tmp_path / "a.json").read_text())["moments"] == kept
        printed = run(*asked[:-1], "--threshold", threshold)[1].splitlines()
        assert [line.split()[-1] for line in printed if " s  " in line] == [f"{moment['score']:.3f}" for moment in kept]


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": f"{TESTS.parent}:{TESTS}", "TFGROUNDING_CACHE": os.environ["TFGROUNDING_CACHE"]}


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("arguments", [("info", "VIDEO"), ("plan", "a dog barks")])
def test_a_full_stdout_is_one_sentence(video, arguments):
    command = [sys.executable, "-m", "tfgrounding", *(video if a == "VIDEO" else a for a in arguments)]
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, env=environment(), timeout=60)
    assert done.returncode == 2
    assert done.stderr == "tfgrounding: cannot be read or written (No space left on device)\n"


def test_control_c_is_one_word(tmp_path):
    long = make_scenes(tmp_path / "long.mp4", [(300.0, RED)], rate_hz=10)
    command = [sys.executable, "-m", "tfgrounding", "encode", str(long), "--encoder", "slow_encoder:SlowEncoder"]
    started = tmp_path / "started"
    (tmp_path / "slow_encoder.py").write_text(
        "import pathlib, time\n"
        "from conftest import ColourEncoder\n"
        "class SlowEncoder(ColourEncoder):\n"
        "    def encode_frames(self, pixels):\n"
        f"        pathlib.Path({str(started)!r}).touch()\n"
        "        time.sleep(0.2)\n"
        "        return super().encode_frames(pixels)\n"
    )
    process = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True, env=environment())
    deadline = time.monotonic() + 120
    while not started.exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (130, "tfgrounding: stopped\n")
