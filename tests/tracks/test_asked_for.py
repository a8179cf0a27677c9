"""What a query cannot do without is told from what may be said in other words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tfgrounding.tracks.asked_for import another_number, has_content, is_latin, names


@pytest.mark.parametrize("query", ["“", "says", 'he says ""', "\x01\x02", "", "when does she say", "x" * 10_000])
def test_queries_without_content(query):
    assert not has_content(query)


@pytest.mark.parametrize("query", ["goodbye", "he says hello", "12.5", "谢谢", "ขอบคุณ"])
def test_queries_with_content(query):
    assert has_content(query)


def test_latin_letters_are_told_from_others():
    assert is_latin(["Vielen Dank, schöne Grüße"]) and is_latin(["", "he said спасибо and left the room"])
    for texts in (["谢谢大家"], ["สวัสดีครับ"], ["आज हम खाना बनाएंगे"], ["😀", "12:30"], []):
        assert not is_latin(texts)


def test_names_are_words_with_a_capital_letter_in_a_query_of_small_ones():
    assert names("someone mentions Berlin", "Berlin") == ("berlin",)
    assert names("she says that Patricia Johnson left", "Patricia Johnson left") == ("patricia", "johnson")
    assert names("She Says Patricia Left", "Patricia Left") == ()  # all words are written so
    assert names("Fuel prices rise", "Fuel prices rise") == ()
    assert names("he says that I was late", "I was late") == ()


@pytest.mark.parametrize(
    ("words", "text", "is_another"),
    [
        ("13.5%", "up 12.5% from last year", True),
        ("12.5%", "up 12.5% from last year", False),
        ("12,5%", "up 12.5% from last year", False),
        ("item number 8", "item number 7", True),
        ("item number seven", "item number 7", False),
        ("the fourth quarter", "the third quarter", True),
        ("the fourth quarter", "the 4th quarter", False),
        ("revenue of 420 million", "four hundred and twenty million", False),
        ("420,000 people", "420000 people", False),
        ("fuel prices", "up 12.5%", False),
    ],
)
def test_another_number_is_none_that_was_asked_for(words, text, is_another):
    assert another_number(words, [text], "en") is is_another


@given(st.text(max_size=40), st.text(max_size=40))
def test_whatever_the_texts(query, words):
    assert isinstance(has_content(query), bool) and isinstance(is_latin([query]), bool)
    assert all(names(query, words)) and not another_number(words, [words])
