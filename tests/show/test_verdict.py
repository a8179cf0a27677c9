"""What an answer says in words: absent, perhaps, how strong a moment is, and what a question wants."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import pytest
from test_export import answer

from tfgrounding import Moment
from tfgrounding.show.verdict import PROBABLY, PROBABLY_NOT, is_probably_absent, said_first, strength, verdict


@dataclass
class Asked:
    """A plan of which only the wish counts."""

    wants: str


def judged(present: float | None, *moments: tuple[float, float, float]):
    return replace(answer(), present=present, spans=tuple(Moment(*moment) for moment in moments))


def asking(wants: Any, *moments: tuple[float, float, float], present: float | None = 0.9):
    found = judged(present, *moments)
    object.__setattr__(found, "plan", Asked(wants))
    return found


@pytest.mark.parametrize(
    ("present", "line"),
    [
        (0.0, "probably not in this video (present 0.00)"),
        (0.08, "probably not in this video (present 0.08)"),
        (0.3333, "probably not in this video (present 0.33)"),
        (PROBABLY_NOT, "perhaps in this video (present 0.33)"),
        (0.45, "perhaps in this video (present 0.45)"),
        (0.6666, "perhaps in this video (present 0.67)"),
        (PROBABLY, ""),
        (1.0, ""),
        (None, ""),
    ],
)
def test_one_line_on_whether_it_happens_at_all(present, line):
    assert verdict(judged(present)) == line
    assert is_probably_absent(judged(present)) is line.startswith("probably not")


def test_where_probably_not_begins_can_be_chosen():
    found = judged(0.45)
    assert verdict(found, least_present=0.5) == "probably not in this video (present 0.45)"
    assert verdict(judged(0.1), least_present=0.0) == "perhaps in this video (present 0.10)"
    assert is_probably_absent(found, least_present=0.5) and not is_probably_absent(found, least_present=0.45)
    assert verdict(judged(0.7), least_present=0.8) == "probably not in this video (present 0.70)"


def test_a_moment_is_as_strong_as_its_score_among_the_others():
    found = judged(0.9, (0, 1, 0.6), (2, 3, 0.4), (4, 5, 0.2), (6, 7, 0.05))
    assert [strength(moment, found) for moment in found.moments] == ["strong", "strong", "fair", "weak"]


def test_no_moment_is_stronger_than_the_event_is_present():
    moments = (0, 1, 0.6), (2, 3, 0.05)
    assert [strength(m, judged(0.5)) for m in judged(0.5, *moments).moments] == ["fair", "fair"]
    for present in (0.5, None):
        found = judged(present, *moments)
        assert [strength(m, found) for m in found.moments] == ["fair", "weak"]
    absent = judged(0.1, *moments)
    assert [strength(m, absent) for m in absent.moments] == ["weak", "weak"]
    perhaps = judged(0.5, *moments)
    assert strength(perhaps.moments[0], perhaps, least_present=0.6) == "weak"


def test_scores_below_zero_are_compared_too():
    found = judged(0.9, (0, 1, -0.1), (2, 3, -0.5))
    assert [strength(moment, found) for moment in found.moments] == ["strong", "weak"]


def test_the_vote_may_place_a_moment_before_the_best_score():
    found = judged(0.9, (0, 1, 0.1), (2, 3, 0.9))
    assert [strength(moment, found) for moment in found.moments] == ["weak", "strong"]


def test_what_a_question_wants():
    moments = (41.2, 44.2, 0.6), (3.0, 5.0, 0.5), (4.0, 13.5, 0.4), (20, 30, 0.01)
    assert said_first(asking("number", *moments)) == "3 times"
    assert said_first(asking("number", moments[0])) == "1 time"
    assert said_first(asking("length", *moments)) == "13.5 s in all"
    assert said_first(asking("time until", *moments)) == "0:41.2 from the start"
    assert said_first(asking("moments", *moments)) == ""


def test_a_number_is_never_counted_from_weak_moments():
    assert said_first(asking("number", (0, 1, 0.5), present=0.1)) == ""
    assert said_first(asking("number", (0, 1, 0.5), present=0.1), least_present=0.05) == "1 time"
    assert said_first(asking("length")) == ""


def test_plans_that_do_not_say_what_they_want_want_moments():
    assert said_first(answer()) == ""
