"""What a model server sends back: chat replies with their token counts, error messages, the pause it asks for."""

from __future__ import annotations

import email.utils
import json
import math
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..errors import one_line
from .events import is_stream, joined, plain_text

ROUNDING = 1e-3  # by which a log-probability may be above 0


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
    """What a model answered.

    `tokens` is empty where the server gives no log-probabilities. `instead`: what came where there is no text, such as
    "a refusal: ..."; empty where there is text. `warnings`: what makes the reply less sure, such as a request that the
    server has cut. `usage.requests`: how many requests it took. `fingerprint`: how the server calls itself.
    """

    text: str
    finish_reason: str
    model: str
    usage: Usage
    tokens: tuple[Token, ...] = field(default=(), repr=False)
    instead: str = ""
    warnings: tuple[str, ...] = ()
    fingerprint: str = ""


# What servers call the end of a reply, in small letters: all is there; the longest length was reached; a filter
# stopped it. A word of _BROKEN in any other name: something went wrong in the middle.
_WHOLE = frozenset({"stop", "end_turn", "stop_sequence", "eos", "eos_token", "eosfound", "stopstringfound"})
_WHOLE |= {"complete", "completed", "tool_calls", "function_call"}
_CUT_OFF = re.compile(r"length|max_?(?:\w{1,9}_?)?tokens|max_?predicted|limit")
_FILTERED = re.compile(r"filter|safety|refus|recitation|prohibited|blocklist")
_BROKEN = re.compile(
    r"error|abort|cancel|fail|interrupt|disconnect|time_?out|timed_?out|incomplete|unload|insufficient|user_?stopped|crash"
)


class ServerError(ValueError):
    """A body with the status of success that holds an error; `code`: the status that it names, else 500."""

    def __init__(self, body: bytes, code: int) -> None:
        super().__init__(error_text(body))
        self.body, self.code = body, code


def read_reply(body: bytes, model: str, hide: Callable[[str], str] = str) -> Reply:
    """The reply in the body of a response: a chat completion, at once or as an event stream.

    Args:
        body: of the response.
        model: the name of the model that was asked.
        hide: takes secrets out of a text; it is given every text of the reply as it reads in the end.

    Raises:
        ServerError: it is an error.
        ValueError: it is neither, or the reply was broken off.
    """
    try:
        data = joined(body) if is_stream(body[:1000]) else _first_object(body)
        if data.get("error") and not data.get("choices"):
            raise ServerError(json.dumps(data).encode(), _code_of(data["error"]))
        choice = data["choices"][0]
        message = choice["message"] if "message" in choice else {"content": choice["text"]}
        content = hide(plain_text(message.get("content")))
        content = content.encode("utf-8", "replace").decode()  # a lone surrogate could not be sent back
        usage = data.get("usage")
        prompt, completion = (_count(usage, name) for name in ("prompt_tokens", "completion_tokens"))
        finish, warnings = finish_reason(choice.get("finish_reason"), hide)
        instead = "" if content.strip() else _instead(message, finish, hide)
    except ServerError:
        raise
    except BrokenOffError as error:
        raise ValueError(str(error)) from None
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError, OverflowError) as error:
        why = f" ({error})" if isinstance(error, ValueError) and is_stream(body[:1000]) else ""
        start = hide(" ".join(_unescaped(body[:500].decode("utf-8", "replace")).split()))[:80]
        raise ValueError(f"the reply is not a chat completion{why[:200]}: {start!r}") from None
    return Reply(
        text=content,
        finish_reason=finish,
        model=one_line(hide(str(data.get("model") or model))),
        usage=Usage(1, prompt, completion),
        tokens=_tokens(choice.get("logprobs"), hide),
        instead=instead,
        warnings=warnings,
        fingerprint=one_line(hide(str(data.get("system_fingerprint") or "")), most=40),
    )


class BrokenOffError(Exception):
    """A reply that something stopped before its end; the text says what."""


def finish_reason(given: object, hide: Callable[[str], str] = str) -> tuple[str, tuple[str, ...]]:
    """(Why a reply ended, warnings), by the word of any server: "length" and "content_filter" are called so.

    Raises:
        BrokenOffError: something went wrong in the middle of the reply.
    """
    name = one_line(hide(str(given or "")), most=40)
    small = name.lower()
    if small in _WHOLE or not small:
        return name, ()
    if _CUT_OFF.search(small):
        return "length", ()
    if _FILTERED.search(small):
        return "content_filter", ()
    if _BROKEN.search(small):
        raise BrokenOffError(f"the reply was broken off (finish_reason {name!r})")
    return name, (f"the server ended a reply for a reason that is not known here ({name!r}): it may be incomplete",)


def _unescaped(text: str) -> str:
    """A text in which the letters that JSON writes as numbers read as letters."""
    return re.sub(r"\\u00([0-9a-fA-F]{2})", lambda match: chr(int(match[1], 16)), text)


def _first_object(body: bytes) -> dict[str, Any]:
    """The JSON object at the start of a body; bytes that are no UTF-8 are replaced, what follows it is left out."""
    data, _ = json.JSONDecoder().raw_decode(body.decode("utf-8-sig", "replace").lstrip())
    if not isinstance(data, dict):
        raise TypeError("no object")
    return data


