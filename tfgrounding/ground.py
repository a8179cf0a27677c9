"""The only room that wires the stages: frames -> vectors -> curves -> candidates -> moments."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from . import __version__
from .combine import NOTHING, combine
from .encoders.base import Encoder, load_encoder
from .errors import PlanError, TFGroundingError
from .kernels import all_finite, uniform_edges
from .localizers.base import EventCurves, get_localizer
from .planner import Planner, get_planner
from .similarity import similarity_curves
from .types import Grounding, Moment, Plan, VideoFeatures
from .video import iter_frames

Progress = Callable[[float, float], None]  # seconds of the video that are done, seconds in all
KNOWN_TEXTS = 4096  # text vectors kept in memory


class Grounder:
    """Loads its models once and grounds as many queries as it is asked; safe to share between threads.

    Args:
        engine: "curves".
        encoder: name of an encoder, or "auto": the best whose weights are on this machine.
        planner: "auto" (the rules), "rules", the path of a plan file, or a Planner of your own. An LLM plans only
            when it is named.
        localizer: name of a localizer.
        top_k: moments an answer holds at most.
        device: "auto", "cpu", "cuda", "cuda:N" or "mps".
        rate_hz: samples a second.

    Raises:
        TFGroundingError: an engine, encoder, planner, localizer or device that is not known or not available.
    """

    def __init__(
        self,
        *,
        engine: str = "curves",
        encoder: str | Encoder = "auto",
        planner: str | Planner = "auto",
        localizer: str = "default",
        vlm: str | None = None,
        top_k: int = 5,
        device: str = "auto",
        rate_hz: float = 3.0,
    ) -> None:
        if engine != "curves":
            raise TFGroundingError(f"engine {engine!r} is not known; choose curves")
        if top_k < 1:
            raise TFGroundingError(f"top_k must be at least 1, not {top_k}")
        get_localizer(localizer)
        self.planner = get_planner(planner)
        self.engine = engine
        self.localizer = localizer
        self.top_k = top_k
        self.rate_hz = rate_hz
        self.encoder = load_encoder(encoder, device=device) if isinstance(encoder, str) else encoder
        self._model = threading.Lock()
        self._texts: dict[str, np.ndarray] = {}

    def encode_video(self, path: str | Path, *, progress: Progress | None = None) -> VideoFeatures:
        """Decode and encode a video once, so that any number of queries can be asked of it.

        Args:
            path: a video file.
            progress: called with (seconds done, seconds in all) after each chunk of frames.

        Returns:
            VideoFeatures, to be passed to `ground`.

        Raises:
            VideoError: the video is missing, empty, without pictures or undecodable.
        """
        stream = iter_frames(path, rate_hz=self.rate_hz, size=self.encoder.frame_size)
        vectors, pts, instants = [], [], []
        for frames in stream:
            with self._model:
                vectors.append(self.encoder.encode_frames(frames.pixels))
            pts.append(frames.pts_seconds)
            instants.append(frames.sample_seconds)
            if progress is not None:
                progress(float(frames.sample_seconds[-1]), stream.info.duration_seconds)
        return VideoFeatures(
            vectors=np.concatenate(vectors),
            pts_seconds=np.concatenate(pts),
            sample_seconds=np.concatenate(instants),
            info=stream.info,
            encoder=self.encoder.name,
            revision=self.encoder.revision,
            rate_hz=self.rate_hz,
        )

    def ground(self, video: str | Path | VideoFeatures, query: str | Plan, *, top_k: int | None = None) -> Grounding:
        """When does it happen?

        Args:
            video: a path, or what `encode_video` returned.
            query: a sentence, or a ready plan.
            top_k: moments at most; None means the Grounder's own.

        Returns:
            A Grounding whose moments are sorted best first.

        Raises:
            VideoError: the video cannot be read. PlanError: the query is empty.
        """
        plan = query if isinstance(query, Plan) else self.planner.plan(query)
        features = video if isinstance(video, VideoFeatures) else self.encode_video(video)
        if (features.encoder, features.revision) != (self.encoder.name, self.encoder.revision):
            raise TFGroundingError(
                f"the features of {features.info.path} were made by {features.encoder} ({features.revision}), "
                f"but this Grounder speaks {self.encoder.name} ({self.encoder.revision}); encode the video again"
            )
        curves = dict(zip(plan.texts, similarity_curves(features.vectors, self._encode(plan.texts)), strict=True))
        moments = ground_curves(
            curves,
            plan,
            duration_seconds=features.info.duration_seconds,
            pts_seconds=features.sample_seconds,
            floor=self.encoder.floor,
            localizer=self.localizer,
            features=features.vectors.mean(axis=1),
        )
        return Grounding(
            moments=tuple(moments[: self.top_k if top_k is None else top_k]),
            query=plan.query,
            plan=plan,
            video=features.info,
            engine=self.engine,
            encoder=self.encoder.name,
            localizer=self.localizer,
            curve=curves[plan.query],
            curves=curves,
            pts_seconds=features.sample_seconds,
            warnings=(*features.info.warnings, *plan.warnings),
            provenance={
                "tfgrounding": __version__,
                "encoder_revision": self.encoder.revision,
                "rate_hz": features.rate_hz,
            },
        )

    def ground_many(self, samples: Iterable[tuple[str | Path | VideoFeatures, str | Plan]]) -> Iterator[Grounding]:
        """Ground many (video, query) pairs, encoding a video once while pairs of it follow each other."""
        path: str | Path | None = None
        features: VideoFeatures | None = None
        for video, query in samples:
            if isinstance(video, VideoFeatures):
                yield self.ground(video, query)
                continue
            if features is None or video != path:
                path, features = video, self.encode_video(video)
            yield self.ground(features, query)

    def _encode(self, texts: tuple[str, ...]) -> np.ndarray:
        """(N, D) vectors of the texts; those seen before are remembered."""
        with self._model:
            new = [text for text in texts if text not in self._texts]
            if new:
                if len(self._texts) + len(new) > KNOWN_TEXTS:
                    self._texts = {text: self._texts[text] for text in texts if text in self._texts}
                self._texts.update(zip(new, self.encoder.encode_texts(new), strict=True))
            return np.stack([self._texts[text] for text in texts])


@lru_cache(maxsize=2)
def _shared_grounder(**settings: Any) -> Grounder:
    return Grounder(**settings)


def ground(video: str | Path | VideoFeatures, query: str | Plan, **settings: Any) -> Grounding:
    """When does it happen? The one-line form of `Grounder(**settings).ground(video, query)`.

    The models of the last two settings stay loaded. Arguments, result and errors are those of Grounder and of
    Grounder.ground.

    >>> ground("kitchen.mp4", "she pours the milk").moments[0]  # doctest: +SKIP
    """
    return _shared_grounder(**settings).ground(video, query)


def ground_curves(
    curves: Mapping[str, np.ndarray],
    plan: Plan,
    *,
    duration_seconds: float,
    pts_seconds: np.ndarray | None = None,
    floor: float | None = None,
    null_curves: np.ndarray | None = None,
    localizer: str = "default",
    stride_frames: int | None = None,
    longest_frames: int | None = None,
    features: np.ndarray | None = None,
) -> list[Moment]:
    """Rank the moments of a video from ready-made similarity curves.

    Args:
        curves: {text: (T,) float}, one for every text of the plan; cosine similarity of each sample with it.
        plan: what to look for.
        duration_seconds: length of the video, > 0.
        pts_seconds: (T,) increasing times of the samples; None means uniform, sample t at (t + 1/2) / T * duration.
        floor: the cosine below which the encoder's similarity means nothing.
        null_curves: (N, T) curves of texts that have nothing to do with the video.
        localizer: name of the localizer.
        stride_frames, longest_frames: TFVTG's window grid in frames, None for its own default.
        features: (T, D) vectors of the same frames.

    Returns:
        Moments, best first.

    Raises:
        PlanError: a text without a curve, curves of unequal length, or values that are not finite.
        TFGroundingError: no such localizer.
    """
    chosen = get_localizer(localizer)
    relation = plan.relation if plan.sub_events else "single-query"
    table = _table(curves, plan)
    edges = _edges(table.shape[1], float(duration_seconds), pts_seconds)
    _check_grid(stride_frames, longest_frames)
    floor = floor if floor is None else float(floor)
    shared = (edges, pts_seconds is None, relation, floor, null_curves, features, stride_frames, longest_frames)
    row = 1 + len(plan.paraphrases)
    query = EventCurves(table[:row], *shared)
    own = chosen.query_candidates(query)
    combined = NOTHING
    if relation != "single-query":
        events = []
        for sub_event in plan.sub_events:
            rows = len(sub_event.descriptions)
            events.append(chosen.event_candidates(EventCurves(table[row : row + rows], *shared)))
            row += rows
        combined = combine(events, relation, chosen.combination)
    ranked = chosen.rank(query, own, combined)
    return list(map(Moment, ranked.start_seconds.tolist(), ranked.end_seconds.tolist(), ranked.score.tolist()))


def _table(curves: Mapping[str, np.ndarray], plan: Plan) -> np.ndarray:
    """(N, T) float64, checked: the query's curve, its paraphrases', each sub-event's, in the order of the plan."""
    texts = [plan.query, *plan.paraphrases]
    for sub_event in plan.sub_events:
        texts += sub_event.descriptions
    try:
        table = np.array([curves[text] for text in texts], dtype=np.float64)
    except (KeyError, ValueError, TypeError):
        table = np.empty(0)
    if table.ndim != 2 or table.shape[1] == 0 or not all_finite(table):
        raise PlanError(_what_is_wrong(curves, texts))
    return table


