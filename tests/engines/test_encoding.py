"""Encoding goes on where an earlier run was stopped, and gives the same as in one go."""

from __future__ import annotations

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
from conftest import ColourEncoder
from videos import make_pictures, make_video, numbered

import tfgrounding
from tfgrounding import Grounder, Pictures, VideoFeatures
from tfgrounding.engines.curves import CurvesEngine
from tfgrounding.tracks import cache as caching
from tfgrounding.tracks import feature_parts
from tfgrounding.tracks.cache import FeatureCache


class PlacesEncoder(ColourEncoder):
    """A frame is its mean colour and its place among those that come together: other batches are other vectors."""

    name = "places"
    frames = 0

    def encode_frames(self, pixels: np.ndarray) -> np.ndarray:
        self.frames += len(pixels)
        colours = super().encode_frames(pixels)[:, 0]
        vectors = np.concatenate([colours, np.arange(len(pixels))[:, None] / 10], axis=1).astype(np.float32)
        return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True))[:, None, :]


class PlacesOfClips(PlacesEncoder):
    """The same of clips of four frames that overlap by one."""

    frames_per_vector, stride_frames = 4, 3

    def encode_frames(self, pixels: np.ndarray) -> np.ndarray:
        return super().encode_frames(pixels)[::4]


class StoppedError(Exception):
    pass


@pytest.fixture(autouse=True)
def kept_at_once(monkeypatch):
    monkeypatch.setattr(feature_parts, "SECONDS_BETWEEN", 0.0)
    monkeypatch.setattr(feature_parts, "MOST_SHARE", 1e9)


def damaged(path: Path) -> Path:
    """Unreadable in the middle."""
    data = bytearray(cut_short(path, 1.0).read_bytes())
    middle = len(data) // 2
    data[middle : middle + 200] = np.random.default_rng(1).bytes(200)
    path.write_bytes(data)
    return path


def cut_short(path: Path, share: float = 0.6) -> Path:
    made = make_video(path, seconds=20, rate_hz=10, options={"g": "30", "bf": "2"}, width=160, height=120)
    data = made.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    return path


def uneven(path: Path) -> Path:
    times = np.cumsum(np.random.default_rng(0).choice([1 / 30, 1 / 10, 0.4], size=150)).round(3)
    return make_video(path, times_seconds=(times - times[0]).tolist(), options={"g": "24"})


def steady(path: Path) -> Path:
    return make_video(path, seconds=20, rate_hz=10, options={"g": "30", "bf": "2"})


SOURCES = {
    "steady.mp4": steady,
    "uneven.mkv": uneven,
    "transport.ts": steady,
    "damaged.mkv": damaged,
    "cut.mkv": cut_short,
    "full.mp4": lambda path: make_video(path, seconds=16, rate_hz=10),  # ends with a full batch
    "array": lambda path: Pictures(np.stack([numbered(k, width=8, height=6) for k in range(200)]), 10.0),
    "folder": lambda path: Pictures(make_pictures(path, 40)[0].parent, 2.0),
}


@pytest.fixture(scope="module")
def sources(tmp_path_factory):
    folder, made = tmp_path_factory.mktemp("sources"), {}

    def find(name: str):
        if name not in made:
            made[name] = SOURCES[name](folder / name)
        return made[name]

    return find


def encode(source, folder, *, stop_after: int | None = None, encoder=PlacesEncoder, **settings) -> VideoFeatures:
    """Encode, and stop after so many batches."""
    calls = []

    def progress(done: float, whole: float) -> None:
        assert 0 < done <= whole and (not calls or done >= calls[-1] - 1e-6)
        calls.append(done)
        if stop_after is not None and len(calls) >= stop_after:
            raise StoppedError

    made = encoder() if isinstance(encoder, type) else encoder
    return CurvesEngine(encoder=made, cache=folder, rate_hz=10, **settings).encode(source, progress=progress)


def same(one: VideoFeatures, other: VideoFeatures) -> bool:
    names = ("vectors", "pts_seconds", "sample_seconds")
    return one.info == other.info and all(np.array_equal(getattr(one, n), getattr(other, n)) for n in names)


