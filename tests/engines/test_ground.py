import json
import threading

import numpy as np
import pytest
from videos import BLUE, GREEN, RED, make_scenes

import tfgrounding
from tfgrounding import Grounder, Plan, SubEvent
from tfgrounding.errors import PlanError, TFGroundingError, VideoError
from tfgrounding.localizers.base import Candidates
from tfgrounding.registry import ROWS

SCENES = [(2.0, RED), (3.0, BLUE), (2.0, GREEN), (3.0, RED)]


@pytest.fixture(scope="module")
def scenes(tmp_path_factory):
    return make_scenes(tmp_path_factory.mktemp("scenes") / "scenes.mp4", SCENES)


@pytest.fixture
def grounder(colour_encoder):
    return Grounder(encoder=colour_encoder)


def assert_near(moment, start, end, tolerance=0.35):
    assert abs(moment.start_seconds - start) < tolerance and abs(moment.end_seconds - end) < tolerance, moment


def test_a_file_and_a_sentence_give_the_seconds(grounder, scenes):
    answer = grounder.ground(scenes, "a blue screen")
    assert_near(answer.moments[0], 2.0, 5.0, tolerance=0.7)
    assert answer.encoder == "colours" and answer.localizer == "default" and answer.engine == "curves"
    assert answer.present is not None and 0 <= answer.present <= 1
    assert len(answer.curve) == len(answer.pts_seconds) == 30
    assert answer.video.duration_seconds == pytest.approx(10.0, abs=0.01)


def test_moments_lie_in_the_video_and_are_sorted(grounder, scenes):
    for name in ROWS["localizers"]:
        answer = Grounder(encoder=grounder.encoder, localizer=name).ground(scenes, "something red")
        assert answer.moments
        scores = [moment.score for moment in answer.moments]
        for moment in answer.moments:
            assert 0 <= moment.start_seconds < moment.end_seconds <= answer.video.duration_seconds
            assert np.isfinite(moment.score)
        if name not in ("tfvtg-reference",):  # its vote orders, its entries keep their own confidence
            assert scores == sorted(scores, reverse=True)


def test_times_count_from_the_first_frame(grounder, scenes, tmp_path):
    late = make_scenes(tmp_path / "late.mp4", SCENES, start_seconds=7.0)
    here, there = grounder.ground(scenes, "green"), grounder.ground(late, "green")
    assert_near(here.moments[0], 5.0, 7.0, tolerance=0.7)
    assert_near(there.moments[0], here.moments[0].start_seconds, here.moments[0].end_seconds, tolerance=1e-6)


def test_a_longer_beginning_shifts_the_moments(grounder, tmp_path):
    plain = make_scenes(tmp_path / "plain.mp4", [(3.0, RED), (2.0, BLUE), (3.0, RED)])
    shifted = make_scenes(tmp_path / "shifted.mp4", [(5.0, RED), (2.0, BLUE), (3.0, RED)])
    first, second = grounder.ground(plain, "blue").moments[0], grounder.ground(shifted, "blue").moments[0]
    assert second.start_seconds - first.start_seconds == pytest.approx(2.0, abs=0.35)
    assert second.end_seconds - first.end_seconds == pytest.approx(2.0, abs=0.35)


def test_the_order_of_a_plan_decides(colour_encoder, scenes):
    plan = Plan("green and then red", sub_events=(SubEvent(("green",)), SubEvent(("red",))), relation="sequentially")
    answer = Grounder(encoder=colour_encoder, localizer="tfvtg").ground(scenes, plan)
    assert answer.moments[0].start_seconds > 1.5 and answer.moments[0].end_seconds > 8


def test_features_serve_many_queries(grounder, scenes):
    features = grounder.encode_video(scenes)
    again = grounder.ground(features, "a blue screen")
    assert again.moments == grounder.ground(scenes, "a blue screen").moments
    answers = list(grounder.ground_many([(scenes, "blue"), (scenes, "green"), (features, "blue")]))
    assert [answer.query for answer in answers] == ["blue", "green", "blue"]
    assert answers[0].moments == answers[2].moments


def test_features_of_another_encoder_are_refused(grounder, scenes):
    features = grounder.encode_video(scenes)
    grounder.encoder.revision = "2"
    with pytest.raises(TFGroundingError, match="encode the video again"):
        grounder.ground(features, "blue")


def test_one_grounder_serves_many_threads(grounder, scenes):
    features = grounder.encode_video(scenes)
    queries = ["red", "green", "blue"] * 4
    alone = [grounder.ground(features, query).moments for query in queries]
    together: dict[int, tuple] = {}

    def work(k: int) -> None:
        together[k] = grounder.ground(features, queries[k]).moments

    threads = [threading.Thread(target=work, args=(k,)) for k in range(len(queries))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [together[k] for k in range(len(queries))] == alone


def test_the_result_is_plain_json(grounder, scenes):
    answer = grounder.ground(scenes, "blue", top_k=1)
    told = json.loads(json.dumps(answer.to_dict()))
    assert told["query"] == "blue" and len(told["moments"]) == 1
    assert len(told["curve"]) == len(told["pts_seconds"]) == 30
    assert told["provenance"]["encoder_revision"] == "1"


def test_progress_reaches_the_end(grounder, scenes):
    seen = []
    grounder.encode_video(scenes, progress=lambda done, whole: seen.append((done, whole)))
    assert seen and seen[-1][0] > 9 and seen == sorted(seen)


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"engine": "magic"}, "engine 'magic'"),
        ({"encoder": "magic"}, "encoder 'magic'"),
        ({"planner": "magic"}, "magic"),
        ({"localizer": "magic"}, "localizer 'magic'"),
        ({"device": "tpu", "encoder": "embedded"}, "device 'tpu'"),
        ({"top_k": 0}, "top_k"),
    ],
)
def test_unknown_settings_name_the_choices(settings, says):
    with pytest.raises(TFGroundingError, match=says):
        Grounder(**settings)


