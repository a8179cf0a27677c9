"""BLIP-2 as LAVIS ships it, run by a worker: LAVIS needs an older version of transformers than this package."""

from __future__ import annotations

import os

from ..errors import EncoderError
from .worker import Worker, WorkerEncoder


class LavisEncoder(WorkerEncoder):
    """`blip2_image_text_matching` of LAVIS, the encoder of TFVTG's public program: 32 vectors a frame, one a text.

    Args:
        python: path of the Python of an environment in which `import lavis` works.
        device: "auto", "cpu", "cuda", "cuda:N" or "mps", as the worker's own PyTorch names them.
        model_type: which weights, as LAVIS names them: "coco" or "pretrain".

    Raises:
        EncoderError: no such Python, no lavis in it, a device it does not have, or a worker that ended.
    """

    name = "lavis"
    floor = 0.2  # TFVTG's
    language = "en"

    def __init__(self, python: str | os.PathLike[str] = "", *, device: str = "auto", model_type: str = "coco") -> None:
        if not os.fspath(python):
            raise EncoderError(
                "lavis runs in an environment of its own: write lavis:PYTHON with the path of its Python"
            )
        super().__init__(Worker("LAVIS", os.fspath(python), "lavis_worker.py", device, model_type))
