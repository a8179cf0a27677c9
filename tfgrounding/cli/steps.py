"""Rough answers on a terminal while a long video is being encoded."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from ..show.exports.common import short_clock
from .terminal import plain

if TYPE_CHECKING:
    from ..answer import Answer
    from ..engines.base import Watched
    from ..engines.grounder import Grounder
    from ..types import Progress, Source

ROUGH_MOMENTS = 3  # shown of a rough answer


def watched_in_steps(
    grounder: Grounder, source: Source, queries: Sequence[str], *, rough: bool, progress: Progress | None
) -> Watched:
    """The whole video, ready to be asked; with `rough` what the first look at a long one gave.

    On a terminal rough answers are shown on stderr while the whole is being encoded; in a pipe they are not made.

    Args:
        grounder: answers.
        source: the video.
        queries: what will be asked.
        rough: whether to stop after the first look.
        progress: called with (seconds done, seconds in all) while the whole is encoded.
    """
    if not rough and not sys.stderr.isatty():
        return grounder.watch(source, progress=progress)
    for watched in grounder.watch_in_steps(source, queries, progress=progress):
        apart_seconds = getattr(watched, "rough_seconds", None)
        if rough or apart_seconds is None:
            break
        for query in queries:
            print(rough_text(watched.ask(query, top_k=ROUGH_MOMENTS), apart_seconds), file=sys.stderr)
    return watched


def rough_text(answer: Answer, apart_seconds: float) -> str:
    """A rough answer in lines: that it is one, how good its times can be, and its moments."""
    head = f"a rough answer to {answer.query!r}, times may be wrong by {apart_seconds:.0f} s; the whole is being read:"
    lines = [
        f"  about {short_clock(moment.start_seconds)} to {short_clock(moment.end_seconds)}, score {moment.score:.3f}"
        for moment in answer.moments
    ]
    return plain(head) + "\n" + ("\n".join(lines) or "  nothing stands out so far")
