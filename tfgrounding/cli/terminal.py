"""What the commands share: options, what they name, output files."""

from __future__ import annotations

import sys
import tempfile
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import TFGroundingError
from ..files import write_atomically
from ..registry import ROWS, names

if TYPE_CHECKING:
    from ..types import Source

ENCODERS, LOCALIZERS, PLANNERS = (", ".join(ROWS[kind]) for kind in ("encoders", "localizers", "planners"))


def _completed(kind: str) -> Callable[[str], list[str]]:
    """What a shell offers for the beginning of a name."""
    return lambda incomplete: [name for name in names(kind) if name.startswith(incomplete)]


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
    str,
    typer.Option(
        help="curves, numpro, hybrid or cascade, or module:Class; all but curves ask the vision LLM.",
        autocompletion=_completed("engines"),
    ),
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
        help=f"auto, or one of {ENCODERS}; with MODEL after a colon; served:MODEL@URL (frames are sent there); or "
        "module:Class. Naming one permits its download; tfgrounding encoders says more.",
        autocompletion=_completed("encoders"),
    ),
]
PlannerName = Annotated[
    str,
    typer.Option(
        help=f"auto (the rules), or one of {PLANNERS}; llm:MODEL; the path of a plan file; or module:Class.",
        autocompletion=_completed("planners"),
    ),
]
LocalizerName = Annotated[
    str,
    typer.Option(
        help=f"How curves become moments: {LOCALIZERS}; or module:Class.", autocompletion=_completed("localizers")
    ),
]
Threshold = Annotated[float | None, typer.Option(help="Leave out moments that score less than this.")]
LeastPresent = Annotated[
    float,
    typer.Option(
        "--least-present", help='Below this probability it is said first: "probably not in this video".', metavar="P"
    ),
]
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


def plain(text: str) -> str:
    """The text without what a terminal obeys: control characters become blanks."""
    return "".join(" " if unicodedata.category(character) == "Cc" else character for character in text)


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
