"""What a query wants to hear or read: words that are said ("she says ...") or written ("a sign that reads ...").

Only content counts: "a man talks to a woman" and "a sign falls" are things to see.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal, NamedTuple

from . import lexicon
from .asked_patterns import (
    ABOUT,
    BEARERS,
    CAPITALS,
    EMPTY,
    ENDS,
    GREETING,
    NOTHING,
    PERSON_AHEAD,
    PREPOSITION,
    SAID,
    SAID_PASSIVE,
    SHOWN_TEXT,
    SPEECH_AFTER,
    SPEECH_BEFORE,
    SUBJECT,
    TAIL,
    TEXTS,
    WH,
    WRITE_AFTER,
    WRITE_BEFORE,
    WRITTEN,
    Q,
)
from .quotations import HIDDEN, Quotation, hidden, quotations, without_marks

Asks = Literal["said", "written", ""]


class Asked(NamedTuple):
    """Words of a query that are said or written, and where they stand in it.

    `asks`: "" where nothing says which of the two. `words`: without quotation marks.
    """

    start: int
    end: int
    asks: Asks
    words: str


def asked_words(query: str) -> list[Asked]:
    """The words of an English query that are said or written, in order, none inside another.

    A quotation without any verb counts too: its `asks` is "".
    """
    quoted = quotations(query)
    text = hidden(query, quoted).replace("’", "'")
    found: list[Asked] = []
    for start, end, asks in sorted(_regions(text, quoted), key=lambda region: region[0]):
        if found and start < found[-1].end:
            continue
        words = " ".join(without_marks(query[start:end]).split())
        if words:
            found.append(Asked(start, end, asks, words))
    return found


def _regions(text: str, quoted: list[Quotation]) -> Iterator[tuple[int, int, Asks]]:
    taken = set()
    for start, end, asks in [*_written(text), *_said(text)]:
        if inside := [one for one in quoted if start <= one.start < end]:
            if re.search(r"\w", text[start : inside[0].start]):
                end = max(end, inside[-1].end)
            else:
                start, end = inside[0].start, inside[0].end
        taken |= {one.start for one in quoted if start <= one.start < end}
        yield start, end, asks
    for one in quoted:
        if one.start not in taken:
            yield one.start, one.end, _asks_beside(text[: one.start], text[one.end :])


def _asks_beside(before: str, after: str) -> Asks:
    """Whether a quotation is said or written, by the words around it."""
    before, after = before[-80:], after[:80]
    if WRITE_AFTER.match(after) or WRITE_BEFORE.search(before):
        return "written"
    if SPEECH_BEFORE.search(before) or SPEECH_AFTER.match(after):
        return "said"
    return ""


def _written(text: str) -> Iterator[tuple[int, int, Asks]]:
    for match in WRITTEN.finditer(text):
        groups = match.groupdict()
        finite = groups["finite"] or (
            groups["verb"] in ("reads", "says", "said", "read", "say") and not groups["relative"]
        )
        if finite and not groups["figure"] and not _is_bearer_subject(text[: match.end()]):
            continue
        end = _end_of_written(text, match.end())
        if _is_content(text[match.end() : end]):
            yield match.end(), end, "written"
    for match in SHOWN_TEXT.finditer(text):
        group = "words" if match["words"] else "with"
        if _is_content(match[group]):
            yield match.start(group), match.end(group), "written"


def _is_bearer_subject(text: str) -> bool:
    """Whether what reads or says something in a clause is a thing that can be read, and nobody who speaks."""
    for word in re.findall(r"[\w'-]+", _clause(text)):
        if word in lexicon.MALE | lexicon.FEMALE | lexicon.PERSONS or PERSON_AHEAD.fullmatch(word):
            return False
        if re.fullmatch(BEARERS, word):
            return True
    return False


def _end_of_written(text: str, start: int) -> int:
    """Where unquoted writing ends: capitals and figures run on, other words go to the next verb or preposition."""
    rest = text[start:]
    if run := CAPITALS.match(rest):
        return start + len(run.group().rstrip(" .?!,"))
    stop = re.search(
        r"[,;?!]|\.(?=\s|$)|\s(?:and|but|then|while|when|before|after|as|above|behind|next|near|hangs?|hanging"
        r"|stands?|falls?|appears?|comes?|pops?"
        r"|flash(?:es)?|is|are|was|lights?|fades?|on (?:the|a|his|her)|in (?:the|a|his|her)|over the|at the)\b",
        rest,
    )
    return start + (stop.start() if stop else len(rest.rstrip()))


def _said(text: str) -> Iterator[tuple[int, int, Asks]]:
    for match in SAID.finditer(text):
        start = match.end()
        end = _end_of_said(text, start)
        if word := re.match(
            rf"(?:the\s+)?(?:words?|phrase|line|sentence|name)\s+(?={Q}|[\w'])(?!of\b|for\b)",
            text[start:end],
            re.IGNORECASE,
        ):
            start += word.end()
        if about := ABOUT.match(text, start, end):  # "what do they say about costs"
            start = about.end()
        if text[start : start + 1] != HIDDEN:
            if greeting := GREETING.match(text[start:end]):
                end = start + greeting.end(1)
            if not _is_content(text[start:end], is_clause=text[:start].lower().endswith(" that ")):
                continue
        yield start, end, "written" if _is_text(text[: match.start()]) else "said"
    for match in SAID_PASSIVE.finditer(text):
        group = "front" if match["front"] else "middle"
        words = re.sub(
            r"^(?:(?:the\s+)?(?:words?|name|topic|subject)\s+(?:of\s+)?)", "", match[group], flags=re.IGNORECASE
        )
        if _is_content(words):
            yield match.end(group) - len(words), match.end(group), "said"


def _is_text(before: str) -> bool:
    """Whether what explains or says something is writing on screen ("a paragraph that explains ..."), and nobody."""
    words = set(re.findall(r"[\w'-]+", _clause(before)))
    is_person = words & (lexicon.MALE | lexicon.FEMALE | lexicon.PERSONS) or any(map(PERSON_AHEAD.fullmatch, words))
    return not is_person and (bool(words & TEXTS) or _clause(before).endswith((" that ", " which ")))


def _clause(before: str) -> str:
    """The last clause of a text, in lower case."""
    return re.split(r"[,.;]\s(?!that\b|which\b)|\b(?:and|then|while|when|where|as|before|after)\b", before)[-1].lower()


def _end_of_said(text: str, start: int) -> int:
    """Where unquoted words that are said end: at the next event of the query."""
    if quote := re.match(Q, text[start:]):
        return start + quote.end()
    is_clause = re.match(rf"{WH}\b", text[start:], re.IGNORECASE) or text[:start].rstrip().lower().endswith(" that")
    end = len(text)
    for match in ENDS.finditer(text, start):
        if match.start() <= start or (is_clause and match["side"]):
            continue
        if match["verb"] is not None and not _is_next_event(
            text[start : match.start()], text[match.end() :], is_clause=bool(is_clause)
        ):
            continue
        end = match.start()
        break
    words = TAIL.sub("", text[start:end])
    return start + len(words.rstrip(" ,.?!;:"))


def _is_next_event(said: str, rest: str, *, is_clause: bool) -> bool:
    """Whether "and VERBs" goes on with who speaks, rather than with what is said."""
    words = re.findall(r"[\w'-]+", rest.lower())[:3]
    verb, following = words[0], words[1:2]
    if re.fullmatch(SUBJECT, verb):
        return not is_clause and any(_is_verb(word) for word in words[1:])
    if not _is_verb(verb):
        form = lexicon.verb_forms(verb)
        return form is not None and "ing" in form.forms and not is_clause
    if is_clause and any(
        _is_verb(word) and not lexicon.is_nouny((lexicon.verb_forms(word) or ("",))[0]) for word in said.lower().split()
    ):
        return False
    form = lexicon.verb_forms(verb)
    opens = (
        not following
        or following[0] in lexicon.DETERMINERS | lexicon.PREPOSITIONS | lexicon.PARTICLES | lexicon.OBJECT_PRONOUNS
    )
    return form is not None and (not lexicon.is_nouny(form.base) or opens)


def _is_verb(word: str) -> bool:
    form = lexicon.verb_forms(word)
    return form is not None and "s" in form.forms


def _is_content(text: str, *, is_clause: bool = False) -> bool:
    """Whether these words say something that can be searched for."""
    if HIDDEN in text:
        return True
    words = set(re.findall(r"[\w'-]+", re.split(r"\s(?:to|at|with|else)\b", text.lower())[0]))
    return bool(words - NOTHING - EMPTY) and (is_clause or not PREPOSITION.match(text))
