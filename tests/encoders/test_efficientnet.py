import pytest
import torch
from torch.nn import functional

from tfgrounding.encoders.efficientnet import BATCH_NORM_EPS, FRAME_SIZE, NORM_AFTER, STAGES, EfficientNetLite2


@pytest.fixture(scope="module")
def trained():
    """Random weights under the packaged names: 3x3 and 5x5 kernels, each followed by a normalisation."""
    torch.manual_seed(0)
    weights = {}

    def conv(name, channels_in, channels_out, kernel):
        spread = (2 / (channels_in * kernel**2)) ** 0.5
        weights[f"{name}.weight"] = torch.randn(channels_out, channels_in, kernel, kernel) * spread
        stem, _, last = name.rpartition(".")
        norm = f"{stem}.{NORM_AFTER[last]}".lstrip(".")
        for part, low in (("running_mean", -0.5), ("running_var", 0.5), ("weight", 0.5), ("bias", -0.5)):
            weights[f"{norm}.{part}"] = low + torch.rand(channels_out)

    conv("_conv_stem", 3, 32, 3)
    channels, block = 32, 0
    for count, kernel, _, channels_out, expansion in STAGES:
        for _ in range(count):
            inner = channels * expansion
            if expansion > 1:
                conv(f"_blocks.{block}._expand_conv", channels, inner, 1)
            conv(f"_blocks.{block}._depthwise_conv", 1, inner, kernel)
            conv(f"_blocks.{block}._project_conv", inner, channels_out, 1)
            channels, block = channels_out, block + 1
    conv("_conv_head", channels, 1280, 1)
    return weights | {"_fc.weight": torch.randn(1000, 1280) * 0.03, "_fc.bias": torch.randn(1000)}


def as_published(weights, x):
    """The network as it was trained: SAME padding as TensorFlow's, normalisation after each convolution."""

    def conv(name, x, stride=1):
        kernel = weights[f"{name}.weight"]
        left, right = 0, 0
        for side in x.shape[-1:]:
            padding = max((-(-side // stride) - 1) * stride + kernel.shape[-1] - side, 0)
            left, right = padding // 2, padding - padding // 2
        groups = 1 if kernel.shape[1] == x.shape[1] else x.shape[1]
        x = functional.conv2d(functional.pad(x, [left, right, left, right]), kernel, None, stride, groups=groups)
        stem, _, last = name.rpartition(".")
        norm = f"{stem}.{NORM_AFTER[last]}".lstrip(".")
        mean, var, scale, shift = (weights[f"{norm}.{p}"] for p in ("running_mean", "running_var", "weight", "bias"))
        return functional.batch_norm(x, mean, var, scale, shift, eps=BATCH_NORM_EPS)

    x = functional.relu6(conv("_conv_stem", x, 2))
    block = 0
    for count, _, first_stride, _, expansion in STAGES:
        for i in range(count):
            stride = first_stride if i == 0 else 1
            y = functional.relu6(conv(f"_blocks.{block}._expand_conv", x)) if expansion > 1 else x
            y = functional.relu6(conv(f"_blocks.{block}._depthwise_conv", y, stride))
            y = conv(f"_blocks.{block}._project_conv", y)
            x = x + y if stride == 1 and x.shape == y.shape else y
            block += 1
    x = functional.relu6(conv("_conv_head", x))
    return functional.linear(x.mean(dim=(2, 3)), weights["_fc.weight"], weights["_fc.bias"])


def test_it_says_what_the_network_says_as_it_was_trained(trained):
    model = EfficientNetLite2().eval()
    model.load_trained(trained)
    frames = torch.randn(2, 3, FRAME_SIZE, FRAME_SIZE)
    with torch.inference_mode():
        expected = as_published(trained, frames)
        logits = model(frames)
    assert expected.std() > 0.1
    torch.testing.assert_close(logits, expected, rtol=1e-4, atol=1e-4 * float(expected.abs().max()))


def test_weights_of_another_network_are_refused(trained):
    lacking = {name: tensor for name, tensor in trained.items() if not name.startswith("_conv_head")}
    with pytest.raises(KeyError, match="_conv_head"):
        EfficientNetLite2().load_trained(lacking)
    with pytest.raises(RuntimeError, match="size mismatch"):
        EfficientNetLite2().load_trained(trained | {"_fc.bias": torch.zeros(999)})
