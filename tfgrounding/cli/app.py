"""The command line: results on stdout, progress and messages on stderr; exit code 0 answered, 2 user error, 1 bug."""

from __future__ import annotations

import contextlib
import io
import json
import math
import multiprocessing
import os
import sys
import threading
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated, Any

import typer

from .. import __version__
from ..errors import TFGroundingError
from ..show.exports.common import clock
from . import caption as cli_caption
from . import encoders as cli_encoders
from . import measure as cli_measure
from . import plan as cli_plan
from . import show as cli_show
from . import tracks as cli_tracks
from . import vision as cli_vision
from .show import answer_queries
from .terminal import (
    Budget,
    Device,
    Dtype,
    EncoderName,
    EngineName,
    Estimated,
    Language,
    LocalizerName,
    PictureRate,
    PlannerName,
    Rate,
    Sentences,
    Stream,
    Tracks,
    Video,
    ViewName,
    VisionConcurrency,
    VisionName,
    VisionPictures,
    VisionTimeout,
    check_places,
    keep_source,
    named_source,
    plain,
    print_moments,
    write_text,
)
from .vision import VisionOptions, print_estimate

USAGE_ERROR: Any = typer.BadParameter.__mro__[2]  # click's ClickException, which typer carries but does not name
STOPPED = 130  # what typer returns after Ctrl-C
EXTRAS = {
    "PIL": "numpro",
    "anyio": "mcp",
    "ctranslate2": "speech",
    "faster_whisper": "speech",
    "matplotlib": "plot",
    "mcp": "mcp",
    "mcp_types": "mcp",
    "ray": "ray",
    "rapidocr_onnxruntime": "text",
}

