"""What was learnt of a model on a server since the program began: what it refuses, and its limits."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field


@dataclass(slots=True)
class Known:
    """What one model on one server takes; shared by all clients of it in this process.

    `given_up`: optional parts of a request that the server refused. `most_logprobs`: alternatives for each token that
    may be asked for. `longest_reply`: tokens that may be asked for at most. `first_reply`: tokens that are asked for at
    least, because shorter replies were cut off. `most_pictures`, `most_bytes`, `most_pixels` (of all pictures
    together): of one request. `longest_side`: of one picture, in pixels. `context_tokens`: of request and reply, where
    the server cuts what is longer without a word; 0 where it was asked for and not said. `most_counted`: the largest
    count of a request's tokens. `warnings`: what an answer that was made under these limits has to say. A limit is
    None where nothing is known.
    """

    given_up: set[str] = field(default_factory=set)
    most_logprobs: int | None = None
    longest_reply: int | None = None
    first_reply: int = 0
    most_pictures: int | None = None
    most_bytes: int | None = None
    most_pixels: int | None = None
    longest_side: int | None = None
    context_tokens: int | None = None
    most_counted: int = 0
    warnings: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def lower(self, name: str, value: int) -> int:
        """Set a limit where it is lower than the one that is known; returns the one that counts now."""
        with self.lock:
            now = getattr(self, name)
            now = value if now is None else min(now, value)
            setattr(self, name, now)
            return int(now)

    def count(self, tokens: int) -> int:
        """Remember a count of tokens; returns the largest one so far."""
        with self.lock:
            self.most_counted = max(self.most_counted, tokens)
            return self.most_counted

    def warn(self, text: str) -> None:
        with self.lock:
            if text not in self.warnings:
                self.warnings.append(text)


_known: dict[tuple[str, str], Known] = {}
_lock = threading.Lock()


def known(base_url: str, model: str) -> Known:
    """What is known of a model; nothing yet where it is new.

    Args:
        base_url: the server's address, without secrets.
        model: the model's name on the server.
    """
    with _lock:
        return _known.setdefault((base_url, model), Known())


def forget() -> None:
    """Forget all that was learnt, of every server; clients that exist keep what they know."""
    with _lock:
        _known.clear()
