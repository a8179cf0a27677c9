"""An encoder behind a server: the real embedded one behind FastAPI, and servers that misbehave."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from types import SimpleNamespace

import av
import numpy as np
import pytest
from conftest import ColourEncoder
from hostile import serve
from videos import BLUE, RED, make_scenes

from tfgrounding import Grounder
from tfgrounding.encoders import load_encoder
from tfgrounding.encoders.served import ServedEncoder, as_messages, fingerprint, read_vectors
from tfgrounding.errors import EncoderError
from tfgrounding.llm import RefusedError

TEXTS = ["a dog runs", "a parked bicycle", "größer"]
SECRET = "sk-0123456789abcdef"
QUICK = {"first_pause_seconds": 0.01, "retries": 2, "timeout_seconds": 2.0}


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch):
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "TFGROUNDING_ENCODER_API_KEY", "TFGROUNDING_LLM_API_KEY"):
        monkeypatch.delenv(name, raising=False)


# --- The embedded encoder behind FastAPI


def decoded(data: bytes, size) -> np.ndarray:
    """(H, W, 3): a JPEG as a server reads it, at its model's size."""
    codec = av.CodecContext.create("mjpeg", "r")
    (frame,) = [*codec.decode(av.Packet(data)), *codec.decode(None)]
    return frame.to_ndarray(format="rgb24", width=size[1], height=size[0], interpolation="AREA")


def items_of(request: dict, form: str) -> list:
    """The texts (str) and pictures (bytes) of a request in this form; any other form is a ValueError."""
    if form == "messages":
        (message,) = request["messages"]
        (part,) = message["content"]
        if part["type"] == "text":
            return [part["text"]]
        head, _, data = part["image_url"]["url"].partition(",")
        assert head == "data:image/jpeg;base64"
        return [base64.b64decode(data)]
    if "messages" in request:
        raise ValueError("messages")
    if form == "strings" and any("text" in item for item in request["input"] if isinstance(item, dict)):
        raise ValueError("texts must be strings")
    return [
        item if isinstance(item, str) else item["text"] if "text" in item else base64.b64decode(item["image"])
        for item in request["input"]
    ]


