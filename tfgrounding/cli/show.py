"""The commands that show and hand on: report, export, overlay, mcp. Thin: options in, one call, its result out."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..errors import TFGroundingError
from ..show.export import FORMATS
from .terminal import (
    Device,
    EncoderName,
    EngineName,
    LocalizerName,
    PlannerName,
    Queries,
    TopK,
    Video,
    VisionName,
    compilation_told,
    video_progress,
    write_text,
)

if TYPE_CHECKING:
    from ..answer import Answer


def export_command(
    video: Video,
    queries: Queries,
    form: Annotated[str, typer.Option("--format", help=", ".join(FORMATS))] = "json",
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Write to this file, not to stdout.")] = None,
    clips: Annotated[Path | None, typer.Option(help="Also cut every moment to a file in this folder.")] = None,
    top_k: TopK = 5,
    engine: EngineName = "curves",
    vlm: VisionName = None,
    encoder: EncoderName = "auto",
    planner: PlannerName = "auto",
    localizer: LocalizerName = "default",
    device: Device = "auto",
) -> None:
    """Answer queries about VIDEO in a format that editors, players, spreadsheets and benchmarks read."""
    from ..show.export import export

    export([], form)  # an unknown format fails before seconds are spent on the video
    settings = {"encoder": encoder, "planner": planner, "localizer": localizer, "device": device}
    answers, _ = answer_queries(video, queries, top_k=top_k, engine=engine, vlm=vlm, **settings)
    text = export(answers, form)
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
    video: Video,
    queries: Queries,
    output: Annotated[Path, typer.Option("--output", "-o", help="The page to write.")] = Path("report.html"),
    link: Annotated[
        bool, typer.Option("--link", help="Point to the video instead of carrying it in the page.")
    ] = False,
    png: Annotated[Path | None, typer.Option(help="Also write a figure of the first query, as PNG.")] = None,
    svg: Annotated[Path | None, typer.Option(help="Also write a figure of the first query, as SVG.")] = None,
    top_k: TopK = 5,
    engine: EngineName = "curves",
    vlm: VisionName = None,
    encoder: EncoderName = "auto",
    planner: PlannerName = "auto",
    localizer: LocalizerName = "default",
    device: Device = "auto",
) -> None:
    """Answer queries about VIDEO as a page to look through: curves, moments to click, how it was found."""
    from ..show.report import write_report

    settings = {"encoder": encoder, "planner": planner, "localizer": localizer, "device": device}
    answers, costs = answer_queries(video, queries, top_k=top_k, engine=engine, vlm=vlm, **settings)
    for kind, path in (("png", png), ("svg", svg)):
        if path is not None:
            save_figure(answers[0], path, kind)
    with video_progress(f"copying {os.path.basename(video)}") as progress:  # noqa: PTH119
        write_report(answers, output, link=link, costs=costs, progress=progress)
    print(f"wrote {output}", file=sys.stderr)


def overlay_command(
    video: Annotated[str, typer.Argument(help="A video file.")],
    output: Annotated[str, typer.Option("--output", "-o", help="The numbered video (.mp4, .mkv or .mov).")],
    rate: Annotated[float, typer.Option(help="Numbers a second.")] = 1.0,
    size: Annotated[float, typer.Option(help="Font size in pixels, for a frame of 336 pixels.")] = 40.0,
    color: Annotated[str, typer.Option(help="red, green, blue, yellow, white or black.")] = "red",
    corner: Annotated[
        str, typer.Option(help="bottom-right, bottom-left, top-right, top-left or centre.")
    ] = "bottom-right",
    outline: Annotated[bool, typer.Option("--outline", help="Draw a thin contour.")] = False,
) -> None:
    """Write VIDEO with the numbers on it that the numpro engine shows to a vision LLM."""
    from ..vision.overlay import Overlay, write_numbered_video

    overlay = Overlay(size=size, color=color, corner=corner, outline=outline)  # type: ignore[arg-type]
    last = write_numbered_video(video, output, rate_hz=rate, overlay=overlay)
    print(f"{output}: numbers 1 to {last}")


def mcp_command(
    root: Annotated[str, typer.Option(help="The folder whose videos may be used; nothing outside it is touched.")],
    encoder: EncoderName = "auto",
    planner: PlannerName = "auto",
    localizer: LocalizerName = "default",
    device: Device = "auto",
) -> None:
    """Serve the videos below a folder to agents, as an MCP server on stdin and stdout."""
    from ..serve.tools import VideoTools

    try:
        from ..serve.mcp_server import serve
    except ImportError as error:
        raise TFGroundingError(f"the MCP server needs {error.name}: pip install 'tfgrounding[mcp]'") from error
    serve(VideoTools(root, encoder=encoder, planner=planner, localizer=localizer, device=device))


def answer_queries(video: str, queries: list[str], **settings: Any) -> tuple[list[Answer], dict[str, str]]:
    """Answers to several queries about one video, and what they cost in words."""
    from ..engines.grounder import Grounder
    from ..media.frames import probe
    from ..types import Plan

    for query in queries:
        Plan(query)  # an empty query and
    duration = probe(video).duration_seconds  # an unreadable video fail before seconds are spent on loading models
    grounder = Grounder(**settings)
    began = time.perf_counter()
    with video_progress(video) as progress:
        watched = grounder.watch(video, progress=progress)
    encoded = time.perf_counter()
    with compilation_told():
        answers = [watched.ask(query, top_k=grounder.top_k) for query in queries]
    done = time.perf_counter()
    for answer in answers:
        for warning in answer.warnings:
            print(f"warning: {warning}", file=sys.stderr)
        if not answer.moments:
            print(f"nothing found: no moment stands out for {answer.query!r}", file=sys.stderr)
    encoding, answering = encoded - began, done - encoded
    return answers, {
        "Watching": f"{encoding:.1f} s for {duration:.1f} s of video",
        "Answering": f"{answering / len(queries) * 1000:.0f} ms a query",
    }


def save_figure(answer: Answer, path: Path, kind: str) -> None:
    """Write the answer's figure as `kind`: png or svg."""
    figure = answer.plot()
    try:
        figure.savefig(path, format=kind, dpi=200)
    except OSError as error:
        raise TFGroundingError(f"{path}: cannot be written ({error.strerror})") from error
    print(f"wrote {path}", file=sys.stderr)
