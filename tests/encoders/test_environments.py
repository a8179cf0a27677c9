"""open_clip and LAVIS themselves, each in an environment that the test makes: gigabytes of packages, many minutes.

The models are of the real classes, with few and random weights. With TFGROUNDING_TEST_ENVIRONMENTS=FOLDER the
environments are kept in that folder and used again.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tfgrounding.encoders.load import load_encoder
from tfgrounding.errors import EncoderError

pytestmark = pytest.mark.slow

OPEN_CLIP = ["open_clip_torch==3.3.0", "transformers"]
LAVIS = [
    *("salesforce-lavis==1.0.2", "transformers==4.26.1", "torch==2.14.1", "torchvision==0.29.1", "numpy<2"),
    *("pandas<2.3", "scikit-image<0.25", "matplotlib<3.10", "scipy<1.14", "pycocotools<2.0.8", "spacy<3.8"),
    "thinc<8.3",
]


def frames() -> np.ndarray:
    """Five pictures of 40 lines of 60 pixels that change slowly from place to place."""
    noise = np.random.default_rng(0).integers(0, 256, (5, 6, 9, 3), dtype=np.uint8)
    return np.stack([np.asarray(Image.fromarray(picture).resize((60, 40))) for picture in noise])


def environment(name: str, packages: list[str], folder: Path) -> str:
    """The Python of an environment with these packages."""
    python = folder / name / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", folder / name], check=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", *packages], check=True)
    return str(python)


@pytest.fixture(scope="module")
def environments():
    with tempfile.TemporaryDirectory() as folder:
        yield Path(os.environ.get("TFGROUNDING_TEST_ENVIRONMENTS", folder))


def run(python: str, program: str, *arguments: object) -> None:
    done = subprocess.run(
        [python, "-c", program, *map(str, arguments)], capture_output=True, text=True, stdin=subprocess.DEVNULL
    )
    assert done.returncode == 0, done.stderr[-3000:]


# open_clip

TEXTS = ["a dog runs", "a cat sleeps on the grass " * 20, "größer"]
VISION = {"image_size": 32, "layers": 2, "width": 64, "patch_size": 8, "head_width": 32}
PE = {"image_size": 384, "timm_model_name": "vit_pe_core_tiny_patch16_384", "timm_pool": "map", "timm_proj": None}
FASTVIT = {"image_size": 256, "timm_model_name": "fastvit_mci0", "timm_pool": "avg", "timm_proj": None}
READS = {"context_length": 77, "vocab_size": 49408, "width": 64, "heads": 2, "layers": 2}
CAPTIONS = {"context_length": 76, "vocab_size": 49408, "width": 64, "heads": 2, "layers": 2, "attn_pooler_heads": 4}
SIGLIP_READS = {
    **READS,
    **{"context_length": 64, "vocab_size": 300, "no_causal_mask": True, "proj_bias": True, "pool_type": "last"},
    **{"hf_tokenizer_name": "here", "tokenizer_kwargs": {"clean": "canonicalize"}},
}
SQUASH = {"resize_mode": "squash", "mean": [0.5] * 3, "std": [0.4] * 3, "interpolation": "bilinear"}
MODELS = {  # name: model, preprocessing
    "clip": ({"embed_dim": 32, "vision_cfg": VISION, "text_cfg": READS}, {}),
    "longest": ({"embed_dim": 32, "vision_cfg": VISION, "text_cfg": READS}, {"resize_mode": "longest"}),
    "coca": (
        {
            "embed_dim": 64,
            "vision_cfg": {**VISION, "attentional_pool": True, "attn_pooler_heads": 4, "output_tokens": True},
            "text_cfg": {**READS, "context_length": 76, "embed_cls": True, "output_tokens": True},
            "multimodal_cfg": CAPTIONS,
            "custom_text": True,
        },
        {},
    ),
    "pe": (
        {"embed_dim": 512, "custom_text": True, "vision_cfg": PE, "text_cfg": {**READS, "context_length": 32}},
        SQUASH,
    ),
    "mobileclip2": ({"embed_dim": 512, "custom_text": True, "vision_cfg": FASTVIT, "text_cfg": READS}, SQUASH),
    "siglip": (
        {"embed_dim": 512, "init_logit_bias": -10, "custom_text": True, "vision_cfg": PE, "text_cfg": SIGLIP_READS},
        SQUASH,
    ),
}
MAKE_AND_RUN = """
import json, sys
from pathlib import Path
import numpy as np, open_clip, torch
from PIL import Image
from safetensors.torch import save_file

