"""Alternatives that turn frames and texts into vectors of one space."""

from .base import Encoder
from .load import load_encoder, load_sentences

__all__ = ["Encoder", "load_encoder", "load_sentences"]
