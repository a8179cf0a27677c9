"""Addresses of model servers, and which key may be sent to which of them."""

from __future__ import annotations

import base64
import os
import re
from urllib.parse import parse_qsl, quote, unquote, urlsplit, urlunsplit

from ..errors import ModelError, without_secrets

OPENAI_URL = "https://api.openai.com/v1"
SHORTEST_SECRET = 8  # characters; a shorter key is a placeholder, and may be part of any word
_SECRET_NAME = re.compile("key|token|secret|code|sig|pass|auth", re.IGNORECASE)  # of parameters of an address
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
    raise ModelError(f"{shown(url)!r} is not the address of a server, such as http://127.0.0.1:8000/v1")


def shown(text: str) -> str:
    """What was given as an address or as NAME@ADDRESS, for a message: without a password even where it is neither."""
    before, at, address = text.rpartition("@")
    address = re.split(r"[?#]", address)[0]
    is_name = "@" not in before and re.match(r"[A-Za-z][A-Za-z0-9+.-]*://", address)
    return without_secrets(f"{before if is_name else '***'}@{address}" if at else address)


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
    for name in (variable, "OPENAI_API_KEY") if is_environment_server(url) else (variable,):
        if key := os.environ.get(name):
            return checked_key(key, name)
    return None


def secrets_of(url: str, key: str | None) -> tuple[str, ...]:
    """What a server may repeat of a key and of an address, in every form in which it was sent; the longest first."""
    parts = urlsplit(url)
    user, password = unquote(parts.username or ""), unquote(parts.password or "")
    plain = [key or "", password, parts.password or ""]
    plain += [value for name, value in parse_qsl(parts.query) if _SECRET_NAME.search(name)]
    encoded = [quote(text, safe="") for text in plain]
    basic = base64.b64encode(f"{user}:{password}".encode()).decode() if password else ""
    known = {text for text in (*plain, *encoded, basic) if len(text) >= SHORTEST_SECRET} | {basic}
    return tuple(sorted(known - {""}, key=len, reverse=True))


def checked_key(key: str, name: str) -> str:
    """The key without blanks around it. Raises ModelError, which does not repeat it, where no request can carry it."""
    key = key.strip()
    if not re.fullmatch(r"[\x21-\x7e]+", key):
        raise ModelError(f"the key in {name} is empty or holds blanks or characters that are not ASCII")
    return key


def host_of(url: str) -> str:
    """The address of the server alone, without path and secrets; nothing where it is no address."""
    try:
        return urlunsplit((*urlsplit(without_secrets(url))[:2], "", "", ""))
    except ValueError:
        return ""
