"""A small chat client for any OpenAI-compatible server: texts and pictures in, a reply with its token counts out."""

from __future__ import annotations

import base64
import logging
import random
import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from ..errors import ModelError
from .replies import Reply, Usage, error_text, pause_seconds, read_reply
from .servers import (
    OPENAI_URL,
    checked_key,
    environment_url,
    find_key,
    host_of,
    is_environment_server,
    origin,
    without_secrets,
)

log = logging.getLogger(__name__)

Message = Mapping[str, Any]  # {"role": ..., "content": text or a list of parts}

KEY_VARIABLE = "TFGROUNDING_LLM_API_KEY"
_RETRIED = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 520, 522, 524, 529})
_REFUSED = {401: "refuses the key", 403: "denies access", 404: "has no such address or model"}
_LONGEST_PAUSE_SECONDS = 8.0
_LONGEST_ERROR_BYTES = 20_000
_NO_KEY = "none"
_SHORTEST_SECRET = 8  # characters; a shorter key is a placeholder, and may be part of any word
# How the headers of every request begin; others come from OpenAI's environment variables.
_OWN_HEADERS = ("host", "accept", "connection", "user-agent", "content-", "authorization", "x-stainless-")
# Optional parts of a request, with the words in a server's error message that show it does not support them.
_OPTIONAL = {
    "json_schema": ("json_schema", "response_format", "schema", "grammar", "structured"),
    "json_object": ("json_object", "response_format"),
    "temperature": ("temperature",),
    "max_tokens": ("max_tokens", "max_completion_tokens"),
    "logprobs": ("logprobs",),
    "seed": ("seed",),
}


class RefusedError(ModelError):
    """The server refuses the key, or has no such address or model: every further request would fail as well."""


def text_part(text: str) -> dict[str, Any]:
    """A text as one part of a message's content."""
    return {"type": "text", "text": text}


def image_part(data: bytes, *, mime: str = "image/jpeg") -> dict[str, Any]:
    """An encoded picture as one part of a message's content."""
    encoded = base64.b64encode(data).decode("ascii")
    return {"type": "image_url", "image_url": {"url": f"data:{mime};base64,{encoded}"}}


