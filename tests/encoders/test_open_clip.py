"""open_clip through its worker, with a small module of the same interface in its place."""

from __future__ import annotations

import json
import sys

import numpy as np
import pytest

from tfgrounding.encoders.load import load_encoder
from tfgrounding.encoders.open_clip import OpenClipEncoder, _model_and_weights
from tfgrounding.errors import EncoderError

FAKE_OPEN_CLIP = """
import json, types
import numpy as np, torch

__version__ = "3.3.0"
CONFIG = {"embed_dim": 3, "vision_cfg": {}, "text_cfg": {}}
TAGS = {("tiny", tag): {} for tag in ("blind", "damaged")}
TAGS.update({("tiny", "good"): {"quick_gelu": True}, ("tiny-sig", "good"): {}})

def list_models():
    return ["tiny", "tiny-sig"]
def list_pretrained_tags_by_model(model):
    return [tag for name, tag in TAGS if name == model]
def is_pretrained_cfg(model, tag):
    return (model, tag) in TAGS
def get_pretrained_cfg(model, tag):
    return TAGS.get((model, tag), {})
def get_model_config(name):
    if name.startswith("local-dir:"):
        return json.load(open(name[10:] + "/open_clip_config.json"))["model_cfg"]
    return {} if name.startswith("hf-hub:") else CONFIG

class Model:
    logit_scale = torch.tensor(2.0)
    def __init__(self, name, pretrained, dtype):
        self.logit_bias = torch.tensor(-10.0) if "sig" in name else None
        self.visual = types.SimpleNamespace(preprocess_cfg={"size": (4, 6)})
        self.fill = float(open(pretrained).read()) if "/" in pretrained else 0.0
        self.blind, self.damaged, self.dtype = pretrained == "blind", pretrained == "damaged", dtype
    def eval(self):
        return self
    def state_dict(self):
        return {"small": torch.arange(4.0), "large": torch.full((10**5,), self.fill)}
    def encode_image(self, images, normalize):
        assert normalize and images.dtype == self.dtype
        return torch.nn.functional.normalize(images.mean(dim=(2, 3)), dim=-1)
    def encode_text(self, tokens, normalize):
        assert normalize
        rows = torch.stack([(tokens > 1).sum(1), torch.ones(len(tokens)), tokens[:, 1]])
        rows = torch.ones_like(rows) if self.blind else rows / 0 if self.damaged else rows
        return torch.nn.functional.normalize(rows.T.to(self.dtype), dim=-1)

def create_model_from_pretrained(name, pretrained, precision, device, force_quick_gelu, weights_only):
    assert weights_only is True and force_quick_gelu == (get_pretrained_cfg(name, pretrained).get("quick_gelu", False))
    print("created", name, pretrained)
    def preprocess(image):
        return torch.tensor(np.asarray(image.resize((6, 4))), dtype=torch.float32).permute(2, 0, 1) / 255
    return Model(name, pretrained, {"fp32": torch.float32, "bf16": torch.bfloat16}[precision]), preprocess

def get_tokenizer(name):
    def tokens(texts, context_length=8):
        out = torch.zeros(len(texts), context_length, dtype=torch.long)
        for row, text in zip(out, texts):
            ids = ([1] + [2 + len(word) for word in text.split()])[: context_length - 1] + [1]
            row[: len(ids)] = torch.tensor(ids)
        return out
    tokens.context_length = 8
    return tokens
"""


@pytest.fixture
def fake_open_clip(tmp_path, monkeypatch):
    (tmp_path / "env").mkdir()
    (tmp_path / "env" / "open_clip.py").write_text(FAKE_OPEN_CLIP)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "env"))
    return f"@{sys.executable}"


def test_open_clip_answers_from_its_own_process(fake_open_clip):
    encoder = load_encoder(f"open_clip:tiny/good{fake_open_clip}", device="cpu")
    assert (encoder.name, encoder.frame_size, encoder.floor) == ("open_clip", 6, 0.2)
    assert encoder.scale == pytest.approx(np.exp(2.0))
    assert encoder.revision.startswith("open_clip_torch/tiny/good sha256:")
    frames = np.random.default_rng(0).integers(0, 256, (9, 4, 6, 3), dtype=np.uint8)
    means = frames.mean(axis=(1, 2)) / 255
    expected = means / np.linalg.norm(means, axis=-1, keepdims=True)
    np.testing.assert_allclose(encoder.encode_frames(frames)[:, 0], expected, atol=1e-5)
    texts = ["a dog", "the " * 6, "the " * 7, "the " * 20]
    vectors = encoder.encode_texts(texts)
    np.testing.assert_allclose(vectors[:, 0] / vectors[:, 1], [2, 6, 6, 6], atol=1e-5)
    assert [note.partition(" of 'the")[0] for note in encoder.text_notes(texts)] == [
        f"the encoder read only the first 8 of {count} tokens" for count in (9, 22)
    ]


