"""A figure for papers: the curve of every text of the plan over time, with the moments that were found."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..answer import Answer
from ..errors import TFGroundingError
from .evidence import MOST_EVIDENCE, MOST_TRACKS, only_words, track_name, track_verdict, within

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from ..types import TrackCurve

WIDTH_INCHES, ROW_INCHES = 7.0, 1.2  # the text width of a two-column paper's page
BEST, OTHERS, EVENT = "#c2410c", "#64748b", "#1d4ed8"
VOTED, SILENT = "black", "#b0b0b0"  # curves of tracks of words


def plot_grounding(answer: Answer) -> Figure:
    """Draw an answer: one row a text, the best moment shaded, the runners-up as bars under the first row.

    In the row of an event its own moment is shaded too, in blue.

    A row for each track of words follows, grey where the track says nothing about the query. Bars under its curve show
    where its words speak for a moment.

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
    count = len(texts) + len(tracks)
    figure = Figure(figsize=(WIDTH_INCHES, ROW_INCHES * count + 0.6), layout="constrained")
    rows = figure.subplots(count, 1, sharex=True, squeeze=False)[:, 0]
    for row, text in zip(rows, texts, strict=False):
        curve = answer.curves.get(text, answer.curve)
        row.plot(answer.pts_seconds, curve, color="black", linewidth=0.8)
        row.set_title(_plain(text), loc="left", fontsize=8)
        for event in answer.events:
            if event.text == text:
                row.axvspan(event.moment.start_seconds, event.moment.end_seconds, color=EVENT, alpha=0.25, linewidth=0)
    for row, track in zip(rows[len(texts) :], tracks, strict=True):
        _draw_track(row, track, answer)
    for row in rows:
        row.tick_params(labelsize=7)
        row.spines[["top", "right"]].set_visible(False)
        for moment in answer.moments[:1]:
            row.axvspan(moment.start_seconds, moment.end_seconds, color=BEST, alpha=0.2, linewidth=0)
    low, high = rows[0].get_ylim()
    for rank, moment in enumerate(answer.moments):
        level = low - (high - low) * 0.06 * (rank + 1)
        color = BEST if rank == 0 else OTHERS
        rows[0].plot([moment.start_seconds, moment.end_seconds], [level, level], color=color, linewidth=2.5)
    rows[0].set_xlim(0, answer.video.duration_seconds)
    rows[-1].set_xlabel("seconds", fontsize=8)
    figure.supylabel("similarity", fontsize=8)
    return figure


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


def main_texts(answer: Answer) -> list[str]:
    """The texts that a chart shows: the query, then the main description of each sub-event.

    None where only words were looked at: their tracks have rows of their own.
    """
    if only_words(answer) and any(len(track.curve) for track in answer.tracks):
        return []
    events = [event.descriptions[0] for event in answer.plan.sub_events]
    return list(dict.fromkeys([answer.query, *(text for text in events if text in answer.curves)]))


def _plain(text: str) -> str:
    """A title that matplotlib does not read as a formula, and that fits the page."""
    text = " ".join(text.split()).replace("$", r"\$")
    return text if len(text) <= 100 else text[:99] + "…"