app = typer.Typer(
    name="tfgrounding",
    help="Ask a video when something happens: training-free temporal grounding.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


def main() -> None:
    """Run the command line and leave with its exit code; every error is one line on stderr."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:  # closed by who started this program
            setattr(sys, name, open(os.devnull, mode))  # noqa: SIM115, PTH123
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # names of files may hold what is no text
    code = _run()
    try:
        sys.stdout.flush()
    except OSError:  # said already; the interpreter would try once more and complain in its own words
        os._exit(code or 2)
    if code == STOPPED and threading.active_count() > 1 and not multiprocessing.active_children():
        sys.stderr.flush()
        os._exit(code)  # a thread that waits for a server would be waited for
    sys.exit(code)


def _run() -> int:
    try:
        code = app(standalone_mode=False) or 0
        if code == STOPPED:
            return _failed("stopped", code)
        try:
            sys.stdout.flush()
        except BrokenPipeError:
            raise
        except OSError as error:
            return _failed(f"standard output: cannot be written ({error.strerror})", 2)
        return code
    except USAGE_ERROR as error:
        if not str(error):
            return 2  # called without arguments: the help has been printed
        return _failed(f"{error.format_message()} (see tfgrounding --help)", 2)
    except (KeyboardInterrupt, typer.Abort):
        return _failed("stopped", STOPPED)
    except BrokenPipeError:
        os._exit(0)  # the reader of our output has seen enough
    except Exception as error:
        if os.environ.get("TFGROUNDING_DEBUG"):
            raise
        return _failed(*_explained(error))


def _explained(error: Exception) -> tuple[str, int]:
    """An error's sentence and the exit code."""
    if isinstance(error, TFGroundingError):
        return str(error), 2
    if isinstance(error, ImportError):
        package = (error.name or "").partition(".")[0]
        if package in EXTRAS:
            return f"this needs {package}, which is not installed: pip install 'tfgrounding[{EXTRAS[package]}]'", 2
    if isinstance(error, OSError) and error.strerror:
        where = f"{error.filename}: " if error.filename else ""
        return f"{where}cannot be read or written ({error.strerror})", 2
    if isinstance(error, MemoryError):
        return "the memory is full: choose a lower --rate, a smaller model, or a shorter video", 2
    return f"internal error: {type(error).__name__}: {error} (TFGROUNDING_DEBUG=1 shows where)", 1


def _failed(message: str, code: int) -> int:
    with contextlib.suppress(OSError):  # a full disk under stderr does not change the exit code
        print("tfgrounding: " + " ".join(plain(message).split()), file=sys.stderr)
    return code


@app.callback(invoke_without_command=True)
def _root(version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False) -> None:
    if version:
        print(__version__)
        raise typer.Exit


@app.command("ground")
def ground_command(
    video: Video,
    query: Annotated[str, typer.Argument(help="A sentence that says what happens.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print the whole answer as JSON.")] = False,
    top_k: Annotated[int, typer.Option(min=1, help="At most this many moments.")] = 5,
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
    estimate: Estimated = False,
    threshold: Annotated[float | None, typer.Option(help="Leave out moments that score less than this.")] = None,
    save: Annotated[
        Path | None, typer.Option(help="Also write the whole answer as JSON to this file, for report and export.")
    ] = None,
) -> None:
    """When does QUERY happen in VIDEO?"""
    if threshold is not None and not math.isfinite(threshold):
        raise TFGroundingError(f"--threshold must be a number such as 0.3, not {threshold}")
    vision = VisionOptions(view, vlm_pictures, budget, vlm_timeout, vlm_concurrency)
    if estimate:
        infos = [(named_source(video, picture_rate=picture_rate, stream=stream).info, 1)]
        asked = {"rate_hz": rate, "device": device, **vision.settings(vlm, device)}
        print_estimate(infos, engine=engine, as_json=as_json, **asked)
        return
    keep_source(video, save)
    check_places(save)
    answers, _ = answer_queries(
        *(video, [query], picture_rate, stream, top_k),
        engine=engine,
        vlm=vlm,
        vision=vision,
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
    (answer,) = answers
    if threshold is not None and answer.moments:
        kept = tuple(moment for moment in answer.moments if moment.score >= threshold)
        if not kept:
            best = max(moment.score for moment in answer.moments)
            print(f"nothing found: the best moment scores {best:.3f}", file=sys.stderr)
        answer = replace(answer, spans=kept)
    if save is not None:
        write_text(save, json.dumps(answer.to_dict()) + "\n")
    if as_json:
        print(json.dumps(answer.to_dict()))
    else:
        print_moments(answer)
    if (
        answer.provenance.get("looked_at") != "texts"
        and answer.encoder == "embedded"
        and not any("passed over" in warning for warning in answer.warnings)
    ):
        from ..encoders.known import better_than_embedded

        sys.stdout.flush()
        print(better_than_embedded(), file=sys.stderr)


@app.command("info")
def info_command(
    video: Video,
    as_json: Annotated[bool, typer.Option("--json", help="Print it as JSON.")] = False,
    picture_rate: PictureRate = None,
    stream: Stream = None,
) -> None:
    """Show the length, picture size, frame rate and codec of VIDEO."""
    info = named_source(video, picture_rate=picture_rate, stream=stream).info
    for warning in info.warnings:
        print(f"warning: {warning}", file=sys.stderr)
    if as_json:
        print(json.dumps(asdict(info)))
        return
    rate = f"{info.frame_rate_hz:.3f} Hz" if info.frame_rate_hz else "unknown"
    print(f"duration   {clock(info.duration_seconds)}  ({info.duration_seconds:.3f} s)")
    print(f"picture    {info.width} x {info.height}, {info.codec}, average rate {rate}")
    if info.rotation_degrees:
        print(f"rotation   stored turned; {info.rotation_degrees} degrees counter-clockwise put it upright")
    if info.start_offset_seconds:
        print(f"start      the first picture is shown {info.start_offset_seconds:.3f} s after the start of the file")
    if info.start_timecode:
        print(f"timecode   {info.start_timecode} at the start of the file")


@app.command("cache")
def cache_command(
    clear: Annotated[bool, typer.Option("--clear", help="Remove all of them.")] = False,
) -> None:
    """Show where encoded videos and tracks of words are kept, and how much that is; with --clear, remove them."""
    from ..tracks.cache import FeatureCache

    cache = FeatureCache()
    counted = _counted(cache.entries())
    if clear:
        cache.clear()
        print(f"{counted} removed from {cache.folder}")
        return
    print(f"{counted}, {cache.size_bytes() / 1e6:.1f} MB in {cache.folder}")
    print(f"limit {cache.limit_bytes / 1e9:.1f} GB; TFGROUNDING_CACHE and TFGROUNDING_CACHE_GB change folder and limit")


def _counted(entries: list[Path]) -> str:
    """How many entries of each kind there are, in words."""
    from ..tracks.kept_texts import FOLDER, PARTS

    tracks = [entry.name for entry in entries if entry.parent.name == FOLDER]
    unfinished = sum(name.endswith(PARTS) for name in tracks)
    words = [
        f"{len(entries) - len(tracks)} encoded videos or texts",
        f"{len(tracks) - unfinished} tracks of words",
        *([f"{unfinished} unfinished ones"] if unfinished else []),
    ]
    return ", ".join(words)


app.command("encode")(cli_tracks.encode_command)
app.command("transcript")(cli_tracks.transcript_command)
app.command("plan")(cli_plan.plan_command)
app.command("caption")(cli_caption.caption_command)
app.command("encoders")(cli_encoders.encoders_command)
app.command("doctor")(cli_vision.doctor_command)
app.command("report")(cli_show.report_command)
app.command("export")(cli_show.export_command)
app.command("overlay")(cli_show.overlay_command)
app.command("mcp")(cli_show.mcp_command)
app.command("eval")(cli_measure.eval_command)
app.command("needle")(cli_measure.needle_command)
app.command("compare")(cli_measure.compare_command)
