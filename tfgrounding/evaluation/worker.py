"""From the samples of one video to its rows of results: what every process of a batch run does, wherever it runs."""

from __future__ import annotations

import hashlib
import logging
import platform
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

from .. import __version__
from ..answer import Answer
from ..encoders.base import Encoder
from ..engines.grounder import Grounder, Progress
from ..errors import DatasetError, TFGroundingError
from ..llm.chat import RefusedError
from ..llm.prompting import prompt_names, prompts
from ..media.frames import probe
from ..planning.planner import LLMPlanner, StoredPlanner, get_planner
from ..tracks.stored import StoredTexts, read_features
from ..types import Plan, VideoFeatures
from .datasets.base import Dataset, Sample
from .files import FEATURE_ENDINGS, VIDEO_ENDINGS, VideoFiles
from .results import Row

logger = logging.getLogger(__name__)

CLIP_SECONDS = 2.0  # QVHighlights' saliency has one value for every two seconds
PACKAGES = ("av", "numba", "numpy", "torch", "transformers")


@dataclass(frozen=True, slots=True)
class Recipe:
    """Everything that decides the numbers of a run, small enough to send to other processes.

    `videos`, `features`: folders with a file for each video; features take the place of decoding and encoding.
    `text_features`: a file for `StoredTexts`, in place of an encoder. `planner`: a planner's name, or "none" to search
    by the bare query. `plans`: a file of stored plans; what it does not hold is planned by rule, with a warning.
    `stride_frames`, `longest_share`: TFVTG's window grid, the latter as a share of the video's samples. The others are
    `Grounder`'s.
    """

    videos: str | None = None
    features: str | None = None
    text_features: str | None = None
    engine: str = "curves"
    encoder: str | Encoder = "auto"
    planner: str = "auto"
    plans: str | None = None
    localizer: str = "default"
    vlm: str | None = None
    top_k: int = 10
    rate_hz: float | None = None
    device: str = "auto"
    stride_frames: int | None = None
    longest_share: float | None = None

    def __post_init__(self) -> None:
        if self.videos is None and self.features is None:
            raise DatasetError(
                "there is nothing to look at: give a folder of videos (--videos) or features (--features)"
            )
        if self.features is not None and self.engine != "curves":
            raise DatasetError(f"the {self.engine} engine looks at pictures, so it needs videos, not --features")
        if self.plans is not None and self.planner != "auto":
            raise DatasetError(f"plans are either stored (--plans) or made by the planner {self.planner}, not both")

    def for_dataset(self, dataset: Dataset) -> Recipe:
        """This recipe with the window grid that TFVTG's authors use for a data set, where none was chosen."""
        return replace(
            self,
            stride_frames=self.stride_frames or dataset.stride_frames,
            longest_share=self.longest_share or dataset.longest_share,
        )

    def provenance(self, dataset: Dataset) -> dict[str, Any]:
        """What can be said of a run before any model is loaded; rows of other settings never share a file with it."""
        return {
            "tfgrounding": __version__,
            "python": platform.python_version(),
            **{name: _installed(name) for name in PACKAGES},
            "dataset": dataset.name,
            "annotations_sha256": _digest(*dataset.files),
            "engine": self.engine,
            "localizer": self.localizer,
            "planner": self.planner if self.plans is None else "stored",
            "plans_sha256": None if self.plans is None else _digest(self.plans),
            "prompts": {
                name: prompts(name).digest
                for name in prompt_names()
                if (name.startswith("plan.") and self.planner == "llm") or self.engine != "curves"
            },
            "vlm": self.vlm,
            "looked_at": "videos" if self.features is None else "features",
            "rate_hz": self.rate_hz if self.features is None else None,
            "top_k": self.top_k,
            "stride_frames": self.stride_frames,
            "longest_share": self.longest_share,
        }


@dataclass(frozen=True, slots=True)
class Seen:
    """A video as a Grounder takes it: its features, or its path where the engine looks at the pictures itself."""

    video: VideoFeatures | str
    duration_seconds: float
    frames: int | None = None


