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
from ..vision.views import TimeView
from ..vision.vlm import VisionModel
from .base import Engine
from .curves import MOST_OVERLAP, CurvesEngine
from .joined import JoinedEngine


def load_engine(
    engine: str | Engine = "curves",
    *,
    encoder: str | Encoder = "auto",
    planner: str | Planner = "auto",
    localizer: str | Localizer = "default",
    vlm: str | VisionModel | None = None,
    device: str = "auto",
    dtype: str = "auto",
    rate_hz: float | None = None,
    cache: bool | str | os.PathLike[str] = True,
    view: str | TimeView | None = None,
    budget_frames: int | None = None,
    most_overlap: float = MOST_OVERLAP,
) -> Engine:
    """The engine of a name.

    Args:
        engine: a registered name, "module:Class", or an engine that is ready. A Class is called with those of the
            other arguments that it takes.
        encoder, planner, localizer, cache, most_overlap: of the curves; see `CurvesEngine`.
        vlm: the vision LLM of "numpro", "hybrid" and "cascade": a name (see `load_vlm`), or a VisionModel.
        device: where encoders and local vision LLMs run.
        dtype: the precision of encoders; see `load_encoder`.
        rate_hz: samples a second; None means the engine's own.
        view: how the vision LLM is shown the time; None means the engine's own. Other engines refuse it.
        budget_frames: pictures shown to the vision LLM for one query; None means the engine's own. Other engines
            refuse it.

    Raises:
        TFGroundingError: an engine that is not known, or a setting that it cannot use.
    """

    settings: dict[str, Any] = {
        "encoder": encoder,
        "planner": planner,
        "localizer": localizer,
        "device": device,
        "dtype": dtype,
        "rate_hz": rate_hz,
        "cache": cache,
        "most_overlap": most_overlap,
    }
    found: Any = find("engines", engine)[0] if isinstance(engine, str) else engine
    is_named_class = isinstance(engine, str) and isinstance(found, type)
    if is_named_class and vlm is not None and "vlm" not in inspect.signature(found).parameters:
        raise TFGroundingError(f"the {engine} engine asks no vision model: choose numpro, hybrid or cascade")
    for_curves = (isinstance(found, type) and issubclass(found, JoinedEngine)) or (
        isinstance(found, JoinedEngine) and found.curves is None
    )
    of_showing = {
        name: value for name, value in (("view", view), ("budget_frames", budget_frames)) if value is not None
    }
    must_take = (*(("dtype",) if dtype != "auto" and not for_curves else ()), *of_showing)
    needs = ("name", "watch", "provenance")
    made: Engine = make("engines", engine, needs=needs, must_take=must_take, vlm=vlm, **(settings | of_showing))
    if isinstance(made, JoinedEngine) and made.curves is None:
        return made.with_curves(CurvesEngine(**settings))
    return made
