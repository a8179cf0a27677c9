"""The chat client against a server that misbehaves."""

import json
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from hostile import answer, completion, serve

from tfgrounding.errors import ModelError
from tfgrounding.llm.chat import ChatClient, RefusedError, image_part, text_part

ASK = [{"role": "system", "content": "s"}, {"role": "user", "content": json.dumps({"query": "q"})}]
SCHEMA = {"type": "object"}


def client(server, **options):
    quick = {"timeout_seconds": 1.0, "deadline_seconds": 20.0, "retries": 2, "first_pause_seconds": 0.01}
    return ChatClient("mock", base_url=server.url, api_key="k", **(quick | options))


def test_a_reply_with_its_tokens_and_log_probabilities():
    entry = {
        "token": "yes",
        "logprob": -0.1,
        "top_logprobs": [{"token": "yes", "logprob": -0.1}, {"token": "no", "logprob": -2.4}],
    }
    with serve(lambda *_: completion("yes", logprobs={"content": [entry]})) as server:
        reply = client(server).ask(ASK, top_logprobs=2)
    assert (reply.text, reply.finish_reason, reply.model) == ("yes", "stop", "mock")
    assert (reply.usage.prompt_tokens, reply.usage.completion_tokens) == (100, 20)
    assert reply.tokens[0].text == "yes" and reply.tokens[0].top == {"yes": -0.1, "no": -2.4}
    assert server.requests["q"][0]["top_logprobs"] == 2


def test_pictures_travel_as_parts():
    message = {"role": "user", "content": [text_part("what is it?"), image_part(b"\xff\xd8jpeg")]}
    seen = {}

    def behave(query, nth, request):
        seen.update(request)
        return completion("a picture")

    with serve(behave) as server:
        assert client(server).ask([message]).text == "a picture"
    url = seen["messages"][0]["content"][1]["image_url"]["url"]
    assert url == "data:image/jpeg;base64,/9hqcGVn"


@pytest.mark.parametrize(
    "trouble",
    [
        "drop",
        "hang",
        "drip",
        (500, {}, b"oops"),
        (503, {}, b"{}"),
        (429, {"retry-after-ms": "20"}, b"{}"),
        b"<html>",
        b'{"choices": []}',
    ],
    ids=["drop", "hang", "drip", "500", "503", "429", "no JSON", "no choice"],
)
def test_trouble_is_tried_again(trouble):
    with serve(lambda query, nth, request: trouble if nth == 1 else completion("at last")) as server:
        asked = client(server)
        assert asked.ask(ASK).text == "at last"
    assert server.asked["q"] == 2
    assert asked.usage.requests == 2 and asked.usage.completion_tokens == 20


@pytest.mark.parametrize(
    "trouble", ["drop", "drip", (500, {}, b"oops"), b"x" * 3000], ids=["drop", "drip", "500", "huge"]
)
def test_lasting_trouble_ends_after_the_retries(trouble):
    with serve(lambda *_: trouble) as server, pytest.raises(ModelError, match=r"mock.*in 3 tries"):
        client(server, max_reply_bytes=2000).ask(ASK)
    assert server.asked["q"] == 3


def test_retry_after_is_heeded():
    with serve(lambda query, nth, _: (429, {"Retry-After": "1"}, b"{}") if nth == 1 else completion("ok")) as server:
        started = time.monotonic()
        assert client(server).ask(ASK).text == "ok"
    assert 1.0 <= time.monotonic() - started < 10


@pytest.mark.parametrize("value", ["3600", "inf", "Wed, 21 Oct 2099 07:28:00 GMT"])
def test_a_pause_beyond_the_deadline_is_not_waited_for(value):
    with serve(lambda *_: (429, {"Retry-After": value}, b"{}")) as server:
        started = time.monotonic()
        with pytest.raises(ModelError, match="in time"):
            client(server).ask(ASK)
    assert time.monotonic() - started < 10 and server.asked["q"] == 1


@pytest.mark.parametrize("value", ["nan", "-5", "soon", ""])
def test_a_senseless_retry_after_does_no_harm(value):
    with serve(lambda query, nth, _: (429, {"Retry-After": value}, b"{}") if nth == 1 else completion("ok")) as server:
        assert client(server).ask(ASK).text == "ok"


def test_the_deadline_covers_everything():
    with serve(lambda *_: "hang") as server:
        started = time.monotonic()
        with pytest.raises(ModelError):
            client(server, timeout_seconds=60, retries=50).ask(ASK, deadline_seconds=0.6)
    assert time.monotonic() - started < 10


@pytest.mark.parametrize("status", [401, 403, 404])
def test_what_only_the_user_can_mend_is_not_tried_again(status):
    with serve(lambda *_: (status, {}, b'{"error": {"message": "no such thing"}}')) as server:
        with pytest.raises(RefusedError, match=f"HTTP {status}"):
            client(server).ask(ASK)
        assert server.asked["q"] == 1


def test_options_that_a_server_refuses_are_left_out_from_then_on():
    def behave(query, nth, request):
        for refused in ("response_format", "temperature", "max_tokens", "logprobs"):
            if refused in request:
                return 400, {}, json.dumps({"error": {"message": f"Unsupported parameter: '{refused}'"}}).encode()
        return completion(answer())

    with serve(behave) as server:
        asked = client(server)
        assert asked.ask(ASK, schema=SCHEMA, top_logprobs=1).text == answer()
        before = server.asked["q"]
        assert asked.ask(ASK, schema=SCHEMA, top_logprobs=1).text == answer()
    assert server.asked["q"] == before + 1 <= 7
    assert server.requests["q"][-1]["max_completion_tokens"] == 1024


