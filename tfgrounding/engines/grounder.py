"""The only room that wires the stages: frames -> vectors -> curves -> candidates -> moments."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import lru_cache
from typing import Any

import numpy as np

from .. import __version__
from ..encoders.base import Encoder
from ..encoders.load import load_encoder
from ..errors import TFGroundingError
from ..localizers import get_localizer
from ..localizers.ground_curves import ground_curves, sample_edges
from ..localizers.presence import NULL_TEXTS, Presence
from ..media import AnySource, checked_rate, iter_frames
from ..planning.planner import Planner, get_planner
from ..tracks.cache import FeatureCache, rounded
from ..tracks.similarity import similarity_curves
from ..types import Grounding, Plan, VideoFeatures
from ..vision.vlm import VisionModel
from .hybrid import HybridEngine
from .naming import get_watcher
from .numpro import NumProEngine

Progress = Callable[[float, float], None]  # seconds of the video that are done, seconds in all
KNOWN_TEXTS = 4096  # text vectors kept in memory
CHUNK_FRAMES = 16  # encoded at a time: few, so that encoding begins soon after decoding does


class Grounder:
    """Loads its models once and grounds as many queries as it is asked; safe to share between threads.

    Args:
        engine: "curves"; "numpro", where a vision LLM reads numbers drawn on the frames; "hybrid", where it corrects
            the best moments that the curves propose; or a NumProEngine or HybridEngine with settings of your own.
        encoder: name of an encoder (see `load_encoder`), "auto": the best whose weights are on this machine, or an
            Encoder of your own.
        planner: "auto" (the rules), "rules", the path of a plan file, or a Planner of your own. An LLM plans only
            when it is named.
        localizer: name of a localizer.
        vlm: the vision LLM of "numpro" and "hybrid", as `load_vlm` reads it, or a VisionModel. It has no default:
            frames leave this machine only where a server is named.
        top_k: moments an answer holds at most.
        device: "auto", "cpu", "cuda", "cuda:N" or "mps".
        rate_hz: samples a second; None means 3 for curves and 1 for "numpro".
        cache: where features are kept for the next time: True for the usual folder (see `FeatureCache`), a folder, or
            False to keep nothing.

    Raises:
        TFGroundingError: an engine, encoder, planner, localizer or device that is not known or not available.
    """

    def __init__(
        self,
        *,
        engine: str | NumProEngine | HybridEngine = "curves",
        encoder: str | Encoder = "auto",
        planner: str | Planner = "auto",
        localizer: str = "default",
        vlm: str | VisionModel | None = None,
        top_k: int = 5,
        device: str = "auto",
        rate_hz: float | None = None,
        cache: bool | str | os.PathLike[str] = True,
    ) -> None:
        self._watcher = get_watcher(engine, vlm, rate_hz=rate_hz, device=device)
        if top_k < 1:
            raise TFGroundingError(f"top_k must be at least 1, not {top_k}")
        get_localizer(localizer)
        self.planner = get_planner(planner)
        self.engine = self._watcher.name if self._watcher else "curves"
        self.localizer = localizer
        self.top_k = top_k
        self.rate_hz = checked_rate(3.0 if rate_hz is None else rate_hz)
        if self.engine != "numpro":
            self.encoder = load_encoder(encoder, device=device) if isinstance(encoder, str) else encoder
        self._model = threading.Lock()
        self._texts: dict[str, np.ndarray] = {}
        self._latest_null: tuple[VideoFeatures, np.ndarray, Presence] | None = None
        self._cache = FeatureCache(None if cache is True else cache) if cache is not False else None

    def encode_video(self, path: AnySource, *, progress: Progress | None = None) -> VideoFeatures:
        """Decode and encode a video once, so that any number of queries can be asked of it.

        A video whose content was encoded before, by the same encoder at the same rate, comes from the cache.

        Args:
            path: a video file, or Pictures.
            progress: called with (seconds done, seconds in all) after each chunk of frames.

        Returns:
            VideoFeatures, to be passed to `ground`.

        Raises:
            VideoError: the video is missing, empty, without pictures or undecodable.
        """
        if self.engine == "numpro":
            raise TFGroundingError("the numpro engine looks at the pictures themselves: give `ground` the video's path")
        if self._cache is None:
            return self._encode_video(path, progress)
        made_by = {
            "encoder": self.encoder.name,
            "revision": self.encoder.revision,
            "rate_hz": self.rate_hz,
            "size": np.ravel(self.encoder.frame_size).tolist(),
        }
        features = self._cache.features(path, lambda: self._encode_video(path, progress), **made_by)
        if progress is not None:
            progress(features.info.duration_seconds, features.info.duration_seconds)
        return features

    def _encode_video(self, path: AnySource, progress: Progress | None) -> VideoFeatures:
        """Encode each chunk of frames while the next ones are being decoded."""
        vectors, pts, instants = [], [], []
        with iter_frames(path, rate_hz=self.rate_hz, size=self.encoder.frame_size, chunk_frames=CHUNK_FRAMES) as stream:
            for frames in stream:
                with self._model:
                    vectors.append(rounded(self.encoder.encode_frames(frames.pixels)))  # (T, Q, D)
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

    def ground(
        self,
        video: AnySource | VideoFeatures,
        query: str | Plan,
        *,
        top_k: int | None = None,
        stride_frames: int | None = None,
        longest_frames: int | None = None,
    ) -> Grounding:
        """When does it happen?

        Args:
            video: a path, Pictures, or what `encode_video` returned.
            query: a sentence, or a ready plan.
            top_k: moments at most; None means the Grounder's own.
            stride_frames, longest_frames: TFVTG's window grid in frames, None for the localizer's own default.

        Returns:
            A Grounding whose moments are sorted best first.

        Raises:
            VideoError: the video cannot be read. PlanError: the query is empty. ModelError: the vision LLM of "numpro"
                could not be asked.
        """
        most = self.top_k if top_k is None else top_k
        source = video.info.path if isinstance(video, VideoFeatures) else video
        if isinstance(self._watcher, NumProEngine):
            return self._watch(self._watcher, source, query if isinstance(query, Plan) else Plan(query), most)
        plan = query if isinstance(query, Plan) else self.planner.plan(query)
        features = video if isinstance(video, VideoFeatures) else self.encode_video(video)
        if (features.encoder, features.revision) != (self.encoder.name, self.encoder.revision):
            raise TFGroundingError(
                f"the features of {features.info.path} were made by {features.encoder} ({features.revision}), "
                f"but this Grounder speaks {self.encoder.name} ({self.encoder.revision}); encode the video again"
            )
        curves = dict(zip(plan.texts, similarity_curves(features.vectors, self._encode(plan.texts)), strict=True))
        null_curves, presence = self._nulls(features)
        moments = ground_curves(
            curves,
            plan,
            duration_seconds=features.info.duration_seconds,
            pts_seconds=features.sample_seconds,
            floor=self.encoder.floor,
            null_curves=null_curves,
            localizer=self.localizer,
            stride_frames=stride_frames,
            longest_frames=longest_frames,
            features=features.frame_vectors,
        )
        answer = Grounding(
            moments=tuple(moments),
            query=plan.query,
            plan=plan,
            video=features.info,
            engine=self.engine,
            encoder=self.encoder.name,
            localizer=self.localizer,
            curve=curves[plan.query],
            curves=curves,
            pts_seconds=features.sample_seconds,
            present=presence.probability(np.mean([curves[text] for text in (plan.query, *plan.paraphrases)], axis=0)),
            warnings=(*features.info.warnings, *plan.warnings),
            provenance={
                "tfgrounding": __version__,
                "encoder_revision": self.encoder.revision,
                "rate_hz": features.rate_hz,
            },
        )
        if isinstance(self._watcher, HybridEngine):
            answer = self._watcher.corrected(source, answer)
        return replace(answer, moments=answer.moments[:most])

    def _watch(self, watcher: NumProEngine, video: AnySource, plan: Plan, most: int) -> Grounding:
        """The second engine's answer."""
        watched = watcher.ground(video, plan.query)
        moments = list(watched.moments)
        if watched.localize:
            moments = ground_curves(
                {plan.query: watched.curve},
                Plan(plan.query),
                duration_seconds=watched.info.duration_seconds,
                pts_seconds=watched.sample_seconds,
                localizer=self.localizer,
            )
        return Grounding(
            moments=tuple(moments[:most]),
            query=plan.query,
            plan=plan,
            video=watched.info,
            engine=self.engine,
            encoder="none",
            localizer=self.localizer if watched.localize else "none",
            curve=watched.curve,
            pts_seconds=watched.sample_seconds,
            warnings=watched.warnings,
            raw_answer=watched.raw_answer,
            provenance={
                "tfgrounding": __version__,
                "vlm": watcher.vlm.name,
                "view": watcher.view.name,
                "frames_shown": watched.frames_shown,
            },
        )

    def ground_many(self, samples: Iterable[tuple[AnySource | VideoFeatures, str | Plan]]) -> Iterator[Grounding]:
        """Ground many (video, query) pairs, encoding a video once while pairs of it follow each other."""
        path: AnySource | None = None
        features: VideoFeatures | None = None
        for video, query in samples:
            if isinstance(video, VideoFeatures) or self.engine == "numpro":
                yield self.ground(video, query)
                continue
            if features is None or video != path:
                path, features = video, self.encode_video(video)
            yield self.ground(features, query)

    def _nulls(self, features: VideoFeatures) -> tuple[np.ndarray, Presence]:
        """(N, T) curves of texts that have nothing to do with the video, and what they tell; the latest are kept."""
        remembered = self._latest_null
        if remembered is None or remembered[0] is not features:
            null_curves = similarity_curves(features.vectors, self._encode(NULL_TEXTS))
            edges = sample_edges(len(features), features.info.duration_seconds, features.sample_seconds)
            remembered = self._latest_null = features, null_curves, Presence(null_curves, edges)
        return remembered[1:]

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


def ground(video: AnySource | VideoFeatures, query: str | Plan, **settings: Any) -> Grounding:
    """When does it happen? The one-line form of `Grounder(**settings).ground(video, query)`.

    The models of the last two settings stay loaded. Arguments, result and errors are those of Grounder and of
    Grounder.ground.

    >>> ground("kitchen.mp4", "she pours the milk").moments[0]  # doctest: +SKIP
    """
    return _shared_grounder(**settings).ground(video, query)