name, folder, texts = sys.argv[1], Path(sys.argv[2]), json.loads(sys.argv[3])
if "hf_tokenizer_name" in (folder / "open_clip_config.json").read_text():
    from tokenizers import Tokenizer, models, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast
    words = Tokenizer(models.Unigram())
    words.pre_tokenizer = pre_tokenizers.Metaspace()
    special = ["<pad>", "</s>", "<unk>"]
    words.train_from_iterator(texts, trainers.UnigramTrainer(vocab_size=80, special_tokens=special, unk_token="<unk>"))
    words.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    PreTrainedTokenizerFast(tokenizer_object=words, pad_token="</s>", eos_token="</s>").save_pretrained(folder)
torch.manual_seed(0)
options = json.loads(sys.argv[4])
model, _, preprocess = open_clip.create_model_and_transforms(name, load_weights=False, **options)
with torch.no_grad():
    for parameter in model.parameters():
        parameter.add_(torch.randn_like(parameter) * 0.05)
    model.logit_scale.fill_(2.0)
images = torch.stack([preprocess(Image.fromarray(frame)) for frame in np.load(folder / "frames.npy")])
norms = [layer for layer in model.modules() if isinstance(layer, torch.nn.BatchNorm2d)]
if norms:  # without the statistics of some pictures all pictures look alike
    for layer in norms:
        layer.momentum = 1.0
    with torch.no_grad():
        model.train().encode_image(images)
model.eval()
weights = {key: value.contiguous().clone() for key, value in model.state_dict().items()}
save_file(weights, folder / "open_clip_model.safetensors")
tokens = open_clip.get_tokenizer(name)(texts)
def features(image, text):
    out = model(image, text)
    return (out["image_features"], out["text_features"]) if isinstance(out, dict) else out[:2]
with torch.no_grad():
    own = {
        "images": torch.cat([features(image[None], tokens[:1])[0] for image in images]).numpy(),
        "texts": torch.cat([features(images[:1], row[None])[1] for row in tokens]).numpy(),
    }
