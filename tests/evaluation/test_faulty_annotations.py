"""Annotation files that are not what they seem: every row is read right or listed with its reason."""

import json
import tempfile
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from videos import BLUE, RED, make_scenes

from tfgrounding.errors import DatasetError
from tfgrounding.evaluation.datasets import Reader, load_dataset
from tfgrounding.evaluation.metrics import qvhighlights
from tfgrounding.evaluation.recipe import Recipe
from tfgrounding.evaluation.results import read_results
from tfgrounding.evaluation.run import evaluate

ROW = {"qid": 1, "vid": "a", "query": "a blue thing", "duration": 4, "relevant_windows": [[2, 4]]}


def write(path, *rows, encoding="utf-8", end="\n"):
    path.write_bytes("".join((row if isinstance(row, str) else json.dumps(row)) + end for row in rows).encode(encoding))
    return path


def without(*keys, **changes):
    return {key: value for key, value in {**ROW, **changes}.items() if key not in keys}


@pytest.fixture(scope="module")
def videos(tmp_path_factory):
    folder = tmp_path_factory.mktemp("videos")
    make_scenes(folder / "a.mp4", [(2.0, RED), (2.0, BLUE)])
    make_scenes(folder / "x.mp4", [(8.0, RED), (8.0, BLUE)])
    return folder


# --- Bytes


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_encodings_with_a_mark_and_all_line_ends_are_read(tmp_path, encoding, end):
    rows = write(tmp_path / "a.jsonl", ROW, {**ROW, "qid": 2, "query": "à côté"}, encoding=encoding, end=end)
    assert [(s.qid, s.query) for s in load_dataset(rows).samples] == [(1, "a blue thing"), (2, "à côté")]
    lines = write(tmp_path / "a.txt", "A 0 1##one", "A 2 3##two", encoding=encoding, end=end)
    assert [s.query for s in load_dataset(lines).samples] == ["one", "two"]
    entries = {"A": {"duration": 5, "timestamps": [[0, 1]], "sentences": ["é"]}}
    whole = write(tmp_path / "a.json", json.dumps(entries, ensure_ascii=False), encoding=encoding, end=end)
    assert [s.query for s in load_dataset(whole).samples] == ["é"]


@pytest.mark.parametrize(
    "content, says",
    [
        ("x".encode("utf-16-le") * 9, "save it as UTF-8"),
        (b"\xff\xfe" + b"a\0" * 4 + b"a", "UTF-16"),
        (b"\x1f\x8b\x08\0\0\0\0\0", "is no text"),
        (b"", "holds no row"),
        (b"\n \n", "holds no row"),
    ],
)
def test_what_is_no_text_is_said(tmp_path, videos, content, says):
    (tmp_path / "a.jsonl").write_bytes(content)
    with pytest.raises(DatasetError, match=says):
        evaluate(load_dataset(str(tmp_path / "a.jsonl")), Recipe(videos=str(videos)), tmp_path / "o.jsonl")
    assert not (tmp_path / "o.jsonl").exists()


def test_only_files_of_a_bearable_size_are_read(tmp_path, monkeypatch):
    with pytest.raises(DatasetError, match="must be a file"):
        load_dataset("jsonl", "/dev/zero")
    with pytest.raises(DatasetError, match="must be a file"):
        load_dataset("jsonl", tmp_path)
    with pytest.raises(DatasetError, match="cannot be read"):
        load_dataset("jsonl", "n" * 5000)
    with pytest.raises(DatasetError, match="no name of a file"):
        load_dataset("jsonl", "a\0b")
    monkeypatch.setattr("tfgrounding.evaluation.datasets.text.LARGEST_FILE_BYTES", 10)
    with pytest.raises(DatasetError, match="must be split"):
        load_dataset(write(tmp_path / "a.jsonl", ROW))


def test_rows_without_end_are_bad_and_leave_the_others(tmp_path):
    rows = write(
        tmp_path / "a.jsonl",
        {**ROW, "query": "a" * 20_000},
        '{"qid": 2, "query": "' + "a" * (5 << 20) + '"}',
        "[" * 100_000,
        '{"a":' * 5000 + "1" + "}" * 5000,
        '{"qid": ' + "9" * 5000 + "}",
        {**ROW, "qid": "q" * 5000},
        {**ROW, "vid": "v" * 5000},
        {**ROW, "relevant_windows": [[0, 1]] * 101},
        {**ROW, "relevant_windows": [[[[[[[[[0]]]]]]]]]},
        {**ROW, "qid": 3},
    )
    data = load_dataset(rows)
    assert [sample.qid for sample in data.samples] == [3] and len(data.bad) == 9
    assert all(len(row.reason) < 300 for row in data.bad)
    deep = write(tmp_path / "deep.json", '{"A":' * 100_000)
    with pytest.raises(DatasetError, match="nested too deep"):
        load_dataset("uca", deep)


