"""Vision LLMs behind one door: served by any OpenAI-compatible server, or run here by transformers."""

from __future__ import annotations

import io
import math
import os
from collections.abc import Mapping, Sequence
from typing import Any, Protocol
from urllib.parse import urlsplit

import numpy as np

from ..errors import ModelError
from ..llm.chat import ChatClient, image_part, text_part
from .views import Part

KEY_VARIABLE = "TFGROUNDING_VLM_API_KEY"
HOW_TO_NAME_ONE = (
    "vlm='NAME@URL' for a server, such as qwen2.5-vl-7b@http://127.0.0.1:8000/v1, or vlm='local:FOLDER-OR-HUB-ID'"
)
TOP_LOGPROBS = 20


class VisionModel(Protocol):
    """Answers questions about pictures; safe to share between threads."""

    name: str

    def capacity(self, pictures: Sequence[np.ndarray]) -> int:
        """How many pictures like these one request may hold, at least 1."""
        ...

    def ask(self, parts: Sequence[Part], *, max_tokens: int = 256) -> str:
        """The reply to a request made of texts and (H, W, 3) uint8 pictures. Raises ModelError."""
        ...

    def yes_probability(self, parts: Sequence[Part]) -> float:
        """P(yes) / (P(yes) + P(no)) of the reply's first word. Raises ModelError where that cannot be told."""
        ...


class ServedVLM:
    """A vision LLM on an OpenAI-compatible server; frames travel as JPEG data URLs.

    Args:
        model: its name on the server.
        base_url: the server's address up to "/v1". There is no default: frames go only where they are told to.
        api_key: else TFGROUNDING_VLM_API_KEY, else, for api.openai.com only, OPENAI_API_KEY.
        quality: of the JPEGs, 1-95.
        longest_side: pictures larger than this are scaled down before they are sent.
        most_pictures: pictures a request at most.
        max_request_bytes: size of a request at most.
        client: a ChatClient of your own settings (time-outs, retries) in place of one made here.

    Raises:
        ModelError: no address, or a setting that cannot be.
    """

    def __init__(
        self,
        model: str,
        *,
        base_url: str,
        api_key: str | None = None,
        quality: int = 90,
        longest_side: int = 1024,
        most_pictures: int = 64,
        max_request_bytes: int = 16_000_000,
        client: ChatClient | None = None,
    ) -> None:
        if not base_url:
            raise ModelError(f"no server is named for the vision model {model!r}: use {HOW_TO_NAME_ONE}")
        if not 1 <= quality <= 95:
            raise ModelError(f"the JPEG quality lies between 1 and 95, not {quality}")
        if most_pictures < 1 or longest_side < 16:
            raise ModelError("a request needs at least one picture, and a picture at least 16 pixels")
        self.name = f"{model}@{base_url}"
        self.quality = quality
        self.longest_side = longest_side
        self.most_pictures = most_pictures
        self.max_request_bytes = max_request_bytes
        self.client = client or ChatClient(model, base_url=base_url, api_key=api_key or _key_for(base_url))

    def capacity(self, pictures: Sequence[np.ndarray]) -> int:
        largest = max(_sent_bytes(self._jpeg(picture)) for picture in pictures)
        room = self.max_request_bytes - 20_000  # what the question and its wrapping may take
        if largest > room:
            raise ModelError(
                f"one picture takes {largest} bytes, a request may have {self.max_request_bytes}: "
                "lower the quality or longest_side, or raise max_request_bytes"
            )
        return min(self.most_pictures, room // largest)

    def ask(self, parts: Sequence[Part], *, max_tokens: int = 256) -> str:
        return self.client.ask([self._message(parts)], max_tokens=max_tokens).text

    def yes_probability(self, parts: Sequence[Part]) -> float:
        reply = self.client.ask([self._message(parts)], max_tokens=4, top_logprobs=TOP_LOGPROBS)
        for token in reply.tokens:
            if token.text.strip():
                return _yes_share({**token.top, token.text: token.logprob}, self.name)
        raise ModelError(
            f"{self.name} tells no log-probabilities, which clip-yes-no needs; take another way to show time"
        )

    def _message(self, parts: Sequence[Part]) -> dict[str, Any]:
        content = [text_part(part) if isinstance(part, str) else image_part(self._jpeg(part)) for part in parts]
        size = sum(len(str(part)) for part in content)
        if size > self.max_request_bytes:
            raise ModelError(f"a request of {size} bytes is above the limit of {self.max_request_bytes}")
        return {"role": "user", "content": content}

    def _jpeg(self, picture: np.ndarray) -> bytes:
        from PIL import Image

        image = Image.fromarray(picture)
        scale = self.longest_side / max(image.size)
        if scale < 1:
            image = image.resize((max(1, round(image.width * scale)), max(1, round(image.height * scale))))
        buffer = io.BytesIO()
        image.save(buffer, format="JPEG", quality=self.quality, subsampling=0)
        return buffer.getvalue()


def load_vlm(spec: str, *, device: str = "auto") -> VisionModel:
    """The vision LLM that a text names: "NAME@URL" is asked on a server, "local:FOLDER-OR-HUB-ID" runs here.

    Naming a hub id permits its download. No environment variable ever names a model or a server.

    Raises:
        ModelError: the text names neither, or the model cannot be had.
    """
    if spec.startswith("local:") and spec != "local:":
        from .local import load_local

        return load_local(spec.removeprefix("local:"), device=device)
    name, at, url = spec.rpartition("@")
    if not at or not name or urlsplit(url).scheme not in ("http", "https") or not urlsplit(url).hostname:
        raise ModelError(f"{spec!r} names no vision model: use {HOW_TO_NAME_ONE}")
    return ServedVLM(name, base_url=url)


def _key_for(base_url: str) -> str:
    """The key for a server: OpenAI's own goes to OpenAI only."""
    if key := os.environ.get(KEY_VARIABLE):
        return key
    if urlsplit(base_url).hostname == "api.openai.com" and os.environ.get("OPENAI_API_KEY"):
        return os.environ["OPENAI_API_KEY"]
    return "none"


def _sent_bytes(data: bytes) -> int:
    return -(-len(data) // 3) * 4 + 100  # base64, and the JSON around it


def _yes_share(logprobs: Mapping[str, float], name: str) -> float:
    """P(yes) / (P(yes) + P(no)) from the log-probabilities of the likeliest first tokens."""
    mass = {"yes": 0.0, "no": 0.0}
    for token, logprob in logprobs.items():
        word = token.strip(" \t\n\"'*.▁Ġ").lower()
        if word in mass:
            mass[word] += math.exp(logprob)
    if not sum(mass.values()):
        raise ModelError(f"{name} answered neither yes nor no; take another way to show time than clip-yes-no")
    return mass["yes"] / sum(mass.values())
