"""Gemini by Google's own interface: what is sent, frames as a video with its times, and what comes back."""

from __future__ import annotations

import base64
import io
import json
import math
from pathlib import Path
from typing import Any

import av
import hostile
import numpy as np
import pytest
from videos import RED, make_scenes

from tfgrounding.engines.numpro import NumProEngine
from tfgrounding.errors import ModelError
from tfgrounding.llm.connection import RefusedError
from tfgrounding.llm.gemini import GeminiClient
from tfgrounding.vision import Clip, CutOffError, NoProbabilityError, load_vlm
from tfgrounding.vision.gemini import GeminiVLM
from tfgrounding.vision.served import ServedVLM
from tfgrounding.vision.views import GeminiVideo, view_for

PICTURE = np.full((48, 64, 3), 120, np.uint8)


def said(text: str, *, finish: str = "STOP", **more: Any) -> bytes:
    candidate = {"content": {"role": "model", "parts": [{"text": text}]}, "finishReason": finish, **more}
    used = {"promptTokenCount": 300, "candidatesTokenCount": 7, "thoughtsTokenCount": 5, "totalTokenCount": 312}
    return json.dumps({"candidates": [candidate], "usageMetadata": used}).encode()


def gemini(server: hostile.Server, **settings: Any) -> GeminiVLM:
    vlm = GeminiVLM("gemini-2.5-flash", base_url=server.url, api_key="the-secret-key", **settings)
    vlm.client.first_pause_seconds = 0.01
    return vlm


def test_a_request_is_in_geminis_own_form() -> None:
    with hostile.serve(lambda query, nth, request: said("from 00:01 to 00:02")) as server:
        reply = gemini(server).reply(["before", PICTURE, "after?"], max_tokens=99, schema={"type": "object"})
    (request,) = (one for some in server.requests.values() for one in some)
    before, picture, after = request["contents"][0]["parts"]
    assert (before, after) == ({"text": "before"}, {"text": "after?"})
    assert picture["inlineData"]["mimeType"] == "image/jpeg"
    assert base64.b64decode(picture["inlineData"]["data"])[:3] == b"\xff\xd8\xff"
    settings = request["generationConfig"]
    assert (settings["temperature"], settings["maxOutputTokens"]) == (0, 99)
    assert (settings["responseMimeType"], settings["responseJsonSchema"]) == ("application/json", {"type": "object"})
    assert (reply.text, reply.finish_reason) == ("from 00:01 to 00:02", "stop")
    assert (reply.usage.requests, reply.usage.prompt_tokens, reply.usage.completion_tokens) == (1, 300, 12)
    assert "/models/gemini-2.5-flash:generatecontent" in server.heads[0]
    assert "x-goog-api-key: the-secret-key" in server.heads[0] and "authorization" not in server.heads[0]


def test_a_clip_is_an_mp4_whose_frames_are_where_gemini_samples_it() -> None:
    pixels = np.zeros((6, 49, 65, 3), np.uint8)
    pixels[:] = (np.arange(6) * 40)[:, None, None, None]
    clip = Clip(pixels, 100 + np.arange(6) / 2)
    with hostile.serve(lambda query, nth, request: said("none")) as server:
        gemini(server).ask([clip, "When?"])
    (request,) = (one for some in server.requests.values() for one in some)
    part = request["contents"][0]["parts"][0]
    assert part["videoMetadata"] == {"fps": 2.0, "startOffset": "0s", "endOffset": "3.000s"}
    assert part["inlineData"]["mimeType"] == "video/mp4"
    with av.open(io.BytesIO(base64.b64decode(part["inlineData"]["data"]))) as container:
        frames = [(float(frame.time), frame.to_ndarray(format="rgb24")[0, 0, 0]) for frame in container.decode(video=0)]
    for k in range(6):  # Gemini takes the picture on screen at k / fps
        on_screen = [value for time, value in frames if time <= k / 2]
        assert on_screen[-1] == pytest.approx(40 * k, abs=4)


def test_times_of_a_part_of_a_video_lead_back_to_the_whole(tmp_path: Path) -> None:
    video = make_scenes(tmp_path / "a.mp4", [(4.0, (0, 0, 90)), (4.0, RED), (4.0, (0, 90, 0))])

    def answer(query: str, nth: int, request: dict[str, Any]) -> bytes:
        part = request["contents"][0]["parts"][0]
        fps = part["videoMetadata"]["fps"]
        with av.open(io.BytesIO(base64.b64decode(part["inlineData"]["data"]))) as container:
            shown = [(float(f.time), f.to_ndarray(format="rgb24")[4, 4].astype(int)) for f in container.decode(video=0)]
        count = round(float(part["videoMetadata"]["endOffset"][:-1]) * fps)
        sampled = [[value for time, value in shown if time <= k / fps][-1] for k in range(count)]
        red = [k / fps for k, value in enumerate(sampled) if value[0] > value[1:].max() + 80]
        assert "minutes:seconds" in request["contents"][0]["parts"][1]["text"]
        return said(f"from 00:{red[0]:05.2f} to 00:{red[-1]:05.2f}" if red else "none")

    with hostile.serve(answer) as server:
        vlm = gemini(server)
        assert view_for(vlm).name == "gemini-video"
        found = NumProEngine(vlm, view=view_for(vlm), rate_hz=2).watch(video).ask("it is red")
    assert [(m.start_seconds, m.end_seconds) for m in found.moments] == [pytest.approx((4.0, 8.0), abs=0.26)]
    assert GeminiVideo().name == found.provenance["view"]


