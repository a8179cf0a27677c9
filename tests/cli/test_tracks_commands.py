"""The commands transcript and encode --tracks, and what the cache says of tracks."""

from __future__ import annotations

import json

import pytest
from videos import RED, make_scenes

from tfgrounding.tracks.cache import FeatureCache
from tfgrounding.tracks.kept_texts import KeptTexts
from tfgrounding.tracks.text_track import TextTrack, TimedText

SRT = "1\n00:00:01,000 --> 00:00:02,000\nHello, you.\n\n2\n00:00:xx,000 --> 00:00:02,000\nlost\n"


@pytest.fixture
def video(tmp_path, monkeypatch):
    monkeypatch.setenv("TFGROUNDING_CACHE", str(tmp_path / "cache"))
    (tmp_path / "talk.en.srt").write_text(SRT)
    return make_scenes(tmp_path / "talk.mp4", [(4.0, RED)])


def test_a_transcript_is_printed(run, video):
    code, out, err = run("transcript", video)
    assert (code, out) == (0, "00:00:01.000 - 00:00:02.000  said  Hello, you.\n")
    assert err.startswith("warning: ") and "1 of 2 subtitles cannot be read" in err


@pytest.mark.parametrize("form", ["text", "srt", "vtt", "json", "jsonl"])
def test_a_transcript_is_written_in_the_format_of_the_files_ending(run, video, tmp_path, form):
    path = tmp_path / "new" / f"out.{form}"
    assert run("transcript", video, "--output", path)[:2] == (0, "")
    assert run("transcript", video, "--format", form)[1] == path.read_text(encoding="utf-8")
    assert "Hello, you." in path.read_text(encoding="utf-8")


def test_tracks_of_several_kinds(run, video, tmp_path):
    captions = tmp_path / "c.jsonl"
    captions.write_text(json.dumps({"vid": "talk", "texts": [[0, 4, "a red wall"]]}))
    code, out, _ = run("transcript", video, "--tracks", f"said,described:{captions}")
    assert code == 0 and [line.split()[3] for line in out.splitlines()] == ["described", "said"]
    kept = KeptTexts(FeatureCache())
    kept.keep(video, TextTrack("written", (TimedText(1, 2, "EXIT", 0.9),), "screen", "r"), {"by": "screen"})
    code, out, _ = run("transcript", video, "--tracks", "auto")
    assert "written  0.90  EXIT" in out and "said" in out


def test_nothing_found_is_said_and_no_error(run, video, tmp_path):
    (tmp_path / "talk.en.srt").unlink()
    code, out, err = run("transcript", video, "--tracks", "auto")
    assert (code, out) == (0, "") and "nothing found" in err


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("--tracks", "sung"), "there is no track 'sung'"),
        (("--tracks", "shown"), "holds no texts"),
        (("--format", "doc"), "--format must be one of text, srt, vtt, json, jsonl"),
        (("--language", "xx"), "the language 'xx' is not known"),
        (("--tracks", "said:none.srt"), "none.srt: there is no such file"),
        (("--output", "{video}"), "would be lost"),
    ],
)
def test_mistakes_are_one_line(run, video, arguments, why):
    code, out, err = run("transcript", video, *(one.format(video=video) for one in arguments))
    assert code == 2 and out == "" and why in err.splitlines()[-1]
    assert run("transcript", "missing.mp4")[0] == 2


def test_a_language_is_chosen_where_queries_are_asked(run, video, tmp_path):
    (tmp_path / "talk.de.srt").write_text(SRT.replace("Hello, you.", "Hallo, du."))
    ask = ("ground", video, 'she says "hallo"', "--tracks", "said")
    assert "talk.de.srt" in run(*ask, "--language", "de")[1]
    assert "talk.en.srt" in run(*ask)[1]
    for command in (ask, ("report", video, "hello"), ("export", video, "hello")):
        code, _, err = run(*command, "--language", "xx")
        assert code == 2 and "'xx' is not known" in err


def test_encode_prepares_the_tracks_that_are_named(run, video, monkeypatch):
    from tfgrounding.registry import ROWS

    monkeypatch.setitem(ROWS["encoders"], "colours", "conftest:ColourEncoder")
    code, out, _ = run("encode", video, "--tracks", "said:subtitles")
    assert code == 0 and out.split() == ["00:00:04.000", "1", "texts", "said", "(subtitles", "talk.en.srt)", str(video)]
    assert FeatureCache().entries() == []
    code, out, _ = run("encode", video, "missing.mp4", "--tracks", "shown,said:subtitles", "--encoder", "colours")
    assert code == 2 and "12 samples  colours" in out and "1 texts    said" in out


def test_encode_keeps_what_it_can_where_one_track_fails(run, video, tmp_path, monkeypatch):
    from tfgrounding.registry import ROWS

    monkeypatch.setitem(ROWS["encoders"], "colours", "conftest:ColourEncoder")
    (tmp_path / "talk.en.srt").write_bytes(bytes(200))
    captions = tmp_path / "c.jsonl"
    captions.write_text(json.dumps({"vid": "talk", "texts": [[0, 4, "a red wall"]]}))
    tracks = f"shown,said:subtitles,described:{captions}"
    code, out, err = run("encode", video, "--tracks", tracks, "--encoder", "colours")
    assert code == 2 and "talk.en.srt: holds no subtitle" in err and "1 of 1 videos could not" in err
    assert "12 samples  colours" in out and "1 texts    described" in out
    code, out, err = run("encode", video, "--tracks", "shown,said:subtitles", "--encoder", "colours")
    assert code == 2 and "12 samples  colours" in out and "talk.en.srt: holds no subtitle" in err
    code, out, err = run("encode", "missing.mp4", "--tracks", "shown,said", "--encoder", "colours")
    assert code == 2 and err.count("missing.mp4") == 1 and out == ""


def test_encode_listens_where_sounds_are_named(run, tmp_path, monkeypatch):
    from sounds import make_sounding, tone
    from tiny_clap import save_clap

    monkeypatch.setenv("TFGROUNDING_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "no weights"))
    loud = make_sounding(tmp_path / "a.mkv", [(1.0, tone(2, rate_hz=8_000))], seconds=5, rate_hz=8_000)
    code, out, err = run("encode", loud, "--tracks", "heard")
    assert code == 2 and "no encoder for sound" in err
    code, out, err = run("encode", loud, "--tracks", f"heard:{save_clap(tmp_path / 'clap')}")
    assert code == 0 and out.split()[1:3] == ["3", "sounds"], err
    assert len(FeatureCache().entries()) == 1


def test_the_cache_counts_tracks_and_unfinished_ones(run, video):
    kept = KeptTexts(FeatureCache())
    kept.keep(video, TextTrack("written", (TimedText(1, 2, "EXIT", 0.9),), "screen", "r"), {"by": "screen"})
    kept.parts(video, "said", {"by": "speech"}).add(0, [TimedText(1, 2, "hello")])
    assert run("cache")[1].startswith("0 encoded videos or texts, 1 tracks of words, 1 unfinished ones, 0.0 MB in ")
    assert run("cache", "--clear", "--yes")[1].startswith(
        "0 encoded videos or texts, 1 tracks of words, 1 unfinished ones removed"
    )
    assert run("cache")[1].startswith("0 encoded videos or texts, 0 tracks of words, 0.0 MB")
