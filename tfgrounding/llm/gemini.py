"""Gemini's own interface, `generateContent`, behind the same methods as a chat client."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ..errors import one_line
from .chat import ChatClient, Message
from .connection import NotAcceptedError
from .events import plain_text
from .replies import Reply, ServerError, Token, Usage, log_probability

URL = "https://generativelanguage.googleapis.com/v1beta"
_FINISHES = {"MAX_TOKENS": "length", "STOP": "stop", "": ""}


class GeminiClient(ChatClient):
    """A client of one Gemini model by Google's own interface, which alone takes videos with `videoMetadata`.

    Messages are those of the chat completions interface; a part may be Gemini's own too, as a dictionary without a
    "type". The key travels as the header x-goog-api-key.
    """

    def _drop_foreign_headers(self, request: Any) -> None:
        super()._drop_foreign_headers(request)
        if self._key is not None:
            request.headers["x-goog-api-key"] = self._key
        if "authorization" in request.headers:
            del request.headers["authorization"]

    @property
    def _path(self) -> str:
        return f"/models/{self.model.removeprefix('models/')}:generateContent"

    def _read_reply(self, body: bytes) -> Reply:
        return _read_reply(body, self.model, self.hide_secrets)

    def _request(
        self, messages: Sequence[Message], wanted: Mapping[str, Any], schema: Mapping[str, Any] | None
    ) -> dict[str, Any]:
        settings: dict[str, Any] = {"temperature": wanted["temperature"], "maxOutputTokens": wanted["max_tokens"]}
        if "logprobs" in wanted and "logprobs" not in self.known.given_up:
            settings |= {"responseLogprobs": True, "logprobs": min(wanted["logprobs"], self.known.most_logprobs or 20)}
        if "seed" in wanted:
            settings["seed"] = wanted["seed"]
        if schema is not None and "json_schema" not in self.known.given_up:
            settings |= {"responseMimeType": "application/json", "responseJsonSchema": dict(schema)}
        request: dict[str, Any] = {"contents": [], "generationConfig": settings}
        for message in messages:
            parts = [_part(part) for part in _parts_of(message["content"])]
            if message["role"] == "system":
                request["systemInstruction"] = {"parts": parts}
            else:
                role = "model" if message["role"] == "assistant" else "user"
                request["contents"].append({"role": role, "parts": parts})
        return request

    def _adapt(self, refusal: NotAcceptedError, request: Mapping[str, Any]) -> bool:
        """Leave out log-probabilities or a schema where the model has none; False where neither is meant."""
        said, settings = refusal.reason.lower(), request["generationConfig"]
        for name, field, words in (("logprobs", "logprobs", "logprob"), ("json_schema", "responseMimeType", "schema")):
            if field in settings and (words in said or "json mode" in said):
                self.known.given_up.add(name)
                return True
        return False


def _parts_of(content: Any) -> list[Any]:
    return [{"type": "text", "text": content}] if isinstance(content, str) else list(content)


def _part(part: Mapping[str, Any]) -> dict[str, Any]:
    """A part of a chat message as Gemini takes it."""
    if part.get("type") == "text":
        return {"text": part["text"]}
    if part.get("type") == "image_url":
        head, _, data = part["image_url"]["url"].partition(";base64,")
        return {"inlineData": {"mimeType": head.removeprefix("data:"), "data": data}}
    return dict(part)


def _read_reply(body: bytes, model: str, hide: Callable[[str], str] = str) -> Reply:
    """The reply in a GenerateContentResponse.

    Raises:
        ServerError: it is an error.
        ValueError: it is neither.
    """
    try:
        data = json.loads(body)
        if data.get("error"):
            raise ServerError(body, int(data["error"].get("code") or 500))
        used = data.get("usageMetadata") or {}
        thought = _count(used, "thoughtsTokenCount")
        usage = Usage(1, _count(used, "promptTokenCount"), _count(used, "candidatesTokenCount") + thought)
        if not data.get("candidates"):
            why = str((data.get("promptFeedback") or {}).get("blockReason") or "no reason given")
            return Reply(
                "",
                "content_filter",
                model,
                usage,
                instead=f"nothing: the request was blocked ({one_line(hide(why), most=40)})",
            )
        candidate = data["candidates"][0]
        finish = one_line(hide(str(candidate.get("finishReason") or "")), most=40)
        parts = (candidate.get("content") or {}).get("parts") or []
        text = hide(plain_text([{"text": part.get("text", "")} for part in parts if not part.get("thought")]))
        instead = "" if text.strip() else f"an empty text ({finish})"
        tokens = _tokens(candidate.get("logprobsResult"), hide)
        return Reply(text, _FINISHES.get(finish, "content_filter"), model, usage, tokens, instead)
    except ServerError:
        raise
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError, OverflowError):
        start = hide(" ".join(body[:500].decode("utf-8", "replace").split()))[:80]
        raise ValueError(f"the reply is no GenerateContentResponse: {start!r}") from None


def _count(used: Mapping[str, Any], name: str) -> int:
    count = used.get(name)
    return int(count) if isinstance(count, int | float) and 0 < count < 1e9 else 0


def _tokens(result: Any, hide: Callable[[str], str]) -> tuple[Token, ...]:
    """The log-probabilities of a reply; none where they have another form, or spell a secret."""
    try:
        tokens = _listed(result) if isinstance(result, dict) else ()
    except (ValueError, LookupError, TypeError, AttributeError, OverflowError):
        return ()
    spelled = "".join(token.text for token in tokens)
    return tokens if hide(spelled) == spelled else ()


def _listed(result: Mapping[str, Any]) -> tuple[Token, ...]:
    chosen, top = result.get("chosenCandidates") or [], result.get("topCandidates") or []
    tops = [
        {str(one["token"]): log_probability(one["logProbability"]) for one in at.get("candidates") or []} for at in top
    ]
    return tuple(
        Token(str(one["token"]), log_probability(one["logProbability"]), tops[at] if at < len(tops) else {})
        for at, one in enumerate(chosen)
    )
