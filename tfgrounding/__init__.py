"""When does this happen? Ask a video a question, get the seconds, without training anything."""

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

_HOME = {
    "Frames": "types",
    "Grounding": "types",
    "Moment": "types",
    "Plan": "types",
    "SubEvent": "types",
    "TFGroundingError": "errors",
    "VideoFeatures": "types",
    "VideoInfo": "types",
}
__all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(f".{_HOME[name]}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
