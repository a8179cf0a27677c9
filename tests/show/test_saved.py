"""What `--save` and `--json` wrote is drawn and exported as if just found; anything else is refused in words."""

from __future__ import annotations

import json
import re
import shutil
import time

import pytest
from videos import BLUE, RED, make_pictures, make_scenes, make_video
from watcher import RedWatcher
from worded import milk

from tfgrounding import Grounder, Pictures, TFGroundingError
from tfgrounding.show.export import FORMATS, export
from tfgrounding.show.report import write_report
from tfgrounding.show.saved import holds_answers, read_answers

ENGINES = ("curves", "numpro", "hybrid", "cascade")
QUERIES = ("something red", "first it is red, then it is blue")


@pytest.fixture(scope="module")
def scenes(tmp_path_factory):
    path = tmp_path_factory.mktemp("saved") / "scenes.mp4"
    return make_scenes(path, [(2.0, BLUE), (3.0, RED), (2.0, BLUE)])


@pytest.fixture(params=ENGINES)
def answers(request, scenes, colour_encoder):
    """Two answers of every engine."""
    vlm = None if request.param == "curves" else RedWatcher()
    watched = Grounder(engine=request.param, encoder=colour_encoder, vlm=vlm, cache=False).watch(scenes)
    return [watched.ask(query) for query in QUERIES]


@pytest.fixture(autouse=True)
def empty_folder(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)


def save(path, answers):
    path.write_text(json.dumps([answer.to_dict() for answer in answers]))
    return path


def test_exports_and_the_report_are_those_of_the_answers_themselves(answers, run, tmp_path):
    saved = save(tmp_path / "answers.json", answers)
    for name in FORMATS:
        code, out, err = run("export", saved, "--format", name)
        assert (code, err) == (0, "") and out == export(answers, name), name
    assert run("report", saved, "-o", "saved.html")[0] == 0
    write_report(answers, tmp_path / "direct.html")
    assert (tmp_path / "saved.html").read_bytes() == (tmp_path / "direct.html").read_bytes()
    assert run("export", saved, "--clips", "clips", "-o", "x.json")[0] == 0
    assert len(list((tmp_path / "clips").iterdir())) == sum(len(answer.moments) for answer in answers)


def test_the_command_line_saves_what_it_reads_back(run, scenes, tmp_path):
    asked = ("ground", scenes, "something red", "--encoder", "conftest:ColourEncoder")
    code, printed, _ = run(*asked, "--json", "--save", "new/answer.json")
    assert code == 0 and json.loads(printed) == json.loads((tmp_path / "new/answer.json").read_text())
    direct = run("export", scenes, "something red", "--encoder", "conftest:ColourEncoder", "--format", "csv")[1]
    assert run("export", "new/answer.json", "--format", "csv")[1] == direct
    (tmp_path / "lines.mp4").write_text(printed + printed)  # recognised by what it holds, not by its name
    assert run("export", "lines.mp4", "--format", "csv")[1].count("\n") == 2 * direct.count("\n") - 1
    assert run("export", "lines.mp4", "--format", "json")[1].count('"query"') == 4  # with that of each plan


def test_only_videos_take_queries_and_only_answers_do_without(run, scenes, tmp_path, colour_encoder):
    saved = save(tmp_path / "a.json", [Grounder(encoder=colour_encoder).ground(scenes, "red")])
    assert run("export", saved, "blue")[::2] == (
        2,
        f"tfgrounding: {saved} holds answers already: leave the queries out, or name the video\n",
    )
    assert run("report", scenes)[::2] == (
        2,
        "tfgrounding: a QUERY is missing: say in a sentence what happens, after the video\n",
    )


