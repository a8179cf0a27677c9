"""Vectors that were made elsewhere: frame features in .npy files, text vectors in a safetensors file."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from ..errors import DatasetError, EncoderError
from ..types import VideoFeatures, VideoInfo


class StoredTexts:
    """An encoder whose text vectors were made before, for runs on ready features without a model.

    The file is a safetensors file with one (D,) vector for each text, under the text itself as its name; its metadata
    may say "encoder", "revision", "floor" and "scale" (see `save_text_vectors`). It must hold every text of the plans,
    and those of `presence.NULL_TEXTS`, against which a Grounder judges whether an event is there at all. It cannot
    encode pictures.
    """

    frame_size: int | tuple[int, int] = 224

    def __init__(self, path: str | Path) -> None:
        from safetensors import SafetensorError, safe_open

        self._path = Path(path)
        try:
            with safe_open(str(path), framework="numpy") as file:
                said = file.metadata() or {}
                self._vectors = {text: unit_vectors(file.get_tensor(text)) for text in file.keys()}  # noqa: SIM118
            self.floor = float(said["floor"]) if "floor" in said else None
            self.scale = float(said.get("scale", 1.0))
            content = hashlib.sha256(self._path.read_bytes()).hexdigest()
        except (OSError, SafetensorError, ValueError) as error:
            raise EncoderError(f"{path}: not a safetensors file of text vectors ({error})") from error
        self.name = said.get("encoder", "stored")
        self.revision = said.get("revision", f"sha256:{content[:16]}")

    def encode_frames(self, pixels: np.ndarray) -> np.ndarray:
        """Raises EncoderError: stored text vectors come without a model for pictures."""
        raise EncoderError(f"{self._path} holds text vectors only, so frames need ready features too (--features DIR)")

    def encode_texts(self, texts: Sequence[str]) -> np.ndarray:
        """N texts -> (N, D) float32 unit vectors. Raises EncoderError for a text that is not in the file."""
        for text in texts:
            if text not in self._vectors:
                raise EncoderError(f"{self._path} has no vector for the text {text!r}")
        return np.stack([self._vectors[text] for text in texts])


def save_text_vectors(
    path: str | Path,
    vectors: Mapping[str, np.ndarray],
    *,
    encoder: str,
    revision: str,
    floor: float | None,
    scale: float = 1.0,
) -> None:
    """Write a file for `StoredTexts`.

    Args:
        path: where to; the name usually ends in .safetensors.
        vectors: {text: (D,) vector}.
        encoder, revision: which model made them.
        floor: the cosine at and below which that model means that a frame does not show the text; None to measure it.
        scale: what cosines were multiplied by in that model's training.
    """
    from safetensors.numpy import save_file

    said = {"encoder": encoder, "revision": revision, "scale": repr(float(scale))}
    if floor is not None:
        said["floor"] = repr(float(floor))
    tensors = {text: np.ascontiguousarray(vector, dtype=np.float32) for text, vector in vectors.items()}
    save_file(tensors, str(path), metadata=said)


def read_features(path: str | Path, *, duration_seconds: float, encoder: str, revision: str) -> VideoFeatures:
    """Read the features of one video.

    Args:
        path: a .npy file of (T, D) or, as TFVTG stores them, (T, Q, D) numbers, Q vectors a frame; T frames that lie
            evenly over the video. They need not be unit vectors.
        duration_seconds: length of the video.
        encoder, revision: which model made them; the file does not say.

    Returns:
        VideoFeatures.

    Raises:
        DatasetError: the file is missing, or not such an array.
    """
    if not Path(path).is_file():
        raise DatasetError(f"{path}: there is no such file of features")
    try:
        stored = np.load(path, mmap_mode="r", allow_pickle=False)  # mapped: a header may claim any size
    except (OSError, ValueError, EOFError) as error:
        raise DatasetError(f"{path}: the features cannot be read ({error})") from error
    if not isinstance(stored, np.ndarray):
        raise DatasetError(f"{path}: features must be one array (.npy), not an archive")
    if stored.ndim not in (2, 3) or 0 in stored.shape or stored.dtype.kind != "f":
        raise DatasetError(
            f"{path}: features must be (T, D) or (T, Q, D) floating point numbers, not {stored.shape} {stored.dtype}"
        )
    with np.errstate(over="ignore"):
        vectors = np.asarray(stored, dtype=np.float32)
    if not np.isfinite(vectors).all():
        raise DatasetError(f"{path}: the features have values that are not finite (NaN or infinite)")
    if vectors.ndim == 2:
        vectors = vectors[:, None, :]
    frames = len(vectors)
    instants = (np.arange(frames) + 0.5) / frames * duration_seconds
    return VideoFeatures(
        vectors=unit_vectors(vectors),
        pts_seconds=instants,
        sample_seconds=instants,
        info=VideoInfo(path=str(path), duration_seconds=duration_seconds, width=0, height=0),
        encoder=encoder,
        revision=revision,
        rate_hz=frames / duration_seconds,
    )


def unit_vectors(vectors: np.ndarray) -> np.ndarray:
    """(..., D) float32 of length 1; a zero vector stays zero."""
    vectors = np.asarray(vectors, dtype=np.float32)
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), np.float32(1e-12))