def test_bad_input_is_one_clear_error(grounder, scenes):
    with pytest.raises(PlanError, match="empty"):
        grounder.ground(scenes, "  ")
    with pytest.raises(VideoError, match="no such file"):
        grounder.ground("missing.mp4", "blue")


def test_the_one_line_form_keeps_its_models(embedded_encoder, street_video):
    first = tfgrounding.ground(street_video, "a parked bicycle", encoder="embedded", device="cpu", rate_hz=2.0)
    assert 3 < first.moments[0].start_seconds < 8 and first.moments[0].end_seconds > 9


@pytest.mark.parametrize("query", [None, 5, {"red"}, {"query": "red"}, b"red"])
def test_a_query_is_a_text_or_a_plan(query, grounder, scenes):
    with pytest.raises(PlanError, match=f"the query must be a text, not {type(query).__name__}"):
        grounder.ground(scenes, query)


@pytest.mark.parametrize("stride_frames", ["20", 2.5])
def test_a_window_grid_is_of_whole_numbers(stride_frames, grounder, scenes):
    with pytest.raises(PlanError, match="stride_frames must be a whole number"):
        grounder.ground(scenes, "red", stride_frames=stride_frames)


def test_a_planner_of_ones_own_that_returns_no_plan_is_named(colour_encoder, scenes):
    class Echo:
        name = "echo"

        def plan(self, query):
            return query

    with pytest.raises(PlanError, match="planner echo: plan must return a Plan, not str"):
        Grounder(encoder=colour_encoder, planner=Echo()).ground(scenes, "blue")


class ThreeReadings:
    name = "three readings"

    def locate(self, curves):
        return Candidates(np.array([2.0, 2.5, 6.0]), np.array([5.0, 5.0, 9.0]), np.array([0.6, 0.3, 0.1]))


def test_an_answer_lists_different_moments_and_all_readings_on_demand(colour_encoder, scenes):
    few = Grounder(encoder=colour_encoder, localizer=ThreeReadings()).ground(scenes, "blue").moments
    every = Grounder(encoder=colour_encoder, localizer=ThreeReadings(), most_overlap=1.0).ground(scenes, "blue").moments
    assert [m.start_seconds for m in few] == [2.0, 6.0] and [m.start_seconds for m in every] == [2.0, 2.5, 6.0]


@pytest.mark.parametrize(
    ("language", "query", "said"),
    [
        ("en", "ein Mann öffnet die Tür", "German, but the encoder colours reads English only"),
        ("en", "一个男人打开门", "Chinese, but the encoder colours reads English only"),
        ("zh", "a man opens the door", "English, but the encoder colours reads Chinese only"),
        ("zh", "一个男人打开门", ""),
        ("en", "a man opens the door", ""),
        ("", "ein Mann öffnet die Tür", ""),
    ],
)
def test_a_query_in_a_language_that_the_encoder_does_not_read_is_said(
    colour_encoder, scenes, monkeypatch, language, query, said
):
    monkeypatch.setattr(colour_encoder, "language", language, raising=False)
    notes = [note for note in Grounder(encoder=colour_encoder).ground(scenes, query).warnings if "seems to be" in note]
    assert len(notes) == bool(said) and all(said in note and "translate" in note for note in notes)


def test_a_translated_plan_is_not_warned_about(colour_encoder, scenes, monkeypatch):
    monkeypatch.setattr(colour_encoder, "language", "en", raising=False)
    plan = Plan("a blue screen", original="ein blauer Bildschirm ist zu sehen")
    assert not any("seems to be" in note for note in Grounder(encoder=colour_encoder).ground(scenes, plan).warnings)


def test_an_encoder_whose_language_is_no_text_is_an_error(colour_encoder, monkeypatch):
    monkeypatch.setattr(colour_encoder, "language", 3, raising=False)
    with pytest.raises(TFGroundingError, match="language must be a code"):
        Grounder(encoder=colour_encoder)


def test_several_queries_give_a_list_of_answers_about_a_video_watched_once(tmp_path, colour_encoder):
    video = make_scenes(tmp_path / "v.mp4", [(1.0, RED), (1.0, BLUE)])
    grounder = Grounder(encoder=colour_encoder, cache=False, localizer="max-sum")
    answers = grounder.ground(video, ["red", Plan("blue")], top_k=1)
    assert [answer.query for answer in answers] == ["red", "blue"]
    assert answers[0].best.start_seconds < answers[1].best.start_seconds
    assert grounder.ground(video, []) == []
    with pytest.raises(PlanError, match="the query must be a text, not int"):
        grounder.ground(video, ["red", 3])
    with pytest.raises(TFGroundingError, match="the query is empty"):
        grounder.ground(video, ["red", " "])