def test_answers_whose_video_is_gone(answers, run, scenes, tmp_path):
    gone = tmp_path / "gone.mp4"
    shutil.copy(scenes, gone)
    watched = Grounder(encoder="conftest:ColourEncoder", cache=False).watch(gone)
    saved = save(tmp_path / "a.json", [watched.ask(query) for query in QUERIES])
    before = {name: run("export", saved, "--format", name)[1] for name in FORMATS}
    gone.unlink()
    for name in FORMATS:
        assert run("export", saved, "--format", name) == (0, before[name], "")
    code, _, err = run("report", saved, "-o", "r.html")
    page = (tmp_path / "r.html").read_text()
    assert code == 0 and "The page has no video and no pictures: " in err and "there is no such file" in err
    assert "there is no such file" in page and "<video" not in page and "something red" in page
    assert "<svg" in page and "<button type='button' class='bar" not in page
    code, _, err = run("export", saved, "--clips", "clips", "-o", "x.json")
    assert code == 2 and err.count("there is no such file") == 1
    make_video(gone, seconds=7, width=128, height=96)
    assert run("report", saved, "-o", "r.html")[0] == 0
    assert "The video is not the one that was searched" in (tmp_path / "r.html").read_text()


def test_answers_whose_pictures_are_gone(run, tmp_path):
    folder = tmp_path / "street"
    make_pictures(folder, 8)
    files = sorted(folder.iterdir())
    grounder = Grounder(encoder="conftest:ColourEncoder", cache=False)
    answers = [grounder.ground(Pictures(given, rate_hz=4), "red") for given in (folder, files)]
    saved = [save(tmp_path / f"{number}.json", [answer]) for number, answer in enumerate(answers)]
    before = [[export([answer], name) for name in FORMATS] for answer in answers]
    shutil.rmtree(folder)
    for path, texts in zip(saved, before, strict=True):
        for name, text in zip(FORMATS, texts, strict=True):
            assert run("export", path, "--format", name) == (0, text, "")
        code, _, err = run("report", path, "-o", "r.html")
        assert code == 0 and "The page has no video and no pictures: " in err
        assert run("export", path, "--clips", "clips", "-o", "x.json")[0] == 2


VALID = {
    "format": "tfgrounding-answer",
    "version": 1,
    "task": "moments",
    "query": "a dog",
    "video": {"path": "x.mp4", "duration_seconds": 10.0, "width": 64, "height": 48},
    "moments": [{"start_seconds": 1.0, "end_seconds": 2.0, "score": 0.5}],
    "engine": "curves",
    "encoder": "e",
    "localizer": "l",
    "plan": {"query": "a dog"},
}


def test_what_is_not_needed_may_be_missing(tmp_path):
    (tmp_path / "a.json").write_text(json.dumps(VALID))
    (answer,) = read_answers(tmp_path / "a.json")
    for name in FORMATS:
        export([answer], name)
    assert "only its features are given" in write_report([answer], tmp_path / "r.html")[0]
    answer.plot()


MOMENT = VALID["moments"][0]
WORDS = {"track": "said", "start_seconds": 1.0, "end_seconds": 2.0, "text": "hello"}
TRACK = {"kind": "said", "source": "speech", "revision": "1", "present": 0.5, "voted": True}


