"""An answer as a chart in HTML: moments as bars, curves as lines, one time axis; for notebooks and the report."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape as escape_html
from importlib.resources import files
from pathlib import Path

import numpy as np

from ..answer import Answer
from ..types import Evidence, Moment, TrackCurve
from .evidence import MOST_EVIDENCE, MOST_TRACKS, has_words, shown_evidence, track_name, track_verdict, within
from .exports.common import short_clock
from .plots import main_texts

CURVE_POINTS = 1200  # more than a screen has pixels
TICK_STEPS_SECONDS = (0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200)
MOST_TICKS = 8
BAR_PIXELS = 24  # a bar is at least this wide, to be hit by a finger (WCAG 2.2, 2.5.8)
NARROWEST_CHART_PIXELS = 320
QUOTE_COLUMNS = 300
MOST_MARKED = 100  # moments whose evidence is marked below a track's curve


def notebook_html(answer: Answer) -> str:
    """The chart of an answer and its moments as an HTML fragment: what a notebook shows."""
    info = answer.video
    found = chart(answer, (), clickable=False) + moment_table(answer, clickable=False)
    style = page_piece("chart.css") + (page_piece("words.css") if has_words([answer]) else "")
    return (
        f"<div class='tfg fragment'><style>{style}</style>"
        f"<strong>{safe(answer.query)}</strong> "
        f"<span class='quiet'>{safe(Path(info.path).name)}, {short_clock(info.duration_seconds)}</span>"
        f"{found}{warning_lines(answer)}</div>"
    )


def chart(answer: Answer, thumbnails: Sequence[str], *, clickable: bool) -> str:
    """Thumbnails, a lane of bars for moments, and one row a curve, tracks of words last, over one time axis."""
    duration = answer.video.duration_seconds
    parts = []
    if thumbnails:
        images = "".join(f"<img src='{source}' alt=''>" for source in thumbnails)
        parts.append(f"<div class='thumbs' aria-hidden='true'>{images}</div>")
    lanes = _lanes(answer.moments, duration)
    bars = []
    for rank, (moment, lane) in enumerate(zip(answer.moments, lanes, strict=True), start=1):
        left, width = _place(moment, duration)
        style = f"left:min({left:.3f}%, 100% - {BAR_PIXELS}px);width:{width:.3f}%;top:{4 + 28 * lane}px"
        kind = "bar best" if rank == 1 else "bar"
        if clickable:
            bars.append(play_button(moment, kind, str(rank), rank, style=style))
        else:
            bars.append(f"<div class='{kind}' style='{style}' title='{safe(stretch(moment))}'>{rank}</div>")
    height = 28 * (max(lanes, default=0) + 1) + 4
    parts.append(f"<div class='lanes' style='height:{height}px'>{''.join(bars)}</div>")
    for text in main_texts(answer) if len(answer.pts_seconds) else ():
        parts.append(_row(text, answer.curves.get(text, answer.curve), answer.pts_seconds, duration))
    parts.extend(_track_row(track, answer) for track in answer.tracks[:MOST_TRACKS])
    for moment in answer.moments[:1]:
        left, width = _place(moment, duration)
        parts.append(f"<div class='band' style='left:{left:.3f}%;width:{width:.3f}%'></div>")
    if clickable:
        parts.append("<div class='playhead'></div>")
    parts.append(_axis(duration))
    return f"<div class='chart'>{''.join(parts)}</div>"


def _row(text: str, curve: np.ndarray, pts_seconds: np.ndarray, duration: float) -> str:
    values = np.asarray(curve, dtype=np.float64)
    times = np.asarray(pts_seconds, dtype=np.float64)
    if len(values) > CURVE_POINTS:  # the highest of each bin: a peak must not be lost between two pixels
        bins = np.linspace(0, len(values), CURVE_POINTS + 1).astype(int)[:-1]
        values, times = np.maximum.reduceat(values, bins), times[bins]
    low, high = float(values.min()), float(values.max())
    height = (values - low) / (high - low) if high > low else np.full(len(values), 0.5)
    points = [f"{_share(t, duration) * 10:.1f} {96 - 90 * h:.1f}" for t, h in zip(times, height, strict=True)]
    line = "L".join([f"0 {points[0].split()[1]}", *points, f"1000 {points[-1].split()[1]}"])
    label = f"similarity with “{text}” over time, from {low:.3f} to {high:.3f}"
    return (
        f"<div class='row'><p><span>{safe(text)}</span><span>{low:.3f} to {high:.3f}</span></p>"
        f"{_drawing(label, f'M0 100L{line}L1000 100Z', f'M{line}')}</div>"
    )


def _track_row(track: TrackCurve, answer: Answer) -> str:
    """How a track of words fits, in steps from edge to edge, with a mark below each piece of evidence from it."""
    duration = answer.video.duration_seconds
    values, edges = np.asarray(track.curve, dtype=np.float64), np.asarray(track.edges_seconds, dtype=np.float64)
    kind = "row words" if track.voted else "row words silent"
    head = f"<p><bdi>{safe(track_name(track))}</bdi><span>{track_verdict(track)}</span></p>"
    if not len(values):
        return f"<div class='{kind} bare'>{head}</div>"
    if len(values) > CURVE_POINTS:
        bins = np.linspace(0, len(values), CURVE_POINTS + 1).astype(int)[:-1]
        values, edges = np.maximum.reduceat(values, bins), edges[[*bins, -1]]
    low, high = float(values.min()), float(values.max())
    height = (values - low) / (high - low) if high > low else np.full(len(values), 0.5)
    places = [_share(edge, duration) * 10 for edge in edges]
    steps = zip(places, places[1:], height, strict=False)
    line = "L".join(f"{left:.1f} {96 - 90 * h:.1f}L{right:.1f} {96 - 90 * h:.1f}" for left, right, h in steps)
    label = f"{track_name(track)}, {track_verdict(track)}: how the words fit over time, from {low:.3f} to {high:.3f}"
    drawing = _drawing(label, f"M{places[0]:.1f} 100L{line}L{places[-1]:.1f} 100Z", f"M{line}")
    return f"<div class='{kind}'>{head}{drawing}{_marks(track, answer)}</div>"


def _marks(track: TrackCurve, answer: Answer) -> str:
    marks = []
    for rank, moment in enumerate(answer.moments[:MOST_MARKED], start=1):
        for evidence in moment.evidence[:MOST_EVIDENCE]:
            if evidence.track == track.kind:
                duration = answer.video.duration_seconds
                left, width = _place(within(evidence, duration), duration)
                kind = "mark best" if rank == 1 else "mark"
                marks.append(f"<i class='{kind}' style='left:{left:.3f}%;width:{width:.3f}%'></i>")
    return "".join(reversed(marks))  # the best on top


def _drawing(label: str, area: str, trace: str) -> str:
    return (
        f"<svg viewBox='0 0 1000 100' preserveAspectRatio='none' role='img' aria-label='{safe(label)}'>"
        f"<path class='area' d='{area}'/><path class='trace' d='{trace}'/></svg>"
    )


def _axis(duration: float) -> str:
    step = next((s for s in TICK_STEPS_SECONDS if duration / s <= MOST_TICKS), duration / MOST_TICKS)
    marks = [step * i for i in range(int(duration / step) + 1) if step * i <= duration - 0.6 * step] or [0.0]
    places = [f"<span style='left:{_share(t, duration):.3f}%'>{short_clock(t, short=step >= 1)}</span>" for t in marks]
    places.append(f"<span class='last' style='left:100%'>{short_clock(duration)}</span>")
    return f"<div class='axis' aria-hidden='true'>{''.join(places)}</div>"


def moment_table(answer: Answer, *, clickable: bool) -> str:
    if not answer.moments:
        return ""
    rows = []
    for rank, m in enumerate(answer.moments, start=1):
        play = f"<td>{play_button(m, 'play', 'Play', rank)}</td>" if clickable else ""
        length = f"<td class='wide'>{m.end_seconds - m.start_seconds:.2f} s</td>"
        rows.append(
            f"<tr><td>{rank}</td><td>{short_clock(m.start_seconds)}</td><td>{short_clock(m.end_seconds)}</td>"
            f"{length}<td>{m.score:.3f}</td>{play}</tr>"
        )
        if m.evidence:
            rows.append(_evidence_row(m, rank, answer.video.duration_seconds, clickable=clickable))
    head = "<th>No.</th><th>From</th><th>To</th><th class='wide'>Length</th><th>Score</th>"
    last = "<th></th>" if clickable else ""
    return f"<table><thead><tr>{head}{last}</tr></thead><tbody>{''.join(rows)}</tbody></table>"


def _evidence_row(moment: Moment, rank: int, duration: float, *, clickable: bool) -> str:
    """The words behind a moment, each with its track and time; a click plays them."""
    found, left_out = shown_evidence(moment, duration, columns=QUOTE_COLUMNS)
    pieces = []
    for evidence in found:
        time = f"{evidence.track} {stretch(evidence)}"
        words = f"<q dir='auto'>{safe(evidence.text)}</q>" if evidence.text else ""
        head = f"<span class='quiet'>{safe(time)}</span>"
        if clickable and evidence.start_seconds < evidence.end_seconds:
            label = safe(f"what is {evidence.track} for moment {rank}, {stretch(evidence)}")
            pieces.append(f"{_button(evidence, 'quote', label)}>{head}{words}</button>")
        else:
            pieces.append(f"<div class='quote'>{head}{words}</div>")
    if left_out:
        pieces.append(f"<div class='quote'><span class='quiet'>and {left_out} more</span></div>")
    if not pieces:
        return ""
    return f"<tr class='words'><td colspan='{6 if clickable else 5}'>{''.join(pieces)}</td></tr>"


def play_button(moment: Moment, kind: str, text: str, rank: int, *, style: str = "") -> str:
    label = safe(f"moment {rank}, {stretch(moment)}")
    return f"{_button(moment, kind, label)} style='{style}'>{safe(text)}</button>"


def _button(part: Moment | Evidence, kind: str, label: str) -> str:
    return (
        f"<button type='button' class='{kind}' data-start='{part.start_seconds:.6f}' "
        f"data-end='{part.end_seconds:.6f}' data-label='{label}' title='{label}' "
        f"aria-label='Play {label}' aria-pressed='false'"
    )


def warning_lines(answer: Answer) -> str:
    return "".join(f"<p class='warning'>{safe(warning)}</p>" for warning in answer.warnings)


def _lanes(moments: Sequence[Moment], duration: float) -> list[int]:
    """For each moment the first lane in which its bar, never narrower than BAR_PIXELS, overlaps no better one."""
    least = duration * BAR_PIXELS / NARROWEST_CHART_PIXELS
    taken: list[list[tuple[float, float]]] = []
    lanes = []
    for moment in moments:
        start = min(moment.start_seconds, duration - least)
        end = max(moment.end_seconds, start + least)
        free = [all(b <= start or end <= a for a, b in bars) for bars in taken]
        if True not in free:
            taken.append([])
        lane = free.index(True) if True in free else len(taken) - 1
        taken[lane].append((start, end))
        lanes.append(lane)
    return lanes


def _place(part: Moment | Evidence, duration: float) -> tuple[float, float]:
    """Where a part begins and how long it is, as percentages of the duration."""
    return _share(part.start_seconds, duration), _share(part.end_seconds - part.start_seconds, duration)


def _share(seconds: float, duration: float) -> float:
    """Seconds as a percentage of the duration."""
    return 100.0 * min(max(float(seconds) / duration, 0.0), 1.0)


def stretch(part: Moment | Evidence) -> str:
    return f"{short_clock(part.start_seconds)} to {short_clock(part.end_seconds)}"


def safe(text: str) -> str:
    """Text for HTML content and quoted attributes; lone surrogates of undecodable file names become question marks."""
    return escape_html(text.encode("utf-8", "replace").decode(), quote=True)


def page_piece(name: str) -> str:
    return (files(__package__) / "report_page" / name).read_text(encoding="utf-8")
