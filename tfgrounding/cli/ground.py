"""The command that answers: when does it happen, in one video or in many?"""

from __future__ import annotations

import json
import shutil
import sys
import textwrap
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from ..errors import TFGroundingError
from ..files import draft
from ..show.evidence import quotable
from ..show.text import broken, encoder_text, found_text, looked_at_text
from ..show.verdict import PROBABLY_NOT, is_probably_absent, verdict
from .asking import answer_each, answer_queries, check_least_present, check_queries, check_threshold, print_skipped
from .terminal import (
    Budget,
    Device,
    Dtype,
    EncoderName,
    EngineName,
    Estimated,
    Language,
    LeastPresent,
    LocalizerName,
    PictureRate,
    PlannerName,
    Rate,
    Sentences,
    Stream,
    Threshold,
    TopK,
    Tracks,
    ViewName,
    VisionConcurrency,
    VisionName,
    VisionPictures,
    VisionTimeout,
    check_places,
    given_options,
    keep_source,
    named_source,
)
from .videos import each_video, videos_and_queries
from .vision import VisionOptions, print_estimate

if TYPE_CHECKING:
    from ..answer import Answer
    from ..types import VideoInfo

MOST_VIDEOS = 10  # shown for one query of a search
MOST_CANDIDATES = 3  # of them where it is probably in none
HEADING_COLUMNS = 78


def ground_command(
    context: typer.Context,
    asked: Annotated[
        list[str],
        typer.Argument(
            metavar="VIDEO... QUERY...",
            help="First the videos, or folders of them; then the sentences that say what happens.",
        ),
    ],
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the whole answer as JSON; of several, a line each as it is found.")
    ] = False,
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
    estimate: Estimated = False,
    rough: Annotated[
        bool, typer.Option("--rough", help="Stop after a first look at a long video, in which pictures are far apart.")
    ] = False,
    threshold: Threshold = None,
    least_present: LeastPresent = PROBABLY_NOT,
    save: Annotated[
        Path | None, typer.Option(help="Also write the whole answers as JSON to this file, for report and export.")
    ] = None,
) -> None:
    """When does QUERY happen in VIDEO? Of several videos, or of those in a folder, the likeliest stand first."""
    videos, queries = videos_and_queries(asked)
    check_least_present(least_present)
    check_threshold(threshold)
    vision = VisionOptions(view, vlm_pictures, budget, vlm_timeout, vlm_concurrency)
    is_search = len(videos) > 1 or (picture_rate is None and Path(videos[0]).is_dir())
    if estimate:
        check_queries(queries)
        print_estimate(
            _lengths(videos, len(queries), picture_rate, stream)
            if is_search
            else [(named_source(videos[0], picture_rate=picture_rate, stream=stream).info, len(queries))],
            engine=engine,
            as_json=as_json,
            **{"rate_hz": rate, "device": device, **vision.settings(vlm, device)},
        )
        return
    for video in videos:
        keep_source(video, save)
    check_places(save)
    of_video = (queries, picture_rate, stream, top_k)
    settings: dict[str, Any] = {
        "rough": rough,
        "threshold": threshold,
        "vision": vision,
        "engine": engine,
        "vlm": vlm,
        "encoder": encoder,
        "planner": planner,
        "localizer": localizer,
        "rate_hz": rate,
        "device": device,
        "dtype": dtype,
        "tracks": tracks,
        "sentences": sentences,
        "language": language,
    }
    found: Iterable[tuple[str, list[Answer]]]
    if is_search:
        found = answer_each(each_video(videos, picture_rate), *of_video, **settings)
    else:
        answers, _ = answer_queries(videos[0], *of_video, given=given_options(context), **settings)
        found = [(videos[0], answers)]
    if save is not None:
        found = _saved(found, save)
    if as_json:
        count = _print_json(found)
    elif is_search:
        count = _print_search(found, queries, least_present)
    else:
        count = _print_answers(found, least_present)
    if not count:
        raise typer.Exit(2)  # why stands on stderr, a line for each video


def _lengths(
    videos: list[str], queries: int, picture_rate: float | None, stream: int | None
) -> Iterator[tuple[VideoInfo, int]]:
    """Each video's container, and how many queries are asked about it; what cannot be read is said on stderr."""
    for video, unreadable in each_video(videos, picture_rate):
        try:
            if unreadable is not None:
                raise TFGroundingError(f"{video}: {unreadable}")
            yield named_source(video, picture_rate=picture_rate, stream=stream).info, queries
        except Exception as error:  # one bad video does not stop the others
            print_skipped(video, error)


