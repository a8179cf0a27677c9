"""When does this happen? Ask a video a question, get the seconds, without training anything."""

import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any

__version__ = "0.1.0"

_HOME = {
    "Answer": "answer",
    "EventMoment": "types",
    "Frames": "types",
    "Grounder": "engines.grounder",
    "Grounding": "answer",
    "Moment": "types",
    "Pictures": "media.pictures",
    "Plan": "types",
    "Span": "types",
    "SubEvent": "types",
    "TFGroundingError": "errors",
    "VideoFeatures": "types",
    "VideoInfo": "types",
    "ground": "engines.grounder",
    "ground_curves": "localizers.ground_curves",
    "ground_texts": "engines.texts",
    "iter_frames": "media.frames",
    "probe": "media.frames",
}
__all__ = sorted(_HOME)

# Modules by their earlier names, under which they still can be imported.
_MOVED = {
    "cache": "tracks.cache",
    "chart": "show.chart",
    "clips": "show.clips",
    "cluster": "evaluation.cluster",
    "combine": "localizers.tfvtg.combine",
    "compare": "evaluation.compare",
    "confine": "serve.folder",
    "datasets": "evaluation.datasets",
    "datasets.base": "evaluation.datasets",
    "decode": "media.decode",
    "evaluate": "evaluation.run",
    "export": "show.export",
    "intervals": "localizers.intervals",
    "kernels": "localizers.kernels",
    "llm_planner": "planning.llm",
    "mcp_server": "serve.mcp_server",
    "metrics": "evaluation.metrics",
    "needle": "evaluation.needle",
    "numpro": "vision",
    "numpro.engine": "engines.numpro",
    "numpro.hybrid": "engines.hybrid",
    "numpro.timeline": "vision.views",
    "packets": "media.packets",
    "pictures": "media.pictures",
    "planner": "planning.planner",
    "plans": "planning.plans",
    "plots": "show.plots",
    "presence": "localizers.presence",
    "prompting": "llm.prompting",
    "report": "show.report",
    "results": "evaluation.results",
    "rules": "planning.rules",
    "sampling": "media.sampling",
    "similarity": "tracks.similarity",
    "stored": "tracks.stored",
    "summary": "evaluation.summary",
    "timestamps": "media.timestamps",
    "tool_models": "serve.tool_models",
    "tools": "serve.tools",
    "video": "media.frames",
    "worker": "evaluation.worker",
}


def __getattr__(name: str) -> Any:
    if name in _HOME:
        return getattr(import_module(f".{_HOME[name]}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*__all__, "__version__"]


class _EarlierNames(MetaPathFinder):
    """Finds the modules of `_MOVED`, and those inside them, under their earlier names."""

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        package, _, module = name.partition(".")
        if package != __name__:
            return None
        for earlier in (module, module.partition(".")[0]):
            if earlier in _MOVED:
                return ModuleSpec(name, _SameModule(f"{__name__}.{_MOVED[earlier]}{module.removeprefix(earlier)}"))
        return None


class _SameModule(Loader):
    """Hands out a module that is imported under its own name: both names give one object."""

    def __init__(self, name: str) -> None:
        self._name = name

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        module = import_module(self._name)
        self._spec = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        module.__spec__ = self._spec


sys.meta_path.insert(0, _EarlierNames())