@contextmanager
def fastapi_server(encoder, form: str):
    """A server that answers with this encoder's vectors: its address, its requests, how many it had at once."""
    import uvicorn
    from fastapi import Body, FastAPI, HTTPException

    app, model = FastAPI(), threading.Lock()
    seen = SimpleNamespace(requests=[], at_once=0, most_at_once=0)

    @app.post("/v1/embeddings")
    def embed(request: dict = Body()) -> dict:  # noqa: B008 - FastAPI's way
        try:
            items = items_of(request, form)
        except (KeyError, ValueError, TypeError, AttributeError) as problem:
            raise HTTPException(422, f"{type(problem).__name__} {problem}") from None
        seen.requests.append(items)
        seen.at_once += 1
        seen.most_at_once = max(seen.most_at_once, seen.at_once)
        with model:
            vectors = [
                encoder.encode_texts([item])[0]
                if isinstance(item, str)
                else encoder.encode_frames(decoded(item, encoder.frame_size)[None])[0, 0]
                for item in items
            ]
        seen.at_once -= 1
        rows = [{"index": i, "embedding": (7 * vector).tolist()} for i, vector in enumerate(vectors)]
        return {"object": "list", "data": rows[::-1], "model": request["model"]}

    server = uvicorn.Server(uvicorn.Config(app, host="127.0.0.1", port=0, log_level="error"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    deadline = time.monotonic() + 20
    while not server.started and time.monotonic() < deadline:
        time.sleep(0.01)
    seen.url = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}/v1"
    try:
        yield seen
    finally:
        server.should_exit = True
        thread.join(10)


@pytest.mark.parametrize(("form", "per_request"), [("messages", 1), ("objects", 16)])
def test_vectors_of_a_server_are_those_of_its_model(form, per_request, embedded_encoder, street_video):
    from tfgrounding.media import iter_frames

    pixels = next(iter_frames(street_video, rate_hz=2, size=embedded_encoder.frame_size, chunk_frames=18)).pixels
    with fastapi_server(embedded_encoder, form) as server:
        encoder = load_encoder(f"served:org/some-model:v1@{server.url}", device="cpu")
        server.requests.clear()
        texts, frames = encoder.encode_texts(TEXTS), encoder.encode_frames(pixels)
        assert encoder.encode_texts([]).shape == (0, 1384) and encoder.encode_frames(pixels[:0]).shape == (0, 1, 1384)
    assert texts.dtype == frames.dtype == np.float32 and frames.shape == (18, 1, 1384)
    np.testing.assert_allclose(texts, embedded_encoder.encode_texts(TEXTS), atol=1e-6)
    local = embedded_encoder.encode_frames(pixels)
    assert (frames * local).sum(axis=-1).min() > 0.98  # what the JPEG costs
    np.testing.assert_allclose(frames[:, 0] @ texts.T, local[:, 0] @ texts.T, atol=0.02)
    assert max(map(len, server.requests)) == per_request and sum(map(len, server.requests)) == 3 + 18
    assert server.most_at_once <= 16 and (form != "messages" or server.most_at_once >= 2)
    assert encoder.revision.startswith(f"org/some-model:v1@{server.url} ({form}, 448 pixels, JPEG 90) 1384-")


def test_a_video_is_encoded_once_and_its_curves_are_the_local_ones(embedded_encoder, street_video, tmp_path):
    local = Grounder(encoder=embedded_encoder, rate_hz=1, cache=False).ground(street_video, "a parked bicycle")
    with fastapi_server(embedded_encoder, "messages") as server:
        answers = []
        for _ in range(2):
            grounder = Grounder(encoder=f"served:m@{server.url}", rate_hz=1, cache=tmp_path)
            server.requests.clear()
            answers.append(grounder.ground(street_video, "a parked bicycle"))
        assert not any(isinstance(item, bytes) for (item,) in server.requests)  # the second time from the cache
    first, second = answers
    assert abs(first.curve - local.curve).max() < 0.06 and abs(first.curve - local.curve).mean() < 0.01
    assert first.moments == second.moments and first.provenance == second.provenance
    assert abs(first.moments[0].start_seconds - local.moments[0].start_seconds) < 1
    assert first.encoder == "served" and 0.1 < first.provenance["floor"] < 0.25


# --- Servers that misbehave


def vector_of(item, width: int = 24) -> list[float]:
    data = item.encode() if isinstance(item, str) else item
    seed = int.from_bytes(hashlib.sha256(data).digest()[:8], "big")
    return np.random.default_rng(seed).standard_normal(width).tolist()


def embeddings(vectors, **changes) -> bytes:
    rows = [{"index": i, "embedding": vector} for i, vector in enumerate(vectors)]
    return json.dumps({"object": "list", "data": rows, **changes}).encode()


def good(request: dict, form: str = "messages", width: int = 24):
    try:
        return embeddings([vector_of(item, width) for item in items_of(request, form)])
    except (KeyError, ValueError, TypeError, AttributeError):
        return 400, {}, b'{"detail": "not like this"}'


class Later:
    """Behaves well until the encoder is loaded, and then as `trouble` says: (nth request since then) -> reply."""

    def __init__(self, trouble=None):
        self.trouble, self.loaded, self.asked = trouble, False, 0

    def __call__(self, query, nth, request):
        reply = None
        if self.loaded:
            self.asked += 1
            reply = self.trouble(self.asked) if self.trouble else None
        return good(request) if reply is None else reply


def served(server, **options) -> ServedEncoder:
    encoder = ServedEncoder(f"m@{server.url}", **(QUICK | options))
    if isinstance(server.behave, Later):
        server.behave.loaded = True
    return encoder


def expected(texts) -> np.ndarray:
    vectors = np.array([vector_of(text) for text in texts])
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


@pytest.mark.parametrize(
    "trouble",
    ["drop", (500, {}, b"oops"), (503, {}, b""), (429, {"Retry-After": "0.3"}, b"{}"), b"<html>"],
    ids=["drop", "500", "503", "429", "HTML"],
)
def test_trouble_on_the_way_costs_time_only(trouble):
    texts = [f"text {i}" for i in range(40)]
    with serve(Later(lambda nth: trouble if nth % 5 == 1 else None)) as server:
        encoder = served(server, retries=6)
        began = time.monotonic()
        np.testing.assert_allclose(encoder.encode_texts(texts), expected(texts), atol=1e-6)
        assert isinstance(trouble, str | bytes) or trouble[0] != 429 or time.monotonic() - began >= 0.3


def test_a_server_that_stops_is_one_sentence():
    with serve(Later(lambda nth: (503, {}, b"starting") if nth > 10 else None)) as server:
        encoder = served(server)
        with pytest.raises(
            EncoderError, match=r"^encoder served: the model 'm' at .* in 3 tries; .*HTTP 503: starting$"
        ) as told:
            encoder.encode_frames(np.zeros((40, 8, 8, 3), np.uint8))
    assert "\n" not in str(told.value)


def test_ctrl_c_does_not_wait_for_the_server(tmp_path):
    video = make_scenes(tmp_path / "a.mp4", [(1.0, RED), (1.0, BLUE)])
    with serve(Later(lambda nth: "hang" if nth > 3 else None)) as server:
        server.behave.loaded = True
        run = subprocess.Popen(
            [sys.executable, "-m", "tfgrounding", "ground", video, "red", "--encoder", f"served:m@{server.url}"],
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "TFGROUNDING_CACHE": str(tmp_path / "cache")},
        )
        deadline = time.monotonic() + 60
        while server.at_once < 2 and time.monotonic() < deadline:
            time.sleep(0.05)
        began = time.monotonic()
        run.send_signal(signal.SIGINT)
        assert run.communicate(timeout=30)[1] == "tfgrounding: stopped\n" and run.returncode == 130
        assert time.monotonic() - began < 10


