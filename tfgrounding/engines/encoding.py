"""From a video to its features, batch by batch: what was made before is not made again, in whatever order it was."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from math import inf, nextafter

import numpy as np

from ..encoders.base import (
    Encoder,
    batch_frames,
    encoded_frames,
    frames_per_vector,
    grouped,
    stride_frames,
    vectors_together,
)
from ..errors import EncoderError
from ..media.frames import FrameStream, chunk_frames_of, iter_frames
from ..tracks.feature_parts import Batch, FeatureParts
from ..types import Progress, Source, VideoFeatures, VideoInfo

CHUNK_FRAMES = 16  # decoded at a time at least: few, so that encoding begins soon after decoding does


def clips_of(encoder: Encoder) -> dict[str, int]:
    """How an encoder of clips cuts a video, by name; empty for an encoder of frames."""
    together = frames_per_vector(encoder)
    return {} if together == 1 else {"frames_per_vector": together, "stride_frames": stride_frames(encoder)}


@dataclass(frozen=True, eq=False)
class Encoding:
    """How one video becomes features: batch b has the vectors from b * batch_vectors on, whenever it is made.

    Args:
        source: the video.
        encoder: its encoder.
        rate_hz: samples a second.
        lock: held while the encoder works.
    """

    source: Source
    encoder: Encoder
    rate_hz: float
    lock: threading.Lock
    chunk_frames: int = field(init=False)  # that are decoded and encoded at once
    batch_vectors: int = field(init=False)

    def __post_init__(self) -> None:
        wanted = max(CHUNK_FRAMES, batch_frames(self.encoder))
        chunk_frames = chunk_frames_of(self.source.info, self.encoder.frame_size, wanted)
        object.__setattr__(self, "chunk_frames", chunk_frames)
        object.__setattr__(self, "batch_vectors", vectors_together(frames_per_vector(self.encoder), chunk_frames))

    @property
    def batch_seconds(self) -> float:
        """From the start of one batch to the start of the next one."""
        return self.batch_vectors * stride_frames(self.encoder) / self.rate_hz

    def whole(self, parts: FeatureParts, progress: Progress | None = None) -> VideoFeatures:
        """The features of the whole video, the same whatever is made already.

        Args:
            parts: what is made already, which grows.
            progress: called with (seconds done, seconds in all): at once where something is done, then after each
                batch; what it raises ends the work.

        Raises:
            VideoError: the video cannot be read. EncoderError: the encoder fails.
        """
        rest: list[Batch] = []  # the last ones, which are no full batches

        def take(_: Batch, info: VideoInfo) -> None:
            if progress is not None:
                done = len(parts) * self.batch_seconds
                done += sum(map(len, rest)) * self.batch_seconds / self.batch_vectors
                progress(min(done, info.duration_seconds), info.duration_seconds)

        if progress is not None and len(parts):
            seconds = self.source.info.duration_seconds
            progress(min(len(parts) * self.batch_seconds, seconds), seconds)
        known, first = list(parts), 0
        for number in known:
            if number > first and not self.stretch(first, number - 1, parts, take):
                break  # damaged: then all from there on is read in one go, so that the damage is seen as a whole
            first = number + 1
        parts.forget_from(first)
        with self._stream(first, None) as stream:
            self._read(stream, first, parts, rest, take)
        batches = [*(parts[number] for number in parts), *rest]
        notes = tuple(note for batch in batches for note in batch.notes)
        info = replace(stream.info, warnings=tuple(dict.fromkeys((*stream.info.warnings, *notes))))
        return self.features(batches, info)

    def stretch(
        self,
        first: int,
        last: int,
        parts: FeatureParts,
        take: Callable[[Batch, VideoInfo], None] = lambda batch, info: None,
    ) -> bool:
        """Make the batches from `first` to `last`. Whether all was found there, and nothing damaged.

        Args:
            first, last: their numbers.
            parts: what they are added to, as far as nothing is damaged.
            take: called after each batch; what it raises ends the work.

        Raises:
            As `whole`.
        """
        with self._stream(first, last) as stream:
            self._read(stream, first, parts, [], take, until_damaged=True)
        return stream.is_intact and all(number in parts for number in range(first, last + 1))

    def features(self, batches: Iterable[Batch], info: VideoInfo) -> VideoFeatures:
        """Features of batches in order of time."""
        batches = list(batches)
        vectors = np.empty((sum(map(len, batches)), *batches[0].vectors.shape[1:]), dtype=np.float32)
        at = 0
        for batch in batches:
            if batch.vectors.shape[1:] != vectors.shape[1:]:
                self._differ(vectors.shape[1:], batch.vectors.shape[1:])
            vectors[at : at + len(batch)] = batch.vectors
            at += len(batch)
        return VideoFeatures(
            vectors=vectors,
            pts_seconds=np.concatenate([batch.pts_seconds for batch in batches]),
            sample_seconds=np.concatenate([batch.sample_seconds for batch in batches]),
            info=info,
            encoder=self.encoder.name,
            revision=self.encoder.revision,
            rate_hz=self.rate_hz,
            source=self.source,
        )

    def encoded(self, pixels: np.ndarray) -> np.ndarray:
        """(V, Q, D) float16 unit vectors of (T, H, W, 3) frames. Raises EncoderError."""
        with self.lock:
            return encoded_frames(self.encoder, pixels).astype(np.float16)

    def _stream(self, first: int, last: int | None) -> FrameStream:
        """The frames of the batches from `first` to `last`, None for the end of the video."""
        stride, together = stride_frames(self.encoder), frames_per_vector(self.encoder)
        frame = first * self.batch_vectors * stride
        end = None
        if last is not None:
            end = (((last + 1) * self.batch_vectors - 1) * stride + together) / self.rate_hz
        return iter_frames(
            self.source,
            rate_hz=self.rate_hz,
            size=self.encoder.frame_size,
            chunk_frames=self.chunk_frames,
            # Just after the sample before: the picture that is on screen then is there, even if it is the last one.
            start_seconds=nextafter((frame - 0.5) / self.rate_hz, inf) if frame else 0.0,
            end_seconds=end,
        )

    def _read(
        self,
        stream: FrameStream,
        first: int,
        parts: FeatureParts,
        rest: list[Batch],
        take: Callable[[Batch, VideoInfo], None],
        *,
        until_damaged: bool = False,
    ) -> None:
        """Encode each group of frames while the next ones are being decoded."""
        shape = next((parts[number].vectors.shape[1:] for number in parts), None)
        groups = grouped(stream, frames_per_vector(self.encoder), stride_frames(self.encoder), self.chunk_frames)
        for number, group in enumerate(groups, start=first):
            batch = Batch(self.encoded(group.pixels), group.pts_seconds, group.sample_seconds, stream.notes)
            shape = shape or batch.vectors.shape[1:]
            if batch.vectors.shape[1:] != shape:
                self._differ(shape, batch.vectors.shape[1:])
            if until_damaged and not (stream.is_intact and group.is_full):
                return
            if group.is_full:
                parts.add(number, batch, is_lasting=stream.is_intact)
            else:
                rest.append(batch)
            take(batch, stream.info)

    def _differ(self, one: tuple[int, ...], other: tuple[int, ...]) -> None:
        raise EncoderError(
            f"encoder {self.encoder.name}: encode_frames returned vectors of shape {one}, then of {other}; they must "
            "stay the same"
        )
