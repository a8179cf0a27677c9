"""The command line: results on stdout, progress and reasons on stderr; 0 answered, 2 yours to mend, 1 our fault."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from .. import __version__
from ..errors import TFGroundingError, VideoError
from ..show.export import clock
from . import measure as cli_measure
from . import show as cli_show
from .terminal import (
    Device,
    EncoderName,
    EngineName,
    LocalizerName,
    PictureRate,
    PlannerName,
    Video,
    VisionName,
    compilation_told,
    named_source,
    print_moments,
    video_progress,
    write_text,
)

USAGE_ERROR: Any = typer.BadParameter.__mro__[2]  # click's ClickException, which typer carries but does not name

app = typer.Typer(
    name="tfgrounding",
    help="Ask a video when something happens: training-free temporal grounding.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def main() -> None:
    """Run the command line and leave with its exit code; every error is one line on stderr."""
    try:
        sys.exit(app(standalone_mode=False) or 0)
    except USAGE_ERROR as error:
        if not str(error):
            sys.exit(2)  # called without arguments: the help has been printed
        _fail(f"{error.format_message()} (see tfgrounding --help)", 2)
    except (KeyboardInterrupt, typer.Abort):
        _fail("stopped", 130)
    except TFGroundingError as error:
        _fail(str(error), 2)
    except BrokenPipeError:
        os._exit(0)  # the reader of our output has seen enough
    except Exception as error:
        if os.environ.get("TFGROUNDING_DEBUG"):
            raise
        _fail(f"internal error: {type(error).__name__}: {error} (TFGROUNDING_DEBUG=1 shows where)", 1)


def _fail(message: str, code: int) -> None:
    print("tfgrounding: " + " ".join(message.split()), file=sys.stderr)
    sys.exit(code)


@app.callback(invoke_without_command=True)
def _root(version: Annotated[bool, typer.Option("--version", help="Print the version and leave.")] = False) -> None:
    if version:
        print(__version__)
        raise typer.Exit


@app.command("ground")
def ground_command(
    video: Video,
    query: Annotated[str, typer.Argument(help="A sentence that says what happens.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print the whole result as JSON.")] = False,
    top_k: Annotated[int, typer.Option(min=1, help="Moments at most.")] = 5,
    engine: EngineName = "curves",
    vlm: VisionName = None,
    encoder: EncoderName = "auto",
    planner: PlannerName = "auto",
    localizer: LocalizerName = "default",
    rate: Annotated[float | None, typer.Option(help="Samples a second: 3, for numpro 1.")] = None,
    device: Device = "auto",
    picture_rate: PictureRate = None,
    threshold: Annotated[float | None, typer.Option(help="Leave out moments that score less than this.")] = None,
    save: Annotated[Path | None, typer.Option(help="Also write the whole result as JSON to this file.")] = None,
) -> None:
    """When does QUERY happen in VIDEO?"""
    from ..engines.grounder import Grounder
    from ..media.frames import probe
    from ..types import Plan

    source = named_source(video, picture_rate)
    Plan(query)  # an empty query and
    probe(source)  # an unreadable video fail before seconds are spent on loading models
    grounder = Grounder(
        engine=engine,
        encoder=encoder,
        planner=planner,
        localizer=localizer,
        vlm=vlm,
        rate_hz=rate,
        device=device,
        top_k=top_k,
    )
    with video_progress(video) as progress:
        watched = grounder.watch(source, progress=progress)
    with compilation_told():
        answer = watched.ask(query, top_k=top_k)
    kept = [moment for moment in answer.moments if threshold is None or moment.score >= threshold]
    for warning in answer.warnings:
        print(f"warning: {warning}", file=sys.stderr)
    result = answer.to_dict()
    result["moments"] = result["moments"][: len(kept)]
    if save is not None:
        write_text(save, json.dumps(result) + "\n")
    if as_json:
        print(json.dumps(result))
    else:
        print_moments(answer, len(kept))
    if not kept:
        best = f"the best moment scores {answer.moments[0].score:.3f}" if answer.moments else "no moment stands out"
        print(f"nothing found: {best}", file=sys.stderr)


@app.command("info")
def info_command(
    video: Video,
    as_json: Annotated[bool, typer.Option("--json", help="Print it as JSON.")] = False,
    picture_rate: PictureRate = None,
) -> None:
    """What the container says about VIDEO."""
    from dataclasses import asdict

    from ..media.frames import probe

    info = probe(named_source(video, picture_rate))
    if as_json:
        print(json.dumps(asdict(info)))
        return
    rate = f"{info.frame_rate_hz:.3f} Hz" if info.frame_rate_hz else "unknown"
    print(f"duration   {clock(info.duration_seconds)}  ({info.duration_seconds:.3f} s)")
    print(f"picture    {info.width} x {info.height}, {info.codec}, average rate {rate}")
    if info.rotation_degrees:
        print(f"rotation   stored turned; {info.rotation_degrees} degrees counter-clockwise put it upright")


@app.command("plan")
def plan_command(
    query: Annotated[str, typer.Argument(help="A sentence that says what happens.")],
    planner: Annotated[str, typer.Option(help="auto (the rules), rules, llm, or the path of a plan file.")] = "auto",
    model: Annotated[str | None, typer.Option(help="For llm: the model's name; else OPENAI_MODEL.")] = None,
    base_url: Annotated[str | None, typer.Option(help="For llm: the server; else OPENAI_BASE_URL.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print it as JSON.")] = False,
) -> None:
    """Which simple events is QUERY made of, and in which order?"""
    from ..planning.planner import get_planner

    options = {name: value for name, value in (("model", model), ("base_url", base_url)) if value is not None}
    plan = get_planner(planner, **options).plan(query)
    for warning in plan.warnings:
        print(f"warning: {warning}", file=sys.stderr)
    if as_json:
        print(json.dumps(plan.to_dict(), ensure_ascii=False))
        return
    print(f"{plan.query}  ({plan.relation}; planned by {plan.source or planner})")
    for text in plan.paraphrases:
        print(f"      or: {text}")
    for number, event in enumerate(plan.sub_events, start=1):
        print(f"  {number}.  {event.descriptions[0]}")
        for text in event.descriptions[1:]:
            print(f"      or: {text}")


@app.command("encode")
def encode_command(
    videos: Annotated[list[str], typer.Argument(metavar="VIDEO...", help="Video files, or folders of pictures.")],
    encoder: EncoderName = "auto",
    rate: Annotated[float, typer.Option(help="Samples a second.")] = 3.0,
    device: Device = "auto",
    picture_rate: PictureRate = None,
) -> None:
    """Encode VIDEOs ahead, so that every later query on them only has to read the cache."""
    from ..engines.grounder import Grounder

    grounder = Grounder(encoder=encoder, rate_hz=rate, device=device)
    failed = 0
    for video in videos:
        try:
            with video_progress(video) as progress:
                features = grounder.encode_video(named_source(video, picture_rate), progress=progress)
        except VideoError as error:
            failed += 1
            print(f"tfgrounding: {error}", file=sys.stderr)
            continue
        for warning in features.info.warnings:
            print(f"warning: {video}: {warning}", file=sys.stderr)
        print(f"{clock(features.info.duration_seconds)}  {len(features):>6} samples  {features.encoder}  {video}")
    if failed:
        raise VideoError(f"{failed} of {len(videos)} videos could not be encoded")


@app.command("cache")
def cache_command(
    clear: Annotated[bool, typer.Option("--clear", help="Remove all of it.")] = False,
) -> None:
    """What the cache of encoded videos holds and where; with --clear, empty it."""
    from ..tracks.cache import FeatureCache

    cache = FeatureCache()
    if clear:
        print(f"{cache.clear()} encoded videos removed from {cache.folder}")
        return
    print(f"{len(cache.entries())} encoded videos, {cache.size_bytes() / 1e6:.1f} MB in {cache.folder}")
    print(f"limit {cache.limit_bytes / 1e9:.1f} GB; TFGROUNDING_CACHE and TFGROUNDING_CACHE_GB change folder and limit")


app.command("report")(cli_show.report_command)
app.command("export")(cli_show.export_command)
app.command("overlay")(cli_show.overlay_command)
app.command("mcp")(cli_show.mcp_command)
app.command("eval")(cli_measure.eval_command)
app.command("needle")(cli_measure.needle_command)
app.command("compare")(cli_measure.compare_command)
