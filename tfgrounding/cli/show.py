"""The commands that show answers or pass them on: report, export, overlay, mcp."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import TFGroundingError
from ..registry import ROWS
from ..show.verdict import PROBABLY_NOT
from .asking import answer_queries, check_least_present
from .progress import video_progress
from .terminal import (
    Budget,
    Device,
    Dtype,
    EncoderName,
    EngineName,
    Language,
    LeastPresent,
    LocalizerName,
    PictureRate,
    PlannerName,
    Queries,
    Rate,
    Sentences,
    Stream,
    Threshold,
    TopK,
    Tracks,
    Video,
    VideoOrAnswers,
    ViewName,
    VisionConcurrency,
    VisionName,
    VisionPictures,
    VisionTimeout,
    check_places,
    given_options,
    keep_source,
    named_source,
    write_text,
)
from .vision import VisionOptions

if TYPE_CHECKING:
    from ..answer import Answer

STDOUT = Path("-")  # as an output file


def export_command(
    context: typer.Context,
    video: VideoOrAnswers,
    queries: Queries = None,
    form: Annotated[str, typer.Option("--format", help=f"{', '.join(ROWS['exports'])}, or module:function.")] = "json",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write to this file, not to stdout; - is stdout.")
    ] = None,
    clips: Annotated[Path | None, typer.Option(help="Also write every moment as a video file to this folder.")] = None,
    timecode: Annotated[
        str | None, typer.Option(help="For edl and otio: count from the file's start timecode (file) or from 0 (zero).")
    ] = None,
    top_k: TopK = 5,
    engine: EngineName = "curves",
    vlm: VisionName = None,
    view: ViewName = None,
    vlm_pictures: VisionPictures = None,
    budget: Budget = None,
    vlm_timeout: VisionTimeout = None,
    vlm_concurrency: VisionConcurrency = None,
    encoder: EncoderName = "auto",
    planner: PlannerName = "auto",
    localizer: LocalizerName = "default",
    rate: Rate = None,
    device: Device = "auto",
    dtype: Dtype = "auto",
    tracks: Tracks = "auto",
    sentences: Sentences = "embedded",
    language: Language = "",
    picture_rate: PictureRate = None,
    stream: Stream = None,
    threshold: Threshold = None,
) -> None:
    """Answer queries about VIDEO in a format that editors, players, spreadsheets and benchmarks read."""
    from ..show.export import prepared_export
    from ..show.exports.timelines import checked_timecode

    output = None if output == STDOUT else output
    write = prepared_export(form, **({} if timecode is None else {"timecode": checked_timecode(timecode)}))
    keep_source(video, output)
    check_places(output, folder=clips)
    answers, _ = answer_queries(
        *(video, queries or [], picture_rate, stream, top_k),
        threshold=threshold,
        given=given_options(context),
        engine=engine,
        vlm=vlm,
        vision=VisionOptions(view, vlm_pictures, budget, vlm_timeout, vlm_concurrency),
        encoder=encoder,
        planner=planner,
        localizer=localizer,
        rate_hz=rate,
        device=device,
        dtype=dtype,
        tracks=tracks,
        sentences=sentences,
        language=language,
    )
    for answer in answers:
        keep_source(answer.video.path, output)
    text = write(answers)
    if output is None:
        sys.stdout.write(text)
    else:
        write_text(output, text)
        print(f"wrote {output}", file=sys.stderr)
    if clips is not None:
        for answer in answers:
            for path in answer.save_clips(clips):
                print(f"wrote {path}", file=sys.stderr)


def report_command(
    context: typer.Context,
    video: VideoOrAnswers,
    queries: Queries = None,
    output: Annotated[Path, typer.Option("--output", "-o", help="The page to write.")] = Path("report.html"),
    link: Annotated[
        bool, typer.Option("--link", help="Link to the video instead of including it in the page.")
    ] = False,
    png: Annotated[Path | None, typer.Option(help="Also write a figure of the first query, as PNG.")] = None,
    svg: Annotated[Path | None, typer.Option(help="Also write a figure of the first query, as SVG.")] = None,
    top_k: TopK = 5,
    engine: EngineName = "curves",
    vlm: VisionName = None,
    view: ViewName = None,
    vlm_pictures: VisionPictures = None,
    budget: Budget = None,
    vlm_timeout: VisionTimeout = None,
    vlm_concurrency: VisionConcurrency = None,
    encoder: EncoderName = "auto",
    planner: PlannerName = "auto",
    localizer: LocalizerName = "default",
    rate: Rate = None,
    device: Device = "auto",
    dtype: Dtype = "auto",
    tracks: Tracks = "auto",
    sentences: Sentences = "embedded",
    language: Language = "",
    picture_rate: PictureRate = None,
    stream: Stream = None,
    threshold: Threshold = None,
    least_present: LeastPresent = PROBABLY_NOT,
) -> None:
    """Answer queries about VIDEO on an HTML page: the video, the curves, moments to click, how they were found."""
    from ..show.report import write_report

    check_least_present(least_present)
    keep_source(video, output, png, svg)
    check_places(output, png, svg)
    if png is not None or svg is not None:
        import matplotlib.figure  # noqa: F401 -- fails now if it is missing
    answers, costs = answer_queries(
        *(video, queries or [], picture_rate, stream, top_k),
        threshold=threshold,
        given=given_options(context),
        engine=engine,
        vlm=vlm,
        vision=VisionOptions(view, vlm_pictures, budget, vlm_timeout, vlm_concurrency),
        encoder=encoder,
        planner=planner,
        localizer=localizer,
        rate_hz=rate,
        device=device,
        dtype=dtype,
        tracks=tracks,
        sentences=sentences,
        language=language,
    )
    for answer in answers:
        keep_source(answer.video.path, output, png, svg)
    for kind, path in (("png", png), ("svg", svg)):
        if path is not None:
            save_figure(answers[0], path, kind)
    with video_progress(f"copying {os.path.basename(video)}") as progress:  # noqa: PTH119
        missing = write_report(answers, output, link=link, costs=costs, least_present=least_present, progress=progress)
    for sentence in missing:
        print(f"warning: {sentence}", file=sys.stderr)
    print(f"wrote {output}", file=sys.stderr)


def overlay_command(
    video: Video,
    output: Annotated[Path, typer.Option("--output", "-o", help="The numbered video (.mp4, .mkv or .mov).")],
    rate: Annotated[float, typer.Option(help="Numbers per second.")] = 1.0,
    size: Annotated[float, typer.Option(help="Font size in pixels, for a frame whose shorter side is 336.")] = 40.0,
    color: Annotated[str, typer.Option(help="red, green, blue, yellow, white or black.")] = "red",
    corner: Annotated[
        str, typer.Option(help="bottom-right, bottom-left, top-right, top-left or centre.")
    ] = "bottom-right",
    outline: Annotated[bool, typer.Option("--outline", help="Draw a thin outline.")] = False,
    picture_rate: PictureRate = None,
    stream: Stream = None,
) -> None:
    """Write VIDEO with the numbers on it that the numpro engine shows to a vision LLM."""
    from ..vision.overlay import Overlay, write_numbered_video

    check_places(output)
    overlay = Overlay(size=size, color=color, corner=corner, outline=outline)  # type: ignore[arg-type]
    source = named_source(video, picture_rate=picture_rate, stream=stream)
    last = write_numbered_video(source, output, rate_hz=rate, overlay=overlay)
    print(f"{output}: numbers 1 to {last}")


def mcp_command(
    root: Annotated[
        str, typer.Option(help="The folder whose videos may be used; nothing outside it is read or written.")
    ],
    engine: EngineName = "curves",
    vlm: VisionName = None,
    view: ViewName = None,
    vlm_pictures: VisionPictures = None,
    budget: Budget = None,
    vlm_timeout: VisionTimeout = None,
    vlm_concurrency: VisionConcurrency = None,
    encoder: EncoderName = "auto",
    planner: PlannerName = "auto",
    localizer: LocalizerName = "default",
    rate: Rate = None,
    device: Device = "auto",
    dtype: Dtype = "auto",
    tracks: Tracks = "auto",
    sentences: Sentences = "embedded",
    language: Language = "",
) -> None:
    """Serve the videos below a folder to agents, as an MCP server on stdin and stdout."""
    vision = VisionOptions(view, vlm_pictures, budget, vlm_timeout, vlm_concurrency)
    from ..serve.mcp_server import serve
    from ..serve.tools import VideoTools

    serve(
        VideoTools(
            root,
            engine=engine,
            encoder=encoder,
            planner=planner,
            localizer=localizer,
            rate_hz=rate,
            device=device,
            dtype=dtype,
            tracks=tracks,
            sentences=sentences,
            language=language,
            **vision.settings(vlm, device),
        )
    )


def save_figure(answer: Answer, path: Path, kind: str) -> None:
    """Write the answer's figure as `kind`, png or svg, whole or not at all."""
    from ..files import draft

    try:
        with draft(path) as place:
            answer.plot().savefig(place, format=kind, dpi=200)
    except OSError as error:
        raise TFGroundingError(f"{path}: cannot be written ({error.strerror})") from error
    print(f"wrote {path}", file=sys.stderr)
