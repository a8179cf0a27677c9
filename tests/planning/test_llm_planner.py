"""The whole road to a real language model: SmolLM2-135M from its package, served on loopback by the tests themselves.

So small a model plans badly; what is tested is the road, not its wisdom.
"""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path

import pytest

from tfgrounding.llm.chat import ChatClient
from tfgrounding.planning.planner import LLMPlanner, plan_many

GOLDENS = Path(__file__).parents[1] / "goldens" / "compound_queries.tsv"


@pytest.fixture(scope="module")
def client(real_server):
    return ChatClient("smollm2-135m", base_url=real_server, api_key="none", timeout_seconds=120)


def queries(count):
    rows = [line.split("\t")[2] for line in GOLDENS.read_text(encoding="utf-8").splitlines()[1:]]
    return rows[:: len(rows) // count][:count]


def test_a_real_model_plans(client, tmp_path):
    asked = queries(6)[3:4]
    planner = LLMPlanner(client=client, asks=1, max_tokens=200, cache=tmp_path)
    plans, report = plan_many(asked, planner, concurrency=1)
    assert list(plans) == asked and all(plan.query == query for query, plan in plans.items())
    for plan in plans.values():
        assert plan.source in ("llm", "llm-repaired") or plan.warnings
    assert report.usage.requests == 1 and report.usage.prompt_tokens > 500
    assert client.usage.completion_tokens >= 20


def test_the_server_holds_the_model_to_the_schema(client):
    schema = {
        "type": "object",
        "properties": {"relation": {"enum": ["sequentially", "simultaneously"]}},
        "required": ["relation"],
        "additionalProperties": False,
    }
    reply = client.ask([{"role": "user", "content": "Tell me a story."}], schema=schema, max_tokens=30, top_logprobs=2)
    assert "".join(reply.text.split()) in (
        '{"relation":"sequentially"}',
        '{"relation":"simultaneously"}',
    )
    assert reply.tokens and all(len(token.top) == 2 and token.logprob <= 0 for token in reply.tokens)


@pytest.mark.slow
def test_fifty_queries(client, capsys):
    asked = queries(50)
    started = time.monotonic()
    plans, report = plan_many(asked, LLMPlanner(client=client, max_tokens=600), concurrency=1)
    assert list(plans) == asked
    valid = sum(plan.source != "rules" for plan in plans.values())
    reasons = Counter(
        plan.warnings[0].split("valid plan: ")[-1].split("'")[0][:60] for plan in plans.values() if plan.warnings
    )
    seconds = time.monotonic() - started
    with capsys.disabled():
        print(f"\n{valid} of 50 plans valid in {seconds:.0f} s; {report.to_dict()}; {reasons.most_common(5)}")
    assert report.sources and sum(report.sources.values()) == 50
