import json
from pathlib import Path

import pytest

from tfgrounding.errors import DatasetError
from tfgrounding.evaluation.datasets import in_order, load_dataset
from tfgrounding.registry import names

ANNOTATIONS = Path(__file__).parents[3] / "shared" / "annotations"
needs_annotations = pytest.mark.skipif(not ANNOTATIONS.exists(), reason="the data sets' own files are not here")


def write(path, text):
    path.write_text(text, encoding="utf-8")
    return path


def test_charades_lines_and_json_give_the_same_samples(tmp_path):
    lines = write(tmp_path / "test.txt", "AB 1.5 4.0##she sits down.\nCD 0.0 2##he runs\nAB 3 9.5##she gets up.\n")
    entries = {
        "AB": {"duration": 9.0, "timestamps": [[1.5, 4.0], [3, 9.5]], "sentences": ["she sits down.", "she gets up."]},
        "CD": {"duration": 5.0, "timestamps": [[0.0, 2]], "sentences": ["he runs"]},
    }
    whole = write(tmp_path / "test.json", json.dumps(entries))
    from_lines, from_json = load_dataset("charades-sta", lines), load_dataset("charades-sta", whole)
    assert [s.qid for s in from_lines.samples] == ["AB#0", "CD#0", "AB#1"]
    by_qid = {s.qid: s for s in from_json.samples}
    for sample in from_lines.samples:
        other = by_qid[sample.qid]
        assert (sample.video, sample.query, sample.truths) == (other.video, other.query, other.truths)
        assert sample.duration_seconds is None and other.duration_seconds in (9.0, 5.0)
    assert from_json.stride_frames == 20 and from_json.longest_share == 0.5
    assert from_lines.samples[2].where == f"{lines}:3"


def test_charades_cd_calls_its_length_video_duration(tmp_path):
    entry = {"AB": {"video_duration": 7.5, "timestamps": [[1, 2]], "sentences": ["x"], "decode_fps": 16.0}}
    assert (
        load_dataset("charades-cd", write(tmp_path / "ood.json", json.dumps(entry))).samples[0].duration_seconds == 7.5
    )


def test_both_halves_of_activitynet_are_one_data_set(tmp_path):
    entry = {"v_1": {"duration": 10, "timestamps": [[0, 5], [5, 10]], "sentences": [" a", "b "]}}
    files = [write(tmp_path / name, json.dumps(entry)) for name in ("val_1.json", "val_2.json")]
    both = load_dataset("activitynet", *files)
    assert [s.qid for s in both.samples] == ["v_1#val_1.0", "v_1#val_1.1", "v_1#val_2.0", "v_1#val_2.1"]
    assert [s.query for s in both.samples[:2]] == ["a", "b"] and both.stride_frames == 40
    assert [s.qid for s in load_dataset("activitynet", files[0]).samples] == ["v_1#0", "v_1#1"]


def test_uca_lines_read_minutes_and_hours(tmp_path):
    lines = write(tmp_path / "uca.txt", "A_x264 00:01.2 00:08.2 ##one\nA_x264 59:53.0 01:00:21.3 ## two\n")
    assert [s.truths for s in load_dataset("uca", lines).samples] == [((1.2, 8.2),), ((3593.0, 3621.3),)]


def test_qvhighlights_keeps_its_numbers(tmp_path):
    row = {
        "qid": 7,
        "vid": "x_0.0_150.0",
        "query": "a dog",
        "duration": 150,
        "relevant_windows": [[2, 6], [10, 12]],
        "relevant_clip_ids": [1, 2, 5],
        "saliency_scores": [[1, 2, 3], [4, 4, 4], [0, 0, 1]],
    }
    data = load_dataset(str(write(tmp_path / "val.jsonl", json.dumps(row) + "\n")))
    sample = data.samples[0]
    assert data.name == "qvhighlights" and sample.qid == 7
    assert sample.truths == ((2.0, 6.0), (10.0, 12.0)) and sample.saliency[1] == (4, 4, 4)


def test_own_rows_may_bring_their_plan(tmp_path):
    row = {
        "vid": "a.mp4",
        "query": "she sits down, then stands up",
        "relevant_windows": [[0, 1]],
        "plan": {"sub_events": [["she sits down"], ["she stands up"]], "relation": "sequentially"},
    }
    data = load_dataset(str(write(tmp_path / "mine.jsonl", json.dumps(row) + "\n")))
    assert data.name == "jsonl" and data.samples[0].qid == "mine.jsonl:1"
    plan = data.samples[0].plan
    assert (
        plan is not None and plan.relation == "sequentially" and plan.sub_events[1].descriptions == ("she stands up",)
    )


def test_every_bad_row_is_listed_with_file_and_line(tmp_path):
    good = {"qid": "a", "vid": "v", "query": "q", "relevant_windows": [[0, 1]], "duration": 5}
    lines = [
        json.dumps(good),
        "{not json",
        json.dumps([1]),
        json.dumps(good),  # the qid is taken
        json.dumps({**good, "qid": "b", "query": "  "}),
        json.dumps({**good, "qid": "c", "relevant_windows": [[3, 3]]}),
        json.dumps({**good, "qid": "d", "relevant_windows": [[-1, 3]]}),
        json.dumps({**good, "qid": "e", "relevant_windows": []}),
        json.dumps({**good, "qid": "f", "duration": 0}),
        json.dumps({**good, "qid": "g", "duration": float("nan")}),
        json.dumps({**good, "qid": True}),
        json.dumps({**good, "qid": "h", "vid": None}),
        json.dumps({**good, "qid": "i", "relevant_windows": [["0", "1"]]}),
        json.dumps({**good, "qid": "j", "plan": {"relation": "never"}}),
        "",
        json.dumps({**good, "qid": "z"}),
    ]
    path = tmp_path / "rows.jsonl"
    path.write_bytes(
        "\n".join(lines).encode() + b'\n{"qid": "k", "vid": "v", "query": "caf\xe9", "relevant_windows": [[0, 1]]}\n'
    )
    data = load_dataset(str(path))
    assert [s.qid for s in data.samples] == ["a", "z"]
    assert [row.where for row in data.bad] == [f"{path}:{n}" for n in (*range(2, 15), 17)]
    assert f"by {path}:1" in data.bad[2].reason and "UTF-8" in data.bad[-1].reason


