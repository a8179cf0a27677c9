"""From an encoder's name to an encoder that is ready."""

from __future__ import annotations

from ..errors import EncoderError
from ..registry import find, make
from .base import NEEDS, Encoder, frames_per_vector, resolve_device


def load_encoder(name: str | Encoder | type[Encoder] = "auto", *, device: str = "auto") -> Encoder:
    """Load the encoder of that name.

    Args:
        name: "embedded"; "blip2", "clip" or "siglip", each alone for its usual checkpoint, or followed by another as in
            "clip:openai/clip-vit-large-patch14", "clip:...@REVISION" or "clip:FOLDER"; "lavis:PYTHON", the Python of a
            LAVIS environment; the name of a plug-in; "module:Class" of your own, which is called with device= if it
            takes that (see docs/extending.md), or such an encoder itself. Or "auto": the first of blip2 (on CUDA
            only), siglip and clip whose usual checkpoint is on this machine, else embedded. Naming an encoder permits
            its download; "auto" never touches the network.
        device: "auto", "cpu", "cuda", "cuda:N" or "mps".

    Returns:
        An Encoder, ready.

    Raises:
        EncoderError: no such encoder, missing weights, an unreachable hub, or a device that this machine does not have.
    """
    given = _best_on_disk(device) if name == "auto" else name
    encoder: Encoder = make("encoders", given, needs=NEEDS, also=("auto",), error=EncoderError, device=device)
    frames_per_vector(encoder)
    return encoder


def _best_on_disk(device: str) -> str:
    from .checkpoint import is_on_disk
    from .embedded import HOW_TO_GET_THEM, installed

    on_cuda = resolve_device(device).startswith("cuda")
    for name in ("blip2", "siglip", "clip") if on_cuda else ("siglip", "clip"):
        if is_on_disk(find("encoders", name)[0].usual_checkpoint):
            return name
    if installed():
        return "embedded"
    raise EncoderError(
        f"no encoder's weights are on this machine; get the smallest with: {HOW_TO_GET_THEM}; "
        "or name siglip, clip or blip2 to download one"
    )
