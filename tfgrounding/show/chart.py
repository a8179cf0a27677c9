"""An answer as a chart in HTML: moments as bars, curves as lines, one time axis; for notebooks and the report."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ..answer import Answer
from ..types import Evidence, Moment, TrackCurve
from .evidence import MOST_EVIDENCE, MOST_TRACKS, track_name, track_verdict, within
from .exports.common import short_clock
from .found import shaded
from .pages import moment_name, play_button, safe, stretch
from .scale import Scale, main_texts, scale_of

CURVE_POINTS = 1200  # more than a screen has pixels
TICK_STEPS_SECONDS = (0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200)
MOST_TICKS, MOST_TICKS_NARROW = 8, 4  # NARROW: on a phone
LAST_TICK_STEPS = 1.2  # the end stands at least so many steps after the tick before it
BAR_PIXELS = 24  # a bar is at least this wide, to be hit by a finger (WCAG 2.2, 2.5.8)
NARROWEST_CHART_PIXELS = 320
MOST_MARKED = 100  # moments whose evidence is marked below a track's curve
TOP, HEIGHT = 8.0, 84.0  # of a curve in a drawing that is 100 high


def chart(answer: Answer, thumbnails: Sequence[str], *, clickable: bool, scale: Scale | None = None) -> str:
    """Thumbnails, a lane of bars for moments, and one row a curve, tracks of words last, over one time axis.

    Args:
        answer: what is drawn.
        thumbnails: addresses of pictures, in order of time.
        clickable: whether bars are buttons that play the video.
        scale: of the curves; None for one of this answer alone.
    """
    duration = answer.video.duration_seconds
    scale = scale or scale_of([answer], answer)
    parts = []
    if thumbnails:
        images = "".join(f"<img src='{source}' alt=''>" for source in thumbnails)
        parts.append(f"<div class='thumbs' aria-hidden='true'>{images}</div>")
    parts.append(_bars(answer, duration, clickable))
    texts = main_texts(answer) if len(answer.pts_seconds) else []
    parts.extend(_row(text, answer, scale) for text in texts)
    parts.extend(_track_row(track, answer) for track in answer.tracks[:MOST_TRACKS])
    if clickable:
        parts.append("<div class='playhead'></div>")
    parts.append(axes(duration))
    return f"<div class='frame'><div class='chart'>{''.join(parts)}</div>{_legend(scale) if texts else ''}</div>"


def _bars(answer: Answer, duration: float, clickable: bool) -> str:
    lanes = _lanes(answer.moments, duration)
    bars = []
    for rank, (moment, lane) in enumerate(zip(answer.moments, lanes, strict=True), start=1):
        left, width = _place(moment, duration)
        style = f"left:min({left:.3f}%, 100% - {BAR_PIXELS}px);width:{width:.3f}%;top:{4 + 28 * lane}px"
        kind = "bar best" if rank == 1 else "bar"
        if clickable:
            bars.append(play_button(moment, kind, str(rank), moment_name(rank, answer.query), style=style))
        else:
            bars.append(f"<div class='{kind}' style='{style}' title='{safe(stretch(moment))}'>{rank}</div>")
    height = 28 * (max(lanes, default=0) + 1) + 4
    return f"<div class='lanes' style='height:{height}px'>{''.join(bars)}</div>"


def _legend(scale: Scale) -> str:
    words = f"Curves: how well the pictures fit the words. Scale: {scale.low:.2f} to {scale.high:.2f}."
    if scale.unrelated is not None:
        words = f"{words} <span class='key'></span> unrelated words reach {scale.unrelated:.2f}."
    return f"<p class='legend quiet'>{words}</p>"


def _row(text: str, answer: Answer, scale: Scale) -> str:
    duration = answer.video.duration_seconds
    values = np.asarray(answer.curves.get(text, answer.curve), dtype=np.float64)
    times = np.asarray(answer.pts_seconds, dtype=np.float64)
    if len(values) > CURVE_POINTS:  # the highest of each bin: a peak must not be lost between two pixels
        bins = np.linspace(0, len(values), CURVE_POINTS + 1).astype(int)[:-1]
        values, times = np.maximum.reduceat(values, bins), times[bins]
    low, high = float(values.min()), float(values.max())
    heights = _down(scale.share(values))
    points = [f"{_share(t, duration) * 10:.1f} {y:.1f}" for t, y in zip(times, heights, strict=True)]
    line = "L".join([f"0 {points[0].split()[1]}", *points, f"1000 {points[-1].split()[1]}"])
    label = f"similarity with “{text}” over time, from {low:.3f} to {high:.3f}"
    drawing = _drawing(label, f"M0 100L{line}L1000 100Z", f"M{line}", _unrelated_line(scale))
    name = f"{text} (low where this is not the case)" if _is_negated(text, answer) else text
    return (
        f"<div class='row'>{_band(shaded(text, answer), duration)}{drawing}"
        f"<p><bdi>{safe(name)}</bdi><span>highest {high:.2f}</span></p></div>"
    )


def _is_negated(text: str, answer: Answer) -> bool:
    """Whether the curve of a text shows the opposite of what was asked for."""
    if text in (answer.query, answer.plan.query):
        return answer.plan.negated
    return any(event.negated for event in answer.plan.sub_events if text == event.descriptions[0])


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
    heights = _down(Scale(low, high, None).share(values))
    places = [_share(edge, duration) * 10 for edge in edges]
    steps = zip(places, places[1:], heights, strict=False)
    line = "L".join(f"{left:.1f} {y:.1f}L{right:.1f} {y:.1f}" for left, right, y in steps)
    label = f"{track_name(track)}, {track_verdict(track)}: how the words fit over time, from {low:.3f} to {high:.3f}"
    drawing = _drawing(label, f"M{places[0]:.1f} 100L{line}L{places[-1]:.1f} 100Z", f"M{line}")
    band = _band(answer.moments[0] if answer.moments else None, duration)
    return f"<div class='{kind}'>{band}{drawing}{head}{_marks(track, answer)}</div>"


def _marks(track: TrackCurve, answer: Answer) -> str:
    marks = []
    for rank, moment in enumerate(answer.moments[:MOST_MARKED], start=1):
        for evidence in moment.evidence[:MOST_EVIDENCE]:
            if evidence.track == track.kind:
                duration = answer.video.duration_seconds
                kind = "mark best" if rank == 1 else "mark"
                marks.append(f"<i class='{kind}' style='{placed(within(evidence, duration), duration)}'></i>")
    return "".join(reversed(marks))  # the best on top


def _band(moment: Moment | None, duration: float) -> str:
    if moment is None:
        return ""
    return f"<div class='band' style='{placed(moment, duration)}'></div>"


def _drawing(label: str, area: str, trace: str, more: str = "") -> str:
    return (
        f"<svg viewBox='0 0 1000 100' preserveAspectRatio='none' role='img' aria-label='{safe(label)}'>"
        f"<path class='area' d='{area}'/>{more}<path class='trace' d='{trace}'/></svg>"
    )


def _unrelated_line(scale: Scale) -> str:
    if scale.unrelated is None:
        return ""
    (y,) = _down(scale.share(np.array([scale.unrelated])))
    return f"<path class='unrelated' d='M0 {y:.1f}H1000'/>"


def _down(shares: np.ndarray) -> np.ndarray:
    """Shares of the height as places in a drawing, which counts from its top."""
    return TOP + HEIGHT * (1 - shares)


def axes(duration: float) -> str:
    """The time axis below a chart, as wide screens show it and as narrow ones do."""
    return _axis(duration, MOST_TICKS, "axis") + _axis(duration, MOST_TICKS_NARROW, "axis narrow")


def _axis(duration: float, most_ticks: int, kind: str) -> str:
    step = next((s for s in TICK_STEPS_SECONDS if duration / s <= most_ticks), duration / most_ticks)
    last = duration - LAST_TICK_STEPS * step
    marks = [step * i for i in range(int(duration / step) + 1) if step * i <= last] or [0.0]
    places = [f"<span style='left:{_share(t, duration):.3f}%'>{short_clock(t, short=step >= 1)}</span>" for t in marks]
    end = short_clock(duration, short=duration >= 3600)
    places.append(f"<span class='last' style='left:100%'>{end}</span>")
    return f"<div class='{kind}' aria-hidden='true'>{''.join(places)}</div>"


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


def placed(part: Moment | Evidence, duration: float) -> str:
    """Where a part stands on a chart, as CSS."""
    left, width = _place(part, duration)
    return f"left:{left:.3f}%;width:{min(width, 100 - left):.3f}%"


def _place(part: Moment | Evidence, duration: float) -> tuple[float, float]:
    """Where a part begins and how long it is, as percentages of the duration."""
    return _share(part.start_seconds, duration), _share(part.end_seconds - part.start_seconds, duration)


def _share(seconds: float, duration: float) -> float:
    """Seconds as a percentage of the duration."""
    return 100.0 * min(max(float(seconds) / duration, 0.0), 1.0)
