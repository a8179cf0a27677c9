"""CLIP (Radford et al. 2021), SigLIP (Zhai et al. 2023) and similar models: one vector a frame, one a text."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

from ..errors import EncoderError
from .checkpoint import read_json
from .transformer import TransformerEncoder, quiet

# Not tuned: chosen below the cosines of pairs that fit. LAION-5B (Schuhmann et al. 2022) drops pairs whose CLIP cosine
# is under 0.28. The cosines of other families depend on the checkpoint: their floor is measured.
CLIP_FLOOR = 0.2
LARGEST_LOGIT_SCALE = 10.0  # CLIP's training stops at 4.6; what a damaged file holds may not fit a float
SMALLEST_TEMPERATURE = math.exp(-LARGEST_LOGIT_SCALE)

REFUSED = {  # by model_type: it has vectors of pictures and texts, but not those that are needed here
    "blip-2": "has an encoder of its own: write blip2: instead of clip:",
    "clipseg": "marks parts of pictures: use the CLIP model that it was made from",
    "flava": "gives a vector for each part of a picture and each token of a text, not one for each picture and text",
    "LanguageBindVideo": "has an encoder of its own: write languagebind: instead of clip:",
    "owlv2": "finds objects in pictures and does not compare whole pictures with texts",
    "owlvit": "finds objects in pictures and does not compare whole pictures with texts",
    "siglip2": "takes pictures in patches of varying number (NaFlex): use a SigLIP 2 checkpoint with pictures of a "
    "fixed size, such as google/siglip2-base-patch16-224",
    "xclip": "has an encoder of its own: write xclip: instead of clip:",
}


class ClipEncoder(TransformerEncoder):
    """Any checkpoint whose AutoModel has image and text features; `name` becomes "siglip" for that family."""

    name = "clip"
    floor: float | None = CLIP_FLOOR
    usual_checkpoint = "openai/clip-vit-base-patch32"

    def __init__(self, checkpoint: str = "", *, device: str = "auto", dtype: str = "auto") -> None:
        super().__init__(checkpoint, device=device, dtype=dtype)
        self.scale = math.exp(min(self._logit_scale(), LARGEST_LOGIT_SCALE))

    def _logit_scale(self) -> float:
        """The logarithm of what the model multiplies cosines by."""
        if hasattr(self._model, "logit_scale"):
            return float(self._model.logit_scale.item())
        if hasattr(self._model, "temperature"):  # ALIGN, TIPS
            return -math.log(max(float(self._model.temperature.item()), SMALLEST_TEMPERATURE))
        return 0.0

    def _model_class(self, folder: Path) -> Any:
        from transformers import AutoConfig, AutoModel
        from transformers.models.auto.modeling_auto import MODEL_MAPPING

        family = str(read_json(folder, "config.json").get("model_type", ""))
        if family in REFUSED:
            raise EncoderError(f"{folder}: holds a {family} model, which {REFUSED[family]}")
        if family == "siglip":  # that of SigLIP 2 with pictures of a fixed size, too
            self.name = "siglip"
        if family != "clip":
            self.floor = None
        with quiet():
            config = AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
        model_class: Any = MODEL_MAPPING.get(type(config), None)
        if not hasattr(model_class, "get_image_features") or not hasattr(model_class, "get_text_features"):
            raise EncoderError(
                f"{folder}: holds a {family or 'nameless'} model, which does not compare texts with images"
            )
        return AutoModel

    def _frame_vectors(self, frames: Any) -> Any:
        return pooled(self._model.get_image_features(pixel_values=frames))[:, None, :]  # (T, 1, D)

    def _text_vectors(self, tokens: dict[str, Any]) -> Any:
        model = self._model
        if model.config.model_type == "chinese_clip":  # its own method fails in transformers 4.57
            return model.text_projection(model.text_model(**tokens).last_hidden_state[:, 0])
        return pooled(model.get_text_features(**tokens))  # (N, D)

    def _text_config(self) -> Any:
        return self._model.config.text_config


class SiglipEncoder(ClipEncoder):
    """The same with SigLIP's usual checkpoint."""

    usual_checkpoint = "google/siglip-base-patch16-224"


def pooled(output: Any) -> Any:
    """The vectors in what a method of a model returned: transformers 5 wraps what 4 returned as a bare tensor."""
    return getattr(output, "pooler_output", output)
