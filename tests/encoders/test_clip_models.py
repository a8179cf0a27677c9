"""Models that look at several frames at once: real classes, tiny, with random weights."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
import torch
import transformers
from tiny_encoders import MEAN, STD, save_family, save_languagebind
from videos import BLUE, RED, make_scenes

from tfgrounding import Grounder
from tfgrounding.encoders import load_encoder
from tfgrounding.encoders.preprocess import Preprocessor
from tfgrounding.errors import EncoderError

TEXTS = ["a dog runs on the grass", "A Red Car, and Two People!", "the cat sleeps on a red car " * 40]
FRAMES = np.random.default_rng(0).integers(0, 256, (12, 28, 28, 3), dtype=np.uint8)  # three clips of four


@pytest.fixture(scope="module")
def xclip_folder(tmp_path_factory):
    return save_family("xclip", tmp_path_factory.mktemp("xclip"))


def video_pixels(folder, frames):
    """What the checkpoint's own processor makes of clips of four frames."""
    processor = transformers.AutoImageProcessor.from_pretrained(folder, **OLD)
    return processor([list(clip) for clip in frames.reshape(-1, 4, *frames.shape[1:])], return_tensors="pt")[
        "pixel_values"
    ]


OLD = {"use_fast": False} if transformers.__version__ < "5" else {}  # the other kind needs torchvision


def test_x_clip_s_vectors_are_those_of_the_model_s_own_video_and_text_features(xclip_folder):
    encoder = load_encoder(f"xclip:{xclip_folder}", device="cpu")
    assert (encoder.name, encoder.frames_per_vector, encoder.stride_frames, encoder.floor) == ("xclip", 4, 1, None)
    assert encoder.scale == pytest.approx(np.exp(2.0)) and encoder.batch_frames % 4 == 0
    model = transformers.XCLIPModel.from_pretrained(xclip_folder).eval()
    tokens = transformers.AutoTokenizer.from_pretrained(xclip_folder)(
        TEXTS, return_tensors="pt", padding=True, truncation=True, max_length=77
    )
    with torch.inference_mode():
        whole = model(**tokens, pixel_values=video_pixels(xclip_folder, FRAMES))
        texts = model.get_text_features(**tokens)
    texts = torch.nn.functional.normalize(getattr(texts, "pooler_output", texts), dim=-1)
    vectors = encoder.encode_frames(FRAMES)
    assert vectors.shape == (3, 1, 24) and np.abs(vectors[0] - vectors[1]).max() > 0.01
    np.testing.assert_allclose(vectors[:, 0], whole.video_embeds, atol=1e-3)
    np.testing.assert_allclose(encoder.encode_texts(TEXTS), texts, atol=1e-3)
    assert len(encoder.text_notes(TEXTS)) == 1
    # the whole model's texts differ with each clip, which is what every answer says
    assert np.abs(encoder.encode_texts(TEXTS) - whole.text_embeds[0].numpy()).max() > 0.01


def test_the_order_of_the_frames_in_a_clip_counts(xclip_folder):
    encoder = load_encoder(f"xclip:{xclip_folder}", device="cpu")
    there, back = encoder.encode_frames(FRAMES[:4]), encoder.encode_frames(FRAMES[[3, 2, 1, 0]])
    assert np.abs(there - back).max() > 0.01


def test_an_answer_by_x_clip_says_what_is_left_out(xclip_folder, tmp_path):
    video = make_scenes(tmp_path / "a.mp4", [(2.0, RED), (2.0, BLUE)])
    answer = Grounder(encoder=f"xclip:{xclip_folder}", device="cpu", rate_hz=2, cache=False).ground(video, "a dog")
    assert len(answer.curve) == 5 and answer.pts_seconds == pytest.approx([1, 1.5, 2, 2.5, 3])
    assert answer.warnings == (
        "X-CLIP is used without its video-specific prompts: its scores differ from those of the whole model",
    )


