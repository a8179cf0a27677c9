"""What was found, in HTML: whether it happens at all, the best moment, the events of a query, all moments and words."""

from __future__ import annotations

from typing import Literal

from ..answer import Answer
from ..types import EventMoment, Evidence, Moment
from .evidence import quotable, shown_evidence
from .exports.common import short_clock
from .pages import NAME_COLUMNS, moment_name, play_button, safe, stretch
from .verdict import PROBABLY, PROBABLY_NOT, is_probably_absent, said_first, strength, verdict

QUOTE_COLUMNS = 300
DOTS = {"strong": 3, "fair": 2, "weak": 1}

Look = Literal["probably", "perhaps", "probably-not", "unknown"]


def look_of(answer: Answer, least_present: float = PROBABLY_NOT) -> Look:
    """How an answer is drawn, by how probable it is that the event is in the video."""
    if answer.present is None:
        return "unknown"
    if is_probably_absent(answer, least_present=least_present):
        return "probably-not"
    return "perhaps" if verdict(answer, least_present=least_present) else "probably"


def look_of_event(event: EventMoment) -> Look:
    """The same for one event of a query of several."""
    if event.present is None:
        return "unknown"
    if event.present < PROBABLY_NOT:
        return "probably-not"
    return "perhaps" if event.present < PROBABLY else "probably"


def shaded(text: str, answer: Answer) -> Moment | None:
    """The moment that is shaded beside the curve of a text: that of the event which the text describes, unless it is
    probably not there, else the best one."""
    for event in answer.events:
        if event.text.removeprefix("not: ") == text:
            return None if look_of_event(event) == "probably-not" else event.moment
    return answer.moments[0] if answer.moments else None


def headline(answer: Answer, *, clickable: bool, least_present: float = PROBABLY_NOT) -> str:
    """What is to be read first: whether it happens at all, what the question wants, the best moment and the events.

    Args:
        answer: the answer.
        clickable: whether times are buttons that play the video.
        least_present: the probability below which the event counts as absent, from 0 to 1.
    """
    look = look_of(answer, least_present)
    wanted = said_first(answer, least_present=least_present)
    said = f"<p class='said'>{safe(wanted)}</p>" if wanted else ""
    sure = f"<p class='sure'>{_gauge(answer)}{safe(verdict_words(answer, least_present))}</p>"
    first = f"{sure}{said}" if look == "probably-not" else f"{said}{sure}"
    return f"<div class='headline'>{first}{_best(answer, look, clickable)}</div>{_events(answer, clickable=clickable)}"


def verdict_words(answer: Answer, least_present: float = PROBABLY_NOT) -> str:
    """Whether it happens in the video at all, always with a sentence."""
    if answer.present is None:
        return "not known whether it is in this video"
    line = verdict(answer, least_present=least_present)
    return line or f"probably in this video (present {min(1.0, answer.present):.2f})"


def _gauge(answer: Answer) -> str:
    """The probability as a mark on a line with three parts; the words beside it say the same."""
    if answer.present is None:
        return ""
    place = 100 * min(1.0, max(0.0, answer.present))
    return f"<span class='gauge' aria-hidden='true'><i style='left:{place:.1f}%'></i></span>"


def _best(answer: Answer, look: Look, clickable: bool) -> str:
    if not answer.moments:
        return "<p class='found'>No moment stands out.</p>"
    best, count = answer.moments[0], len(answer.moments)
    if look == "probably-not":
        words = "the only candidate, a weak one" if count == 1 else f"the best of {count} weak candidates"
    else:
        words = "the only moment" if count == 1 else f"the best of {count} moments"
    return f"<p class='found'>{_times(best, moment_name(1, answer.query), clickable)} <span>{words}</span></p>"


def _times(part: Moment, name: str, clickable: bool) -> str:
    if clickable:
        return play_button(part, "play", safe(stretch(part)), name)
    return f"<strong class='times'>{safe(stretch(part))}</strong>"


