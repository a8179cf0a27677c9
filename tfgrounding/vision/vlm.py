"""A vision LLM by its name: on a server, or here."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from ..errors import ModelError
from ..llm.servers import origin, shown
from .model import VisionModel
from .profiles import read_profile
from .served import HOW_TO_NAME_ONE, ServedVLM

__all__ = ["HOW_TO_NAME_ONE", "ServedVLM", "VisionModel", "load_vlm"]


def load_vlm(spec: str, *, device: str = "auto", use_profile: bool = True, **options: Any) -> VisionModel:
    """A vision LLM by its name: "NAME@URL" is on a server, "local:FOLDER-OR-HUB-ID" runs here.

    The address https://generativelanguage.googleapis.com/v1beta means Gemini's own interface, with /openai the other.
    Naming a hub id permits its download. No environment variable names a model or a server here.

    Args:
        spec: the name.
        device: where a local model runs.
        use_profile: whether a served model begins with what `tfgrounding doctor` found out about it.
        options: settings of a `ServedVLM` (most_pictures, timeout_seconds, concurrency, longest_side, quality ...);
            None leaves one as it is.

    Raises:
        ModelError: the name has neither form, the model cannot be loaded, or a setting is out of range.
    """
    given = {name: value for name, value in options.items() if value is not None}
    if spec.startswith("local:") and spec != "local:":
        from .local import load_local

        if others := sorted(given.keys() - {"most_pictures"}):
            raise ModelError(f"{', '.join(others)}: only a model on a server has such settings")
        return load_local(spec.removeprefix("local:"), device=device, **given)
    served = re.fullmatch(r"(?P<name>.+)@(?P<url>https?://[^/].*)", spec, re.DOTALL)
    if served is None:
        raise ModelError(f"{shown(spec)!r} names no vision model: use {HOW_TO_NAME_ONE}")
    origin(served["url"])  # raises where it is no address
    from .gemini import GeminiVLM, is_own_address

    served_class = GeminiVLM if is_own_address(served["url"]) else ServedVLM
    model = served_class(served["name"], base_url=served["url"], **given)
    if use_profile:
        profile, problem = read_profile(served["name"], served["url"])
        if profile is not None:
            model.use(replace(profile, most_pictures=0) if "most_pictures" in given else profile)
        elif problem:
            model.notes.append(problem)
    return model
