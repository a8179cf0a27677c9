"""Vision LLMs that run here: any image-text-to-text model of transformers, with frames as images."""

from __future__ import annotations

import inspect
import math
import threading
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from ..encoders.base import resolve_device
from ..errors import ModelError
from .frames import Part


class LocalVLM:
    """A transformers image-text-to-text model with its processor; one request at a time.

    Args:
        model: the model, in evaluation mode.
        processor: its processor, with a chat template.
        name: its name in results.
        most_pictures: the most pictures in one request; they must fit the memory and the model's context.

    Raises:
        ModelError: Pillow is missing, or the processor accepts no images or has no chat template.
    """

    def __init__(self, model: Any, processor: Any, *, name: str, most_pictures: int = 32) -> None:
        if find_spec("PIL") is None:
            raise ModelError("a vision model that runs here needs Pillow: pip install 'tfgrounding[numpro]'")
        if getattr(processor, "image_processor", None) is None:
            raise ModelError(f"{name} accepts no images, so it cannot be used")
        if not getattr(processor, "chat_template", None):
            raise ModelError(f"{name} has no chat template")
        self.name = name
        self.most_pictures = most_pictures
        self._model = model
        self._processor = processor
        self._one_at_a_time = threading.Lock()

    def capacity(self, pictures: Sequence[np.ndarray]) -> int:
        return self.most_pictures

    def ask(self, parts: Sequence[Part], *, max_tokens: int = 256) -> str:
        import torch

        with self._one_at_a_time, torch.inference_mode():
            inputs = self._inputs(parts)
            ids = self._model.generate(**inputs, max_new_tokens=max_tokens, do_sample=False)  # (1, L)
            reply = ids[0, inputs["input_ids"].shape[1] :]
        return self._processor.tokenizer.decode(reply, skip_special_tokens=True).strip()

    def yes_probability(self, parts: Sequence[Part]) -> float:
        import torch

        with self._one_at_a_time, torch.inference_mode():
            logits = self._model(**self._inputs(parts)).logits[0, -1].float()  # (V,)
        logprobs = torch.log_softmax(logits, dim=-1)
        mass = {answer: sum(math.exp(logprobs[i]) for i in self._first_tokens(answer)) for answer in ("yes", "no")}
        if not sum(mass.values()):
            raise ModelError(f"{self.name} has no token for yes or no; use another view than clip-yes-no")
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

    def _inputs(self, parts: Sequence[Part]) -> Any:
        from PIL import Image

        content = [{"type": "text", "text": part} if isinstance(part, str) else {"type": "image"} for part in parts]
        text = self._processor.apply_chat_template([{"role": "user", "content": content}], add_generation_prompt=True)
        if any(not isinstance(part, str | np.ndarray) for part in parts):
            raise ModelError(f"{self.name} takes pictures, not frames as one video: use another view")
        images = [Image.fromarray(part) for part in parts if isinstance(part, np.ndarray)]
        try:
            inputs = self._processor(text=[text], images=images, return_tensors="pt")
        except (ValueError, TypeError, ImportError) as error:
            raise ModelError(f"{self.name} cannot use the pictures: {error}") from error
        return inputs.to(self._model.device, self._model.dtype)


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
    """A model's processor for texts and images without its part for videos, which needs torchvision.

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
        "video_processor": None,
    }
    order = [name for name in inspect.signature(processor_class.__init__).parameters if name in halves]
    return processor_class.from_args_and_dict([halves[name] for name in order], settings)


def images_only(processor_class: Any) -> Any:
    """A processor class like the given one whose video processor may be None."""

    def check(self: Any, name: str, argument: Any) -> Any:
        if name == "video_processor" and argument is None:
            return type(None)
        return processor_class.check_argument_for_proper_class(self, name, argument)

    members = {"check_argument_for_proper_class": check, "__init__": processor_class.__init__}
    return type(processor_class.__name__, (processor_class,), members)
