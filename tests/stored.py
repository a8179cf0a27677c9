"""The stored cases beside this checkout: curves, real plans, and what TFVTG's public program answered on them."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tfgrounding.types import Plan, SubEvent

SHARED = Path(__file__).resolve().parent.parent.parent / "shared"


@dataclass
class Case:
    """`curves`: {text: (T,) float32}. [start, end, confidence]: `ranked` with the plan, `alone` without one."""

    name: str
    curves: dict[str, np.ndarray]
    plan: Plan
    duration_seconds: float
    truth: tuple[float, float]
    ranked: np.ndarray
    alone: np.ndarray


def cases(folder: str) -> Iterator[Case]:
    stored = np.load(SHARED / folder / "curves.npz")
    values, offsets = stored["values"].astype(np.float32), stored["offsets"]
    for line in (SHARED / folder / "cases.jsonl").open():
        case = json.loads(line)
        number = {case["query"]: case["query_curve"]}
        number |= {text["text"]: text["curve"] for group in case["groups"] for text in group}
        own, *events = [[text["text"] for text in group] for group in case["groups"]]
        yield Case(
            name=f"{folder}: {case['video']}, {case['query']}",
            curves={text: values[offsets[k] : offsets[k + 1]] for text, k in number.items()},
            plan=Plan(case["query"], tuple(own), tuple(SubEvent(tuple(e)) for e in events), case["relationship"]),
            duration_seconds=case["duration"],
            truth=tuple(case["truth"]),
            ranked=np.array(case["expect_ranked"]),
            alone=np.array(case["expect_query_proposals"])[:, :3],
        )
