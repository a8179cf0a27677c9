"""Properties of a run of tagged words: where its verb is, whether it is a clause, whether the event lasts."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from . import lexicon
from .asked_words import Asked
from .lexicon import Form

Kind = Literal[
    "det", "adj", "noun", "pron", "object", "prep", "adv", "aux", "verb", "comp", "inf", "conj", "rel", "punct"
]


_HUMANS = lexicon.MALE | lexicon.FEMALE | lexicon.PERSONS
_ANIMALS = lexicon.word_set(
    """dog dogs cat cats puppy puppies kitten kittens bird birds horse horses cow cows monkey monkeys lion lions
    tiger tigers bear bears elephant elephants rabbit rabbits squirrel squirrels duck ducks fox wolf panda deer
    sheep goat goats pig pigs parrot mouse mice animal animals pet snake turtle whale dolphin shark swan goose
    geese eagle bull"""
)
# "a woman dressed in black", "a bowl filled with rice": these describe a person or thing, not an event.
DESCRIBING_PARTICIPLES = lexicon.word_set(
    """dressed filled covered called named located surrounded labeled labelled titled decorated seated made clad
    armed equipped known attached parked used shaped sized written based focused entitled"""
)
_TAKES_CLAUSE = lexicon.PERCEPTION | lexicon.word_set("keep leave get have make let help stop")
_PLACED = lexicon.word_set("sit stand lie lay hang lean rest float park stick")
_GOALS_ANYWHERE = lexicon.word_set("back into onto toward towards up down off")
_PLACES = lexicon.word_set("in through across over past")
_ATTACHED = re.compile(r"[,.;:!?%)\]'’]")
_ADDRESSING = lexicon.word_set("talk speak listen wave point")


@dataclass(frozen=True, slots=True)
class Word:
    """One word of a query, or a run of words that are said or written (`asked`).

    `verb` is its base form and `form` its inflection where `kind` is verb, comp or inf.
    """

    text: str
    kind: Kind
    verb: str = ""
    form: Form | None = None
    relative: bool = False  # the verb of a relative clause
    place: int = -1  # its number in the query, -1 for a word that we added
    asked: Asked | None = None

    @property
    def low(self) -> str:
        return self.text.lower().replace("’", "'")


@dataclass(frozen=True, slots=True)
class Predicate:
    """Where the main verb group of a run of words starts, and the place of its main verb."""

    start: int
    verb: int
    finite: bool


def join(words: Sequence[Word]) -> str:
    """The words as text again."""
    text = ""
    for word in words:
        attached = not text or (word.asked is None and _ATTACHED.match(word.text))
        text += word.text if attached else f" {word.text}"
    return text


def is_human(word: Word) -> bool:
    return word.low in _HUMANS


def is_animate(word: Word) -> bool:
    return word.low in _HUMANS or word.low in _ANIMALS or word.low in ("others", "another", "him", "her", "them")


def is_plural(word: Word) -> bool:
    """Whether a noun or pronoun takes a plural verb."""
    low = word.low
    return low in lexicon.IRREGULAR_PLURALS or (
        word.kind == "noun" and len(low) > 3 and low.endswith("s") and not low.endswith(("ss", "us", "'s", "is"))
    )


def predicate(words: Sequence[Word]) -> Predicate | None:
    """The main verb group of a run of words: finite if there is one, else the first participle, else None."""
    weak: int | None = None
    for i, word in enumerate(words):
        if word.relative or (i > 0 and words[i - 1].kind == "conj"):
            continue
        if word.kind == "aux":
            return Predicate(i, _main_verb(words, i), True)
        if word.kind == "verb" and word.form in ("s", "base"):
            return Predicate(i, i, True)
        if word.kind == "verb" and word.form in ("past", "participle") and word.low not in DESCRIBING_PARTICIPLES:
            rest = words[i + 1 :]
            if i > 0 and words[i - 1].kind != "pron" and _finite_before_break(rest):
                continue  # "eggs fried in butter lie on the plate"
            weak = i
            break
    if weak is not None:
        return Predicate(weak, weak, True)
    for i, word in enumerate(words):
        if word.kind == "verb" and word.form == "ing" and not word.relative:
            return Predicate(i, i, False)
    return None


def starts_clause(words: Sequence[Word]) -> bool:
    """Whether the words are a clause with a subject of its own and a finite verb ("the door opens")."""
    found = predicate(words)
    if found is None or not found.finite or found.start == 0:
        return False
    subject = words[: found.start]
    two = any(a.kind == "noun" and b.kind in ("det", "pron") for a, b in pairwise(subject))  # "the finish line he ..."
    return (
        starts_subject(words) and not two and not any(w.kind in ("conj", "punct") and w.low != "and" for w in subject)
    )


def starts_subject(words: Sequence[Word]) -> bool:
    """Whether the words start with a noun phrase that can be a subject."""
    first = words[0]
    if first.kind in ("det", "pron"):
        return True
    nouns = [w for w in words[:3] if w.kind in ("adj", "noun", "adv")]
    if first.kind not in ("noun", "adj", "adv") or not nouns:
        return False
    if first.text[0].isupper() or is_human(first) or first.low in lexicon.MASS_NOUNS:
        return True
    for word in words[:4]:
        if word.kind == "noun" and (is_plural(word) or is_human(word) or word.low in lexicon.MASS_NOUNS):
            return True
        if word.kind not in ("noun", "adj", "adv"):
            return False
    return False


def _main_verb(words: Sequence[Word], start: int) -> int:
    """The main verb of an auxiliary; of "is seen looking" it is "looking"."""
    main = start
    for i in range(start + 1, len(words)):
        word = words[i]
        if word.kind == "verb" and (main == start or (word.form == "ing" and words[main].verb in ("see", "show"))):
            main = i
        elif word.kind not in ("aux", "adv"):
            break
    return main


def _finite_before_break(words: Sequence[Word]) -> bool:
    for word in words:
        if word.kind in ("conj", "punct"):
            return False
        if not word.relative and (word.kind == "aux" or (word.kind == "verb" and word.form in ("s", "base"))):
            return True
    return False


def until_break(words: Sequence[Word]) -> list[Word]:
    found: list[Word] = []
    for word in words:
        if word.kind in ("conj", "punct"):
            break
        found.append(word)
    return found


def belongs_to_noun(words: Sequence[Word], verb: int, participle: int) -> bool:
    """Whether a participle describes the noun before it ("chases a dog running", "the cup standing there")."""
    noun, between = words[participle - 1], words[verb + 1 : participle]
    direct = not any(w.kind == "prep" and w.low not in ("of", *lexicon.PARTICLES) for w in between)
    if words[verb].verb in _TAKES_CLAUSE or any(w.low == "at" and is_animate(noun) for w in between):
        return True
    if any(w.kind == "rel" for w in between) or is_animate(noun):
        return True
    if words[participle].verb in _PLACED:
        return words[verb].verb not in lexicon.ACTIVITIES
    return direct and words[participle].verb in ("move", "flow", "fly", "burn", "come", "fall")


def is_under_way(words: Sequence[Word]) -> bool:
    """Whether the event is a background: "is sleeping", "is on the phone", "sits at the desk"."""
    found = predicate(words)
    if found is None:
        return False
    verb = words[found.verb]
    helped = words[found.start].low in lexicon.FINITE_BE and (verb.form == "ing" or verb.kind == "aux")
    return helped or (verb.verb in lexicon.POSTURE and lasts(words))


def lasts(words: Sequence[Word], *, meals_last: bool = False) -> bool:
    """Whether the event is a state or an activity that goes on, rather than one with an end.

    `meals_last`: whether "eats an apple" counts as going on; it has an end, but takes a while.
    """
    found = predicate(words)
    if found is None:
        return False
    word, rest = words[found.verb], words[found.verb + 1 :]
    if words[found.start].kind == "aux" and word.form == "ing" and word.verb not in lexicon.ASPECT:
        return word.verb in lexicon.ACTIVITIES | lexicon.POSTURE or not any(w.low in lexicon.GOAL_WORDS for w in rest)
    if words[found.start].kind == "aux" and word.kind == "aux":
        return True  # "is happy"
    if word.verb in lexicon.ASPECT or word.verb not in lexicon.ACTIVITIES | lexicon.POSTURE:
        return False
    acts_on = bool(rest) and rest[0].kind in ("det", "adj", "noun", "object")
    if acts_on and ((word.verb in lexicon.CONSUMPTION and not meals_last) or word.verb in _PLACED):
        return False  # "eats an apple", "hangs a picture"
    for i, other in enumerate(rest):
        if other.low not in lexicon.GOAL_WORDS or (i > 0 and other.low not in _GOALS_ANYWHERE):
            continue
        towards_somebody = word.verb in _ADDRESSING and other.low == "to"
        place = other.low in _PLACES and i < len(rest) - 1 and word.verb not in ("walk", "run")  # "swims in the lake"
        if not towards_somebody and not place:
            return False
    return True
