"""From the samples of one video to its rows of results: what every process of a batch run does, wherever it runs."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

from ..answer import Answer
from ..encoders import load_sentences
from ..engines.base import Watched
from ..engines.grounder import Grounder
from ..engines.texts import TextsEngine
from ..errors import DatasetError, TFGroundingError
from ..llm.connection import RefusedError
from ..media import open_source, probe
from ..planning.planner import LLMPlanner, StoredPlanner, get_planner
from ..planning.plans import planned
from ..registry import named_failures
from ..tracks.saliency import clip_saliency
from ..tracks.stored import StoredTexts, read_features
from ..types import Moment, Plan, Progress, VideoFeatures
from .captions import Captions
from .datasets import Sample
from .files import FEATURE_SUFFIXES, VideoFiles
from .recipe import Recipe
from .results import Row

logger = logging.getLogger(__name__)

LONGEST_ERROR = 2000  # characters of a foreign error's text that a row keeps
MOST_EVIDENCE, LONGEST_EVIDENCE = 6, 300  # pieces and characters of each
ANOTHER_CUT = "the annotated times may be those of another cut"


@dataclass(frozen=True, slots=True)
class Looked:
    """A video that can be asked. `seconds`: its length as found, None where only the annotations give it."""

    watched: Watched
    seconds: float | None
    warnings: tuple[str, ...] = ()


class VideoWorker:
    """Holds the models of a run; one in every process, for as many videos as there are.

    Args:
        recipe: what decides the numbers.
        provenance: what every row says of the run, as `Recipe.provenance` returns it.

    Raises:
        TFGroundingError: a folder, encoder, planner, localizer or device that is not there.
    """

    def __init__(self, recipe: Recipe, provenance: dict[str, Any]) -> None:
        self.recipe = recipe
        self._videos = (
            None if recipe.videos is None else VideoFiles(recipe.videos, picture_rate_hz=recipe.picture_rate_hz)
        )
        self._features = None if recipe.features is None else VideoFiles(recipe.features, FEATURE_SUFFIXES)
        self._captions = None if recipe.captions is None else Captions(recipe.captions)
        encoder = recipe.encoder
        if recipe.text_features is not None:
            encoder = StoredTexts(recipe.text_features)
        elif recipe.captions is not None:
            encoder = load_sentences(encoder, device=recipe.device)
        self._texts: TextsEngine | None = None
        if recipe.captions is not None:
            self._texts = TextsEngine(
                encoder=encoder,
                localizer=recipe.localizer,
                device=recipe.device,
                dtype=recipe.dtype,
                most_overlap=1.0,
            )
        self.grounder = Grounder(
            engine=recipe.engine if self._texts is None else self._texts,
            encoder=encoder,
            localizer=recipe.localizer,
            vlm=recipe.vision_model(),
            view=recipe.view,
            budget_frames=recipe.budget_frames,
            top_k=recipe.top_k,
            device=recipe.device,
            dtype=recipe.dtype,
            rate_hz=recipe.rate_hz,
            most_overlap=1.0,
            tracks=recipe.tracks,
            sentences=recipe.sentences,
            language=recipe.language,
        )
        engine = self.grounder.engine
        if self._features is not None and self._videos is None and self.grounder.curves is not engine:
            raise DatasetError(f"the {engine.name} engine looks at pictures too: add --videos to --features")
        self._planner = get_planner("rules" if recipe.planner == "none" else recipe.planner, stored=recipe.plans)
        of_planner = {
            "planner_model": self._planner.client.model if isinstance(self._planner, LLMPlanner) else None,
        }
        with named_failures(engine, f"engine {engine.name}: provenance failed"):
            of_engine = dict(json.loads(json.dumps(engine.provenance())))
        self.provenance = {"encoder": "none", **of_engine, **of_planner, **provenance}
        if self._features is not None or self._captions is not None:
            self.provenance["rate_hz"] = None  # each video has its own

    def look_at(self, video: str, duration_seconds: float | None, progress: Progress | None = None) -> Looked:
        """A video, ready to be asked: features or captions read where they are stored, else decoded and encoded.

        Args:
            video: its name in the annotations.
            duration_seconds: as annotated; None where the annotations do not say.
            progress: called now and then while encoding; what it raises ends the encoding.
        """
        if self._captions is not None and self._texts is not None:
            if duration_seconds is None:
                raise DatasetError(f"captions of {video} without a duration: take annotations that have one")
            texts = self._captions.find(video)
            features = self._texts.features(texts, duration_seconds=duration_seconds, name=video)
            return Looked(self.grounder.watch(features, progress=progress), None)
        if self._features is not None:
            features, seconds = self._stored(self._features, video, duration_seconds)
            watched = self.grounder.watch(features, progress=progress)
            return Looked(watched, seconds, self._features.doubts(video))
        assert self._videos is not None
        watched = self.grounder.watch(self._videos.find(video), progress=progress)
        return Looked(watched, watched.info.duration_seconds, self._videos.doubts(video))

    def _stored(
        self, files: VideoFiles, video: str, duration_seconds: float | None
    ) -> tuple[VideoFeatures, float | None]:
        """Features made elsewhere, and the length of their video where it could be looked up."""
        source = seconds = None
        if self._videos is not None and (duration_seconds is None or self.grounder.curves is not self.grounder.engine):
            source = open_source(self._videos.find(video))
            seconds = probe(source).duration_seconds
        length = duration_seconds if duration_seconds is not None else seconds
        if length is None:
            raise DatasetError(
                f"features of {video} without a duration: take annotations that have one, or add --videos"
            )
        encoder = self.grounder.encoder
        features = read_features(
            str(files.find(video)), duration_seconds=length, encoder=encoder.name, revision=encoder.revision
        )
        return replace(features, source=source), seconds

    def rows(self, samples: Sequence[Sample], look: Callable[[], Looked] | None = None) -> list[Row]:
        """One row for each sample of one video; what failed is a row with its error.

        Args:
            samples: all about the same video.
            look: where the video comes from when it is being looked at elsewhere already.

        Raises:
            RefusedError: the language model's server refuses the key or does not have the model.
        """
        began = time.perf_counter()
        try:
            looked = look() if look else self.look_at(samples[0].video, samples[0].duration_seconds)
        except RefusedError:
            raise
        except Exception as error:  # a file may make any library fail in any way
            return [result_row(sample, self.provenance, error=error) for sample in samples]
        looked_seconds = time.perf_counter() - began
        return [self._answer(sample, looked, looked_seconds) for sample in samples]

    def _answer(self, sample: Sample, looked: Looked, looked_seconds: float) -> Row:
        began = time.perf_counter()
        try:
            answer = self._ask(sample, looked.watched)
            row = result_row(sample, self.provenance, looked=looked, answer=answer)
            json.dumps(row)
        except RefusedError:
            raise
        except Exception as error:
            return result_row(sample, self.provenance, looked=looked, error=error)
        row["timing"] = {
            "look_seconds": round(looked_seconds, 4),
            "ground_seconds": round(time.perf_counter() - began, 4),
        }
        return row

    def _ask(self, sample: Sample, watched: Any) -> Answer:
        if self.grounder.curves is None:  # then windows are of no use, and plans only to words
            of_words = self.recipe.tracks != "shown"
            plan = self._plan(sample) if of_words else sample.plan or Plan(sample.query)
            return watched.ask(plan, top_k=self.recipe.top_k)
        share = self.recipe.longest_share
        return watched.ask(
            self._plan(sample),
            top_k=self.recipe.top_k,
            stride_frames=self.recipe.stride_frames,
            longest_frames=None if share is None else max(1, int(watched.samples * share)),
        )

    def _plan(self, sample: Sample) -> Plan:
        plan = self._planned(sample)
        if not self.recipe.rephrasings or not sample.rephrasings:
            return plan
        return replace(plan, paraphrases=tuple(dict.fromkeys((*plan.paraphrases, *sample.rephrasings))))

    def _planned(self, sample: Sample) -> Plan:
        if sample.plan is not None:
            return sample.plan
        if self.recipe.planner == "none":
            return Plan(sample.query)
        if isinstance(self._planner, StoredPlanner):
            return self._planner.plan(sample.query, video=sample.video)
        return planned(self._planner, sample.query)


def result_row(
    sample: Sample,
    provenance: dict[str, Any],
    *,
    looked: Looked | None = None,
    answer: Answer | None = None,
    error: Exception | None = None,
) -> Row:
    """A row of results under QVHighlights' names, with the truth, the answer and the provenance.

    Args:
        sample: what was asked.
        provenance: what the run says of itself.
        looked: the video, or None where it could not be read.
        answer: what was found, or None.
        error: why nothing could be found, or None.
    """
    if error is not None and not isinstance(error, TFGroundingError):
        logger.debug("%s: %s", sample.where, type(error).__name__, exc_info=error)
    found_seconds = None if looked is None else looked.seconds
    length = sample.duration_seconds or found_seconds
    row: Row = {
        "qid": sample.qid,
        "query": sample.query,
        "vid": sample.video,
        "pred_relevant_windows": [],
        "relevant_windows": [list(truth) for truth in sample.truths],
        "duration": length,
        "video_duration": found_seconds,
        "relation": sample.relation or (answer.plan.relation if answer else ""),
        "present": None,
        "plan": None,
        "warnings": [],
        "error": None if error is None else f"{type(error).__name__}: {error}"[:LONGEST_ERROR],
        "timing": {},
        "provenance": provenance,
    }
    if looked is not None:
        row["warnings"] = list(looked.warnings)
        if sample.duration_seconds and found_seconds and lengths_differ(sample.duration_seconds, found_seconds):
            row["warnings"].append(
                f"the video is {found_seconds:.1f} s long, its annotation says {sample.duration_seconds:.1f} s: "
                + ANOTHER_CUT
            )
    if answer is not None:
        row["pred_relevant_windows"] = [[m.start_seconds, m.end_seconds, m.score] for m in answer.moments]
        if any(evidence.text for moment in answer.moments[:1] for evidence in moment.evidence):
            row["pred_evidence"] = _evidence(answer.moments[0])
        row["present"] = answer.present
        row["plan"] = answer.plan.to_dict()
        row["warnings"] += answer.warnings
        row["answer_provenance"] = {key: answer.provenance[key] for key in answer.provenance if key not in provenance}
        if length and (sample.saliency or not sample.truths):
            row["pred_saliency_scores"] = _saliency(looked, answer, length)
    return row


def _evidence(moment: Moment) -> list[dict[str, Any]]:
    """The words that speak for the best moment, for people who read the rows: the beginning of them."""
    return [
        {**asdict(evidence), "text": evidence.text[:LONGEST_EVIDENCE]} for evidence in moment.evidence[:MOST_EVIDENCE]
    ]


def _saliency(looked: Looked | None, answer: Answer, length_seconds: float) -> list[float]:
    """For every two seconds; from the query's curve alone where the engine does not say more."""
    said = getattr(None if looked is None else looked.watched, "saliency", None)
    if said is None:
        return clip_saliency(answer.curve, answer.pts_seconds, length_seconds)
    return said(answer, length_seconds)


def lengths_differ(annotated_seconds: float, found_seconds: float) -> bool:
    """Whether a video is much longer or shorter than its annotation: by more than a second and a tenth."""
    return abs(found_seconds - annotated_seconds) > max(1.0, 0.1 * annotated_seconds)
