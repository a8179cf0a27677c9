"""Checkpoints in folders: what is missing, forms of weights, files that may be hostile, precision."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from conftest import ColourEncoder
from tiny_encoders import save_family
from videos import BLUE, RED, make_scenes

from tfgrounding import Grounder, ground
from tfgrounding.encoders import checkpoint, checkpoint_files, load, load_encoder
from tfgrounding.encoders.base import resolve_dtype
from tfgrounding.encoders.clip import ClipEncoder, SiglipEncoder
from tfgrounding.errors import EncoderError, TFGroundingError
from tfgrounding.evaluation.recipe import Recipe
from tfgrounding.evaluation.worker import VideoWorker
from tfgrounding.media import frames

SCENES = [(3.0, RED), (3.0, BLUE)]
TEXTS = ["a dog runs", "the cat sleeps on a red car"]


@pytest.fixture(scope="module")
def clip_folder(tmp_path_factory):
    return save_family("clip", tmp_path_factory.mktemp("clip"))


@pytest.fixture(scope="module")
def fast_folder(clip_folder, tmp_path_factory):
    """The same with tokenizer.json in place of vocab.json and merges.txt."""
    from transformers import AutoTokenizer

    folder = copied(clip_folder, tmp_path_factory.mktemp("fast") / "clip")
    AutoTokenizer.from_pretrained(clip_folder).save_pretrained(folder)
    for name in ("vocab.json", "merges.txt"):
        (folder / name).unlink()
    return folder


def copied(folder: Path, to: Path, **changes: object) -> Path:
    """A copy with changed settings; each of `changes` is a file's name without ".json"."""
    shutil.copytree(folder, to)
    for name, settings in changes.items():
        path = to / f"{name}.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | settings))
    return to


def said_of(folder: Path, **settings: str) -> str:
    with pytest.raises(EncoderError) as error:
        load_encoder(f"clip:{folder}", device="cpu", **settings)
    assert "\n" not in str(error.value) and len(str(error.value)) < 1000
    return str(error.value)


@pytest.mark.parametrize(
    "name", ["config.json", "model.safetensors", "preprocessor_config.json", "vocab.json", "merges.txt"]
)
def test_the_file_that_is_missing_is_named(name, clip_folder, tmp_path):
    folder = copied(clip_folder, tmp_path / "clip")
    (folder / name).unlink()
    assert said_of(folder).endswith(f"is not a folder with a checkpoint that can be used: it has no {name}")
    assert checkpoint.missing_on_disk(str(folder)) in (None, [name])


def test_files_that_a_tokenizer_can_do_without(clip_folder, fast_folder, tmp_path):
    texts = load_encoder(f"clip:{clip_folder}", device="cpu").encode_texts(TEXTS)
    np.testing.assert_array_equal(load_encoder(f"clip:{fast_folder}", device="cpu").encode_texts(TEXTS), texts)
    bare = copied(fast_folder, tmp_path / "bare")
    for name in ("tokenizer_config.json", "special_tokens_map.json"):
        (bare / name).unlink(missing_ok=True)
    np.testing.assert_array_equal(load_encoder(f"clip:{bare}", device="cpu").encode_texts(TEXTS), texts)
    (bare / "tokenizer.json").unlink()
    assert said_of(bare).endswith("it has no tokenizer.json")


def test_weights_in_parts_in_bin_and_in_half_precision_load(clip_folder, tmp_path):
    from transformers import CLIPModel

    texts = load_encoder(f"clip:{clip_folder}", device="cpu").encode_texts(TEXTS)
    model = CLIPModel.from_pretrained(clip_folder)
    for form in ("parts", "bin", "bin-parts", "half"):
        folder = copied(clip_folder, tmp_path / form)
        (folder / "model.safetensors").unlink()
        weights = model.state_dict()
        if form == "parts":
            model.save_pretrained(folder, max_shard_size="100KB")
            assert len(list(folder.glob("model-*.safetensors"))) > 1
        elif form == "half":
            CLIPModel.from_pretrained(clip_folder, dtype=torch.float16).save_pretrained(folder)
        elif form == "bin":
            torch.save(weights, folder / "pytorch_model.bin")
        else:
            names = sorted(weights)
            parts = {f"pytorch_model-0000{i + 1}-of-00002.bin": names[i::2] for i in range(2)}
            for part, held in parts.items():
                torch.save({name: weights[name] for name in held}, folder / part)
            index = {"metadata": {}, "weight_map": {name: part for part, held in parts.items() for name in held}}
            (folder / "pytorch_model.bin.index.json").write_text(json.dumps(index))
        again = load_encoder(f"clip:{folder}", device="cpu").encode_texts(TEXTS)
        np.testing.assert_allclose(again, texts, atol=2e-3 if form == "half" else 1e-6)
    part = sorted((tmp_path / "parts").glob("model-*.safetensors"))[-1]
    part.unlink()
    assert said_of(tmp_path / "parts").endswith(f"it has no {part.name}")


