"""Plans by a language model: ask with a schema, check the reply, repair it or ask again, at last use the rules."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import re
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ..errors import ModelError, PlanError
from ..files import write_atomically
from ..llm.chat import ChatClient, Message, RefusedError
from ..llm.prompting import prompts
from ..llm.replies import without_thoughts
from ..types import Plan, Relation, SubEvent, Wants
from .rules.lexicon import word_set
from .rules.plan import RulesPlanner
from .rules.quotations import without_marks

log = logging.getLogger(__name__)

_Sentence = Annotated[str, Field(min_length=3, max_length=160)]
_CJK = re.compile(r"[\u3400-\u9fff]")
_LONGEST_QUERY = 2000  # characters
_LONGEST_WORDS = 300  # characters of what is said or written
_DENYING = re.compile(r"\b(?:no|not|nobody|nothing|never|without)\b|n't\b", re.IGNORECASE)
_ENGLISH = word_set("a an the is are and of in on at to with from person man woman people someone he she it they")


class _Asked(BaseModel):
    """Whether it is not to be seen, and which words are said or written; "" where there are none.

    Replies from before these fields lack them.
    """

    model_config = ConfigDict(extra="forbid")
    negated: bool = False
    asks: Literal["said", "written", ""] = ""
    words: Annotated[str, Field(max_length=_LONGEST_WORDS)] = ""


class _Event(_Asked):
    descriptions: Annotated[list[_Sentence], Field(min_length=1, max_length=3)]


class _Answer(_Asked):
    """The form of the model's answer. Events come before their relation, so that the relation follows from them.

    Lengths and counts are bounded, because small models repeat themselves up to any limit; one event is no sequence.
    """

    language: Annotated[str, Field(pattern="^[a-z]{2}$")]
    paraphrases: Annotated[list[_Sentence], Field(min_length=1, max_length=3)]
    events: Annotated[list[_Event], Field(max_length=0)] | Annotated[list[_Event], Field(min_length=2, max_length=6)]
    relation: Relation
    wants: Wants = "moments"


class LLMPlanner:
    """Plans with a language model; safe to share between threads.

    Every reply is checked against the schema. A reply that does not fit is repaired if that changes no meaning; else
    the model is asked again with the error; at last the rules plan the query, with a warning in the plan.
    `Plan.source` is "llm", "llm-repaired", "llm-asked-again" or "rules".

    Args:
        model: the model's name; else OPENAI_MODEL.
        base_url, api_key: the server and its key, as for `ChatClient`.
        client: a ChatClient with other settings, used instead of a new one.
        asks: how often the model is asked about one query at most.
        deadline_seconds: the longest time for one query.
        max_tokens: the longest reply.
        cache: a folder for the plans, one file each, by query, model, server and prompt; None keeps them in memory.

    Raises:
        ModelError: no model, or neither a key nor a server.
    """

    name = "llm"

    def __init__(
        self,
        model: str | None = None,
        *,
        base_url: str | None = None,
        api_key: str | None = None,
        client: ChatClient | None = None,
        asks: int = 2,
        deadline_seconds: float = 120.0,
        max_tokens: int = 1024,
        cache: str | Path | None = None,
    ) -> None:
        model = model or (client.model if client else os.environ.get("OPENAI_MODEL"))
        if not model:
            raise ModelError("the planner llm needs a model: name one, or set OPENAI_MODEL")
        self.client = client or ChatClient(model, base_url=base_url, api_key=api_key)
        self.asks = asks
        self.deadline_seconds = deadline_seconds
        self.max_tokens = max_tokens
        self.cache = Path(cache) if cache is not None else None
        self._rules = RulesPlanner()
        self._known: dict[str, Plan] = {}
        self._busy: dict[str, threading.Lock] = {}
        self._lock = threading.Lock()

    def plan(self, query: str) -> Plan:
        """The plan of a query; the model is asked once for each query.

        Raises:
            PlanError: the query is empty.
            RefusedError: the server refuses the key or has no such model.
        """
        asked = Plan(query)
        key = self._key(asked.query)
        with self._lock:
            busy = self._busy.setdefault(key, threading.Lock())
        with busy:  # another thread with the same query waits for this plan
            found = self._known.get(key) or self._read_cache(key)
            if found is None:
                found = self._ask(query)
                if found.source != self._rules.name:
                    found = self._write_cache(key, found)
            if found.source != self._rules.name:
                self._known[key] = found
            return found

    def _key(self, query: str) -> str:
        prompt = prompts(_prompt_name(query))
        parts = (query, self.client.model, self.client.base_url, prompt.name, prompt.version, prompt.digest)
        return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:32]

    def _ask(self, query: str) -> Plan:
        if len(query) > _LONGEST_QUERY:
            return self._by_rule(query, f"a query is one sentence of {_LONGEST_QUERY:,} characters at most")
        until = time.monotonic() + self.deadline_seconds
        schema = _strict(_Answer.model_json_schema())
        name = _prompt_name(query)
        system = prompts(name).fill(schema=json.dumps(schema, ensure_ascii=False))
        readable = query.encode("utf-8", "replace").decode()  # a lone surrogate can't be sent
        question = json.dumps({"query": readable}, ensure_ascii=False)
        messages: list[Message] = [{"role": "system", "content": system}, {"role": "user", "content": question}]
        problem = ""
        for ask in range(self.asks):
            try:
                reply = self.client.ask(
                    messages, schema=schema, max_tokens=self.max_tokens, deadline_seconds=until - time.monotonic()
                )
            except RefusedError:
                raise
            except ModelError as error:
                problem = str(error)
                break  # the client has made all its retries
            try:
                data, repaired = parse_json(reply.text)
                plan = _to_plan(query, _Answer.model_validate(data), known=system)
            except (ValueError, PlanError) as error:
                problem = _explain(error, cut=reply.finish_reason == "length")
                log.info("reply %d to %r is not valid: %s", ask + 1, query, problem)
                again = f"That is not a valid answer: {problem} Answer again with the JSON object only."
                messages = [*messages[:2], {"role": "assistant", "content": reply.text[:2000]}]
                messages.append({"role": "user", "content": again})
                continue
            return replace(plan, source="llm-asked-again" if ask else "llm-repaired" if repaired else "llm")
        return self._by_rule(query, f"the model gave no valid plan: {problem}")

    def _by_rule(self, query: str, why: str) -> Plan:
        planned = self._rules.plan(query)
        return replace(planned, warnings=(*planned.warnings, f"planned by rule, because {why}"))

    def _read_cache(self, key: str) -> Plan | None:
        if self.cache is None:
            return None
        path = self.cache / f"{key}.json"
        try:
            return Plan.from_dict(json.loads(path.read_text(encoding="utf-8")))
        except FileNotFoundError:
            return None
        except (OSError, ValueError, RecursionError, PlanError) as error:
            log.warning("the cached plan %s can't be read and is replaced: %s", path, error)
            return None

    def _write_cache(self, key: str, plan: Plan) -> Plan:
        if self.cache is None:
            return plan
        try:
            write_atomically(self.cache / f"{key}.json", json.dumps(plan.to_dict(), ensure_ascii=False))
        except OSError as error:  # the plan is paid for already
            return replace(plan, warnings=(*plan.warnings, f"the plan is not kept in {self.cache}: {error}"))
        return plan


def parse_json(text: str) -> tuple[Any, bool]:
    """The JSON object in a model's reply, and whether it had to be repaired.

    A repair removes code fences, hidden thoughts and other text around the object, and commas before a bracket.

    Raises:
        ValueError: the reply has no complete JSON object.
    """
    try:
        return json.loads(text), False
    except (ValueError, RecursionError):
        pass
    text = without_thoughts(text)
    start = text.find("{")
    if start < 0:
        raise ValueError("there is no JSON object in the reply.")
    body: list[str] = []
    in_string, depth, skip = False, 0, False
    for ch in text[start:]:
        if in_string:
            in_string = skip or ch != '"'
            skip = ch == "\\" and not skip
        elif ch == '"':
            in_string = True
        elif ch in "{[":
            depth += 1
        elif ch in "}]":
            depth -= 1
            while body and (body[-1].isspace() or body[-1] == ","):
                body.pop()
        body.append(ch)
        if depth == 0:
            break
    if depth:
        raise ValueError("the JSON object is cut off.")
    try:
        return json.loads("".join(body)), True
    except RecursionError:
        raise ValueError("the JSON is nested too deeply.") from None


def _strict(schema: Any) -> Any:
    """A JSON schema as strict servers take it: every field is required; without what is no help to the model."""
    if isinstance(schema, list):
        return [_strict(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {name: _strict(part) for name, part in schema.items() if name not in ("title", "description", "default")}
    if "properties" in kept:
        fields = dict(
            sorted(kept["properties"].items(), key=lambda field: field[0] in ("negated", "asks", "words", "wants"))
        )
        kept |= {"properties": fields, "required": list(fields)}
    return kept


def _prompt_name(query: str) -> str:
    return "plan.zh" if _CJK.search(query) else "plan.en"


def _to_plan(query: str, answer: _Answer, *, known: str) -> Plan:
    """The plan in a well-formed answer. Raises PlanError where it contradicts itself or repeats the prompt."""
    sentences = [*answer.paraphrases, *(text for event in answer.events for text in event.descriptions)]
    for sentence in sentences:
        if not sentence.strip() or any(ch.isalpha() and not ch.isascii() for ch in sentence):
            letters = [ch for ch in sentence if ch.isalpha()]
            if not letters or sum(not ch.isascii() for ch in letters) > len(letters) / 4:
                raise PlanError(f"{sentence!r} is not an English sentence.")
        if f'"{sentence}"' in known:
            raise PlanError(f"{sentence!r} is copied from an example; describe the query instead.")
    if (answer.relation == "single-query") != (not answer.events):
        raise PlanError(f"relation {answer.relation} does not go with {len(answer.events)} events.")
    if len({event.descriptions[0].casefold() for event in answer.events}) < len(answer.events):
        raise PlanError("two events have the same description: give each its own action.")
    script = sum(ch.isalpha() and not ch.isascii() for ch in query) > len(query) / 4
    foreign = script or (answer.language != "en" and not _ENGLISH & set(query.lower().split()))
    positive = [text for event in answer.events if event.negated for text in event.descriptions]
    for text in (*positive, *(answer.paraphrases if answer.negated else ())):
        if _DENYING.search(text):
            raise PlanError(f"{text!r} denies something: say the positive, and set negated.")
    restated = foreign or answer.negated or bool(positive) or answer.wants != "moments" or query.rstrip()[-1:] in "??"
    paraphrases = tuple(dict.fromkeys(answer.paraphrases))
    shown = [event.descriptions[0].rstrip(".") for event in answer.events if not event.negated]
    if positive and shown and not answer.negated:  # the whole query would find what one of its events denies
        paraphrases = ((", then " if answer.relation == "sequentially" else " while ").join(shown),)
    return Plan(
        paraphrases[0] if restated else query,
        paraphrases[1:] if restated else tuple(text for text in paraphrases if text != query),
        tuple(
            SubEvent(tuple(dict.fromkeys(event.descriptions)), negated=event.negated, **_asks(query, event))
            for event in answer.events
        ),
        answer.relation,
        original=query if restated else "",
        negated=answer.negated,
        wants=answer.wants,
        **_asks(query, answer),
    )


def _asks(query: str, asked: _Asked) -> dict[str, Any]:
    """The fields of a Plan or SubEvent; without words no track is asked first. Raises PlanError: other words."""
    words = " ".join(without_marks(asked.words).split())
    if not words:
        return {}
    if _folded(words) not in _folded(query):
        raise PlanError(f"the words {words!r} do not stand in the query: copy them, or leave them empty.")
    return {"asks": asked.asks, "words": words}


def _folded(text: str) -> str:
    return " ".join(text.casefold().replace("’", "'").split())


def _explain(error: Exception, *, cut: bool) -> str:
    if cut:
        return "it is too long and was cut off."
    if isinstance(error, ValidationError):
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the object"
        return f"{where}: {first['msg']}."
    return str(error)
