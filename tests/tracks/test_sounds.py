"""What is heard is a row of vectors, each for the stretch of time that it was made from."""

from __future__ import annotations

import numpy as np
import pytest
from sounds import make_sounding, tone
from tiny_clap import save_clap
from videos import make_video

from tfgrounding.encoders.clap import load_sounds
from tfgrounding.engines.curves import CurvesEngine
from tfgrounding.tracks.cache import FeatureCache
from tfgrounding.tracks.sounds import sound_features


class Loudness:
    """An encoder for sound that knows loud and quiet."""

    name, revision, rate_hz, frame_size, floor = "loudness", "1", 8_000, 8, 0.5

    def __init__(self):
        self.lengths = []

    def encode_sounds(self, sounds):
        self.lengths.append(sounds.shape[1])
        loud = np.sqrt((sounds**2).mean(axis=1)) > 0.01
        return np.stack([loud, ~loud], axis=1).astype(np.float32)[:, None, :]

    def encode_texts(self, texts):
        return np.array([["loud" in text, "quiet" in text] for text in texts], dtype=np.float32) + 1e-3

    def encode_frames(self, pixels):
        raise AssertionError("it knows no pictures")


@pytest.fixture
def video(tmp_path):
    """100 s, loud from 60 to 70."""
    return make_sounding(tmp_path / "a.mkv", [(60.0, tone(10, rate_hz=8_000))], seconds=101, rate_hz=8_000)


def test_each_vector_belongs_to_its_stretch(video):
    encoder = Loudness()
    features = sound_features(video, encoder)
    assert set(encoder.lengths) == {4 * 8_000}
    assert features.vectors.shape == (51, 1, 2)
    assert np.array_equal(features.edges_seconds, [*np.arange(0, 101, 2), 101])
    loud = np.flatnonzero(features.vectors[:, 0, 0])
    assert (features.edges_seconds[loud[0]], features.edges_seconds[loud[-1] + 1]) == (58, 72)  # half a window around


def test_they_are_kept_and_found_again(video, tmp_path):
    cache = FeatureCache(tmp_path / "cache")
    first = sound_features(video, Loudness(), cache=cache)
    encoder = Loudness()
    again = sound_features(video, encoder, cache=FeatureCache(tmp_path / "cache"))
    assert not encoder.lengths and np.array_equal(first.vectors, again.vectors)
    assert np.array_equal(first.edges_seconds, again.edges_seconds)


def test_the_engine_of_curves_takes_them(video):
    engine = CurvesEngine(encoder=Loudness(), planner="rules", cache=False)
    answer = engine.watch(sound_features(video, engine.encoder)).ask("a loud noise")
    best = answer.spans[0]
    assert 57 <= best.start_seconds <= 62 and 68 <= best.end_seconds <= 73


def test_a_video_without_sound_has_none(tmp_path):
    assert sound_features(make_video(tmp_path / "a.mp4", seconds=1), Loudness()) is None


def test_a_real_model_makes_them(tmp_path, video):
    encoder = load_sounds(str(save_clap(tmp_path / "clap")), device="cpu")
    vectors = sound_features(video, encoder).vectors[:, 0]
    assert vectors.shape == (51, 24) and np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-2)
    assert not np.allclose(vectors[32], vectors[0], atol=1e-3)
