"""The README's scripts and commands run as they are shown; so does the README's script of version 0.1."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import typer.main
from reader import serve
from videos import BLUE, GREEN, RED, make_scenes

import tfgrounding
from tfgrounding.cli import app as cli

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
AGENTS = (ROOT / "docs" / "agents.md").read_text(encoding="utf-8")
VISION_MODELS = ("qwen2.5-vl-7b@http://127.0.0.1:8000/v1", "local:FOLDER-OR-HUB-ID")
NAMES_OF_0_1 = (
    *("Frames", "Grounder", "Grounding", "Moment", "Pictures", "Plan", "SubEvent", "TFGroundingError"),
    *("VideoFeatures", "VideoInfo", "ground", "ground_curves", "iter_frames", "probe"),
)
SCRIPT_OF_0_1 = """
from tfgrounding import Grounder, ground

answer = ground("kitchen.mp4", "she pours the milk")
answer.moments[0].start_seconds, answer.moments[0].end_seconds

grounder = Grounder(encoder="embedded")  # load once,
features = grounder.encode_video("kitchen.mp4")  # encode once,
for query in ["she pours the milk", "the dog comes in, then it barks"]:
    print(query, grounder.ground(features, query).moments[0])  # ask often
answer.to_dict(), answer.curve, answer.pts_seconds, answer.present, answer.warnings

Grounder(engine="numpro", vlm="qwen2.5-vl-7b@http://127.0.0.1:8000/v1").ground("kitchen.mp4", "she pours the milk")
Grounder(engine="hybrid", vlm="local:FOLDER-OR-HUB-ID")  # curves propose, the vision LLM corrects
Grounder(engine="cascade", vlm="local:FOLDER-OR-HUB-ID")  # curves choose short clips, the vision LLM says yes or no

from tfgrounding.tools import TOOLS, VideoTools, openai_tools
from tfgrounding.export import export
from tfgrounding.report import write_report
from tfgrounding.clips import clip_name, cut_clip, cut_moments
from tfgrounding.metrics import qvhighlights
openai_tools(), VideoTools(".").call("ground_video", '{"video": "kitchen.mp4", "query": "she pours the milk"}')
"""


def blocks(page: str, language: str) -> list[str]:
    every = re.findall(r"^```(\w*)\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    return [block for name, block in every if name == language]


def commands(page: str) -> list[str]:
    """The lines of a page that begin with the program's name, continued ones joined."""
    lines = "\n".join(blocks(page, "")).replace("\\\n", " ").splitlines()
    return [line.removeprefix("$ ") for line in lines if re.match(r"(\$ )?tfgrounding ", line)]


@pytest.fixture(scope="module")
def kitchen(tmp_path_factory, embedded_encoder) -> Path:
    return make_scenes(tmp_path_factory.mktemp("readme") / "kitchen.mp4", [(2.0, RED), (2.0, GREEN), (2.0, BLUE)])


@pytest.fixture
def here(kitchen, tmp_path, monkeypatch) -> Path:
    """A folder that holds kitchen.mp4."""
    shutil.copy(kitchen, tmp_path)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def execute(script: str, address: str) -> None:
    for name in VISION_MODELS:
        script = script.replace(name, f"reader@{address}")
    exec(compile(script, "README.md", "exec"), {})


def test_every_name_of_version_0_1_is_given_by_an_import_of_all():
    program = f"from tfgrounding import *\nprint([name for name in {NAMES_OF_0_1} if name not in globals()])"
    assert subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout == "[]\n"
    assert set(NAMES_OF_0_1) <= set(tfgrounding.__all__)


@pytest.mark.parametrize("script", ["\n".join(blocks(README, "python")), SCRIPT_OF_0_1], ids=["today", "0.1"])
def test_the_scripts_run(here, script, capsys):
    with serve(lambda request: "from frame 2 to frame 3") as address:
        execute(script, address)
    assert capsys.readouterr().out.count("start_seconds=") == 2


def test_the_commands_run(here, kitchen, monkeypatch, capsys):
    run, read = [], []
    for line in commands(README):
        arguments = shlex.split(line, comments=True)[1:]
        if arguments[0] in ("ground", "report", "export", "plan", "encode", "transcript"):
            shutil.copy(kitchen, here / "bikes.mp4")
            monkeypatch.setattr(sys, "argv", ["tfgrounding", *arguments])
            with pytest.raises(SystemExit) as left:
                cli.main()
            out, err = capsys.readouterr()
            assert not left.value.code, (line, err)
            run.append(line)
            if arguments[0] == "plan":
                assert out in README
        else:  # needs a data set: only its options are read
            command = typer.main.get_command(cli.app).commands[arguments[0]]
            command.make_context(arguments[0], arguments[1:])
            read.append(arguments[0])
    assert len(run) == 10 and read == ["eval", "eval", "compare", "needle", "mcp"]
    assert {"answer.json", "report.html", "moments.srt", "moments.edl", "clips"} <= {
        path.name for path in here.iterdir()
    }


def test_every_command_and_path_that_is_named_exists():
    known = typer.main.get_command(cli.app).commands
    for page in (README, AGENTS):
        for name in re.findall(r"(?:`|^|\$ )tfgrounding ([a-z]+) ", page, re.MULTILINE):
            assert name in known, name
        for link in re.findall(r"\]\(([\w./-]+)\)", page):
            assert (ROOT / link).exists() or (ROOT / "docs" / link).exists(), link


def test_the_tree_names_every_package():
    tree = re.search(r"^tfgrounding/\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)[1]
    named = set(re.findall(r"^  ?\s*(\w+)/ ", tree, re.MULTILINE))
    packages = {path.name for path in (ROOT / "tfgrounding").iterdir() if (path / "__init__.py").exists()}
    assert packages <= named
    modules = {path.name for path in (ROOT / "tfgrounding").glob("*.py") if not path.name.startswith("_")}
    assert modules == set(re.findall(r"\w+\.py", tree.splitlines()[0]))


class FakeOpenAI:
    """Asks for one tool call and then ends, as in the page's loop."""

    def __init__(self) -> None:
        self.chat = self.completions = self
        self.asked = 0

    def create(self, **request):
        from openai.types.chat import ChatCompletion

        assert request["tools"]
        self.asked += 1
        message = {"role": "assistant", "content": "At 2 s."}
        if self.asked == 1:
            function = {"name": "search_videos", "arguments": '{"query": "a dog"}'}
            message |= {"tool_calls": [{"id": "1", "type": "function", "function": function}]}
        else:
            assert '"matches"' in request["messages"][-1]["content"]
        choice = {"index": 0, "finish_reason": "stop", "message": message}
        return ChatCompletion.model_validate(
            {"id": "1", "object": "chat.completion", "created": 0, "model": "m", "choices": [choice]}
        )


def test_the_loop_for_openais_api_runs(here, monkeypatch, capsys):
    import openai

    monkeypatch.setattr(openai, "OpenAI", FakeOpenAI)
    (loop,) = (block for block in blocks(AGENTS, "python") if "OpenAI()" in block)
    exec(compile(loop.replace("/home/me/Videos", str(here)), "agents.md", "exec"), {})
    assert capsys.readouterr().out == "At 2 s.\n"
