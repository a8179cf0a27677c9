"""eval with captions in place of videos: rows, figures, rephrasings, bad rows, resume, what does not go together."""

import gzip
import json
from dataclasses import replace
from pathlib import Path

import pytest
from stored import SHARED

from tfgrounding.cli import app
from tfgrounding.errors import DatasetError
from tfgrounding.evaluation import Recipe, evaluate, load_dataset, read_results
from tfgrounding.evaluation.captions import Captions

VIDEOS = 6
THINGS = ["the dog barks", "people eat soup", "a red car stands", "snow falls", "a boy sings", "two women talk"]


def write(path: Path, rows: list) -> Path:
    text = "".join(f"{row if isinstance(row, str) else json.dumps(row)}\n" for row in rows)
    if path.suffix == ".gz":
        path.write_bytes(gzip.compress(text.encode()))
    else:
        path.write_text(text, encoding="utf-8")
    return path


def truth(number: int) -> list[list[int]]:
    return [[20 + 2 * number, 36 + 2 * number]]


def annotations() -> list[dict]:
    rows = []
    for number, query in enumerate(THINGS):
        (start, end), *_ = truth(number)
        clips = list(range(start // 2, end // 2))
        rows.append(
            {
                "qid": number,
                "query": query,
                "vid": f"v{number}",
                "duration": 60,
                "relevant_windows": truth(number),
                "relevant_clip_ids": clips,
                "saliency_scores": [[4, 4, 3]] * len(clips),
                "rephrased_query": [f"it is seen how {query}"],
            }
        )
    return rows


def captions() -> list[dict]:
    """Every video shows its own thing for 16 seconds, and the two others after it in the list before and after that."""
    rows = []
    for number in range(VIDEOS):
        (start, end), *_ = truth(number)
        texts = []
        for second in range(0, 60, 2):
            thing = number + (0 if start <= second < end else 1 if second < start else 2)
            texts.append([second, second + 2, f"{THINGS[thing % VIDEOS]} {second}"])
        rows.append({"vid": f"v{number}", "texts": texts})
    return rows


@pytest.fixture
def run(tmp_path, monkeypatch):
    """(data set, recipe) of the made-up files, which are in tmp_path as q.jsonl.gz and c.jsonl.gz."""
    monkeypatch.setenv("TFGROUNDING_CACHE", str(tmp_path / "cache"))
    write(tmp_path / "q.jsonl.gz", annotations())
    recipe = Recipe(
        captions=str(write(tmp_path / "c.jsonl.gz", captions())),
        encoder="words_encoder:WordsEncoder",
        planner="none",
    )
    return load_dataset("qvhighlights", tmp_path / "q.jsonl.gz"), recipe


def test_every_query_has_a_row_of_windows_and_saliency(run, tmp_path):
    dataset, recipe = run
    summary = evaluate(dataset, recipe, tmp_path / "out.jsonl")
    rows = read_results(tmp_path / "out.jsonl")
    assert summary.counts["answered"] == len(rows) == VIDEOS and not summary.notes
    for number, row in rows.items():
        assert row["vid"] == f"v{number}" and 1 <= len(row["pred_relevant_windows"]) <= 10
        assert all(0 <= start < end <= 60 for start, end, _ in row["pred_relevant_windows"])
        assert len(row["pred_saliency_scores"]) == 30
        best = row["pred_saliency_scores"].index(max(row["pred_saliency_scores"]))
        assert truth(number)[0][0] <= 2 * best < truth(number)[0][1]
    said = rows[0]["provenance"]
    assert said["looked_at"] == "texts" and said["encoder"] == "words" and said["encoder_revision"] == "1"
    assert len(said["captions_sha256"]) == 64 and said["localizer"] == "default" and said["rephrasings"] is True
    assert summary.official["MR-full-R1@0.5"] > 80 and summary.official["HL-min-VeryGood-Hit1"] == 100


def test_rephrasings_are_used_unless_they_are_not_wanted(run, tmp_path):
    dataset, recipe = run
    assert dataset.samples[0].rephrasings == ("it is seen how the dog barks",)
    evaluate(dataset, recipe, tmp_path / "with.jsonl")
    evaluate(dataset, replace(recipe, rephrasings=False), tmp_path / "without.jsonl")
    plans = [read_results(tmp_path / f"{name}.jsonl")[0] for name in ("with", "without")]
    assert [row["plan"]["paraphrases"] for row in plans] == [["it is seen how the dog barks"], []]
    with pytest.raises(DatasetError, match="was made with"):
        evaluate(
            dataset, replace(recipe, captions=str(write(tmp_path / "o.jsonl", captions()[:2]))), tmp_path / "with.jsonl"
        )


def test_a_run_is_resumed(run, tmp_path):
    dataset, recipe = run
    evaluate(dataset, recipe, tmp_path / "whole.jsonl")
    evaluate(dataset, recipe, tmp_path / "parts.jsonl", limit=2)
    evaluate(dataset, recipe, tmp_path / "parts.jsonl")
    whole, parts = (read_results(tmp_path / f"{name}.jsonl") for name in ("whole", "parts"))
    assert [{**row, "timing": None} for row in whole.values()] == [{**row, "timing": None} for row in parts.values()]


def test_bad_rows_of_captions_are_said_and_cost_only_their_own_videos(run, tmp_path):
    dataset, recipe = run
    good = captions()
    bad = [
        "no json",
        {"vid": "v0", "text": "a"},
        {"vid": "v1", "texts": [[0, "x", "a dog"]]},
        {"vid": "v2", "texts": []},
        {"vid": "v3", "texts": [[0, 100, "a boy"]]},
        good[4],
        {"vid": "v4", "texts": []},
    ]
    path = str(write(tmp_path / "bad.jsonl", bad))
    summary = evaluate(dataset, replace(recipe, captions=path), tmp_path / "out.jsonl")
    errors = {number: row["error"] for number, row in read_results(tmp_path / "out.jsonl").items()}
    assert "no texts of the video 'v0'" in errors[0] and "no texts of the video 'v5'" in errors[5]
    assert "texts[0] must begin with two finite numbers" in errors[1] and "there is no text to search in" in errors[2]
    assert errors[3] is None and errors[4] is None
    assert summary.counts["failed"] == 4 and summary.counts["answered"] == 2
    assert any(note.startswith("3 rows of captions cannot be used, the first") for note in summary.notes), summary.notes
    assert any("cut off there" in note for note in summary.notes)
    assert [row.where.rpartition(":")[2] for row in Captions(path).bad] == ["1", "2", "7"]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "it is empty"),
        (b'{"video": "v0"}\n', "no row has vid and texts"),
        (gzip.compress(b'{"vid": "v0", "texts": []}\n')[:-9], "is not a whole gzip file"),
        (b"nothing of that kind", "is not a whole gzip file"),
    ],
)
def test_a_file_without_captions_is_one_sentence_before_anything_is_asked(run, tmp_path, content, says):
    dataset, recipe = run
    path = tmp_path / ("c2.jsonl.gz" if "gzip" in says else "c2.jsonl")
    path.write_bytes(content)
    with pytest.raises(DatasetError, match=says):
        evaluate(dataset, replace(recipe, captions=str(path)), tmp_path / "out.jsonl")
    assert not (tmp_path / "out.jsonl").exists()