def test_a_key_that_is_refused_later_ends_a_run():
    with serve(Later(lambda nth: (401, {}, b"{}"))) as server:
        encoder = served(server)
        with pytest.raises(RefusedError, match=r"asks for a key, and none is set .* set TFGROUNDING_ENCODER_API_KEY"):
            encoder.encode_texts(TEXTS)


def test_another_model_behind_the_same_name():
    def behave(query, nth, request):
        return good(request, width=24 if nth <= 3 else 12)

    with serve(behave) as server:
        encoder = served(server)
        with pytest.raises(EncoderError, match="gave vectors of 12 numbers, and of 24 before"):
            encoder.encode_texts(TEXTS)


HOSTILE = {
    "HTML": (b"<html><body>Log in</body></html>", "is not a list of embeddings: '<html>"),
    "empty": (b"", "is not a list of embeddings: ''"),
    "no rows": (embeddings([]), "0 embeddings for 1 inputs"),
    "too many": (embeddings([[1.0, 2.0], [2.0, 1.0]]), "2 embeddings for 1 inputs"),
    "NaN": (embeddings([[1.0, float("nan")]]), "not finite"),
    "infinite": (b'{"data": [{"index": 0, "embedding": [1e999, 1]}]}', "not finite"),
    "zero": (embeddings([[0.0, 0.0]]), "zero everywhere"),
    "index": (b'{"data": [{"index": 7, "embedding": [1, 2]}]}', "indices are not 0 to 0"),
    "index of another kind": (b'{"data": [{"index": "0", "embedding": [1, 2]}]}', "indices are not 0 to 0"),
    "one number": (embeddings([[1.0]]), "not a list of 2 to 16384 numbers"),
    "many numbers": (embeddings([[1.0] * 20_000]), "not a list of 2 to 16384 numbers"),
    "many vectors": (embeddings([[[1.0, 2.0], [3.0, 4.0]]]), "not a list of 2 to 16384 numbers"),
    "words": (embeddings([["1", "2"]]), "not a list of 2 to 16384 numbers"),
    "nothing": (embeddings([None]), "not a list of 2 to 16384 numbers"),
    "no base64": (embeddings(["%%%"]), "not a list of 2 to 16384 numbers"),
    "odd base64": (embeddings([base64.b64encode(b"12345").decode()]), "not a list of 2 to 16384 numbers"),
    "large numbers": (b'{"data": [{"index": 0, "embedding": [' + b"9" * 400 + b", 1]}]}", "numbers"),
    "deep": (b'{"data":' + b"[" * 100_000, "not a list of embeddings"),
    "100 MB": (b" " * 100_000_000, "a reply of more than 8000000 bytes"),
    "redirect": ((307, {"Location": f"http://127.0.0.1:9/v1?key={SECRET}"}, b""), "redirects to http://127.0.0.1:9;"),
    "refusal": ((403, {}, b'{"error": {"message": "not for you"}}'), "denies access (HTTP 403): not for you"),
    "no model": ((404, {}, b'{"error": {"message": "no such model"}}'), "has no such address or model"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_replies_are_one_sentence(name):
    reply, says = HOSTILE[name]
    with serve(lambda *_: reply) as server, pytest.raises(EncoderError) as told:
        served(server, retries=0, api_key=SECRET)
    words = str(told.value)
    assert says in words and f"the model 'm' at {server.url}" in words
    assert "\n" not in words and len(words) < 500 and SECRET not in words


def test_nobody_listens():
    with pytest.raises(EncoderError, match=r"encoder served: the model 'm' at http://127\.0\.0\.1:9/v1 gave no reply"):
        ServedEncoder("m@http://127.0.0.1:9/v1", **QUICK)


@pytest.mark.parametrize("choice", ["", ":m", ":m@ftp://host/v1", ":@http://host/v1", ":m@http://"])
def test_a_name_without_model_or_address_says_what_is_needed(choice):
    with pytest.raises(EncoderError, match=r"served:MODEL@URL, such as served:Qwen/Qwen3-VL-Embedding-2B@http"):
        load_encoder(f"served{choice}")


@pytest.mark.parametrize(
    ("behave", "says"),
    [
        (
            lambda *_: (400, {}, b'{"error": {"message": "no pictures"}}'),
            "(messages: HTTP 400: no pictures; objects, strings: HTTP 422",
        ),
        (lambda query, nth, request: embeddings([[1.0, 2.0]]), "two different pictures have the same vector"),
    ],
)
def test_a_model_without_pictures_is_refused_at_the_start(behave, says):
    def and_no_lists(query, nth, request):
        return behave(query, nth, request) if "messages" in request else (422, {}, b'{"detail": "no lists"}')

    with (
        serve(and_no_lists) as server,
        pytest.raises(EncoderError, match=r"takes pictures and texts in no form.*; name an") as e,
    ):
        served(server)
    assert says in str(e.value) and "objects, strings: HTTP 422" in str(e.value) and "\n" not in str(e.value)


def test_base64_and_any_order_are_read():
    rows = [{"index": 1, "embedding": base64.b64encode(np.array([3, 4], "<f4").tobytes()).decode()}]
    rows.append({"index": 0, "embedding": [1e300, 0]})
    np.testing.assert_allclose(read_vectors(json.dumps({"data": rows}).encode(), 2), [[1, 0], [0.6, 0.8]], atol=1e-7)
    unnumbered = json.dumps({"data": [{"embedding": [1, 0]}, {"embedding": [0, 1e-300]}]}).encode()
    np.testing.assert_allclose(read_vectors(unnumbered, 2), np.eye(2))
    for twice in ([0, 0], [1, 2], [True, 0]):
        body = json.dumps({"data": [{"index": i, "embedding": [1, 0]} for i in twice]}).encode()
        with pytest.raises(ValueError, match="indices"):
            read_vectors(body, 2)


# --- What is sent, and to whom


@pytest.mark.parametrize("form", ["messages", "objects", "strings"])
def test_the_form_that_a_server_takes_is_found(form):
    with serve(lambda query, nth, request: good(request, form)) as server:
        encoder = served(server)
        np.testing.assert_allclose(encoder.encode_texts(TEXTS), expected(TEXTS), atol=1e-6)
        assert encoder.encode_frames(np.zeros((20, 8, 8, 3), np.uint8)).shape == (20, 1, 24)
    assert f"({form}, " in encoder.revision


def test_a_key_goes_to_its_host_only(monkeypatch):
    with serve(Later()) as own, serve(Later()) as other:
        monkeypatch.setenv("OPENAI_API_KEY", SECRET)
        monkeypatch.setenv("OPENAI_BASE_URL", own.url)
        served(own)
        served(other)
        monkeypatch.setenv("TFGROUNDING_LLM_API_KEY", "for-planning")
        served(other)
        assert all(f"authorization: bearer {SECRET}" in head for head in own.heads)
        assert own.heads and other.heads and not any("authorization" in head for head in other.heads)
        other.heads.clear()
        monkeypatch.setenv("TFGROUNDING_ENCODER_API_KEY", "for-frames")
        served(other)
        assert all("authorization: bearer for-frames" in head for head in other.heads)


def test_a_password_in_an_address_is_used_and_never_shown():
    with serve(Later(lambda nth: (503, {}, SECRET.encode()))) as server:
        url = server.url.replace("://", f"://me:{SECRET}@")
        encoder = ServedEncoder(f"org/m@1@{url}", **QUICK)
        server.behave.loaded = True
        assert all("authorization: basic" in head for head in server.heads)
        with pytest.raises(EncoderError) as told:
            encoder.encode_texts(TEXTS)
        with pytest.raises(EncoderError) as refused:
            load_encoder(f"served:m@{url}", dtype="float16")
    assert encoder.revision.startswith(f"org/m@1@{server.url} (messages")
    assert SECRET not in str(told.value) + str(refused.value) and "takes no dtype" in str(refused.value)


def test_qwen_gets_its_instructions_and_an_open_reply():
    text = as_messages("Qwen/Qwen3-VL-Embedding-2B", ["a dog"])
    roles = [message["role"] for message in text["messages"]]
    assert roles == ["system", "user", "assistant"] and text["messages"][2]["content"][0]["text"] == ""
    assert text["continue_final_message"] is text["add_special_tokens"] is True
    picture = as_messages("Qwen/Qwen3-VL-Embedding-2B", [b"\xff\xd8"])
    said = [request["messages"][0]["content"][0]["text"] for request in (text, picture)]
    assert said == ["Retrieve images or text relevant to the user's query.", "Represent the user's input."]
    assert as_messages("openai/clip-vit-base-patch32", ["a dog"]) == {
        "model": "openai/clip-vit-base-patch32",
        "messages": [{"role": "user", "content": [{"type": "text", "text": "a dog"}]}],
        "encoding_format": "float",
    }


def test_the_revision_is_that_of_the_model_whatever_the_last_digits():
    rng = np.random.default_rng(0)
    models = rng.standard_normal((50, 2, 512)) / np.sqrt(512)
    known = [fingerprint(texts[0]) for texts in models]
    assert len(set(known)) == 50 and fingerprint(models[0, 0, :256]) != known[0]
    noisy = [fingerprint(texts[0] + 1e-6 * rng.standard_normal(512)) for texts in models]
    assert sum(a != b for a, b in zip(known, noisy, strict=True)) <= 1
    assert fingerprint(np.array([0.6, 0.8])) != fingerprint(np.array([0.8, 0.6]))


def test_only_a_named_server_is_asked(monkeypatch, tmp_path):
    with serve(Later()) as server:
        monkeypatch.setenv("OPENAI_BASE_URL", server.url)
        monkeypatch.setenv("OPENAI_API_KEY", SECRET)
        path = make_scenes(tmp_path / "a.mp4", [(1.0, RED), (1.0, BLUE)])
        Grounder(encoder=ColourEncoder()).ground(path, "blue")
        load_encoder("auto", device="cpu")
        assert server.heads == []
