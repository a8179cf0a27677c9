"""Clips are decoded again: the right pictures, each for as long as it was on screen, and the sound with them."""

from __future__ import annotations

from dataclasses import replace

import av
import numpy as np
import pytest
from videos import make_pictures, make_video, numbered, quadrants, read_number

from tfgrounding import Grounding, Moment, Pictures, Plan, probe
from tfgrounding.errors import VideoError
from tfgrounding.media import open_source
from tfgrounding.media.cut import clip_name, cut_clip
from tfgrounding.show.clips import cut_moments


def numbers_and_times(path):
    with av.open(str(path)) as container:
        found = [
            (read_number(f.to_ndarray(format="rgb24")), float(f.pts * f.time_base)) for f in container.decode(video=0)
        ]
    return [n for n, _ in found], [round(t, 4) for _, t in found]


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".ts"])
def test_a_clip_holds_just_the_pictures_on_screen_in_it(tmp_path, suffix):
    source = make_video(tmp_path / f"a{suffix}", seconds=12, rate_hz=10, options={"g": "25"})
    cut_clip(source, tmp_path / "clip.mp4", start_seconds=7.3, end_seconds=8.1)
    numbers, times = numbers_and_times(tmp_path / "clip.mp4")
    assert numbers == [73, 74, 75, 76, 77, 78, 79, 80]
    assert times == pytest.approx(np.arange(8) / 10, abs=0.001)
    assert probe(tmp_path / "clip.mp4").duration_seconds == pytest.approx(0.8, abs=0.002)


def test_a_cut_between_two_pictures_keeps_the_one_on_screen(tmp_path):
    source = make_video(tmp_path / "a.mp4", seconds=3, rate_hz=10)
    cut_clip(source, tmp_path / "clip.mp4", start_seconds=1.25, end_seconds=1.52)
    numbers, times = numbers_and_times(tmp_path / "clip.mp4")
    assert numbers == [12, 13, 14, 15]
    assert times == pytest.approx([0, 0.05, 0.15, 0.25], abs=0.001)
    assert probe(tmp_path / "clip.mp4").duration_seconds == pytest.approx(0.27, abs=0.002)


def test_a_variable_frame_rate_keeps_its_times(tmp_path):
    source = make_video(tmp_path / "a.mkv", times_seconds=[0, 0.1, 0.2, 2.0, 2.05, 3.0])
    cut_clip(source, tmp_path / "clip.mp4", start_seconds=0.15, end_seconds=2.5)
    numbers, times = numbers_and_times(tmp_path / "clip.mp4")
    assert numbers == [1, 2, 3, 4]
    assert times == pytest.approx([0, 0.05, 1.85, 1.9], abs=0.002)
    assert probe(tmp_path / "clip.mp4").duration_seconds == pytest.approx(2.35, abs=0.002)


def test_times_count_from_the_first_picture_of_a_delayed_start(tmp_path):
    source = make_video(tmp_path / "a.mkv", seconds=3, rate_hz=10, start_seconds=5.0)
    cut_clip(source, tmp_path / "clip.mp4", start_seconds=1.0, end_seconds=1.3)
    assert numbers_and_times(tmp_path / "clip.mp4")[0] == [10, 11, 12]


def test_a_turned_video_is_cut_upright(tmp_path):
    source = make_video(tmp_path / "a.mp4", seconds=1, picture=quadrants, rotation_degrees=90)
    cut_clip(source, tmp_path / "clip.mp4", start_seconds=0, end_seconds=0.5)
    shown, cut = (next(iter_pictures(path)) for path in (source, tmp_path / "clip.mp4"))
    assert cut.shape == shown.shape == (64, 48, 3)
    assert np.abs(cut.astype(int) - shown).mean() < 12


def iter_pictures(path):
    from tfgrounding import iter_frames

    for frames in iter_frames(path):
        yield from frames.pixels


def test_odd_sides_and_smaller_copies(tmp_path):
    source = make_video(tmp_path / "a.mkv", seconds=1, width=65, height=49, pixel_format="yuv444p")
    cut_clip(source, tmp_path / "b.mp4", start_seconds=0, end_seconds=1)
    assert {probe(tmp_path / "b.mp4").width % 2, probe(tmp_path / "b.mp4").height % 2} == {0}
    cut_clip(source, tmp_path / "c.mp4", start_seconds=0, end_seconds=1, largest_height=24)
    assert (probe(tmp_path / "c.mp4").height, probe(tmp_path / "c.mp4").width) == (24, 32)


def test_the_sound_goes_with_the_picture(tmp_path, bunny_video):
    clip = cut_clip(bunny_video, tmp_path / "clip.mp4", start_seconds=2.0, end_seconds=4.0)
    assert clip.has_sound
    original, cut = loudness(bunny_video)[:, 2 * 48_000 : 4 * 48_000], loudness(clip.path)[:, : 2 * 48_000]
    length = min(original.shape[1], cut.shape[1])
    assert length > 1.95 * 48_000
    correlation = np.corrcoef(original[0, :length], cut[0, :length])[0, 1]
    assert correlation > 0.95  # one sample of a tone off, and it would fall