class ChatClient:
    """A client of one model on one server; safe to share between threads.

    Time-outs, dropped connections, 408, 409, 429 and 5xx are tried again with growing pauses, or after the time in the
    server's Retry-After header, until `retries` or the deadline is used up. What the server does not support (JSON
    schema, JSON mode, temperature, log-probabilities) is left out from then on. Redirects are not followed: a request,
    with its key, goes to the server that was named and to no other.

    Args:
        model: the model's name on the server.
        base_url: the server's address up to "/v1"; else OPENAI_BASE_URL, else the public OpenAI service.
        api_key: the server's key; a server of your own may need none. Else the variable `key_variable`, else
            OPENAI_API_KEY, which goes to the host of OPENAI_BASE_URL only, or to api.openai.com where that is not set.
        key_variable: an environment variable with the key of the server that is used here, whichever it is.
        timeout_seconds: longest wait for a server that sends nothing.
        deadline_seconds: longest time for one question, with all its retries and pauses.
        retries: how often a request is sent again.
        first_pause_seconds: the pause before the first retry if the server asks for none; it doubles each time.
        max_reply_bytes: a longer reply is not read to its end.

    Raises:
        ModelError: `base_url` is not an http or https address, the key cannot be sent, or neither is given.
    """

    def __init__(
        self,
        model: str,
        *,
        base_url: str | None = None,
        api_key: str | None = None,
        key_variable: str = KEY_VARIABLE,
        timeout_seconds: float = 60.0,
        deadline_seconds: float = 180.0,
        retries: int = 3,
        first_pause_seconds: float = 1.0,
        max_reply_bytes: int = 1_000_000,
    ) -> None:
        import openai

        self.model = model
        url = base_url or environment_url()
        origin(url)  # raises where it is no address
        key = checked_key(api_key, "api_key") if api_key else find_key(url, variable=key_variable)
        if key is None and origin(url) == origin(OPENAI_URL):
            raise ModelError("api.openai.com needs a key: set OPENAI_API_KEY, or OPENAI_BASE_URL to use another server")
        self.base_url = without_secrets(url)
        self.timeout_seconds = timeout_seconds
        self.deadline_seconds = deadline_seconds
        self.retries = retries
        self.first_pause_seconds = first_pause_seconds
        self.max_reply_bytes = max_reply_bytes
        self.usage = Usage()
        self._counting = threading.Lock()
        self._given_up: set[str] = set()
        self._key = key
        self._key_variable = key_variable
        self._is_environment_server = is_environment_server(url)
        self._password = urlsplit(url).password
        sent = key or _NO_KEY  # the client wants one; the request hook takes a placeholder out again
        self._client = openai.OpenAI(
            base_url=url,
            api_key=sent,
            max_retries=0,
            timeout=timeout_seconds,
            default_headers={"Authorization": f"Bearer {sent}"} if key or not is_environment_server(url) else None,
            http_client=openai.DefaultHttpxClient(
                follow_redirects=False,
                event_hooks={"request": [self._drop_foreign_headers], "response": [self._raise_error_status]},
            ),
        )

    def ask(
        self,
        messages: Sequence[Message],
        *,
        schema: Mapping[str, Any] | None = None,
        max_tokens: int = 1024,
        temperature: float = 0.0,
        top_logprobs: int = 0,
        seed: int | None = None,
        deadline_seconds: float | None = None,
    ) -> Reply:
        """One reply to a conversation.

        Args:
            messages: the conversation, in the form of the chat completions interface; pictures through `image_part`.
            schema: a JSON schema that the reply is to follow, enforced by the server where it can.
            max_tokens: the longest reply.
            top_logprobs: for how many of the likeliest tokens at each place to return log-probabilities; 0 for none.
            deadline_seconds: instead of the client's own.

        Raises:
            RefusedError: the key, the address or the model is wrong.
            ModelError: no reply before the deadline, or one that is not a chat completion.
        """
        until = time.monotonic() + (self.deadline_seconds if deadline_seconds is None else deadline_seconds)
        wanted: dict[str, Any] = {"temperature": temperature, "max_tokens": max_tokens}
        if top_logprobs:
            wanted["logprobs"] = top_logprobs
        if seed is not None:
            wanted["seed"] = seed
        attempt = 0
        while True:
            request = self._request(messages, wanted, schema)
            problem, pause = "", 0.0
            try:
                return self._send(request, until)
            except _AgainError as error:
                problem, pause = str(error), error.pause_seconds
            except _RefusesOptionError as error:
                if self._give_up(str(error), request):
                    continue
                raise ModelError(f"{self._name()} refuses the request: {error}") from None
            attempt += 1
            if not pause:
                doubled = self.first_pause_seconds * 2 ** (attempt - 1)
                pause = min(_LONGEST_PAUSE_SECONDS, doubled) * random.uniform(0.5, 1.0)
            if attempt > self.retries:
                raise ModelError(f"{self._name()} gave no reply in {attempt} tries; the last one: {problem}")
            if time.monotonic() + pause >= until:
                raise ModelError(f"{self._name()} gave no reply in time ({attempt} tries; the last one: {problem})")
            log.info("%s: %s; again in %.1f s", self._name(), problem, pause)
            time.sleep(pause)

    def _name(self) -> str:
        return f"the model {self.model!r} at {self.base_url}"

    def _request(
        self, messages: Sequence[Message], wanted: Mapping[str, Any], schema: Mapping[str, Any] | None
    ) -> dict[str, Any]:
        request: dict[str, Any] = {"model": self.model, "messages": list(messages)}
        for name, value in wanted.items():
            if name == "max_tokens":
                request["max_completion_tokens" if name in self._given_up else "max_tokens"] = value
            elif name in self._given_up:
                continue
            elif name == "logprobs":
                request |= {"logprobs": True, "top_logprobs": value}
            else:
                request[name] = value
        if schema is not None and "json_schema" not in self._given_up:
            described = {"name": "answer", "schema": dict(schema), "strict": True}
            request["response_format"] = {"type": "json_schema", "json_schema": described}
        elif schema is not None and "json_object" not in self._given_up:
            request["response_format"] = {"type": "json_object"}
        return request

    def _give_up(self, refusal: str, request: Mapping[str, Any]) -> bool:
        """Leave out, from now on, what the server's refusal names; False where that changes nothing."""
        form = request.get("response_format", {}).get("type")
        sent = {"temperature", "logprobs", "seed"} & set(request) | ({form} if form else set())
        sent |= {"max_tokens"} if "max_tokens" in request else set()
        for name, words in _OPTIONAL.items():
            if name in sent and any(word in refusal.lower() for word in words):
                log.info("%s refuses %s: left out from now on", self._name(), name)
                self._given_up.add(name)
                return True
        return False

    def _send(self, request: Mapping[str, Any], until: float) -> Reply:
        import openai

        with self._counting:
            self.usage += Usage(requests=1)
        patience = max(0.05, min(self.timeout_seconds, until - time.monotonic()))
        try:
            with self._client.chat.completions.with_streaming_response.create(**request, timeout=patience) as response:
                body = self._read(response, until)
        except openai.APITimeoutError:
            raise _AgainError("no answer in time") from None
        except Exception as error:  # openai's, those of its transport, whose package depends on openai's version
            status = error if isinstance(error, _StatusError) else error.__cause__
            if isinstance(status, _StatusError):
                raise self._problem(status) from None
            transport = type(error).__module__.startswith(("openai", "httpx", "httpcore", "h11", "ssl"))
            if not transport and not isinstance(error, OSError):
                raise
            cause = self._clean(str(error))
            raise _AgainError(f"connection lost: {type(error).__name__} {cause}") from None
        try:
            reply = read_reply(self._hide_secrets(body), self.model)
        except ValueError as error:
            raise _AgainError(str(error)) from None
        with self._counting:
            self.usage += Usage(0, reply.usage.prompt_tokens, reply.usage.completion_tokens)
        return reply

    def _read(self, response: Any, until: float) -> bytes:
        """The body of a response, at most `max_reply_bytes`, before the deadline."""
        chunks, size = [], 0
        slow = time.monotonic() + self.timeout_seconds
        for chunk in response.iter_bytes():
            chunks.append(chunk)
            size += len(chunk)
            if size > self.max_reply_bytes:
                raise _AgainError(f"a reply of more than {self.max_reply_bytes} bytes")
            if time.monotonic() > min(until, slow):
                raise _AgainError("the reply came too slowly")
        return b"".join(chunks)

    def _drop_foreign_headers(self, request: Any) -> None:
        """Take out what openai adds from its environment variables where they are set for another server."""
        if self._key is None and self._password is None and request.headers.get("authorization") == f"Bearer {_NO_KEY}":
            del request.headers["authorization"]
        if not self._is_environment_server:
            for name in [name for name in request.headers if not name.lower().startswith(_OWN_HEADERS)]:
                del request.headers[name]

    def _raise_error_status(self, response: Any) -> None:
        """Read a bounded part of an error's text: openai would read all of it."""
        if response.status_code < 300:
            return
        body, until = b"", time.monotonic() + self.timeout_seconds
        for chunk in response.iter_bytes():
            body += chunk
            if len(body) > _LONGEST_ERROR_BYTES or time.monotonic() > until:
                break
        raise _StatusError(response.status_code, response.headers, body[:_LONGEST_ERROR_BYTES])

    def _problem(self, status: _StatusError) -> Exception:
        """What an error status means: try again, leave something out, or give up."""
        code, text = status.code, self._clean(error_text(status.body))
        if code < 400:
            target = host_of(status.headers.get("location", "")) or "another address"
            return RefusedError(f"{self._name()} redirects to {target}; if that is right, use its address as base_url")
        if code in _REFUSED:
            why = _REFUSED[code]
            if code == 401 and self._key is None:
                why = f"asks for a key, and none is set for this host: pass api_key= or set {self._key_variable}"
            return RefusedError(f"{self._name()} {why} (HTTP {code}): {text}")
        if code in _RETRIED:
            return _AgainError(f"HTTP {code}", pause_seconds(status.headers))
        return _RefusesOptionError(f"HTTP {code}: {text}")

    def _clean(self, text: str) -> str:
        """A server's text as part of a message: one short line without secrets."""
        return " ".join(self._hide_secrets(text.encode("utf-8", "replace")).decode("utf-8", "replace").split())[:200]

    def _hide_secrets(self, body: bytes) -> bytes:
        for secret in (self._key, self._password):
            if secret is not None and len(secret) >= _SHORTEST_SECRET:
                body = body.replace(secret.encode(), b"***")
        return body


class _StatusError(Exception):
    """An answer with an error status or a redirect."""

    def __init__(self, code: int, headers: Mapping[str, str], body: bytes) -> None:
        super().__init__(code)
        self.code, self.headers, self.body = code, headers, body


class _AgainError(Exception):
    """A request that may succeed if it is sent again."""

    def __init__(self, problem: str, pause_seconds: float = 0.0) -> None:
        super().__init__(problem)
        self.pause_seconds = pause_seconds


class _RefusesOptionError(Exception):
    """A request that the server does not accept as it is."""
