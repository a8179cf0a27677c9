"""An answer as a page: one HTML file with the video, the curves, the moments to click, and how it was found."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from string import Template

from .. import __version__
from ..answer import Answer
from ..errors import TFGroundingError
from ..files import write_atomically
from ..media.decode import FASTEST_RATE_HZ
from ..types import Plan, Progress
from .chart import chart
from .evidence import has_words, only_words, tracks_in_words
from .exports.common import short_clock
from .found import headline, look_of, moment_table, verdict_words, warning_lines
from .pages import content_policy, page_piece, safe, stretch
from .player import Player, player
from .scale import scale_of
from .verdict import PROBABLY_NOT, said_first

HELP = (
    "Click a moment to play just that stretch. <span class='keys'>Or press <kbd>1</kbd> to <kbd>9</kbd>.</span> "
    "Click the chart to go there."
)
RELATION_WORDS = {
    "single-query": "",
    "sequentially": ", one after the other",
    "simultaneously": ", at the same time",
}


def write_report(
    answers: Sequence[Answer],
    target: str | Path,
    *,
    link: bool = False,
    least_present: float = PROBABLY_NOT,
    costs: Mapping[str, str] | None = None,
    progress: Progress | None = None,
) -> list[str]:
    """Write answers about one video as a self-contained HTML page.

    Args:
        answers: at least one; all of the same video.
        target: the file to write, whole or not at all; its folder is made.
        link: True points to the video where it lies instead of carrying it inside the page.
        least_present: the probability below which the page says that the event is probably not in the video.
        costs: what the answers cost, {what: how much}, in words.
        progress: called with (seconds, seconds in all) while a copy of the video is made that browsers play.

    Returns:
        What the page lacks, in words: the video, where it is not there any more, or one that browsers play; the page
        says so too.

    Raises:
        TFGroundingError: no answer, answers about several videos, a link to what is no file, or a target that cannot be
            written.
    """
    sources = {json.dumps(answer.source.to_dict(), sort_keys=True) for answer in answers if answer.source is not None}
    if len({answer.video.path for answer in answers}) != 1 or len(sources) > 1:
        raise TFGroundingError("a report is about the answers to one video: give at least one, all of the same video")
    target = Path(target)
    shown = player(answers, target, link=link, progress=progress)
    try:
        write_atomically(target, _page(answers, shown, least_present, costs or {}))
    except OSError as error:
        raise TFGroundingError(f"{target}: the report cannot be written ({error.strerror})") from error
    return [sentence for sentence in (shown.missing, shown.caution) if sentence]


def plan_in_words(plan: Plan) -> list[str]:
    """What was looked for, sentence by sentence."""
    sentences = [f"Looked for: {'what is not ' if plan.negated else ''}{plan.query}"]
    if plan.paraphrases:
        sentences.append("In other words: " + "; ".join(plan.paraphrases))
    if plan.sub_events:
        events = "one simpler event" if len(plan.sub_events) == 1 else f"{len(plan.sub_events)} simpler events"
        sentences.append(f"Split into {events}{RELATION_WORDS[plan.relation]}:")
        for number, event in enumerate(plan.sub_events, start=1):
            others = f" (also as: {'; '.join(event.descriptions[1:])})" if len(event.descriptions) > 1 else ""
            sentences.append(f"{number}. {'not: ' if event.negated else ''}{event.descriptions[0]}{others}")
    else:
        sentences.append("As a single event, without splitting it.")
    return sentences


def _page(answers: Sequence[Answer], shown: Player, least_present: float, costs: Mapping[str, str]) -> str:
    info = answers[0].video
    script = page_piece("page.js")
    rate = f" · {info.frame_rate_hz:.5g} pictures a second" if info.frame_rate_hz else ""
    every = [_facts(answer) for answer in answers]
    common = {key: value for key, value in every[0].items() if all(facts.get(key) == value for facts in every)}
    warned = [warning for warning in answers[0].warnings if all(warning in other.warnings for other in answers)]
    sections = [
        _section(answer, number, answers, shown, least_present, common, warned)
        for number, answer in enumerate(answers, start=1)
    ]
    pieces = ["chart.css", "page.css", *(["words.css"] if has_words(answers) else [])]
    return Template(page_piece("page.html")).substitute(
        title=safe(Path(info.path).name),
        facts=safe(f"{short_clock(info.duration_seconds)} · {info.width} × {info.height} · {info.codec}{rate}"),
        policy=safe(content_policy(script)),
        version=safe(__version__),
        style="".join(map(page_piece, pieces)),
        script=script,
        columns="columns" if shown.element else "columns alone",
        caution=warning_lines([shown.caution] if shown.caution else []),
        video=shown.element or f"<p class='warning'>{safe(shown.missing)}</p>",
        note=f"<p class='note quiet'>{safe(shown.note)}</p>" if shown.note else "",
        help=HELP if shown.element else "",
        warnings=warning_lines(list(dict.fromkeys(warned))),
        index=_index(answers, least_present),
        answers="\n".join(sections),
        facts_of_all=_fact_list({**common, **costs}),
    )


def _index(answers: Sequence[Answer], least_present: float) -> str:
    """All queries with their verdicts, where there are several."""
    if len(answers) == 1:
        return ""
    rows = []
    for number, answer in enumerate(answers, start=1):
        look, words = look_of(answer, least_present), verdict_words(answer, least_present)
        if answer.moments and look != "probably-not":
            first = said_first(answer, least_present=least_present)
            words = f"{first or stretch(answer.moments[0])}, {words}"
        rows.append(
            f"<li class='{look}'><a href='#query-{number}'>“{safe(answer.query)}”</a> "
            f"<span class='quiet'>{safe(words)}</span></li>"
        )
    return f"<nav aria-label='Queries'><ol>{''.join(rows)}</ol></nav>"


def _section(
    answer: Answer,
    number: int,
    answers: Sequence[Answer],
    shown: Player,
    least_present: float,
    common: Mapping[str, str],
    warned: Sequence[str],
) -> str:
    plays = bool(shown.element)
    words = plan_in_words(answer.plan)
    if answer.tracks:
        words.append(f"Tracks of words that were asked: {tracks_in_words(answer.tracks)}.")
    plan = "".join(f"<p>{safe(sentence)}</p>" for sentence in words)
    own = {key: value for key, value in _facts(answer).items() if key not in common}
    drawing = chart(answer, shown.thumbnails, clickable=plays, scale=scale_of(answers, answer))
    return f"""<section class="answer {look_of(answer, least_present)}" aria-labelledby="query-{number}">
