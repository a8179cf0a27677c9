"""The second engine, from a video file to seconds, through real pictures, real HTTP and real reading."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from reader import Reader, serve
from videos import BLUE, RED, make_scenes, make_video

from tfgrounding import Grounder, Pictures
from tfgrounding.cli import app as cli
from tfgrounding.engines import looking
from tfgrounding.engines.looking import spread_windows
from tfgrounding.engines.numpro import NumProEngine
from tfgrounding.errors import ModelError, TFGroundingError
from tfgrounding.llm.chat import ChatClient
from tfgrounding.planning.rules import RulesPlanner
from tfgrounding.vision.views import ClipYesNo, Part, TimestampsText
from tfgrounding.vision.vlm import ServedVLM

FOOTAGE = Path(__file__).parents[3] / "shared" / "footage"


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
        found = NumProEngine(vlm(url), **settings).watch(str(path)).ask("something happens")
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
    true_edges = looking.edges_between
    monkeypatch.setattr(looking, "edges_between", lambda *times: true_edges(*times) * 2)
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
            found = NumProEngine(model, most_frames=200).watch(str(path)).ask(row["query"])
        step = 1.0
        moments = [(m.start_seconds, m.end_seconds) for m in found.moments]
        right = len(moments) == 1 and np.abs(np.subtract(moments[0], truth)).max() <= step + 1e-6
        # A moment between two samples shows on no frame; then "none" is the right reply.
        unseen = not ((found.pts_seconds >= truth[0]) & (found.pts_seconds < truth[1])).any()
        if not right and not (unseen and not moments):
            wrong.append((row["qid"], truth, moments))
    assert not wrong


class Watcher:
    """A vision model in this process: `see(texts, pictures)` gives its reply."""

    name = "watcher"

    def __init__(self, see: Callable[[list[str], list[np.ndarray]], str], *, most_pictures: int = 1000) -> None:
        self.see = see
        self.most_pictures = most_pictures
        self.sent: list[int] = []

    def capacity(self, pictures: Sequence[np.ndarray]) -> int:
        return self.most_pictures

    def ask(self, parts: Sequence[Part], *, max_tokens: int = 256) -> str:
        pictures = [part for part in parts if not isinstance(part, str)]
        self.sent.append(len(pictures))
        return self.see([part for part in parts if isinstance(part, str)], pictures)

    def yes_probability(self, parts: Sequence[Part]) -> float:
        return float(np.mean([is_red(part) for part in parts if not isinstance(part, str)]))


def is_red(picture: np.ndarray) -> bool:
    upper = picture[: len(picture) // 2].astype(float).mean(axis=(0, 1))
    return bool(upper[0] > upper[2])


@pytest.fixture(scope="module")
def scenes(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Twelve seconds, red from 4 to 8."""
    path = tmp_path_factory.mktemp("scenes") / "scenes.mp4"
    return str(make_scenes(path, [(4.0, BLUE), (4.0, RED), (4.0, BLUE)]))


def red_numbers(texts: list[str], pictures: list[np.ndarray]) -> str:
    """Numbers are counted here, from the first that the question names: reading them is what the Reader is for."""
    first = int(re.search(r"run from (\d+) to", texts[-1])[1])
    red = [first + i for i, picture in enumerate(pictures) if is_red(picture)]
    return f"from frame {red[0]} to frame {red[-1]}" if red else "none"


def red_seconds(texts: list[str], pictures: list[np.ndarray]) -> str:
    red = [re.search(r"[\d.]+\d", text)[0] for text, picture in zip(texts, pictures, strict=False) if is_red(picture)]
    return f"from {red[0]} to {red[-1]} seconds"


def red_percent(texts: list[str], pictures: list[np.ndarray]) -> str:
    red = [i for i, picture in enumerate(pictures) if is_red(picture)]
    return f"from {round(100 * red[0] / len(pictures))} to {round(100 * (red[-1] + 1) / len(pictures))}"


