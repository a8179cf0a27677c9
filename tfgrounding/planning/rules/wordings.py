"""An event in words: who does what, with pronouns and missing subjects filled in, and other wordings of the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from . import lexicon
from .lexicon import Form
from .phrases import Word, is_animate, is_human, is_plural, join, predicate

_THIRD_PERSON = lexicon.word_set("he she it they")
_SIMPLE_HELPERS = lexicon.FINITE_BE | {"be", "been", "being", "has", "have", "had"}


@dataclass(frozen=True, slots=True)
class Clause:
    """An event's words: `subject` (maybe taken from another clause), what leads to the `verb`, and the rest."""

    words: tuple[Word, ...]
    subject: tuple[Word, ...] = ()
    lead: tuple[Word, ...] = ()  # adverbs and auxiliaries before the verb
    verb: Word | None = None
    rest: tuple[Word, ...] = ()

    @classmethod
    def read(cls, words: Sequence[Word]) -> Clause:
        words = tuple(words)
        if words and words[0].kind == "conj":  # "while the cat watches": a whole clause already
            return cls(words)
        if words and words[0].low == "with" and predicate(words) is not None:
            words = words[1:]  # "with the crowd watching"
        if [w.low for w in words[:2]] in (["there", "is"], ["there", "are"], ["we", "see"]):
            words = words[2:]
        found = predicate(words)
        if found is None:
            return cls(words)
        if words[0].low in ("had", "has", "have") and words[0].kind == "aux" and found.start == 0:
            return cls._inverted(words)
        subject = words[: found.start]
        while subject and subject[-1].kind == "adv":
            subject = subject[:-1]
        lead = tuple(w for w in words[len(subject) : found.verb])
        if subject and all(w.kind in ("adv", "punct") for w in subject):
            subject = ()
        return cls(words, subject, lead, words[found.verb], words[found.verb + 1 :])

    @classmethod
    def _inverted(cls, words: tuple[Word, ...]) -> Clause:
        """ "Had the man sat down" of "no sooner had the man sat down than ..."."""
        place = next((i for i, w in enumerate(words[1:], 1) if w.kind == "verb"), None)
        if place is None:
            return cls(words)
        return cls(words, words[1:place], (), replace(words[place], form="past"), words[place + 1 :])

    @property
    def progressive(self) -> bool:
        return self.verb is not None and self.verb.form == "ing"


def resolve(clauses: list[Clause], *, fronted: bool) -> list[Clause]:
    """Give every clause a subject of its own, and replace "he", "it" and "them" by what they mean.

    Subjects are looked for backwards in the text; forwards only from a subordinate clause that was put in `front`
    ("before he sits down, the man ...").
    """
    by_place = sorted((c for c in clauses if c.subject), key=lambda c: c.words[0].place)
    resolved: list[Clause] = []
    for i, clause in enumerate(clauses):
        earlier = [c.subject for c in reversed(by_place) if c.words[0].place < clause.words[0].place]
        later = [c.subject for c in by_place if c.words[0].place > clause.words[0].place]
        if len(clause.subject) == 1 and clause.subject[0].low in _THIRD_PERSON:
            low = clause.subject[0].low
            meant = next((s for s in (*earlier, *(later if fronted else ())) if _may_mean(low, s)), None)
            if meant is None and resolved:
                meant = _last_object(resolved[-1], low)
            if meant is not None:
                clause = _agreeing(replace(clause, subject=meant), was=low)
        elif clause.verb is not None and not clause.subject and (earlier or later):
            able = [s for s in earlier if _agrees(clause, s)] or earlier or later
            clause = _lend(clause, able[0], clauses[i - 1] if i else None)
        if resolved:
            clause = replace(clause, rest=_objects(clause, resolved[-1]))
        resolved.append(clause)
    return resolved


def _lend(clause: Clause, subject: tuple[Word, ...], before: Clause | None) -> Clause:
    """The clause with a subject, and with a finite verb that agrees with it ("drinking" -> "the woman drinks")."""
    assert clause.verb is not None
    verb, lead = clause.verb, clause.lead
    helper = next((w for w in before.lead if w.low in lexicon.FINITE_BE), None) if before else None
    if (
        verb.form in ("past", "participle")
        and "past"
        and helper
        and before
        and before.verb
        and before.verb.form == "participle"
    ):
        lead = (*lead, helper)
    elif verb.form in ("ing", "base") and not any(
        w.kind == "aux" and w.low in lexicon.FINITE_BE | lexicon.MODALS for w in lead
    ):
        verb = _finite(verb, subject)
        lead = tuple(w for w in lead if w.kind != "aux")
    if lead and lead[0].low == "been":  # "having been fed, the cat ..."
        lead = (Word("have" if _plural(subject) else "has", "aux"), *lead)
    return replace(clause, subject=subject, verb=verb, lead=lead)


def _agrees(clause: Clause, subject: Sequence[Word]) -> bool:
    form = clause.verb.form if clause.verb is not None and not clause.lead else None
    return not (form == "s" and _plural(subject)) and not (form == "base" and not _plural(subject))


