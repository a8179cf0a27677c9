"""A needle in a video haystack: one clip put into long videos of other clips, at every depth, and looked for."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import DatasetError, TFGroundingError, VideoError
from ..media.frames import iter_frames, probe
from ..types import VideoInfo
from .datasets.base import load_dataset
from .files import VIDEO_ENDINGS
from .metrics import overlaps
from .results import Row

logger = logging.getLogger(__name__)

RATE_HZ = 12
SIZE = (320, 240)  # width, height of the videos that are made; clips are fitted in, black around
LENGTHS_SECONDS = (20.0, 40.0, 80.0, 160.0, 320.0)
DEPTHS = 12
CAPTIONS = "captions.jsonl"
ENCODING: dict[str, object] = {"crf": "23", "preset": "veryfast"}


@dataclass(frozen=True, slots=True)
class Clip:
    """A file of the folder, and what happens in it ("" where nobody said)."""

    path: str
    seconds: float
    text: str = ""


@dataclass(frozen=True, slots=True)
class Haystack:
    """One cell of the test: a video of `length_seconds` with the needle from `start_seconds` to `end_seconds`.

    `hay`: the other clips in order, shown again from the first when they are used up. `depth`: the share of the hay
    that lies before the needle.
    """

    name: str
    length_seconds: float
    depth: float
    needle: Clip
    hay: tuple[Clip, ...]
    start_seconds: float
    end_seconds: float


def find_clips(folder: str | Path) -> list[Clip]:
    """The clips of a folder, with the texts of its captions.jsonl where there is one.

    Args:
        folder: holds videos and, optionally, captions.jsonl with {"file": name, "text": what happens} a line.

    Raises:
        DatasetError: no such folder, fewer than two readable clips, or captions that cannot be read.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise DatasetError(f"{folder}: there is no such folder")
    texts: dict[str, str] = {}
    if (folder / CAPTIONS).exists():
        for number, line in enumerate((folder / CAPTIONS).read_text(encoding="utf-8").splitlines(), start=1):
            if line.strip():
                try:
                    row = json.loads(line)
                    texts[row["file"]] = row["text"].strip()
                except (ValueError, KeyError, TypeError, AttributeError) as error:
                    raise DatasetError(f'{folder / CAPTIONS}:{number}: not {{"file": ..., "text": ...}}') from error
    clips = []
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() in VIDEO_ENDINGS:
            try:
                clips.append(Clip(str(path), probe(path).duration_seconds, texts.get(path.name, "")))
            except VideoError as error:
                logger.warning("left out: %s", error)
    if len(clips) < 2:
        raise DatasetError(f"{folder}: a needle and its hay need at least two readable clips, there are {len(clips)}")
    return clips


def only_needle(clips: Sequence[Clip], name: str, text: str) -> list[Clip]:
    """The clips, one of which, called by its file name, is the only needle. Raises DatasetError if it is missing."""
    if not any(Path(clip.path).name == Path(name).name for clip in clips):
        raise DatasetError(f"{name}: no such clip among the {len(clips)} of the folder")
    return [replace(clip, text=text if Path(clip.path).name == Path(name).name else "") for clip in clips]


def plan_haystacks(
    clips: Sequence[Clip],
    *,
    lengths_seconds: Sequence[float] = LENGTHS_SECONDS,
    depths: int = DEPTHS,
    needles: int | None = None,
    seed: int = 0,
) -> list[Haystack]:
    """Every needle at every depth in haystacks of every length (the NIAVH protocol).

    Args:
        clips: what `find_clips` found; those with a text can be needles.
        lengths_seconds: lengths of the whole videos.
        depths: from 0 (the video begins with the needle) to 1 (it ends with it), evenly.
        needles: how many needles, drawn by the seed; None takes every clip with a text.
        seed: which needles, and the order of the hay.

    Raises:
        DatasetError: no clip has a text, or a length has no room for the needle and some hay.
    """
    random = np.random.default_rng(seed)
    told = [clip for clip in clips if clip.text]
    if not told:
        raise DatasetError(f"no clip has a text to look for it by: give --needle and --query, or write {CAPTIONS}")
    order = random.permutation(len(told))[:needles]
    haystacks = []
    for number, needle in enumerate(told[i] for i in sorted(order)):
        others = [clip for clip in clips if clip.path != needle.path]
        hay = tuple(others[i] for i in random.permutation(len(others)))
        needle_frames = max(1, round(needle.seconds * RATE_HZ))
        for length in lengths_seconds:
            free = round(length * RATE_HZ) - needle_frames
            if free <= 0:
                raise DatasetError(f"{needle.path} ({needle.seconds:.1f} s) leaves no room for hay in {length:g} s")
            for step in range(depths):
                depth = step / (depths - 1) if depths > 1 else 0.5
                first = round(depth * free)
                haystacks.append(
                    Haystack(
                        name=f"needle{number:02d}-{length:g}s-depth{step:02d}",
                        length_seconds=(free + needle_frames) / RATE_HZ,
                        depth=depth,
                        needle=needle,
                        hay=hay,
                        start_seconds=first / RATE_HZ,
                        end_seconds=(first + needle_frames) / RATE_HZ,
                    )
                )
    return haystacks


