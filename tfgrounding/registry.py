"""From a name to an implementation: those of this package, those of plug-ins, and `module:Class` of one's own.

A plug-in is a package with an entry point in the group `tfgrounding.encoders`, `.localizers`, `.planners`, `.engines`,
`.exports` or `.datasets`. This package's own names come first, so no plug-in can replace them.

`module:Class` runs the code of that module: take such names from the user only, never from a file or a request.
"""

from __future__ import annotations

import inspect
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import import_module, invalidate_caches
from importlib.metadata import entry_points
from typing import Any

from .errors import TFGroundingError, in_one_line, without_secrets

ROWS: dict[str, dict[str, str]] = {  # kind: {name: "module:attribute"}
    "encoders": {
        "blip2": "tfgrounding.encoders.blip2:Blip2Encoder",
        "clip": "tfgrounding.encoders.clip:ClipEncoder",
        "embedded": "tfgrounding.encoders.embedded:EmbeddedEncoder",
        "languagebind": "tfgrounding.encoders.languagebind:LanguageBindEncoder",
        "lavis": "tfgrounding.encoders.lavis:LavisEncoder",
        "open_clip": "tfgrounding.encoders.open_clip:OpenClipEncoder",
        "sentences": "tfgrounding.encoders.sentence_models:SentenceModel",
        "served": "tfgrounding.encoders.served:ServedEncoder",
        "siglip": "tfgrounding.encoders.clip:SiglipEncoder",
        "xclip": "tfgrounding.encoders.xclip:XClipEncoder",
    },
    "localizers": {
        "default": "tfgrounding.localizers.default:DefaultLocalizer",
        "max-sum": "tfgrounding.localizers.maxsum:MaxSumLocalizer",
        "tag": "tfgrounding.localizers.tag:TAGLocalizer",
        "tfvtg": "tfgrounding.localizers.tfvtg.paper:TFVTGLocalizer",
        "tfvtg-reference": "tfgrounding.localizers.tfvtg.reference:ReferenceLocalizer",
    },
    "planners": {
        "llm": "tfgrounding.planning.llm:LLMPlanner",
        "rules": "tfgrounding.planning.rules.plan:RulesPlanner",
    },
    "engines": {
        "cascade": "tfgrounding.engines.cascade:CascadeEngine",
        "curves": "tfgrounding.engines.curves:CurvesEngine",
        "hybrid": "tfgrounding.engines.hybrid:HybridEngine",
        "numpro": "tfgrounding.engines.numpro:NumProEngine",
    },
    "exports": {
        "json": "tfgrounding.show.exports.tables:json_text",
        "jsonl": "tfgrounding.show.exports.tables:jsonl_text",
        "csv": "tfgrounding.show.exports.tables:csv_text",
        "srt": "tfgrounding.show.exports.subtitles:srt_text",
        "vtt": "tfgrounding.show.exports.subtitles:vtt_text",
        "edl": "tfgrounding.show.exports.timelines:edl_text",
        "otio": "tfgrounding.show.exports.timelines:otio_text",
    },
    "datasets": {
        "activitynet": "tfgrounding.evaluation.datasets.activitynet:ActivityNet",
        "charades-cd": "tfgrounding.evaluation.datasets.charades:Charades",
        "charades-cg": "tfgrounding.evaluation.datasets.charades:Charades",
        "charades-sta": "tfgrounding.evaluation.datasets.charades:Charades",
        "jsonl": "tfgrounding.evaluation.datasets.own:Own",
        "qvhighlights": "tfgrounding.evaluation.datasets.qvhighlights:QVHighlights",
        "uca": "tfgrounding.evaluation.datasets.uca:UCA",
    },
    "views": {
        "frame-numbers": "tfgrounding.vision.views.frame_numbers:FrameNumbers",
        "frame-labels": "tfgrounding.vision.views.frame_labels:FrameLabels",
        "timestamps-text": "tfgrounding.vision.views.timestamps:TimestampsText",
        "qwen3-seconds": "tfgrounding.vision.views.qwen3:Qwen3Seconds",
        "qwen2.5-video": "tfgrounding.vision.views.video:Qwen25Video",
        "gemini-video": "tfgrounding.vision.views.video:GeminiVideo",
        "video": "tfgrounding.vision.views.video:Video",
        "percent": "tfgrounding.vision.views.percent:Percent",
        "grid": "tfgrounding.vision.views.grid:Grid",
        "clip-yes-no": "tfgrounding.vision.views.yes_no:ClipYesNo",
    },
    "sources": {"open": "tfgrounding.media:open_source"},
    "shows": {
        "clips": "tfgrounding.show.clips:cut_moments",
        "notebook": "tfgrounding.show.notebook:notebook_html",
        "plot": "tfgrounding.show.plots:plot_grounding",
        "short-text": "tfgrounding.show.text:short_text",
        "text": "tfgrounding.show.text:answer_text",
    },
}