def changed(**parts):
    return json.dumps({**VALID, **parts})


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", None),
        ("{", "not JSON"),
        ("[]", "holds no answer"),
        ("[1]", 'no JSON object with "format"'),
        ('{"query": "a dog"}', 'no JSON object with "format"'),
        ("[" * 100_000, "not JSON"),
        ("[" * 500 + "]" * 500, 'no JSON object with "format"'),
        ('{"a":' * 100_000, "not JSON"),
        (json.dumps(VALID) + "x", "not JSON"),
        (json.dumps(VALID)[:-9], "not JSON"),
        (changed(version=99), "version 99"),
        (changed(moments=[{"start_seconds": 2, "end_seconds": 1, "score": 0}]), "does not lie in the video"),
        (changed(moments=[{"start_seconds": 0, "end_seconds": 1e9, "score": 0}]), "does not lie in the video"),
        (changed(moments=[{"start_seconds": 0, "end_seconds": 1, "score": float("nan")}]), "not a finite number"),
        (changed(moments=VALID["moments"] * 10_000), "at most 5000"),
        (changed(moments="x"), "damaged"),
        (changed(video={**VALID["video"], "duration_seconds": 1e300}), "over a year"),
        (changed(video={**VALID["video"], "duration_seconds": float("inf")}), "damaged"),
        (changed(video={**VALID["video"], "width": "<script>"}), "damaged"),
        (changed(video={**VALID["video"], "start_offset_seconds": "x"}), "damaged"),
        (changed(video={**VALID["video"], "start_timecode": 5}), "damaged"),
        (changed(video=[]), "damaged"),
        (changed(video={**VALID["video"], "start_offset_seconds": -1e300}), "over a year"),
        (changed(plan=[]), "damaged"),
        (changed(plan={"query": "a dog", "sub_events": "abc"}), "list of texts"),
        (changed(query=None), "'query' must be a text"),
        (changed(engine=5), "'engine' must be a text"),
        (changed(curve=[1, 2]), "differ in length"),
        (changed(curve=[float("nan")], pts_seconds=[0]), "damaged"),
        (changed(video={**VALID["video"], "source": {"kind": "magic"}}), "source"),
        (changed(moments=[{**MOMENT, "evidence": "said"}]), "'evidence' must be a list"),
        (changed(moments=[{**MOMENT, "evidence": ["said"]}]), "each of 'evidence' must be an object"),
        (changed(moments=[{**MOMENT, "evidence": None}]), "'evidence' must be a list"),
        (changed(moments=[{**MOMENT, "evidence": [{**WORDS, "track": "smelled"}]}]), "'smelled' is no kind of track"),
        (changed(moments=[{**MOMENT, "evidence": [{**WORDS, "track": ["said"]}]}]), "is no kind of track"),
        (changed(moments=[{**MOMENT, "evidence": [{**WORDS, "text": 5}]}]), "'text' must be a text"),
        (changed(moments=[{**MOMENT, "evidence": [{**WORDS, "end_seconds": float("nan")}]}]), "not a finite number"),
        (changed(moments=[{**MOMENT, "evidence": [{**WORDS, "start_seconds": 3}]}]), "before it starts"),
        (changed(moments=[{**MOMENT, "evidence": [WORDS] * 1001}]), "at most 1000"),
        (changed(moments=[{**MOMENT, "evidence": [{"track": "said"}]}]), "has no 'start_seconds'"),
        (changed(tracks="said"), "'tracks' must be a list"),
        (changed(tracks=[1]), "each of 'tracks' must be an object"),
        (changed(tracks=[TRACK] * 101), "at most 100"),
        (changed(tracks=[{**TRACK, "kind": "tasted"}]), "'tasted' is no kind of track"),
        (changed(tracks=[{**TRACK, "present": float("nan")}]), "not a finite number"),
        (changed(tracks=[{**TRACK, "present": 7}]), "from 0 to 1"),
        (changed(tracks=[{**TRACK, "voted": "no"}]), "'voted' must be true or false"),
        (changed(tracks=[{**TRACK, "source": 5}]), "'source' must be a text"),
        (changed(tracks=[{**TRACK, "curve": [1], "edges_seconds": [0]}]), "one more than"),
        (changed(tracks=[{**TRACK, "curve": [1], "edges_seconds": [1, 0]}]), "edges must rise"),
        (changed(tracks=[{**TRACK, "curve": [float("inf")], "edges_seconds": [0, 1]}]), "damaged"),
        ('{"format": ' + "9" * 10_000 + "}", "not JSON"),
        ("\ufeff" + changed(version=2), "version 2"),
    ],
)
def test_hostile_files_give_one_sentence(content, says, run, tmp_path):
    path = tmp_path / "answers.json"
    path.write_text(content, encoding="utf-8")
    assert holds_answers(path) == (says is not None)
    for command in (("export", path), ("report", path), ("export", path, "--format", "edl")):
        code, out, err = run(*command)
        assert code == 2 and out == "" and err.count("\n") == 1 and len(err) < 600, err
        assert says is None or says in err


@pytest.mark.parametrize("content", [b"\xff\xfe{\x00}\x00", b"{\xff}", b"{\x00}"])
def test_bytes_that_are_no_text(content, tmp_path):
    (tmp_path / "a.json").write_bytes(content)
    with pytest.raises(TFGroundingError, match="not JSON"):
        read_answers(tmp_path / "a.json")