def loudness(path):
    """(channels, N) samples at 48 kHz, from the time stamp 0 on."""
    samples = []
    with av.open(str(path)) as container:
        resampler = av.AudioResampler(format="fltp", layout="stereo", rate=48_000)
        for frame in container.decode(audio=0):
            if not samples and frame.pts:
                lead = round(float(frame.pts * frame.time_base) * 48_000)
                samples.append(np.zeros((2, max(0, lead)), np.float32))
            samples.extend(part.to_ndarray() for part in resampler.resample(frame))
    return np.concatenate(samples, axis=1)


def test_moments_become_files_named_by_rank_and_time(tmp_path):
    source = make_video(tmp_path / "a.mp4", seconds=3, rate_hz=10)
    moments = (Moment(1.0, 1.5, 0.9), Moment(0.0, 0.3, 0.2))
    pts = np.arange(9) / 3 + 1 / 6
    opened = open_source(source)
    made_by = ("curves", "e", "l")
    grounding = Grounding(moments, "a q", Plan("a q"), opened.info, *made_by, np.ones(9), pts, source=opened)
    paths = cut_moments(grounding, tmp_path / "clips")
    assert [p.name for p in paths] == ["01_a_a-q_1.000-1.500.mp4", "02_a_a-q_0.000-0.300.mp4"]
    assert numbers_and_times(paths[0])[0] == [10, 11, 12, 13, 14]
    assert grounding.save_clips(tmp_path / "clips") == paths
    with pytest.raises(VideoError, match="only the video's features are at hand"):
        replace(grounding, source=None).save_clips(tmp_path / "clips")


@pytest.mark.parametrize(("start", "end"), [(2.0, 1.0), (1.0, 1.0), (-1.0, 1.0), (9.0, 10.0)])
def test_an_empty_stretch_is_refused_and_nothing_is_left_behind(tmp_path, start, end):
    source = make_video(tmp_path / "a.mp4", seconds=3)
    with pytest.raises(VideoError, match="starts before it ends"):
        cut_clip(source, tmp_path / "clip.mp4", start_seconds=start, end_seconds=end)
    assert [p.name for p in tmp_path.iterdir()] == ["a.mp4"]


def test_stopping_leaves_no_half_written_file(tmp_path):
    source = make_video(tmp_path / "a.mp4", seconds=3)

    def stop(done, whole):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cut_clip(source, tmp_path / "clip.mp4", start_seconds=0, end_seconds=2, progress=stop)
    assert [p.name for p in tmp_path.iterdir()] == ["a.mp4"]


def test_the_folder_of_a_clip_is_made_and_a_file_in_its_place_is_named(tmp_path):
    source = make_video(tmp_path / "a.mp4", seconds=1)
    cut_clip(source, tmp_path / "new" / "clip.mp4", start_seconds=0, end_seconds=1)
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["clip.mp4"]
    with pytest.raises(VideoError, match="cannot be written"):
        cut_clip(source, tmp_path / "a.mp4" / "clip.mp4", start_seconds=0, end_seconds=1)


@pytest.mark.parametrize("kind", ["array", "folder", "saved"])
def test_pictures_are_cut_too(kind, tmp_path):
    folder = make_pictures(tmp_path / "p", 12)[0].parent
    array = np.stack([numbered(k) for k in range(12)])
    source = {"array": Pictures(array, 4), "folder": Pictures(folder, 4), "saved": Pictures(folder, 4).to_dict()}[kind]
    clip = cut_clip(source, tmp_path / "clip.mp4", start_seconds=0.6, end_seconds=1.6)
    numbers, times = numbers_and_times(clip.path)
    assert numbers == [2, 3, 4, 5, 6] and times == pytest.approx([0, 0.15, 0.4, 0.65, 0.9], abs=0.002)
    assert not clip.has_sound


def test_clips_count_from_where_the_pictures_start(tmp_path):
    path = make_video(tmp_path / "v.mp4", seconds=3, start_seconds=3, audio=True, sound_first=True)
    clip = cut_clip(path, tmp_path / "clip.mp4", start_seconds=1, end_seconds=2)
    assert clip.has_sound and numbers_and_times(clip.path)[0] == list(range(10, 20))


def test_clip_name_tells_video_and_seconds():
    assert clip_name("x/street.mkv", 1.5, 2.25) == "street_1.500-2.250.mp4"
    assert clip_name("ö" * 125 + ".mp4", 0, 10.5) == "ö" * 111 + "_0.000-10.500.mp4"  # 239 bytes
