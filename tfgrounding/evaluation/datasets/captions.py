"""The JSON layout that Charades-STA, ActivityNet Captions, UCA and TACoS share: a key for each video."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ...errors import DatasetError
from .frames import divided, doubt, has_rate, length_seconds, share_in_frames
from .samples import Rows, shown
from .text import read_text

MOST_MISSES = 100  # keys that are looked for in the text in vain, for the line that they are on


def read_captions(rows: Rows, paths: Sequence[Path]) -> None:
    """Read {video: {"duration" or "video_duration": seconds, "timestamps": [[s, e], ...], "sentences": [...]}}.

    The qid is "VIDEO#k", k the sentence's place, and "VIDEO#FILE.k" where several files are read as one data set.
    TACoS gives its times in frames, beside "fps" and "num_frames": they are divided. Where it cannot be known whether
    times beside "fps" are frames or seconds, the rows are bad. Without "timestamps" the queries are not scored.
    """
    for path in paths:
        text = read_text(path)
        pairs = _json_object(path, text)
        in_frames = share_in_frames(entry for _, entry in pairs) > 0.5
        if in_frames:
            rows.notes.append(f"{path}: its times are frames; they were divided by fps")
        line, place, misses = 1, 0, 0
        for video, entry in pairs:
            found = text.find(json.dumps(video, ensure_ascii=False), place) if misses < MOST_MISSES else -1
            misses += found < 0
            line, place = line + text.count("\n", place, max(found, place)), max(found, place)
            where = f"{path}:{line} {shown(video)[1:-1]}"
            qid = video if len(paths) == 1 else f"{video}#{path.stem}"
            _add_video(rows, where, video, entry, qid + ("#" if len(paths) == 1 else "."), in_frames)


def _add_video(rows: Rows, where: str, video: str, entry: Any, qid: str, in_frames: bool) -> None:
    sentences = entry.get("sentences") if isinstance(entry, dict) else None
    stamps = entry.get("timestamps") if isinstance(entry, dict) else None
    if not isinstance(sentences, list) or not isinstance(stamps, list | None):
        keys = f"the keys {shown(list(entry))}" if isinstance(entry, dict) else type(entry).__name__
        rows.reject(where, f"has no lists called timestamps and sentences, but {keys}")
        return
    times = [None] * len(sentences) if stamps is None else stamps
    for k in range(max(len(sentences), len(times))):
        if k >= len(sentences) or k >= len(times):
            missing = "sentence" if k >= len(sentences) else "time"
            rows.reject(f"{where}[{k}]", f"{len(sentences)} sentences, {len(times)} times: no {missing} here")
            continue
        truths = None if stamps is None else [times[k]]
        if truths and in_frames and has_rate(entry):
            truths = [divided(times[k], entry["fps"])]
        elif truths and (problem := doubt(entry, times[k])):
            rows.reject(f"{where}[{k}]", problem)
            continue
        rows.add(
            f"{where}[{k}]",
            qid=f"{qid}{k}",
            video=video,
            query=sentences[k],
            truths=truths,
            duration_seconds=length_seconds(entry),
        )


def _json_object(path: Path, text: str) -> list[tuple[str, Any]]:
    """The top-level pairs of a JSON object, those of a repeated key included."""
    pairs: list[tuple[str, Any]] = []

    def keep(found: list[tuple[str, Any]]) -> dict[str, Any]:
        nonlocal pairs
        pairs = found  # the outermost object is closed last
        return dict(found)

    try:
        whole = json.loads(text, object_pairs_hook=keep)
    except (ValueError, RecursionError) as error:
        why = "nested too deep" if isinstance(error, RecursionError) else error
        raise DatasetError(f"{path}: not JSON ({why})") from error
    if not isinstance(whole, dict):
        raise DatasetError(
            f"{path}: must hold one JSON object with a key for each video, not a {type(whole).__name__}; rows of your "
            'own may be {"vid", "query", "relevant_windows"} objects, one a line in a .jsonl file'
        )
    return pairs
