"""The cascade engine: curves choose clips, a vision LLM says yes or no, P(yes) is read; failures lose nothing."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest
from videos import BLUE, RED, make_scenes

from tfgrounding import Grounder, TFGroundingError
from tfgrounding.engines.cascade import MOST_REQUESTS, CascadeEngine
from tfgrounding.engines.curves import CurvesEngine
from tfgrounding.errors import ModelError
from tfgrounding.llm import RefusedError
from tfgrounding.vision import NoProbabilityError, TooMuchError

TRUTH = (22.0, 29.0)


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A minute, red from 22 to 29 s."""
    path = tmp_path_factory.mktemp("cascade") / "scenes.mp4"
    return str(make_scenes(path, [(22.0, BLUE), (7.0, RED), (31.0, BLUE)], rate_hz=5.0))


@pytest.fixture(scope="module")
def twice(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A minute, red from 10 to 16 s and from 40 to 48 s."""
    path = tmp_path_factory.mktemp("cascade") / "twice.mp4"
    scenes = [(10.0, BLUE), (6.0, RED), (24.0, BLUE), (8.0, RED), (12.0, BLUE)]
    return str(make_scenes(path, scenes, rate_hz=5.0))


def is_red(picture: np.ndarray) -> bool:
    return bool(picture[..., 0].mean() > picture[..., 2].mean())


class Sees:
    """P(yes) is the share of red pictures, or what `says` makes of it; counts what it is sent."""

    name = "sees"

    def __init__(self, says=lambda share: share, *, words: bool = False, most: int = 64) -> None:
        self.says, self.words, self.most = says, words, most
        self.sent: list[int] = []
        self._counting = threading.Lock()

    def capacity(self, pictures):
        return self.most

    def _share(self, parts):
        pictures = [part for part in parts if isinstance(part, np.ndarray)]
        with self._counting:
            self.sent.append(len(pictures))
        return self.says(float(np.mean([is_red(picture) for picture in pictures])))

    def ask(self, parts, *, max_tokens=256):
        share = self._share(parts)
        return "certainly" if share > 0.8 else "perhaps" if share > 0.2 else "certainly not"

    def yes_probability(self, parts):
        if self.words:
            raise NoProbabilityError("no probabilities here")
        return self._share(parts)


class Blind:
    """An encoder for which every picture looks the same: its curves are flat."""

    name, revision, frame_size, floor = "blind", "1", 32, None
    device, warnings = "cpu", ()

    def encode_frames(self, pixels):
        return np.tile(np.float32([1, 0]), (len(pixels), 1, 1))

    def encode_texts(self, texts):
        return np.tile(np.float32([1, 0]), (len(texts), 1))


def ask(vlm, video, encoder, **settings):
    engine = CascadeEngine(vlm, curves=CurvesEngine(encoder=encoder, cache=False), **settings)
    return engine.watch(video).ask("it is red")


def checked(answer, vlm):
    """What holds for every answer."""
    assert answer.provenance["vlm_requests"] <= MOST_REQUESTS
    scores = [moment.score for moment in answer.moments]
    assert scores == sorted(scores, reverse=True)
    assert all(0 <= m.start_seconds < m.end_seconds <= answer.video.duration_seconds for m in answer.moments)
    return answer


def best(answer):
    return answer.moments[0].start_seconds, answer.moments[0].end_seconds


def test_the_moment_is_found_and_its_ends_are_exact(video, colour_encoder) -> None:
    vlm = Sees()
    answer = checked(ask(vlm, video, colour_encoder), vlm)
    assert best(answer) == pytest.approx(TRUTH, abs=0.5)
    assert answer.present > 0.8 and answer.warnings == ()
    assert answer.provenance["vlm_pictures"] == sum(vlm.sent) == 4 * len(vlm.sent)
    assert answer.provenance["clips_asked"] == answer.provenance["vlm_requests"] == len(vlm.sent) < MOST_REQUESTS
    assert answer.raw_answer.count("P(yes)") == len(vlm.sent)


def test_an_event_that_the_curves_do_not_see_is_found_by_its_clips(video) -> None:
    assert best(checked(ask(vlm := Sees(), video, Blind()), vlm)) == pytest.approx(TRUTH, abs=0.7)


def test_every_moment_is_found(twice, colour_encoder) -> None:
    answer = checked(ask(vlm := Sees(), twice, colour_encoder), vlm)
    found = sorted((m.start_seconds, m.end_seconds) for m in answer.moments[:2])
    assert np.allclose(found, [(10.0, 16.0), (40.0, 48.0)], atol=0.7)


@pytest.mark.parametrize("seconds", [1.0, 3.0, 10.0])
def test_short_videos(seconds, tmp_path, colour_encoder) -> None:
    path = make_scenes(tmp_path / "short.mp4", [(seconds / 2, RED), (seconds / 2, BLUE)], rate_hz=10.0)
    answer = checked(ask(vlm := Sees(), str(path), colour_encoder), vlm)
    assert best(answer) == pytest.approx((0, seconds / 2), abs=0.1 * seconds + 0.1)


def test_words_take_the_place_of_probabilities_and_the_answer_says_so(video, colour_encoder) -> None:
    answer = checked(ask(vlm := Sees(words=True), video, colour_encoder), vlm)
    assert best(answer) == pytest.approx(TRUTH, abs=0.7)
    assert any("five words of certainty" in warning for warning in answer.warnings)


def test_where_it_is_not_seen_present_is_low(video, colour_encoder) -> None:
    curves = CurvesEngine(encoder=colour_encoder, cache=False).watch(video).ask("it is red")
    for level, said in ((0.02, "saw it in none of the clips"), (0.5, "point to no moment")):
        answer = ask(Sees(lambda share, level=level: level), video, colour_encoder)
        assert answer.moments == curves.moments
        assert answer.present <= 0.5 and any(said in warning for warning in answer.warnings)
    assert ask(Sees(lambda share: 0.02), video, colour_encoder).present < 0.1


@pytest.mark.parametrize("p", [0.9, 0.999])
@pytest.mark.parametrize("seconds", [6.0, 60.0, 300.0])
def test_what_every_clip_shows_fills_the_video(p, seconds, tmp_path, colour_encoder) -> None:
    path = make_scenes(tmp_path / "red.mp4", [(seconds / 3, RED), (2 * seconds / 3, BLUE)], rate_hz=2.0)
    answer = checked(ask(vlm := Sees(lambda share: p), str(path), colour_encoder), vlm)
    assert best(answer) == pytest.approx((0.0, seconds), abs=0.1)
    assert answer.present == pytest.approx(p)
    assert any("in every clip" in warning for warning in answer.warnings)


def test_replies_of_no_use_are_called_so(video, colour_encoder) -> None:
    class Talks(Sees):
        def ask(self, parts, *, max_tokens=256):
            self._share(parts)
            return "I am certainly not sure"

    answer = ask(Talks(words=True), video, colour_encoder)
    assert any("clips got a reply of no use: the reply is none of" in warning for warning in answer.warnings)
    assert not any("could not be asked" in warning for warning in answer.warnings)


def test_a_failed_clip_does_not_lose_the_others(video, colour_encoder) -> None:
    class Failing(Sees):
        def _share(self, parts):
            share = super()._share(parts)
            if len(self.sent) % 4 == 0:
                raise ModelError("the line is busy")
            return share

    answer = checked(ask(vlm := Failing(), video, colour_encoder), vlm)
    assert best(answer) == pytest.approx(TRUTH, abs=1.0)
    assert any("could not be asked about: the line is busy" in warning for warning in answer.warnings)


def test_where_every_clip_fails_the_curves_answer_stands(video, colour_encoder) -> None:
    def fail(share):
        raise ModelError("out of order")

    curves = CurvesEngine(encoder=colour_encoder, cache=False).watch(video).ask("it is red")
    vlm = Sees(fail)
    answer = ask(vlm, video, colour_encoder)
    assert answer.moments == curves.moments and answer.present == curves.present and answer.engine == "cascade"
    assert "out of order; the moments are those of the curves" in answer.warnings[-1]
    assert len(vlm.sent) <= 12  # the first batch


def test_a_server_that_refuses_for_good_stops_the_run(video, colour_encoder) -> None:
    def fail(share):
        raise RefusedError("the key is wrong")

    vlm = Sees(fail)
    with pytest.raises(RefusedError, match="key is wrong"):
        ask(vlm, video, colour_encoder)
    assert len(vlm.sent) == 1


def test_fewer_frames_where_the_server_takes_no_more(video, colour_encoder) -> None:
    class Small(Sees):
        def _share(self, parts):
            share = super()._share(parts)
            if self.sent[-1] > 2:
                raise TooMuchError("at most 2 images")
            return share

    answer = checked(ask(vlm := Small(), video, colour_encoder, most_requests=20), vlm)
    assert best(answer) == pytest.approx(TRUTH, abs=1.5)
    assert answer.provenance["clips_asked"] <= 20 and vlm.sent[-1] == 2
    answer = ask(vlm := Sees(most=1), video, colour_encoder)
    assert set(vlm.sent) == {1} and best(answer) == pytest.approx(TRUTH, abs=1.5)


def test_clips_are_asked_about_side_by_side(video, colour_encoder) -> None:
    class Slow(Sees):
        concurrency, running, most_running = 4, 0, 0

        def _share(self, parts):
            with self._counting:
                self.running += 1
                self.most_running = max(self.most_running, self.running)
            time.sleep(0.005)
            share = super()._share(parts)
            with self._counting:
                self.running -= 1
            return share

    answer = ask(vlm := Slow(), video, colour_encoder)
    assert vlm.most_running == 4
    assert answer.moments == ask(Sees(), video, colour_encoder).moments


def test_a_budget_of_frames_is_kept(video, colour_encoder) -> None:
    vlm = Sees()
    grounder = Grounder(engine="cascade", vlm=vlm, encoder=colour_encoder, cache=False, budget_frames=40)
    answer = grounder.ground(video, "it is red")
    assert sum(vlm.sent) <= 40 and best(answer) == pytest.approx(TRUTH, abs=2.0)
    assert grounder.encode_video(video).source is not None


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"budget_frames": 7}, "at least 2 clips of 4 frames"),
        ({"most_requests": 1}, "at least 2 clips"),
        ({"clip_seconds": 0.0}, "0.1 to 60 seconds"),
        ({"frames_per_clip": 0}, "1 to 64 frames"),
    ],
)
def test_settings_out_of_range_are_named(settings, says) -> None:
    with pytest.raises(TFGroundingError, match=says):
        CascadeEngine(Sees(), **settings)


def test_features_without_their_video_are_refused(video, colour_encoder) -> None:
    from dataclasses import replace

    curves = CurvesEngine(encoder=colour_encoder, cache=False)
    features = curves.encode(video)
    with pytest.raises(TFGroundingError, match="give it the video"):
        CascadeEngine(Sees(), curves=curves).watch(replace(features, source=None))
    with pytest.raises(TFGroundingError, match="has no curves"):
        CascadeEngine(Sees()).watch(video)
