import json
import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from batch import make_run, without_times
from reader import serve
from videos import BLUE, GREEN, RED, make_pictures, make_scenes

from tfgrounding.errors import DatasetError, EncoderError, TFGroundingError
from tfgrounding.evaluation.datasets import load_dataset
from tfgrounding.evaluation.files import VideoFiles
from tfgrounding.evaluation.recipe import Recipe
from tfgrounding.evaluation.results import Results, read_results, to_parquet
from tfgrounding.evaluation.run import evaluate
from tfgrounding.evaluation.summary import summarize
from tfgrounding.localizers.presence import NULL_TEXTS
from tfgrounding.tracks.stored import StoredTexts, read_features, save_text_vectors
from tfgrounding.types import Plan

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return make_run(tmp_path_factory.mktemp("run"))


@pytest.fixture(scope="module")
def whole(run, tmp_path_factory):
    """The rows of an uninterrupted run."""
    output = tmp_path_factory.mktemp("whole") / "results.jsonl"
    evaluate(run.dataset, run.recipe, output)
    return without_times(read_results(output))


def command(*arguments):
    return [sys.executable, "-m", "tfgrounding", *map(str, arguments)]


def call(*arguments, **settings):
    return subprocess.run(command(*arguments), capture_output=True, text=True, cwd=ROOT, timeout=120, **settings)


def test_every_sample_becomes_one_row(run, whole):
    assert set(whole) == {sample.qid for sample in run.dataset.samples}
    row = whole["v0q1"]
    assert row["vid"] == "video 0" and row["query"] == "event 1 of video 0" and row["error"] is None
    assert len(row["relevant_windows"]) == 1 and row["duration"] == 20
    for start, end, score in row["pred_relevant_windows"]:
        assert 0 <= start < end <= 20 and np.isfinite(score)
    said = row["provenance"]
    assert said["encoder"] == "made-up" and said["encoder_revision"] == "1" and said["localizer"] == "default"
    assert said["numpy"] == np.__version__ and len(said["annotations_sha256"]) == 64 and said["looked_at"] == "features"


def test_the_summary_stands_beside_what_needs_no_looking(run, tmp_path):
    summary = evaluate(run.dataset, run.recipe, tmp_path / "r.jsonl")
    names = list(summary.table)
    assert (
        names[:2] == ["ours", "whole video"] and names[2].startswith("best constant") and names[3].startswith("oracle")
    )
    ours, video, constant, oracle = summary.table.values()
    assert (
        video["mIoU"] == pytest.approx(20.0)
        and constant["mIoU"] >= video["mIoU"]
        and oracle["mIoU"] >= ours["mIoU"] > 30
    )
    low, high = summary.intervals["mIoU"]
    assert low < ours["mIoU"] < high
    assert summary.counts == {
        "rows": 18, "answered": 18, "nothing_found": 0, "failed": 0, "not_yet_run": 0, "not_asked": 0, "bad": 0,
    }  # fmt: skip
    assert json.loads(json.dumps(summary.to_dict()))["table"]["ours"] == ours
    assert "best constant" in summary.text() and "18 answered" in summary.text()
    one = replace(summary, intervals=dict.fromkeys(summary.intervals, (100.0, 100.0)))
    assert one.text().count("  100.0-100.0") == one.text().count("100.0-100.0") > 3


def test_a_finished_run_is_not_run_again(run, tmp_path):
    output = tmp_path / "r.jsonl"
    first = evaluate(run.dataset, run.recipe, output)
    before = output.read_bytes()
    assert evaluate(run.dataset, run.recipe, output) == first and output.read_bytes() == before


def test_limit_and_seed_take_a_part_and_later_the_rest(run, whole, tmp_path):
    output = tmp_path / "r.jsonl"
    part = evaluate(run.dataset, run.recipe, output, limit=4, seed=5)
    assert part.counts["answered"] == 4 and part.counts["not_asked"] == 14 and len(read_results(output)) == 4
    evaluate(run.dataset, run.recipe, output)
    assert without_times(read_results(output)) == whole


