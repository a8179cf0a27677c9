"""From a name to an implementation: those of this package, those of plug-ins, and `module:Class` of one's own.

A plug-in is a package with an entry point in the group `tfgrounding.encoders`, `.localizers`, `.planners`, `.engines`,
`.exports` or `.datasets`. This package's own names come first, so no plug-in can replace them.
"""

from __future__ import annotations

import re
import sys
from functools import cache
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any

from .errors import TFGroundingError

ROWS: dict[str, dict[str, str]] = {  # kind: {name: "module:attribute"}
    "encoders": {
        "blip2": "tfgrounding.encoders.blip2:Blip2Encoder",
        "clip": "tfgrounding.encoders.clip:ClipEncoder",
        "embedded": "tfgrounding.encoders.embedded:EmbeddedEncoder",
        "lavis": "tfgrounding.encoders.lavis:LavisEncoder",
        "siglip": "tfgrounding.encoders.clip:ClipEncoder",
    },
    "localizers": {
        "default": "tfgrounding.localizers.default:DefaultLocalizer",
        "max-sum": "tfgrounding.localizers.maxsum:MaxSumLocalizer",
        "tag": "tfgrounding.localizers.tag:TAGLocalizer",
        "tfvtg": "tfgrounding.localizers.tfvtg:TFVTGLocalizer",
        "tfvtg-reference": "tfgrounding.localizers.reference:ReferenceLocalizer",
    },
    "planners": {
        "llm": "tfgrounding.planning.llm:LLMPlanner",
        "rules": "tfgrounding.planning.rules.plan:RulesPlanner",
    },
    "engines": {
        "curves": "tfgrounding.engines.curves:CurvesEngine",
        "hybrid": "tfgrounding.engines.hybrid:HybridEngine",
        "numpro": "tfgrounding.engines.numpro:NumProEngine",
    },
    "exports": {},
    "datasets": {},
    "views": {},
    "sources": {},
    "shows": {
        "clips": "tfgrounding.show.clips:cut_moments",
        "notebook": "tfgrounding.show.chart:notebook_html",
        "plot": "tfgrounding.show.plots:plot_grounding",
    },
}


def names(kind: str) -> list[str]:
    """Every name of a kind: this package's own in their order, then those of plug-ins."""
    return [*ROWS[kind], *(name for name in _plugins(kind) if name not in ROWS[kind])]


def find(kind: str, name: str, *, error: type[TFGroundingError] = TFGroundingError) -> tuple[Any, str]:
    """What a name stands for.

    Args:
        kind: a key of ROWS.
        name: a name of that kind, alone or as a prefix ("clip:FOLDER"), or "module:attribute" of one's own. Modules in
            the current folder are found too, after all installed ones.
        error: what to raise.

    Returns:
        The class, function or object, and what followed the prefix ("" where nothing did).

    Raises:
        TFGroundingError: no such name, or what it names cannot be imported.
    """
    head, _, rest = name.partition(":")
    for whole, choice in ((name, ""), (head, rest)):
        if whole in ROWS[kind]:
            return _attribute(ROWS[kind][whole], kind, error), choice
        if whole in _plugins(kind):
            try:
                return _plugins(kind)[whole].load(), choice
            except Exception as problem:  # a plug-in is other people's code
                raise error(f"{kind[:-1]} {whole!r}: its package cannot be imported ({problem})") from problem
    if re.fullmatch(r"[A-Za-z_][\w.]*:[A-Za-z_][\w.]*", name):
        return _attribute(name, kind, error), ""
    raise error(f"{kind[:-1]} {name!r} is not known; choose one of {', '.join(sorted(names(kind)))}, or module:Class")


@cache
def _plugins(kind: str) -> dict[str, EntryPoint]:
    return {point.name: point for point in entry_points(group=f"tfgrounding.{kind}")}


def _attribute(path: str, kind: str, error: type[TFGroundingError]) -> Any:
    module, _, attribute = path.partition(":")
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.append(here)
    try:
        found: Any = import_module(module)
        for part in attribute.split("."):
            found = getattr(found, part)
    except TFGroundingError:
        raise
    except ModuleNotFoundError as problem:
        if problem.name == module.partition(".")[0] or problem.name == module:
            raise error(f"{kind[:-1]} {path!r}: there is no module {module}") from problem
        raise
    except AttributeError as problem:
        raise error(f"{kind[:-1]} {path!r}: {problem}") from problem
    return found
