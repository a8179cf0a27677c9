"""Plans in files, so that no model is asked twice: our own JSON lines, and TFVTG's `llm_outputs.json`."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

from ..errors import PlanError
from ..files import write_atomically
from ..registry import named_failures
from ..types import RELATIONS, Plan, SubEvent

LARGEST_FILE_BYTES = 500_000_000


class Planner(Protocol):
    """Turns a query into a plan."""

    @property
    def name(self) -> str: ...

    def plan(self, query: str) -> Plan: ...


def planned(planner: Planner, query: str) -> Plan:
    """The plan that a planner, which may be anyone's, makes of a query.

    Raises:
        PlanError: the query is empty, the planner's code fails, or it returns something else.
    """
    name = getattr(planner, "name", type(planner).__name__)
    with named_failures(planner, f"planner {name}: plan failed", PlanError):
        plan = planner.plan(query)
    if not isinstance(plan, Plan):
        raise PlanError(f"planner {name}: plan must return a Plan, not {type(plan).__name__}")
    return plan


@dataclass(frozen=True)
class StoredPlanner:
    """Returns plans that were made before.

    Args:
        plans: {query: plan}. Upper and lower case, blanks and a full stop at the end make no difference.
        by_video: {(video, query): plan}, for files with several plans of one sentence, such as TFVTG's.
        problems: what could not be read, one sentence each.
        otherwise: the planner for a query that has no stored plan; without one, such a query raises PlanError.
        path: the file of the plans, for messages.
    """

    plans: Mapping[str, Plan]
    by_video: Mapping[tuple[str, str], Plan] = field(default_factory=dict)
    problems: tuple[str, ...] = ()
    otherwise: Planner | None = None
    path: str = ""
    name: str = "stored"

    def __post_init__(self) -> None:
        object.__setattr__(self, "plans", {_key(query): plan for query, plan in self.plans.items()})
        by_video = {(video, _key(query)): plan for (video, query), plan in self.by_video.items()}
        object.__setattr__(self, "by_video", by_video)

    @classmethod
    def read(cls, path: str | Path, *, otherwise: Planner | None = None) -> StoredPlanner:
        """Read a plan file: our JSON lines, a JSON object {query: plan}, or TFVTG's `llm_outputs.json`.

        Entries that can't be read are left out, and `problems` says why.

        Raises:
            PlanError: the file is missing, too large or not JSON, or holds no plan.
        """
        path = Path(path)
        try:
            with path.open("rb") as file:
                data = file.read(LARGEST_FILE_BYTES + 1)
            if len(data) > LARGEST_FILE_BYTES:
                raise PlanError(f"the plan file {path} is larger than {LARGEST_FILE_BYTES:,} bytes")
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError:
            raise PlanError(f"the plan file {path} can't be read: it is not UTF-8 text") from None
        except (OSError, ValueError) as error:  # ValueError: a name that no file can have
            raise PlanError(f"the plan file {path} can't be read: {error}") from None
        reader = _Reader()
        try:
            data = json.loads(text)
        except (ValueError, RecursionError) as error:
            if not text.lstrip().startswith("{") or "\n" not in text.strip():
                raise PlanError(f"the plan file {path} is not JSON: {error}") from None
            reader.read_lines(text)
        else:
            reader.read_object(data)
        if not reader.plans:
            why = reader.problems[0] if reader.problems else "it is empty"
            raise PlanError(f"the plan file {path} holds no plan: {why}")
        return cls(reader.plans, reader.by_video, tuple(reader.problems), otherwise, str(path))

    def plan(self, query: str, *, video: str = "") -> Plan:
        """The stored plan of a query, for this `video` if there are several.

        Raises:
            PlanError: the query is empty, or has no stored plan and there is no other planner.
        """
        asked = Plan(query)
        found = self.by_video.get((video, _key(query))) or self.plans.get(_key(query))
        if found is not None:
            return replace(found, original=query) if found.original else replace(found, query=query)
        if self.otherwise is None:
            raise PlanError(f"{self.path or 'the stored plans'}: no plan for {query!r}")
        plan = planned(self.otherwise, asked.query)
        return replace(plan, warnings=(*plan.warnings, f"no stored plan: planned by {self.otherwise.name}"))

    def write(self, path: str | Path) -> None:
        """Write the plans as JSON lines. Raises PlanError."""
        write_plans(path, self.plans.values())


def write_plans(path: str | Path, plans: Iterable[Plan]) -> None:
    """Write plans as JSON lines; an earlier file is replaced when all of them are written. Raises PlanError."""
    _write(path, "".join(json.dumps(plan.to_dict(), ensure_ascii=False) + "\n" for plan in plans))


def write_tfvtg(path: str | Path, annotations: Mapping[str, Mapping[str, Any]], planner: Planner) -> None:
    """Write TFVTG's `llm_outputs.json`: every video's annotation with a "response" for each of its sentences.

    Args:
        annotations: {video: {"duration": seconds, "timestamps": [[start, end]], "sentences": [text]}}.
        planner: makes the plans.

    Raises:
        PlanError: a video without sentences, an empty sentence, or a file that can't be written.
    """
    out = {}
    for video, entry in annotations.items():
        sentences = entry.get("sentences")
        if not isinstance(sentences, list):
            raise PlanError(f"video {video}: the annotation has no list of sentences")
        out[video] = {**entry, "response": [_to_response(planned(planner, sentence)) for sentence in sentences]}
    _write(path, json.dumps(out, ensure_ascii=False))


def _to_response(plan: Plan) -> dict[str, Any]:
    groups = [(plan.query, *plan.paraphrases) if plan.original else plan.paraphrases or (plan.query,)]
    groups += [event.descriptions for event in plan.sub_events]
    translated = {"query": plan.query, "original": plan.original} if plan.original else {}
    groups_negated = [plan.negated, *(event.negated for event in plan.sub_events)]
    return {
        **translated,
        "reasoning": "",
        "sub-queries": " ".join(f"{i}. {event.descriptions[0]}" for i, event in enumerate(plan.sub_events, 1)),
        "relationship": plan.relation,
        "query_json": [
            {"sub_query_id": i, "descriptions": list(group), **({"negated": True} if negated else {})}
            for i, (group, negated) in enumerate(zip(groups, groups_negated, strict=True))
        ],
        "source": plan.source,
        **({"wants": plan.wants} if plan.wants != "moments" else {}),
    }


class _Reader:
    def __init__(self) -> None:
        self.plans: dict[str, Plan] = {}
        self.by_video: dict[tuple[str, str], Plan] = {}
        self.problems: list[str] = []

    def read_lines(self, text: str) -> None:
        for number, line in enumerate(text.split("\n"), start=1):  # splitlines() also cuts inside JSON strings
            if line.strip():
                try:
                    self._add(Plan.from_dict(json.loads(line)))
                except (ValueError, RecursionError, PlanError) as error:
                    self.problems.append(f"line {number}: {error}")

    def read_object(self, data: Any) -> None:
        if isinstance(data, Mapping) and isinstance(data.get("query"), str):  # a single line of JSON lines
            data = [data]
        if isinstance(data, list):
            data = {f"entry {i}": entry for i, entry in enumerate(data)}
        if not isinstance(data, Mapping):
            self.problems.append("it is neither a JSON object nor a list")
            return
        for name, entry in data.items():
            try:
                if isinstance(entry, Mapping) and "sentences" in entry:
                    self._read_video(name, entry)
                elif isinstance(entry, Mapping):
                    self._add(Plan.from_dict({"query": name, **entry}))
                else:
                    raise PlanError("it is neither a plan nor a video with sentences")
            except PlanError as error:
                self.problems.append(f"{name}: {error}")

    def _read_video(self, video: str, entry: Mapping[str, Any]) -> None:
        responses = entry.get("response", [])
        for i, sentence in enumerate(entry["sentences"]):
            try:
                response = responses[i]
                if not response:
                    continue  # TFVTG leaves {} where the model never answered
                plan = _from_response(sentence, json.loads(response) if isinstance(response, str) else response)
            except (PlanError, ValueError, KeyError, IndexError, TypeError, AttributeError) as error:
                self.problems.append(f"video {video}, sentence {i}: {error or type(error).__name__}")
                continue
            self._add(plan)
            self.by_video[video, _key(sentence)] = plan

    def _add(self, plan: Plan) -> None:
        self.plans.setdefault(_key(plan.original or plan.query), plan)


def _from_response(sentence: str, response: Mapping[str, Any]) -> Plan:
    """The plan in TFVTG's layout: the first group rewords the whole sentence, the others are the sub-events."""
    relation = response["relationship"]
    if relation not in RELATIONS:
        raise PlanError(f"relationship {relation!r} is not known; choose one of {', '.join(RELATIONS)}")
    groups = [_texts(group["descriptions"]) for group in response["query_json"]]
    negated = [group.get("negated", False) for group in response["query_json"]]
    original = _text(response.get("original", ""))
    query = _text(response["query"]) if original else sentence
    paraphrases = groups[0] if groups else ()
    return Plan(
        query,
        paraphrases=tuple(text for text in paraphrases if text != query) if original else paraphrases,
        sub_events=tuple(SubEvent(group, negated=no) for group, no in zip(groups[1:], negated[1:], strict=True)),
        relation=relation,
        negated=any(negated[:1]),
        wants=response.get("wants", "moments"),
        source=str(response.get("source", "stored")),
        original=sentence if original else "",
    )


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("a text was expected")
    return value


def _texts(values: Any) -> tuple[str, ...]:
    values = (values,) if isinstance(values, str) else tuple(values)
    if not all(isinstance(value, str) for value in values):
        raise TypeError("texts were expected")
    return tuple(value for value in values if value.strip())


def _key(query: str) -> str:
    return " ".join(query.casefold().split()).rstrip(" .")


def _write(path: str | Path, text: str) -> None:
    try:
        write_atomically(path, text)
    except OSError as error:
        raise PlanError(f"the plan file {path} can't be written: {error}") from None