def test_a_huge_file_is_not_read(tmp_path, monkeypatch):
    from tfgrounding.show import saved

    monkeypatch.setattr(saved, "LARGEST_BYTES", 1 << 20)
    (tmp_path / "a.json").write_text("[" + " " * (1 << 20) + "]")
    with pytest.raises(TFGroundingError, match="larger than 1 MB"):
        read_answers(tmp_path / "a.json")


def test_markup_in_a_saved_answer_stays_text(tmp_path):
    evil = "</script><script>alert(1)</script>"
    path = tmp_path / "a.json"
    video = {**VALID["video"], "path": evil, "codec": evil, "width": 5}
    path.write_text(
        changed(query=evil, engine=evil, encoder=evil, warnings=[evil], provenance={evil: evil}, video=video)
    )
    write_report(read_answers(path), tmp_path / "r.html")
    page = (tmp_path / "r.html").read_text()
    assert len(re.findall("<script", page)) == 1


@pytest.mark.parametrize("rate_hz", ["x", [1], 10**400, float("nan"), -1, True, {}])
def test_a_report_takes_any_provenance(rate_hz, tmp_path):
    (tmp_path / "a.json").write_text(changed(provenance={"rate_hz": rate_hz}))
    write_report(read_answers(tmp_path / "a.json"), tmp_path / "r.html")


def test_thousands_of_moments_are_exported_at_once(tmp_path):
    spans = [{"start_seconds": i / 1000, "end_seconds": 9.0, "score": 0.5} for i in range(5000)]
    (tmp_path / "a.json").write_text(changed(moments=spans))
    began = time.perf_counter()
    for name in ("otio", "edl", "srt", "vtt"):
        export(read_answers(tmp_path / "a.json"), name)
    assert time.perf_counter() - began < 30


def test_other_pictures_under_the_same_label_are_another_video(tmp_path):
    for folder in ("a", "b"):
        make_pictures(tmp_path / folder, 4)
    grounder = Grounder(encoder="conftest:ColourEncoder", cache=False)
    both = [grounder.ground(Pictures(sorted((tmp_path / folder).iterdir()), rate_hz=2), "red") for folder in "ab"]
    with pytest.raises(TFGroundingError, match="all of the same video"):
        write_report(both, tmp_path / "r.html")


def test_a_saved_answer_is_exported_alike_from_any_folder(scenes, tmp_path, monkeypatch):
    monkeypatch.chdir(scenes.parent)
    answer = Grounder(encoder="conftest:ColourEncoder", cache=False).ground(scenes.name, "red")
    saved, direct = save(tmp_path / "a.json", [answer]), export([answer], "otio")
    monkeypatch.chdir(tmp_path)
    assert export(read_answers(saved), "otio") == direct and scenes.resolve().as_uri() in direct


def test_answers_with_words_are_drawn_and_exported_as_if_just_found(scenes, run, tmp_path, colour_encoder):
    answer = milk(Grounder(encoder=colour_encoder, cache=False).ground(scenes, "red"))
    saved = save(tmp_path / "a.json", [answer])
    for name in FORMATS:
        code, out, err = run("export", saved, "--format", name)
        assert (code, err) == (0, "") and out == export([answer], name) and "milk" in out, name
    assert run("report", saved, "-o", "saved.html", "--png", "saved.png")[0] == 0
    write_report([answer], tmp_path / "direct.html")
    assert (tmp_path / "saved.html").read_bytes() == (tmp_path / "direct.html").read_bytes()


def test_the_most_words_that_are_read_are_drawn_and_exported_at_once(tmp_path):
    evidence = [{**WORDS, "text": f"{i} " + "hello " * 50} for i in range(1000)]
    tracks = [{**TRACK, "curve": [0.5] * 1000, "edges_seconds": [i / 100 for i in range(1001)]}] * 100
    (tmp_path / "a.json").write_text(changed(moments=[{**MOMENT, "evidence": evidence}] * 20, tracks=tracks))
    began = time.perf_counter()
    answers = read_answers(tmp_path / "a.json")
    for name in FORMATS:
        export(answers, name)
    write_report(answers, tmp_path / "r.html")
    assert time.perf_counter() - began < 30 and (tmp_path / "r.html").stat().st_size < 2**20
