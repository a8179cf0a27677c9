"""Vectors of clips by LanguageBind's video encoder (Zhu et al., "LanguageBind", ICLR 2024), that of Video-LLaVA."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..errors import EncoderError
from .base import MOST_FRAMES_PER_VECTOR
from .checkpoint import read_json
from .clip import ClipEncoder, pooled
from .preprocess import Preprocessor

# The published program scales the shorter side to the model's size and normalizes by these; its repositories have no
# file that says so. There the crop is a random one and half of the clips are mirrored; here the crop is the centre.
MEAN = (0.48145466, 0.4578275, 0.40821073)
STD = (0.26862954, 0.26130258, 0.27577711)


class LanguageBindEncoder(ClipEncoder):
    """One vector for each clip of frames, eight of them as a rule: the mean of its frames, which look at each other.

    Clips overlap: each begins a quarter of its length after the one before it.
    """

    name = "languagebind"
    floor = None
    usual_checkpoint = "LanguageBind/LanguageBind_Video_V1.5_FT"

    def _model_class(self, folder: Path) -> Any:
        config = read_json(folder, "config.json")
        if config.get("model_type") != "LanguageBindVideo":
            raise EncoderError(f"{folder}: holds a {config.get('model_type')} model, not a LanguageBindVideo one")
        vision = _vision_config(config)
        frames = vision.get("num_frames")
        if isinstance(frames, bool) or not isinstance(frames, int) or not 1 <= frames <= MOST_FRAMES_PER_VECTOR:
            raise EncoderError(
                f"{folder / 'config.json'}: num_frames is {frames!r:.40}, not 1 to {MOST_FRAMES_PER_VECTOR}"
            )
        if not vision.get("add_time_attn") or vision.get("lora_r"):
            raise EncoderError(
                f"{folder}: its layers do not look along time, or a part of its weights is kept apart (LoRA): use "
                f"{self.usual_checkpoint} or another whose name ends in _FT"
            )
        from .temporal_clip import TemporalCLIPModel

        return TemporalCLIPModel

    def _preprocessor(self, folder: Path) -> Preprocessor:
        side = _vision_config(read_json(folder, "config.json")).get("image_size", 224)
        try:
            return Preprocessor(side, (side, side), 1 / 255, MEAN, STD, "bilinear")
        except (TypeError, ValueError) as error:
            raise EncoderError(f"{folder / 'config.json'}: has no usable image_size ({error})") from error

    def _clip_frames(self) -> int:
        count: int = self._model.vision_model.config.num_frames
        return count

    def _frame_vectors(self, frames: Any) -> Any:
        vectors = pooled(self._model.get_image_features(pixel_values=frames))  # (T, D)
        return vectors.unflatten(0, (-1, self.frames_per_vector)).mean(dim=1, keepdim=True)  # (V, 1, D)


def _vision_config(config: dict[str, Any]) -> dict[str, Any]:
    vision = config.get("vision_config")
    return vision if isinstance(vision, dict) else {}
