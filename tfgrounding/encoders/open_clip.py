"""The models of open_clip, run by a worker: open_clip needs torchvision, which not every build of PyTorch fits."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path

from ..errors import EncoderError
from .base import resolve_dtype
from .clip import CLIP_FLOOR
from .texts import language_of_model
from .worker import Worker, WorkerEncoder

WEIGHTS = ("*.safetensors", "*.bin", "*.pt", "*.pth", "*.npz")
HOW_TO_WRITE = "write open_clip:MODEL/PRETRAINED, open_clip:hf-hub:ORG/NAME or open_clip:FOLDER, and @PYTHON behind it"


class OpenClipEncoder(WorkerEncoder):
    """Any model of open_clip that compares pictures with texts: PE-Core, MobileCLIP2, DFN, EVA02, SigLIP 2 and others.

    Args:
        model: "MODEL/PRETRAINED" with a name of `open_clip.list_models()` and one of its weights (see
            `open_clip.list_pretrained()`), a file with weights, or a folder with one such file; "hf-hub:ORG/NAME"; or
            a folder with open_clip_config.json. What follows the last "@" is the path of the Python of an environment
            in which `import open_clip` works; without it, or with nothing after it, that is the Python that runs this.
        device: "auto", "cpu", "cuda", "cuda:N" or "mps", as the worker's own PyTorch names them.
        dtype: "auto" (float32 on a CPU, elsewhere bfloat16 or else float16), "float32", "float16" or "bfloat16".

    Raises:
        EncoderError: no such model, weights or Python, no open_clip in it, a device it does not have, or a worker that
            ended.
    """

    name = "open_clip"

    def __init__(self, model: str = "", *, device: str = "auto", dtype: str = "auto") -> None:
        resolve_dtype(dtype, "cpu")
        chosen, _, python = model.rpartition("@") if "@" in model else (model, "", "")
        if not chosen:
            raise EncoderError(f"open_clip needs a model: {HOW_TO_WRITE}")
        if not python and find_spec("open_clip") is None:
            raise EncoderError(
                "open_clip is not installed here: pip install 'tfgrounding[open-clip]', or put @PYTHON behind the "
                "model, with the path of the Python of an environment in which `pip install open_clip_torch` was run"
            )
        name, pretrained = _model_and_weights(chosen)
        worker = Worker(
            "open_clip", python or sys.executable, "open_clip_worker.py", device, dtype, name, str(pretrained)
        )
        super().__init__(worker)
        self.language = language_of_model("open_clip", worker.hello.get("vocabulary", 0))
        self.floor = None if worker.hello.get("biased") else CLIP_FLOOR  # biased: SigLIP and its like


def _model_and_weights(chosen: str) -> tuple[str, str]:
    """What `open_clip.create_model` takes as model name and as weights."""
    if chosen.startswith("hf-hub:"):
        return chosen, ""
    if (folder := _path(chosen)).is_dir():
        if not (folder / "open_clip_config.json").is_file():
            raise EncoderError(f"{chosen}: is a folder without open_clip_config.json")
        return f"local-dir:{folder}", ""
    if folder.is_file():
        raise EncoderError(f"{chosen}: is a file with weights; write its model before it, open_clip:MODEL/{chosen}")
    name, _, pretrained = chosen.partition("/")
    path = _path(pretrained)
    if not name or ("/" in pretrained and not path.exists()):
        raise EncoderError(f"{chosen}: there is no such folder or file with weights; {HOW_TO_WRITE}")
    if pretrained and path.is_dir():
        files = sorted(file for pattern in WEIGHTS for file in path.glob(pattern))
        if len(files) != 1:
            raise EncoderError(f"{pretrained}: holds {len(files)} files with weights; give the path of one")
        path = files[0]
    return name, str(path) if pretrained and path.is_file() else pretrained


def _path(text: str) -> Path:
    try:
        return Path(text).expanduser().absolute()
    except RuntimeError:  # ~ of a user who is not known
        return Path(text)
