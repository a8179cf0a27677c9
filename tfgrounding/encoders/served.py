"""An embedding model for pictures and texts behind an OpenAI-style server: `served:MODEL@URL`."""

from __future__ import annotations

import base64
import json
import re
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import EncoderError, ModelError
from ..llm.chat import image_part, text_part
from ..llm.connection import Connection, NotAcceptedError, RefusedError
from ..media import to_jpeg

KEY_VARIABLE = "TFGROUNDING_ENCODER_API_KEY"
HOW_TO_NAME_ONE = "served:MODEL@URL, such as served:Qwen/Qwen3-VL-Embedding-2B@http://127.0.0.1:8000/v1"
FRAME_SIZE = 448  # pixels, the shorter side: usual models read 224 to 512, and a JPEG of this size has about 50 kB
LONGEST_SIDE = 3 * FRAME_SIZE
JPEG_QUALITY = 90
REQUESTS_AT_ONCE = 16
BATCH_FRAMES = 64
RETRIES, RETRIES_AT_LOAD = 14, 2  # over a minute: for a server that restarts, or counts requests by the minute
MOST_NUMBERS = 16_384  # in a vector
MOST_REPLY_BYTES = 8_000_000  # 16 of the longest vectors, written out
FINGERPRINT_BITS = 32
SAME = 0.9999  # cosine of two vectors that are one but for the server's rounding

PROBE_TEXT = "a red car on a bridge"
QWEN_TEXT_INSTRUCTION = "Retrieve images or text relevant to the user's query."
QWEN_PICTURE_INSTRUCTION = "Represent the user's input."

Item = str | bytes  # a text, or a picture as a JPEG file
Request = dict[str, Any]


def as_messages(model: str, items: Sequence[Item]) -> Request:
    """One item as the messages of a conversation, to which vLLM applies the model's chat template.

    Qwen3-VL-Embedding needs an instruction and an open reply of the assistant; both are as in Qwen's own program
    ("Usage" in the README of Qwen3-VL-Embedding) and vLLM's example `vision_embedding_online.py`.
    """
    (item,) = items
    content = [text_part(item) if isinstance(item, str) else image_part(item)]
    request: Request = {"model": model, "messages": [{"role": "user", "content": content}], "encoding_format": "float"}
    if "qwen3-vl-embedding" in model.lower():
        instruction = QWEN_TEXT_INSTRUCTION if isinstance(item, str) else QWEN_PICTURE_INSTRUCTION
        request["messages"] = [
            {"role": "system", "content": [text_part(instruction)]},
            *request["messages"],
            {"role": "assistant", "content": [text_part("")]},
        ]
        request |= {"continue_final_message": True, "add_special_tokens": True}
    return request


def as_objects(model: str, items: Sequence[Item]) -> Request:
    """A list of {"text": ...} and {"image": base64}, as Jina's service and SGLang take it."""
    return {"model": model, "input": [{"text": i} if isinstance(i, str) else {"image": _base64(i)} for i in items]}


def as_strings(model: str, items: Sequence[Item]) -> Request:
    """The same with texts as plain strings."""
    return {"model": model, "input": [i if isinstance(i, str) else {"image": _base64(i)} for i in items]}


@dataclass(frozen=True, slots=True)
class Form:
    """A way to write a request, and for how many items at most."""

    name: str
    request: Callable[[str, Sequence[Item]], Request]
    most_items: int


FORMS = (Form("messages", as_messages, 1), Form("objects", as_objects, 16), Form("strings", as_strings, 16))


