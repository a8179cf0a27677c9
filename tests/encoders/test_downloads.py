"""Downloads from a hub on this machine that holds what the real one lists, with every size scaled down."""

from __future__ import annotations

import json
import logging
import time

import numpy as np
import pytest
from fake_hub import COMMIT, serving
from tiny_encoders import save_family

from tfgrounding.encoders import checkpoint, download, load_encoder
from tfgrounding.encoders.clip import ClipEncoder, SiglipEncoder
from tfgrounding.errors import EncoderError

TOKENIZER_JSON = "tokenizer.json tokenizer_config.json special_tokens_map.json"
OTHERS = "README.md .gitattributes"
# repository, model_type, what must be downloaded, what else it lists
PUBLISHED = [
    (
        "openai/clip-vit-base-patch32",
        "clip",
        f"config.json preprocessor_config.json {TOKENIZER_JSON} vocab.json merges.txt pytorch_model.bin",
        f"{OTHERS} flax_model.msgpack tf_model.h5",
    ),
    (
        "openai/clip-vit-large-patch14",
        "clip",
        f"config.json preprocessor_config.json {TOKENIZER_JSON} vocab.json merges.txt model.safetensors",
        f"{OTHERS} flax_model.msgpack tf_model.h5 pytorch_model.bin",
    ),
    (
        "google/siglip-base-patch16-224",
        "siglip",
        f"config.json preprocessor_config.json {TOKENIZER_JSON} spiece.model model.safetensors",
        OTHERS,
    ),
    (
        "google/siglip2-base-patch16-224",
        "siglip",
        f"config.json preprocessor_config.json {TOKENIZER_JSON} tokenizer.model model.safetensors",
        OTHERS,
    ),
    (
        "Salesforce/blip2-itm-vit-g-coco",
        "blip-2",
        f"config.json preprocessor_config.json processor_config.json {TOKENIZER_JSON} vocab.txt model.safetensors",
        f"{OTHERS} generation_config.json model.safetensors.index.json model-00001-of-00002.safetensors "
        "model-00002-of-00002.safetensors pytorch_model.bin.index.json pytorch_model-00001-of-00002.bin",
    ),
    (
        "kakaobrain/align-base",
        "align",
        f"config.json preprocessor_config.json {TOKENIZER_JSON} vocab.txt model.safetensors",
        f"{OTHERS} pytorch_model.bin",
    ),
    (
        "OFA-Sys/chinese-clip-vit-base-patch16",
        "chinese_clip",
        "config.json preprocessor_config.json vocab.txt pytorch_model.bin",
        f"{OTHERS} clip_cn_vit-b-16.pt festival.jpg",
    ),
    (
        "laion/CLIP-ViT-B-32-laion2B-s34B-b79K",
        "clip",
        f"config.json preprocessor_config.json {TOKENIZER_JSON} vocab.json merges.txt model.safetensors",
        f"{OTHERS} open_clip_config.json open_clip_pytorch_model.bin open_clip_model.safetensors pytorch_model.bin",
    ),
    (
        "microsoft/xclip-base-patch32",
        "xclip",
        f"config.json preprocessor_config.json {TOKENIZER_JSON} vocab.json merges.txt model.safetensors",
        f"{OTHERS} pytorch_model.bin",
    ),
    (
        "LanguageBind/LanguageBind_Video_V1.5_FT",
        "LanguageBindVideo",
        f"config.json {TOKENIZER_JSON} vocab.json merges.txt pytorch_model.bin",
        OTHERS,
    ),
    (
        "someone/clip-in-parts",
        "clip",
        f"config.json preprocessor_config.json {TOKENIZER_JSON} model.safetensors.index.json "
        "model-00001-of-00002.safetensors model-00002-of-00002.safetensors",
        f"{OTHERS} model.fp16.safetensors consolidated.safetensors model-00001-of-00003.safetensors "
        "onnx/model.onnx onnx/config.json openvino/openvino_model.bin pytorch_model.bin training_args.bin",
    ),
]
TEXTS = ["a dog", "a red car"]
OUTSIDE = {"weight_map": {"a": "../secret.safetensors"}}
PARTS = {"weight_map": {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}}


def repository(model_type: str, names: str) -> dict[str, bytes]:
    """Files with these names: JSON where it is read, else bytes that nobody looks at. Weights are 0.2 MB and more."""
    files = {name: (name * 10).encode() for name in names.split()}
    for name in files:
        if name.endswith(".json"):
            files[name] = json.dumps({"image_processor": {}, "name": name}).encode()
        elif name.endswith((".safetensors", ".bin", ".pt", ".msgpack", ".h5")):
            files[name] *= 1000
    files["config.json"] = json.dumps({"model_type": model_type}).encode()
    if "model.safetensors.index.json" in files:
        files["model.safetensors.index.json"] = json.dumps(PARTS).encode()
    return files


