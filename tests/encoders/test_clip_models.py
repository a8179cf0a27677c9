"""Models that look at several frames at once: real classes, tiny, with random weights."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
import torch
import transformers
from tiny_encoders import save_family
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
    folder = tmp_path / "other"
    shutil.copytree(xclip_folder, folder)
    config = json.loads((folder / "config.json").read_text())
    for name, value in changes.items():
        config[name] = {**config[name], **value} if isinstance(value, dict) else value
    (folder / "config.json").write_text(json.dumps(config))
    with pytest.raises(EncoderError, match=says) as error:
        load_encoder(f"xclip:{folder}", device="cpu")
    assert "\n" not in str(error.value)
