"""How long the first and the second query on a video take, and where the time goes.

    python benchmarks/latency.py [--video FILE] [--encoder NAME] [--device NAME] [--repeats N]

The first query is compared with the slower of decoding alone and encoding alone, measured in turns within the same
run. Models are loaded before anything is timed. Without --video a minute of moving pictures is encoded for the run.
The last line on stdout is one JSON object.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import numpy as np
import torch

from tfgrounding import Grounder, Plan, ground_curves, iter_frames, probe
from tfgrounding.encoders.load import load_encoder
from tfgrounding.engines.encoding import CHUNK_FRAMES
from tfgrounding.tracks.similarity import similarity_curves

QUERY = "a person opens the door"
VERBS = ("opens", "closes", "holds", "takes", "throws", "cleans", "lifts", "drops", "paints", "kicks")
THINGS = ("window", "box", "bag", "book", "laptop", "chair", "bottle", "towel", "phone", "cupboard")


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    arguments.add_argument("--video", type=Path)
    arguments.add_argument("--encoder", default="embedded")
    arguments.add_argument("--device", default="auto")
    arguments.add_argument("--repeats", type=int, default=5)
    given = arguments.parse_args()
    encoder = load_encoder(given.encoder, device=given.device)
    with tempfile.TemporaryDirectory() as folder:
        video = given.video or moving_pictures(Path(folder) / "moving.mp4")
        result = {**first_query(encoder, video, given.repeats, Path(folder)), **second_query(encoder, video)}
        result["curve_cpu_cuda"] = cpu_against_cuda(given.encoder, video)
        info = probe(video)
        result |= {"video": f"{info.duration_seconds:.0f} s, {info.width}x{info.height}, {info.codec}"}
    result |= {"encoder": encoder.name, "revision": encoder.revision, "torch_threads": torch.get_num_threads()}
    for name, value in result.items():
        print(f"{name:32} {value}")
    print(json.dumps(result))


def first_query(encoder: Any, video: Path, repeats: int, folder: Path) -> dict[str, Any]:
    """Decoding alone, encoding alone and the first query in turns; seconds, medians."""
    chunks = list(iter_frames(video, size=encoder.frame_size, chunk_frames=CHUNK_FRAMES))
    encoder.encode_frames(chunks[0].pixels)

    def decode() -> None:
        for _ in iter_frames(video, size=encoder.frame_size, chunk_frames=CHUNK_FRAMES):
            pass

    def encode() -> None:
        for chunk in chunks:
            encoder.encode_frames(chunk.pixels)

    turn = iter(range(repeats + 1))

    def first() -> None:
        Grounder(encoder=encoder, cache=folder / f"cache-{next(turn)}").ground(video, QUERY)

    first()  # compiles what is compiled on first use
    rows, processor = [], []
    for _ in range(repeats):
        begun = time.process_time()
        decoding, encoding = seconds(decode), seconds(encode)
        apart = time.process_time() - begun
        rows.append((decoding, encoding, seconds(first)))
        processor.append((time.process_time() - begun - apart) / apart)
    decoding, encoding, whole = (statistics.median(column) for column in zip(*rows, strict=True))
    return {
        "decode_alone_seconds": round(decoding, 3),
        "encode_alone_seconds": round(encoding, 3),
        "first_query_seconds": round(whole, 3),
        "first_over_slower": round(statistics.median(f / max(d, e) for d, e, f in rows), 3),
        "first_over_sum": round(whole / (decoding + encoding), 3),
        "processor_first_over_sum": round(statistics.median(processor), 3),  # 1: the pipeline itself costs nothing
    }


def second_query(encoder: Any, video: Path) -> dict[str, Any]:
    """Queries on a video that was encoded before; milliseconds, medians."""
    with tempfile.TemporaryDirectory() as folder:
        features = Grounder(encoder=encoder, cache=folder).encode_video(video)
        grounder = Grounder(encoder=encoder, cache=folder)
        from_disk = seconds(lambda: grounder.encode_video(video)) * 1e3
        grounder.ground(video, QUERY)
        texts = [f"a person {verb} the {thing}" for verb in VERBS for thing in THINGS]  # as long as Charades-STA's
        new = [seconds(lambda text=text: grounder.ground(video, text)) * 1e3 for text in texts]
        known = [seconds(lambda: grounder.ground(video, QUERY)) * 1e3 for _ in range(500)]
        plan = Plan(QUERY)
        words = encoder.encode_texts([QUERY])
        curves = {QUERY: similarity_curves(features.vectors, words)[0]}
        times = {"duration_seconds": features.info.duration_seconds, "pts_seconds": features.sample_seconds}

        def localize() -> None:
            ground_curves(curves, plan, floor=encoder.floor, features=features.frame_vectors, **times)

        return {
            "read_from_disk_ms": round(from_disk, 2),
            "second_query_new_text_ms": round(statistics.median(new), 2),
            "second_query_known_text_ms": round(statistics.median(known), 3),
            "text_ms": median_ms(lambda: encoder.encode_texts([QUERY]), 50),
            "similarity_ms": median_ms(lambda: similarity_curves(features.vectors, words), 200),
            "localize_ms": median_ms(localize, 200),
            "samples": len(features),
        }


def cpu_against_cuda(name: str, video: Path) -> str:
    """The largest difference between the curves of one query on CPU and on CUDA."""
    if not torch.cuda.is_available():
        return "not run: no CUDA device"
    curves = [
        Grounder(encoder=name, device=device, cache=False).ground(video, QUERY).curve for device in ("cpu", "cuda")
    ]
    return f"{np.abs(curves[0] - curves[1]).max():.1e}"


def moving_pictures(path: Path) -> Path:
    """A minute of 640x360, 25 Hz: soft shapes that drift, with some noise."""
    random = np.random.default_rng(0)
    rows, columns = np.mgrid[0:360, 0:640].astype(np.float32)
    with av.open(str(path), "w") as output:
        stream = output.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt, stream.options = 640, 360, "yuv420p", {"preset": "veryfast"}
        for k in range(60 * 25):
            waves = [
                np.sin((rows * a + columns * b) / 40 + k / 12 + c) for a, b, c in ((1, 0, 0), (0, 1, 2), (1, 1, 4))
            ]
            picture = np.stack(waves, axis=-1) * 90 + 128 + random.integers(-6, 7, (360, 640, 1))
            frame = av.VideoFrame.from_ndarray(picture.clip(0, 255).astype(np.uint8), format="rgb24")
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return path


def seconds(work: Callable[[], Any]) -> float:
    begin = time.perf_counter()
    work()
    return time.perf_counter() - begin


def median_ms(work: Callable[[], Any], times: int) -> float:
    return round(statistics.median(seconds(work) for _ in range(times)) * 1e3, 3)


if __name__ == "__main__":
    main()
