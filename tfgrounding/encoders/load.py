"""From an encoder's name to an encoder that is ready."""

from __future__ import annotations

import logging
from typing import Any

from ..errors import EncoderError
from ..registry import find, make
from .base import (
    NEEDS,
    NEEDS_FOR_TEXTS,
    Encoder,
    batch_frames,
    encoder_warnings,
    frames_per_vector,
    only_language,
    resolve_device,
    resolve_dtype,
    stated_floor,
    stated_scale,
    stride_frames,
)

BEST_FIRST = ("siglip", "clip")
BEST_FIRST_ON_CUDA = ("blip2", *BEST_FIRST)

_log = logging.getLogger(__name__)


def load_encoder(name: str | Encoder | type[Encoder] = "auto", *, device: str = "auto", dtype: str = "auto") -> Encoder:
    """Load the encoder of that name.

    Args:
        name: "embedded"; "blip2", "clip", "languagebind", "siglip" or "xclip", each alone for its usual checkpoint, or
            followed by another as in "clip:openai/clip-vit-large-patch14", "clip:...@REVISION" or "clip:FOLDER";
            "lavis:PYTHON", the Python of a LAVIS environment; "open_clip:MODEL/PRETRAINED" or
            "open_clip:MODEL/PRETRAINED@PYTHON", a model of open_clip here or in another environment (see
            `OpenClipEncoder`); "sentences:MODEL", a checkpoint of sentence-transformers, for texts alone;
            "served:MODEL@URL", an embedding model on a server (see `ServedEncoder`), to which the frames are sent; the
            name of a plug-in; "module:Class" of your own, which is called with device= and dtype= if it takes them (see
            docs/extending.md), or such an encoder itself.
            Or "auto": the first of blip2 (on CUDA only), siglip and clip whose usual checkpoint is on this machine and
            loads, else embedded. Naming an encoder permits its download; "auto" never touches the network.
        device: "auto", "cpu", "cuda", "cuda:N" or "mps".
        dtype: the precision: "float32", "float16", "bfloat16", or "auto": float32 on a CPU, elsewhere bfloat16, or
            float16 where the device has no bfloat16. An encoder that has no choice of it takes only "auto".

    Returns:
        An Encoder, ready. Where "auto" had to pass over one whose weights are here, its `warnings` say why.

    Raises:
        EncoderError: no such encoder, missing weights, an unreachable hub, a device that this machine does not have, or
            a dtype that the encoder does not take.
    """
    if dtype != "auto":
        resolve_dtype(dtype, "cpu")
    encoder = _best_on_disk(device, dtype) if name == "auto" else _made(name, device, dtype)
    _check_names(encoder)
    for check in (
        frames_per_vector,
        stride_frames,
        batch_frames,
        encoder_warnings,
        only_language,
        stated_floor,
        stated_scale,
    ):
        check(encoder)
    return encoder


def load_sentences(encoder: Any = "embedded", *, device: str = "auto") -> Encoder:
    """Load an encoder of texts that are to be compared with texts.

    Args:
        encoder: "embedded" or "auto", both the packaged MiniLM; another name as `load_encoder` takes it, a class or an
            object, of which nothing is needed but `name`, `revision` and `encode_texts`.
        device: "auto", "cpu", "cuda", "cuda:N" or "mps".

    Returns:
        An Encoder whose `encode_frames` raises EncoderError.

    Raises:
        EncoderError: no such encoder, missing weights, or a device that this machine does not have.
    """
    from .sentences import SentenceEncoder, TextsOnly

    if isinstance(encoder, str) and encoder in ("auto", "embedded"):
        return SentenceEncoder(device=device)
    made = make("encoders", encoder, needs=NEEDS_FOR_TEXTS, also=("auto",), error=EncoderError, device=device)
    _check_names(made)
    if isinstance(own := getattr(made, "sentences", None), SentenceEncoder):  # the embedded encoder's
        return own
    return made if isinstance(made, SentenceEncoder | TextsOnly) else TextsOnly(made)


def _check_names(encoder: Encoder) -> None:
    for attribute in ("name", "revision"):
        value = getattr(encoder, attribute)
        if not isinstance(value, str) or not value:
            raise EncoderError(f"an encoder's {attribute} must be a text that is not empty, not {value!r}")


def _made(given: str | Encoder | type[Encoder], device: str, dtype: str) -> Encoder:
    encoder: Encoder = make(
        "encoders",
        given,
        needs=NEEDS,
        also=("auto",),
        must_take=() if dtype == "auto" else ("dtype",),
        error=EncoderError,
        device=device,
        dtype=dtype,
    )
    return encoder


def _best_on_disk(device: str, dtype: str) -> Encoder:
    """The first encoder of the list that loads without the network; what is passed over is said."""
    from .checkpoint import missing_on_disk
    from .embedded import HOW_TO_GET_THEM, installed

    passed_over: list[str] = []
    for name in BEST_FIRST_ON_CUDA if resolve_device(device).startswith("cuda") else BEST_FIRST:
        try:
            missing = missing_on_disk(find("encoders", name)[0].usual_checkpoint)
            if missing is None:
                continue
            if missing:
                raise EncoderError(f"{missing[0]} is missing on this machine; name {name} once to download it")
            encoder = _made(name, device, dtype)
            break
        except (EncoderError, OSError) as error:  # a cache that may not be read, too
            passed_over.append(f"auto passed over the encoder {name}: {error}")
            _log.warning(passed_over[-1])
    else:
        if not installed():
            raise EncoderError(
                f"no encoder is on this machine that loads; get the smallest with: {HOW_TO_GET_THEM}; "
                "or name siglip, clip or blip2 to download one"
            )
        encoder = _made("embedded", device, dtype)
    if passed_over:
        encoder.warnings = (*encoder_warnings(encoder), *passed_over)  # type: ignore[attr-defined]
    return encoder
