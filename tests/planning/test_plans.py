"""Plan files: our own lines, {query: plan}, and the layout that TFVTG published."""

import json

import pytest

from tfgrounding.errors import PlanError
from tfgrounding.planning.planner import plan_many
from tfgrounding.planning.plans import StoredPlanner, write_plans, write_tfvtg
from tfgrounding.planning.rules.plan import RulesPlanner
from tfgrounding.types import Plan, SubEvent

COMPOUND = Plan(
    "a cook peels an onion, then slices it",
    ("an onion is peeled and sliced",),
    (SubEvent(("a cook peels an onion", "onion being peeled")), SubEvent(("a cook slices an onion",))),
    "sequentially",
    source="llm",
)
SINGLE = Plan("A dog barks.", ("barking dog",))
TFVTG = {
    "V1": {
        "duration": 30.5,
        "timestamps": [[1.0, 4.0], [5.0, 9.5], [2.0, 3.0]],
        "sentences": ["a cook peels an onion, then slices it", "a dog barks.", "a cat sleeps."],
        "response": [
            {
                "reasoning": "two actions",
                "sub-queries": "1. ... 2. ...",
                "relationship": "sequentially",
                "query_json": [
                    {"sub_query_id": 0, "descriptions": ["an onion is peeled and sliced"]},
                    {"sub_query_id": 1, "descriptions": ["a cook peels an onion", "onion being peeled"]},
                    {"sub_query_id": 2, "descriptions": "a cook slices an onion"},
                ],
            },
            {"relationship": "single-query", "query_json": [{"sub_query_id": 0, "descriptions": ["barking dog"]}]},
            {},
        ],
    },
    "V2": {
        "duration": 8.0,
        "timestamps": [[0.0, 2.0]],
        "sentences": ["a dog barks."],
        "response": [{"relationship": "single-query", "query_json": [{"descriptions": ["a dog makes noise"]}]}],
    },
}


def write(path, content):
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


def test_plans_survive_json():
    for plan in (COMPOUND, SINGLE, Plan("a cat sleeps", original="猫在睡觉", warnings=("w",))):
        assert Plan.from_dict(json.loads(json.dumps(plan.to_dict()))) == plan


def test_our_lines(tmp_path):
    write_plans(tmp_path / "new" / "plans.jsonl", [COMPOUND, SINGLE])
    stored = StoredPlanner.read(tmp_path / "new" / "plans.jsonl")
    assert stored.plan(COMPOUND.query) == COMPOUND
    assert stored.plan("a  dog barks").paraphrases == ("barking dog",)
    assert stored.problems == ()


FOREIGN = Plan(
    "A drawbridge goes up and then a zebra kneels.",
    ("A zebra kneels after a drawbridge went up.",),
    (SubEvent(("A drawbridge goes up.",)), SubEvent(("A zebra kneels.",))),
    "sequentially",
    source="llm",
    original="吊桥升起以后，斑马跪下。",
)


def test_the_query_as_it_was_written_survives_every_file(tmp_path):
    annotations = {"V1": {"duration": 9.0, "timestamps": [[1, 2]], "sentences": [FOREIGN.original]}}
    write_plans(tmp_path / "lines.jsonl", [FOREIGN])
    write(tmp_path / "object.json", {FOREIGN.original: FOREIGN.to_dict()})
    write_tfvtg(tmp_path / "tfvtg.json", annotations, StoredPlanner({FOREIGN.original: FOREIGN}))
    StoredPlanner({FOREIGN.original: FOREIGN}).write(tmp_path / "stored.jsonl")
    for path in tmp_path.iterdir():
        assert StoredPlanner.read(path).plan(FOREIGN.original, video="V1") == FOREIGN, path.name
    spaced = f"  {FOREIGN.original} "
    assert StoredPlanner.read(tmp_path / "lines.jsonl").plan(spaced).original == spaced


@pytest.mark.parametrize("mark", ["\u2028", "\x85", "\x0b", "\x1c", "\r"])
def test_a_line_separator_inside_a_query_does_not_cut_its_plan(mark, tmp_path):
    plan = Plan(f"a dog{mark}barks", source="rules")
    write_plans(tmp_path / "p.jsonl", [plan, COMPOUND])
    assert StoredPlanner.read(tmp_path / "p.jsonl").plan(plan.query) == plan
    made, report = plan_many([plan.query, COMPOUND.query], RulesPlanner(), output=tmp_path / "p.jsonl")
    assert report.resumed == 2 and made[plan.query] == plan


def test_stored_plans_are_found_however_their_queries_are_written():
    stored = StoredPlanner({"A  Dog barks.": SINGLE}, {("V1", "A Cat sleeps."): COMPOUND})
    assert stored.plan("a dog barks").paraphrases == SINGLE.paraphrases
    assert stored.plan("a cat  sleeps", video="V1").relation == "sequentially"


def test_one_line_is_a_plan_file_too(tmp_path):
    write_plans(tmp_path / "one.jsonl", [COMPOUND])
    assert StoredPlanner.read(tmp_path / "one.jsonl").plan(COMPOUND.query) == COMPOUND


