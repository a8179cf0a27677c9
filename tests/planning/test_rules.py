"""The rules planner on hand-written queries, and on anything at all."""

import time
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tfgrounding.errors import PlanError
from tfgrounding.planning.rules.lexicon import inflect, verb_forms, word_set
from tfgrounding.planning.rules.plan import RulesPlanner

GOLDENS = Path(__file__).parents[1] / "goldens" / "compound_queries.tsv"
WORDS = sorted(
    word_set(
        """and then , . ; " while before after until as when once with a the man woman they it he walks sits opening
        opened door on up to who is was followed by first finally reading 'tis don't 3 x
        no nobody not without never isn't neither nor except empty of when how many times does find the part"""
    )
)
plan = RulesPlanner().plan


def read_goldens():
    rows = [line.split("\t") for line in GOLDENS.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    return [(shape, relation, query, events.split(" / ")) for shape, relation, query, events in rows]


def fully_right(relation, query, events):
    """The relation, the number of events, and in each event, in order, the words that tell it from the others."""
    made = plan(query)
    told = [" ".join(event.descriptions) for event in made.sub_events] or [query]
    return (
        made.relation == relation
        and len(told) == len(events)
        and all(w in t for w, t in zip(events, told, strict=True))
    )


def test_hand_written_queries():
    rows = read_goldens()
    compound = [row for row in rows if row[0] != "single"]
    assert len(compound) >= 120 and len({shape for shape, *_ in compound}) >= 12
    wrong = [query for _, relation, query, events in rows if not fully_right(relation, query, events)]
    assert len(wrong) <= 0.05 * len(rows), wrong
    per_shape = Counter(shape for shape, relation, query, events in rows if query in wrong)
    assert all(count <= 1 for count in per_shape.values()), wrong


@pytest.mark.parametrize(
    ("query", "events"),
    [
        ("before he leaves, the man locks the door", ["the man locks the door", "the man leaves"]),
        ("the girl takes a cup and drinks from it", ["the girl takes a cup", "the girl drinks from the cup"]),
        ("two boys skip rope, then they run inside", ["two boys skip rope", "two boys run inside"]),
        ("she raises the barbell and then drops it", ["she raises the barbell", "she drops the barbell"]),
        ("eggs are poured into a bowl and then whisked", ["eggs are poured into a bowl", "eggs are whisked"]),
        (
            "the crowd waits until the gates open, then rushes in",
            ["the crowd waits", "the gates open", "the crowd rushes in"],
        ),
        ("a woman sits on a bench reading", ["a woman sits on a bench", "a woman reads"]),
    ],
)
def test_every_event_says_who_and_what(query, events):
    assert [event.descriptions[0] for event in plan(query).sub_events] == events


def test_other_words_for_an_event():
    first = plan("a man opens the door and leaves").sub_events[0]
    assert first.descriptions == ("a man opens the door", "a person opens the door", "man opening the door")
    assert plan("person opens the door").paraphrases == ("someone opens the door", "person opening the door")
    assert plan("the dog barks").paraphrases == ("dog barking",)
    # what tells one woman from another is kept
    assert plan("the woman in a red coat waves").paraphrases == ("woman in a red coat waving",)


def test_a_single_event_has_no_sub_events():
    made = plan("a man in a red coat waves")
    assert made.relation == "single-query" and made.sub_events == () and made.source == "rules"
    assert made.query == "a man in a red coat waves"


def test_other_languages_are_kept_whole_and_said_to_be():
    made = plan("男人打开门然后走进去")
    assert made.sub_events == () and "English" in made.warnings[0]


@pytest.mark.parametrize("query", ["", "  ", "\n\t"])
def test_an_empty_query_is_an_error(query):
    with pytest.raises(PlanError, match="empty"):
        plan(query)


def test_a_very_long_query_ends_quickly():
    assert plan("a man walks and then " * 5000).warnings


@settings(max_examples=150, deadline=None)
@given(st.one_of(st.text(max_size=80), st.lists(st.sampled_from(WORDS), min_size=1, max_size=40).map(" ".join)))
def test_any_text_gets_a_plan(query):
    if not query.strip():
        return
    made = plan(query)
    assert (made.original or made.query) == query
    assert (made.relation == "single-query") == (not made.sub_events)
    assert all(text.strip() for text in made.texts)
    assert plan(query) == made


@pytest.mark.parametrize(
    ("base", "forms"),
    [
        ("run", "runs running ran run"),
        ("carry", "carries carrying carried carried"),
        ("lie", "lies lying lay lain"),
        ("squeeze", "squeezes squeezing squeezed squeezed"),
        ("stop", "stops stopping stopped stopped"),
        ("wash", "washes washing washed washed"),
        ("take", "takes taking took taken"),
        ("quit", "quits quitting quit quit"),
    ],
)
def test_inflections(base, forms):
    made = [inflect(base, form) for form in ("s", "ing", "past", "participle")]
    assert made == forms.split()
    assert all(verb_forms(word) is not None for word in made)


@pytest.mark.parametrize("query", ["a dog runs then " * 600_000, "a" * 10_000_000])
def test_a_hostile_query_is_planned_in_no_time(query):
    begin = time.perf_counter()
    made = plan(query)
    assert time.perf_counter() - begin < 2
    assert not made.sub_events and "longer than 10000 characters and was not split" in " ".join(made.warnings)
