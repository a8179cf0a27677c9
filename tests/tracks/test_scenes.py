"""Scenes by cuts: found, divided where they are long, joined where they are short."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from videos import BLUE, RED, make_scenes, make_video

from tfgrounding.errors import VideoError
from tfgrounding.tracks.scenes import divided, find_scenes

GREEN = (0, 200, 0)


def test_cuts_between_plain_scenes(tmp_path):
    path = make_scenes(tmp_path / "a.mp4", [(3.0, RED), (2.5, BLUE), (4.0, GREEN)])
    scenes = find_scenes(path)
    assert [start for start, _ in scenes] == pytest.approx([0, 3.0, 5.5], abs=0.3)
    assert scenes[-1][1] == pytest.approx(9.5, abs=0.1)


def test_motion_without_a_cut_is_one_scene(tmp_path):
    assert len(find_scenes(make_video(tmp_path / "a.mp4", seconds=6))) == 1


def test_real_cuts(street_video):
    """The last of the four shots begins at 7.2 s."""
    starts = [start for start, _ in find_scenes(street_video)]
    assert 3 <= len(starts) <= 6 and min(abs(start - 7.2) for start in starts) < 0.4


def test_long_scenes_are_divided_and_flashes_joined(tmp_path):
    path = make_scenes(tmp_path / "a.mp4", [(24.0, RED), (0.5, BLUE), (4.0, RED)], rate_hz=4.0)
    scenes = find_scenes(path)
    assert all(1.0 <= end - start <= 10.0 for start, end in scenes) and len(scenes) == 4


def test_a_very_short_video_is_one_scene(tmp_path):
    assert len(find_scenes(make_video(tmp_path / "a.mp4", seconds=0.2))) == 1


def test_a_video_that_cannot_be_read(tmp_path):
    with pytest.raises(VideoError):
        find_scenes(tmp_path / "none.mp4")


@given(st.lists(st.floats(0, 500), max_size=20).map(sorted), st.floats(0.1, 500), st.floats(2, 20), st.floats(0.1, 1.9))
def test_scenes_cover_the_video(borders, duration, longest, shortest):
    inside = [border for border in borders if border < duration]
    scenes = divided(inside, duration, longest_seconds=longest, shortest_seconds=shortest)
    assert scenes[0][0] == 0 and scenes[-1][1] == pytest.approx(duration)
    assert all(a[1] == b[0] for a, b in pairwise(scenes))
    lengths = np.array([end - start for start, end in scenes])
    assert (lengths <= longest * 1.001).all() and ((lengths >= min(shortest, duration) * 0.999) | (lengths > 1)).all()