<h2 id="query-{number}" tabindex="-1">“{safe(answer.query)}”</h2>
{headline(answer, clickable=plays, least_present=least_present)}
{warning_lines([warning for warning in answer.warnings if warning not in warned])}
{drawing}
{moment_table(answer, clickable=plays, least_present=least_present)}
<details class="how"><summary>How it was searched</summary>{plan}{_fact_list(own)}</details>
</section>"""


def _facts(answer: Answer) -> dict[str, str]:
    """What an answer was made with, {what: value}, in words."""
    origin = {key: value for key, value in answer.provenance.items() if key != "tfgrounding"}
    rate_hz = origin.get("rate_hz")
    samples = f"{len(answer.pts_seconds)} frames"
    if isinstance(rate_hz, (int, float)) and 0 < rate_hz <= FASTEST_RATE_HZ:
        samples = f"{samples}, {origin.pop('rate_hz'):g} per second"
    if only_words(answer):
        samples = "none of the pictures"
    return {
        "Engine": answer.engine,
        "Encoder": answer.encoder,
        "Localizer": answer.localizer,
        "Plan by": answer.plan.source or "none (the query unchanged)",
        "Samples": samples,
        **{key.replace("_", " ").capitalize(): str(value) for key, value in origin.items()},
    }


def _fact_list(facts: Mapping[str, str]) -> str:
    rows = "".join(f"<dt>{safe(key)}</dt><dd>{safe(value)}</dd>" for key, value in facts.items())
    return f"<dl>{rows}</dl>" if rows else ""
