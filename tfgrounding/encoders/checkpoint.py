"""Where a checkpoint is: in a folder, in the hub's cache on this machine, or on the hub."""

from __future__ import annotations

import hashlib
import json
import logging
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import EncoderError

HUB_TIMEOUT_SECONDS = 5.0
FILES_TO_DIGEST = ("*.json", "*.txt", "*.model", "*.safetensors", "*.bin")

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A folder with weights, and which ones they are: `revision` is hub id @ commit, or a digest of the files."""

    folder: Path
    revision: str


def is_on_disk(name: str) -> bool:
    """Whether that checkpoint, a folder or a hub id, is complete on this machine. Never touches the network."""
    return _is_complete(_local_folder(name))


def find(name: str) -> Checkpoint:
    """The checkpoint of that name, downloaded from the hub if it is not on this machine yet.

    Args:
        name: a folder, or a hub id such as "openai/clip-vit-base-patch32", with "@REVISION" for another than "main".

    Returns:
        A Checkpoint whose folder is complete.

    Raises:
        EncoderError: no such checkpoint, no weights in it, or the hub cannot be reached.
    """
    folder = _local_folder(name)
    if not _is_complete(folder):
        if _looks_like_a_folder(name):
            raise EncoderError(
                f"{name}: is not a folder with a checkpoint (config.json and *.safetensors or pytorch_model*.bin)"
            )
        folder = _download(name)
    if Path(name).is_dir():
        return Checkpoint(folder, f"sha256:{_digest(folder)}")
    return Checkpoint(folder, f"{name.partition('@')[0]}@{folder.name}")


def read_json(folder: Path, name: str) -> dict[str, Any]:
    """A JSON file of the checkpoint; empty if it has none. Raises EncoderError if it is not JSON."""
    path = folder / name
    if not path.is_file():
        return {}
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise EncoderError(f"{path}: is not JSON ({error})") from error


def _looks_like_a_folder(name: str) -> bool:
    return Path(name).is_dir() or name.startswith((".", "/", "~")) or name.count("/") != 1 or os.sep + os.sep in name


def _local_folder(name: str) -> Path:
    """The folder where the checkpoint would be complete, whether it is or not."""
    if _looks_like_a_folder(name):
        return Path(name).expanduser()
    from huggingface_hub import try_to_load_from_cache

    repo, _, revision = name.partition("@")
    config = try_to_load_from_cache(repo, "config.json", revision=revision or None)
    return Path(config).parent if isinstance(config, str) else Path(os.devnull)


def _is_complete(folder: Path) -> bool:
    if not (folder / "config.json").is_file():
        return False
    for index in folder.glob("*.index.json"):
        shards = set(read_json(folder, index.name).get("weight_map", {}).values())
        if shards and all((folder / shard).is_file() for shard in shards):
            return True
    return any((folder / name).is_file() for name in ("model.safetensors", "pytorch_model.bin"))


def _download(name: str) -> Path:
    from huggingface_hub import HfApi, snapshot_download

    repo, _, revision = name.partition("@")
    try:
        info = HfApi().model_info(repo, revision=revision or None, files_metadata=True, timeout=HUB_TIMEOUT_SECONDS)
        sizes = {file.rfilename: file.size or 0 for file in info.siblings or () if "/" not in file.rfilename}
        weights = [f for f in sizes if f.endswith(".safetensors")] or [f for f in sizes if f.endswith(".bin")]
        wanted = [*weights, *(f for f in sizes if f.endswith((".json", ".txt", ".model")))]
        if not weights or "config.json" not in sizes:
            raise EncoderError(
                f"{name}: holds no checkpoint that can be loaded (config.json and *.safetensors or *.bin)"
            )
        total = sum(sizes[file] for file in wanted)
        _log.warning("downloading %s, %.2f GB, into the hub's cache (once)", name, total / 1e9)
        return Path(snapshot_download(repo, revision=info.sha, allow_patterns=wanted, etag_timeout=HUB_TIMEOUT_SECONDS))
    except EncoderError:
        raise
    except Exception as error:  # the hub's client raises errors of its own, of its HTTP library and of the system
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise EncoderError(
            f"{name}: its weights are not on this machine and could not be downloaded ({type(error).__name__}: "
            f"{reason}); check the name and the connection, give a folder instead, or choose encoder embedded"
        ) from error


def _digest(folder: Path) -> str:
    """SHA-256 over the names and contents of the files that make the checkpoint."""
    total = hashlib.sha256()
    for path in sorted({path for pattern in FILES_TO_DIGEST for path in folder.glob(pattern)}):
        with path.open("rb") as file:
            total.update(f"{path.name}:{hashlib.file_digest(file, 'sha256').hexdigest()}\n".encode())
    return total.hexdigest()