np.savez(folder / "own.npz", **own)
"""


@pytest.fixture(scope="module")
def open_clip_python(environments):
    return environment("open_clip", OPEN_CLIP, environments)


@pytest.mark.parametrize("name", MODELS)
def test_vectors_are_those_of_open_clip_s_own_models(name, open_clip_python, tmp_path):
    model, preprocessing = MODELS[name]
    config = {"model_cfg": model, "preprocess_cfg": preprocessing}
    (tmp_path / "open_clip_config.json").write_text(json.dumps(config))
    np.save(tmp_path / "frames.npy", frames())
    run(open_clip_python, MAKE_AND_RUN, f"local-dir:{tmp_path}", tmp_path, json.dumps(TEXTS), "{}")
    own = np.load(tmp_path / "own.npz")
    assert np.ptp(own["images"], axis=0).max() > 5e-3  # the pictures differ to this model
    for dtype, tolerance in (("float32", 1e-5), ("bfloat16", 0.05)):
        encoder = load_encoder(f"open_clip:{tmp_path}@{open_clip_python}", device="cpu", dtype=dtype)
        np.testing.assert_allclose(encoder.encode_frames(frames())[:, 0], own["images"], atol=tolerance)
        np.testing.assert_allclose(encoder.encode_texts(TEXTS), own["texts"], atol=tolerance)
        assert encoder.scale == pytest.approx(np.exp(2.0), rel=0.01)
    longest = model["text_cfg"]["context_length"]
    (note,) = encoder.text_notes(TEXTS)
    assert f"first {longest} of " in note and "a cat sleeps" in note
    assert encoder.frame_size == model["vision_cfg"]["image_size"]
    assert encoder.floor == (None if name == "siglip" else 0.2)
    if name == "longest":  # the same weights with another preprocessing are another encoder
        (tmp_path / "open_clip_config.json").write_text(json.dumps({"model_cfg": model, "preprocess_cfg": {}}))
        other = load_encoder(f"open_clip:{tmp_path}@{open_clip_python}", device="cpu", dtype="bfloat16")
        assert other.revision != encoder.revision


def test_a_file_with_weights_and_weights_trained_with_quick_gelu(open_clip_python, tmp_path, monkeypatch):
    """`ViT-B-32/openai` needs QuickGELU, which its name does not say; its file is put where a download would be."""
    repo = tmp_path / "hub" / "models--timm--vit_base_patch32_clip_224.openai"
    snapshot = repo / "snapshots" / ("c" * 40)
    snapshot.mkdir(parents=True)
    (repo / "refs").mkdir()
    (repo / "refs" / "main").write_text("c" * 40)
    (snapshot / "open_clip_config.json").write_text("{}")
    np.save(snapshot / "frames.npy", frames())
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    run(open_clip_python, MAKE_AND_RUN, "ViT-B-32", snapshot, json.dumps(TEXTS), '{"force_quick_gelu": true}')
    own = np.load(snapshot / "own.npz")
    encoder = load_encoder(f"open_clip:ViT-B-32/openai@{open_clip_python}", device="cpu")
    assert "/ViT-B-32/openai sha256:" in encoder.revision and "==3.3.0" in encoder.revision
    np.testing.assert_allclose(encoder.encode_frames(frames())[:, 0], own["images"], atol=1e-5)
    np.testing.assert_allclose(encoder.encode_texts(TEXTS), own["texts"], atol=1e-5)
    file = snapshot / "open_clip_model.safetensors"
    from_file = load_encoder(f"open_clip:ViT-B-32-quickgelu/{file}@{open_clip_python}", device="cpu")
    np.testing.assert_allclose(from_file.encode_texts(TEXTS), own["texts"], atol=1e-5)
    with pytest.raises(EncoderError, match="size mismatch"):
        load_encoder(f"open_clip:ViT-B-16/{file}@{open_clip_python}", device="cpu")
    with pytest.raises(EncoderError, match=r"no weights 'nosuch'; give a file, or one of: openai, .* and \d+ more"):
        load_encoder(f"open_clip:ViT-B-32/nosuch@{open_clip_python}", device="cpu")
    with pytest.raises(EncoderError, match=r"no model 'ViT-B32'; near are .*ViT-B-32"):
        load_encoder(f"open_clip:ViT-B32/openai@{open_clip_python}", device="cpu")
    with pytest.raises(EncoderError, match="could not be loaded") as error:
        load_encoder(f"open_clip:hf-hub:nobody/nothing@{open_clip_python}", device="cpu")
    assert "\n" not in str(error.value)


# LAVIS

SMALLER = """
import lavis.models.eva_vit as eva
whole = eva.VisionTransformer
eva.VisionTransformer = lambda **given: whole(**{**given, "embed_dim": 64, "depth": 2, "num_heads": 4})
"""
WEIGHTS = """
import torch
from pathlib import Path
from transformers import BertConfig
from lavis.models import load_model_and_preprocess
bert, cache = Path("bert-base-uncased"), Path(torch.hub.get_dir()) / "checkpoints"
BertConfig(
    vocab_size=28, hidden_size=64, num_hidden_layers=2, num_attention_heads=4, intermediate_size=64
).save_pretrained(bert)
words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *(f"w{i}" for i in range(23))]
(bert / "vocab.txt").write_text("\\n".join(words))
cache.mkdir(parents=True)
torch.save({}, bert / "pytorch_model.bin")
torch.save({}, cache / "eva_vit_g.pth")
torch.save({"model": {}}, cache / "blip2_finetune_coco.pth")
torch.manual_seed(0)
model = load_model_and_preprocess("blip2_image_text_matching", "coco", is_eval=True, device="cpu")[0]
with torch.no_grad():
    for parameter in model.parameters():
        parameter.add_(torch.randn_like(parameter) * 0.1)
    model.temp.fill_(0.05)
