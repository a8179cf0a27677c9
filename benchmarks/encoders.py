"""What an encoder costs beyond its model: encode_frames and encode_texts against the bare forward.

    python benchmarks/encoders.py [--rounds N]

CLIP ViT-B/32 and SigLIP base patch16-224 in their true sizes with random weights, but a small vocabulary. The bare
forward gets the same tensors, ready, in the same batches. Both run in turns; ratios are medians over rounds, one of
elapsed time and one of processor time, which other programs on the machine disturb less.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
import transformers

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from tiny_encoders import CLIP_STEPS, SIGLIP_STEPS  # noqa: E402
from tiny_tokenizers import clip_tokenizer, spiece_tokenizer, write_json  # noqa: E402

from tfgrounding.encoders.clip import ClipEncoder  # noqa: E402
from tfgrounding.encoders.transformer import BATCH_FRAMES_CPU  # noqa: E402

FRAMES = 2 * BATCH_FRAMES_CPU  # two batches
TEXTS = [
    "a dog runs on the grass",
    "the cat sleeps on a red car",
    "two people walk along the street",
    "a man opens a door",
]
SQUARE = {"height": 224, "width": 224}


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    arguments.add_argument("--rounds", type=int, default=5)
    rounds = arguments.parse_args().rounds
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    print(f"{torch.get_num_threads()} threads, torch {torch.__version__}, transformers {transformers.__version__}")
    print("model    input      encoder ms  bare ms  ratio  of processor time")
    for name, save in (("clip", save_clip), ("siglip", save_siglip)):
        with tempfile.TemporaryDirectory() as folder:
            save(Path(folder))
            encoder = ClipEncoder(folder, device="cpu")
        for what, (ours, bare) in pairs(encoder).items():
            with torch.inference_mode():
                seconds = in_turns(ours, bare, rounds)
            ratios = [statistics.median(a / b for a, b in zip(*clock, strict=True)) for clock in seconds]
            median_ms = [1000 * statistics.median(one) for one in seconds[0]]
            print(
                f"{name:8} {what:9} {median_ms[0]:11.1f} {median_ms[1]:8.1f}  {ratios[0]:.3f}  {ratios[1]:.3f}",
                flush=True,
            )


def pairs(encoder: ClipEncoder) -> dict[str, tuple[Callable[[], object], Callable[[], object]]]:
    """By what is encoded: the encoder's way and the bare one."""
    size = encoder.frame_size
    shape = size if isinstance(size, tuple) else (size, size * 4 // 3)
    frames = np.random.default_rng(0).integers(0, 256, (FRAMES, *shape, 3), dtype=np.uint8)
    ready = encoder._preprocess(frames, device="cpu", dtype=torch.float32).split(BATCH_FRAMES_CPU)
    tokens = {name: torch.tensor(rows) for name, rows in encoder._texts.tokens(TEXTS).items()}
    model = encoder._model
    return {
        f"{FRAMES} frames": (
            lambda: encoder.encode_frames(frames),
            lambda: [model.get_image_features(pixel_values=batch) for batch in ready],
        ),
        f"{len(TEXTS)} texts": (lambda: encoder.encode_texts(TEXTS), lambda: model.get_text_features(**tokens)),
    }


def in_turns(
    ours: Callable[[], object], bare: Callable[[], object], rounds: int
) -> list[tuple[list[float], list[float]]]:
    """Elapsed and processor seconds, each of ours and of the bare one. A first round is not counted."""
    clocks = (time.perf_counter, time.process_time)
    seconds: list[tuple[list[float], list[float]]] = [([], []) for _ in clocks]
    for i in range(rounds + 1):
        order = (ours, bare) if i % 2 else (bare, ours)
        for run in order:
            begin = [clock() for clock in clocks]
            run()
            for taken, clock, start in zip(seconds, clocks, begin, strict=True):
                if i:
                    taken[run is bare].append(clock() - start)
    return seconds


def save_clip(folder: Path) -> None:
    words = clip_tokenizer(folder)
    reads = {"vocab_size": words, "bos_token_id": words - 2, "eos_token_id": words - 1, "pad_token_id": words - 1}
    save_random(transformers.CLIPModel, transformers.CLIPConfig(text_config=reads), folder)  # by default ViT-B/32
    steps = {**CLIP_STEPS, "size": {"shortest_edge": 224}, "crop_size": SQUARE}
    write_json(folder / "preprocessor_config.json", steps)


def save_random(model_class: type, config: object, folder: Path) -> None:
    """Without the slow start that models have in training."""
    with torch.device("meta"):
        model = model_class(config)
    model.to_empty(device="cpu")
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(std=0.02)
    model.save_pretrained(folder)


def save_siglip(folder: Path) -> None:
    reads = {"vocab_size": spiece_tokenizer(folder), "pad_token_id": 1, "bos_token_id": None, "eos_token_id": 1}
    save_random(transformers.SiglipModel, transformers.SiglipConfig(text_config=reads), folder)  # base patch16-224
    write_json(folder / "preprocessor_config.json", {**SIGLIP_STEPS, "size": SQUARE})


if __name__ == "__main__":
    main()
