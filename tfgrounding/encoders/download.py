"""Checkpoints from the hub: only the files that are needed, the type of the model checked before its weights."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from pathlib import Path

from ..errors import EncoderError
from .checkpoint_files import (
    CONFIG,
    LARGEST_JSON_BYTES,
    LARGEST_SMALL_FILE_BYTES,
    SMALL_FILES,
    WEIGHTS,
    missing_small_files,
    missing_weights,
    read_config,
    weight_files,
)

HUB_TIMEOUT_SECONDS = 5.0

_log = logging.getLogger(__name__)


def download(
    repo: str, revision: str, check: Callable[[Path], object], *, missing: Sequence[str] = (), only_texts: bool = False
) -> Path:
    """Bring what is missing of a checkpoint into the hub's cache; its size is said in the log before.

    Args:
        repo: such as "openai/clip-vit-base-patch32".
        revision: a branch, a tag or a commit.
        check: gets the folder when it holds config.json; raises EncoderError if that is not the model that is wanted.
        missing: what is known to be missing, for the message.
        only_texts: the model takes no pictures.

    Returns:
        The folder in the cache, named after the commit, with all that the checkpoint needs.

    Raises:
        EncoderError: the hub cannot be reached, or has no such checkpoint with all that is needed.
    """
    try:
        return _download(repo, revision, check, only_texts)
    except EncoderError:
        raise
    except Exception as error:  # the hub's client raises errors of its own, of its HTTP library and of the system
        raise EncoderError(
            f"{repo}: {f'its {missing[0]} is' if missing else 'its weights are'} not on this machine and could not be "
            f"downloaded ({why_unreachable(error)}); check the name and the connection, give a folder instead, or "
            "choose encoder embedded"
        ) from error


def _download(repo: str, revision: str, check: Callable[[Path], object], only_texts: bool) -> Path:
    from huggingface_hub import HfApi, hf_hub_download

    def fetch(name: str, revision: str) -> Path:
        return Path(hf_hub_download(repo, name, revision=revision, etag_timeout=HUB_TIMEOUT_SECONDS))

    def listing(revision: str) -> tuple[str | None, dict[str, int]]:
        info = HfApi().model_info(repo, revision=revision, files_metadata=True, timeout=HUB_TIMEOUT_SECONDS)
        return info.sha, {file.rfilename: file.size or 0 for file in info.siblings or ()}

    # first, because it is asked for once only: a download is tried again for minutes where nobody answers
    commit, sizes = listing(revision)
    if CONFIG not in sizes:
        raise EncoderError(f"{repo}: holds no checkpoint that can be loaded: it has no {CONFIG}")
    _check_size(repo, CONFIG, sizes, LARGEST_JSON_BYTES)
    folder = fetch(CONFIG, revision).parent  # named after the commit; a branch is remembered with it
    if folder.name != commit:
        _, sizes = listing(folder.name)
    read_config(folder)
    check(folder)
    weights = _weights(repo, folder, sizes, fetch)
    small = [name for name in SMALL_FILES if name in sizes and not (folder / name).is_file()]
    for name in small:
        _check_size(repo, name, sizes, LARGEST_SMALL_FILE_BYTES)
    if small or weights:
        total = sum(sizes[name] for name in (*small, *weights))
        _log.warning("downloading %s, %s, into the hub's cache (once)", repo, size_in_words(total))
    for name in small:
        fetch(name, folder.name)
    if missing := missing_small_files(folder, only_texts=only_texts):
        raise EncoderError(f"{repo}: holds no checkpoint that can be loaded: it has no {missing[0]}")
    for name in weights:
        fetch(name, folder.name)
    return folder


def _weights(repo: str, folder: Path, sizes: dict[str, int], fetch: Callable[[str, str], Path]) -> list[str]:
    """The files of weights that must be downloaded: none where the folder has them in any form, else one form."""
    if not missing_weights(folder):
        return []
    form = next((form for form in WEIGHTS if form in sizes), None)
    if form is None:
        raise EncoderError(f"{repo}: holds no checkpoint that can be loaded: it has no {WEIGHTS[0]} or {WEIGHTS[2]}")
    if form.endswith(".json"):
        _check_size(repo, form, sizes, LARGEST_JSON_BYTES)
        fetch(form, folder.name)
    names = weight_files(folder, form)
    if absent := [name for name in names if name not in sizes]:
        raise EncoderError(f"{repo}: its {form} names {absent[0]}, which it does not have")
    return [name for name in names if not (folder / name).is_file()]


def _check_size(repo: str, name: str, sizes: dict[str, int], largest_bytes: int) -> None:
    if sizes[name] > largest_bytes:
        raise EncoderError(
            f"{repo}: its {name} has {size_in_words(sizes[name])}; at most {size_in_words(largest_bytes)} are read"
        )


def size_in_words(size_bytes: int) -> str:
    """Such as "75.5 MB"."""
    return f"{size_bytes / 1e9:.2f} GB" if size_bytes >= 1e9 else f"{size_bytes / 1e6:.1f} MB"


def why_unreachable(error: Exception) -> str:
    """Why something could not be had from the hub, in words."""
    from huggingface_hub import errors

    if isinstance(error, errors.OfflineModeIsEnabled):
        return "HF_HUB_OFFLINE is set"
    if isinstance(error, errors.GatedRepoError):
        return "its owner asks for an account: accept the conditions on its page, and set HF_TOKEN"
    if isinstance(error, errors.RepositoryNotFoundError):
        return "the hub has no such repository, or it is private"
    if isinstance(error, errors.RevisionNotFoundError):
        return "the hub has the repository, but not this revision"
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[0][:300]}" if lines else type(error).__name__
