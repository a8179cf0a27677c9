"""Times in each model's own way: what stands beside the frames, and what a reply in those words means."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfgrounding import TFGroundingError
from tfgrounding.engines.looking import edges_between
from tfgrounding.engines.numpro import NumProEngine
from tfgrounding.registry import names
from tfgrounding.vision.frames import Clip, NumberedFrames
from tfgrounding.vision.views import (
    FrameLabels,
    GeminiVideo,
    Percent,
    Qwen3Seconds,
    Qwen25Video,
    TimestampsText,
    Video,
    chosen_view,
    get_view,
    view_for,
)
from tfgrounding.vision.views.timestamps import STYLES


def shown(count: int = 10, *, rate_hz: float = 1.0, start: float = 0.0) -> NumberedFrames:
    instants = start + (np.arange(count) + 0.5) / rate_hz
    pixels = np.full((count, 48, 64, 3), 90, dtype=np.uint8)
    return NumberedFrames(
        pixels, np.arange(1, count + 1), instants, edges_between(instants, start, start + count / rate_hz)
    )


def texts(parts: list[Any]) -> list[str]:
    return [part for part in parts if isinstance(part, str)]


@pytest.mark.parametrize(
    ("style", "first", "later"),
    [
        ("timemarker", "Second{0.5}", "Second{65.5}"),
        ("timechat", "This frame is sampled at 0.5 second.", "This frame is sampled at 65.5 second."),
        ("seed", "[0.5 second]", "[65.5 second]"),
        ("videollama3", "Time 0.5s:", "Time 65.5s:"),
        ("molmo", "0.5", "65.5"),
        ("clock", "00:00", "01:05"),
        ("smolvlm", "Frame from 00:00:", "Frame from 01:05:"),
        ("glm", "0.5 seconds", "65.5 seconds"),
    ],
)
def test_each_style_writes_the_time_as_its_model_knows_it(style: str, first: str, later: str) -> None:
    view = get_view(f"timestamps-text:{style}")
    parts = view.parts(shown(70))
    assert (texts(parts)[0], texts(parts)[65]) == (first, later)
    assert isinstance(parts[0], np.ndarray) == (style == "glm")
    assert view.name == ("timestamps-text" if style == "timemarker" else f"timestamps-text:{style}")
    assert ("behind" if style == "glm" else "before") in view.question(shown(70), "a dog")


def test_an_unknown_style_names_the_known_ones() -> None:
    with pytest.raises(TFGroundingError, match="timechat"):
        get_view("timestamps-text:sundial")
    with pytest.raises(TFGroundingError, match="frames_per_group"):
        Qwen3Seconds(frames_per_group=0)
    with pytest.raises(TFGroundingError, match="steps"):
        Percent(steps=0)


def test_a_clock_counts_hours_and_shows_parts_of_seconds_where_frames_are_that_close() -> None:
    late = texts(TimestampsText("clock").parts(shown(3, start=3661.0)))
    assert late == ["1:01:01", "1:01:02", "1:01:03"]
    assert texts(TimestampsText("clock").parts(shown(3, rate_hz=2))) == ["00:00.2", "00:00.8", "00:01.2"]


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("rate_hz", [0.2, 1.0, 2.0, 10.0, 25.0])
def test_naming_the_first_and_last_label_gives_exactly_those_frames(style: str, rate_hz: float) -> None:
    frames = shown(40, rate_hz=rate_hz, start=10.0)
    view = TimestampsText(style)
    words = texts(view.parts(frames))
    assert len(set(words)) == 40
    times = [re.search(r"\d+(:\d+)*(\.\d+)?", word)[0] for word in words]
    unit = "" if view.is_clock else " seconds"
    ((start, end),) = view.read(f"from {times[7]} to {times[20]}{unit}", frames).intervals_seconds
    assert (start, end) == pytest.approx((frames.edges_seconds[7], frames.edges_seconds[21]))


def test_qwen3_writes_the_time_of_a_frame_or_the_middle_of_a_group() -> None:
    frames = shown(5, rate_hz=2)
    single, pairs = Qwen3Seconds().parts(frames), Qwen3Seconds(frames_per_group=2).parts(frames)
    assert texts(single)[:2] == ["<0.2 seconds>", "<0.8 seconds>"]
    assert [isinstance(part, str) for part in pairs] == [True, False, False, True, False, False, True, False]
    assert texts(pairs) == ["<0.5 seconds>", "<1.5 seconds>", "<2.2 seconds>"]
    assert Qwen3Seconds(2).read("from 0.5 to 1.5 seconds", frames).intervals_seconds == ((0.0, 2.0),)
    assert Qwen3Seconds(2).read("from 2.2 to 2.2 seconds", frames).intervals_seconds == ((2.0, 2.5),)
    assert Qwen3Seconds().read("from 0.8 to 1.2 seconds", frames).intervals_seconds == ((0.5, 1.5),)


def test_frame_labels_stand_before_pictures_with_the_same_number_on_them() -> None:
    frames = shown(3)
    parts = FrameLabels().parts(frames)
    assert texts(parts) == ["Frame1: ", "Frame2: ", "Frame3: "]
    assert all((picture != 90).any() for picture in parts[1::2])
    assert FrameLabels().read("from frame 2 to frame 3", frames).intervals_seconds == ((1.0, 3.0),)


def test_a_video_is_one_part_with_the_times_of_its_frames() -> None:
    frames = shown(8, rate_hz=2, start=100.0)
    (clip,) = Video().parts(frames)
    assert isinstance(clip, Clip)
    assert clip.seconds == pytest.approx(frames.sample_seconds)
    (own,) = Qwen25Video().parts(frames)
    assert own.seconds == pytest.approx(np.arange(8) / 2)


@pytest.mark.parametrize(
    ("view", "said", "interval"),
    [
        (Video(), "from 101.2 to 102.8 seconds", (101.2, 102.8)),
        (Video(), "from 100.3 to 103.7 seconds", (100.0, 104.0)),  # the first and the last frame
        (Video(), "from 99.8 to 104.2 seconds", (100.0, 104.0)),
        (Video(), "from 102.3 to 102.3 seconds", (102.0, 102.5)),
        (Qwen25Video(), "from 1.0 to 2.5 seconds", (101.25, 102.75)),
        (Qwen25Video(), "from 0 to 1.5 seconds", (100.0, 101.75)),
        (GeminiVideo(), "from 00:01 to 00:02", (101.25, 102.25)),
        (GeminiVideo(), "from 00:02 to 00:04", (102.25, 104.0)),
    ],
)
def test_a_start_and_an_end_on_the_videos_clock_are_points_in_time(view: Any, said: str, interval: tuple) -> None:
    (found,) = view.read(said, shown(8, rate_hz=2, start=100.0)).intervals_seconds
    assert found == pytest.approx(interval)


@pytest.mark.parametrize("view", [Video(), Qwen25Video(), GeminiVideo()])
def test_a_model_that_knows_the_true_times_loses_only_their_rounding(view: Any) -> None:
    rng = np.random.default_rng(1)
    for _ in range(100):
        rate_hz = float(rng.choice([0.5, 1.0, 2.0, 3.7]))
        frames = shown(int(rng.integers(10, 80)), rate_hz=rate_hz, start=float(rng.uniform(0, 500)))
        (clip,) = view.parts(frames)
        inside = frames.sample_seconds[1:-1]  # at the first and the last frame the event may go on beyond them
        start, end = np.sort(rng.uniform(inside[0], inside[-1], 2))
        if end - start < 0.2:
            continue
        a, b = np.interp([start, end], frames.sample_seconds, clip.seconds)  # the truth on the model's clock
        (found,) = view.read(f"from {a:.1f} to {b:.1f} seconds", frames).intervals_seconds
        assert found == pytest.approx((start, end), abs=0.05 + 1e-6)


@given(st.integers(1, 300), st.floats(0.05, 60), st.floats(0, 20_000))
def test_the_metadata_of_a_clip_keep_its_times(count: int, rate_hz: float, start: float) -> None:
    seconds = start + (np.arange(count) + 0.5) / rate_hz
    clip = Clip(np.zeros((count, 1, 1, 3), np.uint8), seconds)
    told = clip.metadata()
    indices = np.array(told["frames_indices"])
    assert np.abs(indices / told["fps"] - seconds).max() <= 0.0005 + 1e-9
    assert len(set(indices.tolist())) == count
    assert told["total_num_frames"] > indices[-1]
    assert told["duration"] == pytest.approx(told["total_num_frames"] / told["fps"])
    assert clip.rate_hz == pytest.approx(rate_hz if count > 1 else 1.0)


def iou(found: tuple[float, float], truth: tuple[float, float]) -> float:
    shared = max(0.0, min(found[1], truth[1]) - max(found[0], truth[0]))
    return shared / (found[1] - found[0] + truth[1] - truth[0] - shared)


def test_a_perfect_model_loses_no_more_to_percent_than_a_hundred_steps_allow() -> None:
    rng = np.random.default_rng(0)
    view, losses, allowed = Percent(), [], []
    for _ in range(400):
        count = int(rng.integers(8, 120))
        frames = shown(count, start=float(rng.uniform(0, 100)))
        first, last = np.sort(rng.uniform(0, 1, 2))
        if last - first < 0.1:
            continue
        length = float(frames.edges_seconds[-1] - frames.edges_seconds[0])
        start = float(frames.edges_seconds[0])
        truth = (start + first * length, start + last * length)
        a, b = round(first * 100), round(last * 100)  # the steps nearest to its start and end, as the question asks
        (found,) = view.read(f"from {a} to {b}", frames).intervals_seconds
        losses.append(1 - iou(found, truth))
        allowed.append(1 - iou((a / 100, b / 100), (first, last)))
    assert np.mean(losses) == pytest.approx(np.mean(allowed), abs=1e-6)
    assert np.mean(losses) < 0.02


class Named:
    capacity = ask = yes_probability = print

    def __init__(self, name: str, *, takes_clips: bool = False, kind: str = "") -> None:
        self.name, self.takes_clips, self.kind = name, takes_clips, kind


@pytest.mark.parametrize(
    ("name", "pictures", "video"),
    [
        ("Qwen/Qwen3-VL-8B-Instruct@http://127.0.0.1:8000/v1", "qwen3-seconds", "video"),
        ("qwen3-vl:8b@http://127.0.0.1:11434/v1", "qwen3-seconds", "video"),
        ("qwen3.5-plus@https://x/v1", "qwen3-seconds", "video"),
        ("Qwen2.5-VL-72B-Instruct-AWQ@http://x/v1", "frame-numbers", "qwen2.5-video"),
        ("qwen2.5vl:7b@http://x/v1", "frame-numbers", "qwen2.5-video"),
        ("qwen2-vl-7b@http://x/v1", "frame-numbers", "frame-numbers"),
        ("OpenGVLab/InternVL3_5-8B@http://x/v1", "frame-labels", "frame-labels"),
        ("google/gemini-2.5-pro@https://openrouter.ai/api/v1", "timestamps-text:clock", "gemini-video"),
        ("gemma-4-12b-it@http://x/v1", "timestamps-text:clock", "video"),
        ("gemma-3-4b-it@http://x/v1", "frame-numbers", "frame-numbers"),
        ("zai-org/GLM-4.5V@http://x/v1", "timestamps-text:glm", "video"),
        ("doubao-seed-1-6-vision@http://x/v1", "timestamps-text:seed", "timestamps-text:seed"),
        ("SmolVLM2-2.2B@http://x/v1", "timestamps-text:smolvlm", "video"),
        ("VTimeLLM@http://x/v1", "percent", "percent"),
        ("gpt-4o@https://api.openai.com/v1", "frame-numbers", "frame-numbers"),
        ("claude-opus@http://x/v1", "frame-numbers", "frame-numbers"),
        ("pixtral-12b@http://x/v1", "frame-numbers", "frame-numbers"),
        ("my-model@http://gemini.example/v1", "frame-numbers", "frame-numbers"),
        ("geminiature@http://x/v1", "frame-numbers", "frame-numbers"),
        ("", "frame-numbers", "frame-numbers"),
    ],
)
def test_the_view_is_chosen_by_the_models_name_and_by_what_it_takes(name: str, pictures: str, video: str) -> None:
    assert view_for(Named(name)).name == pictures
    assert view_for(Named(name, takes_clips=True)).name == video


def test_the_kind_of_a_local_model_counts_more_than_its_folder() -> None:
    assert view_for(Named("local:/models/gemini-tuned", kind="qwen3_vl_moe", takes_clips=True)).name == "video"
    assert view_for(Named("local:/models/mine", kind="qwen2_5_vl")).name == "frame-numbers"


def test_the_page_about_views_names_every_view_and_what_is_chosen_for_each_model() -> None:
    page = (Path(__file__).parents[2] / "docs" / "vision.md").read_text(encoding="utf-8")
    assert all(f"`{name}`" in page for name in names("views"))
    assert all(f"`{style}`" in page for style in STYLES if style != "timemarker")
    rows = [row.split(" | ") for row in page.splitlines() if row.startswith("| ") and row.count(" | ") == 2]
    known = {row[0].strip("| "): (row[1].strip("`"), row[2].strip(" |`")) for row in rows}
    for model, name in [
        ("Qwen3-VL, Qwen3.5, Qwen3.6", "qwen3.5"),
        ("Qwen2.5-VL, Qwen2.5-Omni", "qwen2.5-omni"),
        ("InternVL", "internvl3"),
        ("Gemini", "gemini-3"),
        ("Gemma 4, Kimi", "kimi-vl"),
        ("GLM-4.1V, 4.5V, 4.6V", "glm-4.6v"),
        ("Seed, Doubao-Seed", "seed1.5-vl"),
        ("SmolVLM", "smolvlm2"),
        ("VideoLLaMA 3", "videollama3"),
        ("Molmo 2", "molmo2"),
    ]:
        assert known[model] == (view_for(Named(name)).name, view_for(Named(name, takes_clips=True)).name)


def test_auto_is_no_view_of_its_own_but_the_one_for_the_model() -> None:
    assert chosen_view("auto", Named("qwen3-vl-8b@http://x/v1")).name == "qwen3-seconds"
    assert chosen_view("percent", Named("qwen3-vl-8b@http://x/v1")) == Percent()
    assert NumProEngine(Named("gemini-3@http://x/v1")).provenance()["view"] == "timestamps-text:clock"
    with pytest.raises(TFGroundingError, match="choose auto or one of"):
        chosen_view("sundial", Named("qwen3-vl-8b@http://x/v1"))
    with pytest.raises(TFGroundingError, match="has no name, frame_side"):
        NumProEngine(Named("m"), view=object())
