"""Frames -> what a checkpoint's vision tower expects, as its own preprocessor file describes it, with torch only."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import EncoderError
from .checkpoint_files import read_json

if TYPE_CHECKING:
    import torch

LARGEST_SIDE = 4096
MODES = {2: "bilinear", 3: "bicubic"}  # PIL's numbers, which the preprocessor files use


@dataclass(frozen=True, slots=True)
class Preprocessor:
    """Resize, crop the centre, scale and normalise.

    `resize`: the shorter side, or (height, width). `crop`: (height, width) or None. `mean`, `std`: one for each of red,
    green, blue, on the scale that `factor` makes of 0 ... 255.
    """

    resize: int | tuple[int, int]
    crop: tuple[int, int] | None
    factor: float
    mean: tuple[float, ...]
    std: tuple[float, ...]
    mode: str = "bicubic"

    def __post_init__(self) -> None:
        for sides in (self.resize, self.crop):
            for side in sides if isinstance(sides, tuple) else (sides,):
                if side is not None and not 1 <= side <= LARGEST_SIDE:
                    raise ValueError(f"a side of {side:.4g} pixels")
        numbers = (self.factor, *self.mean, *self.std)
        if len(self.mean) != 3 or len(self.std) != 3 or 0 in self.std or not all(map(math.isfinite, numbers)):
            raise ValueError("mean and std must be three numbers each")

    @classmethod
    def from_folder(cls, folder: Path) -> Preprocessor:
        """As preprocessor_config.json, or the image part of processor_config.json, describes it.

        Raises:
            EncoderError: neither file is there, or it needs steps that are not done here.
        """
        config = read_json(folder, "preprocessor_config.json")
        config = config or read_json(folder, "processor_config.json").get("image_processor", {})
        try:
            crop = _pair(_crop_size(config)) if config.get("do_center_crop") else None
            mean, std = _mean_and_std(config)
            if (resample := config.get("resample", 3)) not in MODES:
                raise EncoderError(
                    f"{folder}: its preprocessor file asks for resampling {resample!r}; only 2 (bilinear) and 3 "
                    "(bicubic) are done here"
                )
            return cls(
                resize=_resize(config["size"], squeeze=crop is None),
                crop=crop,
                factor=config.get("rescale_factor", 1 / 255) if config.get("do_rescale", True) else 1.0,
                mean=mean,
                std=std,
                mode=MODES[resample],
            )
        except (AttributeError, KeyError, OverflowError, TypeError, ValueError) as error:
            raise EncoderError(
                f"{folder}: its preprocessor file has no usable size, crop_size, image_mean, image_std "
                f"({type(error).__name__}: {error})"
            ) from error

    def check_fits(self, config: Any, *, where: str) -> None:
        """Whether the pictures have the size that the model's positions are for.

        Args:
            config: the model's configuration. A vision tower without patches or sizes takes any.
            where: the checkpoint's name, for the message.

        Raises:
            EncoderError: they have another size.
        """
        vision = getattr(config, "vision_config", None)
        side = getattr(vision, "image_size", None)
        if side is None or getattr(vision, "patch_size", None) is None or getattr(vision, "is_native", False):
            return
        wanted = (side, side) if isinstance(side, int) else tuple(side)
        made = self.crop or self.resize
        if made != wanted:
            said = f"{made[0]} x {made[1]}" if isinstance(made, tuple) else f"a shorter side of {made}"
            raise EncoderError(
                f"{where}: its preprocessor makes pictures of {said} pixels, but its model takes only "
                f"{wanted[0]} x {wanted[1]}"
            )

    def __call__(self, pixels: np.ndarray, *, device: str, dtype: torch.dtype) -> torch.Tensor:
        """(T, H, W, 3) uint8 RGB of any size -> (T, 3, h, w) on that device."""
        import torch

        frames = torch.tensor(pixels).permute(0, 3, 1, 2)  # (T, 3, H, W)
        height, width = self._resized(*frames.shape[-2:])
        if (height, width) != tuple(frames.shape[-2:]):
            frames = torch.nn.functional.interpolate(frames, size=(height, width), mode=self.mode, antialias=True)
        if self.crop is not None:
            frames = _centre(frames, self.crop)
        frames = frames.to(device).to(torch.float32)
        mean = torch.tensor(self.mean, device=frames.device)[:, None, None]
        std = torch.tensor(self.std, device=frames.device)[:, None, None]
        return ((frames * self.factor - mean) / std).to(dtype)

    def _resized(self, height: int, width: int) -> tuple[int, int]:
        if isinstance(self.resize, tuple):
            return self.resize
        if min(height, width) == self.resize:
            return height, width
        if width <= height:
            return self.resize * height // width, self.resize
        return self.resize, self.resize * width // height


def _centre(frames: torch.Tensor, crop: tuple[int, int]) -> torch.Tensor:
    import torch

    height, width = frames.shape[-2:]
    tall, wide = max(0, crop[0] - height), max(0, crop[1] - width)
    if tall or wide:  # too small: black around it
        frames = torch.nn.functional.pad(frames, [-(-wide // 2), wide // 2, -(-tall // 2), tall // 2])
        height, width = frames.shape[-2:]
    top, left = (height - crop[0]) // 2, (width - crop[1]) // 2
    return frames[..., top : top + crop[0], left : left + crop[1]]


def _mean_and_std(config: dict[str, Any]) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """What is taken off and what is divided by. ALIGN's processor, EfficientNet's, can take 1 off before and divide by
    `image_std` once more after."""
    is_efficientnet = str(config.get("image_processor_type")).startswith("EfficientNet")
    mean: tuple[float, ...] = (0.0,) * 3
    std: tuple[float, ...] = (1.0,) * 3
    if config.get("do_normalize", True):
        mean, std = tuple(config["image_mean"]), tuple(config["image_std"])
    if config.get("rescale_offset"):
        mean = tuple(value + 1 for value in mean)
    if config.get("include_top", is_efficientnet):
        std = tuple(value * again for value, again in zip(std, config["image_std"], strict=True))
    return mean, std


def _crop_size(config: dict[str, Any]) -> Any:
    """VideoMAE's processor, which X-CLIP uses, crops to 224 pixels where its file does not say to what."""
    kind = str(config.get("image_processor_type") or config.get("feature_extractor_type"))
    return config.get("crop_size", 224) if kind.startswith("VideoMAE") else config["crop_size"]


def _resize(size: Any, *, squeeze: bool) -> int | tuple[int, int]:
    if isinstance(size, int):
        return (size, size) if squeeze else size
    if size.get("shortest_edge") and not size.get("longest_edge"):
        return int(size["shortest_edge"])
    return int(size["height"]), int(size["width"])


def _pair(size: Any) -> tuple[int, int]:
    return (size, size) if isinstance(size, int) else (int(size["height"]), int(size["width"]))
