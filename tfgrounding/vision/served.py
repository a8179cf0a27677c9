"""A vision LLM on any OpenAI-compatible server."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ..errors import ModelError, without_secrets
from ..llm.chat import ChatClient, image_part, text_part
from ..media import to_jpeg
from .frames import Clip, Jpeg, Part

KEY_VARIABLE = "TFGROUNDING_VLM_API_KEY"
HOW_TO_NAME_ONE = (
    "vlm='NAME@URL' for a server, such as qwen2.5-vl-7b@http://127.0.0.1:8000/v1, or vlm='local:FOLDER-OR-HUB-ID'"
)
TOP_LOGPROBS = 20
QUESTION_BYTES = 20_000  # of a request, kept for the question and the JSON around it


class ServedVLM:
    """A vision LLM on an OpenAI-compatible server; frames travel as JPEG data URLs.

    Args:
        model: its name on the server.
        base_url: the server's address up to "/v1". There is no default: frames go only to the server that is named.
        api_key: else TFGROUNDING_VLM_API_KEY, else OPENAI_API_KEY for the host that it is set for (see `ChatClient`).
        quality: of the JPEGs, 1-95.
        longest_side: pictures with a longer side are scaled down to it before they are sent.
        most_pictures: the most pictures in one request.
        max_request_bytes: the largest size of one request.
        client: a ChatClient with other settings (time-outs, retries), used instead of a new one.

    Raises:
        ModelError: no address, or a setting out of range.
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
            raise ModelError(f"the vision model {model!r} needs a server: use {HOW_TO_NAME_ONE}")
        if not 1 <= quality <= 95:
            raise ModelError(f"the JPEG quality must be from 1 to 95, not {quality}")
        if most_pictures < 1 or longest_side < 16:
            raise ModelError("most_pictures must be at least 1, and longest_side at least 16")
        self.name = f"{model}@{without_secrets(base_url)}"
        self.quality = quality
        self.longest_side = longest_side
        self.most_pictures = most_pictures
        self.max_request_bytes = max_request_bytes
        self.client = client or ChatClient(model, base_url=base_url, api_key=api_key, key_variable=KEY_VARIABLE)

    def capacity(self, pictures: Sequence[np.ndarray]) -> int:
        largest = max(_sent_bytes(self._jpeg(picture)) for picture in pictures)
        left = self.max_request_bytes - QUESTION_BYTES
        if largest > left:
            raise ModelError(
                f"one picture takes {largest} bytes, but a request may have {self.max_request_bytes} only: "
                "lower the quality or longest_side, or raise max_request_bytes"
            )
        return min(self.most_pictures, left // largest)

    def ask(self, parts: Sequence[Part], *, max_tokens: int = 256) -> str:
        return self.client.ask([self._message(parts)], max_tokens=max_tokens).text

    def yes_probability(self, parts: Sequence[Part]) -> float:
        reply = self.client.ask([self._message(parts)], max_tokens=4, top_logprobs=TOP_LOGPROBS)
        for token in reply.tokens:
            if token.text.strip():
                return _yes_share({**token.top, token.text: token.logprob}, self.name)
        raise ModelError(f"{self.name} gives no log-probabilities, which the view clip-yes-no needs; use another view")

    def _message(self, parts: Sequence[Part]) -> dict[str, Any]:
        content = [self._part(part) for part in parts]
        size = sum(len(str(part)) for part in content)
        if size > self.max_request_bytes:
            raise ModelError(f"a request of {size} bytes is above the limit of {self.max_request_bytes}")
        return {"role": "user", "content": content}

    def _part(self, part: Part) -> dict[str, Any]:
        if isinstance(part, str):
            return text_part(part)
        if isinstance(part, Clip):
            raise ModelError(f"{self.name} takes pictures, not frames as one video: use another view")
        return image_part(part.data if isinstance(part, Jpeg) else self._jpeg(part))

    def _jpeg(self, picture: np.ndarray) -> bytes:
        return to_jpeg(picture, quality=self.quality, longest_side=self.longest_side)


def _sent_bytes(data: bytes) -> int:
    return -(-len(data) // 3) * 4 + 100  # base64, and the JSON around it


def _yes_share(logprobs: Mapping[str, float], name: str) -> float:
    """P(yes) / (P(yes) + P(no)) from the log-probabilities of the likeliest first tokens."""
    mass = {"yes": 0.0, "no": 0.0}
    for token, logprob in logprobs.items():
        word = token.strip(" \t\n\"'*.▁Ġ").lower()
        if word in mass and not math.isnan(logprob):
            mass[word] += math.exp(min(logprob, 0.0))
    if not sum(mass.values()):
        raise ModelError(f"{name} answered neither yes nor no; use another view than clip-yes-no")
    return mass["yes"] / sum(mass.values())
