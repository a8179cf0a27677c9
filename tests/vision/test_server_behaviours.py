"""How servers behave today, and how each of them ends: in the right answer, or in one sentence.

Each row is a server of its own over real HTTP, asked through the engine "numpro" about a video of 16 frames in which
something happens during frames 3 and 4. The words of refusals are those of the servers that are named. Every row has a
budget of requests and seconds.
"""

from __future__ import annotations

import gzip
import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import hostile
import pytest
from reader import pictures_of, text_of
from videos import make_video

from tfgrounding.engines.numpro import NumProEngine
from tfgrounding.errors import ModelError
from tfgrounding.llm.chat import ChatClient
from tfgrounding.llm.connection import RefusedError
from tfgrounding.vision import CutOffError, ServedVLM

FRAMES = 16
RATE_HZ = 2.0
TRUTH = (3, 4)
MOMENT = (1.0, 2.0)
TIMEOUT_SECONDS = 0.5
SSE = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nconnection: close\r\n\r\n"
JSON = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close\r\n\r\n"

Request = dict[str, Any]
Behave = Callable[[int, Request], Any]


# What a server that sees says about a request.


def words(request: Request) -> str:
    """The right reply to a request, by the numbers of the frames that it shows."""
    first, last = map(int, re.findall(r"\d+", text_of(request).partition("run")[2])[:2])
    start, end = max(first, TRUTH[0]), min(last, TRUTH[1])
    return f"from frame {start} to frame {end}" if start <= end else "none"


def good(request: Request, **choice: Any) -> bytes:
    return hostile.completion(words(request), **choice)


def count(request: Request) -> int:
    return len(pictures_of(request))


def size(request: Request) -> int:
    return len(json.dumps(request))


def error(message: Any, code: int = 400, headers: dict[str, str] | None = None, **more: Any) -> Any:
    body = message if isinstance(message, bytes) else json.dumps({"error": {"message": message, **more}}).encode()
    return code, headers or {}, body


def event(data: Any) -> bytes:
    return b"data: " + (data if isinstance(data, bytes) else json.dumps(data).encode()) + b"\n\n"


def part(text: str | None, finish: str | None = None, **more: Any) -> bytes:
    return event({"choices": [{"index": 0, "delta": {"content": text}, "finish_reason": finish}], **more})


def stream(request: Request, *, wait: float = 0.0, done: bool = True) -> list[Any]:
    """The right reply word by word, with waits between the words."""
    pieces: list[Any] = [SSE]
    for word in re.findall(r"\S+\s*", words(request)):
        pieces += [part(word), wait]
    usage = {"choices": [], "usage": {"prompt_tokens": 900, "completion_tokens": 9}}
    return [*pieces, part("", "stop"), event(usage), *([event(b"[DONE]")] if done else [])]


def message(content: Any, finish: str | None = "stop", usage: Any = None, **more: Any) -> bytes:
    choice = {"index": 0, "message": {"role": "assistant", "content": content, **more}, "finish_reason": finish}
    return json.dumps({"choices": [choice], "usage": usage}).encode()


def above(pictures: int, refusal: Any) -> Behave:
    """A server that takes so many pictures in a request and refuses more."""
    return lambda nth, request: refusal if count(request) > pictures else good(request)


def first(times: int, trouble: Any) -> Behave:
    return lambda nth, request: trouble if nth <= times else good(request)


def refusing(name: str, refusal: Any) -> Behave:
    return lambda nth, request: refusal if name in request else good(request)


def always(trouble: Any) -> Behave:
    return lambda nth, request: trouble


def sides(request: Request) -> int:
    return max(max(picture.shape[:2]) for picture in pictures_of(request))


# Behaviours that need more than a line.


def silent_cut(nth: int, request: Request) -> bytes:
    """Ollama: 300 tokens a picture, cut to a context of 4096 without a word; then the first frames were not seen."""
    tokens = 300 * count(request) + 120
    if tokens <= 4096:
        return message(words(request), usage={"prompt_tokens": tokens, "completion_tokens": 9})
    return message("from frame 15 to frame 16", usage={"prompt_tokens": 4096, "completion_tokens": 9})


LOADED = json.dumps({"models": [{"name": "m:latest", "model": "m:latest", "context_length": 3300}]}).encode()


