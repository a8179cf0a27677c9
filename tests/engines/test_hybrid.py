"""The hybrid engine: corrects what the curves propose, and is no worse than either engine when the other one fails."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from test_numpro import Watcher, is_red, red_numbers
from videos import BLUE, RED, make_scenes

from tfgrounding import Answer, Grounder, Moment, Plan, TFGroundingError
from tfgrounding.engines import looking
from tfgrounding.engines.hybrid import BUDGET_FRAMES, HybridEngine
from tfgrounding.engines.looks import weights_of
from tfgrounding.engines.posterior import Posterior, Seen
from tfgrounding.errors import ModelError
from tfgrounding.llm import RefusedError
from tfgrounding.media import open_source
from tfgrounding.vision import TooMuchError
from tfgrounding.vision.views import FrameNumbers

TRUTH = (22.0, 29.0)


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A minute, red from 22 to 29 s."""
    path = tmp_path_factory.mktemp("hybrid") / "scenes.mp4"
    return str(make_scenes(path, [(22.0, BLUE), (7.0, RED), (31.0, BLUE)], rate_hz=5.0))


def iou(moment: Moment, truth: tuple[float, float] = TRUTH) -> float:
    shared = max(0.0, min(moment.end_seconds, truth[1]) - max(moment.start_seconds, truth[0]))
    return shared / (moment.end_seconds - moment.start_seconds + truth[1] - truth[0] - shared)


ROUGH = [Moment(20.0, 26.0, 0.9), Moment(40.0, 44.0, 0.5), Moment(5.0, 8.0, 0.3)]
WRONG = [Moment(48.0, 55.0, 0.9), Moment(40.0, 44.0, 0.5), Moment(5.0, 8.0, 0.3), Moment(1.0, 2.0, 0.2)]


def proposed(video: str, proposals: list[Moment]) -> Answer:
    """An answer of the curves engine with these moments."""
    source, query, nothing = open_source(video), "it is red", np.empty(0)
    plan = Plan(query)
    return Answer(proposals, query, plan, source.info, "curves", "e", "l", nothing, nothing, source=source)


def correct(see: Callable, proposals: list[Moment], video: str, **settings):
    watcher = Watcher(see)
    settings = {"view": FrameNumbers(frame_side=48), **settings}
    corrected = HybridEngine(watcher, **settings).corrected(proposed(video, proposals))
    assert corrected.provenance["frames_shown"] == sum(watcher.sent)
    assert corrected.provenance["frames_shown"] <= settings.get("budget_frames", BUDGET_FRAMES)
    scores = [moment.score for moment in corrected.moments]
    assert scores == sorted(scores, reverse=True)
    assert all(0 <= m.start_seconds < m.end_seconds <= 60.1 for m in corrected.moments)
    return corrected


def test_a_rough_proposal_gets_its_true_start_and_end(video: str) -> None:
    corrected = correct(red_numbers, ROUGH, video)
    best = corrected.moments[0]
    assert (best.start_seconds, best.end_seconds) == pytest.approx(TRUTH, abs=0.5)
    assert len(corrected.moments) == len(ROUGH)


def test_what_the_model_does_not_see_steps_behind_what_it_sees(video: str) -> None:
    best = correct(red_numbers, [WRONG[0], ROUGH[0], WRONG[1]], video).moments[0]
    assert iou(best) > 0.85


def test_a_moment_that_reaches_beyond_what_was_shown_is_followed(video: str) -> None:
    best = correct(red_numbers, [Moment(22.5, 23.0, 0.9)], video).moments[0]
    assert (best.start_seconds, best.end_seconds) == pytest.approx(TRUTH, abs=1.0)


def test_proposals_that_are_corrected_to_one_moment_become_one(video: str) -> None:
    corrected = correct(red_numbers, [Moment(21.0, 26.0, 0.9), Moment(24.0, 31.0, 0.8), Moment(50.0, 52.0, 0.1)], video)
    assert [iou(moment) > 0.7 for moment in corrected.moments] == [True, False]


def test_a_request_never_holds_more_pictures_than_the_model_takes(video: str) -> None:
    watcher = Watcher(red_numbers, most_pictures=6)
    engine = HybridEngine(watcher, view=FrameNumbers(frame_side=48))
    best = engine.corrected(proposed(video, ROUGH)).moments[0]
    assert max(watcher.sent) <= 6
    assert iou(best) > 0.6


def refuse(texts: list[str], pictures: list[np.ndarray]) -> str:
    raise ModelError("out of order")


def parrot(texts: list[str], pictures: list[np.ndarray]) -> str:
    return "from frame 3 to frame 9"


