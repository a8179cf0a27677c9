"""Where one clause has several events: coordinated verbs and clauses, participles, "with ... -ing"."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ...types import Relation
from . import lexicon
from .phrases import (
    DESCRIBING_PARTICIPLES,
    Word,
    belongs_to_noun,
    is_animate,
    lasts,
    predicate,
    starts_clause,
    starts_subject,
    until_break,
)

_COMITATIVE = lexicon.word_set("dance play walk talk speak fight wrestle sing chat interact run argue sit stand")


class Cut(NamedTuple):
    """A run of words cut into parts, and how the parts follow in time."""

    parts: tuple[tuple[Word, ...], ...]
    relation: Relation


def coordinated(words: tuple[Word, ...]) -> Cut | None:
    """Clauses or verb phrases joined by "and", "but" or commas: at once if each goes on, else in their order."""
    chain = _chain(words)
    if len(chain) == 1:
        return None
    everyone_acts = all(map(starts_clause, chain))  # "the boy eats cake and the girl drinks tea"
    together = all(lasts(part, meals_last=everyone_acts) for part in chain) and all(w.low != "but" for w in words)
    return Cut(tuple(chain), "simultaneously" if together else "sequentially")


def _chain(words: tuple[Word, ...]) -> list[tuple[Word, ...]]:
    for i in range(1, len(words) - 1):
        if words[i].low not in ("and", "but", ",", "&"):
            continue
        end = i + 1
        while end < len(words) - 1 and words[end].low in ("and", "but", "also", "both", ","):
            end += 1
        if _joins(words[:i], words[end:], comma=words[i].low == "," and end == i + 1):
            return [words[:i], *_chain(words[end:])]
    return [words]


def _joins(first: Sequence[Word], second: Sequence[Word], *, comma: bool) -> bool:
    """Whether two runs of words around a conjunction are events of the same rank."""
    own = predicate(first)
    if own is None or not second:
        return False
    verb, helper = first[own.verb], first[own.start].low if first[own.start].kind == "aux" else ""
    clause = second[next((i for i, w in enumerate(second) if w.kind != "adv"), 0) :]
    found = predicate(clause)
    if found is None:
        return False
    if found.start > 0:
        if found.finite:
            past = verb.form in ("past", "participle")
            sure = clause[found.verb].form in ("s", "base") or clause[found.start].kind == "aux"
            return starts_clause(clause) and (sure or past)
        listed = first[0].low in ("there", "we", "you", "i") or not own.finite
        return listed and not comma and starts_subject(clause) and clause[found.start - 1].kind in ("noun", "pron")
    form = clause[found.verb].form
    if clause[0].kind == "aux":
        return own.finite
    if form == "s":
        return own.finite or not comma  # not "a man, wearing a hat, walks in"
    if form == "ing":
        if own.finite:
            return verb.form == "ing"
        # "a man wearing a hat and carrying a bag walks in": still inside the subject
        return not any(w.kind == "aux" or (w.kind == "verb" and w.form != "ing") for w in until_break(clause[1:]))
    if form == "base" and helper and verb.form == "participle":
        return clause[0].low == lexicon.inflect(clause[0].verb, "participle")  # "is peeled and cut"
    if form == "base":
        return verb.form == "base" and not any(w.kind in ("inf", "comp") for w in first)
    if clause[0].low in DESCRIBING_PARTICIPLES:
        return False
    return bool(helper and verb.form == "participle") or verb.form in ("past", "participle", "base") or not comma


def with_absolute(words: tuple[Word, ...]) -> Cut | None:
    """ "A man talks with his dog barking"."""
    own = predicate(words)
    if own is None:
        return None
    for i in range(own.verb + 1, len(words) - 2):
        if words[i].low != "with" or words[i - 1].verb in ("end", "start", "begin", "finish", "open", "close"):
            continue
        for j in range(i + 2, len(words)):
            word, before = words[j], words[j - 1]
            if word.kind in ("punct", "conj", "prep", "verb", "aux"):
                if (
                    word.kind == "verb"
                    and word.form == "ing"
                    and before.kind in ("noun", "object")
                    and word.verb not in lexicon.DESCRIPTIVE
                ):
                    if (
                        words[own.verb].verb in _COMITATIVE
                        and words[i - 1].kind in ("verb", "prep")
                        and is_animate(before)
                    ):
                        break
                    return Cut((words[:i], words[i + 1 :]), "simultaneously")
                break
    return None


def fronted_participle(words: tuple[Word, ...]) -> Cut | None:
    """ "Holding a cup, the man walks in": at once; "picking up the ball, he throws it": one after the other."""
    comma = next((i for i, w in enumerate(words) if w.low == ","), 0)
    own = predicate(words[:comma])
    if own is None or own.start > 0 or own.finite or not comma or not starts_clause(words[comma + 1 :]):
        return None
    relation: Relation = "simultaneously" if lasts(words[:comma]) else "sequentially"
    return Cut((words[:comma], words[comma + 1 :]), relation)


def participle(words: tuple[Word, ...]) -> Cut | None:
    """ "A man sits on the couch eating"."""
    own = predicate(words)
    if own is None:
        return None
    for i in range(own.verb + 1, len(words)):
        word, before = words[i], words[i - 1]
        if word.kind != "verb" or word.form != "ing" or word.relative or before.kind in ("aux", "adj", "det", "conj"):
            continue
        comma = before.low == ","
        after = words[i + 1].kind if i + 1 < len(words) else ""
        if before.kind == "noun" and words[i - 2].kind == "verb" and after in ("noun", "adj"):
            continue  # "wears rock climbing shoes"
        if word.verb in lexicon.DESCRIPTIVE or (before.kind == "adv" and words[i - 2].kind == "aux"):
            continue
        if not comma and before.kind == "noun" and belongs_to_noun(words, own.verb, i):
            continue
        return Cut((words[:i], words[i:]), "simultaneously")
    return None


def run_on(words: tuple[Word, ...]) -> Cut | None:
    """ "Person opens the door walks in": a second finite verb without any conjunction."""
    own = predicate(words)
    if (
        own is None
        or words[own.verb].form != "s"
        or words[own.verb].verb in lexicon.PERCEPTION | {"make", "let", "help"}
    ):
        return None
    for i in range(own.verb + 2, len(words)):
        word = words[i]
        if word.kind in ("rel", "conj"):
            return None
        if word.kind == "verb" and word.form == "s" and not word.relative:
            return Cut((words[:i], words[i:]), "sequentially")
    return None
