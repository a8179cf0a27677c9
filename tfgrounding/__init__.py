"""When does this happen? Ask a video a question, get the seconds, without training anything."""

import sys
from importlib import import_module
from types import ModuleType
from typing import Any

__version__ = "0.1.0"

_HOME = {
    "Frames": "types",
    "Grounder": "ground",
    "Grounding": "types",
    "Moment": "types",
    "Pictures": "pictures",
    "Plan": "types",
    "SubEvent": "types",
    "TFGroundingError": "errors",
    "VideoFeatures": "types",
    "VideoInfo": "types",
    "ground": "ground",
    "ground_curves": "ground",
    "iter_frames": "video",
    "probe": "video",
}
__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(f".{_HOME[name]}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*__all__, "__version__"]


class _Package(ModuleType):
    """Keeps `tfgrounding.ground` the function: importing the room of that name would otherwise bind it instead."""

    def __setattr__(self, name: str, value: Any) -> None:
        if not (name == "ground" and isinstance(value, ModuleType)):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package
