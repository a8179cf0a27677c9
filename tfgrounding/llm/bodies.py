"""The body of a response, read within bounds of size and time."""

from __future__ import annotations

import time
import zlib
from collections.abc import Iterator
from typing import Any

from .events import is_over, is_stream

_TAIL = 32  # bytes, in which the mark of a stream's end is found


class BodyError(Exception):
    """A body that is too long, too slow or damaged; the message says which."""


def read_body(response: Any, *, most_bytes: int, until: float, whole_seconds: float) -> bytes:
    """The body of an httpx response, up to the end of an event stream where it is one.

    Args:
        response: of which nothing was read yet; its connection has a time-out for silence.
        most_bytes: the longest body, after decompression.
        until: the deadline, as `time.monotonic()` counts.
        whole_seconds: the longest time for a body that comes at once. An event stream may take until the deadline.

    Raises:
        BodyError: one of the bounds is passed, or the compression is damaged or unknown.
    """
    is_events = "event-stream" in response.headers.get("content-type", "")
    slow = time.monotonic() + whole_seconds
    body = bytearray()
    for chunk in _chunks(response, most_bytes):
        body += chunk
        if len(body) > most_bytes:
            raise BodyError(f"a reply of more than {most_bytes} bytes")
        is_events = is_events or is_stream(bytes(body[:_TAIL]))
        if is_events and is_over(bytes(body[-len(chunk) - _TAIL :])):
            break
        if time.monotonic() > (until if is_events else min(until, slow)):
            raise BodyError("the reply came too slowly")
    return bytes(body)


def read_start(response: Any, *, most_bytes: int, seconds: float) -> bytes:
    """The first bytes of a body, of an error that may be of any length."""
    body, until = b"", time.monotonic() + seconds
    try:
        for chunk in _chunks(response, most_bytes):
            body += chunk
            if len(body) > most_bytes or time.monotonic() > until:
                break
    except BodyError:
        pass
    return body[:most_bytes]


def _chunks(response: Any, most_bytes: int) -> Iterator[bytes]:
    """A response's bytes as they come, each piece decompressed to little more than `most_bytes` at most."""
    coding = response.headers.get("content-encoding", "identity").strip().lower()
    if coding in ("identity", ""):
        yield from response.iter_raw()
        return
    if coding not in ("gzip", "x-gzip", "deflate"):
        raise BodyError(f"a reply in the compression {coding[:40]!r}, which was not asked for")
    unpack = zlib.decompressobj(wbits=47)  # gzip or zlib, by its first bytes
    try:
        for chunk in response.iter_raw():
            yield unpack.decompress(chunk, most_bytes + 1)
            if unpack.unconsumed_tail:
                raise BodyError(f"a reply of more than {most_bytes} bytes")
    except zlib.error:
        raise BodyError("a reply with damaged compression") from None
