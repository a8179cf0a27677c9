"""What a model learns about a server's limits: from counts of tokens, and for the whole process."""

import pytest

from tfgrounding.llm.connection import NotAcceptedError, RefusedError
from tfgrounding.llm.known import Known
from tfgrounding.llm.limits import Limit
from tfgrounding.llm.replies import Reply, Usage
from tfgrounding.vision import CutOffError, TooMuchError
from tfgrounding.vision.request_limits import SMALLEST_SIDE, RequestLimits, Sent
from tfgrounding.vision.served import ollama_context

PIXELS = 448 * 336


def sent(pictures, *, pixels=PIXELS, side=448, size=100_000):
    return Sent(pictures, pictures * pixels, side, size)


def reply(prompt, completion=9, finish="stop"):
    return Reply("none", finish, "m", Usage(1, prompt, completion))


@pytest.fixture
def limits():
    return RequestLimits(Known(), name="m@server")


def test_the_same_count_for_more_pictures_is_a_cut(limits):
    limits.check(reply(1200), sent(4), max_tokens=256)
    limits.check(reply(1234), sent(5), max_tokens=256)  # the last that fits, or already one too many
    with pytest.raises(TooMuchError, match="may have cut a request of 16 pictures at 1234 tokens"):
        limits.check(reply(1234), sent(16), max_tokens=256)
    assert limits.most(PIXELS) == 8
    assert "OLLAMA_CONTEXT_LENGTH" in limits.known.warnings[0]


@pytest.mark.parametrize("prompt", [2048, 4096, 4095, 32768, 2050])
def test_a_count_that_is_a_context_length_is_a_cut(limits, prompt):
    with pytest.raises(TooMuchError):
        limits.check(reply(prompt), sent(16), max_tokens=256)


def test_a_length_below_an_earlier_count_is_no_cut(limits):
    limits.check(reply(6450), sent(64), max_tokens=256)
    limits.check(reply(2050), sent(20), max_tokens=256)
    assert not limits.known.warnings


def test_a_context_of_a_known_length_that_is_nearly_full_is_a_cut(limits):
    limits.known.context_tokens = 6000
    limits.check(reply(5000), sent(14), max_tokens=256)
    with pytest.raises(TooMuchError):
        limits.check(reply(5900), sent(16), max_tokens=256)


@pytest.mark.parametrize(
    ("listing", "length"),
    [
        (b'{"models": [{"name": "x"}, {"name": "qwen2.5vl:latest", "context_length": 6000}]}', 6000),
        (b'{"models": [{"name": "x", "context_length": 6000}, {"name": "qwen2.5vl:latest"}]}', 0),
        (b'{"models": [{"name": "qwen2.5vl:latest", "context_length": "many"}]}', 0),
        (b'{"models": 7}', 0),
        (b"[" * 100_000, 0),
        (b"", 0),
    ],
)
def test_the_context_of_a_model_in_ollamas_list(listing, length):
    assert ollama_context(listing, "qwen2.5vl") == length


def test_a_single_picture_that_was_cut_is_only_warned_about(limits):
    limits.check(reply(4096), sent(1), max_tokens=256)
    assert len(limits.known.warnings) == 1


@pytest.mark.parametrize("prompt", [0, 1, 100, 4090, 4000])
def test_other_counts_say_nothing(limits, prompt):
    for pictures in (4, 4, 3, 4):
        limits.check(reply(prompt), sent(pictures, pixels=PIXELS + pictures), max_tokens=256)
    assert not limits.known.warnings and limits.most(PIXELS) is None


def test_a_server_that_counts_no_pictures_is_not_accused(limits):
    for pictures in (1, 8, 16):
        limits.check(reply(150), sent(pictures), max_tokens=256)
    assert not limits.known.warnings


def test_the_end_of_the_context_in_a_reply(limits):
    with pytest.raises(TooMuchError, match="end of its context at 4096 tokens"):
        limits.check(reply(4000, 96, "length"), sent(16), max_tokens=256)
    with pytest.raises(CutOffError, match="longer context"):
        limits.check(reply(4000, 96, "length"), sent(1), max_tokens=256)
    limits.check(reply(4000, 256, "length"), sent(1), max_tokens=256)  # as long as it might be: no context


def refusal(kind, *numbers):
    return NotAcceptedError("m takes less at once", "HTTP 400", Limit(kind, numbers))


def test_larger_pictures_are_fewer(limits):
    with pytest.raises(TooMuchError):
        limits.learn(refusal("tokens", 8000, 16000), sent(16))
    assert limits.most(PIXELS) == 7 and limits.most(PIXELS * 4) == 1 and limits.most(PIXELS // 2) == 14


def test_limits_only_fall_and_every_refusal_lowers_them(limits):
    pictures = 64
    for _ in range(12):
        with pytest.raises((TooMuchError, RefusedError)) as told:
            limits.learn(refusal("pictures"), sent(pictures))
        if told.type is RefusedError:
            break
        assert limits.most(PIXELS) < pictures
        pictures = limits.most(PIXELS)
    assert pictures == 1 and told.type is RefusedError


def test_one_picture_alone_is_made_smaller_down_to_a_bound(limits):
    side, steps = 1024, 0
    with pytest.raises(RefusedError, match=f"one picture of {SMALLEST_SIDE} pixels alone is too much"):
        while True:
            limits.learn(refusal("tokens"), sent(1, side=side))
            assert limits.known.longest_side < side
            side, steps = limits.known.longest_side, steps + 1
    assert side == SMALLEST_SIDE and steps <= 5


def test_a_refusal_about_nothing_known_ends_it(limits):
    with pytest.raises(RefusedError, match="safety"):
        limits.learn(NotAcceptedError("m refuses: safety", "HTTP 400: safety"), sent(16))
