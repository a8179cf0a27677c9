"""The door every data set stands behind: an annotation file in, samples and its unusable rows out."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from importlib import import_module
from pathlib import Path
from typing import Any

from ...errors import DatasetError, PlanError
from ...types import Plan, SubEvent


@dataclass(frozen=True, slots=True)
class Sample:
    """One query about one video, and when its event really happens.

    `qid`: unique within the data set, a number or a text as its file writes it. `video`: the video's name there, with
    or without the file's ending. `truths`: (start, end) in seconds as annotated, so an end may lie after the video's.
    `duration_seconds`: as annotated, None where the file does not tell. `relation`: annotated, "" where it is not.
    `plan`: a ready plan where the file has one. `relevant_clips`, `saliency`: QVHighlights' numbers of the 2-second
    clips that matter and three raters' 0-4 for each. `where`: file and line.
    """

    qid: int | str
    video: str
    query: str
    truths: tuple[tuple[float, float], ...]
    duration_seconds: float | None = None
    relation: str = ""
    plan: Plan | None = None
    relevant_clips: tuple[int, ...] = ()
    saliency: tuple[tuple[float, ...], ...] = ()
    where: str = ""


@dataclass(frozen=True, slots=True)
class BadRow:
    """A row of an annotation file that is no sample: where it stands and what is wrong with it."""

    where: str
    reason: str


@dataclass(frozen=True, slots=True)
class Dataset:
    """What an annotation file holds, every row accounted for: `samples`, and in `bad` those that are none.

    `stride_frames` and `longest_share` are the window grid of TFVTG's authors for this data set (at 3 Hz; the longest
    window as a share of the video), None where they give none.
    """

    name: str
    files: tuple[str, ...]
    samples: tuple[Sample, ...]
    bad: tuple[BadRow, ...]
    stride_frames: int | None = None
    longest_share: float | None = None

    def __len__(self) -> int:
        return len(self.samples)

    def __repr__(self) -> str:
        videos = len({sample.video for sample in self.samples})
        return f"Dataset({self.name}, {len(self.samples)} queries, {videos} videos, {len(self.bad)} bad rows)"


@dataclass(slots=True)
class Rows:
    """Gathers the rows of one data set; a row that is no sample is kept as a BadRow, never dropped."""

    samples: list[Sample] = field(default_factory=list)
    bad: list[BadRow] = field(default_factory=list)
    _seen: dict[int | str, str] = field(default_factory=dict)

    def add(
        self,
        where: str,
        *,
        qid: Any,
        video: Any,
        query: Any,
        truths: Any,
        duration_seconds: Any = None,
        relation: Any = "",
        plan: Any = None,
        relevant_clips: Any = (),
        saliency: Any = (),
    ) -> None:
        """Check one row, as read from the file, and keep it as a Sample or, with the reason, as a BadRow."""
        try:
            qid = _qid(qid)
            if qid in self._seen:
                raise ValueError(f"qid {qid!r} is taken already, by {self._seen[qid]}")
            clips = tuple(_number(clip, "a relevant clip id") for clip in relevant_clips or ())
            ratings = tuple(tuple(_number(r, "a saliency score") for r in raters) for raters in saliency or ())
            if len(ratings) != len(clips):
                raise ValueError(f"{len(clips)} relevant clips with {len(ratings)} saliency scores")
            sample = Sample(
                qid=qid,
                video=_text(video, "the video's name"),
                query=_utf8(_text(query, "the query")),
                truths=_truths(truths),
                duration_seconds=_duration(duration_seconds),
                relation=relation if isinstance(relation, str) else "",
                plan=None if plan is None else _plan(query, plan),
                relevant_clips=tuple(int(clip) for clip in clips),
                saliency=ratings,
                where=where,
            )
        except (ValueError, TypeError, PlanError) as error:
            self.reject(where, str(error))
        else:
            self._seen[sample.qid] = where
            self.samples.append(sample)

    def reject(self, where: str, reason: str) -> None:
        """Keep a row that could not even be read."""
        self.bad.append(BadRow(where, reason))


DATASETS: dict[str, str] = {  # name: module; each module says where its data comes from and has a `read`
    "activitynet": "activitynet",
    "charades-cd": "charades",
    "charades-cg": "charades",
    "charades-sta": "charades",
    "jsonl": "own",
    "qvhighlights": "qvhighlights",
    "uca": "uca",
}


def load_dataset(name: str, *files: str | Path) -> Dataset:
    """Read the annotations of a data set; nothing is downloaded.

    Args:
        name: one of DATASETS, or the path of an annotation file whose layout is then told by its content.
        files: the annotation files of a data set that is called by its name.

    Returns:
        A Dataset whose samples stand in the order of the files.

    Raises:
        DatasetError: no such data set, a missing file, or one that is not laid out like this.
    """
    if name not in DATASETS:
        if files or not Path(name).exists():
            raise DatasetError(
                f"{name!r} is neither a data set nor an annotation file; choose {', '.join(sorted(DATASETS))}, or the "
                "path of a .jsonl, .json or .txt file"
            )
        name, files = _layout_of(Path(name)), (name,)
    module = import_module(f".{DATASETS[name]}", __package__)
    if not files:
        raise DatasetError(
            f"{name} needs its annotation file, and nothing is downloaded (--annotations FILE): {module.SOURCE}"
        )
    rows = Rows()
    module.read(rows, [Path(file) for file in files])
    return Dataset(
        name,
        tuple(str(file) for file in files),
        tuple(rows.samples),
        tuple(rows.bad),
        module.STRIDE_FRAMES,
        module.LONGEST_SHARE,
    )


def read_text(path: Path) -> str:
    """A file's text; bytes that are not UTF-8 stay in it as lone surrogates, which name files but are no query.

    Raises:
        DatasetError: there is no such file, or it cannot be read.
    """
    try:
        return path.read_bytes().decode("utf-8-sig", errors="surrogateescape")
    except OSError as error:
        raise DatasetError(f"{path}: the annotations cannot be read ({error.strerror})") from error


def read_json_lines(rows: Rows, path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    """(file:line, object) of every line that holds one; the others go to `rows` as bad."""
    for number, line in enumerate(read_text(path).split("\n"), start=1):
        where = f"{path}:{number}"
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except ValueError as error:
            rows.reject(where, f"not JSON ({error})")
            continue
        if isinstance(row, dict):
            yield where, row
        else:
            rows.reject(where, f"not a JSON object but {type(row).__name__}")


def read_captions(rows: Rows, paths: Sequence[Path]) -> None:
    """Read the layout that Charades-STA's, ActivityNet's and UCA's JSON files share.

    {video: {"duration" or "video_duration": seconds, "timestamps": [[s, e], ...], "sentences": [...]}}. The qid is
    "VIDEO#k", k the sentence's place, and "VIDEO#FILE.k" where several files are read as one data set.
    """
    for path in paths:
        text = read_text(path)
        line, place = 1, 0
        for video, entry in _json_object(path, text):
            found = max(text.find(json.dumps(video, ensure_ascii=False), place), place)
            line, place = line + text.count("\n", place, found), found
            where = f"{path}:{line} {video}"
            stamps = entry.get("timestamps") if isinstance(entry, dict) else None
            sentences = entry.get("sentences") if isinstance(entry, dict) else None
            if not isinstance(stamps, list) or not isinstance(sentences, list):
                rows.reject(where, "has no lists called timestamps and sentences")
                continue
            for k in range(max(len(stamps), len(sentences))):
                if k >= len(stamps) or k >= len(sentences):
                    missing = "time" if k >= len(stamps) else "sentence"
                    rows.reject(f"{where}[{k}]", f"{len(sentences)} sentences, {len(stamps)} times: no {missing} here")
                    continue
                rows.add(
                    f"{where}[{k}]",
                    qid=f"{video}#{k}" if len(paths) == 1 else f"{video}#{path.stem}.{k}",
                    video=video,
                    query=sentences[k],
                    truths=[stamps[k]],
                    duration_seconds=entry.get("duration", entry.get("video_duration")),
                )


def in_order(dataset: Dataset, *, offset: int = 0, limit: int | None = None, seed: int | None = None) -> Dataset:
    """`limit` samples of a data set from `offset` on, in the file's order or, with a seed, in a shuffled one."""
    import numpy as np

    samples = list(dataset.samples)
    if seed is not None:
        samples = [samples[i] for i in np.random.default_rng(seed).permutation(len(samples))]
    end = None if limit is None else offset + limit
    return replace(dataset, samples=tuple(samples[offset:end]))


