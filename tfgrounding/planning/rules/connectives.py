"""The words for the order of two events in time: patterns over a lower-case line, one blank between two words."""

from __future__ import annotations

import re


def _any(*phrases: str) -> str:
    return "(?:" + "|".join(phrases) + ")"


_COUNT = (
    _any("a ", "the ", "few ", "a few ", "some ", "several ", "two ", "three ", "five ", "ten ", "a couple of ") + "?"
)
_SPAN = rf"(?:only |just |about )?{_COUNT}(?:short |brief |long )?(?:second|moment|minute|time|while|bit|beat)s? "
_SOON = _any(_SPAN, "(?:right|just|shortly|immediately|soon|directly|straight|only|not long|even) ")
_JOIN = r"(?:[,;.–—-] )*(?:and |but )?(?:, )?"
_END = r"(?: ,)?(?= )"

_THEN = _any(
    rf"{_SOON}?(?:after|following) (?:that|this|which)",
    rf"{_SOON}?afterwards?",
    rf"then(?: {_SPAN}later)?",
    "thereafter|whereupon|at which point|subsequently|from there|last of all",
)
_LATER = _any(
    rf"{_SPAN}(?:later|afterwards?)",
    r"later(?: on)?|next(?! to)|soon|before long|immediately|suddenly|promptly|all of a sudden|in turn",
    r"eventually|ultimately|finally|lastly|at last|in the end|at the end|second(?:ly)?(?= ,)|third(?:ly)?(?= ,)",
)
_TOGETHER = _any(
    r"(?:all )?meanwhile|simultaneously|concurrently|all the while|in the mean ?time",
    r"at (?:the same|that|this) (?:very )?(?:time|moment)",
    r"during (?:which|this|that)(?: time)?",
)

# Between two events. THEN and FOLLOWED link anywhere, LATER only after punctuation or a conjunction.
THEN = re.compile(
    rf"(?<=\S ){_JOIN}(?:once more |{_LATER} )?{_THEN}(?: (?:, )?(?:{_LATER}|{_THEN}|also|again|quickly))?{_END}"
)
LATER = re.compile(rf"(?<=\S )(?:(?:[,;.–—] )+(?:and |but )?|and |but )(?:, )?{_LATER}{_END}")
FOLLOWED = re.compile(
    r"(?<=\S )(?:[,;] )?(?:and )?(?:is |are )?(?:then )?(?:immediately |closely |shortly )?followed by(?= )"
)
EARLIER = re.compile(
    rf"(?<=\S ){_JOIN}"
    + _any(
        rf"{_SOON}?before (?:that|this|which)|prior to (?:that|this)|beforehand|preceded by",
        "but (?:first|only after)|having (?:previously|already|first)",
    )
    + _END
)
TOGETHER = re.compile(rf"(?<=\S ){_JOIN}{_TOGETHER}(?! as | that | when ){_END}")
SENTENCE = re.compile(r"(?<=\S )(?:[.;!?–—] )+(?=\S)")
NO_SOONER = re.compile(r"(?:no sooner|hardly|scarcely|barely)(?= )")
# What may come before the first event, or is left before a later one.
OPENING = re.compile(
    rf"^(?:first(?:ly)?|first of all|at first|to (?:begin|start) with|initially|in the beginning|at the start|"
    rf"{_TOGETHER}|{_THEN}|{_LATER}){_END}"
)

# Before a subordinate clause, by the place of that clause in time.
_SUBORDINATE = {
    "after": _any(
        rf"{_SOON}?(?:after|upon|following)|immediately upon|directly",
        r"(?:only )?once|as soon as|the (?:very )?(?:moment|instant|second|minute)(?: that| when)?",
    ),
    "before": _any(
        rf"{_SOON}?before(?: (?:finally|eventually|then|suddenly|quickly|immediately))?",
        "prior to|(?:up )?until|till|ahead of|in advance of|by the time(?: that)?",
    ),
    "while": _any(
        r"(?:all )?(?:while|whilst)(?: (?:also|still|simultaneously|at the same time))?|whereas",
        r"(?:just |right |even |exactly )?as|simultaneously (?:as|with)|(?:for )?as long as",
        r"at the (?:same |exact same |very )?(?:time|moment|instant) (?:as|that|when)",
        r"in the (?:middle|midst|process) of|throughout|during(?: the time(?: that| when)?)?|the whole time(?: that)?",
    ),
    "when": r"(?:(?:just |right |even |only )?when(?:ever)?)",
}
MEDIAL = {name: re.compile(rf"(?<=\S )(?:, )?{pattern}(?= )") for name, pattern in _SUBORDINATE.items()}
FRONTED = {
    name: re.compile(rf"^(?:{pattern}{'|having|on' if name == 'after' else ''})(?= )")
    for name, pattern in _SUBORDINATE.items()
}