class VideoWorker:
    """Holds the models of a run; one in every process, for as many videos as there are.

    Args:
        recipe: what decides the numbers.
        provenance: what every row shall say of the run, as `Recipe.provenance` returns it.

    Raises:
        TFGroundingError: a folder, encoder, planner, localizer or device that is not there.
    """

    def __init__(self, recipe: Recipe, provenance: dict[str, Any]) -> None:
        self.recipe = recipe
        self._videos = None if recipe.videos is None else VideoFiles(recipe.videos, VIDEO_ENDINGS)
        self._features = None if recipe.features is None else VideoFiles(recipe.features, FEATURE_ENDINGS)
        stored = None if recipe.text_features is None else StoredTexts(recipe.text_features)
        self.grounder = Grounder(
            engine=recipe.engine,
            encoder=recipe.encoder if stored is None else stored,
            localizer=recipe.localizer,
            vlm=recipe.vlm,
            top_k=recipe.top_k,
            device=recipe.device,
            rate_hz=recipe.rate_hz,
        )
        self._planner = get_planner("rules" if recipe.planner == "none" else recipe.planner, stored=recipe.plans)
        self.provenance = {**provenance, "planner_model": None, "encoder": "none"}
        if isinstance(self._planner, LLMPlanner):
            self.provenance["planner_model"] = self._planner.client.model
        if recipe.engine != "numpro":
            encoder = self.grounder.encoder
            self.provenance.update(encoder=encoder.name, encoder_revision=encoder.revision, floor=encoder.floor)

    def look_at(self, video: str, duration_seconds: float | None, progress: Progress | None = None) -> Seen:
        """A video, ready to be asked: features read where they are stored, else decoded and encoded.

        Args:
            video: its name in the annotations.
            duration_seconds: as annotated; None where the annotations do not tell.
            progress: called now and then while encoding; what it raises ends the encoding.
        """
        if self._features is None:
            assert self._videos is not None
            path = self._videos.find(video)
            if self.recipe.engine == "numpro":
                return Seen(path, probe(path).duration_seconds)
            features = self.grounder.encode_video(path, progress=progress)
        else:
            if duration_seconds is None:
                if self._videos is None:
                    raise DatasetError(
                        f"features of {video} without a duration: take annotations that have one, or add --videos"
                    )
                duration_seconds = probe(self._videos.find(video)).duration_seconds
            features = read_features(
                self._features.find(video),
                duration_seconds=duration_seconds,
                encoder=self.grounder.encoder.name,
                revision=self.grounder.encoder.revision,
            )
        return Seen(features, features.info.duration_seconds, len(features))

    def rows(self, samples: Sequence[Sample], look: Callable[[], Seen] | None = None) -> list[Row]:
        """One row for each sample of one video; what failed is a row with its error.

        Args:
            samples: all about the same video.
            look: where the video comes from when it is being looked at elsewhere already.

        Raises:
            RefusedError: the language model's server refuses the key or does not know the model.
        """
        began = time.perf_counter()
        try:
            seen = look() if look else self.look_at(samples[0].video, samples[0].duration_seconds)
        except Exception as error:
            return [result_row(sample, self.provenance, error=error) for sample in samples]
        looked_seconds = time.perf_counter() - began
        return [self._answer(sample, seen, looked_seconds) for sample in samples]

    def _answer(self, sample: Sample, seen: Seen, looked_seconds: float) -> Row:
        began = time.perf_counter()
        share = self.recipe.longest_share
        try:
            answer = self.grounder.ground(
                seen.video,
                self._plan(sample),
                stride_frames=None if seen.frames is None else self.recipe.stride_frames,
                longest_frames=None if share is None or seen.frames is None else max(1, int(seen.frames * share)),
            )
        except RefusedError:
            raise
        except Exception as error:
            return result_row(sample, self.provenance, duration_seconds=seen.duration_seconds, error=error)
        row = result_row(sample, self.provenance, duration_seconds=seen.duration_seconds, answer=answer)
        row["timing"] = {
            "look_seconds": round(looked_seconds, 4),
            "ground_seconds": round(time.perf_counter() - began, 4),
        }
        return row

    def _plan(self, sample: Sample) -> Plan:
        if sample.plan is not None:
            return sample.plan
        if self.recipe.planner == "none" or self.recipe.engine == "numpro":
            return Plan(sample.query)
        if isinstance(self._planner, StoredPlanner):
            return self._planner.plan(sample.query, video=sample.video)
        return self._planner.plan(sample.query)


def result_row(
    sample: Sample,
    provenance: dict[str, Any],
    *,
    duration_seconds: float | None = None,
    answer: Answer | None = None,
    error: Exception | None = None,
) -> Row:
    """A row of results under QVHighlights' names, with the truth and the provenance beside the answer.

    Args:
        sample: what was asked.
        provenance: what the run says of itself.
        duration_seconds: the video's length as found, used where the annotations do not tell.
        answer: what was found, or None.
        error: why nothing could be found, or None.
    """
    if error is not None and not isinstance(error, TFGroundingError):
        logger.error("%s: %s", sample.where, error, exc_info=error)
    length = sample.duration_seconds or duration_seconds
    row: Row = {
        "qid": sample.qid,
        "query": sample.query,
        "vid": sample.video,
        "pred_relevant_windows": [],
        "relevant_windows": [list(truth) for truth in sample.truths],
        "duration": length,
        "relation": sample.relation or (answer.plan.relation if answer else ""),
        "present": None,
        "plan_source": None,
        "warnings": [],
        "error": None if error is None else f"{type(error).__name__}: {error}",
        "timing": {},
        "provenance": provenance,
    }
    if answer is not None:
        row["pred_relevant_windows"] = [[m.start_seconds, m.end_seconds, m.score] for m in answer.moments]
        row["present"] = answer.present
        row["plan_source"] = answer.plan.source or None
        row["warnings"] = list(answer.warnings)
        row["provenance"] = {**answer.provenance, **provenance}
        if sample.saliency and length:
            row["pred_saliency_scores"] = clip_scores(answer.curve, answer.pts_seconds, int(length / CLIP_SECONDS))
    return row


def clip_scores(curve: np.ndarray, pts_seconds: np.ndarray, clips: int) -> list[float]:
    """The mean of a (T,) curve over every two seconds; a clip without a sample takes what lies between its neighbours.

    Returns:
        `clips` numbers, QVHighlights' pred_saliency_scores.
    """
    values = np.asarray(curve, dtype=np.float64)
    clip = np.minimum((np.asarray(pts_seconds) / CLIP_SECONDS).astype(np.int64), max(clips - 1, 0))
    counts = np.bincount(clip, minlength=clips)[:clips]
    sums = np.bincount(clip, weights=values, minlength=clips)[:clips]
    seen = np.flatnonzero(counts)
    if len(seen) == 0:
        return [0.0] * clips
    return [float(v) for v in np.interp(np.arange(clips), seen, sums[seen] / counts[seen])]


def _installed(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _digest(*files: str | Path) -> str:
    digest = hashlib.sha256()
    for file in files:
        digest.update(Path(file).read_bytes())
    return digest.hexdigest()