def test_weights_of_ones_own_are_told_apart_by_all_their_layers(fake_open_clip, tmp_path):
    revisions = []
    for folder, fill in (("a", "1"), ("b", "1"), ("c", "2")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "w.safetensors").write_text(fill)
        encoder = load_encoder(f"open_clip:tiny/{tmp_path / folder / 'w.safetensors'}{fake_open_clip}", device="cpu")
        revisions.append(encoder.revision)
    assert revisions[0] == revisions[1] != revisions[2]


def test_half_precision_and_a_model_like_siglip(fake_open_clip):
    encoder = load_encoder(f"open_clip:tiny-sig/good{fake_open_clip}", device="cpu", dtype="bfloat16")
    assert encoder.floor is None and encoder.revision.startswith("open_clip_torch/tiny-sig/good+bfloat16 sha256:")
    vectors = encoder.encode_frames(np.full((2, 4, 6, 3), 99, np.uint8))
    assert vectors.dtype == np.float32
    np.testing.assert_allclose(vectors, np.full((2, 1, 3), 3**-0.5), atol=0.01)


@pytest.mark.parametrize(
    ("model", "says"),
    [
        ("zzz/good", "open_clip has no model 'zzz'; open_clip.list_models() names those that it has"),
        ("tini/good", "open_clip has no model 'tini'; near are tiny, tiny-sig"),
        ("tiny", "tiny has no weights ''; give a file, or one of: blind, damaged, good"),
        ("tiny/damaged", "the model's vectors are not finite numbers"),
        ("tiny/blind", "'a dog' and 'a red car' the same vector"),
        ("{folder}", "its configuration asks to run code of its own (trust_remote_code), which is refused"),
    ],
)
def test_what_the_worker_refuses_is_one_sentence(fake_open_clip, tmp_path, model, says):
    config = {"model_cfg": {"text_cfg": {"tokenizer_kwargs": {"trust_remote_code": True}}}}
    (tmp_path / "open_clip_config.json").write_text(json.dumps(config))
    with pytest.raises(EncoderError) as error:
        load_encoder(f"open_clip:{model.format(folder=tmp_path)}{fake_open_clip}", device="cpu")
    assert says in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("model", "says"),
    [
        ("", "write open_clip:MODEL/PRETRAINED, open_clip:hf-hub:ORG/NAME or open_clip:FOLDER, and @PYTHON"),
        ("@python", "open_clip needs a model: write open_clip:MODEL/PRETRAINED"),
        (f"{__file__}@python", "is a file with weights; write its model before it, open_clip:MODEL/"),
        ("ViT-B-32/openai", "open_clip is not installed here: pip install 'tfgrounding[open-clip]', or put @PYTHON"),
        ("ViT-B-32/openai@", "open_clip is not installed here"),
        ("ViT-B-32/openai@/no/such/python", "/no/such/python: this Python cannot be started"),
        ("ViT-B-32//no/such/file.pt@python", "there is no such folder or file with weights"),
        ("ViT-B-32/a/b@python", "there is no such folder or file with weights"),
        ("/no/such/folder@python", "there is no such folder or file with weights"),
        ("{tmp}@python", "is a folder without open_clip_config.json"),
        ("ViT-B-32/{tmp}@python", "holds 0 files with weights; give the path of one"),
    ],
)
def test_names_that_mean_nothing_are_one_sentence(tmp_path, monkeypatch, model, says):
    monkeypatch.setattr("tfgrounding.encoders.open_clip.find_spec", lambda name: None)
    with pytest.raises(EncoderError) as error:
        load_encoder(f"open_clip:{model.format(tmp=tmp_path)}", device="cpu")
    assert says in str(error.value) and "\n" not in str(error.value)
    with pytest.raises(EncoderError, match="dtype 'int8' is not known"):
        OpenClipEncoder("ViT-B-32/openai", dtype="int8")


def test_files_and_folders_are_found(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    weights = tmp_path / "w@1" / "weights.pt"
    weights.parent.mkdir()
    weights.write_bytes(b"x")
    for given in (f"ViT-B-32/{weights}", "ViT-B-32/w@1/weights.pt", f"ViT-B-32/{weights.parent}", "ViT-B-32/w@1"):
        assert _model_and_weights(given) == ("ViT-B-32", str(weights))
    (weights.parent / "open_clip_config.json").write_text("{}")
    assert _model_and_weights("w@1") == _model_and_weights("./w@1") == (f"local-dir:{weights.parent}", "")
    assert _model_and_weights("hf-hub:timm/PE-Core-B-16") == ("hf-hub:timm/PE-Core-B-16", "")
    assert _model_and_weights("ViT-B-32/laion2b_s34b_b79k") == ("ViT-B-32", "laion2b_s34b_b79k")
