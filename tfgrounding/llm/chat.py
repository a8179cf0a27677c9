"""A small chat client for any OpenAI-compatible server: texts and pictures in, a reply with its token counts out."""

from __future__ import annotations

import base64
import logging
import re
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from .connection import Connection, NotAcceptedError, RefusedError
from .events import is_stream, plain_text
from .known import known
from .replies import Reply, Usage, read_reply

__all__ = ["ChatClient", "Message", "RefusedError", "image_part", "text_part"]

log = logging.getLogger(__name__)

Message = Mapping[str, Any]  # {"role": ..., "content": text or a list of parts}

KEY_VARIABLE = "TFGROUNDING_LLM_API_KEY"
SHORTEST_REPLY = 16  # tokens, below which a server's limit is not followed
MOST_REPLY_BYTES = 4_000_000  # of a stream: some 300 bytes a token, more with log-probabilities
# Optional parts of a request, with the words in a server's refusal that show it does not support them.
_OPTIONAL = {
    "json_schema": r"json_schema|response_format|schema|grammar|structured",
    "json_object": r"json_object|response_format",
    "temperature": r"temperature",
    "max_tokens": r"max_tokens|max_completion_tokens",
    "max_completion_tokens": r"max_completion_tokens|max_tokens",
    "logprobs": r"logprobs",
    "seed": r"\bseed",
    "stream_options": r"stream.?options|include_usage",
    "stream": r"\bstream",
    "system": r"system.{0,9}role|role.{0,9}system|roles must alternate|user and assistant roles|template|jinja",
}


def text_part(text: str) -> dict[str, Any]:
    """A text as one part of a message's content."""
    return {"type": "text", "text": text}


def image_part(data: bytes, *, mime: str = "image/jpeg") -> dict[str, Any]:
    """An encoded picture as one part of a message's content."""
    encoded = base64.b64encode(data).decode("ascii")
    return {"type": "image_url", "image_url": {"url": f"data:{mime};base64,{encoded}"}}


