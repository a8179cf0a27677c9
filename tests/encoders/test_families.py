"""Every family of image-text models, as a user has it: a folder as the hub publishes it, loaded by name.

The vectors are compared with those of the model's own forward, fed by its own tokenizer and image processor. The same
file must pass with the oldest transformers that this package allows.
"""

from __future__ import annotations

import json
import shutil
import time

import numpy as np
import pytest
import torch
import transformers
from PIL import Image
from tiny_encoders import FAMILIES, MEAN, STD, save_family
from videos import BLUE, RED, make_scenes

from tfgrounding import Grounder
from tfgrounding.encoders import load_encoder
from tfgrounding.encoders.preprocess import Preprocessor
from tfgrounding.errors import EncoderError

TOLERANCE = 1e-3
CLIP_WORDS = ("vocab.json", "merges.txt", "special_tokens_map.json")
LONG = "the cat sleeps on a red car " * 40
TEXTS = ["a dog runs on the grass", "A Red Car, and Two People!", "一只狗", LONG]


def pictures(height, width):
    """Three pictures as (3, height, width, 3)."""
    noise = np.random.default_rng(0).integers(0, 256, (3, 6, 8, 3), dtype=np.uint8)
    size = (width, height)
    return np.stack([np.asarray(Image.fromarray(one).resize(size, Image.Resampling.BICUBIC)) for one in noise])


@pytest.fixture(scope="module")
def folder_of(tmp_path_factory):
    """The folder with the checkpoint of a family, made when it is first asked for."""
    made = {}

    def folder(family):
        if family not in made:
            made[family] = save_family(family, tmp_path_factory.mktemp(family))
        return made[family]

    return folder


def image_processor(folder):
    old = {"use_fast": False} if transformers.__version__ < "5" else {}  # the other kind needs torchvision
    return transformers.AutoImageProcessor.from_pretrained(folder, **old)


def least_difference(vectors):
    """How far apart the two most similar of some unit vectors are."""
    rows = vectors.reshape(len(vectors), -1)
    return min(np.abs(a - b).max() for i, a in enumerate(rows) for b in rows[:i])


# family: what is written before the folder, the encoder's name, the longest text in tokens, and what else its authors
# give to the tokenizer
SUPPORTED: dict[str, tuple[str, str, int, dict]] = {
    "clip": ("clip", "clip", 77, {}),
    "siglip": ("siglip", "siglip", 64, {"padding": "max_length"}),
    "siglip2": ("siglip", "siglip", 64, {"padding": "max_length"}),
    "blip2": ("blip2", "blip2", 35, {}),
    "align": ("clip", "clip", 64, {}),
    "aimv2": ("clip", "clip", 77, {}),
    "chinese_clip": ("clip", "clip", 52, {}),
    "altclip": ("clip", "clip", 77, {}),
    "metaclip_2": ("clip", "clip", 77, {}),
    "groupvit": ("clip", "clip", 77, {}),
    "blip": ("clip", "clip", 512, {}),
    "vision-text-dual-encoder": ("clip", "clip", 38, {}),  # 40 positions, of which RoBERTa leaves out two
    "tipsv2": ("clip", "clip", 64, {"padding": "max_length"}),
}
if not hasattr(transformers, "Tipsv2Model"):  # as in the oldest one
    del SUPPORTED["tipsv2"], FAMILIES["tipsv2"]
REFUSED = {
    "siglip2-naflex": "holds a siglip2 model, which takes pictures in patches of varying number",
    "clipseg": "holds a clipseg model, which marks parts of pictures",
    "owlvit": "holds a owlvit model, which finds objects in pictures",
    "owlv2": "holds a owlv2 model, which finds objects in pictures",
    "flava": "holds a flava model, which gives a vector for each part",
    "xclip": "holds a xclip model, which has an encoder of its own: write xclip: instead of clip:",
    "bridgetower": "holds a bridgetower model, which does not compare texts with images",
}


