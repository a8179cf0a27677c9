"""Vision LLMs: what a server is sent, how it may fail, and the real local classes."""

from __future__ import annotations

import base64
import json
import math
from pathlib import Path

import hostile
import numpy as np
import pytest
from reader import pictures_of, serve, text_of
from tiny_vlms import KINDS, save_tiny_vlm
from videos import make_video

from tfgrounding.engines.asking import Asking, Spent
from tfgrounding.engines.numpro import NumProEngine
from tfgrounding.errors import ModelError
from tfgrounding.llm.chat import ChatClient
from tfgrounding.llm.connection import RefusedError
from tfgrounding.media.jpeg import jpeg_size
from tfgrounding.vision import Clip, NoProbabilityError, TooMuchError
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
        vlm = ServedVLM("m", base_url=url, max_request_bytes=45_000)
        NumProEngine(vlm).watch(path).ask("a dog")
        assert len(sizes) > 1
        assert max(sizes) <= 45_000
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


def entries(*tokens: str, yes: float = 0.6, no: float = 0.2) -> dict:
    """A choice of these tokens; the last one has the probabilities, those before it are certain."""
    content = [
        {"token": token, "logprob": -0.001, "top_logprobs": [{"token": token, "logprob": -0.001}]} for token in tokens
    ]
    content[-1]["top_logprobs"] = [
        {"token": tokens[-1], "logprob": math.log(yes)},
        {"token": "no", "logprob": math.log(no)},
    ]
    content[-1]["logprob"] = math.log(yes)
    return {"message": {"role": "assistant", "content": "".join(tokens)}, "logprobs": {"content": content}}


def side_by_side() -> dict:
    """Log-probabilities as the older completions interface gives them."""
    top = {"Yes": math.log(0.6), "No": math.log(0.2)}
    logprobs = {"tokens": ["\n", "Yes"], "token_logprobs": [None, math.log(0.6)], "top_logprobs": [None, top]}
    return {"message": {"role": "assistant", "content": "Yes"}, "logprobs": logprobs}


def with_nan() -> dict:
    choice = entries("Yes")
    choice["logprobs"]["content"][0]["top_logprobs"].append({"token": "yes", "logprob": math.nan})
    return choice


@pytest.mark.parametrize(
    "choice",
    [
        entries("\n", " Yes"),
        entries("**", "Yes"),
        entries("**Yes"),
        entries("<think>", "\n\n", "</think>", "\n\n", "Yes"),
        entries("<", "answer", ">", "Yes"),
        entries('"', "Yes"),
        side_by_side(),
        with_nan(),
    ],
    ids=["blank", "marks", "mark and word", "empty thought", "tag", "quote", "side by side", "NaN"],
)
def test_the_first_word_is_found_among_the_tokens(choice: dict) -> None:
    with serve(lambda request: choice) as url:
        assert ServedVLM("m", base_url=url).yes_probability([*PICTURES, "?"]) == pytest.approx(0.75)


@pytest.mark.parametrize(
    ("choice", "words"),
    [
        ("Yes", "no log-prob"),
        (chosen({"Maybe": 0.9}, "Maybe"), "neither yes nor no"),
        (entries("<think>", "Let", " me"), "neither yes nor no"),
        (entries("Yes", yes=0.001, no=0.002), "neither yes nor no"),
    ],
)
def test_a_yes_without_logprobs_is_no_probability(choice: dict, words: str) -> None:
    with serve(lambda request: choice) as url, pytest.raises(NoProbabilityError, match=words):
        ServedVLM("m", base_url=url).yes_probability([*PICTURES, "?"])


def test_what_a_yes_costs_is_counted() -> None:
    with serve(lambda request: chosen({"Yes": 0.6, "No": 0.2})) as url:
        asking = Asking(ServedVLM("m", base_url=url))
        assert asking.probability([*PICTURES, "?"]) == pytest.approx(0.75)
    assert asking.spent == Spent(1, 3, 1, 1)


def test_a_server_without_log_probabilities_is_asked_for_them_once() -> None:
    asked = []

    def answer(request: dict) -> object:
        asked.append(request)
        refusal = {"error": {"message": "logprobs is not supported with this model"}}
        return (400, json.dumps(refusal).encode()) if "logprobs" in request else "Yes"

    with serve(answer) as url:
        vlm = ServedVLM("m", base_url=url)
        for _ in range(3):
            with pytest.raises(NoProbabilityError):
                vlm.yes_probability(["?"])
    assert len(asked) == 2


def test_fewer_log_probabilities_where_the_server_gives_fewer() -> None:
    asked = []

    def answer(request: dict) -> object:
        asked.append(request["top_logprobs"])
        refusal = {"error": {"message": "Requested sample logprobs of 20, which is greater than max allowed: 5"}}
        return (400, json.dumps(refusal).encode()) if asked[-1] > 5 else chosen({"Yes": 0.6, "No": 0.2})

    with serve(answer) as url:
        assert ServedVLM("m", base_url=url).yes_probability(["?"]) == pytest.approx(0.75)
    assert asked == [20, 5]


CLIP = Clip(np.stack(PICTURES), np.array([0.5, 1.5, 2.5]))


