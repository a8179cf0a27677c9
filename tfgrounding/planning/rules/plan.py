"""Plans by rule, offline and without a model: split the query, resolve pronouns, reword each event."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

from ...tracks.detected_language import other_language
from ...types import Plan, SubEvent
from .asked_chinese import asked_in_chinese
from .asked_words import Asked, asked_words
from .clauses import Event, flatten, split, starts_subordinate
from .negation import PEOPLE, Parts, cut_out, place_of
from .phrases import Word, join, predicate
from .requests import read_request, two_clauses
from .tagging import tag, tokenize
from .wordings import Clause, descriptions, resolve

_LONGEST_WHEN = 10  # words; longer ones are rather two clauses without a comma
_LONGEST_WORDS, _LONGEST_CHARACTERS = 150, 10_000


@dataclass(frozen=True, slots=True)
class RulesPlanner:
    """Plans English queries by rule: connectives, coordinated verbs, participles, pronouns; for one query ~1 ms.

    A query that is one event has no sub-events. Other languages are kept whole, with a warning.
    """

    name: str = field(default="rules", init=False)

    @lru_cache(maxsize=256)  # noqa: B019 -- the planner has no state
    def plan(self, query: str) -> Plan:
        """The plan of a query. Raises PlanError where the query is empty."""
        plan = Plan(query, source=self.name)
        too_long = "the query is longer than {} and was not split"
        if len(query) > _LONGEST_CHARACTERS:
            return replace(plan, warnings=(too_long.format(f"{_LONGEST_CHARACTERS} characters"),))
        text = " ".join(query.split())
        if other_language(text):
            warning = "the rules planner reads English only: this query was not split"
            return replace(plan, warnings=(warning,), **_asks(asked_in_chinese(text)))
        request = read_request(text)
        asked = asked_words(text) if text.count(" ") < _LONGEST_WORDS else []
        if request.is_reworded:
            again = asked_words(request.text)
            told = _TELL.search(text)  # "tell me when ...": nobody in the video tells anything
            if told or [(one.asks, one.words) for one in again] == [(one.asks, one.words) for one in asked]:
                plan = replace(plan, query=request.text, original=query, wants=request.wants)
                text, asked = request.text, again
        too_many = too_long.format(f"{_LONGEST_WORDS} words")
        if not asked and len(tokenize(text)) > _LONGEST_WORDS:  # before they are tagged, which takes long
            return replace(plan, warnings=(too_many,))
        words = tag(text, asked)
        if len(words) > _LONGEST_WORDS:
            return replace(plan, warnings=(too_many,))
        plan = replace(plan, warnings=request.notes)
        event = flatten(split(words))
        bare = _WHEN.match(text)
        if not event.parts and bare and text.count(" ") < _LONGEST_WHEN and not two_clauses(text):  # "when she laughs"
            plan = replace(plan, query=text[bare.end() :], original=query)
            event = flatten(split(words[_count_of(words, bare.end()) :]))
        return _planned(plan, event, asked)


_PEOPLE = (PEOPLE, "a person", "a man or a woman")
_TELL = re.compile(r"\btell\s+(?:me|us)\s+(?:when|where|if|the|at|how)\b", re.IGNORECASE)
_WHEN = re.compile(r"(?:(?:just |exactly )?when(?:ever)?|until|till|once|as soon as)\s+(?=\S)", re.IGNORECASE)


def _count_of(words: Sequence[Word], characters: int) -> int:
    """How many words the first characters of a text are."""
    return next(n for n in range(len(words) + 1) if len(join(words[:n])) + 1 >= characters)


def _planned(plan: Plan, event: Event, asked: Sequence[Asked]) -> Plan:
    """The plan with the parts of an event, and with what is not there apart from what is."""
    if not event.parts:
        cut = cut_out(event.words)
        plan = replace(plan, warnings=(*plan.warnings, *cut.notes))
        if not cut.absent:
            own = _worded(cut.there)
            if cut.there != event.words and own:
                plan = replace(plan, query=own[0], original=plan.original or plan.query)
            return replace(plan, paraphrases=tuple(text for text in own if text != plan.query), **_asks(asked))
        plan = replace(plan, original=plan.original or plan.query)
        if not cut.there and len(cut.absent) == 1:
            own = _absent(cut.absent[0])
            plan = replace(plan, query=own[0], paraphrases=own[1:], negated=True, **_asks(asked))
            if (apart := place_of(cut.absent[0])) is None:
                return plan
            thing, place = apart
            events = (SubEvent(_worded(place)), SubEvent(_absent(thing), negated=True))
            return replace(plan, sub_events=events, relation="simultaneously")
        if not cut.there:  # "neither cars nor people"
            texts = [_absent(part) for part in cut.absent]
            return replace(
                plan,
                query=" and ".join(own[0] for own in texts),
                sub_events=tuple(SubEvent(own, negated=True) for own in texts),
                relation="simultaneously",
                negated=True,
                **_asks(asked),
            )
        there = _worded(cut.there)
        return replace(
            plan,
            query=there[0],
            paraphrases=there[1:],
            sub_events=(SubEvent(there), *(SubEvent(_absent(part), negated=True) for part in cut.absent)),
            relation="simultaneously",
            **_asks(asked),
        )
    cuts = [cut_out(part.words) for part in event.parts]
    notes = [note for cut in cuts for note in cut.notes]
    plan = replace(plan, warnings=(*plan.warnings, *notes))
    if event.relation == "sequentially":  # the man sits "until the street is empty of cars": no cars are what counts
        cuts = [Parts((), cut.absent) if cut.absent and predicate(cut.there) is None else cut for cut in cuts]
    if any(cut.there != part.words for cut, part in zip(cuts, event.parts, strict=True)):
        return _of_several(plan, event, cuts, asked)
    return _of_several(plan, event, None, asked)


def _worded(words: Sequence[Word]) -> tuple[str, ...]:
    return descriptions(Clause.read(words))


def _absent(words: Sequence[Word]) -> tuple[str, ...]:
    """The wordings of what is not there; people are looked for one by one as well, as encoders know "a person" best."""
    own = _worded(words)
    return _PEOPLE if own[0] == PEOPLE else own


def _of_several(plan: Plan, event: Event, cuts: Sequence[Parts] | None, asked: Sequence[Asked]) -> Plan:
    """The plan of several events, of which some may be negated."""
    parts = [part.words for part in event.parts] if cuts is None else [cut.there or cut.absent[0] for cut in cuts]
    clauses = resolve([Clause.read(words) for words in parts], fronted=starts_subordinate(event.words))
    linker = ", then " if event.relation == "sequentially" else " while "
    described = [_PEOPLE if (own := descriptions(clause))[0] == PEOPLE else own for clause in clauses]
    events: list[SubEvent] = []
    for number, (texts, part) in enumerate(zip(described, event.parts, strict=True)):
        cut = cuts[number] if cuts is not None else Parts(part.words, ())
        events.append(SubEvent(texts, negated=not cut.there and bool(cut.absent), **_asks(_asked_in(part))))
        if cut.there and cut.absent:
            if event.relation == "simultaneously":
                events += [SubEvent(_absent(one), negated=True) for one in cut.absent]
            else:
                unused = f'that there is to be no "{join(cut.absent[0])}" is not used in a query of several events'
                plan = replace(plan, warnings=(*plan.warnings, unused))
    if cuts is not None:
        shown = [one.descriptions[0] for one in events if not one.negated]
        plan = replace(plan, original=plan.original or plan.query, query=linker.join(shown) if shown else plan.query)
        if not shown:  # "nobody sings and nobody dances": the whole is negated as well
            plan = replace(plan, query=linker.join(one.descriptions[0] for one in events), negated=True)
    else:
        plan = replace(plan, paraphrases=(linker.join(texts[0] for texts in described),))
    return replace(
        plan,
        sub_events=tuple(events),
        relation=event.relation,
        **(_asks(asked) if all(map(_asked_in, event.parts)) else {}),
    )


def _asked_in(event: Event) -> list[Asked]:
    return [word.asked for word in event.words if word.asked is not None]


def _asks(asked: Sequence[Asked]) -> dict[str, Any]:
    """The fields of a Plan or SubEvent in which these words are said or written."""
    named = {one.asks for one in asked if one.asks}
    return {"asks": named.pop() if len(named) == 1 else "", "words": " ".join(one.words for one in asked)}
