"""A compound query cut into its events: clauses, coordinated verbs and participles, and how they follow in time."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ...types import Relation
from . import connectives, lexicon
from .phrases import (
    Predicate,
    Word,
    is_animate,
    is_under_way,
    lasts,
    predicate,
    starts_clause,
    starts_subject,
)
from .verb_phrases import coordinated, fronted_participle, participle, run_on, with_absolute


@dataclass(frozen=True, slots=True)
class Event:
    """A part of a query: one simple event (no parts), or several in the order in which they happen.

    `explicit`: a word such as "then" or "while" gives the relation, not only an "and" or a participle.
    """

    words: tuple[Word, ...]
    parts: tuple[Event, ...] = ()
    relation: Relation = "single-query"
    explicit: bool = False


_NOT_AS = lexicon.word_set(
    """such same dressed known well so disguised used serve serves served works work act acts acting"""
)
_DANGLING = lexicon.word_set("and but then or , ; . ! ? : – — -")


def split(words: Sequence[Word]) -> Event:
    """The event, or the tree of events, that a tagged query describes."""
    words = _trim(words)
    if not words:
        return Event(())
    rules: tuple[Callable[[tuple[Word, ...]], Event | None], ...] = (
        _sentences,
        _no_sooner,
        _parenthetical,
        lambda w: _fronted(w, "before") or _fronted(w, "after"),
        lambda w: _linked(w, connectives.EARLIER, "sequentially", reverse=True),
        lambda w: _linked(w, connectives.FOLLOWED, "sequentially"),
        lambda w: _linked(w, connectives.THEN, "sequentially"),
        lambda w: _linked(w, connectives.LATER, "sequentially"),
        lambda w: _medial(w, "before") or _medial(w, "after"),
        lambda w: _linked(w, connectives.TOGETHER, "simultaneously"),
        lambda w: _fronted(w, "while") or _fronted(w, "when"),
        lambda w: _medial(w, "while") or _medial(w, "when"),
    )
    for rule in rules:
        found = rule(words)
        if found is not None:
            return found
    for find in (fronted_participle, coordinated, with_absolute, participle, run_on):
        cut = find(words)
        if cut is not None:
            return Event(words, tuple(map(split, cut.parts)), cut.relation)
    return Event(words)


def starts_subordinate(words: Sequence[Word]) -> bool:
    """Whether the words start with a subordinate clause ("before he sits down, ...")."""
    return any(pattern.match(_line(words) + " ") for pattern in connectives.FRONTED.values())


def flatten(event: Event) -> Event:
    """The same event with one level of parts.

    Events that follow each other inside a sequence become its parts; events at the same time stay one part, and so does
    everything inside them.
    """
    if not event.parts:
        return event
    parts: list[Event] = []
    for part in map(flatten, event.parts):
        same = part.parts and part.relation == event.relation
        if same and (event.relation == "sequentially" or part.explicit):
            parts.extend(part.parts)
        else:
            parts.append(Event(part.words))
    return Event(event.words, tuple(parts), event.relation, event.explicit)


def _pair(words: tuple[Word, ...], first: Sequence[Word], second: Sequence[Word], relation: Relation) -> Event:
    return Event(words, (split(first), split(second)), relation, explicit=True)


def _trim(words: Sequence[Word]) -> tuple[Word, ...]:
    words = list(words)
    while words and words[0].low in _DANGLING:
        words.pop(0)
    while words and words[-1].low in _DANGLING:
        words.pop()
    match = connectives.OPENING.match(_line(words) + " ")
    if match:
        rest = words[_count(match.group()) :]
        if rest and (
            match.group().rstrip().endswith(",") or starts_subject(rest) or (predicate(rest) or _NOWHERE).start == 0
        ):
            return _trim(rest)
    return tuple(words)


_NOWHERE = Predicate(-1, -1, False)


def _line(words: Sequence[Word]) -> str:
    """The words in lower case, blanks between them; a quoted passage becomes one word that matches no pattern."""
    return " ".join(re.sub(r"\s+", "_", word.low) for word in words)


def _count(text: str) -> int:
    return len(text.split())


def _cut(words: tuple[Word, ...], match: re.Match[str]) -> tuple[tuple[Word, ...], tuple[Word, ...]]:
    before = _count(match.string[: match.start()])
    return words[:before], words[before + _count(match.group()) :]


def _sentences(words: tuple[Word, ...]) -> Event | None:
    for match in connectives.SENTENCE.finditer(_line(words)):
        first, second = _cut(words, match)
        if not _contentful(first) or not _contentful(second):
            continue
        line = "x " + _line(second) + " "
        if connectives.TOGETHER.match(line, 2) or connectives.EARLIER.match(line, 2):
            return None  # its own rule reads the punctuation too
        return _pair(words, first, second, "sequentially")
    return None


def _no_sooner(words: tuple[Word, ...]) -> Event | None:
    """ "No sooner had the man sat down than the dog barked"."""
    line = _line(words)
    match = connectives.NO_SOONER.search(line)
    if not match:
        return None
    linker = " than " if match.group() == "no sooner" else " when "
    before, found, after = line[match.end() :].partition(linker)
    if not found:
        return None
    start = _count(line[: match.start()])
    middle = start + _count(match.group())
    first = words[:start] + words[middle : middle + _count(before)]
    return _pair(words, first, words[-_count(after) :], "sequentially")


def _linked(
    words: tuple[Word, ...], pattern: re.Pattern[str], relation: Relation, *, reverse: bool = False
) -> Event | None:
    line = _line(words) + " "
    for match in pattern.finditer(line):
        first, second = _cut(words, match)
        link = match.group().split()
        if not _contentful(first) or not _contentful(second):
            continue
        bare = link[0] not in ("and", "but", ",", ";", ".", "–", "—", "-", "is", "are")
        has_verb = predicate(first) is not None
        if pattern is connectives.FOLLOWED:
            alone = any(map(is_animate, second)) and predicate(second) is None
            if alone or (
                bare and has_verb and not any(w.kind == "verb" for w in second) and any(map(is_animate, second))
            ):
                continue  # "a man walks in followed by a dog": in space, not in time
        elif bare and not has_verb:
            continue  # "the man then opens the door"
        elif (bare and (first[-1].kind == "aux" or first[-1].low in ("since", "by", "until", "now", "if", "back"))) or (
            pattern is connectives.LATER and not (starts_clause(second) or _starts_verb_phrase(second))
        ):
            continue
        return _pair(words, *((second, first) if reverse else (first, second)), relation)
    if relation == "simultaneously" and line.rstrip().endswith("at the same time"):
        return _together_at_end(words)
    return None


def _together_at_end(words: tuple[Word, ...]) -> Event | None:
    """ "the man sings and the woman dances at the same time"."""
    found = split(words[:-4])
    if len(found.parts) < 2:
        return None
    return Event(words, found.parts, "simultaneously", True)


def _fronted(words: tuple[Word, ...], name: str) -> Event | None:
    """ "After he sits down, the man reads"."""
    match = connectives.FRONTED[name].match(_line(words) + " ")
    if not match:
        return None
    skipped = _count(match.group())
    border = _main_clause(words, skipped, gerund_only=match.group() in ("having", "on", "following"))
    if border is None:
        return None
    clause, main = words[skipped:border], words[border:]
    if name == "when":
        return _when(words, clause, main, fronted=True)
    if name == "while":
        return _pair(words, clause, main, "simultaneously")
    if name == "before" and not match.group().startswith("by the time"):
        return _pair(words, main, clause, "sequentially")
    return _pair(words, *((main, clause) if name == "before" else (clause, main)), "sequentially")


def _main_clause(words: tuple[Word, ...], skipped: int, *, gerund_only: bool) -> int | None:
    """Where the main clause starts after a fronted subordinate one; None where there are no two clauses."""
    weak = None
    for i in range(skipped + 1, len(words) - 1):
        clause, rest = words[skipped:i], _trim(words[i:])
        if words[i].low != "," or not rest or not _subordinate(clause, gerund_only=gerund_only):
            continue
        if starts_clause(rest):
            return i + 1
        if weak is None and (predicate(rest) is not None and not _is_list_item(rest, clause)):
            weak = i + 1
    if weak is not None:
        return weak
    if any(w.low == "," for w in words):
        return None
    for i in range(skipped + 2, len(words) - 1):
        rest = words[i:]
        before = words[i - 1]
        bare = rest[0].kind == "noun" and before.kind in ("verb", "prep")  # "after the rain stops people ..."
        opens = bare or (rest[0].kind in ("det", "pron") and before.kind not in ("prep", "det", "adj", "conj", "inf"))
        if opens and starts_clause(rest):
            clause = words[skipped:i]
            if _subordinate(clause, gerund_only=gerund_only) and not any(
                w.kind == "conj" for w in rest[: _start(rest)]
            ):
                return i
    return None


def _is_list_item(rest: Sequence[Word], clause: Sequence[Word]) -> bool:
    """Whether a comma is followed by one more of the clause's gerunds ("after opening the door, taking a cup, ...")."""
    found, own = predicate(rest), predicate(clause)
    return found is not None and own is not None and not found.finite and not own.finite and found.start == 0


