"""The second engine, from a video file to seconds, through real pictures, real HTTP and real reading."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from reader import Reader, pictures_of, serve, text_of
from videos import make_video

from tfgrounding.errors import ModelError, TFGroundingError
from tfgrounding.llm import ChatClient
from tfgrounding.numpro import engine as engine_module
from tfgrounding.numpro.engine import NumProEngine, spread_windows
from tfgrounding.numpro.timeline import ClipYesNo, FrameNumbers, Grid, Percent, TimestampsText
from tfgrounding.numpro.vlm import ServedVLM

FOOTAGE = Path(__file__).parents[1].parent / "shared" / "footage"


def drifting(index: int, *, width: int, height: int) -> np.ndarray:
    """A soft texture that never stands still and never comes back."""
    y, x = np.mgrid[:height, :width].astype(np.float32)
    t = index * 0.37
    waves = [np.sin(x / (9 + c) + t * (0.9 + 0.2 * c)) + np.sin(y / (13 - c) - t * 0.6 + c) for c in range(3)]
    glow = 60 * np.exp(-((x - width * (0.2 + 0.05 * t)) ** 2 + (y - height * 0.3) ** 2) / 800)
    return np.clip(np.stack(waves, axis=2) * 35 + 120 + glow[:, :, None], 0, 255).astype(np.uint8)


IRREGULAR = np.cumsum([0, *np.tile([0.02, 0.3, 0.05, 0.41, 0.11, 0.07], 10)])
SPEEDING = np.concatenate([np.arange(0, 4, 0.5), np.arange(4, 7, 0.04)])
HOLDING = np.concatenate([np.arange(0, 2, 0.1), np.arange(5, 7, 0.1)])  # one picture stays for three seconds
STEADY = {"seconds": 7.0, "rate_hz": 10.0}
FILES = {  # name: (settings of make_video, truth)
    "steady.mp4": (STEADY, (2.0, 5.0)),
    "ntsc.mp4": ({"seconds": 6, "rate_hz": 30000 / 1001}, (1.3, 4.8)),
    "two_a_second.mp4": ({"seconds": 7, "rate_hz": 2.0}, (3.0, 6.0)),
    "irregular.mkv": ({"times_seconds": IRREGULAR}, (2.9, 6.8)),
    "speeding.mkv": ({"times_seconds": SPEEDING}, (1.5, 5.2)),
    "holding.mp4": ({"times_seconds": HOLDING}, (1.9, 6.0)),
    "late.mkv": ({**STEADY, "start_seconds": 20.0}, (0.0, 3.0)),
    "turned.mp4": ({**STEADY, "rotation_degrees": 90}, (3.0, 6.9)),
    "tall.mp4": ({**STEADY, "width": 120, "height": 214}, (5.0, 7.0)),
    "old.avi": ({**STEADY, "codec": "mpeg4"}, (2.5, 3.6)),
}


def vlm(url: str, **settings) -> ServedVLM:
    return ServedVLM("reader", base_url=url, **settings)


def one_moment(path: Path, truth: tuple[float, float], **settings) -> tuple[float, float]:
    with serve(Reader(path, truth)) as url:
        found = NumProEngine(vlm(url), **settings).ground(str(path), "something happens")
    assert len(found.moments) == 1, found
    return found.moments[0].start_seconds, found.moments[0].end_seconds


@pytest.mark.parametrize("name", FILES)
def test_a_reader_of_the_numbers_leads_back_to_the_true_seconds(name: str, tmp_path: Path) -> None:
    pytest.importorskip("rapidocr_onnxruntime")
    settings, truth = FILES[name]
    size = {"width": 160, "height": 120, "picture": drifting}
    path = make_video(tmp_path / name, **{**size, **settings})
    start, end = one_moment(path, truth)
    assert start == pytest.approx(truth[0], abs=1.0)
    assert end == pytest.approx(truth[1], abs=1.0)


def test_a_factor_of_two_in_the_mapping_is_found_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("rapidocr_onnxruntime")
    path = make_video(tmp_path / "a.mp4", width=160, height=120, picture=drifting, **STEADY)
    true_edges = engine_module.edges_between
    monkeypatch.setattr(engine_module, "edges_between", lambda *times: true_edges(*times) * 2)
    start, end = one_moment(path, (2.0, 5.0))
    assert abs(start - 2.0) > 1.0
    assert abs(end - 5.0) > 1.0


@pytest.mark.slow
@pytest.mark.skipif(not FOOTAGE.exists(), reason="the real footage is not here")
def test_the_reader_on_real_footage() -> None:
    pytest.importorskip("rapidocr_onnxruntime")
    rows = [json.loads(line) for line in (FOOTAGE / "annotations.jsonl").read_text().splitlines()]
    rows = [row for row in rows if row["kind"] == "untrimmed"]
    wrong = []
    readers: dict[str, Reader] = {}
    for row in rows:
        path = FOOTAGE / "untrimmed" / row["vid"]
        truth = tuple(row["relevant_windows"][0])
        if row["vid"] not in readers:
            readers[row["vid"]] = Reader(path, truth)
        reader = readers[row["vid"]]
        reader.truth = truth
        with serve(reader) as url:
            patient = ChatClient("reader", base_url=url, timeout_seconds=900, deadline_seconds=900)
            model = ServedVLM("reader", base_url=url, most_pictures=200, client=patient)
            found = NumProEngine(model, most_frames=200).ground(str(path), row["query"])
        step = 1.0
        moments = [(m.start_seconds, m.end_seconds) for m in found.moments]
        right = len(moments) == 1 and np.abs(np.subtract(moments[0], truth)).max() <= step + 1e-6
        # A moment between two samples shows on no frame; then "none" is the right reply.
        unseen = not ((found.sample_seconds >= truth[0]) & (found.sample_seconds < truth[1])).any()
        if not right and not (unseen and not moments):
            wrong.append((row["qid"], truth, moments))
    assert not wrong