def _agreeing(clause: Clause, *, was: str) -> Clause:
    """The clause with a singular subject in place of "they": "they leave" -> "someone leaves"."""
    if was != "they" or _plural(clause.subject) or clause.verb is None:
        return clause
    singular = {"are": "is", "were": "was", "have": "has", "'re": "is"}
    lead = tuple(replace(w, text=singular.get(w.low, w.text)) for w in clause.lead)
    verb = clause.verb
    if verb.kind == "aux":
        verb = replace(verb, text=singular.get(verb.low, verb.text))
    elif verb.form == "base" and not any(w.kind == "aux" for w in lead):
        verb = _finite(verb, clause.subject)
    return replace(clause, lead=lead, verb=verb)


def _finite(verb: Word, subject: Sequence[Word]) -> Word:
    form: Form = "base" if _plural(subject) else "s"
    return replace(verb, text=lexicon.inflect(verb.verb, form), form=form) if verb.verb else verb


def _plural(subject: Sequence[Word]) -> bool:
    head = _head(subject)
    return any(w.low == "and" for w in subject) or (head is not None and (is_plural(head) or head.low in ("i", "you")))


def _head(phrase: Sequence[Word]) -> Word | None:
    """The noun that a noun phrase is about: the last one before a preposition, relative clause or participle."""
    head = None
    for word in phrase:
        if word.kind in ("prep", "rel", "verb", "punct") and head is not None:
            break
        if word.kind in ("noun", "pron", "object"):
            head = word
    return head


def _may_mean(pronoun: str, subject: Sequence[Word]) -> bool:
    head = _head(subject)
    if head is None or (len(subject) == 1 and subject[0].low in _THIRD_PERSON):
        return False
    if pronoun == "they":
        return _plural(subject) or (is_human(head) and head.low not in lexicon.MALE | lexicon.FEMALE)
    if _plural(subject):
        return False
    if pronoun == "it":
        return not is_human(head) or head.low in ("baby", "child")
    return (is_animate(head)) and head.low not in (lexicon.FEMALE if pronoun == "he" else lexicon.MALE)


def _objects(clause: Clause, before: Clause) -> tuple[Word, ...]:
    """The words after the verb, with "it" and "them" replaced by what the clause before acted on."""
    found: list[Word] = []
    for word in clause.rest:
        # In "the boys play cards until their father calls them", "them" may be the boys.
        unsure = word.low == "them" and clause.subject != before.subject and _plural(before.subject)
        known = word.kind == "object" and word.low in ("it", "them") and not unsure
        found.extend((known and _last_object(before, "they" if word.low == "them" else "it")) or (word,))
    return tuple(found)


def _last_object(clause: Clause, pronoun: str) -> tuple[Word, ...] | None:
    """What a pronoun may mean among a clause's objects: the direct one, else the last; with "the" for "a"."""
    phrases: list[tuple[Word, ...]] = []
    current: list[Word] = []
    for word in (*clause.rest, Word(".", "punct")):
        if (word.kind == "det" and not current) or (word.kind in ("adj", "noun") and (current or word.kind == "noun")):
            current.append(word)
        else:
            if current and current[-1].kind == "noun":
                phrases.append(tuple(current))
            current = [word] if word.kind == "det" else []
    fitting = [p for p in phrases if _may_mean(pronoun, p) and is_human(p[-1]) == (pronoun in ("he", "she"))]
    if not fitting:
        return None
    first = clause.rest[0]
    direct = first.kind in ("det", "adj", "noun") or first.low in lexicon.PARTICLES
    chosen = fitting[0] if direct and phrases[0] is fitting[0] else fitting[-1]
    if chosen[0].kind == "det" and chosen[0].low in ("a", "an", "some", "another", "one"):
        return (Word("the", "det"), *chosen[1:])
    return chosen if chosen[0].kind == "det" else (Word("the", "det"), *chosen)


def descriptions(clause: Clause) -> tuple[str, ...]:
    """Up to three wordings of the event: unchanged, with "a person" or "someone", and "man opening the door"."""
    verb, subject = clause.verb, clause.subject
    if verb is None or not (verb.verb or verb.kind == "aux"):
        bare = clause.words[1:] if clause.words and clause.words[0].kind == "det" else clause.words
        return _distinct(join(clause.words), join(bare))
    helpers = [w.low for w in clause.lead if w.kind == "aux"]
    adverbs = tuple(w for w in clause.lead if w.kind == "adv")
    text = join((*subject, *clause.lead, verb, *clause.rest))
    noun = subject[1:] if len(subject) > 1 and subject[0].low in ("a", "an", "the") else subject
    if len(subject) == 1 and subject[0].kind == "pron":
        noun = ()
    if verb.kind == "aux" or not set(helpers) <= _SIMPLE_HELPERS:
        return _distinct(text, join((*noun, *clause.lead, verb, *clause.rest)))
    passive = verb.form in ("past", "participle") and any(
        h in lexicon.FINITE_BE or h in ("been", "being") for h in helpers
    )
    head, anyone = _head(subject), ""
    # "The woman in the red coat" would lose what identifies her.
    if not subject or (head is not None and is_human(head) and not _plural(subject) and len(noun) <= 1):
        said = "someone" if head is not None and head.low == "person" else "a person"
        core = (Word("is", "aux"), *adverbs, verb) if passive else (*adverbs, _finite(verb, ()))
        anyone = f"{said} {join((*core, *clause.rest))}"
    participle = verb if passive else replace(verb, text=lexicon.inflect(verb.verb, "ing"))
    return _distinct(text, anyone, join((*noun, *adverbs, participle, *clause.rest)))


def _distinct(*texts: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys(text for text in texts if text.strip()))
