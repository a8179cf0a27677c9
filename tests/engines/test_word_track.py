"""A track of texts is asked: what is quoted is found exactly, what is not there is not claimed."""

from __future__ import annotations

import numpy as np
import pytest

from tfgrounding.engines.word_track import WordTrack, texts_engine
from tfgrounding.errors import TFGroundingError
from tfgrounding.tracks.text_track import TextTrack, TimedText, Word
from tfgrounding.types import Plan

LINES = (
    "Good evening and welcome to the programme.",
    "The council closed the old bridge on Monday.",
    "Our guest tonight writes novels about the sea.",
    "Compound interest is the quiet engine of wealth.",
    "Remember to water the tomatoes before noon.",
    "That is all we have time for, thank you.",
)


def spoken(lines=LINES, *, pause=1.5, length=3.0) -> TextTrack:
    starts = [1.0 + n * (length + pause) for n in range(len(lines))]
    texts = (TimedText(start, start + length, line) for start, line in zip(starts, lines, strict=True))
    return TextTrack("said", tuple(texts), "made up", "1", "en")


@pytest.fixture(scope="module")
def engine():
    return texts_engine(cache=False)


@pytest.fixture(scope="module")
def talk(engine) -> WordTrack:
    return WordTrack(spoken(), 30.0, engine)


@pytest.mark.parametrize("number", range(len(LINES)))
def test_a_quoted_line_is_found_with_its_own_bounds(talk, number):
    found = talk.find(Plan(f'when does she say "{LINES[number]}"', asks="said", words=LINES[number]))
    line = talk.track.texts[number]
    first = found.moments[0]
    assert (first.start_seconds, first.end_seconds) == pytest.approx((line.start_seconds, line.end_seconds), abs=0.01)
    assert found.exact == pytest.approx(1.0)
    assert found.present > 0.9
    assert first.evidence[0].text == LINES[number] and first.evidence[0].track == "said"


def test_words_that_are_said_twice_are_found_twice(engine):
    lines = ("Yes.", "The council closed the old bridge.", "Our guest writes novels.", "Yes, the man at the back.")
    found = WordTrack(spoken(lines), 20.0, engine).find(Plan("she says yes", asks="said", words="yes"))
    assert [round(moment.start_seconds) for moment in found.moments[:2]] == [1, 14]


def test_a_line_is_found_in_other_words(talk):
    found = talk.find(Plan("the old crossing over the river is shut"))
    assert found.moments[0].evidence[0].text == LINES[1]
    assert found.exact < 0.7


def test_the_words_are_asked_and_not_the_query_around_them(talk):
    asked = talk.find(Plan("when does she talk about it", asks="said", words="water the tomatoes"))
    assert asked.moments[0].evidence[0].text == LINES[4]
    of_another_kind = talk.find(Plan("novels about the sea", asks="written", words="water the tomatoes"))
    assert of_another_kind.moments[0].evidence[0].text == LINES[2]


def test_the_scores_are_probabilities_and_the_curve_has_a_value_for_each_stretch(talk):
    found = talk.find(Plan("a man dances"))
    assert sum(moment.score for moment in found.moments) <= 1 + 1e-9
    assert len(found.curve) + 1 == len(found.edges_seconds)
    assert found.edges_seconds[0] == 0 and found.edges_seconds[-1] == 30.0
    assert np.isfinite(found.curve).all()
    assert 0 <= found.present <= 1


def test_words_with_times_of_their_own_bound_a_phrase(engine):
    line = "and then the committee adopted the Lisbon protocol without any further discussion at all today"
    said = line.split()
    words = tuple(Word(10 + n, 10.9 + n, word) for n, word in enumerate(said))
    text = TimedText(10.0, 10 + len(said), line, words=words)
    track = TextTrack("said", (TimedText(0, 4, "Good morning."), text), "made up", "1", "en")
    found = WordTrack(track, 60.0, engine).find(Plan("x", asks="said", words="Lisbon protocol"))
    first = found.moments[0]
    assert (first.start_seconds, first.end_seconds) == pytest.approx((16.0, 17.9), abs=0.01)


def test_a_track_outside_the_video_is_refused(engine):
    with pytest.raises(TFGroundingError, match="no text"):
        WordTrack(TextTrack("said", (TimedText(50, 60, "late"),), "made up", "1"), 30.0, engine)
