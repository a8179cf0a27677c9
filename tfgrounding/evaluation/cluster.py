"""The same run on many machines: Ray Data, one row a video, one worker an actor."""

from __future__ import annotations

import json
import logging
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from ..errors import TFGroundingError
from ..llm.connection import RefusedError
from .datasets import Sample
from .recipe import Recipe
from .results import Row
from .worker import VideoWorker, result_row

TRIES = 3  # of a video whose actor died


def run_on_ray(
    jobs: Sequence[Sequence[Sample]],
    recipe: Recipe,
    provenance: dict[str, Any],
    *,
    address: str | None = None,
    workers: int | None = None,
) -> Iterator[list[Row]]:
    """Rows of every video as they are ready, in no particular order.

    Each video is one row of a Ray data set; an actor holds a `VideoWorker`. Ray restarts an actor that dies and gives
    its videos to it again, up to TRIES times; it gives actors no more videos than they can take (back-pressure).
    Folders and files must have the same paths on every machine.

    Args:
        jobs: the samples of each video.
        recipe, provenance: as for `VideoWorker`.
        address: a Ray cluster, "auto" for the one this machine belongs to, None to start one here.
        workers: actors; None means one for each GPU, or for each two CPUs where there is none.

    Raises:
        TFGroundingError: Ray is not installed or reachable, or the recipe cannot be carried out.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    try:
        import ray
        import ray.data
    except ImportError as error:
        raise TFGroundingError("--cluster ray needs Ray: pip install 'tfgrounding[ray]'") from error
    ours = not ray.is_initialized()
    if ours:
        try:
            ray.init(address=address, include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR)
        except (ConnectionError, ValueError, RuntimeError) as error:
            raise TFGroundingError(f"no Ray cluster could be reached or started: {error}") from error
    have = ray.cluster_resources()
    gpus = int(have.get("GPU", 0))
    workers = workers or gpus or max(1, int(have.get("CPU", 1)) // 2)
    ray.data.DataContext.get_current().enable_progress_bars = False
    tries = ray.remote(num_cpus=0)(_Tries).remote()
    videos = ray.data.from_items([{"video": number} for number in range(len(jobs))], override_num_blocks=len(jobs))
    answered = videos.map_batches(
        _Actor,
        fn_constructor_args=(ray.put(list(jobs)), tries, recipe, provenance),
        batch_size=1,
        compute=ray.data.ActorPoolStrategy(size=min(workers, len(jobs)), max_tasks_in_flight_per_actor=2),
        num_gpus=1 if gpus else 0,
        num_cpus=0 if gpus else 1,
    )
    try:
        for batch in answered.iter_batches(batch_size=1, batch_format="numpy", prefetch_batches=0):
            for text in batch["rows"]:
                rows = json.loads(str(text))
                if isinstance(rows, str):
                    raise TFGroundingError(rows)
                yield rows
    finally:
        if ours:
            ray.shutdown()


class _Tries:
    """Counts how often each video was begun: Ray would give one that kills its actor to the next for ever."""

    def __init__(self) -> None:
        self._begun: Counter[int] = Counter()

    def begin(self, number: int) -> int:
        self._begun[number] += 1
        return self._begun[number]


class _Actor:
    """Loads its models with its first video, so that what is wrong with the recipe comes back as an answer."""

    def __init__(self, jobs: Any, tries: Any, recipe: Recipe, provenance: dict[str, Any]) -> None:
        import ray

        self._jobs: list[Sequence[Sample]] = ray.get(jobs)
        self._tries, self._recipe, self._provenance = tries, recipe, provenance
        self._worker: VideoWorker | None = None

    def __call__(self, batch: dict[str, Any]) -> dict[str, list[str]]:
        try:
            self._worker = self._worker or VideoWorker(self._recipe, self._provenance)
        except TFGroundingError as error:
            return {"rows": [json.dumps(str(error))] * len(batch["video"])}
        try:
            return {"rows": [json.dumps(self._rows(self._worker, int(number))) for number in batch["video"]]}
        except RefusedError as error:  # a key that is refused now is refused for every video
            return {"rows": [json.dumps(str(error))] * len(batch["video"])}

    def _rows(self, worker: VideoWorker, number: int) -> list[Row]:
        import ray

        if ray.get(self._tries.begin.remote(number)) > TRIES:
            died = TFGroundingError(f"the actor died {TRIES} times on this video")
            return [result_row(sample, worker.provenance, error=died) for sample in self._jobs[number]]
        return worker.rows(self._jobs[number])
