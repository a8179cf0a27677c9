"""Vision LLMs that run here: replies that end, requests that fit, and honest errors otherwise."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tiny_vlms import save_tiny_vlm
from videos import make_video

from tfgrounding.engines.numpro import NumProEngine
from tfgrounding.errors import ModelError
from tfgrounding.vision import Clip, CutOffError, NoProbabilityError, TooMuchError, load_vlm
from tfgrounding.vision.local import LocalVLM, load_local

PICTURES = [np.full((48, 64, 3), value, dtype=np.uint8) for value in (30, 120, 210, 60)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny_vlm("qwen3_vl", tmp_path_factory.mktemp("models") / "qwen3_vl")


@pytest.fixture
def vlm(folder: Path) -> LocalVLM:
    pytest.importorskip("torch").set_num_threads(1)
    return load_local(str(folder), device="cpu")


def test_a_reply_has_its_token_counts(vlm: LocalVLM) -> None:
    reply = vlm.reply([*PICTURES, "When?"], max_tokens=8)
    assert (reply.finish_reason, reply.usage.requests, reply.usage.completion_tokens) == ("stop", 1, 1)
    assert reply.usage.prompt_tokens > len("When?")
    assert vlm.ask([*PICTURES, "When?"], max_tokens=8) == reply.text
    assert vlm.kind == "qwen3_vl"


def test_a_reply_without_an_end_is_no_answer(tmp_path: Path) -> None:
    vlm = load_local(str(save_tiny_vlm("qwen2_5_vl", tmp_path / "model", endless=True)), device="cpu")
    with pytest.raises(CutOffError, match="cut off at 12 tokens: raise max_tokens"):
        vlm.ask([PICTURES[0], "When?"], max_tokens=3)


def test_a_reply_that_ends_within_four_times_the_limit_is_read(vlm: LocalVLM, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    generate = vlm._model.generate

    def late(**settings: Any) -> Any:
        asked.append(settings["max_new_tokens"])
        vlm._model.generation_config.eos_token_id = [] if len(asked) == 1 else list(range(1000))
        return generate(**settings)

    monkeypatch.setattr(vlm._model, "generate", late)
    assert vlm.reply([PICTURES[0], "When?"], max_tokens=3).usage.completion_tokens == 1
    assert asked == [3, 12]


def test_more_than_the_context_holds_lowers_the_capacity(vlm: LocalVLM) -> None:
    vlm._model.config.get_text_config().max_position_embeddings = 120
    assert vlm.capacity(PICTURES) == 32
    with pytest.raises(TooMuchError, match="do not fit its context of 120"):
        vlm.ask([*PICTURES, "When can a dog be seen?"], max_tokens=100)
    assert vlm.capacity(PICTURES) == 2
    with pytest.raises(ModelError, match=r"failed.*context"):
        vlm.ask([PICTURES[0], "?" * 200], max_tokens=100)
    vlm._model.config.get_text_config().max_position_embeddings = 32768


def test_a_full_memory_of_the_gpu_lowers_the_capacity(vlm: LocalVLM, monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    def full(**_: Any) -> Any:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(vlm._model, "generate", full)
    with pytest.raises(TooMuchError, match="out of memory"):
        vlm.ask([*PICTURES, "When?"])
    assert vlm.capacity(PICTURES) == 2
    with pytest.raises(ModelError, match="out of memory"):
        vlm.ask([PICTURES[0], "When?"])


def test_a_fault_of_the_model_is_one_sentence_that_names_it(vlm: LocalVLM, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(**_: Any) -> Any:
        raise RuntimeError("mat1 and mat2 shapes\ncannot be multiplied")

    monkeypatch.setattr(vlm._model, "generate", broken)
    with pytest.raises(ModelError, match=r"local:.* failed: RuntimeError: mat1 and mat2 shapes cannot"):
        vlm.ask([*PICTURES, "When?"])
    assert vlm.capacity(PICTURES) == 32


def test_what_it_cannot_do_is_said(vlm: LocalVLM, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vlm._processor, "video_processor", None)  # as where torchvision is missing
    with pytest.raises(ModelError, match="takes pictures, not a Clip"):
        vlm.ask([Clip(np.stack(PICTURES), np.arange(4.0)), "When?"])
    with pytest.raises(ModelError, match="schema"):
        vlm.reply([PICTURES[0], "When?"], schema={"type": "object"})
    monkeypatch.setattr(vlm, "_first_tokens", lambda word: set())
    with pytest.raises(NoProbabilityError, match="no token for yes or no"):
        vlm.yes_probability([PICTURES[0], "?"])


def test_a_local_model_answers_through_the_engine(vlm: LocalVLM, tmp_path: Path) -> None:
    found = NumProEngine(vlm).watch(make_video(tmp_path / "a.mp4", seconds=3)).ask("a dog")
    assert found.provenance["vlm_prompt_tokens"] > 0
    assert all(0 <= moment.start_seconds < moment.end_seconds <= 3.1 for moment in found.moments)


def test_a_local_model_has_one_setting_of_those_of_a_server(folder: Path) -> None:
    assert load_vlm(f"local:{folder}", device="cpu", most_pictures=5).capacity(PICTURES) == 5
    with pytest.raises(ModelError, match="quality: only a model on a server"):
        load_vlm(f"local:{folder}", device="cpu", most_pictures=5, quality=50)
    with pytest.raises(ModelError, match="at least 1"):
        load_vlm(f"local:{folder}", device="cpu", most_pictures=0)
