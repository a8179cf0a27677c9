"""Checkpoints of image-text models, each of the real classes: tiny, with random weights and a vocabulary of their own.

A folder is laid out as the hub publishes the family: the same tokenizer class and files, the same image processor with
the same steps, only everything smaller. Vocabularies are trained here on a few sentences.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

CORPUS = [
    "a dog runs on the grass",
    "the cat sleeps on a red car",
    "A man opens the door, and walks out.",
    "two people walk along the street while it rains",
    "someone pours water into a glass; then drinks it",
    "the quick brown fox jumps over the lazy dog",
    "一只狗在草地上跑",
    "猫睡在红色的汽车上",
]
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


def write_json(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content, ensure_ascii=False, indent=1), encoding="utf-8")


def clip_tokenizer(folder: Path, *, longest: int = 77) -> int:
    """Byte-level pairs whose last piece ends with </w>: vocab.json and merges.txt, as OpenAI published them."""
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, trainers

    start, end = "<|startoftext|>", "<|endoftext|>"
    trained = Tokenizer(models.BPE(end_of_word_suffix="</w>"))
    trained.normalizer = normalizers.Sequence([normalizers.NFC(), normalizers.Lowercase()])
    trained.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)]
    )
    letters = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=700, end_of_word_suffix="</w>", initial_alphabet=letters, show_progress=False
    )
    trained.train_from_iterator(CORPUS, trainer)
    learnt = json.loads(trained.to_str())["model"]
    pieces = dict.fromkeys([*sorted(letters), *(f"{letter}</w>" for letter in sorted(letters)), *learnt["vocab"]])
    vocabulary = {piece: i for i, piece in enumerate([*pieces, start, end])}
    write_json(folder / "vocab.json", vocabulary)
    merges = [pair if isinstance(pair, str) else " ".join(pair) for pair in learnt["merges"]]
    (folder / "merges.txt").write_text("\n".join(["#version: 0.2", *merges]) + "\n", encoding="utf-8")
    specials = {"bos_token": start, "eos_token": end, "unk_token": end, "pad_token": end}
    write_json(folder / "special_tokens_map.json", specials)
    settings = {"tokenizer_class": "CLIPTokenizer", "model_max_length": longest, "do_lower_case": True}
    write_json(folder / "tokenizer_config.json", {**settings, **specials})
    return len(vocabulary)


def bert_tokenizer(folder: Path, *, longest: int = 512, more: tuple[str, ...] = ()) -> int:
    """Word pieces: vocab.txt."""
    from tokenizers import BertWordPieceTokenizer

    trained = BertWordPieceTokenizer(lowercase=True)
    trained.train_from_iterator(CORPUS, vocab_size=200, min_frequency=1, show_progress=False)
    vocabulary = sorted(trained.get_vocab(), key=trained.get_vocab().__getitem__) + list(more)
    (folder / "vocab.txt").write_text("\n".join(vocabulary) + "\n", encoding="utf-8")
    settings = {"tokenizer_class": "BertTokenizer", "do_lower_case": True, "model_max_length": longest}
    write_json(folder / "tokenizer_config.json", settings)
    return len(vocabulary)


def spiece_tokenizer(folder: Path) -> int:
    """SigLIP's: a sentencepiece model in which 1 ends and fills up a text."""
    import io

    import sentencepiece

    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter([text.lower() for text in CORPUS * 4]),
        model_writer=model,
        vocab_size=120,
        hard_vocab_limit=False,
        pad_id=0,
        eos_id=1,
        unk_id=2,
        bos_id=-1,
        minloglevel=2,
    )
    (folder / "spiece.model").write_bytes(model.getvalue())
    settings = {
        "tokenizer_class": "SiglipTokenizer",
        "model_input_names": ["input_ids"],
        "model_max_length": 64,
        "do_lower_case": True,
        "eos_token": "</s>",
        "pad_token": "</s>",
        "unk_token": "<unk>",
    }
    write_json(folder / "tokenizer_config.json", settings)
    return sentencepiece.SentencePieceProcessor(model_proto=model.getvalue()).vocab_size()


