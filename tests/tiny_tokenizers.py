"""Tokenizers of the real kinds with a small vocabulary, trained here on a few sentences.

Each function writes the files that the hub has for such a model, and returns how many tokens are known.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

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


def tips_tokenizer(folder: Path) -> int:
    """TIPS v2's: a sentencepiece model of pairs, tokenizer.model, without a token for the end."""
    import io

    import sentencepiece

    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter([text.lower() for text in CORPUS * 4]),
        model_writer=model,
        model_type="bpe",
        byte_fallback=True,
        vocab_size=400,
        hard_vocab_limit=False,
        pad_id=0,
        unk_id=1,
        eos_id=-1,
        bos_id=-1,
        minloglevel=2,
    )
    (folder / "tokenizer.model").write_bytes(model.getvalue())
    specials = {"pad_token": "<pad>", "unk_token": "<unk>"}
    write_json(
        folder / "tokenizer_config.json", {"tokenizer_class": "Tipsv2Tokenizer", "model_max_length": 64, **specials}
    )
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
