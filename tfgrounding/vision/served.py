"""A vision LLM on any OpenAI-compatible server."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from ..errors import ModelError, without_secrets
from ..llm.chat import ChatClient, image_part, text_part
from ..llm.connection import NoReplyError, NotAcceptedError, RefusedError
from ..llm.replies import Reply
from ..media.jpeg import from_jpeg, jpeg_size, to_jpeg
from .frames import Clip, Jpeg, Part
from .model import CutOffError, NoProbabilityError, TooMuchError, UselessReplyError
from .probability import yes_share
from .profiles import Profile
from .request_limits import RequestLimits, Sent, too_large

KEY_VARIABLE = "TFGROUNDING_VLM_API_KEY"
HOW_TO_NAME_ONE = (
    "vlm='NAME@URL' for a server, such as qwen2.5-vl-7b@http://127.0.0.1:8000/v1, or vlm='local:FOLDER-OR-HUB-ID'"
)
TOP_LOGPROBS = 20
FIRST_TOKENS = 16  # of a reply, in which its first word is looked for
QUESTION_BYTES = 20_000  # of a request, kept for the question and the JSON around it
RAISED = 4  # times the tokens, where a reply was cut off
MOST_SHRINKS = 8  # of pictures, in one request
MOST_UNANSWERED = 3  # requests in a row, after which the server counts as dead
DEADLINE = 5  # times the time-out, for one reply with all its tries
SAMPLED_PICTURES = 4  # that are encoded to see how large pictures get
SAMPLE_MARGIN = 1.1  # for those that were not
OLLAMA = "fp_ollama"  # how Ollama calls itself in replies
VLLM_WITH_TIMES = (0, 22)  # the version of vLLM whose `media_io_kwargs` are known to take the times of frames


class ServedVLM:
    """A vision LLM on an OpenAI-compatible server; frames travel as JPEG data URLs. Safe to share between threads.

    `notes`: what answers have to say as warnings, such as that a profile was not used.

    What the server refuses as too much is remembered for this model, for the whole process: then `capacity` is lower,
    or pictures are made smaller.

    Args:
        model: its name on the server.
        base_url: the server's address up to "/v1". There is no default: frames go only to the server that is named.
        api_key: else TFGROUNDING_VLM_API_KEY, else OPENAI_API_KEY for the host that it is set for (see `ChatClient`).
        quality: of the JPEGs, 1-95.
        longest_side: pictures with a longer side are scaled down to it before they are sent; none is enlarged.
        most_pictures: the most pictures in one request.
        max_request_bytes: the largest size of one request.
        timeout_seconds: longest wait for a server that sends nothing; one reply takes at most five times as long.
        concurrency: how many requests may run at the same time.
        takes_clips: whether frames may be sent as one video with their times, as vLLM takes them; None asks the server.
        more: further fields of every request, which only this server knows.
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
        timeout_seconds: float = 120.0,
        concurrency: int = 4,
        takes_clips: bool | None = None,
        more: Mapping[str, Any] | None = None,
        client: ChatClient | None = None,
    ) -> None:
        if not base_url:
            raise ModelError(f"the vision model {model!r} needs a server: use {HOW_TO_NAME_ONE}")
        if not 1 <= quality <= 95:
            raise ModelError(f"the JPEG quality must be from 1 to 95, not {quality}")
        if most_pictures < 1 or longest_side < 16:
            raise ModelError("most_pictures must be at least 1, and longest_side at least 16")
        if not 0 < timeout_seconds < 1e6 or concurrency < 1:
            raise ModelError("timeout_seconds must be above 0, and concurrency at least 1")
        self.name = f"{model}@{without_secrets(base_url)}"
        self.quality = quality
        self.longest_side = longest_side
        self.most_pictures = most_pictures
        self.max_request_bytes = max_request_bytes
        self.concurrency = concurrency
        self.more = dict(more or {})
        self.client = client or ChatClient(
            model,
            base_url=base_url,
            api_key=api_key,
            key_variable=KEY_VARIABLE,
            timeout_seconds=timeout_seconds,
            deadline_seconds=DEADLINE * timeout_seconds,
        )
        self.known = self.client.known
        self.profile: Profile | None = None
        self.notes: list[str] = []
        self._limits = RequestLimits(self.known, name=self.name)
        self._takes_clips = takes_clips
        self._unanswered = 0  # requests in a row
        self._lock = threading.Lock()

    def use(self, profile: Profile) -> None:
        """Begin with the limits that `tfgrounding doctor` has measured, and with its choice of view."""
        self.profile = profile
        if profile.most_pictures:
            self.known.lower("most_pictures", profile.most_pictures)
        with self.known.lock:
            self.known.given_up |= {"json_schema"} if profile.takes_schema is False else set()
            self.known.given_up |= {"logprobs"} if profile.gives_probability is False else set()

    @property
    def takes_clips(self) -> bool:
        """Whether a request may hold frames as one video with their times; the server is asked for its version once."""
        with self._lock:
            if self._takes_clips is None:
                found = re.match(rb'\s*\{"version":\s*"(\d{1,4})\.(\d{1,4})', self.client.look("/version"))
                self._takes_clips = found is not None and (int(found[1]), int(found[2])) >= VLLM_WITH_TIMES
            return self._takes_clips

    @property
    def takes_schema(self) -> bool:
        """Whether replies may be asked for by a JSON schema: true until the server refuses one."""
        return "json_schema" not in self.known.given_up

    def prepare(self, picture: np.ndarray) -> Jpeg:
        """An (H, W, 3) uint8 picture as it is sent, to be encoded once and sent often."""
        return Jpeg(to_jpeg(picture, quality=self.quality, longest_side=self._side))

    def capacity(self, pictures: Sequence[np.ndarray | Jpeg]) -> int:
        if not pictures:
            return self.most_pictures
        chosen = {round(at) for at in np.linspace(0, len(pictures) - 1, SAMPLED_PICTURES)}
        encoded = [self._jpeg(pictures[at]) for at in sorted(chosen)]
        largest = max(map(_sent_bytes, encoded))
        if len(pictures) > len(chosen):
            largest = int(largest * SAMPLE_MARGIN)
        most_bytes = min(self.max_request_bytes, self.known.most_bytes or self.max_request_bytes)
        if largest > self.max_request_bytes - QUESTION_BYTES:
            raise too_large(largest, self.max_request_bytes)
        pixels = max(width * height for width, height in map(_size, encoded))
        learnt = self._limits.most(pixels)
        most = min(self.most_pictures, (most_bytes - QUESTION_BYTES) // largest)
        return max(1, most if learnt is None else min(most, learnt))

    def ask(self, parts: Sequence[Part], *, max_tokens: int = 256) -> str:
        return self.reply(parts, max_tokens=max_tokens).text

    def reply(self, parts: Sequence[Part], *, max_tokens: int = 256, schema: Mapping[str, Any] | None = None) -> Reply:
        """The reply to a request, asked for once more with a higher limit where it was cut off.

        Args:
            parts: texts, (H, W, 3) uint8 pictures, pictures that were prepared, or one video.
            max_tokens: the longest reply.
            schema: a JSON schema that the reply is to follow; without effect where the server has none.

        Raises:
            TooMuchError, CutOffError, RefusedError, ModelError: see `VisionModel`.
        """
        longest = max(max_tokens, self.known.first_reply)
        reply = self._answer(parts, schema=schema, max_tokens=longest)
        spent = reply.usage
        if reply.finish_reason == "length" and longest < RAISED * max_tokens:
            longest = RAISED * max_tokens
            with self.known.lock:
                self.known.first_reply = max(longest, self.known.first_reply)
            reply = self._answer(parts, schema=schema, max_tokens=longest)
            spent += reply.usage
        if reply.finish_reason == "length":
            tokens = reply.usage.completion_tokens or min(longest, self.known.longest_reply or longest)
            raise CutOffError(f"the reply of {self.name} was cut off at {tokens} tokens: raise max_tokens", spent)
        if reply.instead or reply.finish_reason == "content_filter":
            instead = reply.instead or "a part of a reply: its filter of contents cut it"
            raise UselessReplyError(f"{self.name} gave {instead}", spent)
        return replace(reply, usage=spent, warnings=(*reply.warnings, *self.known.warnings))

    def yes_probability(self, parts: Sequence[Part]) -> float:
        return self.yes_reply(parts)[0]

    def yes_reply(self, parts: Sequence[Part]) -> tuple[float, Reply]:
        """P(yes) of a request, and the reply that it was read from, with its tokens. Raises as `yes_probability`."""
        if "logprobs" in self.known.given_up:
            raise NoProbabilityError(f"{self.name} gives no log-probabilities")
        reply = self._answer(parts, max_tokens=FIRST_TOKENS, top_logprobs=TOP_LOGPROBS)
        if reply.text and not any(token.top for token in reply.tokens):
            self.known.given_up.add("logprobs")
        try:
            probability = yes_share(reply.tokens, self.name)
        except NoProbabilityError as error:
            raise NoProbabilityError(str(error), reply.usage) from None
        return probability, replace(reply, warnings=(*reply.warnings, *self.known.warnings))

    def _answer(self, parts: Sequence[Part], *, max_tokens: int, **options: Any) -> Reply:
        """One reply, after the pictures were made as small as the server wants them."""
        requests = 0

        def count() -> None:
            nonlocal requests
            requests += 1

        for _ in range(MOST_SHRINKS):
            message, more, sent = self._message(parts)
            try:
                reply = self.client.ask(
                    [message],
                    max_tokens=max_tokens,
                    more=self.more | more,
                    retries=0 if self._unanswered else None,
                    on_send=count,
                    **options,
                )
            except NotAcceptedError as refusal:
                self._unanswered = 0
                self._limits.learn(refusal, sent)
                continue
            except NoReplyError as error:
                with self._lock:
                    self._unanswered = unanswered = self._unanswered + 1
                if unanswered >= MOST_UNANSWERED:
                    raise RefusedError(f"{error}; so did {unanswered - 1} requests before it") from None
                raise
            self._unanswered = 0
            if reply.fingerprint == OLLAMA and self.known.context_tokens is None:
                self.known.context_tokens = ollama_context(self.client.look("/api/ps"), self.client.model)
            self._limits.check(reply, sent, max_tokens=max_tokens)
            return replace(reply, usage=replace(reply.usage, requests=requests))
        raise RefusedError(f"{self.name} refuses pictures of any size")

    def _message(self, parts: Sequence[Part]) -> tuple[dict[str, Any], dict[str, Any], Sent]:
        """A user's message of these parts, the fields that a video needs beside it, and what it holds."""
        content: list[dict[str, Any]] = []
        more: dict[str, Any] = {}
        has_video = False
        jpegs: list[bytes] = []
        for part in parts:
            if isinstance(part, str):
                content.append(text_part(part))
            elif isinstance(part, Clip):
                if not self.takes_clips:
                    raise ModelError(f"{self.name} takes pictures, not video: use a view that shows pictures")
                if has_video:
                    raise ModelError(f"{self.name} takes one video in a request, not several videos")
                has_video = True
                frames = [self._jpeg(picture) for picture in part.pixels]
                video, more = self._video(part, frames)
                content.append(video)
                jpegs += frames
            else:
                jpegs.append(self._jpeg(part))
                content.append(image_part(jpegs[-1]))
        size = sum(len(str(part)) for part in content)
        sides = [_size(data) for data in jpegs]
        sent = Sent(len(jpegs), sum(w * h for w, h in sides), max((max(side) for side in sides), default=0), size)
        most = min(self.max_request_bytes, self.known.most_bytes or self.max_request_bytes)
        if size > most:
            if len(jpegs) > 1:
                fewer = max(1, min(sent.pictures - 1, int(sent.pictures * most / size)))
                self.known.lower("most_pixels", sent.pixels * fewer // sent.pictures)
                raise TooMuchError(f"a request of {size} bytes is above the limit of {most}")
            if size > self.max_request_bytes:
                raise ModelError(f"a request of {size} bytes is above the limit of {most}")
        return {"role": "user", "content": content}, more, sent

    def _video(self, clip: Clip, frames: list[bytes]) -> tuple[dict[str, Any], dict[str, Any]]:
        """Frames as one video: the part of a message, and the fields that it needs beside it, as vLLM takes them."""
        urls = ",".join(image_part(frame)["image_url"]["url"].partition(",")[2] for frame in frames)
        times = clip.metadata() | {"num_frames": len(frames), "do_sample_frames": False}
        url = {"url": f"data:video/jpeg;base64,{urls}"}
        return {"type": "video_url", "video_url": url}, {"media_io_kwargs": {"video": times}}

    def _jpeg(self, picture: np.ndarray | Jpeg) -> bytes:
        if not isinstance(picture, Jpeg):
            return self.prepare(picture).data
        if max(_size(picture.data)) <= self._side:
            return picture.data
        return self.prepare(from_jpeg(picture.data)).data  # the server has refused this size since

    @property
    def _side(self) -> int:
        return min(self.longest_side, self.known.longest_side or self.longest_side)


def ollama_context(listing: bytes, model: str) -> int:
    """The context length of a model in Ollama's list of the models that it has loaded; 0 where it is not said."""
    try:
        for entry in json.loads(listing)["models"]:
            if entry["name"].removesuffix(":latest") == model.removesuffix(":latest"):
                return max(0, int(entry["context_length"]))
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError, OverflowError):
        pass
    return 0


def _size(data: bytes) -> tuple[int, int]:
    """(width, height) of a prepared picture; zeros where it is no JPEG file, which the server says better."""
    try:
        return jpeg_size(data)
    except ValueError:
        return 0, 0


def _sent_bytes(data: bytes) -> int:
    return -(-len(data) // 3) * 4 + 100  # base64, and the JSON around it
