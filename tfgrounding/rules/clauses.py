"""A compound query cut into its events: clauses, coordinated verbs and participles, and how they follow in time."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ..types import Relation
from . import connectives, lexicon
from .phrases import (
    DESCRIBING_PARTICIPLES,
    Predicate,
    Word,
    belongs_to_noun,
    is_animate,
    is_under_way,
    lasts,
    predicate,
    starts_clause,
    starts_subject,
    until_break,
)


@dataclass(frozen=True, slots=True)
class Event:
    """A stretch of a query: one simple event (no parts), or several in the order in which they happen.

    `explicit`: the relation stands in words ("then", "while"), rather than behind an "and" or a participle.
    """

    words: tuple[Word, ...]
    parts: tuple[Event, ...] = ()
    relation: Relation = "single-query"
    explicit: bool = False


_NOT_AS = lexicon.word_set(
    """such same dressed known well so disguised used serve serves served works work act acts acting"""
)
_COMITATIVE = lexicon.word_set("dance play walk talk speak fight wrestle sing chat interact run argue sit stand")
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
        _fronted_participle,
        _coordinated,
        _with_absolute,
        _participle,
        _run_on,
    )
    for rule in rules:
        found = rule(words)
        if found is not None:
            return found
    return Event(words)


def starts_subordinate(words: Sequence[Word]) -> bool:
    """Whether a subordinate clause stands first ("before he sits down, ...")."""
    return any(pattern.match(_line(words) + " ") for pattern in connectives.FRONTED.values())


def flatten(event: Event) -> Event:
    """The same event with one level of parts: events in a row join their row, things that happen together inside a row
    stay one event, and so does everything inside what happens together."""
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


def _pair(
    words: tuple[Word, ...], first: Sequence[Word], second: Sequence[Word], relation: Relation, explicit: bool = True
) -> Event:
    return Event(words, (split(first), split(second)), relation, explicit)


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
    """The words in lower case, blanks between them; a quoted passage becomes one word that no pattern meets."""
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
                continue  # "a man walks in followed by a dog": somebody behind somebody, not one event after another
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
    """Whether what follows a comma goes on with the clause's gerunds ("after opening the door, taking a cup, ...")."""
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
    """ "X when Y": Y sets X off, unless one of them is the other's background or both go on."""
    if is_under_way(clause) or is_under_way(main) or (lasts(clause) and lasts(main)):
        return _pair(words, *((clause, main) if fronted else (main, clause)), "simultaneously")
    return _pair(words, clause, main, "sequentially")


def _coordinated(words: tuple[Word, ...]) -> Event | None:
    """Clauses or verb phrases joined by "and", "but" or commas: at once if each goes on, else in their order."""
    chain = _chain(words)
    if len(chain) == 1:
        return None
    everyone_acts = all(map(starts_clause, chain))  # "the boy eats cake and the girl drinks tea"
    together = all(lasts(part, meals_last=everyone_acts) for part in chain) and all(w.low != "but" for w in words)
    return Event(words, tuple(map(split, chain)), "simultaneously" if together else "sequentially", False)


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
    """Whether two stretches of words around a conjunction are events of the same rank."""
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


def _with_absolute(words: tuple[Word, ...]) -> Event | None:
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
                    return _pair(words, words[:i], words[i + 1 :], "simultaneously", explicit=False)
                break
    return None


def _fronted_participle(words: tuple[Word, ...]) -> Event | None:
    """ "Holding a cup, the man walks in": at once; "picking up the ball, he throws it": one after the other."""
    comma = next((i for i, w in enumerate(words) if w.low == ","), 0)
    own = predicate(words[:comma])
    if own is None or own.start > 0 or own.finite or not comma or not starts_clause(words[comma + 1 :]):
        return None
    relation: Relation = "simultaneously" if lasts(words[:comma]) else "sequentially"
    return _pair(words, words[:comma], words[comma + 1 :], relation, explicit=False)


def _participle(words: tuple[Word, ...]) -> Event | None:
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
        return _pair(words, words[:i], words[i:], "simultaneously", explicit=False)
    return None


def _run_on(words: tuple[Word, ...]) -> Event | None:
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
            return _pair(words, words[:i], words[i:], "sequentially", explicit=False)
    return None


def _contentful(words: Sequence[Word]) -> bool:
    return any(w.kind in ("noun", "verb", "adj", "pron", "det", "object", "comp") for w in words)


def _starts_verb_phrase(words: Sequence[Word]) -> bool:
    found = predicate(words)
    return found is not None and all(w.kind == "adv" for w in words[: found.start])