def _json_object(path: Path, text: str) -> list[tuple[str, Any]]:
    """The top-level pairs of a JSON object, those of a repeated key included."""
    pairs: list[tuple[str, Any]] = []

    def keep(found: list[tuple[str, Any]]) -> dict[str, Any]:
        nonlocal pairs
        pairs = found  # the outermost object is closed last
        return dict(found)

    try:
        whole = json.loads(text, object_pairs_hook=keep)
    except ValueError as error:
        raise DatasetError(f"{path}: not JSON ({error})") from error
    if not isinstance(whole, dict):
        raise DatasetError(f"{path}: must hold one JSON object with a key for each video, not a {type(whole).__name__}")
    return pairs


def _layout_of(path: Path) -> str:
    text = read_text(path)
    first = next((line for line in text.split("\n") if line.strip()), "")
    if path.suffix == ".jsonl":
        return "qvhighlights" if '"saliency_scores"' in first else "jsonl"
    if path.suffix == ".json":
        video = (re.search(r'"([^"]+)"', text) or [""] * 2)[1]
        return "activitynet" if video.startswith("v_") else "uca" if video.endswith("_x264") else "charades-sta"
    if "##" in first:
        return "uca" if ":" in first.split("##")[0] else "charades-sta"
    raise DatasetError(
        f"{path}: its layout is not known; say which data set it is: {', '.join(sorted(DATASETS))} with --annotations"
    )


