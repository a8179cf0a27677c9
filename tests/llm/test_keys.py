"""A key goes to the server it belongs to, and appears in no message."""

import base64
import json
import logging
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import quote

import pytest
from hostile import completion

from tfgrounding.errors import ModelError
from tfgrounding.llm.chat import ChatClient
from tfgrounding.llm.servers import without_secrets
from tfgrounding.planning.llm import LLMPlanner
from tfgrounding.vision.vlm import ServedVLM, load_vlm

ASK = [{"role": "user", "content": "q"}]
SECRET = "sk-0123456789abcdef"


class Recorder:
    """A loopback server that records the headers of each request; `reply` is (status, headers, body)."""

    def __init__(self):
        self.headers = []
        self.bodies = []
        self.paths = []
        self.reply = (200, {}, completion("fine"))

    @property
    def keys(self):
        return [headers.get("Authorization") for headers in self.headers]


@contextmanager
def recording():
    recorder = Recorder()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            recorder.headers.append(self.headers)
            recorder.paths.append(self.path)
            recorder.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
            status, headers, body = recorder.reply(self.headers) if callable(recorder.reply) else recorder.reply
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def do_GET(self):
            recorder.headers.append(self.headers)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    recorder.host = f"http://127.0.0.1:{server.server_address[1]}"
    recorder.url = f"{recorder.host}/v1"
    try:
        yield recorder
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@pytest.fixture
def servers():
    with recording() as first, recording() as second:
        yield first, second


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch):
    for name in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "TFGROUNDING_LLM_API_KEY", "TFGROUNDING_VLM_API_KEY"):
        monkeypatch.delenv(name, raising=False)


def chat(url, **options):
    return ChatClient("m", base_url=url, **{"retries": 1, "first_pause_seconds": 0.01, **options})


def test_the_openai_key_goes_to_the_host_that_it_is_set_for(servers, monkeypatch):
    first, second = servers
    monkeypatch.setenv("OPENAI_API_KEY", SECRET)
    monkeypatch.setenv("OPENAI_BASE_URL", first.url)
    for name in ("OPENAI_ORG_ID", "OPENAI_PROJECT_ID"):
        monkeypatch.setenv(name, "my-organisation")
    monkeypatch.setenv("OPENAI_CUSTOM_HEADERS", f"X-Gateway-Key: {SECRET}\nAuthorization: Bearer {SECRET}")
    for url in (None, first.url, f"{first.host}/another/path"):
        assert chat(url).ask(ASK).text == "fine"
    assert first.keys == [f"Bearer {SECRET}"] * 3
    for made in (
        chat(second.url),
        LLMPlanner("m", base_url=second.url).client,
        ServedVLM("m", base_url=second.url).client,
        load_vlm(f"m@{second.url}").client,
    ):
        assert made.ask(ASK).text == "fine"
    assert second.keys == [None] * 4
    sent = "\n".join(str(headers) for headers in second.headers)
    assert SECRET not in sent and "my-organisation" not in sent