def names(kind: str) -> list[str]:
    """Every name of a kind: this package's own in their order, then those of plug-ins."""
    return list(dict.fromkeys([*ROWS[kind], *(point.name for point in entry_points(group=f"tfgrounding.{kind}"))]))


def find(
    kind: str, name: str, *, also: Sequence[str] = (), error: type[TFGroundingError] = TFGroundingError
) -> tuple[Any, str]:
    """What a name means: the class, function or object, not yet called.

    Args:
        kind: a key of ROWS.
        name: a name of that kind, alone or as a prefix ("clip:FOLDER"), or "module:attribute" of one's own, which may
            also have something after it ("module:attribute:FOLDER"). A module is looked for among the installed ones
            first, then in the current folder.
        also: names that the caller handles itself, for the error message.
        error: what to raise.

    Returns:
        The class, function or object, and what followed its name ("" where nothing did).

    Raises:
        TFGroundingError: no such name, or what it names cannot be imported.
    """
    head, _, rest = name.partition(":")
    if head in ROWS[kind]:
        return _attribute(*ROWS[kind][head].split(":")), rest
    attribute, _, choice = rest.partition(":")
    try:
        for plugin in entry_points(group=f"tfgrounding.{kind}"):
            if plugin.name == head:
                return plugin.load(), rest
        if attribute and all(part.isidentifier() for part in f"{head}.{attribute}".split(".")):
            return _own(head, attribute), choice
    except TFGroundingError:
        raise
    except (Exception, SystemExit) as problem:  # the code of other people
        if not isinstance(problem, ModuleNotFoundError) or problem.name not in (head, head.partition(".")[0]):
            raise error(f"{kind[:-1]} {_label(name)} cannot be imported: {in_one_line(problem)}") from problem
    known = "".join(f"{other} or " for other in also) + "one of " + ", ".join(sorted(names(kind)))
    raise error(f"{kind[:-1]} {_label(name)} is not known; choose {known}, or module:Class of your own")


def make(
    kind: str,
    given: Any,
    *,
    needs: Sequence[str],
    also: Sequence[str] = (),
    must_take: Sequence[str] = (),
    error: type[TFGroundingError] = TFGroundingError,
    **options: Any,
) -> Any:
    """The implementation itself, in whichever way it was named.

    A class is called: with what followed its name, if anything did, as the first argument, and with those of the
    options that its signature takes. Anything else is used as it is.

    Args:
        kind: a key of ROWS.
        given: a name as `find` reads it, a class, or a ready object.
        needs: the attributes and methods that it must have.
        also, error: as for `find`.
        must_take: which of the options may not be left out: what does not take them is refused.
        options: what a class may take, by name.

    Returns:
        An object that has all that it needs.

    Raises:
        TFGroundingError: as `find`; or the class cannot be called like this, or its object lacks something.
    """
    found, choice = find(kind, given, also=also, error=error) if isinstance(given, str) else (given, "")
    said = f"{kind[:-1]} {_label(given)}"
    if isinstance(found, type):
        found = _called(found, choice, options, must_take, said, error)
    elif choice:
        raise error(f"{said} has no choices: leave out {_label(choice)}")
    elif must_take:
        raise error(f"{said} is ready made and takes no {must_take[0]}: leave {must_take[0]} out")
    if missing := [need for need in needs if not hasattr(found, need)]:
        raise error(f"{said} has no {', '.join(missing)}; docs/extending.md shows what it needs and why")
    return found


