"""What the commands share: options, progress, warnings, moments in lines, output files."""

from __future__ import annotations

import sys
import tempfile
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import TFGroundingError
from ..files import write_atomically
from ..show.evidence import evidence_in_words, tracks_in_words
from ..show.exports.common import clock

if TYPE_CHECKING:
    from ..answer import Answer
    from ..types import Progress, Source


Video = Annotated[str, typer.Argument(help="A video file, or with --picture-rate a folder of pictures.")]
VideoOrAnswers = Annotated[
    str, typer.Argument(help="A video file, a folder of pictures, or a file of answers by ground or export.")
]
Queries = Annotated[
    list[str] | None,
    typer.Argument(help="Sentences that say what happens; leave them out with a file of answers.", metavar="QUERY..."),
]
TopK = Annotated[int, typer.Option(min=1, help="At most this many moments for each query.")]
EngineName = Annotated[
    str, typer.Option(help="curves, numpro, hybrid or cascade, or module:Class; all but curves ask the vision LLM.")
]
VisionName = Annotated[
    str | None, typer.Option(help="NAME@URL of a served vision LLM, or local:FOLDER-OR-HUB-ID; no default.")
]
ViewName = Annotated[
    str | None,
    typer.Option(
        "--view", help="How the vision LLM is shown the time; default: auto, by the model's name and doctor's profile."
    ),
]
VisionPictures = Annotated[
    int | None, typer.Option("--vlm-pictures", min=1, help="Pictures in one request to the vision LLM, at most.")
]
Budget = Annotated[
    int | None,
    typer.Option(
        "--budget",
        min=1,
        help="Frames shown to the vision LLM for one query; numpro shows some again where they take several requests.",
    ),
]
VisionTimeout = Annotated[
    float | None, typer.Option("--vlm-timeout", help="Seconds to wait for a vision LLM's server that sends nothing.")
]
VisionConcurrency = Annotated[
    int | None, typer.Option("--vlm-concurrency", min=1, help="Requests to the vision LLM at the same time.")
]
Estimated = Annotated[
    bool,
    typer.Option("--estimate", help="Print what the vision LLM would be asked, and send nothing."),
]
EncoderName = Annotated[
    str,
    typer.Option(
        help="auto, an encoder's name, served:MODEL@URL (frames are sent there), or module:Class; naming one permits "
        "its download."
    ),
]
PlannerName = Annotated[
    str, typer.Option(help="auto (the rules), rules, llm or llm:MODEL, the path of a plan file, or module:Class.")
]
LocalizerName = Annotated[str, typer.Option(help="How curves become moments: a localizer's name, or module:Class.")]
Rate = Annotated[float | None, typer.Option(help="Samples per second; default: 3, for numpro 1.")]
PictureRate = Annotated[float | None, typer.Option(help="Pictures per second, if VIDEO is a folder of pictures.")]
Stream = Annotated[int | None, typer.Option(min=0, help="Number of the video track, if VIDEO has several.")]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:N or mps.")]
Dtype = Annotated[
    str, typer.Option(help="The encoder's precision: auto (float32 on a CPU), float32, float16 or bfloat16.")
]

Tracks = Annotated[
    str,
    typer.Option(
        help="What is asked: auto (the pictures, and words that are there already), or shown, said, written, "
        "described, with commas between them; with a source behind a colon: said:FILE.srt, said:MODEL, described:FILE."
    ),
]
Sentences = Annotated[
    str, typer.Option(help="What compares queries with words: embedded, sentences:MODEL, served:MODEL@URL.")
]
Language = Annotated[
    str, typer.Option(help="The language of the words, such as en or de; default: any, English first.")
]


def named_source(video: str, *, picture_rate: float | None, stream: int | None) -> Source:
    """What the user named: a video file, or with a rate a folder of pictures."""
    from ..media import Pictures, open_source

    if picture_rate is None:
        return open_source(video, stream=stream)
    if stream is not None:
        raise TFGroundingError("--stream is for video files: a folder of pictures has no tracks")
    return Pictures(video, picture_rate)


@contextmanager
def compilation_message() -> Iterator[None]:
    """Print a line on stderr if a kernel has to be compiled within the block: once on a machine, some ten seconds."""
    from ..localizers.kernels import announcing_compilation

    with announcing_compilation(
        lambda: print("compiling kernels: about ten seconds, only once on this machine ...", file=sys.stderr)
    ):
        yield


@contextmanager
def video_progress(label: str) -> Iterator[Progress]:
    """A progress bar over seconds of video, on stderr, only where it is a terminal."""
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


def plain(text: str) -> str:
    """The text without what a terminal obeys: control characters become blanks."""
    return "".join(" " if unicodedata.category(character) == "Cc" else character for character in text)


def print_warnings(answer: Answer) -> None:
    """The answer's warnings, and that nothing was found, on stderr."""
    for warning in answer.warnings:
        print(f"warning: {plain(warning)}", file=sys.stderr)
    if not answer.moments:
        print(f"nothing found: no moment stands out for {answer.query!r}", file=sys.stderr)


def print_moments(answer: Answer) -> None:
    """One line a moment, best first: from and to on the clock, the same in seconds, the score.

    Under it the words that speak for it, one line each; last which tracks of words were asked.
    """
    for rank, moment in enumerate(answer.moments, start=1):
        print(
            f"{rank:>2}  {clock(moment.start_seconds)} - {clock(moment.end_seconds)}"
            f"  {moment.start_seconds:9.3f} - {moment.end_seconds:9.3f} s  score {moment.score:.3f}"
        )
        for line in evidence_in_words(moment, answer.video.duration_seconds):
            print(f"      {line}")
    if answer.tracks:
        print(f"tracks asked  {tracks_in_words(answer.tracks)}")


def check_places(*files: Path | None, folder: Path | None = None) -> None:
    """Find out now whether these files, and files in the folder, can be written later. Folders are made.

    Raises:
        TFGroundingError: one that cannot.
    """
    for path in (*files, folder):
        if path is None or (path is not folder and path.exists() and not path.is_dir() and not path.is_file()):
            continue  # a device such as /dev/stdout
        try:
            if path is not folder and path.is_dir():
                raise IsADirectoryError(21, "is a folder")
            place = path if path is folder else path.resolve().parent
            place.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=place):
                pass
        except OSError as error:
            raise TFGroundingError(f"{path}: cannot be written ({error.strerror})") from error


def keep_source(source: str, *files: Path | None) -> None:
    """Raise TFGroundingError where writing one of these files would destroy the video, pictures or answers read."""
    for path in files:
        if path is not None and _is_part_of(path, source):
            raise TFGroundingError(f"{path}: this file is being read and would be lost: name another one to write")


def _is_part_of(path: Path, source: str) -> bool:
    """Whether that is the file itself, whatever it is called, or a file in the folder."""
    try:
        if Path(source).is_dir():
            return path.is_file() and path.resolve().parent.samefile(source)
        return path.samefile(source)
    except (OSError, ValueError):  # one of them is not there
        return False


def given_options(context: typer.Context) -> set[str]:
    """The names of the parameters that stand on the command line."""
    return {name for name in context.params if "COMMANDLINE" in str(context.get_parameter_source(name))}


def write_text(path: Path, text: str) -> None:
    """Write a file that the user named, whole or not at all; folders on the way are made."""
    try:
        write_atomically(path, text)
    except OSError as error:
        raise TFGroundingError(f"{path}: cannot be written ({error.strerror})") from error
