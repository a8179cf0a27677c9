"""First answers about a long video: rough, said to be, and in the end the same as without them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from conftest import ColourEncoder
from videos import BLUE, RED, make_scenes, make_video, numbered, read_number

from tfgrounding import Grounder, Pictures, iter_frames
from tfgrounding.engines import steps
from tfgrounding.engines.steps import look_around, rough_features, widest_seconds
from tfgrounding.errors import PlanError
from tfgrounding.media import open_source
from tfgrounding.media.glances import Glances
from tfgrounding.tracks.cache import FeatureCache

SECONDS, BLUE_FROM, BLUE_TO = 310.0, 200.0, 212.0


class CountingEncoder(ColourEncoder):
    frames = 0

    def encode_frames(self, pixels: np.ndarray) -> np.ndarray:
        self.frames += len(pixels)
        return super().encode_frames(pixels)


class OverlappingEncoder(ColourEncoder):
    """Mean colours of four frames, of which the next clip has three again."""

    frames_per_vector, stride_frames = 4, 1

    def encode_frames(self, pixels: np.ndarray) -> np.ndarray:
        height, width = pixels.shape[1:3]
        return super().encode_frames(pixels.reshape(-1, 4 * height, width, 3))


@pytest.fixture(scope="module")
def long_video(tmp_path_factory) -> Path:
    scenes = [(BLUE_FROM, RED), (BLUE_TO - BLUE_FROM, BLUE), (SECONDS - BLUE_TO, RED)]
    return make_scenes(tmp_path_factory.mktemp("long") / "long.mp4", scenes, rate_hz=4, options={"g": "32"})


@pytest.fixture(autouse=True)
def time_enough(monkeypatch):
    monkeypatch.setattr(steps, "REFINE_SECONDS", 60.0)


def test_rough_answers_come_first_and_the_last_is_that_of_ground(long_video, tmp_path):
    encoder = CountingEncoder()
    grounder = Grounder(encoder=encoder, cache=tmp_path / "c")
    answers, frames = [], []
    for answer in grounder.ground_in_steps(long_video, "blue"):
        answers.append(answer)
        frames.append(encoder.frames)
    first, closer, last = answers
    for rough in (first, closer):
        assert 0 < rough.provenance["rough"] < 10
        (said,) = (warning for warning in rough.warnings if "a rough answer" in warning)
        assert f"at most {rough.provenance['rough']:.1f} s apart" in said
        best = rough.moments[0]
        assert best.start_seconds == pytest.approx(BLUE_FROM, abs=rough.provenance["rough"])
        assert best.end_seconds == pytest.approx(BLUE_TO, abs=rough.provenance["rough"])
    assert frames[0] < frames[1] < 600 and len(last.pts_seconds) == 930
    assert frames[2] - frames[1] < 930 - 40  # what was made for the second answer is not made again
    assert closer.moments[0].start_seconds == pytest.approx(BLUE_FROM, abs=0.4)
    assert "rough" not in last.provenance and last.warnings == ()
    plain = Grounder(encoder=ColourEncoder(), cache=False).ground(long_video, "blue")
    assert last.to_dict() == plain.to_dict()
    assert len(FeatureCache(tmp_path / "c").entries()) == 1
    assert [answer.to_dict() for answer in grounder.ground_in_steps(long_video, "blue")] == [plain.to_dict()]


def test_a_later_run_uses_what_an_earlier_one_looked_at(long_video, tmp_path):
    encoders = CountingEncoder(), CountingEncoder()
    first, second = (
        next(Grounder(encoder=encoder, cache=tmp_path / "c").ground_in_steps(long_video, "blue"))
        for encoder in encoders
    )
    assert encoders[1].frames <= encoders[0].frames / 2
    assert second.provenance["rough"] <= first.provenance["rough"]


@pytest.mark.parametrize("kind", ["clips", "array", "transport"])
def test_every_kind_of_source_and_encoder_has_steps(kind, tmp_path, monkeypatch):
    monkeypatch.setattr(steps, "LEAST_SAMPLES", 100)
    monkeypatch.setattr(steps, "FIRST_LOOKS", 16)
    scenes = [(30.0, RED), (12.0, BLUE), (30.0, RED)]
    name = "a.ts" if kind == "transport" else "a.mp4"
    source = make_scenes(tmp_path / name, scenes, rate_hz=5, options={"g": "10"})
    if kind == "array":
        colours = np.array([RED, BLUE], dtype=np.uint8)[(np.arange(144) // 24 == 3).astype(int)]
        source = Pictures(np.broadcast_to(colours[:, None, None], (144, 16, 16, 3)).copy(), 2)
    encoder = OverlappingEncoder() if kind == "clips" else ColourEncoder()
    *rough, last = Grounder(encoder=encoder, rate_hz=2, cache=False).ground_in_steps(source, "blue")
    assert len(rough) >= 1 and all(answer.provenance["rough"] < 10 for answer in rough)
    start = 36 if kind == "array" else 30
    for answer in (*rough, last):
        slack = answer.provenance.get("rough", 2.0)
        assert answer.moments[0].start_seconds == pytest.approx(start, abs=slack)
    assert last.to_dict() == Grounder(encoder=encoder, rate_hz=2, cache=False).ground(source, "blue").to_dict()


def test_short_videos_are_answered_at_once(tmp_path):
    source = make_scenes(tmp_path / "a.mp4", [(2.0, RED), (2.0, BLUE)])
    (answer,) = Grounder(encoder=ColourEncoder(), cache=False).ground_in_steps(source, "blue")
    assert "rough" not in answer.provenance
    with pytest.raises(PlanError):
        next(Grounder(encoder=ColourEncoder(), cache=False).ground_in_steps(source, " "))


def test_looks_get_closer_until_their_time_is_over(long_video):
    engine = Grounder(encoder=ColourEncoder(), cache=False).engine
    source = open_source(long_video)
    widest = []
    for work_seconds in (0.0, 100.0):
        parts, encoding = engine.parts(source), engine.encoding(source)
        look_around(encoding, parts, work_seconds=work_seconds)
        features = rough_features(encoding, parts)
        assert (np.diff(features.sample_seconds) > 0).all()
        widest.append(widest_seconds(features))
    assert widest[0] <= 2 * SECONDS / steps.FIRST_LOOKS and widest[1] <= 4.0


@pytest.mark.parametrize("name", ["a.mp4", "b.mkv", "c.ts", "array"])
def test_a_glance_is_the_picture_of_its_time(name, tmp_path):
    if name == "array":
        source = Pictures(np.stack([numbered(k, width=16, height=12) for k in range(200)]), 10.0)
    else:
        source = make_video(tmp_path / name, seconds=20, rate_hz=10, options={"g": "30", "bf": "2"})
    video = open_source(source)
    with Glances(video) as glances:
        for wanted in (0.0, 3.04, 11.17, 19.93):
            exact = glances.at(wanted)
            assert read_number(exact.pixels) == int(wanted * 10) and exact.sample_seconds == wanted
            near = glances.at(wanted, tolerance_seconds=1.6)
            assert abs(near.sample_seconds - wanted) <= 1.6
            assert read_number(near.pixels) == int(near.sample_seconds * 10 + 1e-6)
    with iter_frames(video, rate_hz=1) as stream:
        assert len(next(stream)) == 20