@pytest.mark.parametrize(
    ("view", "see"),
    [
        ("frame-numbers", red_numbers),
        ("timestamps-text", red_seconds),
        (TimestampsText(style="timechat"), red_seconds),
        ("percent", red_percent),
    ],
)
def test_every_view_leads_back_to_the_same_seconds(view: str, see: Callable, scenes: str) -> None:
    found = NumProEngine(Watcher(see), view=view).watch(scenes).ask("it is red")
    assert [(m.start_seconds, m.end_seconds) for m in found.moments] == [pytest.approx((4.0, 8.0), abs=0.13)]
    assert found.curve.tolist() == [0.0] * 4 + [1.0] * 4 + [0.0] * 4


def test_the_model_is_asked_for_what_is_not_there_in_the_own_words_of_the_query(scenes: str) -> None:
    asked = []

    def see(texts: list[str], pictures: list[np.ndarray]) -> str:
        asked.append(texts[-1])
        return red_numbers(texts, pictures)

    watched = NumProEngine(Watcher(see)).watch(scenes)
    watched.ask(RulesPlanner().plan("show me when there are no people"))
    watched.ask(RulesPlanner().plan("when does she wave?"))
    assert "show me when there are no people" in asked[0] and "she waves" in asked[1]
    assert watched.ask("how many times does she wave?").plan.wants == "number"


def test_sheets_are_read_tile_by_tile(tmp_path: Path, scenes: str) -> None:
    def see(texts: list[str], pictures: list[np.ndarray]) -> str:
        tiles = [tile for sheet in pictures for row in np.split(sheet, 3) for tile in np.split(row, 4, axis=1)]
        return red_numbers(texts, tiles)

    watcher = Watcher(see)
    found = NumProEngine(watcher, view="grid").watch(scenes).ask("it is red")
    assert [(m.start_seconds, m.end_seconds) for m in found.moments] == [(4.0, 8.0)]
    assert watcher.sent == [1]


def test_clips_give_a_curve_and_a_localizer_its_moments(scenes: str) -> None:
    grounder = Grounder(engine=NumProEngine(Watcher(red_numbers), view=ClipYesNo(frames_per_clip=2)))
    found = grounder.ground(scenes, "it is red")
    assert found.localizer == "default"
    assert found.curve[[0, 1, 5, 6, 10, 11]].tolist() == [0, 0, 1, 1, 0, 0]
    best = found.moments[0]
    assert (best.start_seconds, best.end_seconds) == pytest.approx((4.0, 8.0), abs=1.0)
    assert "P(yes)" in found.raw_answer


def test_a_long_video_is_shown_in_overlapping_windows_and_voted_on(scenes: str) -> None:
    watcher = Watcher(red_numbers, most_pictures=5)
    found = NumProEngine(watcher, overlap=0.4).watch(scenes).ask("it is red")
    assert len(watcher.sent) > 2
    assert max(watcher.sent) <= 5
    assert [(m.start_seconds, m.end_seconds) for m in found.moments] == [(4.0, 8.0)]
    assert found.raw_answer.count("[frames ") == len(watcher.sent)


def test_windows_that_disagree_are_outvoted(scenes: str) -> None:
    """One of three windows over the same frames names the wrong ones; where two others look as well, it loses."""
    calls = []

    def see(texts: list[str], pictures: list[np.ndarray]) -> str:
        calls.append(1)
        last = int(re.search(r"run from (\d+) to (\d+)", texts[-1])[2])
        return f"frame {last}" if len(calls) == 2 else red_numbers(texts, pictures)

    found = NumProEngine(Watcher(see, most_pictures=9), overlap=0.9).watch(scenes).ask("it is red")
    assert found.moments[0].start_seconds == 4.0
    assert found.moments[0].end_seconds == 8.0
    assert 0.5 <= found.moments[0].score <= 1.0