def test_every_family_has_a_row():
    assert {*SUPPORTED, *REFUSED} == set(FAMILIES)


@pytest.mark.parametrize("family", SUPPORTED)
def test_vectors_are_those_of_the_model_s_own_forward(family, folder_of):
    prefix, name, longest, call = SUPPORTED[family]
    folder = folder_of(family)
    encoder = load_encoder(f"{prefix}:{folder}", device="cpu")
    assert encoder.name == name
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    texts = [text.lower() for text in TEXTS] if name == "siglip" else TEXTS
    tokens = tokenizer(
        texts, return_tensors="pt", **{"padding": True, "truncation": True, "max_length": longest, **call}
    )
    tokens.pop("token_type_ids", None)
    if family == "blip2":
        model = transformers.Blip2ForImageTextRetrieval.from_pretrained(folder)
        tokens["use_image_text_matching_head"] = False
    else:
        model = transformers.AutoModel.from_pretrained(folder)
    size = encoder.frame_size
    frames = pictures(*size) if isinstance(size, tuple) else pictures(size, size + 6)
    pixels = image_processor(folder)(list(frames), return_tensors="pt")["pixel_values"]
    with torch.inference_mode():
        theirs = model.eval()(pixel_values=pixels, **tokens)
    for ours, other in (
        (encoder.encode_frames(frames), theirs.image_embeds),
        (encoder.encode_texts(TEXTS), theirs.text_embeds),
    ):
        assert ours.dtype == np.float32
        unit = torch.nn.functional.normalize(other, dim=-1).numpy()
        np.testing.assert_allclose(ours.reshape(unit.shape), unit, atol=TOLERANCE)
        assert least_difference(unit) > 10 * TOLERANCE
    if family != "blip2":  # which does not scale its own
        cosines = np.einsum("tqd,nd->tn", encoder.encode_frames(frames), encoder.encode_texts(TEXTS))
        bias = model.logit_bias.item() if name == "siglip" else 0
        np.testing.assert_allclose(cosines * encoder.scale + bias, theirs.logits_per_image, rtol=1e-3, atol=1e-2)


@pytest.mark.parametrize("family", SUPPORTED)
def test_pictures_of_another_size_are_made_smaller_as_by_the_image_processor(family, folder_of):
    folder, others = folder_of(family), pictures(44, 50)
    theirs = image_processor(folder)(list(others), return_tensors="pt")["pixel_values"]
    steps = Preprocessor.from_folder(folder)
    ours = steps(others, device="cpu", dtype=torch.float32)
    grey_levels = (ours - theirs).abs() / (steps.factor / min(steps.std))
    assert ours.shape == theirs.shape and grey_levels.max() < 2.1 and grey_levels.mean() < 0.3


@pytest.mark.parametrize("family", REFUSED)
def test_other_families_are_refused_in_one_sentence(family, folder_of):
    with pytest.raises(EncoderError, match=REFUSED[family]) as error:
        load_encoder(f"clip:{folder_of(family)}", device="cpu")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    "steps",
    [
        {"include_top": True},
        {"include_top": True, "do_normalize": True, "image_mean": MEAN, "image_std": STD},
        {"include_top": False, "do_normalize": True, "rescale_offset": False, "rescale_factor": 1 / 255},
    ],
)
def test_align_s_other_steps(steps, folder_of, tmp_path):
    folder = folder_of("align")
    settings = json.loads((folder / "preprocessor_config.json").read_text())
    other = changed(folder, tmp_path / "other", preprocessor_config={**settings, **steps})
    frames = pictures(40, 40)
    theirs = image_processor(other)(list(frames), return_tensors="pt")["pixel_values"]
    ours = Preprocessor.from_folder(other)(frames, device="cpu", dtype=torch.float32)
    np.testing.assert_allclose(ours, theirs, atol=1e-5)