def test_pickled_code_in_bin_is_not_run(clip_folder, tmp_path):
    class Harm:
        def __reduce__(self):
            return os.mkdir, (str(tmp_path / "harm"),)

    folder = copied(clip_folder, tmp_path / "clip")
    (folder / "model.safetensors").unlink()
    torch.save({"a": Harm()}, folder / "pytorch_model.bin")
    said = said_of(folder)
    assert "holds more than numbers" in said and "weights_only" not in said and not (tmp_path / "harm").exists()


@pytest.mark.parametrize(
    ("index", "says"),
    [
        ({"weight_map": {"a": "../secret.safetensors"}}, "names '../secret.safetensors' as a file of weights"),
        ({"weight_map": {"a": "/etc/passwd"}}, "names '/etc/passwd' as"),
        ({"weight_map": {"a": "..\\x.safetensors"}}, "as a file of weights"),
        ({"weight_map": {"a": ".hidden.safetensors"}}, "as a file of weights"),
        ({"weight_map": {"a": "code.bin"}}, "only *.safetensors files of the same folder are read"),
        ({"weight_map": {"a": 7}}, "names '7' as"),
        ({"weight_map": {"a": ["x.safetensors"]}}, "as a file of weights"),
        (
            {"weight_map": {f"{i}": f"{i}.safetensors" for i in range(1001)}},
            "names 1001 files of weights; at most 1000",
        ),
        ({"weight_map": []}, "has no weight_map"),
        ({}, "has no weight_map"),
        ([], "must be a JSON object, not list"),
        ("{", "is not JSON"),
        ("[" * 100_000, "is nested too deeply"),
        (" " * (checkpoint_files.LARGEST_JSON_BYTES + 1), "is larger than 16 MB"),
        ("\ud800", "is not JSON"),
    ],
)
def test_a_hostile_index_is_one_sentence(index, says, clip_folder, tmp_path):
    folder = copied(clip_folder, tmp_path / "clip")
    (folder / "model.safetensors").unlink()
    (tmp_path / "secret.safetensors").write_bytes(b"x")
    text = index if isinstance(index, str) else json.dumps(index)
    (folder / "model.safetensors.index.json").write_text(text, encoding="utf-8", errors="surrogatepass")
    assert says in said_of(folder)


DEEP = '{"a":' * 100_000 + "1" + "}" * 100_000


@pytest.mark.parametrize(
    "name", ["config.json", "preprocessor_config.json", "tokenizer_config.json", "special_tokens_map.json"]
)
def test_deep_or_huge_or_broken_json_is_one_sentence(name, clip_folder, tmp_path):
    folder = copied(clip_folder, tmp_path / "clip")
    for text, says in (
        (DEEP, "nested too deeply"),
        ("{", "is not JSON"),
        ("7", "must be a JSON object"),
        (" " * (checkpoint_files.LARGEST_JSON_BYTES + 1), "larger than 16 MB"),
    ):
        (folder / name).write_text(text)
        assert said_of(folder).startswith(f"{folder / name}: ") and says in said_of(folder)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"vision_config": {"num_hidden_layers": 10**9}}, "num_hidden_layers is 1e+09; at most 512 are built"),
        ({"blocks": [1, [10**9]]}, "blocks is 1e+09"),
        ({"_attn_implementation": "someone/kernel"}, "is 'someone/kernel'; only eager and sdpa are used"),
        ({"model_type": "odd", "auto_map": {"AutoModel": "a.B"}}, "code of its own, which is never run"),
        ({"model_type": "odd"}, "cannot be loaded"),
        ({"projection_dim": 10**5}, "weights have other shapes than its config.json says"),
    ],
)
def test_a_config_that_asks_for_too_much_is_one_sentence(change, says, clip_folder, tmp_path):
    assert says in said_of(copied(clip_folder, tmp_path / "clip", config=change))