def gemma_tokenizer(folder: Path, *, name: str = "GemmaTokenizer") -> int:
    """Pairs with bytes for what is not known: the tokenizer.json that SigLIP 2 comes with, which keeps the case."""
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

    specials = ["<pad>", "<eos>", "<bos>", "<unk>", "<mask>"]
    trained = Tokenizer(models.BPE(byte_fallback=True, unk_token="<unk>", fuse_unk=True))
    trained.normalizer = normalizers.Replace(" ", "▁")
    trained.pre_tokenizer = pre_tokenizers.Split("▁", "merged_with_next")
    byte_tokens = [f"<0x{byte:02X}>" for byte in range(256)]
    trainer = trainers.BpeTrainer(
        vocab_size=500, special_tokens=specials + byte_tokens, show_progress=False, limit_alphabet=200
    )
    trained.train_from_iterator([*CORPUS, *(text.lower() for text in CORPUS)], trainer)
    trained.pre_tokenizer = pre_tokenizers.Split(" ", "merged_with_previous")
    trained.decoder = decoders.Sequence([decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()])
    trained.post_processor = processors.TemplateProcessing(
        single="$A <eos>", pair="$A <eos> $B:1 <eos>:1", special_tokens=[("<eos>", 1)]
    )
    content = json.loads(trained.to_str())
    content["added_tokens"] = [token for token in content["added_tokens"] if token["content"] in specials]
    write_json(folder / "tokenizer.json", content)
    settings = {
        "tokenizer_class": name,
        "add_bos_token": False,
        "add_eos_token": True,
        "do_lower_case": True,
        "model_input_names": ["input_ids"],
        "model_max_length": 10**30,
        "padding_side": "right",
        **dict(zip(("pad_token", "eos_token", "bos_token", "unk_token"), specials, strict=False)),
    }
    write_json(folder / "tokenizer_config.json", settings)
    return trained.get_vocab_size()


def xlm_tokenizer(folder: Path, *, longest: int = 512) -> int:
    """XLM-RoBERTa's pieces: tokenizer.json."""
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers

    specials = ["<s>", "<pad>", "</s>", "<unk>"]
    trained = Tokenizer(models.Unigram())
    trained.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always")]
    )
    trained.decoder = decoders.Metaspace(replacement="▁", prepend_scheme="always")
    trainer = trainers.UnigramTrainer(vocab_size=180, special_tokens=specials, unk_token="<unk>", show_progress=False)
    trained.train_from_iterator(CORPUS, trainer)
    trained.add_special_tokens(["<mask>"])
    trained.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>", pair="<s> $A </s> </s> $B </s>", special_tokens=[("<s>", 0), ("</s>", 2)]
    )
    trained.save(str(folder / "tokenizer.json"))
    settings = {
        "tokenizer_class": "XLMRobertaTokenizer",
        "model_max_length": longest,
        "bos_token": "<s>",
        "eos_token": "</s>",
        "sep_token": "</s>",
        "cls_token": "<s>",
        "unk_token": "<unk>",
        "pad_token": "<pad>",
        "mask_token": "<mask>",
    }
    write_json(folder / "tokenizer_config.json", settings)
    return trained.get_vocab_size()


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
    # those that cannot be encoders here
    "siglip2-naflex": Family(siglip2_naflex_model, gemma_tokenizer, SIGLIP_STEPS, "Siglip2Processor"),
    "clipseg": Family(lambda words: clip_model(words, "CLIPSeg"), clip_tokenizer, SQUEEZE_STEPS, "CLIPSegProcessor"),
    "owlvit": Family(lambda words: clip_model(words, "OwlViT"), clip_tokenizer, SQUEEZE_STEPS, "OwlViTProcessor"),
    "owlv2": Family(lambda words: clip_model(words, "Owlv2"), clip_tokenizer, SQUEEZE_STEPS, "Owlv2Processor"),
    "flava": Family(flava_model, bert_tokenizer, CLIP_STEPS, "FlavaProcessor"),
    "bridgetower": Family(bridgetower_model, clip_tokenizer, CLIP_STEPS, "BridgeTowerProcessor"),
}
