"""A comparison's worst queries as one HTML page: truth and both answers on a time line, under pictures of the video."""

from __future__ import annotations

import base64
import logging
from collections.abc import Sequence
from html import escape
from itertools import islice
from pathlib import Path

from ..errors import DatasetError
from ..evaluation.compare import Comparison, Worst
from ..evaluation.files import VideoFiles
from ..files import write_atomically
from ..media import iter_frames, probe, to_jpeg

logger = logging.getLogger(__name__)

PICTURES = 8
PICTURE_HEIGHT = 72  # pixels
STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; color: #222 }
pre { font-size: 13px; background: #f5f5f3; padding: 1rem; overflow-x: auto }
section { margin: 2rem 0 } h2 { font-size: 1rem; margin: 0 0 .4rem } small { color: #666; font-weight: normal }
.strip { display: flex; gap: 2px; margin-left: 3.7rem }
.strip img { flex: 1 1 0; min-width: 0; height: 72px; object-fit: cover }
.line { display: flex; align-items: center; gap: .5rem } .line b { width: 3.2rem; font-weight: normal; color: #666 }
.bar { position: relative; flex: 1; height: 12px; margin: 2px 0; background: #eee }
.bar i { position: absolute; top: 0; bottom: 0; min-width: 2px }
.truth i { background: #3a3a3a } .a i { background: #2a78b5 } .b i { background: #d1611f }
"""


def write_page(
    path: str | Path,
    comparison: Comparison,
    *,
    videos: str | Path | None = None,
    picture_rate_hz: float | None = None,
) -> None:
    """Write the comparison, its worst queries drawn, as one page without links to anything else.

    Args:
        path: the .html file.
        comparison: what `compare` returned.
        videos: the folder of the videos, for pictures; a video that cannot be read is drawn without them, and says so.
        picture_rate_hz: given, folders of pictures in it are videos too, of so many pictures a second.

    Raises:
        DatasetError: no such folder, or the file cannot be written.
    """
    files = None if videos is None else VideoFiles(videos, picture_rate_hz=picture_rate_hz)
    sections = "\n".join(_section(one, files) for one in comparison.worst)
    title = f"{Path(comparison.names[1]).name} beside {Path(comparison.names[0]).name}"
    page = (
        f'<!doctype html>\n<html lang="en"><meta charset="utf-8"><title>{escape(title)}</title><style>{STYLE}</style>\n'
        f"<h1>{escape(title)}</h1>\n<pre>{escape(comparison.text())}</pre>\n{sections}\n</html>\n"
    )
    try:
        write_atomically(path, page)
    except OSError as error:
        raise DatasetError(f"{path}: the page cannot be written ({error.strerror})") from error


def _section(one: Worst, files: VideoFiles | None) -> str:
    row = one.first
    ends = [window[1] for side in (one.first, one.second) for window in side["pred_relevant_windows"][:1]]
    length = row.get("duration") or max([end for _, end in row["relevant_windows"]] + ends)
    bars = "".join(
        f'<div class="line {kind}"><b>{label}</b><div class="bar">{_marks(windows, length)}</div></div>'
        for kind, label, windows in (
            ("truth", "truth", row["relevant_windows"]),
            ("a", f"A {one.first_iou:.2f}", one.first["pred_relevant_windows"][:1]),
            ("b", f"B {one.second_iou:.2f}", one.second["pred_relevant_windows"][:1]),
        )
    )
    heading = f"{escape(row['query'])} <small>{escape(row['vid'])}, {length:.1f} s</small>"
    return f"<section><h2>{heading}</h2>{_strip(row['vid'], files)}{bars}</section>"


def _marks(windows: Sequence[Sequence[float]], length: float) -> str:
    marks = []
    for start, end, *_ in windows:
        left, right = (min(max(second / length, 0.0), 1.0) * 100 for second in (start, end))
        label = f"{start:.1f}-{end:.1f} s"
        marks.append(f'<i style="left:{left:.2f}%;width:{right - left:.2f}%" title="{label}"></i>')
    return "".join(marks)


def _strip(video: str, files: VideoFiles | None) -> str:
    if files is None:
        return ""
    try:
        path = files.find(video)
        rate_hz = PICTURES / probe(path).duration_seconds
        chunks = iter_frames(path, rate_hz=rate_hz, size=PICTURE_HEIGHT, chunk_frames=1)
        pictures = [chunk.pixels[0] for chunk in islice(chunks, PICTURES)]
    except Exception as error:  # a file may make any library fail in any way
        logger.warning("no pictures of %s: %s", video, error)
        return f"<small>no pictures: {escape(str(error))}</small>"
    sources = (base64.b64encode(to_jpeg(picture)).decode() for picture in pictures)
    images = "".join(f'<img alt="" src="data:image/jpeg;base64,{source}">' for source in sources)
    return f'<div class="strip">{images}</div>'
