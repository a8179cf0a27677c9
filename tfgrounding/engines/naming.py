"""Which engine answers, by name; those that look at pictures need a vision LLM."""

from __future__ import annotations

from ..errors import TFGroundingError
from ..vision.vlm import HOW_TO_NAME_ONE, VisionModel, load_vlm
from .hybrid import HybridEngine
from .numpro import NumProEngine

ENGINES = ("curves", "numpro", "hybrid")


def get_watcher(
    engine: str | NumProEngine | HybridEngine, vlm: str | VisionModel | None, *, rate_hz: float | None, device: str
) -> NumProEngine | HybridEngine | None:
    """The part of an engine that looks at pictures; none for "curves".

    Args:
        engine: "curves", "numpro", "hybrid", or one that is ready.
        vlm: the vision LLM, as `load_vlm` reads it, or a VisionModel.
        rate_hz: frames a second that "numpro" looks at; None means its own.
        device: where a local vision LLM runs.

    Raises:
        TFGroundingError: an engine that is not known, or a vision LLM that is missing or not wanted.
    """
    if not isinstance(engine, str):
        return engine
    if engine not in ENGINES:
        raise TFGroundingError(f"engine {engine!r} is not known; choose one of {', '.join(ENGINES)}")
    if engine == "curves":
        if vlm is not None:
            raise TFGroundingError("the curves engine asks no vision model: choose engine numpro or hybrid with vlm")
        return None
    if vlm is None:
        raise TFGroundingError(f"engine {engine!r} needs a vision model and none is named: use {HOW_TO_NAME_ONE}")
    model = load_vlm(vlm, device=device) if isinstance(vlm, str) else vlm
    if engine == "hybrid":
        return HybridEngine(model)
    return NumProEngine(model) if rate_hz is None else NumProEngine(model, rate_hz=rate_hz)
