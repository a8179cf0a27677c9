"""EfficientNet-Lite2 (Tan & Le 2019; Lite: ReLU6, no squeeze-and-excitation), arranged to be fast on a CPU.

Two things are not as in the weights that people train. Each normalisation is folded into the convolution before it. And
TensorFlow's SAME padding, which puts an odd pixel to the right and the bottom, needs no padded copy of the picture: a
kernel that is one larger, with zeros in its first row and column, and even padding give the same sums.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import nn
from torch.nn import functional
from torch.nn.utils.fusion import fuse_conv_bn_weights

# (blocks, kernel, stride of the first block, channels out, expansion): B0's stages at width 1.1 and depth 1.2
STAGES = (
    (1, 3, 1, 16, 1),
    (3, 3, 2, 24, 6),
    (3, 5, 2, 48, 6),
    (4, 3, 2, 88, 6),
    (4, 5, 1, 120, 6),
    (5, 5, 2, 208, 6),
    (1, 3, 1, 352, 6),
)
STEM_CHANNELS, HEAD_CHANNELS, CLASSES = 32, 1280, 1000
BATCH_NORM_EPS = 1e-3
FRAME_SIZE = 260
NORM_AFTER = {  # in the names of the packaged weights
    "_conv_stem": "_bn0",
    "_conv_head": "_bn1",
    "_expand_conv": "_bn0",
    "_depthwise_conv": "_bn1",
    "_project_conv": "_bn2",
}


class _Conv(nn.Conv2d):
    """A convolution padded as TensorFlow's SAME, for pictures of one side."""

    def __init__(
        self, channels_in: int, channels_out: int, kernel: int, stride: int = 1, *, side: int, groups: int = 1
    ) -> None:
        self.side_out = -(-side // stride)
        padding = max((self.side_out - 1) * stride + kernel - side, 0)
        odd = padding % 2
        super().__init__(channels_in, channels_out, kernel + odd, stride, (padding + odd) // 2, groups=groups)


class _Block(nn.Module):
    """Expand, filter each channel, project; with a skip where the shape stays."""

    def __init__(
        self, channels_in: int, channels_out: int, kernel: int, stride: int, expansion: int, *, side: int
    ) -> None:
        super().__init__()
        inner = channels_in * expansion
        self._expands = expansion > 1
        self._skips = stride == 1 and channels_in == channels_out
        if self._expands:
            self._expand_conv = _Conv(channels_in, inner, 1, side=side)
        self._depthwise_conv = _Conv(inner, inner, kernel, stride, side=side, groups=inner)
        self.side_out = self._depthwise_conv.side_out
        self._project_conv = _Conv(inner, channels_out, 1, side=self.side_out)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = functional.relu6(self._expand_conv(x), inplace=True) if self._expands else x
        y = functional.relu6(self._depthwise_conv(y), inplace=True)
        y = self._project_conv(y)
        return x + y if self._skips else y


class EfficientNetLite2(nn.Module):
    """(T, 3, 260, 260) pixels scaled by (x - 127) / 128 -> (T, 1000) ImageNet logits."""

    def __init__(self) -> None:
        super().__init__()
        self._conv_stem = _Conv(3, STEM_CHANNELS, 3, 2, side=FRAME_SIZE)
        side = self._conv_stem.side_out
        blocks = []
        channels = STEM_CHANNELS
        for count, kernel, stride, channels_out, expansion in STAGES:
            for i in range(count):
                blocks.append(_Block(channels, channels_out, kernel, stride if i == 0 else 1, expansion, side=side))
                channels, side = channels_out, blocks[-1].side_out
        self._blocks = nn.ModuleList(blocks)
        self._conv_head = _Conv(channels, HEAD_CHANNELS, 1, side=side)
        self._fc = nn.Linear(HEAD_CHANNELS, CLASSES)

    def load_trained(self, weights: Mapping[str, torch.Tensor]) -> None:
        """Take over the packaged weights, whose convolutions have 3x3 or 5x5 kernels and are followed by normalisation.

        Raises:
            KeyError, RuntimeError: they are not those of this network.
        """
        folded = {name: weights[name] for name in ("_fc.weight", "_fc.bias")}
        for name, conv in self.named_modules():
            if isinstance(conv, _Conv):
                stem, _, last = name.rpartition(".")
                norm = f"{stem}.{NORM_AFTER[last]}".lstrip(".")
                mean, var, scale, shift = (
                    weights[f"{norm}.{part}"] for part in ("running_mean", "running_var", "weight", "bias")
                )
                kernel, bias = fuse_conv_bn_weights(
                    weights[f"{name}.weight"], None, mean, var, BATCH_NORM_EPS, scale, shift
                )
                grown = conv.kernel_size[0] - kernel.shape[-1]
                folded |= {f"{name}.weight": functional.pad(kernel, (grown, 0, grown, 0)), f"{name}.bias": bias}
        self.load_state_dict(folded)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = functional.relu6(self._conv_stem(x), inplace=True)
        for block in self._blocks:
            x = block(x)
        x = functional.relu6(self._conv_head(x), inplace=True)
        return self._fc(x.mean(dim=(2, 3)))  # (T, 1000)