def test_a_way_of_resizing_that_is_not_done_here_is_refused_in_one_sentence(folder_of, tmp_path):
    settings = json.loads((folder_of("clip") / "preprocessor_config.json").read_text())
    other = changed(folder_of("clip"), tmp_path / "other", preprocessor_config={**settings, "resample": 1})
    with pytest.raises(
        EncoderError, match=r"asks for resampling 1; only 2 \(bilinear\) and 3 \(bicubic\) are done here"
    ):
        load_encoder(f"clip:{other}", device="cpu")


def changed(folder, copy, *, without=(), **written):
    """A copy of a folder without some of its files, and with others written anew."""
    shutil.copytree(folder, copy)
    for name in without:
        (copy / name).unlink()
    for name, content in written.items():
        (copy / f"{name}.json").write_text(json.dumps(content))
    return copy


def test_siglip_reads_lower_case_whatever_the_tokenizer_does(folder_of):
    for family in ("siglip", "siglip2"):
        encoder = load_encoder(f"siglip:{folder_of(family)}", device="cpu")
        capitals, small, other = encoder.encode_texts(
            ["A DOG ON THE GRASS", "a dog on the grass", "a cat on the grass"]
        )
        np.testing.assert_array_equal(capitals, small)
        assert np.abs(small - other).max() > 10 * TOLERANCE


def test_siglip_does_not_mask_its_padding_even_where_the_tokenizer_offers_a_mask(folder_of, tmp_path):
    folder = folder_of("siglip2")
    settings = json.loads((folder / "tokenizer_config.json").read_text())
    del settings["model_input_names"], settings["padding_side"]
    bare = changed(folder, tmp_path / "bare", tokenizer_config=settings)
    tokenizer = transformers.AutoTokenizer.from_pretrained(bare)
    assert "attention_mask" in tokenizer(["a dog"])
    vectors = [load_encoder(f"siglip:{place}", device="cpu").encode_texts(TEXTS) for place in (folder, bare)]
    np.testing.assert_allclose(*vectors, atol=1e-5)


@pytest.mark.parametrize(
    ("family", "name", "content"),
    [
        ("clip", "vocab.json", "{}"),
        ("clip", "vocab.json", "{"),
        ("siglip", "spiece.model", "words"),
        ("siglip2", "tokenizer.json", "{}"),
        ("blip2", "vocab.txt", ""),
        ("altclip", "tokenizer.json", "["),
    ],
)
def test_a_damaged_vocabulary_is_refused_in_one_sentence(family, name, content, folder_of, tmp_path):
    damaged = changed(folder_of(family), tmp_path / "damaged")
    (damaged / name).write_text(content)
    with pytest.raises(EncoderError, match="vocabulary files are missing") as error:
        load_encoder(f"{SUPPORTED[family][0]}:{damaged}", device="cpu")
    assert "\n" not in str(error.value) and str(damaged) in str(error.value)


def test_a_vocabulary_of_another_model_is_refused_in_one_sentence(folder_of, tmp_path):
    clip, bert = folder_of("clip"), folder_of("chinese_clip")
    settings = json.loads((bert / "tokenizer_config.json").read_text())
    smaller = changed(clip, tmp_path / "smaller", without=CLIP_WORDS, tokenizer_config=settings)
    shutil.copy(bert / "vocab.txt", smaller)
    with pytest.raises(
        EncoderError, match=r"its tokenizer knows 1\d\d tokens, but its model 6\d\d: vocabulary files are miss"
    ):
        load_encoder(f"clip:{smaller}", device="cpu")
    words = [f"word{i}" for i in range(600)]  # enough of them, but none that is used
    (smaller / "vocab.txt").write_text("\n".join(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *words]))
    with pytest.raises(
        EncoderError, match="gives 'a dog' and 'a red car' the same vector: vocabulary files are missing"
    ):
        load_encoder(f"clip:{smaller}", device="cpu")


