"""Queries answered on the command line: one video or many, or answers that a file holds."""

from __future__ import annotations

import math
import sys
import time
from collections.abc import Collection, Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ..errors import TFGroundingError, reason_to_skip
from .progress import video_progress
from .steps import watched_in_steps
from .terminal import compilation_message, named_source, plain
from .vision import VisionOptions

if TYPE_CHECKING:
    from ..answer import Answer
    from ..engines.grounder import Grounder
    from ..types import Source

# Options that say how answers are made.
OF_MAKING = (
    *("engine", "vlm", "encoder", "planner", "localizer", "rate", "device", "dtype"),
    *("tracks", "sentences", "language"),
    *("view", "vlm_pictures", "budget", "vlm_timeout", "vlm_concurrency"),
    *("picture_rate", "stream"),
)


def answer_queries(
    video: str,
    queries: list[str],
    picture_rate: float | None,
    stream: int | None,
    top_k: int,
    *,
    rough: bool = False,
    threshold: float | None = None,
    given: Collection[str] = (),
    vision: VisionOptions | None = None,
    **settings: Any,
) -> tuple[list[Answer], dict[str, str]]:
    """Answers to several queries about one video, or those that a file holds; and what they cost in words.

    Of the options that are `given`, those that make answers are refused where the answers are there already.
    """
    from ..show.saved import holds_answers, read_answers

    check_threshold(threshold)
    if holds_answers(video):
        if queries:
            raise TFGroundingError(f"{video} holds answers already: leave the queries out, or name the video")
        if unused := [name for name in given if name in OF_MAKING]:
            options = ", ".join("--" + name.replace("_", "-") for name in sorted(unused))
            raise TFGroundingError(f"{video} holds answers already: leave {options} out, or name the video")
        answers = read_answers(video)
        if "top_k" in given:
            answers = [replace(answer, spans=answer.spans[:top_k]) for answer in answers]
        return [above(answer, threshold) for answer in answers], {}
    check_queries(queries)
    source = named_source(video, picture_rate=picture_rate, stream=stream)
    seconds = source.info.duration_seconds  # an unreadable video fails before seconds are spent on loading models
    answers, watching, answering = _answered(made_grounder(vision, settings), source, video, queries, top_k, rough)
    for answer in answers:
        print_warnings(answer)
    return [above(answer, threshold) for answer in answers], {
        "Watching": f"{watching:.1f} s for {seconds:.1f} s of video",
        "Answering": f"{answering / len(queries) * 1000:.0f} ms a query",
    }


def answer_each(
    videos: Iterable[tuple[str, str | None]],
    queries: list[str],
    picture_rate: float | None,
    stream: int | None,
    top_k: int,
    *,
    rough: bool = False,
    threshold: float | None = None,
    vision: VisionOptions | None = None,
    **settings: Any,
) -> Iterator[tuple[str, list[Answer]]]:
    """The same for each of several videos, one after the other: its name and its answers.

    A video that cannot be read or answered is said on stderr and left out; what is wrong with the models ends it all.

    Args:
        videos: (its name, None or why it cannot be read).
        queries, picture_rate, stream, top_k, rough, threshold, vision, settings: as for one video.
    """
    check_threshold(threshold)
    check_queries(queries)
    grounder: Grounder | None = None
    for video, unreadable in videos:
        try:
            if unreadable is not None:
                raise TFGroundingError(f"{video}: {unreadable}")
            source = named_source(video, picture_rate=picture_rate, stream=stream)
            _ = source.info
        except Exception as error:  # one bad video does not stop the others
            print_skipped(video, error)
            continue
        grounder = grounder or made_grounder(vision, settings)
        try:
            answers, *_ = _answered(grounder, source, video, queries, top_k, rough)
        except Exception as error:
            print_skipped(video, error)
            continue
        for answer in answers:
            print_warnings(answer, about=video)
        yield video, [above(answer, threshold, about=video) for answer in answers]


def made_grounder(vision: VisionOptions | None, settings: dict[str, Any]) -> Grounder:
    """The Grounder of these options."""
    from ..engines.grounder import Grounder

    return Grounder(**settings | (vision or VisionOptions()).settings(settings.get("vlm"), settings["device"]))


def _answered(
    grounder: Grounder, source: Source, video: str, queries: list[str], top_k: int, rough: bool
) -> tuple[list[Answer], float, float]:
    """Answers to the queries, and the seconds that watching and answering took."""
    began = time.perf_counter()
    with video_progress(video) as progress:
        watched = watched_in_steps(grounder, source, queries, rough=rough, progress=progress)
    encoded = time.perf_counter()
    with compilation_message():
        answers = [watched.ask(query, top_k=top_k) for query in queries]
    done = time.perf_counter()
    return answers, encoded - began, done - encoded


def check_queries(queries: list[str]) -> None:
    """Raise TFGroundingError for no query, an empty one, and one that is no text."""
    from ..types import Plan

    if not queries:
        raise TFGroundingError("a QUERY is missing: say in a sentence what happens, after the video")
    for query in queries:
        if query.encode("utf-8", "ignore").decode() != query:
            raise TFGroundingError(f"the query {query!a} holds bytes that are no text: write it in UTF-8")
        Plan(query)


def check_threshold(threshold: float | None) -> None:
    """Raise TFGroundingError for a threshold that is no number."""
    if threshold is not None and not math.isfinite(threshold):
        raise TFGroundingError(f"--threshold must be a number such as 0.3, not {threshold}")


def check_least_present(least_present: float) -> float:
    """Raise TFGroundingError for what is no probability."""
    if not 0 <= least_present <= 1:
        raise TFGroundingError(f"--least-present must be a probability from 0 to 1, not {least_present}")
    return least_present


def above(answer: Answer, threshold: float | None, *, about: str = "") -> Answer:
    """The answer without the moments that score less; that none is left is said on stderr, `about` a video."""
    if threshold is None or not answer.moments:
        return answer
    kept = tuple(moment for moment in answer.moments if moment.score >= threshold)
    if not kept:
        best = max(moment.score for moment in answer.moments)
        begin = f"{plain(about)}: " if about else ""
        print(f"nothing found: {begin}the best moment scores {best:.3f}, less than --threshold", file=sys.stderr)
    return replace(answer, spans=kept)


def print_warnings(answer: Answer, *, about: str = "") -> None:
    """The answer's warnings, and that nothing was found, on stderr; `about`: the video, where there are several."""
    begin = f"{plain(about)}: " if about else ""
    for warning in answer.warnings:
        print(f"warning: {begin}{plain(warning)}", file=sys.stderr)
    if not answer.moments:
        print(f"nothing found: {begin}no moment stands out for {answer.query!r}", file=sys.stderr)


def print_skipped(video: str, error: Exception) -> None:
    """Why a video is left out, in one line on stderr."""
    print(f"tfgrounding: {named_reason(reason_to_skip(error), video)}", file=sys.stderr)


def named_reason(reason: str, video: str) -> str:
    """A reason that names the video."""
    return plain(reason if video in reason else f"{video}: {reason}")
