"""A model server on loopback that misbehaves on order, and keeps count of what it was asked."""

from __future__ import annotations

import asyncio
import json
import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

GOOD = {
    "language": "en",
    "relation": "sequentially",
    "paraphrases": ["Somebody opens a door and goes in."],
    "events": [{"descriptions": ["A man opens a door."]}, {"descriptions": ["A man walks in."]}],
}


def completion(content: str, *, finish: str = "stop", **choice: Any) -> bytes:
    """The body of a chat completion whose message is `content`."""
    message = {"role": "assistant", "content": content}
    usage = {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120}
    choices = [{"index": 0, "message": message, "finish_reason": finish, **choice}]
    return json.dumps(
        {"id": "1", "object": "chat.completion", "model": "mock", "choices": choices, "usage": usage}
    ).encode()


def answer(**changes: Any) -> str:
    return json.dumps({**GOOD, **changes}, ensure_ascii=False)


def asked_for(request: dict[str, Any]) -> str:
    """The query of a planner's conversation, "" for any other request."""
    try:
        return json.loads(request["messages"][1]["content"])["query"]
    except (LookupError, TypeError, ValueError):
        return ""


class Server:
    """`behave(query, nth request for it, the request's body)` says what comes back: bytes (a 200), or (status, headers,
    bytes), or "drop", "drip", "hang", or a list of bytes to be sent as they are, seconds to wait, and "abort".

    `pages`: bodies for GET, by path; other paths give 404.
    """

    def __init__(self, behave: Callable[[str, int, dict[str, Any]], Any]) -> None:
        self.behave = behave
        self.asked: Counter[str] = Counter()
        self.requests: dict[str, list[dict[str, Any]]] = defaultdict(list)
        self.pages: dict[str, bytes] = {}
        self.heads: list[str] = []  # request lines and headers, in small letters
        self.at_once = self.most_at_once = 0
        self.url = ""

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            start = await reader.readexactly(1)
            if start == b"\x16":  # TLS, of which this server knows nothing
                writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
                await writer.drain()
                return
            head = start + await reader.readuntil(b"\r\n\r\n")
            length = next((int(h[15:]) for h in head.lower().split(b"\r\n") if h.startswith(b"content-length:")), 0)
            if head.startswith(b"GET "):
                page = self.pages.get(head.split()[1].decode())
                await self.reply((404, {}, b"nothing here") if page is None else page, writer)
                return
            request = json.loads(await reader.readexactly(length))
            query = asked_for(request)
            self.heads.append(head.decode("latin-1").lower())
            self.asked[query] += 1
            self.requests[query].append(request)
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
            try:
                await self.reply(self.behave(query, self.asked[query], request), writer)
            finally:
                self.at_once -= 1
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def reply(self, what: Any, writer: asyncio.StreamWriter) -> None:
        if what == "drop":
            writer.write(b'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 500\r\n\r\n{"choices')
            await writer.drain()
            writer.transport.abort()
            return
        if isinstance(what, list):
            for part in what:
                if part == "abort":
                    writer.transport.abort()
                    return
                if isinstance(part, bytes):
                    writer.write(part)
                    await writer.drain()
                else:
                    await asyncio.sleep(part)
            return
        if what == "hang":
            await asyncio.sleep(30)
            return
        if what == "drip":
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n")
            for _ in range(600):
                writer.write(b" ")
                await writer.drain()
                await asyncio.sleep(0.05)
            return
        status, headers, body = (200, {}, what) if isinstance(what, bytes) else what
        lines = [
            f"HTTP/1.1 {status} X",
            "content-type: application/json",
            f"content-length: {len(body)}",
            "connection: close",
        ]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        writer.write("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
        await writer.drain()


@contextmanager
def serve(behave: Callable[[str, int, dict[str, Any]], Any]) -> Iterator[Server]:
    """A running server in a thread of its own."""
    server = Server(behave)
    loop = asyncio.new_event_loop()
    ready = threading.Event()

    def run() -> None:
        asyncio.set_event_loop(loop)
        listening = loop.run_until_complete(asyncio.start_server(server.handle, "127.0.0.1", 0))
        server.url = f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}/v1"
        ready.set()
        loop.run_forever()
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(asyncio.sleep(0.01))
        listening.close()
        loop.close()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    ready.wait(5)
    try:
        yield server
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(5)
