"""What a query says beside what it looks for: "please find the part where ...", "how many times does ...?", hashtags.

A query is read as a request only where its words are those of one; every other query stays as it is.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from ...types import Wants
from . import lexicon
from .questions import ASKING, statement
from .quotations import quotations
from .request_patterns import (
    AGAIN,
    BARE_SCENE,
    COMMON,
    DOES,
    ENDING,
    EVERY,
    FRAME_WORDS,
    HAPPENS,
    HASHTAG,
    HOW_MANY,
    LENGTH,
    NEXT_CLAUSE,
    NOT_COUNTED,
    NUMBER,
    ORDINAL_END,
    ORDINAL_NOUN,
    ORDINAL_TIME,
    PLACE,
    POLITE,
    POLITE_END,
    REQUEST,
    SCENE,
    SCENE_CLAUSE,
    SUBJECTS,
    SURE_REQUEST,
    TAIL_VIDEO,
    TAKES,
    UNTIL,
    WHAT,
    WHEN,
    WHO,
    YOU,
)

_LONGEST = 600  # characters of a query that is read as a request
_FIRST_HIDDEN = 0xE100  # private characters that stand for quotations


class Request(NamedTuple):
    """What a query looks for, what it wants of it, and what of its words is not used.

    `text`: the event as a statement. `is_reworded`: whether that is something else than the query.
    """

    text: str
    wants: Wants = "moments"
    notes: tuple[str, ...] = ()
    is_reworded: bool = False


def read_request(query: str) -> Request:
    """What an English query looks for, and what it wants of it."""
    text = " ".join(query.split())
    if len(text) > _LONGEST:
        return Request(query)
    quoted = quotations(text)
    for number, one in reversed(list(enumerate(quoted))):
        text = text[: one.start] + chr(_FIRST_HIDDEN + number) + text[one.end :]
    found = _read(_plain(text))
    if not found.is_reworded:
        right = _corrected(text)
        if right != text and (again := _read(_plain(right))).is_reworded:
            found = again
    if not found.is_reworded and _plain(text) == text:
        return Request(query, notes=found.notes)
    shown = found.text
    for number, one in enumerate(quoted):
        shown = shown.replace(chr(_FIRST_HIDDEN + number), " ".join(query.split())[one.start : one.end])
    return found._replace(text=shown, is_reworded=True) if shown.strip() else Request(query)


def two_clauses(text: str) -> bool:
    """Whether a comma is followed by what is rather a clause of its own ("the moment he sits down, the man reads")."""
    return NEXT_CLAUSE.search(text) is not None


def _plain(text: str) -> str:
    """Without hashtags, shouting and marks that say nothing."""
    if HASHTAG.search(text):
        text = HASHTAG.sub(lambda tag: " " + re.sub(r"(?<=[a-z])(?=[A-Z])|[_-]", " ", tag[1]) + " ", text)
        text = " ".join(text.split()).lower()
    text = YOU.sub(r"\1 you ", text)
    letters = [ch for ch in text if ch.isalpha()]
    if len(letters) > 8 and " " in text and all(ch.isupper() for ch in letters):
        text = text.lower()
    return re.sub(r"\s*(?:[?!]{2,}|\.{2,}[\s?!.]*|[?!](?:\s*[?!])+)$", "", text) or text


def _read(text: str) -> Request:
    notes: list[str] = []
    body = ENDING.sub("", text)
    asks = text.rstrip().endswith("?")
    start, wants = body, "moments"
    is_request = False
    for _ in range(6):  # "please", "can you", "find", "the part where", ...
        before = body
        while (polite := POLITE_END.sub("", POLITE.sub("", body))) != body:
            body = polite
        if found := HAPPENS.match(body) or DOES.match(body):
            notes.append(f"what happens {found['link']} it is not answered: the moments are those of what is named")
            body = body[found.end() :]
        elif found := NUMBER.match(body):
            wants, body = "number", _said(body[found.end() :])
        elif found := UNTIL.match(body):
            wants, body = "time until", _said(body[found.end() :])
        elif found := LENGTH.match(body):
            if asked := _length(body[found.end() :]):
                wants, body = "length", asked
        elif (found := HOW_MANY.match(body)) and body[found.end() :] != "times":
            body, wants = _how_many(body[found.end() :], notes)
        elif (found := EVERY.match(body)) and (is_request or not two_clauses(body)):
            body = body[found.end() :]
        elif (found := ORDINAL_TIME.match(body)) and (is_request or not two_clauses(body)):
            notes.append(_unused(found["which"] + " time"))
            body = body[found.end() :]
        elif found := WHEN.match(body):
            body = _when(body, found, is_request)
        elif (found := SCENE.match(body) if is_request else BARE_SCENE.match(body)) or (
            not two_clauses(body) and (found := SCENE_CLAUSE.match(body))
        ):
            body = body[found.end() :]
        elif (found := REQUEST.match(body)) and (rest := _requested(body, found)):
            is_request, body = True, rest
        elif found := WHO.match(body):
            body = _who(body, found)
        elif (found := WHAT.match(body)) and (asks or body[found.end() :].split(" ")[0].lower() in ASKING | {"'s"}):
            if said := _what(body, found):
                notes.append(
                    f'a question with "{found["word"].lower()}" is not answered: the moments are those of what is named'
                )
                body = said
        elif body.split(" ")[0].lower().replace("’", "'") in ASKING and (said := statement(body)):
            body = said
        if body == before:
            break
    reworded = body != start
    for pattern in (TAIL_VIDEO,) if reworded else ():
        body = pattern.sub("", body)
    for pattern in (PLACE, ORDINAL_END):
        if found := pattern.search(body):
            time = " time" if pattern is ORDINAL_END else ""
            notes.append(_unused(found["which"] + time))
            body, reworded = body[: found.start()], True
    for pattern in (ORDINAL_NOUN, AGAIN):
        if (found := pattern.search(body)) and found.groupdict().get("noun", "").lower() not in NOT_COUNTED:
            notes.append(_unused(found["which"]))
    return Request(body, wants, tuple(notes), reworded and bool(body.strip()))  # type: ignore[arg-type]


def _unused(words: str) -> str:
    return f'"{words.lower()}" is not used: moments are not chosen by their order or place in time'


def _said(rest: str) -> str:
    """The statement in what follows "how many times", "until" ..."""
    return statement(rest) or rest


def _length(rest: str) -> str | None:
    if takes := TAKES.match(rest):
        who = takes["who"].strip()
        return statement(f"does {SUBJECTS.get(who.lower(), who)} {takes['what']}")
    said = statement(rest)
    return re.sub(r"\s+(?:for|last)s?$", "", said) if said else None


def _how_many(rest: str, notes: list[str]) -> tuple[str, Wants]:
    """ "People are there": things, which are not counted; "goals are scored": events."""
    rest = re.sub(
        r"\s+(?:are|is|were|was)\s+(?:there|visible|shown|seen)$|\s+(?:can|do)\s+(?:you|we)\s+(?:see|count)$", "", rest
    )
    rest = re.sub(r"\s+(?:are|is|were)\s+there\s+", " ", rest)
    words = rest.lower().split()
    happens = any(
        (form := lexicon.verb_forms(word)) is not None and bool(form.forms & {"participle", "past"})
        for word in words[1:]
    )
    if happens:
        return rest, "number"
    notes.append("things in a picture are not counted: the moments show them")
    return rest, "moments"


def _when(body: str, found: re.Match[str], is_request: bool) -> str:
    rest = body[found.end() :]
    if found["short"]:
        return statement(f"is {rest}") or body
    if found["first"].lower().replace("’", "'") in ASKING:
        return statement(rest) or body
    return rest if is_request else body


def _requested(body: str, found: re.Match[str]) -> str:
    """What a verb such as "find" asks for; "" where it is rather something that is done in the video."""
    rest = body[found.end() :]
    named = SCENE.match(rest) or ORDINAL_TIME.match(rest) or EVERY.match(rest) or SCENE_CLAUSE.match(rest)
    if named or re.match(
        r"(?:when|where|whenever|if|at\s+what|at\s+which|what\s+time|how\s+(?:many|often|long))\b", rest, re.IGNORECASE
    ):
        return re.sub(r"^if\s+", "", rest)
    return rest if SURE_REQUEST.match(body) else ""


def _who(body: str, found: re.Match[str]) -> str:
    rest = body[found.end() :]
    if found["short"] or found["verb"].lower() in ("is", "are", "was"):
        described = rest if found["short"] else rest.partition(" ")[2]
        first = described.split(" ")[0].lower()
        return described if first in lexicon.DETERMINERS else f"someone is {described}"
    return f"someone {rest}"


def _what(body: str, found: re.Match[str]) -> str | None:
    rest = body[found.end() :]
    return statement(f"is {rest}" if found["short"] else rest)


def _corrected(text: str) -> str:
    """The text with slips in the words that ask ("wen does she", "shwo me") put right."""
    words = text.split(" ")
    for i, word in enumerate(words[:6]):
        low = word.lower()
        if len(low) < 2 or not low.isalpha() or _is_word(low):
            continue
        near = [right for right in FRAME_WORDS if _one_slip(low, right)]
        if near:
            words[i] = min(near, key=lambda right: (sorted(right) != sorted(low), right[0] != low[0], right))
    if len(words) > 1 and words[0].lower() == "were" and words[1].lower() in ASKING:
        words[0] = "where"
    return " ".join(words)


def _is_word(low: str) -> bool:
    return (
        low in COMMON | lexicon.DETERMINERS | lexicon.SUBJECT_PRONOUNS | lexicon.OBJECT_PRONOUNS | lexicon.PREPOSITIONS
        or low in lexicon.AUXILIARIES | lexicon.ADVERBS | lexicon.PERSONS | lexicon.MALE | lexicon.FEMALE
        or low in lexicon.ADJECTIVES
        or low in FRAME_WORDS
        or lexicon.verb_forms(low) is not None
    )


def _one_slip(wrong: str, right: str) -> bool:
    """Whether one letter is missing, added, another, or two neighbours are swapped."""
    if abs(len(wrong) - len(right)) > 1 or min(len(wrong), len(right)) < 2:
        return False
    if len(wrong) == len(right):
        differ = [i for i in range(len(right)) if wrong[i] != right[i]]
        swapped = (
            len(differ) == 2
            and differ[1] == differ[0] + 1
            and wrong[differ[0]] == right[differ[1]]
            and wrong[differ[1]] == right[differ[0]]
        )
        return (len(differ) == 1 and len(right) > 3) or swapped
    short, long = sorted((wrong, right), key=len)
    return any(long[:i] + long[i + 1 :] == short for i in range(len(long)))