def test_without_a_base_url_the_openai_key_goes_to_openai_only(servers, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", SECRET)
    for planner in (LLMPlanner("m", base_url=servers[0].url), LLMPlanner("m", base_url=servers[1].url)):
        planner.client.ask(ASK)
    assert servers[0].keys == servers[1].keys == [None]
    assert ChatClient("gpt", base_url="https://api.openai.com/v1")._client.api_key == SECRET
    monkeypatch.setenv("OPENAI_BASE_URL", servers[0].url)
    for elsewhere in ("https://api.openai.com/v1", "http://api.openai.com/v1", "https://api.openai.com.example/v1"):
        try:
            assert ChatClient("gpt", base_url=elsewhere)._client.api_key != SECRET
        except ModelError as error:
            assert "OPENAI_API_KEY" in str(error)


def test_another_host_needs_a_key_of_its_own(servers, monkeypatch):
    first, second = servers
    monkeypatch.setenv("OPENAI_API_KEY", SECRET)
    monkeypatch.setenv("TFGROUNDING_LLM_API_KEY", "for-planning")
    monkeypatch.setenv("TFGROUNDING_VLM_API_KEY", "for-looking")
    LLMPlanner("m", base_url=first.url).client.ask(ASK)
    LLMPlanner("m", base_url=first.url, api_key=" given\n").client.ask(ASK)
    load_vlm(f"m@{second.url}").client.ask(ASK)
    ServedVLM("m", base_url=second.url, api_key="given").client.ask(ASK)
    assert first.keys == ["Bearer for-planning", "Bearer given"]
    assert second.keys == ["Bearer for-looking", "Bearer given"]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_carries_nothing_to_another_host(servers, status):
    first, second = servers
    first.reply = (status, {"Location": f"{second.host}/v1/chat/completions?key={SECRET}"}, b"")
    with pytest.raises(ModelError, match=rf"redirects to {second.host};") as told:
        chat(first.url, api_key=SECRET).ask([{"role": "user", "content": "a private frame"}])
    assert first.keys == [f"Bearer {SECRET}"] and second.headers == [] and SECRET not in str(told.value)


def test_a_missing_key_is_told_with_the_variable_for_it(servers, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", SECRET)
    servers[0].reply = (401, {}, b'{"error": {"message": "Unauthorized"}}')
    with pytest.raises(ModelError, match=r"asks for a key.*TFGROUNDING_LLM_API_KEY"):
        chat(servers[0].url).ask(ASK)
    with pytest.raises(ModelError, match=r"asks for a key.*TFGROUNDING_VLM_API_KEY"):
        load_vlm(f"m@{servers[0].url}").ask(["?"])
    with pytest.raises(ModelError, match="refuses the key"):
        chat(servers[0].url, api_key="wrong").ask(ASK)


def echo(status):
    """A server that repeats the key it was sent, as some do in their error messages."""
    return lambda headers: (
        status,
        {"Retry-After": "0"},
        json.dumps({"error": {"message": f"Incorrect API key provided: {headers['Authorization']}"}}).encode(),
    )


@pytest.mark.parametrize("status", [200, 400, 401, 403, 404, 422, 429, 500])
def test_no_message_repeats_a_key(servers, status, caplog):
    caplog.set_level(logging.DEBUG)
    servers[0].reply = echo(status)
    with pytest.raises(ModelError) as told:
        chat(servers[0].url, api_key=SECRET).ask(ASK, schema={})
    with pytest.raises(ModelError) as other:
        ServedVLM("m", base_url=servers[0].url, client=chat(servers[0].url, api_key=SECRET)).ask(["?"])
    assert SECRET not in str(told.value) + str(other.value) + caplog.text
    chain = told.value
    while chain := chain.__cause__ or (None if chain.__suppress_context__ else chain.__context__):
        assert SECRET not in str(chain)


def test_no_reply_repeats_a_key(servers):
    servers[0].reply = lambda headers: (200, {}, completion(f"you sent {headers['Authorization']}"))
    assert chat(servers[0].url, api_key=SECRET).ask(ASK).text == "you sent Bearer ***"


def _escaped(body: bytes) -> bytes:
    """The key in JSON, each letter as a number."""
    return body.replace(SECRET.encode(), "".join(f"\\u{ord(letter):04x}" for letter in SECRET).encode())


def _streamed(field: str) -> bytes:
    pieces = [{"index": 0, "delta": {field: text}} for text in ("It is " + SECRET[:7], SECRET[7:])]
    chunks = [{"choices": [piece]} for piece in pieces] + [{"choices": [{"index": 0, "finish_reason": "stop"}]}]
    return b"".join(b"data: " + json.dumps(chunk).encode() + b"\n\n" for chunk in chunks)


@pytest.mark.parametrize(
    "body",
    [
        _escaped(completion(f"It is {SECRET}")),
        _escaped(completion("", finish="stop").replace(b'"content": ""', f'"refusal": "It is {SECRET}"'.encode())),
        _escaped(completion("fine").replace(b'"mock"', f'"{SECRET}"'.encode())),
        _streamed("content"),
        _streamed("refusal"),
        completion("", logprobs={"content": [{"token": half, "logprob": -1} for half in (SECRET[:9], SECRET[9:])]}),
    ],
    ids=["text", "refusal", "model", "stream", "refusal in a stream", "tokens"],
)
def test_a_key_that_is_whole_only_once_it_is_decoded_is_hidden(servers, body):
    server = servers[0]
    server.reply = (200, {}, body)
    reply = ChatClient("m", base_url=server.url, api_key=SECRET, retries=0).ask(ASK)
    assert SECRET not in repr(reply) and SECRET not in "".join(token.text for token in reply.tokens)
    assert "***" in repr(reply) or (body.startswith(b'{"id": "1"') and not reply.tokens)


@pytest.mark.parametrize(
    "reply",
    [
        (302, {"Location": f"http://{SECRET}.evil.example/\x1b[31m"}, b""),
        (302, {"Location": f"http://[{SECRET}/"}, b""),
        (200, {}, _escaped(json.dumps(SECRET).encode())),
        (200, {}, b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"' + SECRET.encode() + b' error"}]}\n\n'),
    ],
    ids=["host", "no address", "no completion", "finish reason"],
)
def test_no_sentence_repeats_a_key_that_is_hidden_in_it(servers, reply):
    server = servers[0]
    server.reply = reply
    with pytest.raises(ModelError) as told:
        ChatClient("m", base_url=server.url, api_key=SECRET, retries=0).ask(ASK)
    said = str(told.value)
    assert SECRET not in said and "u0073" not in said and said.isprintable()