def nod(texts: list[str], pictures: list[np.ndarray]) -> str:
    first, last = re.search(r"run from (\d+) to (\d+)", texts[-1]).groups()
    return f"from frame {first} to frame {last}"


@pytest.mark.parametrize(
    "see",
    [refuse, parrot, nod, lambda texts, pictures: "none", lambda texts, pictures: "What a lovely video!"],
    ids=["fails", "parrots", "nods", "sees nothing", "babbles"],
)
def test_where_the_vision_model_fails_the_curves_answer_stands(see: Callable, video: str) -> None:
    assert [(m.start_seconds, m.end_seconds) for m in correct(see, ROUGH, video).moments] == [
        (m.start_seconds, m.end_seconds) for m in ROUGH
    ]


def test_a_failure_is_said(video: str) -> None:
    for see, why in ((refuse, "out of order"), (lambda texts, pictures: "What a lovely video!", "could not be used")):
        warnings = correct(see, ROUGH, video).warnings
        assert why in warnings[0]
        assert warnings[-1] == "no look succeeded: the moments are those of the curves alone"
    assert not any("no look succeeded" in warning for warning in correct(red_numbers, ROUGH, video).warnings)


def test_a_model_that_guesses_does_little_harm(video: str) -> None:
    """Random replies rarely agree with each other: on average the answer stays about as good as the curves'."""
    rng = np.random.default_rng(0)

    def guess(texts: list[str], pictures: list[np.ndarray]) -> str:
        first, last = map(int, re.search(r"run from (\d+) to (\d+)", texts[-1]).groups())
        a, b = sorted(rng.integers(first, last + 1, 2))
        return f"from frame {a} to frame {b}"

    proposals = [Moment(22.5, 29.5, 0.9), *ROUGH[1:]]
    best = [iou(correct(guess, proposals, video, most_proposals=1).moments[0]) for _ in range(40)]
    assert np.mean(best) > iou(proposals[0]) - 0.15


@pytest.mark.parametrize("proposals", [WRONG, [], [Moment(0.0, 1.0, 0.1)], [Moment(50.0, 60.0, 0.1)]])
def test_where_the_curves_fail_it_is_as_good_as_the_vision_model_alone(proposals: list[Moment], video: str) -> None:
    corrected = correct(red_numbers, proposals, video)
    assert iou(corrected.moments[0]) > 0.9
    assert len(corrected.moments) == len(proposals) + 1


@pytest.mark.parametrize("budget", [48, 64, 100, 256])
def test_the_budget_is_kept_even_by_a_model_that_must_be_asked_twice(budget: int, video: str) -> None:
    for see in (lambda texts, pictures: "Hm?", red_numbers, nod, lambda texts, pictures: "none"):
        correct(see, WRONG, video, budget_frames=budget)


@pytest.mark.parametrize(
    "settings", [{"budget_frames": 10}, {"most_proposals": 0}, {"view": "clip-yes-no"}, {"view": "clock"}]
)
def test_impossible_settings_are_refused(settings: dict) -> None:
    with pytest.raises(TFGroundingError):
        HybridEngine(Watcher(red_numbers), **settings)


def test_through_the_grounder_it_is_at_least_as_good_as_the_curves(video: str, colour_encoder) -> None:
    query = "it is red"
    curves = Grounder(encoder=colour_encoder).ground(video, query)
    hybrid = Grounder(engine="hybrid", encoder=colour_encoder, vlm=Watcher(red_numbers)).ground(video, query)
    assert hybrid.engine == "hybrid"
    assert hybrid.raw_answer
    assert hybrid.provenance["frames_shown"] > 0
    assert iou(hybrid.moments[0]) >= iou(curves.moments[0]) - 0.05
    assert iou(hybrid.moments[0]) > 0.85


def test_through_the_grounder_a_blind_encoder_is_rescued(video: str, colour_encoder) -> None:
    colour_encoder.encode_texts = lambda texts: np.tile([[0.6, 0.0, 0.8]], (len(texts), 1)).astype(np.float32)
    grounder = Grounder(engine="hybrid", encoder=colour_encoder, localizer="max-sum", vlm=Watcher(red_numbers))
    assert iou(grounder.ground(video, "it is red").moments[0]) > 0.85


def test_the_watcher_of_these_tests_sees_colours() -> None:
    assert is_red(np.full((8, 8, 3), RED, np.uint8))
    assert not is_red(np.full((8, 8, 3), BLUE, np.uint8))


def test_looks_become_finer_and_do_not_go_on_once_the_answer_is_certain(video: str) -> None:
    corrected = correct(red_numbers, [Moment(23.0, 28.0, 0.9)], video)
    assert corrected.provenance["vlm_requests"] < 7
    assert iou(corrected.moments[0]) > 0.95


