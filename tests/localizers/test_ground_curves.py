"""`ground_curves`: what it promises for every localizer, and what it refuses."""

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tfgrounding.errors import PlanError, TFGroundingError, UndefinedAnswerError
from tfgrounding.localizers import Candidates, get_localizer
from tfgrounding.localizers.ground_curves import ground_curves
from tfgrounding.localizers.tfvtg.paper import TFVTGLocalizer
from tfgrounding.registry import ROWS
from tfgrounding.types import Plan, SubEvent

ALWAYS_DEFINED = sorted(set(ROWS["localizers"]) - {"tfvtg-reference"})
RELATIONS = ("single-query", "sequentially", "simultaneously")
PLAN = Plan("q", ["p"], [SubEvent(["a"]), SubEvent(["b", "c"])], "sequentially")
VALUES = st.one_of(
    st.floats(-1, 1, width=16),
    st.sampled_from([0.0, 0.2, 0.3]),
    st.floats(allow_nan=False, allow_infinity=False),
)


@st.composite
def hostile_curves(draw):
    frames = draw(st.one_of(st.integers(1, 6), st.integers(1, 60)))
    kind = draw(st.sampled_from(["constant", "dark", "any"]))
    if kind == "constant":
        return {text: np.full(frames, draw(VALUES)) for text in PLAN.texts}
    values = st.floats(-1, 0.19) if kind == "dark" else VALUES
    return {text: draw(arrays(np.float64, frames, elements=values)) for text in PLAN.texts}


def check(moments, duration):
    assert moments
    for moment in moments:
        assert 0 <= moment.start_seconds < moment.end_seconds <= duration
        assert np.isfinite(moment.score)


@pytest.mark.parametrize("localizer", ALWAYS_DEFINED)
@given(
    curves=hostile_curves(),
    relation=st.sampled_from(RELATIONS),
    duration=st.floats(0.01, 1e5),
    floor=st.sampled_from([None, 0.2, -1.0, 0.9]),
    grid=st.sampled_from([(None, None), (1, 1), (3, 2), (50, 400)]),
    uneven=st.booleans(),
)
@example({t: np.full(1, 0.3) for t in PLAN.texts}, "sequentially", 1.0, None, (None, None), False)
@example({t: np.full(2, 0.1) for t in PLAN.texts}, "simultaneously", 1.0, None, (None, None), False)
@example({t: np.array([1e308, -1e308] * 9) for t in PLAN.texts}, "sequentially", 9.0, None, (None, None), True)
@example({t: np.linspace(0, 5e-324, 30) for t in PLAN.texts}, "simultaneously", 9.0, -1.0, (None, None), True)
@settings(max_examples=60, deadline=None)
def test_any_finite_curve_has_an_answer(localizer, curves, relation, duration, floor, grid, uneven):
    frames = len(curves["q"])
    pts = duration * (np.arange(frames) / frames) ** 1.5 if uneven else None
    moments = ground_curves(
        curves,
        Plan("q", ["p"], PLAN.sub_events, relation),
        duration_seconds=duration,
        pts_seconds=pts,
        floor=floor,
        localizer=localizer,
        stride_frames=grid[0],
        longest_frames=grid[1],
    )
    check(moments, duration)


@given(curves=hostile_curves(), relation=st.sampled_from(RELATIONS))
@settings(max_examples=100, deadline=None)
def test_the_reference_answers_or_says_that_it_cannot(curves, relation):
    plan = Plan("q", ["p"], PLAN.sub_events, relation)
    try:
        moments = ground_curves(curves, plan, duration_seconds=20.0, localizer="tfvtg-reference")
    except UndefinedAnswerError:
        return
    check(moments, 20.0)


@pytest.mark.parametrize("localizer", sorted(ROWS["localizers"]))
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, list])
def test_numbers_of_any_type_and_texts_that_return(localizer, dtype):
    rng = np.random.default_rng(0)
    curves = {text: rng.uniform(0.25, 0.4, 40).astype(np.float16) for text in "qa"}
    given = {text: curve.tolist() if dtype is list else curve.astype(dtype) for text, curve in curves.items()}
    plan = Plan("q", ["q"], [SubEvent(["a", "q"]), SubEvent(["a"])], "simultaneously")
    moments = ground_curves(given, plan, duration_seconds=13, localizer=localizer)
    check(moments, 13)
    assert moments == ground_curves(curves, plan, duration_seconds=13.0, localizer=localizer)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("localizer", sorted(ROWS["localizers"]))