def test_a_file_cut_anywhere_is_made_whole(run, whole, tmp_path):
    output = tmp_path / "r.jsonl"
    evaluate(run.dataset, run.recipe, output)
    content = output.read_bytes()
    borders = [0, 1, content.index(b"\n"), content.index(b"\n") + 1, len(content) - 1]
    for cut in borders + random.Random(0).sample(range(len(content)), 8):
        output.write_bytes(content[:cut])
        evaluate(run.dataset, run.recipe, output)
        lines = output.read_bytes().splitlines()
        assert len(lines) == 18 and without_times(read_results(output)) == whole


def test_rows_of_other_settings_never_share_a_file(run, tmp_path):
    output = tmp_path / "r.jsonl"
    evaluate(run.dataset, run.recipe, output, limit=2)
    with pytest.raises(DatasetError, match="localizer 'default', now 'tfvtg'"):
        evaluate(run.dataset, replace(run.recipe, localizer="tfvtg"), output)
    with pytest.raises(DatasetError, match="not a row of results"):
        evaluate(run.dataset, run.recipe, run.annotations)
    with Results(output), pytest.raises(DatasetError, match="another run is writing"):
        evaluate(run.dataset, run.recipe, output)


def test_two_processes_give_the_same_rows(run, whole, tmp_path):
    output = tmp_path / "r.jsonl"
    evaluate(run.dataset, run.recipe, output, workers=2)
    assert without_times(read_results(output)) == whole


def test_a_recipe_that_cannot_be_carried_out_fails_before_any_row(run, tmp_path):
    output = tmp_path / "r.jsonl"
    for wrong, says in (
        (replace(run.recipe, localizer="best"), "localizer 'best'"),
        (replace(run.recipe, features=str(tmp_path / "none")), "no such folder"),
        (replace(run.recipe, text_features=str(run.annotations)), "not a safetensors file"),
    ):
        with pytest.raises(TFGroundingError, match=says):
            evaluate(run.dataset, wrong, output)
    with pytest.raises(TFGroundingError, match="localizer 'best'"):
        evaluate(run.dataset, replace(run.recipe, localizer="best"), output, workers=2)
    assert output.read_bytes() == b""
    with pytest.raises(DatasetError, match="--videos"):
        Recipe()
    with pytest.raises(DatasetError, match="no sample"):
        evaluate(run.dataset, run.recipe, output, offset=100)


@pytest.mark.parametrize(
    "settings", [{"top_k": 0}, {"stride_frames": 0}, {"longest_share": float("nan")}, {"picture_rate_hz": -1.0}]
)
def test_numbers_that_cannot_be_are_refused(run, settings):
    with pytest.raises(DatasetError, match="must be"):
        replace(run.recipe, **settings)


@pytest.mark.parametrize("settings", [{"seed": -1}, {"workers": 0}, {"offset": -1}, {"limit": 0}])
def test_numbers_of_a_run_that_cannot_be_are_refused(run, tmp_path, settings):
    with pytest.raises(DatasetError, match="or more"):
        evaluate(run.dataset, run.recipe, tmp_path / "r.jsonl", **settings)


def test_an_engine_of_ones_own_that_answers_with_anything_spoils_only_its_rows(charades, tmp_path, monkeypatch):
    (tmp_path / "odd_engine.py").write_text(ODD_ENGINE)
    monkeypatch.chdir(tmp_path)
    recipe = Recipe(videos=str(charades / "Charades_v1_480"), engine="odd_engine:Odd", encoder="conftest:ColourEncoder")
    dataset = load_dataset(charades / "charades_sta_test.txt")
    summary = evaluate(dataset, recipe, tmp_path / "r.jsonl", limit=3)
    assert summary.counts["answered"] == 1 and summary.counts["failed"] == 2, summary.text()


ODD_ENGINE = """
from dataclasses import replace
from tfgrounding.engines.curves import CurvesEngine


class Odd:
    name, watches_features = "odd", False

    def __init__(self):
        self.inner, self.asked = CurvesEngine(encoder="conftest:ColourEncoder", cache=False), 0

    def provenance(self):
        return {"engine": "odd"}

    def watch(self, source, *, progress=None):
        self.watched = self.inner.watch(source)
        self.info, self.samples = self.watched.info, self.watched.samples
        return self

    def ask(self, query, *, top_k=5):
        answer = self.watched.ask(query, top_k=top_k)
        self.asked += 1
        return (answer, None, replace(answer, provenance={"model": object()}))[self.asked - 1]
"""


