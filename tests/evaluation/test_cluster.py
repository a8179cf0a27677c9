import os
import signal
import threading
import time
import zlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from batch import make_run, without_times

from tfgrounding.errors import TFGroundingError
from tfgrounding.evaluation.results import read_results
from tfgrounding.evaluation.run import evaluate

pytest.importorskip("ray", reason="Ray is not installed: pip install 'tfgrounding[ray]'")
pytestmark = pytest.mark.slow  # Ray needs half a minute to start and stop on two cores


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """Two workers on this machine."""
    import logging

    import ray

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patch.setenv("PYTHONPATH", os.pathsep.join(map(str, (Path.cwd(), Path(__file__).parents[1]))))
        ray.init(
            num_cpus=3,
            object_store_memory=200 * 2**20,
            include_dashboard=False,
            log_to_driver=False,
            logging_level=logging.ERROR,
        )
        yield ray
        ray.shutdown()


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    return make_run(tmp_path_factory.mktemp("run"), videos=40, queries=3)


@pytest.fixture(scope="module")
def here(run, tmp_path_factory):
    output = tmp_path_factory.mktemp("here") / "r.jsonl"
    return evaluate(run.dataset, run.recipe, output), without_times(read_results(output))


class TellingEncoder:
    """Takes its time, and leaves its process's number where a test can find it."""

    name, revision, frame_size, floor, scale = "made-up", "1", 8, 0.0, 1.0

    def __init__(self, folder):
        self.folder = folder

    def encode_texts(self, texts):
        (self.folder / f"{os.getpid()}.pid").touch()
        time.sleep(0.02)
        return np.stack([np.random.default_rng(zlib.crc32(text.encode())).normal(size=16) for text in texts])


def test_a_cluster_gives_the_same_rows_and_numbers(cluster, run, here, tmp_path):
    output = tmp_path / "r.jsonl"
    summary = evaluate(run.dataset, run.recipe, output, cluster="ray", workers=2)
    assert without_times(read_results(output)) == here[1] and summary == here[0]


def test_a_killed_actor_is_survived(cluster, run, tmp_path):
    (tmp_path / "here").mkdir()
    (tmp_path / "there").mkdir()
    whole, output = tmp_path / "whole.jsonl", tmp_path / "r.jsonl"
    recipe = replace(run.recipe, text_features=None, encoder=TellingEncoder(tmp_path / "here"))
    expected = evaluate(run.dataset, recipe, whole)
    killed = []

    def kill_one():
        deadline = time.monotonic() + 60
        while not killed and time.monotonic() < deadline:
            rows = output.read_bytes().count(b"\n") if output.exists() else 0
            for pid in list((tmp_path / "there").iterdir())[:1] if rows >= 12 else []:
                os.kill(int(pid.stem), signal.SIGKILL)
                killed.append(rows)
            time.sleep(0.005)

    killer = threading.Thread(target=kill_one)
    killer.start()
    recipe = replace(recipe, encoder=TellingEncoder(tmp_path / "there"))
    summary = evaluate(run.dataset, recipe, output, cluster="ray", workers=2)
    killer.join()
    assert killed and killed[0] < 120, "the actor was to be killed in mid-run"
    assert len(list((tmp_path / "there").iterdir())) == 3, "two actors, and one in place of the one that was killed"
    assert without_times(read_results(output)) == without_times(read_results(whole)) and summary == expected


def test_a_run_begun_here_is_finished_there(cluster, run, here, tmp_path):
    output = tmp_path / "r.parquet"
    evaluate(run.dataset, run.recipe, output, limit=50, seed=3)
    summary = evaluate(run.dataset, run.recipe, output, cluster="ray", workers=2)
    assert without_times(read_results(tmp_path / "r.jsonl")) == here[1] and summary == here[0]
    assert output.exists()


def test_a_recipe_that_cannot_be_carried_out_is_said(cluster, run, tmp_path):
    with pytest.raises(TFGroundingError, match="localizer 'best'"):
        evaluate(run.dataset, replace(run.recipe, localizer="best"), tmp_path / "r.jsonl", cluster="ray", workers=1)


class DeadlyEncoder:
    """Kills its process whenever it is asked about the second video."""

    name, revision, frame_size, floor, scale = "made-up", "1", 8, 0.0, 1.0

    def encode_texts(self, texts):
        if any("video 1" in text for text in texts):
            os.kill(os.getpid(), signal.SIGKILL)
        return np.ones((len(texts), 16), dtype=np.float32) / 4


def test_a_video_that_kills_every_actor_is_given_up(cluster, tmp_path):
    small = make_run(tmp_path / "run", videos=3, queries=2)
    recipe = replace(small.recipe, text_features=None, encoder=DeadlyEncoder())
    summary = evaluate(small.dataset, recipe, tmp_path / "r.jsonl", cluster="ray", workers=1)
    assert summary.counts["failed"] == 2 and summary.counts["answered"] == 4
    assert all("died 3 times" in why for _, why in summary.failed)
