"""The end of a request that takes too long, whatever its server sends in the meantime."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any


class Deadline:
    """Closes the connection of one request at a time, from a thread of its own.

    A time-out of the transport counts from the last byte, so that a server that sends a byte now and then is never
    silent. Used as a context; `trace` goes into the request's extensions, where httpx reports what it does.

    `is_over`: whether the connection was closed for that.

    Args:
        until: the deadline of the whole request, as `time.monotonic()` counts.
        head_seconds: longest wait for the response's header, once the request has been sent.
    """

    def __init__(self, until: float, *, head_seconds: float) -> None:
        self.is_over = False
        self._until, self._head_seconds = until, head_seconds
        self._socket: Any = None
        self._timer: threading.Timer | None = None

    def __enter__(self) -> Deadline:
        self._set(self._until - time.monotonic())
        return self

    def __exit__(self, *problem: object) -> None:
        if self._timer is not None:
            self._timer.cancel()

    def trace(self, event: str, info: Mapping[str, Any]) -> None:
        """What httpx does for the request: the name of a step, and what it returned."""
        if event.endswith((".connect_tcp.complete", ".connect_unix_socket.complete", ".start_tls.complete")):
            self._socket = info["return_value"].get_extra_info("socket")
            if self.is_over:
                self._close()
        elif event.endswith(".send_request_body.complete"):
            self._set(min(self._head_seconds, self._until - time.monotonic()))
        elif event.endswith(".receive_response_headers.complete"):
            self._set(self._until - time.monotonic())

    def _set(self, seconds: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = threading.Timer(max(0.0, seconds), self._close)
        self._timer.daemon = True
        self._timer.start()

    def _close(self) -> None:
        self.is_over = True
        if isinstance(self._socket, socket.socket):
            with suppress(OSError):  # closed already
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)  # of the connection below TLS