def test_a_refusal_that_names_nothing_of_ours_is_told():
    with serve(lambda *_: (400, {}, b'{"error": {"message": "the picture is too large"}}')) as server:
        with pytest.raises(ModelError, match="the picture is too large"):
            client(server).ask(ASK)
        assert server.asked["q"] == 1


def test_nobody_listens():
    with pytest.raises(ModelError, match=r"127\.0\.0\.1:9"):
        ChatClient("mock", base_url="http://127.0.0.1:9/v1", retries=1, first_pause_seconds=0.01).ask(ASK)


def test_nothing_is_set_up(monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    with pytest.raises(ModelError, match="OPENAI_API_KEY"):
        ChatClient("gpt")


@pytest.mark.parametrize(
    "words",
    [
        "System role not supported",
        "Conversation roles must alternate user/assistant/user/assistant/...",
        "jinja2.exceptions.TemplateError: Only user and assistant roles are supported!",
    ],
)
def test_a_model_without_a_system_role_is_told_in_the_users_message(words):
    def behave(query, nth, request):
        if request["messages"][0]["role"] == "system":
            return 400, {}, json.dumps({"object": "error", "message": words, "code": 400}).encode()
        seen.append(request["messages"])
        return completion("fine")

    seen = []
    pictured = [ASK[0], {"role": "user", "content": [text_part("what?"), image_part(b"x")]}]
    with serve(behave) as server:
        asked = client(server)
        assert asked.ask(ASK).text == "fine" and asked.ask(pictured).text == "fine"
        assert asked.usage.requests == 3
    assert [[message["role"] for message in messages] for messages in seen] == [["user"], ["user"]]
    assert seen[0][0]["content"] == f"s\n\n{ASK[1]['content']}"
    assert [part.get("text") for part in seen[1][0]["content"]] == ["s", "what?", None]


def test_a_stream_is_one_reply():
    chunks = [
        {"choices": [], "prompt_filter_results": []},
        {"model": "streamer", "choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}}]},
        {
            "choices": [
                {
                    "index": 0,
                    "delta": {"content": "ye"},
                    "logprobs": {"content": [{"token": "ye", "logprob": -0.5, "top_logprobs": []}]},
                }
            ]
        },
        {"choices": [{"index": 1, "delta": {"content": "another choice"}}]},
        {"choices": [{"index": 0, "delta": {"content": "s"}, "finish_reason": "stop"}]},
        {"choices": [], "usage": {"prompt_tokens": 7, "completion_tokens": 2}},
    ]
    body = b": a comment\n\n" + b"".join(b"data: " + json.dumps(chunk).encode() + b"\n\n" for chunk in chunks)
    with serve(lambda *_: body + b"data: [DONE]\n\n") as server:
        reply = client(server).ask(ASK)
        assert server.requests["q"][0]["stream_options"] == {"include_usage": True}
    assert (reply.text, reply.finish_reason, reply.model) == ("yes", "stop", "streamer")
    assert (reply.usage.prompt_tokens, reply.usage.completion_tokens) == (7, 2) and reply.tokens[0].logprob == -0.5


def test_the_mark_of_the_end_may_be_part_of_a_text():
    with serve(lambda *_: completion("data: [DONE]\n\ndata: [DONE]")) as server:
        assert client(server).ask(ASK).text.count("[DONE]") == 2


def test_the_list_of_models_may_be_hostile():
    names = ["a\x1b[31m b", "x" * 81, 7, None, *[f"m{i}" for i in range(50)]]
    listed = json.dumps({"data": [{"id": name} for name in names] + ["no object"]}).encode()
    with serve(lambda *_: (404, {}, b'{"error": {"message": "no model"}}')) as server:
        server.pages["/v1/models"] = listed
        with pytest.raises(RefusedError, match=r"it has a  ?\[31m b, m0, .*m8$") as told:
            client(server).ask(ASK)
        assert "\x1b" not in str(told.value)
        server.pages["/v1/models"] = b"[" * 600_000
        with pytest.raises(RefusedError, match=r"no model$"):
            client(server).ask(ASK)


def test_a_pause_that_one_thread_is_told_is_kept_by_all():
    came = []

    def behave(query, nth, request):
        came.append(time.monotonic())
        return (429, {"Retry-After": "1"}, b"{}") if nth == 1 else completion("fine")

    with serve(behave) as server:
        asked = client(server)
        with ThreadPoolExecutor(4) as pool:
            told = pool.submit(asked.ask, ASK)
            while not came:
                time.sleep(0.01)
            time.sleep(0.2)
            others = [pool.submit(asked.ask, ASK) for _ in range(3)]
            assert {job.result().text for job in (told, *others)} == {"fine"}
    assert len(came) == 5 and all(later - came[0] >= 1.0 for later in came[1:])


@pytest.mark.parametrize("name", ["length", "max_tokens", "MAX_TOKENS"])
def test_a_reply_that_was_cut_off_has_one_name(name):
    with serve(lambda *_: completion("from", finish=name)) as server:
        assert client(server).ask(ASK).finish_reason == "length"
