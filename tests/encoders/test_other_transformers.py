"""Every family again, with the oldest transformers that pyproject.toml allows and with the newest there is."""

import os
import re
import subprocess
import sys
import sysconfig
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TESTS = ("tests/encoders/test_families.py", "tests/encoders/test_clip_models.py")


@pytest.mark.slow
@pytest.mark.parametrize("which", ["oldest", "newest"])
def test_every_family_with_another_transformers(which, tmp_path):
    needs = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    [oldest] = [need.partition(">=")[2] for need in needs if need.startswith("transformers>=")]
    pins = (ROOT / "constraints.txt").read_text().splitlines()
    constraints = tmp_path / "constraints.txt"
    constraints.write_text("\n".join(pin for pin in pins if not re.match("transformers|tokenizers", pin)))

    subprocess.run([sys.executable, "-m", "venv", tmp_path / "env"], check=True)
    python = tmp_path / "env" / "bin" / "python"
    install = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--constraint", constraints]
    wanted = f"transformers=={oldest}.*" if which == "oldest" else "transformers"
    subprocess.run([*install, wanted], check=True)
    own = Path(sysconfig.get_path("purelib", vars={"base": str(tmp_path / "env")}))
    (own / "rest.pth").write_text(sysconfig.get_path("purelib"))  # all else comes from the environment of this test

    settings = {**os.environ, "PYTHONPATH": str(ROOT)}
    version = [python, "-c", "import transformers; print(transformers.__version__)"]
    installed = subprocess.run(version, env=settings, capture_output=True, text=True).stdout.strip()
    print(f"transformers {installed}")
    assert installed.startswith(oldest) if which == "oldest" else not installed.startswith(oldest)
    tests = [python, "-m", "pytest", "-p", "no:cacheprovider", *TESTS]
    done = subprocess.run(tests, cwd=ROOT, env=settings, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-5000:]