def test_weights_of_more_layers_than_the_config_has_are_refused(clip_folder, tmp_path):
    vision = json.loads((clip_folder / "config.json").read_text())["vision_config"]
    folder = copied(clip_folder, tmp_path / "clip", config={"vision_config": {**vision, "num_hidden_layers": 1}})
    assert "layers that its config.json does not have: vision_model.encoder.layers.1." in said_of(folder)


def test_code_of_a_checkpoint_is_never_run_and_nothing_is_asked_on_stdin(clip_folder, tmp_path, monkeypatch):
    monkeypatch.setattr("builtins.input", lambda *_: pytest.fail("asked on stdin"))
    code = {"auto_map": {"AutoConfig": "harm.A", "AutoModel": "harm.B", "AutoTokenizer": ["harm.C", None]}}
    folder = copied(clip_folder, tmp_path / "clip", config=code, tokenizer_config=code)
    (folder / "harm.py").write_text(f"open({str(tmp_path / 'harm')!r}, 'w')")
    load_encoder(f"clip:{folder}", device="cpu")  # of a family that transformers has: its own code is not needed
    assert not (tmp_path / "harm").exists()
    assert "code of its own" in said_of(copied(folder, tmp_path / "odd", config={"model_type": "odd"}))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"crop_size": {"height": 14, "width": 14}}, "pictures of 14 x 14 pixels, but its model takes only 28 x 28"),
        ({"crop_size": {"height": 28, "width": 42}}, "pictures of 28 x 42 pixels"),
        ({"do_center_crop": False}, "pictures of a shorter side of 28 pixels"),
        ({"crop_size": {"height": 1e300, "width": 28}}, "has no usable size"),
        ({"size": {"shortest_edge": 10**9}}, "has no usable size"),
        ({"size": {"shortest_edge": -1}}, "has no usable size"),
        ({"size": "large"}, "has no usable size"),
        ({"image_mean": [0.5]}, "mean and std must be three numbers each"),
        ({"image_std": [1, 0, 1]}, "mean and std must be three numbers each"),
    ],
)
def test_pictures_of_another_size_than_the_model_s_are_refused(change, says, clip_folder, tmp_path):
    assert says in said_of(copied(clip_folder, tmp_path / "clip", preprocessor_config=change))


@pytest.mark.parametrize(
    "name",
    ["", "x" * 5000, "a b/c", "a/b/c", "~nobody-of-this-name/x", "\0", "../up/down", "a--b/c", "someone/model@", "é/è"],
)
def test_names_that_are_neither_folder_nor_hub_id(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    if name:
        with pytest.raises(EncoderError) as error:
            load_encoder(f"clip:{name}", device="cpu")
        assert "\n" not in str(error.value)
    with pytest.raises(EncoderError):
        checkpoint.find(name)


def test_a_folder_under_the_home_folder_is_known_by_its_content(clip_folder, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(clip_folder.parent))
    assert checkpoint.find(f"~/{clip_folder.name}") == checkpoint.find(str(clip_folder))


def in_hub_cache(folder: Path, cache: Path, repo: str) -> None:
    home = cache / f"models--{repo.replace('/', '--')}"
    (home / "refs").mkdir(parents=True)
    (home / "refs" / "main").write_text("c" * 40)
    (home / "snapshots").mkdir()
    shutil.copytree(folder, home / "snapshots" / ("c" * 40))


def test_auto_goes_on_where_one_does_not_load_and_every_answer_says_so(clip_folder, tmp_path, monkeypatch, caplog):
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    broken = copied(clip_folder, tmp_path / "broken")
    (broken / "model.safetensors").write_bytes(b"x" * 100)
    in_hub_cache(broken, tmp_path, SiglipEncoder.usual_checkpoint)
    in_hub_cache(clip_folder, tmp_path, ClipEncoder.usual_checkpoint)
    grounder = Grounder(device="cpu", cache=False)
    assert grounder.encoder.revision == f"{ClipEncoder.usual_checkpoint}@{'c' * 40}"
    said = f"auto passed over the encoder siglip: {SiglipEncoder.usual_checkpoint}: cannot be loaded"
    assert any(message.startswith(said) for message in caplog.messages)
    answer = grounder.ground(make_scenes(tmp_path / "a.mp4", SCENES), "a dog runs")
    assert [warning for warning in answer.warnings if warning.startswith(said)]
    assert answer.to_dict()["warnings"] == list(answer.warnings)


def test_auto_passes_over_an_index_that_names_other_folders(clip_folder, tmp_path, monkeypatch):
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path))
    monkeypatch.setattr("tfgrounding.encoders.embedded.installed", lambda: False)
    broken = copied(clip_folder, tmp_path / "broken")
    (broken / "model.safetensors").unlink()
    (broken / "model.safetensors.index.json").write_text('{"weight_map": {"a": "../x.safetensors"}}')
    in_hub_cache(broken, tmp_path, ClipEncoder.usual_checkpoint)
    with pytest.raises(EncoderError, match=r"no encoder is on this machine that loads; .*pip install"):
        load_encoder("auto", device="cpu")


