"""Titles, scores and signs drawn on real footage at known times, for `benchmarks/written.py`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

FOOTAGE = Path(__file__).parents[3] / "shared" / "footage"
LONGEST_SECONDS, SHORTEST_SECONDS = 16.0, 6.5  # of a stretch
TEXTS = """HOME 2  AWAY 1|Chapter One|Breaking News|Thank you for watching|EXIT|Step 3: add the flour|3 : 14|The End
Platform 9|Subscribe now|NO PARKING|Interview with Dr. Maria Lopez|GOAL!|Live from Berlin|Part two
Level 7 complete|Score 21 - 18|OPEN|How to tie a knot|Directed by Anna Weber
Breaking: storm hits the coast|LAP 12/50|Two years later|SALE 50% OFF|Bus stop|Winner: Team Blue
Ingredients|Press start|00:45|Main Street|Warm up for ten minutes|Next: the weather|GAME OVER|Room 204
Photo by John Smith|Slide 5: results|Do not enter|Paris, 1998|Round 3|Tickets sold out|WELCOME
Mix well and let it rest|Final score 4 to 3|Caution: wet floor|Episode 12|Based on a true story
Checkpoint|Gate B17|Question and answer|Health 85|Sign up today|STOP|Question 4 of 10|Meanwhile in Tokyo
Speed 88 km/h|Hotel Aurora|Turn left|Our method|Time out|Good morning"""
OTHER_TEXTS = """Visiting hours 9 to 5|Kitchen tips|Goal: 2 to 0|Our next guest|Exit 14|Fragile|Episode seven|12:45 PM
Lesson 3: verbs|Library|Mind the gap|Weekly report|Knockout|Live concert tonight|Part 4 of 6|Closing time
Written by Paul Green|Add two eggs|Lap 3|Keep right|Local news at ten|Wet paint|Best player: Sofia|Total 72 points
Madrid, Spain|Loading|Thanks to our sponsors|Emergency stairs|Quiz night|Price 19.99|New record|Chapter twelve
Please wait here|Bonus round|Harbour View|Meet the team|Set 2 Game 5|Bake for 40 minutes|Summary|See you soon"""
SECONDS = (0.5, 2.0, 0.8, 3.0, 1.2, 5.0, 0.6, 1.6, 1.0, 4.0)


@dataclass(frozen=True)
class Design:
    """How the titles of a set may look; sizes are of the picture's height."""

    fonts: tuple[str, ...]
    looks: tuple[str, ...]
    motions: tuple[str, ...]
    sizes: tuple[float, ...]
    places: tuple[tuple[float, float], ...]


