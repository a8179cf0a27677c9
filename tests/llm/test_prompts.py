"""Prompts are found from the wheel, from an editable install and from a bare checkout."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tfgrounding.errors import TFGroundingError
from tfgrounding.llm.prompting import prompts

ROOT = Path(__file__).resolve().parents[2]
NAMES = sorted(path.stem for path in (ROOT / "prompts").glob("*.md"))
SHOW = (
    "import os, sys; sys.path[:0] = sys.argv[1].split(os.pathsep)\n"
    "from tfgrounding.llm import prompting\n"
    "print(prompting.__file__)\n"
    "for name in sys.argv[2:]: print(name, prompting.prompts(name).digest)"
)


def shown_from(*folders: Path, cwd: Path) -> list[str]:
    """Where a fresh Python that looks in `folders` first finds the package, and the digests of its prompts."""
    clean = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    command = [sys.executable, "-P", "-c", SHOW, os.pathsep.join(map(str, folders)), *NAMES]
    done = subprocess.run(command, cwd=cwd, env=clean, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


@pytest.fixture(scope="module")
def digests():
    return [f"{name} {prompts(name).digest}" for name in NAMES]


def test_bare_checkout(digests, tmp_path):
    found, *told = shown_from(ROOT, cwd=tmp_path)
    assert Path(found).parents[1] == ROOT / "tfgrounding" and told == digests


def test_wheel(digests, tmp_path):
    build = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    subprocess.run([*build, "--wheel-dir", tmp_path, ROOT], check=True, capture_output=True)
    (wheel,) = tmp_path.glob("tfgrounding-*.whl")
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index"]
    subprocess.run([*install, "--target", tmp_path / "site", wheel], check=True, capture_output=True)
    found, *told = shown_from(tmp_path / "site", cwd=tmp_path)
    assert Path(found).parents[1] == tmp_path / "site" / "tfgrounding" and told == digests
    assert (tmp_path / "site" / "tfgrounding" / "prompts").is_dir()


def test_editable_install(digests, tmp_path):
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--no-build-isolation"]
    subprocess.run([*install, "--target", tmp_path / "site", "--editable", ROOT], check=True, capture_output=True)
    assert not list((tmp_path / "site").rglob("*.py"))  # a pointer to the checkout, not a copy
    (pointer,) = (tmp_path / "site").glob("*.pth")
    checkout = Path(pointer.read_text(encoding="utf-8").strip())
    found, *told = shown_from(tmp_path / "site", checkout, cwd=tmp_path)
    assert Path(found).parents[1] == ROOT / "tfgrounding" and told == digests


def test_every_prompt_states_its_version_and_only_known_fields():
    for name in NAMES:
        prompt = prompts(name)
        assert prompt.version.isdigit() and not prompt.text.startswith("version")
        for field in ("{schema}", "{query}", "{frames}"):
            assert prompt.text.count(field) <= 1
    assert "the schema stands here" in prompts("plan.en").fill(schema="the schema stands here")
    with pytest.raises(TFGroundingError, match=r"no field .colour"):
        prompts("plan.en").fill(colour="red")


def test_an_unknown_prompt_names_the_known_ones():
    with pytest.raises(TFGroundingError, match=r"plan\.en, plan\.zh"):
        prompts("poem")


def test_braces_in_a_query_are_text():
    filled = prompts("numpro.percent").fill(count="8", steps="100", query="a {steps} of {count} {query}")
    assert '"a {steps} of {count} {query}"' in filled and "8 frames" in filled


def test_another_package_with_a_folder_of_prompts_is_left_alone(tmp_path):
    package = tmp_path / "site" / "tfgrounding"
    shutil.copytree(ROOT / "tfgrounding", package, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "prompts", package / "prompts")
    foreign = tmp_path / "site" / "prompts"
    foreign.mkdir()
    (foreign / "poem.md").write_text("no version", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-c", "from tfgrounding.llm.prompting import prompt_names; print(*prompt_names())"],
        cwd=tmp_path / "site",
        env={**os.environ, "PYTHONPATH": str(tmp_path / "site")},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == NAMES