def test_the_precision_is_what_was_asked_for_and_part_of_the_revision(clip_folder, tmp_path):
    plain = load_encoder(f"clip:{clip_folder}", device="cpu")
    assert plain.revision == load_encoder(f"clip:{clip_folder}", device="cpu", dtype="float32").revision
    for dtype in ("float16", "bfloat16"):
        encoder = load_encoder(f"clip:{clip_folder}", device="cpu", dtype=dtype)
        assert encoder.revision == f"{plain.revision}+{dtype}"
        assert {str(weight.dtype) for weight in encoder._model.parameters()} == {f"torch.{dtype}"}
        texts = encoder.encode_texts(TEXTS)
        assert texts.dtype == np.float32 and 1e-6 < np.abs(texts - plain.encode_texts(TEXTS)).max() < 0.05
    half = Grounder(encoder=f"clip:{clip_folder}", device="cpu", dtype="bfloat16", cache=tmp_path / "cache")
    whole = Grounder(encoder=f"clip:{clip_folder}", device="cpu", cache=tmp_path / "cache")
    video = make_scenes(tmp_path / "a.mp4", SCENES)
    first, second = half.encode_video(video), whole.encode_video(video)
    assert first.revision.endswith("+bfloat16") and second.revision == plain.revision
    assert np.abs(first.vectors.astype(float) - second.vectors).max() > 1e-6  # not those of the other precision
    with pytest.raises(TFGroundingError, match="encode the video again"):
        half.watch(second)


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"encoder": "clip", "dtype": "int8"}, "dtype 'int8' is not known; choose auto, float32, float16, bfloat16"),
        ({"encoder": "embedded", "dtype": "half"}, "dtype 'half' is not known"),
        ({"encoder": "embedded", "dtype": "float16"}, "the embedded encoder runs in float32 only, not in float16"),
        ({"encoder": ColourEncoder(), "dtype": "float16"}, "encoder ColourEncoder is ready made and takes no dtype"),
        ({"encoder": ColourEncoder, "dtype": "float16"}, "encoder ColourEncoder takes no dtype: leave dtype out"),
        ({"encoder": "conftest:ColourEncoder", "dtype": "float32"}, "encoder 'conftest:ColourEncoder' takes no dtype"),
        ({"encoder": "lavis:python", "dtype": "float16"}, "encoder 'lavis:python' takes no dtype"),
        ({"engine": "numpro", "vlm": "x@http://localhost:1", "dtype": "float16"}, "engine 'numpro' takes no dtype"),
        (
            {"engine": "hybrid", "vlm": "x@http://localhost:1", "encoder": ColourEncoder, "dtype": "float16"},
            "encoder ColourEncoder takes no dtype",
        ),
    ],
)
def test_a_precision_that_cannot_be_had_is_refused(settings, says):
    with pytest.raises(TFGroundingError, match=says):
        ground("video.mp4", "a dog", **settings)