def test_the_probability_of_a_yes() -> None:
    top = [{"candidates": [{"token": t, "logProbability": math.log(p)} for t, p in (("Yes", 0.6), ("No", 0.2))]}]
    result = {"chosenCandidates": [{"token": "Yes", "logProbability": math.log(0.6)}], "topCandidates": top}

    def answer(query: str, nth: int, request: dict[str, Any]) -> bytes:
        assert request["generationConfig"]["responseLogprobs"] is True
        return said("Yes", logprobsResult=result)

    with hostile.serve(answer) as server:
        assert gemini(server).yes_probability([PICTURE, "?"]) == pytest.approx(0.75)


def test_a_model_without_log_probabilities_is_asked_without_them() -> None:
    error = {"error": {"code": 400, "message": "Logprobs is not enabled for this model", "status": "INVALID_ARGUMENT"}}

    def answer(query: str, nth: int, request: dict[str, Any]) -> Any:
        asked = "responseLogprobs" in request["generationConfig"]
        return (400, {}, json.dumps(error).encode()) if asked else said("Yes")

    with hostile.serve(answer) as server, pytest.raises(NoProbabilityError):
        gemini(server).yes_probability([PICTURE, "?"])


@pytest.mark.parametrize(
    ("body", "kind", "words"),
    [
        (said("from 00:0", finish="MAX_TOKENS"), CutOffError, "cut off at"),
        (said("", finish="SAFETY"), ModelError, "SAFETY"),
        (b'{"promptFeedback": {"blockReason": "PROHIBITED_CONTENT"}}', ModelError, "PROHIBITED_CONTENT"),
        (b'{"candidates": [{"content": {}, "finishReason": "STOP"}]}', ModelError, "an empty text"),
        (b"<html>busy</html>", ModelError, "no GenerateContentResponse"),
        (b'{"candidates": 7}', ModelError, "no GenerateContentResponse"),
        (b"[1e400]", ModelError, "no GenerateContentResponse"),
        (
            (400, {}, b'{"error": {"code": 400, "message": "API key not valid. Please pass a valid API key."}}'),
            RefusedError,
            "API key not valid",
        ),
        (
            (404, {}, b'{"error": {"code": 404, "message": "models/gemini-9 is not found for API version v1beta"}}'),
            RefusedError,
            "is not found",
        ),
    ],
)
def test_what_is_no_answer_is_one_sentence(body: Any, kind: type[Exception], words: str) -> None:
    with hostile.serve(lambda query, nth, request: body) as server:
        vlm = gemini(server)
        vlm.client.retries = 1
        with pytest.raises(kind, match=words) as caught:
            vlm.ask([PICTURE, "When?"], max_tokens=20)
    assert "the-secret-key" not in str(caught.value) and "\n" not in str(caught.value)
    assert sum(server.asked.values()) <= 3


def test_thoughts_are_no_part_of_the_reply() -> None:
    parts = [{"text": "from 00:01 to 00:09, or not", "thought": True}, {"text": "from 00:02 to 00:03"}]
    with hostile.serve(lambda query, nth, request: said("", content={"parts": parts})) as server:
        assert gemini(server).ask([PICTURE, "When?"]) == "from 00:02 to 00:03"


def test_instructions_have_their_own_place() -> None:
    with hostile.serve(lambda query, nth, request: said("fine")) as server:
        client = GeminiClient("models/gemini-2.5-pro", base_url=server.url, api_key="a-long-secret")
        talk = [("system", "Be short."), ("user", "Hello"), ("assistant", "Hi"), ("user", "Again")]
        client.ask([{"role": role, "content": content} for role, content in talk])
    (request,) = (one for some in server.requests.values() for one in some)
    assert request["systemInstruction"] == {"parts": [{"text": "Be short."}]}
    assert [one["role"] for one in request["contents"]] == ["user", "model", "user"]
    assert "/models/gemini-2.5-pro:generatecontent" in server.heads[0]


def test_the_address_says_which_interface_is_meant(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TFGROUNDING_VLM_API_KEY", "a-long-secret")
    google = "gemini-2.5-flash@https://generativelanguage.googleapis.com/v1beta"
    assert isinstance(load_vlm(google), GeminiVLM)
    assert type(load_vlm(f"{google}/openai")) is ServedVLM
    assert type(load_vlm("gemini-2.5-flash@https://example.org/v1beta")) is ServedVLM
    assert view_for(load_vlm(google)).name == "gemini-video"