def _what_is_wrong(curves: Mapping[str, np.ndarray], texts: list[str]) -> str:
    lengths = {}
    for text in texts:
        if text not in curves:
            return f"there is no curve for the text {text!r} of the plan"
        try:
            curve = np.asarray(curves[text], dtype=np.float64)
        except (ValueError, TypeError):
            return f"the curve of {text!r} must have one number a frame"
        if curve.ndim != 1 or len(curve) == 0:
            return f"the curve of {text!r} must have one value a frame, not shape {curve.shape}"
        if not np.isfinite(curve).all():
            return f"the curve of {text!r} has values that are not finite (NaN or infinite)"
        lengths[len(curve)] = text
    return f"the curves of one video must be equally long, not {sorted(lengths)} frames"


def _check_grid(stride_frames: int | None, longest_frames: int | None) -> None:
    for name, value in (("stride_frames", stride_frames), ("longest_frames", longest_frames)):
        if value is not None and value < 1:
            raise PlanError(f"{name} must be at least 1, not {value}")


def _edges(frames: int, duration_seconds: float, pts_seconds: np.ndarray | None) -> np.ndarray:
    """(T + 1,) borders between the samples: half way between their times, 0 and the duration at the ends."""
    if not 0 < duration_seconds < np.inf:
        raise PlanError(f"duration_seconds must be a positive number, not {duration_seconds}")
    if pts_seconds is None:
        return uniform_edges(frames, duration_seconds)
    pts = np.asarray(pts_seconds, dtype=np.float64)
    if pts.shape != (frames,):
        raise PlanError(f"pts_seconds must have one time for each of the {frames} frames, not shape {pts.shape}")
    if not np.isfinite(pts).all() or (np.diff(pts) <= 0).any() or pts[0] < 0 or pts[-1] >= duration_seconds:
        raise PlanError("pts_seconds must increase from 0 on and stay below the duration")
    return np.concatenate([[0.0], (pts[1:] + pts[:-1]) / 2, [duration_seconds]])