class ChatClient(Connection):
    """A client of one model on one server; safe to share between threads.

    Replies come as streams where the server has them, so that the time-out counts silence. What the server does not
    support (streams, JSON schema, JSON mode, temperature, log-probabilities, a system's message) is left out from then
    on, by every client of this model on this server.

    Args:
        model: the model's name on the server.
        key_variable: an environment variable with the server's key.
        max_reply_bytes, settings: the other settings of a `Connection`, which says when a request is sent again.

    Raises:
        ModelError: as `Connection`.
    """

    def __init__(
        self,
        model: str,
        *,
        key_variable: str = KEY_VARIABLE,
        max_reply_bytes: int = MOST_REPLY_BYTES,
        **settings: Any,
    ) -> None:
        super().__init__(model, key_variable=key_variable, max_reply_bytes=max_reply_bytes, **settings)
        self._tokens = Usage()
        self.streamed: bool | None = None  # whether the last reply came in events, None before the first
        self.known = known(self.base_url, model)

    @property
    def usage(self) -> Usage:
        """Requests that were sent so far, and the tokens that the server counted for them."""
        with self._counting:
            return self._tokens + Usage(self.requests)

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
        retries: int | None = None,
        more: Mapping[str, Any] | None = None,
        on_send: Callable[[], None] | None = None,
    ) -> Reply:
        """One reply to a conversation.

        Args:
            messages: the conversation, in the form of the chat completions interface; pictures through `image_part`.
            schema: a JSON schema that the reply is to follow, enforced by the server where it can.
            max_tokens: the longest reply; less where the server is known to allow less.
            top_logprobs: for how many of the likeliest tokens at each place to return log-probabilities; 0 for none.
            deadline_seconds, retries: instead of the client's own.
            more: further fields of the request, which only some servers know.
            on_send: called for each request that is sent.

        Raises:
            RefusedError: the key, the address or the model is wrong.
            NotAcceptedError: the server does not accept the request, whatever optional part is left out.
            ModelError: no reply before the deadline, or one that is not a chat completion.
        """
        until = time.monotonic() + (self.deadline_seconds if deadline_seconds is None else deadline_seconds)
        wanted: dict[str, Any] = {"temperature": temperature, "max_tokens": max_tokens, "stream": True}
        if top_logprobs:
            wanted["logprobs"] = top_logprobs
        if seed is not None:
            wanted["seed"] = seed
        while True:
            request = self._request(messages, wanted, schema) | dict(more or {})
            try:
                reply = self.post(self._path, request, self._read_reply, until=until, retries=retries, on_send=on_send)
            except NotAcceptedError as error:
                if not self._adapt(error, request):
                    raise
                continue
            with self._counting:
                self._tokens += Usage(0, reply.usage.prompt_tokens, reply.usage.completion_tokens)
            return reply

    @property
    def _path(self) -> str:
        return "/chat/completions"

    def _read_reply(self, body: bytes) -> Reply:
        self.streamed = is_stream(body[:1000])
        return read_reply(body, self.model, self.hide_secrets)

    def _request(
        self, messages: Sequence[Message], wanted: Mapping[str, Any], schema: Mapping[str, Any] | None
    ) -> dict[str, Any]:
        no = self.known.given_up
        shown = without_system(messages) if "system" in no else list(messages)
        request: dict[str, Any] = {"model": self.model, "messages": shown}
        for name, value in wanted.items():
            if name == "max_tokens":
                longest = min(value, self.known.longest_reply or value)
                name = "max_completion_tokens" if name in no else name
                request |= {name: longest} if name not in no else {}
            elif name in no:
                continue
            elif name == "logprobs":
                request |= {"logprobs": True, "top_logprobs": min(value, self.known.most_logprobs or value)}
            elif name == "stream":
                request |= {"stream": True} if "stream_options" in no else _WITH_USAGE
            else:
                request[name] = value
        if schema is not None and "json_schema" not in no:
            described = {"name": "answer", "schema": dict(schema), "strict": True}
            request["response_format"] = {"type": "json_schema", "json_schema": described}
        elif schema is not None and "json_object" not in no:
            request["response_format"] = {"type": "json_object"}
        return request

    def _adapt(self, refusal: NotAcceptedError, request: Mapping[str, Any]) -> bool:
        """Learn from a refusal what to leave out or to ask less of; False where that changes nothing."""
        said = refusal.reason.lower()
        if refusal.limit is not None:
            asked = request.get("max_tokens") or request.get("max_completion_tokens") or 0
            less = refusal.limit.below(asked) or asked // 2
            if refusal.limit.kind != "reply" or less < SHORTEST_REPLY:
                return False
            return self.known.lower("longest_reply", less) < asked
        form = request.get("response_format", {}).get("type")
        sent = (
            set(request)
            | {form}
            | ({"system"} if any(_role(message) == "system" for message in request["messages"]) else set())
        )
        for name, words in _OPTIONAL.items():
            if name in sent and re.search(words, said):
                most = [int(number) for number in re.findall(r"\b\d{1,3}\b", said.partition(": ")[2])]
                fewer = [number for number in most if 0 < number < request.get("top_logprobs", 0)]
                if name == "logprobs" and fewer:
                    self.known.lower("most_logprobs", max(fewer))
                else:
                    self.known.given_up.add(name)
                log.info("%s refuses %s: changed from now on", self.name, name)
                return True
        return False


_WITH_USAGE = {"stream": True, "stream_options": {"include_usage": True}}


def without_system(messages: Sequence[Message]) -> list[Message]:
    """The conversation with what its system's messages say at the start of the user's first message."""
    told = [plain_text(message.get("content")) for message in messages if _role(message) == "system"]
    others = [dict(message) for message in messages if _role(message) != "system"]
    if told and others:
        content = others[0].get("content")
        parts = content if isinstance(content, list) else None
        before = "\n\n".join(told)
        others[0]["content"] = [text_part(before), *parts] if parts is not None else f"{before}\n\n{content}"
    return list(others)


def _role(message: Message) -> Any:
    return message.get("role")
