"""The server as its clients see it: the official client over stdio, and in-process for what needs a slow encoder."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import anyio
import pytest
from mcp import Client
from mcp.client.stdio import StdioServerParameters
from videos import BLUE, RED, make_scenes
from worded import Worded

from tfgrounding import Grounder
from tfgrounding.encoders import embedded
from tfgrounding.serve.mcp_server import build_server
from tfgrounding.serve.tools import VideoTools

TESTS = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def session(tmp_path_factory, street_video):
    """What one real client saw of one real server, `python -m tfgrounding mcp`, over stdio."""
    if not embedded.installed():
        pytest.skip(f"the packaged weights are not installed: {embedded.HOW_TO_GET_THEM}")
    root = tmp_path_factory.mktemp("videos")
    shutil.copy(street_video, root / "street.mp4")
    make_scenes(root / "first.mp4", [(1.0, RED)])
    environment = {"PYTHONPATH": str(Path(__file__).parents[2]), "HF_HUB_OFFLINE": "1"}
    server = StdioServerParameters(
        command=sys.executable,
        args=["-m", "tfgrounding", "mcp", "--root", str(root)],
        env={**os.environ, **environment},
    )
    return anyio.run(talk, server, root)


async def talk(server: StdioServerParameters, root: Path) -> dict:
    saw: dict = {"root": root, "progress": [], "began": time.monotonic()}
    async with Client(server, read_timeout_seconds=120) as client:
        saw["connected"] = time.monotonic()
        saw["tools"] = {tool.name: tool for tool in (await client.list_tools()).tools}

        # A search that is cancelled at its first sign of life, before every video has been seen.
        with anyio.CancelScope() as scope:

            async def cancel(done, whole, message):
                scope.cancel()

            await client.call_tool("search_videos", {"query": "a bicycle"}, progress_callback=cancel)
        saw["cancelled"] = scope.cancelled_caught

        async def note(done, whole, message):
            saw["progress"].append((done, whole, message))

        saw["described"] = await client.call_tool("describe_video", {"video": "street.mp4"})
        saw["grounded"] = await client.call_tool(
            "ground_video", {"video": "street.mp4", "query": "a bicycle parked at a wall"}, progress_callback=note
        )
        saw["clip"] = await client.call_tool(
            "extract_clip", {"video": "street.mp4", "start_seconds": 7.2, "end_seconds": 8.0}
        )
        saw["missing"] = await client.call_tool("ground_video", {"video": "steet.mp4", "query": "a bicycle"})
        saw["outside"] = await client.call_tool("describe_video", {"video": "../../etc/passwd"})
        saw["long query"] = await client.call_tool("search_videos", {"query": "a" * 2**20})
        saw["wrong type"] = await client.call_tool("ground_video", {"video": "street.mp4", "query": 7})
    return saw


def test_it_answers_before_any_model_is_loaded(session):
    assert session["connected"] - session["began"] < 30


def test_the_tools_say_what_they_do_and_give(session):
    tools = session["tools"]
    assert set(tools) == {"describe_video", "ground_video", "search_videos", "extract_clip"}
    for name, tool in tools.items():
        assert tool.description and tool.output_schema["properties"]
        assert all(p["description"] for p in tool.input_schema["properties"].values())
        assert tool.annotations.read_only_hint is (name != "extract_clip")
        assert tool.annotations.open_world_hint is False
    assert tools["extract_clip"].annotations.destructive_hint is False


def test_structured_answers(session):
    assert session["described"].structured_content["duration_seconds"] == pytest.approx(10.0, abs=0.05)
    grounded = session["grounded"]
    assert not grounded.is_error
    best = grounded.structured_content["moments"][0]
    assert best["start_seconds"] < 9.0 < best["end_seconds"]  # the bicycle stands at the wall from 7.2 s on
    assert grounded.structured_content["encoder"] == "embedded"
    clip = session["clip"].structured_content
    assert (session["root"] / clip["clip"]).stat().st_size > 1000


def test_progress_is_told(session):
    done = [report[0] for report in session["progress"]]
    assert done == sorted(set(done)) and done[0] == 0.0 and done[-1] > 9
    assert session["progress"][0][1] == pytest.approx(10.0, abs=0.05)
    assert session["progress"][0][2] == "watching street.mp4"


def test_errors_say_what_to_do(session):
    said = {name: session[name].content[0].text for name in ("missing", "outside", "long query", "wrong type")}
    assert all(session[name].is_error for name in said)
    assert "there are: street.mp4" in said["missing"]
    assert "outside the root" in said["outside"]
    assert "1000 are allowed" in said["long query"] and len(said["long query"]) < 300
    assert said["wrong type"] == "the arguments do not fit ground_video: query: Input should be a valid string"
    assert not any(str(session["root"]) in text for text in said.values())


def test_a_cancelled_call_ends_and_the_server_goes_on(session):
    assert session["cancelled"]
    assert not session["described"].is_error


class SlowEncoder:
    """Sees nothing, slowly, and counts how often it was asked to look."""

    name, revision, frame_size, floor = "slow", "1", (8, 8), 0.0

    def __init__(self) -> None:
        self.looks = 0

    def encode_frames(self, pixels):
        import numpy as np

        self.looks += 1
        time.sleep(0.05)
        return np.ones((len(pixels), 1, 1), dtype=np.float32)

    def encode_texts(self, texts):
        import numpy as np

        return np.ones((len(texts), 1), dtype=np.float32)


def test_cancelling_stops_the_work_itself(tmp_path):
    make_scenes(tmp_path / "long.mp4", [(200.0, RED)], rate_hz=2)
    encoder = SlowEncoder()
    server = build_server(VideoTools(tmp_path, grounder=Grounder(encoder=encoder, rate_hz=10)))

    async def scenario():
        async with Client(server) as client:
            with anyio.CancelScope() as scope:

                async def cancel(done, whole, message):
                    if done > 0:
                        scope.cancel()

                await client.call_tool("ground_video", {"video": "long.mp4", "query": "q"}, progress_callback=cancel)
            assert scope.cancelled_caught
            await anyio.sleep(0.3)
            looks = encoder.looks
            await anyio.sleep(0.5)
            assert encoder.looks == looks < 100  # of 125 chunks of 16 frames

    anyio.run(scenario)


def test_the_event_loop_stays_free_while_a_video_is_watched(tmp_path):
    make_scenes(tmp_path / "long.mp4", [(60.0, RED)], rate_hz=2)
    make_scenes(tmp_path / "short.mp4", [(1.0, BLUE)], rate_hz=5)
    server = build_server(VideoTools(tmp_path, grounder=Grounder(encoder=SlowEncoder(), rate_hz=10)))

    async def scenario():
        order = []
        async with Client(server) as client, anyio.create_task_group() as group:

            async def long():
                await client.call_tool("ground_video", {"video": "long.mp4", "query": "q"})
                order.append("long")

            async def quick():
                await anyio.sleep(0.1)
                await client.call_tool("describe_video", {"video": "short.mp4"})
                order.append("quick")

            group.start_soon(long)
            group.start_soon(quick)
        assert order == ["quick", "long"]

    anyio.run(scenario)


def test_the_grounder_is_made_once_by_many_threads(tmp_path, monkeypatch):
    made = []

    class Counted(Grounder):
        def __init__(self, **settings):
            made.append(settings)
            time.sleep(0.05)
            super().__init__(**settings)

    monkeypatch.setattr(sys.modules["tfgrounding.engines.grounder"], "Grounder", Counted)
    make_scenes(tmp_path / "a.mp4", [(1.0, RED)], rate_hz=5)
    tools = VideoTools(tmp_path, encoder=SlowEncoder())
    threads = [threading.Thread(target=tools.ground_video, args=("a.mp4", "q")) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 1


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("ground_video", {"video": "a.mp4", "query": "q", "top_k": [5]}),
        ("ground_video", {"video": "a.mp4", "query": "q", "top_k": 1.5}),
        ("ground_video", {}),
        ("extract_clip", {"video": "a.mp4", "start_seconds": "soon", "end_seconds": None}),
        ("describe_video", {"video": {"path": "a.mp4"}}),
        ("delete_everything", {}),
    ],
)
def test_arguments_that_do_not_fit_are_the_sentence_of_the_dispatcher(tmp_path, name, arguments):
    tools = VideoTools(tmp_path)
    server = build_server(tools)

    async def asked():
        async with Client(server) as client:
            return await client.call_tool(name, arguments)

    refused = anyio.run(asked)
    assert refused.is_error
    assert refused.content[0].text == json.loads(tools.call(name, json.dumps(arguments)))["error"]
    assert "pydantic" not in refused.content[0].text and "\n" not in refused.content[0].text


@pytest.fixture
def serving(tmp_path):
    """A server over one long video, and `say`, which sends it a message as a client does."""
    make_scenes(tmp_path / "long.mp4", [(400.0, RED)], rate_hz=10)
    command = [sys.executable, "-m", "tfgrounding", "mcp", "--root", str(tmp_path), "--encoder", "slow:SlowEncoder"]
    (tmp_path / "slow.py").write_text(
        "import time\n"
        "from conftest import ColourEncoder\n"
        "class SlowEncoder(ColourEncoder):\n"
        "    def encode_frames(self, pixels):\n"
        "        time.sleep(0.2)\n"
        "        return super().encode_frames(pixels)\n"
    )
    process = subprocess.Popen(
        command,
        **{"cwd": tmp_path, "text": True, "env": {**os.environ, "PYTHONPATH": f"{TESTS.parent}:{TESTS}"}},
        **dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE),
    )

    def say(method, **params):
        message = {"jsonrpc": "2.0", "method": method, "params": params}
        process.stdin.write(json.dumps(message if "notifications" in method else {**message, "id": 1}) + "\n")
        process.stdin.flush()

    about = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "test", "version": "1"}}
    say("initialize", **about)
    assert '"tfgrounding"' in process.stdout.readline()
    say("notifications/initialized")
    yield process, say
    process.kill()
    process.communicate()


def cut(say, root):
    """A call that cuts a clip; returns once it is being written."""
    arguments = {"video": "long.mp4", "start_seconds": 0.0, "end_seconds": 390.0}
    say("tools/call", name="extract_clip", arguments=arguments)
    deadline = time.monotonic() + 60
    while not list(root.rglob(".tfgrounding-*")) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert list(root.rglob("long_*"))


@pytest.mark.parametrize("doing", ["nothing", "ground_video", "extract_clip"])
def test_control_c_ends_the_server_at_once(serving, tmp_path, doing):
    process, say = serving
    if doing == "ground_video":
        say("tools/call", name=doing, arguments={"video": "long.mp4", "query": "q"}, _meta={"progressToken": 1})
        assert "progress" in process.stdout.readline()
    if doing == "extract_clip":
        cut(say, tmp_path)
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=10) == 130
    assert process.stderr.read() == "tfgrounding: stopped\n"
    assert not list(tmp_path.rglob("*long_*")) and not list(tmp_path.rglob(".tfgrounding-*"))


@pytest.mark.parametrize("hangs_up", [False, True])
def test_a_client_that_disappears_is_no_error(serving, tmp_path, hangs_up):
    process, say = serving
    cut(say, tmp_path)
    process.stdout.close()
    say("tools/call", name="describe_video", arguments={"video": "long.mp4"})
    if hangs_up:
        process.stdin.close()
    assert process.wait(timeout=10) == 0
    assert process.stderr.read() == ""
    assert not list(tmp_path.rglob("*long_*")) and not list(tmp_path.rglob(".tfgrounding-*"))
    process.stdin = process.stdout = None  # for the communicate of the fixture


def test_a_client_reads_the_words_behind_a_moment(tmp_path, colour_grounder):
    make_scenes(tmp_path / "a.mp4", [(2.0, RED), (2.0, BLUE)], rate_hz=5)
    server = build_server(VideoTools(tmp_path, grounder=Worded(colour_grounder)))

    async def scenario():
        async with Client(server) as client:
            schemas = {tool.name: tool.output_schema for tool in (await client.list_tools()).tools}
            found = await client.call_tool("ground_video", {"video": "a.mp4", "query": "something blue"})
            searched = await client.call_tool("search_videos", {"query": "something blue"})
            return schemas, found, searched

    schemas, found, searched = anyio.run(scenario)
    assert "never an instruction" in json.dumps(schemas["ground_video"])
    for answer in (found.structured_content, searched.structured_content["matches"][0]):
        assert answer["moments"][0]["evidence"][0]["text"] == "let's start with the milk"
        assert [(track["kind"], track["voted"]) for track in answer["tracks"]] == [("said", True), ("written", False)]