# --- Numbers


@pytest.mark.parametrize(
    "changes, says",
    [
        ({"duration": 10**400}, "finite number"),
        ({"duration": 1e300}, "in seconds, at most"),
        ({"duration": float("nan")}, "finite number"),
        ({"duration": float("inf")}, "finite number"),
        ({"duration": "4"}, "finite number"),
        ({"duration": -4}, "above 0"),
        ({"relevant_windows": [[0, 10**400]]}, "finite number"),
        ({"relevant_windows": [[0, 1e200]]}, "in seconds, at most"),
        ({"relevant_windows": [[0, 1, 2]]}, r"must be \[start, end\]"),
        ({"relevant_windows": [0, 1]}, r"must be \[start, end\]"),
        ({"relevant_windows": {"0": 1}}, r"no \[start, end\]"),
        ({"qid": 1.5}, "a number or a text"),
        ({"qid": None}, "a number or a text"),
        ({"qid": [1]}, "a number or a text"),
        ({"query": {"text": "x"}}, "a text that is not empty"),
        ({"query": "\ud800"}, "not UTF-8"),
        ({"vid": 7}, "a text that is not empty"),
        ({"plan": []}, "must be an object"),
        ({"plan": {"sub_events": 5}}, "a list of texts"),
        ({"plan": {"sub_events": [[]]}}, "at least one description"),
    ],
)
def test_a_row_with_such_a_value_is_bad(tmp_path, changes, says):
    data = load_dataset(write(tmp_path / "a.jsonl", {**ROW, **changes}))
    assert data.samples == () and len(data.bad) == 1
    with pytest.raises(AssertionError, match=says):
        raise AssertionError(data.bad[0].reason)


# --- Saliency


@pytest.mark.parametrize(
    "changes, says",
    [
        ({"duration": 126, "relevant_clip_ids": [70], "saliency_scores": [[3, 3, 3]]}, "the last clip is 62"),
        ({"relevant_clip_ids": [-1], "saliency_scores": [[3, 3, 3]]}, "whole number from 0 on, not -1"),
        ({"relevant_clip_ids": [0.5], "saliency_scores": [[3, 3, 3]]}, "whole number"),
        ({"relevant_clip_ids": [0], "saliency_scores": [3]}, r"\[\[3, 2, 4\], ...\], not 3"),
        ({"relevant_clip_ids": [0], "saliency_scores": 3}, "must be a list, not 3"),
        ({"relevant_clip_ids": 0, "saliency_scores": [[3]]}, "must be a list, not 0"),
        ({"relevant_clip_ids": [0, 1], "saliency_scores": [[3, 3, 3], [3, 3]]}, "with 3 and with 2 ratings"),
        ({"relevant_clip_ids": [0], "saliency_scores": [[]]}, "a list of ratings"),
        ({"relevant_clip_ids": [0], "saliency_scores": [["3"]]}, "finite number"),
        ({"relevant_clip_ids": [0, 1], "saliency_scores": [[3, 3, 3]]}, "2 relevant clips with 1"),
        ({"duration": None, "relevant_clip_ids": [10**30], "saliency_scores": [[3]]}, "after the video's end"),
    ],
)
def test_saliency_that_does_not_belong_to_the_video_is_a_bad_row(tmp_path, changes, says):
    data = load_dataset(write(tmp_path / "a.jsonl", {**ROW, **changes}, {**ROW, "qid": 2}))
    assert [sample.qid for sample in data.samples] == [2]
    with pytest.raises(AssertionError, match=says):
        raise AssertionError(data.bad[0].reason)


