"""The command line: results on stdout, progress and messages on stderr; exit code 0 answered, 2 user error, 1 bug."""

from __future__ import annotations

import contextlib
import io
import json
import multiprocessing
import os
import sys
import threading
from dataclasses import asdict
from typing import Annotated, Any

import typer

from .. import __version__
from ..errors import TFGroundingError
from ..show.exports.common import clock
from . import cache as cli_cache
from . import caption as cli_caption
from . import encoders as cli_encoders
from . import ground as cli_ground
from . import measure as cli_measure
from . import plan as cli_plan
from . import show as cli_show
from . import tracks as cli_tracks
from . import vision as cli_vision
from .terminal import PictureRate, Stream, Video, named_source, plain

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
        code = app(standalone_mode=False, prog_name="tfgrounding") or 0
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
        command = getattr(getattr(error, "ctx", None), "command_path", "tfgrounding")
        return _failed(f"{error.format_message().rstrip('.')} (see {command} --help)", 2)
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


app.command("ground")(cli_ground.ground_command)
app.add_typer(cli_cache.app, name="cache")
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