def test_x_clip_s_published_preprocessor_file_is_read_as_its_processor_reads_it(tmp_path):
    published = {
        "do_center_crop": True,
        "do_normalize": True,
        "do_resize": True,
        "feature_extractor_type": "VideoMAEFeatureExtractor",
        "image_mean": [0.485, 0.456, 0.406],
        "image_std": [0.229, 0.224, 0.225],
        "processor_class": "XCLIPProcessor",
        "resample": 2,
        "size": 224,
    }
    (tmp_path / "preprocessor_config.json").write_text(json.dumps(published))
    (tmp_path / "config.json").write_text('{"model_type": "xclip"}')
    frames = np.random.default_rng(0).integers(0, 256, (4, 224, 300, 3), dtype=np.uint8)
    ours = Preprocessor.from_folder(tmp_path)(frames, device="cpu", dtype=torch.float32)
    np.testing.assert_allclose(ours, video_pixels(tmp_path, frames)[0], atol=1e-5)


@pytest.fixture(scope="module")
def languagebind_folder(tmp_path_factory):
    return save_languagebind(tmp_path_factory.mktemp("languagebind"))


def video_vectors_by_hand(state, frames, clip_frames=4, heads=4):
    """LanguageBind's video features from its weights: (T, 3, h, w) -> (T / clip_frames, D), one place at a time."""

    def linear(x, name):
        return x @ state[f"{name}.weight"].T + state[f"{name}.bias"]

    def norm(x, name):
        centred = x - x.mean(dim=-1, keepdim=True)
        spread = (centred.square().mean(dim=-1, keepdim=True) + 1e-5).sqrt()
        return centred / spread * state[f"{name}.weight"] + state[f"{name}.bias"]

    def attend(x, name):  # (L, H)
        parts = [linear(x, f"{name}.{part}_proj").chunk(heads, dim=-1) for part in "qkv"]
        seen = [torch.softmax(q @ k.T / q.shape[-1] ** 0.5, dim=-1) @ v for q, k, v in zip(*parts, strict=True)]
        return linear(torch.cat(seen, dim=-1), f"{name}.out_proj")

    eye = "vision_model.embeddings"
    kernel = state[f"{eye}.patch_embedding.weight"]
    patches = torch.nn.functional.conv2d(frames, kernel, stride=kernel.shape[-1]).flatten(2).transpose(1, 2)
    first = state[f"{eye}.class_embedding"].expand(len(frames), 1, -1)
    x = torch.cat([first, patches], dim=1) + state[f"{eye}.position_embedding.weight"]
    x = norm(x, "vision_model.pre_layrnorm")
    for number in range(2):
        layer = f"vision_model.encoder.layers.{number}"
        for begin in range(0, len(x), clip_frames):
            for place in range(x.shape[1]):
                one = x[begin : begin + clip_frames, place] + state[f"{layer}.temporal_embedding"][0]
                one = one + attend(norm(one, f"{layer}.temporal_layer_norm1"), f"{layer}.temporal_attn")
                x[begin : begin + clip_frames, place] = one
        x = torch.stack([one + attend(norm(one, f"{layer}.layer_norm1"), f"{layer}.self_attn") for one in x])
        inner = torch.nn.functional.gelu(linear(norm(x, f"{layer}.layer_norm2"), f"{layer}.mlp.fc1"))
        x = x + linear(inner, f"{layer}.mlp.fc2")
    pooled = norm(x[:, 0], "vision_model.post_layernorm").reshape(-1, clip_frames, x.shape[-1]).mean(dim=1)
    return pooled @ state["visual_projection.weight"].T


def test_languagebind_s_vectors_are_those_computed_by_hand(languagebind_folder):
    encoder = load_encoder(f"languagebind:{languagebind_folder}", device="cpu")
    assert (encoder.name, encoder.frames_per_vector, encoder.stride_frames) == ("languagebind", 4, 1)
    assert encoder.frame_size == 28 and encoder.floor is None and encoder.scale == pytest.approx(np.exp(2.0))
    state = torch.load(languagebind_folder / "pytorch_model.bin", weights_only=True)
    mean, std = torch.tensor(MEAN)[:, None, None], torch.tensor(STD)[:, None, None]
    frames = (torch.from_numpy(FRAMES).permute(0, 3, 1, 2) / 255 - mean) / std
    theirs = torch.nn.functional.normalize(video_vectors_by_hand(state, frames), dim=-1)
    ours = encoder.encode_frames(FRAMES)
    assert ours.shape == (3, 1, 24) and np.abs(ours[0] - ours[1]).max() > 0.01
    np.testing.assert_allclose(ours[:, 0], theirs, atol=1e-4)
    backwards = encoder.encode_frames(FRAMES[[3, 2, 1, 0]])
    assert np.abs(backwards - ours[:1]).max() > 0.01


