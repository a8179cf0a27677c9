"""P(yes) from a model that gives it, else from five words."""

from __future__ import annotations

import time

import pytest

from tfgrounding.errors import ModelError
from tfgrounding.vision import NoProbabilityError
from tfgrounding.vision.certainty import Certainty, read_certainty


@pytest.mark.parametrize(
    ("reply", "p"),
    [
        ("certainly", 0.95),
        ("Probably.", 0.75),
        ("**Perhaps**", 0.5),
        ("probably not", 0.25),
        ("Certainly not!", 0.05),
        ("It is certainly not seen.", 0.05),
        ("Probably no", 0.25),
        ("<think>certainly? no</think>\nprobably", 0.75),
        ("Answer: `probably`", 0.75),
        ("Yes.", 0.75),
        ("no", 0.25),
    ],
)
def test_words_mean_a_probability(reply: str, p: float) -> None:
    assert read_certainty(reply) == p


@pytest.mark.parametrize(
    "reply",
    [
        "",
        "a dog",
        "certainly, probably, perhaps, probably not, certainly not",
        "Probably, but perhaps not",
        "uncertain",
        "I am certainly not sure",
        "Certainly not sure.",
        "It is not probably seen",
        "probably. Or not",
    ],
)
def test_other_words_are_refused(reply: str) -> None:
    with pytest.raises(ModelError, match="none of certainly not"):
        read_certainty(reply)


def test_a_long_reply_is_refused_quickly() -> None:
    started = time.monotonic()
    for reply in ("certainly " * 50_000, "probably no " * 50_000, "<think>" * 50_000):
        with pytest.raises(ModelError):
            read_certainty(reply)
    assert time.monotonic() - started < 2


class Asks:
    def __init__(self, *, p: float | None, words: str = "probably") -> None:
        self.p, self.words, self.asked = p, words, []

    def probability(self, parts):
        self.asked.append("p")
        if self.p is None:
            raise NoProbabilityError("none")
        return self.p

    def text(self, parts):
        self.asked.append(parts[-1])
        return self.words


def test_a_model_with_probabilities_is_asked_for_them() -> None:
    asks = Asks(p=0.3)
    certainty = Certainty(asks)
    assert certainty.of([], "yes or no?", "a cat") == 0.3 and asks.asked == ["p"] and not certainty.in_words


def test_a_model_without_is_asked_once_and_then_in_words() -> None:
    asks = Asks(p=None)
    certainty = Certainty(asks)
    assert [certainty.of([], "yes or no?", "a cat") for _ in range(3)] == [0.75] * 3
    assert certainty.in_words and asks.asked.count("p") == 1
    assert all('"a cat"' in words and "certainly not" in words for words in asks.asked[1:])
