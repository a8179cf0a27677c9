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

from . import __version__, cli_measure
from .errors import TFGroundingError, VideoError
from .export import FORMATS, clock

if TYPE_CHECKING:
    from .ground import Progress
    from .types import Grounding, VideoFeatures

USAGE_ERROR: Any = typer.BadParameter.__mro__[2]  # click's ClickException, which typer carries but does not name

app = typer.Typer(
    name="tfgrounding",
    help="Ask a video when something happens: training-free temporal grounding.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

Video = Annotated[str, typer.Argument(help="A video file.")]
Queries = Annotated[list[str], typer.Argument(help="Sentences that say what happens.", metavar="QUERY...")]
TopK = Annotated[int, typer.Option(min=1, help="Moments at most, for each query.")]
EngineName = Annotated[str, typer.Option(help="curves, numpro or hybrid; the last two ask the vision LLM.")]
VisionName = Annotated[
    str | None, typer.Option(help="NAME@URL of a served vision LLM, or local:FOLDER-OR-HUB-ID; no default.")
]
EncoderName = Annotated[str, typer.Option(help="auto, or an encoder's name; naming one permits its download.")]
PlannerName = Annotated[str, typer.Option(help="auto (the rules), or the path of a plan file.")]
LocalizerName = Annotated[str, typer.Option(help="How curves become moments.")]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:N or mps.")]


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
    engine: Annotated[str, typer.Option(help="curves, numpro or hybrid; the last two ask the vision LLM.")] = "curves",
    vlm: Annotated[
        str | None, typer.Option(help="NAME@URL of a served vision LLM, or local:FOLDER-OR-HUB-ID; no default.")
    ] = None,
    encoder: Annotated[str, typer.Option(help="auto, or an encoder's name; naming one permits its download.")] = "auto",
    planner: Annotated[str, typer.Option(help="auto (the rules), or the path of a plan file.")] = "auto",
    localizer: Annotated[str, typer.Option(help="How curves become moments.")] = "default",
    rate: Annotated[float | None, typer.Option(help="Samples a second: 3, for numpro 1.")] = None,
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
    if engine == "numpro":
        answer = grounder.ground(video, query)
    else:
        with video_progress(video) as progress:
            features = grounder.encode_video(video, progress=progress)
        with compilation_told():
            answer = grounder.ground(features, query)
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


@app.command("overlay")
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
    from .numpro.overlay import Overlay, write_numbered_video

    overlay = Overlay(size=size, color=color, corner=corner, outline=outline)  # type: ignore[arg-type]
    last = write_numbered_video(video, output, rate_hz=rate, overlay=overlay)
    print(f"{output}: numbers 1 to {last}")


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


@app.command("export")
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
    from .export import export

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


@app.command("report")
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
    from .report import write_report

    settings = {"encoder": encoder, "planner": planner, "localizer": localizer, "device": device}
    answers, costs = answer_queries(video, queries, top_k=top_k, engine=engine, vlm=vlm, **settings)
    for kind, path in (("png", png), ("svg", svg)):
        if path is not None:
            save_figure(answers[0], path, kind)
    with video_progress(f"copying {os.path.basename(video)}") as progress:  # noqa: PTH119
        write_report(answers, output, link=link, costs=costs, progress=progress)
    print(f"wrote {output}", file=sys.stderr)


@app.command("mcp")
def mcp_command(
    root: Annotated[str, typer.Option(help="The folder whose videos may be used; nothing outside it is touched.")],
    encoder: EncoderName = "auto",
    planner: PlannerName = "auto",
    localizer: LocalizerName = "default",
    device: Device = "auto",
) -> None:
    """Serve the videos below a folder to agents, as an MCP server on stdin and stdout."""
    from .tools import VideoTools

    try:
        from .mcp_server import serve
    except ImportError as error:
        raise TFGroundingError(f"the MCP server needs {error.name}: pip install 'tfgrounding[mcp]'") from error
    serve(VideoTools(root, encoder=encoder, planner=planner, localizer=localizer, device=device))


def answer_queries(video: str, queries: list[str], **settings: Any) -> tuple[list[Grounding], dict[str, str]]:
    """Answers to several queries about one video, and what they cost in words."""
    import time

    from .ground import Grounder
    from .types import Plan
    from .video import probe

    for query in queries:
        Plan(query)  # an empty query and
    duration = probe(video).duration_seconds  # an unreadable video fail before seconds are spent on loading models
    grounder = Grounder(**settings)
    began = time.perf_counter()
    features: str | VideoFeatures = video  # numpro looks at the pictures anew for each query
    if grounder.engine != "numpro":
        with video_progress(video) as progress:
            features = grounder.encode_video(video, progress=progress)
    watched = time.perf_counter()
    with compilation_told():
        answers = [grounder.ground(features, query) for query in queries]
    done = time.perf_counter()
    for answer in answers:
        for warning in answer.warnings:
            print(f"warning: {warning}", file=sys.stderr)
        if not answer.moments:
            print(f"nothing found: no moment stands out for {answer.query!r}", file=sys.stderr)
    encoding, answering = watched - began, done - watched
    return answers, {
        "Watching": f"{encoding:.1f} s for {duration:.1f} s of video",
        "Answering": f"{answering / len(queries) * 1000:.0f} ms a query",
    }


def save_figure(answer: Grounding, path: Path, kind: str) -> None:
    """Write the answer's figure as `kind`: png or svg."""
    figure = answer.plot()
    try:
        figure.savefig(path, format=kind, dpi=200)
    except OSError as error:
        raise TFGroundingError(f"{path}: cannot be written ({error.strerror})") from error
    print(f"wrote {path}", file=sys.stderr)


def write_text(path: Path, text: str) -> None:
    """Write a file that the user named; folders on the way are made."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", errors="replace")
    except OSError as error:
        raise TFGroundingError(f"{path} cannot be written ({error.strerror})") from error


@app.command("encode")
def encode_command(
    videos: Annotated[list[str], typer.Argument(metavar="VIDEO...", help="Video files, or folders of pictures.")],
    encoder: Annotated[str, typer.Option(help="auto, or an encoder's name; naming one permits its download.")] = "auto",
    rate: Annotated[float, typer.Option(help="Samples a second.")] = 3.0,
    device: Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:N or mps.")] = "auto",
    picture_rate: Annotated[float | None, typer.Option(help="Pictures a second, where VIDEO is a folder.")] = None,
) -> None:
    """Encode VIDEOs ahead, so that every later query on them only has to read the cache."""
    from .ground import Grounder
    from .pictures import Pictures

    grounder = Grounder(encoder=encoder, rate_hz=rate, device=device)
    failed = 0
    for video in videos:
        try:
            source = video if picture_rate is None else Pictures(video, picture_rate)
            with video_progress(video) as progress:
                features = grounder.encode_video(source, progress=progress)
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
    from .cache import FeatureCache

    cache = FeatureCache()
    if clear:
        print(f"{cache.clear()} encoded videos removed from {cache.folder}")
        return
    print(f"{len(cache.entries())} encoded videos, {cache.size_bytes() / 1e6:.1f} MB in {cache.folder}")
    print(f"limit {cache.limit_bytes / 1e9:.1f} GB; TFGROUNDING_CACHE and TFGROUNDING_CACHE_GB change folder and limit")


app.command("eval")(cli_measure.eval_command)
app.command("needle")(cli_measure.needle_command)
app.command("compare")(cli_measure.compare_command)


@contextmanager
def compilation_told() -> Iterator[None]:
    """Say so on stderr if a kernel has to be compiled within the block: once on a machine, for some ten seconds."""
    from .kernels import announcing_compilation

    with announcing_compilation(
        lambda: print("compiling kernels, once on this machine, some ten seconds ...", file=sys.stderr)
    ):
        yield


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


def print_moments(answer: Grounding, count: int) -> None:
    """One line a moment, best first: from and to on the clock, the same in seconds, the score."""
    for rank, moment in enumerate(answer.moments[:count], start=1):
        print(
            f"{rank:>2}  {clock(moment.start_seconds)} - {clock(moment.end_seconds)}"
            f"  {moment.start_seconds:9.3f} - {moment.end_seconds:9.3f} s  score {moment.score:.3f}"
        )