def test_an_object_of_plans(tmp_path):
    plans = {
        "a man sings while he cooks": {
            "relation": "simultaneously",
            "sub_events": [["a man sings"], {"descriptions": ["a man cooks"]}],
        }
    }
    made = StoredPlanner.read(write(tmp_path / "p.json", plans)).plan("a man sings while he cooks")
    assert made.relation == "simultaneously" and made.sub_events[1].descriptions == ("a man cooks",)
    assert made.source == "stored"


def test_the_published_layout(tmp_path):
    stored = StoredPlanner.read(write(tmp_path / "llm_outputs.json", TFVTG))
    made = stored.plan("a cook peels an onion, then slices it")
    assert (made.paraphrases, made.sub_events, made.relation) == (
        COMPOUND.paraphrases,
        COMPOUND.sub_events,
        "sequentially",
    )
    assert stored.plan("a dog barks.", video="V2").paraphrases == ("a dog makes noise",)
    assert stored.plan("a dog barks.", video="V1").paraphrases == ("barking dog",)
    assert stored.plan("a dog barks.").paraphrases == ("barking dog",)
    assert stored.problems == ()
    with pytest.raises(PlanError, match="no plan for 'a cat sleeps"):
        stored.plan("a cat sleeps.")


def test_the_published_layout_written_and_read(tmp_path):
    annotations = {video: {k: v for k, v in entry.items() if k != "response"} for video, entry in TFVTG.items()}
    write_tfvtg(tmp_path / "out.json", annotations, RulesPlanner())
    data = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))
    assert data["V1"]["duration"] == 30.5 and len(data["V1"]["response"]) == 3
    assert [group["sub_query_id"] for group in data["V1"]["response"][0]["query_json"]] == [0, 1, 2]
    stored = StoredPlanner.read(tmp_path / "out.json")
    for query in TFVTG["V1"]["sentences"]:
        expected, made = RulesPlanner().plan(query), stored.plan(query)
        assert (made.sub_events, made.relation, made.source) == (expected.sub_events, expected.relation, "rules")


def test_what_cannot_be_read_is_named_and_left_out(tmp_path):
    broken = json.loads(json.dumps(TFVTG))
    broken["V1"]["response"][0]["relationship"] = "sometime"
    broken["V1"]["response"][1] = {"query_json": []}
    broken["V3"] = 7
    stored = StoredPlanner.read(write(tmp_path / "b.json", broken))
    assert len(stored.plans) == 1 and len(stored.problems) == 3
    assert "video V1, sentence 0" in stored.problems[0] and "sometime" in stored.problems[0]
    lines = f"{json.dumps(SINGLE.to_dict())}\n{{half a line\n"
    stored = StoredPlanner.read(write(tmp_path / "b.jsonl", lines))
    assert len(stored.plans) == 1 and stored.problems[0].startswith("line 2")


@pytest.mark.parametrize("content", ["", "[]", "{}", "null", "7", "hello", '{"a": 1}', '{"query": ', "[" * 100_000])
def test_a_file_without_plans_is_one_clear_error(tmp_path, content):
    with pytest.raises(PlanError, match=r"p\.json"):
        StoredPlanner.read(write(tmp_path / "p.json", content))


def test_a_missing_file_and_one_that_is_no_text(tmp_path):
    with pytest.raises(PlanError, match="can't be read"):
        StoredPlanner.read(tmp_path / "nowhere.json")
    (tmp_path / "b.json").write_bytes(b"\xff\xfe\x00")
    for path in (tmp_path / "b.json", tmp_path, "a\0b"):
        with pytest.raises(PlanError, match="can't be read"):
            StoredPlanner.read(path)


def test_a_plan_file_of_any_size_is_bounded(tmp_path, monkeypatch):
    monkeypatch.setattr("tfgrounding.planning.plans.LARGEST_FILE_BYTES", 1000)
    write_plans(tmp_path / "p.jsonl", [COMPOUND] * 10)
    with pytest.raises(PlanError, match="larger than 1,000 bytes"):
        StoredPlanner.read(tmp_path / "p.jsonl")
    with pytest.raises(PlanError, match="larger than"):
        StoredPlanner.read("/dev/zero")


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        ({"relation": "sequentially"}, "no query"),
        ({"query": 7}, "must be a text"),
        ({"query": "q", "original": None}, "a text"),
        ({"query": "q", "sub_events": 7}, "list of texts"),
        ({"query": "q", "paraphrases": [["q"]]}, "list of texts"),
        ({"query": "q", "relation": "then"}, "relation 'then' is not known"),
    ],
)
def test_the_reason_why_an_entry_is_no_plan(entry, reason):
    with pytest.raises(PlanError, match=reason):
        Plan.from_dict(entry)


def test_somebody_else_plans_what_is_not_stored():
    stored = StoredPlanner({}, otherwise=RulesPlanner())
    made = stored.plan("a man sits down and then reads")
    assert len(made.sub_events) == 2 and "no stored plan" in made.warnings[0]
