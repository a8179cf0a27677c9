"""What is heard in a video: a vector for each stretch of its sound."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from ..encoders.clap import ClapEncoder
from ..media import AnySource, VideoFile, open_source
from ..media.mono import read_mono
from ..media.sound import SoundDamage, has_sound
from ..types import Progress, VideoFeatures
from .cache import FeatureCache, rounded

HOP_SECONDS = 2.0  # from one stretch to the next
WINDOW_SECONDS = 4.0  # that are listened to for a stretch, which lies in their middle
BATCH_WINDOWS = 32

_listening = threading.Lock()


def sound_features(
    source: AnySource, encoder: ClapEncoder, *, cache: FeatureCache | None = None, progress: Progress | None = None
) -> VideoFeatures | None:
    """A unit vector for every HOP_SECONDS of a video's sound, as `CurvesEngine` with the same encoder takes them.

    Args:
        source: the video.
        encoder: for sound; see `load_sounds`.
        cache: where the vectors are found again; None keeps nothing.
        progress: called with the seconds that are done, and all.

    Returns:
        Features of T stretches: vectors (T, 1, D), `edges_seconds` (T + 1,) from 0 to the video's end. None where the
        video has no sound.

    Raises:
        VideoError: the video cannot be read.
        EncoderError: the encoder fails.
    """
    source = open_source(source)
    if not isinstance(source, VideoFile) or not has_sound(source):
        return None
    file = source

    def make() -> VideoFeatures:
        return _encoded(file, encoder, progress)

    made_by = {
        "encoder": encoder.name,
        "revision": encoder.revision,
        "rate_hz": 1 / HOP_SECONDS,
        "window_seconds": WINDOW_SECONDS,
    }
    features = make() if cache is None else cache.features(file, make, **made_by)
    if progress is not None:
        progress(features.info.duration_seconds, features.info.duration_seconds)
    edges = np.append(features.pts_seconds, features.info.duration_seconds)
    return replace(features, edges_seconds=edges)


def _encoded(file: VideoFile, encoder: ClapEncoder, progress: Progress | None) -> VideoFeatures:
    info = file.info
    damage = SoundDamage()
    starts = np.arange(0.0, info.duration_seconds, HOP_SECONDS)
    vectors: list[np.ndarray] = []
    done = 0
    for windows in _windows(file, encoder.rate_hz, len(starts), damage):
        with _listening:
            vectors.append(rounded(encoder.encode_sounds(windows)))
        done += len(windows)
        if progress is not None:
            progress(min(done * HOP_SECONDS, info.duration_seconds), info.duration_seconds)
    if damage.packets or damage.ended_early:
        info = replace(info, warnings=(*info.warnings, "the sound is damaged; silence stands for what is missing"))
    ends = np.append(starts[1:], info.duration_seconds)
    return VideoFeatures(
        vectors=np.concatenate(vectors),
        pts_seconds=starts,
        sample_seconds=(starts + ends) / 2,
        info=info,
        encoder=encoder.name,
        revision=encoder.revision,
        rate_hz=1 / HOP_SECONDS,
        source=file,
    )


def _windows(file: VideoFile, rate_hz: int, count: int, damage: SoundDamage) -> Iterator[np.ndarray]:
    """(V, N) float32: window t, of WINDOW_SECONDS, has its middle in the middle of stretch t; V <= BATCH_WINDOWS."""
    hop, window = round(HOP_SECONDS * rate_hz), round(WINDOW_SECONDS * rate_hz)
    waiting = np.zeros((window - hop) // 2, dtype=np.float32)  # before the video there is silence
    blocks = read_mono(file, rate_hz=rate_hz, damage=damage)
    while count > 0:
        some = min(count, BATCH_WINDOWS)
        needed = (some - 1) * hop + window
        parts = [waiting]
        length = len(waiting)
        while length < needed:
            block = next(blocks, None)
            block = np.zeros(needed - length, dtype=np.float32) if block is None else block
            parts.append(block)
            length += len(block)
        samples = np.concatenate(parts)
        yield np.lib.stride_tricks.sliding_window_view(samples[:needed], window)[::hop]
        waiting = samples[some * hop :]
        count -= some
