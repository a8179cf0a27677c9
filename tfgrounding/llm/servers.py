"""Addresses of model servers, and which key may be sent to which of them."""

from __future__ import annotations

import os
import re
from urllib.parse import urlsplit, urlunsplit

from ..errors import ModelError, without_secrets

OPENAI_URL = "https://api.openai.com/v1"
_PORTS = {"http": 80, "https": 443}


def environment_url() -> str:
    """The server that OpenAI's environment variables are set for: OPENAI_BASE_URL, else the public service."""
    return os.environ.get("OPENAI_BASE_URL", "").strip() or OPENAI_URL


def origin(url: str) -> tuple[str, str, int]:
    """(scheme, host, port) of a server's address.

    Raises:
        ModelError: it is no http or https address.
    """
    try:
        parts = urlsplit(url)
        if parts.scheme in _PORTS and parts.hostname:
            return parts.scheme, parts.hostname, parts.port or _PORTS[parts.scheme]
    except ValueError:  # such as a port above 65535
        pass
    raise ModelError(f"{without_secrets(url)!r} is not the address of a server, such as http://127.0.0.1:8000/v1")


def is_environment_server(url: str) -> bool:
    """Whether OPENAI_API_KEY and OpenAI's other variables are set for this server: same scheme, host and port."""
    try:
        return origin(url) == origin(environment_url())
    except ModelError:
        return False


def find_key(url: str, *, variable: str) -> str | None:
    """The key in the environment that belongs to a server, None where there is none.

    `variable` names the key of whatever server the caller was told to use. OPENAI_API_KEY belongs to the host of
    OPENAI_BASE_URL, or to api.openai.com where that is not set, and goes to no other host.
    """
    key = os.environ.get(variable) or (os.environ.get("OPENAI_API_KEY") if is_environment_server(url) else None)
    return checked_key(key, variable) if key else None


def checked_key(key: str, name: str) -> str:
    """The key without blanks around it. Raises ModelError, which does not repeat it, where no request can carry it."""
    key = key.strip()
    if not re.fullmatch(r"[\x21-\x7e]+", key):
        raise ModelError(f"the key in {name} is empty or holds blanks or characters that are not ASCII")
    return key


def host_of(url: str) -> str:
    """The address of the server alone, without path and secrets."""
    return urlunsplit((*urlsplit(without_secrets(url))[:2], "", "", ""))