def _called(
    cls: type,
    choice: str,
    options: dict[str, Any],
    must_take: Sequence[str],
    said: str,
    error: type[TFGroundingError],
) -> Any:
    try:
        signature = inspect.signature(cls)
        parameters = signature.parameters.values()
        if choice and not any(p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD) for p in parameters):
            raise error(f"{said} has no choices: leave out {_label(choice)}")
        takes_all = any(p.kind is p.VAR_KEYWORD for p in parameters)
        taken = {name: value for name, value in options.items() if takes_all or name in signature.parameters}
        if left := [name for name in must_take if name not in taken]:
            raise error(f"{said} takes no {left[0]}: leave {left[0]} out")
        arguments = signature.bind(*[choice] if choice else [], **taken)
    except (TypeError, ValueError) as problem:
        raise error(f"{said} cannot be made from its name alone: {problem}") from problem
    with named_failures(cls, f"{said} cannot be made", error):
        return cls(*arguments.args, **arguments.kwargs)


def is_own(implementation: Any) -> bool:
    """Whether a class, a function or an object's class is this package's."""
    return str(getattr(implementation, "__module__", "")).partition(".")[0] == __package__


@contextmanager
def named_failures(implementation: Any, said: str, error: type[TFGroundingError] = TFGroundingError) -> Iterator[None]:
    """Where the code of others is called: what it raises becomes one sentence.

    Args:
        implementation: what is called. The exceptions of this package's own classes are its bugs and stay as they are.
        said: how the sentence begins, such as "encoder colours failed".
        error: what to raise.

    Raises:
        TFGroundingError: for any exception but those with a sentence of their own.
        MemoryError: memory, also that of a GPU, is full.
    """
    try:
        yield
    except (TFGroundingError, MemoryError):
        raise
    except (Exception, SystemExit) as problem:
        if is_own(implementation):
            raise
        if type(problem).__name__ == "OutOfMemoryError":  # torch's, of a GPU
            raise MemoryError(in_one_line(problem)) from problem
        raise error(f"{said}: {in_one_line(problem)}") from problem


def with_named_failures(
    implementation: Any,
    said: str,
    error: type[TFGroundingError] = TFGroundingError,
    checks: Mapping[str, Callable[..., Any]] | None = None,
) -> Any:
    """The implementation itself where it is this package's; else one whose methods fail in one sentence.

    Args:
        implementation: an object of anybody's class.
        said: what it is, such as "view colours"; "METHOD failed" follows.
        error: what its methods raise, as `named_failures` does.
        checks: by the name of a method that it must have, what is called with the method's result and arguments; it
            returns the result, or raises ValueError, whose words say what is wrong with it.

    Raises:
        TFGroundingError: `error`, where one of the methods of `checks` is none.
    """
    if is_own(implementation):
        return implementation
    checks = checks or {}
    for name in checks:
        if not callable(found := getattr(implementation, name, None)):
            raise error(f"{said}: {name} must be a method, not {type(found).__name__}")
    return _OfOthers(implementation, said, error, checks)


class _OfOthers:
    """All that an object of others has; its methods are called by `named_failures`, and what they return is checked."""

    def __init__(
        self,
        implementation: Any,
        said: str,
        error: type[TFGroundingError],
        checks: Mapping[str, Callable[..., Any]],
    ) -> None:
        self._implementation, self._said, self._error, self._checks = implementation, said, error, checks

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        found = getattr(self._implementation, name)
        if not callable(found):
            return found

        def called(*arguments: Any, **options: Any) -> Any:
            with named_failures(self._implementation, f"{self._said}: {name} failed", self._error):
                result = found(*arguments, **options)
            if name not in self._checks:
                return result
            try:
                return self._checks[name](result, *arguments)
            except ValueError as problem:
                raise self._error(f"{self._said}: {name} must return {problem}") from None

        return called


def _own(module: str, attribute: str) -> Any:
    """From an installed module, or one in the current folder, which stays on the path for that module's imports."""
    try:
        here = os.getcwd()  # noqa: PTH109 - Path.cwd() is the same call
    except OSError:  # the current folder was deleted
        here = ""
    if here and here not in sys.path:
        sys.path.append(here)
    invalidate_caches()
    return _attribute(module, attribute)


def _attribute(module: str, attribute: str) -> Any:
    found: Any = import_module(module)
    for part in attribute.split("."):
        found = getattr(found, part)
    return found


def _label(given: Any) -> str:
    """A name in quotes, without secrets and short enough for a message, or an object's class."""
    if not isinstance(given, str):
        return given.__name__ if isinstance(given, type) else type(given).__name__
    given = without_secrets(given)
    return repr(given if len(given) <= 100 else given[:97] + "...")