def test_parquet_holds_the_same_rows(run, whole, tmp_path):
    parquet = pytest.importorskip("pyarrow.parquet")
    evaluate(run.dataset, run.recipe, tmp_path / "r.parquet")
    table = parquet.read_table(tmp_path / "r.parquet").to_pylist()
    assert {row["qid"]: row["pred_relevant_windows"] for row in table} == {
        qid: row["pred_relevant_windows"] for qid, row in whole.items()
    }
    to_parquet(tmp_path / "mixed.parquet", [{"qid": 1, "provenance": {}}, {"qid": 2, "provenance": {}, "extra": [1.0]}])
    assert parquet.read_table(tmp_path / "mixed.parquet").to_pylist()[1]["extra"] == [1.0]


def test_stored_plans_are_those_of_their_video(run, tmp_path):
    rows = [json.loads(line) for line in run.annotations.read_text().splitlines()]
    entries: dict = {}
    for row in rows:
        row.pop("plan")
        row["query"] = f"the same words {row['qid'][-1]}"
        entry = entries.setdefault(row["vid"], {"sentences": [], "response": []})
        entry["sentences"].append(row["query"])
        number = row["vid"].split()[1]
        groups = [{"descriptions": [f"event {row['qid'][-1]} of video {number}"]}]
        entry["response"].append({"relationship": "single-query", "query_json": groups})
    data, plans = tmp_path / "same.jsonl", tmp_path / "llm_outputs.json"
    data.write_text("".join(json.dumps(row) + "\n" for row in rows))
    plans.write_text(json.dumps(entries))

    class Asked:
        name, revision, floor, scale, frame_size, texts = "asked", "1", 0.0, 1.0, 8, []

        def encode_frames(self, pixels):
            raise AssertionError("the features are there")

        def encode_texts(self, texts):
            self.texts.extend(texts)
            return np.ones((len(texts), 16), dtype=np.float32) / 4

    recipe = replace(run.recipe, text_features=None, encoder=Asked(), plans=str(plans))
    assert evaluate(load_dataset(str(data)), recipe, tmp_path / "r.jsonl").counts["answered"] == 18
    assert {f"event {q} of video {v}" for v in range(6) for q in range(3)} <= set(Asked.texts)
    said = read_results(tmp_path / "r.jsonl")["v0q0"]["provenance"]
    assert said["planner"] == "stored" and len(said["plans_sha256"]) == 64
    Asked.texts.clear()
    bare = replace(recipe, plans=None, planner="none")
    evaluate(load_dataset(str(data)), bare, tmp_path / "bare.jsonl")
    assert set(Asked.texts) - set(NULL_TEXTS) == {f"the same words {q}" for q in range(3)}
    with pytest.raises(DatasetError, match="not both"):
        replace(recipe, planner="rules")


def test_highlights_are_scored_with_the_official_figures(run, tmp_path):
    rows = [json.loads(line) for line in run.annotations.read_text().splitlines()]
    for row in rows:
        clips = range(int(row["relevant_windows"][0][0] / 2), int(row["relevant_windows"][0][1] / 2))
        row.update(relevant_clip_ids=list(clips), saliency_scores=[[4, 4, 3]] * len(clips))
    path = tmp_path / "highlights.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    summary = evaluate(load_dataset(str(path)), run.recipe, tmp_path / "r.jsonl")
    assert len(read_results(tmp_path / "r.jsonl")["v0q0"]["pred_saliency_scores"]) == 10
    assert summary.official["MR-full-R1@0.5"] == pytest.approx(summary.table["ours"]["R1@0.5"], abs=0.01)
    assert summary.official["HL-min-VeryGood-Hit1"] > 60 and "QVHighlights:" in summary.text()


# --- Features and texts that were made elsewhere


