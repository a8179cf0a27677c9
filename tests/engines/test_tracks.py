"""Pictures and words answer together, and what the words did is said."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from test_numpro import Watcher, red_numbers
from tiny_clap import save_clap
from videos import BLUE, GREEN, RED, make_scenes

from tfgrounding import Answer, Grounder
from tfgrounding.engines.numpro import NumProEngine
from tfgrounding.engines.tracks import ONLY_SHOWN
from tfgrounding.errors import EncoderError, TFGroundingError, TrackError
from tfgrounding.types import Plan

CUES = (
    (1.0, 3.0, "Good evening and welcome to the programme."),
    (6.0, 8.0, "The council closed the old bridge on Monday."),
    (11.0, 13.0, "Remember to water the tomatoes before noon."),
    (16.0, 18.0, "That is all we have time for, thank you."),
)


def srt(path: Path) -> None:
    blocks = [f"{n}\n00:00:{s:02.0f},000 --> 00:00:{e:02.0f},000\n{text}\n" for n, (s, e, text) in enumerate(CUES, 1)]
    path.write_text("\n".join(blocks), encoding="utf-8")


@pytest.fixture
def film(tmp_path) -> Path:
    """Twenty seconds, blue from 10 to 15, with subtitles beside it."""
    path = make_scenes(tmp_path / "film.mp4", [(5, RED), (5, GREEN), (5, BLUE), (5, RED)])
    srt(tmp_path / "film.srt")
    return Path(path)


@pytest.fixture
def grounder(colour_encoder) -> Grounder:
    return Grounder(encoder=colour_encoder, cache=False)


def best(answer: Answer) -> tuple[float, float]:
    return answer.moments[0].start_seconds, answer.moments[0].end_seconds


def test_what_is_said_is_found_with_the_words_as_evidence(film, grounder):
    answer = grounder.ground(film, 'when does she say "water the tomatoes"')
    assert best(answer) == pytest.approx((11, 13), abs=0.1)
    assert ("said", CUES[2][2]) in {(found.track, found.text) for found in answer.moments[0].evidence}
    (track,) = answer.tracks
    assert (track.kind, track.voted) == ("said", True) and "film.srt" in track.source
    assert answer.present > 0.9


def test_the_wanted_language_of_the_words_is_read(film, colour_encoder):
    text = (film.parent / "film.srt").read_text(encoding="utf-8").replace("tomatoes", "Tomaten")
    (film.parent / "film.de.srt").write_text(text, encoding="utf-8")
    for language, name in (("", "film.srt"), ("de", "film.de.srt"), ("German", "film.de.srt")):
        asked = Grounder(encoder=colour_encoder, cache=False, language=language)
        assert name in asked.ground(film, "blue").tracks[0].source
    with pytest.raises(TrackError, match="'xx' is not known"):
        Grounder(encoder=colour_encoder, cache=False, language="xx")


def test_a_query_about_pictures_is_answered_as_without_words(film, colour_encoder, grounder):
    alone = Grounder(encoder=colour_encoder, cache=False, tracks="shown")
    for query in ("blue", "a red thing appears", "first red, then green"):
        with_words, without = grounder.ground(film, query), alone.ground(film, query)
        assert with_words.moments == without.moments and with_words.present == without.present
        assert [track.voted for track in with_words.tracks] == [False]
        assert without.tracks == ()


def test_events_of_words_and_pictures_are_joined_in_their_order(film, grounder):
    answer = grounder.ground(film, 'someone says "the council closed the old bridge", then blue')
    start, end = best(answer)
    assert start == pytest.approx(6, abs=0.2) and end == pytest.approx(15, abs=0.5)


def test_a_line_with_a_not_in_it_is_found_where_it_stands_and_no_other(film, grounder):
    text = (film.parent / "film.srt").read_text(encoding="utf-8").replace(CUES[2][2], "Do not open that chest!")
    (film.parent / "film.srt").write_text(text, encoding="utf-8")
    answer = grounder.ground(film, "Do not open that chest!")
    assert best(answer) == pytest.approx((11, 13), abs=0.1)
    assert answer.moments[0].evidence[0].text == "Do not open that chest!"
    other = grounder.ground(film, "the council did not close the old bridge")
    assert not any(track.voted for track in other.tracks)


class Counted:
    """What an engine watched, and the queries that it was asked."""

    def __init__(self, shown) -> None:
        self._shown, self.asked = shown, []

    def __getattr__(self, name):
        return getattr(self._shown, name)

    def ask(self, plan, **how):
        self.asked.append(plan.query)
        return self._shown.ask(plan, **how)


@pytest.mark.parametrize(("words", "times"), [("the council closed the old bridge", 2), ("zebras graze on Mars", 3)])
def test_the_pictures_are_not_asked_for_an_event_whose_words_are_found(film, grounder, words, times):
    watched = grounder.watch(film)
    shown = watched._shown = Counted(watched._shown)
    watched.ask(f'someone says "{words}", then blue')
    assert len(shown.asked) == times  # for the whole query, and for each event that needs them


def test_a_track_is_made_ready_once_and_again_where_its_file_changes(film, grounder):
    first, again = (grounder.watch(film)._words[0] for _ in range(2))
    assert again is first
    text = (film.parent / "film.srt").read_text(encoding="utf-8")
    (film.parent / "film.srt").write_text(text.replace("tomatoes", "cucumbers"), encoding="utf-8")
    answer = grounder.ground(film, 'when does she say "water the cucumbers"')
    assert answer.present > 0.9


def test_words_alone_need_no_encoder_of_pictures(film):
    grounder = Grounder(encoder="no-such-encoder", tracks="said", cache=False)
    answer = grounder.ground(film, "the crossing over the river is shut")
    assert best(answer) == pytest.approx((6, 8), abs=0.1)
    assert answer.provenance["looked_at"] == "texts" and len(answer.curve) == len(answer.pts_seconds)
    with pytest.raises(TFGroundingError, match="looks at no pictures"):
        grounder.encode_video(film)


def test_a_video_without_the_words_that_are_asked_has_no_moment(film):
    (film.parent / "film.srt").write_text("", encoding="utf-8")
    for tracks in ("said:speech", "described"):
        answer = Grounder(tracks=tracks, cache=False).ground(film, "the crossing over the river is shut")
        assert answer.moments == () and answer.present == 0 and any("nothing found" in w for w in answer.warnings)
        assert Answer.from_dict(json.loads(json.dumps(answer.to_dict()))).to_dict() == answer.to_dict()


def test_an_answer_with_tracks_is_written_and_read_back(film, grounder):
    answer = grounder.ground(film, 'when does she say "water the tomatoes"')
    read = Answer.from_dict(json.loads(json.dumps(answer.to_dict())))
    assert read.to_dict() == answer.to_dict() and read.moments == answer.moments
    assert "curve" not in answer.to_dict(curves=False)["tracks"][0]


def test_a_query_for_words_says_what_is_missing(film, grounder):
    (film.parent / "film.srt").unlink()
    answer = grounder.ground(film, 'the sign that reads "exit"')
    assert answer.tracks == () and any("--tracks written" in warning for warning in answer.warnings)
    assert grounder.ground(film, "blue").warnings == ()
    srt(film.parent / "film.srt")
    answer = grounder.ground(film, 'the sign that reads "exit"')
    assert any("no such track" in warning and "--tracks written" in warning for warning in answer.warnings)
    answer = grounder.ground(film, 'he says "quarterly revenue of the shipping branch"')
    assert any("nothing that is said" in warning for warning in answer.warnings)


def test_a_damaged_subtitle_file_never_hides_the_pictures(film, grounder):
    (film.parent / "film.srt").write_bytes(b"\x00\xff nothing that can be read")
    answer = grounder.ground(film, "blue")
    assert best(answer) == pytest.approx((10, 15), abs=0.5)
    assert any("film.srt" in warning for warning in answer.warnings)
    with pytest.raises(TrackError, match=r"film\.srt"):
        Grounder(tracks="said:subtitles", cache=False).ground(film, "blue")


def test_words_stand_beside_an_engine_that_makes_no_curves(film):
    answer = Grounder(engine=NumProEngine(Watcher(red_numbers)), cache=False).ground(
        film, 'when does she say "water the tomatoes"'
    )
    assert best(answer) == pytest.approx((11, 13), abs=0.1)
    assert answer.tracks[0].voted


def test_sounds_are_asked_where_they_are_named(film, tmp_path, colour_encoder):
    folder = save_clap(tmp_path / "clap")
    answer = Grounder(encoder=colour_encoder, tracks=f"shown,heard:{folder}", cache=False).ground(film, "blue")
    assert any("no sound" in warning for warning in answer.warnings)
    with pytest.raises(EncoderError, match="heard:clap"):
        Grounder(encoder=colour_encoder, tracks="shown,heard", cache=False).ground(film, "blue")


def test_events_of_words_and_pictures_have_their_own_moments(film, grounder):
    answer = grounder.ground(film, 'a blue screen is seen and then she says "that is all we have time for"')
    blue, said = answer.events
    assert (blue.moment.start_seconds, blue.moment.end_seconds) == pytest.approx((10, 15), abs=1)
    assert (said.moment.start_seconds, said.moment.end_seconds) == pytest.approx((16, 18), abs=0.2)
    assert CUES[3][2] in {found.text for found in said.moment.evidence} and said.present > 0.9


def test_where_only_words_are_asked_each_event_is_looked_for_in_them(film):
    words = Grounder(tracks="said", cache=False)
    answer = words.ground(film, "the council closed a bridge and then the tomatoes are watered")
    bridge, tomatoes = answer.events
    assert bridge.moment.start_seconds == pytest.approx(6, abs=0.5)
    assert tomatoes.moment.start_seconds == pytest.approx(11, abs=0.5)


def test_what_is_not_there_is_looked_for_in_the_pictures_only(film, grounder):
    answer = grounder.ground(film, Plan("blue", negated=True))
    assert any((m.start_seconds, m.end_seconds) == pytest.approx((0, 10), abs=1) for m in answer.moments)
    assert not answer.tracks and ONLY_SHOWN in answer.warnings
    assert grounder.ground(film, "blue").tracks


def test_where_only_words_are_asked_nothing_is_said_of_what_is_not_there(film):
    answer = Grounder(tracks="said", cache=False).ground(film, "nobody")
    assert answer.moments == () and answer.plan.negated and ONLY_SHOWN in answer.warnings