@pytest.mark.parametrize("encoder", [PlacesEncoder, PlacesOfClips])
@pytest.mark.parametrize("name", SOURCES)
def test_stopped_again_and_again_it_gives_the_same_as_in_one_go(name, encoder, sources, tmp_path):
    source = sources(name)
    whole = encode(source, False, encoder=encoder)
    assert bool(whole.info.warnings) == (name in ("damaged.mkv", "cut.mkv"))
    counting = encoder()
    for stop_after in (1, 3, 4):
        with pytest.raises(StoppedError):
            encode(source, tmp_path / "c", stop_after=stop_after, encoder=counting)
    made_before = counting.frames
    assert same(encode(source, tmp_path / "c", encoder=counting), whole)
    if name != "damaged.mkv":
        together = getattr(encoder, "frames_per_vector", 1)
        kept = 6 * 16 if together == 1 else 0
        assert counting.frames - made_before <= len(whole) * together - kept
    cache = FeatureCache(tmp_path / "c")
    assert len(cache.entries()) == 1 and not list((tmp_path / "c" / "features").glob("*.parts"))


@pytest.mark.parametrize("encoder", [PlacesEncoder, PlacesOfClips])
@pytest.mark.parametrize("name", ["steady.mp4", "uneven.mkv", "damaged.mkv", "cut.mkv"])
def test_batches_made_out_of_order_are_those_of_one_go(name, encoder, sources, tmp_path):
    source = sources(name)
    engine = CurvesEngine(encoder=encoder(), cache=tmp_path, rate_hz=10)
    whole = encode(source, False, encoder=encoder)
    parts = engine.parts(engine_source := tfgrounding.media.open_source(source))
    encoding = engine.encoding(engine_source)
    assert encoding.stretch(5, 6, parts) or name == "damaged.mkv"
    assert encoding.stretch(2, 2, parts)
    assert {2} <= set(parts) <= {2, 5, 6}
    parts.keep()
    assert same(engine.encode(source), whole)
    assert same(encoding.whole(parts), whole)


KILLED = """
import sys
sys.path[:0] = sys.argv[3:]
from test_encoding import PlacesEncoder, feature_parts
from tfgrounding.engines.curves import CurvesEngine
feature_parts.SECONDS_BETWEEN, feature_parts.MOST_SHARE = 0.0, 1e9
class Slow(PlacesEncoder):
    def encode_frames(self, pixels):
        print("batch", flush=True)
        sys.stdin.readline()
        return super().encode_frames(pixels)
CurvesEngine(encoder=Slow(), cache=sys.argv[1], rate_hz=10).encode(sys.argv[2])
"""


def test_a_killed_process_loses_one_batch(sources, tmp_path):
    source = sources("steady.mp4")
    places = [str(Path(__file__).parent), str(Path(__file__).parents[1]), str(Path(tfgrounding.__file__).parents[1])]
    process = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(KILLED), str(tmp_path / "c"), str(source), *places],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None and process.stdin is not None
    for _ in range(6):
        assert process.stdout.readline() == "batch\n"
        process.stdin.write("\n")
        process.stdin.flush()
    assert process.stdout.readline() == "batch\n"  # the seventh is being made: six are kept, or five and half a file
    process.send_signal(signal.SIGKILL)
    process.communicate()
    again = PlacesEncoder()
    assert same(encode(source, tmp_path / "c", encoder=again), encode(source, False))
    assert 200 - 6 * 16 <= again.frames <= 200 - 5 * 16


