"""Texts of a video from files: captions of many videos, rows of one, tracks as JSON, subtitles."""

from __future__ import annotations

import gzip
import json

import pytest
from videos import RED, make_scenes

from tfgrounding.errors import TrackError
from tfgrounding.media import open_source
from tfgrounding.tracks import caption_files
from tfgrounding.tracks.caption_files import text_file
from tfgrounding.tracks.text_track import TextTrack, TimedText, Word


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    return open_source(make_scenes(tmp_path_factory.mktemp("videos") / "kitchen.mp4", [(6.0, RED)]))


def write(path, *rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def rows(track):
    return track.rows


MANY = (
    {"vid": "garden", "texts": [[0, 1, "a garden"]], "more": 1},
    {"vid": "kitchen", "texts": [[2, 4, "she pours\n the milk"], [0, 2, "a kitchen"]]},
)


@pytest.mark.parametrize("name", ["kitchen", "kitchen.mp4", "folder/kitchen.mp4", "kitchen.avi"])
def test_captions_of_many_videos(source, tmp_path, name):
    path = write(tmp_path / "c.jsonl", MANY[0], {**MANY[1], "vid": name})
    track = text_file(path, "described", source)
    assert rows(track) == [(0, 2, "a kitchen"), (2, 4, "she pours the milk")]
    assert (track.kind, track.source, track.warnings) == ("described", "file c.jsonl", ())


def test_of_videos_with_one_name_the_path_decides(tmp_path):
    places = [tmp_path / folder / "v.mp4" for folder in ("cam1", "cam2", "cam3")]
    for place in places:
        place.parent.mkdir()
        make_scenes(place, [(3.0, RED)])
    first, second, third = map(open_source, places)
    both = [{"vid": f"cam{k}/v.mp4", "texts": [[0, 2, f"from {k}"]]} for k in (1, 2)]
    path = write(tmp_path / "c.jsonl", *both)
    assert rows(text_file(path, "described", first)) == [(0, 2, "from 1")]
    assert rows(text_file(path, "described", second)) == [(0, 2, "from 2")]
    with pytest.raises(TrackError, match=r"not clear which video is .*'cam1/v\.mp4' and 'cam2/v\.mp4'"):
        text_file(path, "described", third)
    path = write(tmp_path / "c.jsonl", *both, {"vid": "v.mp4", "texts": [[0, 2, "any other"]]})
    assert rows(text_file(path, "described", third)) == [(0, 2, "any other")]
    assert rows(text_file(path, "described", second)) == [(0, 2, "from 2")]


def test_texts_that_are_no_list_are_an_error(source, tmp_path):
    path = write(tmp_path / "c.jsonl", {"vid": "kitchen", "texts": "a kitchen"})
    with pytest.raises(TrackError, match="are no list"):
        text_file(path, "described", source)


def test_compressed_captions(source, tmp_path):
    plain = write(tmp_path / "c.jsonl", *MANY)
    packed = tmp_path / "c.jsonl.gz"
    packed.write_bytes(gzip.compress(plain.read_bytes()))
    assert text_file(packed, "described", source).rows == text_file(plain, "described", source).rows
    packed.write_bytes(packed.read_bytes()[:-20])
    with pytest.raises(TrackError, match="cannot be decompressed"):
        text_file(packed, "described", source)


def test_a_compressed_file_cannot_fill_the_memory(source, tmp_path, monkeypatch):
    monkeypatch.setattr(caption_files, "LARGEST_FILE_BYTES", 1 << 20)
    path = tmp_path / "bomb.jsonl.gz"
    path.write_bytes(gzip.compress(b" " * (50 << 20)))
    with pytest.raises(TrackError, match="when it is decompressed"):
        text_file(path, "described", source)


def test_rows_of_one_video(source, tmp_path):
    path = write(
        tmp_path / "c.jsonl",
        {"start_seconds": 1, "end_seconds": 2, "text": "one", "confidence": 0.5},
        {"start_seconds": 3, "end_seconds": 4, "text": "a sign", "kind": "written"},
    )
    assert text_file(path, "said", source).texts == (TimedText(1, 2, "one", 0.5),)
    assert text_file(path, "written", source).rows == [(1, 2, "one"), (3, 4, "a sign")]


def test_what_the_command_writes_is_read_back(source, tmp_path):
    from tfgrounding.show.transcript import transcript

    said = TextTrack("said", (TimedText(0.5, 2, "hello you", 0.9, (Word(0.5, 1, "hello"),)),), "speech", "r", "en")
    seen = TextTrack("written", (TimedText(1, 3, "EXIT", 0.8),), "screen", "r")
    for form in ("json", "jsonl"):
        path = tmp_path / f"t.{form}"
        path.write_text(transcript([said, seen], source.info, form))
        for track in (said, seen):
            assert text_file(path, track.kind, source).texts == track.texts
    assert text_file(tmp_path / "t.json", "said", source).language == "en"
    with pytest.raises(TrackError, match="no track of the kind described; its tracks: said, written"):
        text_file(tmp_path / "t.json", "described", source)
    (tmp_path / "one.json").write_text(json.dumps(said.to_dict()))
    assert text_file(tmp_path / "one.json", "said", source).texts == said.texts


def test_subtitles_as_captions(source, tmp_path):
    path = tmp_path / "c.SRT"
    path.write_text("1\n00:00:01,000 --> 00:00:02,000\na man stirs\n")
    assert text_file(path, "described", source).rows == [(1, 2, "a man stirs")]


def test_what_cannot_be_read_is_left_out_and_counted(source, tmp_path):
    texts = [
        [0, 1, "good"],
        [1, 1, "no length"],
        [2, "x", "no number"],
        [3, 4, 5],
        [4, 5],
        None,
        [9, 10, "outside"],
        [3, 4, " "],
    ]
    path = write(tmp_path / "c.jsonl", {"vid": "kitchen", "texts": texts}, MANY[1])
    path.write_text(path.read_text() + "{broken\n[1]\n")
    track = text_file(path, "described", source)
    assert track.rows == [(0, 1, "good")]
    said = " ".join(track.warnings)
    assert "2 lines cannot be read" in said and "there twice" in said
    assert "5 of 8 texts cannot be read" in said and "1 of 2 texts lie outside" in said


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("c.jsonl", "", "holds no text"),
        ("c.jsonl", '{"vid": "garden", "texts": []}', "no texts of the video .*garden"),
        ("c.jsonl", "[" * 100_000, "holds no text"),
        ("c.json", "[" * 100_000, "nested too deep|no text track"),
        ("c.json", "5", "no text track"),
        ("c.json", '{"kind": "said"}', "no text track"),
        ("c.json", '{"tracks": 5}', "no text track"),
        ("c.json", '{"tracks": [{}]}', "no text track"),
        ("c.json", "\x00", "no text track"),
    ],
)
def test_a_file_without_texts_is_an_error_in_one_sentence(source, tmp_path, name, content, why):
    path = tmp_path / name
    path.write_text(content)
    with pytest.raises(TrackError, match=why) as raised:
        text_file(path, "described", source)
    assert "\n" not in str(raised.value)


def test_a_missing_file(source):
    with pytest.raises(TrackError, match="no such file"):
        text_file("nowhere.jsonl", "described", source)