def build(haystacks: Sequence[Haystack], folder: str | Path, *, progress: Callable[[], None] | None = None) -> Path:
    """Make the videos that are not there yet, and the annotation file that says where each needle is.

    Args:
        haystacks: what `plan_haystacks` returned.
        folder: where to; made when it is missing.
        progress: called after each video.

    Returns:
        The annotation file, in the layout of `tfgrounding eval FILE.jsonl`.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    rows = []
    for stack in haystacks:
        path = folder / f"{stack.name}.mp4"
        row = {
            "qid": stack.name,
            "vid": path.name,
            "query": stack.needle.text,
            "duration": stack.length_seconds,
            "relevant_windows": [[stack.start_seconds, stack.end_seconds]],
            "length_seconds": stack.length_seconds,
            "depth": stack.depth,
            "needle": stack.needle.path,
            "hay": [clip.path for clip in stack.hay],
        }
        recipe = path.with_suffix(".json")
        text = json.dumps(row)
        if not path.exists() or not recipe.exists() or recipe.read_text(encoding="utf-8") != text:
            partial = path.with_name(f"{path.stem}.part.mp4")
            _write_video(partial, _pictures(stack))
            partial.replace(path)
            recipe.write_text(text, encoding="utf-8")
        rows.append(text)
        if progress is not None:
            progress()
    annotations = folder / "needle.jsonl"
    annotations.write_text("".join(f"{row}\n" for row in rows), encoding="utf-8")
    return annotations


@dataclass(frozen=True, slots=True)
class HeatMap:
    """Mean IoU of the top answers: `iou` (depths, lengths), mean over needles; NaN where nothing was asked."""

    lengths_seconds: tuple[float, ...]
    depths: tuple[float, ...]
    iou: np.ndarray
    recall: np.ndarray
    needles: int

    def text(self) -> str:
        """The map for a terminal."""
        lines = [f"mean IoU of the top answer, {self.needles} needles"]
        lines.append(f"{'depth':>7}" + "".join(f"{f'{length:g} s':>9}" for length in self.lengths_seconds))
        for depth, line in zip(self.depths, self.iou, strict=True):
            lines.append(f"{depth:>7.0%}" + "".join(f"{value:>9.2f}" for value in line))
        lines.append(f"{'mean':>7}" + "".join(f"{value:>9.2f}" for value in np.nanmean(self.iou, axis=0)))
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """The map as plain JSON types; recall is R@1, IoU >= 0.5, both between 0 and 1."""
        return {
            "lengths_seconds": list(self.lengths_seconds),
            "depths": list(self.depths),
            "iou": [[None if np.isnan(v) else round(float(v), 4) for v in line] for line in self.iou],
            "recall_at_0.5": [[None if np.isnan(v) else round(float(v), 4) for v in line] for line in self.recall],
            "needles": self.needles,
        }


def heat_map(annotations: str | Path, rows: dict[int | str, Row]) -> HeatMap:
    """Gather results by length and depth.

    Args:
        annotations: what `build` wrote.
        rows: the results, as `read_results` returns them; a needle without a row scores 0.
    """
    asked = {row["qid"]: row for row in map(json.loads, Path(annotations).read_text(encoding="utf-8").splitlines())}
    samples = load_dataset("jsonl", annotations).samples
    answers = [rows.get(sample.qid, {}).get("pred_relevant_windows", []) for sample in samples]
    iou = overlaps(answers, [sample.truths for sample in samples])[:, 0]
    lengths = sorted({row["length_seconds"] for row in asked.values()})
    depths = sorted({row["depth"] for row in asked.values()})
    total, count, hits = (np.zeros((len(depths), len(lengths))) for _ in range(3))
    for sample, value in zip(samples, iou, strict=True):
        cell = depths.index(asked[sample.qid]["depth"]), lengths.index(asked[sample.qid]["length_seconds"])
        total[cell] += value
        hits[cell] += value >= 0.5
        count[cell] += 1
    with np.errstate(invalid="ignore"):
        mean, recall = total / count, hits / count
    return HeatMap(tuple(lengths), tuple(depths), mean, recall, len({row["needle"] for row in asked.values()}))


def draw(path: str | Path, found: HeatMap, *, title: str) -> None:
    """Draw a heat map, lengths to the right, depths downwards, as PNG, SVG or PDF by the path's ending.

    Raises:
        TFGroundingError: matplotlib is not installed. DatasetError: the file cannot be written.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise TFGroundingError("drawing needs matplotlib: pip install 'tfgrounding[plot]'") from error
    rows, columns = found.iou.shape
    figure = Figure(figsize=(2.2 + 0.85 * columns, 1.6 + 0.36 * rows), layout="constrained")
    axes = figure.subplots()
    image = axes.imshow(found.iou, cmap="viridis", vmin=0, vmax=1, aspect="auto")
    for (row, column), value in np.ndenumerate(found.iou):
        if not np.isnan(value):
            shade = "white" if value < 0.6 else "black"
            axes.text(column, row, f"{value:.2f}", ha="center", va="center", color=shade, fontsize=8)
    axes.set_xticks(range(columns), [f"{length:g}" for length in found.lengths_seconds])
    axes.set_yticks(range(rows), [f"{depth:.0%}" for depth in found.depths])
    axes.set_xticks(np.arange(columns + 1) - 0.5, minor=True)
    axes.set_yticks(np.arange(rows + 1) - 0.5, minor=True)
    axes.grid(which="minor", color="white", linewidth=1.5)
    axes.tick_params(which="both", length=0)
    axes.spines[:].set_visible(False)
    axes.set_xlabel("length of the video (s)")
    axes.set_ylabel("depth of the needle")
    axes.set_title(title, fontsize=10, loc="left")
    bar = figure.colorbar(image, ax=axes, label="mean IoU of the top answer")
    bar.outline.set_visible(False)
    try:
        figure.savefig(str(path), dpi=160)
    except (OSError, ValueError) as error:
        raise DatasetError(f"{path}: the heat map cannot be written ({error})") from error


