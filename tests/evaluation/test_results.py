import importlib
import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from batch import make_run
from worded import worded

from tfgrounding import Grounding, Moment, Plan, VideoInfo
from tfgrounding.errors import DatasetError
from tfgrounding.evaluation import locks
from tfgrounding.evaluation import results as results_module
from tfgrounding.evaluation.datasets import Sample
from tfgrounding.evaluation.results import Results, read_results
from tfgrounding.evaluation.run import evaluate
from tfgrounding.evaluation.worker import result_row
from tfgrounding.types import Evidence


def row(qid, **changes):
    return {
        "qid": qid,
        "vid": "a",
        "query": "q",
        "pred_relevant_windows": [],
        "error": None,
        "provenance": {},
    } | changes


@pytest.fixture
def windows(monkeypatch):
    """The modules as they are where there is no fcntl but msvcrt; `held` are the locks."""
    held = {}

    def locking(file, mode, count):
        state = os.fstat(file)
        key = (state.st_dev, state.st_ino, os.lseek(file, 0, os.SEEK_CUR))
        owner = held.get(key)
        if owner is not None and owner != file and _is_open(owner):
            raise PermissionError(13, "Permission denied")
        held[key] = file

    monkeypatch.setitem(sys.modules, "fcntl", None)
    monkeypatch.setitem(sys.modules, "msvcrt", SimpleNamespace(LK_NBLCK=2, locking=locking))
    importlib.reload(locks)
    importlib.reload(results_module)
    yield held
    monkeypatch.undo()
    importlib.reload(locks)
    importlib.reload(results_module)


def _is_open(file):
    try:
        os.fstat(file)
    except OSError:
        return False
    return True


def test_one_run_a_file_without_fcntl(windows, tmp_path):
    path = tmp_path / "r.jsonl"
    with results_module.Results(path) as results:
        results.append([row(1), row(2, error="x")])
        results.forget([2])
        results.append([row(3)])
        with pytest.raises(DatasetError, match="another run is writing"):
            results_module.Results(path)
    assert windows and list(read_results(path)) == [1, 3]
    with results_module.Results(path) as again:
        assert list(again.rows) == [1, 3]


def test_everything_imports_without_fcntl(tmp_path):
    """As on Windows: the package is imported in a process whose fcntl is missing."""
    code = (
        "import sys, types, multiprocessing.util, subprocess;"
        "sys.modules['fcntl'] = None; sys.modules['msvcrt'] = types.ModuleType('msvcrt');"
        "import tfgrounding.evaluation.run, tfgrounding.cli, tfgrounding.show.compare_page"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("content", [b'{"A": {"duration": 5}}', b"some notes", b"\x00\x01\x02", b"[1, 2]", b"{}"])
def test_a_file_of_something_else_is_left_as_it_is(tmp_path, content):
    path = tmp_path / "precious.json"
    path.write_bytes(content)
    with pytest.raises(DatasetError, match=r"something else than results|not a row of results"):
        Results(path)
    assert path.read_bytes() == content


@pytest.mark.parametrize(
    "line",
    [
        "[]",
        "5",
        "[" * 50_000,
        '{"qid": [1], "vid": "a", "query": "q", "pred_relevant_windows": []}',
        '{"qid": 1, "vid": "a", "query": "q", "pred_relevant_windows": [1]}',
        '{"qid": 1, "vid": "a", "query": "q", "pred_relevant_windows": [["a", "b"]]}',
        '{"qid": 1, "vid": "a", "query": "q", "pred_relevant_windows": [], "relevant_windows": "x"}',
        '{"qid": 1, "vid": "a", "query": "q", "pred_relevant_windows": [], "provenance": 5}',
    ],
)
def test_what_is_no_row_of_results_is_said_with_its_line(tmp_path, line):
    path = tmp_path / "r.jsonl"
    path.write_text(json.dumps(row("a")) + "\n" + line + "\n")
    with pytest.raises(DatasetError, match=r"r\.jsonl:2: not a row of results"):
        read_results(path)
    path.write_text((json.dumps(row("a")) + "\n") * 2)
    with pytest.raises(DatasetError, match="qid 'a' is duplicated"):
        read_results(path)


def test_the_place_is_checked_before_the_first_video_is_read(tmp_path, monkeypatch):
    run = make_run(tmp_path / "run", videos=1, queries=1)
    monkeypatch.setattr("tfgrounding.evaluation.run.VideoWorker", None)  # never to be reached
    (tmp_path / "file").write_text("")
    for wrong in (tmp_path, tmp_path / "file" / "r.jsonl", Path("/dev/null"), Path("/dev/full"), Path("/proc/r.jsonl")):
        with pytest.raises(DatasetError, match=str(wrong)):
            evaluate(run.dataset, run.recipe, wrong)
    pytest.importorskip("pyarrow")
    (tmp_path / "r.parquet").mkdir()
    with pytest.raises(DatasetError, match="is a folder"):
        evaluate(run.dataset, run.recipe, tmp_path / "r.parquet")


def test_a_missing_pyarrow_is_said_first(tmp_path, monkeypatch):
    run = make_run(tmp_path / "run", videos=1, queries=1)
    monkeypatch.setattr("tfgrounding.evaluation.run.VideoWorker", None)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(DatasetError, match="pip install"):
        evaluate(run.dataset, run.recipe, tmp_path / "r.parquet")
    assert not (tmp_path / "r.jsonl").exists()


def test_a_full_disk_is_one_sentence_and_keeps_what_is_there(tmp_path, monkeypatch):
    path = tmp_path / "r.jsonl"
    with Results(path) as results:
        results.append([row(1)])

        def full(*_):
            raise OSError(28, "No space left on device")

        with monkeypatch.context() as patch:
            patch.setattr(os, "write", full)
            with pytest.raises(DatasetError, match="No space left"):
                results.append([row(2)])
        with monkeypatch.context() as patch:
            patch.setattr(Path, "write_bytes", full)
            with pytest.raises(DatasetError, match="No space left"):
                results.forget([1])
        results.append([row(3)])
    assert list(read_results(path)) == [1, 3]


def answer(*moments):
    info = VideoInfo("v.mp4", 60.0, 64, 48)
    return Grounding(moments, "milk", Plan("milk"), info, "curves", "test", "default", [0.0, 1.0], [10.0, 30.0])


def test_a_row_keeps_the_beginning_of_the_words_behind_the_best_window():
    sample = Sample(qid=1, video="v", query="milk", truths=((1.0, 2.0),))
    pieces = [Evidence("said", i, i + 1.0, "milk " * 1000) for i in range(50)]
    row = result_row(sample, {}, answer=worded(answer(Moment(1, 2, 0.5)), *pieces))
    assert len(row["pred_evidence"]) == 6 and all(len(piece["text"]) == 300 for piece in row["pred_evidence"])
    assert row["pred_evidence"][1].items() >= {"track": "said", "start_seconds": 1, "end_seconds": 2.0}.items()
    plain = answer(Moment(1, 2, 0.5))
    for silent in (plain, worded(plain, Evidence("shown", 0, 1)), answer()):
        assert "pred_evidence" not in result_row(sample, {}, answer=silent)