@given(st.integers(1, 2000), st.integers(1, 200), st.floats(0, 0.95))
def test_windows_cover_everything(count: int, most: int, overlap: float) -> None:
    seen = np.zeros(count, dtype=int)
    for first, last in spread_windows(count, most, overlap):
        assert 0 <= first < last <= count
        assert last - first <= most
        seen[first:last] += 1
    assert seen.min() >= 1


def test_a_budget_lowers_the_rate_and_still_sees_the_end(tmp_path: Path) -> None:
    path = str(make_scenes(tmp_path / "late.mp4", [(36.0, BLUE), (4.0, RED)]))
    watcher = Watcher(red_numbers)
    found = NumProEngine(watcher, most_frames=10).watch(path).ask("it is red")
    assert watcher.sent == [10]
    assert [(m.start_seconds, m.end_seconds) for m in found.moments] == [(36.0, pytest.approx(40.0, abs=0.2))]


def test_an_unusable_reply_is_asked_for_once_more_and_then_nothing_is_made_up(scenes: str) -> None:
    watcher = Watcher(lambda texts, pictures: "The video is lovely.")
    found = NumProEngine(watcher).watch(scenes).ask("it is red")
    assert len(watcher.sent) == 2
    assert found.moments == ()
    assert found.raw_answer == "The video is lovely."
    assert "no moment is made up" in " ".join(found.warnings)
    assert found.provenance["frames_shown"] == 24


def test_the_second_asking_says_what_was_wrong_and_can_succeed(scenes: str) -> None:
    def see(texts: list[str], pictures: list[np.ndarray]) -> str:
        return red_numbers(texts, pictures) if "could not be used" in texts[-1] else "Lovely!"

    found = NumProEngine(Watcher(see)).watch(scenes).ask("it is red")
    assert [(m.start_seconds, m.end_seconds) for m in found.moments] == [(4.0, 8.0)]
    assert "once more" in " ".join(found.warnings)


def test_numbers_beyond_the_video_are_flagged(scenes: str) -> None:
    found = NumProEngine(Watcher(lambda texts, pictures: "from frame 9 to frame 90")).watch(scenes).ask("it is red")
    assert [(m.start_seconds, m.end_seconds) for m in found.moments] == [(8.0, 12.0)]
    assert "cut" in found.warnings[0]


def test_one_window_that_fails_is_reported_and_all_failing_is_an_error(scenes: str) -> None:
    calls = []

    def see(texts: list[str], pictures: list[np.ndarray]) -> str:
        calls.append(1)
        if len(calls) == 1:
            raise ModelError("out of order")
        return red_numbers(texts, pictures)

    found = NumProEngine(Watcher(see, most_pictures=4), overlap=0).watch(scenes).ask("it is red")
    assert [(m.start_seconds, m.end_seconds) for m in found.moments] == [(4.0, 8.0)]
    assert "out of order" in found.warnings[0]

    def fail(texts: list[str], pictures: list[np.ndarray]) -> str:
        raise ModelError("out of order")

    with pytest.raises(ModelError, match="out of order"):
        NumProEngine(Watcher(fail)).watch(scenes).ask("it is red")


def test_highlights_rate_each_frame(scenes: str) -> None:
    def see(texts: list[str], pictures: list[np.ndarray]) -> str:
        assert "saliency" in texts[-1]
        return (
            "\n".join(f"frame {i}: {5 if is_red(p) else 1}" for i, p in enumerate(pictures[:-1], start=1))
            + "\nframe 77: 3"
        )

    found = NumProEngine(Watcher(see)).watch(scenes).highlights("it is red")
    assert found.saliency.tolist() == [1.0] * 4 + [5.0] * 4 + [1.0] * 3 + [0.0]
    assert any("77" in warning for warning in found.warnings)
    assert any("1 of 12 frames" in warning for warning in found.warnings)