def test_stored_features_may_have_one_or_many_vectors_a_frame(tmp_path):
    rng = np.random.default_rng(0)
    for shape in ((9, 8), (9, 4, 8)):
        np.save(tmp_path / "a.npy", rng.normal(size=shape).astype(np.float16))
        features = read_features(tmp_path / "a.npy", duration_seconds=3.0, encoder="x", revision="1")
        assert features.vectors.shape == (9, shape[1] if len(shape) == 3 else 1, 8)
        assert np.allclose(np.linalg.norm(features.vectors, axis=-1), 1, atol=1e-5)
        assert features.sample_seconds[0] == pytest.approx(1 / 6) and features.rate_hz == 3
    for wrong in (
        np.zeros((3, 2, 2, 2), "f4"),
        np.zeros((0, 4), "f4"),
        np.zeros((3, 4), "i4"),
        np.full((3, 4), np.nan),
    ):
        np.save(tmp_path / "b.npy", wrong)
        with pytest.raises(DatasetError, match=r"b\.npy"):
            read_features(tmp_path / "b.npy", duration_seconds=3.0, encoder="x", revision="1")
    np.save(tmp_path / "c.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(DatasetError, match="cannot be read"):  # nothing is unpickled
        read_features(tmp_path / "c.npy", duration_seconds=3.0, encoder="x", revision="1")


def test_stored_texts_know_only_what_is_stored(tmp_path):
    save_text_vectors(tmp_path / "t.safetensors", {"a / b": np.array([3.0, 4.0])}, encoder="e", revision="r", floor=0.2)
    texts = StoredTexts(tmp_path / "t.safetensors")
    assert (texts.name, texts.revision, texts.floor) == ("e", "r", 0.2)
    save_text_vectors(tmp_path / "u.safetensors", {"a": np.array([3.0, 4.0])}, encoder="e", revision="r", floor=None)
    assert StoredTexts(tmp_path / "u.safetensors").floor is None
    assert texts.encode_texts(["a / b"]).tolist() == [[pytest.approx(0.6), pytest.approx(0.8)]]
    with pytest.raises(EncoderError, match="no vector for the text 'c'"):
        texts.encode_texts(["c"])
    with pytest.raises(EncoderError, match="--features"):
        texts.encode_frames(np.zeros((1, 2, 2, 3), dtype=np.uint8))


# --- From videos


@pytest.fixture(scope="module")
def charades(tmp_path_factory):
    """Five videos laid out like Charades_v1_480, with annotations in Charades-STA's form."""
    folder = tmp_path_factory.mktemp("charades")
    videos = folder / "Charades_v1_480"
    videos.mkdir()
    lines = []
    for number, (name, lengths) in enumerate(
        zip(("AAAAA", "BBBBB", "CCCCC", "DDDDD", "EEEEE"), range(2, 7), strict=True)
    ):
        colours = [RED, GREEN, BLUE][number % 3 :] + [RED, GREEN, BLUE][: number % 3]
        make_scenes(videos / f"{name}.mp4", [(float(lengths), colour) for colour in colours])
        for k, colour in enumerate(colours):
            word = {RED: "red", GREEN: "green", BLUE: "blue"}[colour]
            lines.append(f"{name} {k * lengths:.1f} {(k + 1) * lengths:.1f}##the {word} part of it.")
    (folder / "charades_sta_test.txt").write_text("\n".join(lines) + "\n")
    return folder


def test_raw_videos_in_charades_layout(charades, colour_encoder, tmp_path):
    dataset = load_dataset("charades-sta", charades / "charades_sta_test.txt")
    recipe = Recipe(videos=str(charades / "Charades_v1_480"), encoder=colour_encoder)
    summary = evaluate(dataset, recipe, tmp_path / "r.jsonl")
    assert summary.counts["answered"] == summary.counts["rows"] == 15
    assert summary.table["ours"]["mIoU"] > 75 and summary.table["whole video"]["mIoU"] == pytest.approx(
        100 / 3, abs=0.5
    )
    row = read_results(tmp_path / "r.jsonl")["AAAAA#0"]
    assert row["duration"] == pytest.approx(6.0, abs=0.01) and row["provenance"]["stride_frames"] == 20


def test_a_hostile_folder_has_every_sample_accounted_for(charades, colour_encoder, tmp_path):
    videos = tmp_path / "videos"
    (videos / "sub").mkdir(parents=True)
    good = (charades / "Charades_v1_480" / "AAAAA.mp4").read_bytes()
    (videos / "good.mp4").write_bytes(good)
    (videos / "sub" / "deeper.MP4").write_bytes(good)
    (videos / "corrupt.mp4").write_bytes(b"not a video at all" * 100)
    (videos / "cut.mp4").write_bytes(good[: len(good) // 8])
    (videos / "empty.mp4").write_bytes(b"")
    (videos / "folder.mp4").mkdir()
    (Path(os.fsdecode(os.fsencode(videos) + b"/caf\xe9.mp4"))).write_bytes(good)
    names = ["good", "sub/deeper.MP4", "missing", "corrupt.mp4", "cut", "empty", "folder.mp4", "../videos/good"]
    lines = [
        json.dumps({"qid": name, "vid": name, "query": "the red part", "relevant_windows": [[0, 2]]}).encode()
        for name in names
    ]
    lines.append(b'{"qid": "latin", "vid": "caf\xe9", "query": "the red part", "relevant_windows": [[0, 2]]}')
    lines.append(b'{"qid": "outside", "vid": "good", "query": "the red part", "relevant_windows": [[100, 120]]}')
    lines.append(b'{"qid": "good", "vid": "good", "query": "the same id again", "relevant_windows": [[0, 2]]}')
    lines.append(b'{"qid": "no query", "vid": "good", "relevant_windows": [[0, 2]]}')
    lines.append(b"torn {")
    annotations = tmp_path / "hostile.jsonl"
    annotations.write_bytes(b"\n".join(lines) + b"\n")
    recipe = Recipe(videos=str(videos), encoder=colour_encoder)
    summary = evaluate(load_dataset(str(annotations)), recipe, tmp_path / "r.jsonl")
    rows = read_results(tmp_path / "r.jsonl")
    failed = {qid for qid, row in rows.items() if row["error"]}
    assert failed == {"missing", "corrupt.mp4", "cut", "empty", "folder.mp4", "../videos/good"}
    assert rows["latin"]["pred_relevant_windows"] == rows["sub/deeper.MP4"]["pred_relevant_windows"] != []
    counts = summary.counts
    assert counts["rows"] == 13 and counts["answered"] == 4 and counts["failed"] == 6 and counts["bad"] == 3
    assert sum(counts.values()) == 2 * counts["rows"]
    assert len(summary.failed) == 6 and len(summary.bad) == 3
    assert any("wholly outside" in note for note in summary.notes)
    assert "VideoError" in summary.text() and summary.text().encode("utf-8")
    again = evaluate(load_dataset(str(annotations)), recipe, tmp_path / "r.jsonl")
    assert again.counts == counts


def test_failed_queries_can_be_asked_again(charades, colour_encoder, tmp_path):
    videos = tmp_path / "videos"
    videos.mkdir()
    original = charades / "Charades_v1_480"
    (videos / "AAAAA.mp4").write_bytes((original / "AAAAA.mp4").read_bytes())
    dataset = load_dataset("charades-sta", charades / "charades_sta_test.txt")
    recipe = Recipe(videos=str(videos), encoder=colour_encoder)
    assert evaluate(dataset, recipe, tmp_path / "r.jsonl").counts["failed"] == 12
    for path in original.glob("*.mp4"):
        (videos / path.name).write_bytes(path.read_bytes())
    assert evaluate(dataset, recipe, tmp_path / "r.jsonl").counts["failed"] == 12
    assert evaluate(dataset, recipe, tmp_path / "r.jsonl", retry_failed=True).counts["answered"] == 15
    assert len((tmp_path / "r.jsonl").read_bytes().splitlines()) == 15


def test_one_failing_query_does_not_take_its_video_with_it(run, tmp_path):
    rows = run.annotations.read_text().splitlines()
    strange = {**json.loads(rows[0]), "qid": "strange", "query": "a text without a vector"}
    path = tmp_path / "strange.jsonl"
    path.write_text("\n".join([json.dumps(strange), *rows]) + "\n")
    summary = evaluate(load_dataset(str(path)), run.recipe, tmp_path / "r.jsonl")
    assert summary.counts["failed"] == 1 and summary.counts["answered"] == 18
    assert "EncoderError" in summary.failed[0][1]


def test_a_video_is_found_by_its_name_in_many_ways(tmp_path):
    for name in ("a.mp4", "b.mkv", "x_0.0_150.0.mp4", "deep/c.avi", "notes.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    files = VideoFiles(tmp_path, (".mp4", ".mkv", ".avi"))
    for asked, found in (
        ("a", "a.mp4"), ("a.mp4", "a.mp4"), ("b.mp4", "b.mkv"), ("x_0.0_150.0", "x_0.0_150.0.mp4"), ("c", "deep/c.avi"),
        ("deep/c", "deep/c.avi"),
    ):  # fmt: skip
        assert files.find(asked) == str(tmp_path / found)
    with pytest.raises(TFGroundingError, match=r"notes: there is no \.mp4 or \.mkv or \.avi file of that name"):
        files.find("notes")


def test_two_files_of_one_name_are_noted(charades, colour_encoder, tmp_path):
    good = (charades / "Charades_v1_480" / "AAAAA.mp4").read_bytes()
    for name in ("a.mp4", "a.m4v", "b.mp4", "sub/b.mp4"):
        (tmp_path / "v" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "v" / name).write_bytes(good)
    rows = [{"qid": vid, "vid": vid, "query": "the red part", "relevant_windows": [[0, 2]]} for vid in ("a", "b")]
    (tmp_path / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    recipe = Recipe(videos=str(tmp_path / "v"), encoder=colour_encoder)
    evaluate(load_dataset(tmp_path / "a.jsonl"), recipe, tmp_path / "r.jsonl")
    found = read_results(tmp_path / "r.jsonl")
    assert found["a"]["warnings"] == ["several files are called a: a.m4v was taken, not a.mp4"]
    assert found["b"]["warnings"] == []


def test_a_video_folder_may_be_nested_deep(tmp_path):
    (tmp_path / "a.mp4").write_bytes(b"x")
    nested = "/".join(["d" * 3] * 200)
    where = str(tmp_path)
    home = os.open(".", os.O_RDONLY)
    try:
        for _ in range(6):  # 1,200 levels: the whole path is longer than the system allows
            os.chdir(where)
            os.makedirs(nested)  # noqa: PTH103
            where = nested
        assert VideoFiles(tmp_path, (".mp4",)).find("a") == str(tmp_path / "a.mp4")
    finally:
        os.fchdir(home)
        os.close(home)
        subprocess.run(["rm", "-r", tmp_path / "ddd"], check=True)


def test_folders_of_pictures_are_videos_where_their_rate_is_given(colour_encoder, tmp_path):
    pytest.importorskip("PIL")
    from PIL import Image

    for name, colours in (("walk", [RED] * 4 + [BLUE] * 4), ("sub/run.2", [BLUE] * 6 + [RED] * 2)):
        (tmp_path / "v" / name).mkdir(parents=True)
        for k, colour in enumerate(colours):
            Image.new("RGB", (16, 16), colour).save(tmp_path / "v" / name / f"{k}.png")
    make_scenes(tmp_path / "v" / "film.mp4", [(2.0, RED), (2.0, BLUE)])
    truths = {"walk": [2, 4], "run.2": [0, 3], "sub/run.2": [0, 3], "film": [2, 4]}
    rows = [{"qid": vid, "vid": vid, "query": "the blue part", "relevant_windows": [t]} for vid, t in truths.items()]
    (tmp_path / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    data, recipe = load_dataset(tmp_path / "a.jsonl"), Recipe(videos=str(tmp_path / "v"), encoder=colour_encoder)
    without = evaluate(data, recipe, tmp_path / "r.jsonl")
    assert without.counts["failed"] == 3 and all("--picture-rate" in why for _, why in without.failed)
    summary = evaluate(data, replace(recipe, picture_rate_hz=2.0), tmp_path / "s.jsonl")
    assert summary.counts["answered"] == 4 and summary.table["ours"]["mIoU"] > 80
    with pytest.raises(DatasetError, match="--videos"):
        Recipe(features=str(tmp_path), picture_rate_hz=2.0)


OWN = """
import numpy as np
from tfgrounding import Plan
from tfgrounding.localizers import Candidates


class Greys:
    name, revision, frame_size, floor, scale = "greys", "7", (4, 4), 0.0, 1.0

    def encode_frames(self, pixels):
        light = pixels.reshape(len(pixels), -1).mean(axis=1) / 255
        vectors = np.stack([light, 1 - light], axis=1).astype(np.float32)
        return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True))[:, None]

    def encode_texts(self, texts):
        return np.array([[1, 0] if "light" in text else [0, 1] for text in texts], dtype=np.float32)


class Whole:
    name = "whole"

    def locate(self, curves):
        return Candidates(np.zeros(1), curves.edges_seconds[-1:], np.ones(1))


class Twice:
    name = "twice"

    def plan(self, query):
        return Plan(query, paraphrases=(query + " again",), source="twice")
"""


def test_encoder_localizer_and_planner_may_be_of_ones_own(charades, tmp_path, monkeypatch):
    (tmp_path / "of_my_own.py").write_text(OWN)
    monkeypatch.chdir(tmp_path)
    recipe = Recipe(
        videos=str(charades / "Charades_v1_480"),
        encoder="of_my_own:Greys",
        localizer="of_my_own:Whole",
        planner="of_my_own:Twice",
    )
    summary = evaluate(load_dataset(charades / "charades_sta_test.txt"), recipe, tmp_path / "r.jsonl", limit=1)
    row = next(iter(read_results(tmp_path / "r.jsonl").values()))
    assert summary.counts["answered"] == 1, summary.text()
    assert row["provenance"]["encoder"] == "greys" and row["plan"]["source"] == "twice"
    assert row["pred_relevant_windows"] == [[0, row["duration"], 1]]
    with pytest.raises(DatasetError, match="not --features"):
        Recipe(features=str(tmp_path), engine="numpro")


def test_every_engine_answers_about_files_and_folders_of_pictures(colour_encoder, tmp_path):
    (tmp_path / "v").mkdir()
    make_scenes(tmp_path / "v" / "film.mp4", [(2.0, RED), (2.0, BLUE)])
    make_pictures(tmp_path / "v" / "walk", 8)
    rows = [{"qid": vid, "vid": vid, "query": "it is red", "relevant_windows": [[0, 2]]} for vid in ("film", "walk")]
    (tmp_path / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    data = load_dataset(tmp_path / "a.jsonl")
    with serve(lambda request: "from frame 0 to frame 1") as url:
        for engine in ("numpro", "hybrid"):
            recipe = Recipe(
                videos=str(tmp_path / "v"),
                encoder=colour_encoder,
                engine=engine,
                vlm=f"m@{url.replace('//', '//user:pass@')}",
                picture_rate_hz=2.0,
            )
            summary = evaluate(data, recipe, tmp_path / f"{engine}.jsonl")
            assert summary.counts["answered"] == 2, summary.text()
            found = read_results(tmp_path / f"{engine}.jsonl")
            spent = [row["answer_provenance"] for row in found.values()]
            assert summary.costs["queries"] == 2 and summary.costs["requests"] >= 2
            assert summary.costs["pictures"] == sum(one["vlm_pictures"] for one in spent) > 0
            assert summary.to_dict()["vision_llm_per_query"]["pictures"] == summary.costs["pictures"] / 2
            assert f"{summary.costs['pictures'] / 2:,.1f}" in summary.text().split("a query, over 2")[1].splitlines()[0]
            assert all(row["pred_relevant_windows"] for row in found.values())
            assert found["film"]["answer_provenance"]["frames_shown"] > 0
            assert found["film"]["provenance"] == found["walk"]["provenance"]
            assert "user:pass" not in (tmp_path / f"{engine}.jsonl").read_text()
    np.save(tmp_path / "film.npy", np.random.default_rng(0).normal(size=(12, 3)).astype(np.float16))
    assert summarize(data, {"film": found["film"] | {"answer_provenance": {"vlm_requests": "3"}}}).costs == {}
    with_features = replace(recipe, videos=None, features=str(tmp_path), picture_rate_hz=None)
    with pytest.raises(DatasetError, match="add --videos to --features"):
        evaluate(data, with_features, tmp_path / "f.jsonl")


def test_rows_hold_the_plan_of_their_answer(run, tmp_path):
    evaluate(run.dataset, run.recipe, tmp_path / "r.jsonl", limit=1)
    row = next(iter(read_results(tmp_path / "r.jsonl").values()))
    assert Plan.from_dict(row["plan"]).query == row["query"] and row["plan"]["source"] == "annotations"


# --- The command


def test_the_command_prints_a_table_and_keeps_to_its_exit_codes(run, tmp_path):
    done = call(*run.arguments, "--output", tmp_path / "r.jsonl", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["counts"]["answered"] == 18
    wrong = call(*run.arguments, "--output", tmp_path / "r.jsonl", "--localizer", "best")
    assert wrong.returncode == 2 and len(wrong.stderr.strip().splitlines()) == 1 and not wrong.stdout
    (tmp_path / "none").mkdir()
    arguments = ["--videos", tmp_path / "none", *run.arguments[4:]]
    nothing = call("eval", run.annotations, *arguments, "--output", tmp_path / "n.jsonl")
    assert nothing.returncode == 2 and "every query failed" in nothing.stderr and "18 failed" in nothing.stdout


def test_the_command_takes_folders_of_pictures_and_names_of_ones_own(tmp_path):
    make_pictures(tmp_path / "v" / "walk", 8)
    (tmp_path / "of_my_own.py").write_text(OWN)
    row = {"vid": "walk", "query": "the light", "relevant_windows": [[0, 2]]}
    (tmp_path / "a.jsonl").write_text(json.dumps(row) + "\n")
    arguments = ["eval", "a.jsonl", "--videos", "v", "--picture-rate", "2", "--encoder", "of_my_own:Greys"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        command(*arguments, "--planner", "of_my_own:Twice", "--localizer", "of_my_own:Whole"),
        capture_output=True, text=True, cwd=tmp_path, timeout=120, env=environment,
    )  # fmt: skip
    assert done.returncode == 0 and "1 answered" in done.stdout, done.stderr
    assert next(iter(read_results(tmp_path / "a.results.jsonl").values()))["pred_relevant_windows"] == [[0, 4, 1]]


def kill_and_resume(run, output, kills, seed):
    """SIGKILL a run at random moments, over and over; returns how many rows stood there after each kill."""
    chance = random.Random(seed)
    began = time.monotonic()
    subprocess.run(command(*run.arguments, "--output", output), cwd=ROOT, check=True, capture_output=True)
    takes_seconds = time.monotonic() - began
    output.unlink()
    rows = []
    for _ in range(kills):
        process = subprocess.Popen(
            command(*run.arguments, "--output", output), cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        before = output.stat().st_size if output.exists() else 0
        until = time.monotonic() + 10 * takes_seconds  # other work may slow it down
        while time.monotonic() < until and process.poll() is None:  # let it come to its first rows, then strike
            if (output.stat().st_size if output.exists() else 0) > before:
                time.sleep(chance.uniform(0, 0.01 * takes_seconds))
                break
            time.sleep(0.0005)
        process.send_signal(signal.SIGKILL)
        process.wait()
        rows.append(output.read_bytes().count(b"\n") if output.exists() else 0)
    return rows


@pytest.mark.parametrize("kills", [2, pytest.param(10, marks=pytest.mark.slow)])
def test_a_killed_run_is_resumed(tmp_path, kills):
    big = make_run(tmp_path / "run", videos=60, queries=4)
    output = tmp_path / "r.jsonl"
    rows = kill_and_resume(big, output, kills, seed=kills)
    assert rows == sorted(rows) and rows[-1] > 0
    done = call(*big.arguments, "--output", output)
    assert done.returncode == 0, done.stderr
    evaluate(big.dataset, big.recipe, tmp_path / "whole.jsonl")
    assert len(output.read_bytes().splitlines()) == 240
    assert without_times(read_results(output)) == without_times(read_results(tmp_path / "whole.jsonl"))


def heed_ctrl_c():
    """A shell that starts this suite in the background has its children ignore the signal: a terminal's would not."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_ctrl_c_is_taken_politely(tmp_path):
    big = make_run(tmp_path / "run", videos=300, queries=4)
    output = tmp_path / "r.jsonl"
    process = subprocess.Popen(
        command(*big.arguments, "--output", output),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=heed_ctrl_c,
    )
    while not (output.exists() and output.stat().st_size) and process.poll() is None:
        time.sleep(0.002)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130 and not out and "rerun the command to resume" in err and "Traceback" not in err
    assert 0 < len(read_results(output)) < 1200
