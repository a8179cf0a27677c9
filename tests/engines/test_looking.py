"""Frames of a video on demand: which, how many in memory, and what is kept between queries."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

import av
import numpy as np
import pytest
from test_numpro import Watcher, is_red, red_numbers
from videos import BLUE, RED, make_scenes, make_video

from tfgrounding import TFGroundingError
from tfgrounding.engines import looking
from tfgrounding.engines.looking import KeptParts, SampledVideo
from tfgrounding.engines.numpro import NumProEngine
from tfgrounding.media import open_source
from tfgrounding.vision import Jpeg


@pytest.fixture(scope="module")
def minute(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A minute, red from 40 to 46 s."""
    path = tmp_path_factory.mktemp("looking") / "minute.mp4"
    return str(make_scenes(path, [(40.0, BLUE), (6.0, RED), (14.0, BLUE)], rate_hz=5.0))


def little_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """For about 11 frames of 48 x 64 pixels."""
    monkeypatch.setattr(looking, "KEPT_BYTES", 100_000)


def test_a_long_video_is_decoded_in_parts_that_are_the_same_as_those_of_the_whole(
    minute: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = SampledVideo(open_source(minute), rate_hz=1.0, side=48)
    little_memory(monkeypatch)
    asked: list[tuple[float, float | None]] = []
    real = looking.iter_frames

    def counted(source, *, start_seconds=0.0, end_seconds=None, **settings):
        asked.append((start_seconds, end_seconds))
        return real(source, start_seconds=start_seconds, end_seconds=end_seconds, **settings)

    monkeypatch.setattr(looking, "iter_frames", counted)
    parts = SampledVideo(open_source(minute), rate_hz=1.0, side=48)
    assert parts.most_in_memory < 20
    assert np.array_equal(parts.times.edges_seconds, whole.times.edges_seconds)
    for first, last in [(0, 5), (38, 48), (55, 60)]:
        assert np.array_equal(parts.part(first, last).pixels, whole.part(first, last).pixels)
    assert len(asked) == 4
    assert asked[0][0] > 59
    assert all(end - start < 10 for start, end in asked[1:])


def test_windows_of_a_long_video_hold_no_more_than_fits_in_memory(minute: str, monkeypatch: pytest.MonkeyPatch) -> None:
    little_memory(monkeypatch)
    watcher = Watcher(red_numbers)
    found = NumProEngine(watcher, view="frame-numbers", rate_hz=1.0).watch(minute).ask("it is red")
    assert len(watcher.sent) > 4
    assert max(watcher.sent) <= 12
    assert [(m.start_seconds, m.end_seconds) for m in found.moments] == [(40.0, 46.0)]


def test_small_pictures_are_not_enlarged(minute: str) -> None:
    video = open_source(minute)
    small = min(video.info.width, video.info.height)
    assert SampledVideo(video, rate_hz=0.1, side=336).part(0, 2).pixels.shape[1:3] == (
        video.info.height,
        video.info.width,
    )
    assert min(SampledVideo(video, rate_hz=0.1, side=small // 2).part(0, 2).pixels.shape[1:3]) == small // 2


def cut_download(folder: Path) -> str:
    """A file that states 300 s and holds 30 s, its index in front."""
    whole, front, cut = (folder / name for name in ("whole.mp4", "front.mp4", "cut.mp4"))
    make_video(whole, seconds=300, rate_hz=5, options={"g": "20"})
    with av.open(str(whole)) as source, av.open(str(front), "w", options={"movflags": "faststart"}) as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        for packet in source.demux(source.streams.video[0]):
            if packet.dts is not None:
                packet.stream = stream
                target.mux(packet)
    with av.open(str(front)) as source:
        places = [packet.pos for packet in source.demux(source.streams.video[0]) if packet.size]
    cut.write_bytes(front.read_bytes()[: places[150]])
    return str(cut)


@pytest.mark.parametrize("memory", ["much", "little"])
def test_half_a_download_is_looked_at_by_what_is_there(
    memory: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if memory == "little":
        little_memory(monkeypatch)
    path = cut_download(tmp_path)
    assert open_source(path).info.duration_seconds == pytest.approx(300, abs=1)
    watcher = Watcher(lambda texts, pictures: "from frame 1 to frame 1")
    found = NumProEngine(watcher, view="frame-numbers", most_frames=40).watch(path).ask("it is red")
    assert found.video.duration_seconds == pytest.approx(30, abs=1)
    assert len(found.pts_seconds) == pytest.approx(30, abs=1)
    assert found.moments[0].end_seconds == pytest.approx(1.0, abs=0.1)
    assert not any("apart" in warning for warning in found.warnings)


def test_a_rate_is_obeyed_or_refused_and_never_changed_in_silence(minute: str) -> None:
    watcher = Watcher(red_numbers, most_pictures=25)
    obeyed = NumProEngine(watcher, view="frame-numbers", rate_hz=4.0, overlap=0).watch(minute)
    assert obeyed.samples == 240
    with pytest.raises(TFGroundingError, match=r"4 frames a second are 240 frames, but 100 may be shown.* 1\.67"):
        NumProEngine(watcher, rate_hz=4.0, most_frames=100).watch(minute)
    slower = NumProEngine(watcher, view="frame-numbers", most_frames=12).watch(minute).ask("it is red")
    assert any("5.0 s apart: an event shorter than that may be missed" in warning for warning in slower.warnings)
    usual = NumProEngine(watcher, view="frame-numbers").watch(minute).ask("it is red")
    assert not any("apart" in warning for warning in usual.warnings)


class Encoder:
    name = "encoder"

    def __init__(self) -> None:
        self.encoded = 0

    def prepare(self, picture: np.ndarray) -> Jpeg:
        self.encoded += 1
        return Jpeg(bytes(1000))


def test_pictures_are_encoded_once_for_all_queries(minute: str) -> None:
    class Prepared(Watcher, Encoder):
        def __init__(self) -> None:
            Encoder.__init__(self)
            Watcher.__init__(self, lambda texts, pictures: "from frame 3 to frame 4")

    vlm = Prepared()
    watched = NumProEngine(vlm, view="frame-numbers").watch(minute)
    first, second = watched.ask("it is red"), watched.ask("it is blue")
    assert vlm.encoded == 60
    assert vlm.sent == [60, 60]
    assert first.moments == second.moments


def test_what_is_kept_is_bounded_and_the_oldest_goes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(looking, "KEPT_BYTES", 3500)
    encoder = Encoder()
    kept = KeptParts(encoder)
    for key in (1, 2, 3, 4, 4, 3, 2):
        assert kept.get(key, lambda: [np.zeros((2, 2, 3), np.uint8)]) == [Jpeg(bytes(1000))]
    assert encoder.encoded == 4
    kept.get(1, lambda: [np.zeros((2, 2, 3), np.uint8)])
    assert encoder.encoded == 5


def test_moments_of_several_windows_meet_in_a_last_request(tmp_path: Path) -> None:
    """One window names a wrong moment early in the video; side by side with the right one it loses."""
    path = str(make_scenes(tmp_path / "late.mp4", [(50.0, BLUE), (6.0, RED), (4.0, BLUE)], rate_hz=5.0))
    calls: list[int] = []

    def see(texts: list[str], pictures: Sequence[np.ndarray]) -> str:
        calls.append(len(pictures))
        if len(calls) == 1:
            return "from frame 4 to frame 9"
        return red_numbers(texts, list(pictures))

    answer = NumProEngine(Watcher(see, most_pictures=20), view="frame-numbers", overlap=0).watch(path).ask("it is red")
    assert calls == [20, 20, 20, 12]
    assert [(m.start_seconds, m.end_seconds) for m in answer.moments] == [(50.0, 56.0), (3.0, 9.0)]
    assert answer.moments[0].score > answer.moments[1].score
    assert re.search(r"\[of 2 moments\] from frame 7 to frame 12", answer.raw_answer)


def test_the_red_of_these_videos_is_seen() -> None:
    assert is_red(np.full((8, 8, 3), RED, np.uint8))
