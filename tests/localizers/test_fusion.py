"""Fusion: agreement raises, silence costs nothing, and events of different tracks keep their order."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfgrounding.localizers.fusion import LEAST_PRESENT, Reading, fused, in_order, presence_of_all, voting
from tfgrounding.types import Evidence, Moment

LENGTH = 100.0


def words(kind, start, end, score, text="let's start"):
    return Moment(start, end, score, evidence=(Evidence(kind, start, end, text),))


@st.composite
def readings(draw, kind="shown"):
    count = draw(st.integers(0, 6))
    starts = draw(st.lists(st.floats(0, LENGTH - 1), min_size=count, max_size=count))
    lengths = draw(st.lists(st.floats(0.1, 50), min_size=count, max_size=count))
    shares = draw(st.lists(st.floats(0.01, 1), min_size=count, max_size=count))
    total = sum(shares) or 1.0
    moments = [
        Moment(start, min(LENGTH, start + length), share / total)
        for start, length, share in zip(starts, lengths, shares, strict=True)
    ]
    moments.sort(key=lambda moment: -moment.score)
    return Reading(kind, tuple(moments), draw(st.floats(0, 1)))


@given(readings())
def test_pictures_alone_keep_their_moments_as_they_are(shown):
    assert fused([shown]) == list(shown.moments)


@given(readings(), readings("said"))
def test_a_track_within_its_null_changes_nothing(shown, said):
    silent = Reading("said", said.moments, min(said.present, LEAST_PRESENT - 0.01))
    assert fused([shown, silent]) == fused([shown])


@given(readings(), readings("said"), readings("written"), st.sampled_from([(), ("said",), ("said", "written")]))
def test_moments_are_sorted_lie_in_the_video_and_score_at_most_one_together(shown, said, written, asked):
    moments = fused([shown, said, written], asked)
    assert [m.score for m in moments] == sorted((m.score for m in moments), reverse=True)
    assert sum(m.score for m in moments) <= 1 + 1e-9
    assert all(0 <= m.start_seconds < m.end_seconds <= LENGTH for m in moments)


@given(readings(), readings("said"), readings("written"))
def test_the_order_of_the_tracks_makes_no_difference(shown, said, written):
    there = [(m.start_seconds, m.end_seconds) for m in fused([shown, said, written])]
    other = [(m.start_seconds, m.end_seconds) for m in fused([written, shown, said])]
    assert sorted(there) == sorted(other)


def test_words_lead_only_where_they_fit_better_than_the_pictures_or_are_asked_for():
    said = Reading("said", (words("said", 10, 12, 0.3),), 0.95)
    for present, kinds in ((0.05, {"shown", "said"}), (0.95, {"shown"})):
        shown = Reading("shown", (Moment(50, 60, 0.9),), present)
        assert {reading.kind for reading in voting([shown, said])} == kinds
        assert {reading.kind for reading in voting([shown, said], ("said",))} == {"shown", "said"}


def test_agreement_raises_a_moment_above_a_better_one_of_its_track():
    shown = Reading("shown", (Moment(50, 60, 0.4), Moment(10, 20, 0.3)), 0.5)
    said = Reading("said", (words("said", 10, 20, 0.5), words("said", 80, 90, 0.45)), 0.95)
    best = fused([shown, said])[0]
    assert (best.start_seconds, best.end_seconds) == (10, 20)
    assert {evidence.track for evidence in best.evidence} == {"shown", "said"}


def test_a_track_that_is_asked_first_leads_where_it_has_an_answer():
    shown = Reading("shown", (Moment(50, 60, 0.9),), 0.95)
    said = Reading("said", (words("said", 10, 12, 0.3),), 0.7)
    assert fused([shown, said])[0].start_seconds == 50
    assert fused([shown, said], ("said",))[0].start_seconds == 10


def test_a_track_that_is_asked_first_and_has_no_answer_leaves_the_pictures_as_they_are():
    shown = Reading("shown", (Moment(50, 60, 0.9), Moment(1, 2, 0.05)), 0.5)
    said = Reading("said", (words("said", 10, 12, 0.3),), 0.2)
    assert voting([shown, said], ("said",)) == [shown]
    assert fused([shown, said], ("said",)) == list(shown.moments)


def test_events_of_two_tracks_are_joined_in_their_order():
    first = [words("said", 60, 62, 0.5), words("said", 10, 12, 0.4)]
    second = [Moment(14, 20, 0.5), Moment(90, 95, 0.1)]
    moments, share = in_order([first, second], "sequentially")
    best = moments[0]
    assert 0 < share < 1
    assert (best.start_seconds, best.end_seconds) == (10, 20)
    assert best.evidence == first[1].evidence
    assert all(m.start_seconds != 14 for m in moments)


def test_events_that_are_there_in_another_order_keep_little_or_nothing():
    first, second = [words("said", 60, 62, 0.5)], [words("said", 10, 12, 0.5)]
    assert in_order([first, second], "sequentially") == ([], 0.0)
    assert in_order([second, first], "sequentially")[1] == 1.0


def test_simultaneous_events_share_their_time():
    assert in_order([[Moment(0, 10, 0.5)], [Moment(5, 20, 0.5)]], "simultaneously")[0] == [Moment(5, 10, 0.5)]
    assert in_order([[Moment(0, 10, 0.5)], [Moment(15, 20, 0.5)]], "simultaneously") == ([], 0.0)


@given(st.lists(st.floats(0, 1), max_size=5))
def test_presence_of_all_is_at_least_the_largest(probabilities):
    together = presence_of_all(probabilities)
    assert max(probabilities, default=0.0) - 1e-9 <= together <= 1
    assert presence_of_all([0.5, 0.5]) == pytest.approx(0.75)
