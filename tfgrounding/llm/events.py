"""A reply that comes as an event stream (server-sent events), put together to one chat completion."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

_TEXTS = ("content", "reasoning_content", "reasoning", "refusal")
_DONE = b"data: [DONE]", b"data:[DONE]"
_MARK = b"\xef\xbb\xbf"  # of byte order, that some servers write before a text


def is_stream(start: bytes) -> bool:
    """Whether a body that begins so is an event stream."""
    return start.removeprefix(_MARK).lstrip().startswith((b"data:", b"event:", b"id:", b"retry:", b":"))


def is_over(tail: bytes) -> bool:
    """Whether the mark of the stream's end is in the last bytes that came."""
    return any(b"\n" + done in tail for done in _DONE)


def joined(body: bytes) -> dict[str, Any]:
    """The completion in a stream's chunks, in the form of a reply that comes at once.

    Raises:
        ValueError: a chunk is no JSON object, or the stream ended before the reply did.
    """
    message: dict[str, Any] = {}
    choice: dict[str, Any] = {"message": message, "finish_reason": None}
    whole: dict[str, Any] = {"choices": [choice]}
    over = False
    for name, data in _events(body):
        if data == "[DONE]":
            over = True
            break
        chunk = json.loads(data)
        if not isinstance(chunk, dict):
            raise ValueError("a part of the stream is no JSON object")
        if chunk.get("error"):
            return {"error": chunk["error"]}
        if name == "error":
            return {"error": chunk}
        whole |= {key: chunk[key] for key in ("model", "usage", "system_fingerprint") if chunk.get(key)}
        parts = chunk.get("choices")
        part = parts[0] if isinstance(parts, list) and parts else None
        if isinstance(part, dict) and part.get("index") in (0, None):
            _add(choice, message, part)
    if not over and not choice["finish_reason"]:
        raise ValueError("the stream ended before the reply did")
    for name, texts in message.items():
        if name in _TEXTS:
            message[name] = "".join(texts)
    return whole


def _add(choice: dict[str, Any], message: dict[str, Any], part: dict[str, Any]) -> None:
    choice["finish_reason"] = part.get("finish_reason") or choice["finish_reason"]
    delta = part.get("delta") or part.get("message") or {"content": part.get("text")}
    if isinstance(delta, dict):
        is_whole = not part.get("delta") and bool(part.get("message"))  # not a piece: what came before, and its end
        for name in _TEXTS:
            if text := plain_text(delta.get(name)):
                if is_whole:
                    message[name] = []
                message.setdefault(name, []).append(text)
        if delta.get("tool_calls"):
            message["tool_calls"] = delta["tool_calls"]
    logprobs = part.get("logprobs")
    if isinstance(logprobs, dict):
        kept = choice.setdefault("logprobs", {})
        for name, entries in logprobs.items():
            if isinstance(entries, list):
                kept.setdefault(name, []).extend(entries)


def plain_text(content: Any) -> str:
    """The text of a message's content: a string, or a list of parts, of which those with text count.

    Raises:
        TypeError: it is neither.
    """
    if isinstance(content, list):
        texts = [part.get("text") if isinstance(part, dict) else part for part in content]
        return "".join(text for text in texts if isinstance(text, str))
    if content is not None and not isinstance(content, str):
        raise TypeError("content")
    return content or ""


def _events(body: bytes) -> Iterator[tuple[str, str]]:
    """(name, data) of each event, without comments and other fields; an event without a name has "" for it."""
    name, lines = "", list[str]()
    for line in body.decode("utf-8-sig", "replace").replace("\r\n", "\n").replace("\r", "\n").split("\n"):
        if line.startswith("data:"):
            lines.append(line[5:].removeprefix(" "))
        elif line.startswith("event:"):
            name = line[6:].strip()
        elif not line:
            if lines:
                yield name, "\n".join(lines)
            name, lines = "", []
    if lines:
        yield name, "\n".join(lines)