def test_nothing_is_decoded_between_the_parts_of_a_look(video: str, monkeypatch: pytest.MonkeyPatch) -> None:
    looked: list[float] = []
    real = looking.iter_frames

    def counted(source, *, start_seconds=0.0, end_seconds=None, **settings):
        looked.append(end_seconds - start_seconds)
        return real(source, start_seconds=start_seconds, end_seconds=end_seconds, **settings)

    monkeypatch.setattr(looking, "iter_frames", counted)
    pixels, seconds = looking.sampled(open_source(video), [(2.0, 4.0, 2.0), (30.0, 31.0, 4.0)], side=48)
    assert looked == [2.0, 1.0]
    assert seconds.tolist() == [2.25, 2.75, 3.25, 3.75, 30.125, 30.375, 30.625, 30.875]
    assert pixels.shape[:2] == (8, 48)


def test_replies_of_none_lower_present_and_say_so(video: str) -> None:
    before = replace(proposed(video, ROUGH), present=0.6)
    corrected = HybridEngine(Watcher(lambda texts, pictures: "none"), view=FrameNumbers(frame_side=48)).corrected(
        before
    )
    assert corrected.present < 0.4
    assert "in none of its looks" in " ".join(corrected.warnings)
    seen = HybridEngine(Watcher(red_numbers), view=FrameNumbers(frame_side=48)).corrected(before)
    assert seen.present > 0.9


def test_a_server_that_refuses_the_key_stops_the_run(video: str) -> None:
    calls: list[int] = []

    def refused(texts: list[str], pictures: list[np.ndarray]) -> str:
        calls.append(1)
        raise RefusedError("the key is wrong")

    with pytest.raises(RefusedError):
        correct(refused, ROUGH, video)
    assert len(calls) == 1


def test_a_server_that_takes_less_than_it_said_gets_smaller_looks(video: str) -> None:
    sent: list[int] = []

    def small(texts: list[str], pictures: list[np.ndarray]) -> str:
        sent.append(len(pictures))
        if len(pictures) > 10:
            raise TooMuchError("too many pictures")
        return red_numbers(texts, pictures)

    watcher = Watcher(small)
    corrected = HybridEngine(watcher, view=FrameNumbers(frame_side=48)).corrected(proposed(video, ROUGH))
    assert iou(corrected.moments[0]) > 0.8
    assert sum(number > 10 for number in sent) <= 4


def test_it_warns_where_the_frames_are_further_apart_than_the_moment_is_long(video: str) -> None:
    brief = [Moment(40.0, 40.3, 0.9)]
    coarse = correct(lambda texts, pictures: "none", brief, video, look_rate_hz=0.5)
    assert "2.0 s apart, more than it is long" in " ".join(coarse.warnings)
    fine = correct(red_numbers, ROUGH, video)
    assert "apart" not in " ".join(fine.warnings)


def test_proposals_count_by_their_scores_on_any_scale() -> None:
    for scores in ([0.8, 0.4, 0.08], [80.0, 40.0, 8.0], [0.0, -50.0, -90.0]):
        weights = weights_of(scores)
        assert weights[0] == 1
        assert (np.diff(weights) < 0).all() and weights.min() > 0
    assert weights_of([0.0, 0.0]).tolist() == weights_of([-3.0, -3.0]).tolist()
    assert weights_of([]).tolist() == []
    assert np.isfinite(weights_of([np.inf, 1.0, -np.inf, np.nan, 1e308, -1e308])).all()


def test_one_rough_reply_moves_good_proposals_little_and_several_replies_move_them() -> None:
    seconds = np.arange(0.5, 60.0)

    def best(number: int) -> tuple[float, float]:
        posterior = Posterior(60.0, [(20.0, 30.0), (50.0, 52.0)], [1.0, 0.1])
        for _ in range(number):
            posterior.add(Seen(seconds, ((24, 37),)))
        return posterior.best()

    assert iou(Moment(*best(1), 1.0), (20.0, 30.0)) > 0.6
    assert iou(Moment(*best(5), 1.0), (24.0, 38.0)) > 0.9


def test_a_proposal_without_weight_does_not_hide_what_the_replies_say() -> None:
    for weights in ([1.0], [0.0], [1e-300]):
        posterior = Posterior(60.0, [(20.0, 30.0)], weights)
        for _ in range(6):
            posterior.add(Seen(np.arange(0.5, 60.0), ((40, 45),)))
        assert iou(Moment(*posterior.best(), 1.0), (40.0, 46.0)) > 0.9
