"""What a lever is, and how a step of the localizer is exchanged."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from types import FunctionType, ModuleType
from typing import Any
from unittest.mock import patch

import numba
from benches.bench import Answers, Bench

from tfgrounding.localizers.base import Localizer, QueryCurves
from tfgrounding.localizers.default import CONSTANTS, DefaultLocalizer


def as_they_are(bench: Bench) -> list[QueryCurves]:
    return bench.queries


@dataclass(frozen=True)
class Lever:
    """One thing changed.

    Attributes:
        name: what the table calls it.
        change: what is changed, in one line, and where that is from.
        steps: module, name and what stands in place of it.
        localizer: what is run while the steps are exchanged.
        queries: what the localizer gets of a bench; None where the lever needs what the bench does not have.
    """

    name: str
    change: str
    steps: tuple[tuple[ModuleType, str, Any], ...] = ()
    localizer: Localizer = field(default_factory=DefaultLocalizer)
    queries: Callable[[Bench], list[QueryCurves] | None] = as_they_are

    def answers(self, bench: Bench) -> Answers:
        """What the changed localizer answers to a bench's queries, which `queries` has made."""
        with ExitStack() as stack:
            for module, name, other in self.steps:
                stack.enter_context(patch.object(module, name, other))
            return bench.answers(self.localizer)


def with_constants(**values: float) -> DefaultLocalizer:
    return DefaultLocalizer(constants=replace(CONSTANTS, **values))


def changed(kernel: Any, **names: Any) -> Any:
    """A kernel as plain Python, with other functions or numbers in place of some that it uses."""
    plain = kernel.py_func
    return FunctionType(plain.__code__, plain.__globals__ | names, plain.__name__)


def compiled(kernel: Any, **names: Any) -> Any:
    """The same, compiled when first called."""
    return numba.njit(error_model="numpy")(changed(kernel, **names))
