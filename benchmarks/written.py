"""Text on the screen: titles, scores and signs drawn on real footage at known times, found again by reading.

    python benchmarks/written.py [--half reported|chosen|both] [--real] [--json .bench/written.json]

Two titles stand on each stretch of the shared footage: other sizes, fonts, contrasts, places and motions, each on
screen for 0.5 to 5 s. 30 stretches with 60 titles ("chosen") served to choose constants; the stretches on the footage
that is left, with other titles' looks and times, are reported. Readable: a
title that the OCR, with its own default settings and no gate, reads on the picture in the middle of its time. Read: a
text of the track is the title but for at most a fifth of its characters (spaces and case do not count). Found: the best
such text overlaps the title's time by at least half (R@0.5). `--real` reads the footage as it is and lists the texts.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from tfgrounding.media import iter_frames
from tfgrounding.tracks.screen_lines import join_over_time
from tfgrounding.tracks.screen_parts import ScreenParts

FOOTAGE = Path(__file__).parents[2] / "shared" / "footage"
FOLDER = Path(".bench/written")
STRETCHES, LONGEST_SECONDS, SHORTEST_SECONDS = 30, 16.0, 6.5
ALIKE = 0.8
TITLES = """HOME 2  AWAY 1|Chapter One|Breaking News|Thank you for watching|EXIT|Step 3: add the flour|3 : 14|The End
Platform 9|Subscribe now|NO PARKING|Interview with Dr. Maria Lopez|GOAL!|Live from Berlin|Part two
Level 7 complete|Score 21 - 18|OPEN|How to tie a knot|Directed by Anna Weber
Breaking: storm hits the coast|LAP 12/50|Two years later|SALE 50% OFF|Bus stop|Winner: Team Blue
Ingredients|Press start|00:45|Main Street|Warm up for ten minutes|Next: the weather|GAME OVER|Room 204
Photo by John Smith|Slide 5: results|Do not enter|Paris, 1998|Round 3|Tickets sold out|WELCOME
Mix well and let it rest|Final score 4 to 3|Caution: wet floor|Episode 12|Based on a true story
Checkpoint|Gate B17|Question and answer|Health 85|Sign up today|STOP|Question 4 of 10|Meanwhile in Tokyo
Speed 88 km/h|Hotel Aurora|Turn left|Our method|Time out|Good morning"""
FONTS = (
    *("DejaVuSans.ttf", "DejaVuSans-Bold.ttf", "DejaVuSerif.ttf", "DejaVuSansMono-Bold.ttf"),
    *("STIXGeneral.ttf", "STIXGeneralBol.ttf", "DejaVuSans-Oblique.ttf", "cmss10.ttf"),
)
LOOKS = ("outlined", "plain white", "plate", "bar", "yellow", "pale", "sign", "dark")
MOTIONS = ("still", "still", "fades", "slides", "still", "drifts", "still", "grows")
SECONDS = (0.5, 2.0, 0.8, 3.0, 1.2, 5.0, 0.6, 1.6, 1.0, 4.0)
PLACES = ((0.5, 0.12), (0.5, 0.85), (0.3, 0.3), (0.7, 0.5), (0.25, 0.9), (0.75, 0.1), (0.5, 0.5))
SIZES = (0.07, 0.1, 0.055, 0.14, 0.085, 0.065)  # of the picture's height


@dataclass(frozen=True)
class Title:
    """A title drawn on a stretch of footage: its text, its true times, and how it looks."""

    text: str
    start_seconds: float
    end_seconds: float
    font: str
    look: str
    motion: str
    size: float
    place: tuple[float, float]


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--half", choices=("reported", "chosen", "both"), default="both")
    arguments.add_argument("--real", action="store_true", help="read the footage without titles, too")
    arguments.add_argument("--json", type=Path, default=Path(".bench/written.json"))
    options = arguments.parse_args()
    if not FOOTAGE.is_dir():
        sys.exit(f"{FOOTAGE}: the footage is not there")
    halves = ("chosen", "reported") if options.half == "both" else (options.half,)
    result: dict[str, Any] = {half: measured(half) for half in halves}
    if options.real:
        result["real"] = read_real()
    options.json.parent.mkdir(parents=True, exist_ok=True)
    options.json.write_text(json.dumps(result, indent=1, ensure_ascii=False))


def measured(half: str) -> dict[str, Any]:
    """Render, read and compare one half; prints its table."""
    rows, costs = [], []
    for number, (source, titles) in enumerate(tqdm(stretches(half), desc=half, file=sys.stderr)):
        path = FOLDER / f"{number:02d}.mp4" if half == "chosen" else FOLDER / f"reported-{number:02d}.mp4"
        if not path.exists():
            render(source, titles, path)
        texts, cost = read(path)
        costs.append(cost)
        for title in titles:
            rows.append({"video": path.name, "of": source.name, **asdict(title), **compare(title, texts, path)})
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
        "share of sampled frames read": round(shares["read"] / shares["sampled"], 3),
        "share of all frames searched": round(shares["searched"] / shares["frames"], 4),
        "seconds of work a minute": round(shares["work_seconds"] / minutes, 2),
        "CPU seconds a minute": round(shares["cpu_seconds"] / minutes, 2),
        "milliseconds of CPU a search": round(1000 * shares["cpu_seconds"] / shares["searched"]),
    }
    print(f"{half}: " + ", ".join(f"{name} {value}" for name, value in summary.items()))
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
    counts = {name: sum(getattr(part, name) for part in parts) for name in ("sampled", "searched", "read", "boxes")}
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


def stretches(half: str) -> list[tuple[Path, list[Title]]]:
    """(footage, titles on it) each; the same on every machine."""
    footage = [*sorted((FOOTAGE / "untrimmed").glob("*.m*")), *sorted((FOOTAGE / "clips").glob("*.mp4"))]
    long_enough = [path for path in footage if seconds_of(path) >= SHORTEST_SECONDS]
    long_enough = long_enough[:STRETCHES] if half == "chosen" else long_enough[STRETCHES:]
    texts = [text.strip() for text in TITLES.replace("\n", "|").split("|")]
    random = np.random.default_rng(18 if half == "chosen" else 19)
    if half == "reported":
        texts = [texts[n] for n in random.permutation(len(texts))]
    order = {name: random.permutation(60) for name in ("font", "look", "motion", "seconds", "place", "size")}
    found = []
    for number, path in enumerate(long_enough):
        whole = min(seconds_of(path), LONGEST_SECONDS)
        titles = []
        for n in (2 * number, 2 * number + 1):
            lasts = SECONDS[order["seconds"][n] % len(SECONDS)]
            lasts = min(lasts, whole / 2 - 0.6)
            earliest = 0.3 + (n % 2) * whole / 2
            start = earliest + float(random.random()) * (whole / 2 - lasts - 0.5)
            titles.append(
                Title(
                    texts[n],
                    *(round(start, 3), round(start + lasts, 3)),
                    FONTS[order["font"][n] % len(FONTS)],
                    LOOKS[order["look"][n] % len(LOOKS)],
                    MOTIONS[order["motion"][n] % len(MOTIONS)],
                    SIZES[order["size"][n] % len(SIZES)],
                    PLACES[order["place"][n] % len(PLACES)],
                )
            )
        found.append((path, titles))
    return found


def seconds_of(path: Path) -> float:
    import av

    with av.open(str(path)) as file:
        return float((file.duration or 0) / av.time_base)


def render(source: Path, titles: list[Title], path: Path) -> None:
    """Write the first seconds of the footage with the titles on it."""
    import av

    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".draft.mp4")
    with av.open(str(source)) as read_from, av.open(str(draft), "w") as write_to:
        stream = read_from.streams.video[0]
        rate = stream.average_rate or 25
        out = write_to.add_stream("libx264", rate=rate, options={"crf": "23", "preset": "veryfast"})
        out.width, out.height, out.pix_fmt = stream.width // 2 * 2, stream.height // 2 * 2, "yuv420p"
        for number, frame in enumerate(read_from.decode(stream)):
            seconds = number / float(rate)
            if seconds >= LONGEST_SECONDS:
                break
            picture = frame.to_ndarray(format="rgb24")[: out.height, : out.width]
            for title in titles:
                if title.start_seconds <= seconds < title.end_seconds:
                    picture = drawn(picture, title, seconds)
            new = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
            new.pts = number
            new.time_base = 1 / rate
            write_to.mux(out.encode(new))
        write_to.mux(out.encode())
    draft.rename(path)


def drawn(picture: np.ndarray, title: Title, seconds: float) -> np.ndarray:
    """(H, W, 3) with the title as it looks at that time."""
    import matplotlib
    from PIL import Image, ImageDraw, ImageFont

    height, width = picture.shape[:2]
    gone, left = seconds - title.start_seconds, title.end_seconds - seconds
    part = gone / (title.end_seconds - title.start_seconds)
    size = title.size * height * (0.8 + 0.4 * part if title.motion == "grows" else 1.0)
    fonts = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
    font = ImageFont.truetype(str(fonts / title.font), max(9, round(size)))
    layer = Image.new("RGBA", (width, height), (0, 0, 0, 0))
    draw = ImageDraw.Draw(layer)
    text = title.text
    if draw.textlength(text, font=font) > 0.92 * width:  # as two lines
        words = text.split()
        text = " ".join(words[: (len(words) + 1) // 2]) + "\n" + " ".join(words[(len(words) + 1) // 2 :])
    box = draw.multiline_textbbox((0, 0), text, font=font)
    wide, high = box[2] - box[0], box[3] - box[1]
    x = title.place[0] * width - wide / 2
    y = title.place[1] * height - high / 2
    if title.motion == "slides":
        x += (part - 0.5) * min(0.25, 0.15 * (title.end_seconds - title.start_seconds)) * width
    if title.motion == "drifts":
        y += (part - 0.5) * 0.08 * height
        x += (part - 0.5) * 0.05 * width
    x = min(max(x, 0.03 * width), 0.97 * width - wide) - box[0]
    y = min(max(y, 0.03 * height), 0.97 * height - high) - box[1]
    pad = size * 0.35
    area = (x + box[0] - pad, y + box[1] - pad, x + box[2] + pad, y + box[3] + pad)
    looks: dict[str, tuple[Any, Any, dict[str, Any]]] = {
        "outlined": (
            (255, 255, 255, 255),
            None,
            {"stroke_width": max(1, round(size / 14)), "stroke_fill": (0, 0, 0, 255)},
        ),
        "plain white": ((255, 255, 255, 255), None, {}),
        "plate": ((10, 10, 10, 255), (240, 240, 240, 255), {}),
        "bar": ((255, 255, 255, 255), (20, 60, 160, 170), {}),
        "yellow": ((255, 225, 40, 255), None, {"stroke_width": 1, "stroke_fill": (30, 30, 30, 255)}),
        "pale": ((235, 235, 235, 150), None, {}),
        "sign": ((20, 20, 20, 255), (245, 200, 20, 255), {}),
        "dark": ((15, 15, 25, 255), None, {}),
    }
    colour, ground, more = looks[title.look]
    if ground:
        draw.rectangle(area, fill=ground)
    draw.multiline_text((x, y), text, font=font, fill=colour, align="center", **more)
    if title.look == "sign":
        layer = layer.rotate(
            4, resample=Image.Resampling.BICUBIC, center=((area[0] + area[2]) / 2, (area[1] + area[3]) / 2)
        )
    if title.motion == "fades":
        strength = min(1.0, (gone + 0.04) / 0.25, (left + 0.04) / 0.25)
        layer.putalpha(layer.getchannel("A").point(lambda a: round(a * strength)))
    return np.asarray(Image.alpha_composite(Image.fromarray(picture).convert("RGBA"), layer).convert("RGB"))


def read_real() -> list[dict[str, Any]]:
    """What is read on the footage as it is; prints it."""
    rows = []
    footage = [*sorted((FOOTAGE / "untrimmed").glob("*.m*")), *sorted((FOOTAGE / "clips").glob("*.mp4"))]
    for path in tqdm(footage, desc="real", file=sys.stderr):
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
