"""What every engine offers: it watches a video once, and what it watched answers any number of queries."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

from ..answer import Answer
from ..errors import TFGroundingError
from ..media import AnySource
from ..types import Plan, Progress, VideoFeatures, VideoInfo

TOP_K = 5


def checked_count(name: str, count: Any) -> int:
    """A setting that counts something. Raises TFGroundingError: it is no whole number from 1 on."""
    if isinstance(count, bool) or not isinstance(count, int | np.integer) or count < 1:
        raise TFGroundingError(f"{name} must be a whole number from 1 on, not {count!r:.40}")
    return int(count)


class Watched(Protocol):
    """A video that was watched."""

    @property
    def info(self) -> VideoInfo: ...

    @property
    def samples(self) -> int:
        """How many frames of it were sampled."""
        ...

    def ask(self, query: str | Plan, *, top_k: int = TOP_K) -> Answer:
        """When does it happen?

        Args:
            query: a sentence, or a ready plan.
            top_k: moments at most.

        Raises:
            PlanError: the query is empty. ModelError: a model that is needed could not be asked.
        """
        ...


class Engine(Protocol):
    """One way to answer queries about videos; safe to share between threads.

    `watches_features`: whether `watch` also takes the VideoFeatures of an earlier `Grounder.encode_video`.
    """

    @property
    def name(self) -> str: ...

    @property
    def watches_features(self) -> bool: ...

    def watch(self, source: AnySource | VideoFeatures, *, progress: Progress | None = None) -> Watched:
        """Look at a video.

        Args:
            source: a video file, Pictures, or a Source.
            progress: called with (seconds done, seconds in all); what it raises ends the work.

        Raises:
            VideoError: the video cannot be read.
        """
        ...

    def provenance(self) -> dict[str, Any]:
        """What decides this engine's answers, as plain JSON types: models, revisions, settings."""
        ...