@pytest.mark.parametrize("key", ["sk-é-0123456789", "sk-01234 56789", "sk-012\n345", "sk-\0", "  "])
def test_a_key_that_no_request_can_carry_is_refused_without_repeating_it(key, monkeypatch):
    with pytest.raises(ModelError, match="api_key") as told:
        ChatClient("m", base_url="http://127.0.0.1:9/v1", api_key=key)
    assert key.strip() == "" or key.strip() not in str(told.value)
    if "\0" not in key:  # no environment variable can hold it
        monkeypatch.setenv("TFGROUNDING_LLM_API_KEY", key)
        with pytest.raises(ModelError, match="TFGROUNDING_LLM_API_KEY"):
            ChatClient("m", base_url="http://127.0.0.1:9/v1")


def test_a_password_in_an_address_is_used_and_never_shown(servers, caplog):
    caplog.set_level(logging.DEBUG, "tfgrounding")
    first, _ = servers
    url = f"{first.url.replace('://', f'://me:{SECRET}@')}?api-version={SECRET}"
    vlm = load_vlm(f"org/m@{url}")
    assert vlm.ask(["?"]) == "fine" and first.keys[0].startswith("Basic ")
    first.reply = echo(503)
    with pytest.raises(ModelError) as told:
        chat(url).ask(ASK)
    for wrong in (f"@{url}", f"m@ftp://me:{SECRET}@host/v1", f"local@me:{SECRET}@host", f"me:{SECRET}@host"):
        with pytest.raises(ModelError, match="NAME@URL") as refused:
            load_vlm(wrong)
        assert SECRET not in str(refused.value)
    assert vlm.name == f"org/m@{first.url}" and chat(url).base_url == first.url
    assert SECRET not in str(told.value) + caplog.text


@pytest.mark.parametrize(
    "url", ["127.0.0.1:8000", "ftp://host/v1", "http://", "http://host:99999/v1", "http://[::1/v1"]
)
def test_what_is_no_address_is_refused_at_once(url):
    with pytest.raises(ModelError, match="address of a server"):
        ChatClient("m", base_url=url)