def test_a_token_that_the_model_does_not_have_is_named(folder_of, tmp_path):
    folder = folder_of("blip2")
    encoder = load_encoder(f"blip2:{folder}", device="cpu")
    encoder._texts._tokenizer.add_tokens(["<image>"])
    with pytest.raises(EncoderError, match="the model does not know the token '<image>'; leave it out of the text"):
        encoder.encode_texts(["a dog", "an <image> of a dog"])


@pytest.mark.parametrize("family", ["clip", "siglip", "siglip2", "blip2", "altclip"])
def test_hostile_texts_are_read_in_no_time(family, folder_of):
    encoder = load_encoder(f"{SUPPORTED[family][0]}:{folder_of(family)}", device="cpu")
    texts = ["a" * 10_000_000, "dog " * 2_500_000, " " * 10_000_000, "\U0001f415" * 3_000_000, "a\ud800dog", "", "\0"]
    begin = time.perf_counter()
    vectors, notes = encoder.encode_texts(texts), encoder.text_notes(texts)
    assert time.perf_counter() - begin < 3
    assert np.isfinite(vectors).all() and 2 <= len(notes) <= 4 and all(len(note) < 200 for note in notes)


def test_a_text_that_is_cut_is_the_same_as_its_beginning(folder_of):
    encoder = load_encoder(f"blip2:{folder_of('blip2')}", device="cpu")
    words = ["the", "cat", "runs", "on", "a", "dog", "and", "two", "people", "walk"] * 8  # each one token
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder_of("blip2"))
    tokens = [token for word in words for token in tokenizer.tokenize(word)]
    long, fits, short = " ".join(tokens), " ".join(tokens[:33]), " ".join(tokens[:32])
    assert tokenizer.tokenize(long) == tokens
    vectors = encoder.encode_texts([long, fits, short])
    np.testing.assert_allclose(vectors[0], vectors[1], atol=1e-6)
    assert np.abs(vectors[1] - vectors[2]).max() > 10 * TOLERANCE
    [note] = encoder.text_notes([long, fits, short])
    assert note.startswith(f"the encoder read only the first 35 of {len(tokens) + 2} tokens of 'the cat")


def test_the_answer_to_a_long_query_says_what_was_read_of_it(folder_of, tmp_path):
    video = make_scenes(tmp_path / "a.mp4", [(2.0, RED), (2.0, BLUE)])
    grounder = Grounder(encoder=f"blip2:{folder_of('blip2')}", device="cpu", cache=False)
    assert grounder.ground(video, "a dog runs").warnings == ()
    assert "the encoder read only the first 35 of " in " ".join(grounder.ground(video, LONG).warnings)


@pytest.mark.parametrize("kind", ["sharded", "bin", "fp16", "bf16"])
def test_weights_in_other_forms(kind, folder_of, tmp_path):
    folder, frames = folder_of("clip"), pictures(28, 28)
    copy = changed(folder, tmp_path / kind, without=("model.safetensors",))
    model = transformers.AutoModel.from_pretrained(folder)
    if kind == "bin":
        torch.save(model.state_dict(), copy / "pytorch_model.bin")
    elif kind == "sharded":
        model.save_pretrained(copy, max_shard_size="100KB")
        assert len(list(copy.glob("model-*.safetensors"))) > 1
    else:
        model.to(torch.float16 if kind == "fp16" else torch.bfloat16).save_pretrained(copy)
    plain, other = (load_encoder(f"clip:{place}", device="cpu") for place in (folder, copy))
    assert next(other._model.parameters()).dtype == torch.float32
    tolerance = {"fp16": 2e-3, "bf16": 2e-2}.get(kind, 1e-6)
    np.testing.assert_allclose(plain.encode_frames(frames), other.encode_frames(frames), atol=tolerance)
    np.testing.assert_allclose(plain.encode_texts(TEXTS), other.encode_texts(TEXTS), atol=tolerance)
