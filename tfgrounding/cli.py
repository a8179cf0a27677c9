"""The command line: results on stdout, progress and reasons on stderr; 0 answered, 2 yours to mend, 1 our fault."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from . import __version__
from .errors import TFGroundingError

if TYPE_CHECKING:
    from .ground import Progress
    from .types import Grounding

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
    video: Annotated[str, typer.Argument(help="A video file.")],
    query: Annotated[str, typer.Argument(help="A sentence that says what happens.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print the whole result as JSON.")] = False,
    top_k: Annotated[int, typer.Option(min=1, help="Moments at most.")] = 5,
    encoder: Annotated[str, typer.Option(help="auto, or an encoder's name; naming one permits its download.")] = "auto",
    planner: Annotated[str, typer.Option(help="auto (the rules), or the path of a plan file.")] = "auto",
    localizer: Annotated[str, typer.Option(help="How curves become moments.")] = "default",
    rate: Annotated[float, typer.Option(help="Samples a second.")] = 3.0,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:N or mps.")] = "auto",
    threshold: Annotated[float | None, typer.Option(help="Leave out moments that score less than this.")] = None,
    save: Annotated[Path | None, typer.Option(help="Also write the whole result as JSON to this file.")] = None,
) -> None:
    """When does QUERY happen in VIDEO?"""
    from .ground import Grounder
    from .types import Plan
    from .video import probe

    Plan(query)  # an empty query and
    probe(video)  # an unreadable video fail before seconds are spent on loading models
    grounder = Grounder(encoder=encoder, planner=planner, localizer=localizer, rate_hz=rate, device=device, top_k=top_k)
    with video_progress(video) as progress:
        features = grounder.encode_video(video, progress=progress)
    answer = grounder.ground(features, query)
    kept = [moment for moment in answer.moments if threshold is None or moment.score >= threshold]
    for warning in answer.warnings:
        print(f"warning: {warning}", file=sys.stderr)
    result = answer.to_dict()
    result["moments"] = result["moments"][: len(kept)]
    if save is not None:
        write_text(save, json.dumps(result))
    if as_json:
        print(json.dumps(result))
    else:
        print_moments(answer, len(kept))
    if not kept:
        best = f"the best moment scores {answer.moments[0].score:.3f}" if answer.moments else "no moment stands out"
        print(f"nothing found: {best}", file=sys.stderr)


@app.command("info")
def info_command(
    video: Annotated[str, typer.Argument(help="A video file.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print it as JSON.")] = False,
) -> None:
    """What the container says about VIDEO."""
    from dataclasses import asdict

    from .video import probe

    info = probe(video)
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
    from .planner import get_planner
    from .plans import plan_to_dict

    options = {name: value for name, value in (("model", model), ("base_url", base_url)) if value is not None}
    plan = get_planner(planner, **options).plan(query)
    for warning in plan.warnings:
        print(f"warning: {warning}", file=sys.stderr)
    if as_json:
        print(json.dumps(plan_to_dict(plan), ensure_ascii=False))
        return
    print(f"{plan.query}  ({plan.relation}; planned by {plan.source or planner})")
    for text in plan.paraphrases:
        print(f"      or: {text}")
    for number, event in enumerate(plan.sub_events, start=1):
        print(f"  {number}.  {event.descriptions[0]}")
        for text in event.descriptions[1:]:
            print(f"      or: {text}")


def write_text(path: Path, text: str) -> None:
    """Write a file that the user named; folders on the way are made."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n", encoding="utf-8")
    except OSError as error:
        raise TFGroundingError(f"{path} cannot be written ({error.strerror})") from error


@contextmanager
def video_progress(label: str) -> Iterator[Progress]:
    """A progress bar over seconds of video, on stderr, only where a person is watching."""
    from tqdm import tqdm

    with tqdm(
        total=None,
        unit=" s of video",
        desc=Path(label).name[:40],
        disable=not sys.stderr.isatty(),
        leave=False,
        file=sys.stderr,
    ) as bar:

        def progress(done_seconds: float, all_seconds: float) -> None:
            bar.total = round(all_seconds, 1)
            bar.update(round(min(done_seconds, all_seconds), 1) - bar.n)

        yield progress


def clock(seconds: float) -> str:
    """HH:MM:SS.mmm"""
    milliseconds = round(seconds * 1000)
    return (
        f"{milliseconds // 3_600_000:02d}:{milliseconds // 60_000 % 60:02d}:"
        f"{milliseconds // 1000 % 60:02d}.{milliseconds % 1000:03d}"
    )


def print_moments(answer: Grounding, count: int) -> None:
    """One line a moment, best first: from and to on the clock, the same in seconds, the score."""
    for rank, moment in enumerate(answer.moments[:count], start=1):
        print(
            f"{rank:>2}  {clock(moment.start_seconds)} - {clock(moment.end_seconds)}"
            f"  {moment.start_seconds:9.3f} - {moment.end_seconds:9.3f} s  score {moment.score:.3f}"
        )
