"""An answer as a page: one HTML file with the video, the curves, the moments to click, and how it was found."""

from __future__ import annotations

import base64
import hashlib
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from string import Template
from urllib.parse import quote

from .. import __version__
from ..answer import Answer
from ..errors import TFGroundingError, VideoError
from ..files import write_atomically
from ..media import cut_clip, iter_frames, to_jpeg
from ..types import Plan, VideoInfo
from .chart import chart, moment_table, page_piece, play_button, safe, short_clock, stretch, warning_lines

LARGEST_EMBEDDED_BYTES = 32 * 2**20  # a page much larger than this opens slowly and cannot be mailed
PREVIEW_HEIGHT, PREVIEW_CRF = 480, 26  # of the copy that stands in for a video too large or of a kind no browser plays
BROWSER_KINDS = {  # container as FFmpeg names it: (codecs that browsers play from it, media type)
    "mov,mp4,m4a,3gp,3g2,mj2": (("h264", "av1", "vp9"), "video/mp4"),
    "matroska,webm": (("vp8", "vp9", "av1"), "video/webm"),
}
BROWSER_SOUND = ("aac", "mp3", "opus", "vorbis")
THUMBNAILS, THUMBNAIL_HEIGHT = 14, 90
RELATION_WORDS = {
    "single-query": "",
    "sequentially": ", one after the other",
    "simultaneously": ", at the same time",
}


def write_report(
    groundings: Sequence[Answer],
    target: str | Path,
    *,
    link: bool = False,
    costs: Mapping[str, str] | None = None,
    progress: Callable[[float, float], None] | None = None,
) -> None:
    """Write answers about one video as a self-contained HTML page.

    Args:
        groundings: at least one answer; all of the same video.
        target: the file to write.
        link: True points to the video where it lies instead of carrying it inside the page.
        costs: what the answers cost, {what: how much}, in words.
        progress: called with (seconds, seconds in all) while a copy of the video is made that browsers play.

    Raises:
        TFGroundingError: no answer, answers about several videos, or a target that cannot be written.
        VideoError: the video cannot be read.
    """
    if len({g.video.path for g in groundings}) != 1:
        raise TFGroundingError("a report is about the answers to one video: give at least one, all of the same video")
    target = Path(target)
    page = _page(groundings, target, link, costs or {}, progress)
    try:
        write_atomically(target, page)
    except OSError as error:
        raise TFGroundingError(f"{target}: the report cannot be written ({error.strerror})") from error


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


def _page(
    groundings: Sequence[Answer],
    target: Path,
    link: bool,
    costs: Mapping[str, str],
    progress: Callable[[float, float], None] | None,
) -> str:
    info = groundings[0].video
    video, note = _video(info, target, link, progress)
    thumbnails = _thumbnails(info)
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
        style=page_piece("chart.css") + page_piece("page.css"),
        script=script,
        video=video,
        note=safe(note),
        answers="\n".join(_answer(g, number, thumbnails, costs) for number, g in enumerate(groundings, start=1)),
    )