def test_two_at_once_do_each_other_no_harm(sources, tmp_path):
    source, results = sources("steady.mp4"), []
    threads = [
        threading.Thread(target=lambda: results.append(encode(source, tmp_path / "c", encoder=PlacesEncoder())))
        for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    whole = encode(source, False)
    assert len(results) == 3 and all(same(result, whole) for result in results)


def test_damaged_and_foreign_parts_are_made_again(sources, tmp_path):
    source = sources("steady.mp4")
    with pytest.raises(StoppedError):
        encode(source, tmp_path / "c", stop_after=6)
    (folder,) = (tmp_path / "c" / "features").glob("*.parts")
    first, second, third, *_ = sorted(folder.glob("*.safetensors"))
    first.write_bytes(first.read_bytes()[:-100])
    data = bytearray(second.read_bytes())
    data[-1] ^= 1
    second.write_bytes(data)
    (folder / "nonsense.safetensors").write_bytes(b"x" * 50)
    counting = PlacesEncoder()
    assert same(encode(source, tmp_path / "c", encoder=counting), encode(source, False))
    assert counting.frames == 200 - 4 * 16
    assert third.parent == folder and not third.exists()


def test_parts_of_a_video_that_changed_are_not_kept(tmp_path):
    source = steady(tmp_path / "a.mp4")
    encoder = PlacesEncoder()
    original = encoder.encode_frames
    encoder.encode_frames = lambda pixels: (os.utime(source, (5, 5)), original(pixels))[1]
    with pytest.raises(StoppedError):
        encode(source, tmp_path / "c", stop_after=6, encoder=encoder)
    assert FeatureCache(tmp_path / "c").entries() == []


def test_a_full_disk_costs_no_answer(sources, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(feature_parts, "write_atomically", full)
    monkeypatch.setattr(caching, "write_atomically", full)
    features = encode(sources("steady.mp4"), tmp_path / "c")
    whole = encode(sources("steady.mp4"), False)
    assert np.array_equal(features.vectors, whole.vectors)
    assert any("No space left" in warning for warning in features.info.warnings)


def test_abandoned_parts_go_with_age_and_for_room(sources, tmp_path):
    for rate_hz in (10, 9, 8):
        engine = CurvesEngine(encoder=PlacesEncoder(), cache=tmp_path / "c", rate_hz=rate_hz)
        parts = engine.parts(tfgrounding.media.open_source(sources("steady.mp4")))
        engine.encoding(tfgrounding.media.open_source(sources("steady.mp4"))).stretch(0, 3, parts)
    cache = FeatureCache(tmp_path / "c")
    folders = sorted((tmp_path / "c" / "features").glob("*.parts"), key=lambda folder: folder.stat().st_mtime_ns)
    assert len(folders) == 3 and cache.size_bytes() > 0
    for path in folders[0].iterdir():
        os.utime(path, (time.time() - 15 * 24 * 3600,) * 2)
    cache.evict(keep=tmp_path)
    assert [folder.exists() for folder in folders] == [False, True, True]
    for place, seconds in ((folders[1], 1000), (folders[2], 500)):
        for path in place.iterdir():
            os.utime(path, (seconds, time.time() - seconds))
    cache.limit_bytes = cache.size_bytes() // 2
    cache.evict(keep=tmp_path)
    assert [folder.exists() for folder in folders] == [False, False, True]
    assert cache.clear() == 4 and not folders[2].exists()


def test_a_limit_that_parts_would_pass_keeps_them_in_memory(sources, tmp_path, monkeypatch):
    monkeypatch.setenv("TFGROUNDING_CACHE_GB", "0.000003")  # 3 kB
    with pytest.raises(StoppedError):
        encode(sources("steady.mp4"), tmp_path / "c", stop_after=9)
    assert FeatureCache(tmp_path / "c").size_bytes() <= 3000


def test_what_is_done_already_is_said_at_once(sources, tmp_path):
    source, seen = sources("steady.mp4"), []
    with pytest.raises(StoppedError):
        encode(source, tmp_path / "c", stop_after=6)
    Grounder(encoder=PlacesEncoder(), cache=tmp_path / "c", rate_hz=10).encode_video(
        source, progress=lambda done, whole: seen.append((done, whole))
    )
    done = np.array([done for done, _ in seen])
    assert done[0] == pytest.approx(6 * 1.6) and done[-1] == pytest.approx(20)
    assert np.allclose(np.diff(done)[:-2], 1.6) and all(whole == pytest.approx(20, abs=0.2) for _, whole in seen)


def test_what_is_unfinished_is_counted_as_such(run, sources, tmp_path, monkeypatch):
    monkeypatch.setenv("TFGROUNDING_CACHE", str(tmp_path / "c"))
    with pytest.raises(StoppedError):
        encode(sources("steady.mp4"), tmp_path / "c", stop_after=4)
    assert run("cache")[1].startswith("0 encoded videos or texts, 0 tracks of words, 1 unfinished ones")
