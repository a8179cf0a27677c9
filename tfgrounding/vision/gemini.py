"""Gemini by Google's own interface: frames as pictures, or as one video with its `videoMetadata`."""

from __future__ import annotations

import base64
from typing import Any
from urllib.parse import urlsplit

import numpy as np

from ..llm.gemini import URL, GeminiClient
from ..media.mp4 import to_mp4
from .frames import Clip
from .served import DEADLINE, KEY_VARIABLE, ServedVLM

MOST_FPS = 24.0  # that Gemini samples a video at


class GeminiVLM(ServedVLM):
    """A Gemini model at Google's own address, which takes a `Clip` as an MP4 file with fps, start and end.

    Args:
        model: its name, such as "gemini-2.5-flash".
        base_url: the address up to the version.
        api_key: else TFGROUNDING_VLM_API_KEY.
        settings: as of `ServedVLM`.

    Raises:
        ModelError: a setting out of range.
    """

    def __init__(
        self,
        model: str,
        *,
        base_url: str = URL,
        api_key: str | None = None,
        timeout_seconds: float = 120.0,
        **settings: Any,
    ) -> None:
        client = GeminiClient(
            model,
            base_url=base_url,
            api_key=api_key,
            key_variable=KEY_VARIABLE,
            timeout_seconds=timeout_seconds,
            deadline_seconds=DEADLINE * timeout_seconds,
        )
        settings = {"takes_clips": True, "client": client, **settings}
        super().__init__(model, base_url=base_url, timeout_seconds=timeout_seconds, **settings)

    def _video(self, clip: Clip, frames: list[bytes]) -> tuple[dict[str, Any], dict[str, Any]]:
        seconds = clip.seconds - clip.seconds[0]
        length = len(seconds) / clip.rate_hz
        edges = np.concatenate([[0.0], (seconds[1:] + seconds[:-1]) / 2, [length]])
        data = base64.b64encode(to_mp4(clip.pixels, edges)).decode()
        told = {"fps": min(MOST_FPS, clip.rate_hz), "startOffset": "0s", "endOffset": f"{length:.3f}s"}
        return {"inlineData": {"mimeType": "video/mp4", "data": data}, "videoMetadata": told}, {}


def is_own_address(url: str) -> bool:
    """Whether an address is that of Google's own interface for Gemini, not of the OpenAI-compatible one beside it."""
    parts = urlsplit(url)
    return parts.hostname == urlsplit(URL).hostname and "openai" not in parts.path.split("/")
