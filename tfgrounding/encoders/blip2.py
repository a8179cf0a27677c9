"""BLIP-2's image-text contrast (Li et al. 2023, section 3.2): 32 vectors a frame, of which the best one counts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..errors import EncoderError
from .checkpoint import read_json
from .transformer import TransformerEncoder


class Blip2Encoder(TransformerEncoder):
    """The contrastive half of `Blip2ForImageTextRetrieval`; frames and texts are encoded apart, each only once.

    The largest cosine over a frame's Q vectors is the model's own result with
    `use_image_text_matching_head=False`.
    """

    name = "blip2"
    usual_checkpoint = "Salesforce/blip2-itm-vit-g-coco"
    floor = 0.2  # TFVTG's, for the checkpoint trained on COCO
    scale = 1 / 0.07  # the temperature that training starts from; the checkpoint does not hold the final one

    def _model_class(self, folder: Path) -> Any:
        from transformers import Blip2ForImageTextRetrieval

        family = read_json(folder, "config.json").get("model_type")
        if family != "blip-2":
            raise EncoderError(f"{folder}: holds a {family} model, not a blip-2 one")
        return Blip2ForImageTextRetrieval

    def _frame_vectors(self, frames: Any) -> Any:
        import torch

        model = self._model
        patches = model.vision_model(pixel_values=frames).last_hidden_state  # (T, P, V)
        seen = model.qformer(
            query_embeds=model.query_tokens.expand(len(frames), -1, -1),
            encoder_hidden_states=patches.to(model.query_tokens.dtype),
            encoder_attention_mask=torch.ones(patches.shape[:2], dtype=torch.long, device=patches.device),
        ).last_hidden_state  # (T, Q, H)
        return model.vision_projection(seen.to(model.vision_projection.weight.dtype))  # (T, Q, D)

    def _text_vectors(self, tokens: dict[str, Any]) -> Any:
        model = self._model
        read = model.qformer(
            query_embeds=model.embeddings(input_ids=tokens["input_ids"]),
            query_length=0,
            attention_mask=tokens["attention_mask"],
        ).last_hidden_state  # (N, L, H)
        return model.text_projection(read[:, 0].to(model.text_projection.weight.dtype))  # (N, D)

    def _text_config(self) -> Any:
        return self._model.config.qformer_config
