"""Profiles on disk: what was measured comes back, what is hostile does not."""

from __future__ import annotations

import json
import logging
import os

import numpy as np
import pytest

from tfgrounding.engines.asking import Asking
from tfgrounding.errors import ModelError, TFGroundingError
from tfgrounding.vision import NoProbabilityError, load_vlm, view_for
from tfgrounding.vision.profiles import (
    LARGEST_FILE_BYTES,
    Profile,
    check_writable,
    find_profile,
    profile_path,
    save_profile,
)

PICTURES = [np.zeros((48, 64, 3), np.uint8)]
URL = "https://models.example:8443/v1"
PROFILE = Profile("percent", 10, 256.5, 8192, 0.5, 0.02, True, False, "2026-11-30")


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("TFGROUNDING_CACHE", str(tmp_path))


def test_a_profile_comes_back_for_its_model_and_server_only():
    path = save_profile("a/b:7b", URL, PROFILE)
    assert find_profile("a/b:7b", URL) == find_profile("a/b:7b", URL + "/?key=12345678") == PROFILE
    for other in ("https://models.example:8443/v1/openai", "https://models.example/v1"):
        assert find_profile("a/b:7b", other) is None
    assert find_profile("a/b:8b", URL) is None
    assert path.parent.name == "profiles" and save_profile("a/b:7b", URL, Profile()) == path
    assert find_profile("a/b:7b", URL) == Profile()


def test_no_secret_is_written():
    path = save_profile("m", "https://me:hunter22@models.example/v1?api-key=abcdefghij", PROFILE)
    text = path.read_text()
    assert "hunter22" not in text and "abcdefghij" not in text and "hunter22" not in path.name
    assert find_profile("m", "https://models.example/v1") == PROFILE


@pytest.mark.parametrize("model", ["../../etc/passwd", "", "x" * 5000, "\ud800", "\x00"])
def test_any_model_has_a_file_in_the_folder(model, tmp_path):
    assert profile_path(model, URL).parent == tmp_path / "profiles"
    assert len(profile_path(model, URL).name) < 100


@pytest.mark.parametrize(
    "change",
    [
        {"view": "os:system"},
        {"view": ["percent"]},
        {"view": "timestamps-text:no-such-style"},
        {"view": "percent:" + "x" * 5000},
        {"most_pictures": -1},
        {"most_pictures": 2.5},
        {"most_pictures": True},
        {"most_pictures": 10**400},
        {"picture_tokens": float("nan")},
        {"picture_seconds": float("inf")},
        {"request_seconds": "1"},
        {"takes_schema": "yes"},
        {"measured": "\x1b[2J"},
        {"format": 99},
        {"format": True},
        {"view": "clip-yes-no"},
        {"model": "other"},
        {"server": "https://other.example:443"},
    ],
)
def test_hostile_values_are_not_used(change, caplog):
    path = save_profile("m", URL, PROFILE)
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with caplog.at_level(logging.WARNING):
        assert find_profile("m", URL) is None
    assert "tfgrounding doctor" in caplog.text


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"[1]", b"[" * 5000, b" " * (LARGEST_FILE_BYTES + 1), b"null"])
def test_hostile_files_are_not_used(content, caplog):
    path = save_profile("m", URL, PROFILE)
    path.write_bytes(content)
    assert find_profile("m", URL) is None and str(path) in caplog.text


def test_what_is_no_address_is_refused():
    with pytest.raises(ModelError, match="not the address"):
        save_profile("m", "models.example", PROFILE)


def test_a_profile_is_used_by_the_models_name():
    save_profile("m", "http://127.0.0.1:9/v1", PROFILE)
    vlm = load_vlm("m@http://127.0.0.1:9/v1")
    assert vlm.profile == PROFILE and view_for(vlm).name == "percent"
    assert vlm.capacity(PICTURES) == 10 and vlm.takes_schema
    with pytest.raises(NoProbabilityError):
        vlm.yes_probability(["?"])


def test_an_answer_says_that_a_profile_was_used():
    save_profile("m", "http://127.0.0.1:11/v1", PROFILE)
    assert Asking(load_vlm("m@http://127.0.0.1:11/v1")).provenance["vlm_profile"] == "2026-11-30"
    assert "vlm_profile" not in Asking(load_vlm("n@http://127.0.0.1:11/v1")).provenance


def test_what_is_named_comes_before_the_profile():
    save_profile("gemini-x", "http://127.0.0.1:10/v1", PROFILE)
    assert load_vlm("gemini-x@http://127.0.0.1:10/v1", most_pictures=20).capacity(PICTURES) == 20
    without = load_vlm("gemini-x@http://127.0.0.1:10/v1", use_profile=False)
    assert without.profile is None and view_for(without).name == "timestamps-text:clock"


def test_a_pipe_in_the_place_of_a_profile_is_not_waited_for():
    path = save_profile("m", URL, PROFILE)
    path.unlink()
    os.mkfifo(path)
    assert find_profile("m", URL) is None


def test_an_answer_says_that_a_profile_was_not_used():
    save_profile("m", "http://127.0.0.1:12/v1", PROFILE).write_text("{")
    vlm = load_vlm("m@http://127.0.0.1:12/v1")
    assert vlm.profile is None and "it is not used" in Asking(vlm).warnings[0]


def test_a_profiles_view_that_the_server_no_longer_takes():
    save_profile("qwen3-vl-8b", "http://127.0.0.1:13/v1", Profile("video"))
    vlm = load_vlm("qwen3-vl-8b@http://127.0.0.1:13/v1")
    assert view_for(vlm).name == view_for(vlm).name == "qwen3-seconds"
    (said,) = Asking(vlm).warnings
    assert "the profile of qwen3-vl-8b@http://127.0.0.1:13/v1 recommends the view video" in said


def test_a_cache_that_cannot_be_written_is_known_before_requests(tmp_path):
    check_writable("m", URL)
    (tmp_path / "profiles").rmdir()
    (tmp_path / "profiles").write_text("a file")
    with pytest.raises(TFGroundingError, match="cannot be kept there"):
        check_writable("m", URL)


@pytest.mark.parametrize("address", ["http://[::1", "http://[x]", "http://a:b"])
def test_addresses_that_are_none(address):
    with pytest.raises(ModelError, match="is not the address of a server"):
        load_vlm(f"m@{address}")
