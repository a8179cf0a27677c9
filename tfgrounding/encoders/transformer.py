"""What the encoders that run through transformers share: device, precision, loading, tokens, batches."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import EncoderError
from .base import Batches, frames_per_vector, resolve_device, resolve_dtype
from .checkpoint import find
from .preprocess import Preprocessor
from .texts import TextReader

BATCH_FRAMES_CPU, BATCH_FRAMES = 4, 64
BATCH_TEXTS = 64
NUMBERED_LAYER = re.compile(r"\blayers?\.\d")
TWO_TEXTS = ("a dog", "a red car")


class TransformerEncoder(ABC):
    """An Encoder made of a checkpoint of transformers; subclasses define how frames and texts go through it.

    Args:
        checkpoint: a folder or a hub id; see `load_encoder`. "" means the usual one.
        device: "auto", "cpu", "cuda", "cuda:N" or "mps".
        dtype: "auto" (float32 on a CPU, elsewhere bfloat16 or else float16), "float32", "float16" or "bfloat16".

    Raises:
        EncoderError: no such checkpoint, not one of this kind, an unreachable hub, or a device that is not there.
    """

    name: str
    floor: float | None
    scale: float
    usual_checkpoint: str

    def __init__(self, checkpoint: str = "", *, device: str = "auto", dtype: str = "auto") -> None:
        import torch

        self._device = resolve_device(device)
        precision = resolve_dtype(dtype, self._device)
        checkpoint = checkpoint or self.usual_checkpoint
        found = None
        try:
            found = find(checkpoint, self._model_class)
            self._preprocess = self._preprocessor(found.folder)
            with quiet():
                model = self._load_model(found.folder, dtype=getattr(torch, precision))
                self._model = model.eval().to(self._device)
                self._texts = TextReader(found.folder, self._model.config.model_type, self._text_config())
                self._check_texts(checkpoint)
        except EncoderError:
            raise
        except Exception as error:  # the parsers of weights and vocabularies raise errors of many kinds
            reason = str(error).strip().splitlines()[0] if str(error).strip() else ""
            if "weights_only" in str(error):  # torch's own sentence tells programmers how to run it all the same
                reason = "its file of weights holds more than numbers, and is not run"
            again = "" if found is None or found.is_own else f"; if a file is damaged, delete {found.folder.parents[1]}"
            raise EncoderError(f"{checkpoint}: cannot be loaded ({type(error).__name__}: {reason}){again}") from error
        self._preprocess.check_fits(self._model.config, where=checkpoint)
        self.language = self._texts.language
        self.frame_size = self._preprocess.resize
        self.frames_per_vector = self._clip_frames()
        frames_per_vector(self)  # a damaged config.json may say anything
        self.stride_frames = max(1, self.frames_per_vector // 4)
        self.revision = found.revision if precision == "float32" else f"{found.revision}+{precision}"
        frames = BATCH_FRAMES_CPU if self._device == "cpu" else BATCH_FRAMES
        self._batches = Batches(max(1, frames // self.frames_per_vector))  # counts clips

    @property
    def batch_frames(self) -> int:
        """How many frames are encoded at once, as far as memory has sufficed."""
        return self._batches.size * self.frames_per_vector

    def encode_frames(self, pixels: np.ndarray) -> np.ndarray:
        """(T, H, W, 3) uint8 RGB frames of any size -> (T / frames_per_vector, Q, D) float32 unit vectors."""
        return self._batches.run(self._encode_batch, pixels.reshape(-1, self.frames_per_vector, *pixels.shape[1:]))

    def encode_texts(self, texts: Sequence[str]) -> np.ndarray:
        """N texts -> (N, D) float32 unit vectors. What is longer than the model reads is cut off: see `text_notes`."""
        import torch

        if not texts:
            return self.encode_texts(["-"])[:0]
        vectors = []
        for first in range(0, len(texts), BATCH_TEXTS):
            tokens = self._texts.tokens(texts[first : first + BATCH_TEXTS])
            with torch.inference_mode():
                inputs = {name: torch.tensor(rows, device=self._device) for name, rows in tokens.items()}
                vectors.append(unit(self._text_vectors(inputs)))  # (N, D)
        return np.concatenate(vectors)

    def text_notes(self, texts: Sequence[str]) -> list[str]:
        """A sentence about each text of which only the beginning is read."""
        return self._texts.notes(texts)

    def _check_texts(self, checkpoint: str) -> None:
        """Raises EncoderError if two texts that differ have the same vector."""
        first, second = self.encode_texts(TWO_TEXTS)
        if np.allclose(first, second, rtol=0, atol=1e-6):
            raise EncoderError(
                f"{checkpoint}: its model gives {TWO_TEXTS[0]!r} and {TWO_TEXTS[1]!r} the same vector: vocabulary "
                "files are missing, or they are those of another model"
            )

    def _encode_batch(self, clips: np.ndarray) -> np.ndarray:
        """(V, frames_per_vector, H, W, 3) -> (V, Q, D)."""
        import torch

        pixels = clips.reshape(-1, *clips.shape[2:])
        with torch.inference_mode():
            dtype = next(self._model.vision_model.parameters()).dtype
            return unit(self._frame_vectors(self._preprocess(pixels, device=self._device, dtype=dtype)))

    def _load_model(self, folder: Path, *, dtype: Any) -> Any:
        """The model, with every weight it has read from the folder."""
        try:
            model, loading = self._model_class(folder).from_pretrained(
                folder, dtype=dtype, local_files_only=True, trust_remote_code=False, output_loading_info=True
            )
        except RuntimeError as error:
            if "ignore_mismatched_sizes" in str(error) or "size mismatch" in str(error):
                raise EncoderError(f"{folder}: its weights have other shapes than its config.json says") from error
            raise
        if unused := [name for name in sorted(loading["unexpected_keys"]) if NUMBERED_LAYER.search(name)]:
            raise EncoderError(f"{folder}: its weights have layers that its config.json does not have: {unused[0]}")
        if missing := sorted(loading["missing_keys"]):
            raise EncoderError(
                f"{folder}: is not a {self.name} checkpoint that can be used: {len(missing)} weights are missing, "
                f"{missing[0]} for one"
            )
        return model

    def _preprocessor(self, folder: Path) -> Any:
        """How frames are prepared."""
        return Preprocessor.from_folder(folder)

    @abstractmethod
    def _model_class(self, folder: Path) -> Any:
        """The class to load, having made sure that the folder holds one."""

    def _clip_frames(self) -> int:
        """How many frames make one vector; more than one for models of clips."""
        return 1

    @abstractmethod
    def _frame_vectors(self, frames: Any) -> Any:
        """(T, 3, h, w) -> (T / frames_per_vector, Q, D), of any length."""

    @abstractmethod
    def _text_vectors(self, tokens: dict[str, Any]) -> Any:
        """{"input_ids": (N, L), ...} -> (N, D), of any length."""

    @abstractmethod
    def _text_config(self) -> Any:
        """The configuration of the part of the model that reads texts."""


@contextmanager
def quiet() -> Iterator[None]:
    """Without the progress bars and tables of transformers: what it reports while loading is checked here."""
    from transformers.utils import logging as theirs

    verbosity, bars = theirs.get_verbosity(), theirs.is_progress_bar_enabled()
    theirs.set_verbosity_error()
    theirs.disable_progress_bar()
    try:
        yield
    finally:
        theirs.set_verbosity(verbosity)
        if bars:
            theirs.enable_progress_bar()


def unit(vectors: Any) -> np.ndarray:
    """Unit vectors along the last axis, float32, in main memory. Raises EncoderError where they are not numbers."""
    import torch

    if not torch.isfinite(vectors).all():
        raise EncoderError(
            "the model's vectors are not finite numbers: its weights are damaged, or float16 has "
            "too small a range for it (choose dtype bfloat16 or float32)"
        )
    return torch.nn.functional.normalize(vectors.float(), dim=-1).cpu().numpy()
