"""Vision LLMs behind one door: what a server is sent, how it may fail, and the real local classes."""

from __future__ import annotations

import base64
import math
from pathlib import Path

import hostile
import numpy as np
import pytest
from reader import pictures_of, serve, text_of
from tiny_vlms import KINDS, save_tiny_vlm
from videos import make_video

from tfgrounding.engines.numpro import NumProEngine
from tfgrounding.errors import ModelError
from tfgrounding.llm.chat import ChatClient
from tfgrounding.vision.vlm import ServedVLM, load_vlm

RNG = np.random.default_rng(0)
PICTURES = [np.full((48, 64, 3), value, dtype=np.uint8) for value in (30, 120, 210)]
NOISE = RNG.integers(0, 256, (300, 400, 3), dtype=np.uint8)


def test_texts_and_pictures_arrive_in_order_as_jpeg() -> None:
    requests = []

    def answer(request: dict) -> str:
        requests.append(request)
        return "fine"

    with serve(answer) as url:
        vlm = ServedVLM("m", base_url=url)
        assert vlm.ask(["a", PICTURES[0], "b", PICTURES[1], "c"]) == "fine"
    (request,) = requests
    assert [part["type"] for part in request["messages"][0]["content"]] == [
        "text",
        "image_url",
        "text",
        "image_url",
        "text",
    ]
    assert text_of(request) == "a\nb\nc"
    assert [int(picture.mean().round(-1)) for picture in pictures_of(request)] == [30, 120]
    url = request["messages"][0]["content"][1]["image_url"]["url"]
    assert base64.b64decode(url.removeprefix("data:image/jpeg;base64,"))[:3] == b"\xff\xd8\xff"
    assert request["temperature"] == 0


def test_quality_and_size_are_parameters() -> None:
    sizes = {}
    shapes = {}

    def answer(request: dict) -> str:
        sizes[request["model"]] = len(request["messages"][0]["content"][0]["image_url"]["url"])
        shapes[request["model"]] = pictures_of(request)[0].shape
        return "fine"

    with serve(answer) as url:
        for name, settings in {"fine": {}, "rough": {"quality": 20}, "small": {"longest_side": 100}}.items():
            ServedVLM(name, base_url=url, **settings).ask([NOISE])
    assert sizes["rough"] < sizes["fine"] / 2
    assert shapes == {"fine": (300, 400, 3), "rough": (300, 400, 3), "small": (75, 100, 3)}


def test_the_size_of_a_request_is_bounded(tmp_path: Path) -> None:
    sizes = []

    def answer(request: dict) -> str:
        sizes.append(sum(len(str(part)) for part in request["messages"][0]["content"]))
        return "none"

    path = make_video(tmp_path / "a.mp4", seconds=12, rate_hz=4, width=320, height=240)
    with serve(answer) as url:
        vlm = ServedVLM("m", base_url=url, max_request_bytes=100_000)
        NumProEngine(vlm).watch(path).ask("a dog")
        assert len(sizes) > 1
        assert max(sizes) <= 100_000
        with pytest.raises(ModelError, match="lower the quality"):
            ServedVLM("m", base_url=url, max_request_bytes=50_000).capacity([NOISE])
        with pytest.raises(ModelError, match="above the limit"):
            ServedVLM("m", base_url=url, max_request_bytes=50_000).ask([NOISE])
    assert ServedVLM("m", base_url="http://127.0.0.1:9/v1", most_pictures=7).capacity(PICTURES) == 7


def chosen(top: dict[str, float], token: str = "Yes") -> dict:
    entry = {"token": token, "logprob": math.log(top.get(token, 0.01))}
    entry["top_logprobs"] = [{"token": name, "logprob": math.log(p)} for name, p in top.items()]
    return {"message": {"role": "assistant", "content": token}, "logprobs": {"content": [entry]}}


@pytest.mark.parametrize(
    ("choice", "probability"),
    [
        (chosen({"Yes": 0.6, "No": 0.2}), 0.75),
        (chosen({"Yes": 0.3, " yes": 0.3, "No": 0.1, "no": 0.1, "Maybe": 0.2}), 0.75),
        (chosen({"No": 0.9}, "No"), 0.0),
    ],
)
def test_the_probability_of_a_yes_comes_from_logprobs(choice: dict, probability: float) -> None:
    with serve(lambda request: choice) as url:
        assert ServedVLM("m", base_url=url).yes_probability([*PICTURES, "?"]) == pytest.approx(probability)


@pytest.mark.parametrize(
    ("choice", "words"), [("Yes", "no log-prob"), (chosen({"Maybe": 0.9}, "Maybe"), "neither yes nor no")]
)
def test_a_yes_without_logprobs_is_no_probability(choice: dict, words: str) -> None:
    with serve(lambda request: choice) as url, pytest.raises(ModelError, match=words):
        ServedVLM("m", base_url=url).yes_probability([*PICTURES, "?"])


def quick(server: hostile.Server) -> ServedVLM:
    client = ChatClient(
        "mock",
        base_url=server.url,
        api_key="k",
        timeout_seconds=1.0,
        deadline_seconds=20.0,
        retries=2,
        first_pause_seconds=0.01,
    )
    return ServedVLM("mock", base_url=server.url, client=client)


