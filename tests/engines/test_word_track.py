"""A track of texts is asked: what is quoted is found exactly, what is not there is not claimed."""

from __future__ import annotations

import numpy as np
import pytest

from tfgrounding.encoders import load_sentences
from tfgrounding.engines.texts import TextsEngine
from tfgrounding.engines.word_track import WordTrack
from tfgrounding.errors import TFGroundingError
from tfgrounding.planning.planner import RulesPlanner
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
    return TextsEngine(encoder=load_sentences("embedded"), cache=False)


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


def test_a_line_that_tells_of_several_events_or_of_none_is_one_moment(talk):
    for query in ("the crossing is shut while it is Monday", "the crossing is not open any more"):
        plan = RulesPlanner().plan(query)
        assert plan.sub_events or plan.negated
        first, line = talk.find(plan).moments[0], talk.track.texts[1]
        assert (first.start_seconds, first.end_seconds) == pytest.approx((line.start_seconds, line.end_seconds))


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


NUMBERS = (
    "Let's start with the results of the third quarter.",
    "That is up 12.5% from last year.",
    "My name is Patricia Hollander and I pay the bills.",
    "Fuel prices went through the roof in July.",
    "Don't forget to vote on item number 7.",
    "The cafeteria is on the upper floor.",
)


@pytest.fixture(scope="module")
def figures(engine) -> WordTrack:
    return WordTrack(spoken(NUMBERS), 30.0, engine)


def asked(track: WordTrack, query: str):
    return track.find(RulesPlanner().plan(query))


@pytest.mark.parametrize(
    "query",
    [
        "he says 13.5%",
        "when do they say item number 8",
        '"item number 8"',
        "they talk about the fourth quarter",
        "she says Patricia Johnson",
        '"Patricia Johnson"',
        "someone mentions Berlin",
        'he says "blockchain"',
        'she says "fuel prices went down again in August"',
    ],
)
def test_another_number_or_name_and_a_quotation_met_in_part_are_not_present(figures, query):
    assert asked(figures, query).present < 0.5


def test_quoted_words_that_are_nowhere_are_hardly_present(figures):
    assert asked(figures, 'he says "petrol costs"').present < 0.3  # its meaning is there


@pytest.mark.parametrize(
    ("query", "number"),
    [
        ("when do they say 12.5%", 1),
        ("item number seven", 4),
        ('"the 3rd quarter"', 0),
        ('"patricia holander"', 2),
        ("what did they say about fuel prices", 3),
        ("they say where lunch is served", 5),
    ],
)
def test_numbers_names_and_topics_that_are_there_are_found_with_the_line_s_bounds(figures, query, number):
    found, line = asked(figures, query), figures.track.texts[number]
    first = found.moments[0]
    assert found.present > 0.5
    assert (first.start_seconds, first.end_seconds) == pytest.approx((line.start_seconds, line.end_seconds), abs=0.01)
    assert [evidence.text for evidence in first.evidence] == [NUMBERS[number]]


FOREIGN = {
    "de": ("Guten Morgen und willkommen", "Die Preise sind stark gestiegen", "Vielen Dank und auf Wiedersehen"),
    "zh": ("大家好,欢迎来到我们的节目", "今天我们讨论通货膨胀", "谢谢大家再见"),
    "th": ("สวัสดีครับ ยินดีต้อนรับ", "ใส่นมลงในแก้ว", "ขอบคุณมากครับ"),
    "": ("नमस्ते दोस्तों", "आज हम खाना बनाएंगे", "धन्यवाद"),
}


@pytest.mark.parametrize("language", FOREIGN)
def test_of_a_language_that_the_encoder_does_not_read_only_exact_words_are_found(engine, language):
    lines = FOREIGN[language]
    track = WordTrack(TextTrack("said", spoken(lines).texts, "made up", "1", language), 30.0, engine)
    for query in ("he opens the door", "he says thank you", '"Krankenhaus"', '"战争与和平"', '"ลาก่อน"', "x" * 10_000):
        found = asked(track, query)
        assert found.present < 0.1, query
        assert not found.moments[0].evidence, query
    found = asked(track, f'"{lines[1]}"')
    assert found.present > 0.9 and [evidence.text for evidence in found.moments[0].evidence] == [lines[1]]
    assert sum("only exact words are found" in note for note in found.warnings) == 1


def test_a_query_in_other_letters_is_not_in_an_english_track(talk):
    found = asked(talk, '"谢谢大家"')
    assert found.present < 0.1 and any("seems to be in Chinese" in note for note in found.warnings)


def test_a_track_that_does_not_state_its_language_is_read_in_its_own(engine):
    """Exact words are found, and meanings are not compared by an encoder that does not read them."""
    lines = ("Guten Morgen, meine Damen und Herren.", "Heute kochen wir eine Suppe.", "Das Wasser ist schon heiß.")
    track = WordTrack(TextTrack("said", spoken(lines).texts, "made up", "1"), 30.0, engine)
    assert track.track.language == "de"
    found = asked(track, "das Wasser ist heiß")
    assert found.present > 0.5 and found.moments[0].evidence[0].text == lines[2]
    assert asked(track, "she cooks soup").present < 0.1
    (note,) = [note for note in found.warnings if "German" in note]
    assert "only exact words are found" in note


@pytest.mark.parametrize("lines", [("I really like this song.",) * 300, ("Bring me the blue folder.",)])
@pytest.mark.parametrize("query", ["he says goodbye", '"goodbye"', "a dog barks", "they say hello"])
def test_a_track_with_one_text_says_nothing_else(engine, lines, query):
    track = WordTrack(spoken(lines, pause=0.1, length=0.4), 200.0, engine)
    assert asked(track, query).present < 0.5


@pytest.mark.parametrize("query", ["“", "says", 'he says ""', "\x01\x02"])
def test_a_query_without_content_is_not_present_and_a_warning_says_why(talk, query):
    found = talk.find(Plan(query))
    assert found.present < 0.01
    assert any("no words" in note for note in found.warnings)


def test_evidence_are_the_texts_that_fit_and_not_those_that_overlap(engine):
    rows = (
        (10, 25, "The long narration about whales and their songs goes on and on."),
        (20, 22, "Stop the car!"),
        (21, 25, "Why should I stop?"),
        (0, 29, "Channel 5 News"),
    )
    track = WordTrack(TextTrack("said", tuple(TimedText(*row) for row in rows), "made up", "1", "en"), 30.0, engine)
    for query, text in (
        ('"stop the car"', rows[1][2]),
        ('"channel 5"', rows[3][2]),
        ("he mentions whales", rows[0][2]),
    ):
        found = asked(track, query)
        assert [evidence.text for evidence in found.moments[0].evidence] == [text]
        assert found.present > 0.9