def test_a_compressed_file_that_swells_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("tfgrounding.evaluation.datasets.text.LARGEST_FILE_BYTES", 1 << 20)
    with gzip.open(tmp_path / "c.jsonl.gz", "wb") as file:
        file.write(b" " * (2 << 20))
    with pytest.raises(DatasetError, match="holds more than 1 MB"):
        Captions(tmp_path / "c.jsonl.gz")


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--videos", "."], "leave out --videos"),
        (["--features", ".", "--rate", "2"], "leave out --features and --rate"),
        (["--text-features", "t.safetensors"], "leave out --text-features"),
        (["--picture-rate", "2"], "leave out --picture-rate"),
        (["--vlm", "x@http://127.0.0.1:1/v1"], "leave out --vlm"),
        (["--engine", "numpro"], "the numpro engine looks at pictures"),
        (["--estimate"], "there is nothing to estimate"),
        (["--captions", "none.jsonl"], "none.jsonl"),
    ],
)
def test_what_does_not_go_with_captions_is_refused(run, tmp_path, monkeypatch, capsys, options, says):
    monkeypatch.chdir(tmp_path)
    code, _, err = command(["q.jsonl.gz", "--captions", "c.jsonl.gz", *options], monkeypatch, capsys)
    assert code == 2 and says in err and err.count("\n") == 1, err


