"""What the encoders that run through transformers share: device, precision, loading, tokens, batches."""

from __future__ import annotations

import logging
import re
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import EncoderError
from .base import Batches, resolve_device, resolve_dtype
from .checkpoint import find
from .preprocess import Preprocessor

BATCH_FRAMES_CPU, BATCH_FRAMES = 4, 64
BATCH_TEXTS = 64
NUMBERED_LAYER = re.compile(r"\blayers?\.\d")

_log = logging.getLogger(__name__)


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
    text_padding: bool | str = True

    def __init__(self, checkpoint: str = "", *, device: str = "auto", dtype: str = "auto") -> None:
        import torch
        from transformers import AutoTokenizer

        self._device = resolve_device(device)
        precision = resolve_dtype(dtype, self._device)
        checkpoint = checkpoint or self.usual_checkpoint
        try:
            found = find(checkpoint, self._model_class)
            self._preprocess = Preprocessor.from_folder(found.folder)
            with _quiet():
                model = self._load_model(found.folder, dtype=getattr(torch, precision))
                self._model = model.eval().to(self._device)
                self._tokenizer = AutoTokenizer.from_pretrained(
                    found.folder, local_files_only=True, trust_remote_code=False
                )
        except EncoderError:
            raise
        except Exception as error:  # the parsers of weights and vocabularies raise errors of many kinds
            reason = str(error).strip().splitlines()[0] if str(error).strip() else ""
            raise EncoderError(f"{checkpoint}: cannot be loaded ({type(error).__name__}: {reason})") from error
        self._preprocess.check_fits(self._model.config, where=checkpoint)
        self.frame_size = self._preprocess.resize
        self.revision = found.revision if precision == "float32" else f"{found.revision}+{precision}"
        self._batches = Batches(BATCH_FRAMES_CPU if self._device == "cpu" else BATCH_FRAMES)

    @property
    def batch_frames(self) -> int:
        """How many frames are encoded at once, as far as memory has sufficed."""
        return self._batches.size

    def encode_frames(self, pixels: np.ndarray) -> np.ndarray:
        """(T, H, W, 3) uint8 RGB frames of any size -> (T, Q, D) float32 unit vectors."""
        return self._batches.run(self._encode_batch, pixels)

    def encode_texts(self, texts: Sequence[str]) -> np.ndarray:
        """N texts -> (N, D) float32 unit vectors. What is longer than the model's longest text is cut off."""
        import torch

        if not texts:
            return self.encode_texts(["-"])[:0]
        longest = int(min(self._text_positions(), self._tokenizer.model_max_length))
        vectors = []
        for first in range(0, len(texts), BATCH_TEXTS):
            batch = list(texts[first : first + BATCH_TEXTS])
            for text in batch:
                if (length := len(self._tokenizer.tokenize(text)) + 2) > longest:
                    _log.warning("%s reads only the first %d of %d tokens of %r", self.name, longest, length, text)
            tokens = self._tokenizer(batch, padding=self.text_padding, max_length=longest, truncation=True)
            with torch.inference_mode():
                inputs = {name: torch.tensor(rows, device=self._device) for name, rows in tokens.items()}
                vectors.append(_unit(self._text_vectors(inputs)))  # (N, D)
        return np.concatenate(vectors)

    def _encode_batch(self, pixels: np.ndarray) -> np.ndarray:
        import torch

        with torch.inference_mode():
            dtype = next(self._model.vision_model.parameters()).dtype
            return _unit(self._frame_vectors(self._preprocess(pixels, device=self._device, dtype=dtype)))  # (T, Q, D)

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

    @abstractmethod
    def _model_class(self, folder: Path) -> Any:
        """The class to load, having made sure that the folder holds one."""

    @abstractmethod
    def _frame_vectors(self, frames: Any) -> Any:
        """(T, 3, h, w) -> (T, Q, D), of any length."""

    @abstractmethod
    def _text_vectors(self, tokens: dict[str, Any]) -> Any:
        """{"input_ids": (N, L), ...} -> (N, D), of any length."""

    @abstractmethod
    def _text_positions(self) -> int:
        """The longest text, in tokens, that the model has positions for."""


@contextmanager
def _quiet() -> Iterator[None]:
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


def _unit(vectors: Any) -> np.ndarray:
    """Unit vectors along the last axis, float32, in main memory."""
    import torch

    return torch.nn.functional.normalize(vectors.float(), dim=-1).cpu().numpy()
