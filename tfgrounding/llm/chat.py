"""A small chat client for any OpenAI-compatible server: texts and pictures in, a reply with its token counts out."""

from __future__ import annotations

import base64
import email.utils
import json
import logging
import os
import random
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ..errors import ModelError

log = logging.getLogger(__name__)

Message = Mapping[str, Any]  # {"role": ..., "content": text or a list of parts}

_RETRIED = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 520, 522, 524, 529})
_MINE_TO_MEND = {401: "refuses the key", 403: "denies access", 404: "does not know this address or model"}
_LONGEST_PAUSE_SECONDS = 8.0
# What a server may not know, the words by which its refusal is recognised, and which part of a request to give up.
_OPTIONAL = {
    "json_schema": ("json_schema", "response_format", "schema", "grammar", "structured"),
    "json_object": ("json_object", "response_format"),
    "temperature": ("temperature",),
    "max_tokens": ("max_tokens", "max_completion_tokens"),
    "logprobs": ("logprobs",),
    "seed": ("seed",),
}


class RefusedError(ModelError):
    """The server does not let us in or does not know the model: every further request would fail alike."""


@dataclass(frozen=True, slots=True)
class Token:
    """A token of a reply with its log-probability, and the likeliest tokens at its place."""

    text: str
    logprob: float
    top: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Usage:
    """Requests that were sent, and the tokens that the server counted for them."""

    requests: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            self.requests + other.requests,
            self.prompt_tokens + other.prompt_tokens,
            self.completion_tokens + other.completion_tokens,
        )


@dataclass(frozen=True, slots=True)
class Reply:
    """What a model answered. `tokens` is empty where the server gives no log-probabilities."""

    text: str
    finish_reason: str
    model: str
    usage: Usage
    tokens: tuple[Token, ...] = field(default=(), repr=False)


def text_part(text: str) -> dict[str, Any]:
    """A text as one part of a message's content."""
    return {"type": "text", "text": text}


def image_part(data: bytes, *, mime: str = "image/jpeg") -> dict[str, Any]:
    """An encoded picture as one part of a message's content."""
    encoded = base64.b64encode(data).decode("ascii")
    return {"type": "image_url", "image_url": {"url": f"data:{mime};base64,{encoded}"}}


