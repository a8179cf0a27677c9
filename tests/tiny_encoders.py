"""Checkpoints of image-text models, each of the real classes: tiny, with random weights and a vocabulary of their own.

A folder is laid out as the hub publishes the family: the same tokenizer class and files, the same image processor with
the same steps, only everything smaller.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from tiny_tokenizers import (
    bert_tokenizer,
    clip_tokenizer,
    gemma_tokenizer,
    spiece_tokenizer,
    tips_tokenizer,
    write_json,
    xlm_tokenizer,
)

SIZE = 28  # pixels
MEAN, STD = [0.48145466, 0.4578275, 0.40821073], [0.26862954, 0.26130258, 0.27577711]
WEIGHTS = 0.2  # their standard deviation
TOWER = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4}
EYE = {**TOWER, "image_size": SIZE, "patch_size": 14}
SQUARE = {"height": SIZE, "width": SIZE}
CLIP_STEPS = {
    "image_processor_type": "CLIPImageProcessor",
    "do_resize": True,
    "size": {"shortest_edge": SIZE},
    "resample": 3,
    "do_center_crop": True,
    "crop_size": SQUARE,
    "do_rescale": True,
    "rescale_factor": 1 / 255,
    "do_normalize": True,
    "image_mean": MEAN,
    "image_std": STD,
    "do_convert_rgb": True,
}
SQUEEZE_STEPS = {**CLIP_STEPS, "size": SQUARE, "do_center_crop": False}
SIGLIP_STEPS = {
    **SQUEEZE_STEPS,
    "image_processor_type": "SiglipImageProcessor",
    "image_mean": [0.5] * 3,
    "image_std": [0.5] * 3,
}
ALIGN_STEPS = {
    **CLIP_STEPS,
    "image_processor_type": "EfficientNetImageProcessor",
    "size": {"height": 40, "width": 40},
    "resample": 2,
    "crop_size": {"height": 32, "width": 32},
    "rescale_factor": 1 / 127.5,
    "rescale_offset": True,
    "do_normalize": False,
    "include_top": False,
}


class Family(NamedTuple):
    """How to make one: `tokenizer` writes its files and returns how many tokens it knows."""

    model: Callable[[int], Any]
    tokenizer: Callable[[Path], int]
    steps: dict[str, Any]
    processor: str  # its class, as the hub names it


def save_family(name: str, folder: Path) -> Path:
    """Write the checkpoint of that family, a key of FAMILIES."""
    import torch

    family = FAMILIES[name]
    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(0)
    model = family.model(family.tokenizer(folder)).eval()
    with torch.no_grad():
        for parameter in model.parameters():  # larger than the usual start, so that vectors differ clearly
            if parameter.dim() > 1:
                parameter.copy_(torch.randn_like(parameter) * WEIGHTS)
        if hasattr(model, "logit_scale"):
            model.logit_scale.fill_(2.0)
    model.save_pretrained(folder)
    write_json(folder / "preprocessor_config.json", {**family.steps, "processor_class": family.processor})
    return folder


def clip_model(words: int, kind: str = "CLIP", **more: Any) -> Any:
    import transformers

    reads = {**TOWER, "vocab_size": words, "max_position_embeddings": 77, "projection_dim": 24}
    reads |= {"bos_token_id": words - 2, "eos_token_id": words - 1, "pad_token_id": words - 1}
    config = getattr(transformers, f"{kind}Config")(text_config=reads, vision_config=EYE, projection_dim=24, **more)
    return getattr(transformers, f"{kind}Model")(config)


def siglip_model(words: int) -> Any:
    import transformers

    reads = {**TOWER, "vocab_size": words, "max_position_embeddings": 64}
    reads |= {"pad_token_id": 1, "bos_token_id": None, "eos_token_id": 1}
    return transformers.SiglipModel(transformers.SiglipConfig(text_config=reads, vision_config=EYE))


def siglip2_naflex_model(words: int) -> Any:
    import transformers

    reads = {**TOWER, "vocab_size": words, "max_position_embeddings": 64}
    reads |= {"pad_token_id": 0, "bos_token_id": None, "eos_token_id": 1}
    sees = {**TOWER, "patch_size": 14, "num_patches": 4}
    return transformers.Siglip2Model(transformers.Siglip2Config(text_config=reads, vision_config=sees))


def blip2_model(words: int) -> Any:
    import transformers

    asks = {**TOWER, "vocab_size": words, "encoder_hidden_size": 32, "use_qformer_text_input": True}
    tells = {"model_type": "opt", "vocab_size": 8, "hidden_size": 8, "num_hidden_layers": 1, "num_attention_heads": 2}
    config = transformers.Blip2Config(
        vision_config=EYE,
        qformer_config=asks,
        text_config={**tells, "ffn_dim": 8, "word_embed_proj_dim": 8},
        num_query_tokens=5,
        image_text_hidden_size=16,
    )
    return transformers.Blip2ForImageTextRetrieval(config)


def align_model(words: int) -> Any:
    import transformers

    narrow = {"width_coefficient": 0.25, "depth_coefficient": 0.25, "depth_divisor": 8}  # 80 channels come out
    config = transformers.AlignConfig(
        text_config={**TOWER, "vocab_size": words},
        vision_config={"image_size": 32, "hidden_dim": 64, **narrow},
        projection_dim=80,
        temperature_init_value=0.5,
    )
    return transformers.AlignModel(config)


def bert_clip_model(words: int, kind: str) -> Any:
    """Chinese-CLIP and BLIP: BERT reads."""
    import transformers

    reads = {**TOWER, "vocab_size": words, "max_position_embeddings": 512, "projection_dim": 24}
    reads |= {"pad_token_id": 0, "bos_token_id": None, "eos_token_id": 3}
    config = getattr(transformers, f"{kind}Config")(text_config=reads, vision_config=EYE, projection_dim=24)
    return getattr(transformers, f"{kind}Model")(config)


def dual_model(words: int) -> Any:
    """Any vision tower beside any text tower: ViT and XLM-RoBERTa."""
    import transformers

    reads = transformers.XLMRobertaConfig(**TOWER, vocab_size=words, max_position_embeddings=40)
    config = transformers.VisionTextDualEncoderConfig.from_vision_text_configs(
        transformers.ViTConfig(**EYE), reads, projection_dim=24
    )
    return transformers.VisionTextDualEncoderModel(config)


def tips_model(words: int) -> Any:
    import transformers

    sees = {**EYE, "mlp_ratio": 2}
    del sees["intermediate_size"]
    config = transformers.Tipsv2Config(text_config={**TOWER, "vocab_size": words}, vision_config=sees)
    return transformers.Tipsv2Model(config)


def flava_model(words: int) -> Any:
    import transformers

    config = transformers.FlavaConfig(
        image_config=EYE,
        text_config={**TOWER, "vocab_size": words},
        multimodal_config=TOWER,
        hidden_size=32,
        projection_dim=24,
    )
    return transformers.FlavaModel(config)


def bridgetower_model(words: int) -> Any:
    import transformers

    wide = {**TOWER, "hidden_size": 64}  # a head for each 64
    reads = {**wide, "vocab_size": words}
    config = transformers.BridgeTowerConfig(
        text_config=reads, vision_config={**EYE, "hidden_size": 64}, hidden_size=64, num_hidden_layers=2
    )
    return transformers.BridgeTowerModel(config)


def altclip_model(words: int) -> Any:
    import transformers

    reads = {**TOWER, "vocab_size": words, "max_position_embeddings": 514, "project_dim": 24}
    config = transformers.AltCLIPConfig(text_config=reads, vision_config=EYE, projection_dim=24)
    return transformers.AltCLIPModel(config)


def metaclip2_model(words: int) -> Any:
    import transformers

    reads = {**TOWER, "vocab_size": words, "max_position_embeddings": 77, "projection_dim": 24}
    reads |= {"bos_token_id": 0, "eos_token_id": 2, "pad_token_id": 1}
    config = transformers.MetaClip2Config(text_config=reads, vision_config=EYE, projection_dim=24)
    return transformers.MetaClip2Model(config)


def xclip_model(words: int) -> Any:
    import transformers

    reads = {**TOWER, "vocab_size": words, "max_position_embeddings": 77}
    reads |= {"bos_token_id": words - 2, "eos_token_id": words - 1, "pad_token_id": words - 1}
    joins = {
        "mit_hidden_size": 24,
        "mit_intermediate_size": 48,
        "mit_num_hidden_layers": 1,
        "mit_num_attention_heads": 4,
    }
    config = transformers.XCLIPConfig(
        text_config=reads, vision_config={**EYE, "num_frames": 4, **joins}, projection_dim=24, prompt_layers=1
    )
    return transformers.XCLIPModel(config)


def save_languagebind(folder: Path) -> Path:
    """As the hub has LanguageBind's video models: weights in a .bin, no file of its preprocessor."""
    import torch

    from tfgrounding.encoders.temporal_clip import TemporalCLIPConfig, TemporalCLIPModel

    folder.mkdir(parents=True, exist_ok=True)
    words = clip_tokenizer(folder)
    settings = json.loads((folder / "tokenizer_config.json").read_text(encoding="utf-8"))
    write_json(folder / "tokenizer_config.json", {**settings, "tokenizer_class": "LanguageBindVideoTokenizer"})
    old = {"bad_words_ids": None, "early_stopping": False, "max_length": 20, "pruned_heads": {}, "torch_dtype": None}
    reads = {**old, **TOWER, "vocab_size": words, "max_position_embeddings": 77, "hidden_act": "gelu"}
    reads |= {"bos_token_id": 0, "eos_token_id": 2, "pad_token_id": 1, "add_time_attn": False}
    sees = {**old, **EYE, "hidden_act": "gelu", "num_frames": 4, "add_time_attn": True, "clip_type": "vl_new"}
    sees |= {"lora_r": 0, "lora_alpha": 16, "lora_dropout": 0.1, "num_mel_bins": 0, "target_length": 0}
    config = {"model_type": "LanguageBindVideo", "projection_dim": 24, "text_config": reads, "vision_config": sees}
    write_json(folder / "config.json", {**config, "architectures": ["CLIPModel"], "logit_scale_init_value": 2.6592})
    torch.manual_seed(0)
    model = TemporalCLIPModel(TemporalCLIPConfig(text_config=reads, vision_config=sees, projection_dim=24))
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() > 1:
                parameter.copy_(torch.randn_like(parameter) * WEIGHTS)
        model.logit_scale.fill_(2.0)
    torch.save(model.state_dict(), folder / "pytorch_model.bin")
    return folder