def test_values_that_are_no_numbers_are_refused(localizer, bad):
    curves = {text: np.full(20, 0.3) for text in PLAN.texts}
    curves["b"][3] = bad
    with pytest.raises(PlanError, match="'b' has values that are not finite"):
        ground_curves(curves, PLAN, duration_seconds=9.0, localizer=localizer)


CURVE = np.linspace(0.2, 0.4, 20)


@pytest.mark.parametrize(
    ("curves", "options", "message"),
    [
        ({}, {}, "no curve for the text 'q'"),
        ({"q": CURVE}, {"plan": Plan("q", ["other"])}, "no curve for the text 'other'"),
        ({"q": np.empty(0)}, {}, "one value a frame"),
        ({"q": np.zeros((3, 2))}, {}, "one value a frame"),
        ({"q": "text"}, {}, "one number a frame"),
        ({"q": CURVE, "p": CURVE[:7]}, {"plan": Plan("q", ["p"])}, r"equally long, not \[7, 20\]"),
        ({"q": CURVE}, {"duration_seconds": 0}, "positive"),
        ({"q": CURVE}, {"duration_seconds": np.nan}, "positive"),
        ({"q": CURVE}, {"duration_seconds": np.inf}, "positive"),
        ({"q": CURVE}, {"pts_seconds": np.arange(3.0)}, "each of the 20 frames"),
        ({"q": CURVE}, {"pts_seconds": np.arange(20.0)}, "below the duration"),
        ({"q": CURVE}, {"pts_seconds": np.zeros(20)}, "must increase"),
        ({"q": CURVE}, {"stride_frames": 0}, "stride_frames must be at least 1"),
        ({"q": CURVE}, {"longest_frames": -3}, "longest_frames must be at least 1"),
        ({"q": CURVE}, {"floor": np.nan}, "floor"),
        ({"q": CURVE}, {"null_curves": np.zeros((2, 3))}, "null_curves"),
        ({"q": CURVE}, {"null_curves": np.full((2, 20), np.nan)}, "null_curves"),
        ({"q": CURVE}, {"features": np.zeros((3, 8))}, "features"),
    ],
)
def test_what_makes_no_sense_is_one_clear_sentence(curves, options, message):
    options = {"plan": Plan("q"), "duration_seconds": 9.0, **options}
    with pytest.raises(PlanError, match=message):
        ground_curves(curves, options.pop("plan"), **options)


def test_an_unknown_localizer_is_named_with_the_known_ones():
    with pytest.raises(TFGroundingError, match=r"'nosuch' is not known; choose one of default.*tfvtg"):
        ground_curves({"q": CURVE}, Plan("q"), duration_seconds=9.0, localizer="nosuch")


class Own:
    """A localizer of one's own: hands on what it is made with, and remembers what it got."""

    name = "own"

    def __init__(self, found=Candidates(np.array([2.0, 1.0]), np.array([9.0, 3.0]), np.array([0.5, 0.25]))):  # noqa: B008
        self.found = found

    def locate(self, curves):
        self.curves = curves
        return self.found


def test_a_localizer_of_ones_own_gets_every_curve_in_its_place():
    curves = {text: CURVE + n for n, text in enumerate(PLAN.texts)}
    null, features, own = np.zeros((3, 20)), np.ones((20, 4)), Own()
    options = {"null_curves": null, "features": features, "floor": 0.1, "localizer": own}
    moments = ground_curves(curves, PLAN, duration_seconds=9.0, **options)
    assert [(m.start_seconds, m.end_seconds, m.score) for m in moments] == [(2.0, 9.0, 0.5), (1.0, 3.0, 0.25)]
    got = own.curves
    np.testing.assert_array_equal(got.query, [curves["q"], curves["p"]])
    assert [len(event) for event in got.sub_events] == [1, 2]
    np.testing.assert_array_equal(got.sub_events[1], [curves["b"], curves["c"]])
    assert got.relation == "sequentially" and got.floor == 0.1 and got.null_curves is null and got.features is features
    assert got.uniform and got.edges_seconds[-1] == 9.0 and len(got.edges_seconds) == 21
    ground_curves(curves, Plan("q", (), PLAN.sub_events), duration_seconds=9.0, localizer=own)
    assert own.curves.sub_events == () and own.curves.relation == "single-query"