def test_a_name_that_is_not_utf8_still_names_its_file(tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_bytes(b'{"vid": "caf\xe9.mp4", "query": "q", "relevant_windows": [[0, 1]]}\n')
    assert load_dataset(str(path)).samples[0].video.encode("utf-8", "surrogateescape") == b"caf\xe9.mp4"


def test_bad_rows_of_json_and_lines_are_listed_too(tmp_path):
    entries = (
        '{"A": {"duration": 9, "timestamps": [[0, 1], [2, 1]], "sentences": ["a", "b", "c"]},\n"B": {"duration": 9},\n'
    )
    entries += '"A": {"duration": 9, "timestamps": [[0, 1]], "sentences": ["again"]}}'
    data = load_dataset("charades-sta", write(tmp_path / "a.json", entries))
    assert [s.qid for s in data.samples] == ["A#0"]
    path = tmp_path / "a.json"
    assert [row.where for row in data.bad] == [f"{path}:1 A[1]", f"{path}:1 A[2]", f"{path}:2 B", f"{path}:3 A[0]"]
    lines = write(tmp_path / "a.txt", "A 0 1##fine\nA 0##no end\nA zero one##no numbers\n")
    data = load_dataset("charades-sta", lines)
    assert len(data) == 1 and [row.where for row in data.bad] == [f"{lines}:2", f"{lines}:3"]
    clocks = write(tmp_path / "u.txt", "A 0:01 0:02##fine\nA 1 2##seconds are no clock\n")
    assert [row.where for row in load_dataset("uca", clocks).bad] == [f"{clocks}:2"]


def test_a_part_is_repeatable_and_complete(tmp_path):
    rows = "".join(json.dumps({"vid": f"v{n}", "query": "q", "relevant_windows": [[0, 1]]}) + "\n" for n in range(20))
    data = load_dataset(str(write(tmp_path / "r.jsonl", rows)))
    assert [s.video for s in in_order(data, offset=3, limit=2).samples] == ["v3", "v4"]
    shuffled = in_order(data, seed=1)
    assert shuffled.samples != data.samples and set(shuffled.samples) == set(data.samples)
    halves = in_order(data, seed=1, limit=10).samples + in_order(data, seed=1, offset=10).samples
    assert halves == shuffled.samples


@pytest.mark.parametrize("name", names("datasets"))
def test_each_data_set_says_where_it_comes_from(name):
    with pytest.raises(DatasetError, match="nothing is downloaded"):
        load_dataset(name)


def test_what_is_no_data_set_is_said(tmp_path):
    with pytest.raises(DatasetError, match="charades-sta"):
        load_dataset("charades")
    with pytest.raises(DatasetError, match="cannot be read"):
        load_dataset("uca", tmp_path / "missing.txt")
    with pytest.raises(DatasetError, match="not JSON"):
        load_dataset("uca", write(tmp_path / "x.json", "{"))
    with pytest.raises(DatasetError, match="a key for each video"):
        load_dataset("uca", write(tmp_path / "x.json", "[]"))
    with pytest.raises(DatasetError, match="layout"):
        load_dataset(str(write(tmp_path / "x.txt", "hello\n")))


@needs_annotations
@pytest.mark.parametrize(
    "name, file, queries, videos",
    [
        ("charades-sta", "charades_sta_test.txt", 3720, 1334),
        ("charades-sta", "charades_test.json", 3720, 1334),
        ("charades-cd", "charades_test_ood.json", 3375, 1442),
        ("charades-cg", "novel_composition.json", 3442, 2480),
        ("charades-cg", "novel_word.json", 695, 580),
        ("activitynet", "activitynet_val2.json", 17031, 4885),
        ("uca", "uca/UCFCrime_Test.json", 4331, 310),
        ("uca", "uca/UCFCrime_Test.txt", 4331, 310),
        ("qvhighlights", "qvhighlights/highlight_val_release.jsonl", 1550, 1519),
    ],
)
def test_real_annotations_are_read_whole(name, file, queries, videos):
    data = load_dataset(name, ANNOTATIONS / file)
    assert len(data) == queries and data.bad == ()
    assert len({s.video for s in data.samples}) == videos


@needs_annotations
@pytest.mark.parametrize(
    "one, other",
    [("charades_sta_test.txt", "charades_test.json"), ("uca/UCFCrime_Test.txt", "uca/UCFCrime_Test.json")],
)
def test_both_forms_of_the_real_annotations_agree(one, other):
    name = "uca" if "uca" in one else "charades-sta"
    first, second = ({s.qid: s for s in load_dataset(name, ANNOTATIONS / file).samples} for file in (one, other))
    assert first.keys() == second.keys()
    for qid, sample in first.items():
        assert (sample.query, sample.truths) == (second[qid].query, second[qid].truths)