def test_frames_as_one_video_keep_their_times() -> None:
    requests: list[dict] = []

    def behave(query: str, nth: int, request: dict) -> bytes:
        requests.append(request)
        return GOOD

    with hostile.serve(behave) as server:
        server.pages["/version"] = b'{"version": "0.22.1"}'
        vlm = ServedVLM("m", base_url=server.url)
        assert vlm.takes_clips
        assert vlm.ask([CLIP, "when?"]) == "from frame 1 to frame 2"
        with pytest.raises(ModelError, match="not several videos"):
            vlm.ask([CLIP, CLIP, "when?"])
    (request,) = requests
    video, question = request["messages"][0]["content"]
    assert question["text"] == "when?" and video["type"] == "video_url"
    frames = video["video_url"]["url"].removeprefix("data:video/jpeg;base64,").split(",")
    assert [base64.b64decode(frame)[:3] for frame in frames] == [b"\xff\xd8\xff"] * 3
    times = request["media_io_kwargs"]["video"]
    assert times["num_frames"] == 3 and times["do_sample_frames"] is False
    assert [index / times["fps"] for index in times["frames_indices"]] == [0.5, 1.5, 2.5]
    assert times["total_num_frames"] / times["fps"] == times["duration"] == 3.0


@pytest.mark.parametrize("version", [b'{"version": "0.10.2"}', b'{"version": "0.9"}', b"<html>", b"[]", None])
def test_other_servers_are_sent_no_video(version: bytes | None) -> None:
    with hostile.serve(lambda *_: GOOD) as server:
        if version is not None:
            server.pages["/version"] = version
        vlm = ServedVLM("m", base_url=server.url)
        assert not vlm.takes_clips
        with pytest.raises(ModelError, match="takes pictures, not video"):
            vlm.ask([CLIP, "when?"])
        assert ServedVLM("m", base_url=server.url, takes_clips=True).ask([CLIP, "when?"])


def test_a_picture_is_encoded_once_and_sent_often() -> None:
    urls = []

    def answer(request: dict) -> str:
        urls.append([part["image_url"]["url"] for part in request["messages"][0]["content"][:-1]])
        return "fine"

    with serve(answer) as url:
        vlm = ServedVLM("m", base_url=url, longest_side=200)
        ready = [vlm.prepare(picture) for picture in (NOISE, PICTURES[0])]
        vlm.ask([*ready, "?"])
        vlm.ask([NOISE, PICTURES[0], "?"])
        assert urls[0] == urls[1]
        assert vlm.capacity(ready) == vlm.capacity([NOISE, PICTURES[0]])
    assert [jpeg_size(one.data) for one in ready] == [(200, 150), (64, 48)]  # none is enlarged


def test_prepared_pictures_are_made_smaller_where_the_server_refuses_them() -> None:
    shapes = []

    def answer(request: dict) -> object:
        shapes.append(max(pictures_of(request)[0].shape))
        too_large = {"error": {"message": "Image is too large"}}
        return (400, json.dumps(too_large).encode()) if shapes[-1] > 128 else "fine"

    with serve(answer) as url:
        vlm = ServedVLM("m", base_url=url)
        ready = vlm.prepare(NOISE)
        reply = vlm.reply([ready, "?"])
        assert reply.text == "fine" and reply.usage.requests == 3 and "112 pixels" in reply.warnings[-1]
        assert ServedVLM("m", base_url=url).ask([ready, "?"]) == "fine"
    assert shapes == [400, 200, 112, 112]


def test_what_was_learnt_of_a_server_is_known_to_other_clients_of_it() -> None:
    def answer(request: dict) -> object:
        refusal = {"error": {"message": "At most 3 image(s) may be provided in one request."}}
        return (400, json.dumps(refusal).encode()) if len(pictures_of(request)) > 3 else "fine"

    with serve(answer) as url:
        with pytest.raises(TooMuchError, match="At most 3"):
            ServedVLM("m", base_url=url).ask([*PICTURES, *PICTURES, "?"])
        assert ServedVLM("m", base_url=url).capacity(PICTURES * 5) == 3
        assert ServedVLM("another", base_url=url).capacity(PICTURES * 5) == 64


def test_a_dead_server_ends_the_run_soon() -> None:
    with hostile.serve(lambda *_: "drop") as server:
        vlm = quick(server)
        for _ in range(2):
            with pytest.raises(ModelError) as told:
                vlm.ask(["?"])
            assert not isinstance(told.value, RefusedError)
        with pytest.raises(RefusedError, match="so did 2 requests before it"):
            vlm.ask(["?"])
        assert server.asked[""] == 3 + 1 + 1


def test_options_reach_the_server_by_the_name_too() -> None:
    requests = []

    def answer(request: dict) -> str:
        requests.append(request)
        return "fine"

    with serve(answer) as url:
        vlm = load_vlm(
            f"m@{url}",
            most_pictures=5,
            concurrency=2,
            timeout_seconds=7.0,
            quality=50,
            longest_side=None,
            more={"top_k": 1},
        )
        assert vlm.capacity(PICTURES * 3) == 5
        assert (vlm.concurrency, vlm.client.timeout_seconds, vlm.longest_side) == (2, 7.0, 1024)
        vlm.reply(["?"], schema={"type": "object"})
    assert requests[0]["top_k"] == 1 and requests[0]["response_format"]["json_schema"]["schema"] == {"type": "object"}
    with pytest.raises(ModelError, match="only a model on a server"):
        load_vlm("local:x", quality=50)


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
    [
        ({"quality": 0}, "quality"),
        ({"most_pictures": 0}, "picture"),
        ({"base_url": ""}, "server"),
        ({"concurrency": 0}, "concurrency"),
        ({"timeout_seconds": 0}, "timeout"),
    ],
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