@pytest.mark.parametrize(
    ("url", "says"),
    [
        (f"me:{SECRET}@127.0.0.1:8000/v1", "'***@127.0.0.1:8000/v1' is not the address"),
        (f"m@me:{SECRET}@127.0.0.1:8000/v1", "'***@127.0.0.1:8000/v1' is not the address"),
        (f"m@me:{SECRET}://x@host/v1", "'***@host/v1' is not the address"),
        (f"ftp://me:{SECRET}@host/v1", "'***@host/v1' is not the address"),
        (f"m@ftp://me:{SECRET}@host/v1", "'***@host/v1' is not the address"),
        (f"m@ftp://host/v1?key={SECRET}", "'m@ftp://host/v1"),
        (f"m@me:{SECRET}@ftp://host/v1", "'***@ftp://host/v1' is not the address"),
    ],
)
def test_a_wrong_address_is_shown_without_its_password(url, says):
    with pytest.raises(ModelError) as told:
        ChatClient("m", base_url=url)
    assert says in str(told.value) and SECRET not in str(told.value)


@pytest.mark.parametrize("password", [SECRET, "p:ss w/rd+%C3%A9", "short"])
@pytest.mark.parametrize("status", [200, 401, 404, 422])
def test_credentials_of_an_address_are_hidden_in_every_form(servers, password, status):
    quoted = quote(password, safe="")
    sent = "Basic " + base64.b64encode(f"me:{password}".encode()).decode()
    servers[0].reply = lambda headers: (
        status,
        {},
        json.dumps({"error": {"message": f"{headers['Authorization']}, {quoted}, {password}"}}).encode(),
    )
    with pytest.raises(ModelError) as told:
        chat(servers[0].url.replace("://", f"://me:{quoted}@")).ask(ASK)
    assert servers[0].keys[0] == sent and sent.split()[1] not in str(told.value) and "***" in str(told.value)
    assert password == "short" or (password not in str(told.value) and quoted not in str(told.value))


def test_parameters_of_an_address_follow_the_path(servers):
    servers[0].reply = lambda headers: (404, {}, f"nothing at {servers[0].paths[-1]}".encode())
    with pytest.raises(ModelError) as told:
        chat(f"{servers[0].url}?api-version=2024-02-01&subscription-key={SECRET}&x=#top").ask(ASK)
    assert servers[0].paths == [f"/v1/chat/completions?api-version=2024-02-01&subscription-key={SECRET}&x="]
    assert SECRET not in str(told.value) and "api-version=2024-02-01" in str(told.value)


def test_a_key_that_cannot_be_sent_is_named_by_its_own_variable(monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk with blanks")
    with pytest.raises(ModelError, match="the key in OPENAI_API_KEY is empty or holds blanks"):
        ChatClient("m")
    monkeypatch.setenv("TFGROUNDING_LLM_API_KEY", "more blanks")
    with pytest.raises(ModelError, match="the key in TFGROUNDING_LLM_API_KEY is empty or holds blanks"):
        ChatClient("m")


def test_a_text_without_secrets():
    assert (
        without_secrets("m at https://a:b@host:1/v1?key=c#d, then http://x/y")
        == "m at https://host:1/v1 then http://x/y"
    )
    assert without_secrets("m@http://host/v1") == "m@http://host/v1"


def test_an_error_of_any_length_is_read_in_part_only(servers):
    servers[0].reply = (400, {}, b"no " * 2_000_000)
    with pytest.raises(ModelError) as told:
        chat(servers[0].url).ask(ASK)
    assert len(str(told.value)) < 400


@pytest.mark.parametrize("value", ["Wed, 21 Oct 99999 07:28:00 GMT", "Wed, 99 Oct 2099 99:28:00 GMT", "1e999", "-inf"])
def test_a_date_out_of_range_is_no_pause(servers, value):
    servers[0].reply = (429, {"Retry-After": value}, b"{}")
    with pytest.raises(ModelError, match=r"in 2 tries|in time"):
        chat(servers[0].url).ask(ASK)


@pytest.mark.parametrize(
    "counts", ['{"prompt_tokens": 1e999}', '{"prompt_tokens": "many"}', '{"prompt_tokens": -7}', "[1]"]
)
def test_senseless_token_counts_count_as_unknown(servers, counts):
    body = f'{{"choices": [{{"message": {{"content": "x"}}}}], "usage": {counts}}}'
    servers[0].reply = (200, {}, body.encode())
    reply = chat(servers[0].url).ask(ASK)
    assert reply.text == "x" and reply.usage.prompt_tokens == reply.usage.completion_tokens == 0
