"""Sentence encoders as sentence-transformers publishes them: a transformer, pooling over its tokens, prompts."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import EncoderError
from .base import resolve_device, resolve_dtype
from .checkpoint import find, read_json
from .sentences import NoFrames
from .texts import TextReader
from .transformer import quiet, unit

BATCH_TEXTS, BATCH_TOKENS = 64, 8192
LONGEST_TOKENS = 1024  # of a text, where the checkpoint allows more: what stands in it is a sentence or a passage
POOLING = {  # what a pooling's config.json sets to true -> how the tokens' states become one vector
    "pooling_mode_cls_token": "cls",
    "pooling_mode_mean_tokens": "mean",
    "pooling_mode_lasttoken": "lasttoken",
}
MODULES = ("Transformer", "Pooling", "Normalize")
PLAIN_FOLDER = re.compile(r"[\w-][\w.-]*")
QUERY_PROMPTS, TEXT_PROMPTS = ("query",), ("document", "passage")  # names of prompts


class SentenceModel(NoFrames):
    """Any checkpoint of sentence-transformers that is a transformer and a pooling; vectors are normalised.

    Args:
        checkpoint: a folder or a hub id, such as "sentence-transformers/all-MiniLM-L12-v2".
        device: "auto", "cpu", "cuda", "cuda:N" or "mps".
        dtype: "auto" (float32 on a CPU, elsewhere half precision), "float32", "float16" or "bfloat16".

    Raises:
        EncoderError: no such checkpoint, one with parts that are not known here, an unreachable hub, or a device that
            is not there.
    """

    name = "sentences"

    def __init__(self, checkpoint: str = "", *, device: str = "auto", dtype: str = "auto") -> None:
        import torch
        from transformers import AutoModel

        if not checkpoint:
            raise EncoderError("name a sentence encoder: sentences:MODEL, with a folder or a hub id as MODEL")
        self._device = resolve_device(device)
        precision = resolve_dtype(dtype, self._device)
        found = find(checkpoint, _check_model, only_texts=True)
        self._pooling = _pooling(found.folder)
        prompts = _prompts(found.folder)
        self._text_prompt, self._query_prompt = prompts
        try:
            with quiet():
                model, loading = AutoModel.from_pretrained(
                    found.folder,
                    dtype=getattr(torch, precision),
                    local_files_only=True,
                    trust_remote_code=False,
                    output_loading_info=True,
                )
                stated = read_json(found.folder, "sentence_bert_config.json").get("max_seq_length")
                self._reader = TextReader(
                    found.folder, model.config.model_type, model.config, most=_most_tokens(found.folder, stated)
                )
        except EncoderError:
            raise
        except Exception as error:  # the parsers of weights and vocabularies raise errors of many kinds
            reason = str(error).strip().splitlines()[0][:200] if str(error).strip() else ""
            raise EncoderError(f"{checkpoint}: cannot be loaded ({type(error).__name__}: {reason})") from error
        if missing := sorted(name for name in loading["missing_keys"] if not name.startswith("pooler.")):
            raise EncoderError(f"{checkpoint}: {len(missing)} of its model's weights are missing, {missing[0]} for one")
        self._model = model.eval().to(self._device)
        self.language = self._reader.language
        self.revision = found.revision if precision == "float32" else f"{found.revision}+{precision}"

    def encode_texts(self, texts: Sequence[str]) -> np.ndarray:
        """N texts of a video -> (N, D) float32 unit vectors, with the checkpoint's prompt for documents if it has one.

        Raises EncoderError where the vectors are not finite.
        """
        return self._encode([self._text_prompt + text for text in texts])

    def encode_queries(self, texts: Sequence[str]) -> np.ndarray:
        """The same of queries, with the checkpoint's prompt for queries."""
        return self._encode([self._query_prompt + text for text in texts])

    def text_notes(self, texts: Sequence[str]) -> list[str]:
        """A sentence about each text of which only the beginning is read."""
        return self._reader.notes(texts)

    def _encode(self, texts: Sequence[str]) -> np.ndarray:
        import torch

        if not texts:
            return self._encode(["-"])[:0]
        order = sorted(range(len(texts)), key=lambda n: len(texts[n]))  # texts of one length need little padding
        vectors: list[np.ndarray] = [np.empty(0)] * len(texts)
        for first in range(0, len(texts), BATCH_TEXTS):
            chosen = order[first : first + BATCH_TEXTS]
            tokens = self._reader.tokens([texts[n] for n in chosen])
            inputs = {name: torch.tensor(rows, device=self._device) for name, rows in tokens.items()}
            together = max(1, BATCH_TOKENS // inputs["input_ids"].shape[1])
            with torch.inference_mode():
                for at in range(0, len(chosen), together):
                    part = {name: rows[at : at + together] for name, rows in inputs.items()}
                    states = self._model(**part).last_hidden_state  # (n, L, D)
                    for n, vector in zip(chosen[at:], unit(self._pooled(states, part["attention_mask"])), strict=False):
                        vectors[n] = vector
        return np.stack(vectors)

    def _pooled(self, states: Any, mask: Any) -> Any:
        """(n, L, D) states and (n, L) mask, 1 for tokens, padding at the end -> (n, D)."""
        import torch

        if self._pooling == "cls":
            return states[:, 0]
        if self._pooling == "lasttoken":
            return states[torch.arange(len(states), device=states.device), mask.sum(dim=1) - 1]
        counted = mask[..., None].to(torch.float32)
        return (states.float() * counted).sum(dim=1) / counted.sum(dim=1)


def _check_model(folder: Path) -> None:
    """Raises EncoderError where the model is of a kind that gives no state for each token of a text."""
    config = read_json(folder, "config.json")
    if config.get("is_encoder_decoder") or config.get("model_type") in ("t5", "mt5"):
        raise EncoderError(f"{folder}: holds a {config.get('model_type')} model; only encoders and decoders are read")
    if "vision_config" in config:
        raise EncoderError(f"{folder}: holds a model for pictures and texts; a sentence encoder is needed here")


def _pooling(folder: Path) -> str:
    """ "mean", "cls" or "lasttoken": as the checkpoint says, the mean where it says nothing."""
    rows = _modules(folder)
    place = next((row.get("path", "") for row in rows if _kind(row) == "Pooling"), None)
    if rows and place is None:
        raise EncoderError(f"{folder}: its modules.json names no pooling, so it does not make one vector of a text")
    place = "1_Pooling" if place is None else place
    if not isinstance(place, str) or not PLAIN_FOLDER.fullmatch(place):
        raise EncoderError(f"{folder}: its modules.json names {str(place)[:60]!r} as the folder of its pooling")
    config = read_json(folder, f"{place}/config.json")
    if not config:
        if rows:
            raise EncoderError(f"{folder}: it has no {place}/config.json")
        return "mean"
    if config.get("include_prompt") is False:
        raise EncoderError(f"{folder}: it leaves its prompts out of the pooling, which is not known here")
    named = config.get("pooling_mode")
    modes = [named] if named else [key for key, value in config.items() if key.startswith("pooling_mode") and value]
    found = [POOLING.get(mode, mode) for mode in modes]
    if len(found) != 1 or found[0] not in POOLING.values():
        raise EncoderError(
            f"{folder}: its pooling is {', '.join(map(str, modes)) or 'none'}; known are mean, cls and last token"
        )
    return found[0]


def _modules(folder: Path) -> list[dict[str, Any]]:
    """The rows of modules.json; none where there is no such file. Raises EncoderError for modules not known here."""
    rows = read_json(folder, "modules.json", kind=list)
    if not all(isinstance(row, dict) for row in rows):
        raise EncoderError(f"{folder / 'modules.json'}: must be a list of objects")
    for row in rows:
        if _kind(row) not in MODULES:
            raise EncoderError(f"{folder}: its module {str(row.get('type'))[:80]!r} is not known; known: {MODULES}")
        if _kind(row) == "Transformer" and row.get("path", ""):
            raise EncoderError(f"{folder}: its transformer lies in a folder of its own, {str(row['path'])[:60]!r}")
    return rows


def _kind(row: dict[str, Any]) -> str:
    return str(row.get("type", "")).rsplit(".", 1)[-1]


def _prompts(folder: Path) -> tuple[str, str]:
    """What is written before texts, and before queries."""
    config = read_json(folder, "config_sentence_transformers.json")
    stated = config.get("prompts") or {}
    if not isinstance(stated, dict) or not all(isinstance(value, str) for value in stated.values()):
        raise EncoderError(f"{folder / 'config_sentence_transformers.json'}: prompts must be texts by name")
    usual = stated.get(config.get("default_prompt_name") or "", "")
    of_texts = next((stated[name] for name in TEXT_PROMPTS if name in stated), usual)
    return of_texts, next((stated[name] for name in QUERY_PROMPTS if name in stated), usual)


def _most_tokens(folder: Path, stated: Any) -> int:
    if stated is None:
        return LONGEST_TOKENS
    if not isinstance(stated, int) or isinstance(stated, bool) or stated < 3:
        raise EncoderError(f"{folder / 'sentence_bert_config.json'}: max_seq_length must be 3 or more, not {stated!r}")
    return min(stated, LONGEST_TOKENS)
