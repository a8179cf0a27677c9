"""Two runs on the same queries, side by side: by how much they differ, how sure that is, and where."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ..errors import DatasetError
from .metrics import Paired, overlaps, paired_difference, per_query
from .results import Row

DURATION_SECONDS = (30, 60, 120, 300)  # borders of the groups, each including its upper one
MOMENT_SECONDS = (3, 6, 10, 30)
WORST = 20
FEWEST_VIDEOS = 6  # from which on an interval is printed: with 5, no sign test could reach p < 0.05


@dataclass(frozen=True, slots=True)
class Compared:
    """One line of a comparison: both runs' means in percent, and B − A."""

    first: float
    second: float
    paired: Paired


@dataclass(frozen=True, slots=True)
class Worst:
    """A query that B answers worse than A: both rows as in the files, and their top answers' IoU."""

    first: Row
    second: Row
    first_iou: float
    second_iou: float


@dataclass(frozen=True, slots=True)
class Comparison:
    """What `compare` returns; `text()` is for people, `to_dict()` plain JSON.

    `overall`: {metric: Compared}. `groups`: {"duration": {"30-60 s": Compared of mIoU, ...}, "moment length": ...,
    "relation": ...}. `worst`: at most twenty, the largest loss first. `only_first`, `only_second`: queries of one run
    only, which are left out.
    """

    names: tuple[str, str]
    overall: dict[str, Compared]
    groups: dict[str, dict[str, Compared]]
    worst: tuple[Worst, ...]
    only_first: int
    only_second: int

    def to_dict(self) -> dict[str, Any]:
        """The whole comparison as plain JSON types."""
        return {
            "first": self.names[0],
            "second": self.names[1],
            "overall": {name: asdict(line) for name, line in self.overall.items()},
            "groups": {name: {key: asdict(line) for key, line in group.items()} for name, group in self.groups.items()},
            "worst": [
                {
                    "qid": one.first["qid"],
                    "vid": one.first["vid"],
                    "query": one.first["query"],
                    "relevant_windows": one.first["relevant_windows"],
                    "first": one.first["pred_relevant_windows"][:1],
                    "second": one.second["pred_relevant_windows"][:1],
                    "first_iou": one.first_iou,
                    "second_iou": one.second_iou,
                }
                for one in self.worst
            ],
            "only_first": self.only_first,
            "only_second": self.only_second,
        }

    def text(self) -> str:
        """The comparison for a terminal."""
        lines = [f"A = {self.names[0]}", f"B = {self.names[1]}"]
        if self.only_first or self.only_second:
            lines.append(f"left out: {self.only_first:,} queries only in A, {self.only_second:,} only in B")
        for title, group in (("all queries", self.overall), *((f"mIoU by {n}", g) for n, g in self.groups.items())):
            lines += ["", f"{title:<24}{'n':>7}{'A':>8}{'B':>8}{'B - A':>8}{'95 %':>16}{'p':>8}"]
            for name, line in group.items():
                interval = f"{line.paired.low * 100:+.2f} {line.paired.high * 100:+.2f}"
                spread = f"{interval:>16}{line.paired.p_value:>8.4f}"
                if line.paired.videos < FEWEST_VIDEOS:
                    spread = f"{'too few videos':>24}"
                lines.append(
                    f"{name:<24}{line.paired.queries:>7,}{line.first:>8.2f}{line.second:>8.2f}"
                    f"{line.paired.difference * 100:>+8.2f}{spread}"
                )
        if self.worst:
            lines += ["", f"where B loses most{'IoU A':>12}{'IoU B':>8}"]
            lines += [
                f"{one.first['vid'][:20]:<22}{one.first_iou:>8.2f}{one.second_iou:>8.2f}  {one.first['query']}"
                for one in self.worst
            ]
        return "\n".join(lines).encode("utf-8", "backslashreplace").decode()


def compare(
    first: Mapping[int | str, Row],
    second: Mapping[int | str, Row],
    *,
    names: tuple[str, str] = ("A", "B"),
    seed: int = 0,
) -> Comparison:
    """Compare two runs query by query.

    Args:
        first, second: result rows by qid, as `read_results` returns them.
        names: what to call the two.
        seed: of the bootstrap and the permutations.

    Returns:
        A Comparison of B with A over the queries that both have; intervals are over videos.

    Raises:
        DatasetError: they share no query, or disagree about a query's truth.
    """
    shared = [qid for qid in first if qid in second]
    if not shared:
        raise DatasetError(f"{names[0]} and {names[1]} have no query in common")
    for qid in shared:
        if first[qid].get("relevant_windows") != second[qid].get("relevant_windows"):
            raise DatasetError(
                f"{names[0]} and {names[1]} disagree about when {qid!r} happens: they are different data"
            )
    shared = [qid for qid in shared if first[qid].get("relevant_windows")]
    if not shared:
        raise DatasetError(f"{names[0]} has no relevant_windows to compare answers with")
    truths = [first[qid]["relevant_windows"] for qid in shared]
    videos = [first[qid]["vid"] for qid in shared]
    sides = [overlaps([run[qid]["pred_relevant_windows"] for qid in shared], truths) for run in (first, second)]
    a, b = (per_query(overlap) for overlap in sides)

    def line(name: str, chosen: Sequence[int]) -> Compared:
        mine, theirs = a[name][chosen], b[name][chosen]
        paired = paired_difference(mine, theirs, [videos[i] for i in chosen], seed=seed)
        return Compared(float(mine.mean()) * 100, float(theirs.mean()) * 100, paired)

    def grouped(key: Callable[[Row], str]) -> dict[str, Compared]:
        keys = [key(first[qid]) for qid in shared]
        return {
            name: line("mIoU", [i for i, found in enumerate(keys) if found == name])
            for name in sorted(set(keys), key=_order)
        }

    loss = b["mIoU"] - a["mIoU"]
    worst = [i for i in np.argsort(loss, kind="stable")[:WORST] if loss[i] < 0]
    return Comparison(
        names=names,
        overall={name: line(name, list(range(len(shared)))) for name in a if name in b},
        groups={
            "duration": grouped(lambda row: _range(row.get("duration"), DURATION_SECONDS)),
            "moment length": grouped(lambda row: _range(_moment_seconds(row), MOMENT_SECONDS)),
            "relation": grouped(lambda row: row.get("relation") or "unknown"),
        },
        worst=tuple(
            Worst(first[shared[i]], second[shared[i]], float(a["mIoU"][i]), float(b["mIoU"][i])) for i in worst
        ),
        only_first=sum(qid not in second for qid in first),
        only_second=sum(qid not in first for qid in second),
    )


def _moment_seconds(row: Row) -> float:
    return float(np.mean([end - start for start, end in row["relevant_windows"]])) if row["relevant_windows"] else 0.0


def _range(seconds: float | None, borders: Sequence[int]) -> str:
    if seconds is None:
        return "unknown"
    for low, high in zip((0, *borders), borders, strict=False):
        if seconds <= high:
            return f"{low}-{high} s"
    return f"over {borders[-1]} s"


def _order(name: str) -> tuple[bool, int, str]:
    """Ranges by their lower border, the open one after them; other names by the alphabet."""
    low = name.split("-")[0]
    return (not low.isdigit(), int(low) if low.isdigit() else 0, name)