def test_the_command_prints_the_figures_and_writes_the_rows(run, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    options = ["--captions", "c.jsonl.gz", "--encoder", "words_encoder:WordsEncoder", "--output", "out.jsonl"]
    given = ["qvhighlights", "--annotations", "q.jsonl.gz", *options, "--no-rephrasings"]
    code, out, err = command(given, monkeypatch, capsys)
    assert not code and "6 answered" in out and "MR-full-mAP" in out and "HL-min-VeryGood-mAP" in out, err
    rows = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert {"qid", "pred_relevant_windows", "pred_saliency_scores"} <= set(rows[0]) and len(rows) == VIDEOS


def command(arguments, monkeypatch, capsys):
    """(exit code, stdout, stderr) of `tfgrounding eval`; no progress bar is in stderr."""
    monkeypatch.setattr("sys.argv", ["tfgrounding", "eval", *arguments])
    with pytest.raises(SystemExit) as left:
        app.main()
    out, err = capsys.readouterr()
    lines = [line for line in err.replace("\r", "\n").split("\n") if line and "queries/s" not in line]
    return left.value.code, out, "".join(f"{line}\n" for line in lines)


@pytest.mark.parametrize(
    ("rephrased", "says"),
    [
        ("a text", "rephrased_query must be a list"),
        ([3], "a rephrasing must be a text"),
        ([""], "a rephrasing must be a text that is not empty"),
        (["a"] * 101, "at most 100 rephrasings"),
        (["\ud800"], "a rephrasing is not UTF-8"),
    ],
)
def test_rephrasings_that_cannot_be_make_a_bad_row(tmp_path, rephrased, says):
    path = write(tmp_path / "q.jsonl", [{**annotations()[0], "rephrased_query": rephrased}])
    dataset = load_dataset("qvhighlights", path)
    assert not dataset.samples and says in dataset.bad[0].reason


def test_without_a_length_in_the_annotations_the_row_says_so(run, tmp_path):
    _, recipe = run
    path = write(
        tmp_path / "q.jsonl", [{name: value for name, value in annotations()[0].items() if name != "duration"}]
    )
    evaluate(load_dataset("qvhighlights", path), recipe, tmp_path / "out.jsonl")
    assert "captions of v0 without a duration" in read_results(tmp_path / "out.jsonl")[0]["error"]


@pytest.mark.slow
def test_captions_of_a_real_vision_llm(tmp_path):
    """The development half of QVHighlights' validation set; the packaged sentence encoder."""
    folder = SHARED / "captions"
    if not folder.exists():
        pytest.skip("the stored captions are not here")
    recipe = Recipe(captions=str(folder / "captions.jsonl.gz"), encoder="embedded")
    dataset = load_dataset("qvhighlights", folder / "queries.jsonl.gz")
    summary = evaluate(dataset, recipe, tmp_path / "out.jsonl")
    assert summary.counts["answered"] == len(dataset) == 765
    assert summary.official["MR-full-R1@0.5"] > 60 and summary.official["MR-full-R1@0.7"] > 42
    assert summary.official["MR-full-mAP"] > 42 and summary.official["HL-min-VeryGood-mAP"] > 40