def set_offline(monkeypatch, offline: bool) -> None:
    """As HF_HUB_OFFLINE does, which the hub's client reads when it is imported."""
    from huggingface_hub import constants, utils

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", offline)
    getattr(utils, "reset_sessions", lambda: None)()  # the older client keeps connections of the other kind


@pytest.fixture
def hub_at(tmp_path, monkeypatch):
    """Makes the hub's client use another hub, and an empty cache; the fixture's value starts such a hub."""
    from contextlib import ExitStack

    from huggingface_hub import constants, file_download

    with ExitStack() as stack:

        def start(files):
            hub = stack.enter_context(serving(files))
            monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
            set_offline(monkeypatch, False)
            monkeypatch.setattr(constants, "ENDPOINT", hub.url)
            template = hub.url + "/{repo_id}/resolve/{revision}/{filename}"
            for module in (constants, file_download):  # the older client keeps its own copy
                monkeypatch.setattr(module, "HUGGINGFACE_CO_URL_TEMPLATE", template, raising=False)
            return hub

        yield start


@pytest.mark.parametrize(("repo", "model_type", "needed", "others"), PUBLISHED, ids=[row[0] for row in PUBLISHED])
def test_only_what_is_needed_is_downloaded_and_only_once(repo, model_type, needed, others, hub_at, caplog, monkeypatch):
    files = repository(model_type, f"{needed} {others}")
    hub = hub_at({repo: files})
    seen = []
    announced = []
    monkeypatch.setattr(download._log, "warning", lambda *words: announced.append((words, list(hub.fetched))))
    with caplog.at_level(logging.WARNING):
        found = checkpoint.find(repo, lambda folder: seen.append((folder, list(hub.fetched))))
    assert sorted(hub.fetched) == sorted(needed.split())
    assert hub.sent_bytes == sum(len(files[name]) for name in needed.split())
    assert found.revision == f"{repo}@{COMMIT}" and seen == [(found.folder, ["config.json"])]
    ((words, before),) = announced
    left = sum(len(files[name]) for name in needed.split() if name not in before)
    assert words[0] % words[1:] == f"downloading {repo}, {left / 1e6:.1f} MB, into the hub's cache (once)"
    assert set(before) <= {"config.json", "model.safetensors.index.json"} and not caplog.messages
    requests = len(hub.asked)
    assert checkpoint.find(repo) == found and len(hub.asked) == requests  # nothing is asked again
    assert checkpoint.missing_on_disk(repo) == []


@pytest.fixture(scope="module")
def clip_files(tmp_path_factory):
    """A tiny CLIP checkpoint as a repository, and the vectors of two texts that it gives from a folder."""
    folder = save_family("clip", tmp_path_factory.mktemp("clip"))
    texts = load_encoder(f"clip:{folder}", device="cpu").encode_texts(TEXTS)
    return {path.name: path.read_bytes() for path in folder.iterdir()}, texts


def test_a_downloaded_encoder_is_that_of_the_folder_and_later_needs_no_hub(hub_at, clip_files, monkeypatch):
    files, texts = clip_files
    hub = hub_at({"someone/tiny-clip": files})
    encoder = load_encoder("clip:someone/tiny-clip", device="cpu")
    assert encoder.revision == f"someone/tiny-clip@{COMMIT}"
    np.testing.assert_array_equal(encoder.encode_texts(TEXTS), texts)
    requests = len(hub.asked)
    set_offline(monkeypatch, True)
    again = load_encoder("clip:someone/tiny-clip", device="cpu")
    assert again.revision == encoder.revision and len(hub.asked) == requests
    assert load_encoder(f"clip:someone/tiny-clip@{COMMIT}", device="cpu").revision == encoder.revision


def test_what_is_missing_beside_the_weights_is_fetched_for_the_same_commit(hub_at, clip_files, monkeypatch):
    """transformers leaves such a cache where somebody loaded the model without its processor."""
    files, _ = clip_files
    hub = hub_at({"someone/tiny-clip": files})
    folder = checkpoint.find("someone/tiny-clip").folder
    for name in ("preprocessor_config.json", "vocab.json"):
        (folder / name).unlink()
    assert checkpoint.missing_on_disk("someone/tiny-clip") == ["preprocessor_config.json", "vocab.json"]
    hub.commit, hub.older, hub.fetched = "f" * 40, COMMIT, []
    set_offline(monkeypatch, True)
    with pytest.raises(EncoderError, match=r"its preprocessor_config.json is not on this machine and could not be"):
        checkpoint.find("someone/tiny-clip")
    set_offline(monkeypatch, False)
    assert checkpoint.find("someone/tiny-clip").revision == f"someone/tiny-clip@{COMMIT}"
    # both are in the cache's store still, so only their names were asked for
    assert hub.fetched == [] and {path.rpartition("/")[2] for path in hub.asked[-2:]} == {
        "preprocessor_config.json",
        "vocab.json",
    }


