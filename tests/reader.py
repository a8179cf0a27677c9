"""A server that speaks the chat completions interface and really reads the pictures that it is sent.

`Reader` knows a video file and the seconds in which something happens. It finds out which moment each received picture
shows by comparing it with its own decode of the file, reads the numbers on the pictures by OCR, and answers with those
that it read on the pictures inside the truth. It knows nothing of the engine's numbers or times.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import re
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np

THUMBNAIL = (48, 32)  # width, height


@contextmanager
def serve(answer: Callable[[dict[str, Any]], Any]) -> Iterator[str]:
    """The address of a loopback server whose replies come from `answer(request)`.

    It returns the reply's text; or (status, body) to be sent as they are; or a whole choice as a dictionary.
    """

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            request["authorization"] = self.headers.get("Authorization", "")
            reply = answer(request)
            status, body = reply if isinstance(reply, tuple) else (200, _completion(reply))
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/v1"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def pictures_of(request: dict[str, Any]) -> list[np.ndarray]:
    """The (H, W, 3) pictures of a request, in order."""
    from PIL import Image

    found = []
    for part in request["messages"][0]["content"]:
        if part["type"] == "image_url":
            data = base64.b64decode(part["image_url"]["url"].partition("base64,")[2])
            found.append(np.asarray(Image.open(io.BytesIO(data)).convert("RGB")))
    return found


def text_of(request: dict[str, Any]) -> str:
    """The texts of a request, one a line."""
    return "\n".join(part["text"] for part in request["messages"][0]["content"] if part["type"] == "text")


class Reader:
    """Answers `serve` about one video in which something happens during `truth` (start, end in seconds)."""

    def __init__(self, video: Path, truth: tuple[float, float]) -> None:
        self.truth = truth
        self.pictures_read = 0
        self.numbers: list[int | None] = []
        self._one_at_a_time = threading.Lock()
        self._known: dict[bytes, int | None] = {}  # what stands on a picture that was read before
        self._starts, self._thumbnails = _decode(video)

    def __call__(self, request: dict[str, Any]) -> str:
        with self._one_at_a_time:
            return self._answer(pictures_of(request))

    def _answer(self, pictures: list[np.ndarray]) -> str:
        seconds = self.seconds_of(pictures)
        self.numbers = [self._read(picture) for picture in pictures]
        inside = [
            number
            for number, at in zip(self.numbers, seconds, strict=True)
            if number is not None and self.truth[0] <= at < self.truth[1]
        ]
        return f"from frame {inside[0]} to frame {inside[-1]}" if inside else "none"

    def _read(self, picture: np.ndarray) -> int | None:
        key = hashlib.sha256(picture.tobytes()).digest()
        if key not in self._known:
            self._known[key] = read_number(picture)
            self.pictures_read += 1
        return self._known[key]

    def seconds_of(self, pictures: Sequence[np.ndarray]) -> np.ndarray:
        """When each picture came on screen: the likest frames of the own decode, in order."""
        sent = np.stack([_thumbnail(picture) for picture in pictures])  # (P, D)
        cost = ((sent[:, None, :] - self._thumbnails[None]) ** 2).mean(axis=2)  # (P, F)
        best = np.empty_like(cost)  # the cheapest way to have matched all pictures up to p, the last with frame f
        best[0] = cost[0]
        for p in range(1, len(cost)):
            best[p] = cost[p] + np.minimum.accumulate(best[p - 1])
        frames = np.empty(len(cost), dtype=int)
        last = cost.shape[1] - 1
        for p in range(len(cost) - 1, -1, -1):
            last = frames[p] = int(best[p, : last + 1].argmin())
        return self._starts[frames]


def read_number(picture: np.ndarray) -> int | None:
    """The number that stands nearest to the lower right corner of a picture, as OCR reads it; None without one.

    Where writing of the video's own runs into the number, what is not red is wiped away and it is read again.
    """
    height, width = picture.shape[:2]
    corner = picture[height * 2 // 3 :, width // 2 :].astype(np.int16)
    redness = corner[:, :, 0] - corner[:, :, 1:].max(axis=2)
    only_red = np.where(redness[:, :, None] > 150, 0, 255) * np.ones(3, dtype=np.int16)
    for view in (corner, only_red):
        found, _ = _ocr()(np.ascontiguousarray(view[:, :, ::-1], dtype=np.uint8), use_cls=False)
        lines = [(np.array(box).sum(axis=1).max(), text) for box, text, _ in found or []]
        if lines and re.fullmatch(r"\d{1,5}", max(lines)[1]):
            return int(max(lines)[1])
    return None


_engine: list[Any] = []


def _ocr() -> Any:
    if not _engine:
        from rapidocr_onnxruntime import RapidOCR

        quick = {"det_limit_side_len": 224, "det_limit_type": "min", "intra_op_num_threads": 1}
        _engine.append(RapidOCR(inter_op_num_threads=1, **quick))
    return _engine[0]


def _decode(video: Path) -> tuple[np.ndarray, np.ndarray]:
    """(F,) seconds from the first frame and (F, D) thumbnails of every frame of a file."""
    import av

    starts, thumbnails = [], []
    with av.open(str(video)) as container:
        stream = container.streams.video[0]
        stream.thread_type = "AUTO"
        for frame in container.decode(stream):
            picture = frame.to_ndarray(format="rgb24")
            turns = round(getattr(frame, "rotation", 0) / 90) % 4
            thumbnails.append(_thumbnail(np.rot90(picture, turns) if turns else picture))
            starts.append(float(frame.pts * frame.time_base))
    order = np.argsort(starts, kind="stable")
    return np.array(starts)[order] - min(starts), np.stack(thumbnails)[order]


def _thumbnail(picture: np.ndarray) -> np.ndarray:
    """A small copy of a picture without its lower right part, where the number stands."""
    from PIL import Image

    small = np.asarray(Image.fromarray(np.ascontiguousarray(picture)).resize(THUMBNAIL, Image.Resampling.BOX))
    small = small.astype(np.float32).copy()
    small[THUMBNAIL[1] * 3 // 4 :, THUMBNAIL[0] // 3 :] = 0
    return small.reshape(-1)


def _completion(reply: Any) -> bytes:
    choice = reply if isinstance(reply, dict) else {"message": {"role": "assistant", "content": reply}}
    body = {
        "id": "1",
        "object": "chat.completion",
        "created": 0,
        "model": "reader",
        "choices": [{"index": 0, "finish_reason": "stop", **choice}],
        "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
    }
    return json.dumps(body).encode()