def _start(words: Sequence[Word]) -> int:
    found = predicate(words)
    return found.start if found else len(words)


def _subordinate(words: Sequence[Word], *, gerund_only: bool = False) -> bool:
    """Whether what follows "before", "while" ... is an event: a clause, or a verb phrase with its -ing form."""
    words = _trim(words)
    found = predicate(words)
    if found is None:
        return False
    if words[0].low == "there" and found.start == 1:
        return True
    if found.start == 0 or all(w.kind == "adv" for w in words[: found.start]):
        return words[found.verb].form != "s"
    return found.finite and not gerund_only and starts_clause(words)


def _medial(words: tuple[Word, ...], name: str) -> Event | None:
    """ "The man reads after he sits down"."""
    for match in connectives.MEDIAL[name].finditer(_line(words) + " "):
        main, clause = _cut(words, match)
        link = match.group().removeprefix(", ")
        if predicate(main) is None or not _subordinate(clause) or main[-1].low in ("for", "a"):
            continue
        finite = (predicate(clause) or _NOWHERE).finite
        if link == "as" and (main[-1].low in _NOT_AS or clause[0].low in ("if", "though", "well") or not finite):
            continue
        if link in ("throughout", "during", "following", "in the middle of") and finite:
            continue
        if link in ("in the process of", "directly") and finite != (link == "directly"):
            continue
        if link == "once" and not finite:
            continue
        if name == "after" and main[-1].low in ("look", "looks", "looking", "named", "one", "day", "time"):
            continue
        if name == "when":
            return _when(words, clause, main, fronted=False)
        if name == "while":
            return _pair(words, main, clause, "simultaneously")
        if name == "before":
            return _pair(words, main, clause, "sequentially")
        return _put_before_last(words, split(clause), split(main))
    return None


