"""First answers about a long video: from pictures far apart, then with the best places looked at closely."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

import numpy as np

from ..encoders.base import frames_per_vector
from ..errors import VideoError
from ..media.frames import iter_frames
from ..media.glances import Glances
from ..tracks.feature_parts import Batch, FeatureParts, runs
from ..types import Moment, Plan, Source, VideoFeatures
from .curves import CurvesEngine
from .encoding import Encoding
from .watched_curves import WatchedCurves

LEAST_SAMPLES = 900  # of a video for which first answers are worth their work: five minutes, three times a second
FIRST_LOOKS = 64
LOOK_SECONDS = 20.0  # of work, in which pictures are looked at ever closer together
CLOSEST_SAMPLES = 4  # between two looks: where they would be closer, all samples are taken instead
LOOKS_TOGETHER = 16
LOOKS_OF_ONE_PASS = 128  # at a video that has to be read from its beginning
REFINE_SECONDS = 10.0  # of work on the best places
BEST_MOMENTS = 3  # whose surroundings are looked at closely
LONGEST_SECONDS = 30.0  # of a moment that is looked at as a whole; of a longer one both ends are


def first_steps(
    engine: CurvesEngine, source: Source, parts: FeatureParts, queries: Sequence[str | Plan]
) -> Iterator[WatchedCurves]:
    """What answers queries before the whole video is encoded: twice, the second time better.

    Nothing comes for a video that is encoded already, or soon will be.

    Args:
        engine: encodes and answers.
        source: the video.
        parts: what is made already; what is made here is added.
        queries: what is asked; their best places are looked at closely.

    Raises:
        VideoError: the video cannot be read.
    """
    if source.info.duration_seconds * engine.rate_hz < LEAST_SAMPLES or engine.kept(source) is not None:
        return
    encoding = engine.encoding(source)
    look_around(encoding, parts)
    if not len(parts) and (parts.looks is None or not len(parts.looks)):
        return  # nothing could be decoded: encoding the whole says why
    watched = _watched(engine, encoding, parts)
    yield watched
    if _refine(encoding, parts, [m for query in queries for m in watched.ask(query, top_k=BEST_MOMENTS).moments]):
        yield _watched(engine, encoding, parts)
    parts.keep()


def look_around(encoding: Encoding, parts: FeatureParts, *, work_seconds: float = LOOK_SECONDS) -> None:
    """Look at pictures all over the video, at first far apart, then at those half way between.

    Args:
        encoding: of the video.
        parts: what is encoded there already is not looked at; the looks are kept in them.
        work_seconds: no closer looks are begun that would take longer than this in all.
    """
    began = time.monotonic()
    duration = encoding.source.info.duration_seconds
    looks, count, made = parts.looks, FIRST_LOOKS, 0
    with Glances(encoding.source, size=encoding.encoder.frame_size) as glances:
        if not glances.can_jump:
            if looks is None:
                parts.keep_looks(_in_one_pass(encoding))
            return
        while duration / count * encoding.rate_hz >= CLOSEST_SAMPLES:
            apart = duration / count
            wanted = np.arange(count) * apart
            wanted = wanted[~_is_known(wanted, encoding, parts) & ~_is_near(wanted, looks, apart / 2)]
            spent = time.monotonic() - began
            if made and spent + spent / made * len(wanted) > work_seconds:
                break
            for at in range(0, len(wanted), LOOKS_TOGETHER):
                seen = _look(encoding, glances, wanted[at : at + LOOKS_TOGETHER], apart / 2)
                looks, made = _merged(looks, seen), made + LOOKS_TOGETHER
            count *= 2
    if made and looks is not None:
        parts.keep_looks(looks)


def _look(encoding: Encoding, glances: Glances, wanted: np.ndarray, tolerance_seconds: float) -> Batch:
    """Vectors of what is on screen near the wanted times."""
    together = frames_per_vector(encoding.encoder)
    pixels, pts, instants = [], [], []
    for seconds in wanted:
        try:
            if together == 1:
                glance = glances.at(float(seconds), tolerance_seconds=tolerance_seconds)
                pixels.append(glance.pixels[None])
                pts.append(glance.pts_seconds)
                instants.append(glance.sample_seconds)
                continue
            clip = _clip(encoding, float(seconds), together)
        except VideoError:
            continue  # encoding the whole says what is damaged
        if clip is not None:
            pixels.append(clip[0])
            pts.append(clip[1])
            instants.append(clip[2])
    vectors = encoding.encoded(np.concatenate(pixels)) if pixels else np.empty((0, 1, 1), dtype=np.float16)
    return Batch(vectors, np.array(pts), np.array(instants))


def _clip(encoding: Encoding, seconds: float, together: int) -> tuple[np.ndarray, float, float] | None:
    """The frames from a time on that make one vector, when the first came on screen, and their mean time."""
    end = seconds + together / encoding.rate_hz
    size = encoding.encoder.frame_size
    with iter_frames(
        encoding.source,
        rate_hz=encoding.rate_hz,
        size=size,
        chunk_frames=together,
        start_seconds=seconds,
        end_seconds=end,
    ) as stream:
        for frames in stream:
            if len(frames) == together:
                return frames.pixels, float(frames.pts_seconds[0]), float(frames.sample_seconds.mean())
    return None


def _in_one_pass(encoding: Encoding) -> Batch:
    """Looks at even distances at a video in which one cannot jump; clips are made of one picture."""
    together = frames_per_vector(encoding.encoder)
    rate_hz = LOOKS_OF_ONE_PASS / encoding.source.info.duration_seconds
    looks: Batch | None = None
    with iter_frames(encoding.source, rate_hz=rate_hz, size=encoding.encoder.frame_size, chunk_frames=16) as stream:
        for frames in stream:
            vectors = encoding.encoded(np.repeat(frames.pixels, together, axis=0))
            looks = _merged(looks, Batch(vectors, frames.pts_seconds, frames.sample_seconds))
    assert looks is not None  # a video without pictures is an error above
    return looks


def _refine(encoding: Encoding, parts: FeatureParts, moments: Iterable[Moment]) -> bool:
    """Encode the surroundings of moments, or of their ends, at the full rate. Whether anything was new."""
    began, before = time.monotonic(), len(parts)
    apart = widest_seconds(rough_features(encoding, parts))
    for moment in moments:
        ends = (moment.start_seconds, moment.end_seconds)
        stretches = [ends] if ends[1] - ends[0] <= LONGEST_SECONDS else [(ends[0], ends[0]), (ends[1], ends[1])]
        for start, end in stretches:
            first, last = (int(max(0.0, at) / encoding.batch_seconds) for at in (start - apart, end + apart))
            for numbers in runs([number for number in range(first, last + 1) if number not in parts]):
                for number in numbers:
                    if time.monotonic() - began > REFINE_SECONDS:
                        return len(parts) > before
                    if not encoding.stretch(number, number, parts):
                        break
    return len(parts) > before


def rough_features(encoding: Encoding, parts: FeatureParts) -> VideoFeatures:
    """What is known of the video so far: batches at the full rate, and single looks between them."""
    batches = [parts[number] for number in parts]
    looks = parts.looks
    if looks is not None and len(looks):
        outside = ~_is_known(looks.sample_seconds, encoding, parts)
        batches.append(_chosen(looks, outside))
    features = encoding.features([batch for batch in batches if len(batch)], encoding.source.info)
    order = np.argsort(features.sample_seconds, kind="stable")
    order = order[np.diff(features.sample_seconds[order], prepend=-1.0) > 0]
    order = order[features.sample_seconds[order] < features.info.duration_seconds]
    return replace(
        features,
        vectors=features.vectors[order],
        pts_seconds=features.pts_seconds[order],
        sample_seconds=features.sample_seconds[order],
        rate_hz=len(order) / features.info.duration_seconds,
    )


def widest_seconds(features: VideoFeatures) -> float:
    """The longest time in which the video was not looked at."""
    edges = np.concatenate([[0.0], features.sample_seconds, [features.info.duration_seconds]])
    return float(np.diff(edges).max())


def _watched(engine: CurvesEngine, encoding: Encoding, parts: FeatureParts) -> WatchedCurves:
    features = rough_features(encoding, parts)
    apart = widest_seconds(features)
    warning = (
        f"a rough answer: {len(features)} pictures were looked at so far, at most {apart:.1f} s apart; times may be "
        "wrong by as much, and what is shorter may be missing"
    )
    info = replace(features.info, warnings=(*features.info.warnings, warning))
    return WatchedCurves(engine, replace(features, info=info), rough_seconds=apart)


def _is_known(seconds: np.ndarray, encoding: Encoding, parts: FeatureParts) -> np.ndarray:
    """(N,) whether times lie in batches that are made."""
    return np.isin((seconds / encoding.batch_seconds).astype(np.int64), list(parts))


def _is_near(seconds: np.ndarray, looks: Batch | None, distance_seconds: float) -> np.ndarray:
    """(N,) whether there was a look that near to each time."""
    if looks is None or not len(looks):
        return np.zeros(len(seconds), dtype=bool)
    return np.abs(seconds[:, None] - looks.sample_seconds).min(axis=1) < distance_seconds


def _merged(looks: Batch | None, more: Batch) -> Batch:
    """Both in order of time, none twice."""
    both = [batch for batch in (looks, more) if batch is not None and len(batch)]
    if not both:
        return more
    joined = Batch(
        np.concatenate([batch.vectors for batch in both]),
        np.concatenate([batch.pts_seconds for batch in both]),
        np.concatenate([batch.sample_seconds for batch in both]),
    )
    _, first = np.unique(joined.sample_seconds, return_index=True)
    return _chosen(joined, first)


def _chosen(batch: Batch, which: np.ndarray) -> Batch:
    return Batch(batch.vectors[which], batch.pts_seconds[which], batch.sample_seconds[which])
