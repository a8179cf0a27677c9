"""What a model server sends back: chat replies with their token counts, error messages, the pause it asks for."""

from __future__ import annotations

import email.utils
import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Token:
    """A token of a reply with its log-probability, and those of the likeliest tokens at its place."""

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


def read_reply(body: bytes, model: str) -> Reply:
    """The reply in the body of a response.

    Raises:
        ValueError: it is not a chat completion.
    """
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
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError, OverflowError):
        start = " ".join(body[:80].decode("utf-8", "replace").split())
        raise ValueError(f"the reply is not a chat completion: {start!r}") from None


def without_thoughts(text: str) -> str:
    """A reply's text without complete <think> parts; without a beginning, all up to the last end is a thought."""
    ends = [match.end() for match in re.finditer(r"</think(?:ing)?>", text, re.IGNORECASE)]
    if not ends:
        return text
    # Up to the last end every beginning finds its end, so this takes linear time.
    before = re.sub(r"<think(?:ing)?>.*?</think(?:ing)?>", " ", text[: ends[-1]], flags=re.DOTALL | re.IGNORECASE)
    return re.split(r"</think(?:ing)?>", before + text[ends[-1] :], flags=re.IGNORECASE)[-1]


def _token(entry: Mapping[str, Any]) -> Token:
    top = {str(other["token"]): float(other["logprob"]) for other in entry.get("top_logprobs") or ()}
    return Token(str(entry["token"]), float(entry["logprob"]), top)


def pause_seconds(headers: Mapping[str, str]) -> float:
    """The pause that a server asks for in seconds, milliseconds or as a date; 0 if it asks for none."""
    milliseconds, value = headers.get("retry-after-ms"), headers.get("retry-after", "")
    try:
        return max(0.0, float(milliseconds) / 1000 if milliseconds else float(value))
    except ValueError:
        date = email.utils.parsedate_tz(value)
    try:
        return max(0.0, email.utils.mktime_tz(date) - time.time()) if date else 0.0
    except (ValueError, OverflowError):
        return 0.0


def error_text(body: bytes) -> str:
    """The message in the body of an error, else the body as it is."""
    text = body.decode("utf-8", "replace")
    try:
        error = json.loads(text)["error"]
        return str(error["message"] if isinstance(error, dict) else error)
    except (ValueError, LookupError, TypeError, RecursionError):
        return text
