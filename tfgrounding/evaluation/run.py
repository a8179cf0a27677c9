"""Batch evaluation: every sample of a data set becomes a row of results, on one machine or many."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from ..errors import DatasetError, TFGroundingError
from ..media import open_source
from ..types import VideoInfo
from .captions import Captions
from .cluster import run_on_ray
from .datasets import Dataset, Sample, in_order
from .files import VideoFiles
from .recipe import Recipe
from .results import Results, Row, check_parquet, to_parquet, write_submission
from .summary import Summary, summarize
from .worker import Looked, VideoWorker, result_row

logger = logging.getLogger(__name__)

AHEAD = 2  # videos that are encoded while an earlier one is being searched
TRIES = 2  # of a video whose worker process died


def evaluate(
    dataset: Dataset,
    recipe: Recipe,
    output: str | Path,
    *,
    limit: int | None = None,
    offset: int = 0,
    seed: int | None = None,
    cluster: str | None = None,
    workers: int | None = None,
    retry_failed: bool = False,
    show_progress: bool = False,
) -> Summary:
    """Ask every query of a data set and write one row of results for each.

    Rows are appended to `output` as they are ready. When the file holds rows of an earlier run with the same
    settings, only what is missing is asked: rerun the command to resume after a crash. A video or query that fails is
    a row with its error. Samples are grouped by video; a video is encoded once. Where no sample says when its event
    happens (a test split), nothing is scored, and the answers are also written as OUTPUT.submission.jsonl.

    Args:
        dataset: what `load_dataset` returned.
        recipe: what decides the numbers.
        output: a .jsonl file; with .parquet a table is written at the end, from the .jsonl beside it.
        limit, offset: take only `limit` samples from `offset` on; negative numbers are no choice.
        seed: shuffle the samples before that; None keeps the file's order.
        cluster: "ray" or an address "ray://HOST:PORT" to run on a Ray cluster; None runs here.
        workers: processes here (default: one a GPU, else one), actors there (default: one a GPU, else one for two
            CPUs).
        retry_failed: ask those again that failed before.
        show_progress: a bar with rate and time left on stderr.

    Returns:
        The Summary of all samples that were to be asked.

    Raises:
        DatasetError: nothing to ask, the output cannot be written (known before the first video is read), or holds rows
            of other settings.
        TFGroundingError: the recipe cannot be carried out.
    """
    if offset < 0 or (limit is not None and limit < 1):
        raise DatasetError(f"offset must be 0 or more and limit 1 or more, not {offset} and {limit}")
    if (seed is not None and seed < 0) or (workers is not None and workers < 1):
        raise DatasetError(f"seed must be 0 or more and workers 1 or more, not {seed} and {workers}")
    if not dataset.samples:
        raise DatasetError(dataset.why_empty())
    asked = in_order(dataset, offset=offset, limit=limit, seed=seed)
    if not asked.samples:
        raise DatasetError(f"{dataset!r} has no sample to ask from offset {offset} on")
    recipe = recipe.for_dataset(dataset)
    provenance = recipe.provenance(dataset)
    notes = [] if recipe.captions is None else Captions(recipe.captions).notes()
    output = Path(output)
    if output.suffix == ".parquet":
        check_parquet(output)
    rows_path = output.with_suffix(".jsonl") if output.suffix == ".parquet" else output
    with Results(rows_path) as results:
        results.check(provenance)
        if retry_failed:
            results.forget([qid for qid, row in results.rows.items() if row.get("error")])
        jobs = _by_video([sample for sample in asked.samples if sample.qid not in results.rows])
        batches = _run(jobs, recipe, provenance, cluster, workers) if jobs else iter(())
        with _Progress(asked, results, show_progress) as progress:
            for rows in batches:
                results.append(rows)
                progress.add(rows)
        rows_by_qid = results.rows
    if output.suffix == ".parquet":
        to_parquet(output, rows_by_qid.values())
    if not any(sample.truths for sample in dataset.samples):
        submission = rows_path.with_suffix(".submission.jsonl")
        write_submission(submission, [rows_by_qid[sample.qid] for sample in asked.samples])
        notes.append(f"no query has an annotated moment, so nothing is scored; the submission is {submission}")
    return summarize(asked, rows_by_qid, whole=dataset, notes=notes)


def videos_to_ask(
    dataset: Dataset, recipe: Recipe, *, limit: int | None = None, offset: int = 0, seed: int | None = None
) -> Iterator[tuple[VideoInfo, int]]:
    """Each video that `evaluate` would look at, and how many queries it would ask about it.

    A video that is missing or cannot be read is left out, with a warning in the log.

    Raises:
        DatasetError: there are no videos, only features, or no sample to ask.
    """
    if recipe.videos is None:
        raise DatasetError("an estimate needs the videos (--videos): features do not say what would be shown")
    files = VideoFiles(recipe.videos, picture_rate_hz=recipe.picture_rate_hz)
    for job in _by_video(in_order(dataset, offset=offset, limit=limit, seed=seed).samples):
        try:
            info = open_source(files.find(job[0].video)).info
        except TFGroundingError as error:
            logger.warning("left out of the estimate: %s", error)
            continue
        yield info, len(job)


def _by_video(samples: Sequence[Sample]) -> list[list[Sample]]:
    """The samples of each video together, videos in the order of their first sample."""
    videos: dict[str, list[Sample]] = {}
    for sample in samples:
        videos.setdefault(sample.video, []).append(sample)
    return list(videos.values())


def _run(
    jobs: list[list[Sample]], recipe: Recipe, provenance: dict[str, Any], cluster: str | None, workers: int | None
) -> Iterator[list[Row]]:
    if cluster is not None:
        address = None if cluster == "ray" else cluster
        return run_on_ray(jobs, recipe, provenance, address=address, workers=workers)
    devices = _devices(recipe, workers)
    if len(devices) == 1:
        return _run_here(jobs, VideoWorker(replace(recipe, device=devices[0]), provenance))
    return _run_in_processes(jobs, recipe, provenance, devices)


def _devices(recipe: Recipe, workers: int | None) -> list[str]:
    """The device of each process: every GPU where the choice is ours, shared in turn by more workers than there are."""
    devices = [recipe.device]
    if recipe.device in ("auto", "cuda") and recipe.text_features is None:
        import torch

        devices = [f"cuda:{number}" for number in range(torch.cuda.device_count())] or devices
    return [devices[number % len(devices)] for number in range(workers or len(devices))]


def _run_here(jobs: list[list[Sample]], worker: VideoWorker) -> Iterator[list[Row]]:
    """One process: a thread decodes and encodes the next videos while this one searches the last."""
    stopping = False

    def still_wanted(done_seconds: float, all_seconds: float) -> None:
        if stopping:
            raise DatasetError("stopped")

    def look(job: Sequence[Sample]) -> Looked:
        return worker.look_at(job[0].video, job[0].duration_seconds, still_wanted)

    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="look") as ahead:
        try:
            looks: list[Future[Looked]] = [ahead.submit(look, job) for job in jobs[:AHEAD]]
            for number, job in enumerate(jobs):
                rows = worker.rows(job, looks.pop(0).result)
                if number + AHEAD < len(jobs):
                    looks.append(ahead.submit(look, jobs[number + AHEAD]))
                yield rows
        finally:
            stopping = True
            ahead.shutdown(wait=False, cancel_futures=True)


def _run_in_processes(
    jobs: list[list[Sample]], recipe: Recipe, provenance: dict[str, Any], devices: list[str]
) -> Iterator[list[Row]]:
    """One process a device; a process that dies is replaced, and its video tried once more."""
    waiting = iter(jobs)
    pools: list[ProcessPoolExecutor] = []

    def start() -> ProcessPoolExecutor:
        pool = ProcessPoolExecutor(1, mp_context=get_context("spawn"))
        pools.append(pool)
        return pool

    running: dict[Future[list[Row]], tuple[ProcessPoolExecutor, str, list[Sample], int]] = {}

    def submit(pool: ProcessPoolExecutor, device: str, job: list[Sample], tries: int) -> None:
        future = pool.submit(_rows_in_process, replace(recipe, device=device), provenance, job)
        running[future] = (pool, device, job, tries)

    try:
        for device, job in zip(devices, waiting, strict=False):
            submit(start(), device, job, 1)
        while running:
            future = next(as_completed(running))
            pool, device, job, tries = running.pop(future)
            try:
                rows = future.result()
            except BrokenProcessPool:
                pool = start()
                if tries < TRIES:
                    submit(pool, device, job, tries + 1)
                    continue
                died = TFGroundingError(f"the worker process died {TRIES} times on this video")
                rows = [result_row(sample, provenance, error=died) for sample in job]
            if (following := next(waiting, None)) is not None:
                submit(pool, device, following, 1)
            yield rows
    finally:
        for pool in pools:
            pool.shutdown(wait=False, cancel_futures=True)


_worker: VideoWorker | None = None  # of a worker process


def _rows_in_process(recipe: Recipe, provenance: dict[str, Any], job: Sequence[Sample]) -> list[Row]:
    global _worker
    _worker = _worker or VideoWorker(recipe, provenance)
    return _worker.rows(job)


class _Progress:
    """A bar over the queries of a run, on stderr."""

    def __init__(self, asked: Dataset, results: Results, show: bool) -> None:
        from tqdm import tqdm

        there = sum(sample.qid in results.rows for sample in asked.samples)
        every_seconds = 0.5 if sys.stderr.isatty() else 30.0
        self._failed = 0
        self._bar = tqdm(
            total=len(asked.samples),
            initial=there,
            unit=" queries",
            desc=asked.name,
            disable=not show,
            mininterval=every_seconds,
            file=sys.stderr,
        )

    def __enter__(self) -> _Progress:
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.close()

    def add(self, rows: Sequence[Row]) -> None:
        self._failed += sum(row["error"] is not None for row in rows)
        if self._failed:
            self._bar.set_postfix(failed=self._failed, refresh=False)
        self._bar.update(len(rows))
