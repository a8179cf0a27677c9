"""The packages import one way: the contract holds here, and fails on an import that was planted to break it."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


def checked(folder: Path) -> subprocess.CompletedProcess:
    command = [sys.executable, "-P", "-c", "import sys; sys.path.insert(0, '.'); from importlinter.cli import "]
    command[-1] += "lint_imports_command as main; main(['--no-cache'])"
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    shutil.copytree(ROOT / "tfgrounding", tmp_path / "tfgrounding", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return tmp_path


def test_the_contract_holds(checkout: Path) -> None:
    done = checked(checkout)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("module", "planted"),
    [
        ("media/decode.py", "from ..engines.grounder import Grounder\n"),
        ("types.py", "def late():\n    from .show import report\n"),
        ("localizers/base.py", "from ..vision import views\n"),
    ],
)
def test_an_upward_import_breaks_it(checkout: Path, module: str, planted: str) -> None:
    path = checkout / "tfgrounding" / module
    path.write_text(path.read_text(encoding="utf-8") + planted, encoding="utf-8")
    done = checked(checkout)
    name = "tfgrounding." + module.removesuffix(".py").replace("/", ".")
    assert done.returncode == 1 and f"{name} -> tfgrounding" in done.stdout, done.stdout


def test_a_package_that_is_in_no_layer_breaks_it(checkout: Path) -> None:
    (checkout / "tfgrounding" / "helpers.py").write_text("", encoding="utf-8")
    assert checked(checkout).returncode == 1


def test_only_engines_name_engines() -> None:
    """No other module compares an engine's name: what an engine can do is asked of the engine."""
    compares = re.compile(r"""engine(?:\.name)?\s*(?:==|!=|in|not in)\s*[("']|["']\s*(?:==|!=)\s*\w*engine""")
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in (ROOT / "tfgrounding").rglob("*.py")
        if path.parent.name != "engines"
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
        if compares.search(line)
    ]
    assert not found
