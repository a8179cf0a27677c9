"""Text on the screen: titles, scores and signs drawn on real footage at known times, found again by reading.

    python benchmarks/written.py [--set reported|chosen|both] [--real] [--json .bench/written.json]

Two titles stand on each stretch of the shared footage: other sizes, fonts, contrasts, places and motions, each on
screen for 0.5 to 5 s. 100 titles ("chosen") served to choose constants. 40 others with their own texts, fonts, looks,
motions and footage are reported. Readable: a title that the OCR, with its own default settings and no gate, reads on
the picture in the middle of its time. Read: a text of the track is the title but for at most a fifth of its characters
(spaces and case do not count). Found: the best such text overlaps the title's time by at least half (R@0.5). `--real`
reads the footage as it is and lists the texts.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

sys.path.insert(0, str(Path(__file__).parent))
from benches.written_titles import FOOTAGE, Title, footage, render, stretches

from tfgrounding.media import iter_frames
from tfgrounding.tracks.screen_lines import join_over_time
from tfgrounding.tracks.screen_parts import ScreenParts

FOLDER = Path(".bench/written")
ALIKE = 0.8


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--set", choices=("reported", "chosen", "both"), default="both")
    arguments.add_argument("--real", action="store_true", help="read the footage without titles, too")
    arguments.add_argument("--json", type=Path, default=Path(".bench/written.json"))
    options = arguments.parse_args()
    if not FOOTAGE.is_dir():
        sys.exit(f"{FOOTAGE}: the footage is not there")
    sets = ("chosen", "reported") if options.set == "both" else (options.set,)
    result: dict[str, Any] = {name: measured(name) for name in sets}
    if options.real:
        result["real"] = read_real()
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps(result, indent=1, ensure_ascii=False))


def measured(name: str) -> dict[str, Any]:
    """Render, read and compare one set; prints its table."""
    rows, costs = [], []
    for number, (stretch, titles) in enumerate(tqdm(stretches(name), desc=name, file=sys.stderr)):
        path = FOLDER / f"{name}-{number:02d}.mp4"
        if not path.exists():
            render(stretch, titles, path)
        texts, cost = read(path)
        costs.append(cost)
        for title in titles:
            rows.append({"video": path.name, "of": stretch.path.name, **asdict(title), **compare(title, texts, path)})
    readable = [row for row in rows if row["readable"]]
    minutes = sum(cost["seconds"] for cost in costs) / 60
    shares = {name: sum(cost[name] for cost in costs) for name in costs[0]}
    summary = {
        "titles": len(rows),
        "readable": len(readable),
        "read of readable": sum(row["alike"] >= ALIKE for row in readable),
        "found of readable": sum(row["found"] for row in readable),
        "found of all": sum(row["found"] for row in rows),
        "share of sampled frames searched": round(shares["searched"] / shares["sampled"], 3),
        "pictures searched, by area, of those sampled": round(shares["area"] / shares["sampled"], 3),
        "share of sampled frames read": round(shares["read"] / shares["sampled"], 3),
        "share of all frames searched": round(shares["searched"] / shares["frames"], 4),
        "seconds of work a minute": round(shares["work_seconds"] / minutes, 2),
        "CPU seconds a minute": round(shares["cpu_seconds"] / minutes, 2),
        "milliseconds of CPU a search": round(1000 * shares["cpu_seconds"] / shares["searched"]),
    }
    print(f"{name}: " + ", ".join(f"{name} {value}" for name, value in summary.items()))
    for row in rows:
        if row["found"] != row["readable"] or not row["readable"]:
            print(
                f"  {row['video']} {row['text']!r} {row['start_seconds']:.2f}-{row['end_seconds']:.2f} {row['look']}, "
                f"{row['motion']}, {row['size']}, {row['font']}: readable {row['readable']} ({row['still']!r}), "
                f"read {row['best']}"
            )
    return {**summary, "rows": rows}


def compare(title: Title, texts: list[Any], path: Path) -> dict[str, Any]:
    still = still_text(path, (title.start_seconds + title.end_seconds) / 2)
    ranked = sorted(
        texts,
        key=lambda t: (-round(likeness(title.text, t.text), 2), -overlap(title, t), t.start_seconds - t.end_seconds),
    )
    best = ranked[0] if ranked else None
    alike = likeness(title.text, best.text) if best else 0.0
    return {
        "still": still,
        "readable": likeness(title.text, still) >= ALIKE,
        "alike": round(alike, 3),
        "best": (best.text, round(best.start_seconds, 2), round(best.end_seconds, 2)) if best and alike > 0.5 else None,
        "found": bool(best and alike >= ALIKE and overlap(title, best) >= 0.5),
    }


def overlap(title: Title, text: Any) -> float:
    shared = min(title.end_seconds, text.end_seconds) - max(title.start_seconds, text.start_seconds)
    whole = max(title.end_seconds, text.end_seconds) - min(title.start_seconds, text.start_seconds)
    return max(0.0, shared) / whole


def likeness(title: str, text: str) -> float:
    """1 - (edits to make the title a part of the text) / (characters of the title); spaces and case do not count."""
    wanted, given = "".join(title.split()).casefold(), "".join(text.split()).casefold()
    row = [0] * (len(given) + 1)
    for n, character in enumerate(wanted, 1):
        last, row[0] = row[0], n
        for m, other in enumerate(given, 1):
            last, row[m] = row[m], min(row[m] + 1, row[m - 1] + 1, last + (character != other))
    return 1 - min(row) / len(wanted)


def read(path: Path) -> tuple[list[Any], dict[str, float]]:
    """The texts of a video and what they cost."""
    begin, cpu_begin = time.perf_counter(), time.process_time()
    reading = ScreenParts(path)
    parts = list(reading)
    texts = join_over_time([text for part in parts for text in part.texts])
    work, seconds = time.perf_counter() - begin, reading.info.duration_seconds
    cpu = time.process_time() - cpu_begin
    counts = {
        name: sum(getattr(part, name) for part in parts) for name in ("sampled", "searched", "area", "read", "boxes")
    }
    frames = seconds * (reading.info.frame_rate_hz or 0)
    return texts, {**counts, "seconds": seconds, "frames": frames, "work_seconds": work, "cpu_seconds": cpu}


STILL: list[Any] = []


def still_text(path: Path, seconds: float) -> str:
    """What the OCR reads on the picture at that time, its lines joined."""
    if not STILL:
        from rapidocr_onnxruntime import RapidOCR

        STILL.append(RapidOCR(intra_op_num_threads=2))
    kept = path.with_suffix(f".{seconds:.3f}.txt")
    if not kept.exists():
        with iter_frames(path, rate_hz=50, start_seconds=seconds, end_seconds=seconds + 0.1) as stream:
            picture = next(iter(stream)).pixels[0]
        lines = STILL[0](np.ascontiguousarray(picture[:, :, ::-1]))[0] or []
        kept.write_text(" ".join(line[1] for line in lines))
    return kept.read_text()


def read_real() -> list[dict[str, Any]]:
    """What is read on the footage as it is; prints it."""
    rows = []
    for path in tqdm(footage(), desc="real", file=sys.stderr):
        texts, cost = read(path)
        rows.append({"video": path.name, **cost, "texts": [asdict(text) for text in texts]})
        print(f"{path.name}: " + ", ".join(f"{name} {value:.4g}" for name, value in cost.items()), flush=True)
        for text in texts:
            print(f"  {text.start_seconds:7.2f} {text.end_seconds:7.2f} {text.confidence:.2f} {text.text}")
    total = {
        name: sum(row[name] for row in rows)
        for name in ("sampled", "searched", "read", "seconds", "work_seconds", "cpu_seconds")
    }
    print(f"real: {total}")
    return rows


if __name__ == "__main__":
    main()
