"""Vectors of clips by X-CLIP.

Ni et al., "Expanding Language-Image Pretrained Models for General Video Recognition", ECCV 2022.

The model itself adds to each text what its prompt generator reads from the clip, so that a text has another vector with
every clip. That is left out: a curve needs texts whose vectors do not depend on the video. Compared are the model's own
video features and text features.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..errors import EncoderError
from .checkpoint import read_json
from .clip import ClipEncoder


class XClipEncoder(ClipEncoder):
    """X-CLIP without its video-specific prompts: one vector for each clip of frames, eight of them as a rule.

    Clips overlap: each begins a quarter of its length after the one before it.
    """

    name = "xclip"
    floor = None
    usual_checkpoint = "microsoft/xclip-base-patch32"
    warnings = ("X-CLIP is used without its video-specific prompts: its scores differ from those of the whole model",)

    def _model_class(self, folder: Path) -> Any:
        from transformers import XCLIPModel

        config = read_json(folder, "config.json")
        if config.get("model_type") != "xclip":
            raise EncoderError(f"{folder}: holds a {config.get('model_type')} model, not an xclip one")
        return XCLIPModel

    def _clip_frames(self) -> int:
        count: int = self._model.config.vision_config.num_frames
        return count

    def _frame_vectors(self, frames: Any) -> Any:
        model = self._model  # whose `get_video_features` fails in transformers 4.57
        seen = model.visual_projection(model.vision_model(pixel_values=frames).pooler_output)  # (T, D)
        return model.mit(seen.unflatten(0, (-1, self.frames_per_vector)))[1][:, None, :]  # (V, 1, D)