@pytest.mark.parametrize(
    "changes",
    [
        {"duration": 15, "relevant_windows": [[14, 15]], "relevant_clip_ids": [7], "saliency_scores": [[4, 3, 3]]},
        {"duration": 16, "relevant_clip_ids": [4, 5], "saliency_scores": [[4] * 20] * 2},
    ],
)
def test_half_clips_at_the_end_and_any_number_of_raters_are_scored(tmp_path, videos, colour_encoder, changes):
    rows = write(tmp_path / "a.jsonl", {**ROW, "vid": "x", **changes})
    summary = evaluate(load_dataset(rows), Recipe(videos=str(videos), encoder=colour_encoder), tmp_path / "o.jsonl")
    assert summary.counts["answered"] == 1 and summary.official["HL-min-Good-Hit1"] in (0.0, 100.0)
    assert len(read_results(tmp_path / "o.jsonl")[1]["pred_saliency_scores"]) == 8


def test_truths_with_wrong_clips_are_told_by_the_metric_too():
    truth = {**ROW, "relevant_clip_ids": [2], "saliency_scores": [[3, 3, 3]]}
    prediction = {"qid": 1, "pred_relevant_windows": [[2, 4]], "pred_saliency_scores": [0.1, 0.9]}
    with pytest.raises(DatasetError, match=r"qid 1.*ids from 0 to 1"):
        qvhighlights([prediction], [truth])
    assert qvhighlights([prediction], [{**truth, "relevant_clip_ids": [1]}])["HL-min-Good-Hit1"] == 100.0


# --- Other layouts


def test_the_first_reasons_are_told_when_no_row_can_be_used(tmp_path, videos):
    hub = {"video": "a.mp4", "caption": "q", "timestamp": [0, 1]}
    rows = write(tmp_path / "hub.jsonl", *[hub] * 5)
    with pytest.raises(DatasetError) as caught:
        evaluate(load_dataset(rows), Recipe(videos=str(videos)), tmp_path / "o.jsonl")
    message = str(caught.value)
    assert f"{rows}:1: has no vid and no query, but ['video', 'caption', 'timestamp']" in message
    assert "the keys are vid, query and relevant_windows" in message and "and 2 more" in message
    assert "\n" not in message and len(message) < 2000


@pytest.mark.parametrize(
    "content, says",
    [
        ([{"annotation_id": 1, "video": "v.mp4", "description": "q", "times": [[0, 1]]}], "has no vid and no query"),
        ({"version": "v1", "videos": [{"clips": []}]}, "no lists called timestamps and sentences"),
        ({"v_1": {"timestamps": [[0, 1]]}}, "but the keys ['timestamps']"),
    ],
)
def test_layouts_of_other_data_sets_are_told_apart(tmp_path, content, says):
    data = load_dataset(write(tmp_path / "a.json", content))
    assert not data.samples and says in data.why_empty()


def test_json_lists_and_json_lines_are_read_whatever_the_ending(tmp_path):
    for name, rows in (("a.json", [ROW, {**ROW, "qid": 2}]), ("b.jsonl", [ROW, {**ROW, "qid": 2}])):
        data = load_dataset(write(tmp_path / name, rows))
        assert [sample.qid for sample in data.samples] == [1, 2] and data.samples[1].where == f"{tmp_path / name}[1]"
    assert [s.qid for s in load_dataset(write(tmp_path / "c.json", ROW, {**ROW, "qid": 2})).samples] == [1, 2]


# --- Frames for seconds


def tacos(**changes):
    return {
        "timestamps": [[252, 686]],
        "sentences": ["he takes out a knife"],
        "fps": 29.4,
        "num_frames": 7838,
    } | changes


def test_times_in_frames_are_divided_by_the_rate(tmp_path):
    data = load_dataset(write(tmp_path / "t.json", {"s13-d21.avi": tacos()}))
    sample = data.samples[0]
    assert sample.truths[0] == pytest.approx((252 / 29.4, 686 / 29.4))
    assert sample.duration_seconds == pytest.approx(7838 / 29.4)
    assert any("frames" in note for note in data.notes)


def test_frames_early_in_a_video_are_divided_too_where_others_can_only_be_frames(tmp_path):
    early = tacos(timestamps=[[10, 90]])
    data = load_dataset(write(tmp_path / "t.json", {"a": tacos(), "b": early, "c": tacos(timestamps=[[300, 400]])}))
    assert [s.truths[0][0] for s in data.samples] == pytest.approx([252 / 29.4, 10 / 29.4, 300 / 29.4])


