"""Read the intervals in a vision LLM's reply, or refuse: a wrong reading is worse than none."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from typing import Any, Literal

from ..errors import ModelError
from .frames import Interval
from .json_replies import JsonReply
from .sentences import intervals_in_words
from .tokens import WORDS, Unit, tokens_of
from .wording import plain

_NONE = re.compile(rf"\W*(?:{WORDS['reply-none']})\W*?(?:$|[.!](?=\s|$)|\n)")
_ABSENT, _LIMITED, _REFUSES, _FINAL, _UNSURE, _EXPLAINS, _MISSING, _DOUBT = (
    re.compile(WORDS[f"reply-{name}"])
    for name in ("absent", "limited", "refuses", "final", "unsure", "explains", "missing", "doubt")
)
_REASONING = re.compile(rf"\W*(?:{WORDS['reply-reasoning']})")
_SAYS_SOMETHING = re.compile(rf"\d|\b(?:none|never|throughout|entire|all)\b|{WORDS['reply-absent']}")


@dataclass(frozen=True, slots=True)
class ReplyTimes:
    """The times in a reply, in its order.

    `intervals`: closed (start, end), start <= end, in the unit that was asked for; -inf and inf mean the beginning and
    the end, where the reply names these in words. `absent`: the event is not there; then there are no intervals.
    `confidences`: of each interval, None where the reply gives none.
    """

    intervals: list[Interval]
    absent: bool = False
    confidences: list[float | None] = field(default_factory=list)


def answer_schema(unit: Literal["second", "frame"], *, confidence: bool = False) -> dict[str, Any]:
    """The JSON schema of an answer, for servers whose replies follow one; `read_reply` reads it.

    Args:
        unit: what times are given in.
        confidence: whether each moment has one, from 0 to 1.

    Returns:
        The schema of {"moments": [{"start_frame": 3, "end_frame": 9}, ...]}, with "start_second" and "end_second" for
        seconds; without moments, the event is not there.
    """
    number = {"type": "integer" if unit == "frame" else "number"}
    parts: dict[str, Any] = {f"start_{unit}": number, f"end_{unit}": number}
    if confidence:
        parts["confidence"] = {"type": "number"}
    moment = {"type": "object", "properties": parts, "required": list(parts), "additionalProperties": False}
    moments = {"moments": {"type": "array", "items": moment}}
    return {"type": "object", "properties": moments, "required": ["moments"], "additionalProperties": False}


def read_reply(
    reply: str,
    *,
    unit: Literal["second", "frame", "percent", "step"] = "second",
    steps: int | None = None,
    shown: Interval | None = None,
    gap: float = 1,
) -> ReplyTimes:
    """Read the times in a vision LLM's reply. What is not clear is refused, never guessed.

    Args:
        reply: the text, as it came.
        unit: what the question asked for; numbers in other units are not used. "step": parts of equal length.
        steps: with "step", into how many parts the video was divided.
        shown: the first and last number that the model was shown; a reply may restate it.
        gap: single numbers at most this far apart make one interval.

    Raises:
        ModelError: it is no answer: it cannot be read, refuses, contradicts itself, or was cut off.
    """
    text = plain(reply)
    if _MISSING.search(text):
        raise ModelError(f"the model says that no picture reached it: {_start_of(reply)}")
    low_high = None if shown is None else (float(shown[0]), float(shown[1]))
    times = _first_line(text) or _in_json(text, unit, gap, low_high) or _in_words(text, unit, gap, low_high)
    if steps is not None and any(math.isfinite(end) and end > steps for pair in times.intervals for end in pair):
        raise ModelError(f"the reply names a step above {steps}: {_start_of(reply)}")
    return times


def _start_of(reply: str) -> str:
    return repr(reply if len(reply) <= 80 else reply[:77] + "...")


def _first_line(text: str) -> ReplyTimes | None:
    """ "none" in the first line or as the first sentence."""
    return ReplyTimes([], absent=True) if _NONE.match(text) else None


def _in_json(text: str, unit: Unit, gap: float, shown: Interval | None) -> ReplyTimes | None:
    def read_text(field: str) -> list[Interval]:
        return (_first_line(field) or _in_words(field, unit, gap, shown)).intervals

    reply = JsonReply(text, unit, gap, read_text)
    if reply.absent:
        return ReplyTimes([], absent=True)
    if reply.values and not reply.found:
        raise ModelError("the reply names no interval in the unit that was asked for")
    return ReplyTimes(list(reply.found), confidences=list(reply.found.values())) if reply.values else None


def _in_words(text: str, unit: Unit, gap: float, shown: Interval | None) -> ReplyTimes:
    whole = _without_quotes(text, unit)
    reasoning = _REASONING.match(whole) is not None
    said = max((match.end() for match in _SAYS_SOMETHING.finditer(whole)), default=0)
    final = max((match.end() for match in _FINAL.finditer(whole) if match.end() < said), default=0)
    part = whole[final:]
    if reasoning and (final == 0 or _UNSURE.search(part)):
        raise ModelError("the reply is a line of thought without an answer")
    if (explained := _EXPLAINS.search(part)) and _SAYS_SOMETHING.search(part[: explained.start()]):
        part = part[: explained.start()]
    if none := _first_line(part):
        return none
    found = intervals_in_words(_without_asides(part, unit), unit, gap=gap, shown=shown)
    denies = [s for s in re.split(r"[.;\n]|\bbut\b", part) if _ABSENT.search(s) and not _LIMITED.search(s)]
    if found:
        if _DOUBT.search(part):
            raise ModelError("the reply names an interval and doubts or compares it")
        return ReplyTimes(list(dict.fromkeys(found)))
    said_of_times = found is None or (denies and not any(_has_own(sentence, unit) for sentence in denies))
    if said_of_times and not _REFUSES.search(part):
        return ReplyTimes([], absent=True)
    raise ModelError("the reply names no interval in the unit that was asked for")


def _has_own(text: str, unit: Unit) -> bool:
    return any(token.kind == "number" and token.is_own(unit) for token in tokens_of(text, unit))


def _without_quotes(text: str, unit: Unit) -> str:
    """The text without quoted parts, where what is outside them says something."""
    outside = re.sub(r"\"[^\"\n]*\"|(?<!\w)'[^'\n]*'(?!\w)", " ", text)
    return outside if _has_own(outside, unit) or _ABSENT.search(outside) else text


def _without_asides(text: str, unit: Unit) -> str:
    """The text without brackets. What is in them stands for the number before, is part of the sentence, or left out."""
    value = r" ?\d[\d.:]{0,20}(?: ?(?:s|sec|seconds?))? ?"
    text = re.sub(
        rf"(?:^|(?<=from )|(?<=to )|(?<=and )|(?<=frame )|(?<=frame)|(?<=frames ))\(({value})\)", r" \1 ", text
    )
    text = re.sub(rf"[(\[]({value}),({value})[)\]]", r" \1 - \2 ", text)
    outside = re.sub(r"\([^()]*\)", " ", text)
    has_own = _has_own(outside, unit)

    def replaced(match: re.Match[str]) -> str:
        inside = tokens_of(match[2], unit)
        own = [token for token in inside if token.kind == "number" and token.is_own(unit)]
        if len(own) == 1 and match[1] and not _has_own(match[1], unit):
            return f" {match[2]} "
        kinds = {token.kind for token in inside}
        if "number" not in kinds and (kinds & {"not", "unit"} or kinds in ({"begin"}, {"finish"})):
            return f"{match[1] or ''} {match[2]} "
        if has_own or not _has_own(match[2], unit):
            return f"{match[1] or ''} "
        return f"{match[1] or ''}, {match[2]}, "

    other = r"[\d:.]{1,12}(?: ?(?:seconds?|secs?|s|%))?|frame [\d]+"
    return re.sub(rf"(?:\b({other}) ?)?\(([^()]*)\)", replaced, text)


@dataclass(frozen=True, slots=True)
class ReplyIntervals:
    """The intervals in a reply, as `ReplyTimes`; neither `intervals` nor `absent` where it could not be read.

    `strict`: the reply has the form that was asked for.
    """

    intervals: tuple[Interval, ...] = ()
    absent: bool = False
    strict: bool = False

    @property
    def usable(self) -> bool:
        return bool(self.intervals) or self.absent


def read_intervals(
    text: str, *, unit: Unit = "frame", step: float = 1, shown: Interval | None = None
) -> ReplyIntervals:
    """`read_reply` with a result that is not `usable` in place of an error; `step`: its `gap`."""
    try:
        times = read_reply(text, unit=unit, gap=step, shown=shown)
    except ModelError:
        return ReplyIntervals()
    number = r"(?:frame )?\d{1,9}(?:\.\d{1,9})?(?:%| seconds?)?"
    strict = re.fullmatch(rf"from {number} to {number}\.?", text.strip(), re.IGNORECASE) is not None
    return ReplyIntervals(tuple(times.intervals), times.absent, strict)
