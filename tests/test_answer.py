"""An answer and its JSON: what is written is read back, and what is damaged is refused in one sentence."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from videos import BLUE, RED, make_scenes

from tfgrounding import Answer, Grounder, Grounding, Moment, Pictures, Plan, Span, SubEvent, VideoInfo
from tfgrounding.errors import AnswerError
from tfgrounding.types import TRACK_KINDS, EventMoment, Evidence, TrackCurve

DURATION = 20.0
texts = st.text(min_size=1, max_size=20).filter(str.strip)
numbers = st.floats(-1e3, 1e3, width=32)
found = st.builds(Evidence, st.sampled_from(TRACK_KINDS), st.floats(0, 5), st.floats(5, DURATION), st.text(max_size=5))


@st.composite
def track_curves(draw):
    values = draw(st.lists(numbers, max_size=4))
    edges = np.linspace(0, DURATION, len(values) + 1) if values else np.empty(0)
    kind, source = draw(st.sampled_from(TRACK_KINDS)), draw(st.text(max_size=5))
    curve = np.array(values, dtype=np.float32)
    return TrackCurve(kind, source, "1", draw(st.floats(0, 1)), draw(st.booleans()), edges, curve)


@st.composite
def spans(draw) -> Span:
    start, end = sorted(draw(st.lists(st.floats(0, DURATION), min_size=2, max_size=2, unique=True)))
    return Span(
        start, end, draw(st.floats(-10, 10)), draw(st.text(max_size=5)), tuple(draw(st.lists(found, max_size=2)))
    )


def event_moments(event: SubEvent) -> st.SearchStrategy[EventMoment]:
    moments = spans().map(lambda span: replace(span, text=""))
    return st.builds(EventMoment, st.just(event.descriptions[0]), moments, st.none() | st.floats(0, 1))


@st.composite
def answers(draw) -> Answer:
    events = tuple(SubEvent((text,)) for text in draw(st.lists(texts, max_size=2)))
    plan = Plan(draw(texts), (draw(texts),), events, "sequentially", "rules", (), draw(st.text(max_size=5)))
    samples = draw(st.integers(0, 6))
    curve = st.lists(numbers, min_size=samples, max_size=samples)
    return Answer(
        spans=tuple(draw(st.lists(spans(), max_size=3))),
        query=plan.original or plan.query,
        plan=plan,
        video=VideoInfo("a.mp4", DURATION, 320, 240, 29.97, 90, "h264", ("w",)),
        engine="curves",
        encoder="e",
        localizer="default",
        curve=np.array(draw(curve)),
        pts_seconds=np.sort(draw(curve)),
        curves={text: np.array(draw(curve)) for text in plan.texts},
        present=draw(st.none() | st.floats(0, 1)),
        warnings=("one",),
        raw_answer=draw(st.none() | st.text(max_size=5)),
        provenance={"rate_hz": 3.0},
        tracks=tuple(draw(st.lists(track_curves(), max_size=2))),
        events=draw(st.just(()) | st.tuples(*(event_moments(event) for event in events))),
    )


@given(answers())
def test_what_is_written_is_read_back(answer: Answer) -> None:
    written = json.loads(json.dumps(answer.to_dict()))
    read = Answer.from_dict(written)
    assert read.to_dict() == answer.to_dict()
    assert read.events == answer.events and ("events" in written) == bool(answer.events)
    assert read.moments == answer.moments and read.plan == answer.plan and read.video == answer.video
    for text, curve in answer.curves.items():
        if text != answer.plan.query:
            assert np.array_equal(read.curves[text], curve)
    assert np.array_equal(read.curve, answer.curve) and np.array_equal(read.pts_seconds, answer.pts_seconds)


EVENT = {"text": "a", "start_seconds": 1, "end_seconds": 2, "score": 1, "present": 0.5}


def example() -> dict:
    pts = np.arange(4) + 0.5
    info = VideoInfo("a.mp4", 4.0, 8, 8)
    return Answer((Moment(1, 2, 0.5),), "q", Plan("q"), info, "curves", "e", "l", np.ones(4), pts).to_dict()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"format": "other"}, "not a saved answer"),
        ({"version": 2}, "version 2"),
        ({"version": None}, "version None"),
        ({"moments": [{"start_seconds": 3, "end_seconds": 2, "score": 0}]}, "3.0 to 2.0"),
        ({"moments": [{"start_seconds": 1, "end_seconds": 5, "score": 0}]}, "does not lie in the video"),
        ({"moments": [{"start_seconds": 1, "end_seconds": 2, "score": math.nan}]}, "finite"),
        ({"moments": [{"start_seconds": True, "end_seconds": 2, "score": 1}]}, "finite"),
        ({"moments": 7}, "damaged"),
        ({"moments": [[1, 2, 3]]}, "damaged"),
        ({"curve": [1, 2]}, "differ in length"),
        ({"curve": ["a"] * 4}, "damaged"),
        ({"curve": [math.inf] * 4}, "finite"),
        ({"curves": [1]}, "damaged"),
        ({"plan": {}}, "damaged"),
        ({"plan": {"query": "q", "relation": "at random"}}, "relation"),
        ({"video": {"path": "a.mp4"}}, "damaged"),
        ({"video": {"path": 5, "duration_seconds": 4.0, "width": 1, "height": 1}}, "damaged"),
        ({"video": {"path": "a", "duration_seconds": 0, "width": 1, "height": 1}}, "duration"),
        ({"present": "yes"}, "finite"),
        ({"provenance": 3}, "damaged"),
        ({"events": 3}, "must be a list"),
        ({"events": ["a"]}, "must be an object"),
        ({"events": [{"start_seconds": 1, "end_seconds": 2, "score": 1}]}, "has no .text."),
        ({"events": [{**EVENT, "end_seconds": 9}]}, "does not lie in the video"),
        ({"events": [{**EVENT, "present": 2}]}, "from 0 to 1"),
        ({"events": [{**EVENT, "text": 3}]}, "must be a text"),
        ({"events": [EVENT]}, "there are 1 events, but the plan has 0"),
    ],
)
def test_a_damaged_answer_is_refused_in_one_sentence(change: dict, says: str) -> None:
    with pytest.raises(AnswerError, match=says) as error:
        Answer.from_dict({**example(), **change})
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", ["format", "task", "query", "video", "moments", "engine", "plan"])
def test_what_is_missing_is_named(name: str) -> None:
    data = example()
    del data[name]
    with pytest.raises(AnswerError, match=name):
        Answer.from_dict(data)


@pytest.mark.parametrize("data", [None, 3, "text", [], {}])
def test_other_json_is_no_answer(data) -> None:
    with pytest.raises(AnswerError, match="not a saved answer"):
        Answer.from_dict(data)


def test_without_curves_it_is_short_and_still_an_answer() -> None:
    short = Answer.from_dict(example()).to_dict(curves=False)
    assert not {"curve", "curves", "pts_seconds"} & set(short)
    assert Answer.from_dict(short).moments == (Moment(1, 2, 0.5),)


def test_a_grounding_is_an_answer_about_moments() -> None:
    assert Grounding is Answer and Moment is Span
    assert Answer.from_dict(example()).task == "moments"


def test_an_answer_read_back_has_its_video(tmp_path, colour_encoder) -> None:
    path = make_scenes(tmp_path / "v.mp4", [(2.0, RED), (2.0, BLUE)])
    answer = Grounder(encoder=colour_encoder).ground(path, "blue")
    read = Answer.from_dict(json.loads(json.dumps(answer.to_dict())))
    assert read.source is not None and read.source.info == answer.source.info
    assert [clip.name for clip in read.save_clips(tmp_path / "clips")]


def test_an_answer_about_an_array_cannot_be_watched_again(colour_encoder) -> None:
    from tfgrounding import TFGroundingError

    array = np.zeros((8, 8, 8, 3), np.uint8)
    answer = Grounder(encoder=colour_encoder).ground(Pictures(array, 2), "blue")
    read = Answer.from_dict(json.loads(json.dumps(answer.to_dict())))
    with pytest.raises(TFGroundingError, match="array"):
        next(iter(read.source.shots()))
