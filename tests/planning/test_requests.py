"""Queries as people write them: questions, requests, slips, negations; each with the plan that it is to have."""

import re
import shlex
from pathlib import Path

import pytest

from tfgrounding.planning.planner import StoredPlanner
from tfgrounding.planning.plans import write_plans, write_tfvtg
from tfgrounding.planning.rules.plan import RulesPlanner
from tfgrounding.types import Plan

GOLDENS = Path(__file__).parents[1] / "goldens" / "asked_queries.tsv"
WANTS = {"number": "number", "length": "length", "until": "time until"}
plan = RulesPlanner().plan


def rows():
    lines = GOLDENS.read_text(encoding="utf-8").splitlines()
    return [tuple(line.split("\t")) for line in lines if not line.startswith("#")]


def written(made):
    """The main texts of a plan, as the table writes them."""
    events = [(event.negated, event.descriptions[0]) for event in made.sub_events] or [(made.negated, made.query)]
    joined = {"sequentially": " > ", "simultaneously": " + "}.get(made.relation, "")
    return joined.join(f"NOT {text}" if negated else text for negated, text in events).lower().rstrip("?!. ")


def test_the_table_has_many_kinds():
    assert len(rows()) >= 120 and len({kind for kind, *_ in rows()}) >= 15


@pytest.mark.parametrize(("kind", "query", "wanted"), rows())
def test_a_query_as_people_write_it(kind, query, wanted):
    wanted, _, word = wanted.partition(" ?")
    name, found, texts = wanted.partition(": ")
    wants, texts = (WANTS[name], texts) if found and name in WANTS else ("moments", wanted)
    made = plan(query)
    assert (written(made), made.wants) == (texts.lower(), wants)
    whole = kind == "negation" or texts == "NOT people"
    assert made.negated == (
        whole or (texts.startswith("NOT ") and made.relation == "simultaneously" and " + NOT " in texts)
    )
    if word:
        assert any(word in warning for warning in made.warnings)
    else:
        assert not made.warnings
    assert (made.original or made.query) == query
    assert Plan.from_dict(made.to_dict()) == made


def test_the_page_about_queries_shows_what_the_command_prints(run):
    page = (Path(__file__).parents[2] / "docs" / "queries.md").read_text(encoding="utf-8")
    shown = re.findall(r"^```\n\$ tfgrounding (.*?)\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    assert shown
    for command, printed in shown:
        code, out, _ = run(*shlex.split(command))
        assert (code, out) == (0, printed)


def test_what_is_wanted_and_negated_is_kept_in_plan_files(tmp_path):
    queries = ["how many times is nobody in the room", "a man without a hat", "people leave until nobody is left"]
    made = [plan(query) for query in queries]
    write_plans(tmp_path / "plans.jsonl", made)
    stored = StoredPlanner.read(tmp_path / "plans.jsonl")
    assert [stored.plan(query) for query in queries] == made
    annotations = {"v": {"duration": 9, "timestamps": [[0, 1]] * 3, "sentences": queries}}
    write_tfvtg(tmp_path / "tfvtg.json", annotations, RulesPlanner())
    read = StoredPlanner.read(tmp_path / "tfvtg.json")
    for query, one in zip(queries, made, strict=True):
        again = read.plan(query)
        assert (again.query, again.negated, again.wants, again.sub_events) == (
            one.query,
            one.negated,
            one.wants,
            one.sub_events,
        )


def test_who_understands_no_is_asked_in_the_own_words():
    assert plan("show me when there are no people").own_words == "show me when there are no people"
    assert plan("a man without a hat").own_words == "a man without a hat"
    assert plan("when does she open the door?").own_words == "she opens the door"
    assert Plan("people", negated=True).own_words == "not this: people"
