"""Our times against those of the real processors of transformers: Qwen2.5-VL, Qwen3-VL, InternVL, LLaVA-OneVision.

The models are tiny and random, the processors are the real ones. Their parts for videos need torchvision, which is not
installed here: where it is missing, a process of its own gets a stand-in for the four functions that they call of it
(tests/torchvision_stub.py). How they count time is their own code.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torchvision_stub

from tfgrounding.vision.frames import NumberedFrames
from tfgrounding.vision.views import FrameLabels, Qwen3Seconds, Qwen25Video, TimestampsText, Video

ROOT = Path(__file__).resolve().parents[2]
KINDS = ("qwen2_5_vl", "qwen3_vl", "internvl", "llava_onevision")
CASES = [(9, 1.0, 0.0), (8, 2.0, 0.0), (9, 2.0, 3600.0), (11, 0.7, 12.3), (64, 4.0, 100.0)]  # frames, rate, start
WITHIN_SECONDS = 0.05


def frames_of(count: int, rate_hz: float, start: float) -> NumberedFrames:
    pixels = np.random.default_rng(0).integers(0, 256, (count, 40, 56, 3), dtype=np.uint8)
    edges = start + np.arange(count + 1) / rate_hz
    return NumberedFrames(pixels, np.arange(1, count + 1), start + (np.arange(count) + 0.5) / rate_hz, edges)


def ask_the_processors(folder: Path) -> dict[str, Any]:
    """Runs in its own process: what each processor makes of our clips, and what the model then does with them."""
    import re

    import torch
    import transformers
    from tiny_vlms import save_tiny_vlm

    from tfgrounding.vision.local import load_local
    from tfgrounding.vision.views import view_for

    torch.set_num_threads(1)
    transformers.logging.set_verbosity_error()
    seen: dict[str, Any] = {}
    for kind in KINDS:
        vlm = load_local(str(save_tiny_vlm(kind, folder / kind)), device="cpu")
        view = Qwen25Video() if kind == "qwen2_5_vl" else Video()
        (clip,) = view.parts(frames_of(*CASES[0]))
        flipped = type(clip)(clip.pixels[::-1].copy(), clip.seconds)
        seen[kind] = {
            "takes_clips": vlm.takes_clips,
            "view": view_for(vlm).name,
            "text": vlm.ask([clip, "When?"]),
            "yes": vlm.yes_probability([clip, "?"]),
            "yes_flipped": vlm.yes_probability([flipped, "?"]),
            "cases": [],
        }
        for case in CASES:
            parts = view.parts(frames_of(*case))
            inputs = vlm._inputs([*parts, "?"])
            written = vlm._processor.tokenizer.decode(inputs["input_ids"][0])
            clip = parts[0]
            processed = vlm._processor.video_processor(
                [clip.pixels],
                video_metadata=[clip.metadata()],
                do_sample_frames=False,
                return_metadata=True,
                return_tensors="pt",
            )
            seen[kind]["cases"].append(
                {
                    "seconds": [float(value) for value in re.findall(r"<([\d.]+) seconds>", written)],
                    "frames": [int(value) for value in re.findall(r"Frame(\d+): ", written)],
                    "second_per_grid": [float(value) for value in inputs.get("second_per_grid_ts", [])],
                    "timestamps": [float(value) for value in processed["video_metadata"][0].timestamps],
                    "pictures": int(processed["pixel_values_videos"].shape[1]) if kind == "llava_onevision" else 0,
                }
            )
    half = load_local(str(folder / "qwen2_5_vl"), device="cpu")
    half._model = half._model.bfloat16()
    inputs = half._inputs([*Qwen25Video().parts(frames_of(*CASES[3])), "?"])
    seen["bfloat16"] = [str(inputs["pixel_values_videos"].dtype), float(inputs["second_per_grid_ts"][0])]
    return seen


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    folder = tmp_path_factory.mktemp("processors")
    paths = [str(ROOT), str(ROOT / "tests"), str(Path(__file__).parent), *filter(None, sys.path)]
    if find_spec("torchvision") is None:
        paths.append(str(torchvision_stub.write(folder / "stub")))
    program = (
        "import json, sys, pathlib, test_real_processors as here\n"
        "found = here.ask_the_processors(pathlib.Path(sys.argv[1]))\n"
        "pathlib.Path(sys.argv[1], 'seen.json').write_text(json.dumps(found))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(folder)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads((folder / "seen.json").read_text())


def written_by(view: Any, frames: NumberedFrames) -> list[float]:
    """The times that a view writes beside the frames."""
    return [float(part.strip("<> second")) for part in view.parts(frames) if isinstance(part, str)]


@pytest.mark.parametrize("kind", KINDS)
def test_real_models_take_our_clip_as_one_video(kind: str, seen: dict[str, Any]) -> None:
    assert seen[kind]["takes_clips"]
    assert isinstance(seen[kind]["text"], str)
    assert 0 < seen[kind]["yes"] < 1
    assert seen[kind]["yes"] != seen[kind]["yes_flipped"]  # the frames' order reaches the model


@pytest.mark.parametrize("case", range(len(CASES)))
def test_qwen3_vl_writes_the_same_seconds_as_our_markers(case: int, seen: dict[str, Any]) -> None:
    frames = frames_of(*CASES[case])
    theirs = seen["qwen3_vl"]["cases"][case]["seconds"]
    assert theirs == pytest.approx(written_by(Qwen3Seconds(frames_per_group=2), frames), abs=WITHIN_SECONDS)
    assert len(theirs) == -(-len(frames) // 2)
    # And a reply in them leads back to the middle of their groups.
    (found,) = Video().read(f"from {theirs[1]} to {theirs[2]} seconds", frames).intervals_seconds
    middle = (frames.sample_seconds[[2, 4]] + frames.sample_seconds[[3, 5]]) / 2
    assert found == pytest.approx(tuple(middle), abs=WITHIN_SECONDS + 0.001)
    single = written_by(Qwen3Seconds(), frames)
    assert single == pytest.approx(frames.sample_seconds, abs=WITHIN_SECONDS + 1e-9)


@pytest.mark.parametrize("case", range(len(CASES)))
def test_qwen2_5_vl_counts_seconds_as_our_clip_does(case: int, seen: dict[str, Any]) -> None:
    frames = frames_of(*CASES[case])
    (each,) = seen["qwen2_5_vl"]["cases"][case]["second_per_grid"]
    (clip,) = Qwen25Video().parts(frames)
    theirs = np.arange(-(-len(frames) // 2)) * each
    assert theirs == pytest.approx(clip.seconds[::2], abs=WITHIN_SECONDS)
    said = f"from {theirs[1]:.2f} to {theirs[2]:.2f} seconds"
    (found,) = Qwen25Video().read(said, frames).intervals_seconds
    assert found == pytest.approx((frames.sample_seconds[2], frames.sample_seconds[4]), abs=WITHIN_SECONDS)


@pytest.mark.parametrize("case", range(len(CASES)))
def test_internvl_numbers_frames_as_our_labels_do(case: int, seen: dict[str, Any]) -> None:
    frames = frames_of(*CASES[case])
    labels = [part for part in FrameLabels().parts(frames) if isinstance(part, str)]
    theirs = seen["internvl"]["cases"][case]["frames"]
    assert [f"Frame{number}: " for number in theirs] == labels
    for number, second in zip(theirs, frames.sample_seconds, strict=True):
        ((start, end),) = FrameLabels().read(f"from frame {number} to frame {number}", frames).intervals_seconds
        assert (start + end) / 2 == pytest.approx(second, abs=WITHIN_SECONDS)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("case", range(len(CASES)))
def test_the_metadata_of_every_processor_hold_our_times(kind: str, case: int, seen: dict[str, Any]) -> None:
    frames = frames_of(*CASES[case])
    expected = frames.sample_seconds - (frames.sample_seconds[0] if kind == "qwen2_5_vl" else 0.0)
    assert seen[kind]["cases"][case]["timestamps"] == pytest.approx(expected, abs=WITHIN_SECONDS)


def test_llava_onevision_gets_every_frame_and_its_time_as_text(seen: dict[str, Any]) -> None:
    # Its processor writes no times: the view writes them beside the pictures.
    for case, found in zip(CASES, seen["llava_onevision"]["cases"], strict=True):
        frames = frames_of(*case)
        assert found["pictures"] == len(frames)
        ours = [float(part[7:-1]) for part in TimestampsText().parts(frames) if isinstance(part, str)]
        assert ours == pytest.approx(found["timestamps"], abs=WITHIN_SECONDS + 0.001)


def test_the_view_is_the_models_own_way(seen: dict[str, Any]) -> None:
    chosen = {kind: seen[kind]["view"] for kind in KINDS}
    assert chosen == {
        "qwen2_5_vl": "qwen2.5-video",
        "qwen3_vl": "video",
        "internvl": "frame-labels",
        "llava_onevision": "frame-numbers",
    }


def test_times_keep_their_precision_where_weights_are_halves(seen: dict[str, Any]) -> None:
    dtype, each = seen["bfloat16"]
    assert dtype == "torch.bfloat16"
    assert each == pytest.approx(2 / 0.7, abs=0.001)
