"""What an event says is not there: "no people", "nobody dances", "a man without a hat", "the street is empty of cars".

An encoder finds people for "no people". So the event is cut into what is there and what is not; the texts of what is
not there say the positive, and its curve is inverted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from . import lexicon
from .lexicon import word_set
from .phrases import Word, is_plural, join, predicate, until_break

_NOBODY = word_set("nobody no-one noone none")
_NEGATED_AUX = {
    "isn't": "is", "aren't": "are", "wasn't": "is", "weren't": "are", "doesn't": "does", "don't": "do", "didn't": "did",
    "can't": "can", "cannot": "can", "won't": "will", "hasn't": "has", "haven't": "have", "hadn't": "had",
    "couldn't": "can", "wouldn't": "will", "shouldn't": "should",
}  # fmt: skip
_DO = word_set("do does did can will would could should may might must")
_EXCEPT = word_set("except excluding")
_ELSEWHERE = (("apart", "from"), ("other", "than"), ("with", "exception"), ("aside", "from"))
_EMPTY_OF = word_set("empty free devoid void bare clear")
_HAVING = word_set("wear have hold carry contain show use")
# After "is not": the thing itself is not there.
_BEING_THERE = (
    "there", "here", "visible", "present", "in sight", "in the picture", "in the frame", "in the scene", "in the shot",
    "in view", "in the video", "on screen", "on the screen", "shown", "seen", "around", "to be seen", "in the image",
)  # fmt: skip
_NO_MATTER = (  # words after which "no" and "not" say nothing of what is there
    ("no", "matter"), ("no", "doubt"), ("not", "only"), ("not", "just"), ("no", "longer"),
    ("no", "sooner"), ("no", "smoking"), ("no", "parking"), ("no", "entry"), ("no", "trespassing"), ("or", "not"),
    ("no", "."), ("if", "not"), ("not", "to"), ("no", "to"),
)  # fmt: skip
_IS_NEGATIVE = word_set("not no never nobody nothing none neither nor without noone no-one") | set(_NEGATED_AUX)
_HIDDEN_PARTS = word_set("on in off")  # "without a hat on"
PEOPLE = "people"
_ANYBODY = word_set("people someone somebody anyone anybody")
_AT = word_set("in on at inside")
_THAT_PLACE = word_set("the this that his her their our my")


class Parts(NamedTuple):
    """What is there, and what is not, each as the words of an event; `notes` say what was not understood."""

    there: tuple[Word, ...]
    absent: tuple[tuple[Word, ...], ...]
    notes: tuple[str, ...] = ()


def cut_out(words: Sequence[Word]) -> Parts:
    """The positive and the negated parts of one event; without a negation all of it is there."""
    words, notes = _without_exception(tuple(words))
    if not any(_is_negative(words, i) for i in range(len(words))) and not _empty_of(words):
        return Parts(words, (), notes)
    for rule in (_whole, _by_verb, _described, _missing):
        found = rule(words)
        if found is not None:
            there, absent = found
            left = [there[i].text for i in range(len(there)) if _is_negative(there, i)]
            left += [part[i].text for part in absent for i in range(len(part)) if _is_negative(part, i)]
            return Parts(there, absent, (*notes, *_not_understood(left)))
    return Parts(words, (), (*notes, *_not_understood([w.text for i, w in enumerate(words) if _is_negative(words, i)])))


_Found = tuple[tuple[Word, ...], tuple[tuple[Word, ...], ...]]


def _not_understood(texts: Sequence[str]) -> tuple[str, ...]:
    return (f'"{texts[0]}" is not understood as a negation: what it denies may be found',) if texts else ()


def _is_negative(words: Sequence[Word], place: int) -> bool:
    word = words[place]
    if word.asked is not None or word.low not in _IS_NEGATIVE:
        return False
    following = words[place + 1].low if place + 1 < len(words) else ""
    if word.low == "no" and following == "longer":
        return True
    before = words[place - 1].low if place else ""
    helped = before in ("can", "can't", "cannot", "could", "couldn't") or word.low in ("can't", "cannot")
    if helped and following in ("stop", "help"):
        return False
    return not ((word.low, following) in _NO_MATTER or (before, word.low) in _NO_MATTER)


def _without_exception(words: tuple[Word, ...]) -> tuple[tuple[Word, ...], tuple[str, ...]]:
    for i, word in enumerate(words):
        two = (word.low, words[i + 1].low if i + 1 < len(words) else "")
        if word.asked is None and i > 0 and (word.low in _EXCEPT or two in _ELSEWHERE):
            end = next((j for j in range(i, len(words)) if words[j].low == ","), len(words))
            note = f'"{join(words[i:end])}" is not understood and not used'
            return (*words[:i], *words[end:]), (note,)
    return words, ()


def _whole(words: tuple[Word, ...]) -> _Found | None:
    """ "No people", "nobody dances", "there is no dog", "not wearing a hat", "without people"."""
    lows = [w.low for w in words]
    start = 0
    if lows[:1] in (["there"], ["there's"], ["we"], ["you"]):
        start = next((i for i in range(1, min(4, len(lows))) if words[i].kind in ("aux", "verb")), 0) + 1
        if lows[0] == "there's":
            start = 1
        if start < len(words) and lows[start - 1] in _NEGATED_AUX and lows[start : start + 1] != ["no"]:
            return (), (_something(words[start:]),)
        if start < len(words) and lows[start - 1].endswith("n't"):
            return None
    elif lows[0] in ("with", "only") and len(lows) > 1:
        start = 1
    elif lows[0] in _NEGATED_AUX and len(words) > 1:  # "isn't wearing a hat"
        return (), (words[1:],)
    if start >= len(words):
        return None
    first, rest = lows[start], words[start + 1 :]
    if first == "without":
        comma = next((i for i, w in enumerate(words) if w.low == ","), None)
        if comma is not None and comma + 1 < len(words):
            return words[comma + 1 :], (_something(words[start + 1 : comma]),)
        return ((), _each(rest)) if rest else None
    if first in ("not", "never"):
        return ((), (_something(rest),)) if rest else None
    if first in _NOBODY or (first == "no" and rest and rest[0].low == "one"):
        rest = rest[1:] if first == "no" else rest
        if rest and rest[0].low == "of":
            return None
        return (), (_with_subject("someone", PEOPLE, rest),)
    if first == "nothing":
        return (), (_with_subject("something", "something", rest),)
    if first == "neither" and any(w.low == "nor" for w in rest):
        return (), _each(rest)
    if first == "no" and rest and _is_negative(words, start):
        rest = rest[1:] if rest[0].low == "more" and len(rest) > 1 else rest
        if len(each := _each(rest)) > 1:
            return (), each
        noun = next((w for w in rest if w.kind in ("noun", "verb")), rest[0])
        singular = predicate(until_break(rest)) is not None and noun.kind == "noun" and not is_plural(noun)
        article = Word("an" if rest[0].low[0] in "aeiou" else "a", "det")
        return (), ((article, *rest) if singular else tuple(rest),)
    return None


def place_of(words: Sequence[Word]) -> tuple[tuple[Word, ...], tuple[Word, ...]] | None:
    """What is not at a place, and the place: "cars on the road", "someone is in the room"; None where none is named.

    The place is there: a picture of it without cars is what is looked for, and one of anything else is not.
    """
    for i in range(1, len(words) - 2):
        if words[i].low in _AT and words[i + 1].low in _THAT_PLACE and words[-1].kind == "noun":
            thing = words[: i - 1] if words[i - 1].low in lexicon.FINITE_BE else words[:i]
            named = all(w.kind in ("det", "adj", "noun") for w in thing) or (
                len(thing) == 1 and thing[0].low in _ANYBODY
            )
            if thing and named and all(w.kind in ("det", "adj", "noun", "prep") for w in words[i + 1 :]):
                thing = (Word(PEOPLE, "noun"),) if len(thing) == 1 and thing[0].low in _ANYBODY else tuple(thing)
                return thing, tuple(words[i + 1 :])
    return None


def _each(words: Sequence[Word]) -> tuple[tuple[Word, ...], ...]:
    """The things in "cars and no people", "cars or people", "cars nor people"; one where it is no such list."""
    if any(w.kind in ("verb", "aux", "rel") for w in words):
        return (_something(words),)
    parts: list[list[Word]] = [[]]
    for word in words:
        if word.low in ("and", "or", "nor", ",") and parts[-1]:
            parts.append([])
        elif word.low not in ("no", "without", "and", "or", "nor", ","):
            parts[-1].append(word)
    return tuple(_something(part) for part in parts if part)


def _with_subject(someone: str, alone: str, rest: Sequence[Word]) -> tuple[Word, ...]:
    """ "Nobody dances" -> "someone dances"; "nobody", "nobody is left" -> "people"; "nobody in sight"."""
    after = join([w for w in rest if w.low not in lexicon.FINITE_BE and w.low not in ("else", "at", "all")])
    if not rest or after in ("", "left", "remains", *_BEING_THERE):
        return (Word(alone, "noun"),)
    if predicate(rest) is not None and rest[0].kind not in ("prep", "det", "noun"):
        return (Word(someone, "pron"), *rest)
    return (Word(alone, "noun"), *rest)


def _something(words: Sequence[Word]) -> tuple[Word, ...]:
    """The words without "any"; "anyone" alone means people."""
    lows = [w.low for w in words]
    words = tuple(words)
    if lows[:1] == ["any"] and len(words) > 1:
        return words[1:]
    if lows[:1] and lows[0] in ("anyone", "anybody", "people", "someone", "somebody"):
        return (Word(PEOPLE, "noun"), *words[1:])
    return (Word("something", "noun"), *words[1:]) if lows[:1] == ["anything"] else words


def _by_verb(words: tuple[Word, ...]) -> _Found | None:
    """ "The man is not smiling", "she never looks up", "the dog isn't there"."""
    place = next((i for i in range(len(words)) if _negates_verb(words, i)), None)
    if place is None or any(w.kind == "rel" for w in words[:place]):
        return None
    helper = place - 1 if place and words[place - 1].kind == "aux" else None
    long = 2 if [w.low for w in words[place : place + 2]] == ["no", "longer"] else 1
    if words[place].low in _NEGATED_AUX:
        helper, text = place, _NEGATED_AUX[words[place].low]
    else:
        text = words[helper].low if helper is not None else ""
    subject = words[: place if helper is None else helper]
    rest = words[place + long :]
    own = predicate(subject)
    if not rest or (own is not None and own.finite):  # "he smiles because the ball did not go in"
        return None
    while rest[0].low in ("any", "longer", "more", "ever") and len(rest) > 1:
        rest = rest[1:]
    if text in _DO:
        verb = rest[0]
        if lexicon.verb_forms(verb.low) is None:
            return None
        base = lexicon.verb_forms(verb.low).base  # type: ignore[union-attr]
        form = "base" if text == "do" else "s"
        if text not in ("do", "does") and subject and is_plural(subject[-1]):
            form = "base"
        rest = (replace(verb, text=lexicon.inflect(base, form), kind="verb", verb=base, form=form), *rest[1:])  # type: ignore[arg-type]
        text = ""
    positive = (*subject, *((Word(text, "aux"),) if text else ()), *rest)
    if not subject or (len(subject) == 1 and subject[0].kind == "pron"):
        return (), (positive,)
    after = join(rest).removesuffix(" any more").removesuffix(" anymore")
    if after in _BEING_THERE or after in ("appears", "appear", "exists"):
        return (), (subject,)
    return subject, (_owned(rest) or positive,)


def _negates_verb(words: Sequence[Word], place: int) -> bool:
    word = words[place]
    if not _is_negative(words, place):
        return False
    if word.low in _NEGATED_AUX:
        return True
    if word.low == "never":
        return True
    if word.low == "no":
        return place + 1 < len(words) and words[place + 1].low == "longer"
    return word.low == "not" and place > 0 and words[place - 1].kind == "aux"


def _owned(rest: Sequence[Word]) -> tuple[Word, ...] | None:
    """What somebody does not wear, have or hold."""
    form = lexicon.verb_forms(rest[0].low) if rest else None
    if form is None or form.base not in _HAVING or len(rest) < 2:
        return None
    thing = _something(rest[1:])
    return thing[:-1] if len(thing) > 1 and thing[-1].low in _HIDDEN_PARTS else thing


def _described(words: tuple[Word, ...]) -> _Found | None:
    """ "A man who is not smiling", "a boy not wearing a helmet": the rest of the event is there."""
    for i in range(1, len(words)):
        if not _is_negative(words, i) or words[i].low in ("no", "without", "nobody", "nothing"):
            continue
        rel = next((j for j in range(i - 1, 0, -1) if words[j].kind == "rel"), None)
        if rel is None and not (
            words[i].low == "not" and i + 1 < len(words) and words[i + 1].form in ("ing", "participle")
        ):
            continue
        start = i if rel is None else rel
        end = _end_of_verb_phrase(words, i + 1)
        who = words[:start]
        if rel is None:
            verb = words[i + 1 : end]
            return (*who, *words[end:]), (_owned(verb) or (*who, *verb),)
        clause = (*_last_noun_phrase(who), *words[rel + 1 : end])
        clause = tuple(replace(w, relative=False) for w in clause)
        found = _by_verb(clause)
        if found is not None:
            return (*who, *words[end:]), found[1]
    return None


def _last_noun_phrase(words: Sequence[Word]) -> tuple[Word, ...]:
    """What a relative clause is about: the noun before it, with its article and adjectives."""
    for i in range(len(words) - 1, -1, -1):
        if words[i].kind not in ("det", "adj", "noun") or (words[i].kind == "det" and i < len(words) - 1):
            return tuple(words[i if words[i].kind in ("det", "pron") else i + 1 :])
    return tuple(words)


def _end_of_verb_phrase(words: Sequence[Word], start: int) -> int:
    """Where a verb phrase in a noun phrase ends: before the next finite verb, a comma or a conjunction."""
    for i in range(start + 1, len(words)):
        word = words[i]
        finite = word.kind == "aux" or (word.kind == "verb" and word.form in ("s", "base", "past"))
        if word.kind in ("punct", "conj") or (finite and not word.relative):
            return i
    return len(words)


def _missing(words: tuple[Word, ...]) -> _Found | None:
    """ "A man without a hat", "a table with no food", "wears no shoes", "the street is empty of cars"."""
    place = _empty_of(words)
    if place:
        there = words[: place - 1] if words[place - 1].kind == "aux" else words[:place]
        end = _end_of_noun_phrase(words, place + 2)
        return (*there, *words[end:]), (_something(words[place + 2 : end]),)
    for i in range(1, len(words)):
        low = words[i].low
        if not _is_negative(words, i) or low not in ("without", "no", "nobody", "nothing", *_NOBODY):
            continue
        before = words[i - 1]
        end = _end_of_noun_phrase(words, i + 1)
        if low in ("without", "no") and end < len(words) - 1 and words[end].low in ("or", "nor", "and"):
            last = _end_of_noun_phrase(words, end + 1)
            if not any(w.kind in ("verb", "aux") for w in words[end + 1 :]):
                end = last
        if low == "without":
            thing, start = words[i + 1 : end], i
        elif before.low == "with" or before.verb in _HAVING or before.low in ("has", "have", "had", "with"):
            thing, start = words[i + 1 : end], i - 1
            if low in ("nobody", "nothing", *_NOBODY) or (thing and thing[0].low == "one"):
                people = low not in ("nothing",)
                thing = (Word(PEOPLE if people else "something", "noun"), *thing[1 if low == "no" else 0 :])
                thing = tuple(w for w in thing if w.low not in ("in", "on", "it", "there"))
            elif start > 0 and words[start - 1].kind == "aux":
                start -= 1
        else:
            continue
        there = (*words[:start], *words[end:])
        if end < len(words) and words[end].low in _HIDDEN_PARTS and end == len(words) - 1:
            there = words[:start]
        if thing and there:
            return there, _each(thing)
    return None


def _empty_of(words: Sequence[Word]) -> int | None:
    """The place of "empty" in "is empty of cars"."""
    for i in range(1, len(words) - 2):
        if words[i].low in _EMPTY_OF and words[i + 1].low == "of":
            own = predicate(words[:i])
            return i if own is None or own.start == i - 1 else None  # not "cuts a tree free of a net"
    return None


def _end_of_noun_phrase(words: Sequence[Word], start: int) -> int:
    for i in range(start, len(words)):
        word = words[i]
        ends = word.kind in ("verb", "aux", "rel", "conj", "punct", "inf") and not (word.form == "ing" and i == start)
        if ends or (word.kind == "prep" and word.low not in ("of",) and i > start):
            return i
    return len(words)
