"""Where a checkpoint is: in a folder, in the hub's cache on this machine, or on the hub."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from ..errors import EncoderError
from .checkpoint_files import missing_small_files, missing_weights, read_config, read_json

FILES_TO_DIGEST = ("*.json", "*.txt", "*.model", "*.safetensors", "*.bin")
HUB_ID = re.compile(r"(?!.*(?:\.\.|--))(?P<repo>\w[\w.-]*/\w[\w.-]*)(?:@(?P<revision>\w[\w./-]*))?", re.ASCII)

__all__ = ["Checkpoint", "find", "missing_on_disk", "read_json"]


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A folder with weights, and which ones they are: `revision` is hub id @ commit, or a digest of the files.

    `is_own`: it is a folder of the user's, not one in the hub's cache.
    """

    folder: Path
    revision: str
    is_own: bool = False


def missing_on_disk(name: str) -> list[str] | None:
    """What a checkpoint, a folder or a hub id, lacks on this machine. Never touches the network.

    Returns:
        The names of the missing files; None where its weights are not here.

    Raises:
        EncoderError: a file that is here cannot be one of a checkpoint.
    """
    hub = _hub_id(name)
    folder = Path(name).expanduser() if hub is None else _cached_folder(*hub)
    if folder is None or missing_weights(folder):
        return None
    return missing_small_files(folder)


def find(name: str, check: Callable[[Path], object] = lambda folder: None, *, only_texts: bool = False) -> Checkpoint:
    """The checkpoint of that name, downloaded from the hub as far as it is not on this machine yet.

    Args:
        name: a folder, or a hub id such as "openai/clip-vit-base-patch32", with "@REVISION" for another than "main".
        check: gets the folder as soon as it holds config.json and before weights are downloaded; raises EncoderError
            if it is not the model that is wanted.
        only_texts: the model takes no pictures, so nothing need say how to prepare them.

    Returns:
        A Checkpoint whose folder is complete.

    Raises:
        EncoderError: no such checkpoint, a file of it is missing, or the hub cannot be reached.
    """
    try:
        hub = _hub_id(name)
        if hub is None:
            return _in_folder(name, check, only_texts)
        repo, revision = hub
        folder = _cached_folder(repo, revision)
        missing = (
            None if folder is None else [*missing_small_files(folder, only_texts=only_texts), *missing_weights(folder)]
        )
        if folder is None or missing:
            from .download import download

            folder = download(
                repo,
                revision if folder is None else folder.name,
                check,
                missing=missing or (),
                only_texts=only_texts,
            )
        else:
            check(folder)
        return Checkpoint(folder, f"{repo}@{folder.name}")
    except (OSError, RuntimeError) as error:  # a folder that may not be read; no home folder for "~"
        raise EncoderError(f"{name}: cannot be read ({error})") from error


def _in_folder(name: str, check: Callable[[Path], object], only_texts: bool) -> Checkpoint:
    folder = Path(name).expanduser()
    if not folder.is_dir():
        raise EncoderError(f"{name}: is not a folder with a checkpoint: there is no such folder")
    if read_config(folder):
        check(folder)
    if missing := [*missing_weights(folder), *missing_small_files(folder, only_texts=only_texts)]:
        raise EncoderError(f"{name}: is not a folder with a checkpoint that can be used: it has no {missing[0]}")
    return Checkpoint(folder, f"sha256:{_digest(folder)}", is_own=True)


def _hub_id(name: str) -> tuple[str, str] | None:
    """(repository, revision) that the name of a hub's checkpoint consists of; None for a folder."""
    found = HUB_ID.fullmatch(name)
    return None if found is None or Path(name).is_dir() else (found["repo"], found["revision"] or "main")


def _cached_folder(repo: str, revision: str) -> Path | None:
    """The folder of that revision in the hub's cache, whether it is complete or not."""
    from huggingface_hub import try_to_load_from_cache

    config = try_to_load_from_cache(repo, "config.json", revision=revision)
    return Path(config).parent if isinstance(config, str) else None


def _digest(folder: Path) -> str:
    """SHA-256 over the names and contents of the files that make the checkpoint."""
    total = hashlib.sha256()
    for path in sorted({path for pattern in FILES_TO_DIGEST for path in folder.glob(pattern)}):
        with path.open("rb") as file:
            total.update(f"{path.name}:{hashlib.file_digest(file, 'sha256').hexdigest()}\n".encode())
    return total.hexdigest()