def _qid(value: Any) -> int | str:
    if isinstance(value, bool) or not isinstance(value, int | str) or value == "":
        raise ValueError(f"the qid must be a number or a text, not {value!r}")
    return value


def _text(value: Any, what: str) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"{what} must be a text that is not empty, not {value!r}")
    return value.strip()


def _utf8(text: str) -> str:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise ValueError("the query is not UTF-8") from error
    return text


def _number(value: Any, what: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"{what} must be a finite number, not {value!r}")
    return value


def _truths(value: Any) -> tuple[tuple[float, float], ...]:
    if not isinstance(value, list | tuple) or not value:
        raise ValueError("there is no [start, end] to compare an answer with")
    truths = []
    for pair in value:
        if not isinstance(pair, list | tuple) or len(pair) != 2:
            raise ValueError(f"a moment must be [start, end] in seconds, not {pair!r}")
        start, end = (_number(second, "a moment's time") for second in pair)
        if start < 0 or end <= start:
            raise ValueError(f"a moment must have 0 <= start < end, not [{start}, {end}]")
        truths.append((float(start), float(end)))
    return tuple(truths)


def _duration(value: Any) -> float | None:
    if value is None:
        return None
    if _number(value, "the duration") <= 0:
        raise ValueError(f"the duration must be above 0 seconds, not {value}")
    return float(value)


def _plan(query: str, value: Any) -> Plan:
    if not isinstance(value, dict):
        raise ValueError(f"the plan must be an object, not {value!r}")
    return Plan(
        query.strip(),
        paraphrases=tuple(value.get("paraphrases", ())),
        sub_events=tuple(SubEvent(tuple(texts)) for texts in value.get("sub_events", ())),
        relation=value.get("relation", "single-query"),
        source="annotations",
    )