def test_a_localizer_may_be_a_class_or_a_place():
    by_class = ground_curves({"q": CURVE}, Plan("q"), duration_seconds=9.0, localizer=Own)
    assert by_class == ground_curves({"q": CURVE}, Plan("q"), duration_seconds=9.0, localizer=f"{__name__}:Own")
    with pytest.raises(TFGroundingError, match="localizer object has no name, locate"):
        ground_curves({"q": CURVE}, Plan("q"), duration_seconds=9.0, localizer=object())


@pytest.mark.parametrize(
    ("found", "says"),
    [
        ([(0.0, 1.0, 0.5)], "must return Candidates"),
        (None, "must return Candidates"),
        (Candidates([0.0, 1.0], [2.0], [0.5]), "must return Candidates"),
        (Candidates([[0.0]], [[2.0]], [[0.5]]), "must return Candidates"),
        (Candidates(["a"], [2.0], [0.5]), "must return Candidates"),
        (Candidates([1.0], [1.0], [0.5]), "the interval 1.0 to 1.0 s"),
        (Candidates([1.0], [9.5], [0.5]), r"0 <= start < end <= 9.0 s"),
        (Candidates([-1.0], [9.0], [0.5]), "the interval -1.0 to 9.0 s"),
        (Candidates([0.0], [np.nan], [0.5]), "the interval 0.0 to nan s"),
        (Candidates([0.0], [1.0], [np.inf]), "score inf"),
    ],
)
def test_what_a_localizer_returns_is_checked(found, says):
    with pytest.raises(TFGroundingError, match=f"localizer own.*{says}"):
        ground_curves({"q": CURVE}, Plan("q"), duration_seconds=9.0, localizer=Own(found))


def test_a_localizer_that_finds_nothing_gives_no_moments():
    assert ground_curves({"q": CURVE}, Plan("q"), duration_seconds=9.0, localizer=Own(Candidates([], [], []))) == []


def test_the_window_grid_goes_with_the_name_or_with_the_object():
    curve = np.random.default_rng(0).uniform(0.25, 0.4, 200)
    grid = {"stride_frames": 7, "longest_frames": 21}

    def answer(localizer, **options):
        return ground_curves({"q": curve}, Plan("q"), duration_seconds=60.0, localizer=localizer, **options)

    assert answer("tfvtg", **grid) == answer(TFVTGLocalizer(**grid)) == answer(TFVTGLocalizer, **grid)
    assert answer("tfvtg", **grid) != answer("tfvtg") == answer(get_localizer("tfvtg"))
    assert answer("default", **grid) == answer("default")
    assert answer(TFVTGLocalizer(stride_frames=7), longest_frames=21) == answer("tfvtg", **grid)
    assert answer(TFVTGLocalizer(stride_frames=9), **grid) == answer("tfvtg", **grid)
    with pytest.raises(PlanError, match="stride_frames must be at least 1, not 0"):
        TFVTGLocalizer(stride_frames=0)


def test_samples_may_be_of_stretches_of_any_length():
    curve = {"q": np.array([0.0, 0.0, 1.0, 0.0])}
    edges = np.array([0.0, 30.0, 40.0, 42.0, 100.0])
    best = ground_curves(curve, Plan("q"), duration_seconds=100, edges_seconds=edges, localizer="max-sum")[0]
    assert (best.start_seconds, best.end_seconds) == (40.0, 42.0)


@pytest.mark.parametrize("edges", [[0, 1], [0, 2, 1, 3, 4], [1, 2, 3, 3.5, 4], [0, 1, 2, 3, 5], [0, 1, np.nan, 3, 4]])
def test_edges_that_do_not_fill_the_video_are_refused(edges):
    with pytest.raises(PlanError, match="5 times that increase from 0 to the duration"):
        ground_curves({"q": np.zeros(4)}, Plan("q"), duration_seconds=4, edges_seconds=np.array(edges))
