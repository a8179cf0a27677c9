"""Kept tracks: found by the content of the video, never another's or a damaged one; finished parts are not lost."""

from __future__ import annotations

import json
import multiprocessing
import shutil

import pytest

from tfgrounding.errors import VideoError
from tfgrounding.tracks.cache import FeatureCache
from tfgrounding.tracks.kept_texts import KeptTexts
from tfgrounding.tracks.text_track import TextTrack, TimedText, Word

MADE_BY = {"by": "speech", "model": "tiny", "beam": 1}


def track(text: str = "hello", kind: str = "said") -> TextTrack:
    words = (Word(0.5, 1.0, text),)
    return TextTrack(kind, (TimedText(0.5, 1.5, text, 0.75, words),), "speech", "tiny-1", "en", ("careful",))


@pytest.fixture
def cache(tmp_path):
    return FeatureCache(tmp_path / "cache")


@pytest.fixture
def kept(cache):
    return KeptTexts(cache)


@pytest.fixture
def video(tmp_path):
    path = tmp_path / "v.mp4"
    path.write_bytes(b"what a video holds, read as bytes alone here")
    return path


def entry(cache):
    (path,) = (cache.folder / "tracks").glob("*.json")
    return path


def test_what_was_kept_is_found_by_what_made_it(kept, video, tmp_path):
    assert kept.find(video, "said", MADE_BY) is None
    assert kept.keep(video, track(), MADE_BY) is None
    assert kept.find(video, "said", MADE_BY) == track()
    assert kept.find(video, "said") == track() == kept.find(video, "said", by="speech")
    assert kept.find(video, "said", {**MADE_BY, "model": "base"}) is None
    assert kept.find(video, "said", by="subtitles") is None and kept.find(video, "written") is None
    copied = shutil.copy(video, tmp_path / "other name.mkv")
    assert kept.find(copied, "said") == track()


def test_another_content_is_another_video(kept, video):
    kept.keep(video, track(), MADE_BY)
    video.write_bytes(b"other content")
    assert kept.find(video, "said") is None


def test_the_newest_is_found_first(kept, video, cache):
    import os

    kept.keep(video, track("old"), MADE_BY)
    os.utime(entry(cache), (1, 1))
    kept.keep(video, track("new"), {**MADE_BY, "model": "base"})
    assert kept.find(video, "said").texts[0].text == "new"


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: b"",
        lambda data: data[: len(data) // 2],
        lambda data: data.replace(b"hello", b"hallo"),
        lambda data: data.replace(b'"format": 1', b'"format": 9'),
        lambda data: b"[" * 100_000,
        lambda data: b"\xff\xfe\x00",
        lambda data: b'{"body": {"format": 1}, "crc32": 0}',
        lambda data: b"null",
    ],
)
def test_a_damaged_entry_reads_as_missing_and_is_replaced(kept, video, cache, damage):
    kept.keep(video, track(), MADE_BY)
    path = entry(cache)
    path.write_bytes(damage(path.read_bytes()))
    assert kept.find(video, "said", MADE_BY) is None and kept.find(video, "said") is None
    kept.keep(video, track(), MADE_BY)
    assert kept.find(video, "said", MADE_BY) == track()


def test_an_entry_for_another_video_under_this_name_is_not_taken(kept, video, cache, tmp_path):
    kept.keep(video, track(), MADE_BY)
    path = entry(cache)
    data = path.read_bytes()
    video.write_bytes(b"second video")
    kept.keep(video, track("second"), MADE_BY)
    (new,) = set((cache.folder / "tracks").glob("*.json")) - {path}
    new.write_bytes(data)
    assert kept.find(video, "said", MADE_BY) is None


def test_without_a_cache_nothing_is_kept(video):
    for kept in (KeptTexts(None), KeptTexts(FeatureCache(video.parent / "none", limit_bytes=0))):
        assert kept.keep(video, track(), MADE_BY) is None
        assert kept.find(video, "said") is None
        kept.parts(video, "said", MADE_BY).add(0, track().texts)
        assert kept.parts(video, "said", MADE_BY).get(0) is None
    assert not list(video.parent.glob("none/tracks/*"))


