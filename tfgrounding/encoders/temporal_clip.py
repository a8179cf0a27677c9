"""CLIP whose vision layers also look along time: the video model of LanguageBind (Zhu et al., ICLR 2024), section 3.1.

Before each layer's own attention, which compares the patches of one picture, every patch attends to the patches at the
same place in the other frames of its clip. Weights have the names of the published checkpoints.
"""

from __future__ import annotations

from typing import Any

import torch
from transformers import CLIPConfig, CLIPModel
from transformers.models.clip.modeling_clip import CLIPAttention, CLIPEncoderLayer


class TemporalLayer(CLIPEncoderLayer):
    """A layer of the vision tower; the pictures of a clip follow each other in the batch."""

    def __init__(self, config: Any) -> None:
        super().__init__(config)
        self.clip_frames = config.num_frames
        self.temporal_embedding = torch.nn.Parameter(torch.zeros(1, config.num_frames, config.hidden_size))
        self.temporal_attn = CLIPAttention(config)
        self.temporal_layer_norm1 = torch.nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)

    def forward(self, hidden_states: torch.Tensor, *args: Any, **options: Any) -> Any:
        """(V * clip_frames, P, H) -> the same shape, as the layer without time returns it."""
        pictures, patches, _ = hidden_states.shape
        by_place = hidden_states.unflatten(0, (-1, self.clip_frames)).transpose(1, 2).flatten(0, 1)  # (V * P, F, H)
        if self.clip_frames > 1:
            by_place = by_place + self.temporal_embedding
        by_place = by_place + self.temporal_attn(self.temporal_layer_norm1(by_place))[0]
        hidden_states = by_place.unflatten(0, (-1, patches)).transpose(1, 2).reshape(pictures, patches, -1)
        return super().forward(hidden_states, *args, **options)


class TemporalCLIPConfig(CLIPConfig):
    """CLIP's under another name; its `vision_config` has `num_frames`."""

    model_type = "LanguageBindVideo"


class TemporalCLIPModel(CLIPModel):
    """CLIP with a TemporalLayer in place of each layer of its vision tower."""

    config_class = TemporalCLIPConfig

    def __init__(self, config: Any) -> None:
        super().__init__(config)
        layers = self.vision_model.encoder.layers
        for number in range(len(layers)):
            layers[number] = TemporalLayer(self.vision_model.config)
