"""A folder of videos some of which are broken: `eval` answers for the others and lists those with their reasons."""

import json

import numpy as np
import pytest
from broken_videos import BROKEN, make_folder

from tfgrounding.evaluation.datasets import load_dataset
from tfgrounding.evaluation.recipe import Recipe
from tfgrounding.evaluation.results import read_results
from tfgrounding.evaluation.run import evaluate


def annotate(folder, path):
    rows = [
        {"qid": name, "vid": name, "query": "the blue part", "relevant_windows": [[2, 4]]}
        for name in (*folder.good, *folder.broken)
    ]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return load_dataset(path)


@pytest.mark.parametrize("good", [5, pytest.param(180, marks=pytest.mark.slow)])
def test_the_others_are_answered_and_the_broken_are_listed(tmp_path, colour_encoder, good):
    folder = make_folder(tmp_path / "videos", good=good)
    data = annotate(folder, tmp_path / "a.jsonl")
    summary = evaluate(data, Recipe(videos=str(folder.path), encoder=colour_encoder), tmp_path / "o.jsonl")
    assert len(BROKEN) == 20
    assert summary.counts["answered"] == good and summary.counts["failed"] == 20
    rows = read_results(tmp_path / "o.jsonl")
    assert {qid for qid, row in rows.items() if row["error"]} == set(folder.broken)
    for name in folder.broken:
        assert len(rows[name]["error"]) > 15 and "\n" not in rows[name]["error"]
        assert f"({name})" in " ".join(where for where, _ in summary.failed)
    assert summary.table["ours"]["mIoU"] == pytest.approx(100 * good / (good + 20), abs=8)


def test_a_foreign_error_of_one_video_is_its_rows_error(tmp_path, colour_encoder):
    """Whatever a library raises: here an encoder that fails on one video and one that fails on one text."""
    folder = make_folder(tmp_path / "videos", good=3, broken=0)

    class Failing(type(colour_encoder)):
        name = "failing"
        looked = 0

        def encode_frames(self, pixels):
            Failing.looked += 1
            if Failing.looked == 2:
                raise np.linalg.LinAlgError("a library's own words")
            return super().encode_frames(pixels)

        def encode_texts(self, texts):
            if "\N{SKULL}" in "".join(texts):
                raise RecursionError("too deep")
            return super().encode_texts(texts)

    data = annotate(folder, tmp_path / "a.jsonl")
    recipe = Recipe(videos=str(folder.path), encoder=Failing())
    summary = evaluate(data, recipe, tmp_path / "o.jsonl")
    assert summary.counts["answered"] == 2
    assert summary.failed[0][1].endswith("encoder failing: encode_frames failed: LinAlgError: a library's own words")
    row = json.dumps({"qid": 1, "vid": folder.good[0], "query": "\N{SKULL}", "relevant_windows": [[0, 1]]})
    (tmp_path / "b.jsonl").write_text(row + "\n")
    summary = evaluate(load_dataset(tmp_path / "b.jsonl"), recipe, tmp_path / "p.jsonl")
    assert summary.failed[0][1].endswith("encoder failing: encode_texts failed: RecursionError: too deep")
