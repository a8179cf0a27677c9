"""Vision LLMs of the real classes, tiny and with random weights, saved as a checkpoint folder like a hub's.

What they say means nothing; that pictures go in as images, in order, and text comes out is what they are for.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

TEXT: dict[str, Any] = {
    "hidden_size": 32,
    "intermediate_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 32768,
    "head_dim": 8,
}
CLIP = {
    "model_type": "clip_vision_model",
    "hidden_size": 32,
    "intermediate_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "image_size": 28,
    "patch_size": 14,
}
QWEN_ROPE = {"rope_type": "default", "mrope_section": [1, 1, 2], "rope_theta": 10000.0}
SPECIALS = {
    "image_token": "<image>",
    "video_token": "<video>",
    "start_image_token": "<img>",
    "end_image_token": "</img>",
    "context_image_token": "<IMG_CONTEXT>",
    "vision_bos_token": "<|vision_start|>",
    "vision_eos_token": "<|vision_end|>",
}
KINDS = (
    "qwen2_vl",
    "qwen2_5_vl",
    "qwen3_vl",
    "llava_onevision",
    "llava_next_video",
    "video_llava",
    "video_llama_3",
    "internvl",
)


VIDEO_PROCESSORS: dict[str, dict[str, Any]] = {  # their settings, for the sizes of the tiny models
    "qwen2_5_vl": {
        "video_processor_type": "Qwen2VLVideoProcessor",
        "size": {"shortest_edge": 784, "longest_edge": 6272},
        "cap_pixels_per_frame": False,
    },
    "qwen3_vl": {
        "video_processor_type": "Qwen3VLVideoProcessor",
        "size": {"shortest_edge": 4096, "longest_edge": 65536},
        "cap_pixels_per_frame": False,
    },
    "internvl": {"video_processor_type": "InternVLVideoProcessor", "size": {"height": 56, "width": 56}},
    "llava_onevision": {"video_processor_type": "LlavaOnevisionVideoProcessor", "size": {"height": 28, "width": 28}},
}


def save_tiny_vlm(kind: str, folder: Path, *, endless: bool = False) -> Path:
    """Write a checkpoint of that kind: config, random weights, tokenizer, processors, chat template.

    Every token ends its replies, so that they have one; where it is `endless`, none does.
    """
    import json

    import torch
    import transformers as hf

    torch.manual_seed(0)
    tokenizer = _tokenizer()
    ids = {name: tokenizer.convert_tokens_to_ids(token) for name, token in SPECIALS.items()}
    text = {**TEXT, "vocab_size": len(tokenizer), "eos_token_id": tokenizer.eos_token_id, "pad_token_id": 0}
    image, video = ids["image_token"], ids["video_token"]
    processor: dict[str, Any] = {}
    if kind in ("qwen2_vl", "qwen2_5_vl", "qwen3_vl"):
        patch = 16 if kind == "qwen3_vl" else 14
        vision = {"depth": 2, "num_heads": 2, "patch_size": patch, "spatial_merge_size": 2, "temporal_patch_size": 2}
        vision |= {"embed_dim": 16, "hidden_size": 32, "mlp_ratio": 2} if kind == "qwen2_vl" else {"hidden_size": 16}
        if kind != "qwen2_vl":
            vision |= {"out_hidden_size": 32, "intermediate_size": 16}
        if kind == "qwen2_5_vl":
            vision |= {"fullatt_block_indexes": [1], "window_size": 56}
        if kind == "qwen3_vl":
            vision |= {"deepstack_visual_indexes": [0], "num_position_embeddings": 64}
        settings = {
            "text_config": {**text, "rope_parameters": QWEN_ROPE},
            "vision_config": vision,
            "image_token_id": image,
            "video_token_id": video,
            "vision_start_token_id": ids["vision_bos_token"],
            "vision_end_token_id": ids["vision_eos_token"],
        }
        images = hf.Qwen2VLImageProcessorPil(patch_size=patch, min_pixels=784, max_pixels=6272)
        placeholder = "<|vision_start|><image><|vision_end|>"
    elif kind == "video_llama_3":
        vision = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2}
        settings = {
            "text_config": {"model_type": "qwen2", **text},
            "vision_config": {**vision, "patch_size": 14},
            "image_token_id": image,
            "video_token_id": video,
        }
        images = hf.VideoLlama3ImageProcessorPil(patch_size=14, min_pixels=784, max_pixels=6272)
        placeholder = "<image>"
    elif kind == "internvl":
        vision = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2}
        settings = {
            "text_config": {"model_type": "qwen2", **text},
            "vision_config": {**vision, "image_size": [56, 56], "patch_size": [14, 14]},
            "image_token_id": ids["context_image_token"],
            "image_seq_length": 4,
            "downsample_ratio": 0.5,
        }
        images = hf.GotOcr2ImageProcessorPil(size={"height": 56, "width": 56}, crop_to_patches=False)
        placeholder, processor = "<IMG_CONTEXT>", {"image_seq_length": 4}
    else:
        settings = {
            "text_config": {"model_type": "qwen2" if kind == "llava_onevision" else "llama", **text},
            "vision_config": CLIP,
            "image_token_index": image,
            "video_token_index": video,
        }
        size = {"height": 28, "width": 28}
        processor = {"patch_size": 14, "vision_feature_select_strategy": "default", "num_additional_image_tokens": 1}
        if kind == "llava_onevision":
            pinpoints = [[28, 28], [28, 56], [56, 28]]
            settings |= {"image_grid_pinpoints": pinpoints, "vision_feature_select_strategy": "default"}
            images = hf.LlavaOnevisionImageProcessorPil(size=size, image_grid_pinpoints=pinpoints)
            processor = {"num_image_tokens": 4, "vision_feature_select_strategy": "full"}
        elif kind == "llava_next_video":
            pinpoints = [[28, 28], [28, 56], [56, 28]]
            settings |= {"image_grid_pinpoints": pinpoints}
            crop = {"crop_size": size, "image_grid_pinpoints": pinpoints}
            images = hf.LlavaNextImageProcessorPil(size={"shortest_edge": 28}, **crop)
        else:
            images = hf.VideoLlavaImageProcessor(size={"shortest_edge": 28}, crop_size=size)
        placeholder = "<image>"
    config = hf.AutoConfig.for_model(kind, **settings)
    model = hf.AutoModelForImageTextToText.from_config(config)
    model.generation_config.eos_token_id = None if endless else list(range(len(tokenizer)))
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    images.save_pretrained(folder)
    if kind in VIDEO_PROCESSORS:
        (folder / "video_preprocessor_config.json").write_text(json.dumps(VIDEO_PROCESSORS[kind]))
    if processor:
        (folder / "processor_config.json").write_text(json.dumps(processor))
    (folder / "chat_template.jinja").write_text(
        "{% for m in messages %}{{ m.role }}: {% for c in m.content %}{% if c.type == 'image' %}"
        + placeholder
        + "{% elif c.type == 'video' %}"
        + placeholder.replace("<image>", "<video>").replace("<IMG_CONTEXT>", "<video>")
        + "{% else %}{{ c.text }}{% endif %}{% endfor %}\n{% endfor %}"
        + "{% if add_generation_prompt %}assistant: {% endif %}"
    )
    return folder


def _tokenizer() -> Any:
    """One token a byte, and whole words yes and no."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {token: i for i, token in enumerate(["<pad>", "<unk>", "<s>", "</s>", *alphabet])}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[], unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_tokens(["yes", "no", "Yes", "No"])
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="<pad>",
        unk_token="<unk>",
        bos_token="<s>",
        eos_token="</s>",
        extra_special_tokens=SPECIALS,
    )
