"""What every encoder offers, and what encoders share: devices, batches, and frames in clips."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from math import inf, isfinite
from numbers import Real
from typing import Any, NamedTuple, Protocol

import numpy as np

from ..errors import EncoderError, in_one_line
from ..registry import named_failures
from ..types import Frames

MOST_FRAMES_PER_VECTOR = 1024
MOST_BATCH_FRAMES = 4096
DTYPES = ("auto", "float32", "float16", "bfloat16")
LENGTH_ROUNDING = 0.02  # what half precision makes of the length 1


class Encoder(Protocol):
    """Puts frames and texts into one space, where the cosine of two vectors says how well they fit.

    Vectors may have any length; they are divided by it where they are used.

    Attributes:
        name, revision: which model made the vectors, and which state of it. Cached features are used again as long as
            both stay the same, so whatever changes the vectors must change `revision`.
        frame_size: the size in pixels at which `iter_frames` delivers frames (its `size`).

    More attributes are optional. `floor` is the cosine at and below which a frame does not show the text; where it is
    missing or None, it is measured for each video (`localizers.presence.measured_floor`). `scale` (1 where it is
    missing) is what cosines were multiplied by in the encoder's training: differences of cosines times `scale` are
    differences of log-odds. `frames_per_vector` (1 where it is missing) is for encoders of clips: how many frames in a
    row make one vector. Such an encoder gets a multiple of that many frames; at the end of a video the last frame is
    repeated. `stride_frames` (`frames_per_vector` where it is missing) is how many frames after one clip the next one
    begins; where it is less, clips overlap. `batch_frames`: how many frames it takes at once with profit; it gets so
    many where memory allows. `warnings`: sentences about the encoder that every answer repeats. A method
    `text_notes(texts)` returns a sentence about each text that the encoder does not read to its end; the answers to
    such a query repeat it. `language`: the ISO 639-1 code of the only language that it reads; answers to queries
    that are surely in another one say so.
    """

    name: str
    revision: str
    frame_size: int | tuple[int, int]

    def encode_frames(self, pixels: np.ndarray) -> np.ndarray:
        """(T, H, W, 3) uint8 RGB frames -> (T / frames_per_vector, Q, D) float32 vectors, Q side by side."""
        ...

    def encode_texts(self, texts: Sequence[str]) -> np.ndarray:
        """N texts -> (N, D) float32 vectors."""
        ...


NEEDS_FOR_TEXTS = ("name", "revision", "encode_texts")
NEEDS = ("name", "revision", "frame_size", "encode_frames", "encode_texts")


def stated_floor(encoder: Encoder) -> float | None:
    """The encoder's own floor, None where it is to be measured. Raises EncoderError if that is no finite number."""
    floor = getattr(encoder, "floor", None)
    if floor is None:
        return None
    if isinstance(floor, bool) or not isinstance(floor, Real) or not isfinite(floor):
        raise EncoderError(f"encoder {encoder.name}: floor must be a number or None, not {floor!r}")
    return float(floor)


def stated_scale(encoder: Encoder) -> float:
    """What cosines were multiplied by in training. Raises EncoderError if that is no finite number above 0."""
    scale = getattr(encoder, "scale", 1.0)
    if isinstance(scale, bool) or not isinstance(scale, Real) or not 0 < float(scale) < inf:
        raise EncoderError(f"encoder {encoder.name}: scale must be a number above 0, not {scale!r}")
    return float(scale)


def frames_per_vector(encoder: Encoder) -> int:
    """How many frames make one vector. Raises EncoderError if that is not a whole number from 1 on."""
    count = getattr(encoder, "frames_per_vector", 1)
    if isinstance(count, bool) or not isinstance(count, int) or not 1 <= count <= MOST_FRAMES_PER_VECTOR:
        raise EncoderError(
            f"encoder {encoder.name}: frames_per_vector must be a whole number from 1 to {MOST_FRAMES_PER_VECTOR}, "
            f"not {count!r}"
        )
    return count