torch.save({"model": model.state_dict()}, cache / "blip2_finetune_coco.pth")
"""
OWN = """
import json, sys
import numpy as np, torch
from PIL import Image
from lavis.models import load_model_and_preprocess
texts = json.loads(sys.argv[1])
model, processors, _ = load_model_and_preprocess("blip2_image_text_matching", "coco", is_eval=True, device="cpu")
images = torch.stack([processors["eval"](Image.fromarray(frame)) for frame in np.load("frames.npy")])
with torch.no_grad():
    vectors = model.extract_features({"image": images}, mode="image").image_embeds_proj
    uncut = [model.extract_features({"text_input": [text]}, mode="text").text_embeds_proj[0, 0] for text in texts[:3]]
    try:
        model.extract_features({"text_input": texts[3:]}, mode="text")
        longest = "read"
    except Exception as error:
        longest = type(error).__name__
    model.max_txt_len = 35  # the length at which LAVIS measures retrieval
    cosines = [model({"image": images, "text_input": [text] * len(images)}, match_head="itc")[:, 0] for text in texts]
np.savez("own.npz", images=vectors, uncut=torch.stack(uncut), cosines=torch.stack(cosines, 1), longest=longest)
"""


@pytest.mark.skipif(sys.version_info[:2] != (3, 11), reason="LAVIS's own needs are known for Python 3.11")
def test_vectors_are_those_of_lavis_s_own_model(environments, tmp_path, monkeypatch):
    python = environment("lavis", LAVIS, environments)
    monkeypatch.chdir(tmp_path)  # where LAVIS finds a folder with the name of the tokenizer that it would download
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setenv("TRANSFORMERS_OFFLINE", "1")
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "sitecustomize.py").write_text(SMALLER)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "site"))
    np.save("frames.npy", frames())
    lengths = [10, 34, 36, 600]
    texts = [" ".join(f"w{(i * i + count) % 23}" for i in range(count - 2)) for count in lengths]
    run(python, WEIGHTS)
    run(python, OWN, json.dumps(texts))
    own = np.load("own.npz")
    assert str(own["longest"]) in ("IndexError", "RuntimeError")  # it cannot read 600 tokens by itself

    encoder = load_encoder(f"lavis:{python}", device="cpu")
    assert encoder.revision.startswith("salesforce-lavis==1.0.2/coco sha256:")
    assert encoder.frame_size == (364, 364) and encoder.scale == pytest.approx(20)
    vectors, read = encoder.encode_frames(frames()), encoder.encode_texts(texts)
    assert vectors.shape == (5, 32, 256) and read.shape == (4, 256)
    np.testing.assert_allclose(vectors, own["images"], atol=1e-5)
    np.testing.assert_allclose(read[:2], own["uncut"][:2], atol=1e-5)
    assert np.abs(read[2] - own["uncut"][2]).max() > 1e-3  # 36 tokens: cut
    np.testing.assert_allclose(np.einsum("tqd,nd->tnq", vectors, read).max(axis=2), own["cosines"], atol=1e-5)
    assert len(np.unique(own["cosines"].round(4))) > 15  # the pictures and texts differ to this model
    assert [note.partition(" of 'w")[0] for note in encoder.text_notes(texts)] == [
        f"the encoder read only the first 35 of {count} tokens" for count in (36, 600)
    ]