CHOSEN = Design(
    (
        *("DejaVuSans.ttf", "DejaVuSans-Bold.ttf", "DejaVuSerif.ttf", "DejaVuSansMono-Bold.ttf"),
        *("STIXGeneral.ttf", "STIXGeneralBol.ttf", "DejaVuSans-Oblique.ttf", "cmss10.ttf"),
    ),
    ("outlined", "plain white", "plate", "bar", "yellow", "pale", "sign", "dark"),
    ("still", "still", "fades", "slides", "still", "drifts", "still", "grows"),
    (0.07, 0.1, 0.055, 0.14, 0.085, 0.065),
    ((0.5, 0.12), (0.5, 0.85), (0.3, 0.3), (0.7, 0.5), (0.25, 0.9), (0.75, 0.1), (0.5, 0.5)),
)
REPORTED = Design(
    (
        *("DejaVuSerif-Bold.ttf", "DejaVuSans-BoldOblique.ttf", "DejaVuSansMono.ttf", "cmr10.ttf", "cmb10.ttf"),
        *("DejaVuSerif-Italic.ttf", "STIXGeneralBolIta.ttf", "cmtt10.ttf"),
    ),
    ("shadow", "cream", "dimmed ground", "red outlined", "green", "yellow on black", "tilted", "white on red"),
    ("still", "rises", "fades", "still", "slides back", "still", "shrinks", "still"),
    (0.06, 0.09, 0.075, 0.12, 0.08),
    ((0.5, 0.2), (0.5, 0.75), (0.7, 0.35), (0.3, 0.6), (0.75, 0.88), (0.25, 0.12)),
)
Colour = tuple[int, int, int, int]
WHITE, BLACK = (255, 255, 255, 255), (0, 0, 0, 255)
LOOKS: dict[str, tuple[Colour, Colour | None, float, Colour]] = {  # letters, ground, outline of the size, its colour
    "outlined": (WHITE, None, 1 / 14, BLACK),
    "plain white": (WHITE, None, 0, BLACK),
    "plate": ((10, 10, 10, 255), (240, 240, 240, 255), 0, BLACK),
    "bar": (WHITE, (20, 60, 160, 170), 0, BLACK),
    "yellow": ((255, 225, 40, 255), None, 1e-3, (30, 30, 30, 255)),
    "pale": ((235, 235, 235, 150), None, 0, BLACK),
    "sign": ((20, 20, 20, 255), (245, 200, 20, 255), 0, BLACK),
    "dark": ((15, 15, 25, 255), None, 0, BLACK),
    "shadow": (WHITE, None, 0, BLACK),
    "cream": ((250, 240, 200, 200), None, 0, BLACK),
    "dimmed ground": ((240, 240, 240, 255), (0, 0, 0, 110), 0, BLACK),
    "red outlined": ((220, 30, 30, 255), None, 1 / 12, WHITE),
    "green": ((60, 250, 90, 255), None, 0, BLACK),
    "yellow on black": ((250, 220, 0, 255), (0, 0, 0, 255), 0, BLACK),
    "tilted": ((30, 60, 30, 255), (225, 235, 225, 255), 0, BLACK),
    "white on red": (WHITE, (200, 20, 20, 200), 0, BLACK),
}
TURNED_DEGREES = {"sign": 4, "tilted": -4}


@dataclass(frozen=True)
class Stretch:
    """A part of a video on which titles are drawn."""

    path: Path
    start_seconds: float
    seconds: float


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


def stretches(name: str) -> list[tuple[Stretch, list[Title]]]:
    """(a stretch of footage, the titles on it) each, of the set "chosen" or "reported"; the same on every machine."""
    if name == "reported":
        texts, used = _texts(OTHER_TEXTS), _rest_of_footage()
        random = np.random.default_rng(20)
        return _with_titles(used, [texts[n] for n in random.permutation(len(texts))], REPORTED, random)
    starts = [Stretch(path, 0.0, min(_seconds_of(path), LONGEST_SECONDS)) for path in footage()]
    starts = [stretch for stretch in starts if stretch.seconds >= SHORTEST_SECONDS]
    texts = _texts(TEXTS)
    random = np.random.default_rng(18)
    found = _with_titles(starts[:30], texts, CHOSEN, random)
    random = np.random.default_rng(19)
    return found + _with_titles(starts[30:], [texts[n] for n in random.permutation(60)], CHOSEN, random)


def footage() -> list[Path]:
    """The videos of the shared footage."""
    return [*sorted((FOOTAGE / "untrimmed").glob("*.m*")), *sorted((FOOTAGE / "clips").glob("*.mp4"))]