def _instead(message: Mapping[str, Any], finish_reason: str, hide: Callable[[str], str]) -> str:
    """What a message without text holds, for a sentence that says what the model gave."""
    if refusal := message.get("refusal"):
        return f"a refusal: {one_line(hide(str(refusal)), most=200)}"
    if finish_reason == "content_filter":
        return "nothing: its filter of contents stopped it"
    if message.get("tool_calls") or message.get("function_call"):
        return "a call of a tool instead of a text"
    if message.get("reasoning_content") or message.get("reasoning"):
        return "reasoning only, and no answer after it"
    return "an empty text"


def _count(usage: Any, name: str) -> int:
    """A count of tokens; 0 where the server gives none that makes sense."""
    count = usage.get(name) if isinstance(usage, dict) else None
    return int(count) if isinstance(count, int | float) and 0 < count < 1e9 else 0


def _code_of(error: Any) -> int:
    code = error.get("code") if isinstance(error, dict) else None
    return code if isinstance(code, int) and 400 <= code < 600 else 500


_NAMES = r"think(?:ing)?|thoughts?|seed:think|reason(?:ing)?|analysis|reflection|scratchpad"
_THOUGHT_MARK = re.compile(
    rf"(?P<begin><(?:{_NAMES})>|\[think\]|◁think▷|<\|(?:begin_of_thought|thinking_start)\|>|"
    r"<\|?channel\|?>\s{0,9}(?:analysis|commentary|thought|thinking)\b(?:<\|message\|>)?|\A\s{0,9}analysis(?=[A-Z]))|"
    rf"(?P<end></(?:{_NAMES})>|\[/think\]|◁/think▷|<\|(?:end_of_thought|thinking_end)\|>|"
    r"<\|channel\|>\s{0,9}final(?:<\|message\|>)?|<channel\|>|assistant\s{0,9}final(?=\W|[A-Z]|from\b))",
    re.IGNORECASE,
)


def without_thoughts(text: str) -> str:
    """A reply's text without what a model wrote while it was thinking.

    Known are <think>, <thinking>, <thought>, <seed:think>, <reasoning>, [THINK], ◁think▷, and channels ("analysis",
    then "final"). An end without a beginning: all before it is a thought. A beginning without an end: all that follows.
    """
    kept, at, thinking = list[str](), 0, False
    for mark in _THOUGHT_MARK.finditer(text):
        if not thinking and mark["begin"]:
            kept.append(text[at : mark.start()])
            thinking = True
        elif mark["end"]:
            if not thinking:
                kept.clear()
            at, thinking = mark.end(), False
    rest = "" if thinking else text[at:]
    return " ".join(part for part in [*kept, rest] if part)


def _tokens(logprobs: Any, hide: Callable[[str], str]) -> tuple[Token, ...]:
    """The log-probabilities of a reply, as chat completions give them or, as lists side by side, as completions do.

    Numbers that are none (NaN, above 0) are left out; all are where they have another form, or spell a secret.
    """
    try:
        tokens = _listed(logprobs) if isinstance(logprobs, dict) else ()
    except (ValueError, LookupError, TypeError, AttributeError, OverflowError):
        return ()
    spelled = "".join(token.text for token in tokens)
    return tokens if hide(spelled) == spelled else ()


def _listed(logprobs: Mapping[str, Any]) -> tuple[Token, ...]:
    entries = logprobs.get("content")
    if isinstance(entries, list):
        return tuple(_token(entry) for entry in entries)
    texts, tops = logprobs.get("tokens"), logprobs.get("top_logprobs")
    if not isinstance(texts, list) or not isinstance(tops, list):
        return ()
    chosen = logprobs.get("token_logprobs") or [None] * len(texts)
    return tuple(
        Token(str(text), log_probability(logprob), _top(top))
        for text, logprob, top in zip(texts, chosen, tops, strict=False)
    )


def _token(entry: Mapping[str, Any]) -> Token:
    return Token(str(entry["token"]), log_probability(entry.get("logprob")), _top(entry.get("top_logprobs")))


def _top(entries: Any) -> dict[str, float]:
    """{token: log-probability} of a list of {"token", "logprob"}, or of a dictionary."""
    if isinstance(entries, dict):
        pairs = list(entries.items())
    else:
        pairs = [(entry["token"], entry["logprob"]) for entry in entries or ()]
    return {str(token): number for token, logprob in pairs if not math.isnan(number := log_probability(logprob))}


def log_probability(value: Any) -> float:
    """A log-probability, at most 0; NaN where it is no number, or above 0 by more than rounding explains."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not value <= ROUNDING:
        return math.nan
    return min(0.0, float(value))


def model_names(body: bytes) -> list[str]:
    """The first ten names in a list of models, as "/models" gives it; names of more than 80 characters are left out.

    Raises:
        ValueError: it is no such list.
    """
    try:
        entries = _first_object(body)["data"]
        names = [
            entry["id"] for entry in entries[:1000] if isinstance(entry, dict) and isinstance(entry.get("id"), str)
        ]
    except (ValueError, LookupError, TypeError, RecursionError):
        raise ValueError("no list of models") from None
    return [name for name in names if len(name) <= 80][:10]


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
        data = json.loads(text)
        data = data[0] if isinstance(data, list) else data
        error = data.get("error") or data.get("detail") or data
        if not isinstance(error, dict):
            return str(error)
        said = str(error.get("message") or error.get("msg") or error)
        details = error.get("metadata")
        raw = details.get("raw") if isinstance(details, dict) else None  # what the server behind this one said
        return f"{said}: {error_text(raw.encode('utf-8', 'replace'))}" if isinstance(raw, str) else said
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return text
