"""`ground` for several queries, several videos and folders, and how its arguments are told apart."""

from __future__ import annotations

import json
import shutil

import pytest
from videos import BLUE, GREEN, RED, make_scenes

from tfgrounding import TFGroundingError
from tfgrounding.cli.videos import videos_and_queries
from tfgrounding.registry import ROWS

ENCODER = ("--encoder", "colours", "--localizer", "max-sum")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two videos, one of which has a blue scene, and one that is none."""
    root = tmp_path_factory.mktemp("many")
    make_scenes(root / "a.mp4", [(2.0, RED), (2.0, GREEN)])
    make_scenes(root / "b.mp4", [(2.0, RED), (2.0, BLUE)])
    (root / "broken.mp4").write_bytes(b"no video")
    return root


@pytest.fixture(autouse=True)
def colours(monkeypatch):
    monkeypatch.setitem(ROWS["encoders"], "colours", "conftest:ColourEncoder")


@pytest.mark.parametrize(
    ("words", "videos"),
    [
        (("a.mp4", "a dog runs"), 1),
        (("a.mp4", "b.MKV", "a dog runs", "a cat"), 2),
        (("a.mp4", "a man and/or a woman"), 1),
        (("a.mp4", "films/b", "a dog"), 2),
        (("a.mp4", "/films of mine/b", "a dog"), 2),
        (("a.mp4", "./b c", "a dog"), 2),
        (("a.mp4",), 1),
        (("no ending", "a dog", "b.mp4"), 1),  # what follows a query is a query
        (("a.mp4", ""), 1),
        (("a.mp4", "x" * 5000), 1),
    ],
)
def test_videos_stand_first(words, videos):
    assert videos_and_queries(words) == (list(words[:videos]), list(words[videos:]))


def test_what_is_there_is_a_video(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "holiday").mkdir()
    (tmp_path / "film").touch()
    assert videos_and_queries(["holiday", "film", "dog"]) == (["holiday", "film"], ["dog"])
    with pytest.raises(TFGroundingError, match="'a dog' is no video"):
        videos_and_queries(["a dog"])


def test_an_answer_under_each_query(run, folder):
    code, out, err = run("ground", folder / "b.mp4", "blue", "red", *ENCODER, "--top-k", "1")
    assert code == 0 and "warning" not in err
    blue, red, about = out.split("\n\n")
    assert blue.startswith("blue\n") and "0:02.0 - 0:04.0" in blue
    assert red.startswith("red\n") and "0:00.0 - 0:02.0" in red
    assert about == "encoder colours\n"


def test_several_videos_the_likeliest_first_and_a_bad_one_stops_nothing(run, folder):
    videos = [folder / name for name in ("broken.mp4", "a.mp4", "b.mp4", "missing.mp4")]
    code, out, err = run("ground", *videos, "blue", *ENCODER, "--top-k", "1")
    assert code == 0 and "broken.mp4" in err and "missing.mp4: there is no such file" in err and "Traceback" not in err
    assert out.startswith("blue\n") and " 1. " in out and "2 videos searched" in out
    assert out.index("b.mp4") < out.index("a.mp4")  # equally likely, but more similar


def test_a_folder_is_searched(run, folder):
    code, out, err = run("ground", folder, "blue", "red", *ENCODER, "--json", "--top-k", "1")
    told = [json.loads(line) for line in out.splitlines()]
    assert code == 0 and err.count("\n") == 1 and "broken.mp4" in err
    assert [(one["query"], one["video"]["path"][-5:]) for one in told] == [
        *(("blue", "a.mp4"), ("red", "a.mp4"), ("blue", "b.mp4"), ("red", "b.mp4"))
    ]
    assert all(isinstance(one["present"], float) for one in told)


def test_no_video_that_can_be_read_is_an_error(run, folder, tmp_path):
    code, out, err = run("ground", folder / "broken.mp4", tmp_path / "none.mp4", "blue", *ENCODER)
    assert code == 2 and out == "" and err.count("\n") == 2 and "none.mp4: there is" in err
    (tmp_path / "empty").mkdir()
    code, out, err = run("ground", tmp_path / "empty", "blue", *ENCODER)
    assert code == 2 and out == "" and "--picture-rate" in err


def test_what_is_wrong_with_the_models_is_said_once(run, folder):
    code, out, err = run("ground", folder, "blue", "--encoder", "magic")
    assert code == 2 and out == "" and err.count("\n") == 1 and "encoder 'magic' is not known" in err


def test_all_answers_are_saved_and_read_back(run, folder, tmp_path):
    saved = tmp_path / "all.jsonl"
    assert run("ground", folder, "blue", "red", *ENCODER, "--save", saved)[0] == 0
    assert len(saved.read_text().splitlines()) == 4
    code, out, _ = run("ground", saved)
    assert code == 0 and out.count("blue\n") == 2
    code, out, err = run("ground", saved, "--encoder", "embedded")
    assert code == 2 and "leave --encoder out" in err
    code, out, _ = run("export", saved, "--format", "csv", "-o", "-", "--threshold", "1e9")
    assert code == 0 and out.count("\n") == 1  # the heading


def test_where_probably_not_begins(run, folder):
    code, out, _ = run("ground", folder / "b.mp4", "blue", *ENCODER, "--least-present", "1")
    assert code == 0 and out.startswith("probably not in this video (present ") and "strong" not in out
    code, out, _ = run("ground", folder / "b.mp4", "blue", *ENCODER, "--least-present", "0")
    assert code == 0 and "probably not" not in out


def test_one_failing_answer_does_not_end_a_search(run, folder, monkeypatch):
    def broken(answer, **_):
        raise AssertionError("this is a bug, not a bad video")

    monkeypatch.setattr("tfgrounding.cli.ground.found_text", broken)
    code, _, err = run("ground", folder, "blue", *ENCODER)
    assert code == 1 and "this is a bug" in err


def test_an_estimate_for_a_folder_counts_its_videos(run, folder):
    options = ("--engine", "numpro", "--vlm", "m@http://127.0.0.1:9/v1", "--estimate", "--json")
    code, out, err = run("ground", folder, "blue", "red", *options)
    assert code == 0 and json.loads(out)["queries"] == 4 and "broken.mp4" in err


def test_no_clip_folder_or_hidden_file_is_searched(run, folder, tmp_path):
    for name in (".hidden.mp4", "seen.mp4"):
        shutil.copy(folder / "a.mp4", tmp_path / name)
    code, out, _ = run("ground", tmp_path, "red", *ENCODER, "--json")
    assert code == 0 and out.count("\n") == 1 and "seen.mp4" in out