GOOD = hostile.completion("from frame 1 to frame 2")


@pytest.mark.parametrize(
    "fault",
    ["drop", "drip", "hang", (429, {"retry-after": "0"}, b"{}"), (500, {}, b"{}"), b"<html>", b'{"choices": []}'],
)
def test_a_server_that_stumbles_once_is_asked_again(fault: object) -> None:
    with hostile.serve(lambda query, nth, request: fault if nth == 1 else GOOD) as server:
        assert quick(server).ask([PICTURES[0], "?"]) == "from frame 1 to frame 2"
        assert server.asked[""] == 2


@pytest.mark.parametrize("fault", ["drop", "hang", (503, {}, b"{}"), (401, {}, b"{}"), b"not json"])
def test_a_server_that_keeps_failing_is_an_error_in_a_sentence(fault: object, tmp_path: Path) -> None:
    path = make_video(tmp_path / "a.mp4", seconds=2)
    with hostile.serve(lambda query, nth, request: fault) as server, pytest.raises(ModelError, match=r"mock"):
        NumProEngine(quick(server)).watch(path).ask("a dog")


def test_a_server_that_is_not_there(tmp_path: Path) -> None:
    client = ChatClient("m", base_url="http://127.0.0.1:9/v1", api_key="k", retries=0)
    with pytest.raises(ModelError, match=r"127\.0\.0\.1:9"):
        ServedVLM("m", base_url="http://127.0.0.1:9/v1", client=client).ask(["?"])


def test_keys_go_only_where_they_belong(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = []

    def answer(request: dict) -> str:
        seen.append(request["authorization"])
        return "fine"

    monkeypatch.setenv("OPENAI_API_KEY", "sk-openai")
    with serve(answer) as url:
        load_vlm(f"m@{url}").ask(["?"])
        monkeypatch.setenv("TFGROUNDING_VLM_API_KEY", "mine")
        load_vlm(f"org/m@{url}").ask(["?"])
        ServedVLM("m", base_url=url, api_key="given").ask(["?"])
    assert "sk-openai" not in seen[0]
    assert seen[1:] == ["Bearer mine", "Bearer given"]


@pytest.mark.parametrize(
    "spec", ["", "gpt-4o", "local:", "m@", "@http://127.0.0.1/v1", "m@127.0.0.1", "m@ftp://x/v1", "http://x/v1"]
)
def test_a_text_that_names_no_model_says_how_to(spec: str) -> None:
    with pytest.raises(ModelError, match="NAME@URL"):
        load_vlm(spec)


def test_a_local_model_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="cannot be loaded"):
        load_vlm(f"local:{tmp_path / 'nothing'}", device="cpu")


@pytest.mark.parametrize(
    ("settings", "words"),
    [({"quality": 0}, "quality"), ({"most_pictures": 0}, "picture"), ({"base_url": ""}, "server")],
)
def test_impossible_settings(settings: dict, words: str) -> None:
    with pytest.raises(ModelError, match=words):
        ServedVLM("m", **{"base_url": "http://127.0.0.1:9/v1", **settings})


@pytest.mark.parametrize("kind", KINDS)
def test_the_real_classes_take_frames_as_images(kind: str, tmp_path: Path) -> None:
    pytest.importorskip("torch").set_num_threads(1)
    folder = save_tiny_vlm(kind, tmp_path / kind)
    vlm = load_vlm(f"local:{folder}", device="cpu")
    assert isinstance(vlm.ask(["before", *PICTURES, "after?"], max_tokens=4), str)
    # The pictures and their order reach the model: other pictures, another probability.
    forward = vlm.yes_probability([*PICTURES, "?"])
    backward = vlm.yes_probability([*PICTURES[::-1], "?"])
    assert 0 < forward < 1
    assert forward == pytest.approx(vlm.yes_probability([*PICTURES, "?"]), abs=1e-6)
    assert forward != backward
    assert vlm.name.startswith("local:")


def test_a_local_model_runs_through_the_whole_engine(tmp_path: Path) -> None:
    folder = save_tiny_vlm("qwen2_5_vl", tmp_path / "model")
    video = make_video(tmp_path / "a.mp4", seconds=4)
    found = NumProEngine(load_vlm(f"local:{folder}", device="cpu"), max_tokens=6).watch(video).ask("a dog")
    assert found.provenance["frames_shown"] in (4, 8)
    curve = NumProEngine(load_vlm(f"local:{folder}", device="cpu"), view="clip-yes-no").watch(video).ask("a dog").curve
    assert ((curve > 0) & (curve < 1)).all()


def test_a_model_without_an_image_path_says_so() -> None:
    from tfgrounding.vision.local import LocalVLM

    class VideoOnly:
        chat_template = "x"

    with pytest.raises(ModelError, match="no images"):
        LocalVLM(None, VideoOnly(), name="video-only")

    class Untold:
        image_processor = object()

    with pytest.raises(ModelError, match="chat template"):
        LocalVLM(None, Untold(), name="untold")
