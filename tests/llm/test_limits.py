"""What servers say when a request is refused: which limit it is, and what it leaves room for."""

import time

import pytest

from tfgrounding.llm.limits import is_loading, limit_in, named_pause, stays

# (what was said, its HTTP status, the kind of limit, what was sent, what is allowed)
SAID = [
    ("At most 10 image(s) may be provided in one request.", 400, "pictures", 16, 10),
    ("Too many images in request. Max is 10.", 400, "pictures", 16, 10),
    ("too many images and documents: 120 + 0 > 100", 400, "pictures", 120, 100),
    ("request contains 54 images, exceeding the maximum of 50 allowed per request", 400, "pictures", 54, 50),
    ("vision model only supports a single image per message", 500, "pictures", 16, 1),
    ("You set image=2 (or defaulted to 1) in `--limit-mm-per-prompt`, but passed 3 image items", 400, "pictures", 3, 2),
    ("Request payload size exceeds the limit: 20971520 bytes.", 400, "bytes", 30_000_000, 20_971_520),
    ("Maximum request body size 1048576 exceeded, actual body size 2000000", 413, "bytes", 2_000_000, 1_048_576),
    ("body size 12MB exceeds limit 10MB", 413, "bytes", 11_900_000, 10_000_000),
    ("request entity too large", 413, "bytes", 100, None),
    ("messages.0.content.0.image: image exceeds 5 MB maximum: 7340032 bytes > 5242880 bytes", 400, "picture", 0, None),
    ("Image is too large", 400, "picture", 10, None),
    ("max_tokens is too large: 5000. This model supports at most 4096 completion tokens", 400, "reply", 5000, 4096),
    ("`max_tokens` must be less than or equal to `8192`, the maximum value for `max_tokens`", 400, "reply", 9000, 8192),
]

# (what was said, most tokens, tokens that were asked for)
TOKENS = [
    ("maximum context length is 8192 tokens. However, your messages resulted in 8202 tokens.", 8192, 8202),
    ("maximum context length is 8,192 tokens. However, you requested 12,000 tokens", 8192, 12000),
    ("The prompt (total length 25938) is too long to fit into the model (context length 4096).", 4096, 25938),
    ("Prompt length of 16601 is longer than the maximum model length 10000.", 10000, 16601),
    ("The input (61709 tokens) is longer than the model's context length (40960 tokens).", 40960, 61709),
    ("request (14429 tokens) exceeds the available context size (8192 tokens), try increasing it", 8192, 14429),
    ("input length and `max_tokens` exceed context limit: 199759 + 8192 > 200000", 200000, 207951),
    ("prompt is too long: 210000 tokens > 200000 maximum", 200000, 210000),
    ("The input token count (2551556) exceeds the maximum number of tokens allowed (1048576).", 1048576, 2551556),
]


@pytest.mark.parametrize(("words", "code", "kind", "sent", "allowed"), SAID)
def test_a_limit_is_read_from_the_words(words, code, kind, sent, allowed):
    limit = limit_in(words, code)
    assert limit is not None and limit.kind == kind and limit.below(sent) == allowed


@pytest.mark.parametrize(("words", "most", "asked"), TOKENS)
def test_tokens_are_read_from_the_words(words, most, asked):
    limit = limit_in(words, 400)
    assert limit is not None and limit.kind == "tokens" and limit.numbers == (most, asked)
    assert limit.share == most / asked


@pytest.mark.parametrize(
    "words",
    [
        "the request exceeds the available context size, try increasing it",
        "The number of tokens to keep from the initial prompt is greater than the context length.",
        "is too large: 3000. This model's maximum context length is 4096 tokens and your request has 1200 input tokens",
    ],
)
def test_tokens_without_numbers(words):
    limit = limit_in(words, 400)
    assert limit is not None and limit.kind == "tokens" and limit.share is None


@pytest.mark.parametrize(
    ("words", "seconds"),
    [
        ("Rate limit reached on tokens per minute (TPM): Limit 6000. Please try again in 4.77s.", 4.77),
        ("Please try again in 9m38.016s.", 578.016),
        ("Please try again in 350ms.", 0.35),
        ("Please retry in 35.2s.", 35.2),
        ("try again in 1h2m", 3720),
        ("try again later", 0),
    ],
)
def test_a_rate_is_a_pause_and_no_limit_of_a_request(words, seconds):
    assert limit_in(words, 429) is None or "again in" not in words
    assert named_pause(words) == pytest.approx(seconds)


@pytest.mark.parametrize(
    ("words", "code", "why"),
    [
        ("/models/x is not a multimodal model", 400, "takes no pictures"),
        ("image input is not supported - hint: you may need to provide the mmproj", 500, "takes no pictures"),
        ("messages[0]: unknown variant `image_url`, expected `text`", 400, "takes no pictures"),
        ("At most 0 image(s) may be provided in one request.", 400, "takes no pictures"),
        ("At most 0 video(s) may be provided in one request.", 400, "takes no video"),
        ("No endpoints found that support image input", 404, "takes no pictures"),
        ("You exceeded your current quota, please check your plan and billing details.", 429, "payment"),
        ("Insufficient credits", 402, "payment"),
        ("The model `gpt-9` does not exist or you do not have access to it.", 404, "no such model"),
        ("height:10 and width:12 must be larger than factor:28", 400, "larger pictures"),
    ],
)
def test_what_stays_is_known(words, code, why):
    assert why in stays(words, code)


def test_what_does_not_stay():
    assert stays("You exceeded your current quota. Please retry in 35.2s.", 429) is None
    assert stays("Rate limit reached", 429) is None and stays("oops", 500) is None
    assert is_loading("Loading model") and is_loading("llm server loading model") and not is_loading("overloaded")


@pytest.mark.parametrize("words", ["System role not supported", "Unsupported parameter: 'max_tokens'", "oops", ""])
def test_other_refusals_are_no_limit(words):
    assert limit_in(words, 400) is None


@pytest.mark.parametrize(
    "piece",
    ["too many ", "image ", "max 1 ", "9", "1 + ", "context length ", "try again in ", "max_a_tokens ", "\n\0 "],
)
def test_hostile_words_take_no_time(piece):
    words = piece * (20_000 // len(piece))
    began = time.monotonic()
    limit_in(words, 400), stays(words, 400), is_loading(words), named_pause(words)
    assert time.monotonic() - began < 0.5