def stride_frames(encoder: Encoder) -> int:
    """How many frames after one clip the next one begins. Raises EncoderError if frames would be left out."""
    together = frames_per_vector(encoder)
    count = getattr(encoder, "stride_frames", together)
    if isinstance(count, bool) or not isinstance(count, int) or not 1 <= count <= together:
        raise EncoderError(
            f"encoder {encoder.name}: stride_frames must be a whole number from 1 to frames_per_vector, {together}, "
            f"not {count!r}"
        )
    return count


def batch_frames(encoder: Encoder) -> int:
    """How many frames the encoder takes at once with profit. Raises EncoderError if that is not a whole number."""
    count = getattr(encoder, "batch_frames", 1)
    if not isinstance(count, int) or not 1 <= count <= MOST_BATCH_FRAMES:
        raise EncoderError(
            f"encoder {encoder.name}: batch_frames must be a whole number from 1 to {MOST_BATCH_FRAMES}, not {count!r}"
        )
    return count


def encoder_warnings(encoder: Encoder) -> tuple[str, ...]:
    """What every answer says about the encoder. Raises EncoderError if its `warnings` are not sentences."""
    said = getattr(encoder, "warnings", ())
    if not isinstance(said, (list, tuple)) or not all(isinstance(sentence, str) for sentence in said):
        raise EncoderError(f"encoder {encoder.name}: warnings must be a list of sentences, not {type(said).__name__}")
    return tuple(said)


def only_language(encoder: Encoder) -> str:
    """The ISO 639-1 code of the only language an encoder reads; "" where it reads several, or does not say.

    Raises EncoderError if its `language` is no text.
    """
    language = getattr(encoder, "language", "")
    if not isinstance(language, str):
        raise EncoderError(f"encoder {encoder.name}: language must be a code such as 'en', not {language!r:.40}")
    return language


def text_notes(encoder: Encoder, texts: Sequence[str]) -> tuple[str, ...]:
    """What is said about texts that the encoder does not read to their end. Raises EncoderError if not in sentences."""
    with named_failures(encoder, f"encoder {encoder.name}: text_notes failed", EncoderError):
        notes = encoder.text_notes(texts) if hasattr(encoder, "text_notes") else ()
    if not isinstance(notes, (list, tuple)) or not all(isinstance(note, str) for note in notes):
        raise EncoderError(f"encoder {encoder.name}: text_notes must return a list of sentences")
    return tuple(notes)


class Group(NamedTuple):
    """Frames that an encoder takes at once.

    `pixels`: (V * frames_per_vector, H, W, 3). `pts_seconds`: (V,) of each clip's first picture. `sample_seconds`:
    (V,) the mean of those of the frames in each clip, a repeated one counted once. `is_full`: whether it has as many
    clips as every group but the last, none of them filled up.
    """

    pixels: np.ndarray
    pts_seconds: np.ndarray
    sample_seconds: np.ndarray
    is_full: bool