def test_times_that_may_be_frames_or_seconds_are_refused(tmp_path):
    data = load_dataset(write(tmp_path / "t.json", {"a": tacos(timestamps=[[10, 90]]), "b": tacos(num_frames=None)}))
    assert not data.samples and all("frames or seconds" in row.reason for row in data.bad)
    row = without("duration", fps=25, relevant_windows=[[50, 100]])
    assert "frames or seconds" in load_dataset(write(tmp_path / "r.jsonl", row)).bad[0].reason
    row = {**ROW, "fps": 25, "relevant_windows": [[50, 100]]}
    assert "are these frames" in load_dataset(write(tmp_path / "s.jsonl", row)).bad[0].reason


@pytest.mark.parametrize("change", [{"fps": "29.4", "num_frames": "7838"}, {"fps": None}, {"fps": 0}])
def test_times_beside_a_rate_that_cannot_be_used_are_refused(tmp_path, change):
    data = load_dataset(write(tmp_path / "t.json", {"a": tacos(**change)}))
    assert not data.samples and "frames or seconds" in data.bad[0].reason


@pytest.mark.parametrize("ending", [".JSON", ".JSONL"])
def test_endings_in_upper_case_are_the_same(tmp_path, ending):
    content = {"a": {"timestamps": [[1, 2]], "sentences": ["q"], "duration": 4}} if ending == ".JSON" else ROW
    assert len(load_dataset(write(tmp_path / f"A{ending}", content))) == 1


def test_seconds_beside_a_rate_stay_seconds(tmp_path):
    entries = {
        "a": tacos(timestamps=[[8.6, 23.3]]),
        "b": tacos(duration=266.6, timestamps=[[9, 23], [200, 600]], sentences=["c", "d"]),
    }
    data = load_dataset(write(tmp_path / "t.json", entries))
    assert [s.truths for s in data.samples] == [((8.6, 23.3),), ((9.0, 23.0),)] and data.notes == ()
    assert "long after the video" in data.bad[0].reason


# --- Test splits


def test_a_test_split_is_answered_and_a_submission_is_written(tmp_path, videos, colour_encoder):
    rows = write(
        tmp_path / "test.jsonl",
        without("relevant_windows"),
        without("relevant_windows", qid=2, query="the red part"),
        without("relevant_windows", qid=3, vid="missing"),
    )
    summary = evaluate(load_dataset(rows), Recipe(videos=str(videos), encoder=colour_encoder), tmp_path / "o.jsonl")
    assert summary.counts["answered"] == 2 and summary.counts["failed"] == 1 and summary.table == {}
    assert "nothing is scored" in summary.text() and json.loads(json.dumps(summary.to_dict()))["table"] == {}
    sent = [json.loads(line) for line in (tmp_path / "o.submission.jsonl").read_text().splitlines()]
    assert [list(row) for row in sent] == [["qid", "query", "vid", "pred_relevant_windows", "pred_saliency_scores"]] * 3
    assert [row["qid"] for row in sent] == [1, 2, 3] and sent[2]["pred_relevant_windows"] == []
    start, end, _ = sent[0]["pred_relevant_windows"][0]
    assert (start, end) == pytest.approx((2, 4), abs=0.4) and len(sent[0]["pred_saliency_scores"]) == 2


def test_queries_without_a_truth_are_not_scored_beside_others(tmp_path, videos, colour_encoder):
    rows = write(tmp_path / "a.jsonl", ROW, without("relevant_windows", qid=2, query="the red part"))
    summary = evaluate(load_dataset(rows), Recipe(videos=str(videos), encoder=colour_encoder), tmp_path / "o.jsonl")
    assert summary.counts["answered"] == 2 and summary.table["ours"]["mIoU"] > 80
    assert any("1 queries have no annotated moment" in note for note in summary.notes)
    assert not list(tmp_path.glob("*.submission.jsonl"))


@pytest.mark.parametrize("layout", ["lines", "captions"])
def test_other_layouts_have_test_splits_too(tmp_path, layout):
    if layout == "lines":
        data = load_dataset(write(tmp_path / "t.txt", "A##he runs", "A##b##c"))
    else:
        data = load_dataset(write(tmp_path / "t.json", {"A": {"duration": 5, "sentences": ["he runs", "b##c"]}}))
    assert [(s.qid, s.query, s.truths) for s in data.samples] == [("A#0", "he runs", ()), ("A#1", "b##c", ())]


# --- Lengths


