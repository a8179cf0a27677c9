"""Makes the videos of a needle test, and the annotation file that says where each needle is."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np

from ...errors import DatasetError
from ...media import iter_frames, probe
from .clips import RATE_HZ, Clip, Haystack

logger = logging.getLogger(__name__)

SIZE = (320, 240)  # width, height of the videos that are made; clips are fitted in, black around
ENCODING: dict[str, object] = {"crf": "23", "preset": "veryfast"}


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
    """The pictures of the clips, over and over; a clip that turns out to be damaged is left out from there on."""
    usable = list(clips)
    while usable:
        for clip in list(usable):
            try:
                yield from _clip_pictures(clip)
            except Exception as error:  # a file may make any library fail in any way
                logger.warning("left out: %s", error)
                usable.remove(clip)
    raise DatasetError("none of the clips around the needle can be decoded")


def _clip_pictures(clip: Clip) -> Iterator[np.ndarray]:
    width, height = SIZE
    info = probe(clip.source)
    scale = min(width / info.width, height / info.height)
    inner = max(2, round(info.height * scale)), max(2, round(info.width * scale))
    top, left = (height - inner[0]) // 2, (width - inner[1]) // 2
    for chunk in iter_frames(clip.source, rate_hz=RATE_HZ, size=inner):
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