def vectors_together(frames_per_vector: int, most_frames: int) -> int:
    """How many vectors a full `Group` makes."""
    return max(1, most_frames // frames_per_vector)


def grouped(
    chunks: Iterable[Frames], frames_per_vector: int, stride_frames: int, most_frames: int = MOST_BATCH_FRAMES
) -> Iterator[Group]:
    """Frames as an encoder of clips takes them: clip v begins at frame v * stride_frames and has one time.

    Which clips come together depends on nothing but their number: group g begins with clip g * `vectors_together`.

    Args:
        chunks: the video's frames in order, in chunks of any length; for an encoder of frames in chunks of
            `most_frames`, which then are the groups.
        frames_per_vector: how many frames make a clip. The last clip is filled up with the last frame.
        stride_frames: how many frames after one clip the next one begins; at most `frames_per_vector`.
        most_frames: how many frames come at once at most, but at least one clip.
    """
    if frames_per_vector == 1:
        for chunk in chunks:
            yield Group(chunk.pixels, chunk.pts_seconds, chunk.sample_seconds, len(chunk) == most_frames)
        return
    together = vectors_together(frames_per_vector, most_frames)
    needed = (together - 1) * stride_frames + frames_per_vector
    waiting: list[Frames] = []
    encoded = 0  # how many of the waiting frames are in a clip already
    for chunk in chunks:
        waiting.append(chunk)
        if sum(map(len, waiting)) < needed:
            continue
        frames = _joined(waiting)
        while len(frames) >= needed:
            yield _clips(frames, np.arange(together) * stride_frames, frames_per_vector, is_full=True)
            frames = _from(frames, together * stride_frames)
            encoded = frames_per_vector - stride_frames
        waiting = [frames]
    if not sum(map(len, waiting)):
        return
    frames = _joined(waiting)
    firsts = np.arange(0, len(frames) - frames_per_vector + 1, stride_frames)
    if len(firsts):
        yield _clips(frames, firsts, frames_per_vector, is_full=False)
        frames = _from(frames, int(firsts[-1]) + stride_frames)
        encoded = frames_per_vector - stride_frames
    if len(frames) > encoded:
        last = np.repeat(frames.pixels[-1:], frames_per_vector - len(frames), axis=0)
        pixels = np.concatenate([frames.pixels, last])
        yield Group(pixels, frames.pts_seconds[:1], frames.sample_seconds.mean(keepdims=True), is_full=False)


def _clips(frames: Frames, firsts: np.ndarray, frames_per_vector: int, *, is_full: bool) -> Group:
    """The clips that begin with those frames."""
    chosen = firsts[:, None] + np.arange(frames_per_vector)  # (V, frames_per_vector)
    return Group(
        frames.pixels[chosen.ravel()],
        frames.pts_seconds[firsts],
        frames.sample_seconds[chosen].mean(axis=1),
        is_full,
    )


def _from(frames: Frames, first: int) -> Frames:
    return Frames(frames.pixels[first:], frames.pts_seconds[first:], frames.sample_seconds[first:])


def _joined(chunks: Sequence[Frames]) -> Frames:
    return Frames(
        np.concatenate([chunk.pixels for chunk in chunks]),
        np.concatenate([chunk.pts_seconds for chunk in chunks]),
        np.concatenate([chunk.sample_seconds for chunk in chunks]),
    )


def encoded_frames(encoder: Encoder, pixels: np.ndarray) -> np.ndarray:
    """(V, Q, D) unit vectors of (T, H, W, 3) frames, checked. Raises EncoderError where the encoder makes none."""
    with named_failures(encoder, f"encoder {encoder.name}: encode_frames failed", EncoderError):
        returned = encoder.encode_frames(pixels)
    count = len(pixels) // frames_per_vector(encoder)
    vectors = _numbers(encoder, returned, "encode_frames")
    if vectors.ndim != 3 or len(vectors) != count or 0 in vectors.shape:
        raise EncoderError(
            f"encoder {encoder.name}: encode_frames must return ({count}, Q, D) vectors for {len(pixels)} frames, "
            f"not shape {vectors.shape}"
        )
    return _unit_vectors(encoder, vectors, "encode_frames")


def encoded_texts(encoder: Encoder, texts: Sequence[str], *, are_queries: bool = False) -> np.ndarray:
    """(N, D) unit vectors of N texts, checked. Raises EncoderError where the encoder makes none.

    `are_queries`: an encoder with `encode_queries` reads queries in another way than the texts of a video.
    """
    method = "encode_queries" if are_queries and hasattr(encoder, "encode_queries") else "encode_texts"
    with named_failures(encoder, f"encoder {encoder.name}: {method} failed", EncoderError):
        returned = getattr(encoder, method)(texts)
    vectors = _numbers(encoder, returned, method)
    if vectors.ndim != 2 or len(vectors) != len(texts) or 0 in vectors.shape:
        raise EncoderError(
            f"encoder {encoder.name}: {method} must return ({len(texts)}, D) vectors for {len(texts)} texts, "
            f"not shape {vectors.shape}"
        )
    return _unit_vectors(encoder, vectors, method)


def _numbers(encoder: Encoder, returned: Any, method: str) -> np.ndarray:
    try:
        vectors = np.asarray(returned)
        if vectors.dtype.kind in "OSUcMm":  # objects, texts, complex numbers, dates
            raise TypeError(f"an array of {vectors.dtype} was returned")
        with np.errstate(over="ignore"):  # said below, as infinite
            return vectors.astype(np.float32, copy=False)
    except (TypeError, ValueError, RuntimeError) as error:  # RuntimeError: a tensor that still has its gradient
        raise EncoderError(
            f"encoder {encoder.name}: {method} must return one array of float32 numbers ({in_one_line(error)})"
        ) from error


def _unit_vectors(encoder: Encoder, vectors: np.ndarray, method: str) -> np.ndarray:
    """The vectors with length 1; those that have it already, and those of length 0, stay as they are."""
    lengths = np.linalg.norm(vectors.astype(np.float64), axis=-1, keepdims=True)
    if not np.isfinite(lengths).all():
        raise EncoderError(f"encoder {encoder.name}: {method} returned numbers that are not finite, or too large")
    is_unit = np.abs(lengths - 1) <= LENGTH_ROUNDING
    return vectors if is_unit.all() else vectors / np.where(is_unit | (lengths == 0), 1, lengths)


def resolve_device(device: str) -> str:
    """The torch device to run on: what was asked for, or for "auto" the best there is.

    Raises:
        EncoderError: the device is not known, or this machine does not have it.
    """
    import torch

    available = ["cpu"]
    if torch.cuda.is_available():
        available[:0] = ["cuda", *(f"cuda:{i}" for i in range(torch.cuda.device_count()))]
    if torch.backends.mps.is_available():
        available.insert(0, "mps")
    if device == "auto":
        return available[0]
    if device not in available:
        raise EncoderError(f"device {device!r} is not available here; choose auto or one of {', '.join(available)}")
    return device


def resolve_dtype(dtype: str, device: str) -> str:
    """The precision to run in: what was asked for, or for "auto" float32 on a CPU and half of that elsewhere.

    Args:
        dtype: one of DTYPES.
        device: as `resolve_device` returned it.

    Raises:
        EncoderError: the dtype is not known.
    """
    import torch

    if dtype not in DTYPES:
        raise EncoderError(f"dtype {dtype!r} is not known; choose {', '.join(DTYPES)}")
    if dtype != "auto":
        return dtype
    if device == "cpu":
        return "float32"
    if device == "mps":
        has_bfloat16 = torch.backends.mps.is_macos_or_newer(14, 0)
    else:
        has_bfloat16 = torch.cuda.get_device_capability(device) >= (8, 0)
    return "bfloat16" if has_bfloat16 else "float16"


class Batches:
    """Runs a model over any number of items in batches that halve, and stay halved, when memory runs out."""

    def __init__(self, size: int) -> None:
        self.size = size

    def run(self, model: Callable[[np.ndarray], np.ndarray], items: np.ndarray) -> np.ndarray:
        """model(items[a:b]) for every batch, joined.

        Raises:
            EncoderError: not even one item fits.
        """
        results: list[np.ndarray] = []
        done = 0
        while done < len(items) or not results:
            batch = items[done : done + self.size]
            try:
                results.append(model(batch))
            except (MemoryError, RuntimeError) as error:
                if not _ran_out_of_memory(error):
                    raise
                if self.size == 1:
                    raise EncoderError(
                        f"not enough memory for a single frame ({str(error).splitlines()[0]}); "
                        "close other programs, or choose a smaller encoder or another device"
                    ) from error
                self.size = max(1, self.size // 2)
                _give_back_memory()
                continue
            done += len(batch)
        return np.concatenate(results)


def _ran_out_of_memory(error: BaseException) -> bool:
    """CUDA has its own error class; for MPS and the CPU's allocator only the message shows it."""
    words = str(error).lower()
    return isinstance(error, MemoryError) or "out of memory" in words or "not enough memory" in words


def _give_back_memory() -> None:
    import torch

    if torch.cuda.is_available():
        torch.cuda.empty_cache()
