"""A checkpoint of CLAP of the real classes, laid out as the hub publishes it: tiny, with random weights."""

from __future__ import annotations

import json
from pathlib import Path

from tiny_tokenizers import clip_tokenizer, write_json

HIDDEN = 32
TOWER = {"hidden_size": HIDDEN, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4}


def save_clap(folder: Path) -> Path:
    import torch
    import transformers

    folder.mkdir(parents=True, exist_ok=True)
    words = clip_tokenizer(folder)
    settings = json.loads((folder / "tokenizer_config.json").read_text(encoding="utf-8"))
    write_json(folder / "tokenizer_config.json", {**settings, "model_max_length": 60})
    reads = {**TOWER, "vocab_size": words, "max_position_embeddings": 64, "pad_token_id": 1, "projection_dim": 24}
    hears = {"patch_embeds_hidden_size": 16, "hidden_size": HIDDEN, "depths": [1, 1], "num_attention_heads": [2, 4]}
    config = transformers.ClapConfig(
        text_config=reads, audio_config={**hears, "num_hidden_layers": 2, "projection_dim": 24}, projection_dim=24
    )
    torch.manual_seed(0)
    model = transformers.ClapModel(config).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() > 1:
                parameter.copy_(torch.randn_like(parameter) * 0.2)
    model.save_pretrained(folder)
    transformers.ClapFeatureExtractor(truncation="rand_trunc").save_pretrained(folder)
    return folder
