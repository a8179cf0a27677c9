"""Vectors and their times as the bytes of one file: safetensors, half precision, with a checksum over all of it."""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping
from typing import Any

import numpy as np
import safetensors
from safetensors.numpy import load, save

NAMES = ("pts_seconds", "sample_seconds", "vectors")
UNREADABLE = (OSError, ValueError, KeyError, TypeError, safetensors.SafetensorError)  # what a damaged file raises


def packed(words: dict[str, Any], vectors: np.ndarray, pts_seconds: np.ndarray, sample_seconds: np.ndarray) -> bytes:
    """A file of (T, Q, D) vectors (already `rounded`), their (T,) times, and what is said about them as JSON."""
    tensors: dict[str, np.ndarray] = {
        "vectors": vectors.astype(np.float16),
        "pts_seconds": pts_seconds.astype(np.float64),
        "sample_seconds": sample_seconds.astype(np.float64),
    }
    return save(tensors, metadata={"words": json.dumps(words), "crc32": str(_checksum(words, tensors))})


def unpacked(data: bytes) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """(what is said, arrays by name, the vectors as float16). Raises one of UNREADABLE where anything is damaged."""
    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])["__metadata__"]
    words, crc = json.loads(header["words"]), int(header["crc32"])
    tensors = load(data)
    if crc != _checksum(words, tensors):
        raise ValueError("damaged")
    return words, tensors


def _checksum(words: dict[str, Any], tensors: Mapping[str, np.ndarray]) -> int:
    """CRC-32 of all that is said and of every tensor with its shape and type."""
    crc = zlib.crc32(json.dumps(words, sort_keys=True).encode())
    for name in NAMES:
        tensor = np.ascontiguousarray(tensors[name])
        crc = zlib.crc32(f"{name} {tensor.shape} {tensor.dtype}".encode(), crc)
        crc = zlib.crc32(tensor.reshape(-1).view(np.uint8), crc)
    return crc
