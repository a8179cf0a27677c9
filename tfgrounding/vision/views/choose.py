"""The view for a model, by its name and by what it takes."""

from __future__ import annotations

import re

from ..model import VisionModel
from .base import TimeView, get_view
from .video import Video

# A model's name: the view where it takes pictures, and the one where it takes frames as one video.
VIEWS = {
    "qwen3-vl": ("qwen3-seconds", "video"),
    "qwen3.5": ("qwen3-seconds", "video"),
    "qwen3.6": ("qwen3-seconds", "video"),
    "qwen2.5-vl": ("frame-numbers", "qwen2.5-video"),
    "qwen2.5-omni": ("frame-numbers", "qwen2.5-video"),
    "internvl": ("frame-labels", "frame-labels"),
    "gemini": ("timestamps-text:clock", "gemini-video"),
    "gemma-4": ("timestamps-text:clock", "video"),
    "glm-4v": ("timestamps-text:glm", "video"),
    "glm-4.1v": ("timestamps-text:glm", "video"),
    "glm-4.5v": ("timestamps-text:glm", "video"),
    "glm-4.6v": ("timestamps-text:glm", "video"),
    "glm-46v": ("timestamps-text:glm", "video"),
    "kimi": ("timestamps-text:clock", "video"),
    "molmo-2": ("timestamps-text:molmo", "video"),
    "seed": ("timestamps-text:seed", "timestamps-text:seed"),
    "smolvlm": ("timestamps-text:smolvlm", "video"),
    "videollama-3": ("timestamps-text:videollama3", "video"),
    "video-llama-3": ("timestamps-text:videollama3", "video"),
    "timemarker": ("timestamps-text", "timestamps-text"),
    "timechat": ("timestamps-text:timechat", "timestamps-text:timechat"),
    "vtimellm": ("percent", "percent"),
}
OTHERS = "frame-numbers"  # every model reads numbers on pictures; it has the best published figures without training


def view_for(vlm: VisionModel) -> TimeView:
    """The view that `tfgrounding doctor` recommends, or that a model knows from its training, else frame numbers.

    Args:
        vlm: the optional `profile` of what doctor measured decides; else its `name`, by the longest entry of VIEWS
            that stands in it as whole words, or its optional `kind`; and its optional `takes_clips`. Where it takes
            no video and the profile's view is one, its optional `notes` get a warning and the name decides.
    """
    if recommended := getattr(getattr(vlm, "profile", None), "view", ""):
        view = get_view(recommended)
        if not isinstance(view, Video) or getattr(vlm, "takes_clips", False):
            return view
        note = (
            f"the profile of {vlm.name} recommends the view {recommended}, but this server takes no frames as a video "
            "now: another view is used; tfgrounding doctor writes a new profile"
        )
        notes = getattr(vlm, "notes", None)
        if isinstance(notes, list) and note not in notes:
            notes.append(note)
    for name in (str(getattr(vlm, "kind", "")), vlm.name):
        words = _words(re.sub(r"@https?://.*", "", name, flags=re.DOTALL))
        known = [entry for entry in VIEWS if _holds(words, _words(entry))]
        if known:
            pictures, video = VIEWS[max(known, key=lambda entry: len(_words(entry)))]
            return get_view(pictures if pictures == video or not getattr(vlm, "takes_clips", False) else video)
    return get_view(OTHERS)


def chosen_view(view: str | TimeView | type[TimeView], vlm: VisionModel) -> TimeView:
    """A view as `get_view` takes it, where "auto" is the one for this model. Raises TFGroundingError."""
    return view_for(vlm) if isinstance(view, str) and view == "auto" else get_view(view)


def _words(name: str) -> list[str]:
    """ "org/Qwen2.5-VL-7B" as qwen, 2, 5, vl, 7, b: letters and digits apart, however they are joined."""
    return re.findall(r"[a-z]+|\d+", name.lower())


def _holds(words: list[str], entry: list[str]) -> bool:
    return any(words[at : at + len(entry)] == entry for at in range(len(words) - len(entry) + 1))
