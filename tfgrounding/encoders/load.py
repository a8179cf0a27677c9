"""From an encoder's name to an encoder that is ready."""

from __future__ import annotations

from collections.abc import Callable

from ..errors import EncoderError
from .base import Encoder, resolve_device

BLIP2_CHECKPOINT = "Salesforce/blip2-itm-vit-g-coco"
CLIP_CHECKPOINT = "openai/clip-vit-base-patch32"
SIGLIP_CHECKPOINT = "google/siglip-base-patch16-224"


def _blip2(device: str, checkpoint: str = BLIP2_CHECKPOINT) -> Encoder:
    from .blip2 import Blip2Encoder

    return Blip2Encoder(checkpoint, device=device)


def _clip(device: str, checkpoint: str = CLIP_CHECKPOINT) -> Encoder:
    from .clip import ClipEncoder

    return ClipEncoder(checkpoint, device=device)


def _embedded(device: str) -> Encoder:
    from .embedded import EmbeddedEncoder

    return EmbeddedEncoder(device=device)


def _lavis(device: str, python: str = "") -> Encoder:
    from .lavis import LavisEncoder

    return LavisEncoder(python=python, device=device)


def _siglip(device: str, checkpoint: str = SIGLIP_CHECKPOINT) -> Encoder:
    return _clip(device, checkpoint)


ENCODERS: dict[str, Callable[..., Encoder]] = {
    "blip2": _blip2,
    "clip": _clip,
    "embedded": _embedded,
    "lavis": _lavis,
    "siglip": _siglip,
}


def load_encoder(name: str = "auto", *, device: str = "auto") -> Encoder:
    """Load the encoder of that name.

    Args:
        name: "embedded"; "blip2", "clip" or "siglip", each alone for its usual checkpoint, or followed by another as in
            "clip:openai/clip-vit-large-patch14", "clip:...@REVISION" or "clip:FOLDER"; "lavis:PYTHON", the Python of a
            LAVIS environment; or "auto": the first of blip2 (on CUDA only), siglip and clip whose usual checkpoint is
            on this machine, else embedded. Naming an encoder permits its download; "auto" never touches the network.
        device: "auto", "cpu", "cuda", "cuda:N" or "mps".

    Returns:
        An Encoder, ready.

    Raises:
        EncoderError: no such encoder, missing weights, an unreachable hub, or a device that this machine does not have.
    """
    kind, _, choice = name.partition(":")
    if name == "auto":
        kind = _best_on_disk(device)
    if kind not in ENCODERS:
        raise EncoderError(f"encoder {name!r} is not known; choose auto or one of {', '.join(sorted(ENCODERS))}")
    if choice and kind == "embedded":
        raise EncoderError(f"encoder {name!r} is not known; embedded has no other checkpoints")
    return ENCODERS[kind](device, choice) if choice else ENCODERS[kind](device)


def _best_on_disk(device: str) -> str:
    from .checkpoint import is_on_disk
    from .embedded import HOW_TO_GET_THEM, installed

    on_cuda = resolve_device(device).startswith("cuda")
    candidates = {"blip2": BLIP2_CHECKPOINT} if on_cuda else {}
    candidates |= {"siglip": SIGLIP_CHECKPOINT, "clip": CLIP_CHECKPOINT}
    for kind, checkpoint in candidates.items():
        if is_on_disk(checkpoint):
            return kind
    if installed():
        return "embedded"
    raise EncoderError(
        f"no encoder's weights are on this machine; get the smallest with: {HOW_TO_GET_THEM}; "
        "or name siglip, clip or blip2 to download one"
    )
