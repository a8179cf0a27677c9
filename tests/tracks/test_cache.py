"""The cache: the same answer sooner, and never another's or a damaged one."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from videos import BLUE, GREEN, RED, make_pictures, make_scenes

import tfgrounding
from tfgrounding import Grounder, Pictures, VideoFeatures, VideoInfo
from tfgrounding.errors import TFGroundingError, VideoError
from tfgrounding.tracks.cache import FeatureCache, Recent, identity, rounded
from tfgrounding.tracks.cache_place import usual_folder, usual_limit_bytes

KEY = {"format": 1, "content": "c" * 64, "encoder": "e", "revision": "r", "rate_hz": 3.0, "size": [8, 8]}


def features(seed: int, frames: int = 20, *, path: str = "v.mp4") -> VideoFeatures:
    random = np.random.default_rng(seed)
    return VideoFeatures(
        vectors=rounded(random.standard_normal((frames, 2, 16)).astype(np.float32)),
        pts_seconds=np.arange(frames) / 3,
        sample_seconds=(np.arange(frames) + 0.5) / 3,
        info=VideoInfo(path, frames / 3, 64, 48, 25.0, 90, "h264", (f"warning {seed}",)),
        encoder="e",
        revision="r",
        rate_hz=3.0,
    )


def same(one: VideoFeatures, other: VideoFeatures) -> bool:
    arrays = all(
        np.array_equal(getattr(one, name), getattr(other, name))
        for name in ("vectors", "pts_seconds", "sample_seconds")
    )
    return arrays and one.info == other.info and (one.encoder, one.revision) == (other.encoder, other.revision)


@pytest.fixture
def cache(tmp_path):
    return FeatureCache(tmp_path / "cache")


@pytest.fixture
def scenes(tmp_path):
    return make_scenes(tmp_path / "scenes.mp4", [(2.0, RED), (2.0, BLUE)])


class Counting:
    """Counts the frames that reach an encoder."""

    def __init__(self, encoder) -> None:
        self._encoder = encoder
        self.frames = 0

    def __getattr__(self, name):
        return getattr(self._encoder, name)

    def encode_frames(self, pixels):
        self.frames += len(pixels)
        return self._encoder.encode_frames(pixels)


@pytest.fixture
def counting(colour_encoder):
    return Counting(colour_encoder)


def test_what_was_stored_comes_back(cache):
    cache.store(KEY, features(1))
    assert same(cache.load(KEY, "v.mp4"), features(1))
    assert cache.load(KEY, "elsewhere.mp4").info.path == "elsewhere.mp4"
    assert cache.size_bytes() > 0 and cache.clear() == 1 and cache.entries() == []


@pytest.mark.parametrize("field", KEY)
def test_every_part_of_the_key_counts(cache, field):
    cache.store(KEY, features(1))
    other = {**KEY, field: 2 if field in ("format", "rate_hz") else "other"}
    with pytest.raises(KeyError):
        cache.load(other, "v.mp4")


def test_any_damage_reads_as_missing(cache):
    cache.store(KEY, features(1))
    (entry,) = cache.entries()
    sound = entry.read_bytes()
    random = np.random.default_rng(0)
    places = [*range(0, 8), *random.integers(8, len(sound), 150).tolist(), len(sound) - 1]
    for place in places:
        data = bytearray(sound)
        data[place] ^= 1 << random.integers(8)
        entry.write_bytes(bytes(data))
        with contextlib.suppress(KeyError):
            assert same(cache.load(KEY, "v.mp4"), features(1))  # a bit that means nothing, such as a space
    for length in (0, 1, 8, 100, len(sound) // 2, len(sound) - 1):
        entry.write_bytes(sound[:length])
        with pytest.raises(KeyError):
            cache.load(KEY, "v.mp4")
    entry.write_bytes(random.bytes(5000))
    with pytest.raises(KeyError):
        cache.load(KEY, "v.mp4")


def test_another_s_entry_under_our_name_is_not_ours(cache):
    cache.store({**KEY, "revision": "other"}, features(2))
    cache.entries()[0].replace(cache._entry(KEY))
    with pytest.raises(KeyError):
        cache.load(KEY, "v.mp4")


def test_the_least_recently_used_goes_first(cache):
    keys = [{**KEY, "content": str(k)} for k in range(4)]
    for k, key in enumerate(keys[:3]):
        cache.store(key, features(k))
        os.utime(cache._entry(key), (k, k))
    one = cache.size_bytes() // 3
    cache.load(keys[0], "v.mp4")  # now the latest
    cache.limit_bytes = int(3.5 * one)
    cache.store(keys[3], features(3))
    assert {k for k in range(4) if cache._entry(keys[k]).exists()} == {0, 2, 3}
    cache.limit_bytes = one // 2
    with pytest.raises(OSError, match="the limit is"):
        cache.store(KEY, features(9))
    assert not cache._entry(KEY).exists()


def test_leftovers_of_killed_writers_go(cache):
    cache.store(KEY, features(1))
    fresh, old = cache.folder / "features" / ".tfgrounding-fresh", cache.folder / "features" / ".tfgrounding-old"
    for path in (fresh, old):
        path.write_bytes(b"half an entry")
    os.utime(old, (0, 0))
    cache.store({**KEY, "content": "x"}, features(2))
    assert fresh.exists() and not old.exists()
    other = cache.folder / "mine.txt"
    other.write_text("not the cache's")
    cache.clear()
    assert other.exists() and not fresh.exists()


def test_a_file_is_hashed_once_and_again_when_it_changes(cache, scenes, monkeypatch):
    import hashlib

    reads = []
    original = hashlib.file_digest
    monkeypatch.setattr(hashlib, "file_digest", lambda file, name: reads.append(1) or original(file, name))
    os.utime(scenes, (1e9, 1e9))
    first = cache.digest(scenes, identity(scenes))
    assert cache.digest(scenes, identity(scenes)) == first and len(reads) == 1
    os.utime(scenes, (2e9 - 1e9 + 5, 1e9 + 5))
    assert cache.digest(scenes, identity(scenes)) == first and len(reads) == 2
    data = bytearray(scenes.read_bytes())
    data[-1] ^= 1
    scenes.write_bytes(bytes(data))  # the same length; changed just now, so not remembered
    second = cache.digest(scenes, identity(scenes))
    assert second != first and cache.digest(scenes, identity(scenes)) == second and len(reads) == 4
    for note in (cache.folder / "digests").glob("*.json"):
        note.write_text("{")
    os.utime(scenes, (1e9, 1e9))
    assert cache.digest(scenes, identity(scenes)) == second


def test_the_second_query_decodes_nothing_and_answers_the_same(counting, scenes, tmp_path, monkeypatch):
    first = Grounder(encoder=counting, cache=tmp_path / "c").ground(scenes, "blue")
    assert counting.frames == 12
    monkeypatch.setattr(sys.modules["tfgrounding.engines.encoding"], "iter_frames", None)
    other_process = Grounder(encoder=counting, cache=tmp_path / "c")
    second, third = other_process.ground(scenes, "blue"), other_process.ground(scenes, "blue")
    assert counting.frames == 12
    assert first.to_dict() == second.to_dict() == third.to_dict()


def test_the_same_content_elsewhere_is_known(counting, scenes, tmp_path):
    grounder = Grounder(encoder=counting, cache=tmp_path / "c")
    grounder.encode_video(scenes)
    copy = tmp_path / "copy.mp4"
    copy.write_bytes(scenes.read_bytes())
    assert grounder.encode_video(copy).info.path == str(copy) and counting.frames == 12


def test_what_changes_the_features_makes_them_anew(counting, scenes, tmp_path):
    def encode(**settings):
        before = counting.frames
        Grounder(encoder=counting, cache=tmp_path / "c", **settings).encode_video(scenes)
        return counting.frames - before

    assert encode() == 12 and encode() == 0
    assert encode(rate_hz=1.0) == 4 and encode(rate_hz=1.0) == 0
    counting._encoder.revision = "2"
    assert encode() == 12
    counting._encoder.frame_size = (4, 4)
    assert encode() == 12
    make_scenes(scenes, [(2.0, GREEN), (2.0, BLUE)])
    assert encode() == 12
    (entry, *_) = FeatureCache(tmp_path / "c").entries()
    for entry in FeatureCache(tmp_path / "c").entries():
        entry.write_bytes(b"damaged")
    assert encode() == 12 and encode() == 0


def test_pictures_are_cached_too(counting, tmp_path):
    make_pictures(tmp_path / "p", 6)
    array = np.zeros((6, 8, 8, 3), np.uint8)
    grounder = Grounder(encoder=counting, cache=tmp_path / "c")
    for pictures in (Pictures(tmp_path / "p", 3), Pictures(array, 3)):
        before = counting.frames
        first = grounder.encode_video(pictures)
        assert counting.frames - before == 6
        assert same(grounder.encode_video(pictures), first)
        assert same(Grounder(encoder=counting, cache=tmp_path / "c").encode_video(pictures), first)
        assert counting.frames - before == 6
    grounder.encode_video(Pictures(array, 6))
    array[0, 0, 0] = 255
    grounder.encode_video(Pictures(array, 3))
    assert counting.frames - before == 6 + 3 + 6


def test_without_a_cache_nothing_is_kept(counting, scenes, tmp_path, monkeypatch):
    monkeypatch.setenv("TFGROUNDING_CACHE", str(tmp_path / "none"))
    grounder = Grounder(encoder=counting, cache=False)
    grounder.encode_video(scenes)
    grounder.encode_video(scenes)
    assert counting.frames == 24 and not (tmp_path / "none").exists()


def test_a_cache_that_cannot_be_written_is_said(counting, scenes, tmp_path):
    (tmp_path / "file").write_text("in the way")
    answer = Grounder(encoder=counting, cache=tmp_path / "file" / "c").ground(scenes, "blue")
    assert any("features are not kept" in warning for warning in answer.warnings)
    assert answer.moments


def test_where_the_cache_cannot_be_written_features_are_kept_in_memory(counting, scenes, tmp_path):
    (tmp_path / "file").write_text("in the way")
    grounder = Grounder(encoder=counting, cache=tmp_path / "file" / "c")
    answers = [grounder.ground(scenes, "blue") for _ in range(2)]
    assert counting.frames == 12 and answers[0].warnings == answers[1].warnings


def test_a_video_that_changes_while_it_is_read_is_not_kept(counting, scenes, tmp_path):
    grounder = Grounder(encoder=counting, cache=tmp_path / "c")
    original = counting._encoder.encode_frames
    counting._encoder.encode_frames = lambda pixels: (os.utime(scenes, (5, 5)), original(pixels))[1]
    assert any("changed while" in warning for warning in grounder.encode_video(scenes).info.warnings)
    assert FeatureCache(tmp_path / "c").entries() == []


def test_missing_videos_are_said_before_the_cache_is_asked(counting, tmp_path):
    with pytest.raises(VideoError, match="no such file"):
        Grounder(encoder=counting, cache=tmp_path / "c").encode_video("missing.mp4")


def test_recent_features_leave_when_memory_fills():
    recent = Recent(limit_bytes=3 * features(0).vectors.nbytes)
    for k in range(3):
        recent.put(k, features(k))
    recent.get(0)
    recent.put(3, features(3))
    assert recent.get(0) is not None and recent.get(3) is not None
    assert recent.get(1) is None


def test_settings_come_from_the_environment(monkeypatch, tmp_path):
    monkeypatch.setenv("TFGROUNDING_CACHE", str(tmp_path))
    monkeypatch.setenv("TFGROUNDING_CACHE_GB", "0.5")
    assert usual_folder() == tmp_path and usual_limit_bytes() == 500_000_000
    monkeypatch.delenv("TFGROUNDING_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere")
    if sys.platform.startswith("linux"):
        assert usual_folder() == Path("/somewhere/tfgrounding")
    for nonsense in ("much", "-1", "inf", "nan"):
        monkeypatch.setenv("TFGROUNDING_CACHE_GB", nonsense)
        with pytest.raises(TFGroundingError, match="TFGROUNDING_CACHE_GB"):
            usual_limit_bytes()


WRITER = """
import sys, time
sys.path[:0] = sys.argv[2:]
from test_cache import FeatureCache, KEY, features, same
cache = FeatureCache(sys.argv[1], limit_bytes=150_000)  # about half of the entries
print("ready", flush=True)
k = 0
while True:
    k += 1
    time.sleep(0.0005)  # two writers that never rest would leave the reader no core
    key, expected = {**KEY, "content": str(k % 12)}, features(k % 12, 300)
    try:
        assert same(cache.load(key, "v.mp4"), expected), "a wrong vector"
    except KeyError:
        cache.store(key, expected)
    if k % 50 == 0:
        print(k, flush=True)
