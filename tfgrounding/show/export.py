"""Answers as text for other programs. Each format is a function in `exports/`, or one of your own.

An export is a function `(answers) -> str`: it is given a list of `Answer`, one a query, of one video or of several, and
returns the file's text. Options of its own are keyword arguments, such as `timecode` of "edl" and "otio". A class is
called without arguments first; what it makes is called with the answers.

    def count_moments(answers):
        return "".join(f"{answer.query}: {len(answer.moments)}\\n" for answer in answers)

    export(answers, count_moments)                   # the function itself,
    export(answers, "my_exports:count_moments")      # its place, also on the command line: --format
    # or a name of your package's entry points in the group tfgrounding.exports: counts = "my_exports:count_moments"
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

from ..answer import Answer
from ..errors import TFGroundingError
from ..registry import ROWS, find, named_failures

Export = Callable[..., str]

FORMATS = tuple(ROWS["exports"])  # those of this package; `registry.names("exports")` has those of plug-ins too


def export(answers: Sequence[Answer], name: str | Export, **options: Any) -> str:
    """Write answers in another format.

    Args:
        answers: one answer a query; all of one video, or of several.
        name: one of FORMATS, a plug-in's name, "module:function", or a function.
        options: of the format: `timecode`, "file" or "zero", of "edl" and "otio".

    Returns:
        The file's text.

    Raises:
        TFGroundingError: no such format or option, or a format of others that fails.
    """
    return prepared_export(name, **options)(answers)


def prepared_export(name: str | Export, **options: Any) -> Callable[[Sequence[Answer]], str]:
    """What `export` does, to be called with the answers when they are there; a wrong name fails now.

    Raises:
        TFGroundingError: no such format or option.
    """
    label = name if isinstance(name, str) else getattr(name, "__name__", type(name).__name__)
    found: Any = name
    if isinstance(name, str):
        found, rest = find("exports", name)
        if rest:
            raise TFGroundingError(f"format {name!r} is not known: nothing may follow {name.partition(':')[0]!r}")
    if isinstance(found, type):
        with named_failures(found, f"format {label!r} cannot be made"):
            found = found()
    if not callable(found):
        raise TFGroundingError(f"format {label!r} is not a function that takes answers and returns text")
    for option in set(options) - set(inspect.signature(found).parameters if options else ()):
        raise TFGroundingError(f"format {label!r} has no option {option!r}")

    def write(answers: Sequence[Answer]) -> str:
        with named_failures(found, f"format {label!r} failed"):
            text = found(list(answers), **options)
        if not isinstance(text, str):
            raise TFGroundingError(f"format {label!r} must return text, not {type(text).__name__}")
        return text

    return write