def dropped_pictures(nth: int, request: Request) -> bytes:
    """Ollama's newer engine: the first pictures are dropped as a whole, so that the count is below the context."""
    shown = min(count(request), (3300 - 120) // 300)
    text = words(request) if shown == count(request) else "from frame 15 to frame 16"
    usage = {"prompt_tokens": 300 * shown + 120, "completion_tokens": 9}
    body = json.loads(message(text, usage=usage))
    return json.dumps({**body, "system_fingerprint": "fp_ollama"}).encode()


def context_ends(nth: int, request: Request) -> bytes:
    """A reply that runs into the end of the context: cut off although it may be longer."""
    prompt = 250 * count(request)
    if prompt + 100 > 4096 - 256:
        return message("from frame", "length", usage={"prompt_tokens": prompt, "completion_tokens": 4096 - prompt})
    return message(words(request), usage={"prompt_tokens": prompt, "completion_tokens": 9})


def thinks(nth: int, request: Request) -> bytes:
    if request["max_tokens"] < 1000:
        return message("<think>Frame 12 to frame 15 show a dog", "length", {"completion_tokens": request["max_tokens"]})
    return message(f"<think>Let me see.</think>{words(request)}")


def gpt5(nth: int, request: Request) -> Any:
    if "max_tokens" in request:
        return error(
            "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead."
        )
    if request.get("temperature", 1) != 1:
        return error("Unsupported value: 'temperature' does not support 0 with this model. Only the default (1).")
    return good(request)


def reply_limit(nth: int, request: Request) -> Any:
    asked = request["max_tokens"]
    if asked > 128:
        return error(
            f"max_tokens is too large: {asked}. This model supports at most 128 completion tokens, whereas you "
            f"provided {asked}."
        )
    return good(request)


def small_pictures(nth: int, request: Request) -> Any:
    if sides(request) > 200:
        return error("At least one of the image dimensions exceed max allowed size: 200 pixels")
    return good(request)


def body_limit(share: float, say: Callable[[int], str] | None) -> Behave:
    """A server that takes requests of a share of the first one's size."""
    most = 0

    def behave(nth: int, request: Request) -> Any:
        nonlocal most
        most = most or int(share * size(request))
        if size(request) <= most:
            return good(request)
        page = b"<html><head><title>413 Request Entity Too Large</title></head>nginx/1.18.0</html>"
        return error(page, 413) if say is None else error(say(most))

    return behave


def tokens(limit: int, say: Callable[[int], Any]) -> Behave:
    """A server with 260 tokens a picture and a context."""

    def behave(nth: int, request: Request) -> Any:
        needed = 260 * count(request) + 80
        return say(needed) if needed > limit else good(request)

    return behave


def context_of(limit: int) -> Behave:
    return tokens(
        limit,
        lambda needed: error(
            f"This model's maximum context length is {limit} tokens. However, you requested {needed + 256} tokens "
            f"({needed} in the messages, 256 in the completion). Please reduce the length of the messages."
        ),
    )


def bomb() -> Any:
    return 200, {"content-encoding": "gzip"}, gzip.compress(b" " * 50_000_000)


@dataclass(frozen=True)
class Row:
    """A server's behaviour. `says`: of the error that ends it; without it, the answer is right. `warns`: of the answer.
    `requests`, `seconds`: the budget. `error`: its class. `pages`: what the server has for GET."""

    behave: Behave
    says: str = ""
    requests: int = 1
    seconds: float = 6.0
    warns: str = ""
    error: type[ModelError] = ModelError
    pages: tuple[tuple[str, bytes], ...] = ()


MODELS = json.dumps({"object": "list", "data": [{"id": "qwen2.5-vl-7b"}, {"id": "other"}]}).encode()
LISTED = (("/v1/models", MODELS),)
TPM = "service tier `on_demand` on tokens per minute (TPM)"
BEHIND = json.dumps({"error": {"message": "Exceeded maximum number of images (5) allowed in the request."}})

ANSWERED = {
    # The number of pictures
    "vLLM: 10 pictures": Row(above(10, error("At most 10 image(s) may be provided in one request.")), requests=3),
    "vLLM 0.7: --limit-mm-per-prompt": Row(
        above(4, error("You set image=4 (or defaulted to 1) in `--limit-mm-per-prompt`, but passed 16 image items.")),
        requests=8,
    ),
    "Azure: 10 pictures": Row(above(10, error("Too many images in request. Max is 10.")), requests=3),
    "OpenRouter: 5 pictures of the server behind it": Row(
        above(5, error("Provider returned error", code=400, metadata={"raw": BEHIND})), requests=7
    ),
    "Copilot: 10 pictures": Row(
        above(
            10, error("Too many images in request: 16 images provided, but the model supports a maximum of 10 images.")
        ),
        requests=3,
    ),
    "Groq: 5 pictures": Row(
        above(5, error("Too many images provided. This model supports up to 5 images")), requests=7
    ),
    "new-api before Gemini: 12 pictures, as HTTP 500": Row(
        above(12, error("too many images in the message, max allowed is 12", 500)), requests=3
    ),
    "Claude: 12 pictures": Row(above(12, error("Too much media: 0 document pages + 16 images > 12")), requests=3),
    "Ollama: a single picture": Row(
        above(1, error("vision model only supports a single image per message", 500)), requests=17
    ),
    "a server that gives no number": Row(above(6, error("too many images")), requests=13),
    # Context and tokens
    "vLLM: maximum context length": Row(context_of(3000), requests=4),
    "vLLM: decoder prompt": Row(
        tokens(
            3000,
            lambda needed: error(
                f"The decoder prompt (length {needed}) is longer than the maximum model length of 3000. Make sure that "
                "`max_model_len` is no smaller than the number of text tokens plus multimodal tokens. For image "
                "inputs, the number of image tokens depends on the number of images, and possibly their aspect ratios."
            ),
        ),
        requests=4,
    ),
    "vLLM: no place for the reply": Row(
        tokens(
            3000,
            lambda needed: error(
                "'max_tokens' or 'max_completion_tokens' is too large: 256. This model's maximum context length is "
                f"3000 tokens and your request has {needed} input tokens (256 > 3000 - {needed})."
            ),
        ),
        requests=5,
    ),
    "SGLang: input longer than the context": Row(
        tokens(
            2000,
            lambda needed: error(
                f"The input ({needed} tokens) is longer than the model's context length (2000 tokens)."
            ),
        ),
        requests=6,
    ),
    "SGLang: longest input": Row(
        tokens(
            2000,
            lambda needed: error(f"Input length ({needed} tokens) exceeds the maximum allowed length (2000 tokens)."),
        ),
        requests=6,
    ),
    "llama.cpp: context size, with its fields": Row(
        tokens(
            2048,
            lambda needed: error(
                "the request exceeds the available context size. try increasing the context size or enable context "
                "shift",
                type="exceed_context_size_error",
                n_prompt_tokens=needed,
                n_ctx=2048,
            ),
        ),
        requests=6,
    ),
    "llama.cpp: context size, as HTTP 500 without numbers": Row(
        tokens(2048, lambda needed: error("the request exceeds the available context size, try increasing it", 500)),
        requests=13,
    ),
    "llama-cpp-python: context window": Row(
        tokens(2048, lambda needed: error(f"Requested tokens ({needed}) exceed context window of 2048", 500)),
        requests=6,
    ),
    "LM Studio: context, as an event of the stream": Row(
        tokens(
            2048,
            lambda needed: [
                SSE,
                b"event: error\n",
                event(
                    {
                        "error": f"Trying to keep the first {needed} tokens when context the overflows. However, the "
                        "model is loaded with context length of only 2048 tokens, which is not enough."
                    }
                ),
            ],
        ),
        requests=6,
    ),
    "TGI: inputs and new tokens": Row(
        tokens(
            3000,
            lambda needed: (
                422,
                {},
                json.dumps(
                    {
                        "error": "Input validation error: `inputs` tokens + `max_new_tokens` must be <= 3000. Given: "
                        f"{needed} `inputs` tokens and 256 `max_new_tokens`",
                        "error_type": "validation",
                    }
                ).encode(),
            ),
        ),
        requests=4,
    ),
    "Gemini: input token count, in a list": Row(
        tokens(
            3000,
            lambda needed: error(
                json.dumps(
                    [
                        {
                            "error": {
                                "code": 400,
                                "message": f"The input token count ({needed}) exceeds the maximum number of tokens "
                                "allowed (3000).",
                                "status": "INVALID_ARGUMENT",
                            }
                        }
                    ]
                ).encode()
            ),
        ),
        requests=4,
    ),
    "Claude: prompt too long": Row(
        tokens(3000, lambda needed: error(f"prompt is too long: {needed} tokens > 3000 maximum")), requests=4
    ),
    "Groq: a request above the tokens of a minute": Row(
        tokens(
            3000,
            lambda needed: error(
                f"Request too large for model `llama` {TPM}: Limit 3000, Requested {needed}, please reduce your "
                "message size and try again.",
                413,
            ),
        ),
        requests=4,
    ),
    "OpenAI: the same, as HTTP 429": Row(
        tokens(
            3000,
            lambda needed: error(
                f"Request too large for gpt-4o on tokens per min (TPM): Limit 3000, Requested {needed}.", 429
            ),
        ),
        requests=4,
    ),
    "Ollama: a request cut in silence at 4096 tokens": Row(silent_cut, requests=4, warns="without saying so"),
    "Ollama: whole pictures dropped to fit a context of 3300": Row(
        dropped_pictures, requests=6, warns="without saying so", pages=(("/api/ps", LOADED),)
    ),
    "Ollama: the context ends in the middle of a reply": Row(context_ends, requests=4),
    # Bytes and pixels
    "nginx: request entity too large": Row(body_limit(0.4, None), requests=8),
    "Gemini: payload size": Row(
        body_limit(0.4, lambda most: f"Request payload size exceeds the limit: {most} bytes."), requests=9
    ),
    "Claude: sides of pictures": Row(small_pictures, requests=2, warns="pictures were sent at 200 pixels at most"),
    # Options
    "OpenAI: GPT-5 takes no max_tokens and no temperature": Row(gpt5, requests=3),
    "OpenAI: no streams without a verified organization": Row(
        refusing("stream", error("Your organization must be verified to stream this model.", param="stream")),
        requests=2,
    ),
    "Mistral: fields that it does not know": Row(
        refusing(
            "stream_options",
            (422, {}, b'{"detail":[{"type":"extra_forbidden","loc":["body","stream_options"],"msg":"Extra inputs"}]}'),
        ),
        requests=2,
    ),
    "OpenAI: replies of 128 tokens at most": Row(reply_limit, requests=2),
    # Servers that are busy, slow or unsteady
    "llama.cpp: loading, three times": Row(first(3, error("Loading model", 503)), requests=4),
    "Ollama: loading, many times": Row(first(6, error("llm server loading model", 500)), requests=7),
    "500, then fine": Row(first(1, error("oops", 500)), requests=2),
    "502 by a proxy, then fine": Row(first(2, (502, {}, b"<html>Bad Gateway</html>")), requests=3),
    "reset in the middle of a reply, then fine": Row(first(1, "drop"), requests=2),
    "reset in the middle of a stream, then fine": Row(first(1, [SSE, part("from fr"), "abort"]), requests=2),
    "a stream that ends too early, then fine": Row(first(1, [SSE, part("from fr")]), requests=2),
    "OpenRouter: an error in the middle of a stream, then fine": Row(
        first(1, [SSE, part("from"), event({"error": {"code": 502, "message": "Provider disconnected"}})]), requests=2
    ),
    "Groq: try again in a second": Row(
        first(1, error(f"Rate limit reached {TPM}: Limit 6000, Used 5034. Please try again in 1.1s.", 429)), requests=2
    ),
    "429 with Retry-After": Row(first(1, error("slow down", 429, {"Retry-After": "1"})), requests=2),
    "token by token, longer than the time-out": Row(lambda nth, request: stream(request, wait=0.2)),
    "OpenRouter: comments that keep the connection alive": Row(
        lambda nth, request: [SSE, *[b": OPENROUTER PROCESSING\n\n", 0.2] * 5, *stream(request)[1:]]
    ),
    # Forms of replies
    "a stream though none was asked for": Row(
        lambda nth, request: error("stream: not supported") if "stream" in request else stream(request), requests=2
    ),
    "a stream called JSON": Row(lambda nth, request: [JSON, *stream(request)[1:]]),
    "a stream without an end mark": Row(lambda nth, request: stream(request, done=False)),
    "a stream that stays open": Row(lambda nth, request: [*stream(request), 20.0]),
    "a stream with carriage returns": Row(
        lambda nth, request: [
            piece if piece is SSE or not isinstance(piece, bytes) else piece.replace(b"\n", b"\r\n")
            for piece in stream(request)
        ]
    ),
    "Azure: a first chunk without choices": Row(
        lambda nth, request: [SSE, event({"choices": [], "prompt_filter_results": []}), *stream(request)[1:]]
    ),
    "a stream with the whole message in one chunk": Row(
        lambda nth, request: [
            SSE,
            event({"choices": [{"message": {"content": words(request)}, "finish_reason": "stop"}]}),
        ]
    ),
    "a stream whose last chunk repeats the whole message": Row(
        lambda nth, request: [
            SSE,
            part(words(request)),
            event({"choices": [{"message": {"content": words(request)}, "finish_reason": "stop"}]}),
        ]
    ),
    "a byte order mark before a stream": Row(lambda nth, request: [JSON, b"\xef\xbb\xbf", *stream(request)[1:]]),
    "log-probabilities in a form of its own": Row(lambda nth, request: good(request, logprobs={"content": [5, None]})),
    "vLLM: a reply that ends as an error, then fine": Row(
        lambda nth, request: hostile.completion("from frame 9", finish="error") if nth == 1 else good(request),
        requests=2,
    ),
    "SGLang: an aborted stream, then fine": Row(
        first(1, [SSE, part("from frame 9"), part("", "abort"), event(b"[DONE]")]), requests=2
    ),
    "a name for the end of a reply that nobody knows": Row(
        lambda nth, request: hostile.completion(words(request), finish="gone"), warns="'gone'.: it may be incomplete"
    ),
    "content as a list of parts": Row(lambda nth, request: message([{"type": "text", "text": words(request)}])),
    "two choices": Row(
        lambda nth, request: json.dumps(
            {"choices": [{"message": {"content": text}} for text in (words(request), "from frame 9 to frame 9")]}
        ).encode()
    ),
    "reasoning beside the answer": Row(
        lambda nth, request: message(words(request), reasoning_content="From frame 9 to frame 9?")
    ),
    "invalid UTF-8": Row(lambda nth, request: good(request).replace(b'"mock"', b'"mo\xff\xfeck"')),
    "a byte order mark": Row(lambda nth, request: b"\xef\xbb\xbf" + good(request)),
    "JSON with garbage after it": Row(lambda nth, request: good(request) + b"\n</body></html>"),
    "no usage": Row(lambda nth, request: message(words(request))),
    "usage in words": Row(lambda nth, request: message(words(request), usage={"prompt_tokens": "many"})),
    "usage below zero": Row(lambda nth, request: message(words(request), usage={"prompt_tokens": -1})),
    "usage without end": Row(
        lambda nth, request: good(request).replace(b'"prompt_tokens": 100', b'"prompt_tokens": 1e999')
    ),
    "finish_reason null": Row(lambda nth, request: message(words(request), None)),
    "gzip, though not asked for": Row(
        lambda nth, request: (200, {"content-encoding": "gzip"}, gzip.compress(good(request)))
    ),
    "a reasoning model that needs more tokens": Row(thinks, requests=2),
}

REFUSED = {
    "nobody listens": Row(always(None), "connection lost: .*refused", requests=0),
    "no TLS": Row(always(None), r"cannot be reached safely \(TLS\)", requests=0, error=RefusedError),
    "reset in the middle of every reply": Row(always("drop"), "in 3 tries", requests=3),
    "an endless stream": Row(always([SSE, *[part("1 " * 2000)] * 1500]), "more than 4000000 bytes", requests=3),
    "a stream of comments without end": Row(
        always([SSE, *[b": wait\n\n", 0.1] * 100]), "slowly|in time", requests=2, seconds=4
    ),
    "an endless body": Row(always([JSON, *[b" " * 60_000] * 100]), "more than 4000000 bytes", requests=3),
    "a gzip bomb": Row(always(bomb()), "more than 4000000 bytes", requests=3),
    "silent for ever": Row(always("hang"), "no answer in time", requests=2),
    "silent for ever in the middle of a stream": Row(
        always([SSE, part("from"), 20.0]), "no answer in time", requests=2
    ),
    "a header without end, line by line": Row(
        always([b"HTTP/1.1 200 OK\r\n", *[b"x-a: b\r\n", 0.1] * 100]), "no answer in time", requests=2, seconds=4
    ),
    "100 Continue without end": Row(
        always([b"HTTP/1.1 100 Continue\r\n\r\n", 0.1] * 100), "no answer in time", requests=2, seconds=4
    ),
    "a length of a chunk without end": Row(
        always([SSE.replace(b"connection", b"transfer-encoding: chunked\r\nconnection"), *[b"0", 0.1] * 100]),
        "no answer in time|connection lost",
        requests=3,
        seconds=4,
    ),
    "every reply ends as an error": Row(
        always(message("from frame 9 to frame 10", "error")), "broken off .finish_reason 'error'", requests=3
    ),
    "every reply is cut off under a name of its own": Row(
        always(message("from frame 9 to", "contextLengthReached")), "cut off at", requests=2, error=CutOffError
    ),
    "an event called error": Row(
        always([SSE, part("from"), b'event: error\ndata: {"message": "engine died"}\n\n']), "engine died", requests=3
    ),
    "an error beside choices": Row(
        always(
            [
                SSE,
                part("from"),
                event(
                    {
                        "error": {"code": "server_error", "message": "Provider disconnected"},
                        "choices": [{"index": 0, "delta": {"content": ""}, "finish_reason": "error"}],
                    }
                ),
            ]
        ),
        "Provider disconnected",
        requests=3,
    ),
    "an HTML page as success": Row(
        always(b"<!doctype html><h1>Welcome</h1>"), "not a chat completion: '<!doc", requests=3
    ),
    "a stream of garbage": Row(always([SSE, event(b"{oops")]), "not a chat completion", requests=3),
    "deep nesting": Row(always(b'{"choices":' + b"[" * 100_000), "not a chat completion", requests=3),
    "no choices": Row(always(b'{"choices": []}'), "not a chat completion", requests=3),
    "a redirect": Row(
        always((307, {"Location": "http://127.0.0.1:9/v1"}, b"")),
        "redirects to http://127.0.0.1:9;",
        error=RefusedError,
    ),
    "429 without end": Row(always(error("Too many requests", 429)), "HTTP 429: Too many requests", requests=3),
    "429 without end, each with a pause": Row(
        always(error("slow down", 429, {"Retry-After": "1"})), "in time.*HTTP 429: slow down", requests=7
    ),
    "429 for an hour": Row(always(error("slow", 429, {"Retry-After": "3600"})), "in time.*HTTP 429: slow"),
    "Groq: nothing more today": Row(
        always(error("Rate limit reached on tokens per day (TPD). Please try again in 9m38.016s.", 429)), "9m38"
    ),
    "OpenAI: no credit": Row(
        always(error("You exceeded your current quota, please check your plan and billing details.", 429)),
        "asks for payment.*current quota",
        error=RefusedError,
    ),
    "OpenRouter: no credit": Row(always(error("Insufficient credits", 402)), "asks for payment", error=RefusedError),
    "OpenAI: a wrong key": Row(
        always(error("Incorrect API key", 401)), "refuses the key.*Incorrect", error=RefusedError
    ),
    "Gemini: a place that it does not serve": Row(
        always(error("User location is not supported for the API use.", 403)), "denies access", error=RefusedError
    ),
    "vLLM: a wrong model": Row(
        always(error("The model `m` does not exist.", 404)),
        "it has qwen2.5-vl-7b, other",
        error=RefusedError,
        pages=LISTED,
    ),
    "Ollama: a model that was not pulled": Row(
        always(error('model "m" not found, try pulling it first', 404)),
        "try pulling it",
        error=RefusedError,
        pages=LISTED,
    ),
    "OpenRouter: no such model, as HTTP 400": Row(
        always(error("m is not a valid model ID. No models match.", 400)),
        "it has qwen",
        error=RefusedError,
        pages=LISTED,
    ),
    "vLLM: a model of texts": Row(
        always(error("/models/m is not a multimodal model")), "takes no pictures", error=RefusedError
    ),
    "llama.cpp: no mmproj, as HTTP 500": Row(
        always(error("image input is not supported - hint: you may need to provide the mmproj", 500)),
        "takes no pictures.*mmproj",
        error=RefusedError,
    ),
    "DeepSeek: a model of texts": Row(
        always(error("Failed to deserialize: messages[0]: unknown variant `image_url`, expected `text`")),
        "takes no pictures",
        error=RefusedError,
    ),
    "Qwen: pictures too small": Row(
        always(error("height:10 and width:12 must be larger than factor:28")),
        "needs larger pictures",
        error=RefusedError,
    ),
    "a refusal about something else": Row(
        always(error("Field 'messages.0' is wrong.")), "Field 'messages.0' is wrong", error=RefusedError
    ),
    "OpenAI: the safety system": Row(
        always(error("Your request was rejected by our safety system.")), "does not want to answer.*by our safety"
    ),
    "Azure: a prompt that its filter stops": Row(
        always(error("The prompt triggered Azure OpenAI's content management policy.", type="content_filter")),
        "does not want to answer.*content management",
    ),
    "a huge error body": Row(always((400, {}, b"no " * 2_000_000)), "HTTP 400: no no", error=RefusedError),
    "501": Row(always((501, {}, b"")), "HTTP 501", error=RefusedError),
    "a context too short for one picture": Row(
        context_of(200), "one picture of .* alone is too much", requests=20, error=RefusedError
    ),
    "cut off, however long": Row(
        always(message("<think>Let me", "length")),
        "cut off at 1024 tokens: raise max_tokens",
        requests=2,
        error=CutOffError,
    ),
    "only reasoning": Row(always(message(None, reasoning_content="Frame 3?")), "gave reasoning only, and no answer"),
    "reasoning that was cut off": Row(
        always(message(None, "length", reasoning_content="Let me look")), "cut off at", requests=2, error=CutOffError
    ),
    "an empty reply": Row(always(message("")), "gave an empty text"),
    "LM Studio: a stream without content": Row(always([SSE, part(None, "stop")]), "gave an empty text"),
    "a refusal with what a terminal obeys": Row(
        always(message(None, refusal="No \x1b[31mway\u202e")), r"a refusal: No \[31mway"
    ),
    "OpenAI: a refusal": Row(always(message(None, refusal="I can't help with that.")), "a refusal: I can't help"),
    "a call of a tool": Row(always(message(None, "tool_calls", tool_calls=[{"id": "1"}])), "a call of a tool"),
    "Azure: the filter of contents": Row(always(message("from", "content_filter")), "filter of contents"),
}


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("behaviours") / "a.mp4"
    return make_video(path, seconds=FRAMES / RATE_HZ, rate_hz=RATE_HZ, width=448, height=336)


def ask(video: Path, url: str) -> Any:
    client = ChatClient(
        "m",
        base_url=url,
        api_key="k",
        timeout_seconds=TIMEOUT_SECONDS,
        deadline_seconds=3.0,
        retries=2,
        first_pause_seconds=0.01,
    )
    vlm = ServedVLM("m", base_url=url, client=client, quality=30)
    return NumProEngine(vlm, view="frame-numbers", rate_hz=RATE_HZ).watch(video).ask("a dog jumps")


@pytest.mark.parametrize("name", ANSWERED)
def test_an_honest_answer(name: str, video: Path) -> None:
    row = ANSWERED[name]
    nth = 0

    def behave(query: str, number: int, request: Request) -> Any:
        nonlocal nth
        nth += 1
        return row.behave(nth, request)

    with hostile.serve(behave) as server:
        server.pages.update(row.pages)
        began = time.monotonic()
        answer = ask(video, server.url)
        seconds = time.monotonic() - began
    assert [(moment.start_seconds, moment.end_seconds) for moment in answer.moments] == [MOMENT], answer.warnings
    assert bool(row.warns) == any(re.search(row.warns or "served|model 'm'", text) for text in answer.warnings)
    assert server.asked[""] <= row.requests and seconds <= row.seconds
    assert answer.provenance["vlm_requests"] == server.asked[""]


@pytest.mark.parametrize("name", REFUSED)
def test_one_sentence(name: str, video: Path) -> None:
    row = REFUSED[name]
    with hostile.serve(lambda query, nth, request: row.behave(nth, request)) as server:
        server.pages.update(row.pages)
        url = {"nobody listens": "http://127.0.0.1:9/v1", "no TLS": server.url.replace("http", "https")}
        began = time.monotonic()
        with pytest.raises(row.error, match=row.says) as told:
            ask(video, url.get(name, server.url))
        seconds = time.monotonic() - began
    assert isinstance(told.value, RefusedError) == (row.error is RefusedError)
    said = str(told.value)
    assert said.isprintable() and len(said) < 700 and ("'m' at" in said or "m@http" in said)
    assert server.asked[""] <= row.requests and seconds <= row.seconds


def test_there_are_enough_rows() -> None:
    assert len(ANSWERED) >= 45 and len(REFUSED) >= 30