def test_a_video_of_another_length_is_noted_in_row_and_summary(tmp_path, videos, colour_encoder):
    rows = write(tmp_path / "a.jsonl", {**ROW, "vid": "x"}, {**ROW, "qid": 2})
    summary = evaluate(load_dataset(rows), Recipe(videos=str(videos), encoder=colour_encoder), tmp_path / "o.jsonl")
    found = read_results(tmp_path / "o.jsonl")
    assert found[1]["video_duration"] == pytest.approx(16) and "16.0 s long" in found[1]["warnings"][0]
    assert found[2]["warnings"] == []
    notes = [note for note in summary.notes if "longer or shorter" in note]
    assert len(notes) == 1 and "of 1 queries" in notes[0] and "x: 16.0 s, annotated 4.0 s" in notes[0]


# --- Readers of one's own

OWN_READER = """
from tfgrounding.evaluation.datasets import Reader

NUMBER = 5

class Tabs(Reader):
    source = "tabs.tsv of my desk"

    def read(self, rows, paths):
        for path in paths:
            for number, line in enumerate(path.read_text().splitlines(), start=1):
                video, start, end, query = line.split("\\t")
                rows.add(f"{path}:{number}", qid=number, video=video, query=query, truths=[[float(start), float(end)]])
"""


def test_a_reader_of_ones_own_is_named_by_its_module(tmp_path, monkeypatch):
    (tmp_path / "my_tabs.py").write_text(OWN_READER)
    monkeypatch.chdir(tmp_path)
    tabs = write(tmp_path / "t.tsv", "a\t0\t1\the runs")
    data = load_dataset("my_tabs:Tabs", tabs)
    assert data.name == "my_tabs:Tabs" and data.samples[0].query == "he runs" and data.stride_frames is None
    with pytest.raises(DatasetError, match=r"tabs\.tsv of my desk"):
        load_dataset("my_tabs:Tabs")
    with pytest.raises(DatasetError, match=r"cannot be read \(ValueError"):
        load_dataset("my_tabs:Tabs", write(tmp_path / "u.tsv", "a b"))
    with pytest.raises(DatasetError, match="nowhere:Tabs"):
        load_dataset("nowhere:Tabs", tabs)
    with pytest.raises(DatasetError, match="has no read"):
        load_dataset("my_tabs:NUMBER", tabs)


def test_a_reader_may_be_an_object(tmp_path):
    class One(Reader):
        def read(self, rows, paths):
            rows.add("here", qid=1, video="a", query="q")

    assert load_dataset(One(), tmp_path / "any").samples[0].where == "here"


@pytest.mark.parametrize("name", ["charades", "missing.jsonl", "C:\\missing.jsonl", "charades-sta:part"])
def test_errors_list_the_names(name):
    with pytest.raises(DatasetError, match=r"charades-sta|no such annotation file"):
        load_dataset(name)


# --- Anything at all

anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(-(10**500), 10**500)
    | st.floats()
    | st.text(max_size=5)
    | st.just("\udcff\ud800"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)
keys = ["qid", "vid", "query", "duration", "relevant_windows", "relevant_clip_ids", "saliency_scores", "plan", "fps"]
entry_keys = ["timestamps", "sentences", "duration", "fps", "num_frames"]


@given(st.lists(st.dictionaries(st.sampled_from(keys), anything) | anything, max_size=4))
@settings(deadline=None, max_examples=150)
def test_every_json_row_becomes_a_sample_or_a_bad_row(rows):
    with tempfile.TemporaryDirectory() as folder:
        data = load_dataset(write(Path(folder) / "a.jsonl", *[json.dumps(row) for row in rows], {**ROW, "qid": "good"}))
    assert data.samples[-1].qid == "good" and len(data.samples) + len(data.bad) == len(rows) + 1
    assert all(row.reason and len(row.reason) < 1000 for row in data.bad)


@given(st.dictionaries(st.text(max_size=5), st.dictionaries(st.sampled_from(entry_keys), anything) | anything))
@settings(deadline=None, max_examples=150)
def test_every_json_object_by_video_is_read_without_a_crash(entries):
    with tempfile.TemporaryDirectory() as folder:
        data = load_dataset("activitynet", write(Path(folder) / "a.json", json.dumps(entries)))
    assert all(sample.query for sample in data.samples) and all(row.reason for row in data.bad)


@given(st.binary(max_size=200), st.sampled_from([".jsonl", ".json", ".txt"]))
@settings(deadline=None, max_examples=150)
def test_any_bytes_are_read_or_refused(content, ending):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"a{ending}"
        path.write_bytes(content)
        for name in (str(path), "uca", "qvhighlights"):
            with suppress(DatasetError):
                load_dataset(name, *([] if name == str(path) else [path]))