def test_what_cannot_be_kept_is_a_warning(video, tmp_path):
    (tmp_path / "file").write_text("")
    warning = KeptTexts(FeatureCache(tmp_path / "file")).keep(video, track(), MADE_BY)
    assert "said track is not kept" in warning
    small = KeptTexts(FeatureCache(tmp_path / "small", limit_bytes=100))
    assert "it takes" in small.keep(video, track(), MADE_BY) and small.find(video, "said") is None


def test_a_video_that_changed_or_went_meanwhile_keeps_no_track(kept, video):
    assert kept.find(video, "said", MADE_BY) is None
    video.write_bytes(b"another video by now")
    assert "changed" in kept.keep(video, track(), MADE_BY)
    assert kept.find(video, "said", MADE_BY) is None
    video.unlink()
    assert "not kept" in kept.keep(video, track(), MADE_BY)
    with pytest.raises(VideoError):
        kept.find(video, "said")


def test_tracks_share_the_limit_of_the_cache(video, tmp_path):
    cache = FeatureCache(tmp_path / "c", limit_bytes=3000)
    kept = KeptTexts(cache)
    for number in range(20):
        kept.keep(video, track(), {**MADE_BY, "number": number})
    assert 0 < cache.size_bytes() <= 3000
    assert kept.find(video, "said", {**MADE_BY, "number": 19}) and not kept.find(
        video, "said", {**MADE_BY, "number": 0}
    )


def test_parts_are_found_again_until_the_track_is_whole(kept, video, cache):
    parts = kept.parts(video, "said", MADE_BY)
    parts.add(0, track().texts, {"language": "en"})
    parts.add(2, ())
    again = kept.parts(video, "said", MADE_BY)
    assert len(again) == 2 and again.get(0) == (track().texts, {"language": "en"})
    assert again.get(1) is None and again.get(2) == ((), {})
    assert len(kept.parts(video, "said", {**MADE_BY, "model": "base"})) == 0
    assert kept.find(video, "said") is None
    kept.keep(video, track(), MADE_BY)
    assert len(kept.parts(video, "said", MADE_BY)) == 0


@pytest.mark.parametrize(
    "end", [b'{"body": {"part": 1, "te', b"\xff\xff", b'{"body": [], "crc32": 1}\n', b"[" * 50_000]
)
def test_half_a_line_of_a_killed_run_costs_that_part_alone(kept, video, cache, end):
    parts = kept.parts(video, "said", MADE_BY)
    parts.add(0, track("first").texts)
    (path,) = (cache.folder / "tracks").glob("*.jsonl")
    with path.open("ab") as file:
        file.write(end)
    again = kept.parts(video, "said", MADE_BY)
    assert len(again) == 1
    again.add(1, track("second").texts)
    last = kept.parts(video, "said", MADE_BY)
    assert [last.get(part)[0][0].text for part in (0, 1)] == ["first", "second"]


def test_a_part_whose_text_was_changed_is_made_again(kept, video, cache):
    kept.parts(video, "said", MADE_BY).add(0, track().texts)
    (path,) = (cache.folder / "tracks").glob("*.jsonl")
    path.write_text(path.read_text().replace("hello", "hallo"))
    assert len(kept.parts(video, "said", MADE_BY)) == 0


def _add_parts(folder, video, first):
    parts = KeptTexts(FeatureCache(folder)).parts(video, "said", MADE_BY)
    for part in range(first, first + 50):
        parts.add(part, track(f"part {part}").texts)


def test_two_processes_add_parts_to_one_file(cache, video, kept):
    context = multiprocessing.get_context("fork")
    workers = [context.Process(target=_add_parts, args=(cache.folder, video, first)) for first in (0, 50)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    parts = kept.parts(video, "said", MADE_BY)
    assert len(parts) == 100
    assert all(parts.get(part)[0][0].text == f"part {part}" for part in range(100))


def test_entries_hold_no_path_of_the_video(kept, video, cache):
    kept.keep(video, track(), MADE_BY)
    assert str(video) not in json.dumps(json.loads(entry(cache).read_text()))