def test_the_grounder_gives_the_same_kind_of_answer_as_for_curves(scenes: str) -> None:
    found = Grounder(engine="numpro", vlm=Watcher(red_numbers), top_k=3).ground(scenes, "it is red")
    assert found.engine == "numpro"
    assert found.raw_answer == "from frame 5 to frame 8"
    assert found.provenance["vlm"] == "watcher"
    plain = json.loads(json.dumps(found.to_dict()))
    assert plain["moments"] == [{"start_seconds": 4.0, "end_seconds": 8.0, "score": 1.0}]
    assert len(plain["curve"]) == len(plain["pts_seconds"]) == 12


def test_pictures_with_a_rate_are_looked_at_like_a_video(colour_encoder: Any) -> None:
    colours = np.array([BLUE] * 8 + [RED] * 8 + [BLUE] * 8, dtype=np.uint8)
    pictures = Pictures(np.broadcast_to(colours[:, None, None], (24, 48, 64, 3)).copy(), 2.0)  # red from 4 to 8 s
    best = Grounder(engine="numpro", vlm=Watcher(red_numbers)).ground(pictures, "it is red").moments[0]
    assert (best.start_seconds, best.end_seconds) == (4.0, 8.0)
    hybrid = Grounder(engine="hybrid", vlm=Watcher(red_numbers), encoder=colour_encoder, cache=False)
    found = hybrid.ground(pictures, "red")
    assert found.provenance["frames_shown"] > 0 and not found.warnings
    assert (found.moments[0].start_seconds, found.moments[0].end_seconds) == pytest.approx((4.0, 8.0), abs=0.5)


def test_nothing_leaves_the_machine_without_an_endpoint(scenes: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def answer(request: dict) -> str:
        asked.append(request)
        return "from frame 5 to frame 8"

    with serve(answer) as url:
        monkeypatch.setenv("OPENAI_API_KEY", "sk-secret")
        monkeypatch.setenv("OPENAI_BASE_URL", url)
        for engine in ("numpro", "hybrid"):
            with pytest.raises(TFGroundingError, match="none is named"):
                Grounder(engine=engine)
        with pytest.raises(TFGroundingError, match="names no vision model"):
            Grounder(engine="numpro", vlm="gpt-4o")
        with pytest.raises(TFGroundingError, match="asks no vision model"):
            Grounder(engine="curves", vlm=f"m@{url}")
        assert not asked
        monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")  # the key is set for that host
        found = Grounder(engine="numpro", vlm=f"m@{url}").ground(scenes, "it is red")
    assert len(asked) == 1
    assert "sk-secret" not in asked[0]["authorization"]
    assert [(m.start_seconds, m.end_seconds) for m in found.moments] == [(4.0, 8.0)]


@pytest.mark.parametrize(
    "settings",
    [{"rate_hz": 0}, {"rate_hz": 1e7}, {"rate_hz": "x"}, {"most_frames": 0}, {"overlap": 1.0}, {"view": "clock"}],
)
def test_impossible_settings_are_refused(settings: dict) -> None:
    with pytest.raises(TFGroundingError):
        NumProEngine(Watcher(red_numbers), **settings)


def test_the_ground_command_asks_the_named_server(
    scenes: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["tfgrounding", "ground", scenes, "it is red", *arguments])
        with pytest.raises(SystemExit) as left:
            cli.main()
        return (int(left.value.code or 0), *capsys.readouterr())

    with serve(lambda request: "from frame 5 to frame 8") as url:
        code, out, _ = run("--engine", "numpro", "--vlm", f"m@{url}", "--json")
    told = json.loads(out)
    assert code == 0
    assert told["moments"][0]["start_seconds"] == 4.0
    assert told["raw_answer"] == "from frame 5 to frame 8"
    with serve(lambda request: "none") as url:
        code, out, err = run("--engine", "numpro", "--vlm", f"m@{url}")
    assert (code, out) == (0, "")
    assert "nothing found" in err
    code, _, err = run("--engine", "numpro")
    assert code == 2
    assert "none is named" in err