def test_the_precision_of_a_batch_run_is_part_of_what_its_rows_say(tmp_path):
    dataset = SimpleNamespace(name="mine", files=())
    usual, half = (
        Recipe(videos=str(tmp_path)),
        Recipe(videos=str(tmp_path), encoder="conftest:ColourEncoder", dtype="float16"),
    )
    assert "dtype" not in usual.provenance(dataset) and half.provenance(dataset)["dtype"] == "float16"
    with pytest.raises(EncoderError, match="takes no dtype"):
        VideoWorker(half, {})


def test_an_encoder_of_one_s_own_gets_the_dtype_if_it_takes_it():
    class Half(ColourEncoder):
        def __init__(self, device="auto", dtype="auto"):
            self.got = device, dtype

    assert load_encoder(Half, device="cpu", dtype="bfloat16").got == ("cpu", "bfloat16")
    assert load_encoder(Half, device="cpu").got == ("cpu", "auto")


def test_half_of_float32_is_the_default_on_accelerators(monkeypatch):
    assert resolve_dtype("auto", "cpu") == "float32" and resolve_dtype("float32", "cuda") == "float32"
    for capability, dtype in (((8, 0), "bfloat16"), ((9, 0), "bfloat16"), ((7, 5), "float16")):
        monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device, found=capability: found)
        assert resolve_dtype("auto", "cuda:1") == dtype
    for is_new, dtype in ((True, "bfloat16"), (False, "float16")):
        monkeypatch.setattr(torch.backends.mps, "is_macos_or_newer", lambda major, minor, found=is_new: found)
        assert resolve_dtype("auto", "mps") == dtype


def test_an_encoder_gets_as_many_frames_as_it_asks_for(tmp_path, clip_folder, monkeypatch):
    class Counting(ColourEncoder):
        def __init__(self):
            self.got = []

        def encode_frames(self, pixels):
            self.got.append(len(pixels))
            return super().encode_frames(pixels)

    video = make_scenes(tmp_path / "a.mp4", SCENES)
    for wanted, most in ((None, 16), (4, 16), (50, 50)):
        encoder = Counting()
        if wanted is not None:
            encoder.batch_frames = wanted
        samples = len(Grounder(encoder=encoder, rate_hz=20, cache=False).encode_video(video))
        assert samples > 100 and sum(encoder.got) == samples and max(encoder.got) == most
    big = Counting()
    big.batch_frames, big.frame_size = 4096, (40, 30)
    monkeypatch.setattr(frames, "CHUNK_BYTES", 77 * 40 * 30 * 3)
    Grounder(encoder=big, rate_hz=20, cache=False).encode_video(video)
    assert max(big.got) == 77
    for count in (0, 5000, "64", 2.5, None):
        encoder.batch_frames = count
        with pytest.raises(EncoderError, match="encoder colours: batch_frames must be a whole number from 1 to 4096"):
            load_encoder(encoder)
    encoder = load_encoder(f"clip:{clip_folder}", device="cpu")
    encoder._batches.size = 32
    assert encoder.batch_frames == 32


def test_warnings_of_an_encoder_are_sentences(tmp_path):
    encoder = ColourEncoder()
    encoder.warnings = ["three colours only"]
    answer = Grounder(encoder=encoder, cache=False).ground(make_scenes(tmp_path / "a.mp4", SCENES), "red")
    assert "three colours only" in answer.warnings
    encoder.warnings = "three colours only"
    with pytest.raises(EncoderError, match="encoder colours: warnings must be a list of sentences, not str"):
        load.load_encoder(encoder)


def test_a_model_that_overflows_in_half_precision_is_refused(clip_folder, tmp_path):
    from safetensors.torch import load_file, save_file

    folder = copied(clip_folder, tmp_path / "clip")
    weights = load_file(folder / "model.safetensors")
    weights["text_projection.weight"] *= 1e6
    weights["logit_scale"].fill_(1e5)
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    assert "not finite numbers: its weights are damaged, or float16 has too small a range for it" in said_of(
        folder, dtype="float16"
    )
    assert load_encoder(f"clip:{folder}", device="cpu", dtype="bfloat16").encode_texts(TEXTS).shape == (2, 24)
