"""Engines of others: what goes wrong in their code is said in one sentence that names the engine."""

from __future__ import annotations

from typing import Any

from ..answer import Answer
from ..errors import TFGroundingError
from ..media import AnySource
from ..registry import named_failures
from ..types import Plan, Progress, VideoFeatures
from .base import Engine, Watched


def watch_with(engine: Engine, source: AnySource | VideoFeatures, *, progress: Progress | None) -> Watched:
    """What `engine.watch` returns, whose `ask` returns an Answer or raises a TFGroundingError.

    Raises:
        TFGroundingError: the engine's code fails, or returns something that cannot be asked.
    """
    stopped: list[BaseException] = []

    def report(done: float, whole: float) -> None:
        try:
            progress(done, whole)  # type: ignore[misc]
        except BaseException as error:
            stopped.append(error)
            raise

    try:
        with named_failures(engine, f"engine {engine.name}: watch failed"):
            watched = engine.watch(source, progress=None if progress is None else report)
    except TFGroundingError:
        if stopped:
            raise stopped[0] from None  # the caller's own exception, which ends the work
        raise
    if not callable(getattr(watched, "ask", None)):
        raise TFGroundingError(
            f"engine {engine.name}: watch must return an object with a method ask, not {type(watched).__name__}"
        )
    return _Watched(engine, watched)


class _Watched:
    """What an engine watched: all that it has, and `ask`."""

    def __init__(self, engine: Engine, watched: Watched) -> None:
        self._engine, self._watched = engine, watched

    def __getattr__(self, name: str) -> Any:
        return getattr(self._watched, name)

    def ask(self, query: str | Plan, **settings: Any) -> Answer:
        """When does it happen? Raises TFGroundingError where the engine's code fails or returns no Answer."""
        with named_failures(self._engine, f"engine {self._engine.name}: ask failed"):
            answer = self._watched.ask(query, **settings)
        if not isinstance(answer, Answer):
            returned = type(answer).__name__
            raise TFGroundingError(f"engine {self._engine.name}: ask must return an Answer, not {returned}")
        return answer
