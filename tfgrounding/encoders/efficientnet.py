"""EfficientNet-Lite2 (Tan & Le 2019; Lite: ReLU6, no squeeze-and-excitation), as its packaged weights name it."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional

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


class _SameConv(nn.Conv2d):
    """Convolution padded as TensorFlow's SAME: the odd pixel goes to the right and the bottom."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        kernel, stride = self.kernel_size[0], self.stride[0]
        if kernel > 1:
            height, width = x.shape[-2:]
            tall = max((-(-height // stride) - 1) * stride + kernel - height, 0)
            wide = max((-(-width // stride) - 1) * stride + kernel - width, 0)
            x = functional.pad(x, [wide // 2, wide - wide // 2, tall // 2, tall - tall // 2])
        return functional.conv2d(x, self.weight, self.bias, self.stride, groups=self.groups)


class _Block(nn.Module):
    """Expand, filter each channel, project; with a skip where the shape stays."""

    def __init__(self, channels_in: int, channels_out: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        inner = channels_in * expansion
        self._expands = expansion > 1
        self._skips = stride == 1 and channels_in == channels_out
        if self._expands:
            self._expand_conv = _SameConv(channels_in, inner, 1, bias=False)
            self._bn0 = nn.BatchNorm2d(inner, eps=BATCH_NORM_EPS)
        self._depthwise_conv = _SameConv(inner, inner, kernel, stride, groups=inner, bias=False)
        self._bn1 = nn.BatchNorm2d(inner, eps=BATCH_NORM_EPS)
        self._project_conv = _SameConv(inner, channels_out, 1, bias=False)
        self._bn2 = nn.BatchNorm2d(channels_out, eps=BATCH_NORM_EPS)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = functional.relu6(self._bn0(self._expand_conv(x))) if self._expands else x
        y = functional.relu6(self._bn1(self._depthwise_conv(y)))
        y = self._bn2(self._project_conv(y))
        return x + y if self._skips else y


class EfficientNetLite2(nn.Module):
    """(T, 3, 260, 260) pixels scaled by (x - 127) / 128 -> (T, 1000) ImageNet logits."""

    def __init__(self) -> None:
        super().__init__()
        self._conv_stem = _SameConv(3, STEM_CHANNELS, 3, 2, bias=False)
        self._bn0 = nn.BatchNorm2d(STEM_CHANNELS, eps=BATCH_NORM_EPS)
        blocks = []
        channels = STEM_CHANNELS
        for count, kernel, stride, channels_out, expansion in STAGES:
            for i in range(count):
                blocks.append(_Block(channels, channels_out, kernel, stride if i == 0 else 1, expansion))
                channels = channels_out
        self._blocks = nn.ModuleList(blocks)
        self._conv_head = _SameConv(channels, HEAD_CHANNELS, 1, bias=False)
        self._bn1 = nn.BatchNorm2d(HEAD_CHANNELS, eps=BATCH_NORM_EPS)
        self._fc = nn.Linear(HEAD_CHANNELS, CLASSES)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = functional.relu6(self._bn0(self._conv_stem(x)))
        for block in self._blocks:
            x = block(x)
        x = functional.relu6(self._bn1(self._conv_head(x)))
        return self._fc(x.mean(dim=(2, 3)))  # (T, 1000)
