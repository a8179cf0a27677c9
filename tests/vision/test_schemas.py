"""Replies by a JSON schema: asked for where a server has it, in the unit of the view; otherwise in words."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from reader import serve, text_of
from videos import make_video

from tfgrounding.engines.numpro import NumProEngine
from tfgrounding.registry import names
from tfgrounding.vision.served import ServedVLM
from tfgrounding.vision.views import get_view

IN_FRAMES = ("frame-numbers", "frame-labels", "grid")
IN_SECONDS = ("timestamps-text", "qwen3-seconds", "video", "qwen2.5-video")
WITHOUT = ("percent", "clip-yes-no", "gemini-video", "timestamps-text:clock", "timestamps-text:smolvlm")


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_video(tmp_path_factory.mktemp("video") / "a.mp4", seconds=6)


def schema_of(request: dict[str, Any]) -> dict[str, Any]:
    return request.get("response_format", {}).get("json_schema", {}).get("schema", {})


def test_every_view_has_the_schema_of_its_unit_or_none() -> None:
    assert {*IN_FRAMES, *IN_SECONDS, *WITHOUT} >= set(names("views"))
    for unit, some in (("frame", IN_FRAMES), ("second", IN_SECONDS)):
        for name in some:
            moment = get_view(name).schema["properties"]["moments"]["items"]
            assert set(moment["required"]) == {f"start_{unit}", f"end_{unit}"}, name
            assert not any(letter.isdigit() for letter in json.dumps(get_view(name).schema))  # nothing to parrot
    assert all(getattr(get_view(name), "schema", None) is None for name in WITHOUT)


@pytest.mark.parametrize(
    ("view", "moments", "found"),
    [
        ("frame-numbers", [{"start_frame": 2, "end_frame": 3}], [(1.0, 3.0)]),
        ("frame-numbers", [{"start_frame": 2, "end_frame": 2}, {"start_frame": 5, "end_frame": 6}], [(1, 2), (4, 6)]),
        ("qwen3-seconds", [{"start_second": 1.5, "end_second": 2.5}], [(1.0, 3.0)]),
        ("qwen3-seconds", [], []),
    ],
)
def test_a_server_with_schemas_is_asked_by_one(view: str, moments: list, found: list, video: Path) -> None:
    requests: list[dict[str, Any]] = []

    def answer(request: dict[str, Any]) -> str:
        requests.append(request)
        return json.dumps({"moments": moments})

    with serve(answer) as url:
        answered = NumProEngine(ServedVLM("m", base_url=url), view=view).watch(video).ask("a dog")
    assert [(m.start_seconds, m.end_seconds) for m in answered.moments] == [pytest.approx(pair) for pair in found]
    assert schema_of(requests[0]) == get_view(view).schema
    assert json.dumps(get_view(view).schema) in text_of(requests[0])  # for servers that accept a schema and ignore it
    assert len(requests) == 1 and not answered.warnings


def test_a_server_without_schemas_is_asked_in_words(video: Path) -> None:
    requests: list[dict[str, Any]] = []

    def answer(request: dict[str, Any]) -> Any:
        requests.append(request)
        if "response_format" in request:
            return 400, b'{"error": {"message": "response_format is not supported by this model"}}'
        return "from frame 2 to frame 3"

    with serve(answer) as url:
        watched = NumProEngine(ServedVLM("no-schema", base_url=url), view="frame-numbers").watch(video)
        first, second = watched.ask("a dog"), watched.ask("a cat")
    for found in (first, second):
        assert [(m.start_seconds, m.end_seconds) for m in found.moments] == [(1.0, 3.0)]
    assert "JSON" not in text_of(requests[-1]) and "response_format" not in requests[-1]


def test_a_clock_is_asked_in_words(video: Path) -> None:
    def answer(request: dict[str, Any]) -> str:
        assert "response_format" not in request
        return "from 00:01 to 00:02"

    with serve(answer) as url:
        found = NumProEngine(ServedVLM("gemini-x", base_url=url)).watch(video).ask("a dog")
    assert found.provenance["view"] == "timestamps-text:clock"
    assert [(m.start_seconds, m.end_seconds) for m in found.moments] == [(1.0, 3.0)]
