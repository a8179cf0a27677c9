"""How good answers are: data sets, runs over them, their figures, two runs compared, needles in long videos."""

from importlib import import_module
from typing import Any

_HOME = {  # imported when first used: metrics need no engine
    "Dataset": "datasets",
    "Recipe": "recipe",
    "Sample": "datasets",
    "Summary": "summary",
    "VideoFiles": "files",
    "evaluate": "run",
    "load_dataset": "datasets",
    "read_results": "results",
    "summarize": "summary",
}
__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(f".{_HOME[name]}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