class ChatClient:
    """Asks one model on one server; safe to share between threads.

    Time-outs, dropped connections, 408, 409, 429 and 5xx are tried again with growing pauses, or after the time that
    the server names in Retry-After, until `retries` or the deadline is used up. What the server does not know
    (JSON schema, JSON mode, temperature, log-probabilities) is left out from then on.

    Args:
        model: the model's name on the server.
        base_url: the server's address up to "/v1"; else OPENAI_BASE_URL, else the public OpenAI service.
        api_key: else OPENAI_API_KEY; a server of your own needs none.
        timeout_seconds: patience with a server that is silent.
        deadline_seconds: patience with one question, all its retries and pauses included.
        retries: how often a request is sent again.
        first_pause_seconds: the pause before the first of them where the server names none; it doubles each time.
        max_reply_bytes: a longer reply is not read to its end.

    Raises:
        ModelError: neither a key nor a server's address is given.
    """

    def __init__(
        self,
        model: str,
        *,
        base_url: str | None = None,
        api_key: str | None = None,
        timeout_seconds: float = 60.0,
        deadline_seconds: float = 180.0,
        retries: int = 3,
        first_pause_seconds: float = 1.0,
        max_reply_bytes: int = 1_000_000,
    ) -> None:
        from openai import OpenAI

        self.model = model
        self.base_url = base_url or os.environ.get("OPENAI_BASE_URL") or "https://api.openai.com/v1"
        key = api_key or os.environ.get("OPENAI_API_KEY")
        if not key and self.base_url.startswith("https://api.openai.com"):
            raise ModelError(
                "no language model is set up: set OPENAI_API_KEY, or OPENAI_BASE_URL for a server of your own"
            )
        self.timeout_seconds = timeout_seconds
        self.deadline_seconds = deadline_seconds
        self.retries = retries
        self.first_pause_seconds = first_pause_seconds
        self.max_reply_bytes = max_reply_bytes
        self.usage = Usage()
        self._counting = threading.Lock()
        self._given_up: set[str] = set()
        self._client = OpenAI(base_url=self.base_url, api_key=key or "none", max_retries=0, timeout=timeout_seconds)

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
            top_logprobs: how many of the likeliest tokens to tell at each place; 0 asks for no log-probabilities.
            deadline_seconds: instead of the client's own.

        Raises:
            RefusedError: the key, the address or the model is wrong.
            ModelError: no reply before the deadline, or one that is no chat completion.
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
            problem, pause_seconds = "", 0.0
            try:
                return self._send(request, until)
            except _AgainError as error:
                problem, pause_seconds = str(error), error.pause_seconds
            except _RefusesOptionError as error:
                if self._give_up(str(error), request):
                    continue
                raise ModelError(f"{self._name()} refuses the request: {error}") from None
            attempt += 1
            if not pause_seconds:
                doubled = self.first_pause_seconds * 2 ** (attempt - 1)
                pause_seconds = min(_LONGEST_PAUSE_SECONDS, doubled) * random.uniform(0.5, 1.0)
            if attempt > self.retries:
                raise ModelError(f"{self._name()} gave no reply in {attempt} tries; the last one: {problem}")
            if time.monotonic() + pause_seconds >= until:
                raise ModelError(f"{self._name()} gave no reply in time ({attempt} tries; the last one: {problem})")
            log.info("%s: %s; again in %.1f s", self._name(), problem, pause_seconds)
            time.sleep(pause_seconds)

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
        except openai.APIStatusError as error:
            if error.status_code in _MINE_TO_MEND:
                why = _MINE_TO_MEND[error.status_code]
                raise RefusedError(
                    f"{self._name()} {why} (HTTP {error.status_code}): {_short(error.message)}"
                ) from None
            if error.status_code in _RETRIED:
                raise _AgainError(f"HTTP {error.status_code}", _retry_after(error.response.headers)) from None
            raise _RefusesOptionError(f"HTTP {error.status_code}: {_short(error.message)}") from None
        except openai.APITimeoutError:
            raise _AgainError("no answer in time") from None
        except openai.OpenAIError as error:
            raise _AgainError(f"{type(error).__name__}: {_short(str(error))}") from None
        except OSError as error:
            raise _AgainError(f"connection lost: {_short(str(error))}") from None
        except Exception as error:  # the transport's own errors (httpx), whose package depends on openai's version
            if not type(error).__module__.startswith(("httpx", "httpcore", "h11", "ssl")):
                raise
            raise _AgainError(f"connection lost: {type(error).__name__} {_short(str(error))}") from None
        reply = _reply(body, self.model)
        with self._counting:
            self.usage += Usage(0, reply.usage.prompt_tokens, reply.usage.completion_tokens)
        return reply

    def _read(self, response: Any, until: float) -> bytes:
        """The body of a response, within the deadline and the largest size: a server may drip, or never end."""
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


class _AgainError(Exception):
    """A request that may succeed if it is sent again."""

    def __init__(self, problem: str, pause_seconds: float = 0.0) -> None:
        super().__init__(problem)
        self.pause_seconds = pause_seconds


class _RefusesOptionError(Exception):
    """A request that the server does not accept as it is."""


def _reply(body: bytes, model: str) -> Reply:
    try:
        data = json.loads(body)
        choice = data["choices"][0]
        content = choice["message"].get("content") or ""
        if isinstance(content, list):
            content = "".join(part.get("text", "") for part in content)
        if not isinstance(content, str):
            raise TypeError("content")
        usage = data.get("usage") or {}
        counted = Usage(1, int(usage.get("prompt_tokens") or 0), int(usage.get("completion_tokens") or 0))
        tokens = tuple(map(_token, (choice.get("logprobs") or {}).get("content") or ()))
        content = content.encode("utf-8", "replace").decode()  # a lone surrogate could not be sent back
        return Reply(content, str(choice.get("finish_reason") or ""), str(data.get("model") or model), counted, tokens)
    except (ValueError, KeyError, IndexError, TypeError, AttributeError, RecursionError):
        raise _AgainError(f"no chat completion but {_short(body[:80].decode('utf-8', 'replace'))!r}") from None


def _token(entry: Mapping[str, Any]) -> Token:
    top = {str(other["token"]): float(other["logprob"]) for other in entry.get("top_logprobs") or ()}
    return Token(str(entry["token"]), float(entry["logprob"]), top)


def _retry_after(headers: Mapping[str, str]) -> float:
    """The pause that a server asks for: seconds, milliseconds or a date; 0 where it names none."""
    try:
        if headers.get("retry-after-ms"):
            return max(0.0, float(headers["retry-after-ms"]) / 1000)
        value = headers.get("retry-after", "")
        return max(0.0, float(value))
    except ValueError:
        date = email.utils.parsedate_tz(headers.get("retry-after", ""))
        return max(0.0, email.utils.mktime_tz(date) - time.time()) if date else 0.0


def _short(text: str) -> str:
    return " ".join(text.split())[:200]
