"""The choice of tracks: what is allowed is understood, everything else is refused with what is allowed."""

from __future__ import annotations

import pytest

from tfgrounding.errors import TrackError
from tfgrounding.tracks.choice import NamedTrack, TrackChoice, track_choice


@pytest.mark.parametrize("given", ["auto", " auto ", ["auto"], TrackChoice()])
def test_auto(given):
    choice = track_choice(given)
    assert choice.is_auto and str(choice) == "auto"
    assert choice.asks("shown") and choice.asks("said") and choice.find("said") is None


@pytest.mark.parametrize(
    "given", ["shown,said:talk.en.SRT", " shown , said: talk.en.SRT ", ["shown", "said:talk.en.SRT"]]
)
def test_kinds_with_and_without_sources(given):
    choice = track_choice(given)
    assert choice == TrackChoice((NamedTrack("shown"), NamedTrack("said", "talk.en.SRT")))
    assert str(choice) == "shown,said:talk.en.SRT" and track_choice(str(choice)) == choice == track_choice(choice)
    assert choice.find("said").is_file and not choice.asks("written") and hash(choice) == hash(track_choice(given))


def test_sources_may_hold_colons_and_in_a_list_commas():
    assert track_choice("said:C:/films/a.srt").find("said").origin == "C:/films/a.srt"
    assert track_choice(["described:a,b.jsonl"]).find("described").origin == "a,b.jsonl"
    assert not track_choice("said:large-v3").find("said").is_file
    assert track_choice("heard:laion/clap-htsat-fused").find("heard").origin == "laion/clap-htsat-fused"


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ("", "no track is named"),
        ([], "no track is named"),
        (",", "no track is named"),
        ("sung", "no track 'sung'"),
        ("shown,,said", "no track ''"),
        ("said:a.srt,said:b.srt", "named twice"),
        ("shown,auto", "stands alone"),
        ("said:", "behind the colon"),
        ("shown:x", "no other source"),
        ("described:model", "ends in .srt"),
        ("said:subtitles:en", "nothing follows said:subtitles; a language"),
        ("said:speech:small", "nothing follows said:speech"),
        ("written:model", "read from the pictures"),
        ("sa\x1bid", "no track 'sa id'"),
        (5, "not int"),
        (["said", 5], "list of texts"),
    ],
)
def test_what_makes_no_sense_is_refused(given, why):
    with pytest.raises(TrackError, match=why) as raised:
        track_choice(given)
    assert "\n" not in str(raised.value) and "\x1b" not in str(raised.value)
