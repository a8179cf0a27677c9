"""Which words of a query are said or written, by rule."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tfgrounding.planning.rules import RulesPlanner
from tfgrounding.planning.rules.quotations import quotations
from tfgrounding.types import Plan

plan = RulesPlanner().plan

ONE = [  # of one event: query, track, words
    ("when does she say 'let's start'", "said", "let's start"),
    ("“let’s start”, she says", "said", "let’s start"),
    ('the man shouts: "don\'t move!"', "said", "don't move!"),
    ("the moment the speaker mentions inflation", "said", "inflation"),
    ("where do they talk about the budget", "said", "the budget"),
    ("when do they talk about taxes in this video?", "said", "taxes"),
    ("someone asks whether the train is late", "said", "whether the train is late"),
    ("she explains why the bread didn't rise", "said", "why the bread didn't rise"),
    ("a teacher explains the history of Rome", "said", "the history of Rome"),
    ("the narrator announces the winner", "said", "the winner"),
    ("she tells him that she is leaving", "said", "she is leaving"),
    ("he tells a joke about a priest", "said", "a priest"),
    ("he says that before the war people were poor", "said", "before the war people were poor"),
    ("a woman says hello to the camera", "said", "hello"),
    ("the crowd chants USA", "said", "USA"),
    ("he shouts stop", "said", "stop"),
    ("a person calls for help", "said", "help"),
    ("the part where inflation is discussed", "said", "inflation"),
    ("when do we hear that the bridge is closed", "said", "the bridge is closed"),
    ("when does the audience learn about the second war", "said", "the second war"),
    ("where are we told to keep the receipt", "said", "keep the receipt"),
    ("when is the missing hiker described", "said", "the missing hiker"),
    ("when is the merger mentioned?", "said", "the merger"),
    ("any mention of climate change", "said", "climate change"),
    ("a conversation about money", "said", "money"),
    ("the guest comments on the election", "said", "the election"),
    ("she sings 'happy birthday'", "said", "happy birthday"),
    ("a man holding a sign says hello", "said", "hello"),
    ("the slide titled 'Results'", "written", "Results"),
    ("a slide about inflation", "written", "inflation"),
    ("a sign that reads EXIT", "written", "EXIT"),
    ("a man holding a sign that says hello", "written", "hello"),
    ("the text 'Chapter 2' appears", "written", "Chapter 2"),
    ("the text Chapter 2 appears on the screen", "written", "Chapter 2"),
    ("the title card says The End", "written", "The End"),
    ("the score shows 3-1", "written", "3-1"),
    ("the clock shows 12:30", "written", "12:30"),
    ("the caption reads breaking news", "written", "breaking news"),
    ("a door marked Exit", "written", "Exit"),
    ("a bottle labelled poison", "written", "poison"),
    ('a shirt with "Nike" on it', "written", "Nike"),
    ("he writes „hallo“ on the board", "written", "hallo"),
    ("white letters explaining what the video is about", "written", "what the video is about"),
    ('the words "now and then" appear', "written", "now and then"),
    ("«bonjour à tous»", "", "bonjour à tous"),
    ("「こんにちは」", "", "こんにちは"),
    ("“to be or not to be”", "", "to be or not to be"),
    ("the part with 'first we eat, then we sleep'", "", "first we eat, then we sleep"),
    ('"let\'s go"', "", "let's go"),
    ('她说"我们开始吧"', "said", "我们开始吧"),
    ("牌子上写着「禁止吸烟」", "written", "禁止吸烟"),
    ("他提到通货膨胀的时候", "said", "通货膨胀"),
    ("il dit « bonjour » en entrant", "", "bonjour"),
]
SEVERAL = [  # events in order: description, track, words
    (
        "he says let's start, then pours the milk",
        [("he says let's start", "said", "let's start"), ("he pours the milk", "", "")],
    ),
    (
        'he says "and then we add salt" and then stirs the pot',
        [('he says "and then we add salt"', "said", "and then we add salt"), ("he stirs the pot", "", "")],
    ),
    (
        "she says goodbye and waves",
        [("she says goodbye", "said", "goodbye"), ("she waves", "", "")],
    ),
    (
        "he says hello before he leaves",
        [("he says hello", "said", "hello"), ("he leaves", "", "")],
    ),
    (
        "she explains why the bread didn't rise and puts it back in the oven",
        [
            ("she explains why the bread didn't rise", "said", "why the bread didn't rise"),
            ("she puts it back in the oven", "", ""),
        ],
    ),
    (
        "she opens the door and says 'who are you?'",
        [("she opens the door", "", ""), ("she says 'who are you?'", "said", "who are you?")],
    ),
    (
        "the man sits down while the narrator explains the history of Rome",
        [
            ("the man sits down", "", ""),
            ("the narrator explains the history of Rome", "said", "the history of Rome"),
        ],
    ),
    (
        "they talk about the budget and then the meeting ends",
        [("they talk about the budget", "said", "the budget"), ("the meeting ends", "", "")],
    ),
    (
        'the words "Game Over" appear on the screen while the player throws the controller',
        [
            ('the words "Game Over" appear on the screen', "written", "Game Over"),
            ("the player throws the controller", "", ""),
        ],
    ),
    (
        "he shouts 'ready', then he shouts 'go'",
        [("he shouts 'ready'", "said", "ready"), ("he shouts 'go'", "said", "go")],
    ),
]
TO_SEE = """
a man talks to a woman
people sing
a woman reads a book
he writes on the board
a sign falls
a man holds a sign
he shouts
a man shouts at the dog
a woman screams and runs away
the man speaks into the microphone
a woman talks on the phone
he whispers in her ear
she tells a story
the host introduces the guest
the player scores a goal
the score is shown
the screen shows a map
a close up of a board is shown
a clock is shown under the water
an athlete throws a discuss off into the distance
a man gives a talk to a number of people
she speaks to a small group of people
a man makes a sign of the cross
text appears on the screen
she says something to him
she doesn't say anything else
a man lifts a pole off a chalk marked pavement
the boys' ball rolls to the girls' side
a rock 'n' roll band plays
a 5" nail and a 6" nail
it's the dog's bowl
the students' books and the teachers' desks
she thanks the audience
a person answers the phone
they argue with a man
男人打开门然后走进去
""".strip().splitlines()


def asked(made):
    return made.asks, made.words


@pytest.mark.parametrize(("query", "asks", "words"), ONE)
def test_words_that_are_said_or_written(query, asks, words):
    made = plan(query)
    assert asked(made) == (asks, words)
    assert (made.original or made.query) == query and made.sub_events == ()


@pytest.mark.parametrize(("query", "events"), SEVERAL)
def test_each_event_asks_for_its_own_words(query, events):
    made = plan(query)
    assert [(event.descriptions[0], *asked(event)) for event in made.sub_events] == events
    assert (made.original or made.query) == query
    assert Plan.from_dict(made.to_dict()) == made


def test_a_query_of_nothing_but_words_asks_for_them_as_a_whole():
    assert asked(plan("he shouts 'ready', then he shouts 'go'")) == ("said", "ready go")
    assert asked(plan("he says hello before he leaves")) == ("", "")


@pytest.mark.parametrize("query", TO_SEE)
def test_what_is_seen_asks_for_no_words(query):
    made = plan(query)
    assert [asked(one) for one in (made, *made.sub_events)] == [("", "")] * (1 + len(made.sub_events))


def test_the_tables_are_large():
    assert len(ONE) + len(SEVERAL) + len(TO_SEE) >= 60 and len(TO_SEE) >= 20


@pytest.mark.parametrize(
    "marks", ["“{}”", "„{}“", "«{}»", "« {} »", "「{}」", "『{}』", '"{}"', "'{}'", "‘{}’", "``{}''", "»{}«", "„{}”"]
)
def test_quotation_marks_of_every_kind(marks):
    text = f"the part with {marks.format('wait and then it isn’t over')} in it"
    assert [one.text for one in quotations(text)] == ["wait and then it isn’t over"]


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("what did they say about fuel prices", "fuel prices"),
        ("he says regarding the vote", "the vote"),
        ("he says of course", "of course"),
    ],
)
def test_what_is_said_about_something_is_that_thing(query, words):
    assert plan(query).words == words


@pytest.mark.parametrize("text", ["it's the dog's bowl", "the dogs' bowls", "'tis the season of the '90s", "6' by 4'"])
def test_apostrophes_are_no_quotation_marks(text):
    assert quotations(text) == []


WORDS = """he says says, " ' “ ” the sign reads EXIT then and that about while talks is shown « » a 3-1 asked 说 「"""


@settings(max_examples=200, deadline=None)
@given(st.one_of(st.text(max_size=80), st.lists(st.sampled_from(WORDS.split()), min_size=1, max_size=30).map(" ".join)))
def test_any_text_can_be_planned(query):
    if not query.strip():
        return
    made = plan(query)
    assert (made.original or made.query) == query
    for one in (made, *made.sub_events):
        assert one.words or not one.asks
    assert Plan.from_dict(made.to_dict()) == made


@pytest.mark.parametrize(
    "query", ["he says “a " * 900, "'a " * 3000, "sign sign " * 900, " " * 9000 + "he says x", "讨论了" * 3000]
)
def test_hostile_queries_take_no_time(query):
    plan("ein Mann öffnet die Tür")  # loads what finds the language, once
    begin = time.perf_counter()
    plan(query)
    assert time.perf_counter() - begin < 3
