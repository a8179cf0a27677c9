"""What `tfgrounding doctor` found out about a model on a server, kept for later runs."""

from __future__ import annotations

import hashlib
import json
import logging
import re
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from ..errors import TFGroundingError, without_secrets
from ..files import write_atomically
from ..llm.servers import origin
from ..registry import ROWS
from ..tracks.cache import usual_folder
from .views import get_view

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
    path = profile_path(model, base_url)
    try:
        with path.open("rb") as file:
            content = file.read(LARGEST_FILE_BYTES + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        log.warning("%s: cannot be read (%s): no profile is used", path, error.strerror)
        return None
    try:
        return _checked(content, model, base_url)
    except (ValueError, TypeError, RecursionError) as error:
        log.warning("%s: %s: it is not used; tfgrounding doctor writes a new one", path, error)
        return None


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
    if not isinstance(data, dict) or data.get("format") != FORMAT:
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
        get_view(name)
    except TFGroundingError:
        return False
    return True
