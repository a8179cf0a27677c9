"""Every view over HTTP: a server that knows only its request answers as a perfect model would, in several windows."""

from __future__ import annotations

import base64
import io
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from reader import serve
from videos import RED, make_scenes

from tfgrounding.engines.numpro import NumProEngine
from tfgrounding.registry import names
from tfgrounding.vision.served import ServedVLM
from tfgrounding.vision.views import get_view
from tfgrounding.vision.views.timestamps import STYLES

TRUTH = (4.0, 8.0)
RATE_HZ = 2.0
VIDEOS = ("video", "qwen2.5-video")
NOT_HERE = ("grid", "clip-yes-no", "gemini-video")  # sheets, no intervals, another interface: tested elsewhere
VIEWS = [*(name for name in names("views") if name not in NOT_HERE), *(f"timestamps-text:{style}" for style in STYLES)]


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("scenes") / "scenes.mp4"
    return make_scenes(path, [(4.0, (0, 0, 90)), (4.0, RED), (4.0, (0, 90, 0))])


def is_red(data: str) -> bool:
    picture = np.asarray(Image.open(io.BytesIO(base64.b64decode(data))).convert("RGB")).astype(int)
    red, green, blue = picture[: len(picture) // 2].mean(axis=(0, 1))
    return red > max(green, blue) + 80


def perfect(request: dict[str, Any]) -> str:
    """What a model that sees everything answers, in the words of the question."""
    content = request["messages"][0]["content"]
    question = content[-1]["text"]
    if content[0]["type"] == "video_url":
        told = request["media_io_kwargs"]["video"]
        times = np.array(told["frames_indices"]) / told["fps"]
        frames = content[0]["video_url"]["url"].removeprefix("data:video/jpeg;base64,").split(",")
        assert len(frames) == len(times) and told["do_sample_frames"] is False
        red = [k for k, frame in enumerate(frames) if is_red(frame)]
        if not red:
            return "none"
        half = (times[1] - times[0]) / 2  # the change is between two frames
        return f"from {max(0.0, times[red[0]] - half):.2f} to {times[red[-1]] + half:.2f} seconds"
    pictures = [part["image_url"]["url"].partition(",")[2] for part in content if part["type"] == "image_url"]
    labels = [part["text"] for part in content[:-1] if part["type"] == "text"]
    red = [k for k, picture in enumerate(pictures) if is_red(picture)]
    if not red:
        return "none"
    if "steps" in question:
        return f"from {round(100 * red[0] / len(pictures))} to {round(100 * (red[-1] + 1) / len(pictures))}"
    if "frame number" in question:
        first = int(re.search(r"run\s+from (\d+)", question)[1])
        assert not labels or labels[0] == f"Frame{first}: "
        return f"from frame {first + red[0]} to frame {first + red[-1]}"
    words = [re.search(r"\d+(:\d+)*(\.\d+)?", label)[0] for label in labels]
    return f"from {words[red[0]]} to {words[red[-1]]}" + (" seconds" if "x to y seconds" in question else "")


@pytest.mark.parametrize("name", VIEWS)
def test_a_perfect_model_loses_nothing_in_any_view(name: str, scenes: Path) -> None:
    asked: list[int] = []

    def answer(request: dict[str, Any]) -> str:
        asked.append(len(request["messages"][0]["content"]))
        return perfect(request)

    with serve(answer) as url:
        vlm = ServedVLM("m", base_url=url, most_pictures=10, takes_clips=name in VIDEOS)
        found = NumProEngine(vlm, view=name, rate_hz=RATE_HZ).watch(scenes).ask("it is red")
    assert len(asked) > 1
    # Borders lie between two frames; a step of "percent" is 0.05 s of a window.
    (moment,) = found.moments
    assert (moment.start_seconds, moment.end_seconds) == pytest.approx(TRUTH, abs=0.06)
    assert found.provenance["view"] == get_view(name).name
    assert not found.warnings
