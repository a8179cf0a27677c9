"""A vision LLM by its name: on a server, or here."""

from __future__ import annotations

import re

from ..errors import ModelError
from ..llm.servers import shown
from .model import VisionModel
from .served import HOW_TO_NAME_ONE, ServedVLM

__all__ = ["HOW_TO_NAME_ONE", "ServedVLM", "VisionModel", "load_vlm"]


def load_vlm(spec: str, *, device: str = "auto") -> VisionModel:
    """A vision LLM by its name: "NAME@URL" is on a server, "local:FOLDER-OR-HUB-ID" runs here.

    Naming a hub id permits its download. No environment variable names a model or a server here.

    Raises:
        ModelError: the name has neither form, or the model cannot be loaded.
    """
    if spec.startswith("local:") and spec != "local:":
        from .local import load_local

        return load_local(spec.removeprefix("local:"), device=device)
    served = re.fullmatch(r"(?P<name>.+)@(?P<url>https?://[^/].*)", spec, re.DOTALL)
    if served is None:
        raise ModelError(f"{shown(spec)!r} names no vision model: use {HOW_TO_NAME_ONE}")
    return ServedVLM(served["name"], base_url=served["url"])
