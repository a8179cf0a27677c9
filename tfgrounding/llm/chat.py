"""A small chat client for any OpenAI-compatible server: texts and pictures in, a reply with its token counts out."""

from __future__ import annotations

import base64
import logging
import time
from collections.abc import Mapping, Sequence
from typing import Any

from .connection import Connection, NotAcceptedError, RefusedError
from .replies import Reply, Usage, read_reply

__all__ = ["ChatClient", "Message", "RefusedError", "image_part", "text_part"]

log = logging.getLogger(__name__)

Message = Mapping[str, Any]  # {"role": ..., "content": text or a list of parts}

KEY_VARIABLE = "TFGROUNDING_LLM_API_KEY"
# Optional parts of a request, with the words in a server's error message that show it does not support them.
_OPTIONAL = {
    "json_schema": ("json_schema", "response_format", "schema", "grammar", "structured"),
    "json_object": ("json_object", "response_format"),
    "temperature": ("temperature",),
    "max_tokens": ("max_tokens", "max_completion_tokens"),
    "logprobs": ("logprobs",),
    "seed": ("seed",),
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

    What the server does not support (JSON schema, JSON mode, temperature, log-probabilities) is left out from then on.

    Args:
        model: the model's name on the server.
        key_variable: an environment variable with the server's key.
        settings: the other settings of a `Connection`, which says when a request is sent again.

    Raises:
        ModelError: as `Connection`.
    """

    def __init__(self, model: str, *, key_variable: str = KEY_VARIABLE, **settings: Any) -> None:
        super().__init__(model, key_variable=key_variable, **settings)
        self._tokens = Usage()
        self._given_up: set[str] = set()

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
        while True:
            request = self._request(messages, wanted, schema)
            try:
                reply = self.post("/chat/completions", request, self._read_reply, until=until)
            except NotAcceptedError as error:
                if not self._give_up(error.reason, request):
                    raise
                continue
            with self._counting:
                self._tokens += Usage(0, reply.usage.prompt_tokens, reply.usage.completion_tokens)
            return reply

    def _read_reply(self, body: bytes) -> Reply:
        return read_reply(body, self.model)

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
                log.info("%s refuses %s: left out from now on", self.name, name)
                self._given_up.add(name)
                return True
        return False
