"""What the commands share: options, progress, warnings in time, moments in lines, files that were named."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import TFGroundingError
from ..show.export import clock

if TYPE_CHECKING:
    from ..answer import Answer
    from ..engines.grounder import Progress
    from ..media import AnySource


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
PictureRate = Annotated[float | None, typer.Option(help="Pictures a second, where VIDEO is a folder of them.")]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda, cuda:N or mps.")]


def named_source(video: str, picture_rate_hz: float | None) -> AnySource:
    """What the user named: a video file, or with a rate a folder of pictures."""
    from ..media.pictures import Pictures

    return video if picture_rate_hz is None else Pictures(video, picture_rate_hz)


@contextmanager
def compilation_told() -> Iterator[None]:
    """Say so on stderr if a kernel has to be compiled within the block: once on a machine, for some ten seconds."""
    from ..localizers.kernels import announcing_compilation

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


def print_moments(answer: Answer, count: int) -> None:
    """One line a moment, best first: from and to on the clock, the same in seconds, the score."""
    for rank, moment in enumerate(answer.moments[:count], start=1):
        print(
            f"{rank:>2}  {clock(moment.start_seconds)} - {clock(moment.end_seconds)}"
            f"  {moment.start_seconds:9.3f} - {moment.end_seconds:9.3f} s  score {moment.score:.3f}"
        )


def write_text(path: Path, text: str) -> None:
    """Write a file that the user named; folders on the way are made."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", errors="replace")
    except OSError as error:
        raise TFGroundingError(f"{path} cannot be written ({error.strerror})") from error
