"""The caption in a vision LLM's reply."""

import time
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfgrounding.vision.captions import LONGEST_CHARACTERS, NoCaptionError, caption_request, read_caption


@pytest.mark.parametrize(
    "reply",
    [
        "A man opens a red door.",
        "The image shows a man opens a red door.",
        "  **Caption:** A man opens a red door.\n",
        "<think>The picture is dark. A cat?</think>\nA man opens a red door.",
        "In this scene, a man opens a red door.",
        'Sure! Here is the caption you asked for:\n\n"A man opens a red door."',
        "The video clip depicts a man opens a red door.",
        "In the images, we can see that a man opens a red door.",
        '{"caption": "A man opens a red door."}',
        '```json\n{"caption": "A man opens a red door."}\n```',
        "- A man opens a red door.",
        "1. A man opens a red door.",
        "A man opens a red door. A man opens a red door. A man opens a red door.",
        "A man opens a red door.\x1b[31m\x07",
        "These pictures show a man opens a red door.",
    ],
)
def test_only_the_sentence_is_left(reply):
    assert read_caption(reply) == "A man opens a red door."


def test_two_sentences_at_most():
    text = read_caption("A man sits. He drinks from a cup. The room is blue. It rains.")
    assert text == "A man sits. He drinks from a cup."


def test_a_model_that_repeats_itself_is_cut():
    looped = read_caption("A dog runs " + "and runs " * 300)
    assert looped.startswith("A dog runs") and len(looped) < 40
    assert len(read_caption("A dog with " + " ".join(f"spot{n}" for n in range(500)))) <= LONGEST_CHARACTERS + 4


@pytest.mark.parametrize(
    "reply",
    [
        "",
        "  \n",
        "...",
        "12",
        "{}",
        "[]",
        "I'm sorry, but I can't help with that.",
        "I cannot see any images.",
        "<think>hm",
        "As an AI language model I have no eyes.",
        "The image shows",
    ],
)
def test_no_caption(reply):
    with pytest.raises(NoCaptionError):
        read_caption(reply)


@given(st.text(max_size=400))
def test_any_reply_is_read_or_refused(reply):
    try:
        text = read_caption(reply)
    except NoCaptionError:
        return
    assert 0 < len(text) <= LONGEST_CHARACTERS + 4
    assert text == text.strip() and all(character.isprintable() for character in text if not character.isspace())


@pytest.mark.parametrize(
    "reply", ["a " * 100_000, "in the " * 50_000, "[" * 100_000, "ab" * 200_000, "a, b. " * 30_000]
)
def test_a_hostile_reply_takes_no_time(reply):
    begin = time.perf_counter()
    with suppress(NoCaptionError):
        read_caption(reply)
    assert time.perf_counter() - begin < 2


def test_the_request_shows_the_pictures_before_the_question():
    pictures = [np.zeros((8, 8, 3), np.uint8)] * 3
    *shown, question = caption_request(pictures, 4.21)
    assert len(shown) == 3 and "as 3 pictures in order" in question and "4.3 seconds" in question
    assert "{" not in question and "as one picture in" in caption_request(pictures[:1], 1)[-1]