class ServedEncoder:
    """A model on a server that turns pictures and texts into vectors of one space.

    Which form of request the server takes is found out at the start, with a text and two small pictures. Frames are
    sent as JPEG. Requests that fail are sent again as `Connection` does.

    Args:
        choice: MODEL@URL: the model's name on the server, and the server's address up to "/v1".
        api_key: the server's key, else TFGROUNDING_ENCODER_API_KEY, else OPENAI_API_KEY for the host it is set for.
        timeout_seconds, deadline_seconds, retries, first_pause_seconds: as for `Connection`.

    Raises:
        EncoderError: no such server, model or key, or a model that does not take both pictures and texts.
    """

    name = "served"
    floor = None  # measured for each video
    frame_size: int | tuple[int, int] = FRAME_SIZE
    batch_frames = BATCH_FRAMES

    def __init__(
        self,
        choice: str = "",
        *,
        api_key: str | None = None,
        timeout_seconds: float = 60.0,
        deadline_seconds: float = 180.0,
        retries: int = RETRIES,
        first_pause_seconds: float = 1.0,
    ) -> None:
        named = re.fullmatch(r"(?P<model>.+?)@(?P<url>https?://[^/].*)", choice, re.DOTALL)
        if named is None:
            raise EncoderError(f"an encoder on a server needs its model and address: {HOW_TO_NAME_ONE}")
        try:
            self._connection = Connection(
                named["model"],
                base_url=named["url"],
                api_key=api_key,
                key_variable=KEY_VARIABLE,
                timeout_seconds=timeout_seconds,
                deadline_seconds=deadline_seconds,
                retries=retries,
                first_pause_seconds=first_pause_seconds,
                max_reply_bytes=MOST_REPLY_BYTES,
            )
            self._form, vectors = self._first_form_that_works()
        except ModelError as error:
            raise EncoderError(f"encoder served: {error}") from error
        self._width = vectors.shape[1]
        made_by = f"{self._form.name}, {FRAME_SIZE} pixels, JPEG {JPEG_QUALITY}"
        self.revision = f"{named['model']}@{self._connection.base_url} ({made_by}) {fingerprint(vectors[0])}"

    def encode_frames(self, pixels: np.ndarray) -> np.ndarray:
        """(T, H, W, 3) uint8 RGB frames of any size -> (T, 1, D) float32 unit vectors.

        Raises:
            RefusedError: the server refuses the key, or no longer has the model.
            EncoderError: it gave no usable reply, however often it was asked.
        """
        if len(pixels) == 0:
            return np.zeros((0, 1, self._width), dtype=np.float32)
        return self._encoded(pixels)[:, None, :]

    def encode_texts(self, texts: Sequence[str]) -> np.ndarray:
        """N texts -> (N, D) float32 unit vectors. Raises as `encode_frames`."""
        if not texts:
            return np.zeros((0, self._width), dtype=np.float32)
        return self._encoded(list(texts))

    def _encoded(self, items: Sequence[str] | np.ndarray) -> np.ndarray:
        try:
            vectors = self._vectors(items, self._form)
        except RefusedError:
            raise
        except ModelError as error:
            raise EncoderError(f"encoder served: {error}") from error
        if vectors.shape[1] != self._width:
            raise EncoderError(
                f"encoder served: {self._connection.name} gave vectors of {vectors.shape[1]} numbers, "
                f"and of {self._width} before: it serves another model now"
            )
        return vectors

    def _first_form_that_works(self) -> tuple[Form, np.ndarray]:
        """A form, and the vectors of the probe's text and of its two pictures."""
        at_load = min(RETRIES_AT_LOAD, self._connection.retries)
        tried: dict[str, list[str]] = {}  # why not: the forms
        for form in FORMS:
            try:
                texts = self._vectors([PROBE_TEXT], form, retries=at_load)
                pictures = self._vectors(probe_pictures(), form, retries=at_load)
            except NotAcceptedError as error:
                why = error.reason
            else:
                if texts.shape[1] != pictures.shape[1]:
                    why = f"vectors of {texts.shape[1]} numbers for texts, of {pictures.shape[1]} for pictures"
                elif float(pictures[0] @ pictures[1]) > SAME:
                    why = "two different pictures have the same vector"
                else:
                    return form, np.concatenate([texts, pictures])
            tried.setdefault(why, []).append(form.name)
        said = "; ".join(f"{', '.join(forms)}: {why}" for why, forms in tried.items())
        raise EncoderError(
            f"encoder served: {self._connection.name} takes pictures and texts in no form that is known here ({said}); "
            "name an embedding model for both"
        )

    def _vectors(self, items: Sequence[str] | np.ndarray, form: Form, *, retries: int | None = None) -> np.ndarray:
        """(N, D) unit vectors of texts or of (H, W, 3) pictures, many requests at once."""
        parts = [items[first : first + form.most_items] for first in range(0, len(items), form.most_items)]
        stop = threading.Event()

        def ask(part: Sequence[str] | np.ndarray) -> np.ndarray:
            sent = [item if isinstance(item, str) else jpeg(item) for item in part]
            request = form.request(self._connection.model, sent)
            return self._connection.post(
                "/embeddings", request, lambda body: read_vectors(body, len(sent)), retries=retries, stop=stop
            )

        pool = ThreadPoolExecutor(min(REQUESTS_AT_ONCE, len(parts)))
        try:
            found = list(pool.map(ask, parts))
        finally:  # after an error or Ctrl-C nothing waits for requests that are still under way
            stop.set()
            pool.shutdown(wait=False, cancel_futures=True)
        if len({vectors.shape[1] for vectors in found}) > 1:
            raise ModelError(f"{self._connection.name} gave vectors of different lengths")
        return np.concatenate(found)


