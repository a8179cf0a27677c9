"""LAVIS through its worker, with a small package of the same interface in its place."""

from __future__ import annotations

import sys

import numpy as np
import pytest

from tfgrounding.encoders.lavis import LavisEncoder
from tfgrounding.encoders.load import load_encoder
from tfgrounding.errors import EncoderError

FAKE_LAVIS = """
import types
import numpy as np, torch

print("noise on stdout, as LAVIS makes it")

def tokenizer(texts, truncation=False, max_length=None, padding=False, return_tensors=None):
    rows = [text.split() for text in ([texts] if isinstance(texts, str) else texts)]
    rows = [row[:max_length] if truncation else row for row in rows]
    return {"input_ids": rows[0] if isinstance(texts, str) else rows}

class Model:
    temp = torch.tensor(0.05)
    tokenizer = staticmethod(tokenizer)
    def state_dict(self):
        return {"query_tokens": torch.arange(4.0), "visual_encoder.big": torch.zeros(9)}
    def extract_features(self, samples, mode):
        print("more noise")
        if mode == "text":
            if "crash" in samples["text_input"]:
                raise ValueError("cannot read crash")
            rows = self.tokenizer(samples["text_input"], return_tensors="pt", padding=True)["input_ids"]
            if max(map(len, rows)) > 512:
                raise IndexError("index out of range in self")
            rows = [[len(row), 1.0, 2.0] for row in rows]
            return types.SimpleNamespace(text_embeds_proj=torch.tensor(rows)[:, None, :].repeat(1, 4, 1))
        means = samples["image"].mean(dim=(2, 3))  # (T, 3)
        return types.SimpleNamespace(image_embeds_proj=torch.stack([means, means.flip(1)], dim=1))

def load_model_and_preprocess(name, model_type, is_eval, device):
    assert (name, is_eval, str(device)) == ("blip2_image_text_matching", True, "cpu"), (name, is_eval, device)
    if model_type != "coco":
        raise KeyError(model_type)
    def see(image):
        image = image.resize((14, 14))
        return torch.tensor(np.asarray(image), dtype=torch.float32).permute(2, 0, 1) / 255
    return Model(), {"eval": see}, None
"""


@pytest.fixture
def fake_lavis(tmp_path, monkeypatch):
    package = tmp_path / "env" / "lavis"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "models.py").write_text(FAKE_LAVIS)
    monkeypatch.setenv("PYTHONPATH", str(package.parent))


def test_lavis_answers_from_its_own_process(fake_lavis):
    encoder = load_encoder(f"lavis:{sys.executable}", device="cpu")
    assert encoder.frame_size == (14, 14) and encoder.scale == pytest.approx(20)
    assert encoder.revision.startswith("salesforce-lavis/coco sha256:")
    frames = np.random.default_rng(0).integers(0, 256, (37, 14, 14, 3), dtype=np.uint8)
    vectors = encoder.encode_frames(frames)
    means = frames.mean(axis=(1, 2)) / 255
    expected = np.stack([means, means[:, ::-1]], axis=1)
    expected /= np.linalg.norm(expected, axis=-1, keepdims=True)
    np.testing.assert_allclose(vectors, expected, atol=1e-5)

    texts = ["one", "größer ist besser", "word " * 35, "word " * 36, "word " * 600]
    vectors = encoder.encode_texts(texts)
    assert vectors.shape == (5, 3) and vectors.dtype == np.float32
    np.testing.assert_allclose(vectors[:, 0] / vectors[:, 1], [1, 3, 35, 35, 35], atol=1e-4)
    assert [note.partition(" of 'word")[0] for note in encoder.text_notes(texts)] == [
        f"the encoder read only the first 35 of {count} tokens" for count in (36, 600)
    ]

    with pytest.raises(EncoderError, match="ValueError: cannot read crash"):
        encoder.encode_texts(["crash"])
    assert encoder.encode_texts(["still here"]).shape == (1, 3)


def test_lavis_without_lavis_or_with_an_unknown_model(fake_lavis, monkeypatch):
    with pytest.raises(EncoderError, match="could not be loaded: KeyError: 'nonsense'"):
        LavisEncoder(python=sys.executable, device="cpu", model_type="nonsense")
    monkeypatch.delenv("PYTHONPATH")
    with pytest.raises(EncoderError, match="import failed in that environment: No module named 'lavis'"):
        LavisEncoder(python=sys.executable, device="cpu")