def _answer(grounding: Answer, number: int, thumbnails: Sequence[str], costs: Mapping[str, str]) -> str:
    if grounding.moments:
        best = grounding.moments[0]
        found = f"{play_button(best, 'play', stretch(best), 1)} is the best of {len(grounding.moments)}"
        if len(grounding.moments) == 1:
            found = f"{play_button(best, 'play', stretch(best), 1)} is the only moment"
    else:
        found = "No moment stands out."
    if grounding.present is None:
        sure = "<span class='quiet'>whether it happens at all was not estimated</span>"
    else:
        share = f"{min(1.0, max(0.0, grounding.present)):.2f}"
        sure = f"how likely that it happens at all: <meter min='0' max='1' value='{share}'>{share}</meter> {share}"
    words = plan_in_words(grounding.plan)
    plan = "".join(f"<p>{safe(sentence)}</p>" for sentence in words)
    origin = {key: value for key, value in grounding.provenance.items() if key != "tfgrounding"}
    rate_hz = origin.pop("rate_hz", None)
    facts = {
        "Engine": grounding.engine,
        "Encoder": grounding.encoder,
        "Localizer": grounding.localizer,
        "Plan by": grounding.plan.source or "none: the query as it stands",
        "Samples": f"{len(grounding.pts_seconds)} frames" + (f", {rate_hz:g} a second" if rate_hz else ""),
        **costs,
        **{key.replace("_", " ").capitalize(): str(value) for key, value in origin.items()},
    }
    rows = "".join(f"<dt>{safe(key)}</dt><dd>{safe(value)}</dd>" for key, value in facts.items())
    return f"""<section class="answer" aria-labelledby="query-{number}">
<h2 id="query-{number}">“{safe(grounding.query)}”</h2>
<p class="found">{found}</p><p>{sure}</p>
{warning_lines(grounding)}
{chart(grounding, thumbnails, clickable=True)}
{moment_table(grounding, clickable=True)}
<div class="how">
<div><h3>How it was looked for</h3>{plan}</div>
<div><h3>What it was made with</h3><dl>{rows}</dl></div>
</div>
</section>"""


def _video(
    info: VideoInfo, target: Path, link: bool, progress: Callable[[float, float], None] | None
) -> tuple[str, str]:
    """The <video> element, and a sentence on what it plays."""
    path = Path(info.path)
    kind, shift = _browser_kind(info)
    if link:
        try:
            address = quote(path.resolve().relative_to(target.resolve().parent).as_posix())
        except ValueError:
            address = path.resolve().as_uri()
        note = "Plays the video file where it lies." if kind else f"Browsers may not play this file ({info.codec})."
    elif kind and path.stat().st_size <= LARGEST_EMBEDDED_BYTES:
        address, note = _data_url(kind, path.read_bytes()), ""
    else:
        with tempfile.TemporaryDirectory() as folder:
            copy = Path(folder) / "preview.mp4"
            cut_clip(
                path,
                copy,
                start_seconds=0.0,
                end_seconds=info.duration_seconds,
                largest_height=PREVIEW_HEIGHT,
                crf=PREVIEW_CRF,
                progress=progress,
            )
            address, shift = _data_url("video/mp4", copy.read_bytes()), 0.0
        note = f"A smaller copy, at most {PREVIEW_HEIGHT} pixels high; the answers come from the original."
    size = f"width='{info.width}' height='{info.height}' style='aspect-ratio:{info.width}/{info.height}'"
    element = (
        f"<video controls playsinline preload='auto' {size} data-shift='{shift:.6f}' "
        f"data-duration='{info.duration_seconds:.6f}' src='{safe(address)}'></video>"
    )
    return element, note


def _browser_kind(info: VideoInfo) -> tuple[str, float]:
    """(media type, or "" where browsers don't play it; how much later than the file the first picture comes)."""
    import av

    try:
        with av.open(info.path) as container:
            video = container.streams.video[0]
            codecs, kind = BROWSER_KINDS.get(container.format.name, ((), ""))
            plays = video.codec.canonical_name in codecs and video.pix_fmt in ("yuv420p", "yuvj420p")
            plays = plays and all(sound.codec.canonical_name in BROWSER_SOUND for sound in container.streams.audio)
            first = float((video.start_time or 0) * (video.time_base or 0))
            return (kind if plays else ""), max(0.0, first - (container.start_time or 0) / av.time_base)
    except av.FFmpegError as error:
        raise VideoError(f"{info.path}: not a video that can be read ({error.strerror})") from error


def _thumbnails(info: VideoInfo) -> list[str]:
    """JPEG data URLs, one for each of THUMBNAILS equal parts of the video, from its middle."""
    rate_hz = THUMBNAILS / info.duration_seconds
    sources: list[str] = []
    for frames in iter_frames(info.path, rate_hz=rate_hz, size=THUMBNAIL_HEIGHT):
        sources.extend(_data_url("image/jpeg", to_jpeg(pixels)) for pixels in frames.pixels)
    return sources[:THUMBNAILS]


def _data_url(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"
