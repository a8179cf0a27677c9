"""Which encoders there are, which of them are on this machine, how to get the others, and how fast one is."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib.metadata import entry_points
from importlib.util import find_spec
from typing import Any

import numpy as np

from ..errors import EncoderError
from ..registry import ROWS, find
from .base import Encoder, batch_frames, frames_per_vector, stride_frames
from .checkpoint import missing_on_disk

SPEED_SECONDS = 2.0  # for frames and for texts each, after one batch that is not counted
SPEED_TEXTS = tuple(f"person {number} opens a door and walks into the kitchen" for number in range(16))


@dataclass(frozen=True, slots=True)
class KnownEncoder:
    """What is known about an encoder without loading it.

    `name`: as it is named. `is_here`: whether all that it needs is on this machine; None where that depends on what is
    named with it. `download_mb`: the size of its weights, None where it depends too. `licence`: of its weights.
    `about`: what it is. `how_to_get`: what to install or to name. `problem`: why it is not here although a part is.
    """

    name: str
    is_here: bool | None
    download_mb: int | None
    licence: str
    about: str
    how_to_get: str
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Speed:
    """How many sampled frames of a video, and how many texts, an encoder takes in a second.

    Where clips overlap, a frame counts once, although it is encoded with each clip that it is in.
    """

    frames_per_second: float
    texts_per_second: float


# Sizes and licences as the pages of the checkpoints state them; that of BLIP-2 is half of what its
# repository holds in two forms, 10.9 GB.
CHECKPOINTS = (
    ("siglip", 813, "Apache-2.0", "learnt from pictures with sentences"),
    ("clip", 605, "see its card", "learnt from pictures with sentences; the smallest"),
    ("blip2", 5450, "see its card", "the encoder of TFVTG; slow without a GPU"),
    ("languagebind", 2110, "MIT", "looks at eight frames at a time; slow without a GPU"),
    ("xclip", 786, "MIT", "looks at eight frames at a time, learnt from videos of actions; slow without a GPU"),
)


def known_encoders() -> list[KnownEncoder]:
    """Every encoder of this package and of plug-ins. Never touches the network, and loads no model."""
    found = [_embedded(), *(_checkpoint(*row) for row in CHECKPOINTS), _open_clip(), *_elsewhere()]
    for point in sorted(entry_points(group="tfgrounding.encoders"), key=lambda point: point.name):
        if point.name not in ROWS["encoders"]:
            package = point.dist.name if point.dist is not None else point.module
            about = f"comes with the package {package}"
            found.append(KnownEncoder(point.name, True, None, "see its package", about, "it is installed"))
    return found


def better_than_embedded() -> str:
    """A sentence that says what the embedded encoder is weak at, and how to get a better one."""
    siglip = _checkpoint(*CHECKPOINTS[0])
    cost = "on this machine already" if siglip.is_here else f"{siglip.download_mb} MB, once"
    return (
        "the embedded encoder knows objects and places, hardly any actions; for better answers: "
        f"--encoder siglip ({cost}), see `tfgrounding encoders`"
    )


def measured_speed(encoder: Encoder) -> Speed:
    """Encode random frames and short texts for a few seconds.

    Args:
        encoder: one that is loaded.
    """
    size = encoder.frame_size
    height, width = (size, size) if isinstance(size, int) else size
    together = frames_per_vector(encoder)
    count = max(1, batch_frames(encoder) // together) * together
    frames = np.random.default_rng(0).integers(0, 256, (count, height, width, 3), dtype=np.uint8)
    of_a_video = stride_frames(encoder) / together
    return Speed(of_a_video * _rate(encoder.encode_frames, frames), _rate(encoder.encode_texts, SPEED_TEXTS))


def _rate(encode: Callable[[Any], object], items: Any) -> float:
    """Items a second."""
    encode(items)  # the first time takes longer
    began, done = time.perf_counter(), 0
    while done == 0 or time.perf_counter() - began < SPEED_SECONDS:
        encode(items)
        done += len(items)
    return done / (time.perf_counter() - began)


def _embedded() -> KnownEncoder:
    from .embedded import HOW_TO_GET_THEM, installed

    about = (
        "knows objects and places, hardly any actions; the package of its classifier of pictures states no licence, "
        "that of its sentence encoder MIT"
    )
    return KnownEncoder("embedded", installed(), 105, "partly MIT", about, HOW_TO_GET_THEM)


def _checkpoint(name: str, download_mb: int, licence: str, about: str) -> KnownEncoder:
    checkpoint = find("encoders", name)[0].usual_checkpoint
    get = f"--encoder {name} downloads it once"
    known = KnownEncoder(name, False, download_mb, licence, f"{checkpoint}: {about}", get)
    try:
        missing = missing_on_disk(checkpoint)
    except (EncoderError, OSError) as error:  # a cache that may not be read, too
        return replace(known, problem=str(error))
    if missing:
        return replace(known, problem=f"its {missing[0]} is missing")
    return replace(known, is_here=missing is not None)


def _open_clip() -> KnownEncoder:
    is_here = find_spec("open_clip") is not None
    about = "any model of open_clip, such as PE-Core-L-14-336/meta; it is downloaded when it is first named"
    get = "--encoder open_clip:MODEL/PRETRAINED"
    if not is_here:
        get = f"pip install 'tfgrounding[open-clip]', then {get}"
    return KnownEncoder("open_clip", None, None, "see its card", about, get)


def _elsewhere() -> list[KnownEncoder]:
    blip2 = "BLIP-2 as the public program of TFVTG runs it, in an environment of yours with LAVIS"
    served = "an embedding model for pictures and texts on a server, to which the frames are sent"
    sentences = "any sentence encoder of sentence-transformers, for texts alone: it takes no pictures"
    return [
        KnownEncoder("lavis", None, None, "see its page", blip2, "--encoder lavis:PYTHON, with the path of its Python"),
        KnownEncoder("sentences", None, None, "see its card", sentences, "--encoder sentences:MODEL"),
        KnownEncoder("served", None, None, "see its card", served, "--encoder served:MODEL@URL"),
    ]
