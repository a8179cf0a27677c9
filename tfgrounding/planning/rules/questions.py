"""A question becomes the statement that it asks about: "does she open the door" -> "she opens the door"."""

from __future__ import annotations

import re
from collections.abc import Sequence

from . import lexicon
from .phrases import DESCRIBING_PARTICIPLES

_DO = lexicon.word_set("do does did don't doesn't didn't")
_WOULD = lexicon.MODALS - _DO
_BE = lexicon.word_set("is are was were isn't aren't wasn't weren't")
_HAVE = lexicon.word_set("has have had hasn't haven't hadn't")
ASKING = _DO | _WOULD | _BE | _HAVE  # words with which a question begins
_PRESENT = {"was": "is", "were": "are", "wasn't": "isn't", "weren't": "aren't"}
_PRONOUNS = lexicon.SUBJECT_PRONOUNS | lexicon.word_set("anybody nothing one none everybody people")
_PLURAL = lexicon.IRREGULAR_PLURALS | lexicon.word_set("i you we they")
_ANYONE = {"anyone": "someone", "anybody": "someone", "anything": "something"}
_BEFORE_NOUN = lexicon.DETERMINERS | lexicon.PREPOSITIONS | lexicon.ADJECTIVES | lexicon.CONJUNCTIONS
_WATCHING = re.compile(
    r"^(?:can|could|do|did|will|would)(?:n't)?\s+(?:you|we|i|one|u)\s+(?:\w+ly\s+)?(?:see|hear|spot|watch|find|notice)\s+",
    re.IGNORECASE,
)
_THERE = re.compile(
    r"^(?:is|are|was|were)(?P<not>n't|\s+not)?\s+there(?:\s+ever|\s+still)?\s+(?:(?P<any>any|some)\s+)?(?P<rest>.+)",
    re.IGNORECASE,
)


def statement(question: str) -> str | None:
    """What a question that begins with "does", "is", "has", "can" ... asks about; None: no such question.

    Args:
        question: without a question mark, and without "when" or the like before it.
    """
    if found := _THERE.match(question):
        rest = found["rest"]
        if found["not"]:
            return f"no {rest}"
        return re.sub(r"^(?:anyone|anybody)\b", "someone" if " " in rest else "people", rest, flags=re.IGNORECASE)
    if found := _WATCHING.match(question):
        return question[found.end() :]
    words = question.split()
    first = words[0].lower().replace("’", "'") if words else ""
    if len(words) < 2 or first not in ASKING:
        return None
    negated = first.endswith("n't")
    rest = [word for word in words[1:] if word.lower() != "ever"]
    lows = [word.lower().strip(",") for word in rest]
    if not rest:
        return None
    if lows[0] == "not":
        rest, lows, negated = rest[1:], lows[1:], True
    if len(rest) >= 1 and lows[0] in _ANYONE:
        rest[0] = _ANYONE[lows[0]]
    if first in _DO | _WOULD:
        return _with_finite_verb(rest, lows, negated=negated)
    if first in _BE:
        return _with_helper(_PRESENT.get(first, first), rest, lows, _after_be(lows), needed=False)
    return _with_helper(first, rest, lows, _after_have(lows), needed=True)


def _with_finite_verb(words: list[str], lows: list[str], *, negated: bool) -> str | None:
    place = next((i for i in range(1, len(lows)) if _is_base_verb(lows, i)), None)
    if place is None:
        return None
    subject, low = words[:place], lows[place]
    plural = _is_plural(lows[:place])
    skipped = [word for word in subject if word.lower() in ("not", "never")]
    subject = [word for word in subject if word not in skipped]
    if negated or "not" in lows[:place]:
        verb = f"{'do' if plural else 'does'} not {words[place]}"
    else:
        verb = words[place] if plural else lexicon.inflect(low, "s")
        verb = " ".join([*skipped, verb])
    return " ".join([*subject, verb, *words[place + 1 :]])


def _is_base_verb(lows: Sequence[str], place: int) -> bool:
    low, before = lows[place], lows[place - 1]
    if low in lexicon.ADVERBS | lexicon.PREPOSITIONS | lexicon.PARTICLES or low.endswith("ly"):
        return False
    form = lexicon.verb_forms(low)
    if low not in ("have", "be", "do") and (form is None or form.base != low):
        return before in _PRONOUNS and place == 1
    if before in _PRONOUNS | lexicon.ADVERBS or before.endswith("ly"):
        return True
    counted = place > 1 and before in ("half", "second") and lows[place - 2] in lexicon.DETERMINERS
    if before in _BEFORE_NOUN and not counted:
        return False
    following = lows[place + 1] if place + 1 < len(lows) else ""
    later = lexicon.verb_forms(following)
    return not (lexicon.is_nouny(low) and later is not None and later.base == following)


def _after_be(lows: Sequence[str]) -> int | None:
    """Where the subject ends after "is": at a verb, an adverb or an adjective, else at a preposition."""
    if lows[0] in _PRONOUNS:
        return 1
    for i in range(1, len(lows)):
        form = lexicon.verb_forms(lows[i])
        before = lows[i - 1]
        if lows[i] in ("not", "never", "being") or (lows[i] in lexicon.ADVERBS and i > 1):
            return i
        if before in _BEFORE_NOUN and before not in lexicon.ADJECTIVES:
            continue
        if form is not None and form.forms & {"ing", "participle"} and lows[i] not in DESCRIBING_PARTICIPLES:
            return i
    for i in range(1, len(lows)):
        if lows[i] in lexicon.PREPOSITIONS | lexicon.PARTICLES and lows[i] not in ("of", "with", "like"):
            return i
        if (
            lows[i] in lexicon.ADJECTIVES
            and lows[i - 1] not in _BEFORE_NOUN
            and (i == len(lows) - 1 or lows[i + 1] in lexicon.PREPOSITIONS)
        ):
            return i
    if len(lows) > 2 and lows[0] in ("the", "this", "that", "his", "her") and lows[-1].endswith("y"):
        return len(lows) - 1  # "is the cake ready"
    return None


def _after_have(lows: Sequence[str]) -> int | None:
    for i in range(1, len(lows)):
        form = lexicon.verb_forms(lows[i])
        if lows[i] == "been" or (form is not None and "participle" in form.forms and lows[i - 1] not in _BEFORE_NOUN):
            return i
    return None


def _with_helper(
    helper: str, words: Sequence[str], lows: Sequence[str], place: int | None, *, needed: bool
) -> str | None:
    if place is None or place >= len(words):
        return None if needed or lows[0] in _PRONOUNS else " ".join(words)
    return " ".join([*words[:place], helper, *words[place:]])


def _is_plural(subject: Sequence[str]) -> bool:
    """Whether the words before a verb take its plural form."""
    if "and" in subject:
        return True
    head = ""
    for low in subject:
        if low in lexicon.PREPOSITIONS and head:
            break
        if low not in ("ever", "still", "also", "not", "never"):
            head = low
    if head in _PLURAL:
        return True
    return len(head) > 3 and head.endswith("s") and not head.endswith(("ss", "us", "'s", "is")) and len(subject) > 0