def _put_before_last(words: tuple[Word, ...], first: Event, main: Event) -> Event:
    """ "A, B and C after X": X comes just before C."""
    if main.relation == "sequentially":
        *earlier, last = main.parts
        tail = _put_before_last(main.words, first, last)
        return Event(words, (*earlier, tail), "sequentially", True)
    return Event(words, (first, main), "sequentially", True)


def _parenthetical(words: tuple[Word, ...]) -> Event | None:
    """ "The man, after tying his shoes, stands up": the same with the inserted clause in front."""
    commas = [i for i, w in enumerate(words) if w.low == ","]
    if len(commas) < 2 or commas[0] == 0 or predicate(words[: commas[0]]) is not None:
        return None
    inserted, rest = words[commas[0] + 1 : commas[1]], words[commas[1] + 1 :]
    found = predicate(inserted)
    smiling = (
        found is not None and found.start == 0 and not found.finite and inserted[0].verb not in lexicon.DESCRIPTIVE
    )
    if not (smiling or starts_subordinate(inserted)) or predicate(rest) is None:
        return None
    return split((*inserted, words[commas[1]], *words[: commas[0]], *rest))


def _when(words: tuple[Word, ...], clause: Sequence[Word], main: Sequence[Word], *, fronted: bool) -> Event:
    """ "X when Y": Y comes first and causes X, unless one is the other's background or both go on."""
    if is_under_way(clause) or is_under_way(main) or (lasts(clause) and lasts(main)):
        return _pair(words, *((clause, main) if fronted else (main, clause)), "simultaneously")
    return _pair(words, clause, main, "sequentially")


def _contentful(words: Sequence[Word]) -> bool:
    return any(w.kind in ("noun", "verb", "adj", "pron", "det", "object", "comp") for w in words)


def _starts_verb_phrase(words: Sequence[Word]) -> bool:
    found = predicate(words)
    return found is not None and all(w.kind == "adv" for w in words[: found.start])
