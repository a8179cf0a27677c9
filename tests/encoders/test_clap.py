"""CLAP, as a user has it: a folder as the hub publishes it; its vectors are those of the model's own methods."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
import transformers
from sounds import tone
from tiny_clap import save_clap
from tiny_encoders import save_family

from tfgrounding.encoders.clap import ClapEncoder, load_sounds
from tfgrounding.errors import EncoderError

TEXTS = ["a dog runs on the grass", "two people walk along the street"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return save_clap(tmp_path_factory.mktemp("clap"))


@pytest.fixture(scope="module")
def encoder(folder):
    return load_sounds(f"clap:{folder}", device="cpu")


def test_vectors_are_those_of_the_model(folder, encoder):
    assert (encoder.rate_hz, encoder.longest_seconds) == (48_000, 10)
    sounds = np.stack([tone(4, rate_hz=48_000, hz=hz) for hz in (200, 900, 3000)])
    model = transformers.ClapModel.from_pretrained(folder).eval()
    extract = transformers.ClapFeatureExtractor.from_pretrained(folder)
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    with torch.inference_mode():
        heard = model.get_audio_features(**extract(list(sounds), sampling_rate=48_000, return_tensors="pt"))
        read = model.get_text_features(**tokenizer(TEXTS, padding=True, return_tensors="pt"))
    expected = [torch.nn.functional.normalize(getattr(v, "pooler_output", v), dim=-1).numpy() for v in (heard, read)]
    vectors = encoder.encode_sounds(sounds)
    assert vectors.shape == (3, 1, 24) and np.allclose(vectors[:, 0], expected[0], atol=1e-4)
    assert np.allclose(encoder.encode_texts(TEXTS), expected[1], atol=1e-4)
    assert np.allclose(np.concatenate([encoder.encode_sounds(sounds[k : k + 1]) for k in range(3)]), vectors, atol=1e-4)
    assert not np.allclose(vectors[0], vectors[2], atol=1e-3)


def test_it_has_no_vectors_of_pictures(encoder):
    with pytest.raises(EncoderError, match="not with pictures"):
        encoder.encode_frames(np.zeros((1, 8, 8, 3), dtype=np.uint8))


def test_auto_takes_what_is_on_disk_and_nothing_else(folder, monkeypatch):
    assert load_sounds("auto") is None
    monkeypatch.setattr(ClapEncoder, "usual_checkpoint", str(folder))
    assert load_sounds("auto", device="cpu").revision == load_sounds("clap", device="cpu").revision


def test_a_folder_with_another_model_is_refused(tmp_path):
    with pytest.raises(EncoderError, match="does not compare texts with sounds"):
        load_sounds(str(save_family("clip", tmp_path / "clip")))
    with pytest.raises(EncoderError, match="there is no such folder"):
        load_sounds("clap:./nowhere")


@pytest.mark.parametrize(
    "key, value, why", [("sampling_rate", 10**9, "allowed are"), ("feature_size", 32, "bands of sound")]
)
def test_a_preprocessor_that_does_not_fit_is_refused(tmp_path, key, value, why):
    folder = save_clap(tmp_path)
    path = folder / "preprocessor_config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), key: value}))
    with pytest.raises(EncoderError, match=why):
        load_sounds(str(folder))