def _saved(found: Iterable[tuple[str, list[Answer]]], path: Path) -> Iterator[tuple[str, list[Answer]]]:
    """Hand on the answers, and write each as a line of JSON to a file, which is there when all are."""
    with draft(path) as place, place.open("w", encoding="utf-8") as file:
        for video, answers in found:
            for answer in answers:
                file.write(json.dumps(answer.to_dict()) + "\n")
            yield video, answers


def _print_json(found: Iterable[tuple[str, list[Answer]]]) -> int:
    """One line an answer, as they come; on stderr that the encoder is weak. How many videos there were."""
    count = 0
    weak: set[str] = set()
    for _, answers in found:
        count += 1
        for answer in answers:
            print(json.dumps(answer.to_dict()), flush=True)
            if answer.encoder == "embedded":
                weak.add(encoder_text(answer))
    for line in sorted(weak):
        print(line, file=sys.stderr)
    return count


def _print_answers(found: Iterable[tuple[str, list[Answer]]], least_present: float) -> int:
    """The answers about one video, or those of a file, as text: each under its query where there are several."""
    answers = [answer for _, some in found for answer in some]
    columns = _columns()
    for number, answer in enumerate(answers):
        if len(answers) > 1:
            print("\n" * (number > 0) + _heading(answer.query))
        if not answer.moments:
            continue  # that nothing was found stands on stderr
        print(found_text(answer, least_present=least_present, bars=sys.stdout.isatty()))
        if len(answers) > 1:
            print(broken(looked_at_text(answer), columns))
    last = {"; ".join(filter(None, (encoder_text(a), looked_at_text(a) * (len(answers) == 1)))) for a in answers}
    about = [line for line in sorted(last) if line and any(answer.moments for answer in answers)]
    if about:
        print("\n" * (len(answers) > 1) + "\n".join(broken(line, columns) for line in about))
    return len(answers)


def _print_search(found: Iterable[tuple[str, list[Answer]]], queries: list[str], least_present: float) -> int:
    """For each query the videos, the likeliest first, with their moments as text. How many videos there were.

    Only the text is kept of each: a folder may hold thousands of videos.
    """
    hits: list[list[Hit]] = [[] for _ in queries]
    encoders: set[str] = set()
    count = 0
    for video, answers in found:
        count += 1
        for of_query, answer in zip(hits, answers, strict=True):
            encoders.add(encoder_text(answer))
            if not answer.moments:
                continue
            of_query.append(_hit(video, answer, least_present))
            of_query.sort(key=lambda hit: hit.order)
            del of_query[MOST_VIDEOS:]
    if not count:
        return 0
    for number, (query, of_query) in enumerate(zip(queries, hits, strict=True)):
        print("\n" * (number > 0) + _heading(query))
        likely = [hit for hit in of_query if not hit.is_absent]
        if not likely and of_query:
            print(f"probably in none of these {count:,} videos; the best candidates:")
        for rank, hit in enumerate(likely or of_query[:MOST_CANDIDATES], start=1):
            print(f"{rank:>2}. {hit.heading}")
            print(textwrap.indent(hit.text, "    "))
    left = f"{count:,} videos searched, at most {MOST_VIDEOS} shown for each query; --json prints every answer"
    print("\n" + "\n".join(broken(line, _columns()) for line in (left, *sorted(filter(None, encoders)))))
    return count


class Hit(NamedTuple):
    """What is kept of one answer of a search."""

    order: tuple[float, float, str]
    is_absent: bool
    heading: str
    text: str


def _hit(video: str, answer: Answer, least_present: float) -> Hit:
    """Likelier first; among equally likely ones, and where that is not known, the more similar first."""
    from ..serve.answers import best_similarity

    present = answer.present
    there = "" if present is None or verdict(answer, least_present=least_present) else f"  present {present:.2f}"
    return Hit(
        order=(-1.0 if present is None else -present, -best_similarity(answer), video),
        is_absent=is_probably_absent(answer, least_present=least_present),
        heading=quotable(video, columns=HEADING_COLUMNS) + there,
        text=found_text(answer, least_present=least_present, bars=sys.stdout.isatty()),
    )


def _heading(query: str) -> str:
    return quotable(query, columns=HEADING_COLUMNS)


def _columns() -> int | None:
    """How wide a line may be: as the terminal, or as long as it is."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None
