"""Transcripts: lines to read, subtitles that players and we ourselves read, JSON."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from tfgrounding.errors import TFGroundingError
from tfgrounding.show.transcript import FORMS, transcript
from tfgrounding.tracks.cues import plain_cues
from tfgrounding.tracks.text_track import TextTrack, TimedText
from tfgrounding.types import VideoInfo

INFO = VideoInfo("v.mp4", 5000.0, 64, 48)
SAID = TextTrack(
    "said", (TimedText(1.5, 3.25, "Fish & <chips> {now}", 0.5), TimedText(3700, 3701, "Bye\x1b.")), "speech", "r"
)
WRITTEN = TextTrack("written", (TimedText(2.0, 4.0, "EXIT"),), "screen", "r")


def test_lines_in_order_of_time():
    assert transcript([SAID, WRITTEN], INFO).split("\n") == [
        "00:00:01.500 - 00:00:03.250  said     0.50  Fish & <chips> {now}",
        "00:00:02.000 - 00:00:04.000  written        EXIT",
        "01:01:40.000 - 01:01:41.000  said           Bye .",
        "",
    ]
    assert transcript([WRITTEN], INFO) == "00:00:02.000 - 00:00:04.000  written  EXIT\n"


@pytest.mark.parametrize("form", ["srt", "vtt"])
def test_subtitles_count_from_the_start_of_the_file(form):
    found = plain_cues(transcript([SAID], replace(INFO, start_offset_seconds=0.5), form))[0]
    assert [(cue.start_seconds, cue.end_seconds) for cue in found] == [(2.0, 3.75), (3700.5, 3701.5)]
    assert found[0].text == ("Fish & ‹chips› (now)" if form == "srt" else "Fish & <chips> {now}")
    both = plain_cues(transcript([SAID, WRITTEN], INFO, form))[0]
    assert len(both) == 3


def test_json_holds_the_tracks_and_rows_the_texts():
    data = json.loads(transcript([SAID, WRITTEN], INFO, "json"))
    assert [TextTrack.from_dict(track) for track in data["tracks"]] == [SAID, WRITTEN]
    rows = [json.loads(line) for line in transcript([SAID, WRITTEN], INFO, "jsonl").splitlines()]
    assert rows[1] == {"video": "v.mp4", "kind": "written", "start_seconds": 2.0, "end_seconds": 4.0, "text": "EXIT"}


def test_nothing_is_still_a_file():
    assert [transcript([], INFO, form) for form in ("text", "srt", "vtt", "jsonl")] == ["", "", "WEBVTT\n", ""]


def test_another_format_is_refused():
    with pytest.raises(TFGroundingError, match=", ".join(FORMS)):
        transcript([SAID], INFO, "doc")