def jpeg(picture: np.ndarray) -> bytes:
    """(H, W, 3) uint8 RGB as it is sent."""
    return to_jpeg(picture, quality=JPEG_QUALITY, longest_side=LONGEST_SIDE)


def probe_pictures() -> np.ndarray:
    """(2, 224, 224, 3) two pictures that no model takes for one: a shade of red, and stripes."""
    rows, columns = np.indices((224, 224))
    stripes = np.where(columns // 28 % 2, 255, 0)
    shade = np.stack([rows + 31, rows // 4, rows // 4], axis=-1)
    return np.stack([shade, np.repeat(stripes[..., None], 3, axis=-1)]).astype(np.uint8)


def fingerprint(vector: np.ndarray) -> str:
    """Which model made a vector: its length, and where it rises from one number to the next, at 32 places.

    Servers do not repeat the last digits of a vector, so a digest of all its digits would change with every start.
    """
    places = np.linspace(0, len(vector) - 2, FINGERPRINT_BITS).astype(int)
    bits = "".join("1" if rises else "0" for rises in np.diff(vector)[places] > 0)
    return f"{len(vector)}-{int(bits, 2):08x}"


def read_vectors(body: bytes, count: int) -> np.ndarray:
    """(count, D) float32 unit vectors, in the order of the request, from the body of a reply.

    Raises:
        ValueError: it does not hold just so many vectors of one length, finite and not zero.
    """
    try:
        rows = json.loads(body)["data"]
        indices = [row.get("index", place) for place, row in enumerate(rows)]
        embeddings = [row["embedding"] for row in rows]
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        start = " ".join(body[:80].decode("utf-8", "replace").split())
        raise ValueError(f"the reply is not a list of embeddings: {start!r}") from None
    if len(rows) != count:
        raise ValueError(f"{len(rows)} embeddings for {count} inputs")
    if not all(type(index) is int for index in indices) or sorted(indices) != list(range(count)):
        raise ValueError(f"the embeddings' indices are not 0 to {count - 1}, each once")
    found = [_numbers(embeddings[place]) for place in np.argsort(indices)]
    if len({len(numbers) for numbers in found}) > 1:
        raise ValueError("embeddings of different lengths")
    vectors = np.stack(found)
    largest = np.abs(vectors).max(axis=1, keepdims=True)
    if not np.isfinite(largest).all():
        raise ValueError("an embedding with numbers that are not finite (NaN or infinite)")
    if not largest.all():
        raise ValueError("an embedding that is zero everywhere")
    vectors /= largest  # so that no square is too large or too small
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def _numbers(embedding: Any) -> np.ndarray:
    """(D,) float64, from a list of numbers or the base64 of little-endian float32."""
    try:
        if isinstance(embedding, str):
            numbers = np.frombuffer(base64.b64decode(embedding, validate=True), dtype="<f4")
        else:
            numbers = np.array(embedding)
    except ValueError:  # binascii's too
        numbers = np.empty(0)
    if numbers.ndim != 1 or numbers.dtype.kind not in "if" or not 2 <= len(numbers) <= MOST_NUMBERS:
        raise ValueError(f"an embedding that is not a list of 2 to {MOST_NUMBERS} numbers")
    return numbers.astype(np.float64)


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode("ascii")
