"""What the command line prints of an answer."""

from __future__ import annotations

import json

import pytest
from videos import RED, make_scenes
from worded import milk, worded

from tfgrounding import Grounder
from tfgrounding.cli.terminal import print_moments
from tfgrounding.types import Evidence


@pytest.fixture
def found(tmp_path, colour_encoder):
    video = make_scenes(tmp_path / "v.mp4", [(2.0, (0, 0, 90)), (2.0, RED)])
    return Grounder(encoder=colour_encoder, cache=False, localizer="max-sum").ground(video, "red", top_k=1)


def test_words_stand_under_their_moment_and_the_tracks_last(found, capsys):
    print_moments(found)
    plain = capsys.readouterr().out
    print_moments(milk(found))
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == plain.rstrip("\n")
    assert lines[1:] == [
        '      said 0:02.0-0:03.0  "let\'s start with the milk"',
        "      shown 0:02.0-0:04.0",
        "tracks asked  said: subtitles talk.en.srt, present 0.97; written: screen, says nothing about this",
    ]


def test_no_terminal_obeys_the_words_of_a_video(found, capsys):
    print_moments(worded(found, Evidence("said", 1, 2, "\x1b[2J\r\n\x07 gone \u202e" + "x" * 10_000)))
    out = capsys.readouterr().out
    assert all(line.isprintable() and len(line) < 200 for line in out.splitlines()) and out.count("\n") == 3


def test_a_saved_answer_keeps_its_words(found):
    again = type(found).from_dict(json.loads(json.dumps(milk(found).to_dict())))
    assert again.moments == milk(found).moments
    assert [(t.kind, t.source, t.voted) for t in again.tracks] == [
        ("said", "subtitles talk.en.srt", True),
        ("written", "screen", False),
    ]
