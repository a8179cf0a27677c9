"""A model hub on this machine, as far as its client needs one: listings with sizes, and files under their commit."""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@dataclass
class FakeHub:
    """What the hub holds, how it answers, and what it was asked.

    `files`: repository -> name -> content. `commit`: what "main" is; `older`: another commit with the same files.
    `gated`: nothing is given away. `fetched`: what was downloaded, in order; `asked`: every request.
    """

    files: dict[str, dict[str, bytes]]
    commit: str = COMMIT
    older: str = ""
    gated: bool = False
    delay_seconds: float = 0.0
    fetched: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    sent_bytes: int = 0
    url: str = ""

    def answer(self, path: str) -> tuple[int, dict[str, str], bytes, str]:
        """(status, headers, body, the file's name or "")."""
        time.sleep(self.delay_seconds)
        if self.gated:
            return 403, {"X-Error-Code": "GatedRepo"}, b"{}", ""
        parts = [unquote(part) for part in path.partition("?")[0].strip("/").split("/")]
        if parts[0] == "store":
            stored = [data for files in self.files.values() for data in files.values()]
            return 200, {}, next(data for data in stored if hashlib.sha256(data).hexdigest() == parts[1]), parts[2]
        if parts[:2] == ["api", "models"]:
            repo, revision, name = "/".join(parts[2:4]), parts[5], ""
        else:
            repo, revision, name = "/".join(parts[:2]), parts[3], "/".join(parts[4:])
        if repo not in self.files:
            return 404, {"X-Error-Code": "RepoNotFound"}, b"", ""
        commit = {"main": self.commit, self.commit: self.commit, self.older: self.older}.get(revision)
        if commit is None:
            return 404, {"X-Error-Code": "RevisionNotFound"}, b"", ""
        if not name:
            siblings = [{"rfilename": name, "size": len(data)} for name, data in self.files[repo].items()]
            listing = {"id": repo, "modelId": repo, "sha": commit, "siblings": siblings}
            return 200, {"Content-Type": "application/json"}, json.dumps(listing).encode(), ""
        data = self.files[repo].get(name)
        if data is None:
            return 404, {"X-Error-Code": "EntryNotFound", "X-Repo-Commit": commit}, b"", ""
        digest = hashlib.sha256(data).hexdigest()
        if name.endswith((".safetensors", ".bin")):  # large files lie on another server
            linked = {"X-Linked-Size": str(len(data)), "X-Linked-ETag": f'"{digest}"'}
            location = f"{self.url.replace('127.0.0.1', 'localhost')}/store/{digest}/{name}"
            return 302, {"X-Repo-Commit": commit, "Location": location, **linked}, b"", ""
        return 200, {"X-Repo-Commit": commit, "ETag": f'"{digest}"'}, data, name


@contextmanager
def serving(files: dict[str, dict[str, bytes]]) -> Iterator[FakeHub]:
    """A hub that holds these files, at `hub.url`, for as long as the block runs."""
    hub = FakeHub(files)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_HEAD(self) -> None:
            hub.asked.append(f"HEAD {self.path}")
            self._send(with_body=False)

        def do_GET(self) -> None:
            hub.asked.append(f"GET {self.path}")
            self._send(with_body=True)

        def _send(self, *, with_body: bool) -> None:
            status, headers, body, name = hub.answer(self.path)
            self.send_response(status)
            for key, value in {**headers, "Content-Length": str(len(body))}.items():
                self.send_header(key, value)
            self.end_headers()
            if with_body:
                if name:
                    hub.fetched.append(name)
                    hub.sent_bytes += len(body)
                self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    hub.url = f"http://127.0.0.1:{server.server_address[1]}"
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