FAMILIES = {
    "clip": Family(clip_model, clip_tokenizer, CLIP_STEPS, "CLIPProcessor"),
    "siglip": Family(siglip_model, spiece_tokenizer, SIGLIP_STEPS, "SiglipProcessor"),
    "siglip2": Family(siglip_model, gemma_tokenizer, {**SIGLIP_STEPS, "resample": 2}, "SiglipProcessor"),
    "blip2": Family(
        blip2_model,
        lambda folder: bert_tokenizer(folder, more=("[DEC]",)),
        {**SQUEEZE_STEPS, "image_processor_type": "BlipImageProcessor"},
        "Blip2Processor",
    ),
    "align": Family(align_model, bert_tokenizer, ALIGN_STEPS, "AlignProcessor"),
    "aimv2": Family(lambda words: clip_model(words, "Aimv2"), clip_tokenizer, CLIP_STEPS, "CLIPProcessor"),
    "chinese_clip": Family(
        lambda words: bert_clip_model(words, "ChineseCLIP"),
        bert_tokenizer,
        {**SQUEEZE_STEPS, "image_processor_type": "ChineseCLIPImageProcessor"},
        "ChineseCLIPProcessor",
    ),
    "altclip": Family(altclip_model, xlm_tokenizer, CLIP_STEPS, "AltCLIPProcessor"),
    "metaclip_2": Family(
        metaclip2_model, lambda folder: xlm_tokenizer(folder, longest=77), CLIP_STEPS, "CLIPProcessor"
    ),
    "groupvit": Family(lambda words: clip_model(words, "GroupViT"), clip_tokenizer, CLIP_STEPS, "CLIPProcessor"),
    "blip": Family(
        lambda words: bert_clip_model(words, "Blip"),
        bert_tokenizer,
        {**SQUEEZE_STEPS, "image_processor_type": "BlipImageProcessor"},
        "BlipProcessor",
    ),
    "vision-text-dual-encoder": Family(
        dual_model,
        lambda folder: xlm_tokenizer(folder, longest=10**30),
        {**SQUEEZE_STEPS, "image_processor_type": "ViTImageProcessor", "resample": 2},
        "VisionTextDualEncoderProcessor",
    ),
    "tipsv2": Family(  # its own image processor needs torchvision: another one with the same steps
        tips_model,
        tips_tokenizer,
        {**SQUEEZE_STEPS, "image_processor_type": "ViTImageProcessor", "resample": 2, "do_normalize": False},
        "Tipsv2Processor",
    ),
    "xclip": Family(
        xclip_model,
        clip_tokenizer,
        {
            **{name: value for name, value in CLIP_STEPS.items() if name != "do_convert_rgb"},
            "image_processor_type": "VideoMAEImageProcessor",
            "resample": 2,
            "image_mean": [0.485, 0.456, 0.406],
            "image_std": [0.229, 0.224, 0.225],
        },
        "XCLIPProcessor",
    ),
    # those that cannot be encoders here
    "siglip2-naflex": Family(siglip2_naflex_model, gemma_tokenizer, SIGLIP_STEPS, "Siglip2Processor"),
    "clipseg": Family(lambda words: clip_model(words, "CLIPSeg"), clip_tokenizer, SQUEEZE_STEPS, "CLIPSegProcessor"),
    "owlvit": Family(lambda words: clip_model(words, "OwlViT"), clip_tokenizer, SQUEEZE_STEPS, "OwlViTProcessor"),
    "owlv2": Family(lambda words: clip_model(words, "Owlv2"), clip_tokenizer, SQUEEZE_STEPS, "Owlv2Processor"),
    "flava": Family(flava_model, bert_tokenizer, CLIP_STEPS, "FlavaProcessor"),
    "bridgetower": Family(bridgetower_model, clip_tokenizer, CLIP_STEPS, "BridgeTowerProcessor"),
}
