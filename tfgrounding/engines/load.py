"""From an engine's name and a Grounder's settings to an engine that is ready."""

from __future__ import annotations

import inspect
import os
from typing import Any

from ..encoders.base import Encoder
from ..errors import TFGroundingError
from ..localizers import Localizer
from ..planning.planner import Planner
from ..registry import find, make
from ..vision.vlm import VisionModel
from .base import Engine
from .curves import CurvesEngine
from .hybrid import HybridEngine


def load_engine(
    engine: str | Engine = "curves",
    *,
    encoder: str | Encoder = "auto",
    planner: str | Planner = "auto",
    localizer: str | Localizer = "default",
    vlm: str | VisionModel | None = None,
    device: str = "auto",
    rate_hz: float | None = None,
    cache: bool | str | os.PathLike[str] = True,
) -> Engine:
    """The engine of a name.

    Args:
        engine: a registered name, "module:Class", or an engine that is ready. A Class is called with those of the
            other arguments that it takes.
        encoder, planner, localizer, cache: of the curves; see `CurvesEngine`.
        vlm: the vision LLM of "numpro" and "hybrid": a name (see `load_vlm`), or a VisionModel.
        device: where encoders and local vision LLMs run.
        rate_hz: samples a second; None means the engine's own.

    Raises:
        TFGroundingError: an engine that is not known, or a setting that it cannot use.
    """

    settings: dict[str, Any] = {
        "encoder": encoder,
        "planner": planner,
        "localizer": localizer,
        "device": device,
        "rate_hz": rate_hz,
        "cache": cache,
    }
    if isinstance(engine, str):
        found, _ = find("engines", engine)
        if vlm is not None and isinstance(found, type) and "vlm" not in inspect.signature(found).parameters:
            raise TFGroundingError(f"the {engine} engine asks no vision model: choose engine numpro or hybrid with vlm")
    made: Engine = make("engines", engine, needs=("name", "watch", "provenance"), vlm=vlm, **settings)
    if isinstance(made, HybridEngine) and made.curves is None:
        return made.with_curves(CurvesEngine(**settings))
    return made