"""


def start_writer(folder: Path) -> subprocess.Popen:
    tests = Path(__file__).parents
    places = [str(tests[0]), str(tests[1]), str(Path(tfgrounding.__file__).parent.parent)]
    return subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(WRITER), str(folder), *places],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def check_every_entry(cache: FeatureCache) -> int:
    found = 0
    for k in range(12):
        try:
            assert same(cache.load({**KEY, "content": str(k)}, "v.mp4"), features(k, 300))
            found += 1
        except KeyError:
            pass
    return found


def test_killed_writers_leave_a_usable_cache(tmp_path):
    cache = FeatureCache(tmp_path / "c", limit_bytes=150_000)
    random = np.random.default_rng(int.from_bytes(os.urandom(4)))
    found = 0
    for _ in range(10):
        writer = start_writer(cache.folder)
        assert writer.stdout is not None and writer.stdout.readline() == "ready\n"
        time.sleep(random.uniform(0.0, 0.25))
        writer.send_signal(signal.SIGKILL)
        _, err = writer.communicate()
        assert writer.returncode == -signal.SIGKILL and err == ""
        found += check_every_entry(cache)
    assert found > 0
    cache.store(KEY, features(1))
    assert same(cache.load(KEY, "v.mp4"), features(1))


def test_two_writers_at_once_never_see_a_wrong_vector(tmp_path):
    cache = FeatureCache(tmp_path / "c", limit_bytes=150_000)
    writers = [start_writer(cache.folder) for _ in range(2)]
    begin = time.perf_counter()
    for writer in writers:
        assert writer.stdout is not None
        while not writer.stdout.readline().strip().isdigit():
            assert writer.poll() is None, writer.stderr and writer.stderr.read()
    while time.perf_counter() - begin < 4:
        check_every_entry(cache)
    for writer in writers:
        assert writer.poll() is None, writer.stderr and writer.stderr.read()
        writer.kill()
        assert writer.communicate()[1] == ""
    assert cache.size_bytes() <= 2 * cache.limit_bytes


def test_ctrl_c_stops_at_once_and_leaves_a_usable_cache(counting, scenes, tmp_path):
    grounder = Grounder(encoder=counting, cache=tmp_path / "c", rate_hz=100)

    def interrupt(done: float, whole: float) -> None:
        raise KeyboardInterrupt

    begin = time.perf_counter()
    with pytest.raises(KeyboardInterrupt):
        grounder.encode_video(scenes, progress=interrupt)
    assert time.perf_counter() - begin < 5
    assert not [thread for thread in threading.enumerate() if thread.name == "tfgrounding-decode"]
    assert FeatureCache(tmp_path / "c").entries() == []
    assert len(grounder.encode_video(scenes)) == 400
    assert len(FeatureCache(tmp_path / "c").entries()) == 1


def test_encode_and_cache_on_the_command_line(run, scenes, tmp_path, monkeypatch):
    from tfgrounding.registry import ROWS

    monkeypatch.setitem(ROWS["encoders"], "colours", "conftest:ColourEncoder")
    monkeypatch.setenv("TFGROUNDING_CACHE", str(tmp_path / "c"))
    pictures = make_pictures(tmp_path / "p", 6)[0].parent

    code, out, err = run("encode", scenes, "missing.mp4", "--encoder", "colours")
    assert code == 2 and out.split() == ["00:00:04.000", "12", "samples", "colours", str(scenes)]
    assert "missing.mp4: there is no such file" in err and "1 of 2 videos could not be encoded" in err
    assert run("encode", pictures, "--picture-rate", 3, "--encoder", "colours")[0] == 0
    code, out, _ = run("cache")
    assert code == 0 and out.startswith("2 encoded videos or texts, ") and str(tmp_path / "c") in out
    assert run("cache", "--clear", "--yes")[1].startswith("2 encoded videos or texts, 0 tracks of words removed")
    assert run("cache")[1].startswith("0 encoded videos or texts, 0 tracks of words, 0.0 MB")


def test_a_cache_that_cannot_be_written_is_known_beforehand(tmp_path):
    FeatureCache(tmp_path / "new").check_writable()
    assert list((tmp_path / "new").rglob("*")) == [tmp_path / "new" / "features"]
    (tmp_path / "file").write_text("")
    with pytest.raises(TFGroundingError, match="TFGROUNDING_CACHE"):
        FeatureCache(tmp_path / "file").check_writable()
    with pytest.raises(TFGroundingError, match="cannot be kept"):
        FeatureCache("/proc/cache").check_writable()


def test_texts_are_encoded_once_and_other_texts_are_others(tmp_path):
    made = []

    def vectors(cache, texts, revision="1"):
        def make():
            made.append(texts)
            return np.eye(4, dtype=np.float32)[: len(texts)] / 3

        return cache.text_vectors(texts, make, encoder="e", revision=revision)

    first, warnings = vectors(FeatureCache(tmp_path / "cache"), ["a", "b"])
    again = FeatureCache(tmp_path / "cache")
    for _ in range(2):
        assert np.array_equal(vectors(again, ["a", "b"])[0], first) and warnings == ()
    assert made == [["a", "b"]]
    for texts, revision in ((["b", "a"], "1"), (["a"], "1"), (["a", "b"], "2"), (["\ud800"], "1")):
        assert len(vectors(again, texts, revision)[0]) == len(texts)
    assert len(made) == 5 and len(again.entries()) == 5


def test_text_vectors_that_cannot_be_kept_are_returned_with_a_warning(tmp_path):
    (tmp_path / "cache").write_text("a file")
    cache = FeatureCache(tmp_path / "cache")
    vectors, warnings = cache.text_vectors(["a"], lambda: np.ones((1, 3), np.float32), encoder="e", revision="1")
    assert vectors.tolist() == [[1, 1, 1]] and warnings[0].startswith("features are not kept in")
