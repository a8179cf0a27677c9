"""What an examination of a vision LLM found out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date

import numpy as np

from ..localizers.intervals import temporal_iou
from ..registry import ROWS
from . import clock
from .frames import Interval
from .profiles import Profile


@dataclass(frozen=True, slots=True)
class ViewResult:
    """How a model reads times that are shown in one way: read seconds = `offset_seconds` + `scale` x true seconds.

    `spread_seconds`: standard deviation around that line. `iou`: mean over the events of how far the moment read and
    the true one overlap, 0 to 1. `readable`: of `asked` questions, how many replies could be used. `says_none`: whether
    an event that is not there was denied. `problem`: why there is no line, "" where there is one.
    """

    view: str
    offset_seconds: float | None = None
    scale: float | None = None
    spread_seconds: float | None = None
    iou: float = 0.0
    readable: int = 0
    asked: int = 0
    says_none: bool | None = None
    problem: str = ""


@dataclass(slots=True)
class Findings:
    """What `examine` found out. None means not known.

    `sees`: whether it reads numbers on pictures; `numbers_read` is its reply. `most_pictures`: the most that one
    request held; `refusal` is the server's word about more, "" where it took all that were tried, `own_limit` why more
    were not sent to it. `streams`: whether replies come in pieces. `yes`, `no`: P(yes) of a question whose answer is
    yes, and of one whose answer is no. `recommended`: a view, "" for none. `stopped`: why not all was tried, "" where
    all was. `instead`: what came where no request at all was answered, such as a refusal, "" where one was.
    """

    model: str
    requests: int = 0
    pictures: int = 0
    seconds: float = 0.0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    sees: bool | None = None
    numbers_read: str = ""
    most_pictures: int = 0
    refusal: str = ""
    own_limit: str = ""
    picture_tokens: float | None = None
    context_tokens: int | None = None
    streams: bool | None = None
    takes_schema: bool | None = None
    yes: float | None = None
    no: float | None = None
    gives_probability: bool | None = None
    request_seconds: float | None = None
    picture_seconds: float | None = None
    views: list[ViewResult] = field(default_factory=list)
    recommended: str = ""
    stopped: str = ""
    instead: str = ""

    def profile(self, before: Profile | None = None) -> Profile:
        """What later runs use of it.

        Args:
            before: an earlier profile, of which that is kept what was not measured now.
        """
        before = before or Profile()
        view = self.recommended if self.recommended.partition(":")[0] in ROWS["views"] else ""
        if not view and (self.instead or before.view not in [one.view for one in self.views if one.asked]):
            view = before.view
        most_pictures = self.most_pictures if self.refusal else 0
        if not self.refusal and self.most_pictures <= before.most_pictures:
            most_pictures = before.most_pictures
        return Profile(
            view=view,
            most_pictures=most_pictures,
            picture_tokens=_measured(self.picture_tokens, before.picture_tokens, 1),
            context_tokens=self.context_tokens or before.context_tokens,
            request_seconds=_measured(self.request_seconds, before.request_seconds, 3),
            picture_seconds=_measured(self.picture_seconds, before.picture_seconds, 4),
            takes_schema=before.takes_schema if self.takes_schema is None else self.takes_schema,
            gives_probability=before.gives_probability if self.gives_probability is None else self.gives_probability,
            measured=date.today().isoformat(),
        )


def _measured(now: float | None, before: float, digits: int) -> float:
    return before if now is None else round(now, digits)


def view_result(
    name: str,
    frames: int,
    read: Mapping[str, Sequence[Interval]],
    asked: int,
    says_none: bool | None,
    problem: str,
) -> ViewResult:
    """The line through what was read of each event, from the first moment of each reply.

    Args:
        name: of the view.
        frames: of the clock video.
        read: the moments of each reply that could be used, by the colour that was asked for.
        asked: how many questions were asked.
        says_none: whether the event that is not there was denied.
        problem: what ended the questions early, "" where nothing did.
    """
    true_seconds: list[float] = []
    read_seconds: list[float] = []
    fits = []
    for colour in clock.ASKED:
        truth = clock.truth_of(colour, frames)
        moments = read.get(colour, ())
        fits.append(float(temporal_iou(*moments[0], *truth)) if moments else 0.0)
        if moments:
            true_seconds += truth
            read_seconds += moments[0]
    result = ViewResult(
        name, iou=round(float(np.mean(fits)), 4), readable=len(read), asked=asked, says_none=says_none, problem=problem
    )
    if len(true_seconds) < 4 or problem:
        found = f"only {len(true_seconds) // 2} of {len(clock.ASKED)} events were found"
        return replace(result, problem=problem or (found if read else "no reply could be used"))
    scale, offset = np.polyfit(true_seconds, read_seconds, 1)
    spread = float(np.std(np.array(read_seconds) - (offset + scale * np.array(true_seconds))))
    return replace(
        result,
        offset_seconds=round(float(offset), 3) + 0.0,
        scale=round(float(scale), 4),
        spread_seconds=round(spread, 3),
    )
