"""Which words of an English query are verbs: a small tagger for video queries, by closed classes and left context."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from . import lexicon
from .asked_words import Asked
from .phrases import DESCRIBING_PARTICIPLES, Kind, Word, is_plural

_TOKEN = re.compile(
    r"[\"“][^\"“”]*[\"”]|[^\W_]+(?:['’.-][^\W_]+)*['’]?(?=\W|$)|[^\W_]+|\S",
)
_SUBORDINATORS = lexicon.word_set(
    """while whilst before after until till once when as upon having then whereas because"""
)
_TIME_NOUNS = lexicon.word_set(
    "prior middle midst process ahead advance"
)  # "prior to running", "in the middle of eating"
_NOT_ADVERBS = lexicon.word_set(
    """family fly jelly belly ally rally bully lily supply reply apply assembly butterfly bubbly curly"""
)
_NOUN_THOUGH_ADJECTIVE = lexicon.word_set(
    "light other second left right front top bottom orange blonde blond cold elderly"
)
_MOTION = lexicon.word_set(
    """walk come run go move jog ride drive swim fly pass step crawl rush march stroll skate rides burst"""
)
_INTRANSITIVE = lexicon.POSTURE | _MOTION | lexicon.word_set("smile laugh cry dance scream stare arrive leave")
# Sometimes nouns, but after "and" or a comma far more often verbs.
_VERBY = (
    lexicon.ACTIVITIES
    | lexicon.POSTURE
    | lexicon.word_set(
        """fall jump kick push pull throw catch turn stop start kiss hug cut slide dive toss drop return try dash rush
        pause land step move touch hit reach rub squeeze stir splash stumble yawn sigh bow crash end rest dodge"""
    )
)
_PURE_PARTICLES = lexicon.PARTICLES - lexicon.word_set("by over in on through across past inside outside")


def tokenize(text: str) -> list[str]:
    """Words, quoted passages and punctuation marks of a text, in order."""
    return _TOKEN.findall(text)


def tag(text: str, whole: Sequence[Asked] = ()) -> list[Word]:
    """Tag every word of a query.

    A verb form is a verb unless its left neighbour makes it a noun ("the drinks") or an adjective ("a closed door"),
    or its clause has its finite verb already ("he plays drums").

    Args:
        text: the query.
        whole: its words that are said or written; each run of them becomes one Word, which is never split.
    """
    tokens: list[str] = []
    runs: dict[int, Asked] = {}  # by the place of their token
    end = 0
    for run in whole:
        tokens += tokenize(text[end : run.start])
        runs[len(tokens)] = run
        tokens.append('"..."')
        end = run.end
    tokens += tokenize(text[end:])
    words = _tag(tokens)
    for place, run in runs.items():
        kind: Kind = "object" if run.asks else "noun"  # "it" never means what somebody says
        words[place] = Word(text[run.start : run.end], kind, place=place, asked=run)
    return words


def _tag(tokens: Sequence[str]) -> list[Word]:
    words: list[Word] = []
    finite = False  # the current clause has its verb
    relative = False  # a relative clause whose verb is still to come
    fronted = bool(tokens) and tokens[0].lower() in _SUBORDINATORS  # "when the bell rings the students leave"
    for position in range(len(tokens)):
        word = _tag_one(tokens, position, words, finite and not fronted)
        opens_clause = word.low in ("time", "moment", "instant") and words and words[-1].low == "the"
        if word.kind in ("punct", "conj") or (word.low in _SUBORDINATORS and word.kind != "noun") or opens_clause:
            finite = relative = False
        elif word.kind == "rel":
            relative, saved = True, finite
            finite = False
        elif word.kind == "aux" or (word.kind == "verb" and word.form != "ing"):
            if relative:
                word = replace(word, relative=True)
                if word.kind == "verb" or not _verb_ahead(tokens, position):
                    relative, finite = False, saved
            elif word.kind == "verb" and word.form in ("past", "participle") and word.low in DESCRIBING_PARTICIPLES:
                pass
            elif word.kind == "verb":
                fronted, finite = fronted and not finite, True
            else:
                finite = not _verb_ahead(tokens, position)
        elif word.kind == "verb" and relative:
            word, relative, finite = replace(word, relative=True), False, saved
        words.append(replace(word, place=position))
    return _with_unknown_verb(words)


def _tag_one(tokens: Sequence[str], position: int, words: Sequence[Word], finite: bool) -> Word:
    token = tokens[position]
    low = token.lower().replace("’", "'")
    following = tokens[position + 1].lower() if position + 1 < len(tokens) else ""
    before = next((w for w in reversed(words) if w.kind != "adv"), None)
    kind = before.kind if before else "punct"
    form = lexicon.verb_forms(low)
    if not any(ch.isalnum() for ch in token):
        return Word(token, "punct")
    if token[0] in '"“':
        return Word(token, "noun")
    if low == "which" and kind == "prep":
        return Word(token, "conj")  # "after which"
    if low in lexicon.RELATIVES and (low != "that" or (kind in ("noun", "pron") and words and words[-1] is before)):
        return Word(token, "rel")
    if (
        low in lexicon.AUXILIARIES
        and kind != "det"
        and not (low in ("has", "have", "had", "do", "does", "did") and not _verb_ahead(tokens, position))
    ):
        return Word(token, "aux")
    acted_on = kind in ("verb", "prep", "inf", "comp") and not _is_finite_form(following)  # "after it climbs"
    pronoun_like = low in ("one", "another", "each", "this", "that", "both", "all", "others")
    if low in lexicon.SUBJECT_PRONOUNS and (not pronoun_like or _is_finite_form(following)):
        return Word(token, "object" if low in ("it", "you") and acted_on else "pron")
    if low == "her":
        ends = following in ("", ".", ",", ";", "and", "while", "then", "as") or following in lexicon.PREPOSITIONS
        return Word(token, "object" if ends else "det")
    if low in lexicon.OBJECT_PRONOUNS:
        return Word(token, "object")
    if low in lexicon.DETERMINERS or low.isdigit() or low.endswith(("'s", "s'")):
        return Word(token, "adv" if low == "next" and following == "to" else "det")
    if low in lexicon.CONJUNCTIONS:
        return Word(token, "conj")
    if low in lexicon.PREPOSITIONS:
        return Word(token, "prep")
    if low in lexicon.ADVERBS or low in lexicon.PARTICLES or (low.endswith("ly") and low not in _NOT_ADVERBS):
        return Word(
            token,
            "adj" if kind == "det" and low in lexicon.ADJECTIVES else "prep" if low in lexicon.PARTICLES else "adv",
        )
    if form is not None:
        return _tag_verb_form(tokens, position, words, finite, form)
    if low in lexicon.ADJECTIVES:
        return Word(token, "adj")
    if (
        low.endswith("ing")
        and len(low) > 5
        and low not in lexicon.ING_NOUNS
        and kind in ("noun", "pron", "aux", "object")
    ):
        stem = low[:-3]
        return Word(token, "verb", stem[:-1] if len(stem) > 2 and stem[-1] == stem[-2] else stem, "ing")
    return Word(token, "noun")


def _tag_verb_form(
    tokens: Sequence[str], position: int, words: Sequence[Word], finite: bool, form: lexicon.VerbForm
) -> Word:
    token, low = tokens[position], tokens[position].lower()
    following = tokens[position + 1].lower() if position + 1 < len(tokens) else ""
    before = next((w for w in reversed(words) if w.kind != "adv"), None)
    kind = before.kind if before else "punct"
    noun = Word(token, "noun")
    nouny = lexicon.is_nouny(form.base)

    if "ing" in form.forms:
        verb = Word(token, "verb", form.base, "ing")
        if lexicon.is_ing_compound(low, following) or kind in ("det", "adj"):
            return noun if not following or not following[0].isalpha() or kind != "det" else Word(token, "adj")
        if before is not None and kind == "prep":
            followed = before.low == "by" and words[-2:-1] and words[-2].low == "followed"
            if (
                followed
                or before.low in _SUBORDINATORS
                or (len(words) > 1 and words[-2].low in _TIME_NOUNS and before.low in ("to", "of"))
            ):
                return verb
            return verb if _is_particle(before, words) else noun
        if before is not None and kind in ("verb", "comp", "inf"):
            shown = before.form == "participle" and before.verb in ("see", "show")  # "is seen looking"
            if not shown and (before.verb in lexicon.ASPECT or before.verb not in _INTRANSITIVE):
                return Word(token, "comp", form.base, "ing")
        return verb

    if kind == "inf" and words and words[-1] is before:
        return noun
    if before is not None and before.low == "to" and "base" in form.forms:
        return Word(token, "inf", form.base, "base")
    if kind == "aux":
        modal = before is not None and before.low in lexicon.MODALS
        if modal and "base" in form.forms:
            return Word(token, "verb", form.base, "base")
        if "participle" in form.forms:
            return Word(token, "verb", form.base, "participle")
        return Word(token, "adj") if "base" in form.forms else noun
    if "s" in form.forms:
        verb = Word(token, "verb", form.base, "s")
        if kind == "det":
            return noun
        if before is not None and kind == "adj":
            in_colour = len(words) > 1 and words[-2].kind == "prep"  # "a woman in pink walks up"
            as_noun = in_colour or before.low in _NOUN_THOUGH_ADJECTIVE
            as_noun = as_noun and not finite and not following.endswith("s")
            return verb if not nouny or as_noun else noun
        if before is not None and kind == "prep":
            return verb if not nouny and before.low in lexicon.PARTICLES else noun
        if kind in ("punct", "conj"):
            return verb if not nouny or _verb_like_place(tokens, position, words) else noun
        after_finite = kind == "verb" and before is not None and before.form != "ing"
        goes_on = form.base in _MOTION and following in lexicon.PARTICLES  # "person grabs a towel walks out"
        if nouny and finite and goes_on and kind == "noun" and before is not None and not is_plural(before):
            return verb
        if nouny and (finite or after_finite or _is_finite_form(following, sure=True)):
            return noun
        return verb
    if "base" in form.forms:
        verb = Word(token, "verb", form.base, "base")
        if kind in ("det", "adj", "prep"):
            return noun
        if kind in ("punct", "conj"):
            return verb if _verb_like_place(tokens, position, words) else noun
        plural = before is not None and (
            is_plural(before) or before.low in ("person", "people", "i", "crowd", "family", "police")
        )
        if plural or (kind == "noun" and not finite and _plural_subject(words)):
            return noun if finite else verb
        return verb if kind == "object" and not nouny else noun
    if kind in ("det", "adj") or (kind == "prep" and before is not None and not _is_particle(before, words)):
        return Word(token, "adj")
    return Word(token, "verb", form.base, "past" if "past" in form.forms else "participle")


def _verb_ahead(tokens: Sequence[str], position: int) -> bool:
    """Whether an auxiliary is followed by its main verb ("is slowly opening", "has been moved")."""
    for token in tokens[position + 1 : position + 5]:
        low = token.lower()
        if low in lexicon.AUXILIARIES:
            continue
        form = lexicon.verb_forms(low)
        if form is not None and low not in lexicon.ADVERBS:
            return tokens[position].lower() in lexicon.MODALS or bool(form.forms & {"ing", "participle"})
        if not (low in lexicon.ADVERBS or low.endswith("ly")):
            return False
    return False


def _is_finite_form(low: str, *, sure: bool = False) -> bool:
    if low in lexicon.FINITE_BE or low in ("has", "does"):
        return True
    form = lexicon.verb_forms(low)
    return form is not None and "s" in form.forms and not (sure and lexicon.is_nouny(form.base))


def _is_particle(word: Word, words: Sequence[Word]) -> bool:
    """Whether a preposition belongs to the verb before it ("sits down", "comes in"), so that no noun must follow."""
    if word.low in _PURE_PARTICLES and word.low != "about":
        return True
    place = next((i for i, w in enumerate(words) if w is word), 0)
    owner = words[place - 1] if place else None
    return word.low in lexicon.PARTICLES and owner is not None and owner.kind == "verb" and owner.verb in _MOTION


def _verb_like_place(tokens: Sequence[str], position: int, words: Sequence[Word]) -> bool:
    """Whether a verb phrase can start here: first in the text, or after punctuation or a conjunction."""
    low = tokens[position].lower()
    following = tokens[position + 1].lower() if position + 1 < len(tokens) else ""
    form = lexicon.verb_forms(low)
    if form is None or (_is_finite_form(following, sure=True) and "base" in form.forms):
        return False
    if form.base in lexicon.ASPECT and (following == "to" or following.endswith("ing")):
        return True
    opens_object = (
        following in lexicon.DETERMINERS | lexicon.SUBJECT_PRONOUNS
        or following in lexicon.OBJECT_PRONOUNS
        or following.endswith("ly")
    )
    opens_object = opens_object or (
        following in lexicon.PREPOSITIONS | lexicon.PARTICLES and following not in ("of", "and")
    )
    previous = next((w for w in reversed(words) if w.kind not in ("adv", "conj", "punct")), None)
    if previous is None:
        later = any(_is_finite_form(t.lower(), sure=True) for t in tokens[position + 1 :])
        return (opens_object and not later) or (not lexicon.is_nouny(form.base) and not later)
    after_verb = previous.kind in ("verb", "inf", "comp", "prep", "adv", "object") and previous.low not in (
        "of",
        "with",
    )
    if form.base in _VERBY and previous.kind == "noun" and not is_plural(previous):
        return True  # "sits behind a table and points", but not "washes plates and cups"
    if not lexicon.is_nouny(form.base):
        return True
    # "walk into a bar and order drinks": a noun alone, without an article, would not follow "a bar and"
    starts_object = following.isalpha() and "base" in form.forms and following not in lexicon.CONJUNCTIONS
    return opens_object or after_verb or (starts_object and previous.kind == "noun" and not is_plural(previous))


def _plural_subject(words: Sequence[Word]) -> bool:
    """Whether the clause that is being read has a plural or coordinated subject ("a man and a woman")."""
    start = 0
    for i, word in enumerate(words):
        if word.kind == "punct" or (word.low in _SUBORDINATORS) or (word.kind == "verb" and word.form != "ing"):
            start = i + 1
    clause = words[start:]
    for i, word in enumerate(clause):
        if word.kind == "conj" and i > 0:
            return True
        if word.kind in ("prep", "rel", "verb"):
            head = clause[i - 1] if i else None
            return head is not None and is_plural(head)
    return False


def _with_unknown_verb(words: list[Word]) -> list[Word]:
    """Where a clause has no verb, take the first word that looks inflected after its subject ("the drone yaws")."""
    found = list(words)
    start = 0
    for i in range(len(words) + 1):
        if i < len(words) and words[i].kind not in ("conj", "punct") and words[i].low not in _SUBORDINATORS:
            continue
        place = _unknown_verb(words[start:i])
        if place is not None:
            word = words[start + place]
            found[start + place] = replace(
                word, kind="verb", verb=_stem(word.low), form="s" if word.low[-1] == "s" else "past"
            )
        start = i + 1
    return found


def _unknown_verb(clause: Sequence[Word]) -> int | None:
    if not clause or any(w.kind in ("verb", "aux", "rel") for w in clause):
        return None
    for i in range(1, len(clause)):
        word, before = clause[i], clause[i - 1]
        if word.kind == "prep":
            break
        if word.kind != "noun" or before.kind not in ("noun", "pron") or is_plural(before) or not word.low.isalpha():
            continue
        if len(word.low) > 3 and (word.low.endswith("ed") or (word.low[-1] == "s" and word.low[-2] not in "su")):
            return i
    return None


def _stem(low: str) -> str:
    """The base of a verb that is not in the list, from its -s or -ed form."""
    for ending in ("shes", "ches", "sses", "xes", "zzes"):
        if low.endswith(ending):
            return low[:-2]
    return low[:-1] if low.endswith("s") else low[:-2]
