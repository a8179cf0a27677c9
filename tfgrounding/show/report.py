"""An answer as a page: one HTML file with the video, the curves, the moments to click, and how it was found."""

from __future__ import annotations

import base64
import hashlib
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
from .chart import chart, moment_table, page_piece, play_button, safe, stretch, warning_lines
from .evidence import has_words, only_words, tracks_in_words
from .exports.common import short_clock
from .player import Player, player

HELP = "Click a moment to play just that stretch, or press <kbd>1</kbd> to <kbd>9</kbd>. Click the chart to go there."
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
    costs: Mapping[str, str] | None = None,
    progress: Progress | None = None,
) -> list[str]:
    """Write answers about one video as a self-contained HTML page.

    Args:
        answers: at least one; all of the same video.
        target: the file to write, whole or not at all; its folder is made.
        link: True points to the video where it lies instead of carrying it inside the page.
        costs: what the answers cost, {what: how much}, in words.
        progress: called with (seconds, seconds in all) while a copy of the video is made that browsers play.

    Returns:
        What the page lacks, in words: the video, where it is not there any more; the page says so too.

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
        write_atomically(target, _page(answers, shown, costs or {}))
    except OSError as error:
        raise TFGroundingError(f"{target}: the report cannot be written ({error.strerror})") from error
    return [shown.missing] if shown.missing else []


def plan_in_words(plan: Plan) -> list[str]:
    """What was looked for, sentence by sentence."""
    sentences = [f"Looked for: {plan.query}"]
    if plan.paraphrases:
        sentences.append("In other words: " + "; ".join(plan.paraphrases))
    if plan.sub_events:
        events = "one simpler event" if len(plan.sub_events) == 1 else f"{len(plan.sub_events)} simpler events"
        sentences.append(f"Split into {events}{RELATION_WORDS[plan.relation]}:")
        for number, event in enumerate(plan.sub_events, start=1):
            others = f" (also as: {'; '.join(event.descriptions[1:])})" if len(event.descriptions) > 1 else ""
            sentences.append(f"{number}. {event.descriptions[0]}{others}")
    else:
        sentences.append("As a single event, without splitting it.")
    return sentences


def _page(answers: Sequence[Answer], shown: Player, costs: Mapping[str, str]) -> str:
    info = answers[0].video
    script = page_piece("page.js")
    # A browser runs this one script and loads nothing, even if a text had found its way past the escaping.
    digest = base64.b64encode(hashlib.sha256(f"\n{script}\n".encode()).digest()).decode()
    policy = (
        f"default-src 'none'; script-src 'sha256-{digest}'; style-src 'unsafe-inline'; img-src data:; "
        "media-src data: file: 'self'; base-uri 'none'; form-action 'none'"
    )
    rate = f" · {info.frame_rate_hz:.5g} Hz" if info.frame_rate_hz else ""
    return Template(page_piece("page.html")).substitute(
        title=safe(Path(info.path).name),
        facts=safe(f"{short_clock(info.duration_seconds)} · {info.width} × {info.height} · {info.codec}{rate}"),
        policy=safe(policy),
        version=safe(__version__),
        style=page_piece("chart.css")
        + page_piece("page.css")
        + (page_piece("words.css") if has_words(answers) else ""),
        script=script,
        columns="columns" if shown.element else "columns alone",
        video=shown.element or f"<p class='warning'>{safe(shown.missing)}</p>",
        note=safe(shown.note),
        help=HELP if shown.element else "",
        answers="\n".join(_answer(answer, number, shown, costs) for number, answer in enumerate(answers, start=1)),
    )


def _answer(answer: Answer, number: int, shown: Player, costs: Mapping[str, str]) -> str:
    plays = bool(shown.element)
    if answer.moments:
        best = answer.moments[0]
        times = play_button(best, "play", stretch(best), 1) if plays else f"<strong>{safe(stretch(best))}</strong>"
        found = f"{times} is {'the only moment' if len(answer.moments) == 1 else f'the best of {len(answer.moments)}'}"
    else:
        found = "No moment stands out."
    if answer.present is None:
        sure = "<span class='quiet'>the probability that it happens in the video was not estimated</span>"
    else:
        share = f"{min(1.0, max(0.0, answer.present)):.2f}"
        meter = f"<meter min='0' max='1' value='{share}'>{share}</meter>"
        sure = f"probability that it happens in the video: <span class='share'>{meter} {share}</span>"
    words = plan_in_words(answer.plan)
    if answer.tracks:
        words.append(f"Tracks of words that were asked: {tracks_in_words(answer.tracks)}.")
    plan = "".join(f"<p>{safe(sentence)}</p>" for sentence in words)
    origin = {key: value for key, value in answer.provenance.items() if key != "tfgrounding"}
    rate_hz = origin.get("rate_hz")
    if isinstance(rate_hz, (int, float)) and 0 < rate_hz <= FASTEST_RATE_HZ:
        samples = f"{len(answer.pts_seconds)} frames, {origin.pop('rate_hz'):g} per second"
    else:
        samples = f"{len(answer.pts_seconds)} frames"
    if only_words(answer):
        samples = "none of the pictures"
    facts = {
        "Engine": answer.engine,
        "Encoder": answer.encoder,
        "Localizer": answer.localizer,
        "Plan by": answer.plan.source or "none (the query unchanged)",
        "Samples": samples,
        **costs,
        **{key.replace("_", " ").capitalize(): str(value) for key, value in origin.items()},
    }
    rows = "".join(f"<dt>{safe(key)}</dt><dd>{safe(value)}</dd>" for key, value in facts.items())
    return f"""<section class="answer" aria-labelledby="query-{number}">
<h2 id="query-{number}">“{safe(answer.query)}”</h2>
<p class="found">{found}</p><p>{sure}</p>
{warning_lines(answer)}
{chart(answer, shown.thumbnails, clickable=plays)}
{moment_table(answer, clickable=plays)}
<div class="how">
<div><h3>How it was searched</h3>{plan}</div>
<div><h3>What it was made with</h3><dl>{rows}</dl></div>
</div>
</section>"""
