"""Vision LLMs that run here: any image-text-to-text model of transformers, with frames as images or as one video."""

from __future__ import annotations

import inspect
import math
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from ..encoders.base import resolve_device
from ..errors import ModelError, in_one_line
from ..llm.replies import Reply, Usage
from .frames import Clip, Jpeg, Part
from .model import CutOffError, NoProbabilityError, TooMuchError

LONGER = 4  # times the limit, for a reply that was cut off


class LocalVLM:
    """A transformers image-text-to-text model with its processor; one request at a time.

    `kind`: the type of the model, such as "qwen3_vl". `takes_clips`: whether its processor takes frames as one video;
    most processors need torchvision for that.

    Args:
        model: the model, in evaluation mode.
        processor: its processor, with a chat template.
        name: its name in results.
        most_pictures: the most pictures in one request; fewer as soon as they do not fit memory or context.

    Raises:
        ModelError: Pillow is missing, or the processor accepts no images or has no chat template.
    """

    takes_schema = False

    def __init__(self, model: Any, processor: Any, *, name: str, most_pictures: int = 32) -> None:
        if most_pictures < 1:
            raise ModelError(f"most_pictures must be at least 1, not {most_pictures}")
        if find_spec("PIL") is None:
            raise ModelError("a vision model that runs here needs Pillow: pip install 'tfgrounding[numpro]'")
        if getattr(processor, "image_processor", None) is None:
            raise ModelError(f"{name} accepts no images, so it cannot be used")
        if not getattr(processor, "chat_template", None):
            raise ModelError(f"{name} has no chat template")
        self.name = name
        self.kind = str(getattr(getattr(model, "config", None), "model_type", ""))
        self.most_pictures = most_pictures
        self._model = model
        self._processor = processor
        self._one_at_a_time = threading.Lock()
        self.takes_clips = self._runs_videos()

    def capacity(self, pictures: Sequence[np.ndarray | Jpeg]) -> int:
        return self.most_pictures

    def ask(self, parts: Sequence[Part], *, max_tokens: int = 256) -> str:
        return self.reply(parts, max_tokens=max_tokens).text

    def reply(self, parts: Sequence[Part], *, max_tokens: int = 256, schema: dict[str, Any] | None = None) -> Reply:
        """The reply with its token counts.

        Raises:
            TooMuchError: the request does not fit memory or context. CutOffError: the reply has no end, not within four
            times `max_tokens` either. ModelError: the model fails, or a schema is given, which it cannot follow.
        """
        import torch

        if schema is not None:
            raise ModelError(f"{self.name} cannot follow a schema: ask without one")
        with self._one_at_a_time, torch.inference_mode(), self._failures(parts):
            inputs = self._inputs(parts)
            length = inputs["input_ids"].shape[1]
            room = self._room_after(length, at_least=max_tokens)
            for limit in (max_tokens, min(room, max_tokens * LONGER)):
                ids = self._model.generate(**inputs, max_new_tokens=limit, do_sample=False)[0, length:]  # (L,)
                if self._has_end(ids, limit):
                    text = self._processor.tokenizer.decode(ids, skip_special_tokens=True).strip()
                    return Reply(text, "stop", self.name, Usage(1, length, len(ids)))
        raise CutOffError(f"the reply of {self.name} was cut off at {limit} tokens: raise max_tokens")

    def yes_probability(self, parts: Sequence[Part]) -> float:
        import torch

        with self._one_at_a_time, torch.inference_mode(), self._failures(parts):
            inputs = self._inputs(parts)
            self._room_after(inputs["input_ids"].shape[1], at_least=1)
            logits = self._model(**inputs).logits[0, -1].float()  # (V,)
        logprobs = torch.log_softmax(logits, dim=-1)
        mass = {answer: sum(math.exp(logprobs[i]) for i in self._first_tokens(answer)) for answer in ("yes", "no")}
        if not sum(mass.values()) > 0:
            raise NoProbabilityError(f"{self.name} has no token for yes or no; use another view than clip-yes-no")
        return mass["yes"] / sum(mass.values())

    def _first_tokens(self, word: str) -> set[int]:
        """The tokens that alone spell the word, in the forms in which a reply may begin with it."""
        tokenizer = self._processor.tokenizer
        found = set()
        for form in (word, word.capitalize(), word.upper(), " " + word, " " + word.capitalize()):
            ids = tokenizer.encode(form, add_special_tokens=False)
            if len(ids) == 1 and ids[0] != tokenizer.unk_token_id:
                found.add(ids[0])
        return found

    def _has_end(self, ids: Any, limit: int) -> bool:
        ends = getattr(self._model.generation_config, "eos_token_id", None)
        ends = ends if isinstance(ends, list) else [ends]
        return len(ids) < limit or int(ids[-1]) in ends

    def _room_after(self, tokens: int, *, at_least: int) -> int:
        """How many tokens the context holds after that many. Raises _NoRoomError where they are too few."""
        most = getattr(self._model.config.get_text_config(), "max_position_embeddings", None) or 10**9
        if tokens + at_least > most:
            raise _NoRoomError(f"{tokens} tokens and {at_least} for the reply do not fit its context of {most}")
        return int(most - tokens)

    @contextmanager
    def _failures(self, parts: Sequence[Part]) -> Iterator[None]:
        """What goes wrong in the model or its processor as a ModelError; too much lowers the capacity."""
        try:
            yield
        except (ModelError, MemoryError):
            raise
        except Exception as problem:  # the code of transformers and of the model
            pictures = sum(len(part.seconds) if isinstance(part, Clip) else not isinstance(part, str) for part in parts)
            too_much = isinstance(problem, _NoRoomError) or type(problem).__name__ == "OutOfMemoryError"
            if not too_much or pictures < 2:
                raise ModelError(f"{self.name} failed: {in_one_line(problem)}") from problem
            self.most_pictures = min(self.most_pictures, pictures // 2)
            raise TooMuchError(f"{self.name} takes fewer pictures: {in_one_line(problem)}") from problem

    def _runs_videos(self) -> bool:
        """Whether a small video goes through the processor."""
        if getattr(self._processor, "video_processor", None) is None:
            return False
        try:
            self._inputs([Clip(np.zeros((4, 64, 64, 3), np.uint8), np.arange(4) + 0.5), "?"])
        except Exception:  # whatever it lacks
            return False
        return True

    def _inputs(self, parts: Sequence[Part]) -> Any:
        from PIL import Image

        content: list[dict[str, str]] = []
        images, clips = [], []
        for part in parts:
            if isinstance(part, str):
                content.append({"type": "text", "text": part})
            elif isinstance(part, np.ndarray):
                content.append({"type": "image"})
                images.append(Image.fromarray(part))
            elif isinstance(part, Clip) and getattr(self._processor, "video_processor", None) is not None:
                content.append({"type": "video"})
                clips.append(part)
            else:
                raise ModelError(f"{self.name} takes pictures, not a {type(part).__name__}: use another view")
        text = self._processor.apply_chat_template([{"role": "user", "content": content}], add_generation_prompt=True)
        videos: dict[str, Any] = {}
        if clips:
            videos = {
                "videos": [clip.pixels for clip in clips],
                "video_metadata": [clip.metadata() for clip in clips],
                "do_sample_frames": False,
            }
        inputs = self._processor(text=[text], images=images or None, **videos, return_tensors="pt")
        inputs = inputs.to(self._model.device)
        for name, value in inputs.items():  # times (second_per_grid_ts) keep their precision
            if name.startswith("pixel") and value.is_floating_point():
                inputs[name] = value.to(self._model.dtype)
        return inputs


class _NoRoomError(Exception):
    """A request is longer than the model's context."""


def load_local(source: str, *, device: str = "auto", most_pictures: int = 32) -> LocalVLM:
    """Load a model by its folder or hub id; naming a hub id permits its download.

    Args:
        source: folder or hub id of an image-text-to-text model.
        device: "auto", "cpu", "cuda", "cuda:N" or "mps".
        most_pictures: the most pictures in one request.

    Raises:
        ModelError: there is no such model, or it is not an image-text-to-text model.
    """
    if (source.startswith((".", "/", "~")) or source.count("/") > 1) and not Path(source).expanduser().is_dir():
        raise ModelError(f"the vision model {source!r} cannot be loaded: there is no such folder")
    from transformers import AutoModelForImageTextToText

    try:
        processor = load_processor(source)
        model: Any = AutoModelForImageTextToText.from_pretrained(source, dtype="auto")
    except (OSError, ValueError, KeyError, ImportError) as error:
        reason = " ".join(str(error).split())[:200]
        raise ModelError(f"the vision model {source!r} cannot be loaded: {reason}") from error
    return LocalVLM(
        model.to(resolve_device(device)).eval(), processor, name=f"local:{source}", most_pictures=most_pictures
    )


def load_processor(source: str) -> Any:
    """A model's processor; its part for videos is None where it cannot be loaded, as most need torchvision.

    Raises:
        OSError, ValueError: there is no such model, or transformers has no such kind of model.
    """
    import transformers
    from transformers.models.auto.processing_auto import PROCESSOR_MAPPING_NAMES

    kind = transformers.AutoConfig.from_pretrained(source).model_type
    if kind not in PROCESSOR_MAPPING_NAMES:
        raise ValueError(f"{kind} models have no processor for texts and images")
    processor_class: Any = images_only(getattr(transformers, PROCESSOR_MAPPING_NAMES[kind]))
    settings, _ = processor_class.get_processor_dict(source)
    halves = {
        "image_processor": transformers.AutoImageProcessor.from_pretrained(source),
        "tokenizer": transformers.AutoTokenizer.from_pretrained(source),
        "video_processor": _video_processor(source),
    }
    order = [name for name in inspect.signature(processor_class.__init__).parameters if name in halves]
    return processor_class.from_args_and_dict([halves[name] for name in order], settings)


def _video_processor(source: str) -> Any:
    import transformers

    try:
        return transformers.AutoVideoProcessor.from_pretrained(source)
    except Exception:  # it is missing, or needs what is not installed, and says so in many ways
        return None


def images_only(processor_class: Any) -> Any:
    """A processor class like the given one whose video processor may be None."""

    def check(self: Any, name: str, argument: Any) -> Any:
        if name == "video_processor" and argument is None:
            return type(None)
        return processor_class.check_argument_for_proper_class(self, name, argument)

    members = {"check_argument_for_proper_class": check, "__init__": processor_class.__init__}
    return type(processor_class.__name__, (processor_class,), members)