def _events(answer: Answer, *, clickable: bool) -> str:
    """Each event of a query of several, with a time of its own, in the order in which the query names them."""
    rows = []
    for event in answer.events:
        look, present = look_of_event(event), ""
        if event.present is not None:
            doubt = {"probably-not": "probably not there, ", "perhaps": "perhaps, "}.get(look, "")
            present = f"<span class='quiet'>{doubt}present {event.present:.2f}</span>"
        times = _times(event.moment, f"“{quotable(event.text, columns=NAME_COLUMNS)}”", clickable)
        name = f"for “{quotable(event.text, columns=NAME_COLUMNS)}”"
        words = evidence_pieces(event.moment, answer.video.duration_seconds, name, clickable=clickable)
        rows.append(
            f"<li class='{look}'><div class='event'><span>{safe(event.text)}</span> {times} {present}</div>{words}</li>"
        )
    return f"<ol class='events'>{''.join(rows)}</ol>" if rows else ""


def moment_table(answer: Answer, *, clickable: bool, least_present: float = PROBABLY_NOT) -> str:
    """All moments, best first, with their strength, score and the words that speak for them."""
    if not answer.moments:
        return ""
    rows = []
    for rank, m in enumerate(answer.moments, start=1):
        word = strength(m, answer, least_present=least_present)
        dots = "".join("<i class='on'></i>" if n < DOTS[word] else "<i></i>" for n in range(3))
        seconds = m.end_seconds - m.start_seconds
        length = f"{seconds:.1f} s" if seconds < 60 else short_clock(seconds)
        rows.append(
            f"<tr><td>{rank}</td><td>{_times(m, moment_name(rank, answer.query), clickable)}</td>"
            f"<td class='wide'>{length}</td><td><span class='dots' aria-hidden='true'>{dots}</span>{word}</td>"
            f"<td>{m.score:.3f}</td></tr>"
        )
        if m.evidence:
            rows.append(_evidence_row(m, rank, answer, clickable=clickable))
    title = "Weak candidates" if look_of(answer, least_present) == "probably-not" else "Moments"
    head = (
        "<th scope='col'>No.</th><th scope='col'>From, to</th><th scope='col' class='wide'>Length</th>"
        "<th scope='col'>Strength</th><th scope='col'>Score</th>"
    )
    return f"<table><caption>{title}</caption><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"


def _evidence_row(moment: Moment, rank: int, answer: Answer, *, clickable: bool) -> str:
    """The words behind a moment, each with its track and time; a click plays them."""
    name = f"for {moment_name(rank, answer.query)}"
    pieces = evidence_pieces(moment, answer.video.duration_seconds, name, clickable=clickable)
    return f"<tr class='words'><td colspan='5'>{pieces}</td></tr>" if pieces else ""


def evidence_pieces(moment: Moment, duration_seconds: float, name: str, *, clickable: bool) -> str:
    """The words that speak for a moment, a line for each.

    Args:
        moment: what they speak for.
        duration_seconds: of the video.
        name: what they are evidence for, with "for": the end of the buttons' names.
        clickable: whether the lines are buttons that play the words.
    """
    found, left_out = shown_evidence(moment, duration_seconds, columns=QUOTE_COLUMNS)
    pieces = [_quote(evidence, name, clickable) for evidence in found]
    if left_out:
        pieces.append(f"<div class='quote'><span class='quiet'>and {left_out} more</span></div>")
    return "".join(pieces)


def _quote(evidence: Evidence, name: str, clickable: bool) -> str:
    words = f"<q dir='auto'>{safe(evidence.text)}</q>" if evidence.text else ""
    content = f"<span class='quiet'>{safe(f'{evidence.track} {stretch(evidence)}')}</span>{words}"
    if clickable and evidence.start_seconds < evidence.end_seconds:
        return play_button(evidence, "quote", content, f"what is {evidence.track} {name}")
    return f"<div class='quote'>{content}</div>"


def warning_lines(warnings: tuple[str, ...] | list[str]) -> str:
    """A line for each warning."""
    return "".join(f"<p class='warning'>{safe(warning)}</p>" for warning in warnings)
