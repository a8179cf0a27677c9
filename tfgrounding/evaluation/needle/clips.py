"""Which clip is hidden in which others: every needle, in haystacks of every length, at every depth."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from ...errors import DatasetError
from ...media import AnySource, probe
from ..datasets.text import parse_json, read_text
from ..files import videos_in

logger = logging.getLogger(__name__)

RATE_HZ = 12  # pictures a second of the videos that are made
LONGEST_SECONDS = 6 * 3600  # every video is made whole, and encoded: 260,000 pictures for each needle and depth
LENGTHS_SECONDS = (20.0, 40.0, 80.0, 160.0, 320.0)
DEPTHS = 12
CAPTIONS = "captions.jsonl"


@dataclass(frozen=True, slots=True)
class Clip:
    """A video of the folder, and what happens in it ("" where nobody said). `source` is what to open it from."""

    path: str
    seconds: float
    text: str = ""
    source: AnySource = field(default="", repr=False, compare=False)


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


def find_clips(folder: str | Path, *, picture_rate_hz: float | None = None) -> list[Clip]:
    """The clips of a folder, with the texts of its captions.jsonl where there is one. What cannot be read is left out.

    Args:
        folder: holds videos and, optionally, captions.jsonl with {"file": name, "text": what happens} a line.
        picture_rate_hz: given, folders of pictures in it are clips too, of so many pictures a second.

    Raises:
        DatasetError: no such folder, fewer than two readable clips, or captions that cannot be read.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise DatasetError(f"{folder}: there is no such folder")
    texts = _captions(folder / CAPTIONS) if (folder / CAPTIONS).exists() else {}
    clips = []
    for path, source in videos_in(folder, picture_rate_hz=picture_rate_hz):
        try:
            clips.append(Clip(str(path), probe(source).duration_seconds, texts.get(path.name, ""), source))
        except Exception as error:  # a file may make any library fail in any way
            logger.warning("left out: %s", error)
    if len(clips) < 2:
        raise DatasetError(f"{folder}: at least two readable videos are needed, there are {len(clips)}")
    return clips


def _captions(path: Path) -> dict[str, str]:
    """{file: what happens in it}"""
    texts: dict[str, str] = {}
    for number, line in enumerate(read_text(path).split("\n"), start=1):
        if line.strip():
            try:
                row = parse_json(line)
                texts[row["file"]] = row["text"].strip()
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                raise DatasetError(f'{path}:{number}: not {{"file": ..., "text": ...}}') from error
    return texts


def only_needle(clips: Sequence[Clip], name: str, text: str) -> list[Clip]:
    """The clips, one of which, named by its file name or path, is the only needle. Raises DatasetError if none is."""
    if not any(_is_called(clip, name) for clip in clips):
        raise DatasetError(f"{name}: no such clip among the {len(clips)} of the folder")
    return [replace(clip, text=text if _is_called(clip, name) else "") for clip in clips]


def _is_called(clip: Clip, name: str) -> bool:
    return name == Path(clip.path).name or (Path(name).exists() and Path(name).samefile(clip.path))


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
        DatasetError: no clip has a text, or a length that the needle and some hay do not fit in or that is too long.
    """
    for length in lengths_seconds:
        if not 0 < length <= LONGEST_SECONDS:
            raise DatasetError(
                f"a video of {length:g} s cannot be made: each is written and encoded whole, and may be up to "
                f"{LONGEST_SECONDS} s long"
            )
    random = np.random.default_rng(seed)
    described = [clip for clip in clips if clip.text]
    if not described:
        raise DatasetError(f"no video has a query: give --needle and --query, or write {CAPTIONS}")
    order = random.permutation(len(described))[:needles]
    haystacks = []
    for number, needle in enumerate(described[i] for i in sorted(order)):
        others = [clip for clip in clips if clip.path != needle.path]
        hay = tuple(others[i] for i in random.permutation(len(others)))
        needle_frames = max(1, round(needle.seconds * RATE_HZ))
        for length in lengths_seconds:
            free = round(length * RATE_HZ) - needle_frames
            if free <= 0:
                raise DatasetError(f"{needle.path} ({needle.seconds:.1f} s) cannot be hidden in {length:g} s")
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
