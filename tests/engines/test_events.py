"""An answer to a query of several events has the moment of each, whatever engine and localizer answer."""

from __future__ import annotations

from dataclasses import replace

import pytest
from test_numpro import Watcher, red_numbers
from videos import BLUE, GREEN, RED, make_scenes

from tfgrounding import Grounder, Moment, Plan, SubEvent, ground_texts
from tfgrounding.engines.events import plan_of, with_events
from tfgrounding.errors import UndefinedAnswerError
from tfgrounding.registry import ROWS

SCENES = [(6, RED), (4, GREEN), (8, RED), (5, BLUE), (6, RED)]


def plan(*colours: str, relation="sequentially") -> Plan:
    return Plan(" and then ".join(colours), sub_events=tuple(SubEvent((c,)) for c in colours), relation=relation)


@pytest.fixture(scope="module")
def scenes(tmp_path_factory):
    return make_scenes(tmp_path_factory.mktemp("events") / "scenes.mp4", SCENES)


def times(answer):
    return [(event.moment.start_seconds, event.moment.end_seconds) for event in answer.events]


@pytest.mark.parametrize("localizer", list(ROWS["localizers"]))
def test_every_localizer_gives_each_event_its_moment(localizer, scenes, colour_encoder):
    answer = Grounder(encoder=colour_encoder, localizer=localizer).ground(scenes, plan("green", "blue"))
    assert [event.text for event in answer.events] == ["green", "blue"]
    (first, first_end), (second, second_end) = times(answer)
    assert first < 10 and first_end > 6 and second < 23 and second_end > 18  # each overlaps its scene
    assert all(event.present is not None and 0 <= event.present <= 1 for event in answer.events)


def test_the_moments_of_the_events_are_good_to_a_second(scenes, colour_encoder):
    answer = Grounder(encoder=colour_encoder).ground(scenes, plan("green", "blue"))
    assert times(answer) == [pytest.approx((6, 10), abs=1), pytest.approx((18, 23), abs=1)]


def test_the_order_decides_which_of_two_moments_is_meant(scenes, colour_encoder):
    grounder = Grounder(encoder=colour_encoder)
    (start, _), _ = times(grounder.ground(scenes, plan("red", "green")))
    assert start < 6
    _, (start, _) = times(grounder.ground(scenes, plan("blue", "red")))
    assert start > 18


def test_the_other_moments_of_the_answer_stay_as_they_are(scenes, colour_encoder):
    grounder = Grounder(encoder=colour_encoder)
    watched = grounder.watch(scenes)
    assert watched.ask_whole(plan("green", "blue")).moments == watched.ask(plan("green", "blue")).moments


@pytest.mark.parametrize("query", ["green", plan("green", relation="single-query"), plan("green")])
def test_one_event_has_no_events(query, scenes, colour_encoder):
    answer = Grounder(encoder=colour_encoder).ground(scenes, query)
    assert answer.events == () and "events" not in answer.to_dict()


def test_texts_have_events_too():
    texts = [(0, 5, "a man opens a fridge"), (5, 9, "he pours milk into a glass"), (9, 20, "a dog sleeps on a sofa")]
    query = plan("someone pours milk", "a dog is asleep")
    (pours, _), (sleeps, _) = times(ground_texts(texts, query, duration_seconds=20))
    assert pours == pytest.approx(5, abs=1) and sleeps == pytest.approx(9, abs=1)


def test_an_engine_that_does_not_know_says_so(scenes):
    grounder = Grounder(engine="numpro", vlm=Watcher(red_numbers))
    answer = grounder.ground(scenes, plan("green", "blue"))
    assert answer.events == () and any("when each of them happens is not known" in w for w in answer.warnings)
    assert not any("is not known" in w for w in grounder.ground(scenes, "green").warnings)


def test_where_an_event_has_no_moment_the_answer_says_so(scenes, colour_encoder):
    answer = Grounder(encoder=colour_encoder).ground(scenes, plan("green", "blue"))
    empty = with_events(answer, lambda event: replace(answer, spans=()))
    assert (
        empty.events == ()
        and empty.warnings[-1] == "when each event happens is not known: nothing was found for 'green'"
    )

    def undefined(event):
        raise UndefinedAnswerError("no answer")

    assert with_events(answer, undefined).warnings[-1] == "when each event happens is not known: no answer"


def test_an_event_is_asked_with_all_that_its_plan_says():
    event = SubEvent(("it is said", "one says it"), asks="said", words="it", negated=True)
    asked = plan_of(event)
    assert (asked.query, asked.paraphrases) == ("it is said", ("one says it",))
    assert (asked.asks, asked.words, asked.negated, asked.relation) == ("said", "it", True, "single-query")


def test_the_best_moment_does_not_leave_out_an_event_that_is_there(scenes, colour_encoder):
    answer = Grounder(encoder=colour_encoder).ground(scenes, plan("green", "blue"))
    band = Moment(18, 23, 0.6)
    seen = {"green": Moment(6, 10, 0.6), "blue": band}

    def ask(event):
        return replace(answer, spans=(seen[event.query],), present=0.9, plan=event)

    led = with_events(replace(answer, spans=(band, Moment(0, 1, 0.3))), ask, may_lead=True)
    assert [(m.start_seconds, m.end_seconds) for m in led.moments] == [(6, 23), (18, 23), (0, 1)]
    scores = [m.score for m in led.moments]
    assert scores == sorted(scores, reverse=True) and sum(scores) <= 1 + 1e-9
    assert with_events(replace(answer, spans=(band,)), ask).moments == (band,)  # a published method's

    def ask_absent(event):
        return replace(ask(event), present=0.1 if event.query == "green" else 0.9)

    assert with_events(replace(answer, spans=(band,)), ask_absent, may_lead=True).moments == (band,)
