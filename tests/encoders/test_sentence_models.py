"""Checkpoints of sentence-transformers, with tiny random weights: pooled and prompted as they say."""

from __future__ import annotations

import json

import numpy as np
import pytest
from tiny_tokenizers import bert_tokenizer, write_json

from tfgrounding.encoders import load_encoder, load_sentences
from tfgrounding.engines.texts import TextsEngine
from tfgrounding.errors import EncoderError

TEXTS = ["a dog runs on the grass", "the cat sleeps", "someone pours water into a glass; then drinks it"]


def saved(folder, *, pooling="pooling_mode_mean_tokens", longest=None):
    """A tiny BERT with the files that sentence-transformers writes."""
    import torch
    from transformers import BertConfig, BertModel

    folder.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(0)
    words = bert_tokenizer(folder)
    sizes = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 64}
    BertModel(BertConfig(vocab_size=words, **sizes)).save_pretrained(folder)
    modules = [
        {"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.models.Transformer"},
        {"idx": 1, "name": "1", "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
    ]
    (folder / "modules.json").write_text(json.dumps(modules), encoding="utf-8")
    (folder / "1_Pooling").mkdir(exist_ok=True)
    write_json(folder / "1_Pooling" / "config.json", {"word_embedding_dimension": 32, pooling: True})
    if longest is not None:
        write_json(folder / "sentence_bert_config.json", {"max_seq_length": longest})
    return folder


def states(folder, text):
    """The states of one text's tokens, by transformers alone."""
    import torch
    from transformers import AutoModel, AutoTokenizer

    tokens = AutoTokenizer.from_pretrained(folder)(text, return_tensors="pt")
    with torch.inference_mode():
        return AutoModel.from_pretrained(folder).eval()(**tokens).last_hidden_state[0].numpy()


@pytest.mark.parametrize(
    ("pooling", "joined"),
    [
        ("pooling_mode_mean_tokens", lambda of: of.mean(axis=0)),
        ("pooling_mode_cls_token", lambda of: of[0]),
        ("pooling_mode_lasttoken", lambda of: of[-1]),
    ],
)
def test_texts_are_pooled_as_the_checkpoint_says(tmp_path, pooling, joined):
    folder = saved(tmp_path / "model", pooling=pooling)
    encoder = load_sentences(f"sentences:{folder}", device="cpu")
    together = encoder.encode_texts(TEXTS)
    for text, vector in zip(TEXTS, together, strict=True):
        expected = joined(states(folder, text))
        np.testing.assert_allclose(vector, expected / np.linalg.norm(expected), atol=1e-5)
    assert encoder.name == "sentences" and encoder.revision.startswith("sha256:")


def test_queries_and_texts_have_their_prompts(tmp_path):
    folder = saved(tmp_path / "model")
    plain = load_sentences(f"sentences:{folder}", device="cpu")
    write_json(folder / "config_sentence_transformers.json", {"prompts": {"query": "the cat ", "document": "a dog "}})
    prompted = load_sentences(f"sentences:{folder}", device="cpu")
    np.testing.assert_allclose(prompted.encode_texts(["walks"]), plain.encode_texts(["a dog walks"]), atol=1e-5)
    np.testing.assert_allclose(prompted.encode_queries(["walks"]), plain.encode_texts(["the cat walks"]), atol=1e-5)
    engine = TextsEngine(encoder=prompted, cache=False)
    np.testing.assert_allclose(engine.text_vectors(["walks"]), prompted.encode_queries(["walks"]), atol=1e-5)
    np.testing.assert_allclose(engine.encode_texts(["walks"])[0], prompted.encode_texts(["walks"]), atol=1e-5)


def test_a_text_that_is_too_long_is_noted(tmp_path):
    encoder = load_sentences(f"sentences:{saved(tmp_path / 'short', longest=8)}", device="cpu")
    assert "only the first 8" in encoder.text_notes(["dog " * 30])[0]


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("1_Pooling/config.json", {"pooling_mode_weightedmean_tokens": True}, "known are mean, cls and last token"),
        ("1_Pooling/config.json", {}, "1_Pooling/config.json"),
        ("modules.json", [{"path": "2_Dense", "type": "sentence_transformers.models.Dense"}], "Dense"),
        ("modules.json", [{"path": "../other", "type": "x.Pooling"}], "other"),
        ("modules.json", {}, "must be a JSON list"),
        ("config_sentence_transformers.json", {"prompts": [1]}, "prompts must be texts"),
        ("sentence_bert_config.json", {"max_seq_length": "many"}, "max_seq_length"),
    ],
)
def test_a_checkpoint_that_cannot_be_read_is_refused_in_one_sentence(tmp_path, name, content, said):
    folder = saved(tmp_path / "model")
    (folder / name).write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(EncoderError, match=said) as refused:
        load_sentences(f"sentences:{folder}", device="cpu")
    assert "\n" not in str(refused.value)


def test_it_takes_no_pictures_and_needs_a_name(tmp_path):
    encoder = load_encoder(f"sentences:{saved(tmp_path / 'model')}", device="cpu")
    with pytest.raises(EncoderError, match="takes no frames"):
        encoder.encode_frames(np.zeros((1, 8, 8, 3), dtype=np.uint8))
    with pytest.raises(EncoderError, match="name a sentence encoder"):
        load_sentences("sentences:", device="cpu")