def test_languagebind_s_texts_are_those_of_clip(languagebind_folder):
    encoder = load_encoder(f"languagebind:{languagebind_folder}", device="cpu")
    reads = encoder._model.config.text_config.to_dict()
    clip = transformers.CLIPModel(transformers.CLIPConfig(text_config=reads, projection_dim=24)).eval()
    state = torch.load(languagebind_folder / "pytorch_model.bin", weights_only=True)
    clip.text_model.load_state_dict(
        {name.removeprefix("text_model."): tensor for name, tensor in state.items() if name.startswith("text_model.")}
    )
    clip.text_projection.load_state_dict({"weight": state["text_projection.weight"]})
    tokenizer = transformers.CLIPTokenizerFast.from_pretrained(languagebind_folder)
    tokens = tokenizer(TEXTS, max_length=77, padding="max_length", truncation=True, return_tensors="pt")
    with torch.inference_mode():
        theirs = clip.get_text_features(**tokens)
    theirs = torch.nn.functional.normalize(getattr(theirs, "pooler_output", theirs), dim=-1)
    np.testing.assert_allclose(encoder.encode_texts(TEXTS), theirs, atol=1e-4)


def test_each_is_named_where_it_is_given_as_a_clip_model(languagebind_folder):
    with pytest.raises(EncoderError, match=r"holds a LanguageBindVideo model, which .* write languagebind: instead of"):
        load_encoder(f"clip:{languagebind_folder}", device="cpu")


def test_languagebind_answers_in_seconds(languagebind_folder, tmp_path):
    video = make_scenes(tmp_path / "a.mp4", [(2.0, RED), (2.0, BLUE)])
    grounder = Grounder(
        encoder=f"languagebind:{languagebind_folder}", device="cpu", rate_hz=2, cache=tmp_path / "cache"
    )
    answer = grounder.ground(video, "a dog runs on the grass")
    assert answer.pts_seconds == pytest.approx([1, 1.5, 2, 2.5, 3]) and answer.warnings == ()


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"model_type": "clip"}, "holds a clip model, not a LanguageBindVideo one"),
        ({"vision_config": {"num_frames": 8}}, "its weights have other shapes than its config.json says"),
        ({"vision_config": {"num_frames": 10**9}}, "num_frames is 1000000000, not 1 to 1024"),
        ({"vision_config": {"num_frames": "4"}}, "num_frames is '4', not 1 to 1024"),
        ({"vision_config": {"image_size": "big"}}, "has no usable image_size"),
        ({"vision_config": {"lora_r": 16}}, "a part of its weights is kept apart .LoRA.: use LanguageBind/"),
        ({"vision_config": {"add_time_attn": False}}, "its layers do not look along time"),
        ({"vision_config": {"num_hidden_layers": 3}}, "is not a languagebind checkpoint that can be used"),
    ],
)
def test_another_languagebind_is_refused_in_one_sentence(languagebind_folder, tmp_path, changes, says):
    folder = changed(languagebind_folder, tmp_path / "other", changes)
    with pytest.raises(EncoderError, match=says) as error:
        load_encoder(f"languagebind:{folder}", device="cpu")
    assert "\n" not in str(error.value)


def changed(folder, copy, changes):
    """A copy of the checkpoint with other values in its config.json."""
    shutil.copytree(folder, copy)
    config = json.loads((copy / "config.json").read_text())
    for name, value in changes.items():
        config[name] = {**config[name], **value} if isinstance(value, dict) else value
    (copy / "config.json").write_text(json.dumps(config))
    return copy


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"model_type": "clip"}, "holds a clip model, not an xclip one"),
        ({"vision_config": {"num_frames": 0}}, "cannot be loaded|frames_per_vector must be|other shapes"),
        ({"vision_config": {"num_frames": 8}}, "its weights have other shapes than its config.json says"),
        ({"vision_config": {"num_frames": 10**9}}, "cannot be loaded|other shapes"),
    ],
)
def test_what_is_no_such_model_is_refused_in_one_sentence(xclip_folder, tmp_path, changes, says):
    folder = changed(xclip_folder, tmp_path / "other", changes)
    with pytest.raises(EncoderError, match=says) as error:
        load_encoder(f"xclip:{folder}", device="cpu")
    assert "\n" not in str(error.value)
