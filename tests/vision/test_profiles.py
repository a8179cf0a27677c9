"""Profiles on disk: what was measured comes back, what is hostile does not."""

from __future__ import annotations

import json
import logging

import pytest

from tfgrounding.errors import ModelError
from tfgrounding.vision.profiles import LARGEST_FILE_BYTES, Profile, find_profile, profile_path, save_profile

URL = "https://models.example:8443/v1"
PROFILE = Profile("percent", 10, 256.5, 8192, 0.5, 0.02, True, False, "2026-11-30")


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("TFGROUNDING_CACHE", str(tmp_path))


def test_a_profile_comes_back_for_its_model_and_server_only():
    path = save_profile("a/b:7b", URL, PROFILE)
    assert find_profile("a/b:7b", URL) == find_profile("a/b:7b", "https://models.example:8443/other") == PROFILE
    assert find_profile("a/b:8b", URL) is None and find_profile("a/b:7b", "https://models.example/v1") is None
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
