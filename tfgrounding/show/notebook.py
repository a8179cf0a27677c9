"""What a notebook shows of an answer: whether it happens, the moments and the chart, as HTML without script."""

from __future__ import annotations

from pathlib import Path

from ..answer import Answer
from .chart import chart
from .evidence import has_words
from .exports.common import short_clock
from .found import headline, look_of, moment_table, warning_lines
from .pages import page_piece, safe


def notebook_html(answer: Answer) -> str:
    """The answer as an HTML fragment with its own style."""
    info = answer.video
    style = page_piece("chart.css") + (page_piece("words.css") if has_words([answer]) else "")
    return (
        f"<div class='tfg fragment'><style>{style}</style><div class='answer {look_of(answer)}'>"
        f"<p><strong class='query'>“{safe(answer.query)}”</strong> "
        f"<span class='quiet'>{safe(Path(info.path).name)}, {short_clock(info.duration_seconds)}</span></p>"
        f"{headline(answer, clickable=False)}{warning_lines(answer.warnings)}"
        f"{chart(answer, (), clickable=False)}{moment_table(answer, clickable=False)}</div></div>"
    )
