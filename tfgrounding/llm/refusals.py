"""What can go wrong when a model server is asked."""

from __future__ import annotations

from collections.abc import Mapping

from ..errors import ModelError
from .limits import Limit


class RefusedError(ModelError):
    """The server refuses the key, or has no such address or model: every further request would fail as well."""


class NoReplyError(ModelError):
    """The server gave no usable reply, however often it was asked."""


class NotAcceptedError(ModelError):
    """The server does not accept the request as it is; `reason` is what it said, `limit` what was exceeded."""

    def __init__(self, message: str, reason: str, limit: Limit | None = None) -> None:
        super().__init__(message)
        self.reason, self.limit = reason, limit


class StatusError(Exception):
    """An answer with an error status or a redirect."""

    def __init__(self, code: int, headers: Mapping[str, str], body: bytes) -> None:
        super().__init__(code)
        self.code, self.headers, self.body = code, headers, body


class AgainError(Exception):
    """A request that may succeed if it is sent again.

    `pause_seconds`: that the server asks for, 0 for none. `is_wait`: the model is loading, or a pause was asked for,
    which does not count as a try. `is_rate`: there were too many requests of all threads. `is_timeout`: it was silent.
    """

    def __init__(
        self,
        problem: str,
        pause_seconds: float = 0.0,
        *,
        is_wait: bool = False,
        is_rate: bool = False,
        is_timeout: bool = False,
    ) -> None:
        super().__init__(problem)
        self.pause_seconds, self.is_wait, self.is_rate, self.is_timeout = pause_seconds, is_wait, is_rate, is_timeout