def _pictures(stack: Haystack) -> Iterator[np.ndarray]:
    """The (H, W, 3) pictures of a haystack at RATE_HZ."""
    before = round(stack.start_seconds * RATE_HZ)
    inside = round(stack.end_seconds * RATE_HZ) - before
    after = round(stack.length_seconds * RATE_HZ) - before - inside
    hay = _endless(stack.hay)
    for _ in range(before):
        yield next(hay)
    needle = list(_clip_pictures(stack.needle))
    for k in range(inside):
        yield needle[min(k, len(needle) - 1)]
    for _ in range(after):
        yield next(hay)


def _endless(clips: Sequence[Clip]) -> Iterator[np.ndarray]:
    while True:
        for clip in clips:
            yield from _clip_pictures(clip)


def _clip_pictures(clip: Clip) -> Iterator[np.ndarray]:
    width, height = SIZE
    info: VideoInfo = probe(clip.path)
    scale = min(width / info.width, height / info.height)
    inner = max(2, round(info.height * scale)), max(2, round(info.width * scale))
    top, left = (height - inner[0]) // 2, (width - inner[1]) // 2
    for chunk in iter_frames(clip.path, rate_hz=RATE_HZ, size=inner):
        for picture in chunk.pixels:
            framed = np.zeros((height, width, 3), dtype=np.uint8)
            framed[top : top + inner[0], left : left + inner[1]] = picture
            yield framed


def _write_video(path: Path, pictures: Iterator[np.ndarray]) -> None:
    import av

    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=RATE_HZ)
        stream.width, stream.height, stream.pix_fmt = *SIZE, "yuv420p"
        stream.options, stream.time_base = dict(ENCODING), Fraction(1, RATE_HZ)
        for number, picture in enumerate(pictures):
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, RATE_HZ)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
