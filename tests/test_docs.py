"""docs/extending.md: every block is written to a file or run, in order, as a reader would."""

import re
import shlex
import sys
import tomllib
from pathlib import Path

import pytest
from videos import RED, make_scenes

from tfgrounding.cli import app

PAGE = Path(__file__).resolve().parents[1] / "docs" / "extending.md"
FENCES = re.finditer(r"^```(\w+)\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
BLOCKS = [(fence[1], fence[2], fence.string.count("\n", 0, fence.start(2))) for fence in FENCES]
FILES = {block.split("\n")[0].removeprefix("# "): block for _, block, _ in BLOCKS if re.match(r"# [\w.]+\n", block)}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """The reader's folder: the video, and each file as it appears on the page."""
    modules = set(sys.modules)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])  # as for a script that lies there
    monkeypatch.chdir(tmp_path)
    make_scenes(tmp_path / "video.mp4", [(2.0, RED), (2.0, (0, 0, 90))])
    yield tmp_path
    for name in {Path(file).stem for file in FILES} & (set(sys.modules) - modules):
        del sys.modules[name]


def installed(folder, pyproject):
    """What pip would leave beside the modules: their entry points."""
    project = tomllib.loads(pyproject)["project"]
    about = folder / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    about.mkdir()
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n")
    groups = [
        f"[{group}]\n" + "".join(f"{name} = {place}\n" for name, place in points.items())
        for group, points in project["entry-points"].items()
    ]
    (about / "entry_points.txt").write_text("\n".join(groups))


def run(folder, line, monkeypatch, capsys):
    command, *arguments = shlex.split(line)
    if line == "pip install .":
        return installed(folder, FILES["pyproject.toml"])
    assert command == "tfgrounding", line
    monkeypatch.setattr(sys, "argv", [command, *arguments])
    with pytest.raises(SystemExit) as left:
        app.main()
    out, err = capsys.readouterr()
    assert not left.value.code and out, f"{line}\n{err}"


def test_every_block_of_the_page_works(folder, monkeypatch, capsys):
    for language, block, line in BLOCKS:
        name = block.split("\n")[0].removeprefix("# ")
        if name in FILES:
            (folder / name).write_text(block, encoding="utf-8")
        elif language == "python":
            code = compile("\n" * line + block, str(PAGE), "exec")  # so that a failure shows the line of the page
            exec(code, {"__name__": "__main__"})
        else:
            assert language == "sh", f"{language} blocks are not run: say what to do with them"
            for command in block.splitlines():
                run(folder, command, monkeypatch, capsys)


def test_an_encoder_takes_thirty_lines():
    assert len(FILES["my_encoder.py"].splitlines()) <= 30
