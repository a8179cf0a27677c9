"""BLIP-2 as LAVIS ships it, in the user's own LAVIS environment: a worker process answers over pipes.

LAVIS needs an older version of transformers than this package, so it cannot be imported here. Frames and texts
go to the worker as safetensors, each message after its length in eight little-endian bytes, and vectors come back the
same way.
"""

from __future__ import annotations

import json
import os
import struct
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.numpy import load, save

from ..errors import EncoderError

WORKER = Path(__file__).with_name("lavis_worker.py")
BATCH_FRAMES = 16
LEAVE_SECONDS = 5.0


class LavisEncoder:
    """`blip2_image_text_matching` of LAVIS, the encoder of TFVTG's public program.

    Args:
        python: path of the Python of an environment in which `import lavis` works.
        device: "auto", "cpu", "cuda", "cuda:N" or "mps", as the worker's own PyTorch names them.
        model_type: which weights, as LAVIS names them: "coco" or "pretrain".

    Raises:
        EncoderError: no such Python, no lavis in it, a device it does not have, or a worker that ended.
    """

    name = "lavis"
    floor = 0.2  # TFVTG's

    def __init__(self, python: str | os.PathLike[str] = "", *, device: str = "auto", model_type: str = "coco") -> None:
        if not os.fspath(python):
            raise EncoderError(
                "lavis runs in an environment of its own: write lavis:PYTHON with the path of its Python"
            )
        self._python = os.fspath(python)
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the worker
        try:
            self._worker = subprocess.Popen(
                [self._python, str(WORKER), device, model_type],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=self._errors,
            )
        except OSError as error:
            raise EncoderError(f"{self._python}: this Python cannot be started ({error.strerror})") from error
        hello = self._receive()[1]
        self.revision: str = hello["revision"]
        self.scale: float = hello["scale"]
        self.frame_size: int | tuple[int, int] = (hello["height"], hello["width"])

    def encode_frames(self, pixels: np.ndarray) -> np.ndarray:
        """(T, H, W, 3) uint8 RGB frames -> (T, 32, 256) float32 unit vectors."""
        parts = [
            self._ask({"frames": np.ascontiguousarray(pixels[first : first + BATCH_FRAMES])}, {})
            for first in range(0, len(pixels), BATCH_FRAMES)
        ]
        return np.concatenate(parts)

    def encode_texts(self, texts: Sequence[str]) -> np.ndarray:
        """N texts -> (N, 256) float32 unit vectors."""
        return self._ask({"none": np.zeros(0, dtype=np.uint8)}, {"texts": json.dumps(list(texts))})

    def close(self) -> None:
        """End the worker."""
        if self._worker.poll() is None:
            for pipe in (self._worker.stdin, self._worker.stdout):
                if pipe is not None:
                    pipe.close()
            try:
                self._worker.wait(LEAVE_SECONDS)
            except subprocess.TimeoutExpired:
                self._worker.kill()
                self._worker.wait()
        self._errors.close()

    def __del__(self) -> None:
        if hasattr(self, "_worker"):
            self.close()

    def _ask(self, tensors: dict[str, np.ndarray], words: dict[str, str]) -> np.ndarray:
        message = save(tensors, metadata=words)
        assert self._worker.stdin is not None
        try:
            self._worker.stdin.write(struct.pack("<Q", len(message)) + message)
            self._worker.stdin.flush()
        except OSError as error:
            raise EncoderError(self._how_it_ended()) from error
        return self._receive()[0]["vectors"]

    def _receive(self) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
        """(tensors, what the worker sends beside them)."""
        message = self._read(struct.unpack("<Q", self._read(8))[0])
        header = json.loads(message[8 : 8 + struct.unpack("<Q", message[:8])[0]])
        words = json.loads(header.get("__metadata__", {}).get("words", "{}"))
        if "error" in words:
            raise EncoderError(f"the LAVIS worker of {self._python}: {words['error']}")
        return load(message), words

    def _read(self, size: int) -> bytes:
        assert self._worker.stdout is not None
        data = self._worker.stdout.read(size)
        if len(data) < size:
            raise EncoderError(self._how_it_ended())
        return data

    def _how_it_ended(self) -> str:
        code = self._worker.wait()
        self._errors.seek(0)
        lines = self._errors.read().decode(errors="replace").strip().splitlines()
        return (
            f"the LAVIS worker of {self._python} ended with code {code}: {lines[-1] if lines else 'without a message'}"
        )
