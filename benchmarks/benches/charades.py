"""Charades-STA's queries on stored curves, and what becomes of the curves at other rates of pictures."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from tfgrounding.localizers.ground_curves import query_curves
from tfgrounding.types import Plan, SubEvent

from .bench import Bench


@dataclass(frozen=True)
class Case:
    """A query with its plan, its curves by text, the features of its video, and its truth."""

    video: str
    sentence: str
    duration_seconds: float
    truth: list[float]
    plan: Plan
    curves: dict[str, np.ndarray]
    features: np.ndarray
    pts_seconds: np.ndarray | None = None

    @property
    def samples(self) -> int:
        return len(self.curves[self.plan.query])


def read_cases(folder: Path) -> list[Case]:
    """The cases of a folder with cases.jsonl, curves.npz and features.npz."""
    stored = np.load(folder / "curves.npz")
    values, offsets = stored["values"].astype(np.float64), stored["offsets"]
    features = {video: vectors.astype(np.float32) for video, vectors in np.load(folder / "features.npz").items()}
    rows = [json.loads(line) for line in (folder / "cases.jsonl").read_text(encoding="utf-8").splitlines()]
    return [_case(row, lambda k: values[offsets[k] : offsets[k + 1]], features[row["video"]]) for row in rows]


def _case(row: dict[str, Any], curve: Callable[[int], np.ndarray], features: np.ndarray) -> Case:
    curves, groups = {"query": curve(row["query_curve"])}, []
    for g, group in enumerate(row["groups"]):
        names = tuple(f"{g}.{i} {text['text']}" for i, text in enumerate(group))  # a text may come twice
        curves |= {name: curve(text["curve"]) for name, text in zip(names, group, strict=True)}
        groups.append(names)
    sub_events = tuple(SubEvent(names) for names in groups[1:])
    plan = Plan("query", groups[0], sub_events, row["relationship"] if sub_events else "single-query")
    return Case(row["video"], row["query"], row["duration"], row["truth"], plan, curves, features)


def charades_bench(name: str, group: str, cases: list[Case]) -> Bench:
    queries = [
        query_curves(
            case.curves,
            case.plan,
            duration_seconds=case.duration_seconds,
            pts_seconds=case.pts_seconds,
            features=case.features,
        )
        for case in cases
    ]
    return Bench(
        name=name,
        group=group,
        queries=queries,
        truths=[[case.truth] for case in cases],
        durations_seconds=np.array([case.duration_seconds for case in cases]),
        videos=[case.video for case in cases],
        sentences=[case.sentence for case in cases],
    )


def clip_b32_benches(folder: Path) -> list[Bench]:
    """The curves of ViT-B/32 at 3 Hz, their features at 1 Hz brought to them in two ways, and the same at 1 Hz.

    The curves are interpolated from vectors at whole seconds. Features are spread evenly over the samples, as in the
    figures published with the data, which puts them up to half a second late. "held" is a video whose picture changes
    once a second: curves and features are those of the last whole second.
    """
    cases = read_cases(folder)
    variants: dict[str, Callable[[Case], Case]] = {
        "B/32": lambda case: replace(case, features=_at(case.features, _spread(case))),
        "B/32, features repeated": lambda case: replace(
            case, features=_at(case.features, np.floor(_spread(case) + 0.5))
        ),
        "B/32, pictures held 1 s": _held,
        "B/32, 1 Hz": _once_a_second,
    }
    benches = []
    for name, change in variants.items():
        changed: dict[str, np.ndarray] = {}  # one array for all queries of a video
        made = []
        for case in cases:
            new = change(case)
            made.append(replace(new, features=changed.setdefault(case.video, new.features)))
        benches.append(charades_bench(name, "B/32", made))
    return benches


def _spread(case: Case) -> np.ndarray:
    """(T,) where each sample lies among the features, counted from the first one's centre."""
    return (np.arange(case.samples) + 0.5) * len(case.features) / case.samples - 0.5


def _at(values: np.ndarray, places: np.ndarray) -> np.ndarray:
    """(T, ...) values at fractional indices, by linear interpolation."""
    places = np.clip(places, 0, len(values) - 1)
    first = places.astype(np.int64)
    second = np.minimum(first + 1, len(values) - 1)
    share = (places - first).astype(values.dtype).reshape(-1, *[1] * (values.ndim - 1))
    return values[first] * (1 - share) + values[second] * share


def _seconds(case: Case) -> np.ndarray:
    """(T,) the times of the stored samples."""
    return (np.arange(case.samples) + 0.5) / case.samples * case.duration_seconds


def _once_a_second(case: Case) -> Case:
    """The samples at whole seconds, where the curves are nearly as they were before they were interpolated."""
    pts = np.arange(min(len(case.features), int(np.ceil(case.duration_seconds))), dtype=np.float64)
    curves = {text: np.interp(pts, _seconds(case), curve) for text, curve in case.curves.items()}
    return replace(case, curves=curves, features=case.features[: len(pts)], pts_seconds=pts)


def _held(case: Case) -> Case:
    slow = _once_a_second(case)
    last = np.minimum(_seconds(case).astype(np.int64), len(slow.features) - 1)
    return replace(
        case, curves={text: curve[last] for text, curve in slow.curves.items()}, features=slow.features[last]
    )