def test_a_push_between_listing_and_download_gives_one_commit(hub_at, clip_files, monkeypatch):
    from huggingface_hub import HfApi

    hub = hub_at({"someone/tiny-clip": {**clip_files[0], "vocab.txt": b"no longer there"}})
    ask = HfApi.model_info

    def pushed_after(*arguments, **options):
        info = ask(*arguments, **options)
        hub.files, hub.commit = {"someone/tiny-clip": clip_files[0]}, "e" * 40
        return info

    monkeypatch.setattr(HfApi, "model_info", pushed_after)
    assert checkpoint.find("someone/tiny-clip").revision == f"someone/tiny-clip@{'e' * 40}"
    assert "vocab.txt" not in hub.fetched and checkpoint.missing_on_disk("someone/tiny-clip") == []


def test_auto_leaves_the_hub_alone_and_says_what_it_passed_over(hub_at, clip_files, tmp_path, caplog):
    files, _ = clip_files
    clip, siglip = ClipEncoder.usual_checkpoint, SiglipEncoder.usual_checkpoint
    hub = hub_at({clip: files, siglip: files})
    checkpoint.find(clip)
    (checkpoint.find(siglip).folder / "preprocessor_config.json").unlink()
    requests = len(hub.asked)
    encoder = load_encoder("auto", device="cpu")
    assert encoder.revision == f"{clip}@{COMMIT}" and len(hub.asked) == requests
    (said,) = encoder.warnings
    assert said.startswith("auto passed over the encoder siglip: preprocessor_config.json is missing")
    assert said in caplog.messages


@pytest.mark.parametrize(
    ("changed", "fetched", "says"),
    [
        ({"config.json": b'{"model_type": "bert"}'}, [], "holds a bert model"),
        ({"config.json": b'{"model_type": "odd", "auto_map": {"AutoModel": "a.B"}}'}, [], "code of its own, which is"),
        ({"config.json": None}, None, "it has no config.json"),
        ({"config.json": b"[" * 1000 + b"]" * 1000}, [], "is nested too deeply"),
        ({"config.json": b"{"}, [], "is not JSON"),
        ({"config.json": b"7"}, [], "must be a JSON object"),
        ({"config.json": b'{"x": "' + b"x" * (16 << 20) + b'"}'}, None, "its config.json has 16.8 MB; at most 16.8 MB"),
        ({"preprocessor_config.json": None}, ["merges.txt", "vocab.json"], "it has no preprocessor_config.json"),
        ({"merges.txt": None}, ["vocab.json"], "it has no merges.txt"),
        ({"model.safetensors": None}, [], "it has no model.safetensors or pytorch_model.bin"),
        ({"model.safetensors": None, "model.safetensors.index.json": PARTS}, [], "which it does not have"),
        ({"model.safetensors": None, "model.safetensors.index.json": OUTSIDE}, [], "names '../secret.safetensors' as"),
        ({"model.safetensors": None, "model.safetensors.index.json": {}}, [], "has no weight_map"),
        ({"model.safetensors": None, "pytorch_model.bin.index.json": PARTS}, [], "only *.bin files"),
    ],
)
def test_a_repository_that_cannot_be_used_costs_no_weights(changed, fetched, says, hub_at, clip_files):
    files = {**clip_files[0]}
    for name, content in changed.items():
        files[name] = json.dumps(content).encode() if isinstance(content, dict) else content
    hub = hub_at({"someone/odd": {name: content for name, content in files.items() if content is not None}})
    with pytest.raises(EncoderError) as error:
        load_encoder("clip:someone/odd", device="cpu")
    assert says in str(error.value) and "\n" not in str(error.value)
    assert not [name for name in hub.fetched if name.endswith((".safetensors", ".bin"))]
    if fetched is not None:
        assert set(fetched) <= set(hub.fetched) and "config.json" in hub.fetched


def test_what_the_hub_does_not_have_or_does_not_answer(hub_at, clip_files, monkeypatch):
    hub = hub_at({"someone/tiny-clip": clip_files[0]})
    for name, says in (
        ("someone/nothing", "the hub has no such repository, or it is private"),
        ("someone/tiny-clip@v2", "the hub has the repository, but not this revision"),
        ("someone/tiny-clip@refs/pr/4", "the hub has the repository, but not this revision"),
    ):
        with pytest.raises(EncoderError, match=says):
            checkpoint.find(name)
    hub.gated = True
    with pytest.raises(EncoderError, match="accept the conditions on its page, and set HF_TOKEN"):
        checkpoint.find("someone/tiny-clip")
    hub.delay_seconds = 30.0
    monkeypatch.setattr(download, "HUB_TIMEOUT_SECONDS", 0.3)
    begin = time.perf_counter()
    with pytest.raises(EncoderError, match=r"could not be downloaded \(ReadTimeout"):
        checkpoint.find("someone/tiny-clip")
    assert time.perf_counter() - begin < 5
    set_offline(monkeypatch, True)
    requests = len(hub.asked)
    with pytest.raises(EncoderError, match=r"could not be downloaded \(HF_HUB_OFFLINE is set\)"):
        checkpoint.find("someone/tiny-clip")
    assert len(hub.asked) == requests and not hub.fetched
