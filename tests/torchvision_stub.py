"""A stand-in for the few functions of torchvision that the video processors of transformers call.

This package never installs torchvision, and those processors cannot be made without it. What they compute of times is
their own code; resizing and scaling of the pictures, which no test looks at, is done here by torch.
"""

from __future__ import annotations

from pathlib import Path

INTERPOLATION = """
from enum import Enum


class InterpolationMode(Enum):
    NEAREST = "nearest"
    NEAREST_EXACT = "nearest-exact"
    BILINEAR = "bilinear"
    BICUBIC = "bicubic"
    BOX = "box"
    HAMMING = "hamming"
    LANCZOS = "lanczos"
"""
FUNCTIONS = """
import numpy as np
import torch
from torchvision.transforms import InterpolationMode


def pil_to_tensor(picture):
    return torch.from_numpy(np.array(picture)).permute(2, 0, 1)


def resize(pictures, size, interpolation=None, antialias=True):
    flat = pictures.reshape(-1, *pictures.shape[-3:]).float()
    done = torch.nn.functional.interpolate(flat, tuple(size), mode="bilinear", antialias=True)
    return done.reshape(*pictures.shape[:-2], *size).to(pictures.dtype)


def normalize(pictures, mean, std, inplace=False):
    mean, std = (torch.as_tensor(value, dtype=pictures.dtype)[:, None, None] for value in (mean, std))
    return (pictures - mean) / std


def grayscale_to_rgb(pictures):
    return pictures
"""


def write(folder: Path) -> Path:
    """Write the package; returns the folder to import it from."""
    for name, code in {
        "__init__.py": '__version__ = "0.28.0"\n',
        "io/__init__.py": "",
        "transforms/__init__.py": INTERPOLATION,
        "transforms/functional.py": FUNCTIONS,
        "transforms/v2/__init__.py": "",
        "transforms/v2/functional.py": "from torchvision.transforms.functional import *\n",
    }.items():
        path = folder / "torchvision" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(code)
    return folder
