"""A comparison's worst queries as one HTML page: truth and both answers on a time line, under pictures of the video."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from itertools import islice
from pathlib import Path
from string import Template
from typing import Any

from .. import __version__
from ..errors import DatasetError
from ..evaluation.compare import FEWEST_VIDEOS, Compared, Comparison, Worst
from ..evaluation.files import VideoFiles
from ..evaluation.results import Row
from ..files import write_atomically
from ..media import VideoFile, iter_frames, open_source, to_jpeg
from ..types import TRACK_KINDS, Evidence, Moment, Source
from .chart import axes, placed
from .exports.common import short_clock
from .found import evidence_pieces
from .pages import content_policy, data_url, page_piece, play_button, safe, stretch
from .player import browser_kind, link_address, unplayable

logger = logging.getLogger(__name__)

PICTURES = 8
PICTURE_HEIGHT = 72  # pixels
MOST_WINDOWS = 100  # of the truth, drawn
MOST_EVIDENCE = 100  # of the best window, read


def write_page(
    path: str | Path,
    comparison: Comparison,
    *,
    videos: str | Path | None = None,
    picture_rate_hz: float | None = None,
) -> None:
    """Write the comparison, its worst queries drawn, as one page. It plays the videos where they lie, and loads nothing
    else.

    Args:
        path: the .html file.
        comparison: what `compare` returned.
        videos: the folder of the videos, for pictures and players; a video that cannot be read is drawn without them,
            and says so.
        picture_rate_hz: given, folders of pictures in it are videos too, of so many pictures a second.

    Raises:
        DatasetError: no such folder, a damaged row, or the file cannot be written.
    """
    files = None if videos is None else VideoFiles(videos, picture_rate_hz=picture_rate_hz)
    names = [Path(name).name for name in comparison.names]
    script = page_piece("page.js")
    page = Template(page_piece("compare.html")).substitute(
        title=safe(f"{names[1]} beside {names[0]}"),
        first=safe(comparison.names[0]),
        second=safe(comparison.names[1]),
        policy=safe(content_policy(script)),
        version=safe(__version__),
        style="".join(map(page_piece, ("chart.css", "page.css", "words.css", "compare.css"))),
        script=script,
        tables=_tables(comparison),
        lead="<p class='quiet'>Where B loses most, the largest loss first:</p>" if comparison.worst else "",
        sections="\n".join(_section(one, n, files, Path(path)) for n, one in enumerate(comparison.worst, start=1)),
    )
    try:
        write_atomically(path, page)
    except OSError as error:
        raise DatasetError(f"{path}: the page cannot be written ({error.strerror})") from error


def _tables(comparison: Comparison) -> str:
    parts = []
    if comparison.only_first or comparison.only_second:
        left_out = f"Left out: {comparison.only_first:,} queries only in A, {comparison.only_second:,} only in B."
        parts.append(f"<p class='warning'>{left_out}</p>")
    groups = (("all queries", comparison.overall), *((f"mIoU by {n}", g) for n, g in comparison.groups.items()))
    parts.extend(_table(title, lines) for title, lines in groups if lines)
    return "".join(parts)


def _table(title: str, lines: Mapping[str, Compared]) -> str:
    heads = ("", "queries", "A", "B", "B - A", "95 %", "p")
    kinds = ("", "", "", "", "", "wide", "wide")
    head = "".join(f"<th scope='col' class='{kind}'>{text}</th>" for text, kind in zip(heads, kinds, strict=True))
    rows = []
    for name, line in lines.items():
        paired = line.paired
        sure = ("too few videos", "")
        if paired.videos >= FEWEST_VIDEOS:
            sure = (f"{paired.low * 100:+.2f} to {paired.high * 100:+.2f}", f"{paired.p_value:.4f}")
        cells = (f"{paired.queries:,}", f"{line.first:.2f}", f"{line.second:.2f}", f"{paired.difference * 100:+.2f}")
        row = "".join(f"<td class='{kind}'>{text}</td>" for text, kind in zip((*cells, *sure), kinds[1:], strict=True))
        rows.append(f"<tr><th scope='row'>{safe(name)}</th>{row}</tr>")
    return (
        f"<table class='figures'><caption>{safe(title)}</caption><thead><tr>{head}</tr></thead>"
        f"<tbody>{''.join(rows)}</tbody></table>"
    )


def _section(one: Worst, number: int, files: VideoFiles | None, target: Path) -> str:
    """One query: the video, the truth and both answers over its time."""
    truth = [_moment(window) for window in one.first["relevant_windows"][:MOST_WINDOWS]]
    answers = [_best(row) for row in (one.first, one.second)]
    ends = [moment.end_seconds for moment in (*truth, *answers) if moment is not None]
    length = one.first.get("duration") or max(ends)
    element, strip, note = _video(one.first["vid"], files, length, target)
    query = safe(one.first["query"])
    rows = [_row("truth", "Truth", "", truth, length, bool(element))]
    for kind, row, moment, iou in zip(
        "ab", (one.first, one.second), answers, (one.first_iou, one.second_iou), strict=True
    ):
        present = "" if row.get("present") is None else f", present {row['present']:.2f}"
        facts = f"IoU {iou:.2f}{present}"
        rows.append(_row(kind, kind.upper(), facts, [moment] if moment else [], length, bool(element)))
    words = "".join(
        f"<div class='spoken'><p class='quiet'>{kind} found there:</p>{pieces}</div>"
        for kind, moment in zip("AB", answers, strict=True)
        if moment and (pieces := evidence_pieces(moment, length, f"for {kind}", clickable=bool(element)))
    )
    head = "<div class='playhead'></div>" if element else ""
    chart = f"<div class='chart'>{strip}{''.join(rows)}{head}{axes(length)}</div>"
    place = "beside" if element else "alone"
    return (
        f"<section class='answer' data-player aria-labelledby='query-{number}'><h2 id='query-{number}'>“{query}”</h2>"
        f"<p class='quiet'>{safe(one.first['vid'])}, {short_clock(length)}</p>{note}"
        f"<div class='{place}'>{element}<div><div class='frame'>{chart}</div>{words}</div></div></section>"
    )


def _row(kind: str, label: str, facts: str, moments: Sequence[Moment], length: float, plays: bool) -> str:
    bars = []
    for moment in moments:
        style = placed(moment, length)
        if plays:
            bars.append(play_button(moment, "side", "", label, style=style))
        else:
            bars.append(f"<i class='side' style='{style}' title='{stretch(moment)}'></i>")
    times = ", ".join(stretch(moment) for moment in moments[:3]) or "no answer"
    more = f" and {len(moments) - 3} more" if len(moments) > 3 else ""
    head = f"<p><span><b>{label}</b> {times}{more}</span><span>{facts}</span></p>"
    return f"<div class='row compared {kind}'>{head}{''.join(bars)}</div>"


def _best(row: Row) -> Moment | None:
    """The best window of a row, with what speaks for it."""
    windows = row["pred_relevant_windows"]
    if not windows:
        return None
    try:
        evidence = tuple(_evidence(piece) for piece in (row.get("pred_evidence") or [])[:MOST_EVIDENCE])
    except (TypeError, KeyError, ValueError) as error:
        raise DatasetError(f"the row of qid {row['qid']!r} is damaged: its pred_evidence is {error}") from error
    return _moment(windows[0], evidence)


def _moment(window: Sequence[float], evidence: tuple[Evidence, ...] = ()) -> Moment:
    return Moment(float(window[0]), float(window[1]), float(window[2]) if len(window) > 2 else 1.0, evidence=evidence)


def _evidence(piece: Mapping[str, Any]) -> Evidence:
    track, text = piece["track"], piece["text"]
    if track not in TRACK_KINDS or not isinstance(text, str):
        raise ValueError("of an unknown form")
    return Evidence(track, float(piece["start_seconds"]), float(piece["end_seconds"]), text)


def _video(name: str, files: VideoFiles | None, length: float, target: Path) -> tuple[str, str, str]:
    """The <video> element, a strip of pictures, and what to say about the video, each "" where there is none."""
    if files is None:
        return "", "", ""
    try:
        source = open_source(files.find(name))
        pictures = _pictures(source)
        element, note = _player(source, length, target, pictures[len(pictures) // 2])
    except Exception as error:  # a file may make any library fail in any way
        logger.warning("no pictures of %s: %s", name, error)
        return "", "", f"<p class='warning'>no pictures: {safe(str(error))}</p>"
    strip = "".join(f"<img alt='' src='{picture}'>" for picture in pictures)
    return element, f"<div class='thumbs' aria-hidden='true'>{strip}</div>", note


def _pictures(source: Source) -> list[str]:
    """Addresses of pictures along the video."""
    rate_hz = PICTURES / source.info.duration_seconds
    with iter_frames(source, rate_hz=rate_hz, size=PICTURE_HEIGHT, chunk_frames=1) as stream:
        return [data_url("image/jpeg", to_jpeg(chunk.pixels[0])) for chunk in islice(stream, PICTURES)]


def _player(source: Source, length: float, target: Path, poster: str) -> tuple[str, str]:
    """A player of the file where it lies; none for what browsers do not play, with a sentence."""
    if not isinstance(source, VideoFile):
        return "", ""
    if not browser_kind(source):
        return "", f"<p class='warning'>{safe(unplayable(source))}</p>"
    info = source.info
    address = safe(link_address(source.path, target))
    return (
        f"<div><video controls playsinline preload='none' poster='{poster}' "
        f"width='{info.width}' height='{info.height}' style='aspect-ratio:{info.width}/{info.height}' "
        f"data-shift='{info.start_offset_seconds:.6f}' data-duration='{length:.6f}' src='{address}'></video>"
        "<p class='now quiet' role='status'></p></div>",
        "",
    )
