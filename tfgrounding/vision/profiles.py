"""What `tfgrounding doctor` found out about a model on a server, kept for later runs."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import re
import stat
import tempfile
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ..errors import TFGroundingError, without_secrets
from ..files import write_atomically
from ..llm.servers import origin
from ..registry import ROWS
from ..tracks.cache_place import usual_folder
from .views import ClipYesNo, get_view

log = logging.getLogger(__name__)

FORMAT = 1
LARGEST_FILE_BYTES = 20_000
LARGEST_NUMBER = 1e9


@dataclass(frozen=True, slots=True)
class Profile:
    """What is known of one model on one server. 0, "" and None mean that it is not known.

    `view`: the way to show time that it reads best. `most_pictures`: in one request. `picture_tokens`: that one picture
    takes. `context_tokens`: that a request may have. `request_seconds`, `picture_seconds`: what a request takes, and
    each picture in it. `takes_schema`: whether replies follow a JSON schema. `gives_probability`: whether there are
    log-probabilities of yes and no. `measured`: the day, as YYYY-MM-DD.
    """

    view: str = ""
    most_pictures: int = 0
    picture_tokens: float = 0.0
    context_tokens: int = 0
    request_seconds: float = 0.0
    picture_seconds: float = 0.0
    takes_schema: bool | None = None
    gives_probability: bool | None = None
    measured: str = ""


def save_profile(model: str, base_url: str, profile: Profile) -> Path:
    """Keep a profile in the cache's folder, in place of an earlier one; it holds no key.

    Raises:
        TFGroundingError: it cannot be written.
    """
    path = profile_path(model, base_url)
    content = {"format": FORMAT, "model": model, "server": _server(base_url), **asdict(profile)}
    try:
        write_atomically(path, json.dumps(content, indent=1) + "\n")
    except OSError as error:
        raise TFGroundingError(f"{path}: cannot be written ({error.strerror})") from error
    return path


def find_profile(model: str, base_url: str) -> Profile | None:
    """The profile of a model on a server; None, with a warning in the log, where the file is not what was written."""
    profile, problem = read_profile(model, base_url)
    if problem:
        log.warning("%s", problem)
    return profile


def read_profile(model: str, base_url: str) -> tuple[Profile | None, str]:
    """The profile of a model on a server, None where there is none, and why an existing one is not used, else ""."""
    path = profile_path(model, base_url)
    try:
        with open(path, "rb", opener=_open_at_once) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise OSError(0, "it is no regular file")
            content = file.read(LARGEST_FILE_BYTES + 1)
        return _checked(content, model, base_url), ""
    except FileNotFoundError:
        return None, ""
    except OSError as error:
        return None, f"{path}: cannot be read ({error.strerror}): no profile is used"
    except (ValueError, TypeError, RecursionError) as error:
        return None, f"{path}: {error}: it is not used; tfgrounding doctor writes a new one"


def check_writable(model: str, base_url: str) -> None:
    """Raise TFGroundingError unless a profile can be kept: better known before requests are spent."""
    path = profile_path(model, base_url)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=path.parent) as file:
            file.write(b"0")
            file.flush()
    except OSError as error:
        raise TFGroundingError(
            f"{path.parent}: a profile cannot be kept there ({error.strerror or error}); set TFGROUNDING_CACHE to a "
            "folder that can be written, or use --no-keep"
        ) from error


def _open_at_once(path: str, flags: int) -> int:
    """Open a file without waiting, where it is a pipe, for somebody who writes into it."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def profile_path(model: str, base_url: str) -> Path:
    """Where the profile of a model on a server is kept. Raises ModelError where the address is none."""
    key = hashlib.sha256(f"{model}\n{_server(base_url)}".encode("utf-8", "replace")).hexdigest()[:16]
    readable = re.sub(r"[^A-Za-z0-9.-]+", "-", model)[:60].strip("-.")
    return usual_folder() / "profiles" / f"{readable or 'model'}-{key}.json"


def _server(base_url: str) -> str:
    """The address without secrets and parameters: one host may have several servers below different paths."""
    scheme, host, port = origin(without_secrets(base_url))
    return f"{scheme}://{host}:{port}{urlsplit(base_url).path.rstrip('/')}"


def _checked(content: bytes, model: str, base_url: str) -> Profile:
    """The profile in a file's content. Raises ValueError or TypeError where it holds anything unexpected."""
    if len(content) > LARGEST_FILE_BYTES:
        raise ValueError(f"a profile has at most {LARGEST_FILE_BYTES} bytes")
    data: dict[str, Any] = json.loads(content)
    if not isinstance(data, dict) or type(data.get("format")) is not int or data["format"] != FORMAT:
        raise ValueError("it is no profile of this version")
    if (data.get("model"), data.get("server")) != (model, _server(base_url)):
        raise ValueError("it is the profile of another model or server")
    values = {}
    for field in fields(Profile):
        value = data.get(field.name, field.default)
        if not _is_right(field.name, value):
            raise ValueError(f"{field.name} is not what it should be")
        values[field.name] = value
    return Profile(**values)


def _is_right(name: str, value: Any) -> bool:
    if name == "view":  # only what this package registers: other names could be code
        return value == "" or (isinstance(value, str) and value.partition(":")[0] in ROWS["views"] and _is_view(value))
    if name == "measured":
        return isinstance(value, str) and re.fullmatch(r"(\d{4}-\d\d-\d\d)?", value) is not None
    if name.startswith(("takes_", "gives_")):
        return value is None or isinstance(value, bool)
    whole = name in ("most_pictures", "context_tokens")
    is_number = isinstance(value, int if whole else int | float) and not isinstance(value, bool)
    return is_number and 0 <= value <= LARGEST_NUMBER  # nor NaN


def _is_view(name: str) -> bool:
    try:
        return not isinstance(get_view(name), ClipYesNo)  # which asks for no times
    except TFGroundingError:
        return False
