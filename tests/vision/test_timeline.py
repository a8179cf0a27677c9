"""Ways to show time: what a model is sent, and how its reply leads back to seconds through the kept table."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfgrounding import TFGroundingError
from tfgrounding.engines.looking import edges_between
from tfgrounding.media.sampling import capped_rate_hz, evenly
from tfgrounding.registry import names
from tfgrounding.vision.overlay import Overlay
from tfgrounding.vision.views import (
    ClipYesNo,
    FrameNumbers,
    Grid,
    NumberedFrames,
    Percent,
    Qwen3Seconds,
    TimestampsText,
    get_view,
)


def shown(count: int = 10, *, rate_hz: float = 1.0, duration: float | None = None, first: int = 1) -> NumberedFrames:
    instants = (np.arange(count) + 0.5) / rate_hz
    pixels = np.full((count, 48, 64, 3), 90, dtype=np.uint8)
    edges = edges_between(instants, 0.0, count / rate_hz if duration is None else duration)
    return NumberedFrames(pixels, np.arange(first, first + count), instants, edges)


def test_an_interval_includes_the_last_frames_own_duration() -> None:
    assert FrameNumbers().read("from frame 3 to frame 5", shown()).intervals_seconds == ((2.0, 5.0),)
    assert FrameNumbers().read("frame 4", shown()).intervals_seconds == ((3.0, 4.0),)


def test_numbers_go_through_the_table_and_not_through_a_constant() -> None:
    instants = np.array([0.5, 1.5, 7.5, 8.5])
    uneven = NumberedFrames(
        np.zeros((4, 8, 8, 3), np.uint8), np.arange(1, 5), instants, edges_between(instants, 0.0, 9.3)
    )
    assert FrameNumbers().read("from frame 2 to frame 3", uneven).intervals_seconds == ((1.0, 8.0),)
    assert FrameNumbers().read("from frame 4 to frame 4", uneven).intervals_seconds == ((8.0, 9.3),)


@pytest.mark.parametrize(
    ("reply", "intervals", "warned"),
    [
        ("from frame 8 to frame 99", ((7.0, 10.0),), "cut"),
        ("from frame 0 to frame 2", ((0.0, 2.0),), "cut"),
        ("from frame 50 to frame 99", (), "left out"),
        ("from frame 8 to the end", ((7.0, 10.0),), ""),
        ("throughout the video", ((0.0, 10.0),), ""),
        ("none", (), ""),
    ],
)
def test_numbers_beyond_the_video_are_cut_and_flagged(reply: str, intervals: tuple, warned: str) -> None:
    reading = FrameNumbers().read(reply, shown())
    assert reading.intervals_seconds == intervals
    assert reading.usable
    assert reading.absent == (reply == "none")
    assert (warned in " ".join(reading.warnings)) if warned else not reading.warnings


def test_a_window_keeps_the_videos_numbers_and_times() -> None:
    part = shown(20).part(10, 15)
    assert part.numbers.tolist() == [11, 12, 13, 14, 15]
    assert FrameNumbers().read("from frame 12 to frame 13", part).intervals_seconds == ((11.0, 13.0),)
    assert FrameNumbers().read("from frame 3 to frame 4", part).intervals_seconds == ()


def test_frame_numbers_are_drawn_and_named_in_the_question() -> None:
    view = FrameNumbers(overlay=Overlay(color="blue", corner="top-left"))
    parts = view.parts(shown(3))
    assert len(parts) == 3
    assert all((part != 90).any() for part in parts)
    question = view.question(shown(3), 'a {first} "dog"')
    assert 'a {first} "dog"' in question
    assert "blue" in question
    assert "upper left" in question
    assert "from 1 to 3" in question


def test_no_question_holds_numbers_that_could_be_parroted() -> None:
    for name in names("views"):
        view = get_view(name)
        question = view.question(shown(9), "a dog")
        reading = view.read(question, shown(9))
        assert not reading.intervals_seconds, name


def test_where_few_frames_are_numbered_the_question_says_so_and_lists_join() -> None:
    view = FrameNumbers(overlay=Overlay(share=0.2))
    assert "only 2 frames" in view.question(shown(10), "a dog")
    assert view.read("frames 1 and 6", shown(10)).intervals_seconds == ((0.0, 6.0),)


@pytest.mark.parametrize(
    ("style", "words"), [("timemarker", "Second{2.5}"), ("timechat", "This frame is sampled at 2.5 second.")]
)
def test_timestamps_stand_before_their_frames(style: str, words: str) -> None:
    view = TimestampsText(style=style)
    parts = view.parts(shown(4))
    assert parts[4] == words
    assert isinstance(parts[5], np.ndarray)
    assert view.read("from 1.5 to 2.5 seconds", shown(4)).intervals_seconds == ((1.0, 3.0),)
    assert view.read("from 1.5 to 40 seconds", shown(4)).warnings
    assert view.read("from 30 to 40 seconds", shown(4)).intervals_seconds == ()


@pytest.mark.parametrize(
    ("reply", "interval"),
    [
        ("from 2 to 5 seconds", (2.0, 5.0)),  # between labels
        ("from 2.5 to 4.5 seconds", (2.0, 5.0)),  # labels
        ("from 2.45 to 5 seconds", (2.0, 5.0)),  # nearly one, and none
        ("from 0 to 10 seconds", (0.0, 10.0)),
        ("from 3.2 to 3.8 seconds", (3.2, 3.8)),
        ("from 4 to 4 seconds", (3.0, 5.0)),  # an instant: the frames that are nearest
        ("from 7 to 11 seconds", (7.0, 10.0)),
        ('{"moments": [{"start_second": 2, "end_second": 5}]}', (2.0, 5.0)),
    ],
)
def test_seconds_between_two_labels_are_points_in_time(reply: str, interval: tuple[float, float]) -> None:
    for view in (TimestampsText(), Qwen3Seconds()):
        ((start, end),) = view.read(reply, shown()).intervals_seconds
        assert (start, end) == pytest.approx(interval)


def test_a_time_between_the_labels_of_groups_is_a_point_too() -> None:
    view = Qwen3Seconds(frames_per_group=2)  # labels 1, 3, 5, 7, 9
    assert view.read("from 3 to 5 seconds", shown()).intervals_seconds == ((2.0, 6.0),)
    assert view.read("from 2 to 6 seconds", shown()).intervals_seconds == ((2.0, 6.0),)
    assert view.read("from 1.6 to 9.5 seconds", shown()).intervals_seconds == ((1.6, 9.5),)


def test_timestamps_of_close_frames_differ() -> None:
    texts = [part for part in TimestampsText().parts(shown(40, rate_hz=25)) if isinstance(part, str)]
    assert len(set(texts)) == 40


@pytest.mark.parametrize(
    ("reply", "interval"),
    [
        ("from 20 to 40", (2.0, 4.0)),
        ("from 0 to 100", (0.0, 10.0)),
        ("from 99 to 100", (9.9, 10.0)),
        ("from 100 to 100", (9.95, 10.0)),
        ("from 37 to 37", (3.65, 3.75)),
        ("from 0 to 0", (0.0, 0.05)),
    ],
)
def test_percent_counts_hundredths_of_what_is_shown(reply: str, interval: tuple[float, float]) -> None:
    ((start, end),) = Percent().read(reply, shown(10)).intervals_seconds
    assert (start, end) == pytest.approx(interval)


def test_percent_beyond_a_hundred_is_flagged() -> None:
    assert Percent().read("from 120 to 140", shown(10)).intervals_seconds == ()
    assert Percent().read("from 80 to 140", shown(10)).warnings


def test_a_sheet_holds_its_frames_line_by_line() -> None:
    frames = shown(5)
    frames.pixels[:] = (np.arange(5) * 40)[:, None, None, None]
    sheets = Grid(rows=2, columns=2, overlay=Overlay(size=5)).parts(frames)
    assert [sheet.shape for sheet in sheets] == [(96, 128, 3)] * 2
    first = sheets[0]
    assert [int(first[10, 10, 0]), int(first[10, 74, 0]), int(first[58, 10, 0]), int(first[58, 74, 0])] == [
        0,
        40,
        80,
        120,
    ]
    assert int(sheets[1][10, 10, 0]) == 160
    assert Grid().read("from frame 2 to frame 3", frames).intervals_seconds == ((1.0, 3.0),)


@given(st.integers(1, 200), st.integers(1, 9))
def test_clips_cover_every_frame(count: int, length: int) -> None:
    clips = ClipYesNo(frames_per_clip=length).clips(count)
    seen = np.zeros(count, dtype=int)
    for first, last in clips:
        assert 0 <= first < last <= count
        seen[first:last] += 1
    assert seen.min() >= 1
    assert len(set(clips)) == len(clips)


def test_a_plain_yes_is_the_whole_clip() -> None:
    assert ClipYesNo().read("Yes.", shown(4)).intervals_seconds == ((0.0, 4.0),)
    assert ClipYesNo().read("no", shown(4)).absent
    assert not ClipYesNo().read("maybe", shown(4)).usable


def test_an_unknown_view_names_the_known_ones() -> None:
    with pytest.raises(TFGroundingError, match="frame-numbers"):
        get_view("clock")
    with pytest.raises(TFGroundingError, match="has no frame_side"):
        get_view("tfgrounding.planning.rules.plan:RulesPlanner")
    sheets = Grid(rows=1)
    assert get_view(sheets) is sheets and get_view(Grid) == get_view("tfgrounding.vision.views:Grid") == Grid()


REPLY = st.one_of(
    st.text(max_size=60),
    st.tuples(st.integers(-5, 300), st.integers(-5, 300)).map(lambda pair: f"from frame {pair[0]} to frame {pair[1]}"),
    st.tuples(st.floats(0, 500), st.floats(0, 500)).map(lambda pair: f"from {pair[0]:.2f} to {pair[1]:.2f} seconds"),
    st.tuples(st.integers(0, 300), st.integers(0, 300)).map(lambda pair: f"from {pair[0]} to {pair[1]}"),
)


@given(REPLY, st.sampled_from(names("views")), st.integers(1, 150), st.floats(0.01, 30), st.floats(0.01, 0.99))
def test_no_reply_gives_an_impossible_interval(reply: str, name: str, count: int, rate_hz: float, rest: float) -> None:
    instants = (np.arange(count) + 0.5) / rate_hz
    duration = float(instants[-1] + rest / rate_hz)
    pixels = np.zeros((count, 1, 1, 3), np.uint8)
    frames = NumberedFrames(pixels, np.arange(1, count + 1), instants, edges_between(instants, 0.0, duration))
    for start, end in get_view(name).read(reply, frames).intervals_seconds:
        assert 0 <= start < end <= duration


def test_a_budget_lowers_the_rate_and_keeps_the_tail() -> None:
    assert capped_rate_hz(30.0, rate_hz=1.0, most_frames=64) == 1.0
    assert capped_rate_hz(3600.0, rate_hz=1.0, most_frames=64) == pytest.approx(64 / 3600)
    picked = evenly(1000, 7)
    assert (picked[0], picked[-1], len(picked)) == (0, 999, 7)
    assert evenly(3, 7).tolist() == [0, 1, 2]
    with pytest.raises(TFGroundingError):
        capped_rate_hz(3.0, rate_hz=0, most_frames=3)
