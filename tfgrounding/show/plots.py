"""A figure for papers: the moments that were found, and the curve of every text of the plan, over time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..answer import Answer
from ..errors import TFGroundingError
from ..types import Moment
from .evidence import MOST_EVIDENCE, MOST_TRACKS, track_name, track_verdict, within
from .exports.common import short_clock
from .found import look_of, shaded, verdict_words
from .pages import stretch
from .scale import main_texts, scale_of
from .verdict import PROBABLY_NOT

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from ..types import TrackCurve

WIDTH_INCHES, ROW_INCHES = 7.0, 1.2  # the text width of a two-column paper's page
BAR_INCHES, MOST_BARS = 0.19, 10
BEST, OTHERS = "#c2410c", "#64748b"
VOTED, SILENT = "black", "#8a8a8a"  # curves of tracks of words


def plot_grounding(answer: Answer, *, least_present: float = PROBABLY_NOT) -> Figure:
    """Draw an answer: the moments as bars with their times and scores, then one row a text with its moment shaded.

    Where the event is only perhaps in the video, bars are outlines; where it probably is not, dashed ones without
    shading. A row for each track of words follows, grey where the track says nothing about the query. Bars under its
    curve show where its words speak for a moment.

    Args:
        answer: what is drawn.
        least_present: the probability below which the event counts as absent, from 0 to 1.

    Returns:
        A matplotlib figure that no window shows; `figure.savefig(path)` writes it as PNG, SVG or PDF.

    Raises:
        TFGroundingError: matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise TFGroundingError("plots need matplotlib: pip install 'tfgrounding[plot]'") from error
    texts = main_texts(answer)
    tracks = [track for track in answer.tracks if len(track.curve)][:MOST_TRACKS]
    bars_inches = BAR_INCHES * (min(len(answer.moments), MOST_BARS) or 1) + 0.1
    heights = [bars_inches, *[ROW_INCHES] * (len(texts) + len(tracks))]
    figure = Figure(figsize=(WIDTH_INCHES, sum(heights) + 0.9), layout="constrained")
    first, *rows = figure.subplots(len(heights), 1, sharex=True, squeeze=False, height_ratios=heights)[:, 0]
    figure.suptitle(_plain(answer.query), fontsize=9, x=0.01, ha="left", fontweight="bold")
    _draw_moments(first, answer, least_present)
    for row, text in zip(rows, texts, strict=False):
        _draw_text(row, text, answer, least_present)
    for row, track in zip(rows[len(texts) :], tracks, strict=True):
        _draw_track(row, track, answer)
        _shade(row, answer.moments[0] if answer.moments else None, answer, least_present)
    for row in rows:
        row.tick_params(labelsize=7)
        row.spines[["top", "right"]].set_visible(False)
    first.set_xlim(0, answer.video.duration_seconds)
    last = rows[-1] if rows else first
    last.xaxis.set_major_formatter(lambda seconds, _: short_clock(max(0.0, seconds)))
    last.set_xlabel("time", fontsize=8)
    figure.supylabel("similarity", fontsize=8)
    return figure


def _draw_moments(row: Axes, answer: Answer, least_present: float) -> None:
    """A bar for each moment, the best on top, with its times and score."""
    row.set_title(verdict_words(answer, least_present), loc="left", fontsize=8)
    row.set_yticks([])
    row.spines[["top", "right", "left"]].set_visible(False)
    row.tick_params(labelsize=7)
    shown = answer.moments[:MOST_BARS]
    row.set_ylim(max(len(shown), 1) - 0.4, -0.6)
    look = look_of(answer, least_present)
    style = {"probably-not": "--", "perhaps": "-"}.get(look, "")
    for place, moment in enumerate(shown):
        colour = OTHERS if place or look == "probably-not" else BEST
        face = "none" if style else colour
        length = moment.end_seconds - moment.start_seconds
        row.barh(
            place,
            length,
            left=moment.start_seconds,
            height=0.7,
            facecolor=face,
            edgecolor=colour,
            linestyle=style or "-",
        )
        words = f"{stretch(moment)}   {moment.score:.2f}"
        right = moment.end_seconds < 0.7 * answer.video.duration_seconds
        at = moment.end_seconds if right else moment.start_seconds
        inside = not right and moment.start_seconds < 0.3 * answer.video.duration_seconds
        row.annotate(
            words,
            (at, place),
            xytext=(4 if right or inside else -4, 0),
            textcoords="offset points",
            ha="left" if right or inside else "right",
            va="center",
            fontsize=6.5,
            color="white" if inside and not style else "black",
        )


def _draw_text(row: Axes, text: str, answer: Answer, least_present: float) -> None:
    scale = scale_of([answer], answer)
    row.plot(answer.pts_seconds, answer.curves.get(text, answer.curve), color="black", linewidth=0.8)
    if scale.unrelated is not None:
        row.axhline(scale.unrelated, color=OTHERS, linewidth=0.7, linestyle=":")
    row.set_title(_plain(text), loc="left", fontsize=8)
    margin = 0.05 * (scale.high - scale.low) or 0.01
    row.set_ylim(scale.low - margin, scale.high + margin)
    _shade(row, shaded(text, answer), answer, least_present)


def _shade(row: Axes, moment: Moment | None, answer: Answer, least_present: float) -> None:
    look = look_of(answer, least_present)
    if moment is not None and look != "probably-not":
        alpha = 0.08 if look == "perhaps" else 0.2
        row.axvspan(moment.start_seconds, moment.end_seconds, color=BEST, alpha=alpha, linewidth=0)


def _draw_track(row: Axes, track: TrackCurve, answer: Answer) -> None:
    row.stairs(track.curve, track.edges_seconds, color=VOTED if track.voted else SILENT, linewidth=0.8, baseline=None)
    row.set_title(_plain(f"{track_name(track)}, {track_verdict(track)}"), loc="left", fontsize=8)
    low, high = row.get_ylim()
    level = low - (high - low) * 0.06
    for rank, moment in reversed(list(enumerate(answer.moments))):
        for evidence in moment.evidence[:MOST_EVIDENCE]:
            if evidence.track == track.kind:
                part = within(evidence, answer.video.duration_seconds)
                color = BEST if rank == 0 else OTHERS
                row.plot([part.start_seconds, part.end_seconds], [level, level], color=color, linewidth=2.5)


def _plain(text: str) -> str:
    """A title that matplotlib does not read as a formula, and that fits the page."""
    text = " ".join(text.split()).replace("$", r"\$")
    return text if len(text) <= 100 else text[:99] + "…"