def _rest_of_footage() -> list[Stretch]:
    """What no chosen title stands on: long videos after LONGEST_SECONDS, and short videos; 20 in all."""
    later, short = [], []
    for path in footage():
        whole = _seconds_of(path)
        pieces = int((whole - LONGEST_SECONDS) // 9.0)
        later += [Stretch(path, LONGEST_SECONDS + 9.0 * n, 9.0) for n in range(pieces)]
        if 4.0 <= whole < SHORTEST_SECONDS:
            short.append(Stretch(path, 0.0, whole))
    return [*later[:12], *short[:8]]


def _texts(lines: str) -> list[str]:
    return [text.strip() for text in lines.replace("\n", "|").split("|")]


def _with_titles(
    used: list[Stretch], texts: list[str], design: Design, random: np.random.Generator
) -> list[tuple[Stretch, list[Title]]]:
    order = {name: random.permutation(60) for name in ("font", "look", "motion", "seconds", "place", "size")}
    found = []
    for number, stretch in enumerate(used):
        half = stretch.seconds / 2
        titles = []
        for n in (2 * number, 2 * number + 1):
            lasts = min(SECONDS[order["seconds"][n] % len(SECONDS)], half - 0.6)
            start = 0.3 + (n % 2) * half + float(random.random()) * (half - lasts - 0.5)
            titles.append(
                Title(
                    texts[n],
                    *(round(start, 3), round(start + lasts, 3)),
                    *(
                        choices[order[name][n] % len(choices)]
                        for name, choices in (
                            ("font", design.fonts),
                            ("look", design.looks),
                            ("motion", design.motions),
                            ("size", design.sizes),
                            ("place", design.places),
                        )
                    ),
                )
            )
        found.append((stretch, titles))
    return found


def _seconds_of(path: Path) -> float:
    import av

    with av.open(str(path)) as file:
        return float((file.duration or 0) / av.time_base)


def render(source: Stretch, titles: list[Title], path: Path) -> None:
    """Write a stretch of footage with the titles on it."""
    import av

    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".draft.mp4")
    with av.open(str(source.path)) as read_from, av.open(str(draft), "w") as write_to:
        stream = read_from.streams.video[0]
        rate = stream.average_rate or 25
        out = write_to.add_stream("libx264", rate=rate, options={"crf": "23", "preset": "veryfast"})
        out.width, out.height, out.pix_fmt = stream.width // 2 * 2, stream.height // 2 * 2, "yuv420p"
        first = round(source.start_seconds * float(rate))
        for number, frame in enumerate(read_from.decode(stream)):
            seconds = number / float(rate) - source.start_seconds
            if seconds < 0:
                continue
            if seconds >= source.seconds:
                break
            picture = frame.to_ndarray(format="rgb24")[: out.height, : out.width]
            for title in titles:
                if title.start_seconds <= seconds < title.end_seconds:
                    picture = drawn(picture, title, seconds)
            new = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
            new.pts = number - first
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
    growth = {"grows": 0.8 + 0.4 * part, "shrinks": 1.2 - 0.4 * part}
    size = title.size * height * growth.get(title.motion, 1.0)
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
    if title.motion in ("slides", "slides back"):
        x += (
            (part - 0.5)
            * (1 if title.motion == "slides" else -1)
            * min(0.25, 0.15 * (title.end_seconds - title.start_seconds))
            * width
        )
    if title.motion == "drifts":
        y += (part - 0.5) * 0.08 * height
        x += (part - 0.5) * 0.05 * width
    if title.motion == "rises":
        y -= (part - 0.5) * 0.12 * height
    x = min(max(x, 0.03 * width), 0.97 * width - wide) - box[0]
    y = min(max(y, 0.03 * height), 0.97 * height - high) - box[1]
    pad = size * 0.35
    area = (x + box[0] - pad, y + box[1] - pad, x + box[2] + pad, y + box[3] + pad)
    colour, ground, outline, outline_colour = LOOKS[title.look]
    if ground:
        draw.rectangle(area, fill=ground)
    if title.look == "shadow":
        away = max(1, round(size / 12))
        draw.multiline_text((x + away, y + away), text, font=font, fill=(0, 0, 0, 180), align="center")
    stroke = max(1, round(outline * size)) if outline else 0
    draw.multiline_text(
        (x, y), text, font=font, fill=colour, align="center", stroke_width=stroke, stroke_fill=outline_colour
    )
    if title.look in TURNED_DEGREES:
        middle = ((area[0] + area[2]) / 2, (area[1] + area[3]) / 2)
        layer = layer.rotate(TURNED_DEGREES[title.look], resample=Image.Resampling.BICUBIC, center=middle)
    if title.motion == "fades":
        strength = min(1.0, (gone + 0.04) / 0.25, (left + 0.04) / 0.25)
        layer.putalpha(layer.getchannel("A").point(lambda a: round(a * strength)))
    return np.asarray(Image.alpha_composite(Image.fromarray(picture).convert("RGBA"), layer).convert("RGB"))
